"""Two pretend relays that keep the contract's rules without a camera: a stream lives only while it is leased.

The city's relay decides with the real `grants.view`; each relay has a durable log of its own that outlives its loop.
Pictures are only their hashes. Time is simulated: nothing moves until `step`.

Absent on purpose: codecs, credit, sockets. Those are tried on the real relays.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from safetynet.core.control.words import Admit
from safetynet.core.events import RelayEvent, Segment, StrangersRefused, StreamClosed, StreamOpened, ViewingRefused
from safetynet.core.grants import LEASE_MS_MAX, Lease, Refused, view
from safetynet.core.terms import CameraId, CentreId, GrantId, IncidentId, Instant, StreamId, ViewerId, Why
from safetynet.edge.relay.words import Recorded

SEGMENT_MS: Final = 2_000
STRANGERS_TOLD_MS: Final = 60_000
ROWS_AT_ONCE_MAX: Final = 256
NOBODY: Final = ViewerId("")
HOSTILE: Final = ViewerId("V-HOSTILE")


class Rows:
    """A relay's own durable log. What its loop has merged it may forget."""

    def __init__(self) -> None:
        self._kept: list[RelayEvent] = []
        self.merged = 0
        self.refused = 0
        self.strangers = 0
        """Of whom the log was told."""

    def write(self, event: RelayEvent) -> None:
        self.refused += isinstance(event, ViewingRefused)
        self.strangers += event.count if isinstance(event, StrangersRefused) else 0
        self._kept.append(event)

    def recorded(self) -> Recorded | None:
        events = tuple(self._kept[:ROWS_AT_ONCE_MAX])
        return Recorded(upto_row=self.merged + len(events), events=events) if events else None

    def forget(self, upto_row: int) -> None:
        del self._kept[: upto_row - self.merged]
        self.merged = max(self.merged, upto_row)


@dataclass(slots=True)
class _Delivery:
    """One stream on its way out of a city."""

    grant: GrantId
    camera: CameraId
    viewer: ViewerId
    stream: StreamId
    since: Instant
    """Where the segment that is open began."""
    seq: int = 0


class Giving:
    """A city's relay. `now` is its machine's clock (ms), which its city's loop shares."""

    def __init__(self, city: CentreId, now: Callable[[], Instant]) -> None:
        self.city: Final = city
        self.rows: Final = Rows()
        self.streams: dict[StreamId, _Delivery] = {}
        self.out: list[Segment | StreamClosed] = []
        """What the receiving relay is told, in order; lost when the road is cut."""
        self._now = now
        self._leases: dict[GrantId, Lease] = {}
        self._ended: set[GrantId] = set()
        self._opened = 0
        self._room = True

    def lease(self, grant: GrantId, cameras: tuple[CameraId, ...], until: Instant) -> None:
        if grant not in self._ended:
            self._leases[grant] = Lease(grant, frozenset(cameras), min(until, Instant(self._now() + LEASE_MS_MAX)))

    def set_room(self, *, room: bool) -> None:
        """Without room for its log nothing leaves."""
        self._room = room
        for stream in () if room else tuple(self.streams):
            self.close(stream, Why.DISK_LOW)

    def end(self, grant: GrantId) -> None:
        self._ended.add(grant)
        self.step()
        lease = self._leases.get(grant)
        for camera in sorted(lease.cameras if lease else ())[:1]:
            self.open(grant, camera, HOSTILE)  # somebody always tries

    def open(self, grant: GrantId, camera: CameraId, viewer: ViewerId) -> StreamId | Why:
        now = self._now()
        if not self._room:
            return Why.DISK_LOW
        ticket = view(self._leases.get(grant), ended=grant in self._ended, camera=camera, viewer=viewer, now=now)
        if isinstance(ticket, Refused):
            self.rows.write(
                ViewingRefused(at=now, side="given", grant=grant, camera=camera, viewer=viewer, why=ticket.why)
            )
            return ticket.why
        self._opened += 1
        stream = StreamId(f"S-{self.city}-{self._opened}")
        self.streams[stream] = _Delivery(ticket.grant, ticket.camera, viewer, stream, now)
        self.rows.write(StreamOpened(at=now, side="given", grant=grant, camera=camera, stream=stream, viewer=viewer))
        return stream

    def step(self) -> None:
        """Seals what is two seconds long and cuts what nothing allows any more."""
        now = self._now()
        for each in tuple(self.streams.values()):
            lease = self._leases.get(each.grant)
            answer = view(lease, ended=each.grant in self._ended, camera=each.camera, viewer=each.viewer, now=now)
            if isinstance(answer, Refused):
                self.close(each.stream, answer.why)
            elif now - each.since >= SEGMENT_MS:
                self._seal(each)

    def close(self, stream: StreamId, why: Why) -> None:
        each = self.streams.get(stream)
        if each is None:
            return
        if self._now() > each.since:
            self._seal(each)
        del self.streams[stream]
        self._closed(each, why)

    def crash(self) -> None:
        """The process is gone and back: leases are lost, what was open is closed by the log."""
        for each in self.streams.values():
            self._closed(each, Why.STOPPED)
        self.streams, self._leases = {}, {}

    def _seal(self, each: _Delivery) -> None:
        now = self._now()
        segment = Segment(
            at=now,
            side="given",
            grant=each.grant,
            camera=each.camera,
            stream=each.stream,
            seq=each.seq,
            first_ticks=each.since * 90,
            last_ticks=now * 90,
            size_bytes=now - each.since,
            sha256=hashlib.sha256(f"{each.stream} {each.seq} {now}".encode()).digest(),
        )
        each.seq, each.since = each.seq + 1, now
        self.rows.write(segment)
        self.out.append(segment)

    def _closed(self, each: _Delivery, why: Why) -> None:
        closed = StreamClosed(
            at=self._now(),
            side="given",
            grant=each.grant,
            camera=each.camera,
            stream=each.stream,
            segments=each.seq,
            why=why,
            viewer=each.viewer,
        )
        self.rows.write(closed)
        self.out.append(closed)


@dataclass(slots=True)
class _Upstream:
    """One stream that comes in from a city, and the windows that watch it."""

    city: CentreId
    grant: GrantId
    camera: CameraId
    stream: StreamId
    takers: set[ViewerId] = field(default_factory=set[ViewerId])
    segments: int = 0


class Receiving:
    """The control centre's relay: lets in who was admitted, and cuts at the window first."""

    def __init__(self, now: Callable[[], Instant], cities: dict[CentreId, Giving]) -> None:
        self.rows: Final = Rows()
        self.cut_roads: set[CentreId] = set()
        """Cities whose video road is cut just now."""
        self._now, self._cities = now, cities
        self._tokens: dict[bytes, Admit] = {}
        self._admitted: dict[ViewerId, Admit] = {}
        self._cameras: dict[GrantId, frozenset[CameraId]] = {}
        self._ended: set[GrantId] = set()
        self._ups: dict[StreamId, _Upstream] = {}
        self._used: set[bytes] = set()
        """On disk in the real relay: a token admits once, also after a crash."""
        self._replayed: set[bytes] = set()
        self._strangers, self._told_at = 0, now()
        self._room = True

    # --- words of the loop

    def admit(self, word: Admit) -> None:
        if word.grant not in self._ended:
            self._tokens[word.token_sha256] = word
            self._cameras.setdefault(word.grant, frozenset(word.cameras))

    def set_cameras(self, grant: GrantId, cameras: tuple[CameraId, ...]) -> None:
        self._cameras[grant] = frozenset(cameras)
        for up in tuple(self._ups.values()):
            if up.grant == grant and up.camera not in self._cameras[grant]:
                self._cut(up, Why.MOVED_ON)

    def cut_grant(self, grant: GrantId, why: Why) -> None:
        self._ended.add(grant)
        self._forget(lambda each: each.grant == grant, why)

    def cut_incident(self, incident: IncidentId, why: Why) -> None:
        self._forget(lambda each: each.incident == incident, why)

    def _forget(self, whose: Callable[[Admit], bool], why: Why) -> None:
        self._tokens = {token: each for token, each in self._tokens.items() if not whose(each)}
        for viewer, each in tuple(self._admitted.items()):
            if whose(each):
                del self._admitted[viewer]
                self.leave(viewer, why)

    def set_room(self, *, room: bool) -> None:
        self._room = room
        for up in () if room else tuple(self._ups.values()):
            self._cut(up, Why.DISK_LOW)

    # --- words of a window

    def hello(self, token: bytes) -> ViewerId | Why:
        """A guess is only counted, as is a token that is shown a third time: what strangers say fills no log."""
        if token in self._used and token not in self._replayed:
            self._replayed.add(token)
            return self._refuse(GrantId(""), CameraId(""), NOBODY, Why.TOKEN_USED)
        word = self._tokens.pop(token, None)
        if word is None:
            self._strangers += 1
            return Why.TOKEN_USED if token in self._used else Why.TOKEN_UNKNOWN
        self._used.add(token)
        self._admitted[word.viewer] = word
        return word.viewer

    def open(self, viewer: ViewerId, grant: GrantId, camera: CameraId) -> Why | None:
        word = self._admitted.get(viewer)
        if word is None or word.grant != grant:
            return self._refuse(grant, camera, viewer, Why.NO_SUCH_GRANT)
        if self._now() >= word.until:
            return self._refuse(grant, camera, viewer, Why.RUN_OUT)
        if camera not in self._cameras[grant]:
            return self._refuse(grant, camera, viewer, Why.CAMERA_NOT_GRANTED)
        if not self._room:
            return Why.DISK_LOW
        up = next((each for each in self._ups.values() if (each.grant, each.camera) == (grant, camera)), None)
        if up is None:
            if word.city in self.cut_roads:
                return Why.LINK_LOST
            stream = self._cities[word.city].open(grant, camera, viewer)
            if isinstance(stream, Why):
                return stream
            up = self._ups[stream] = _Upstream(word.city, grant, camera, stream)
            self._opened(up, "received", None)
        if viewer not in up.takers:
            up.takers.add(viewer)
            self._opened(up, "viewed", viewer)
        return None

    def leave(self, viewer: ViewerId, why: Why = Why.VIEWER_LEFT) -> None:
        for up in tuple(self._ups.values()):
            if viewer in up.takers:
                up.takers.discard(viewer)
                self._closed(up, "viewed", why, viewer)
                if not up.takers:
                    self._cut(up, why)

    # --- what time and the roads bring

    def step(self) -> None:
        now = self._now()
        for viewer, word in tuple(self._admitted.items()):
            if now >= word.until:
                del self._admitted[viewer]
                self.leave(viewer, Why.RUN_OUT)
        for giving in self._cities.values():
            self.hear(giving)
        if now - self._told_at >= STRANGERS_TOLD_MS:
            self._told_at = now
            if self._strangers:
                self.rows.write(StrangersRefused(at=now, side="received", count=self._strangers))
                self._strangers = 0

    def hear(self, giving: Giving) -> None:
        """Takes what a city's relay sent; what was sent into a cut road is gone."""
        sent, giving.out = giving.out, []
        for each in () if giving.city in self.cut_roads else sent:
            up = self._ups.get(each.stream)
            if up is None:
                continue
            if isinstance(each, StreamClosed):
                self._end(up, each.why)
                continue
            up.segments += 1
            self.rows.write(
                Segment(
                    at=self._now(),
                    side="received",
                    grant=up.grant,
                    camera=up.camera,
                    stream=up.stream,
                    seq=each.seq,
                    first_ticks=each.first_ticks,
                    last_ticks=each.last_ticks,
                    size_bytes=each.size_bytes,
                    sha256=each.sha256,
                )
            )

    def lose(self, city: CentreId) -> None:
        """The road to a city's relay is gone: its streams end here, and nobody can be told there."""
        for up in tuple(self._ups.values()):
            if up.city == city:
                self._end(up, Why.LINK_LOST)

    def crash(self) -> None:
        for up in tuple(self._ups.values()):
            self._end(up, Why.STOPPED)
            self._cities[up.city].close(up.stream, Why.LINK_LOST)
        self._tokens, self._admitted, self._cameras, self._ended = {}, {}, {}, set()
        self._replayed, self._strangers = set(), 0

    def streams(self) -> int:
        return len(self._ups)

    def _cut(self, up: _Upstream, why: Why) -> None:
        """At the windows now; what the city had already sent is still counted before the closing record."""
        self._unseen(up, why)
        giving = self._cities[up.city]
        if up.city not in self.cut_roads:
            giving.close(up.stream, Why.VIEWER_LEFT)
            self.hear(giving)
        self._end(up, why)

    def _unseen(self, up: _Upstream, why: Why) -> None:
        for viewer in sorted(up.takers):
            self._closed(up, "viewed", why, viewer)
        up.takers.clear()

    def _end(self, up: _Upstream, why: Why) -> None:
        if self._ups.pop(up.stream, None) is not None:
            self._unseen(up, why)
            self._closed(up, "received", why, None)

    def _refuse(self, grant: GrantId, camera: CameraId, viewer: ViewerId, why: Why) -> Why:
        self.rows.write(
            ViewingRefused(at=self._now(), side="received", grant=grant, camera=camera, viewer=viewer, why=why)
        )
        return why

    def _opened(self, up: _Upstream, side: str, viewer: ViewerId | None) -> None:
        self.rows.write(
            StreamOpened(at=self._now(), side=side, grant=up.grant, camera=up.camera, stream=up.stream, viewer=viewer)
        )

    def _closed(self, up: _Upstream, side: str, why: Why, viewer: ViewerId | None) -> None:
        self.rows.write(
            StreamClosed(
                at=self._now(),
                side=side,
                grant=up.grant,
                camera=up.camera,
                stream=up.stream,
                segments=up.segments if side == "received" else 0,
                why=why,
                viewer=viewer,
            )
        )
