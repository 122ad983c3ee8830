"""What a relay process writes into its own durable log, before its centre merges it."""

from typing import TypeAlias

from safetynet.core.events.base import Event
from safetynet.core.terms import CameraId, GrantId, RequestId, StreamId, ViewerId, Why


class CameraPreconnected(Event, frozen=True, kw_only=True, tag="camera_preconnected"):
    request: RequestId
    camera: CameraId


class StreamOpened(Event, frozen=True, kw_only=True, tag="stream_opened"):
    """`side` is `given` in a city's log and `received` in the centre's; there, `viewed` is one window of one viewer.

    What a city shows to its own people beside that is `own` as it leaves the cameras and `own_received` at its windows.
    """

    side: str
    grant: GrantId
    camera: CameraId
    stream: StreamId
    viewer: ViewerId | None = None


class Segment(Event, frozen=True, kw_only=True, tag="segment"):
    """At most two seconds of one stream, hashed as delivered. Both centres record it; `verify` compares them."""

    side: str
    grant: GrantId
    camera: CameraId
    stream: StreamId
    seq: int
    first_ticks: int
    last_ticks: int
    size_bytes: int
    sha256: bytes
    pre_grant: bool = False
    """The segment begins with a key frame that the camera made before the grant (it ignored our request for one)."""


class StreamClosed(Event, frozen=True, kw_only=True, tag="stream_closed"):
    side: str
    grant: GrantId
    camera: CameraId
    stream: StreamId
    segments: int
    why: Why
    viewer: ViewerId | None = None
    cut: bool = False
    """It ended without the giver's last word: of the last segment a part may be here, of later ones nothing."""


class ViewingRefused(Event, frozen=True, kw_only=True, tag="viewing_refused"):
    """A relay said no to somebody who asked for a picture."""

    side: str
    grant: GrantId
    camera: CameraId
    viewer: ViewerId
    why: Why


class StrangersRefused(Event, frozen=True, kw_only=True, tag="strangers_refused"):
    """A relay turned away this many who showed no token of ours. They are counted; nothing they said is kept."""

    side: str
    count: int


RelayEvent: TypeAlias = CameraPreconnected | StreamOpened | Segment | StreamClosed | ViewingRefused | StrangersRefused
