"""For all tests: a property is asked for its truth. How long one example takes on a busy machine is no part of it."""

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
