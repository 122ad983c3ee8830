"""What officers in the field do: go or not, say what they see, call for backup, photograph, look at one picture.

A telephone that had no connection says later what its officer did, with his own time of it; what it says twice
happens once. An officer sees pictures only under an order that he accepted and that lives: he is the same authority's
probation officer in the swift supervision for which Art. 16-3(2) opened them, so no new provision takes place (`law`).
"""

from typing import Final, assert_never

from safetynet.core import incidents, law
from safetynet.core.control.state import State
from safetynet.core.control.words import (
    AdmitOfficer,
    AnswerBackup,
    FieldCommand,
    KeepPhoto,
    MarkField,
    ReportUnit,
    TellField,
)
from safetynet.core.dispatch import BUSY, FOLLOWS
from safetynet.core.events import (
    AnyEvent,
    BackupAnswered,
    FieldMarked,
    FieldTold,
    PhotoTaken,
    Spot,
    UnitReported,
    ViewerAdmitted,
)
from safetynet.core.geo import in_korea
from safetynet.core.incidents import Act, Dispatch, Incident, Stage, VideoState
from safetynet.core.terms import (
    DispatchId,
    FieldMark,
    IncidentId,
    Instant,
    UnitId,
    Why,
)

MARKS_MAX: Final = 200
"""Of one incident, all units together. A call for backup is heard beyond it while none is open."""
PHOTOS_MAX: Final = 40
TOLD_CHARS_MAX: Final = 200
"""What is read at a glance while walking."""
TOLD_MAX: Final = 100
"""Words to the field in one incident."""
SPOT_RADIUS_M_MAX: Final = 5_000.0
"""A telephone that knows no better where it is says nothing of use."""


def refusal(state: State, command: FieldCommand, at: Instant) -> Why | None:
    if isinstance(command, AnswerBackup):
        return _refuses_answer(state.incidents.get(command.incident))
    if isinstance(command, TellField):
        return _refuses_words(state.incidents.get(command.incident), command)
    held = _held(state, command.dispatch, command.unit)
    if isinstance(held, Why):
        return held
    incident, dispatch = held
    match command:
        case ReportUnit():
            known = command.action is not None and command.action in incident.actions
            return None if known or command.state in FOLLOWS[dispatch.state] else Why.NOT_ALLOWED_NOW
        case MarkField() | KeepPhoto() if command.action in incident.actions:
            return None
        case MarkField() | KeepPhoto() if dispatch.state not in BUSY:
            return Why.NOT_ACCEPTED
        case MarkField(mark=FieldMark.BACKUP) if not calls_for_backup(incident):
            return None
        case MarkField():
            return Why.TOO_MANY_REPORTS if len(incident.marks) >= MARKS_MAX else None
        case KeepPhoto():
            return Why.TOO_MANY_REPORTS if len(incident.photos) >= PHOTOS_MAX else None
        case AdmitOfficer():
            return _refuses_picture(incident, dispatch, command, at)
        case _:
            assert_never(command)


def _refuses_answer(incident: Incident | None) -> Why | None:
    """Anybody of the centre may answer, whoever leads: an officer in need does not wait for one seat."""
    if incident is None:
        return Why.NO_SUCH_INCIDENT
    if incident.stage is Stage.CLOSED:
        return Why.INCIDENT_CLOSED
    return None if calls_for_backup(incident) else Why.NOT_ALLOWED_NOW


def _refuses_words(incident: Incident | None, command: TellField) -> Why | None:
    """One voice speaks to the units, the one that leads; and nobody speaks where no unit listens."""
    no = incidents.refusal(incident, Act.OFFICE, command.by)
    if no is not None or incident is None:
        return no or Why.NO_SUCH_INCIDENT
    if not any(FOLLOWS[each.state] for each in incident.dispatches.values()):
        return Why.DISPATCH_OVER
    if len(incident.told) >= TOLD_MAX:
        return Why.TOO_MANY_REPORTS
    return None if words_of(command.text) else Why.NOT_ALLOWED_NOW


def words_of(text: str) -> str | None:
    """As one line without what is not to be read. None: nothing is left, or it is too long to be read in the field."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if 0 < len(line) <= TOLD_CHARS_MAX else None


def _held(state: State, dispatch: DispatchId, unit: UnitId) -> tuple[Incident, Dispatch] | Why:
    """The living incident of this unit's own order."""
    incident = state.incidents.get(state.given.get(dispatch, IncidentId("")))
    found = incident.dispatches.get(dispatch) if incident else None
    if incident is None or found is None or found.unit != unit:
        return Why.NO_SUCH_INCIDENT
    return Why.INCIDENT_CLOSED if incident.stage is Stage.CLOSED else (incident, found)


def _refuses_picture(incident: Incident, dispatch: Dispatch, command: AdmitOfficer, at: Instant) -> Why | None:
    if law.officer_sees(command.kind) is None:
        return Why.WRONG_RECEIVER
    if dispatch.state not in BUSY:
        return Why.NOT_ACCEPTED if FOLLOWS[dispatch.state] else Why.DISPATCH_OVER
    request = incidents.grant_of(incident, command.grant)
    if request is None:
        return Why.NO_SUCH_GRANT
    if request.state is not VideoState.GRANTED:
        return Why.GRANT_ENDED
    return None if incidents.live(request, at) else Why.RUN_OUT


def calls_for_backup(incident: Incident) -> bool:
    """Whether a unit's call still waits for somebody at the centre."""
    return incident.backup is not None and incident.backup.answered_at is None


def commanded(state: State, given: FieldCommand, at: Instant) -> list[AnyEvent]:
    """What `refusal` let pass. Nothing, when this action was heard before."""
    if isinstance(given, AnswerBackup):
        return [BackupAnswered(at=at, incident=given.incident, by=given.by)]
    if isinstance(given, TellField):
        line = words_of(given.text)
        assert line is not None, "refusal() found words"
        return [FieldTold(at=at, incident=given.incident, by=given.by, text=line)]
    id = state.given[given.dispatch]
    incident = state.incidents[id]
    dispatch = incident.dispatches[given.dispatch]
    if isinstance(given, AdmitOfficer):
        return [_admitted(incident, given, at)]
    if given.action is not None and given.action in incident.actions:
        return []
    acted_at = None if given.acted_at is None else _within(given.acted_at, dispatch, at)
    match given:
        case ReportUnit():
            return [
                UnitReported(
                    at=at,
                    incident=id,
                    dispatch=given.dispatch,
                    unit=given.unit,
                    state=given.state,
                    by=given.by,
                    action=given.action,
                    acted_at=acted_at,
                    unable=given.unable,
                )
            ]
        case MarkField():
            return [
                FieldMarked(
                    at=at,
                    incident=id,
                    dispatch=given.dispatch,
                    unit=given.unit,
                    by=given.by,
                    action=given.action,
                    mark=given.mark,
                    acted_at=acted_at or at,
                    spot=_sound(given.spot),
                )
            ]
        case KeepPhoto():
            return [
                PhotoTaken(
                    at=at,
                    incident=id,
                    dispatch=given.dispatch,
                    unit=given.unit,
                    by=given.by,
                    action=given.action,
                    sha256=given.sha256,
                    size_bytes=given.size_bytes,
                    acted_at=acted_at or at,
                    spot=_sound(given.spot),
                )
            ]
        case _:
            assert_never(given)


def _admitted(incident: Incident, given: AdmitOfficer, at: Instant) -> ViewerAdmitted:
    request = incidents.grant_of(incident, given.grant)
    assert request is not None, "refusal() found the grant"
    return ViewerAdmitted(
        at=at,
        incident=incident.incident,
        grant=given.grant,
        viewer=given.viewer,
        by=given.by,
        token_sha256=given.token_sha256,
        until=request.until,
        dispatch=given.dispatch,
    )


def _within(acted_at: Instant, dispatch: Dispatch, at: Instant) -> Instant:
    """A telephone's clock may be wrong: nothing is done before its order or after it is heard."""
    return min(at, max(dispatch.ordered_at, acted_at))


def _sound(spot: Spot | None) -> Spot | None:
    """A place that cannot be one is left out; what the officer said counts without it."""
    if spot is None or not in_korea(spot.lat, spot.lon) or not 0.0 < spot.radius_m <= SPOT_RADIUS_M_MAX:
        return None
    return spot
