"""The police room answers each notice exactly once, in order, over the real road, whatever is repeated or broken off."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import ports
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S

from safetynet.app.loop import Loop
from safetynet.core.events import AnyEvent, MessageRefused, NoticeReceived, PoliceNoticeAnswered
from safetynet.core.messages import AnswerNotice, AnyMessage, EndIncident, Envelope, NotifyPolice, Role, Send
from safetynet.core.terms import AlarmKind, CentreId, IncidentId, Instant, NoticeId, NoticeState, Why
from safetynet.edge import clock, config, keys
from safetynet.edge.config import Centre, Peer
from safetynet.edge.doors import InboxKey
from safetynet.edge.link import Link
from safetynet.edge.store import Store
from safetynet.sim import desk112
from safetynet.sim.desk112 import EMPTY, Desk, Heard, HeardBadly, State, Tick
from safetynet.sim.provision import open_store

CONTROL, POLICE = CentreId("control"), CentreId("police112")
PORT = ports.take(2)
READ_MS = 300
READY_S = PATIENCE_S


def notice(name: str = "n1", incident: str = "i1") -> NotifyPolice:
    return NotifyPolice(incident=IncidentId(incident), notice=NoticeId(name), kind=AlarmKind.STRAP_CUT, place=None)


def heard(message: AnyMessage, seq: int = 1) -> Heard:
    return Heard(sender=CONTROL, seq=seq, message=message)


def play(state: State, given_: desk112.Given, at: int) -> tuple[State, list[AnyEvent], list[Send]]:
    events = desk112.decide(READ_MS, state, given_, Instant(at))
    sends: list[Send] = []
    for event in events:
        state = desk112.evolve(state, event)
        sends += desk112.react(state, 1, event)
    return state, events, sends


def test_received_at_once_and_read_a_little_later() -> None:
    state, events, sends = play(EMPTY, heard(notice()), 1_000)
    assert [type(each) for each in events] == [NoticeReceived, PoliceNoticeAnswered]
    assert sends == [
        Send(CONTROL, AnswerNotice(incident=IncidentId("i1"), notice=NoticeId("n1"), state=NoticeState.RECEIVED))
    ]
    state, events, _ = play(state, Tick(), 1_000 + READ_MS - 1)
    assert events == []
    state, _, sends = play(state, Tick(), 1_000 + READ_MS)
    assert sends == [
        Send(CONTROL, AnswerNotice(incident=IncidentId("i1"), notice=NoticeId("n1"), state=NoticeState.READ))
    ]
    assert play(state, Tick(), 99_000)[1] == []


def test_an_end_leaves_nothing_to_answer() -> None:
    state, _, _ = play(EMPTY, heard(notice()), 0)
    state, _, sends = play(state, heard(EndIncident(incident=IncidentId("i1"), why=Why.INCIDENT_CLOSED)), 1)
    assert sends == []
    assert state.notices == EMPTY.notices
    assert play(state, Tick(), 99_000)[1] == []


def test_a_notice_behind_its_own_end_is_refused_and_recorded() -> None:
    state, _, _ = play(EMPTY, heard(EndIncident(incident=IncidentId("i1"), why=Why.INCIDENT_CLOSED)), 0)
    _, events, sends = play(state, heard(notice(), seq=7), 1)
    assert events == [MessageRefused(at=Instant(1), sender=CONTROL, seq=7, why=Why.NOT_ALLOWED_NOW)]
    assert sends == []


def test_what_is_not_for_a_police_room_is_refused() -> None:
    answer = AnswerNotice(incident=IncidentId("i1"), notice=NoticeId("n1"), state=NoticeState.READ)
    _, events, _ = play(EMPTY, heard(answer), 0)
    assert [type(each) for each in events] == [MessageRefused]
    _, events, _ = play(EMPTY, HeardBadly(sender=CONTROL, seq=3, why=Why.BAD_SIGNATURE), 0)
    assert events == [MessageRefused(at=Instant(0), sender=CONTROL, seq=3, why=Why.BAD_SIGNATURE)]


STEP = st.one_of(
    st.builds(lambda n, i: heard(notice(f"n{i}.{n}", f"i{i}")), st.integers(0, 3), st.integers(0, 2)),
    st.builds(lambda i: heard(EndIncident(incident=IncidentId(f"i{i}"), why=Why.INCIDENT_CLOSED)), st.integers(0, 2)),
    st.just(Tick()),
)


@given(st.lists(st.tuples(STEP, st.integers(0, 400)), max_size=40))
def test_each_answer_is_given_once_and_in_order_whatever_comes(steps: list[tuple[desk112.Given, int]]) -> None:
    state, at = EMPTY, 0
    answers: dict[NoticeId, list[NoticeState]] = {}
    for step, wait in steps:
        at += wait
        state, _, sends = play(state, step, at)
        for each in sends:
            assert isinstance(each.message, AnswerNotice)
            answers.setdefault(each.message.notice, []).append(each.message.state)
    orders = ([NoticeState.RECEIVED], [NoticeState.RECEIVED, NoticeState.READ])
    assert all(each in orders for each in answers.values())
    assert len(state.ended) == len(state.over)


# --- on the real road ----------------------------------------------------------------------------------------------


class Caller:
    """A control centre that sends notices and writes down what it hears."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder, CONTROL)
        self.heard: list[AnswerNotice] = []
        self.loop = Loop[tuple[AnswerNotice, ...], NotifyPolice | AnswerNotice, Send](
            self.store, (), lambda _state, _given, _at: [], lambda state, _event: state, lambda *_: []
        )
        self.link = Link(
            config.read(folder),
            self.store,
            server=keys.server_context(folder),
            client=keys.client_context(folder),
            peer_keys=keys.read_peers(folder),
            deliver=self._deliver,
            refused=lambda *_: None,
            changed=lambda *_: None,
        )

    def _deliver(self, envelope: Envelope, message: AnyMessage) -> None:
        assert isinstance(message, AnswerNotice)
        self.store.commit([], [], [InboxKey(envelope.origin, envelope.epoch, envelope.seq)])
        self.heard.append(message)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    authority = keys.make_ca(tmp_path / "ca")
    for centre in (CONTROL, POLICE):
        keys.open_centre(tmp_path / centre)
        keys.issue(authority, tmp_path / centre, centre, ["127.0.0.1"])
    for one, other in ((CONTROL, POLICE), (POLICE, CONTROL)):
        keys.pin_peer(tmp_path / one, other, keys.open_centre(tmp_path / other).public)

    def peer(id: CentreId, role: Role, port: int) -> Peer:
        return Peer(id=id, name=str(id), role=role, host="127.0.0.1", link_port=port)

    places = {CONTROL: (Role.CONTROL, PORT), POLICE: (Role.POLICE, PORT + 1)}
    for id, (role, port) in places.items():
        others = tuple(peer(each, *places[each]) for each in places if each != id)
        config.write(
            tmp_path / id,
            Centre(id=id, name=str(id), role=role, host="127.0.0.1", link_port=port, peers=others),
        )
    return tmp_path / CONTROL, tmp_path / POLICE


async def _eventually(holds: Callable[[], object], within_s: float = READY_S) -> None:
    deadline = clock.monotonic() + within_s * 1_000
    while not holds():
        assert clock.monotonic() < deadline
        await asyncio.sleep(0.02)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_over_the_real_link_with_the_desk_struck_down_between_its_answers(folders: tuple[Path, Path]) -> None:
    caller = Caller(folders[0])
    calling = asyncio.create_task(caller.link.dial(config.read(folders[0]).peers[0]))
    running = asyncio.create_task(Desk(folders[1], READ_MS).run())
    caller.store.commit([], [Send(POLICE, notice())])
    await _eventually(lambda: caller.heard)
    assert caller.heard[0].state is NoticeState.RECEIVED
    await _ended(running)
    running = asyncio.create_task(Desk(folders[1], READ_MS).run())
    await _eventually(lambda: len(caller.heard) == 2)
    await asyncio.sleep(READ_MS / 1_000)
    assert [each.state for each in caller.heard] == [NoticeState.RECEIVED, NoticeState.READ]
    caller.store.commit([], [Send(POLICE, EndIncident(incident=IncidentId("i1"), why=Why.INCIDENT_CLOSED))])
    await _eventually(lambda: not caller.store.pending(POLICE))
    await _ended(calling)
    await _ended(running)
    caller.store.close()
    again = Desk(folders[1], READ_MS)
    assert again.loop.state.over == {IncidentId("i1")}
    assert again.loop.state.notices == EMPTY.notices
    assert again.loop.take(Tick(), Instant(clock.now() + 60_000)) == []
    again.store.close()
