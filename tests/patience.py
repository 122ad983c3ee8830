"""How long a test waits for what must come. It says nothing about how quick that is: a busy machine is no fault.

What has a limit of its own in the product (a cut within two seconds, a lease of ten) is held against that limit where it
is measured, by the records' own times or by what came before what.
"""

PATIENCE_S = 60.0
