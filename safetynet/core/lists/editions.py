"""One edition of a list against the one before: which row is which, and what each camera is called.

A row is a site of one or more lenses; rows of one spot stand on one pole. A camera keeps its id as long as its row can
be found again, whatever the order of the list: grants, ledgers and calibrations of years hang on it. An id is never
given to a second camera, also when the first is gone.

    edition, changes = follow(city, sites, before)

Rows are found again by the owner's number (believed when place or address agree with it), then by place and words, by
place and purpose, and last by address and purpose where the site has moved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag
from hashlib import blake2b
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from safetynet.core.cameras import Camera
from safetynet.core.lists import directions
from safetynet.core.lists.coast import Bools, Floats
from safetynet.core.lists.sieve import SPOT_DEG, Ints, Sifted, spots
from safetynet.core.terms import CameraId, CentreId, PoleId

NUMBER_M_MAX: Final = 2_000.0
"""Farther away, and at another address, an owner's number has been given to another site."""
MOVED_M_MAX: Final = 500.0
"""A site of the same address and purpose within this distance has been measured anew."""
AZIMUTH_SAME_DEG: Final = 0.05

Index: TypeAlias = NDArray[np.int32]


class Change(Flag):
    """What of a site is otherwise than in the edition before."""

    PLACE = 1
    COUNT = 2
    PURPOSE = 4
    ADDRESS = 8
    VIEW = 16


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Rows taken in, in an order that does not hang on the list's. Words are known by their `key`, 0 for none."""

    lat: Floats
    lon: Floats
    count: NDArray[np.int16]
    number: Ints
    purpose: Ints
    address: Ints
    view: Ints

    def __len__(self) -> int:
        return len(self.lat)

    def spot(self) -> Ints:
        return spots(self.lat, self.lon)


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """What is remembered of a list: its sites and the lenses they became. Lenses lie in the order of their sites."""

    sites: Sites
    stands: Index
    """For each site the pole it stands on."""
    site: Index
    prefix: Index
    number: Index
    """For each lens its site, the pole its id is called after (it may have moved since), and the number on it."""
    poles: tuple[str, ...]
    retired: tuple[CameraId, ...] = ()
    """Ids of cameras that are gone."""

    def id(self, lens: int) -> CameraId:
        return camera_id(self.poles[self.prefix[lens]], int(self.number[lens]))


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """`found` has one entry for each site: its index in the edition before, or -1; `what` a Change for those found."""

    found: Index
    what: NDArray[np.uint8]
    new_lens: Bools
    gone: tuple[CameraId, ...]
    gone_sites: int

    def counted(self, edition: Edition) -> dict[str, int]:
        """Cameras, by what became of them."""
        kept = ~self.new_lens
        altered = (self.what != 0)[edition.site] & kept
        return {
            "added": int(self.new_lens.sum()),
            "changed": int(altered.sum()),
            "gone": len(self.gone),
            "same": int((kept & ~altered).sum()),
        }


def holds_together(edition: Edition) -> bool:
    """Whether every column has its length and points to what is there."""
    sites, n, lenses = edition.sites, len(edition.sites), len(edition.site)
    lengths = {len(each) for each in (sites.lat, sites.lon, sites.count, sites.number, sites.purpose, sites.address)}
    if lengths | {len(sites.view), len(edition.stands)} != {n} or {len(edition.prefix), len(edition.number)} != {
        lenses
    }:
        return False
    pointed = ((edition.stands, len(edition.poles)), (edition.prefix, len(edition.poles)), (edition.site, n))
    inside = all(not len(which) or 0 <= int(which.min()) <= int(which.max()) < size for which, size in pointed)
    return inside and bool((np.diff(edition.site) >= 0).all())


def camera_id(pole: str, number: int) -> CameraId:
    return CameraId(f"{pole}-{number:02d}")


def key(text: str) -> int:
    """A text as 64 bits, the same in every run; 0 for an empty one."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little", signed=True) if text else 0


def keys(texts: Sequence[str]) -> Ints:
    return np.fromiter(map(key, texts), np.int64, len(texts))


def sites_of(sifted: Sifted) -> tuple[Sites, Ints]:
    """Also for each site its row in the heap."""
    heap, kept = sifted.heap, sifted.kept
    purpose = keys(heap.purposes.texts)[heap.purposes.all()[kept]] if len(kept) else np.empty(0, np.int64)
    view = keys(heap.views.texts)[heap.views.all()[kept]] if len(kept) else np.empty(0, np.int64)
    rows = kept.tolist()
    address, number = keys([heap.addresses[k] for k in rows]), keys([heap.numbers[k] for k in rows])
    spot = spots(sifted.lat[kept], sifted.lon[kept])
    order = np.lexsort((view, number, address, purpose, spot))
    where = kept[order]
    return (
        Sites(
            lat=sifted.lat[where],
            lon=sifted.lon[where],
            count=sifted.count[where],
            number=number[order],
            purpose=purpose[order],
            address=address[order],
            view=view[order],
        ),
        where,
    )


# --- finding rows again --------------------------------------------------------------------------------------------


def _mixed(*parts: Ints) -> Ints:
    whole = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        whole = (whole ^ (whole >> 29)) * np.int64(-7046029254386353131) + part
    return whole


def _ranked(values: Ints) -> Ints:
    """Equal values made different by how many came before them."""
    order = np.argsort(values, kind="stable")
    in_order = values[order]
    starts = np.flatnonzero(np.r_[True, np.diff(in_order) != 0]) if len(values) else np.empty(0, np.int64)
    runs = np.diff(np.r_[starts, len(values)])
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values)) - np.repeat(starts, runs)
    return _mixed(values, rank)


def _find_again(now: Sites, then: Sites) -> Index:
    found = np.full(len(now), -1, np.int32)
    taken = np.zeros(len(then), np.bool_)

    def pair(mine: Ints, theirs: Ints, believed: float) -> None:
        """Pair what is alike and still alone; farther than `believed` metres only at the same address."""
        free = np.flatnonzero((found < 0) & (mine != 0))
        left = np.flatnonzero(~taken & (theirs != 0))
        _, a, b = np.intersect1d(_ranked(mine[free]), _ranked(theirs[left]), return_indices=True)
        one, other = free[a], left[b]
        up = (now.lat[one] - then.lat[other]) * 111_000
        right = (now.lon[one] - then.lon[other]) * 111_000 * np.cos(np.radians(now.lat[one]))
        same_address = (now.address[one] == then.address[other]) & (now.address[one] != 0)
        ok = (np.hypot(up, right) <= believed) | (same_address & (believed == NUMBER_M_MAX))
        found[one[ok]] = other[ok]
        taken[other[ok]] = True

    here, there = now.spot(), then.spot()
    pair(now.number, then.number, NUMBER_M_MAX)
    pair(
        _mixed(here, now.purpose, now.address, now.view),
        _mixed(there, then.purpose, then.address, then.view),
        MOVED_M_MAX,
    )
    pair(_mixed(here, now.purpose), _mixed(there, then.purpose), MOVED_M_MAX)
    pair(
        np.where(now.address != 0, _mixed(now.address, now.purpose), 0),
        np.where(then.address != 0, _mixed(then.address, then.purpose), 0),
        MOVED_M_MAX,
    )
    return found


def _altered(now: Sites, then: Sites, found: Index) -> NDArray[np.uint8]:
    what = np.zeros(len(now), np.uint8)
    known = np.flatnonzero(found >= 0)
    other = found[known]
    for change, mine, theirs in (
        (Change.PLACE, now.spot(), then.spot()),
        (Change.COUNT, now.count, then.count),
        (Change.PURPOSE, now.purpose, then.purpose),
        (Change.ADDRESS, now.address, then.address),
        (Change.VIEW, now.view, then.view),
    ):
        what[known] |= np.where(mine[known] != theirs[other], change.value, 0).astype(np.uint8)
    return what


# --- poles and ids -------------------------------------------------------------------------------------------------


def _groups(sites: Sites) -> tuple[Index, Ints]:
    """For each site its group of one spot (they lie together), and for each group its first site."""
    spot = sites.spot()
    first = np.flatnonzero(np.r_[True, np.diff(spot) != 0]) if len(spot) else np.empty(0, np.int64)
    group = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(spot)]))
    return group.astype(np.int32), first


def _natural(city: CentreId, sites: Sites, first: Ints) -> list[str]:
    lat = np.round(sites.lat[first] / SPOT_DEG).astype(np.int64).tolist()
    lon = np.round(sites.lon[first] / SPOT_DEG).astype(np.int64).tolist()
    return [f"{city}-{a}-{b}" for a, b in zip(lat, lon, strict=True)]


def _named(city: CentreId, sites: Sites, group: Index, first: Ints, before: Edition, found: Index) -> list[str]:
    """What each group's pole is called: as before where it stands still, or moved as a whole."""
    names = _natural(city, sites, first)
    known = np.flatnonzero(found >= 0)
    still = sites.spot()[known] == before.sites.spot()[found[known]]
    kept: dict[int, int] = {}
    claimed: set[int] = set()
    for staying in (True, False):
        for site in known[still == staying].tolist():
            pole = int(before.stands[found[site]])
            if int(group[site]) not in kept and pole not in claimed:
                kept[int(group[site])] = pole
                claimed.add(pole)
    used = {before.poles[pole] for pole in claimed}
    for g, natural in enumerate(names):
        if g in kept:
            names[g] = before.poles[kept[g]]
            continue
        name, n = natural, 1
        while name in used:
            n += 1
            name = f"{natural}-{n}a"
        names[g] = name
        used.add(name)
    return names


def _highest(before: Edition) -> dict[str, int]:
    """For each pole the highest number that an id called after it has ever had."""
    found: dict[str, int] = {}
    for pole, number in zip(before.prefix.tolist(), before.number.tolist(), strict=True):
        name = before.poles[pole]
        found[name] = max(found.get(name, 0), number)
    for each in before.retired:
        name, _, number = each.rpartition("-")
        if number.isdigit():
            found[name] = max(found.get(name, 0), int(number))
    return found


NO_SITES: Final = Sites(*(np.empty(0, kind) for kind in ("f8", "f8", "i2", "i8", "i8", "i8", "i8")))
NONE_BEFORE: Final = Edition(
    sites=NO_SITES,
    stands=np.empty(0, np.int32),
    site=np.empty(0, np.int32),
    prefix=np.empty(0, np.int32),
    number=np.empty(0, np.int32),
    poles=(),
)


def follow(city: CentreId, sites: Sites, before: Edition = NONE_BEFORE) -> tuple[Edition, Changes]:
    """The edition that these sites make after `before`, and what has changed."""
    found = _find_again(sites, before.sites)
    group, first = _groups(sites)
    names = _named(city, sites, group, first, before, found)
    highest = _highest(before)
    base = np.array([highest.get(each, 0) for each in names], np.int64)
    count = sites.count.astype(np.int64)
    lenses_then = np.bincount(before.site, minlength=len(before.sites))
    first_then = np.cumsum(lenses_then) - lenses_then
    held = np.where(found >= 0, lenses_then[found] if len(before.sites) else 0, 0)
    kept = np.minimum(count, held)

    site = np.repeat(np.arange(len(sites)), count)
    nth = np.arange(len(site)) - np.repeat(np.cumsum(count) - count, count)
    is_new = nth >= kept[site]
    fresh = count - kept
    ahead = np.cumsum(fresh) - fresh
    within = ahead - ahead[first][group] if len(sites) else ahead
    number = (base[group[site]] + within[site] + nth - kept[site] + 1) if len(site) else np.empty(0, np.int64)
    prefix = group[site].astype(np.int64)

    poles = list(names)
    at = {name: k for k, name in enumerate(poles)}
    old = np.flatnonzero(~is_new)
    if len(old):
        source = first_then[found[site[old]]] + nth[old]
        number[old] = before.number[source]
        for k, pole in zip(old.tolist(), before.prefix[source].tolist(), strict=True):
            name = before.poles[pole]
            if name not in at:
                at[name] = len(poles)
                poles.append(name)
            prefix[k] = at[name]
        carried = np.zeros(len(before.site), np.bool_)
        carried[source] = True
    else:
        carried = np.zeros(len(before.site), np.bool_)
    gone = tuple(before.id(lens) for lens in np.flatnonzero(~carried).tolist())
    edition = Edition(
        sites=sites,
        stands=group,
        site=site.astype(np.int32),
        prefix=prefix.astype(np.int32),
        number=number.astype(np.int32),
        poles=tuple(poles),
        retired=(*before.retired, *gone),
    )
    changes = Changes(
        found=found,
        what=_altered(sites, before.sites, found),
        new_lens=is_new,
        gone=gone,
        gone_sites=len(before.sites) - int((found >= 0).sum()),
    )
    return edition, changes


def of_cameras(cameras: Sequence[Camera], descriptions: Mapping[CameraId, str]) -> Edition:
    """An edition made from cameras alone, where nothing else is remembered: each pole and purpose counts as one row."""
    by_row: dict[tuple[PoleId, str, str], list[Camera]] = {}
    for each in cameras:
        by_row.setdefault((each.pole, each.purpose, each.name.partition(" #")[0]), []).append(each)
    poles: dict[str, int] = {}
    lenses: list[tuple[int, int, int]] = []
    for n, own in enumerate(by_row.values()):
        for each in own:
            name, _, number = each.id.rpartition("-")
            called = (name, int(number)) if number.isdigit() and len(number) >= 2 and int(number) < 30_000 else None
            if called is None or camera_id(*called) != each.id:
                continue  # an id of another making cannot be carried on: its camera counts as gone
            lenses.append((n, poles.setdefault(name, len(poles)), called[1]))
    heads = [own[0] for own in by_row.values()]
    stands = [poles.setdefault(each.pole, len(poles)) for each in heads]
    columns = np.array(lenses, np.int64).reshape(-1, 3)
    sites = Sites(
        lat=np.array([each.lat for each in heads], np.float64),
        lon=np.array([each.lon for each in heads], np.float64),
        count=np.bincount(columns[:, 0], minlength=len(heads)).astype(np.int16),
        number=np.zeros(len(heads), np.int64),
        purpose=keys([each.purpose for each in heads]),
        address=keys([name for _, _, name in by_row]),
        view=keys([descriptions.get(each.id, "") for each in heads]),
    )
    return Edition(
        sites=sites,
        stands=np.array(stands, np.int32),
        site=columns[:, 0].astype(np.int32),
        prefix=columns[:, 1].astype(np.int32),
        number=columns[:, 2].astype(np.int32),
        poles=tuple(poles),
    )


# --- cameras -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Optics:
    """How a lens stands. None where nobody has said it."""

    azimuth_deg: float | None = None
    view_deg: float | None = None
    range_m: float | None = None
    ptz: bool | None = None

    def or_else(self, other: "Optics") -> "Optics":
        return Optics(
            azimuth_deg=other.azimuth_deg if self.azimuth_deg is None else self.azimuth_deg,
            view_deg=other.view_deg if self.view_deg is None else self.view_deg,
            range_m=other.range_m if self.range_m is None else self.range_m,
            ptz=other.ptz if self.ptz is None else self.ptz,
        )


UNKNOWN: Final = Optics()


def said_by(view: str, lens: int, lenses: int) -> Optics:
    """What the free text says of one lens. That one turns is believed only of a row of one."""
    said = directions.read(view)
    if said == directions.NOTHING:
        return UNKNOWN
    return Optics(
        azimuth_deg=said.azimuth_deg(lens, lenses),
        view_deg=said.view_deg,
        range_m=said.range_m,
        ptz=said.ptz if lenses == 1 else None,
    )


def measured(camera: Camera, view: str, range_m: float) -> Optics:
    """What a registered camera knows beyond its list's text: somebody has measured it, and no list takes it away."""
    said = directions.read(view)
    from_text = camera.azimuth_deg is not None and any(
        abs(each - camera.azimuth_deg) < AZIMUTH_SAME_DEG for each in said.azimuths_deg
    )
    return Optics(
        azimuth_deg=None if from_text else camera.azimuth_deg,
        view_deg=None if camera.view_deg == said.view_deg else camera.view_deg,
        range_m=None if camera.range_m in (said.range_m, range_m) else camera.range_m,
        ptz=True if camera.ptz and said.ptz is None else None,
    )


def cameras_of(
    city: CentreId,
    sifted: Sifted,
    rows: Ints,
    edition: Edition,
    *,
    range_m: float,
    known: Mapping[CameraId, Optics],
) -> Iterator[tuple[Camera, str, int]]:
    """Each camera with what the list says of its view and its row in the heap.

    What the list's own columns say comes first, then what was known before, then the free text.
    """
    heap, sites = sifted.heap, edition.sites
    _, first = _groups(sites)
    on_pole = np.bincount(edition.stands[edition.site], minlength=len(edition.poles))
    purposes, views = heap.purposes.all(), heap.views.all()
    stated = _Stated.of(sifted)
    at = rows[edition.site].tolist()
    count = sites.count[edition.site].tolist()
    nth = (np.arange(len(at)) - np.searchsorted(edition.site, edition.site)).tolist()
    for lens, row in enumerate(at):
        pole = int(edition.stands[edition.site[lens]])
        head = int(first[pole])
        number = int(edition.number[lens])
        id = camera_id(edition.poles[edition.prefix[lens]], number)
        view, purpose = heap.views.texts[views[row]], heap.purposes.texts[purposes[row]]
        optics = stated.optics(row, count[lens]) if stated else UNKNOWN
        if id in known:
            optics = optics.or_else(known[id])
        if view:
            optics = optics.or_else(said_by(view, nth[lens], count[lens]))
        named = heap.addresses[row] or purpose or edition.poles[pole]
        camera = Camera(
            id=id,
            city=city,
            pole=PoleId(edition.poles[pole]),
            name=named if on_pole[pole] == 1 else f"{named} #{number}",
            lat=float(sites.lat[head]),
            lon=float(sites.lon[head]),
            range_m=range_m if optics.range_m is None else optics.range_m,
            azimuth_deg=optics.azimuth_deg,
            view_deg=optics.view_deg,
            ptz=optics.ptz is True,
            purpose=purpose,
        )
        yield camera, view, row


@dataclass(frozen=True, slots=True, eq=False)
class _Stated:
    """What columns of their own say of each row (a VMS has such columns, public lists have not)."""

    azimuth: Floats | None
    opening: Floats | None
    range_m: Floats | None
    ptz: NDArray[np.int8] | None

    @staticmethod
    def of(sifted: Sifted) -> "_Stated | None":
        heap = sifted.heap
        found = _Stated(
            azimuth=heap.column("azimuth"),
            opening=heap.column("opening"),
            range_m=heap.column("range"),
            ptz=np.concatenate(heap.ptz) if heap.ptz else None,
        )
        columns = (found.azimuth, found.opening, found.range_m, found.ptz)
        return None if all(each is None for each in columns) else found

    def optics(self, row: int, lenses: int) -> Optics:
        """What is no plausible value is none. Several lenses of one row do not look one way."""
        azimuth = _within(self.azimuth, row, 0.0, 360.0) if lenses == 1 else None
        return Optics(
            azimuth_deg=None if azimuth is None else azimuth % 360.0,
            view_deg=_within(self.opening, row, directions.VIEW_DEG_MIN, directions.VIEW_DEG_MAX),
            range_m=_within(self.range_m, row, 1.0, 2_000.0),
            ptz=None if self.ptz is None or self.ptz[row] < 0 else bool(self.ptz[row]),
        )


def _within(values: Floats | None, row: int, low: float, high: float) -> float | None:
    if values is None or not low <= values[row] <= high:
        return None
    return float(values[row])
