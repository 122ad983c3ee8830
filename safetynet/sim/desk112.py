"""A simulated police room on the real link: it receives a notice at once and somebody reads it a little later.

Same loop, same store, same road as every centre; only the person who reads is make-believe. Each answer is given
exactly once, whatever is sent twice and wherever the power fails.

Absent on purpose: what the police do about it (their own systems), and any position kept longer than its incident.
"""

import argparse
import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, assert_never

from immutables import Map

from safetynet.app.loop import Loop, begin_epoch, declaration
from safetynet.core.events import (
    AnyEvent,
    IncidentEnded,
    MessageRefused,
    NoticeReceived,
    PoliceNoticeAnswered,
    ProtectedPlaceReceived,
)
from safetynet.core.messages import AnswerNotice, AnyMessage, EndIncident, Envelope, LocateProtected, NotifyPolice, Send
from safetynet.core.terms import CentreId, IncidentId, Instant, NoticeId, NoticeState, Why
from safetynet.edge import clock, config, keys, log
from safetynet.edge.heads import Heads
from safetynet.edge.link import Behind, Link, LinkState
from safetynet.edge.store import InboxKey, Store

READ_AFTER_MS: Final = 2_000
TICK_MS: Final = 100
NOTICES_KEPT_MAX: Final = 10_000
ENDED_KEPT_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message whose certificate, signature, direction and size the link has checked."""

    sender: CentreId
    seq: int
    message: AnyMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardBadly:
    sender: CentreId
    seq: int
    why: Why


@dataclass(frozen=True, slots=True)
class Tick:
    pass


Given: TypeAlias = Heard | HeardBadly | Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One notice on the desk. `state` is what was answered last."""

    sender: CentreId
    incident: IncidentId
    received_at: Instant
    state: NoticeState = NoticeState.SENT


@dataclass(frozen=True, slots=True)
class State:
    notices: Map[NoticeId, Held] = Map()
    """Of incidents that are not over."""
    ended: tuple[IncidentId, ...] = ()
    over: frozenset[IncidentId] = field(default_factory=frozenset)


EMPTY: Final = State()


def decide(read_after_ms: int, state: State, given: Given, at: Instant) -> list[AnyEvent]:
    match given:
        case Heard():
            return _heard(state, given, at)
        case HeardBadly():
            return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=given.why)]
        case Tick():
            return [
                PoliceNoticeAnswered(at=at, incident=held.incident, notice=notice, state=NoticeState.READ)
                for notice, held in sorted(state.notices.items())
                if held.state is NoticeState.RECEIVED and at - held.received_at >= read_after_ms
            ]
        case _:
            assert_never(given)


def _heard(state: State, given: Heard, at: Instant) -> list[AnyEvent]:
    message = given.message
    match message:
        case NotifyPolice():
            if message.notice in state.notices:
                return []  # told twice
            if message.incident in state.over or len(state.notices) >= NOTICES_KEPT_MAX:
                return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=Why.NOT_ALLOWED_NOW)]
            received = NoticeReceived(
                at=at,
                incident=message.incident,
                notice=message.notice,
                sender=given.sender,
                kind=message.kind,
                place=message.place,
            )
            answered = PoliceNoticeAnswered(
                at=at, incident=message.incident, notice=message.notice, state=NoticeState.RECEIVED
            )
            return [received, answered]
        case LocateProtected():
            if message.incident in state.over:
                return []
            if message.notice not in state.notices:
                return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=Why.NOT_ALLOWED_NOW)]
            return [
                ProtectedPlaceReceived(
                    at=at,
                    incident=message.incident,
                    notice=message.notice,
                    sender=given.sender,
                    place=message.place,
                )
            ]
        case EndIncident():
            if message.incident in state.over:
                return []
            return [IncidentEnded(at=at, incident=message.incident, sender=given.sender, requests=(), why=message.why)]
        case _:
            return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=Why.NOT_ALLOWED_NOW)]


def evolve(state: State, event: AnyEvent) -> State:
    match event:
        case NoticeReceived():
            held = Held(sender=event.sender, incident=event.incident, received_at=event.at)
            return replace(state, notices=state.notices.set(event.notice, held))
        case PoliceNoticeAnswered():
            held = state.notices[event.notice]
            return replace(state, notices=state.notices.set(event.notice, replace(held, state=event.state)))
        case IncidentEnded():
            ended, over = (*state.ended, event.incident), state.over | {event.incident}
            if len(ended) > ENDED_KEPT_MAX:
                over -= {ended[0]}
                ended = ended[1:]
            alive = Map({id: each for id, each in state.notices.items() if each.incident != event.incident})
            return State(alive, ended, over)
        case _:
            return state


def react(state: State, _serial: int, event: AnyEvent) -> list[Send]:
    match event:
        case PoliceNoticeAnswered():
            answer = AnswerNotice(incident=event.incident, notice=event.notice, state=event.state)
            return [Send(state.notices[event.notice].sender, answer)]
        case _:
            return []


# --- the program ---------------------------------------------------------------------------------------------------


class Desk:
    """The loop and the link of one desk, on its folder D."""

    def __init__(self, folder: Path, read_after_ms: int = READ_AFTER_MS) -> None:
        self.centre: Final = config.read(folder)
        own = keys.open_centre(folder)
        self.store: Final = Store.open(
            folder / "log.db", centre=self.centre.id, keys=own.persons, sign=own.sign, salt=keys.salt
        )
        self.loop: Final = Loop[State, Given, Send](self.store, EMPTY, partial(decide, read_after_ms), evolve, react)
        self.folder, self.contexts = folder, (keys.server_context(folder), keys.client_context(folder))
        self.link: Final = Link(
            self.centre,
            self.store,
            server=self.contexts[0],
            client=self.contexts[1],
            peer_keys=keys.read_peers(folder),
            deliver=self._deliver,
            refused=self._refused,
            changed=_changed,
            heads=Heads(self.store, self.centre.id, own.log_public, own.sign_log),
            behind=self._behind,
        )

    def _behind(self, found: Behind) -> None:
        begin_epoch(self.store, found)
        self._declare()

    def _declare(self) -> None:
        """Nothing here is alive that a restored log would have to end."""
        said = declaration(self.store, clock.now())
        if said is not None:
            self.store.commit([said[0]], inbox=[said[1]])

    async def run(self) -> None:
        """Until cancelled."""
        self._declare()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.link.serve())
                tasks.create_task(self._tick())
                tasks.create_task(keys.follow(self.folder, *self.contexts))
        finally:
            self.store.close()

    def _deliver(self, envelope: Envelope, message: AnyMessage) -> None:
        heard = Heard(sender=envelope.origin, seq=envelope.seq, message=message)
        self.loop.take(heard, clock.now(), inbox=InboxKey(envelope.origin, envelope.epoch, envelope.seq))

    def _refused(self, sender: CentreId, seq: int, why: Why) -> None:
        self.loop.take(HeardBadly(sender=sender, seq=seq, why=why), clock.now())

    async def _tick(self) -> None:
        while True:
            self.loop.take(Tick(), clock.now())
            await asyncio.sleep(TICK_MS / 1_000)


def _changed(peer: CentreId, state: LinkState) -> None:
    log.say("link_up" if state.up else "link_down", partner=peer)


async def _until_told(folder: Path, read_after_ms: int) -> None:
    running = asyncio.ensure_future(Desk(folder, read_after_ms).run())
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, running.cancel)
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="safetynet desk112", description="A simulated police room.")
    parser.add_argument("--dir", type=Path, required=True, metavar="D")
    parser.add_argument("--read-after-ms", type=int, default=READ_AFTER_MS, metavar="MS")
    said = parser.parse_args(given)
    log.begin("desk112")
    asyncio.run(_until_told(said.dir, said.read_after_ms))
    return 0
