"""The list of a city's cameras: read from the public lists of others, kept in the city's folder.

A row of 전국CCTV표준데이터 is a site, not a camera: it has no camera id, no direction, no field of view, and every
real list is wrong in places. What cannot be stood behind is left out and counted by its reason; nothing is repaired
by guessing. Texts are rid of network addresses before anything else sees them: real lists leak them.

Absent on purpose: any guess of a direction from 촬영방면정보 (free text: "360도 전방면", "주택 앞 삼거리").
"""

import csv
import io
import ipaddress
import os
import re
import statistics
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core import geo
from safetynet.core.cameras import Camera
from safetynet.core.terms import CameraId, CentreId, PoleId

FILE: Final = "cameras.json"
SOURCES_FILE: Final = "sources.json"
LIST_BYTES_MAX: Final = 512 * 1024 * 1024
"""The whole country's list is 79 MB."""
CAMERAS_MAX: Final = 1_200_000
TEXT_CHARS_MAX: Final = 200
COUNT_MAX: Final = 16
"""Lenses of one row. More is a sum over many sites, or a slip."""
RANGE_M_ASSUMED: Final = 60.0
"""No list says how far a camera sees. A person is still seen, if not recognised, by 2 megapixels at 60 m."""
SPOT_DEG: Final = 1e-5
"""Rows nearer than about a metre stand on one pole."""
SHARED_MAX: Final = 30
"""More different addresses than this at one spot: the coordinates were filled in for want of better."""
OWNER_SITES_MIN: Final = 20
FAR_KM_MIN: Final = 15.0
FAR_RATIO: Final = 6.0
"""A site this many times farther from its owner's middle than half of the owner's sites is not where it says."""

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "lat": ("WGS84위도", "위도", "latitude"),
    "lon": ("WGS84경도", "경도", "longitude", "hardness"),
    "count": ("카메라대수", "CCTV 수량", "cctvNumber"),
    "owner": ("관리기관명", "자치구", "institutionNm"),
    "road": ("소재지도로명주소", "안심 주소", "rdnmadr"),
    "lot": ("소재지지번주소", "lnmadr"),
    "purpose": ("설치목적구분", "CCTV 용도", "installationPurpsType"),
    "view": ("촬영방면정보", "potogrfInfo"),
    "dated": ("데이터기준일자", "referenceDate"),
    "number": ("관리번호",),
}
"""What each column is called in the 2026 and 2019 layouts, Seoul's 안심이 list and the old API (`hardness` is its
word for longitude)."""
NEEDED: Final = ("lat", "lon", "count")


class Skip(Enum):
    """Why a row was left out."""

    TORN = "torn"
    OTHER_OWNER = "other_owner"
    NO_COORDINATES = "no_coordinates"
    NOT_A_NUMBER = "not_a_number"
    ZERO = "zero"
    SWAPPED = "swapped"
    OUTSIDE_KOREA = "outside_korea"
    PLACEHOLDER = "placeholder"
    """Fewer than two decimals, or one spot for dozens of addresses: filled in for want of better."""
    COUNT_NOT_PLAUSIBLE = "count_not_plausible"
    DUPLICATE = "duplicate"
    OUTDATED = "outdated"
    """The owner has listed the same spot and purpose again at a later date: yearly lists pile up."""
    DEGREES_MINUTES_SECONDS = "degrees_minutes_seconds"
    """36°18′40″ written as 36.1840: kilometres off, and plausible at first sight."""
    FAR_FROM_OWNER = "far_from_owner"


class UnreadableError(Exception):
    """The file is no camera list: wrong encoding, a column missing, torn quotes, or too large."""


class RegistryInvalidError(Exception):
    """The city's own `cameras.json` or `sources.json` does not hold to its form."""


class CityCameras(msgspec.Struct, frozen=True, kw_only=True):
    """`cameras.json`. `descriptions` is what the list says of a camera's view, for people to read, never to reckon."""

    v: int = 1
    city: CentreId
    cameras: tuple[Camera, ...]
    descriptions: dict[CameraId, str] = {}


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of reading a list."""

    city: CityCameras
    rows: int
    sites: int
    skipped: Counter[Skip]
    texts_redacted: int

    @property
    def poles(self) -> int:
        return len({each.pole for each in self.city.cameras})


@dataclass(slots=True)
class _Site:
    lat: float
    lon: float
    count: int
    owner: str
    address: str
    purpose: str
    view: str
    dated: str
    number: str
    redacted: int

    @property
    def spot(self) -> tuple[int, int]:
        return round(self.lat / SPOT_DEG), round(self.lon / SPOT_DEG)


# --- network addresses in texts ------------------------------------------------------------------------------------

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MAC: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![0-9a-f])", re.IGNORECASE)
_V6: Final = re.compile(r"[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?(?:/\d{1,3})?", re.IGNORECASE)
_OCTET: Final = r"(?:0x[0-9a-f]{1,2}|[0-9]{1,4})"
_DOT: Final = r"(?:[\[({]\s*(?:\.|dot|점)\s*[\])}]|[.,·・‧_:/\\-]|dot|점)"
_END: Final = r"(?![0-9a-f]*x?[0-9])(?:[:/][0-9]+)?"
_V4: Final = re.compile(
    rf"(?<![0-9]){_OCTET}\s*(?P<dot>{_DOT})\s*{_OCTET}(?:\s*(?P=dot)\s*{_OCTET}){{2}}{_END}", re.IGNORECASE
)
"""Four octets with the same mark between them: lot numbers such as "183-5, 191-1" are not meant."""
_V4_MIXED: Final = re.compile(rf"(?<![0-9])(?:10|127|169|172|192)(?:\s*{_DOT}\s*{_OCTET}){{3}}{_END}", re.IGNORECASE)
"""Of an internal net it may be any mark."""
_V4_SPACED: Final = re.compile(r"(?<![0-9])(?:10|127|169|172|192)(?:\s+[0-9]{1,3}){3}(?![0-9])")
_V4_PART: Final = re.compile(
    rf"(?<![0-9.])(?:10{_DOT}[0-9]{{1,3}}|127{_DOT}0|172{_DOT}(?:1[6-9]|2[0-9]|3[01])|192{_DOT}168|169{_DOT}254)"
    rf"(?:{_DOT}(?:[0-9]{{1,3}}(?![0-9])|[x*]{{1,3}})){{1,2}}",
    re.IGNORECASE,
)
"""Internal nets with the end left out or crossed out: 192.168.0, 172.31.x.x."""
_V4_HEX: Final = re.compile(r"(?<![0-9a-z])0x[0-9a-f]{8}(?![0-9a-f])", re.IGNORECASE)
_V4_WHOLE: Final = re.compile(r"(?<![0-9])[0-9]{8,10}(?![0-9])")
_READ_CHARS_MAX: Final = 2_000
"""Of one text; the patterns look back and forth, and a field of a megabyte is no name."""
_READ_MARGIN_CHARS: Final = 100
_EMPTY: Final = re.compile(r"[(\[{]\s*[)\]}]")
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def _is_v4(found: re.Match[str]) -> str:
    octets = re.findall(_OCTET, found[0].split("/")[0] if found[0].count("/") == 1 else found[0], re.IGNORECASE)[:4]
    values = (
        int(each, 16) if each[:2].lower() == "0x" else int(each, 8) if _octal(each) else int(each) for each in octets
    )
    return " " if all(value <= 255 for value in values) else found[0]


def _octal(digits: str) -> bool:
    return len(digits) > 1 and digits[0] == "0" and all(each in "01234567" for each in digits)


def _is_v6(found: re.Match[str]) -> str:
    text = found[0].split("/")[0].rstrip(".")
    for shorter in (text, text.rstrip(":"), text.lstrip(":"), text.strip(":")):
        try:
            ipaddress.IPv6Address(shorter.split("%")[0])
        except ValueError:
            continue
        return " "
    return found[0]


def _is_whole(found: re.Match[str]) -> str:
    value = int(found[0])
    internal = value <= 0xFFFF_FFFF and ipaddress.IPv4Address(value).is_private and value >= 0x0A00_0000
    return " " if internal else found[0]


_PASSES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (_URL, " "),
    (_MAC, " "),
    (_V6, _is_v6),
    (_V4, _is_v4),
    (_V4_MIXED, _is_v4),
    (_V4_PART, " "),
    (_V4_SPACED, _is_v4),
    (_V4_HEX, " "),
    (_V4_WHOLE, _is_whole),
)


@lru_cache(maxsize=65_536)
def clean(text: str) -> tuple[str, bool]:
    """A text fit to be shown, and whether a network address was taken out of it.

    Compatibility forms (full-width digits and dots) become plain ones first; passes repeat until nothing is found, so
    that taking one out cannot put another together. Rather a house number too many goes than an address stays.
    """
    plain = _BLANKS.sub(" ", unicodedata.normalize("NFKC", text[:_READ_CHARS_MAX]).replace("。", ".")).strip()
    shown = plain
    for _ in range(8):
        before = shown
        for pattern, by in _PASSES:
            shown = pattern.sub(by, shown)
        if shown == before:
            break
    else:
        shown = ""  # nested so deep that it can only be meant
    if len(text) > _READ_CHARS_MAX:
        shown = shown[:-_READ_MARGIN_CHARS]  # an address cut in two by the limit is none that a pass could find
    redacted = shown != plain
    if redacted:
        shown = _BLANKS.sub(" ", _EMPTY.sub(" ", shown)).strip()
    return shown[:TEXT_CHARS_MAX], redacted


# --- reading a list ------------------------------------------------------------------------------------------------


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableError("neither UTF-8 nor CP949")


def _columns(header: Sequence[str]) -> dict[str, int]:
    names = [_BLANKS.sub(" ", each).strip().casefold() for each in header]
    found = {
        word: names.index(alias.casefold())
        for word, aliases in COLUMNS.items()
        for alias in reversed(aliases)  # the first alias is assigned last: it wins
        if alias.casefold() in names
    }
    missing = [COLUMNS[word][0] for word in NEEDED if word not in found]
    if missing:
        raise UnreadableError(f"column missing: {', '.join(missing)}")
    return found


def _number(text: str) -> float | None:
    plain = unicodedata.normalize("NFKC", text).strip()
    return float(plain) if re.fullmatch(r"[+-]?[0-9]{1,9}(?:\.[0-9]{0,20})?", plain) else None


def _position(lat_text: str, lon_text: str) -> tuple[float, float] | Skip:
    if not lat_text.strip() or not lon_text.strip():
        return Skip.NO_COORDINATES
    lat, lon = _number(lat_text), _number(lon_text)
    if lat is None or lon is None:
        return Skip.NOT_A_NUMBER
    if lat == 0.0 and lon == 0.0:
        return Skip.ZERO
    if geo.in_korea(lon, lat):
        return Skip.SWAPPED
    if not geo.in_korea(lat, lon):
        return Skip.OUTSIDE_KOREA
    if max(_decimals(lat_text), _decimals(lon_text)) < 2:
        return Skip.PLACEHOLDER
    return lat, lon


def _decimals(text: str) -> int:
    return len(text.strip().partition(".")[2])


def _site(row: Sequence[str], at: dict[str, int], owner: str | None) -> _Site | Skip:
    def text(word: str) -> str:
        return row[at[word]] if word in at else ""

    said = {word: clean(text(word)) for word in ("owner", "road", "lot", "purpose", "view")}
    if owner is not None and owner not in said["owner"][0]:
        return Skip.OTHER_OWNER
    position = _position(text("lat"), text("lon"))
    if isinstance(position, Skip):
        return position
    count = _number(text("count"))
    if count is None or count != int(count) or not 1 <= count <= COUNT_MAX:
        return Skip.COUNT_NOT_PLAUSIBLE
    return _Site(
        lat=position[0],
        lon=position[1],
        count=int(count),
        owner=said["owner"][0],
        address=said["road"][0] or said["lot"][0],
        purpose=said["purpose"][0],
        view=said["view"][0],
        dated=text("dated").strip(),
        number=text("number").strip(),
        redacted=sum(redacted for _, redacted in said.values()),
    )


def _placeholders(sites: list[_Site]) -> set[tuple[int, int]]:
    addresses: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for each in sites:
        addresses[each.spot].add(each.address)
    return {spot for spot, found in addresses.items() if len(found) > SHARED_MAX}


def _without_outdated(sites: list[_Site]) -> list[_Site]:
    newest: dict[tuple[str, tuple[int, int], str], str] = {}
    for each in sites:
        key = (each.owner, each.spot, each.purpose)
        newest[key] = max(newest.get(key, ""), each.dated)
    return [each for each in sites if each.dated == newest[each.owner, each.spot, each.purpose]]


def _from_dms(value: float) -> float | None:
    """What `value` means if its decimals are minutes and seconds; None when they cannot be."""
    whole, rest = divmod(value, 1.0)
    minutes, seconds = divmod(rest * 100.0, 1.0)
    return whole + minutes / 60 + seconds / 36 if minutes < 60 and seconds < 0.6 else None


def _misplaced(sites: list[_Site]) -> dict[int, Skip]:
    """Positions in `sites` that lie far from the owner's others, by index."""
    by_owner: defaultdict[str, list[int]] = defaultdict(list)
    for index, each in enumerate(sites):
        by_owner[each.owner].append(index)
    found: dict[int, Skip] = {}
    for own in by_owner.values():
        if len(own) < OWNER_SITES_MIN:
            continue
        lat = statistics.median(sites[i].lat for i in own)
        lon = statistics.median(sites[i].lon for i in own)
        away = {i: geo.distance_m(lat, lon, sites[i].lat, sites[i].lon) for i in own}
        far_m = max(FAR_KM_MIN * 1000, FAR_RATIO * statistics.median(away.values()))
        for i in own:
            if away[i] <= far_m:
                continue
            meant_lat, meant_lon = _from_dms(sites[i].lat), _from_dms(sites[i].lon)
            meant = meant_lat is not None and meant_lon is not None
            fits = meant and geo.distance_m(lat, lon, meant_lat or 0.0, meant_lon or 0.0) <= far_m
            found[i] = Skip.DEGREES_MINUTES_SECONDS if fits else Skip.FAR_FROM_OWNER
    return found


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as broken:
        raise UnreadableError(f"not CSV: {broken}") from broken


@dataclass(slots=True)
class _Heap:
    """What has been read so far."""

    sites: list[_Site] = field(default_factory=list[_Site])
    seen: set[str] = field(default_factory=set[str])
    skipped: Counter[Skip] = field(default_factory=Counter[Skip])
    rows: int = 0

    def take(self, row: list[str], at: dict[str, int], width: int, owner: str | None) -> None:
        self.rows += 1
        if len(row) != width:
            self.skipped[Skip.TORN] += 1
            return
        site = _site(row, at, owner)
        if isinstance(site, Skip):
            self.skipped[site] += 1
            return
        mark = site.number or "\x1f".join(row)
        if mark in self.seen:
            self.skipped[Skip.DUPLICATE] += 1
            return
        self.seen.add(mark)
        self.sites.append(site)

    def sift(self) -> list[_Site]:
        """What only the whole list can tell."""
        filled = _placeholders(self.sites)
        placed = [each for each in self.sites if each.spot not in filled]
        self.skipped[Skip.PLACEHOLDER] += len(self.sites) - len(placed)
        current = _without_outdated(placed)
        self.skipped[Skip.OUTDATED] += len(placed) - len(current)
        misplaced = _misplaced(current)
        self.skipped.update(misplaced.values())
        self.skipped = +self.skipped
        return [each for index, each in enumerate(current) if index not in misplaced]


def take_in(
    raw: bytes,
    city: CentreId,
    *,
    owner: str | None = None,
    range_m: float = RANGE_M_ASSUMED,
    progress: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Read a public list. `owner` keeps only rows whose 관리기관명 holds it; `progress` is told rows read so far.

    Raises UnreadableError when this is no such list at all. Ids follow from the spot and stay the same when the list is
    read again, in whatever order; direction and view are unknown for all.
    """
    if len(raw) > LIST_BYTES_MAX:
        raise UnreadableError(f"larger than {LIST_BYTES_MAX} bytes")
    rows = _rows(_decoded(raw))
    header = next(rows, None)
    if header is None:
        raise UnreadableError("empty")
    at = _columns(header)
    heap = _Heap()
    for row in rows:
        if row:
            heap.take(row, at, len(header), owner)
            if heap.rows % 1000 == 0:
                progress(heap.rows)
    progress(heap.rows)
    sites = heap.sift()
    cameras, descriptions = _expand(sites, city, range_m)
    if len(cameras) > CAMERAS_MAX:
        raise UnreadableError(f"more than {CAMERAS_MAX} cameras")
    return Intake(
        city=CityCameras(city=city, cameras=cameras, descriptions=descriptions),
        rows=heap.rows,
        sites=len(sites),
        skipped=heap.skipped,
        texts_redacted=sum(each.redacted for each in sites),
    )


def _expand(sites: list[_Site], city: CentreId, range_m: float) -> tuple[tuple[Camera, ...], dict[CameraId, str]]:
    """카메라대수 lenses per site, all of one spot on one pole."""
    by_spot: defaultdict[tuple[int, int], list[_Site]] = defaultdict(list)
    for each in sites:
        by_spot[each.spot].append(each)
    cameras: list[Camera] = []
    descriptions: dict[CameraId, str] = {}
    for spot in sorted(by_spot):
        pole = PoleId(f"{city}-{spot[0]}-{spot[1]}")
        own = sorted(by_spot[spot], key=lambda each: (each.purpose, each.address, each.number, each.view))
        lenses = [each for each in own for _ in range(each.count)]
        for n, each in enumerate(lenses, start=1):
            id = CameraId(f"{pole}-{n:02d}")
            named = each.address or each.purpose or str(pole)
            cameras.append(
                Camera(
                    id=id,
                    city=city,
                    pole=pole,
                    name=named if len(lenses) == 1 else f"{named} #{n}",
                    lat=own[0].lat,
                    lon=own[0].lon,
                    range_m=range_m,
                    purpose=each.purpose,
                )
            )
            if each.view:
                descriptions[id] = each.view
    return tuple(cameras), descriptions


# --- the city's folder ---------------------------------------------------------------------------------------------


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, also through a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write(folder: Path, city: CityCameras) -> None:
    """Refuses (RegistryInvalidError) what `read` would refuse."""
    _hold(city)
    _write(folder / FILE, msgspec.json.encode(city), 0o644)


def read_city(folder: Path) -> CityCameras:
    """Raises FileNotFoundError, or RegistryInvalidError when the file is not what it must be."""
    try:
        city = msgspec.json.decode((folder / FILE).read_bytes(), type=CityCameras)
    except msgspec.DecodeError as broken:
        raise RegistryInvalidError(f"{FILE}: {broken}") from broken
    _hold(city)
    return city


def read(folder: Path) -> tuple[Camera, ...]:
    """The cameras of the city whose folder this is."""
    return read_city(folder).cameras


def _hold(city: CityCameras) -> None:
    if city.v != 1:
        raise RegistryInvalidError(f"{FILE}: version {city.v} is not known here")
    if len(city.cameras) > CAMERAS_MAX:
        raise RegistryInvalidError(f"{FILE}: more than {CAMERAS_MAX} cameras")
    if len({each.id for each in city.cameras}) < len(city.cameras):
        raise RegistryInvalidError(f"{FILE}: a camera id twice")
    for each in city.cameras:
        if not geo.in_korea(each.lat, each.lon):
            raise RegistryInvalidError(f"{FILE}: {each.id} is not in Korea")
        if not 0.0 < each.range_m <= 2_000.0:
            raise RegistryInvalidError(f"{FILE}: {each.id} has no plausible range")
        if each.azimuth_deg is not None and not 0.0 <= each.azimuth_deg <= 360.0:
            raise RegistryInvalidError(f"{FILE}: {each.id} has no plausible azimuth")
        if each.view_deg is not None and not 0.0 < each.view_deg <= 360.0:
            raise RegistryInvalidError(f"{FILE}: {each.id} has no plausible view")
        if each.city != city.city:
            raise RegistryInvalidError(f"{FILE}: {each.id} belongs to {each.city}")


def write_sources(folder: Path, sources: dict[CameraId, str]) -> None:
    """Where each picture comes from. Only the city's own relay reads it; it is never sent and never shown."""
    _hold_sources(sources)
    _write(folder / SOURCES_FILE, msgspec.json.encode(sources), 0o600)


def read_sources(folder: Path) -> dict[CameraId, str]:
    """Raises FileNotFoundError, or RegistryInvalidError also when others than the owner may read the file."""
    path = folder / SOURCES_FILE
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise RegistryInvalidError(f"{SOURCES_FILE}: readable by others; it must be 0600")
        raw = file.read()
    try:
        sources = msgspec.json.decode(raw, type=dict[CameraId, str])
    except msgspec.DecodeError as broken:
        raise RegistryInvalidError(f"{SOURCES_FILE}: not a table of addresses") from broken
    _hold_sources(sources)
    return sources


def _hold_sources(sources: dict[CameraId, str]) -> None:
    for camera, url in sources.items():
        if not url.startswith(("rtsp://", "rtsps://")):
            raise RegistryInvalidError(f"{SOURCES_FILE}: {camera} is no RTSP address")
