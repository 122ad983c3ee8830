"""For all tests: a property is asked for its truth. How long one example takes on a busy machine is no part of it.

`make test` asks the same examples each time, so that a commit is green or red for everybody; `make fuzz` searches for new ones, and
what it finds becomes an `@example` of its test.
"""

import os

from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
