"""What is done for a protected person: the warning, and the police at once. Both without waiting for anybody.

The statute leaves no choice here, so no person is asked; what was told stands in the record with its distance. Where a
protected person is goes to the police alone, and only when they have to go there.
"""

import hashlib
from typing import Final

from safetynet.core import alarms, law
from safetynet.core.control.state import State
from safetynet.core.control.words import AnswerWarning, Country, Judged
from safetynet.core.dispatch import ANSWER_MS
from safetynet.core.events import AnyEvent, PoliceNotified, ProtectedAnswered, ProtectedLocated, ProtectedWarned
from safetynet.core.incidents import Incident, Stage
from safetynet.core.proximity import APPROACH, rounded_m
from safetynet.core.terms import AlarmKind, IncidentId, Instant, NoticeId, ProtectedId, Why
from safetynet.core.verdicts import Transition

RETOLD_STEP_M: Final = 100
"""Police practice (방배): the report is made again when the distance has changed by as much."""
RETOLD_MAX: Final = 40
"""Of one ring of one pair in one incident: 2 km there and back."""


def guard(country: Country, state: State, verdict: Transition, given: Judged, at: Instant) -> list[AnyEvent]:
    """After an alarm that concerns a protected person was raised, rose or came again; `state` is the one with it."""
    alarm = state.alarms.get(alarms.alarm_id(verdict.episode))
    incident = state.incidents.get(alarm.incident) if alarm is not None and alarm.incident else None
    if verdict.protected is None or incident is None or incident.stage is Stage.CLOSED:
        return []
    return _warn(incident, verdict, given, at) + _tell_police(country, incident, verdict, given, at)


def _warn(incident: Incident, verdict: Transition, given: Judged, at: Instant) -> list[AnyEvent]:
    footing = given.footing.get(verdict.wearer)
    if verdict.protected is None or verdict.kind not in APPROACH or footing is None or verdict.off_m is None:
        return []
    line = law.warning(footing, verdict.kind)
    if isinstance(line, law.NoBasis):
        return []
    return [
        ProtectedWarned(
            at=at,
            incident=incident.incident,
            protected=verdict.protected,
            kind=verdict.kind,
            certainty=verdict.certainty,
            near_m=rounded_m(verdict.off_m),
            direction=line.direction,
        )
    ]


def _tell_police(
    country: Country, incident: Incident, verdict: Transition, given: Judged, at: Instant
) -> list[AnyEvent]:
    kind, protected = verdict.kind, verdict.protected
    if country.police is None or protected is None or kind not in law.TOLD_AT_ONCE:
        return []
    notice = notice_id(country, incident, f"{kind.value} {protected}")
    if notice in incident.notices:
        return []
    told: list[AnyEvent] = [
        PoliceNotified(
            at=at,
            incident=incident.incident,
            notice=notice,
            room=country.police,
            kind=kind,
            place=None if kind is AlarmKind.PROTECTED_LOST else incident.place,
            by=None,
            answer_by=Instant(at + ANSWER_MS),
            apart_m=None if verdict.off_m is None else rounded_m(verdict.off_m),
        )
    ]
    where = given.protected.get(protected)
    if where is not None and kind in law.PLACE_SHARED:
        told.append(
            ProtectedLocated(
                at=at,
                incident=incident.incident,
                notice=notice,
                room=country.police,
                protected=protected,
                place=where,
            )
        )
    return told


def retell(country: Country, state: State, given: Judged, at: Instant) -> list[AnyEvent]:
    """To the police again whenever the distance is another by a step than what they were told last (police practice)."""
    if country.police is None:
        return []
    told: list[AnyEvent] = []
    for (wearer, protected), metres in sorted(given.apart.items()):
        incident = state.incidents.get(state.open.get(wearer, IncidentId("")))
        kind = None if incident is None else _nearest(state, incident, protected)
        if incident is None or kind is None:
            continue
        ids = [notice_id(country, incident, f"{kind.value} {protected}")]
        ids += [notice_id(country, incident, f"{kind.value} {protected} {n}") for n in range(1, RETOLD_MAX + 1)]
        known = [incident.notices[each] for each in ids if each in incident.notices]
        if not known or len(known) == len(ids) or known[-1].apart_m is None:
            continue  # not told yet, or as often as anybody can read
        now_m = rounded_m(metres)
        if abs(now_m - known[-1].apart_m) < RETOLD_STEP_M:
            continue
        told.append(
            PoliceNotified(
                at=at,
                incident=incident.incident,
                notice=ids[len(known)],
                room=country.police,
                kind=kind,
                place=incident.place,
                by=None,
                answer_by=Instant(at + ANSWER_MS),
                apart_m=now_m,
            )
        )
    return told


def _nearest(state: State, incident: Incident, protected: ProtectedId) -> AlarmKind | None:
    """The innermost ring in which the two still are, of those that the police are told of."""
    running = {
        alarm.kind
        for alarm in (state.alarms[each] for each in incident.alarms)
        if alarm.protected == protected and alarm.returned_at is None
    }
    return next((each for each in (AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K) if each in running), None)


def notice_id(country: Country, incident: Incident, about: str = "") -> NoticeId:
    """Known to the police: without the centre's secret nobody can try protected persons until one fits."""
    text = f"{incident.incident} {country.police} {about}".rstrip()
    made = hashlib.blake2b(text.encode(), key=country.secret[:64], digest_size=8, person=b"safetynet-id")
    return NoticeId("N-" + made.hexdigest().upper())


def refuses_answer(state: State, given: AnswerWarning) -> Why | None:
    incident = state.incidents.get(given.incident)
    if incident is None:
        return Why.NO_SUCH_INCIDENT
    if incident.stage is Stage.CLOSED:
        return Why.INCIDENT_CLOSED
    return None if given.protected in incident.warnings else Why.NOT_ALLOWED_NOW


def answered(given: AnswerWarning, at: Instant) -> list[AnyEvent]:
    return [ProtectedAnswered(at=at, incident=given.incident, protected=given.protected, answer=given.answer)]
