"""Closed incidents: who may open one again and for what, and its whole story told from the log.

Everybody who opens one chooses a purpose of the law's own list, and that is an event. The purpose decides what is
seen: the keeper's check of its access records needs no positions.

Absent on purpose: names, tracks (both lie elsewhere and may be erased), and pictures: nothing was recorded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from safetynet.core import alarms
from safetynet.core.alarms import Alarm
from safetynet.core.events import (
    AlarmRaised,
    AlarmRepeated,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    AnyEvent,
    CameraCard,
    CamerasChanged,
    CamerasProposed,
    ClosedIncidentOpened,
    IncidentClaimed,
    IncidentClosed,
    IncidentHandedOver,
    IncidentOpened,
    IncidentReassigned,
    IncidentTakenOver,
    Place,
    PositionFollowed,
    ReportMade,
    StreamClosed,
    StreamOpened,
    VideoEnded,
    VideoGranted,
    VideoRequested,
    ViewerAdmitted,
)
from safetynet.core.law import DOCUMENT
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    Disposition,
    FixId,
    GrantId,
    IncidentId,
    Instant,
    PersonId,
    Priority,
    Purpose,
    RequestId,
    StreamId,
    ViewerId,
    WearerId,
    Why,
)

WITHOUT_POSITIONS: Final = frozenset({Purpose.SELF_CHECK})
NEEDS_PERMIT: Final = frozenset({Purpose.COURT})
PERMIT: Final = DOCUMENT


# --- finding -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One incident as it can be found."""

    incident: IncidentId
    opened_at: Instant
    wearer: WearerId | None = None
    """None once the wearer was erased; then kind and code went too."""
    kind: AlarmKind | None = None
    priority: Priority | None = None
    closed_at: Instant | None = None
    code: Disposition | None = None
    alarms: tuple[Alarm, ...] = ()
    owner: PersonId | None = None
    led_by: frozenset[PersonId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is looked for. Absent means any; instants bound the opening."""

    since: Instant | None = None
    until: Instant | None = None
    kind: AlarmKind | None = None
    code: Disposition | None = None
    owner: PersonId | None = None
    case_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who looks. An operator sees what they led, and what concerns a wearer whose open incident they lead now."""

    person: PersonId
    supervisor: bool
    concerned: frozenset[WearerId] = frozenset()


def may_see(row: Row, reader: Reader) -> bool:
    if reader.supervisor or reader.person in row.led_by:
        return True
    return row.wearer is not None and row.wearer in reader.concerned


def matches(row: Row, wish: Wish, case_no: str) -> bool:
    """`case_no` is the wearer's, empty when unknown."""
    return (
        row.closed_at is not None
        and (wish.since is None or row.opened_at >= wish.since)
        and (wish.until is None or row.opened_at < wish.until)
        and (wish.kind is None or row.kind is wish.kind)
        and (wish.code is None or row.code is wish.code)
        and (wish.owner is None or wish.owner in row.led_by)
        and (not wish.case_no or wish.case_no in case_no)
    )


def refusal(row: Row | None, reader: Reader, purpose: Purpose, permit: str) -> Why | None:
    """Why this person may not open this incident for this purpose, or None."""
    if row is None or not may_see(row, reader):
        return Why.NO_SUCH_INCIDENT  # whether there is one is no business of theirs either
    if row.closed_at is None:
        return Why.NOT_ALLOWED_NOW
    if purpose in NEEDS_PERMIT and not PERMIT.fullmatch(permit):
        return Why.NO_PERMIT
    if purpose not in NEEDS_PERMIT and permit:
        return Why.MALFORMED
    return None


def found(row: Row, event: AnyEvent) -> Row:
    """The row after an event of its incident."""
    match event:
        case IncidentOpened():
            return replace(row, wearer=event.wearer, opened_at=event.at)
        case AlarmRaised():
            return _regraded(row, (*row.alarms, alarms.raised(event)))
        case AlarmRepeated() | AlarmSuppressed() | AlarmSurfaced() | AlarmShelved() | AlarmUnshelved():
            stepped = (alarms.step(each, event) if each.alarm == event.alarm else each for each in row.alarms)
            return _regraded(row, tuple(stepped))
        case IncidentClaimed() | IncidentTakenOver():
            return replace(row, owner=event.by, led_by=row.led_by | {event.by})
        case IncidentHandedOver() | IncidentReassigned():
            return replace(row, owner=event.to, led_by=row.led_by | {event.to})
        case IncidentClosed():
            return replace(row, closed_at=event.at, code=event.code)
        case _:
            return row


def _regraded(row: Row, held: tuple[Alarm, ...]) -> Row:
    """What it is about is said by the same alarm as while it was live."""
    if not held:
        return row
    first = alarms.foremost(held)
    return replace(row, alarms=held, wearer=first.wearer, kind=first.kind, priority=first.priority)


# --- the story -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event of the story with its place in the ledger. `event` is None when it was erased."""

    serial: int
    leaf: bytes
    event: AnyEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What one city granted, from asking to end."""

    grant: GrantId
    request: RequestId
    city: CentreId
    basis: Basis | None
    asked_by: PersonId | None
    asked_at: Instant | None
    granted_at: Instant
    until: Instant
    conditions: tuple[str, ...]
    ended_at: Instant | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One camera in one state for one span. `grant` None: it was proposed, and nothing came from it."""

    card: CameraCard
    city: CentreId
    grant: GrantId | None
    since: Instant
    until: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """One window looked at one camera."""

    stream: StreamId
    grant: GrantId
    camera: CameraId
    viewer: ViewerId | None
    by: PersonId | None
    since: Instant
    until: Instant | None = None
    segments: int = 0
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An incident from its first alarm to everybody who read it afterwards."""

    told: tuple[Told, ...]
    places: tuple[Place, ...] = ()
    provisions: tuple[Provision, ...] = ()
    sights: tuple[Sight, ...] = ()
    viewings: tuple[Viewing, ...] = ()
    readings: tuple[ClosedIncidentOpened | ReportMade, ...] = ()
    erased: int = 0
    """How many events can no longer be read."""
    fix_first: FixId | None = None
    fix_last: FixId | None = None
    opened_at: Instant | None = None
    closed_at: Instant | None = None


@dataclass(slots=True)
class _Telling:
    """While a story is told: what later events refer to."""

    asked: dict[RequestId, VideoRequested] = field(default_factory=dict[RequestId, VideoRequested])
    provisions: dict[GrantId, Provision] = field(default_factory=dict[GrantId, Provision])
    open_sights: dict[tuple[CentreId, CameraId], Sight] = field(default_factory=dict[tuple[CentreId, CameraId], Sight])
    sights: list[Sight] = field(default_factory=list[Sight])
    admitted: dict[ViewerId, PersonId] = field(default_factory=dict[ViewerId, PersonId])
    viewings: dict[tuple[StreamId, ViewerId | None], Viewing] = field(
        default_factory=dict[tuple[StreamId, ViewerId | None], Viewing]
    )
    places: list[Place] = field(default_factory=list[Place])

    def show(self, city: CentreId, cards: tuple[CameraCard, ...], grant: GrantId | None, at: Instant) -> None:
        """From now on exactly these cameras of this city are in this state."""
        for (held_city, camera), sight in list(self.open_sights.items()):
            if held_city == city:
                del self.open_sights[held_city, camera]
                self.sights.append(replace(sight, until=at))
        for card in cards:
            self.open_sights[city, card.camera] = Sight(card=card, city=city, grant=grant, since=at)

    def end(self, grant: GrantId, at: Instant) -> None:
        for key, sight in list(self.open_sights.items()):
            if sight.grant == grant:
                del self.open_sights[key]
                self.sights.append(replace(sight, until=at))

    def happened(self, event: AnyEvent) -> None:
        match event:
            case VideoRequested():
                self.asked[event.request] = event
            case CamerasProposed():
                self.show(event.city, event.cameras, None, event.at)
            case VideoGranted():
                self._granted(event)
            case CamerasChanged():
                held = self.provisions.get(event.grant)
                if held is not None and held.ended_at is None:
                    self.show(held.city, event.cameras, event.grant, event.at)
            case VideoEnded():
                held = self.provisions.get(event.grant)
                if held is not None:
                    self.provisions[event.grant] = replace(held, ended_at=event.at, why=event.why)
                self.end(event.grant, event.at)
            case ViewerAdmitted():
                self.admitted[event.viewer] = event.by
            case StreamOpened(side="viewed"):
                self.viewings[event.stream, event.viewer] = Viewing(
                    stream=event.stream,
                    grant=event.grant,
                    camera=event.camera,
                    viewer=event.viewer,
                    by=self.admitted.get(event.viewer) if event.viewer else None,
                    since=event.at,
                )
            case StreamClosed(side="viewed"):
                key = event.stream, event.viewer
                if key in self.viewings:
                    self.viewings[key] = replace(
                        self.viewings[key], until=event.at, segments=event.segments, why=event.why
                    )
            case _:
                return

    def _granted(self, event: VideoGranted) -> None:
        asked = self.asked.get(event.request)
        self.provisions[event.grant] = Provision(
            grant=event.grant,
            request=event.request,
            city=event.city,
            basis=asked.basis if asked else None,
            asked_by=asked.by if asked else None,
            asked_at=asked.at if asked else None,
            granted_at=event.at,
            until=event.until,
            conditions=event.conditions,
        )
        self.show(event.city, event.cameras, event.grant, event.at)


def retell(told: Iterable[Told]) -> Story:
    """The story of one incident's events, in the order of the log."""
    all = tuple(told)
    telling = _Telling()
    readings: list[ClosedIncidentOpened | ReportMade] = []
    fix_last: FixId | None = None
    opened_at: Instant | None = None
    closed_at: Instant | None = None
    for each in all:
        event = each.event
        match event:
            case None:
                continue
            case ClosedIncidentOpened() | ReportMade():
                readings.append(event)
            case IncidentOpened():
                opened_at = event.at
            case IncidentClosed():
                fix_last, closed_at = event.fix_through, event.at
            case AlarmRaised() | PositionFollowed() if event.place is not None:
                telling.places.append(event.place)
            case _:
                telling.happened(event)
    open_still = [replace(each, until=closed_at) for each in telling.open_sights.values()]
    return Story(
        told=all,
        places=tuple(telling.places),
        provisions=tuple(telling.provisions.values()),
        sights=tuple(sorted((*telling.sights, *open_still), key=lambda each: (each.since, each.card.camera))),
        viewings=tuple(telling.viewings.values()),
        readings=tuple(readings),
        erased=sum(each.event is None for each in all),
        fix_first=min((each.fix for each in telling.places), default=None),
        fix_last=fix_last,
        opened_at=opened_at,
        closed_at=closed_at,
    )
