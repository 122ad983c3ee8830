"""What the judging of one person stands at, as bytes, and back: every field of the rules' own records, whatever they are.

An order is not kept, only which version it was: what it makes of places is made anew from the register's own order. A field
that the rules get later is in by itself; then `FORM` is another, and what was kept before is judged again from the journal.

Absent on purpose: files and keys (`edge.judged`), and what any field means (`core.rules`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, get_args, get_origin, get_type_hints

import msgspec
from immutables import Map

from safetynet.core import rules
from safetynet.core.arrears import History
from safetynet.core.conditions import Guarded, Record
from safetynet.core.events import Place
from safetynet.core.fixes import Fix
from safetynet.core.orders import Order
from safetynet.core.rules import RULES_VERSION, Standing
from safetynet.core.terms import DeviceId, FixId, Instant, WearerId
from safetynet.core.zonesets import NO_SETS, Sets

OF_THE_ORDER: Final = frozenset({"order", "places", "homes", "keeps", "shared"})


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """When a device spoke last."""

    device: DeviceId
    at: Instant
    battery_percent: float | None
    whose: str
    protected: bool


class KeptRecord(msgspec.Struct, frozen=True, array_like=True):
    """Under which version of the order, and the fields."""

    version: int | None
    raw: msgspec.Raw


class KeptHistory(msgspec.Struct, frozen=True, array_like=True):
    """`core.arrears.History`."""

    older: KeptRecord
    older_at: Instant
    newer: KeptRecord
    fixes: tuple[Fix, ...]
    split: int


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """One wearer: the record without its order, how many fixes ago nothing was forgotten, and who ended what."""

    record: "KeptRecord"
    history: "KeptHistory | None"
    suspect: Instant | None
    endings: tuple[tuple[str, FixId], ...]
    track: tuple[Place, ...]
    heard: tuple[Heard, ...]


class Whole(Standing, Protocol):
    """All of the state at one instant."""

    @property
    def histories(self) -> Mapping[WearerId, History]: ...


def _from(value: Any) -> Any:
    assert isinstance(value, Map), f"{type(value)} cannot be kept"
    return list(value.items())


def _to(kind: Any, value: Any) -> Any:
    assert get_origin(kind) is Map, f"{kind} cannot be kept"
    pairs: Any = list[tuple[get_args(kind)]]  # type: ignore[misc]
    return Map(msgspec.convert(value, pairs, dec_hook=_to))


def _shape(of: type[msgspec.Struct]) -> type[msgspec.Struct]:
    hints = get_type_hints(of)
    fields = [(name, hints[name]) for name in of.__struct_fields__ if name not in OF_THE_ORDER]
    return msgspec.defstruct(f"Kept{of.__name__}", fields, array_like=True, forbid_unknown_fields=True)


_RECORD: Final = _shape(Record)
_GUARDED: Final = _shape(Guarded)
FORM: Final = hashlib.sha256(
    "\n".join([RULES_VERSION, *(f"{each}:{get_type_hints(each)}" for each in (_RECORD, _GUARDED))]).encode()
).hexdigest()
_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_from)
_record: Final = msgspec.msgpack.Decoder(_RECORD, dec_hook=_to)
_guarded: Final = msgspec.msgpack.Decoder(_GUARDED, dec_hook=_to)
_kept: Final = msgspec.msgpack.Decoder(Kept)


def _plain(of: msgspec.Struct, shape: type[msgspec.Struct]) -> bytes:
    return _encoder.encode([getattr(of, name) for name in shape.__struct_fields__])


def _one(record: Record) -> KeptRecord:
    return KeptRecord(None if record.order is None else record.order.version, msgspec.Raw(_plain(record, _RECORD)))


def keep(state: Whole, wearer: WearerId, track: Sequence[Place], heard: Sequence[Heard]) -> bytes:
    held = state.histories.get(wearer)
    history = (
        None if held is None else KeptHistory(_one(held.older), held.older_at, _one(held.newer), held.fixes, held.split)
    )
    endings = tuple(state.endings.get(wearer, Map[str, FixId]()).items())
    suspect = state.suspects.get(wearer)
    return _encoder.encode(Kept(_one(state.records[wearer]), history, suspect, endings, tuple(track), tuple(heard)))


def kept(part: bytes) -> Kept:
    return _kept.decode(part)


def record(of: KeptRecord, orders: Callable[[int], Order], sets: Sets = NO_SETS) -> Record:
    """The record again, under the order whose version it names and the sets of then. `orders` raises LookupError for one that never was."""
    found = _record.decode(of.raw)
    fields = {name: getattr(found, name) for name in _RECORD.__struct_fields__}
    return rules.under_again(Record(**fields), None if of.version is None else orders(of.version), sets)


def history(of: KeptHistory, orders: Callable[[int], Order], sets: Sets = NO_SETS) -> History:
    return History(record(of.older, orders, sets), of.older_at, record(of.newer, orders, sets), of.fixes, of.split)


class KeptGuarded(msgspec.Struct, frozen=True, array_like=True):
    """One protected person."""

    guarded: msgspec.Raw
    heard: tuple[Heard, ...]


_kept_guarded: Final = msgspec.msgpack.Decoder(KeptGuarded)


def keep_guarded(guarded: Guarded, heard: Sequence[Heard]) -> bytes:
    return _encoder.encode(KeptGuarded(msgspec.Raw(_plain(guarded, _GUARDED)), tuple(heard)))


def guarded(part: bytes) -> tuple[Guarded, tuple[Heard, ...]]:
    one = _kept_guarded.decode(part)
    found = _guarded.decode(one.guarded)
    return Guarded(**{name: getattr(found, name) for name in _GUARDED.__struct_fields__}), one.heard
