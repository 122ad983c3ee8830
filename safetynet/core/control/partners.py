"""What partners say: a city of its cameras, its grants and what its people saw; the police of a notice."""

from typing import Final

from safetynet.core import geo
from safetynet.core.control import sightings
from safetynet.core.control.state import State
from safetynet.core.control.words import Heard
from safetynet.core.events import (
    AnyEvent,
    CameraCard,
    CamerasChanged,
    CamerasProposed,
    MessageRefused,
    PoliceNoticeAnswered,
    VideoEnded,
    VideoGranted,
    VideoRefused,
)
from safetynet.core.footage import asking
from safetynet.core.incidents import Incident, Notice, Request, Stage, VideoState
from safetynet.core.messages import (
    AnswerNotice,
    AwaitPerson,
    ChangeCameras,
    EndGrant,
    FootageAnswer,
    GiveGrant,
    ProposeCameras,
    RefuseVideo,
    ReportSighting,
)
from safetynet.core.terms import CentreId, Instant, NoticeState, Why

ANSWER_CAMERAS_MAX: Final = 9
RANGE_M_MAX: Final = 10_000.0


def heard(state: State, given: Heard, at: Instant) -> list[AnyEvent]:
    """A partner speaks only of what it was asked: everything else is refused, and that is recorded."""
    message = given.message
    if isinstance(message, FootageAnswer):
        return asking.heard(state.footage, given.sender, given.seq, message, at)
    incident = state.incidents.get(message.incident)
    unasked: list[AnyEvent] = [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=Why.NOT_ALLOWED_NOW)]
    if incident is None:
        return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=Why.NO_SUCH_INCIDENT)]
    if isinstance(message, AnswerNotice):
        notice = incident.notices.get(message.notice)
        return unasked if notice is None or notice.room != given.sender else _answered(incident, notice, message, at)
    request = incident.requests.get(given.sender)
    if request is None:
        return list(unasked)
    if incident.stage is Stage.CLOSED:
        return []  # the city was told the end; what it said before it heard that is history
    match message:
        case ProposeCameras() | GiveGrant() | ChangeCameras() if not all(map(_sound, message.cameras)):
            return list(unasked)
        case ProposeCameras() | GiveGrant() | RefuseVideo() | AwaitPerson() if message.request != request.request:
            return [] if message.request in request.earlier else list(unasked)
        case ProposeCameras():
            if request.state not in (VideoState.PREPARED, VideoState.PROPOSED):
                return []  # the request of a person overtook it
            return [
                CamerasProposed(
                    at=at,
                    incident=incident.incident,
                    request=request.request,
                    city=given.sender,
                    cameras=message.cameras,
                )
            ]
        case GiveGrant():
            granted = _granted(state, incident, request, given.sender, message, at)
            return list(unasked) if granted is None else granted
        case RefuseVideo():
            if request.state not in (VideoState.PREPARED, VideoState.PROPOSED, VideoState.REQUESTED):
                return []  # told twice
            return [
                VideoRefused(
                    at=at, incident=incident.incident, request=request.request, city=given.sender, why=message.why
                )
            ]
        case AwaitPerson():
            if request.state is not VideoState.REQUESTED or request.answer_by is not None:
                return []
            return [sightings.awaited(request, message, at)]
        case ReportSighting() if message.grant in request.earlier_grants:
            return []
        case ReportSighting() if message.grant == request.grant:
            seen = sightings.reported(request, given.sender, message, at)
            return list(unasked) if seen is None else [seen]
        case ChangeCameras() if message.grant == request.grant and request.state is VideoState.GRANTED:
            if len(message.cameras) > ANSWER_CAMERAS_MAX:
                return list(unasked)
            if message.cameras == request.cameras:
                return []
            return [CamerasChanged(at=at, incident=incident.incident, grant=message.grant, cameras=message.cameras)]
        case ChangeCameras() | EndGrant() if message.grant in request.earlier_grants:
            return []  # of a grant that is over here
        case ChangeCameras() if message.grant == request.grant:
            return []  # it was on the road when the grant ended
        case EndGrant() if message.grant == request.grant:
            if request.state is not VideoState.GRANTED:
                return []
            return [VideoEnded(at=at, incident=incident.incident, grant=message.grant, why=message.why)]
        case _:
            return list(unasked)


def _sound(card: CameraCard) -> bool:
    """Whether a partner's camera is one that can stand on a map at all: a wrong number must not stop this centre."""
    angles = (card.azimuth_deg, card.view_deg)
    known = all(each is None or 0.0 <= each <= 360.0 for each in angles)
    return geo.in_korea(card.lat, card.lon) and 0.0 < card.range_m <= RANGE_M_MAX and known


def _granted(
    state: State, incident: Incident, request: Request, city: CentreId, message: GiveGrant, at: Instant
) -> list[AnyEvent] | None:
    """A grant for what a person asked; nothing new when it is told twice; None for one that nobody asked for.

    A refusal of the preparation may have crossed with the request: what was asked may still be granted. An id that
    stands for a grant already is no grant, or one city could end or move the pictures of another.
    """
    if request.grant == message.grant:
        return []
    asked = request.by is not None and request.grant is None
    if not asked or message.grant in state.given or len(message.cameras) > ANSWER_CAMERAS_MAX:
        return None
    return [
        VideoGranted(
            at=at,
            incident=incident.incident,
            request=request.request,
            grant=message.grant,
            city=city,
            cameras=message.cameras,
            conditions=message.conditions,
            until=min(message.until, request.until),
        )
    ]


def _answered(incident: Incident, notice: Notice, message: AnswerNotice, at: Instant) -> list[AnyEvent]:
    rank = {NoticeState.SENT: 0, NoticeState.RECEIVED: 1, NoticeState.READ: 2}
    if rank[message.state] <= rank[notice.state]:
        return []  # told twice, or overtaken
    return [PoliceNoticeAnswered(at=at, incident=incident.incident, notice=message.notice, state=message.state)]
