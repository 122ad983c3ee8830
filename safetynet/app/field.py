"""Officers in the field as the control centre serves them: what their telephone shows and says, and what the desk sees of it.

A telephone gets what its own order needs and nothing of who it is about. Pictures are named to it only while its unit
is under way or there; whether one may really be opened is decided again by the mind, for each token.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from safetynet.app import windows
from safetynet.app.loop import Loop
from safetynet.app.people import UnitRow
from safetynet.app.views import Looked, View
from safetynet.core import law
from safetynet.core.control import mind, words
from safetynet.core.control.state import State
from safetynet.core.dispatch import BUSY
from safetynet.core.events import Spot
from safetynet.core.incidents import Backup, Dispatch, Mark, Photo, Told
from safetynet.core.terms import (
    ActionId,
    DispatchId,
    FieldMark,
    IncidentId,
    Instant,
    PersonId,
    SubjectId,
    UnitId,
    UnitState,
    Why,
)
from safetynet.edge import photos
from safetynet.edge.store import Store

ACTION: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
"""What a telephone may call one of its actions: long enough that no two are the same by chance."""
ORDER_CAMERAS_MAX: Final = 9
MARKS_SHOWN_MAX: Final = 50
TOLD_SHOWN_MAX: Final = 20
EMERGENCY: Final = 1


# --- what a telephone says -----------------------------------------------------------------------------------------


def command(seat: windows.Seat, row: UnitRow | None, said: windows.Do) -> words.Command | str:
    """What an officer meant, or the word why not. Without a unit of his own nothing is allowed."""
    if row is None or said.dispatch is None:
        return Why.NOT_ALLOWED_NOW.value
    by, action, dispatch = seat.person, said.action, said.dispatch
    if action is not None and not ACTION.fullmatch(action):
        return "bad_command"
    match said:
        case windows.Do(act="unit", state=UnitState.DECLINED, unable=None):
            return "bad_command"
        case windows.Do(act="unit", state=state) if state:
            return words.ReportUnit(
                dispatch=dispatch,
                unit=row.unit,
                state=state,
                by=by,
                action=action,
                acted_at=said.acted_at,
                unable=said.unable if state is UnitState.DECLINED else None,
            )
        case windows.Do(act="field", mark=mark, acted_at=acted_at) if mark and action and acted_at:
            return words.MarkField(
                dispatch=dispatch, unit=row.unit, by=by, action=action, mark=mark, acted_at=acted_at, spot=said.spot
            )
        case windows.Do(act="admit", grant=grant) if grant:
            return words.AdmitOfficer(
                dispatch=dispatch,
                unit=row.unit,
                kind=row.kind,
                grant=grant,
                viewer=seat.viewer,
                by=by,
                token_sha256=b"",
            )
        case _:
            return Why.NOT_ALLOWED_NOW.value


@dataclass(frozen=True, slots=True)
class Taken:
    """A photograph as it arrived, with what its officer's telephone said of it."""

    dispatch: DispatchId
    action: ActionId
    acted_at: Instant
    spot: Spot | None
    data: bytes


def taken(query: Mapping[str, str], data: bytes) -> Taken | None:
    """None for nonsense."""
    action = query.get("action", "")
    try:
        acted_at = Instant(int(query.get("acted_at", "")[:15]))
        spot = Spot(*(float(query[each]) for each in ("lat", "lon", "radius_m"))) if "lat" in query else None
    except (ValueError, KeyError):
        return None
    if not ACTION.fullmatch(action) or "dispatch" not in query:
        return None
    return Taken(DispatchId(query["dispatch"]), ActionId(action), acted_at, spot, data)


def photograph(one: Taken, row: UnitRow, by: PersonId) -> tuple[words.KeepPhoto, bytes]:
    """The command and the picture alone. Raises photos.NotAPhoto."""
    data = photos.cleaned(one.data)
    meant = words.KeepPhoto(
        dispatch=one.dispatch,
        unit=row.unit,
        by=by,
        action=one.action,
        sha256=hashlib.sha256(data).digest(),
        size_bytes=len(data),
        acted_at=one.acted_at,
        spot=one.spot,
    )
    return meant, data


def keep(
    loop: Loop[State, words.Given, words.Errand],
    store: Store,
    row: UnitRow | None,
    by: PersonId,
    one: Taken,
    at: Instant,
) -> list[words.Errand] | Why | str:
    """Keeps a photograph before its event says so, and only when the mind lets it. What must be done, or why not."""
    if row is None:
        return Why.NOT_ALLOWED_NOW
    try:
        meant, data = photograph(one, row, by)
    except photos.NotAPhoto as no:
        return no.word
    refused = mind.refuses(loop.state, meant, at)
    if refused is not None:
        return refused
    incident = loop.state.given[meant.dispatch]
    if meant.action not in loop.state.incidents[incident].actions:
        store.put_photo(sealed_under(incident), meant.action, data)
    return loop.take(meant, at)


def sealed_under(incident: IncidentId) -> SubjectId:
    return SubjectId(f"incident:{incident}")


def photo(store: Store, state: State, incident: IncidentId, action: ActionId) -> bytes | None:
    """As it was taken: what is not what its event says is none."""
    held = state.incidents.get(incident)
    known = next((each for each in held.photos if each.action == action), None) if held else None
    data = store.photo(sealed_under(incident), action) if known else None
    return data if known and data is not None and hashlib.sha256(data).digest() == known.sha256 else None


# --- what is shown -------------------------------------------------------------------------------------------------


def added(view: View, state: State, seen: Looked) -> View:
    """The operators' view with what came from the field. A unit that needs backup makes its incident an emergency."""
    for id, shown in view["incidents"].items():
        incident = state.incidents[IncidentId(id)]
        shown["marks"] = [_mark(each, seen) for each in incident.marks[-MARKS_SHOWN_MAX:]]
        shown["photos"] = [_photo(each, seen) for each in incident.photos]
        shown["told"] = [_told(each, seen) for each in incident.told[-TOLD_SHOWN_MAX:]]
        shown["backup"] = _backup(incident.backup, seen) if incident.backup else None
        if incident.backup:
            shown["priority"] = EMERGENCY
    return view


def phone(view: View, desk: View, state: State, row: UnitRow, seen: Looked, numbers: Mapping[PersonId, str]) -> View:
    """A unit's view with all that its order needs. `desk` is the operators': the same cameras in the same order.

    `numbers`: under which telephone number each person's seat is called.
    """
    for id, shown in view["orders"].items():
        incident = state.incidents[IncidentId(str(shown["incident"]))]
        order = incident.dispatches[DispatchId(id)]
        whole: Mapping[str, Any] = desk["incidents"][incident.incident]
        lead = incident.owner
        backup = incident.backup if incident.backup and incident.backup.mark.unit == row.unit else None
        last = next((each for each in reversed(incident.marks) if each.mark is FieldMark.SEEN), None)
        shown |= {
            "priority": whole["priority"],
            "ordered_at": order.ordered_at,
            "unable": order.unable.value if order.unable else None,
            "lead_name": seen.names.get(lead, lead) if lead else None,
            "lead_phone": numbers.get(lead) if lead else None,
            "others": [_other(each, seen) for each in incident.dispatches.values() if each.unit != row.unit],
            "sighting": _mark(last, seen) if last else None,
            "told": [_told(each, seen) for each in incident.told[-TOLD_SHOWN_MAX:]],
            "backup": {"at": backup.mark.at, "answered_at": backup.answered_at} if backup else None,
            **_pictures(whole, order, row),
        }
    return view


def _pictures(whole: Mapping[str, Any], order: Dispatch, row: UnitRow) -> dict[str, object]:
    """Grants and cameras while the unit is under way or there; no name of a camera before it has accepted."""
    line = law.officer_sees(row.kind) if order.state in BUSY else None
    if line is None:
        return {"law": None, "grants": [], "cameras": []}
    live = [each for each in whole["video"]["grants"] if each["state"] == "granted"]
    named = {each["grant"] for each in live}
    cameras = [each for each in whole["video"]["cameras"] if each["state"] == "granted" and each["grant"] in named]
    return {
        "law": {"article_ko": line.article_ko, "article_en": line.article_en, "conditions": list(line.conditions)},
        "grants": live,
        "cameras": cameras[:ORDER_CAMERAS_MAX],
    }


def _other(order: Dispatch, seen: Looked) -> dict[str, object]:
    return {"unit_name": _unit(order.unit, seen), "state": order.state.value}


def _unit(unit: UnitId, seen: Looked) -> str:
    return next((each.name for each in seen.units if each.unit.unit == unit), unit)


def _spot(spot: Spot | None) -> dict[str, float] | None:
    if spot is None:
        return None
    return {"lat": round(spot.lat, 6), "lon": round(spot.lon, 6), "radius_m": round(spot.radius_m, 1)}


def _mark(mark: Mark, seen: Looked) -> dict[str, object]:
    return {
        "action": mark.action,
        "mark": mark.mark.value,
        "at": mark.at,
        "heard_at": mark.heard_at,
        "by_name": seen.names.get(mark.by, mark.by),
        "unit_name": _unit(mark.unit, seen),
        "spot": _spot(mark.spot),
    }


def _told(told: Told, seen: Looked) -> dict[str, object]:
    return {"at": told.at, "by_name": seen.names.get(told.by, told.by), "text": told.text}


def _photo(one: Photo, seen: Looked) -> dict[str, object]:
    return {
        "photo": one.action,
        "at": one.at,
        "by_name": seen.names.get(one.by, one.by),
        "unit_name": _unit(one.unit, seen),
        "size_bytes": one.size_bytes,
        "sha256": one.sha256.hex(),
        "spot": _spot(one.spot),
    }


def _backup(backup: Backup, seen: Looked) -> dict[str, object]:
    by = backup.answered_by
    return {
        **_mark(backup.mark, seen),
        "answered_at": backup.answered_at,
        "answered_name": seen.names.get(by, by) if by else None,
    }
