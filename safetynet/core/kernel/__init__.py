"""The fast form of the rules: what is ordinary is judged in packed rows by compiled code, the rest by `rules` itself.

`packing.Packed` judges as `rules.judge` does, transition for transition, and keeps the same state, to the bit; `rules` is
the oracle. The compiled code (`judging`, `maths`) only ever says of a fix that nothing comes of it. Importing `packing`
imports numba, and the first call compiles unless a cache has it: the caller decides whether that is worth while.
"""
