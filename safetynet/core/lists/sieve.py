"""Which rows of a list can be stood behind, what is wrong with the others, and what would mend them.

Every real list is wrong in places. Nothing is repaired by guessing: a repair is proposed, with the place it leads to,
and done only when a person has accepted that kind of repair. Rows are gathered column by column, so that a million
of them fit and are judged in arrays.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from safetynet.core import geo
from safetynet.core.lists import coast
from safetynet.core.lists.coast import Bools, Floats, Inside
from safetynet.core.lists.texts import clean, clean_all
from safetynet.core.lists.words import Chunk, Problem, Quarantined, Repair, Word

Ints: TypeAlias = NDArray[np.int64]

COUNT_MAX: Final = 16
"""Lenses of one row. More is a sum over many sites, or a slip."""
SPOT_DEG: Final = 1e-5
"""Rows nearer than about a metre stand on one pole."""
SHARED_MAX: Final = 30
"""More different addresses than this at one spot: the coordinates were filled in for want of better."""
OWNER_SITES_MIN: Final = 20
FAR_KM_MIN: Final = 15.0
FAR_RATIO: Final = 6.0
"""A site this many times farther from its owner's middle than half of the owner's sites is not where it says."""
BORDER_M: Final = 150.0
"""A camera on a border street; published outlines are as coarse as that."""
SAME_ADDRESS_M: Final = 100.0
"""Rows of one address must agree this well before their place is proposed for another."""
LINES_MAX: Final = 1_200_000
"""Rows of one list. The whole country's has 370,000."""

_PROBLEMS: Final = tuple(Problem)
_REPAIRS: Final = tuple(Repair)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{0,20})?")
_NUMBERS: Final = re.compile(r"(?:(?:[+-]?[0-9]{1,9}(?:\.[0-9]{0,20})?)?\x00)*")
_SIGNED: Final = re.compile(
    r"([0-9]{2,3})\s*[°도:]\s*([0-5]?[0-9])\s*['′분:]\s*([0-5]?[0-9](?:\.[0-9]{0,6})?)\s*(?:[\"″초]|''|′′)?\s*[NE]?"
)
_NEEDS_AN_OWN_PLACE: Final = frozenset(
    {
        Problem.NO_COORDINATES,
        Problem.NOT_A_NUMBER,
        Problem.ZERO,
        Problem.OUTSIDE_KOREA,
        Problem.PLACEHOLDER,
        Problem.SEA,
        Problem.OUTSIDE_BOUNDARY,
        Problem.FAR_FROM_OWNER,
    }
)

Areas: TypeAlias = Callable[[str, Floats, Floats], Inside | None]
"""An owner's name and where its sites are said to be → its area, or None when it is not known."""


def plain_number(text: str) -> float | None:
    """A decimal number and nothing else: no exponent, no comma, no NaN."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return float(plain) if _NUMBER.fullmatch(plain) else None


def plain_numbers(texts: Sequence[str]) -> Floats:
    """NaN where `plain_number` finds none."""
    if _NUMBERS.fullmatch("\x00".join((*texts, ""))):
        return np.array([float(each) if each else np.nan for each in texts], np.float64)
    found = (plain_number(each) for each in texts)
    return np.array([np.nan if each is None else each for each in found], np.float64)


@dataclass(slots=True)
class Repeated:
    """A column whose texts repeat: each is cleaned and kept once."""

    codes: list[NDArray[np.int32]] = field(default_factory=list[NDArray[np.int32]])
    texts: list[str] = field(default_factory=list[str])
    redacted: list[bool] = field(default_factory=list[bool])
    _of: dict[str, int] = field(default_factory=dict[str, int])

    def take(self, said: Sequence[str]) -> NDArray[np.int32]:
        fresh = [each for each in dict.fromkeys(said) if each not in self._of]
        self._of |= {each: n for n, each in enumerate(fresh, start=len(self.texts))}
        shown, redacted = clean_all(fresh)
        self.texts += shown
        self.redacted += redacted
        return np.fromiter(map(self._of.__getitem__, said), np.int32, len(said))

    def keep(self, codes: NDArray[np.int32]) -> int:
        """Also how many of these texts held an address."""
        self.codes.append(codes)
        return int(np.array(self.redacted, np.bool_)[codes].sum()) if len(codes) else 0

    def all(self) -> NDArray[np.int32]:
        return np.concatenate(self.codes) if self.codes else np.empty(0, np.int32)


@dataclass(slots=True)
class Heap:
    """What has been read so far."""

    owner: str | None = None
    """Only rows whose owner's name holds this."""
    rows_read: int = 0
    torn: list[int] = field(default_factory=list[int])
    others: int = 0
    redacted: int = 0
    owners: Repeated = field(default_factory=Repeated)
    purposes: Repeated = field(default_factory=Repeated)
    views: Repeated = field(default_factory=Repeated)
    dates: Repeated = field(default_factory=Repeated)
    addresses: list[str] = field(default_factory=list[str])
    numbers: list[str] = field(default_factory=list[str])
    streams: list[str] = field(default_factory=list[str])
    """Empty, or one for each row."""
    said: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Coordinates that are no numbers, as they stand in the list."""
    ptz: list[NDArray[np.int8]] = field(default_factory=list[NDArray[np.int8]])
    """1 it turns, 0 it does not, -1 the list does not say."""
    arrays: dict[str, list[Floats]] = field(default_factory=dict[str, list[Floats]])
    rows: list[NDArray[np.int32]] = field(default_factory=list[NDArray[np.int32]])
    marks: list[Ints] = field(default_factory=list[Ints])

    def __len__(self) -> int:
        return len(self.addresses)

    def take(self, chunk: Chunk) -> None:
        """Asserts LINES_MAX: whoever reads must have stopped before."""
        self.rows_read += len(chunk.rows) + len(chunk.torn)
        assert self.rows_read <= LINES_MAX, "more rows than a list can have"
        self.torn.extend(chunk.torn)
        blank = ("",) * len(chunk.rows)
        owners = self.owners.take(chunk.columns.get(Word.OWNER, blank))
        if self.owner is not None:
            wanted = self.owner
            mine = np.array([wanted in each for each in self.owners.texts], np.bool_)[owners]
            self.others += int((~mine).sum())
            which = np.flatnonzero(mine).tolist()
            columns = {word: [said[k] for k in which] for word, said in chunk.columns.items()}
            chunk = Chunk(columns, [chunk.rows[k] for k in which])
            owners = owners[mine]
            blank = ("",) * len(which)
        self._texts(chunk, owners, blank)
        self._numbers(chunk, blank)
        self._mark(chunk)
        self.rows.append(np.array(chunk.rows, np.int32))

    def _texts(self, chunk: Chunk, owners: NDArray[np.int32], blank: Sequence[str]) -> None:
        self.redacted += self.owners.keep(owners)
        for word, column in (
            (Word.PURPOSE, self.purposes),
            (Word.VIEW, self.views),
            (Word.DATED, self.dates),
        ):
            self.redacted += column.keep(column.take(chunk.columns.get(word, blank)))
        kept: list[Sequence[str]] = []
        for word in (Word.NAME, Word.ROAD, Word.LOT):
            if word in chunk.columns:
                shown, redacted = clean_all(chunk.columns[word])
                self.redacted += sum(redacted)
                kept.append(shown)
        self.addresses += [next(filter(None, each), "") for each in zip(*kept, strict=True)] if kept else blank
        numbers, redacted = clean_all(chunk.columns.get(Word.NUMBER, blank))
        self.numbers += numbers
        self.redacted += sum(redacted)
        if Word.STREAM in chunk.columns:
            self.streams += [each.strip() for each in chunk.columns[Word.STREAM]]

    def _numbers(self, chunk: Chunk, blank: Sequence[str]) -> None:
        start = len(self.addresses) - len(chunk.rows)
        lat_texts, lon_texts = chunk.columns[Word.LAT], chunk.columns[Word.LON]
        lat, lon = plain_numbers(lat_texts), plain_numbers(lon_texts)
        for k in np.flatnonzero(np.isnan(lat) | np.isnan(lon)).tolist():
            self.said[start + k] = (clean(lat_texts[k])[0], clean(lon_texts[k])[0])
        count = plain_numbers(chunk.columns[Word.COUNT]) if Word.COUNT in chunk.columns else np.ones(len(blank))
        self._append("lat", lat)
        self._append("lon", lon)
        self._append("count", count)
        for word in (Word.AZIMUTH, Word.OPENING, Word.RANGE):
            if word in chunk.columns:
                self._append(word.value, plain_numbers(chunk.columns[word]))
        if Word.PTZ in chunk.columns:
            turns = {"1": 1, "0": 0}
            self.ptz.append(np.array([turns.get(each, -1) for each in chunk.columns[Word.PTZ]], np.int8))

    def _append(self, name: str, values: Floats) -> None:
        self.arrays.setdefault(name, []).append(values)

    def _mark(self, chunk: Chunk) -> None:
        """What two rows must share to be one: the owner's number, or without one everything that they say."""
        numbers = chunk.columns.get(Word.NUMBER)
        if numbers is not None and all(numbers):
            marks = [hash(each) for each in numbers]
        else:
            whole = zip(*chunk.columns.values(), strict=True)
            given = numbers or ("",) * len(chunk.rows)
            marks = [hash(number or row) for number, row in zip(given, whole, strict=True)]
        self.marks.append(np.array(marks, np.int64))

    def column(self, name: str) -> Floats | None:
        parts = self.arrays.get(name)
        return np.concatenate(parts) if parts else None


@dataclass(frozen=True, slots=True, eq=False)
class Sifted:
    """A whole list, judged. Arrays have one entry for each row of the heap; `kept` are those taken in."""

    heap: Heap
    lat: Floats
    lon: Floats
    """After accepted repairs."""
    count: NDArray[np.int16]
    kept: Ints
    problem: NDArray[np.uint8]
    """Index into Problem plus one; 0 for what is well."""
    repair: NDArray[np.uint8]
    repaired: tuple[Floats, Floats]
    said: tuple[Floats, Floats]
    accepted: int
    """Rows taken in because their repair was accepted."""

    def problems(self) -> dict[Problem, int]:
        found = {
            each: int(n)
            for each, n in zip(_PROBLEMS, np.bincount(self.problem, minlength=len(_PROBLEMS) + 1)[1:], strict=True)
        }
        found[Problem.TORN] += len(self.heap.torn)
        found[Problem.OTHER_OWNER] += self.heap.others
        return {each: n for each, n in found.items() if n}

    def proposals(self) -> dict[Problem, int]:
        """Rows with a repair that somebody could accept, by their problem."""
        proposed = self.problem[(self.repair > 0) & (self.repair <= _REPAIRS.index(Repair.DROP))]
        counted = np.bincount(proposed, minlength=len(_PROBLEMS) + 1)[1:]
        return {each: int(n) for each, n in zip(_PROBLEMS, counted, strict=True) if n}

    def quarantined(self) -> Iterator[Quarantined]:
        """Every row left out that somebody could want to see, in the order of the list (rows of others are not)."""
        heap = self.heap
        for row in heap.torn:
            yield Quarantined(row=row, problem=Problem.TORN)
        rows = np.concatenate(heap.rows) if heap.rows else np.empty(0, np.int32)
        owners = heap.owners.all()
        lat, lon = self.said
        for k in np.flatnonzero(self.problem).tolist():
            said = heap.said.get(k) or (_shown(lat[k]), _shown(lon[k]))
            repair = _REPAIRS[self.repair[k] - 1] if self.repair[k] else None
            place = (float(self.repaired[0][k]), float(self.repaired[1][k]))
            yield Quarantined(
                row=int(rows[k]),
                problem=_PROBLEMS[self.problem[k] - 1],
                number=heap.numbers[k],
                owner=heap.owners.texts[owners[k]],
                address=heap.addresses[k],
                lat=said[0],
                lon=said[1],
                repair=repair,
                repaired=None if np.isnan(place[0]) else place,
            )


def _shown(degrees: float) -> str:
    return f"{degrees:.10f}".rstrip("0").rstrip(".")


def _code(problem: Problem) -> int:
    return _PROBLEMS.index(problem) + 1


def spots(lat: Floats, lon: Floats) -> Ints:
    """One number for each square of SPOT_DEG."""
    return np.round(lat / SPOT_DEG).astype(np.int64) * 100_000_000 + np.round(lon / SPOT_DEG).astype(np.int64)


def hashes(texts: Sequence[str]) -> Ints:
    return np.fromiter(map(hash, texts), np.int64, len(texts))


def _in_korea(lat: Floats, lon: Floats) -> Bools:
    north = (lat >= geo.LAT_MIN) & (lat <= geo.LAT_MAX)
    return north & (lon >= geo.LON_MIN) & (lon <= geo.LON_MAX)


def away_m(lat: float, lon: float, lats: Floats, lons: Floats) -> Floats:
    """Distances from one place: 0.1 % off at 100 km, which is enough for *far*."""
    along, across = geo.radii_m(lat)
    east = np.radians(lons - lon) * across * np.cos(np.radians((lats + lat) / 2))
    return np.hypot(east, np.radians(lats - lat) * along)


def from_dms(values: Floats) -> Floats:
    """What decimals mean if they are minutes and seconds; NaN when they cannot be."""
    whole = np.floor(values)
    rest = np.round((values - whole) * 100.0, 8)
    minutes = np.floor(rest)
    seconds = np.round((rest - minutes) * 100.0, 6)
    with np.errstate(invalid="ignore"):
        meant = (minutes < 60.0) & (seconds < 60.0)
    return np.where(meant, whole + minutes / 60.0 + seconds / 3600.0, np.nan)


def _from_signs(text: str) -> float:
    """36°19′42.5″ or 36도19분42초; NaN when it is neither."""
    found = _SIGNED.fullmatch(unicodedata.normalize("NFKC", text).replace("”", '"').strip())
    return int(found[1]) + int(found[2]) / 60 + float(found[3]) / 3600 if found else float("nan")


@dataclass(slots=True, eq=False)
class _Sieve:
    """The state of judging one list: arrays over its rows."""

    heap: Heap
    lat: Floats
    lon: Floats
    problem: NDArray[np.uint8]
    repair: NDArray[np.uint8]
    to_lat: Floats
    to_lon: Floats
    address: Ints
    accept: frozenset[Problem]

    def well(self) -> Bools:
        found: Bools = self.problem == 0
        return found

    def mark(self, where: Bools, problem: Problem) -> Bools:
        """Marks those that have no problem yet; which they are."""
        fresh = where & self.well()
        self.problem[fresh] = _code(problem)
        return fresh

    def propose(self, where: Bools | Ints, repair: Repair, lat: Floats | float, lon: Floats | float) -> None:
        self.repair[where] = _REPAIRS.index(repair) + 1
        self.to_lat[where] = lat
        self.to_lon[where] = lon

    def drop(self, where: Bools) -> None:
        self.repair[where] = _REPAIRS.index(Repair.DROP) + 1

    def coordinates(self) -> None:
        """What each row shows by itself."""
        lat, lon = self.lat, self.lon
        signs: list[int] = []
        for k, (lat_said, lon_said) in self.heap.said.items():
            blank = not lat_said or not lon_said
            self.problem[k] = self.problem[k] or _code(Problem.NO_COORDINATES if blank else Problem.NOT_A_NUMBER)
            self.to_lat[k], self.to_lon[k] = _from_signs(lat_said), _from_signs(lon_said)
            if geo.in_korea(self.to_lat[k], self.to_lon[k]):
                signs.append(k)
            else:
                self.to_lat[k] = self.to_lon[k] = np.nan
        self.repair[signs] = _REPAIRS.index(Repair.READ_DEGREES_MINUTES_SECONDS) + 1
        with np.errstate(invalid="ignore"):
            self.mark((lat == 0.0) & (lon == 0.0), Problem.ZERO)
            swapped = self.mark(_in_korea(lon, lat), Problem.SWAPPED)
            self.mark(~_in_korea(lat, lon), Problem.OUTSIDE_KOREA)
            coarse = (np.round(lat * 10) == np.round(lat * 10, 6)) & (np.round(lon * 10) == np.round(lon * 10, 6))
        self.propose(swapped, Repair.SWAP, lon[swapped], lat[swapped])
        self.mark(coarse, Problem.PLACEHOLDER)

    def shared(self) -> None:
        """One spot for dozens of addresses."""
        here = np.flatnonzero(self.well())
        if not len(here):
            return
        spot = spots(self.lat[here], self.lon[here])
        pairs = np.unique(np.stack([spot, self.address[here]], axis=1), axis=0)
        crowded, addresses = np.unique(pairs[:, 0], return_counts=True)
        found = np.zeros(len(self.lat), np.bool_)
        found[here] = np.isin(spot, crowded[addresses > SHARED_MAX])
        self.mark(found, Problem.PLACEHOLDER)

    def owners(self, areas: Areas | None, land: Inside) -> None:
        """What only the owner's other rows, its boundary or the coast can tell."""
        sea = np.zeros(len(self.lat), np.bool_)
        here = np.flatnonzero(self.well())
        sea[here] = ~land(self.lat[here], self.lon[here])
        codes = self.heap.owners.all()
        order = here[np.argsort(codes[here], kind="stable")]
        starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0]) if len(order) else np.empty(0, np.int64)
        for own in np.split(order, starts[1:]) if len(order) else ():
            self._owner(own, self.heap.owners.texts[codes[own[0]]], areas, sea)
        self.mark(sea, Problem.SEA)

    def _owner(self, own: Ints, name: str, areas: Areas | None, sea: Bools) -> None:
        lat, lon = self.lat[own], self.lon[own]
        inside = areas(name, lat, lon) if areas is not None else None
        enough = len(own) >= OWNER_SITES_MIN
        middle = (float(np.median(lat)), float(np.median(lon)))
        away = away_m(*middle, lat, lon)
        far_m = max(FAR_KM_MIN * 1000, FAR_RATIO * float(np.median(away))) if enough else np.inf
        far = away > far_m
        outside = ~near(inside, lat, lon) if inside is not None else np.zeros(len(own), np.bool_)
        wrong = far | outside | sea[own]
        meant_lat, meant_lon = from_dms(lat), from_dms(lon)
        with np.errstate(invalid="ignore"):
            meant = wrong & _in_korea(meant_lat, meant_lon)
            meant &= away_m(*middle, meant_lat, meant_lon) <= far_m
        if inside is not None and meant.any():
            meant[meant] = near(inside, meant_lat[meant], meant_lon[meant])
        if inside is None and not enough:
            meant[:] = False  # of five sites nobody can say where the middle is
        for where, problem in (
            (meant, Problem.DEGREES_MINUTES_SECONDS),
            (sea[own], Problem.SEA),
            (outside, Problem.OUTSIDE_BOUNDARY),
            (far, Problem.FAR_FROM_OWNER),
        ):
            whole = np.zeros(len(self.lat), np.bool_)
            whole[own[where]] = True
            self.mark(whole, problem)
        self.propose(own[meant], Repair.READ_DEGREES_MINUTES_SECONDS, meant_lat[meant], meant_lon[meant])

    def same_address(self) -> None:
        """The place that all other rows of the same address agree on."""
        known = self.well() & (self.address != 0)
        needing = np.isin(self.problem, [_code(each) for each in _NEEDS_AN_OWN_PLACE])
        needing &= (self.repair == 0) & (self.address != 0)
        rows = np.flatnonzero(known & np.isin(self.address, self.address[needing]))
        if not len(rows):
            return
        rows = rows[np.argsort(self.address[rows], kind="stable")]
        starts = np.flatnonzero(np.r_[True, np.diff(self.address[rows]) != 0])
        lat, lon = self.lat[rows], self.lon[rows]
        high = (np.maximum.reduceat(lat, starts), np.maximum.reduceat(lon, starts))
        low = (np.minimum.reduceat(lat, starts), np.minimum.reduceat(lon, starts))
        wide_m = np.hypot((high[0] - low[0]) * 111_000, (high[1] - low[1]) * 111_000)
        keys, first = self.address[rows][starts], rows[starts]
        for k in np.flatnonzero(needing).tolist():
            at = int(np.searchsorted(keys, self.address[k]))
            if at < len(keys) and keys[at] == self.address[k] and wide_m[at] <= SAME_ADDRESS_M:
                one = int(first[at])
                self.propose(np.array([k]), Repair.SAME_ADDRESS, float(self.lat[one]), float(self.lon[one]))

    def take_accepted_places(self) -> int:
        """Rows whose repair leads to a place and is of a kind that was accepted."""
        chosen = np.isin(self.problem, [_code(each) for each in self.accept]) & ~np.isnan(self.to_lat)
        self.lat = np.where(chosen, self.to_lat, self.lat)
        self.lon = np.where(chosen, self.to_lon, self.lon)
        self.problem[chosen] = 0
        self.repair[chosen] = 0
        return int(chosen.sum())

    def outdated(self) -> None:
        """Of one owner, spot and purpose only the newest date counts."""
        here = np.flatnonzero(self.well())
        dates = np.array([each.strip() for each in self.heap.dates.texts] or [""])
        _, rank = np.unique(dates, return_inverse=True)
        dated = rank[self.heap.dates.all()[here]]
        which = np.stack(
            [self.heap.owners.all()[here], spots(self.lat[here], self.lon[here]), self.heap.purposes.all()[here]],
            axis=1,
        )
        if not len(here):
            return
        order = np.lexsort((which[:, 2], which[:, 0], which[:, 1]))
        sorted_which, sorted_dated = which[order], dated[order]
        starts = np.flatnonzero(np.r_[True, (np.diff(sorted_which, axis=0) != 0).any(axis=1)])
        newest = np.repeat(np.maximum.reduceat(sorted_dated, starts), np.diff(np.r_[starts, len(order)]))
        old = np.zeros(len(self.lat), np.bool_)
        old[here[order[sorted_dated < newest]]] = True
        self.drop(self.mark(old, Problem.OUTDATED))


def near(inside: Inside, lat: Floats, lon: Floats) -> Bools:
    """Inside, or no farther than BORDER_M from it."""
    found: Bools = inside(lat, lon).copy()
    left = np.flatnonzero(~found)
    if not len(left):
        return found
    along, across = geo.radii_m(float(lat.mean()))
    for turn in np.arange(8) * np.pi / 4:
        up = np.degrees(BORDER_M * np.cos(turn) / along)
        right = np.degrees(BORDER_M * np.sin(turn) / (across * np.cos(np.radians(lat[left]))))
        found[left] |= inside(lat[left] + up, lon[left] + right)
    return found


def sift(
    heap: Heap,
    *,
    areas: Areas | None = None,
    land: Inside = coast.on_land,
    accept: frozenset[Problem] = frozenset(),
) -> Sifted:
    """Judge a whole list. `accept` are the problems whose proposed repairs a person has accepted."""
    n = len(heap)
    empty = np.empty(0)
    lat, lon = heap.column("lat"), heap.column("lon")
    count = heap.column("count")
    lat, lon, count = (empty if each is None else each for each in (lat, lon, count))
    address = hashes(heap.addresses)
    address[np.fromiter((not each for each in heap.addresses), np.bool_, n)] = 0
    sieve = _Sieve(
        heap=heap,
        lat=lat,
        lon=lon,
        problem=np.zeros(n, np.uint8),
        repair=np.zeros(n, np.uint8),
        to_lat=np.full(n, np.nan),
        to_lon=np.full(n, np.nan),
        address=address,
        accept=accept,
    )
    marks = np.concatenate(heap.marks) if heap.marks else np.empty(0, np.int64)
    again = np.ones(n, np.bool_)
    again[np.unique(marks, return_index=True)[1]] = False
    sieve.drop(sieve.mark(again, Problem.DUPLICATE))
    sieve.coordinates()
    sieve.shared()
    sieve.owners(areas, land)
    sieve.same_address()
    accepted = sieve.take_accepted_places()
    with np.errstate(invalid="ignore"):
        implausible = sieve.mark(
            ~((count >= 1) & (count <= COUNT_MAX) & (count == np.floor(count))), Problem.COUNT_NOT_PLAUSIBLE
        )
        missing = implausible & (np.isnan(count) | (count == 0.0))
    sieve.repair[missing] = _REPAIRS.index(Repair.ONE_LENS) + 1
    if Problem.COUNT_NOT_PLAUSIBLE in accept:
        count = np.where(missing, 1.0, count)
        sieve.problem[missing] = 0
        sieve.repair[missing] = 0
        accepted += int(missing.sum())
    sieve.outdated()
    return Sifted(
        heap=heap,
        lat=sieve.lat,
        lon=sieve.lon,
        count=np.where(sieve.problem == 0, count, 0).astype(np.int16),
        kept=np.flatnonzero(sieve.well()),
        problem=sieve.problem,
        repair=sieve.repair,
        repaired=(sieve.to_lat, sieve.to_lon),
        said=(lat, lon),
        accepted=accepted,
    )
