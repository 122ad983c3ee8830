"""What a centre's folder says of it: who it is, where it listens, who its partners are.

Read once at start into frozen values. Nothing here is secret: keys lie in `keys/` (edge.keys).
"""

import os
import signal
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.messages import Role
from safetynet.core.terms import CentreId, DeviceId

FILE: Final = "centre.json"
ADDRESSES: Final = "addresses.json"
CARRIERS: Final = "carriers.json"


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


class DevicePort(msgspec.Struct, frozen=True, kw_only=True):
    """Where devices of one protocol connect over TCP."""

    port: int
    host: str | None = None
    """The centre's own unless said otherwise."""
    networks: tuple[str, ...] = ()
    """From which alone anybody may connect; from anywhere when empty."""
    tls: bool = False
    """With `keys/devices.pem` and `keys/devices.key`; devices show certificates of `keys/devices-ca.pem`, if that is there."""
    zone_min: int | None = None
    """How far ahead of UTC the devices' clocks are, where the protocol's own word about it does not hold."""
    connections_max: int = 20_000
    udp: bool = False
    """Over UDP at the same number too. Nothing that comes that way is proven."""


class HttpPort(msgspec.Struct, frozen=True, kw_only=True):
    """Plain HTTP: TLS stands in front of it, as of the web port."""

    port: int
    host: str | None = None
    connections_max: int = 20_000


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """A broker of MQTT that telephones publish to. Its password, if any, is in `keys/broker.key`."""

    host: str
    port: int = 8883
    user: str | None = None
    tls: bool = True
    own_topics: bool = False
    """The operator's word that the broker lets each device publish under its own topic alone: then that proves it."""


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """Which protocols are spoken, besides those over HTTP on the web port. None unless it stands here."""

    osmand: HttpPort | None = None
    """OsmAnd and OwnTracks over HTTP on a port of their own, for clients whose request line has no path."""
    direct: HttpPort | None = None
    """The same for clients whose request line has one: a third of the cost for each report (`edge.direct`)."""
    gt06: DevicePort | None = None
    teltonika: DevicePort | None = None
    h02: DevicePort | None = None
    jt808: DevicePort | None = None
    owntracks: Broker | None = None


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

    devices: Devices = Devices()
    demo: bool = False
    """Demo accounts and the story panel exist only here; never set by an installation."""


def read(folder: Path) -> Centre:
    """Raises FileNotFoundError without a `centre.json`, msgspec.ValidationError when it is not what it must be."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Centre)


def read_addresses(folder: Path) -> dict[DeviceId, str]:
    """From `addresses.json`: the network ("10.20.0.7/32") out of which alone a device speaks, which proves it."""
    path = folder / ADDRESSES
    return msgspec.json.decode(path.read_bytes(), type=dict[DeviceId, str]) if path.exists() else {}


def read_carriers(folder: Path) -> dict[DeviceId, str]:
    """From `carriers.json`: over whose mobile network a device speaks, so that an outage of one is known for what it is."""
    path = folder / CARRIERS
    return msgspec.json.decode(path.read_bytes(), type=dict[DeviceId, str]) if path.exists() else {}


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
