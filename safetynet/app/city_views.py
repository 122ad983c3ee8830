"""What a city's page shows: requests, what is provided now, the record of it (docs/contracts.md section 5a).

A place is shown only while a request waits or is granted. Who the person is cannot be shown: it never came here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import groupby
from statistics import median
from typing import Final

from safetynet.app import cards
from safetynet.app.cards import LinkView
from safetynet.core import alarms, calibrations, cameras, city, grants, law
from safetynet.core.city import Ground, State
from safetynet.core.events import CameraCard, SightingMarked
from safetynet.core.law import Rule
from safetynet.core.provisions import Held, Outcome, Provision, unreviewed
from safetynet.core.terms import (
    SECOND_MS,
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    Certainty,
    IncidentId,
    Instant,
    PersonId,
    WearerClass,
)

View = dict[str, dict[str, dict[str, object]]]

KOREA: Final = timezone(timedelta(hours=9))
RECORD_SHOWN_MAX: Final = 200
SIGHTINGS_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Everything beside the state that a view is made of."""

    at: Instant
    centre: CentreId
    centre_name: str
    names: Mapping[PersonId, str]
    centres: Mapping[CentreId, str]
    links: tuple[LinkView, ...]
    streams_given: int
    """Pictures that go to control centres now, and below those that the city's own people watch."""
    streams_own: int
    ledger_size: int


def people(ground: Ground, state: State, seen: Looked) -> View:
    """What everybody who works at the city sees."""
    alive = [each for _, each in sorted(state.requests.items())]
    ground = ground.surveyed(state)
    return {
        "requests": {each.request: _request(ground, state, each, seen) for each in alive},
        "turned": {each: {"camera": each, "until": one.until} for each, one in state.turned.items()},
        "incidents": {id: _incident(ground, state, id, held, seen) for id, held in open_incidents(state).items()},
        "provisions": {each.request: _provision(ground, each, seen) for each in state.record[-RECORD_SHOWN_MAX:]},
        "approval": {each.value: _approval(state, each) for each in _bases()},
        "links": {each.id: cards.link(each) for each in seen.links},
        "today": {"today": _today(state, seen, len(ground.registry))},
    }


def open_incidents(state: State) -> dict[IncidentId, tuple[Held, ...]]:
    """Those of which a person may see where they are: asked for and not over. A mere preparation is not among them."""
    asked = [each for _, each in sorted(state.requests.items()) if each.grant or each.answer_by]
    asked.sort(key=lambda each: each.incident)
    return {id: tuple(held) for id, held in groupby(asked, key=lambda each: each.incident)}


# --- requests ------------------------------------------------------------------------------------------------------


def standing(held: Held) -> str:
    return "granted" if held.grant else "waiting" if held.answer_by else "prepared"


def _request(ground: Ground, state: State, held: Held, seen: Looked) -> dict[str, object]:
    row = next((each for each in reversed(state.record) if each.grant and each.grant == held.grant), None)
    shown = standing(held) != "prepared"
    return {
        "request": held.request,
        "incident": held.incident,
        "sender": held.sender,
        "sender_name": seen.centres.get(held.sender, held.sender),
        "kind": held.kind.value,
        "priority": _priority(held.kind),
        "state": standing(held),
        "since": held.since,
        "answer_by": held.answer_by if held.grant is None else None,
        "until": held.until,
        "radius_m": held.radius_m,
        "cameras": [named(ground, each) for each in held.cameras] if shown else [],
        "count": len(held.cameras),
        "grant": held.grant,
        "by_name": called(row.by, seen) if row else None,
        "unreviewed": bool(row and unreviewed(row)),
        "after_no": (held.sender, held.incident) in state.by_hand,
        "law": _law(held),
        "viewers": len(held.viewers),
    }


def _priority(kind: AlarmKind) -> int:
    return int(alarms.priority(kind, Certainty.CERTAIN))


def called(person: PersonId | None, seen: Looked) -> str | None:
    return seen.names.get(person, person) if person else None


def named(ground: Ground, id: CameraId) -> dict[str, object]:
    camera = ground.registry.camera(id)
    return {"camera": id, "name": camera.name if camera else id, "purpose": camera.purpose if camera else ""}


def _law(held: Held) -> dict[str, object]:
    """The article as it reads for an order: on what footing the person is monitored never comes here."""
    rule = law.basis(WearerClass.ORDER, held.kind)
    found = rule if isinstance(rule, Rule) and rule.basis is held.basis else None
    return {
        "basis": held.basis.value,
        "article_ko": found.article_ko if found else "",
        "article_en": found.article_en if found else "",
        "why": None,
    }


# --- what is provided now ------------------------------------------------------------------------------------------


def _incident(ground: Ground, state: State, id: IncidentId, held: tuple[Held, ...], seen: Looked) -> dict[str, object]:
    """In the form that map, wall and law strip know from the control centre; without everything that never came."""
    newest = max(held, key=lambda each: each.place.observed_at)
    _, speed = cameras.course(newest.earlier, newest.place)
    granted = [each for each in held if each.grant]
    return {
        "id": id,
        "kind": newest.kind.value,
        "priority": min(_priority(each.kind) for each in held),
        "state": "claimed",
        "opened_at": min(each.since for each in held),
        "closed_at": None,
        "who": {"name": ""},
        "place": cards.place(newest.place),
        "speed_mps": round(speed, 1) if speed is not None else None,
        "law": _law(newest),
        "video": {
            "state": "granted" if granted else "requested",
            "requests": [
                {
                    "request": each.request,
                    "city": seen.centre,
                    "city_name": seen.centre_name,
                    "state": "granted" if each.grant else "requested",
                    "why": None,
                    "asked_at": each.since,
                    "answer_by": None if each.grant else each.answer_by,
                }
                for each in held
            ],
            "grants": [
                {
                    "grant": grants.own(each.grant),
                    "city": seen.centre,
                    "city_name": seen.centre_name,
                    "granted_at": each.since,
                    "until": each.until,
                    "conditions": list(law.CONDITIONS),
                    "state": "granted",
                    "why": None,
                }
                for each in granted
                if each.grant
            ],
            "cameras": [camera for each in held for camera in _cameras(ground, state, each, seen)],
        },
        "sightings": _sightings(ground, held, seen),
    }


def _cameras(ground: Ground, state: State, held: Held, seen: Looked) -> list[dict[str, object]]:
    found = {(seen.centre, card.camera): card for each in held.cameras if (card := _card(ground, each)) is not None}
    return [
        {
            **cards.card(found[key]),
            "city": seen.centre,
            "city_name": seen.centre_name,
            "grant": grants.own(held.grant) if held.grant else None,
            "reason": each.reason.value,
            "distance_m": round(each.distance_m),
            "state": "granted" if held.grant else "proposed",
            "presets": [{"number": one.number, "name": one.name} for one in calibrations.presets(state.book, key[1])],
        }
        for key, each in cameras.rank(found, held.place, held.earlier)
    ]


def _card(ground: Ground, id: CameraId) -> CameraCard | None:
    camera = ground.registry.camera(id)
    return cameras.card(camera) if camera is not None else None


def _sightings(ground: Ground, held: Sequence[Held], seen: Looked) -> list[dict[str, object]]:
    said: list[SightingMarked] = sorted((one for each in held for one in each.sightings), key=lambda one: one.seen_at)
    return [
        cards.sighting(card, one.seen_at, one.sight, one.heading, one.travel, called(one.by, seen) or "")
        for one in said[-SIGHTINGS_SHOWN_MAX:]
        if (card := _card(ground, one.camera)) is not None
    ]


# --- the record ----------------------------------------------------------------------------------------------------


def _provision(ground: Ground, row: Provision, seen: Looked) -> dict[str, object]:
    return {
        "request": row.request,
        "incident": row.incident,
        "grant": row.grant,
        "receiver_name": seen.centres.get(row.receiver, row.receiver),
        "state": row.outcome.value,
        "at": row.at,
        "basis": row.basis.value if row.basis else None,
        "kind": row.kind.value if row.kind else None,
        "cameras": sorted(str(named(ground, each)["name"]) for each in row.cameras),
        "at_once": row.at_once,
        "conditions": list(row.conditions),
        "until": row.until,
        "by_name": called(row.by, seen),
        "ended_at": row.ended_at,
        "ended_by_name": called(row.ended_by, seen),
        "why": row.why.value if row.why else None,
        "watched": row.watched,
        "unreviewed": unreviewed(row),
        "reviewed_by_name": called(row.reviewed_by, seen),
        "answered_ms": row.answered_ms,
    }


def _bases() -> tuple[Basis, ...]:
    """Those on which anything can be asked at all."""
    return tuple(sorted({each.basis for each in law.TABLE.values() if isinstance(each, Rule)}, key=lambda b: b.value))


def _approval(state: State, basis: Basis) -> dict[str, object]:
    kinds = sorted(
        {kind.value for (_, kind), line in law.TABLE.items() if isinstance(line, Rule) and line.basis is basis}
    )
    return {"basis": basis.value, "approval": city.approval(state, basis).value, "kinds": kinds}


def _today(state: State, seen: Looked, registered: int) -> dict[str, object]:
    day = _day(seen.at)
    rows = [each for each in state.record if _day(each.at) == day]
    answers = sorted(each.answered_ms for each in rows if each.answered_ms is not None)
    granted = [each for each in rows if each.outcome is not Outcome.REFUSED]
    return {
        "cameras": registered,
        "granted": len(granted),
        "granted_cameras": len({camera for each in granted for camera in each.cameras}),
        "refused": len(rows) - len(granted),
        "refusals": dict(Counter(each.why.value for each in rows if each.outcome is Outcome.REFUSED and each.why)),
        "stopped": sum(each.ended_by is not None for each in rows),
        "unreviewed": sum(unreviewed(each) for each in state.record),
        "answer_ms_median": round(median(answers)) if answers else None,
        "answer_ms_max": answers[-1] if answers else None,
        "streams_given": seen.streams_given,
        "streams_own": seen.streams_own,
        "ledger_size": seen.ledger_size,
    }


def _day(at: Instant) -> str:
    return datetime.fromtimestamp(at / SECOND_MS, KOREA).date().isoformat()
