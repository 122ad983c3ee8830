"""The road between centres on real sockets with real certificates, as a partner and as an adversary would use it."""

import asyncio
import contextlib
import shutil
import socket
import ssl

import msgspec
import ports
import pytest
from cryptography import x509
from patience import PATIENCE_S

from safetynet.core import events as recorded
from safetynet.core import ledger
from safetynet.core import messages as m
from safetynet.core.messages import Send
from safetynet.core.terms import (
    DAY_MS,
    CentreId,
    FixId,
    IncidentId,
    Instant,
    NoticeId,
    NoticeState,
    RequestId,
    Source,
    Why,
)
from safetynet.edge import clock, codec, heads, link
from safetynet.edge.config import Centre, Peer
from safetynet.edge.doors import InboxKey
from safetynet.edge.heads import Heads
from safetynet.edge.keys import client_context, follow, issue, make_ca, open_centre, salt, server_context
from safetynet.edge.link import Ack, Beat, Carry, Echo, Known, Link
from safetynet.edge.store import Store, enveloped

HOST = "127.0.0.1"
CONTROL, CITY, POLICE, STRANGER = (CentreId(name) for name in ("control", "garam", "desk112", "stranger"))
ROLES = {CONTROL: m.Role.CONTROL, CITY: m.Role.CITY, POLICE: m.Role.POLICE}


def ending(number: int = 1) -> m.EndIncident:
    return m.EndIncident(incident=IncidentId(f"i-{number}"), why=Why.STOPPED)


def refusing(number: int = 1) -> m.RefuseVideo:
    return m.RefuseVideo(incident=IncidentId(f"i-{number}"), request=RequestId("r"), why=Why.NO_BASIS)


class Town:
    """One centre with its keys, its store and its link, and a note of all it was told."""

    def __init__(self, folder, ca, id, numbers):
        self.id, self.folder = id, folder / id
        issue(ca, self.folder, id, [HOST])
        self.keys = open_centre(self.folder)
        self.centre = Centre(
            id=id, name=id, role=ROLES.get(id, m.Role.CITY), host=HOST, link_port=numbers[id],
            peers=tuple(Peer(id=each, name=each, role=ROLES[each], host=HOST, link_port=numbers[each])
                        for each in ROLES if each != id),
        )  # fmt: skip
        self.delivered, self.refused, self.changed, self.tasks = [], [], [], []

    def open(self, peer_keys):
        self.store = Store.open(
            self.folder / "log.db", centre=self.id, keys=self.keys.persons, sign=self.keys.sign, salt=salt
        )
        self.link = Link(
            self.centre,
            self.store,
            server=server_context(self.folder),
            client=client_context(self.folder),
            peer_keys=peer_keys,
            deliver=self.deliver,
            refused=lambda *refusal: self.refused.append(refusal),
            changed=lambda peer, state: self.changed.append((peer, state.up)),
        )

    def deliver(self, envelope, message):
        self.store.commit([], inbox=[InboxKey(envelope.origin, envelope.epoch, envelope.seq)])
        self.delivered.append(message)

    def peer(self, id):
        return next(each for each in self.centre.peers if each.id == id)

    def start(self, work):
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        self.store.close()

    def envelope(self, message, to, seq=1, epoch=5, origin=None, sign=None):
        return enveloped(
            Send(to, message), origin=origin or self.id, epoch=epoch, seq=seq, sent_at=Instant(1), sign=sign or self.keys.sign
        )  # fmt: skip


@pytest.fixture
async def towns(tmp_path):
    numbers = {each: ports.take() for each in (*ROLES, STRANGER)}
    ca = make_ca(tmp_path / "ca")
    towns = {each: Town(tmp_path, ca, each, numbers) for each in (*ROLES, STRANGER)}
    pinned = {each: towns[each].keys.public for each in ROLES}
    for town in towns.values():
        town.open(pinned)
    yield towns
    for town in towns.values():
        await town.stop()


async def until(holds, timeout_s=PATIENCE_S):
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.002)


async def join(towns):
    city, control = towns[CITY], towns[CONTROL]
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    control.start(control.link.dial(control.peer(CITY)))
    await until(lambda: control.link.states[CITY].up and city.link.states[CONTROL].up)
    return control, city


async def connected(target, context):
    """As soon as the target listens: it has only just been started."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection(HOST, target.centre.link_port, ssl=context)
            await asyncio.sleep(0.01)


class Adversary:
    """Speaks frames by hand over whatever certificate it has."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def call(cls, town, target):
        own = cls(*await connected(target, client_context(town.folder)))
        own.say(Known(0, 0, b""))
        return own

    def say(self, frame):
        self.raw(msgspec.msgpack.encode(frame))

    def raw(self, body, size=None):
        self.writer.write((len(body) if size is None else size).to_bytes(4, "big") + body)

    async def hear(self, kind):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                size = int.from_bytes(await self.reader.readexactly(4), "big")
                frame = link._FRAME.decode(await self.reader.readexactly(size))
                if isinstance(frame, kind):
                    return frame

    async def is_dropped(self):
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while await self.reader.read(65_536):
                    pass
        self.writer.transport.abort()
        return True


@pytest.fixture
async def control_speaks(towns):
    """The adversary holds the control centre's certificate and key: a partner that went wrong."""
    city, control = towns[CITY], towns[CONTROL]
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    adversary = await Adversary.call(control, city)
    yield control, city, adversary
    adversary.writer.transport.abort()


# --- partners ------------------------------------------------------------------------------------------------------


async def test_messages_cross_both_ways_in_order_and_leave_the_outbox(towns):
    control, city = await join(towns)
    for number in range(300):
        control.store.commit([], [Send(CITY, ending(number))])
        city.store.commit([], [Send(CONTROL, refusing(number))])
    await until(lambda: len(city.delivered) == len(control.delivered) == 300)
    assert city.delivered == [ending(number) for number in range(300)]
    assert control.delivered == [refusing(number) for number in range(300)]
    await until(lambda: not control.store.pending(CITY) and not city.store.pending(CONTROL))


async def test_a_commit_wakes_the_road_and_waits_for_no_timer(towns, monkeypatch):
    """The loop's clock stands still meanwhile: whatever polls or lingers would never come."""
    control, city = await join(towns)
    await until(lambda: control.link.states[CITY].delay_ms is not None)
    loop, patience = asyncio.get_running_loop(), clock.monotonic() + 60_000
    with monkeypatch.context() as frozen:
        now = loop.time()
        frozen.setattr(loop, "time", lambda: now)
        for number in range(50):
            control.store.commit([], [Send(CITY, ending(number))])
            while len(city.delivered) <= number:
                assert clock.monotonic() < patience, "it waits for a timer"
                await asyncio.sleep(0)
    assert city.delivered == [ending(number) for number in range(50)]


async def test_what_was_owed_before_the_connection_is_sent_first(towns):
    towns[CONTROL].store.commit([], [Send(CITY, ending(number)) for number in range(600)])
    control, city = await join(towns)
    control.store.commit([], [Send(CITY, ending(600))])
    await until(lambda: len(city.delivered) == 601)
    assert city.delivered == [ending(number) for number in range(601)]


async def test_connections_that_break_mid_flight_lose_and_double_nothing(towns):
    control, city = await join(towns)
    for number in range(200):
        control.store.commit([], [Send(CITY, ending(number))])
        if number % 50 == 25:
            await until(lambda: CITY in control.link._sessions)
            control.link._sessions[CITY].writer.transport.abort()
        await asyncio.sleep(0)
    await until(lambda: len(city.delivered) >= 200)
    await until(lambda: not control.store.pending(CITY))
    assert city.delivered == [ending(number) for number in range(200)]
    assert (CITY, False) not in control.changed, "a short break is no event for anybody"


async def test_a_duplicate_is_acknowledged_without_effect(control_speaks):
    control, city, adversary = control_speaks
    envelope = control.envelope(ending(), CITY)
    for _ in range(3):
        adversary.say(Carry(envelope))
        assert await adversary.hear(Ack) == Ack(5, 1)
    assert city.delivered == [ending()]
    assert city.link.counts["duplicate"] == 2


async def test_nothing_is_acknowledged_before_it_is_delivered(control_speaks):
    control, city, adversary = control_speaks
    deliver = city.deliver

    def failing(envelope, message):
        raise RuntimeError("our own mistake")

    city.link._deliver = failing
    adversary.say(Carry(control.envelope(ending(), CITY)))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await adversary.hear(Ack)
    done, _ = await asyncio.wait(city.tasks, timeout=PATIENCE_S)
    assert done, "the mistake comes out of serve: the program stops"
    assert "our own mistake" in repr(city.tasks[0].exception().exceptions)
    assert deliver == city.deliver
    city.tasks.clear()


async def test_down_is_said_when_nobody_is_heard(towns, monkeypatch):
    monkeypatch.setattr(link, "SILENT_MS_MAX", 1_500)
    monkeypatch.setattr(link, "BEAT_MS", 100)
    control, city = await join(towns)
    await asyncio.sleep(2.0)  # longer than the silence that ends it
    assert control.changed == [(CITY, True)], "heart-beats alone keep it up"
    for task in city.tasks:
        task.cancel()
    await until(lambda: control.changed == [(CITY, True), (CITY, False)])
    assert control.link.states[CITY].delay_ms is None
    city.start(city.link.serve())
    await until(lambda: control.changed[-1] == (CITY, True) and len(control.changed) == 3)


def test_backoff_grows_is_capped_and_spread():
    waits = [link.backoff_ms("a/b", attempt) for attempt in range(40)]
    assert all(50 <= wait <= 1.5 * link.BACKOFF_MS_MAX for wait in waits)
    assert min(waits[10:]) >= 0.5 * link.BACKOFF_MS_MAX
    assert len({link.backoff_ms(f"{n}/b", 9) for n in range(100)}) > 90


# --- adversaries ---------------------------------------------------------------------------------------------------


async def refused(control_speaks, envelope, why):
    control, city, adversary = control_speaks
    adversary.say(Carry(envelope))
    assert await adversary.hear(Ack) == Ack(envelope.epoch, envelope.seq, why)
    assert city.refused == [(CONTROL, envelope.seq, why)]
    assert city.delivered == []
    assert not city.store.seen(InboxKey(envelope.origin, envelope.epoch, envelope.seq)), "its number is not burnt"
    good = control.envelope(ending(), CITY, seq=2)
    adversary.say(Carry(good))
    assert await adversary.hear(Ack) == Ack(5, 2), "poison does not block what stands behind it"
    assert city.delivered == [ending()]


async def test_a_wrong_signature_is_refused_recorded_and_does_not_block(control_speaks):
    control, _, _ = control_speaks
    stranger = open_centre(control.folder.parent / STRANGER)
    await refused(control_speaks, control.envelope(ending(), CITY, sign=stranger.sign), Why.BAD_SIGNATURE)


@pytest.mark.parametrize("field", ["seq", "epoch", "sent_at", "body"])
async def test_a_signature_covers_every_field(control_speaks, field):
    control, _, _ = control_speaks
    other = codec.encode_message(ending(9)) if field == "body" else 1_000
    await refused(
        control_speaks, msgspec.structs.replace(control.envelope(ending(), CITY), **{field: other}), Why.BAD_SIGNATURE
    )


async def test_one_partner_cannot_speak_for_another(control_speaks):
    control, _, _ = control_speaks
    other = open_centre(control.folder.parent / POLICE)
    await refused(control_speaks, control.envelope(ending(), CITY, origin=POLICE, sign=other.sign), Why.WRONG_SENDER)


async def test_an_envelope_for_another_centre_is_refused(control_speaks):
    control, _, _ = control_speaks
    await refused(control_speaks, control.envelope(ending(), POLICE), Why.WRONG_RECEIVER)


async def test_another_version_is_refused(control_speaks):
    control, _, _ = control_speaks
    await refused(control_speaks, msgspec.structs.replace(control.envelope(ending(), CITY), v=2), Why.UNKNOWN_VERSION)


@pytest.mark.parametrize(
    "message",
    [
        refusing(),
        m.AnswerNotice(incident=IncidentId("i"), notice=NoticeId("n"), state=NoticeState.READ),
        m.NotifyPolice(incident=IncidentId("i"), notice=NoticeId("n"), kind=next(iter(m.AlarmKind)), place=None),
    ],
)
async def test_a_message_against_its_direction_is_refused(control_speaks, message):
    control, _, _ = control_speaks
    await refused(control_speaks, control.envelope(message, CITY), Why.WRONG_DIRECTION)


NONSENSE = (
    codec.encode_message(ending()).replace(b"i-1", b"i-\xff"),
    codec.encode_message(ending())[:-8] + b"\x91" * 60_000,
    b"\x81\xa8incident" + b"\x91" * 60_000 + b"\x90",
)


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"\x80", codec.encode_message(ending()) + b"\0", b"\0" * 65_537, *NONSENSE]
)
async def test_a_signed_body_that_is_no_message_is_refused(control_speaks, body):
    control, _, _ = control_speaks
    bare = msgspec.structs.replace(control.envelope(ending(), CITY), body=body, signature=b"")
    signed = msgspec.structs.replace(bare, signature=control.keys.sign(m.signed_part(bare)))
    await refused(control_speaks, signed, Why.MALFORMED)


async def test_who_keeps_sending_what_is_refused_is_dropped(control_speaks):
    control, city, adversary = control_speaks
    for seq in range(1, link.REFUSED_PER_SESSION_MAX + 10):
        adversary.say(Carry(control.envelope(ending(), POLICE, seq=seq)))
    assert await adversary.is_dropped()
    assert len(city.refused) == link.REFUSED_PER_SESSION_MAX + 1
    assert city.link.counts["refused_too_often"] == 1


@pytest.mark.parametrize(
    ("body", "size", "word"),
    [
        (b"\xc1garbage", None, "garbage"),
        (msgspec.msgpack.encode(["carry", 1, 2]), None, "garbage"),
        (msgspec.msgpack.encode(["beat", 1, 2]), None, "garbage"),
        (b"", None, "garbage"),
        (b"\x94\xa3ack\x01\x01\xa1\xff", None, "garbage"),  # text that is no UTF-8
        (b"\x92\xa5carry" + b"\x91" * 60_000 + b"\x90", None, "garbage"),
        (msgspec.msgpack.encode(Echo(2**62)), None, "garbage"),
        (b"GET / HTTP/1.1\r\n", link.FRAME_BYTES_MAX + 1, "oversize"),
        (b"", 2**32 - 1, "oversize"),
        (msgspec.msgpack.encode(Ack(1, 1)), None, "acknowledged_unsent"),
    ],
)
async def test_garbage_ends_the_connection_and_is_counted(control_speaks, body, size, word):
    _, city, adversary = control_speaks
    adversary.raw(body, size)
    assert await adversary.is_dropped()
    await until(lambda: city.link.counts[word] == 1)
    assert (city.delivered, city.refused) == ([], [])


async def test_the_largest_frame_that_is_allowed_passes(control_speaks):
    control, city, adversary = control_speaks
    spare = m.SIZE_BYTES_MAX - len(
        codec.encode_message(m.EndIncident(incident=IncidentId("i" * 60_000), why=Why.STOPPED))
    )
    message = m.EndIncident(incident=IncidentId("i" * (60_000 + spare)), why=Why.STOPPED)
    assert len(codec.encode_message(message)) == m.SIZE_BYTES_MAX
    adversary.say(Carry(control.envelope(message, CITY)))
    assert await adversary.hear(Ack) == Ack(5, 1, Why.MALFORMED), "the frame passes; that name is too long"
    adversary.say(Carry(control.envelope(ending(), CITY, seq=2)))
    assert await adversary.hear(Ack) == Ack(5, 2)
    assert city.delivered == [ending()]


LONG = "x" * (m.ID_CHARS_MAX + 1)
PLACE = recorded.Place(36.0, 127.0, 5.0, Source.GNSS, Instant(1), Instant(1), FixId(0))
CARD = recorded.CameraCard(
    camera="c", pole="p", name="n", lat=36.0, lon=127.0, range_m=50.0, azimuth_deg=None, view_deg=None, ptz=False, purpose="x"
)  # fmt: skip
SENT = (
    m.MovePlace(incident="i", request="r", place=PLACE),
    m.EndIncident(incident="i", why=Why.STOPPED),
    m.NotifyPolice(incident="i", notice="n", kind=next(iter(m.AlarmKind)), place=None),
    m.ProposeCameras(incident="i", request="r", cameras=(CARD,)),
    m.GiveGrant(incident="i", request="r", grant="g", cameras=(CARD,), conditions=("c" * 1_000,), until=Instant(1)),
    m.ChangeCameras(incident="i", grant="g", cameras=(CARD,)),
    m.AnswerNotice(incident="i", notice="n", state=NoticeState.READ),
)


@pytest.mark.parametrize("message", SENT, ids=lambda each: type(each).__name__)
def test_every_name_in_a_message_has_a_length(message):
    assert m.bounded(message)
    names = {"incident", "request", "grant", "notice"} & set(message.__struct_fields__)
    for name in names:
        assert m.bounded(msgspec.structs.replace(message, **{name: LONG[1:]}))
        assert not m.bounded(msgspec.structs.replace(message, **{name: LONG})), name
    for name in ("camera", "pole") if hasattr(message, "cameras") else ():
        card = msgspec.structs.replace(CARD, **{name: LONG})
        assert not m.bounded(msgspec.structs.replace(message, cameras=(CARD, card))), name


async def test_a_name_that_would_not_fit_into_the_answer_is_refused(control_speaks):
    control, _, _ = control_speaks
    message = m.MovePlace(incident=IncidentId("i"), request="R" * 65_200, place=PLACE)
    await refused(control_speaks, control.envelope(message, CITY), Why.MALFORMED)


@pytest.mark.parametrize(
    "number", [{"seq": 2**53}, {"epoch": 2**53}, {"seq": 2**64 - 1}, {"epoch": 2**63}, {"seq": -1}]
)
async def test_numbers_that_no_store_holds_are_refused(control_speaks, number):
    control, city, adversary = control_speaks
    envelope = control.envelope(ending(), CITY, **number)
    adversary.say(Carry(envelope))
    assert await adversary.hear(Ack) == Ack(envelope.epoch, envelope.seq, Why.MALFORMED)
    assert city.refused == [(CONTROL, envelope.seq, Why.MALFORMED)]
    adversary.say(Carry(control.envelope(ending(), CITY, seq=2)))
    assert await adversary.hear(Ack) == Ack(5, 2)


@pytest.mark.parametrize(
    "known", [(2**53, 0), (2**63 - 2, 0), (2**64 - 1, 1), (0, 2**53), (-1, 0), (0, -1), (clock.now() + 2 * DAY_MS, 0)]
)
async def test_a_partner_cannot_use_up_our_epochs(towns, known):
    behind = remembering(towns)
    control, city = towns[CONTROL], towns[CITY]
    city.start(city.link.serve())
    adversary = Adversary(*await connected(city, client_context(control.folder)))
    adversary.say(Known(*known, b""))
    assert await adversary.is_dropped()
    await until(lambda: city.link.counts["garbage"] == 1)
    assert behind[CITY] == []
    assert CONTROL not in city.link.confirmed


async def test_an_acknowledgement_of_what_was_not_sent_takes_nothing_from_the_outbox(control_speaks):
    _, city, adversary = control_speaks
    city.store.commit([], [Send(CONTROL, refusing())])
    envelope = (await adversary.hear(Carry)).envelope
    adversary.say(Ack(envelope.epoch, 2))
    assert await adversary.is_dropped()
    assert [each.seq for each in city.store.pending(CONTROL)] == [1]


async def test_a_refusal_by_the_partner_is_counted_and_not_sent_again(control_speaks):
    _, city, adversary = control_speaks
    city.store.commit([], [Send(CONTROL, refusing())])
    envelope = (await adversary.hear(Carry)).envelope
    adversary.say(Ack(envelope.epoch, envelope.seq, Why.STALE))
    await until(lambda: city.link.counts["poison_stale"] == 1)
    assert city.store.pending(CONTROL) == []


async def test_a_stranger_of_the_same_authority_is_not_a_partner(towns):
    city, stranger = towns[CITY], towns[STRANGER]
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    adversary = await Adversary.call(stranger, city)
    adversary.say(Carry(stranger.envelope(ending(), CITY, origin=CONTROL)))
    assert await adversary.is_dropped()
    await until(lambda: city.link.counts["wrong_certificate"] == 1)
    assert (city.delivered, city.refused, city.changed) == ([], [], [])


async def test_a_certificate_of_another_authority_is_not_heard(towns, tmp_path):
    city, control = towns[CITY], towns[CONTROL]
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    issue(make_ca(tmp_path / "forged"), tmp_path / "forged-control", CONTROL, [HOST])
    context = client_context(tmp_path / "forged-control")
    context.load_verify_locations(cafile=str(city.folder / "keys" / "ca.pem"))
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        reader, writer = await connected(city, context)
        adversary = Adversary(reader, writer)
        adversary.say(Carry(control.envelope(ending(), CITY)))
        assert await adversary.is_dropped()
    assert (city.delivered, city.changed) == ([], [])


async def test_the_dialler_refuses_a_partner_that_answers_under_another_name(towns):
    control, city, police = towns[CONTROL], towns[CITY], towns[POLICE]
    police.centre = msgspec.structs.replace(police.centre, link_port=city.centre.link_port)
    police.link._centre = police.centre
    police.start(police.link.serve())
    await asyncio.sleep(0.05)
    control.store.commit([], [Send(CITY, ending())])
    control.start(control.link.dial(control.peer(CITY)))
    await until(lambda: control.link.counts["wrong_certificate"] >= 1)
    assert control.changed == []
    assert police.delivered == []
    assert len(control.store.pending(CITY)) == 1


async def test_a_second_call_replaces_a_half_open_one(towns):
    control, city = towns[CONTROL], towns[CITY]
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    first = await Adversary.call(control, city)
    await first.hear(Beat)
    second = await Adversary.call(control, city)
    assert await first.is_dropped()
    city.store.commit([], [Send(CONTROL, refusing())])
    assert codec.decode_message((await second.hear(Carry)).envelope.body) == refusing()
    second.writer.transport.abort()


async def test_who_does_not_read_does_not_fill_the_memory(control_speaks, monkeypatch):
    monkeypatch.setattr(link, "WRITE_BYTES_MAX", 20_000)
    _, city, adversary = control_speaks
    to_it = city.link._sessions[CONTROL].writer.get_extra_info("socket")
    to_it.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)  # else the kernel reads for it
    adversary.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    adversary.reader._transport.pause_reading()
    city.store.commit([], [Send(CONTROL, refusing(number)) for number in range(2_000)])
    await asyncio.sleep(0.2)
    assert len(city.link._sessions[CONTROL].unacked) <= link.WINDOW_ENVELOPES_MAX

    def asked() -> bool:
        for _ in range(500):
            adversary.say(Beat(1))
        return city.link.counts["does_not_read"] == 1

    await until(asked)
    assert len(city.store.pending(CONTROL, limit=5_000)) == 2_000


async def test_a_work_that_loses_its_first_cancellation_is_ended_all_the_same():
    """The race of every shutdown: all partners hang up while we are told to end."""
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost > 2:
                    raise

    task = asyncio.create_task(link._together(deaf()))
    await asyncio.sleep(0.01)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
    assert done, "the cancellation was swallowed"
    assert lost == 3


# --- a partner who remembers more of us than we do -----------------------------------------------------------------


def remembering(towns):
    """Both ends show their ledgers, and note what they are told of themselves."""
    behind = {}
    for id in (CONTROL, CITY):
        town = towns[id]
        town.link._heads = Heads(town.store, id, town.keys.log_public, town.keys.sign_log)
        town.link._behind = behind.setdefault(id, []).append
    return behind


def events(count):
    return [recorded.ProgramStarted(at=Instant(n), version="1") for n in range(count)]


async def test_partners_remember_each_others_largest_checkpoint(towns):
    remembering(towns)
    towns[CITY].store.commit(events(5))
    control, city = await join(towns)
    await until(lambda: control.store.partner_note(CITY))
    assert heads.read(control.store.partner_note(CITY))[0].size == 5
    assert city.store.checkpoint()[1] == control.store.partner_note(CITY)
    assert control.store.partner_note(CITY) != b""
    assert city.store.partner_note(CONTROL) == b"", "nothing to sign yet"


async def test_an_old_copy_of_a_log_is_told_so_by_its_own_signature(towns):
    """The adversary puts yesterday's file in its place: the first handshake says what it lacks, before a message goes."""
    behind = remembering(towns)
    control, city = towns[CONTROL], towns[CITY]
    city.store.commit(events(3))
    shutil.copy(city.folder / "log.db", city.folder / "old.db")
    shutil.copy(city.folder / "log.db-wal", city.folder / "old.db-wal")
    city.store.commit(events(4), [Send(CONTROL, refusing(1))])
    await join(towns)
    await until(lambda: len(control.delivered) == 1 and control.store.partner_note(CITY))
    for town in (control, city):
        await town.stop()
    for name in ("log.db", "log.db-wal"):
        shutil.copy(city.folder / name.replace("log", "old"), city.folder / name)
    (city.folder / "log.db-shm").unlink(missing_ok=True)
    for town in (control, city):
        town.open({each: towns[each].keys.public for each in ROLES})
    behind = remembering(towns)
    assert city.store.head() == 3, "or this test proves nothing"
    city.store.commit([], [Send(CONTROL, refusing(2))])  # under a number that was used

    def declare(found):
        behind[CITY].append(found)
        point = found.checkpoint
        city.store.begin_epoch(
            found="partner", known_epoch=found.epoch, size_before=point.size, root_before=point.root
        )  # fmt: skip

    city.link._behind = declare
    await join(towns)
    (found,) = behind[CITY]
    assert (found.peer, found.checkpoint.size) == (CONTROL, 7)
    await until(lambda: CONTROL in city.link.confirmed)
    await until(lambda: len(control.delivered) == 2)
    assert control.delivered == [refusing(1), refusing(2)], "not taken for a duplicate of what had that number"
    assert city.store.said_to(CONTROL).epoch > found.epoch, "numbers that nobody has seen"


async def test_a_bare_word_that_we_are_behind_is_taken_once(towns):
    """A partner that lies could make us end everything again and again."""
    behind = remembering(towns)
    control, city = towns[CONTROL], towns[CITY]
    city.link._behind = lambda found: (behind[CITY].append(found), city.store.begin_epoch(found="partner"))
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    for round in range(3):
        adversary = Adversary(
            *await asyncio.open_connection(HOST, city.centre.link_port, ssl=client_context(control.folder))
        )
        adversary.say(Known(city.store.said_to(CONTROL).epoch, 999, b""))
        if round == 0:
            assert await adversary.is_dropped()
        else:
            await until(lambda: CONTROL in city.link.confirmed)
            adversary.writer.transport.abort()
    assert len(behind[CITY]) == 1


@pytest.mark.parametrize("note", [b"nonsense", b"x" * 5_000])
async def test_a_checkpoint_that_we_did_not_sign_moves_nothing(towns, note):
    behind = remembering(towns)
    control, city = towns[CONTROL], towns[CITY]
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    own = control.keys
    key = ledger.VerifierKey(ledger.origin_of(CITY), own.log_public)
    body = ledger.Checkpoint(key.name, 10**9, b"\1" * 32).body
    forged = ledger.signed_note(body, key, own.sign_log(body)).text
    for each in (note, forged):
        adversary = Adversary(
            *await asyncio.open_connection(HOST, city.centre.link_port, ssl=client_context(control.folder))
        )
        adversary.say(Known(0, 0, each))
        assert await adversary.is_dropped()
    assert behind[CITY] == []
    assert CONTROL not in city.link.confirmed


async def test_nothing_is_sent_before_the_partner_said_what_it_has(towns):
    control, city = towns[CONTROL], towns[CITY]
    city.store.commit([], [Send(CONTROL, refusing())])
    city.start(city.link.serve())
    await asyncio.sleep(0.05)
    adversary = Adversary(
        *await asyncio.open_connection(HOST, city.centre.link_port, ssl=client_context(control.folder))
    )
    adversary.say(Beat(1))
    await adversary.hear(Echo)
    assert not city.link.states[CONTROL].up
    assert not city.link._sessions[CONTROL].unacked
    adversary.say(Known(0, 0, b""))
    assert (await adversary.hear(Carry)).envelope.seq == 1
    adversary.writer.transport.abort()


async def test_a_certificate_is_renewed_while_the_link_stands_and_nothing_drops(towns, tmp_path):
    """The one that was there at the start runs out at night; whoever dials afterwards is shown the new one."""
    city, control = towns[CITY], towns[CONTROL]
    old = serial_of(city)
    city.start(follow(city.folder, city.link._server, city.link._client, look_s=0.02))
    control, city = await join(towns)
    session = city.link._sessions[CONTROL]
    await asyncio.sleep(0.05)
    issue(make_ca(tmp_path / "ca"), city.folder, CITY, [HOST])
    assert serial_of(city) != old

    async def shown() -> int:
        _reader, writer = await asyncio.open_connection(
            HOST, city.centre.link_port, ssl=client_context(towns[POLICE].folder)
        )
        seen = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        writer.transport.abort()
        return seen.serial_number

    async with asyncio.timeout(PATIENCE_S):
        while await shown() == old:
            await asyncio.sleep(0.05)
    assert await shown() == serial_of(city)
    assert city.link._sessions[CONTROL] is session, "the road that stood still stands"
    control.store.commit([], [Send(CITY, ending())])
    await until(lambda: city.delivered == [ending()])


def serial_of(town):
    return x509.load_pem_x509_certificate((town.folder / "keys" / "tls.pem").read_bytes()).serial_number
