"""What must hold after a storm, whatever happened in it: one function for each promise, asked of the logs alone.

A promise raises `Broken` with the words that find the place. Where a promise is about time, a centre that was dead at
that moment is given until it is back, and not a second more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from safetynet.core import law, rules, verdicts
from safetynet.core.alarms import CALLS, ESCALATES_MS, TAMPER, UNCERTAIN, alarm_id
from safetynet.core.alarms import priority as priority_of
from safetynet.core.annunciations import ALWAYS, CERTAIN_AT_ONCE
from safetynet.core.deadlines import HEAR_MS
from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmEscalated,
    AlarmJoined,
    AlarmRaised,
    AlarmRepeated,
    AlarmReturned,
    AlarmSuppressed,
    AnswerOverdue,
    AnyEvent,
    DispatchOrdered,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    GrantRefused,
    HandoverItemConfirmed,
    HandoverOffered,
    HandoverTaken,
    IncidentClosed,
    IncidentEnded,
    IncidentHandedOver,
    IncidentOpened,
    IncidentReassigned,
    IncidentTakenOver,
    LogRestored,
    MessageRefused,
    NoticeReceived,
    PoliceNoticeAnswered,
    PoliceNotified,
    ProtectedWarned,
    RequestPrepared,
    Segment,
    StrangersRefused,
    StreamClosed,
    StreamOpened,
    UnitReported,
    VideoEnded,
    VideoGranted,
    VideoPrepared,
    VideoRequested,
    ViewerAdmitted,
    ViewingNoticeDue,
    ViewingRefused,
)
from safetynet.core.fixes import Fix, Mark, Said, instant, radius_m, tells
from safetynet.core.geo import distance_m
from safetynet.core.grants import LEASE_MS_MAX
from safetynet.core.homes import SILENT_MS
from safetynet.core.orders import Circle, Curfew, Order, period
from safetynet.core.proximity import APPROACH
from safetynet.core.terms import (
    SECOND_MS,
    AlarmId,
    AlarmKind,
    CameraId,
    Certainty,
    FixId,
    GrantId,
    HandoverId,
    HandoverPart,
    IncidentId,
    Instant,
    NoticeState,
    UnitState,
    WearerClass,
    WearerId,
    Why,
)
from safetynet.sim.centres import Program
from safetynet.sim.country import POLICE, STEP_MS, Country

CUT_MS_MAX: Final = 2 * SECOND_MS
"""At a window, after its incident was closed or its grant ended."""
_ON_THE_ROAD_MS_MAX: Final = 30 * 60 * SECOND_MS
"""After all cuts, dawdling and deaths in a row."""
SLACK_MS: Final = SECOND_MS + STEP_MS
"""A simulated tick and a step: no centre of a storm can be more punctual."""

SHARP_M: Final = 15.0
PAIR_MS: Final = 5 * SECOND_MS
_WITHIN_1K: Final = {AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K}
AWAY_FIXES: Final = 8
"""So many positions in a row, each three of its own radii and more outside, leave no doubt."""

Kind = TypeVar("Kind", bound=AnyEvent)


class Broken(AssertionError):
    """A promise does not hold."""


def require(holds: bool, what: str, *about: object) -> None:  # noqa: FBT001 - the one thing it asks
    if not holds:
        raise Broken(f"{what}: {' '.join(str(each) for each in about)}")


def _of(program: Program[Any, Any, Any], kind: type[Kind]) -> Iterator[Kind]:
    return (event for event in program.events() if isinstance(event, kind))


def _ever(program: Program[Any, Any, Any], kind: type[Kind]) -> Iterator[Kind]:
    """Also what a restore has lost."""
    return (event for event in program.ever() if isinstance(event, kind))


def late(program: Program[Any, Any, Any], due: int, within_ms: int) -> int:
    """The last moment for what is due: later when the program was dead then."""
    last = due + within_ms
    for dead_from, back in program.downs:
        if dead_from <= last and back >= due:
            last = max(last, back + STEP_MS + within_ms)
    return last


# --- alarms --------------------------------------------------------------------------------------------------------

_SAY: Final = (AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER, AlarmKind.SOS, AlarmKind.JAMMING)
_FLAGS: Final = {kind: Said[kind.name] for kind in _SAY}


def every_tamper_is_heard_once(country: Country) -> None:
    """Told from the journal and the closings alone, without the rules: what must have been raised, and nothing else."""
    closed_upto, _ = _closings(country)
    raised = {each.alarm: each for each in _of(country.control, AlarmRaised)}
    owed: set[AlarmId] = set()
    running: dict[tuple[WearerId, AlarmKind], AlarmId] = {}
    for fix in country.control.journal:
        for kind, flag in _FLAGS.items():
            if fix.protected or not fix.said & flag:
                continue
            alarm = running.get((fix.wearer, kind))
            if alarm is None or fix.id > closed_upto.get(alarm, FixId(1 << 62)):
                alarm = running[fix.wearer, kind] = alarm_id(verdicts.episode_id(fix.wearer, kind, None, fix.id))
                owed.add(alarm)
    said = {alarm for alarm, each in raised.items() if each.kind in _FLAGS}
    require(owed <= said, "a device flag was not heard", country.seed, sorted(owed - said))
    require(said <= owed, "an alarm that no device said", country.seed, sorted(said - owed))
    times = Counter(each.alarm for each in _of(country.control, AlarmRaised))
    require(all(n == 1 for n in times.values()), "an alarm was raised twice", times.most_common(1))


def nothing_is_held_back_without_a_reason(country: Country) -> None:
    """Every alarm rang, or the log says why not; what may never wait never did; what lasted rang when it was due."""
    control = country.control
    raised = {each.alarm: each for each in _of(control, AlarmRaised)}
    sure = {each.alarm for each in raised.values() if each.certainty is Certainty.CERTAIN}
    rang: dict[AlarmId, Instant] = {}
    waits: dict[AlarmId, Instant] = {}
    for event in control.events():
        match event:
            case IncidentOpened() | AlarmJoined():
                rang.setdefault(event.alarm, event.at)
                waits.pop(event.alarm, None)
            case AlarmSuppressed():
                graver = event.alarm in sure and raised[event.alarm].kind in CERTAIN_AT_ONCE
                require(raised[event.alarm].kind not in ALWAYS and not graver, "held back, and never may be", event)
                require(event.until is not None or event.outage is not None, "held back without an end", event)
                waits[event.alarm] = event.until or Instant(1 << 62)
            case AlarmRepeated() if event.certainty is Certainty.CERTAIN:
                sure.add(event.alarm)
            case AlarmReturned() | AlarmAmended(retracted=True):
                waits.pop(event.alarm, None)
            case _:
                continue
    silent = raised.keys() - rang.keys() - {each.alarm for each in _of(control, AlarmSuppressed)}
    require(not silent, "an alarm rang for nobody and says no reason", country.seed, sorted(silent))
    left = [raised[each] for each, until in waits.items() if late(control, until, SLACK_MS) < country.now]
    require(not left, "what lasted never rang", country.seed, left)


def no_curfew_is_broken_unheard(country: Country) -> None:
    """Without the rules: whoever so many positions in a row put far from home when a curfew held, and whoever was
    silent then, has an alarm that nobody closed before.
    """
    control = country.control
    _, closings = _closings(country)
    alarms = [each for each in _of(control, AlarmRaised) if each.kind is AlarmKind.CURFEW]
    for order in control.orders.values():
        mine = [(each, closings.get(each.alarm)) for each in alarms if each.wearer == order.wearer]
        for curfew in order.curfews:
            away, known, heard = 0, Instant(0), Instant(0)
            for fix in (each for each in control.journal if each.wearer == order.wearer):
                if fix.marks & Mark.BELL:
                    continue
                _heard_silence(country, order, curfew, heard, fix.received_at, mine)
                heard = max(heard, instant(fix))
                if not tells(fix) or instant(fix) <= known:
                    continue
                known = instant(fix)
                held = period(order, curfew, known)
                away = away + 1 if held is not None and _far(curfew, fix) else 0
                if away >= AWAY_FIXES:
                    told = any(
                        each.at <= late(control, fix.received_at, SLACK_MS)
                        and (over is None or over.fix_through >= fix.id)
                        for each, over in mine
                    )
                    require(told, "a curfew was broken and nobody told", country.seed, fix)


def _heard_silence(
    country: Country,
    order: Order,
    curfew: Curfew,
    known: Instant,
    heard_at: Instant,
    mine: Sequence[tuple[AlarmRaised, IncidentClosed | None]],
) -> None:
    """From the last message until the next was heard: a curfew that held meanwhile was asked about."""
    held = period(order, curfew, Instant(heard_at - 1))
    if held is None:
        return
    due = max(held.start + HEAR_MS, known + SILENT_MS)
    last = late(country.control, due, HEAR_MS + SLACK_MS)
    if heard_at > last:
        told = any(each.at <= last and (over is None or over.at >= known) for each, over in mine)
        require(told, "silence in a curfew and nobody told", country.seed, order.wearer, known, heard_at)


def who_is_protected_is_heard_and_told(country: Country) -> None:
    """Without the rules: a call for help, and a wearer so near that no error explains it, have an open alarm; of each alarm
    of an approach the police know where the statute says so, and the protected person where it lets us tell.
    """
    control = country.control
    _, closings = _closings(country)
    raised = [each for each in _of(control, AlarmRaised) if each.protected is not None]

    def told(fix: Fix, protected: str, kinds: set[AlarmKind], wearer: str | None) -> bool:
        return any(
            each.kind in kinds
            and each.protected == protected
            and wearer in (None, each.wearer)
            and each.at <= late(control, fix.received_at, SLACK_MS)
            and closings[each.alarm].fix_through >= fix.id
            for each in raised
        )

    newest: dict[str, Fix] = {}
    for fix in control.journal:
        sharp = not fix.marks & Mark.BELL and tells(fix) and radius_m(fix) <= SHARP_M
        if fix.protected and fix.said & Said.SOS:
            called = told(fix, fix.wearer, {AlarmKind.PROTECTED_SOS}, None)
            require(called, "a call for help was not heard", country.seed, fix)
        order = control.orders.get(fix.wearer) if sharp and not fix.protected else None
        for each in order.protected if order is not None else ():
            other = newest.get(each.id)
            if other is None or not 0 <= instant(fix) - instant(other) <= PAIR_MS:
                continue
            assert fix.lat is not None
            assert fix.lon is not None
            assert other.lat is not None
            assert other.lon is not None
            near_m = distance_m(fix.lat, fix.lon, other.lat, other.lon) + 2 * SHARP_M
            for ring_m, kinds in ((each.distance_m, {AlarmKind.APPROACH_100}), (1_000.0, _WITHIN_1K)):
                if near_m <= ring_m:
                    require(told(fix, each.id, kinds, fix.wearer), "near, and nobody told", country.seed, fix, other)
        if fix.protected and sharp and (fix.wearer not in newest or instant(fix) >= instant(newest[fix.wearer])):
            newest[fix.wearer] = fix
    _told_of(country, raised)


def _told_of(country: Country, raised: Sequence[AlarmRaised]) -> None:
    control = country.control
    incident_of = {
        each.alarm: each.incident for each in control.events() if isinstance(each, IncidentOpened | AlarmJoined)
    }
    police = {(each.incident, each.kind) for each in _of(control, PoliceNotified)}
    warned = {(each.incident, each.protected, each.kind) for each in _of(control, ProtectedWarned)}
    for each in raised:
        incident, order = incident_of[each.alarm], control.orders.get(each.wearer)
        at_once = each.kind not in law.TOLD_AT_ONCE or (incident, each.kind) in police
        require(at_once, "the police were not told at once", country.seed, each)
        if each.kind in APPROACH and order is not None:
            lawful = isinstance(law.warning(order.wearer_class, each.kind), law.Warning)
            was = (incident, each.protected, each.kind) in warned
            require(was == lawful, "warned without the law, or not warned with it", country.seed, each)


def _far(curfew: Curfew, fix: Fix) -> bool:
    assert isinstance(curfew.home, Circle)
    assert fix.lat is not None
    assert fix.lon is not None
    off_m = distance_m(curfew.home.lat, curfew.home.lon, fix.lat, fix.lon) - curfew.home.radius_m
    return off_m > 3 * radius_m(fix)


def _closings(country: Country) -> tuple[dict[AlarmId, FixId], dict[AlarmId, IncidentClosed]]:
    grouped: dict[IncidentId, list[AlarmId]] = defaultdict(list)
    upto: dict[AlarmId, FixId] = {}
    closings: dict[AlarmId, IncidentClosed] = {}
    for event in country.control.events():
        if isinstance(event, IncidentOpened | AlarmJoined):
            grouped[event.incident].append(event.alarm)
        elif isinstance(event, IncidentClosed):
            for alarm in grouped[event.incident]:
                upto[alarm], closings[alarm] = event.fix_through, event
    return upto, closings


def a_tamper_is_closed_by_a_person(country: Country) -> None:
    """With a code that may stand for it, and never by a signal."""
    _, closings = _closings(country)
    kinds = {each.alarm: each.kind for each in _of(country.control, AlarmRaised)}
    for alarm, kind in kinds.items():
        if kind in TAMPER:
            closing = closings.get(alarm)
            require(closing is not None, "a tamper that no person closed", alarm)
            require(closing is not None and bool(closing.by), "a tamper closed by nobody", alarm)
            require(closing is not None and closing.code.value != "drift", "a tamper closed as drift", alarm)
    for event in _of(country.control, AlarmReturned):
        require(kinds[event.alarm] not in TAMPER | CALLS, "a tamper healed by a signal", event)


def nobody_is_forgotten(country: Country) -> None:
    """An alarm that nobody acknowledged rings for more people; an order or notice nobody answered turns red."""
    control = country.control
    quiet, rung = dict[AlarmId, Instant](), dict[tuple[AlarmId, int], Instant]()
    _, closings = _closings(country)
    for event in control.events():
        if isinstance(event, AlarmAcknowledged):
            quiet.setdefault(event.alarm, event.at)
        elif isinstance(event, AlarmEscalated):
            rung[event.alarm, event.level] = event.at
    held = {each.alarm for each in _of(control, AlarmSuppressed)}  # their time begins when they come up, if ever
    for raised in _of(control, AlarmRaised):
        if raised.certainty is not Certainty.CERTAIN or raised.kind in UNCERTAIN or raised.alarm in held:
            continue
        until = min(quiet.get(raised.alarm, Instant(1 << 62)), closings[raised.alarm].at)
        require(raised.priority == priority_of(raised.kind, raised.certainty), "a wrong priority", raised)
        for level, after_ms in enumerate(ESCALATES_MS[raised.priority], 1):
            due = raised.at + after_ms
            at = rung.get((raised.alarm, level))
            if at is not None:
                require(due <= at <= late(control, due, SLACK_MS), "an alarm rang on too early or too late", raised, at)
            else:
                require(until <= late(control, due, SLACK_MS), "an alarm was left alone", raised, level)
    _overdue(country)


def _overdue(country: Country) -> None:
    control = country.control
    red = {each.what: each.at for each in _of(control, AnswerOverdue)}
    answered: dict[str, Instant] = {}
    closed = {each.incident: each.at for each in _of(control, IncidentClosed)}
    for event in control.events():
        if isinstance(event, UnitReported) and event.state is not UnitState.RECEIVED:
            answered.setdefault(event.dispatch, event.at)
        elif isinstance(event, PoliceNoticeAnswered) and event.state is NoticeState.READ:
            answered.setdefault(event.notice, event.at)
    for event in control.events():
        if not isinstance(event, DispatchOrdered | PoliceNotified):
            continue
        id = event.dispatch if isinstance(event, DispatchOrdered) else event.notice
        until = min(answered.get(id, Instant(1 << 62)), closed[event.incident])
        last = late(control, event.answer_by, SLACK_MS)
        at = red.get(id)
        require(until <= last if at is None else event.answer_by <= at <= last, "nobody asked after it", event, at)


# --- video ---------------------------------------------------------------------------------------------------------


def no_grant_without_a_person_and_a_basis(country: Country) -> None:
    """What a city issued and what the control centre believes to hold was asked for by a person, on a basis."""
    control = country.control
    asked = {(each.city, each.request, each.until): each for each in _of(control, VideoRequested)}
    classes = {wearer: order.wearer_class for wearer, order in control.orders.items()}
    whose = {each.incident: each.wearer for each in _of(control, IncidentOpened)}
    for (_, request, _), each in asked.items():
        require(bool(each.by), "a request of nobody", request)
    for event in control.events():
        if isinstance(event, VideoRequested | VideoPrepared):
            _lawful(classes.get(whose[event.incident]), event)
        elif isinstance(event, VideoGranted):
            known = any(one.request == event.request and one.city == event.city for one in asked.values())
            require(known, "the control centre took a grant that nobody asked for", event)
    for city in country.cities.values():
        for grant in _ever(city, GrantIssued):
            wish = asked.get((city.id, grant.request, grant.until))
            require(wish is not None, "a city granted what nobody asked for", grant)
            clean = any(
                answer.present and answer.allow and answer.errors == 0 and answer.sha256 == grant.policy_sha256
                for answer in city.answers.get(grant.request, ())
            )
            require(clean, "a grant without a clean yes of the policy", grant)
            require(0 < len(grant.cameras) <= grant.cameras_max, "more cameras than granted", grant)


def _lawful(footing: WearerClass | None, event: VideoRequested | VideoPrepared) -> None:
    rule = law.basis(footing, event.kind) if footing is not None else None
    require(isinstance(rule, law.Rule) and rule.basis is event.basis, "asked without a basis", footing, event)
    limits = law.limits(event.basis, event.kind)
    require(limits is not None and event.radius_m <= limits.radius_m_max, "asked beyond the limits", event)


def no_picture_without_a_grant(country: Country) -> None:
    """At a city: in a stream, opened under a grant that held, of one of its cameras; at most a lease beyond its end."""
    for city in country.cities.values():
        grants: dict[GrantId, GrantIssued] = {}
        ended: dict[GrantId, Instant] = {}
        cameras: dict[GrantId, set[CameraId]] = defaultdict(set)
        since: dict[tuple[GrantId, CameraId], Instant] = {}
        for event in city.ever():
            match event:
                case GrantIssued():
                    grants[event.grant] = event
                    cameras[event.grant] = set(event.cameras)
                case GrantMoved():
                    for camera in cameras[event.grant] - set(event.cameras):
                        since[event.grant, camera] = event.at
                    cameras[event.grant] = set(event.cameras)
                case GrantEnded():
                    ended[event.grant] = event.at
                case _:
                    continue
        for event in city.ever():
            if isinstance(event, StreamOpened | Segment):
                grant = grants.get(event.grant)
                require(grant is not None, "a picture without a grant", event)
                assert grant is not None
                ever = event.camera in cameras[event.grant] or (event.grant, event.camera) in since
                require(ever, "a picture of a camera that was not granted", event)
                require(event.at >= grant.at, "a picture before its grant", event)
                require(event.at <= grant.until + STEP_MS, "a picture after its grant ran out", event)
                end = min(ended.get(event.grant, 1 << 62), _moved_away(event, cameras, since))
                allowed = end + (LEASE_MS_MAX + STEP_MS if _missed(city, end) else STEP_MS)
                require(event.at <= allowed, "a picture after its grant ended", event, end)
                alone = any(dead_from + LEASE_MS_MAX + STEP_MS < event.at < back for dead_from, back in city.downs)
                require(not alone, "a relay went on without the word of its city", event)


def _moved_away(
    event: StreamOpened | Segment,
    cameras: dict[GrantId, set[CameraId]],
    since: dict[tuple[GrantId, CameraId], Instant],
) -> int:
    """When this camera left its grant for good."""
    gone = event.camera not in cameras[event.grant]
    return since[event.grant, event.camera] if gone else 1 << 62


def _missed(city: Program[Any, Any, Any], at: int) -> bool:
    """Whether the city died so near to that moment that its relay was not told."""
    return any(dead_from - STEP_MS <= at <= back + STEP_MS for dead_from, back in city.downs)


def nothing_is_shown_after_the_end(country: Country) -> None:
    """At a window: cut within two seconds of the end of its grant, of its incident, or of its owner's part in it."""
    control = country.control
    ends: dict[str, list[Instant]] = defaultdict(list)
    incident_of: dict[GrantId, IncidentId] = {}
    until: dict[tuple[GrantId, str], Instant] = {}
    opened: dict[tuple[str, str | None], StreamOpened] = {}
    for event in control.events():
        match event:
            case ViewerAdmitted():
                incident_of[event.grant] = event.incident
                until[event.grant, event.viewer] = event.until
            case VideoEnded():
                ends[event.grant].append(event.at)
            case IncidentClosed() | IncidentTakenOver() | IncidentHandedOver() | IncidentReassigned():
                ends[event.incident].append(event.at)
            case StreamOpened(side="viewed"):
                opened[event.stream, event.viewer] = event
            case StreamClosed(side="viewed"):
                began = opened.pop((event.stream, event.viewer))
                require((event.grant, str(event.viewer)) in until, "seen by somebody who was not admitted", event)
                over = [*ends[event.grant], *ends[incident_of[event.grant]], until[event.grant, str(event.viewer)]]
                for end in over:
                    if began.at < end < event.at:
                        last = late(control, end, CUT_MS_MAX)
                        require(event.at <= last, "shown after the end", event, "over at", end)
            case _:
                continue
    require(not opened, "a window that was never closed", list(opened))


def a_shift_goes_over_as_its_taker_confirmed(country: Country) -> None:
    """Told from the events alone: by its named taker, and no incident that this one did not confirm."""
    parties: dict[HandoverId, HandoverOffered] = {}
    confirmed: dict[HandoverId, set[str]] = defaultdict(set)
    taking: HandoverTaken | None = None
    for event in country.control.events():
        match event:
            case HandoverOffered():
                parties[event.handover] = event
            case HandoverItemConfirmed():
                require(event.by == parties[event.handover].to, "confirmed by somebody else", event)
                if event.item.part is HandoverPart.INCIDENT:
                    confirmed[event.handover].add(event.item.id)
            case HandoverTaken():
                offer = parties[event.handover]
                require((event.by, event.giver) == (offer.to, offer.by), "taken by somebody else", event)
            case IncidentHandedOver() if taking and (taking.giver, taking.by) == (event.by, event.to):
                require(event.incident in confirmed[taking.handover], "went over unconfirmed", event)
            case _:
                pass
        taking = (
            event if isinstance(event, HandoverTaken) else taking if isinstance(event, IncidentHandedOver) else None
        )


def giving_and_receiving_agree(country: Country) -> None:
    """Each given segment was received with the same hash, or the stream was cut between the two before it arrived."""
    received: dict[tuple[str, int], bytes] = {}
    closed: dict[str, StreamClosed] = {}
    for event in country.control.events():
        if isinstance(event, Segment) and event.side == "received":
            key = (str(event.stream), event.seq)
            require(key not in received, "a segment received twice", event)
            received[key] = event.sha256
        elif isinstance(event, StreamClosed) and event.side == "received":
            closed[event.stream] = event
    given: set[tuple[str, int]] = set()
    for city in country.cities.values():
        hostile = {each.stream for each in _ever(city, StreamOpened) if each.viewer == "V-HOSTILE"}
        for event in _ever(city, Segment):
            key = (str(event.stream), event.seq)
            require(key not in given, "a segment given twice", event)
            given.add(key)
            if event.stream in hostile:
                continue
            if key in received:
                require(received[key] == event.sha256, "the two hashes differ", event)
            else:
                cut = closed.get(event.stream)
                lost = cut is not None and cut.segments <= event.seq
                require(lost, "given and never received, though the stream went on", event, cut)
    require(received.keys() <= given, "received what nobody gave", received.keys() - given)


def a_request_is_answered(country: Country) -> None:
    """A city calls an incident over only when it is; what it grants while that runs, the control centre learns of."""
    over = {each.incident: each.at for each in _of(country.control, IncidentClosed)}
    learnt = {each.grant for each in _of(country.control, VideoGranted)}
    again: dict[tuple[str, str], list[VideoRequested]] = defaultdict(list)
    for wish in _of(country.control, VideoRequested):
        again[wish.city, wish.incident].append(wish)
    for city in country.cities.values():
        ended: set[IncidentId] = set()
        for event in city.events():
            if isinstance(event, IncidentEnded):
                ended.add(event.incident)
                require(event.incident in over, "a city ended an incident that goes on", event)
            elif isinstance(event, GrantIssued | RequestPrepared):
                require(event.incident not in ended, "a city began an incident again that was over", event)
            elif isinstance(event, GrantRefused):
                require(event.why is not Why.NOT_LIVE or event.incident in ended, "refused as over", event)
                require(event.why is not Why.TOO_LONG, "asked for longer than a city may give", event)
        for grant in _ever(city, GrantIssued):
            wishes = again[city.id, grant.incident]
            superseded = any(each.request != grant.request for each in wishes)
            late = over[grant.incident] - grant.at < _ON_THE_ROAD_MS_MAX
            restored = any(each.at >= grant.at for one in (city, country.control) for each in _of(one, LogRestored))
            known = grant.grant in learnt or superseded or late or restored
            require(known, "a grant was never learnt of", grant)


def every_viewing_is_owed_a_notice(country: Country) -> None:
    control = country.control
    viewed = {each.incident for each in _of(control, ViewerAdmitted)}
    closed = {each.incident: each.at for each in _of(control, IncidentClosed)}
    due = {each.incident: each.due_at for each in _of(control, ViewingNoticeDue)}
    require(
        due.keys() == viewed & closed.keys(), "a notice of viewing is missing or owed for nothing", viewed ^ due.keys()
    )
    for incident, at in due.items():
        require(0 < at - closed[incident] <= 30 * 24 * 3_600_000, "a notice later than thirty days", incident)


# --- messages ------------------------------------------------------------------------------------------------------


def every_effect_happens_once(country: Country) -> None:
    for program in country.programs.values():
        twice = [key for key, n in program.effects.items() if n > 1]
        require(not twice, "a message had its effect twice", program.id, twice)
    _unique("a grant was taken twice", (each.grant for each in _of(country.control, VideoGranted)))
    _unique("a dispatch was ordered twice", (each.dispatch for each in _of(country.control, DispatchOrdered)))
    _unique("a notice was received twice", (each.notice for each in _of(country.programs[POLICE], NoticeReceived)))
    for program in country.programs.values():
        _unique("a grant was issued twice", (each.grant for each in _of(program, GrantIssued)))
        _unique("an end was heard twice", (each.incident for each in _of(program, IncidentEnded)))


def _unique(what: str, ids: Iterable[str]) -> None:
    twice = [id for id, n in Counter(ids).items() if n > 1]
    require(not twice, what, twice)


def refusals_are_recorded(country: Country) -> None:
    """Of the roads, of the policy, of the relays: as many in the logs as were spoken."""
    for program in country.programs.values():
        forged = sum(
            each.why in (Why.BAD_SIGNATURE, Why.WRONG_DIRECTION, Why.WRONG_RECEIVER)
            for each in _ever(program, MessageRefused)
        )
        require(forged >= program.forged, "a forged message left no trace", program.id, forged, program.forged)
    for city in country.cities.values():
        logged = sum(1 for _ in _ever(city, ViewingRefused))
        require(logged == city.relay.rows.refused, "a relay's no is not in the log", city.id)
        yes_no = Counter(str(each.request) for each in city.ever() if isinstance(each, GrantIssued | GrantRefused))
        for request, answers in city.answers.items():
            unclean = [each for each in answers if not each.allow or each.errors or not each.present]
            if len(unclean) == len(answers):
                require(yes_no[request] > 0, "a refusal of the policy is not in the log", request)
    logged = sum(1 for _ in _of(country.control, ViewingRefused))
    require(logged == country.relay.rows.refused, "the centre relay's no is not in the log")
    strangers = sum(each.count for each in _of(country.control, StrangersRefused))
    require(strangers == country.relay.rows.strangers, "strangers whom a relay counted are not in the log", strangers)
    known = all(each.viewer or each.why is Why.TOKEN_USED for each in _of(country.control, ViewingRefused))
    require(known, "a stranger's word stands in the log")


def no_person_crosses_to_a_partner(country: Country) -> None:
    require(not country.leaked, "a wearer was named to a partner", country.leaked[:1])


def all_that_was_judged_is_in_the_log(country: Country) -> None:
    """Whatever was lost with a program was judged again: the alarms are those of one calm look at the whole journal."""
    upto, _ = _closings(country)
    state = rules.begun()
    told = [each.episode for each in _of(country.control, AlarmRaised)]
    for raised in _of(country.control, AlarmRaised):
        if raised.alarm in upto:  # what was held back and never rang, nobody closed
            state = rules.end(state, raised.wearer, raised.episode, upto[raised.alarm])
    transitions, _ = rules.judge(country.control.journal, country.control.orders, state)
    owed = {each.episode for each in transitions if each.change is verdicts.Change.RAISED}
    require(sorted(told) == sorted(owed), "the log and the journal differ", set(told) ^ owed)  # one taken back is one


# --- the end -------------------------------------------------------------------------------------------------------


def the_state_is_what_the_log_says(country: Country) -> None:
    """Also asserted at every start of every centre during the storm."""
    for program in country.programs.values():
        assert program.loop is not None
        require(program.build().state == program.loop.state, "a state that its log does not bear out", program.id)


def after_the_storm_all_is_closed(country: Country) -> None:
    """Nothing is owed, nothing is open, and no city holds a place of anybody."""
    control = country.control
    assert control.loop is not None
    require(not control.loop.state.open, "an incident stayed open", control.loop.state.open)
    for program in country.programs.values():
        for peer in program.peers:
            owed = program.disk.pending(peer, 0, 10)
            require(not owed, "a message was never delivered", program.id, peer, len(owed))
    for city in country.cities.values():
        assert city.loop is not None
        require(not city.loop.state.requests, "a city still holds a place", city.id, city.loop.state.requests)
        require(not city.relay.streams, "a city still gives pictures", city.id)
    require(not country.relay.streams(), "a window still sees")
    opened = Counter(str(each.stream) for each in _of(control, StreamOpened) if each.side == "received")
    shut = Counter(str(each.stream) for each in _of(control, StreamClosed) if each.side == "received")
    require(opened == shut, "a stream that was never closed", opened - shut)


PROMISES: Final[tuple[Callable[[Country], None], ...]] = (
    every_tamper_is_heard_once,
    nothing_is_held_back_without_a_reason,
    no_curfew_is_broken_unheard,
    who_is_protected_is_heard_and_told,
    a_tamper_is_closed_by_a_person,
    nobody_is_forgotten,
    no_grant_without_a_person_and_a_basis,
    no_picture_without_a_grant,
    nothing_is_shown_after_the_end,
    a_shift_goes_over_as_its_taker_confirmed,
    giving_and_receiving_agree,
    a_request_is_answered,
    every_viewing_is_owed_a_notice,
    every_effect_happens_once,
    refusals_are_recorded,
    no_person_crosses_to_a_partner,
    all_that_was_judged_is_in_the_log,
    the_state_is_what_the_log_says,
    after_the_storm_all_is_closed,
)
