"""The road between two centres: mutual TLS, envelopes in order, an acknowledgement only after the commit.

One connection carries both directions; the control centre dials. At-least-once: what is owed stands in the outbox until
the partner says that it is on its disk, and is sent again after every interruption. What is refused (signature, sender,
direction, form) is acknowledged as poison, so that it cannot block what stands behind it, and reported to the program,
which records it. Bytes that are not even frames end the connection and are counted.

Absent on purpose: what a message means, and any order between partners.
"""

import asyncio
import ssl
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from safetynet.core import ledger, messages
from safetynet.core.ledger import Checkpoint
from safetynet.core.messages import NUMBER_MAX, SIZE_BYTES_MAX, AnyMessage, Envelope, bounded, passes
from safetynet.core.terms import DAY_MS, SECOND_MS, CentreId, Instant, Why
from safetynet.edge import clock, codec, heads
from safetynet.edge.config import Centre, Peer
from safetynet.edge.courier import Courier, Gone, Part, Want
from safetynet.edge.doors import InboxKey, Log
from safetynet.edge.heads import Heads
from safetynet.edge.keys import peer_id, verify

FRAME_BYTES_MAX: Final = SIZE_BYTES_MAX + 1_024
SESSIONS_MAX: Final = 1_024
"""Connections at once: four for each of the 250 municipalities, since a partner may start anew."""
WINDOW_ENVELOPES_MAX: Final = 256
"""On the road without an acknowledgement."""
WRITE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Waiting for a partner that does not read; beyond this it is dropped. Nothing is lost: the outbox keeps it."""
BEAT_MS: Final = 2 * SECOND_MS
SILENT_MS_MAX: Final = 6 * SECOND_MS
WATCH_MS: Final = 250
CANCEL_AGAIN_S: Final = 0.1
HANDSHAKE_S_MAX: Final = 5.0
SESSION_S_MAX: Final = 6 * 3_600.0
"""Then the certificates are looked at again."""
BACKOFF_MS_MIN: Final = 100
BACKOFF_MS_MAX: Final = 5 * SECOND_MS
HEAD_S: Final = 60.0
"""How often a ledger that grew is shown."""
HEADS_PER_SESSION_MAX: Final = 1_000
EPOCH_AHEAD_MS_MAX: Final = DAY_MS
"""An epoch begins at an instant. A partner that tells us of one of ours beyond tomorrow would use up all there are."""
UNPROVEN_PER_LIFE_MAX: Final = 1
"""A partner's bare word that we are behind is taken once; afterwards only with our own signature."""
REFUSED_PER_SESSION_MAX: Final = 32
"""A partner that keeps sending what must be refused would fill the log; beyond this it is dropped."""


class Carry(msgspec.Struct, frozen=True, array_like=True, tag="carry", forbid_unknown_fields=True):
    envelope: Envelope


class Ack(msgspec.Struct, frozen=True, array_like=True, tag="ack", forbid_unknown_fields=True):
    """On my disk, or refused for ever: either way do not send it again."""

    epoch: int
    seq: int
    refused: Why | None = None


class Beat(msgspec.Struct, frozen=True, array_like=True, tag="beat", forbid_unknown_fields=True):
    sent: int


class Echo(msgspec.Struct, frozen=True, array_like=True, tag="echo", forbid_unknown_fields=True):
    sent: int


class Known(msgspec.Struct, frozen=True, array_like=True, tag="known", forbid_unknown_fields=True):
    """The first frame of each side: what I have of you. Until it came nothing is sent: you may be an old copy of yourself."""

    epoch: int
    seq: int
    """The last number of that epoch; zeros when I never heard you."""
    note: bytes
    """The largest checkpoint of your ledger that you ever showed me; empty when none."""


class Head(msgspec.Struct, frozen=True, array_like=True, tag="head", forbid_unknown_fields=True):
    """My ledger's newest checkpoint. Remember it."""

    note: bytes


class Behind(msgspec.Struct, frozen=True):
    """A partner has seen more of us than we have. `checkpoint` when it proved so by our own signature."""

    peer: CentreId
    epoch: int
    checkpoint: Checkpoint | None


Frame: TypeAlias = Carry | Ack | Beat | Echo | Known | Head | Want | Part | Gone
_FRAME: Final[msgspec.msgpack.Decoder[Frame]] = msgspec.msgpack.Decoder(Frame)


class LinkState(msgspec.Struct, frozen=True):
    up: bool
    since: Instant
    """UTC ms by this centre's clock."""
    delay_ms: float | None = None
    """Last round trip of a heart-beat; None while down."""


class _Dropped(Exception):
    """One connection is over. The reason is one word, for counting."""


class Link:
    """All roads of one centre.

    `deliver` commits the message with its inbox key before it returns (app.loop does); only then it is acknowledged.
    `refused(sender, seq, why)` records a refusal; `sender` is the certificate's centre. `changed(peer, state)` hears of
    up and down. All three are called inside the event loop; an exception out of them is our own mistake and comes out
    of `serve` or `dial`.
    """

    def __init__(
        self,
        centre: Centre,
        store: Log,
        *,
        server: ssl.SSLContext,
        client: ssl.SSLContext,
        peer_keys: Mapping[CentreId, bytes],
        deliver: Callable[[Envelope, AnyMessage], None],
        refused: Callable[[CentreId, int, Why], None],
        changed: Callable[[CentreId, LinkState], None],
        heads: Heads | None = None,
        behind: Callable[[Behind], None] | None = None,
        courier: Courier | None = None,
    ) -> None:
        """`behind` must leave a log that says so before it returns; without it such a connection is only dropped.

        `courier` carries files beside the messages; without one a partner that speaks of a file is dropped.
        """
        self._courier = courier
        self._centre, self._store, self._heads, self._behind = centre, store, heads, behind
        self._unproven = 0
        self.confirmed: Final[set[CentreId]] = set()
        """Partners who, since this program started, have said what they have of us, and it was not more than we have."""
        self._server, self._client, self._peer_keys = server, client, peer_keys
        self._deliver, self._refused, self._changed = deliver, refused, changed
        self._peers: Final = {peer.id: peer for peer in centre.peers}
        self._sessions: dict[CentreId, _Session] = {}
        self._heard_at: dict[CentreId, Instant] = {}
        self.states: Final = {peer.id: LinkState(up=False, since=clock.now()) for peer in centre.peers}
        """Of every partner; read it for the delay."""
        self.counts: Final[Counter[str]] = Counter()
        """Why connections ended and envelopes were refused, since the start."""
        store.listen(self._owed)

    def heard_at(self, peer: CentreId) -> Instant | None:
        """When the partner last said anything at all, if only a beat (monotonic); None when not since the start."""
        return self._heard_at.get(peer)

    def tell(self, peer: CentreId, want: Want) -> bool:
        """Asks a partner for a piece of a file, when it is there. Not kept: who asked asks again."""
        session = self._sessions.get(peer)
        if session is None or not session.known.is_set() or session.full():
            return False
        session.write(want)
        return True

    async def serve(self, host: str | None = None) -> None:
        """Takes calls on the centre's link port until cancelled."""
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        running: set[asyncio.Task[None]] = set()

        def ended(task: asyncio.Task[None]) -> None:
            running.discard(task)
            if not task.cancelled() and (fault := task.exception()) is not None and not failed.done():
                failed.set_exception(fault)

        def start(work: Coroutine[None, None, None]) -> None:
            task = asyncio.get_running_loop().create_task(work)
            running.add(task)
            task.add_done_callback(ended)

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(running) > SESSIONS_MAX:
                self.counts["too_many_sessions"] += 1
                writer.transport.abort()
                return
            start(self._answer(reader, writer))

        server = await asyncio.start_server(
            accept,
            host or self._centre.host,
            self._centre.link_port,
            ssl=self._server,
            ssl_handshake_timeout=HANDSHAKE_S_MAX,
            limit=FRAME_BYTES_MAX,
        )
        start(self._watch(tuple(self._peers)))
        try:
            await failed
        finally:
            server.close()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)  # the first failure is already on its way out
            await server.wait_closed()

    async def dial(self, peer: Peer) -> None:
        """Calls one partner, again and again, until cancelled."""
        assert peer.id in self._peers
        await _together(self._watch((peer.id,)), self._call(peer))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._talk(reader, writer, expected=None)

    async def _call(self, peer: Peer) -> None:
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(HANDSHAKE_S_MAX):
                    reader, writer = await asyncio.open_connection(
                        peer.host, peer.link_port, ssl=self._client, limit=FRAME_BYTES_MAX
                    )
            except OSError as fault:  # the world failing, or a certificate that we do not trust
                self.counts["certificate" if isinstance(fault, ssl.SSLError) else "unreachable"] += 1
            else:
                met = await self._talk(reader, writer, expected=peer.id)
                attempt = 0 if met else attempt
            await asyncio.sleep(backoff_ms(f"{self._centre.id}/{peer.id}", attempt) / SECOND_MS)
            attempt += 1

    def _owed(self, receivers: frozenset[CentreId]) -> None:
        for receiver in receivers:
            session = self._sessions.get(receiver)
            if session is not None:
                session.wake.set()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, expected: CentreId | None
    ) -> bool:
        """One connection from its handshake to its end. Whether the two came to know each other on it."""
        session: _Session | None = None
        try:
            session = _Session(reader, writer, self._peer(writer, expected))
            previous = self._sessions.get(session.peer.id)
            self._sessions[session.peer.id] = session
            if previous is not None:
                previous.writer.transport.abort()  # half-open, or the partner started anew: the last call counts
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear(session))
                tasks.create_task(self._send(session))
                tasks.create_task(_beat(session))
                tasks.create_task(self._show_heads(session))
                tasks.create_task(_expire())
        except* _Dropped as group:
            self.counts[_first(group)] += 1
        finally:
            writer.transport.abort()
            if session is not None and self._sessions.get(session.peer.id) is session:
                del self._sessions[session.peer.id]
        return session is not None and session.known.is_set()

    def _peer(self, writer: asyncio.StreamWriter, expected: CentreId | None) -> Peer:
        name = peer_id(writer.get_extra_info("ssl_object"))
        if name is None or name not in self._peers or name != (expected or name):
            raise _Dropped("wrong_certificate")
        return self._peers[name]

    def heard_utc(self, peer: CentreId) -> Instant | None:
        """When this partner was last heard in this life of the program, UTC ms."""
        steady = self._heard_at.get(peer)
        return None if steady is None else Instant(clock.now() - (clock.monotonic() - steady))

    async def _watch(self, names: Sequence[CentreId]) -> None:
        """Says down when nobody was heard for SILENT_MS_MAX; a quick reconnection is no event for anybody."""
        while True:
            await asyncio.sleep(WATCH_MS / SECOND_MS)
            for name in names:
                if self.states[name].up and clock.monotonic() - self._heard_at[name] >= SILENT_MS_MAX:
                    self._say(name, LinkState(up=False, since=clock.now()))

    def _say(self, name: CentreId, state: LinkState) -> None:
        self.states[name] = state
        self._changed(name, state)

    # --- hearing ---------------------------------------------------------------------------------------------------

    async def _hear(self, session: "_Session") -> None:
        while True:
            frame = await _read(session.reader)
            session.heard = True
            self._heard_at[session.peer.id] = clock.monotonic()
            if isinstance(frame, Known):
                self._introduced(session, frame)
            if session.known.is_set() and not self.states[session.peer.id].up:
                self._say(session.peer.id, LinkState(up=True, since=clock.now()))
            match frame:
                case Carry(envelope):
                    self._take(session, envelope)
                case Ack():
                    self._settle(session, frame)
                case Beat(sent):
                    session.write(Echo(sent))
                case Echo(sent):
                    self._measure(session, sent)
                case Head(note):
                    self._remember(session, note)
                case Want() | Part() | Gone():
                    self._carry_file(session, frame)
                case Known():
                    continue

    def _introduced(self, session: "_Session", known: Known) -> None:
        """Whether we are what this partner knows us as. If not, the program says so in its log, and we meet again."""
        if session.known.is_set():
            raise _Dropped("garbage")
        peer, own, point = session.peer.id, self._store.said_to(session.peer.id), None
        latest = max(own.epoch, clock.now() + EPOCH_AHEAD_MS_MAX)
        if not (0 <= known.epoch <= min(latest, NUMBER_MAX) and 0 <= known.seq <= NUMBER_MAX):
            raise _Dropped("garbage")
        behind = known.epoch > own.epoch or (known.epoch == own.epoch and known.seq > own.seq)
        if known.note and self._heads is not None:
            point = self._heads.of_ours(known.note)
            if point is None:
                raise _Dropped("garbage")
            if self._heads.holds(point, known.note):
                point = None
        if point is None and behind:
            self._unproven += 1
            behind = self._unproven <= UNPROVEN_PER_LIFE_MAX
        if point is not None or behind:
            self.counts["behind"] += 1
            if self._behind is not None:
                self._behind(Behind(peer, known.epoch, point))
                for each in self._sessions.values():
                    each.writer.transport.abort()  # what is on their road has numbers of before
            raise _Dropped("behind")
        self.confirmed.add(peer)
        session.known.set()

    def _remember(self, session: "_Session", text: bytes) -> None:
        session.heads += 1
        point, _ = heads.read(text)
        wrong = point is None or point.origin != ledger.origin_of(session.peer.id)
        if point is None or wrong or session.heads > HEADS_PER_SESSION_MAX:
            raise _Dropped("garbage")
        if self._heads is not None:
            self._heads.remember(session.peer.id, point, text)

    def _take(self, session: "_Session", envelope: Envelope) -> None:
        why, message = self._check(session.peer, envelope)
        if why is not None:
            self.counts[f"refused_{why.value}"] += 1
            session.refused += 1
            self._refused(session.peer.id, envelope.seq, why)
        elif message is None:
            self.counts["duplicate"] += 1
        else:
            self._deliver(envelope, message)
        session.write(Ack(envelope.epoch, envelope.seq, why))
        if session.refused > REFUSED_PER_SESSION_MAX:
            raise _Dropped("refused_too_often")

    def _check(self, sender: Peer, envelope: Envelope) -> tuple[Why | None, AnyMessage | None]:
        """A reason to refuse it, or the message; neither when it was taken before."""
        if envelope.v != messages.VERSION:
            return Why.UNKNOWN_VERSION, None
        if envelope.origin != sender.id:
            return Why.WRONG_SENDER, None
        if envelope.to != self._centre.id:
            return Why.WRONG_RECEIVER, None
        if not all(0 <= each <= NUMBER_MAX for each in (envelope.epoch, envelope.seq, envelope.sent_at)):
            return Why.MALFORMED, None
        public = self._peer_keys.get(sender.id)
        if public is None or not verify(public, messages.signed_part(envelope), envelope.signature):
            return Why.BAD_SIGNATURE, None
        if self._store.seen(InboxKey(envelope.origin, envelope.epoch, envelope.seq)):
            return None, None
        try:
            message = codec.decode_message(envelope.body, envelope.v)
        except codec.Unreadable:
            return Why.MALFORMED, None
        if not bounded(message):
            return Why.MALFORMED, None
        if not passes(message, sender.role, self._centre.role):
            return Why.WRONG_DIRECTION, None
        return None, message

    def _settle(self, session: "_Session", ack: Ack) -> None:
        if session.unacked.get(ack.seq) != ack.epoch:
            raise _Dropped("acknowledged_unsent")
        if ack.epoch != self._store.said_to(session.peer.id).epoch:
            raise _Dropped("old_epoch")  # what stands in the outbox under this number now is another envelope
        full = len(session.unacked) >= WINDOW_ENVELOPES_MAX
        del session.unacked[ack.seq]
        self._store.acked(session.peer.id, ack.seq)
        if ack.refused is not None:
            self.counts[f"poison_{ack.refused.value}"] += 1
        if full:
            session.wake.set()

    def _carry_file(self, session: "_Session", frame: Want | Part | Gone) -> None:
        """Only between partners that know each other as they are; an old copy of a centre gives and gets no file."""
        if self._courier is None or not session.known.is_set():
            raise _Dropped("garbage")
        if isinstance(frame, Want):
            for each in self._courier.asked(session.peer.id, frame):
                session.write(each)
        else:
            self._courier.brought(session.peer.id, frame)

    def _measure(self, session: "_Session", sent: int) -> None:
        if not 0 < sent <= session.beat_sent:
            raise _Dropped("garbage")
        state = self.states[session.peer.id]
        delay_ms = (clock.monotonic_us() - sent) / 1_000
        self.states[session.peer.id] = msgspec.structs.replace(state, delay_ms=delay_ms)

    # --- sending ---------------------------------------------------------------------------------------------------

    async def _send(self, session: "_Session") -> None:
        """Streams what is owed, in order; each connection begins again with the oldest."""
        await session.known.wait()
        after_seq = 0
        while True:
            session.wake.clear()
            room = WINDOW_ENVELOPES_MAX - len(session.unacked)
            owed = self._store.pending(session.peer.id, after_seq, room) if room else []
            for envelope in owed:
                session.unacked[envelope.seq] = envelope.epoch
                after_seq = envelope.seq
                session.write(Carry(envelope))
                await session.drain()
            if not owed:
                await session.wake.wait()

    async def _show_heads(self, session: "_Session") -> None:
        """Says what we have of the partner, and once it knows us, how large our own ledger is."""
        heard, note = self._store.heard_of(session.peer.id), b""
        if self._heads is not None:
            note = self._heads.partner(session.peer.id)
        session.write(Known(heard.epoch, heard.seq, note))
        await session.known.wait()
        shown = b""
        while self._heads is not None:
            note = self._heads.note()
            if note not in (b"", shown):
                session.write(Head(note))
                shown = note
            await asyncio.sleep(HEAD_S)


async def _together(*works: Coroutine[None, None, None]) -> None:
    """Runs all until one fails or this is cancelled; then ends the others, and asks them again until they have ended.

    Once is not enough: before Python 3.13 a TaskGroup loses a cancellation that meets a failing child, here a line that
    drops just when the program is told to end.
    """
    tasks = {asyncio.ensure_future(work) for work in works}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        while running := {task for task in tasks if not task.done()}:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.result()


class _Session:
    """One connection to one known partner."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        self.reader, self.writer, self.peer = reader, writer, peer
        self.wake: Final = asyncio.Event()
        self.unacked: Final[dict[int, int]] = {}
        """Epoch by seq of what is on the road."""
        self.heard = False
        """TLS 1.3 lets a refused client believe that it is connected: up begins with the first frame heard."""
        self.known: Final = asyncio.Event()
        """The partner has said what it has of us, and we have that."""
        self.refused = 0
        self.heads = 0
        self.beat_sent = 0

    def write(self, frame: Frame) -> None:
        body = codec.encode_plain(frame)
        self.writer.write(len(body).to_bytes(4, "big") + body)
        if self.writer.transport.get_write_buffer_size() > WRITE_BYTES_MAX:
            raise _Dropped("does_not_read")

    def full(self) -> bool:
        return self.writer.transport.get_write_buffer_size() > WRITE_BYTES_MAX // 2

    async def drain(self) -> None:
        try:
            await self.writer.drain()
        except OSError as fault:
            raise _Dropped("broken_off") from fault


async def _read(reader: asyncio.StreamReader) -> Frame:
    try:
        async with asyncio.timeout(SILENT_MS_MAX / SECOND_MS):
            size_bytes = int.from_bytes(await reader.readexactly(4), "big")
            if size_bytes > FRAME_BYTES_MAX:
                raise _Dropped("oversize")
            body = await reader.readexactly(size_bytes)
    except TimeoutError as fault:
        raise _Dropped("silent") from fault
    except (OSError, EOFError) as fault:
        raise _Dropped("broken_off") from fault
    try:
        return _FRAME.decode(body)
    except codec.NONSENSE as fault:
        raise _Dropped("garbage") from fault


async def _beat(session: _Session) -> None:
    while True:
        session.beat_sent = clock.monotonic_us()
        session.write(Beat(session.beat_sent))
        await asyncio.sleep(BEAT_MS / SECOND_MS)


async def _expire() -> None:
    await asyncio.sleep(SESSION_S_MAX)
    raise _Dropped("session_over")


def backoff_ms(road: str, attempt: int) -> float:
    """Doubles to BACKOFF_MS_MAX, spread by half to either side so that centres do not all call at once.

    The spread is a hash of the road and the attempt: as good as dice here, and a test sees the same each time.
    """
    spread = 0.5 + zlib.crc32(f"{road}/{attempt}".encode()) / 2**32
    return spread * min(BACKOFF_MS_MAX, BACKOFF_MS_MIN << min(attempt, 16))


def _first(group: BaseException) -> str:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return str(group)
