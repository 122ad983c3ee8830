"""For all tests: a property is asked for its truth. How long one example takes on a busy machine is no part of it.

`make test` asks the same examples each time, so that a commit is green or red for everybody; `make fuzz` searches for new ones, and
what it finds becomes an `@example` of its test.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # where every test finds `ports`

settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, a file stays whole (it shares programs and worlds); storms share nothing and fill what is left over."""
    for item in items:
        if item.get_closest_marker("storm") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
