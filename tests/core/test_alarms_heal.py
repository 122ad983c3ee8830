"""Which alarms a signal may heal: never one that says somebody touched the device, never a call for help."""

import pytest

from safetynet.core import alarms
from safetynet.core.terms import AlarmKind


@pytest.mark.parametrize("kind", list(AlarmKind))
def test_only_leaving_a_zone_and_coming_home_heal(kind):
    assert alarms.heals(kind) is (kind in {AlarmKind.EXCLUSION_ZONE, AlarmKind.CURFEW})
