"""Browser windows at the control centre: one state socket each, its commands, and what it may see.

A window says `do` and gets `ok` or the word why not; everything it shows comes through its feed. A window that asked
for video is let in to each grant of its incident by a single-use token of its own.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from safetynet.core.events import HandoverItem, LensPreset, LensSetting, Spot
from safetynet.core.terms import (
    SECOND_MS,
    ActionId,
    AlarmId,
    Approval,
    Basis,
    CalibrationReason,
    CallOutcome,
    CameraId,
    CentreId,
    DispatchId,
    Disposition,
    FieldMark,
    FootageId,
    GrantId,
    HandoverId,
    Heading,
    IncidentId,
    Instant,
    PersonId,
    Reassign,
    RequestId,
    Sight,
    Travel,
    Turn,
    Unable,
    UnitId,
    UnitState,
    ViewerId,
    WarningAnswer,
    Why,
)
from safetynet.edge import clock, keys
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre
from safetynet.edge.web import Feed, Window

HELLO_S_MAX: Final = 10
BEAT_S: Final = 1
COMMAND_BYTES_MAX: Final = 8_192
"""A camera with all its presets, before and after, is the longest."""
COMMANDS_PER_S_MAX: Final = 20
WINDOWS_PER_PERSON_MAX: Final = 32
"""A desk, its wall and what was left open. More are somebody who takes the centre's places away."""
TOO_MANY: Final = 4429
SIGNED_OUT: Final = 4401
"""Close code by which a page knows to ask for a sign-in again."""


class Have(msgspec.Struct, frozen=True):
    epoch: str
    seq: int


class Hello(msgspec.Struct, frozen=True, tag_field="op", tag="hello"):
    have: Have | None = None


class Preset(msgspec.Struct, frozen=True):
    """As the page says it; `events.LensPreset` is how it is recorded."""

    number: int
    name: str
    azimuth_deg: float
    view_deg: float


class Lens(msgspec.Struct, frozen=True):
    """How a camera stands, or is to stand (`events.LensSetting`)."""

    azimuth_deg: float | None
    view_deg: float | None
    range_m: float
    presets: tuple[Preset, ...] = ()

    def setting(self) -> LensSetting:
        presets = tuple(LensPreset(each.number, each.name, each.azimuth_deg, each.view_deg) for each in self.presets)
        return LensSetting(self.azimuth_deg, self.view_deg, self.range_m, presets)


class Do(msgspec.Struct, frozen=True, tag_field="op", tag="do"):
    """Anything a person does. Which fields count depends on `act`; a missing one is an answer `bad_command`."""

    ref: int
    act: str
    incident: IncidentId | None = None
    alarm: AlarmId | None = None
    grant: GrantId | None = None
    to: PersonId | None = None
    held_by: PersonId | None = None
    outcome: CallOutcome | None = None
    code: Disposition | None = None
    unit: UnitId | None = None
    dispatch: DispatchId | None = None
    state: UnitState | None = None
    action: ActionId | None = None
    acted_at: Instant | None = None
    unable: Unable | None = None
    mark: FieldMark | None = None
    spot: Spot | None = None
    answer: WarningAnswer | None = None
    city: CentreId | None = None
    camera: CameraId | None = None
    sight: Sight | None = None
    heading: Heading | None = None
    travel: Travel | None = None
    request: RequestId | None = None
    without: tuple[CameraId, ...] = ()
    why: Why | None = None
    basis: Basis | None = None
    approval: Approval | None = None
    turn: Turn | None = None
    handover: HandoverId | None = None
    item: HandoverItem | None = None
    text: str = ""
    reason: Reassign | None = None
    footage: FootageId | None = None
    preset: int | None = None
    setting: Lens | None = None
    over: Lens | None = None
    because: CalibrationReason | None = None


_heard: Final = msgspec.json.Decoder(Hello | Do)


@dataclass(eq=False)
class Seat:
    """One window: who sits there, and which incidents' video it asked to see."""

    session: Session
    viewer: ViewerId
    window: Window
    asked: set[IncidentId] = field(default_factory=set)
    admitted: set[GrantId] = field(default_factory=set)

    @property
    def person(self) -> PersonId:
        return self.session.account.person

    def admit(self, grant: GrantId) -> bytes:
        """Makes a token for this window; the page gets it, the mind only its hash."""
        token = keys.token()
        self.admitted.add(grant)
        self.window.tell(msgspec.json.encode({"admit": {"grant": grant, "token": token}}))
        return hashlib.sha256(token.encode()).digest()


class Desk(Protocol):
    """What a window needs of the program: its feed, the way its commands go, and to be known."""

    def feed(self, session: Session) -> Feed: ...
    def me(self, session: Session) -> dict[str, Any]: ...
    def signed_in(self, session: Session) -> bool: ...
    def crowded(self, person: PersonId) -> bool: ...
    def seated(self, seat: Seat) -> None: ...
    def left(self, seat: Seat) -> None: ...
    def do(self, seat: Seat, said: Do) -> Why | str | None: ...


class Host:
    """What every program that has windows keeps of them: who sits where, and whose pictures its relay may still hold."""

    def __init__(
        self, centre: Centre, sessions: Sessions, *, video_port: int | None, cut: Callable[[ViewerId, Why], None]
    ) -> None:
        self.centre, self.sessions = centre, sessions
        self.seats: set[Seat] = set()
        self.admitted: dict[ViewerId, tuple[Session, Instant]] = {}
        """Whose windows the relay may hold, also when their state socket is gone, and until when at the latest."""
        self._video_port, self._cut = video_port, cut

    def me(self, session: Session) -> dict[str, Any]:
        account = session.account
        return {
            "me": {
                "person": account.person,
                "name": account.name,
                "role": account.role,
                "seat": account.seat,
                "centre": self.centre.id,
                "centre_name": self.centre.name,
                "video_url": f"ws://{self.centre.host}:{self._video_port}/video",
            }
        }

    def signed_in(self, session: Session) -> bool:
        return self.sessions.live(session)

    def crowded(self, person: PersonId) -> bool:
        """Whether this person has as many windows as one may have."""
        return sum(each.person == person for each in self.seats) >= WINDOWS_PER_PERSON_MAX

    def seated(self, seat: Seat) -> None:
        self.seats.add(seat)

    def left(self, seat: Seat) -> None:
        """The state socket went; the video socket ends by itself or goes on while its session lives."""
        self.seats.discard(seat)
        self.cut_signed_out()

    def let_in(self, seat: Seat, until: Instant) -> None:
        _, known = self.admitted.get(seat.viewer, (seat.session, until))
        self.admitted[seat.viewer] = (seat.session, max(known, until))

    def cut_signed_out(self) -> None:
        """A window sees pictures as long as its person is signed in and no longer, whatever became of its page."""
        at = clock.now()
        for viewer, (session, until) in tuple(self.admitted.items()):
            if not self.sessions.live(session):
                self._cut(viewer, Why.SIGNED_OUT)
                del self.admitted[viewer]
            elif at >= until:
                del self.admitted[viewer]


async def serve(socket: WebSocket, session: Session, desk: Desk, video_url: str | None = None) -> None:
    """One window from hello to its end. Ends with the session, with a bad frame, or when the page goes.

    `video_url`: where the pictures of this door are, when that is not where the desk says.
    """
    await socket.accept()
    try:
        async with asyncio.timeout(HELLO_S_MAX):
            hello = _heard.decode(await _receive(socket))
    except (TimeoutError, WebSocketDisconnect, _Over, *NONSENSE):
        await _close(socket, 4400)
        return
    if not isinstance(hello, Hello):
        await _close(socket, 4400)
        return
    if desk.crowded(session.account.person):
        await _close(socket, TOO_MANY)
        return
    feed = desk.feed(session)
    window, frames = feed.join((hello.have.epoch, hello.have.seq) if hello.have else None)
    seat = Seat(session, ViewerId(keys.fresh_id("V")), window)
    me = msgspec.json.encode(_me(desk.me(session), video_url))
    desk.seated(seat)
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in (
                _tell(socket, seat, desk, frames, feed, me),
                _hear(socket, seat, desk),
                _beat(socket, session, desk),
            ):
                tasks.create_task(_then_over(work))
    except* (_Over, WebSocketDisconnect):
        await _close(socket, 1000 if desk.signed_in(session) else SIGNED_OUT)
    finally:
        feed.leave(window)
        desk.left(seat)


class _Over(Exception):
    pass


async def _then_over(work: Coroutine[Any, Any, None]) -> None:
    """When one part of a window ends, the window does."""
    await work
    raise _Over


async def _receive(socket: WebSocket) -> str:
    """Text. Raises _Over for a binary frame: a page sends none."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    text: str | None = message.get("text")
    if text is None:
        raise _Over
    return text


async def _send(socket: WebSocket, text: str) -> None:
    """Raises _Over when the page is gone: the server says so in two ways."""
    try:
        await socket.send_text(text)
    except (RuntimeError, ConnectionError):
        raise _Over from None


def _me(said: dict[str, Any], video_url: str | None) -> dict[str, Any]:
    return said if video_url is None else {"me": {**said["me"], "video_url": video_url}}


def _with_me(frame: bytes, me: bytes) -> str:
    """`me` differs from window to window and so stands in no feed: it rides on the frame that brings everything."""
    head, found, rest = frame.partition(b'"full":{')
    if not found:
        return frame.decode()
    comma = b"" if rest.startswith(b"}") else b","
    return (head + found + b'"me":' + me + comma + rest).decode()


async def _tell(socket: WebSocket, seat: Seat, desk: Desk, frames: list[bytes], feed: Feed, me: bytes) -> None:
    """Nothing more once the session is over: its role may have been taken away a moment ago."""
    window = seat.window
    while desk.signed_in(seat.session):
        for frame in frames:
            await _send(socket, _with_me(frame, me))
        frames = await window.take()
        if window.lagging:
            window.lagging = False
            frames = [*feed.catch_up(None), *frames]


async def _beat(socket: WebSocket, session: Session, desk: Desk) -> None:
    """A heartbeat each second: a page that hears none says so. Ends with the session."""
    while desk.signed_in(session):
        await _send(socket, msgspec.json.encode({"beat": clock.now()}).decode())
        await asyncio.sleep(BEAT_S)


async def _hear(socket: WebSocket, seat: Seat, desk: Desk) -> None:
    spent, since = 0, clock.monotonic()
    while True:
        text = await _receive(socket)
        at = clock.monotonic()
        if at - since >= SECOND_MS:
            spent, since = 0, at
        spent += 1
        if spent > COMMANDS_PER_S_MAX or len(text) > COMMAND_BYTES_MAX or not desk.signed_in(seat.session):
            return
        try:
            said = _heard.decode(text)
        except NONSENSE:
            return
        if isinstance(said, Do):
            no = desk.do(seat, said)
            word = no.value if isinstance(no, Why) else no
            answer: dict[str, object] = {"ref": said.ref, "ok": True} if word is None else {"ref": said.ref, "no": word}
            await _send(socket, msgspec.json.encode(answer).decode())


async def _close(socket: WebSocket, code: int) -> None:
    try:
        await socket.close(code)
    except (RuntimeError, ConnectionError, WebSocketDisconnect):
        return  # it was closed from the other side
