"""A city's own folder: its cameras, where their pictures come from, and what is remembered of the list they came from.

`cameras.json` and `sources.json` are what the city's programs read. `edition.msgpack` is for the next import alone: by
it a camera keeps its id. Lists of others are read in `edge.lists` and judged in `core.lists`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from safetynet.core import geo
from safetynet.core.cameras import Camera
from safetynet.core.lists import editions
from safetynet.core.lists.editions import Edition, Optics, Sites
from safetynet.core.terms import CameraId, CentreId, Instant
from safetynet.edge import files
from safetynet.edge.codec import NONSENSE

FILE: Final = "cameras.json"
SOURCES_FILE: Final = "sources.json"
EDITION_FILE: Final = "edition.msgpack"
REGISTRY_CAMERAS_MAX: Final = 2_500_000
"""The whole country's list, 370,000 rows, makes about a million."""
PIECE_CAMERAS: Final = 1_000
RANGE_M_ASSUMED: Final = 60.0
"""No list says how far a camera sees. A person is still seen, if not recognised, by 2 megapixels at 60 m."""


class RegistryInvalidError(Exception):
    """The city's own `cameras.json` or `sources.json` does not hold to its form."""


class CityCameras(msgspec.Struct, frozen=True, kw_only=True):
    """`cameras.json`. `descriptions` is what the list says of a camera's view, for people to read, never to reckon."""

    v: int = 1
    city: CentreId
    cameras: tuple[Camera, ...]
    descriptions: dict[CameraId, str] = {}


# --- the city's folder ---------------------------------------------------------------------------------------------


def write(folder: Path, city: CityCameras) -> None:
    """Refuses (RegistryInvalidError) what `read` would refuse."""
    _hold(city)
    files.write(folder / FILE, msgspec.json.encode(city))


def read_city(folder: Path) -> CityCameras:
    """Raises FileNotFoundError, or RegistryInvalidError when the file is not what it must be."""
    try:
        city = msgspec.json.decode((folder / FILE).read_bytes(), type=CityCameras)
    except NONSENSE as broken:
        raise RegistryInvalidError(f"{FILE}: {broken}") from broken
    _hold(city)
    return city


def read(folder: Path) -> tuple[Camera, ...]:
    """The cameras of the city whose folder this is."""
    return read_city(folder).cameras


def _hold(city: CityCameras) -> None:
    if city.v != 1:
        raise RegistryInvalidError(f"{FILE}: version {city.v} is not known here")
    if len(city.cameras) > REGISTRY_CAMERAS_MAX:
        raise RegistryInvalidError(f"{FILE}: more than {REGISTRY_CAMERAS_MAX} cameras")
    if len({each.id for each in city.cameras}) < len(city.cameras):
        raise RegistryInvalidError(f"{FILE}: a camera id twice")
    for each in city.cameras:
        _hold_camera(each, city.city)


def _hold_camera(each: Camera, city: CentreId) -> None:
    if not geo.in_korea(each.lat, each.lon):
        raise RegistryInvalidError(f"{FILE}: {each.id} is not in Korea")
    if not 0.0 < each.range_m <= 2_000.0:
        raise RegistryInvalidError(f"{FILE}: {each.id} has no plausible range")
    if each.azimuth_deg is not None and not 0.0 <= each.azimuth_deg <= 360.0:
        raise RegistryInvalidError(f"{FILE}: {each.id} has no plausible azimuth")
    if each.view_deg is not None and not 0.0 < each.view_deg <= 360.0:
        raise RegistryInvalidError(f"{FILE}: {each.id} has no plausible view")
    if each.city != city:
        raise RegistryInvalidError(f"{FILE}: {each.id} belongs to {each.city}")


def write_each(folder: Path, city: CentreId, cameras: Iterable[tuple[Camera, str]]) -> None:
    """As `write`, for more cameras than one wants to hold: each with its description. Ids must differ by their making."""
    files.write(folder / FILE, _pieces(city, cameras))


def _pieces(city: CentreId, cameras: Iterable[tuple[Camera, str]]) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    yield b'{"v":1,"city":' + encode(city) + b',"cameras":['
    descriptions = bytearray()
    piece: list[bytes] = []
    count = 0
    for camera, description in cameras:
        _hold_camera(camera, city)
        piece.append(encode(camera))
        if description:
            descriptions += b"," + encode(camera.id) + b":" + encode(description)
        count += 1
        if count > REGISTRY_CAMERAS_MAX:
            raise RegistryInvalidError(f"{FILE}: more than {REGISTRY_CAMERAS_MAX} cameras")
        if len(piece) >= PIECE_CAMERAS:
            yield (b"," if count > len(piece) else b"") + b",".join(piece)
            piece = []
    if piece:
        yield (b"," if count > len(piece) else b"") + b",".join(piece)
    yield b'],"descriptions":{' + bytes(descriptions[1:]) + b"}}"


class _Described(msgspec.Struct, frozen=True):
    descriptions: dict[CameraId, str] = {}


def read_descriptions(folder: Path) -> dict[CameraId, str]:
    """What the list says of cameras' views, for people to read."""
    path = folder / FILE
    return msgspec.json.decode(path.read_bytes(), type=_Described).descriptions if path.exists() else {}


# --- what the next import needs ------------------------------------------------------------------------------------


class _Lens(msgspec.Struct, frozen=True):
    range_m: float
    azimuth_deg: float | None = None
    view_deg: float | None = None
    ptz: bool = False


class _Rough(msgspec.Struct, frozen=True):
    """`cameras.json` without its cameras being made: of a million only the few that were measured are wanted."""

    cameras: list[msgspec.Raw]
    descriptions: msgspec.Raw = msgspec.Raw(b"{}")


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`edition.msgpack`. Columns are little-endian arrays."""

    v: int = 1
    at: Instant
    list_sha256: bytes
    range_m: float
    columns: dict[str, bytes]
    poles: tuple[str, ...]
    retired: tuple[CameraId, ...]


_SITES: Final = {
    "lat": "<f8",
    "lon": "<f8",
    "count": "<i2",
    "number": "<i8",
    "purpose": "<i8",
    "address": "<i8",
    "view": "<i8",
}
_LENSES: Final = {"stands": "<i4", "site": "<i4", "prefix": "<i4", "number": "<i4"}


def write_edition(folder: Path, edition: Edition, *, at: Instant, list_sha256: bytes, range_m: float) -> None:
    columns = {f"sites.{name}": getattr(edition.sites, name).astype(kind).tobytes() for name, kind in _SITES.items()}
    columns |= {name: getattr(edition, name).astype(kind).tobytes() for name, kind in _LENSES.items()}
    kept = _Kept(
        at=at,
        list_sha256=list_sha256,
        range_m=range_m,
        columns=columns,
        poles=edition.poles,
        retired=edition.retired,
    )
    files.write(folder / EDITION_FILE, msgspec.msgpack.encode(kept))


def read_edition(folder: Path) -> tuple[Edition, float] | None:
    """The edition before with the range that was assumed; one made from `cameras.json` where only that is there."""
    try:
        raw = (folder / EDITION_FILE).read_bytes()
    except FileNotFoundError:
        try:
            city = read_city(folder)
        except FileNotFoundError:
            return None
        return editions.of_cameras(city.cameras, city.descriptions), RANGE_M_ASSUMED
    try:
        kept = msgspec.msgpack.decode(raw, type=_Kept)
        sites = {name: np.frombuffer(kept.columns[f"sites.{name}"], kind) for name, kind in _SITES.items()}
        lenses = {name: np.frombuffer(kept.columns[name], kind) for name, kind in _LENSES.items()}
    except (KeyError, ValueError, *NONSENSE) as broken:
        raise RegistryInvalidError(f"{EDITION_FILE}: {broken}") from broken
    if kept.v != 1:
        raise RegistryInvalidError(f"{EDITION_FILE}: version {kept.v} is not known here")
    edition = Edition(sites=Sites(**sites), poles=kept.poles, retired=kept.retired, **lenses)
    if not editions.holds_together(edition):
        raise RegistryInvalidError(f"{EDITION_FILE}: its columns do not fit each other")
    return edition, kept.range_m


def read_measured(folder: Path, range_m: float) -> Mapping[CameraId, Optics]:
    """Cameras of which somebody has measured more than their list says. `range_m` is what was assumed for the others."""
    try:
        raw = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        rough = msgspec.json.decode(raw, type=_Rough)
        lens = msgspec.json.Decoder(_Lens)
        plain = _Lens(range_m)
        known = [each for each in rough.cameras if lens.decode(each) != plain]
        if not known:
            return {}
        said = msgspec.json.decode(rough.descriptions, type=dict[CameraId, str])
        cameras = (msgspec.json.decode(each, type=Camera) for each in known)
        found = {each.id: editions.measured(each, said.get(each.id, ""), range_m) for each in cameras}
    except NONSENSE as broken:
        raise RegistryInvalidError(f"{FILE}: {broken}") from broken
    return {id: each for id, each in found.items() if each != editions.UNKNOWN}


# --- where the pictures come from ----------------------------------------------------------------------------------


def write_sources(folder: Path, sources: dict[CameraId, str]) -> None:
    """Where each picture comes from. Only the city's own relay reads it; it is never sent and never shown."""
    _hold_sources(sources)
    files.write(folder / SOURCES_FILE, msgspec.json.encode(sources), mode=0o600)


def read_sources(folder: Path) -> dict[CameraId, str]:
    """Raises FileNotFoundError, or RegistryInvalidError also when others than the owner may read the file."""
    path = folder / SOURCES_FILE
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise RegistryInvalidError(f"{SOURCES_FILE}: readable by others; it must be 0600")
        raw = file.read()
    try:
        sources = msgspec.json.decode(raw, type=dict[CameraId, str])
    except NONSENSE as broken:
        raise RegistryInvalidError(f"{SOURCES_FILE}: not a table of addresses") from broken
    _hold_sources(sources)
    return sources


def _hold_sources(sources: dict[CameraId, str]) -> None:
    for camera, url in sources.items():
        if not url.startswith(("rtsp://", "rtsps://")):
            raise RegistryInvalidError(f"{SOURCES_FILE}: {camera} is no RTSP address")
