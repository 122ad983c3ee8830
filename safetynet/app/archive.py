"""Closed incidents at the control centre: an index of them in memory, and one opened again for a purpose.

The log is the archive. The index is made from it at the start and follows it; what an incident was is read from the
log when somebody opens it, and where the person was from the journal, as long as both may still be read.

Absent on purpose: who may open what (core.archives), and any search by name: a case number finds a person, and who
may know a name learns it after saying what for.
"""

import asyncio
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from safetynet.app.people import People, WearerRecord
from safetynet.core import archives, fixes, law, ledger
from safetynet.core.archives import Reader, Row, Story, Told, Wish
from safetynet.core.control.record import amended
from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmEscalated,
    AlarmJoined,
    AlarmRaised,
    AlarmRepeated,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    AnyEvent,
    CamerasChanged,
    CamerasProposed,
    FieldTold,
    IncidentOpened,
    IncidentReassigned,
    Place,
    Segment,
    StreamClosed,
    StreamOpened,
    VideoGranted,
    ViewingRefused,
)
from safetynet.core.terms import AlarmId, CameraId, CentreId, GrantId, IncidentId, Purpose, WearerId
from safetynet.edge.journal import Journal
from safetynet.edge.store import Store

KEPT_MAX: Final = 20_000
"""Incidents that can be found and opened, the newest. Older ones stay in the log; no command opens them yet."""
EVENTS_MAX: Final = 5_000
"""Of one incident; a relay that repeats itself must not fill the memory."""
CATCH_UP_MAX: Final = 1_000
"""Events taken in between two ticks."""
PAGE_ROWS: Final = 20
POINTS_MAX: Final = 4_000
"""Of one track; a longer one is thinned evenly."""
WAITING_MAX: Final = 10_000
"""Alarms that are held back, and may yet become an incident: of the oldest beyond it a story begins with its ringing."""
WAITED_EVENTS_MAX: Final = 50
OPENINGS_AT_ONCE: Final = 2


class Page(NamedTuple):
    rows: tuple[Row, ...]
    number: int
    total: int


@dataclass(slots=True)
class _Held:
    row: Row
    serials: "array[int]"
    whole: bool
    """Whether its opening could be read: when it was erased, what is left is shown as such."""
    alarms: list[AlarmId] = field(default_factory=list[AlarmId])
    grants: list[GrantId] = field(default_factory=list[GrantId])
    lenses: dict[tuple[CentreId, CameraId], str] = field(default_factory=dict[tuple[CentreId, CameraId], str])
    """Names of cameras that were proposed or provided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One closed incident as it was opened, with everything that may be shown for this purpose."""

    row: Row
    story: Story
    purpose: Purpose
    positions: str
    """`kept`, `partly` (older ones expired), `expired`, `erased`, `withheld` (by the purpose) or `none`."""
    track: tuple[Place, ...]
    who: WearerRecord | None
    case_no: str
    law: law.Rule | law.NoBasis | None
    size: int
    """Of the ledger when it was opened, with its root."""
    root: bytes


class Archive:
    """Used from the program's thread; only the journal's files are read beside it."""

    def __init__(self, store: Store, journal: Journal, people: People) -> None:
        self._store, self._journal, self._people = store, journal, people
        self._held: dict[IncidentId, _Held] = {}
        self._alarms: dict[AlarmId, IncidentId] = {}
        self._raised: dict[AlarmId, list[tuple[int, AnyEvent]]] = {}
        self._grants: dict[GrantId, tuple[IncidentId, CentreId]] = {}
        self._upto = 0
        self._frontier = ledger.Frontier()
        self._turn = asyncio.Semaphore(OPENINGS_AT_ONCE)
        self.catch_up(limit=None)

    # --- the index -------------------------------------------------------------------------------------------------

    def catch_up(self, limit: int | None = CATCH_UP_MAX) -> None:
        """Takes in what was recorded since: at most `limit` events, so that no tick is long."""
        head = self._store.head()
        if self._upto == head:
            return
        self._frontier = self._frontier.extend(self._store.leaves(self._frontier.size))
        for taken, (serial, event) in enumerate(self._store.events(self._upto), 1):
            self._take(serial, event)
            self._upto = serial
            if taken == limit:
                return
        self._upto = head  # what came last may have been erased

    def _take(self, serial: int, event: AnyEvent) -> None:
        match event:
            case Segment():
                return  # thousands of one viewing; its closing says how many there were
            case AlarmRaised():
                self._raised[event.alarm] = [(serial, event)]
                if len(self._raised) > WAITING_MAX:
                    del self._raised[next(iter(self._raised))]
            case (
                AlarmRepeated()
                | AlarmReturned()
                | AlarmAcknowledged()
                | AlarmEscalated()
                | AlarmSuppressed()
                | AlarmSurfaced()
                | AlarmShelved()
                | AlarmUnshelved()
                | AlarmAmended()
            ):
                incident = self._alarms.get(event.alarm)
                if incident is not None:
                    self._note(incident, serial, event)
                elif event.alarm in self._raised:  # held back: it comes into the story when it rings
                    self._raised[event.alarm] = [*self._raised[event.alarm], (serial, event)][:WAITED_EVENTS_MAX]
            case StreamOpened() | StreamClosed() if event.side != "viewed":
                return  # between the relays; who looked at it is an event of its own
            case StreamOpened() | StreamClosed() | ViewingRefused():
                granted = self._grants.get(event.grant)
                if granted is not None:
                    self._note(granted[0], serial, event)
            case _:
                self._about(serial, event)

    def _about(self, serial: int, event: AnyEvent) -> None:
        """An event that names its incident itself: each kind does so in the same field."""
        incident: IncidentId | None = getattr(event, "incident", None)
        if incident is None:
            return
        match event:
            case IncidentOpened() | AlarmJoined():
                self._alarms[event.alarm] = incident
                for earlier, raised in self._raised.pop(event.alarm, []):
                    self._note(incident, earlier, raised)
            case VideoGranted():
                self._grants[event.grant] = incident, event.city
            case _:
                pass  # it brings no further id
        self._note(incident, serial, event)
        match event:
            case IncidentOpened() | AlarmJoined():
                self._held[incident].alarms.append(event.alarm)
            case VideoGranted():
                self._held[incident].grants.append(event.grant)
            case _:
                pass  # nothing to forget with it
        self._lenses(incident, event)

    def _lenses(self, incident: IncidentId, event: AnyEvent) -> None:
        match event:
            case CamerasProposed() | VideoGranted():
                city = event.city
            case CamerasChanged() if event.grant in self._grants:
                city = self._grants[event.grant][1]
            case _:
                return
        self._held[incident].lenses.update({(city, each.camera): each.name for each in event.cameras})

    def _note(self, incident: IncidentId, serial: int, event: AnyEvent) -> None:
        held = self._held.get(incident)
        if held is None:
            whole = isinstance(event, AlarmRaised | IncidentOpened)
            held = _Held(Row(incident=incident, opened_at=event.at), array("q"), whole)
            self._held[incident] = held
            if len(self._held) > KEPT_MAX:
                self._drop(next(iter(self._held)))
        held.row = archives.found(held.row, event)
        if not held.whole:
            held.row = replace(held.row, closed_at=held.row.closed_at or event.at)
        if len(held.serials) < EVENTS_MAX:
            held.serials.append(serial)

    def _drop(self, incident: IncidentId) -> None:
        dropped = self._held.pop(incident)
        for alarm in dropped.alarms:
            self._alarms.pop(alarm, None)
        for grant in dropped.grants:
            self._grants.pop(grant, None)

    # --- finding ---------------------------------------------------------------------------------------------------

    def search(self, wish: Wish, reader: Reader, number: int) -> Page:
        """Page `number` (from 0) of what matches and this person may see, newest first."""
        self.catch_up(limit=None)
        matching = [
            held.row
            for held in reversed(self._held.values())
            if archives.may_see(held.row, reader) and archives.matches(held.row, wish, self.case_no(held.row.wearer))
        ]
        start = number * PAGE_ROWS
        return Page(tuple(matching[start : start + PAGE_ROWS]), number, len(matching))

    def case_no(self, wearer: WearerId | None) -> str:
        record = self._people.get(wearer) if wearer else None
        return record.case_no if record else ""

    def row(self, incident: IncidentId) -> Row | None:
        held = self._held.get(incident)
        return held.row if held else None

    def lenses(self, incident: IncidentId) -> dict[tuple[CentreId, CameraId], str]:
        """Cameras that were proposed or provided for it, each with its city, and their names."""
        held = self._held.get(incident)
        return dict(held.lenses) if held else {}

    # --- opening ---------------------------------------------------------------------------------------------------

    async def open(self, incident: IncidentId, purpose: Purpose) -> Opened:
        """The whole of one incident. Call it after its `ClosedIncidentOpened` is on disk."""
        async with self._turn:
            self.catch_up(limit=None)
            held = self._held[incident]
            story = archives.retell(
                Told(serial=serial, leaf=leaf, event=event) for serial, leaf, event in self._store.some(held.serials)
            )
            positions: str = "withheld"
            track: tuple[Place, ...] = ()
            if purpose in archives.WITHOUT_POSITIONS:
                story = replace(story, places=())
            else:
                positions, track = await self._track(held.row, story)
            record = self._people.get(held.row.wearer) if held.row.wearer else None
            footing = record.order.wearer_class if record else None
            basis = law.basis(footing, held.row.kind) if footing and held.row.kind else None
            return Opened(
                row=held.row,
                story=story,
                purpose=purpose,
                positions=positions,
                track=track,
                who=None if purpose in archives.WITHOUT_POSITIONS else record,
                case_no=record.case_no if record else "",
                law=basis,
                size=self._frontier.size,
                root=self._frontier.root(),
            )

    async def _track(self, row: Row, story: Story) -> tuple[str, tuple[Place, ...]]:
        """Where the person was from the first alarm to the closing, as far as it may still be known."""
        wearer, first, last = row.wearer, story.fix_first, story.fix_last
        if wearer is None or story.opened_at is None:
            return "erased", ()
        if first is None or last is None or last < first:
            return "none", ()
        records, whole = await asyncio.to_thread(self._journal.find, wearer, first, last)
        places = [place for place in map(fixes.place, self._journal.opened(records)) if place is not None]
        places.sort(key=lambda each: each.observed_at)
        if places:
            return "kept" if whole else "partly", thinned(places)
        return "none" if whole else "expired", ()


def thinned(places: list[Place]) -> tuple[Place, ...]:
    """At most POINTS_MAX, the first and the last among them."""
    if len(places) <= POINTS_MAX:
        return tuple(places)
    step = (len(places) - 1) / (POINTS_MAX - 1)
    return tuple(places[round(n * step)] for n in range(POINTS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How ids are called here. What has no name is shown by its id."""

    people: Mapping[str, str]
    centres: Mapping[str, str]
    units: Mapping[str, str]

    def of(self, id: str | None, among: Mapping[str, str]) -> str | None:
        return among.get(id, id) if id else None


WORDS: Final = (
    "kind", "why", "code", "outcome", "certainty", "state", "standing", "answer", "purpose", "sight", "heading", "travel",
    "mark", "unable", "shelved", "surfaced", "suppression",
)  # fmt: skip
"""Fields of an event that hold a word. `reason` is not among them: each kind that has one means other words by it."""


def ticks(story: Story, names: Names) -> Iterable[dict[str, object]]:
    """Each event as a line of a record (docs/contracts.md section 5), with its place in the ledger, in order of time: what
    a relay saw is merged later. What was erased has no time left and stands at the end.
    """
    looked = {each.stream: each for each in story.viewings}
    lenses = {(each.grant, each.card.camera): each.card.name for each in story.sights}
    for each in sorted(story.told, key=lambda told: (told.event is None, told.event.at if told.event else 0)):
        event = each.event
        if event is None:
            yield {"serial": each.serial, "at": None, "what": None, "by_name": None, "with": {}}
            continue
        more: dict[str, object] = {}
        for name in WORDS:
            word = getattr(getattr(event, name, None), "value", None)
            if word is not None:
                more[name] = word
        if isinstance(event, IncidentReassigned):
            more["reason"] = event.reason.value
        if isinstance(event, AlarmAmended):
            more["change"] = amended(event)
        if isinstance(event, FieldTold):
            more["text"] = event.text
        cameras: tuple[object, ...] | None = getattr(event, "cameras", None)
        if cameras is not None:
            more["cameras"] = len(cameras)
        for name, among in (
            ("city", names.centres),
            ("room", names.centres),
            ("unit", names.units),
            ("to", names.people),
        ):
            called = names.of(getattr(event, name, None), among)
            if called:
                more[f"{name}_name"] = called
        tag = type(event).__struct_config__.tag
        by: str | None = getattr(event, "by", None)
        if isinstance(event, StreamOpened | StreamClosed):
            more["camera_name"] = lenses.get((event.grant, event.camera), event.camera)
            by = looked[event.stream].by if event.stream in looked else None
        yield {
            "serial": each.serial,
            "at": event.at,
            "what": tag,
            "by_name": names.of(by, names.people),
            "with": more,
        }
