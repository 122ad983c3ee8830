"""Verdict to alarm: which kind, how urgent, which state, for whom it rings next.

States after ISA-18.2 / IEC 62682 (OPC UA Part 9): an alarm latches until a person acknowledges it, and a return to
normal never acknowledges anything. One that rises in certainty rings, whatever state it was in.

Absent on purpose: whether a verdict is right (that is `rules`), which alarms may be held back or shelved
(`annunciations`) and what is done about one (`incidents`).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias, assert_never

from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmEscalated,
    AlarmRaised,
    AlarmRepeated,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    Place,
)
from safetynet.core.terms import (
    SECOND_MS,
    AlarmId,
    AlarmKind,
    Certainty,
    IncidentId,
    Instant,
    OutageId,
    PersonId,
    Priority,
    ProtectedId,
    ShelveReason,
    Suppression,
    WearerId,
    ZoneId,
)


class AlarmState(Enum):
    """Letters as ISA-18.2 gives them."""

    UNACKED = "unacked"
    """B: rings."""
    ACKED = "acked"
    """C: a person has it."""
    RETURNED_UNACKED = "returned_unacked"
    """D: the condition holds again, and nobody has looked yet. Still rings."""
    CLOSED = "closed"
    """A: closed with its incident, by a person, with a code."""
    NORMAL = "normal"
    """A: it was held back, and its condition holds again. It rang for nobody and is over, unless it is broken anew."""
    SHELVED = "shelved"
    """E: a person put it aside, for a reason and a time."""
    SUPPRESSED = "suppressed"
    """F: held back by design; it rings the moment it is more than noise."""
    OUT_OF_SERVICE = "out_of_service"
    """G: the device is being exchanged or repaired."""


RINGING: Final = (AlarmState.UNACKED, AlarmState.RETURNED_UNACKED)
HELD: Final = (AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE)
"""Broken, and rings for nobody."""
TIMES_KEPT: Final = 8
"""Of how many latest breakings the instants are kept, for counting."""


TAMPER: Final = frozenset({AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER})
"""Kinds that no signal heals (US federal practice of ignoring healed tampers cost lives: domain.md section 6)."""

TECHNICAL: Final = frozenset({AlarmKind.COMM_LOST, AlarmKind.GPS_LOST, AlarmKind.BATTERY_LOW})
"""What a device, or its silence, says of the device itself."""
GROUNDLESS: Final = TECHNICAL | {
    AlarmKind.SOS, AlarmKind.APPROACH_2K, AlarmKind.PROTECTED_LOST, AlarmKind.ATTENDANCE, AlarmKind.PLANNED_REMOVAL,
}  # fmt: skip
"""Kinds that open no video for anybody: beside one of like urgency that does, they do not say what an incident is about."""
CALLS: Final = frozenset({AlarmKind.SOS, AlarmKind.PROTECTED_SOS})
UNCERTAIN: Final = frozenset(
    {
        AlarmKind.EXCLUSION_ZONE, AlarmKind.CURFEW, AlarmKind.APPROACH_1K, AlarmKind.APPROACH_2K, AlarmKind.SEPARATION,
        AlarmKind.SCHOOL_HOURS, AlarmKind.RESIDENCE, AlarmKind.ATTENDANCE,
    }
)  # fmt: skip
"""Kinds found by position and time: a MAYBE of them is a suspicion, on which no camera is prepared."""

ESCALATES_MS: Final[dict[Priority, tuple[int, ...]]] = {
    Priority.EMERGENCY: (30 * SECOND_MS, 90 * SECOND_MS),
    Priority.DANGER: (60 * SECOND_MS, 180 * SECOND_MS),
    Priority.CAUTION: (),
    Priority.DEVICE: (),
}
"""After how long without acknowledgement a further circle of people hears it: second operator, shift lead."""


PER_PERSON_ACCEPTABLE: Final = 1
"""Alarms in ten minutes that one person can give each its due, the most that can be managed, and a flood (ISA-18.2)."""
PER_PERSON_MANAGEABLE: Final = 2
PER_PERSON_FLOOD: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    alarm: AlarmId
    wearer: WearerId
    kind: AlarmKind
    priority: Priority
    certainty: Certainty
    state: AlarmState
    raised_at: Instant
    """Since when it rings; of one that does not, when it was raised."""
    first: Place | None
    """Where it began: the evidence for the video request."""
    latest: Place | None
    zone: ZoneId | None
    episode: str
    count: int = 1
    level: int = 0
    returned_at: Instant | None = None
    retracted: bool = False
    """A late word showed that it was no breach, and none has shown otherwise since."""
    acked_by: PersonId | None = None
    acked_at: Instant | None = None
    incident: IncidentId | None = None
    protected: ProtectedId | None = None
    unproven: bool = False
    times: tuple[Instant, ...] = ()
    """When it was broken, the latest TIMES_KEPT of them."""
    held: Suppression | None = None
    due_at: Instant | None = None
    """When it comes up, or back, by itself."""
    network: str = ""
    outage: OutageId | None = None
    shelved_by: PersonId | None = None
    shelved_for: ShelveReason | None = None
    shelvings: int = 0


def priority(kind: AlarmKind, certainty: Certainty) -> Priority:
    """Consequence and time left, not the event's name alone."""
    match kind:
        case AlarmKind.STRAP_CUT | AlarmKind.BODY_TAMPER | AlarmKind.APPROACH_100 | AlarmKind.PROTECTED_SOS:
            return Priority.EMERGENCY
        case AlarmKind.SOS | AlarmKind.JAMMING:
            return Priority.DANGER
        case AlarmKind.SEPARATION | AlarmKind.SCHOOL_HOURS | AlarmKind.RESIDENCE:
            return Priority.DANGER if certainty is Certainty.CERTAIN else Priority.CAUTION
        case AlarmKind.EXCLUSION_ZONE | AlarmKind.CURFEW | AlarmKind.APPROACH_1K | AlarmKind.COMM_LOST:
            # Silence is a MAYBE while a cellar may explain it, and CERTAIN once more is to be feared (`silences.grave`).
            return Priority.DANGER if certainty is Certainty.CERTAIN else Priority.CAUTION
        case AlarmKind.APPROACH_2K | AlarmKind.PROTECTED_LOST | AlarmKind.ATTENDANCE:
            return Priority.CAUTION
        case AlarmKind.GPS_LOST | AlarmKind.BATTERY_LOW | AlarmKind.PLANNED_REMOVAL:
            return Priority.DEVICE
        case _:
            assert_never(kind)


def foremost(alarms: Iterable[Alarm]) -> Alarm:
    """The alarm that says what an incident is about: the most urgent; among equals one that is a ground for video, a
    certain one, the oldest. Raises ValueError without any.
    """
    return min(
        alarms,
        key=lambda each: (
            each.priority,
            each.kind in GROUNDLESS,  # it must not hide one that is a ground
            each.certainty is not Certainty.CERTAIN,
            each.raised_at,
            each.alarm,
        ),
    )


def alarm_id(episode: str) -> AlarmId:
    """Derived from the episode, so that judging the same journal again after a crash finds the same alarm.

    Never leaves the centre: who knows wearer, kind, zone and fix can compute it.
    """
    return AlarmId("A-" + _short(f"alarm {episode}"))


def incident_id(secret: bytes, alarm: AlarmId) -> IncidentId:
    """Known to other organisations. Without the centre's secret nobody can try wearers until one fits; with it the
    same alarm gives the same id again after a crash.
    """
    return IncidentId("I-" + _short(f"incident {alarm}", secret))


def _short(text: str, secret: bytes = b"") -> str:
    return hashlib.blake2b(text.encode(), digest_size=8, key=secret, person=b"safetynet-id").hexdigest().upper()


def escalates_at(alarm: Alarm) -> Instant | None:
    """When the next circle hears it, or None: acknowledged, closed, or nobody further to tell."""
    steps = ESCALATES_MS[alarm.priority]
    if alarm.state not in RINGING or alarm.level >= len(steps):
        return None
    return Instant(alarm.raised_at + steps[alarm.level])


def heals(kind: AlarmKind) -> bool:
    """Whether a later signal may say that the condition holds again."""
    return kind not in TAMPER | CALLS | {AlarmKind.JAMMING}


def raised(event: AlarmRaised) -> Alarm:
    return Alarm(
        alarm=event.alarm,
        wearer=event.wearer,
        kind=event.kind,
        priority=event.priority,
        certainty=event.certainty,
        state=AlarmState.UNACKED,
        raised_at=event.at,
        first=event.place,
        latest=event.place,
        zone=event.zone,
        episode=event.episode,
        protected=event.protected,
        unproven=event.unproven,
        times=(event.at,),
    )


Step: TypeAlias = (
    AlarmRepeated
    | AlarmReturned
    | AlarmAcknowledged
    | AlarmEscalated
    | AlarmSuppressed
    | AlarmSurfaced
    | AlarmShelved
    | AlarmUnshelved
    | AlarmAmended
)


def step(alarm: Alarm, event: Step) -> Alarm:
    """The alarm after what happened to it. A rise in certainty rings again even when it was acknowledged, and so does one
    that was taken back and is a breach after all.
    """
    match event:
        case AlarmRepeated():
            return _repeated(alarm, event)
        case AlarmAmended(retracted=False):
            return replace(alarm, certainty=event.certainty)
        case AlarmAmended():
            return replace(
                alarm,
                state=_RETURNED.get(alarm.state, alarm.state),
                returned_at=alarm.returned_at or event.at,
                retracted=True,
                times=(),  # what was no breach does not count against chatter
            )
        case AlarmReturned():
            return replace(
                alarm,
                state=_RETURNED.get(alarm.state, alarm.state),
                latest=event.place or alarm.latest,
                returned_at=event.at,
            )
        case AlarmAcknowledged():
            return replace(alarm, state=AlarmState.ACKED, acked_by=event.by, acked_at=event.at)
        case AlarmEscalated():
            return replace(alarm, level=event.level)
        case AlarmSuppressed():
            out = event.suppression is Suppression.OUT_OF_SERVICE
            return replace(
                alarm,
                state=AlarmState.OUT_OF_SERVICE if out else AlarmState.SUPPRESSED,
                held=event.suppression,
                due_at=event.until,
                outage=event.outage,
                network=event.network or alarm.network,
            )
        case AlarmSurfaced() | AlarmUnshelved():
            return _ringing(alarm, event.at)
        case AlarmShelved():
            return replace(
                alarm,
                state=AlarmState.SHELVED,
                due_at=event.until,
                shelved_by=event.by,
                shelved_for=event.shelved,
                shelvings=alarm.shelvings + 1,
            )
        case _:
            assert_never(event)


def _repeated(alarm: Alarm, event: AlarmRepeated) -> Alarm:
    rose = event.certainty is Certainty.CERTAIN and alarm.certainty is Certainty.MAYBE
    anew = rose or (alarm.retracted and alarm.state is AlarmState.ACKED)
    urgency = min(alarm.priority, priority(alarm.kind, event.certainty))
    return replace(
        alarm,
        certainty=event.certainty if rose or alarm.retracted else alarm.certainty,
        priority=urgency,
        state=AlarmState.UNACKED if anew or alarm.state is AlarmState.RETURNED_UNACKED else alarm.state,
        raised_at=event.at if anew else alarm.raised_at,
        level=0 if anew else alarm.level,
        latest=event.place or alarm.latest,
        returned_at=None,
        retracted=False,
        count=alarm.count + 1,
        times=(*alarm.times, event.at)[-TIMES_KEPT:],
        held=None if rose else alarm.held,
        due_at=None if rose else alarm.due_at,
    )


_RETURNED: Final = {
    AlarmState.UNACKED: AlarmState.RETURNED_UNACKED,
    AlarmState.SUPPRESSED: AlarmState.NORMAL,
    AlarmState.OUT_OF_SERVICE: AlarmState.NORMAL,
}


def _ringing(alarm: Alarm, at: Instant) -> Alarm:
    """It rings from now on, and the time to answer begins now."""
    back = alarm.returned_at is not None
    return replace(
        alarm,
        state=AlarmState.RETURNED_UNACKED if back else AlarmState.UNACKED,
        raised_at=at,
        level=0,
        held=None,
        due_at=None,
        shelved_by=None,
        shelved_for=None,
    )


def closed(alarm: Alarm) -> Alarm:
    return replace(alarm, state=AlarmState.CLOSED)
