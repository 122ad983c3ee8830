"""Which alarms a signal may heal: never one that says somebody touched the device, never a call for help."""

import pytest

from safetynet.core import alarms
from safetynet.core.terms import AlarmKind

NEVER = {AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER, AlarmKind.SOS, AlarmKind.PROTECTED_SOS, AlarmKind.JAMMING}


@pytest.mark.parametrize("kind", list(AlarmKind))
def test_only_what_positions_and_silence_said_heals(kind):
    assert alarms.heals(kind) is (kind not in NEVER)
