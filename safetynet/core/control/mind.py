"""What happens: the decisions of a control centre, one function for each thing that can come in."""

import hashlib
from dataclasses import replace
from math import ceil
from typing import Final, assert_never

import msgspec
from immutables import Map

from safetynet.core import administration, alarms, fixes, geo, incidents, law
from safetynet.core.alarms import HELD, RINGING, Alarm, AlarmState
from safetynet.core.annunciations import may_be_held
from safetynet.core.control import annunciator, field, partners, relief, shield, sightings
from safetynet.core.control.state import State, busy, fold
from safetynet.core.control.words import (
    Absent,
    Acknowledge,
    AckOutage,
    AdmitOfficer,
    AdmitViewer,
    AnswerBackup,
    AnswerWarning,
    AskVideo,
    CallWearer,
    Claim,
    Close,
    Command,
    ConfirmItem,
    Country,
    Given,
    HandOver,
    Heard,
    HeardBadly,
    Judged,
    KeepPhoto,
    Locate,
    MarkField,
    MarkSighting,
    NoteHandover,
    OfferHandover,
    ReassignIncident,
    RelayHeard,
    ReportUnit,
    ResumeService,
    SendOffice,
    Shelve,
    StopService,
    TakeHandover,
    TakeOver,
    TellField,
    TellPolice,
    Tick,
    Unshelve,
    WithdrawHandover,
)
from safetynet.core.dispatch import ANSWER_MS, FOLLOWS, UNANSWERED, recommend, standing
from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmEscalated,
    AlarmRaised,
    AlarmRepeated,
    AlarmReturned,
    AlarmUnshelved,
    AnswerOverdue,
    AnyEvent,
    ClosedIncidentOpened,
    DiskChanged,
    DispatchOrdered,
    IncidentClaimed,
    IncidentClosed,
    IncidentHandedOver,
    IncidentTakenOver,
    LocationAsked,
    LogRestored,
    MessageRefused,
    Place,
    PoliceNotified,
    PositionFollowed,
    ReportMade,
    UnitReported,
    VideoEnded,
    VideoPrepared,
    VideoRefused,
    VideoRefusedHere,
    VideoRequested,
    ViewerAdmitted,
    ViewingNoticeDue,
    WearerCalled,
)
from safetynet.core.footage import asking
from safetynet.core.incidents import Act, Incident, Request, Stage, VideoState
from safetynet.core.jurisdictions import Kind, competent
from safetynet.core.rules import RULES_VERSION
from safetynet.core.terms import (
    MINUTE_MS,
    SECOND_MS,
    CentreId,
    Certainty,
    DiskLevel,
    DispatchId,
    IncidentId,
    Instant,
    NoticeId,
    NoticeState,
    PersonId,
    RequestId,
    UnitState,
    WearerClass,
    Why,
)
from safetynet.core.verdicts import RINGS, Change, Transition

CLOCK_SLACK_MS: Final = 30 * SECOND_MS
"""Just under what a city may grant: its clock may run behind ours."""
RADIUS_M_MIN: Final = 300
"""Enough for the way ahead; patrol cars are shown 500 m, the law table's cap is wider (domain.md 3.2)."""
TOUCHES_M: Final = 80.0
"""A city is asked once the uncertainty comes this near to its border: its cameras look across."""
NEARS_M: Final = 250.0
"""A city is asked to propose and pre-connect when the person is this near: at a run, about a minute ahead."""
AGAIN_M: Final = 25.0
"""A city that saw nobody there is asked again once the person is this much further."""
PASSING: Final = frozenset({Why.NO_CAMERA, Why.OUT_OF_AREA, Why.STALE})
"""Reasons that the person's next steps may undo. Any other refusal stands until a person asks again."""
LOCATE_MS: Final = 10 * SECOND_MS
"""A device is asked where it is no sooner again than it can have answered."""
MOVED_M: Final = 12.0
MOVED_MS: Final = 5 * SECOND_MS


# --- no ---


def refuses(state: State, command: Command, at: Instant) -> Why | None:
    """Why a person may not do this now, or None. `decide` asks the same and then records nothing."""
    match command:
        case Acknowledge():
            alarm = state.alarms.get(command.alarm)
            return None if alarm is not None and alarm.state in RINGING else Why.NOT_ALLOWED_NOW
        case Shelve() | Unshelve() | StopService() | ResumeService() | AckOutage():
            return annunciator.refusal(state, command)
        case ReportUnit() | MarkField() | KeepPhoto() | AdmitOfficer() | AnswerBackup() | TellField():
            return field.refusal(state, command, at)
        case (
            OfferHandover() | NoteHandover() | ConfirmItem() | TakeHandover() | WithdrawHandover() | ReassignIncident()
        ):
            return relief.refusal(state, command)
        case AnswerWarning():
            return shield.refuses_answer(state, command)
        case Claim():
            return incidents.refusal(state.incidents.get(command.incident), Act.CLAIM, command.by)
        case TakeOver():
            incident = state.incidents.get(command.incident)
            own = incident is not None and incident.owner == command.by
            no = Why.NOT_ALLOWED_NOW if own else incidents.refusal(incident, Act.TAKE_OVER, command.by)
            if no is None and incident is not None and command.held_by not in (None, incident.owner):
                return Why.STALE  # a third person took it while this one was asked: nobody is pushed aside unseen
            return no
        case HandOver():
            if command.to == command.by:
                return Why.NOT_ALLOWED_NOW
            return incidents.refusal(state.incidents.get(command.incident), Act.HAND_OVER, command.by)
        case CallWearer():
            return incidents.refusal(state.incidents.get(command.incident), Act.CALL, command.by)
        case Locate():
            incident = state.incidents.get(command.incident)
            no = incidents.refusal(incident, Act.LOCATE, command.by)
            soon = incident is not None and incident.located_at is not None and at - incident.located_at < LOCATE_MS
            return no or (Why.NOT_ALLOWED_NOW if soon else None)
        case AskVideo() if state.disk is not DiskLevel.AMPLE:
            return Why.DISK_LOW
        case AskVideo():
            return incidents.refusal(state.incidents.get(command.incident), Act.VIDEO, command.by)
        case TellPolice():
            return incidents.refusal(state.incidents.get(command.incident), Act.POLICE, command.by)
        case AdmitViewer() if state.disk is not DiskLevel.AMPLE:
            return Why.DISK_LOW
        case AdmitViewer():
            return _refuses_viewer(state, command, at)
        case SendOffice():
            return incidents.refusal(state.incidents.get(command.incident), Act.OFFICE, command.by)
        case MarkSighting():
            return sightings.refusal(state.incidents.get(command.incident), command)
        case Close():
            incident = state.incidents.get(command.incident)
            no = incidents.refusal(incident, Act.CLOSE, command.by)
            if no is None and incident is not None and not incidents.may_close(incident, command.code):
                return Why.NOT_ALLOWED_NOW
            return no
        case asking.AskFootage() if state.disk is not DiskLevel.AMPLE:
            return Why.DISK_LOW
        case (
            asking.AskFootage()
            | asking.ApproveFootage()
            | asking.DeclineFootage()
            | asking.ExtendFootage()
            | asking.DeleteFootage()
            | asking.ViewFootage()
            | asking.Fetched()
            | asking.NotFetched()
        ):
            return asking.refuses(state.footage, command, at)
        case _:
            assert_never(command)


def _refuses_viewer(state: State, command: AdmitViewer, at: Instant) -> Why | None:
    incident = state.incidents.get(command.incident)
    if (no := incidents.refusal(incident, Act.ADMIT, command.by)) is not None or incident is None:
        return no or Why.NO_SUCH_INCIDENT
    request = incidents.grant_of(incident, command.grant)
    if request is None:
        return Why.NO_SUCH_GRANT
    if request.state is not VideoState.GRANTED:
        return Why.GRANT_ENDED
    return None if incidents.live(request, at) else Why.RUN_OUT


# --- what happens ---


def decide(country: Country, state: State, given: Given, at: Instant) -> list[AnyEvent]:
    match given:
        case Judged():
            return _judged(country, state, given, at)
        case Heard():
            return partners.heard(state, given, at)
        case HeardBadly():
            return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=given.why)]
        case RelayHeard():
            return list(given.events)
        case LogRestored():
            return _restored(state, given, at)
        case DiskChanged() | ClosedIncidentOpened() | ReportMade():
            return [given]
        case Absent(person):
            return relief.absent(state, person, at)
        case Tick():
            return _due(country, state, at) + relief.due(state, at)
        case administration.Act():
            return [*administration.decide(state.register, given, state.open, at)]
        case _:
            return [] if refuses(state, given, at) is not None else _commanded(country, state, given, at)


def _judged(country: Country, state: State, given: Judged, at: Instant) -> list[AnyEvent]:
    """Each verdict is decided on the state that the one before it left."""
    events: list[AnyEvent] = []
    for transition in given.transitions:
        some = _verdict(country, state, transition, given, at)
        if some and transition.change in RINGS:
            some += shield.guard(country, fold(state, some), transition, given, at)
        state = fold(state, some)
        events += some
    some = shield.retell(country, state, given, at)
    state = fold(state, some)
    events += some
    for fix in () if state.disk is DiskLevel.SCARCE else given.fixes:
        incident = state.incidents.get(state.open.get(fix.wearer, IncidentId("")))
        if incident is None or not fixes.usable(fix) or (place := fixes.place(fix)) is None:
            continue
        if not _moved(incident.place, place):
            continue
        some = _follow(country, incident, place, given.footing.get(fix.wearer), at)
        state = fold(state, some)
        events += some
    return events


def _verdict(country: Country, state: State, verdict: Transition, given: Judged, at: Instant) -> list[AnyEvent]:
    alarm = alarms.alarm_id(verdict.episode)
    known = state.alarms.get(alarm)
    place = fixes.place(verdict.fix) or given.last.get(verdict.wearer)
    match verdict.change:
        case Change.RAISED if known is None:
            return _raise(country, state, verdict, place, given, at)
        case Change.RAISED:  # known already, unless it was taken back and is a breach after all
            back = known is not None and known.retracted and known.state is not AlarmState.CLOSED
            return _again(country, state, known, verdict, given, at) if known and back else []
        case Change.RISEN | Change.REPEATED:
            if known is None and may_be_held(verdict.kind, Certainty.MAYBE):  # it was held back, over and forgotten
                return _raise(country, state, verdict, place, given, at)
            if known is None or known.state is AlarmState.CLOSED:
                return []
            return _again(country, state, known, verdict, given, at)
        case Change.RETURNED:
            healed = known is None or known.returned_at is not None or known.state is AlarmState.CLOSED
            if healed or not alarms.heals(verdict.kind):
                return []
            return [AlarmReturned(at=at, alarm=alarm, wearer=verdict.wearer, place=place)]
        case Change.AMENDED | Change.RETRACTED:
            if known is None or known.state is AlarmState.CLOSED or known.retracted:
                return []
            retracted = verdict.change is Change.RETRACTED
            return [
                AlarmAmended(
                    at=at, alarm=alarm, wearer=verdict.wearer, certainty=verdict.certainty, retracted=retracted
                )
            ]
        case _:
            assert_never(verdict.change)


def _again(
    country: Country, state: State, known: Alarm, verdict: Transition, given: Judged, at: Instant
) -> list[AnyEvent]:
    """Broken again, or certain now. What was held back or put aside may ring by it."""
    place = fixes.place(verdict.fix) or given.last.get(verdict.wearer) or known.latest
    events: list[AnyEvent] = [
        AlarmRepeated(at=at, alarm=known.alarm, wearer=known.wearer, certainty=verdict.certainty, place=place)
    ]
    after = fold(state, events)
    if known.state in (*HELD, AlarmState.NORMAL):
        events += annunciator.again(country, after, known, given.network.get(verdict.wearer, ""), at)
    elif known.state is AlarmState.SHELVED and after.alarms[known.alarm].state is not AlarmState.SHELVED:
        events.append(AlarmUnshelved(at=at, alarm=known.alarm, wearer=known.wearer, by=None))
    after = fold(state, events)
    return events + _prepare(country, _of(after, after.alarms[known.alarm]), given.footing.get(known.wearer), at)


def _raise(
    country: Country, state: State, verdict: Transition, place: Place | None, given: Judged, at: Instant
) -> list[AnyEvent]:
    """Recorded whatever becomes of it; then it rings, or is held back with its reason."""
    alarm, wearer = alarms.alarm_id(verdict.episode), verdict.wearer
    network = given.network.get(wearer, "")
    events: list[AnyEvent] = [
        AlarmRaised(
            at=at,
            alarm=alarm,
            wearer=wearer,
            kind=verdict.kind,
            priority=alarms.priority(verdict.kind, verdict.certainty),
            certainty=verdict.certainty,
            place=place,
            zone=verdict.zone,
            episode=verdict.episode,
            order_version=verdict.order_version,
            rules=RULES_VERSION,
            protected=verdict.protected,
            unproven=not fixes.proven(verdict.fix),
        )
    ]
    held = annunciator.hold(state, alarm, wearer, verdict.kind, verdict.certainty, network, at)
    if held is not None:
        events.append(held)
        return events + annunciator.together(fold(state, events), network, at)
    events.append(annunciator.opened(country, state, alarm, wearer, at))
    after = fold(state, events)
    events += annunciator.borne_out(country, after, wearer, at)
    incident = fold(state, events).incidents[after.open[wearer]]
    return events + _prepare(country, incident, given.footing.get(wearer), at)


def _of(state: State, alarm: Alarm) -> Incident | None:
    return state.incidents.get(alarm.incident) if alarm.incident else None


def _prepare(country: Country, incident: Incident | None, footing: WearerClass | None, at: Instant) -> list[AnyEvent]:
    """Cameras are staged where the law would allow them to be asked for; a mere suspicion stages none."""
    if incident is None or incident.place is None or incident.stage is Stage.CLOSED:
        return []
    if incident.kind in alarms.UNCERTAIN and not _certain(incident):
        return []
    return _ask(country, incident, incident.place, footing, at, by=incident.asked_by)


def _certain(incident: Incident) -> bool:
    return incident.certainty is Certainty.CERTAIN


def _ask(
    country: Country, incident: Incident, place: Place, footing: WearerClass | None, at: Instant, by: PersonId | None
) -> list[AnyEvent]:
    """Ask (when a person has asked) or prepare each city that the uncertainty touches or nears."""
    rule = law.basis(footing, incident.kind) if footing is not None else None
    if not isinstance(rule, law.Rule):
        return []
    events: list[AnyEvent] = []
    for city in country.cities:
        away_m = geo.distance_to_area_m(place.lat, place.lon, city.area) - place.radius_m
        held = _still(incident.requests.get(city.city), place)
        staged = held is not None and held.state in (VideoState.PREPARED, VideoState.PROPOSED)
        if by is not None and away_m <= TOUCHES_M and (held is None or staged):
            events.append(_asking(incident, place, rule, city.city, held, at, by))
        elif held is None and away_m <= NEARS_M:
            events.append(_asking(incident, place, rule, city.city, None, at, None))
    return events


def _still(held: Request | None, place: Place) -> Request | None:
    """What a city was asked, unless it said no for a reason that has passed since: the person moved on."""
    if held is None or held.state is not VideoState.REFUSED or held.why not in PASSING:
        return held
    far = geo.distance_m(held.place.lat, held.place.lon, place.lat, place.lon) >= AGAIN_M
    return None if far else held


def _asking(
    incident: Incident,
    place: Place,
    rule: law.Rule,
    city: CentreId,
    held: Request | None,
    at: Instant,
    by: PersonId | None,
) -> VideoPrepared | VideoRequested:
    """A request keeps the id under which it was prepared; asked again after an end it is another one.

    It asks for what a city will allow, which does not know the class and holds it to the narrowest of all.
    """
    limits = law.limits(rule.basis, incident.kind)
    assert limits is not None, "a rule is a line of the table that the limits are made of"
    facts = VideoPrepared(
        at=at,
        incident=incident.incident,
        request=held.request if held else RequestId("R-" + _short(f"{incident.incident} {city} {at}")),
        city=city,
        basis=rule.basis,
        kind=incident.kind,
        place=place,
        radius_m=min(limits.radius_m_max, max(RADIUS_M_MIN, ceil(place.radius_m * 2 + 100))),
        cameras_max=min(partners.ANSWER_CAMERAS_MAX, limits.cameras_max),
        until=Instant(at + limits.minutes_max * MINUTE_MS - CLOCK_SLACK_MS),
    )
    if by is None:
        return facts
    return VideoRequested(**msgspec.structs.asdict(facts), by=by)


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8, person=b"safetynet-id").hexdigest().upper()


def _moved(before: Place | None, now: Place) -> bool:
    if before is None:
        return True
    if now.observed_at <= before.observed_at:
        return False
    far = geo.distance_m(before.lat, before.lon, now.lat, now.lon) >= MOVED_M
    return far or now.observed_at - before.observed_at >= MOVED_MS


def _follow(
    country: Country, incident: Incident, place: Place, footing: WearerClass | None, at: Instant
) -> list[AnyEvent]:
    """The person moved: those who follow learn it, and the next city is asked before he is there."""
    moved = PositionFollowed(at=at, incident=incident.incident, wearer=incident.wearer, place=place)
    if incident.kind in alarms.UNCERTAIN and not _certain(incident):
        return [moved]
    return [moved, *_ask(country, incident, place, footing, at, by=incident.asked_by)]


def _commanded(country: Country, state: State, given: Command, at: Instant) -> list[AnyEvent]:
    match given:
        case Claim():
            incident = state.incidents[given.incident]
            claimed: list[AnyEvent] = [IncidentClaimed(at=at, incident=given.incident, by=given.by)]
            return claimed + _acknowledge(state, incident, given.by, at)
        case TakeOver():
            previous = state.incidents[given.incident].owner
            assert previous is not None, "only a claimed incident is taken over"
            return [IncidentTakenOver(at=at, incident=given.incident, by=given.by, previous=previous)]
        case HandOver():
            return [IncidentHandedOver(at=at, incident=given.incident, by=given.by, to=given.to)]
        case Acknowledge():
            wearer = state.alarms[given.alarm].wearer
            return [AlarmAcknowledged(at=at, alarm=given.alarm, wearer=wearer, by=given.by)]
        case Shelve() | Unshelve() | StopService() | ResumeService() | AckOutage():
            return annunciator.commanded(state, given, at)
        case CallWearer():
            return [WearerCalled(at=at, incident=given.incident, by=given.by, outcome=given.outcome)]
        case Locate():
            kind = state.incidents[given.incident].kind
            return [LocationAsked(at=at, incident=given.incident, by=given.by, kind=kind)]
        case AskVideo():
            return _ask_video(country, state.incidents[given.incident], given, at)
        case AdmitViewer():
            request = incidents.grant_of(state.incidents[given.incident], given.grant)
            assert request is not None, "refuses() found the grant"
            return [
                ViewerAdmitted(
                    at=at,
                    incident=given.incident,
                    grant=given.grant,
                    viewer=given.viewer,
                    by=given.by,
                    token_sha256=given.token_sha256,
                    until=request.until,
                )
            ]
        case SendOffice():
            incident = state.incidents[given.incident]
            return _order(country, state, incident, given, at) + _tell_police(country, incident, given.by, at)
        case TellPolice():
            return _tell_police(country, state.incidents[given.incident], given.by, at)
        case ReportUnit() | MarkField() | KeepPhoto() | AdmitOfficer() | AnswerBackup() | TellField():
            return field.commanded(state, given, at)
        case (
            OfferHandover() | NoteHandover() | ConfirmItem() | TakeHandover() | WithdrawHandover() | ReassignIncident()
        ):
            return relief.commanded(state, given, at)
        case AnswerWarning():
            return shield.answered(given, at)
        case MarkSighting():
            return [sightings.marked(state.incidents[given.incident], given, at)]
        case Close():
            return _close(state.incidents[given.incident], given, at)
        case (
            asking.AskFootage()
            | asking.ApproveFootage()
            | asking.DeclineFootage()
            | asking.ExtendFootage()
            | asking.DeleteFootage()
            | asking.ViewFootage()
            | asking.Fetched()
            | asking.NotFetched()
        ):
            return [asking.commanded(state.footage, given, at)]
        case _:
            assert_never(given)


def _acknowledge(state: State, incident: Incident, by: PersonId, at: Instant) -> list[AnyEvent]:
    return [
        AlarmAcknowledged(at=at, alarm=each, wearer=incident.wearer, by=by)
        for each in incident.alarms
        if state.alarms[each].state in RINGING
    ]


def _ask_video(country: Country, incident: Incident, given: AskVideo, at: Instant) -> list[AnyEvent]:
    found = law.basis(given.footing, incident.kind) if given.footing is not None else None
    if not isinstance(found, law.Rule):
        why = found.why if found is not None else Why.NO_BASIS
        return [VideoRefusedHere(at=at, incident=given.incident, by=given.by, why=why)]
    if incident.place is None:
        return [VideoRefusedHere(at=at, incident=given.incident, by=given.by, why=Why.STALE)]
    again = replace(
        incident,
        asked_by=given.by,
        requests=Map(
            {
                city: request
                for city, request in incident.requests.items()
                if request.state not in (VideoState.REFUSED, VideoState.ENDED)
            }
        ),
    )
    asked = _ask(country, again, incident.place, given.footing, at, by=given.by)
    waiting = any(each.state is VideoState.REQUESTED or incidents.live(each, at) for each in incident.requests.values())
    if not waiting and not any(isinstance(each, VideoRequested) for each in asked):
        return [*asked, VideoRefusedHere(at=at, incident=given.incident, by=given.by, why=Why.OUT_OF_AREA)]
    return asked


def _order(country: Country, state: State, incident: Incident, given: SendOffice, at: Instant) -> list[AnyEvent]:
    where = incident.place
    found = recommend(given.units, where.lat, where.lon, busy(state), at) if where else ()
    unit = given.unit or (found[0].unit if found else None)
    if unit is None or unit in busy(state):
        return []
    district = competent(country.table, where.lat, where.lon).of(Kind.PROBATION) if where else None
    dispatch = DispatchId("D-" + _short(f"{incident.incident} {unit} {len(incident.dispatches)}"))
    return [
        DispatchOrdered(
            at=at,
            incident=incident.incident,
            dispatch=dispatch,
            unit=unit,
            by=given.by,
            answer_by=Instant(at + ANSWER_MS),
            competent=district.office.id if district and district.office else None,
            standing=standing(unit, given.units, found, district),
        )
    ]


def _tell_police(country: Country, incident: Incident, by: PersonId, at: Instant) -> list[AnyEvent]:
    """Once for what the incident is about; what the statute had told of a protected person before does not count."""
    if country.police is None or any(each.kind is incident.kind for each in incident.notices.values()):
        return []
    first = not incident.notices
    return [
        PoliceNotified(
            at=at,
            incident=incident.incident,
            notice=shield.notice_id(country, incident, "" if first else incident.kind.value),
            room=country.police,
            kind=incident.kind,
            place=incident.place,
            by=by,
            answer_by=Instant(at + ANSWER_MS),
        )
    ]


def _close(incident: Incident, given: Close, at: Instant) -> list[AnyEvent]:
    events: list[AnyEvent] = [
        VideoEnded(at=at, incident=incident.incident, grant=each.grant, why=Why.INCIDENT_CLOSED)
        for _, each in sorted(incident.requests.items())
        if each.state is VideoState.GRANTED and each.grant is not None
    ]
    events += [
        UnitReported(
            at=at,
            incident=incident.incident,
            dispatch=each.dispatch,
            unit=each.unit,
            state=UnitState.RELEASED,
        )
        for _, each in sorted(incident.dispatches.items())
        if UnitState.RELEASED in FOLLOWS[each.state]
    ]
    events.append(
        IncidentClosed(
            at=at,
            incident=incident.incident,
            wearer=incident.wearer,
            by=given.by,
            code=given.code,
            fix_through=given.fix_through,
        )
    )
    if incident.viewed:
        due_at = Instant(at + incidents.NOTICE_OF_VIEWING_MS)
        events.append(ViewingNoticeDue(at=at, incident=incident.incident, wearer=incident.wearer, due_at=due_at))
    return events


# --- what time brings ---


def _due(country: Country, state: State, at: Instant) -> list[AnyEvent]:
    events = annunciator.due(country, state, at)
    state = fold(state, events)
    for id in sorted(state.open.values()):  # in an order that every process shares, not that of a hash
        incident = state.incidents[id]
        for alarm in (state.alarms[each] for each in incident.alarms):
            due = alarms.escalates_at(alarm)
            if due is not None and at >= due:
                events.append(AlarmEscalated(at=at, alarm=alarm.alarm, wearer=alarm.wearer, level=alarm.level + 1))
        events += _overdue(incident, at)
        events += [
            VideoEnded(at=at, incident=id, grant=each.grant, why=Why.RUN_OUT)
            for _, each in sorted(incident.requests.items())
            if each.state is VideoState.GRANTED and each.grant is not None and at >= each.until
        ]
    return events + asking.due(state.footage, at)


def _overdue(incident: Incident, at: Instant) -> list[AnyEvent]:
    late: list[DispatchId | NoticeId] = [
        each.dispatch
        for _, each in sorted(incident.dispatches.items())
        if each.state in UNANSWERED and not each.overdue and at >= each.answer_by
    ]
    late += [
        each.notice
        for _, each in sorted(incident.notices.items())
        if each.state is not NoticeState.READ and not each.overdue and at >= each.answer_by
    ]
    return [AnswerOverdue(at=at, incident=incident.incident, what=each) for each in late]


# --- what a restored log must end ---


def _restored(state: State, given: LogRestored, at: Instant) -> list[AnyEvent]:
    """Nothing that was alive in an older state is alive now: others went on since, and a person must ask again."""
    events: list[AnyEvent] = [given]
    for id in sorted(state.open.values()):
        for city, each in sorted(state.incidents[id].requests.items()):
            if each.state is VideoState.GRANTED and each.grant is not None:
                events.append(VideoEnded(at=at, incident=id, grant=each.grant, why=Why.RESTORED))
            elif each.state in (VideoState.PREPARED, VideoState.PROPOSED, VideoState.REQUESTED):
                events.append(VideoRefused(at=at, incident=id, request=each.request, city=city, why=Why.RESTORED))
    return events + relief.restored(state, at) + asking.restored(state.footage, at)
