"""What a protected person's phone shows, and what an operator sees of a protected person while an alarm concerns them.

To the phone goes no position, no name and no id of a wearer: a ring, a rounded distance, a wide sector when the law allows
it, who is coming, and how old all this is. To nobody else goes where the protected person is, but to those who work on an
open incident that concerns this person.
"""

from collections.abc import Container, Mapping, Sequence

from safetynet.app.views import Looked, View
from safetynet.core import fixes, law, proximity
from safetynet.core.alarms import Alarm
from safetynet.core.conditions import Guarded, Record
from safetynet.core.control.state import State
from safetynet.core.events import Place
from safetynet.core.fixes import Fix, Said, instant
from safetynet.core.incidents import Incident
from safetynet.core.orders import Order, Protected
from safetynet.core.proximity import APPROACH, Spot, Trail
from safetynet.core.rules import Standing
from safetynet.core.terms import (
    AlarmKind,
    DeviceId,
    FixId,
    IncidentId,
    Instant,
    NoticeState,
    ProtectedId,
    UnitState,
    WearerId,
)
from safetynet.core.verdicts import Transition

_INNERMOST = (AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K, AlarmKind.APPROACH_2K)
_SURE = 10
"""Steps in metres in which an accuracy is told."""


def phone(state: State, protected: ProtectedId, seen: Looked) -> View:
    """The one thing a protected person's page is made of."""
    guarded = seen.rules.guarded.get(protected, Guarded())
    mine = [state.incidents[each] for each in state.open.values()]
    alarms = [
        (incident, state.alarms[each])
        for incident in mine
        for each in incident.alarms
        if state.alarms[each].protected == protected
    ]
    lost = next((one for one in alarms if _now(one[1], AlarmKind.PROTECTED_LOST)), None)
    called = next((one for one in alarms if one[1].kind is AlarmKind.PROTECTED_SOS), None)
    near = min(
        (
            one
            for one in alarms
            if one[1].kind in APPROACH and one[1].returned_at is None and protected in one[0].warnings
        ),
        key=lambda one: _INNERMOST.index(one[1].kind),
        default=None,
    )
    about = near or called or lost
    shown: dict[str, object] = {
        "known_at": guarded.known_at or None,
        "heard_at": guarded.newest_at or None,
        "lost": {"since": guarded.known_at or lost[1].raised_at, "police": _police(lost[0], AlarmKind.PROTECTED_LOST)}
        if lost
        else None,
        "called": {"at": called[1].raised_at, "police": _police(called[0], AlarmKind.PROTECTED_SOS)}
        if called
        else None,
        "warning": _warning(near[0], near[1], protected, seen) if near else None,
        "going": _going(about[0]) if about else None,
    }
    return {"shield": {"shield": shown}}


def _now(alarm: Alarm, kind: AlarmKind) -> bool:
    return alarm.kind is kind and alarm.returned_at is None


def _warning(incident: Incident, alarm: Alarm, protected: ProtectedId, seen: Looked) -> dict[str, object]:
    warned = incident.warnings[protected]
    mine, other = _trails(incident.wearer, protected, seen)
    me, him = proximity.spot(mine, seen.at), proximity.spot(other, seen.at)
    pair = proximity.apart(me, him) if me is not None and him is not None else None
    record = seen.people.get(incident.wearer)
    line = law.warning(record.order.wearer_class, alarm.kind) if record else None
    allowed = isinstance(line, law.Warning) and line.direction
    return {
        "incident": incident.incident,
        "kind": alarm.kind.value,
        "certainty": alarm.certainty.value,
        "near_m": proximity.rounded_m(pair.metres) if pair else warned.near_m,
        "give_m": round(pair.give_m / _SURE) * _SURE if pair else None,
        "closing": proximity.closing(mine, other, seen.at),
        "observed_at": instant(other[-1]) if other else warned.at,
        "sector": _sector(me, him) if allowed and me is not None and him is not None else None,
        "warned_at": warned.at,
        "answer": warned.answer.value if warned.answer else None,
        "police": _police(incident, alarm.kind),
    }


def _sector(me: Spot, other: Spot) -> dict[str, object] | None:
    found = proximity.sector(me, other)
    if found is None:
        return None
    return {
        "towards_deg": round(found.towards_deg),
        "width_deg": round(found.width_deg / _SURE) * _SURE,
        "away_deg": round(found.away_deg),
    }


def _trails(wearer: WearerId, protected: ProtectedId, seen: Looked) -> tuple[Trail, Trail]:
    record = seen.rules.records.get(wearer, Record())
    return seen.rules.guarded.get(protected, Guarded()).trail, record.trail


def _police(incident: Incident, kind: AlarmKind) -> dict[str, object] | None:
    """How far the police are with what they were told of this."""
    told = next((each for each in incident.notices.values() if each.kind is kind), None)
    told = told or next(iter(incident.notices.values()), None)
    if told is None:
        return None
    return {"state": told.state.value, "at": told.answered_at or told.sent_at, "read": told.state is NoticeState.READ}


def _going(incident: Incident) -> str | None:
    """The word of the officers who are nearest to being there; who they are is not told."""
    order = (UnitState.ON_SCENE, UnitState.EN_ROUTE, UnitState.ACCEPTED)
    states = {each.state for each in incident.dispatches.values()}
    return next((each.value for each in order if each in states), None)


# --- what an operator sees -----------------------------------------------------------------------------------------


def added(view: View, state: State, seen: Looked) -> View:
    """An operator's view, with the protected persons whom its incidents concern."""
    for id, shown in view["incidents"].items():
        incident = state.incidents[IncidentId(id)]
        shown["protected"] = concerned(state, incident, seen)
        if incident.closed_at is None:
            view["zones"] |= rings(state, incident, seen)
    return view


def concerned(state: State, incident: Incident, seen: Looked) -> list[dict[str, object]]:
    """The protected persons whom an open incident concerns. After its end their place is nobody's any more."""
    mine = [state.alarms[each] for each in incident.alarms]
    found: dict[ProtectedId, Alarm] = {each.protected: each for each in mine if each.protected is not None}
    return [_card(incident, alarm, id, seen) for id, alarm in sorted(found.items())]


def _card(incident: Incident, alarm: Alarm, id: ProtectedId, seen: Looked) -> dict[str, object]:
    person, record = seen.people.protected.get(id), seen.people.get(incident.wearer)
    mine, other = _trails(incident.wearer, id, seen)
    me, him = proximity.spot(mine, seen.at), proximity.spot(other, seen.at)
    pair = proximity.apart(me, him) if me is not None and him is not None else None
    warned = incident.warnings.get(id)
    line = law.warning(record.order.wearer_class, alarm.kind) if record else None
    closed = incident.closed_at is not None
    return {
        "id": id,
        "name": person.name if person else "",
        "phone_known": bool(person and person.phone),
        "place": _place(mine) if not closed else None,
        "near_m": proximity.rounded_m(pair.metres) if pair and not closed else None,
        "warned_at": warned.at if warned else None,
        "kind": warned.kind.value if warned else None,
        "direction": bool(warned and warned.direction),
        "answer": warned.answer.value if warned and warned.answer else None,
        "why": line.why.value if isinstance(line, law.NoBasis) else None,
        "article_ko": line.article_ko if line else "",
        "article_en": line.article_en if line else "",
    }


def _place(trail: Trail) -> dict[str, object] | None:
    if not trail:
        return None
    newest = trail[-1]
    assert newest.lat is not None
    assert newest.lon is not None
    return {
        "lat": round(newest.lat, 6),
        "lon": round(newest.lon, 6),
        "observed_at": newest.observed_at,
    }


def rings(state: State, incident: Incident, seen: Looked) -> dict[str, dict[str, object]]:
    """The rings around a protected person, drawn like zones, while an alarm concerns this person."""
    record = seen.people.get(incident.wearer)
    ids = {state.alarms[each].protected for each in incident.alarms}
    shown: dict[str, dict[str, object]] = {}
    for protected in record.order.protected if record else ():
        trail = seen.rules.guarded.get(protected.id, Guarded()).trail
        if protected.id in ids and trail:
            shown |= _rings(protected, trail)
    return shown


def _rings(protected: Protected, trail: Trail) -> dict[str, dict[str, object]]:
    place = _place(trail)
    assert place is not None
    return {
        f"{protected.id}-{kind.value}": {
            "id": f"{protected.id}-{kind.value}",
            "name": f"{round(ring_m)} m",
            "kind": "protected",
            "circle": {"lat": place["lat"], "lon": place["lon"], "radius_m": ring_m},
        }
        for kind, ring_m in proximity.rings(protected)
        if kind is not AlarmKind.APPROACH_2K
    }


# --- for the program -----------------------------------------------------------------------------------------------


def places(state: Standing, transitions: Sequence[Transition]) -> dict[ProtectedId, Place]:
    """Where the protected persons concerned are: for the police alone."""
    ids = {each.protected for each in transitions if each.protected is not None}
    trails = {each: state.guarded[each].trail for each in ids if each in state.guarded}
    found = {each: fixes.protected_place(trail[-1]) for each, trail in trails.items() if trail}
    return {each: place for each, place in found.items() if place is not None}


def in_an_incident(state: Standing, open: Container[WearerId], batch: Sequence[Fix]) -> bool:
    """Whether somebody was heard whom an open incident is about, wearer or protected person."""
    whose = (state.guarded[ProtectedId(fix.wearer)].wearers if fix.protected else (fix.wearer,) for fix in batch)
    return any(each in open for some in whose for each in some)


def distances(
    state: Standing, orders: Mapping[WearerId, Order], open: Container[WearerId], batch: Sequence[Fix]
) -> dict[tuple[WearerId, ProtectedId], float]:
    """How far apart they are now: of those in an open incident of whom one has just been heard."""
    heard = {fix.wearer for fix in batch if fix.lat is not None}
    found: dict[tuple[WearerId, ProtectedId], float] = {}
    for fix in batch:
        concerned = state.guarded[ProtectedId(fix.wearer)].wearers if fix.protected else (fix.wearer,)
        for wearer in concerned:
            order = orders.get(wearer)
            if order is None or not order.protected or wearer not in open or wearer not in state.records:
                continue
            mine = state.records[wearer].trail
            for each in order.protected:
                other = state.guarded.get(each.id, Guarded()).trail
                if not mine or not other or not heard & {wearer, WearerId(each.id)}:
                    continue
                at = Instant(max(instant(mine[-1]), instant(other[-1])))
                me, she = proximity.spot(mine, at), proximity.spot(other, at)
                if me is not None and she is not None:
                    found[wearer, each.id] = proximity.apart(me, she).metres
    return found


def call(who: ProtectedId, at: Instant) -> Fix:
    """The button on a protected person's page: journalled and judged as if the phone's device had said it."""
    return Fix(
        id=FixId(0),
        wearer=WearerId(who),
        device=DeviceId(""),
        observed_at=at,
        received_at=at,
        said=Said.SOS,
        protected=True,
    )
