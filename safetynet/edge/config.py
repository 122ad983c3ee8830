"""What a centre's folder says of it: who it is, where it listens, who its partners are.

Read once at start into frozen values. Nothing here is secret: keys lie in `keys/` (edge.keys).
"""

import os
import signal
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.messages import Role
from safetynet.core.terms import CentreId

FILE: Final = "centre.json"


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """A partner organisation and how it is reached. `area` is its rough outline, (lat, lon) corners, for a city."""

    id: CentreId
    name: str
    role: Role
    host: str
    link_port: int
    relay_port: int | None = None
    area: tuple[tuple[float, float], ...] = ()


class DiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Room on the disk of this folder, in MiB: below `low` video stops, below `scarce` the reserve is given up."""

    low_mib: int = 512
    scarce_mib: int = 192
    reserve_mib: int = 128


class Phones(msgspec.Struct, frozen=True, kw_only=True):
    """The door for telephones, over TLS. `host` is the one address it listens on, and what its certificate names."""

    host: str
    web_port: int
    video_port: int
    """`web_port` + 2, where a page looks for it."""


class Centre(msgspec.Struct, frozen=True, kw_only=True):
    id: CentreId
    name: str
    role: Role
    host: str
    link_port: int
    web_port: int | None = None
    video_port: int | None = None
    """Of the window-facing relay at a control centre, of the centre-facing relay at a city."""
    window_port: int | None = None
    """Of a city's own window-facing relay, through which its people see what the city provides."""
    peers: tuple[Peer, ...] = ()
    area: tuple[tuple[float, float], ...] = ()
    health_port: int | None = None
    """Of the loop's program; not served without one."""
    relay_health_port: int | None = None
    window_health_port: int | None = None
    """Of a city's window-facing relay."""
    health_from: tuple[str, ...] = ()
    """Networks whose machines may ask for health and metrics, besides this machine."""
    disk: DiskLimits = DiskLimits()
    erasures: str | None = None
    """A second place for the list of erasures, on another disk than this folder's."""
    seat_phones: dict[str, str] = {}
    """Telephone number of each seat, for officers who want to speak to who leads."""
    phones: Phones | None = None
    """Officers' and protected persons' telephones; nobody but this machine reaches the pages without it."""
    demo: bool = False
    """Demo accounts and the story panel exist only here; never set by an installation."""


def read(folder: Path) -> Centre:
    """Raises FileNotFoundError without a `centre.json`, msgspec.ValidationError when it is not what it must be."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Centre)


def write(folder: Path, centre: Centre) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(centre)))


def peer(centre: Centre, id: CentreId) -> Peer | None:
    return next((each for each in centre.peers if each.id == id), None)


_failing, _, _nth = os.environ.get("SAFETYNET_FAILPOINT", "").partition(":")
_left = int(_nth or 1)


def failpoint(name: str) -> None:
    """Dies by SIGKILL here when SAFETYNET_FAILPOINT is `name` or `name:nth`. Tests cut the power at each of these."""
    global _left  # noqa: PLW0603 - one countdown for the process
    if name == _failing:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
