"""What people saw in pictures, at a city or here, and what a city's people take their time over."""

from dataclasses import replace

from safetynet.core import incidents
from safetynet.core.control.words import MarkSighting
from safetynet.core.events import SightingReported, VideoAwaited
from safetynet.core.incidents import Act, Incident, Request, Sighting, VideoState
from safetynet.core.messages import AwaitPerson, ReportSighting
from safetynet.core.terms import CentreId, Instant, Sight, Why


def refusal(incident: Incident | None, command: MarkSighting) -> Why | None:
    """Who leads may mark, in a camera that is provided now."""
    if (no := incidents.refusal(incident, Act.MARK, command.by)) is not None or incident is None:
        return no or Why.NO_SUCH_INCIDENT
    _, request = incidents.cameras(incident).get((command.city, command.camera), (None, None))
    if request is None or request.grant is None or request.state is not VideoState.GRANTED:
        return Why.CAMERA_NOT_GRANTED
    return Why.MALFORMED if _nonsense(command) else None


def _nonsense(said: MarkSighting | ReportSighting) -> bool:
    """Nobody there has no way to go."""
    return said.sight is Sight.NOT_HERE and bool(said.heading or said.travel)


def marked(incident: Incident, command: MarkSighting, at: Instant) -> SightingReported:
    _, request = incidents.cameras(incident)[command.city, command.camera]
    assert request.grant is not None, "refusal() found the grant"
    return SightingReported(
        at=at,
        incident=incident.incident,
        grant=request.grant,
        camera=command.camera,
        city=None,
        by=command.by,
        sight=command.sight,
        heading=command.heading,
        travel=command.travel,
        seen_at=at,
    )


def reported(request: Request, city: CentreId, message: ReportSighting, at: Instant) -> SightingReported | None:
    """What a city's person saw, in a camera that the city provides; None for any other camera, or for nonsense."""
    if _nonsense(message) or message.camera not in {each.camera for each in request.cameras}:
        return None
    return SightingReported(
        at=at,
        incident=message.incident,
        grant=message.grant,
        camera=message.camera,
        city=city,
        by=None,
        sight=message.sight,
        heading=message.heading,
        travel=message.travel,
        seen_at=min(message.seen_at, at),
    )


def awaited(request: Request, message: AwaitPerson, at: Instant) -> VideoAwaited:
    return VideoAwaited(
        at=at,
        incident=message.incident,
        request=request.request,
        city=request.city,
        answer_by=min(message.answer_by, request.until),
    )


def seen(incident: Incident, event: SightingReported) -> Incident:
    request = incidents.grant_of(incident, event.grant)
    shown = request.cameras if request else ()
    card = next((each for each in shown if each.camera == event.camera), None)
    if card is None:
        return incident
    sighting = Sighting(
        at=event.seen_at,
        card=card,
        sight=event.sight,
        heading=event.heading,
        travel=event.travel,
        city=event.city,
        by=event.by,
    )
    return replace(incident, sightings=(*incident.sightings, sighting)[-incidents.SIGHTINGS_MAX :])
