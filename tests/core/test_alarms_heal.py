"""Which alarms a signal may heal: never one that says somebody touched the device, never a call for help."""

import pytest

from safetynet.core import alarms
from safetynet.core.terms import AlarmKind


@pytest.mark.parametrize("kind", list(AlarmKind))
def test_only_leaving_a_zone_heals(kind):
    assert alarms.heals(kind) is (kind is AlarmKind.EXCLUSION_ZONE)
