"""Court orders as text: what a page or a list of others says, made an `Order`, or a word for what is wrong with it.

A list is JSON: an array of orders, `{"orders": […]}`, or one order a line. Each names its wearer (`wearer` or `case_no`) and
says the rest as `core.orders.Order` does. Easier for people: clock times as `"start": "22:00"`, instants as ISO 8601 with
their offset, areas as a GeoJSON `geometry`. What has no id gets one made of what it is, so that the same list read again
names the same things.

Absent on purpose: who the wearer is, and which version it becomes: the centre knows.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

import msgspec

from safetynet.core import orders
from safetynet.core.orders import Order
from safetynet.core.terms import Instant, WearerId
from safetynet.edge import zonefiles
from safetynet.edge.codec import NONSENSE

BYTES_MAX: Final = 64 * 1024 * 1024
ORDER_BYTES_MAX: Final = 2 * 1024 * 1024
ROWS_MAX: Final = 1_000
"""As many as are drafted in one commit (`administration.DRAFTS_MAX`)."""
STEP: Final = 50
"""Orders between two words of progress."""
WHO_CHARS_MAX: Final = 60
_CLOCK: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_KINDS: Final = {"zones": "z", "curfews": "c", "absences": "a", "inclusions": "i"}
_INSTANTS: Final = ("starts_at", "ends_at")

PROBLEMS: Final[Mapping[str, str]] = {
    "circle outside Korea": "abroad",
    "radius out of range": "radius",
    "number of corners out of range": "corners",
    "number of polygons out of range": "corners",
    "corner outside Korea": "abroad",
    "polygon too large": "too_large",
    "polygon crosses itself or has no area": "crosses",
    "hole crosses an outline or lies outside": "crosses",
    "polygons lie over each other": "crosses",
    "zone without id or with a bad name": "name",
    "days out of range": "days",
    "minutes out of range": "minutes",
    "too many dates": "dates",
    "dates out of order, or one twice": "dates",
    "row ends before it starts": "ends_first",
    "weeks out of range, or counted from no day": "weeks",
    "curfew without id, name or rows, or with too many": "rows",
    "unknown time zone": "clock",
    "a row names holidays, and the timetable knows none": "holidays",
    "inclusion without id or name, or with too many rows": "name",
    "attendance without hours": "rows",
    "absence without id or end": "absence",
    "absence with too long a text": "too_long",
    "protected person without id, or distance out of range": "distance",
    "limit out of range": "limit",
    "order without wearer or version": "unclear",
    "too many zones": "too_many",
    "two zones with one id": "twice",
    "too many curfews, or two with one id": "too_many",
    "too many absences": "too_many",
    "too many protected persons, or one twice": "twice",
    "too many inclusions, or two with one id": "too_many",
    "too many shared sets, or one twice": "twice",
    "one substance twice": "twice",
    "one duty twice": "twice",
    "holidays out of order, one twice, or too many": "dates",
    "order ends before it starts": "ends_first",
    "order starts or ends at no date": "unclear",
    "day out of range": "dates",
}
"""What `core` says of an order, as a word for a page."""


class Malformed(Exception):
    """An order that no judge can have meant. `part` is where, `word` what is wrong with it."""

    def __init__(self, part: str, word: str) -> None:
        super().__init__(word)
        self.part, self.word = part, word


class Row(NamedTuple):
    """One order of a list; `row` counts from 1. Its wearer and version stand in for those that the centre knows."""

    row: int
    wearer: str
    case_no: str
    order: Order


class LeftOut(NamedTuple):
    row: int
    who: str
    part: str
    word: str


class Taken(NamedTuple):
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]


class UnreadableError(Exception):
    """No list of orders. The text says why."""


def made(raw: bytes | msgspec.Raw, wearer: WearerId, version: int) -> Order | None:
    """An order as a page says it: strict, null for none. Raises Malformed."""
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | None)
        if parts is None:
            return None
        return orders.from_json(msgspec.json.encode({**parts, "wearer": wearer, "version": version}))
    except NONSENSE as nonsense:
        what, _, where = str(nonsense).partition(" - at ")
        raise Malformed(where.strip("`$."), PROBLEMS.get(what, "unclear")) from nonsense


def read(data: bytes, progress: Callable[[float], None] = lambda _: None) -> Taken:
    """A list of orders. Raises UnreadableError when it is none."""
    found = _split(data)
    if not found:
        raise UnreadableError("no order in it")
    if len(found) > ROWS_MAX:
        raise UnreadableError(f"more than {ROWS_MAX} orders")
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    seen: set[tuple[str, str]] = set()
    for n, raw in enumerate(found, start=1):
        who = ""
        try:
            said = _object(raw)
            wearer, case_no = (str(said.pop(each, "") or "").strip()[:WHO_CHARS_MAX] for each in ("wearer", "case_no"))
            who = case_no or wearer
            if not who:
                raise Malformed("", "nobody")
            if (wearer, case_no) in seen:
                raise Malformed("", "twice")
            order = made(msgspec.json.encode(_eased(said)), WearerId("?"), 1)
            assert order is not None, "an object is no null"
            seen.add((wearer, case_no))
            rows.append(Row(n, wearer, case_no, order))
        except Malformed as wrong:
            left_out.append(LeftOut(n, who, wrong.part, wrong.word))
        if n % STEP == 0:
            progress(n / len(found))
    progress(1.0)
    return Taken(tuple(rows), tuple(left_out))


def _split(data: bytes) -> list[msgspec.Raw]:
    if len(data) > BYTES_MAX:
        raise UnreadableError(f"more than {BYTES_MAX} bytes")
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        if text[:1] == b"[":
            return msgspec.json.decode(text, type=list[msgspec.Raw])
        lines = [each for each in text.splitlines() if each.strip()]
        if len(lines) > 1 and all(each.lstrip()[:1] == b"{" and each.rstrip()[-1:] == b"}" for each in lines):
            return [msgspec.Raw(each) for each in lines]
        whole = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        return (
            msgspec.json.decode(whole["orders"], type=list[msgspec.Raw]) if "orders" in whole else [msgspec.Raw(text)]
        )
    except NONSENSE as nonsense:
        raise UnreadableError('no JSON: an array of orders, {"orders": […]}, or one order a line') from nonsense


def _object(raw: msgspec.Raw) -> dict[str, Any]:
    if len(raw) > ORDER_BYTES_MAX:
        raise Malformed("", "too_long")
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except NONSENSE as nonsense:
        raise Malformed("", "unclear") from nonsense


def _eased(said: dict[str, Any]) -> dict[str, Any]:
    """What is easier for people, as the order's own words. Raises Malformed."""
    whole = {key: _instant(key, value) for key, value in said.items() if key not in ("version", "name")}
    for kind, letter in _KINDS.items():
        parts: list[Any] = cast("list[Any]", whole.get(kind)) if isinstance(whole.get(kind), list) else []
        if kind not in whole:
            continue
        taken: set[str] = set()
        whole[kind] = [_part(each, f"{kind}[{n}]", letter, taken) for n, each in enumerate(parts)]
    return whole


def _part(said: Any, where: str, letter: str, taken: set[str]) -> Any:
    if not isinstance(said, dict):
        raise Malformed(where, "unclear")
    known = cast("dict[str, Any]", said)
    part = {
        key: _instant(f"{where}.{key}", value) for key, value in known.items() if key not in ("geometry", "radius_m")
    }
    if "geometry" in known:
        part["home" if letter == "c" else "area"] = _area(known["geometry"], known.get("radius_m"), where)
    if isinstance(part.get("rows"), list):
        part["rows"] = [_hours(each, f"{where}.rows[{n}]") for n, each in enumerate(part["rows"])]
    if not part.get("id"):
        part["id"] = _id(letter, part, taken)
    taken.add(str(part["id"]))
    return part


def _id(letter: str, part: dict[str, Any], taken: set[str]) -> str:
    of = part.get("name") or [part.get(each) for each in _INSTANTS]
    digest = hashlib.sha256(msgspec.json.encode(of)).hexdigest()[:8]
    return next(each for each in (f"{letter}-{digest}", *(f"{letter}-{digest}-{n}" for n in range(2, 1_000))) if each not in taken)  # fmt: skip


def _area(geometry: Any, radius_m: Any, where: str) -> Any:
    if not isinstance(geometry, dict):
        raise Malformed(where, "unclear")
    known = cast("dict[str, Any]", geometry)
    radius = float(radius_m) if isinstance(radius_m, int | float) else None
    area = zonefiles.area_of(str(known.get("type")), msgspec.json.encode(known.get("coordinates")), radius)
    if isinstance(area, zonefiles.Problem):
        raise Malformed(where, {"abroad": "abroad", "crosses": "crosses", "too_large": "too_large"}.get(area.value, "corners"))  # fmt: skip
    return msgspec.to_builtins(area)


def _hours(said: Any, where: str) -> Any:
    if not isinstance(said, dict):
        raise Malformed(where, "unclear")
    row = dict(cast("dict[str, Any]", said))
    for name in ("start", "end"):
        if name in row:
            found = _CLOCK.fullmatch(str(row.pop(name)))
            minutes = int(found[1]) * 60 + int(found[2]) if found else -1
            if not 0 <= minutes <= orders.DAY_MINUTES:
                raise Malformed(where, "minutes")
            row[f"{name}_min"] = minutes
    return row


def _instant(key: str, value: Any) -> Any:
    """ISO 8601 with its offset as milliseconds. Without an offset nobody knows when it is."""
    if key.rpartition(".")[2] not in _INSTANTS or not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError as wrong:
        raise Malformed(key, "instant") from wrong
    if at.tzinfo is None:
        raise Malformed(key, "instant")
    return Instant(round(at.timestamp() * 1000))
