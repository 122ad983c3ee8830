"""Over whose mobile network each made device speaks: three made-up carriers, the largest of which has more than half of them."""

from collections.abc import Iterable
from typing import Final

from safetynet.core.terms import DeviceId

SHARES: Final = (("가상통신 가", 13), ("가상통신 나", 7), ("가상통신 다", 4))
"""Of each 24 devices. Enough on the largest that its outage is known for one in a demo (`OUTAGE_MEMBERS_MIN`)."""
_SLOTS: Final = tuple(name for name, share in SHARES for _ in range(share))
_STEP: Final = 7
"""Without a common divisor with the slots: neighbours in the list are customers of different ones."""


def of(devices: Iterable[DeviceId]) -> dict[DeviceId, str]:
    """The same for the same devices, whatever their order."""
    return {each: _SLOTS[n * _STEP % len(_SLOTS)] for n, each in enumerate(sorted(devices))}
