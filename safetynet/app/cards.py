"""What the pages of every program show alike: a place, a camera, a link, what somebody saw. Words only, no sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safetynet.core.events import CameraCard, Place
from safetynet.core.terms import CentreId, Heading, Instant, Sight, Travel
from safetynet.edge.config import Centre
from safetynet.edge.link import LinkState


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    id: CentreId
    name: str
    role: str
    up: bool
    since: Instant
    delay_ms: int | None
    streams: int


def links_of(
    centre: Centre, states: Mapping[CentreId, LinkState], open_streams: Sequence[CentreId]
) -> tuple[LinkView, ...]:
    """The roads to all partners, and over which of them how many pictures go."""
    links: list[LinkView] = []
    for peer in centre.peers:
        state = states.get(peer.id)
        delay = state.delay_ms if state else None
        links.append(
            LinkView(
                id=peer.id,
                name=peer.name,
                role=peer.role.value,
                up=bool(state and state.up),
                since=state.since if state else Instant(0),
                delay_ms=max(1, round(delay)) if delay is not None else None,
                streams=open_streams.count(peer.id),
            )
        )
    return tuple(links)


def link(link: LinkView) -> dict[str, object]:
    return {
        "id": link.id,
        "name": link.name,
        "role": link.role,
        "up": link.up,
        "since": link.since,
        "delay_ms": link.delay_ms,
        "streams": link.streams,
    }


def place(place: Place | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {
        "lat": round(place.lat, 6),
        "lon": round(place.lon, 6),
        "radius_m": round(place.radius_m, 1),
        "source": place.source.value,
        "observed_at": place.observed_at,
        "received_at": place.received_at,
    }


def card(card: CameraCard) -> dict[str, object]:
    return {
        "camera": card.camera,
        "name": card.name,
        "lat": round(card.lat, 6),
        "lon": round(card.lon, 6),
        "range_m": card.range_m,
        "azimuth_deg": card.azimuth_deg,
        "view_deg": card.view_deg,
        "ptz": card.ptz,
        "purpose": card.purpose,
    }


def sighting(
    card: CameraCard, at: Instant, sight: Sight, heading: Heading | None, travel: Travel | None, who: str
) -> dict[str, object]:
    """`who` saw it: a person of this centre, or a city."""
    return {
        "camera": card.camera,
        "name": card.name,
        "lat": round(card.lat, 6),
        "lon": round(card.lon, 6),
        "at": at,
        "sight": sight.value,
        "heading": heading.value if heading else None,
        "travel": travel.value if travel else None,
        "who": who,
    }
