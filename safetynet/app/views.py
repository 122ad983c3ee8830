"""What an operator's and an officer's page show of the state: docs/contracts.md section 5, one function per collection.

A view is a pure reading of the mind's state, the opened person records and the newest positions. Words only, no
sentences: the page translates. What a role may not see is not sent, rather than hidden.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from safetynet.app import cards
from safetynet.app.cards import LinkView
from safetynet.app.people import People
from safetynet.core import alarms, cameras, incidents, law, rules, silences
from safetynet.core.alarms import RINGING, Alarm
from safetynet.core.control.record import Entry
from safetynet.core.control.state import State
from safetynet.core.dispatch import UNANSWERED, Unit
from safetynet.core.events import Place
from safetynet.core.geo import distance_m
from safetynet.core.incidents import Dispatch, Incident, Request, Sighting, Stage, VideoState
from safetynet.core.jurisdictions import Competence, Finding
from safetynet.core.orders import Circle, MultiPolygon, Polygon, Zone
from safetynet.core.rules import RuleState, Standing
from safetynet.core.terms import (
    MINUTE_MS,
    SECOND_MS,
    AlarmKind,
    CentreId,
    Certainty,
    Instant,
    NoticeState,
    OfficeId,
    PersonId,
    Source,
    UnitId,
    UnitState,
    WearerId,
    ZoneId,
)

View = dict[str, dict[str, dict[str, object]]]

KOREA: Final = timezone(timedelta(hours=9))
SHOWN_MAX: Final = 50
"""Closed incidents on the operators' screens."""
AGAIN_MS: Final = 12 * 60 * MINUTE_MS
"""A tamper that rings again so soon after its incident was closed is shown as going on, not as news."""
STALE_FIX_MS: Final = 2 * MINUTE_MS
SIGHTINGS_SHOWN_MAX: Final = 20
TRACK_MS: Final = 10 * MINUTE_MS
"""How far back a track is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitView:
    unit: Unit
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the calm screen counts."""

    wearers: int
    reporting: int
    cameras: int
    last_fix_at: Instant | None
    fixes_per_s: float
    pictures_open: int
    ledger_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Everything beside the state that a view is made of."""

    at: Instant
    people: People
    names: Mapping[PersonId, str]
    centres: Mapping[CentreId, str]
    tracks: Mapping[WearerId, Sequence[Place]]
    units: tuple[UnitView, ...]
    links: tuple[LinkView, ...]
    numbers: Numbers
    hearing: frozenset[WearerId] = frozenset()
    """Wearers whose device can be asked where it is."""
    rules: Standing = field(default_factory=RuleState)
    """Where the pairs of wearer and protected person are."""
    district: Callable[[float, float], Competence] | None = None
    """Who is competent for a place; None where no areas have been brought in."""
    offices: Mapping[OfficeId, str] = field(default_factory=dict[OfficeId, str])
    shared_zone: Callable[[ZoneId], Zone | None] = field(default=lambda _: None)
    """A zone of a shared set, called as an alarm calls it."""


def operators(state: State, seen: Looked) -> View:
    """What every operator and supervisor of the control centre sees."""
    shown = [state.incidents[each] for each in (*state.open.values(), *state.closed[-SHOWN_MAX:])]
    return {
        **some(state, shown, seen),
        "units": {each.unit.unit: _unit(state, each) for each in seen.units},
        "links": {each.id: cards.link(each) for each in seen.links},
        "calm": {"calm": _calm(seen.numbers, state)},
    }


def some(state: State, shown: Sequence[Incident], seen: Looked) -> View:
    """Of these incidents alone, with what stands beside them."""
    alive = [each for each in shown if each.stage is not Stage.CLOSED]
    return {
        "alarms": {each: _alarm(state.alarms[each], seen) for incident in shown for each in incident.alarms},
        "incidents": {each.incident: _incident(state, each, seen) for each in shown},
        "tracks": {each.wearer: _track(each.wearer, seen) for each in alive},
        "zones": {zone.id: zone_view(zone) for each in alive for zone in _zones(state, each, seen)},
    }


def officer(state: State, unit: UnitId, seen: Looked) -> View:
    """What a unit's phone sees: its own orders while their incidents live, and nothing of who it is about."""
    orders: dict[str, dict[str, object]] = {}
    for id in state.open.values():
        incident = state.incidents[id]
        for each in incident.dispatches.values():
            if each.unit != unit or each.state is UnitState.RELEASED:
                continue
            record = seen.people.get(incident.wearer)
            orders[each.dispatch] = {
                "dispatch": each.dispatch,
                "state": each.state.value,
                "incident": id,
                "place": cards.place(incident.place),
                "kind_word": incident.kind.value,
                "answer_by": each.answer_by,
                "office": record.office if record else "",
            }
    mine: dict[str, dict[str, object]] = {
        each.unit.unit: _unit(state, each) for each in seen.units if each.unit.unit == unit
    }
    return {"orders": orders, "units": mine}


# --- alarms --------------------------------------------------------------------------------------------------------


def _alarm(alarm: Alarm, seen: Looked) -> dict[str, object]:
    record = seen.people.get(alarm.wearer)
    zones = {zone.id: zone.name for zone in record.order.zones} if record else {}
    shared = seen.shared_zone(alarm.zone) if alarm.zone and alarm.zone not in zones else None
    if shared is not None:
        zones[shared.id] = shared.name
    return {
        "id": alarm.alarm,
        "wearer": alarm.wearer,
        "who": record.name if record else "",
        "case_no": record.case_no if record else "",
        "kind": alarm.kind.value,
        "priority": int(alarm.priority),
        "certainty": alarm.certainty.value,
        "state": alarm.state.value,
        "incident": alarm.incident,
        "observed_at": alarm.first.observed_at if alarm.first else alarm.raised_at,
        "raised_at": alarm.raised_at,
        "count": alarm.count,
        "escalates_at": alarms.escalates_at(alarm),
        "level": alarm.level,
        "place": cards.place(alarm.latest),
        "zone_name": zones.get(alarm.zone) if alarm.zone else None,
    }


# --- incidents -----------------------------------------------------------------------------------------------------


def _incident(state: State, incident: Incident, seen: Looked) -> dict[str, object]:
    record = seen.people.get(incident.wearer)
    _, speed = cameras.course(incident.earlier, incident.place) if incident.place else (None, None)
    owner = incident.owner
    return {
        "id": incident.incident,
        "wearer": incident.wearer,
        "priority": _urgency(state, incident),
        "kind": incident.kind.value,
        "state": incident.stage.value,
        "owner": owner,
        "owner_name": seen.names.get(owner, owner) if owner else None,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "code": incident.code.value if incident.code else None,
        "still": _still(incident, seen),
        "after": _after(state, incident),
        "alarms": list(incident.alarms),
        "who": {
            "name": record.name if record else "",
            "case_no": record.case_no if record else "",
            "age": _age(record.born_year, seen.at) if record and record.born_year else None,
            "office": record.office if record else "",
            "officer": record.officer if record else "",
            "phone_known": bool(record and record.phone),
        },
        "locatable": incident.wearer in seen.hearing,
        "located_at": incident.located_at,
        "place": cards.place(incident.place),
        "district": _district(incident.place, seen),
        "speed_mps": round(speed, 1) if speed is not None else None,
        "evidence": _evidence(state, incident, seen.at),
        "law": _law(incident, seen),
        "video": _video(incident, seen),
        "dispatches": [
            {
                "dispatch": each.dispatch,
                "unit": each.unit,
                "unit_name": _unit_name(each.unit, seen),
                "state": each.state.value,
                "ordered_at": each.ordered_at,
                "answer_by": each.answer_by,
                "overdue": each.overdue,
                "answered_at": each.accepted_at or (each.reported_at if each.state is UnitState.DECLINED else None),
                "standing": each.standing.value if each.standing else None,
            }
            for each in sorted(incident.dispatches.values(), key=lambda one: one.ordered_at)
        ],
        "notices": [
            {
                "notice": each.notice,
                "room": each.room,
                "room_name": seen.centres.get(each.room, each.room),
                "state": each.state.value,
                "sent_at": each.sent_at,
                "answer_by": each.answer_by,
                "overdue": each.overdue,
                "answered_at": each.answered_at if each.state is NoticeState.READ else None,
                "kind": each.kind.value if each.kind else None,
            }
            for each in incident.notices.values()
        ],
        "calls": [
            {"at": each.at, "by_name": seen.names.get(each.by, each.by), "outcome": each.outcome.value}
            for each in incident.calls
        ],
        "sightings": [_sighting(each, seen) for each in incident.sightings[-SIGHTINGS_SHOWN_MAX:]],
        "steps": _steps(state, incident, seen),
        "record": [_entry(each, seen) for each in state.record.get(incident.incident, ())],
        "sealed": len(state.record.get(incident.incident, ())),
        "duties": [{"duty": "viewing_notice", "due_at": incident.notice_due_at}] if incident.notice_due_at else [],
    }


def _still(incident: Incident, seen: Looked) -> list[str]:
    """Tampers that the device still says: closing takes nothing from them, its next word rings anew."""
    if incident.stage is Stage.CLOSED:
        return []
    known = rules.episodes(seen.rules, incident.wearer)
    return [each.value for each in sorted(incident.kinds & alarms.TAMPER, key=lambda kind: kind.value)
            if (episode := known.get((each, None))) is not None and episode.broken]  # fmt: skip


def _after(state: State, incident: Incident) -> dict[str, object] | None:
    """The closed incident that this one continues: the same tamper of the same wearer, rung again soon after."""
    for id in reversed(state.closed[-SHOWN_MAX:]):
        before = state.incidents[id]
        if before.wearer == incident.wearer and before.kinds & incident.kinds & alarms.TAMPER and before.closed_at:
            soon = 0 <= incident.opened_at - before.closed_at < AGAIN_MS
            code = before.code.value if before.code else None
            return {"id": id, "closed_at": before.closed_at, "code": code} if soon else None
    return None


def _sighting(seen: Sighting, looked: Looked) -> dict[str, object]:
    who = looked.names.get(seen.by, seen.by) if seen.by else looked.centres.get(seen.city or CentreId(""), "")
    return cards.sighting(seen.card, seen.at, seen.sight, seen.heading, seen.travel, who)


def _age(born_year: int, at: Instant) -> int:
    """연 나이: the year counts, the birthday is not known."""
    return datetime.fromtimestamp(at / SECOND_MS, KOREA).year - born_year


def _unit_name(unit: UnitId, seen: Looked) -> str:
    return next((each.name for each in seen.units if each.unit.unit == unit), unit)


def _evidence(state: State, incident: Incident, at: Instant) -> dict[str, object]:
    """What speaks for the alarm and what against it, both always shown."""
    mine = [state.alarms[each] for each in incident.alarms]
    speaks: list[str] = []
    for each in mine:
        match each.kind:
            case AlarmKind.STRAP_CUT | AlarmKind.PLANNED_REMOVAL:
                speaks.append("strap_open")
            case AlarmKind.BODY_TAMPER:
                speaks.append("body_open")
            case AlarmKind.SOS:
                speaks.append("sos_pressed")
            case AlarmKind.EXCLUSION_ZONE:
                speaks.append("inside_zone" if each.certainty is Certainty.CERTAIN else "inside_zone_maybe")
            case AlarmKind.APPROACH_100 | AlarmKind.APPROACH_1K | AlarmKind.APPROACH_2K:
                speaks.append("near" if each.certainty is Certainty.CERTAIN else "near_maybe")
            case AlarmKind.PROTECTED_SOS:
                speaks.append("protected_called")
            case AlarmKind.PROTECTED_LOST:
                speaks.append("protected_silent")
            case AlarmKind.COMM_LOST | AlarmKind.GPS_LOST | AlarmKind.BATTERY_LOW | AlarmKind.JAMMING:
                speaks.append(each.kind.value)
            case AlarmKind.SEPARATION:
                speaks.append("separation" if each.certainty is Certainty.CERTAIN else "separation_at_home")
            case AlarmKind.CURFEW:
                speaks.append("away_from_home" if each.certainty is Certainty.CERTAIN else "not_known_home")
            case AlarmKind.SCHOOL_HOURS:
                speaks.append("out_in_school_hours" if each.certainty is Certainty.CERTAIN else "not_home_school_hours")
            case AlarmKind.RESIDENCE:
                speaks.append("out_of_area" if each.certainty is Certainty.CERTAIN else "not_known_in_area")
            case AlarmKind.ATTENDANCE:
                speaks.append("not_attending" if each.certainty is Certainty.CERTAIN else "not_known_attending")
    against: list[str] = []
    reach: dict[str, object] = {}
    place = incident.place
    if place is None:
        against.append("no_position")
    else:
        if place.source is Source.CELL:
            against.append("cell_only")
        elif place.radius_m > 100:
            against.append("wide_fix")
        if incident.stage is not Stage.CLOSED and at - place.observed_at > STALE_FIX_MS:
            against.append("old_fix")
            by_now = silences.reach(place.radius_m, (at - place.observed_at) / SECOND_MS)
            reach = {"reach": {"on_foot_m": by_now.on_foot_m, "by_car_m": by_now.by_car_m}}
    if any(each.kind is AlarmKind.PLANNED_REMOVAL for each in mine):
        against.append("planned_removal")
    if any(each.unproven for each in mine):
        against.append("unproven")
    if any(each.retracted for each in mine):
        against.append("retracted")
    if any(each.returned_at is not None and not each.retracted for each in mine):
        against.append("returned")
    return {"for": list(dict.fromkeys(speaks)), "against": against, "certainty": incident.certainty.value, **reach}


def _law(incident: Incident, seen: Looked) -> dict[str, object]:
    record = seen.people.get(incident.wearer)
    if record is None:
        return {"basis": None, "article_ko": "", "article_en": "", "why": "no_basis"}
    found = law.basis(record.order.wearer_class, incident.kind)
    if isinstance(found, law.NoBasis):
        return {
            "basis": None,
            "article_ko": found.article_ko,
            "article_en": found.article_en,
            "why": found.why.value,
        }
    why = incident.refused_here.value if incident.refused_here else None
    return {
        "basis": found.basis.value,
        "article_ko": found.article_ko,
        "article_en": found.article_en,
        "why": why,
    }


def _video(incident: Incident, seen: Looked) -> dict[str, object]:
    requests = sorted(incident.requests.values(), key=lambda each: each.asked_at)
    return {
        "state": _video_state(incident, requests),
        "requests": [
            {
                "request": each.request,
                "city": each.city,
                "city_name": seen.centres.get(each.city, each.city),
                "state": each.state.value,
                "why": each.why.value if each.why else None,
                "asked_at": each.asked_at,
                "answer_by": each.answer_by if each.state is VideoState.REQUESTED else None,
            }
            for each in requests
        ],
        "grants": [
            {
                "grant": each.grant,
                "city": each.city,
                "city_name": seen.centres.get(each.city, each.city),
                "granted_at": each.granted_at,
                "until": each.until,
                "conditions": list(each.conditions),
                "state": each.state.value,
                "why": each.why.value if each.why else None,
            }
            for each in requests
            if each.grant is not None
        ],
        "cameras": _cameras(incident, seen),
    }


def _video_state(incident: Incident, requests: Sequence[Request]) -> str:
    states = {each.state for each in requests}
    if incident.stage is Stage.CLOSED and incident.asked_by is not None:
        return "ended"
    if VideoState.GRANTED in states:
        return "partly" if states & {VideoState.REFUSED, VideoState.REQUESTED} else "granted"
    if VideoState.REQUESTED in states:
        return "requested"
    if incident.refused_here is not None or states == {VideoState.REFUSED}:
        return "refused"
    if VideoState.ENDED in states:
        return "ended"
    return "proposed" if VideoState.PROPOSED in states else "none"


def _cameras(incident: Incident, seen: Looked) -> list[dict[str, object]]:
    """All cameras of all cities in one order of worth: the page takes the first ones."""
    held = incidents.cameras(incident)
    ranked = cameras.rank({name: card for name, (card, _) in held.items()}, incident.place, incident.earlier)
    shown: list[dict[str, object]] = []
    for name, choice in ranked:
        card, request = held[name]
        granted = request.state is VideoState.GRANTED
        over = request.state is VideoState.ENDED or incident.stage is Stage.CLOSED
        shown.append(
            {
                **cards.card(card),
                "city": request.city,
                "city_name": seen.centres.get(request.city, request.city),
                "grant": request.grant if granted else None,
                "reason": choice.reason.value,
                "distance_m": round(choice.distance_m),
                "state": "ended" if over else "granted" if granted else "proposed",
            }
        )
    return shown


STEP_DUE_MS: Final[Mapping[str, int]] = {
    "ack": 15 * SECOND_MS,
    "video": 30 * SECOND_MS,
    "police": 60 * SECOND_MS,
    "office": 60 * SECOND_MS,
    "call": 120 * SECOND_MS,
}
"""By when a step should be taken after the incident opened (domain.md section 4; targets, not law)."""


def _steps(state: State, incident: Incident, seen: Looked) -> list[dict[str, object]]:
    """What is to be done, in order. One is now; what was sent and may still be answered waits and is not urged again."""
    over = incident.stage is Stage.CLOSED
    none = _law(incident, seen)
    waits = {} if over else _answers_due(incident)
    late = _late(state, incident)
    steps: list[dict[str, object]] = []
    current = not over
    for step, at in _done(state, incident).items():
        why = none["why"] if step == "video" and at is None and none["basis"] is None else None
        if at is not None:
            word = "done"
        elif why is not None:
            word = "not_applicable"
        elif step in waits:
            word = "sent"
        else:
            word = "late" if step in late and not over else "now" if current else "next"
            current = current and word == "late"
        due_at = None if over or word in ("done", "not_applicable") else waits.get(step) or late.get(step)
        if due_at is None and word in ("now", "late", "next") and not over and step in STEP_DUE_MS:
            due_at = Instant(incident.opened_at + STEP_DUE_MS[step])
        steps.append({"step": step, "state": word, "at": at, "due_at": due_at, "why": why})
    return steps


def _done(state: State, incident: Incident) -> dict[str, Instant | None]:
    """When each step was taken, in the order in which they are asked for."""
    acked = [alarm.acked_at for each in incident.alarms if (alarm := state.alarms[each]).acked_at is not None]
    read = (each.answered_at for each in incident.notices.values() if each.state is NoticeState.READ)
    went = (each.accepted_at for each in incident.dispatches.values() if each.state is not UnitState.DECLINED)
    given = (each.granted_at for each in incident.requests.values())
    return {
        "ack": None if _unacked(state, incident) else max((at for at in acked if at), default=incident.claimed_at),
        "video": min((at for at in given if at), default=None),
        "police": min((at for at in read if at), default=None),
        "office": min((at for at in went if at), default=None),
        "call": incident.calls[0].at if incident.calls else None,
        "close": incident.closed_at,
    }


def _unacked(state: State, incident: Incident) -> list[Alarm]:
    """Also one that joined an incident which somebody leads already."""
    return [alarm for each in incident.alarms if (alarm := state.alarms[each]).state in RINGING]


def _answers_due(incident: Incident) -> dict[str, Instant]:
    """Steps that were taken and whose answer may still come in time: by when."""
    police = [
        each.answer_by for each in incident.notices.values() if not each.overdue and each.state is not NoticeState.READ
    ]
    office = [each.answer_by for each in incident.dispatches.values() if each.state in UNANSWERED and not each.overdue]
    return {step: min(due) for step, due in (("police", police), ("office", office)) if due}


def _late(state: State, incident: Incident) -> dict[str, Instant]:
    """Steps that were due, with when the last of it was."""
    police = [each.answer_by for each in incident.notices.values() if each.overdue]
    office = [each.answer_by for each in incident.dispatches.values() if each.overdue and each.state in UNANSWERED]
    ack = [Instant(each.raised_at + STEP_DUE_MS["ack"]) for each in _unacked(state, incident) if each.level > 0]
    return {step: max(due) for step, due in (("ack", ack), ("police", police), ("office", office)) if due}


def _district(place: Place | None, seen: Looked) -> dict[str, object] | None:
    """Who is competent where the person is, by kind of office: a name, or names and why it is not certain."""
    if place is None or seen.district is None:
        return None
    found = seen.district(place.lat, place.lon)
    answers = [each for each in found.answers if each.finding is not Finding.NOT_CONFIGURED]
    return {
        "areas": [each.name for each in found.areas],
        "offices": [
            {
                "kind": each.kind.value,
                "finding": each.finding.value,
                "names": [one.name for one in ((each.office,) if each.office else each.candidates)],
            }
            for each in answers
        ],
    }


def _entry(entry: Entry, seen: Looked) -> dict[str, object]:
    more: dict[str, object] = dict(entry.detail)
    for key in ("city", "room"):
        if key in more:
            id = CentreId(str(more.pop(key)))
            more[f"{key}_name"] = seen.centres.get(id, id)
    if "competent" in more:
        office = OfficeId(str(more.pop("competent")))
        more["competent_name"] = seen.offices.get(office, office)
    if "unit" in more:
        more["unit_name"] = _unit_name(UnitId(str(more.pop("unit"))), seen)
    if "to" in more:
        person = PersonId(str(more.pop("to")))
        more["to_name"] = seen.names.get(person, person)
    by_name = seen.names.get(entry.by, entry.by) if entry.by else None
    return {"at": entry.at, "what": entry.what, "by_name": by_name, "with": more}


# --- the rest ------------------------------------------------------------------------------------------------------


def _track(wearer: WearerId, seen: Looked) -> dict[str, object]:
    since = seen.at - TRACK_MS
    points = [
        [round(each.lat, 6), round(each.lon, 6), each.observed_at, round(each.radius_m, 1)]
        for each in seen.tracks.get(wearer, ())
        if each.observed_at >= since
    ]
    return {"wearer": wearer, "points": points}


def _unit(state: State, view: UnitView) -> dict[str, object]:
    orders = [
        each
        for incident in state.open.values()
        for each in state.incidents[incident].dispatches.values()
        if each.unit == view.unit.unit and each.state not in (UnitState.RELEASED, UnitState.DECLINED)
    ]
    newest = max(orders, key=lambda each: each.ordered_at, default=None)
    return {
        "id": view.unit.unit,
        "name": view.name,
        "kind": view.unit.kind,
        "lat": round(view.unit.lat, 6),
        "lon": round(view.unit.lon, 6),
        "at": view.unit.seen_at,
        "state": newest.state.value if newest else "free",
        "dispatch": newest.dispatch if newest else None,
        "eta_s": _eta_s(state, view, newest),
    }


def _eta_s(state: State, view: UnitView, order: Dispatch | None) -> int | None:
    """To the incident of its order, else to the most urgent one; on the straight line (core.dispatch says so too)."""
    alive = [state.incidents[each] for each in state.open.values()]
    if order is not None:
        alive = [each for each in alive if order.dispatch in each.dispatches]
    first = min(alive, key=lambda each: (_urgency(state, each), each.opened_at), default=None)
    if first is None or first.place is None:
        return None
    unit = view.unit
    return round(distance_m(unit.lat, unit.lon, first.place.lat, first.place.lon) / unit.speed_mps)


def _urgency(state: State, incident: Incident) -> int:
    return min(int(state.alarms[each].priority) for each in incident.alarms)


def _zones(state: State, incident: Incident, seen: Looked) -> tuple[Zone, ...]:
    """The order's own, and of the shared ones those that its alarms are about."""
    record = seen.people.get(incident.wearer)
    own = record.order.zones if record else ()
    about = dict.fromkeys(state.alarms[each].zone for each in incident.alarms)
    shared = (seen.shared_zone(each) for each in about if each is not None)
    return (*own, *(each for each in shared if each is not None))


def zone_view(zone: Zone) -> dict[str, object]:
    shown: dict[str, object] = {"id": zone.id, "name": zone.name, "kind": "exclusion"}
    match zone.area:
        case Circle(lat, lon, radius_m):
            shown["circle"] = {"lat": lat, "lon": lon, "radius_m": radius_m}
        case Polygon(corners, holes):
            shown["polygon"] = corners
            if holes:
                shown["parts"] = [[corners, *holes]]
        case MultiPolygon(polygons):
            shown["polygon"] = polygons[0].corners
            shown["parts"] = [[each.corners, *each.holes] for each in polygons]
    return shown


def _calm(numbers: Numbers, state: State) -> dict[str, object]:
    return {
        "wearers": numbers.wearers,
        "reporting": numbers.reporting,
        "silent": numbers.wearers - numbers.reporting,
        "cameras": numbers.cameras,
        "last_fix_at": numbers.last_fix_at,
        "fixes_per_s": numbers.fixes_per_s,
        "pictures_open": numbers.pictures_open,
        "ledger_size": numbers.ledger_size,
        "ledger_checked_at": None,
        "cities_agree": None,
        "disk": state.disk.value,
    }


def ringing(state: State) -> int:
    """How many alarms nobody has looked at."""
    return sum(len(_unacked(state, state.incidents[id])) for id in state.open.values())
