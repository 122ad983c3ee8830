"""Which alarm rings now, which is held back and why, and when what was held back comes up: after the rules, before people.

Nothing is decided here about whether a condition is broken, and nothing is taken out of the log: each alarm was raised
and recorded before it is held back. What was held back rings the moment it lasts, comes often, becomes certain, or is
borne out by something else of the same wearer.
"""

from collections.abc import Iterator

from safetynet.core import alarms, incidents, outages
from safetynet.core.alarms import HELD, RINGING, Alarm, AlarmState
from safetynet.core.annunciations import (
    OUTAGE_GRACE_MS,
    OUTAGE_MEMBERS_MIN,
    OUTAGE_WINDOW_MS,
    SERVICE_MS_MAX,
    SHELVINGS_MAX,
    Handling,
    handling,
    often,
    shelve_ms_max,
)
from safetynet.core.control.state import State, evolve, fold
from safetynet.core.control.words import AckOutage, Country, HoldCommand, ResumeService, Shelve, StopService, Unshelve
from safetynet.core.events import (
    AlarmJoined,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    AnyEvent,
    IncidentOpened,
    OutageAcknowledged,
    OutageBegan,
    OutageEnded,
    ServiceResumed,
    ServiceStopped,
)
from safetynet.core.incidents import Act
from safetynet.core.terms import (
    AlarmId,
    AlarmKind,
    Certainty,
    Instant,
    Suppression,
    Surfacing,
    WearerId,
    Why,
)

# --- held back -----------------------------------------------------------------------------------------------------


def hold(
    state: State, alarm: AlarmId, wearer: WearerId, kind: AlarmKind, certainty: Certainty, network: str, at: Instant
) -> AlarmSuppressed | None:
    """What holds this alarm back now, or None: it rings."""
    found, held = handling(kind, certainty), state.held
    service = held.service.get(wearer)
    if found.by_service and service is not None and at < service.until:
        why = Suppression.OUT_OF_SERVICE
        return AlarmSuppressed(at=at, alarm=alarm, wearer=wearer, suppression=why, until=service.until)
    if found.joins and wearer in state.open:
        return None  # it bears out what rings already
    outage = outages.running(held.outages, network) if found.by_outage and network else None
    if outage is not None:
        return AlarmSuppressed(
            at=at, alarm=alarm, wearer=wearer, suppression=Suppression.OUTAGE, outage=outage.outage, network=network
        )
    if not found.on_delay_ms:
        return None
    return AlarmSuppressed(
        at=at,
        alarm=alarm,
        wearer=wearer,
        suppression=Suppression.BRIEF,
        until=Instant(at + found.on_delay_ms),
        network=network if found.by_outage else "",
    )


def together(state: State, network: str, at: Instant) -> list[AnyEvent]:
    """Whether so many of one network are silent now that it is the network: then they are one incident."""
    recent = [
        (since, each)
        for since, each in state.held.recent.get(network, ())
        if at - since < OUTAGE_WINDOW_MS and (alarm := state.alarms.get(each)) is not None and _brief(alarm)
    ]
    if not network or len(recent) < OUTAGE_MEMBERS_MIN or outages.running(state.held.outages, network) is not None:
        return []
    since = recent[0][0]
    outage = outages.outage_id(network, since)
    began: list[AnyEvent] = [OutageBegan(at=at, outage=outage, network=network, since=since, members=len(recent))]
    return began + [
        AlarmSuppressed(
            at=at,
            alarm=each,
            wearer=state.alarms[each].wearer,
            suppression=Suppression.OUTAGE,
            outage=outage,
            network=network,
        )
        for _, each in recent
    ]


def _brief(alarm: Alarm) -> bool:
    return alarm.state is AlarmState.SUPPRESSED and alarm.held is Suppression.BRIEF


# --- and comes up --------------------------------------------------------------------------------------------------


def opened(
    country: Country, state: State, alarm: AlarmId, wearer: WearerId, at: Instant
) -> IncidentOpened | AlarmJoined:
    """To the wearer's open incident, or to a new one."""
    current = state.open.get(wearer)
    if current is not None:
        return AlarmJoined(at=at, incident=current, wearer=wearer, alarm=alarm)
    incident = alarms.incident_id(country.secret, alarm)
    return IncidentOpened(at=at, incident=incident, wearer=wearer, alarm=alarm)


def surfaced(country: Country, state: State, alarm: Alarm, why: Surfacing, at: Instant) -> list[AnyEvent]:
    """It rings, and with it what else is held back of this wearer and bears it out."""
    up = AlarmSurfaced(at=at, alarm=alarm.alarm, wearer=alarm.wearer, surfaced=why)
    events: list[AnyEvent] = [up, opened(country, state, alarm.alarm, alarm.wearer, at)]
    return events + borne_out(country, fold(state, events), alarm.wearer, at)


def borne_out(country: Country, state: State, wearer: WearerId, at: Instant) -> list[AnyEvent]:
    """Something of this wearer rings: what is held back of the same wearer is more than noise now."""
    current = state.open.get(wearer)
    events: list[AnyEvent] = []
    for id in state.held.of.get(wearer, ()) if current is not None else ():
        alarm = state.alarms[id]
        if alarm.state is AlarmState.SUPPRESSED and handling(alarm.kind, alarm.certainty).joins:
            events.append(AlarmSurfaced(at=at, alarm=id, wearer=wearer, surfaced=Surfacing.JOINED))
            events.append(opened(country, state, id, wearer, at))
    return events


def again(country: Country, state: State, known: Alarm, network: str, at: Instant) -> list[AnyEvent]:
    """Broken again, while it was held back or after it was over. `state` has the repetition, `known` is from before it."""
    alarm = state.alarms[known.alarm]
    found = handling(alarm.kind, alarm.certainty)
    if _still_explained(state, known, found, at):
        # Whatever it has come to mean meanwhile: a rise has taken it up, and it goes back with its reason.
        assert known.held is not None
        kept = AlarmSuppressed(
            at=at,
            alarm=known.alarm,
            wearer=known.wearer,
            suppression=known.held,
            until=known.due_at,
            outage=known.outage,
            network=known.network,
        )
        return [] if alarm.state in HELD else [kept]
    if alarm.certainty is not known.certainty:
        return surfaced(country, state, alarm, Surfacing.RISEN, at)
    if known.state in HELD and known.held is not Suppression.BRIEF:
        return []
    if often(found, alarm.times, at):
        return surfaced(country, state, alarm, Surfacing.REPEATED, at)
    if known.state in HELD:
        return []
    back = hold(state, alarm.alarm, alarm.wearer, alarm.kind, alarm.certainty, network, at)
    if back is None:
        why = Surfacing.JOINED if alarm.wearer in state.open else Surfacing.LASTED
        return surfaced(country, state, alarm, why, at)
    if back.suppression is Suppression.BRIEF and _flickered(known, found.off_delay_ms, at):
        assert known.due_at is not None, "what is brief has a time"
        if known.due_at <= at:
            return surfaced(country, state, alarm, Surfacing.LASTED, at)
        back = AlarmSuppressed(
            at=at,
            alarm=back.alarm,
            wearer=back.wearer,
            suppression=back.suppression,
            until=known.due_at,
            network=back.network,
        )
    return [back, *together(evolve(state, back), network, at)]


def _still_explained(state: State, known: Alarm, found: Handling, at: Instant) -> bool:
    """By an outage of its network that lasts, or by work on the device."""
    if known.held is Suppression.OUTAGE:
        outage = state.held.outages.get(known.outage) if known.outage is not None else None
        return found.by_outage and outage is not None and outage.ended_at is None
    until = state.held.service.get(known.wearer)
    return known.held is Suppression.OUT_OF_SERVICE and found.by_service and until is not None and at < until


def _flickered(known: Alarm, off_delay_ms: int, at: Instant) -> bool:
    """Whether it was normal for so short a while that it was none."""
    brief = known.held is Suppression.BRIEF and known.due_at is not None
    return brief and known.returned_at is not None and at - known.returned_at < off_delay_ms


# --- what time brings ----------------------------------------------------------------------------------------------


def due(country: Country, state: State, at: Instant) -> list[AnyEvent]:
    """Each is decided on the state that the one before it left."""
    events: list[AnyEvent] = []
    for some in _due(country, state, at):
        events += some
    return events


def _due(country: Country, state: State, at: Instant) -> Iterator[list[AnyEvent]]:
    for _, id in sorted((when, each) for each, when in state.held.due.items() if when <= at):
        alarm = state.alarms[id]
        if alarm.due_at is None or alarm.due_at > at or alarm.state not in (*HELD, AlarmState.SHELVED):
            continue  # it came up with another one of this wearer
        some = _timed(country, state, alarm, at)
        state = fold(state, some)
        yield some
    yield [
        ServiceResumed(at=at, wearer=wearer, by=None)
        for wearer, stopped in sorted(state.held.service.items())
        if stopped.until <= at
    ]
    for _, outage in sorted(state.held.outages.items()):
        end = outages.over(outage, at) if outage.ended_at is None else None
        if end is None:
            continue
        left = [each for each in sorted(outage.silent) if _of_outage(state.alarms.get(each))]
        until = Instant(at + OUTAGE_GRACE_MS)
        members = len(outage.members)
        yield [
            OutageEnded(at=at, outage=outage.outage, why=end, members=members, silent=len(outage.silent)),
            *(
                AlarmSuppressed(
                    at=at, alarm=each, wearer=outage.silent[each], suppression=Suppression.BRIEF, until=until
                )
                for each in left
            ),
        ]


def _of_outage(alarm: Alarm | None) -> bool:
    return alarm is not None and alarm.state in HELD and alarm.held is Suppression.OUTAGE


def _timed(country: Country, state: State, alarm: Alarm, at: Instant) -> list[AnyEvent]:
    if alarm.state is AlarmState.SHELVED:
        return [AlarmUnshelved(at=at, alarm=alarm.alarm, wearer=alarm.wearer, by=None)]
    if alarm.state is AlarmState.OUT_OF_SERVICE:
        back = hold(state, alarm.alarm, alarm.wearer, alarm.kind, alarm.certainty, alarm.network, at)
        if back is not None:
            return [back]
    return surfaced(country, state, alarm, Surfacing.LASTED, at)


def suspected(state: State) -> frozenset[WearerId]:
    """Whose position decides whether an alarm that is held back will ring: they are to report quickly."""
    return frozenset(
        alarm.wearer
        for each in state.held.due
        if (alarm := state.alarms[each]).state is AlarmState.SUPPRESSED and alarm.kind in alarms.UNCERTAIN
    )


# --- what people do ------------------------------------------------------------------------------------------------


def refusal(state: State, command: HoldCommand) -> Why | None:
    match command:
        case Shelve():
            return _refuses_shelf(state, command)
        case Unshelve():
            alarm = state.alarms.get(command.alarm)
            shelved = alarm is not None and alarm.state is AlarmState.SHELVED
            return None if shelved else Why.NOT_ALLOWED_NOW
        case StopService():
            if command.wearer in state.held.service:
                return Why.NOT_ALLOWED_NOW
            return None if 0 < command.for_ms <= SERVICE_MS_MAX else Why.TOO_LONG
        case ResumeService():
            return None if command.wearer in state.held.service else Why.NOT_ALLOWED_NOW
        case AckOutage():
            outage = state.held.outages.get(command.outage)
            return None if outage is not None and outage.acked_by is None else Why.NOT_ALLOWED_NOW


def _refuses_shelf(state: State, command: Shelve) -> Why | None:
    """Never a tamper, a call for help, an approach, or what is certain of a place: whoever leads it, for whatever reason."""
    alarm = state.alarms.get(command.alarm)
    if alarm is None or alarm.state not in (*RINGING, AlarmState.ACKED):
        return Why.NOT_ALLOWED_NOW
    incident = state.incidents.get(alarm.incident) if alarm.incident else None
    if (no := incidents.refusal(incident, Act.SHELVE, command.by)) is not None:
        return no
    longest = shelve_ms_max(alarm.kind, alarm.certainty, alarm.priority)
    if longest == 0:
        return Why.NEVER_SHELVED
    if not 0 < command.for_ms <= longest:
        return Why.TOO_LONG
    return Why.TOO_MANY_RENEWALS if alarm.shelvings >= SHELVINGS_MAX else None


def commanded(state: State, given: HoldCommand, at: Instant) -> list[AnyEvent]:
    """What `refusal` let pass."""
    match given:
        case Shelve():
            wearer, until = state.alarms[given.alarm].wearer, Instant(at + given.for_ms)
            return [
                AlarmShelved(at=at, alarm=given.alarm, wearer=wearer, by=given.by, shelved=given.reason, until=until)
            ]
        case Unshelve():
            wearer = state.alarms[given.alarm].wearer
            return [AlarmUnshelved(at=at, alarm=given.alarm, wearer=wearer, by=given.by)]
        case StopService():
            until = Instant(at + given.for_ms)
            return [ServiceStopped(at=at, wearer=given.wearer, by=given.by, reason=given.reason, until=until)]
        case ResumeService():
            return _resumed(state, given, at)
        case AckOutage():
            return [OutageAcknowledged(at=at, outage=given.outage, by=given.by)]


def _resumed(state: State, given: ResumeService, at: Instant) -> list[AnyEvent]:
    """What the device still says waits as one of its kind does, from now on."""
    events: list[AnyEvent] = [ServiceResumed(at=at, wearer=given.wearer, by=given.by)]
    for id in state.held.of.get(given.wearer, ()):
        alarm = state.alarms[id]
        if alarm.held is Suppression.OUT_OF_SERVICE:
            until = Instant(at + handling(alarm.kind, alarm.certainty).on_delay_ms)
            why = Suppression.BRIEF
            events.append(AlarmSuppressed(at=at, alarm=id, wearer=given.wearer, suppression=why, until=until))
    return events
