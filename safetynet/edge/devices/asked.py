"""What devices are to be told: kept until a device is there to hear it, the newest wish of each kind.

It is a wish and no promise: no protocol says for certain that a device did as it was told. What it then reports, or does
not, is judged like anything else.
"""

from collections.abc import Callable
from typing import Final

from safetynet.core.terms import DeviceId
from safetynet.edge.devices.lines import Wish

WISHES_MAX: Final = 2
"""Of one device: one of each kind."""


class Asked:
    """`told` is called when there is something for a device, so that an open connection need not wait to be heard."""

    def __init__(self) -> None:
        self._owed: dict[DeviceId, tuple[Wish, ...]] = {}
        self._listeners: list[Callable[[DeviceId], None]] = []
        self.hearing: set[DeviceId] = set()
        """Devices that were heard last over a way that carries commands back to them."""

    def listen(self, told: Callable[[DeviceId], None]) -> None:
        self._listeners.append(told)

    def ask(self, device: DeviceId, wish: Wish) -> None:
        kept = tuple(each for each in self._owed.get(device, ()) if type(each) is not type(wish))
        self._owed[device] = (*kept, wish)
        assert len(self._owed[device]) <= WISHES_MAX
        for told in self._listeners:
            told(device)

    def take(self, device: DeviceId) -> tuple[Wish, ...]:
        """What is owed to the device, which is there now; it is owed no more."""
        return self._owed.pop(device, ())
