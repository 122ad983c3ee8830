"""Where may the person be now: a belief over the roads, fed by fixes, by what people see and by what they do not.

`model` says how people move; `views` what cameras show; `belief` is the arithmetic; `evidence` what each word is worth;
`search` one pursuit in order of time; `choosing` which views to show, and why.

Absent on purpose: who may see them (`grants`), who is sent (`dispatch`).
"""
