"""The control centre's program: one process, one loop, the hot path from a device to every screen.

Wiring only. What a fix means is decided in `rules`, what happens in `core.control`; here they are fed, their events
are made durable by `app.loop`, and only then anything leaves: to partners, to the relay, to the windows.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import socket
from collections import deque
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import uvicorn

from safetynet.app import field, views, windows
from safetynet.app.loop import InboxKey, Loop, RelayMark
from safetynet.app.pages import application
from safetynet.app.people import OPERATORS, People, units
from safetynet.app.views import LinkView, Looked, Numbers, UnitView
from safetynet.core import fixes, incidents, rules
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.control.state import State
from safetynet.core.dispatch import Unit
from safetynet.core.events import (
    AlarmJoined,
    AlarmRaised,
    IncidentClosed,
    IncidentOpened,
    Place,
    StreamClosed,
    StreamOpened,
)
from safetynet.core.fixes import Fix
from safetynet.core.messages import AnyMessage, Envelope, Role
from safetynet.core.rules import RuleState, Transition
from safetynet.core.terms import (
    MINUTE_MS,
    ActionId,
    AlarmId,
    CentreId,
    FixId,
    IncidentId,
    Instant,
    PersonId,
    UnitId,
    ViewerId,
    WearerId,
    Why,
)
from safetynet.edge import clock, config, keys, process
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.config import Centre
from safetynet.edge.devices import osmand
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
from safetynet.edge.link import Link, LinkState
from safetynet.edge.photos import NotAPhoto
from safetynet.edge.relay import words as relay
from safetynet.edge.relay.wire import Wire
from safetynet.edge.store import Store
from safetynet.edge.web import Feed

TICK_S: Final = 0.25
SHOW_S: Final = 0.04
"""Screens are brought up to date at once, then at most this often."""
SHOW_QUIET_S: Final = 1.0
"""Counts and ages of the calm screen need no more than this."""
TRACK_POINTS_MAX: Final = 600
REPORTING_MS: Final = 3 * MINUTE_MS
COUNTED_MS: Final = 10_000
JOURNAL: Final = "journal"
"""Name of the mark that says up to which fix the verdicts are in the log."""


class Control:
    """One control centre. Everything is called from one thread; nothing here awaits between reading and committing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.centre = folder, config.read(folder)
        own = keys.open_centre(folder)
        self.store = Store.open(
            folder / "log.db", centre=self.centre.id, keys=own.persons, sign=own.sign, salt=keys.salt
        )
        self.people = People(self.store)
        self.sessions = Sessions(self.store.accounts())
        self.units = {each.unit: each for each in units(folder)}
        self._positions = {
            each.unit: Unit(
                unit=each.unit,
                kind=each.kind,
                lat=each.lat,
                lon=each.lon,
                seen_at=clock.now(),
                speed_mps=each.speed_mps,
            )
            for each in self.units.values()
        }
        country = _country(self.centre, own.pseudonym)
        self.loop: Loop[State, words.Given, words.Errand] = Loop(
            self.store,
            minds.EMPTY,
            lambda state, given, at: mind.decide(country, state, given, at),
            minds.evolve,
            minds.react,
        )
        self.tracks: dict[WearerId, deque[Place]] = {}
        self._arrivals: deque[tuple[Instant, int]] = deque()
        self._last_fix_at: Instant | None = None
        self._last_fix = FixId(0)
        self.journal = Journal(folder / "journal", self.store.person_keys)
        self._rules = self._rejudged()
        self._seats: set[windows.Seat] = set()
        self._admitted: dict[ViewerId, tuple[Session, Instant]] = {}
        """Whose windows the relay may hold, also when their state socket is gone, and until when at the latest."""
        epoch = keys.fresh_id("E")
        self._operators = Feed(epoch)
        self._nobody = Feed(epoch)
        """For an account that is neither an operator's nor a unit's: it sees nothing."""
        self._officers: dict[UnitId, Feed] = {each: Feed(epoch) for each in self.units}
        self._shown_at, self._show_planned = 0.0, False
        self._streams: dict[str, CentreId] = {}
        self._link_states: dict[CentreId, LinkState] = {}
        self._cameras = _camera_count(folder)
        self.link = Link(
            self.centre,
            self.store,
            server=keys.server_context(folder),
            client=keys.client_context(folder),
            peer_keys=keys.read_peers(folder),
            deliver=self.deliver,
            refused=self.refused,
            changed=self.link_changed,
        )
        self.relay = Wire(folder / "relay.sock", self.relay_recorded)

    # --- fixes -----------------------------------------------------------------------------------------------------

    def _rejudged(self) -> RuleState:
        """The rules' state from the journal; verdicts that the log lacks (a crash between the two) are decided now."""
        state = RuleState()
        episodes: dict[AlarmId, str] = {}
        grouped: dict[IncidentId, list[AlarmId]] = {}
        for _, event in self.store.events():
            match event:
                case AlarmRaised():
                    episodes[event.alarm] = event.episode
                case IncidentOpened() | AlarmJoined():
                    grouped.setdefault(event.incident, []).append(event.alarm)
                case IncidentClosed():
                    for alarm in grouped.pop(event.incident, []):
                        state = rules.end(state, event.wearer, episodes.pop(alarm), event.fix_through)
                case _:
                    continue
        judged = FixId(self.store.relay_mark(JOURNAL))
        batch: list[Fix] = []
        for fix in self.journal.replay(FixId(1)):
            batch.append(fix)
            if len(batch) >= 4_096:
                state = self._judge_again(batch, state, judged)
                batch = []
        return self._judge_again(batch, state, judged)

    def _judge_again(self, batch: list[Fix], state: RuleState, judged: FixId) -> RuleState:
        transitions, state = rules.judge(batch, self.people.orders, state)
        for fix in batch:
            self._remember(fix)
        missing = tuple(each for each in transitions if each.fix.id > judged)
        if missing:
            self._decide_verdicts(missing, [each for each in batch if each.id > judged])
        return state

    def on_fixes(self, batch: list[Fix]) -> None:
        """A batch that the journal holds. Called by the intake after the fsync."""
        transitions, self._rules = rules.judge(batch, self.people.orders, self._rules)
        for fix in batch:
            self._remember(fix)
        self._arrivals.append((clock.monotonic(), len(batch)))
        concerned = any(fix.wearer in self.loop.state.open for fix in batch)
        if transitions or concerned:
            self._run(self._decide_verdicts(transitions, batch))
            self.show()

    def _decide_verdicts(self, transitions: tuple[Transition, ...], batch: list[Fix]) -> list[words.Errand]:
        newest = {fix.wearer: fix for fix in batch if fix.wearer in self.loop.state.open or transitions}
        wearers = {each.wearer for each in transitions} | newest.keys()
        given = words.Judged(
            transitions=transitions,
            fixes=tuple(newest.values()),
            footing={each: self.people.footing(each) for each in wearers if each in self.people.orders},
            last={each: self.tracks[each][-1] for each in wearers if self.tracks.get(each)},
        )
        return self.loop.take(given, clock.now(), relay_mark=RelayMark(JOURNAL, batch[-1].id))

    def _remember(self, fix: Fix) -> None:
        self._last_fix_at, self._last_fix = fix.received_at, fix.id
        place = fixes.place(fix)
        if place is not None:
            track = self.tracks.setdefault(fix.wearer, deque(maxlen=TRACK_POINTS_MAX))
            if not track or place.observed_at >= track[-1].observed_at:
                track.append(place)

    def on_unit(self, fix: Fix) -> None:
        """A unit's own phone said where it is."""
        unit = UnitId(fix.wearer)
        row = self.units[unit]
        if fix.lat is not None and fix.lon is not None:
            self._positions[unit] = Unit(
                unit=unit, kind=row.kind, lat=fix.lat, lon=fix.lon, seen_at=fix.received_at, speed_mps=row.speed_mps
            )

    # --- partners and the relay ------------------------------------------------------------------------------------

    def deliver(self, envelope: Envelope, message: AnyMessage) -> None:
        key = InboxKey(envelope.origin, envelope.epoch, envelope.seq)
        heard = words.Heard(sender=envelope.origin, seq=envelope.seq, message=message)
        self._run(self.loop.take(heard, clock.now(), inbox=key))
        self._admit()
        self.show()

    def refused(self, sender: CentreId, seq: int, why: Why) -> None:
        self._run(self.loop.take(words.HeardBadly(sender=sender, seq=seq, why=why), clock.now()))

    def link_changed(self, peer: CentreId, state: LinkState) -> None:
        self._link_states[peer] = state
        self.show()

    def relay_recorded(self, recorded: relay.Recorded) -> None:
        """What the relay wrote into its own log becomes part of ours; then it may forget it."""
        for event in recorded.events:
            match event:
                case StreamOpened(side="received"):
                    self._streams[event.stream] = self._city_of(event)
                case StreamClosed(side="received"):
                    self._streams.pop(event.stream, None)
                case _:
                    continue
        given = words.RelayHeard(events=relay.unmerged(recorded, self.store.relay_mark("relay")))
        self._run(self.loop.take(given, clock.now(), relay_mark=RelayMark("relay", recorded.upto_row)))
        self.relay.tell(relay.Merged(upto_row=recorded.upto_row))

    def _city_of(self, event: StreamOpened) -> CentreId:
        incident = self.loop.state.incidents.get(self.loop.state.given.get(event.grant, IncidentId("")))
        request = incidents.grant_of(incident, event.grant) if incident else None
        return request.city if request else CentreId("")

    def _run(self, errands: list[words.Errand]) -> None:
        """Errands that are no messages: those the outbox has already."""
        for errand in errands:
            match errand:
                case words.Admit():
                    self.relay.tell(
                        relay.Admit(
                            token_sha256=errand.token_sha256,
                            viewer=errand.viewer,
                            incident=errand.incident,
                            grant=errand.grant,
                            city=errand.city,
                            cameras=errand.cameras,
                            until_ms=errand.until,
                            one_tile=errand.one_tile,
                        )
                    )
                case words.SetCameras(grant, cameras):
                    self.relay.tell(relay.SetCameras(grant=grant, cameras=cameras))
                case words.CutGrant(grant, why):
                    self.relay.tell(relay.CutGrant(grant=grant, why=why))
                case words.CutIncident(incident, why):
                    self.relay.tell(relay.CutIncident(incident=incident, why=why))
                case words.CutViewer(viewer, why):
                    self.relay.tell(relay.CutViewer(viewer=viewer, why=why))
                case _:
                    raise AssertionError(f"a message leaves by the outbox: {errand}")

    # --- windows ---------------------------------------------------------------------------------------------------

    def feed(self, session: Session) -> Feed:
        if session.account.role in OPERATORS:
            return self._operators
        unit = self._unit_of(session)
        return self._officers[unit] if unit else self._nobody

    def _unit_of(self, session: Session) -> UnitId | None:
        person = session.account.person
        return next((each.unit for each in self.units.values() if each.person == person), None)

    def me(self, session: Session) -> dict[str, object]:
        account = session.account
        return {
            "me": {
                "person": account.person,
                "name": account.name,
                "role": account.role,
                "seat": account.seat,
                "centre": self.centre.id,
                "centre_name": self.centre.name,
                "video_url": f"ws://{self.centre.host}:{self.centre.video_port}/video",
            }
        }

    def signed_in(self, session: Session) -> bool:
        return self.sessions.live(session)

    def seated(self, seat: windows.Seat) -> None:
        self._seats.add(seat)

    def left(self, seat: windows.Seat) -> None:
        """The state socket went; the video socket ends by itself or goes on while its session lives."""
        self._seats.discard(seat)
        self.cut_signed_out()

    def cut_signed_out(self) -> None:
        """A window sees pictures as long as its person is signed in and no longer, whatever became of its page."""
        at = clock.now()
        for viewer, (session, until) in tuple(self._admitted.items()):
            if not self.sessions.live(session):
                self._run([words.CutViewer(viewer, Why.SIGNED_OUT)])
                del self._admitted[viewer]
            elif at >= until:
                del self._admitted[viewer]

    def do(self, seat: windows.Seat, said: windows.Do) -> Why | str | None:
        command = self._command(seat, said)
        if isinstance(command, str):
            return command
        at = clock.now()
        no = mind.refuses(self.loop.state, command, at)
        if no is not None:
            return no
        if isinstance(command, words.AskVideo):
            seat.asked.add(command.incident)
        if isinstance(command, words.AdmitOfficer):
            request = incidents.grant_of(self.loop.state.incidents[self.loop.state.given[command.grant]], command.grant)
            assert request is not None, "refuses() found the grant"
            self._let_in(seat, command, request.until, at)
        elif isinstance(command, words.AdmitViewer):
            seat.asked.add(command.incident)
            seat.admitted.discard(command.grant)  # a token serves once: whoever asks again has lost it
        else:
            errands = self.loop.take(command, at)
            self._run(errands)
            if isinstance(command, words.Close):
                self._ended(command.incident)
            if isinstance(command, words.TakeOver | words.HandOver):
                self._put_out(command.incident)
        self._admit()
        self.show()
        if isinstance(command, words.AskVideo):
            return self.loop.state.incidents[command.incident].refused_here
        return None

    def _put_out(self, incident: IncidentId) -> None:
        """Another person leads: no window of before is let in again before its person asks."""
        held = self.loop.state.incidents[incident]
        for seat in self._seats:
            seat.asked.discard(incident)
            seat.admitted -= {each.grant for each in held.requests.values() if each.grant}

    def _command(self, seat: windows.Seat, said: windows.Do) -> words.Command | str:
        """The command that was meant, or the word `bad_command` / `not_allowed_now`."""
        by, role = seat.person, seat.session.account.role
        if role not in OPERATORS:
            unit = self._unit_of(seat.session)
            return field.command(seat, self.units[unit] if unit else None, said)
        if said.act == "ack" and said.alarm is not None:
            return words.Acknowledge(alarm=said.alarm, by=by)
        if said.act == "admit" and said.grant is not None:
            incident = self.loop.state.given.get(said.grant, IncidentId(""))
            return words.AdmitViewer(incident=incident, grant=said.grant, viewer=seat.viewer, by=by, token_sha256=b"")
        return "bad_command" if said.incident is None else self._about(said.incident, by, said)

    def _about(self, incident: IncidentId, by: PersonId, said: windows.Do) -> words.Command | str:
        match said:
            case windows.Do(act="claim"):
                return words.Claim(incident=incident, by=by)
            case windows.Do(act="take_over"):
                return words.TakeOver(incident=incident, by=by)
            case windows.Do(act="hand_over", to=to) if to and self._may_lead(to):
                return words.HandOver(incident=incident, by=by, to=to)
            case windows.Do(act="call", outcome=outcome) if outcome:
                return words.CallWearer(incident=incident, by=by, outcome=outcome)
            case windows.Do(act="video"):
                held = self.loop.state.incidents.get(incident)
                footing = self.people.footing(held.wearer) if held and held.wearer in self.people.orders else None
                return words.AskVideo(incident=incident, by=by, footing=footing)
            case windows.Do(act="office", unit=unit) if unit is None or unit in self.units:
                return words.SendOffice(incident=incident, by=by, unit=unit, units=tuple(self._positions.values()))
            case windows.Do(act="backup"):
                return words.AnswerBackup(incident=incident, by=by)
            case windows.Do(act="police"):
                return words.TellPolice(incident=incident, by=by)
            case windows.Do(act="close", code=code) if code:
                return words.Close(incident=incident, by=by, code=code, fix_through=self._last_fix)
            case _:
                return "bad_command"

    def keep_photo(self, session: Session, one: field.Taken) -> Why | str | None:
        """An officer's photograph: kept before its event says so, and only when the mind lets it. None: it is kept."""
        unit = self._unit_of(session)
        if unit is None:
            return Why.NOT_ALLOWED_NOW
        try:
            command, data = field.photograph(one, self.units[unit], session.account.person)
        except NotAPhoto as no:
            return no.word
        at = clock.now()
        refused = mind.refuses(self.loop.state, command, at)
        if refused is None:
            incident = self.loop.state.given[command.dispatch]
            if command.action not in self.loop.state.incidents[incident].actions:
                self.store.put_photo(field.sealed_under(incident), command.action, data)
            self._run(self.loop.take(command, at))
            self.show()
        return refused

    def photo(self, incident: IncidentId, action: ActionId) -> bytes | None:
        return field.photo(self.store, self.loop.state, incident, action)

    def _may_lead(self, person: PersonId) -> bool:
        account = self.sessions.person(person)
        return account is not None and account.role in OPERATORS

    def _admit(self) -> None:
        """Each window that asked is let in to each live grant of its incident, once, by a token of its own."""
        for seat in self._seats:
            if not self.signed_in(seat.session):
                continue
            for id in seat.asked:
                incident = self.loop.state.incidents.get(id)
                for request in incident.requests.values() if incident else ():
                    if request.grant is None or request.grant in seat.admitted:
                        continue
                    wish = words.AdmitViewer(
                        incident=id, grant=request.grant, viewer=seat.viewer, by=seat.person, token_sha256=b""
                    )
                    at = clock.now()
                    if mind.refuses(self.loop.state, wish, at) is None:
                        self._let_in(seat, wish, request.until, at)

    def _let_in(
        self, seat: windows.Seat, wish: words.AdmitViewer | words.AdmitOfficer, until: Instant, at: Instant
    ) -> None:
        digest = seat.admit(wish.grant)
        _, known = self._admitted.get(seat.viewer, (seat.session, until))
        self._admitted[seat.viewer] = (seat.session, max(known, until))
        self._run(self.loop.take(replace(wish, token_sha256=digest), at))

    def _ended(self, incident: IncidentId) -> None:
        """The rules learn that a person ended these episodes: what comes now is new."""
        held = self.loop.state.incidents[incident]
        for alarm in held.alarms:
            episode = self.loop.state.alarms[alarm].episode
            self._rules = rules.end(self._rules, held.wearer, episode, self._last_fix)

    # --- screens ---------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Brings every feed up to date: now, or in SHOW_S when that was just done."""
        running = asyncio.get_running_loop()
        wait = self._shown_at + SHOW_S - running.time()
        if self._show_planned:
            return
        if wait <= 0:
            self._show_now()
        else:
            self._show_planned = True
            running.call_later(wait, self._show_now)

    def _show_now(self) -> None:
        self._show_planned = False
        seen = self._looked()
        state = self.loop.state
        view = field.added(views.operators(state, seen), state, seen)
        view["seats"] = self._seats_view(state)
        self._operators.show(view, seen.at)
        for unit, feed in self._officers.items():
            feed.show(field.phone(views.officer(state, unit, seen), view, state, self.units[unit], seen), seen.at)
        self._shown_at = asyncio.get_running_loop().time()

    def _seats_view(self, state: State) -> dict[str, dict[str, object]]:
        here = {each.person for each in self._seats}
        owned = [state.incidents[each].owner for each in state.open.values()]
        return {
            each.person: {
                "person": each.person,
                "name": each.name,
                "role": each.role,
                "seat": each.seat,
                "here": each.person in here,
                "incidents": owned.count(each.person),
            }
            for each in self.sessions.people()
            if each.role in OPERATORS
        }

    def _looked(self) -> Looked:
        at = clock.now()
        since = clock.monotonic() - COUNTED_MS
        while self._arrivals and self._arrivals[0][0] < since:
            self._arrivals.popleft()
        reporting = sum(bool(each) and at - each[-1].received_at < REPORTING_MS for each in self.tracks.values())
        return Looked(
            at=at,
            people=self.people,
            names={each.person: each.name for each in self.sessions.people()},
            centres={each.id: each.name for each in self.centre.peers},
            tracks=self.tracks,
            units=tuple(UnitView(unit=self._positions[each.unit], name=each.name) for each in self.units.values()),
            links=self._links(),
            numbers=Numbers(
                wearers=len(self.people),
                reporting=reporting,
                cameras=self._cameras,
                last_fix_at=self._last_fix_at,
                fixes_per_s=round(sum(count for _, count in self._arrivals) * 1000 / COUNTED_MS, 1),
                pictures_open=len(self._streams),
                ledger_size=self.store.head(),
            ),
        )

    def _links(self) -> tuple[LinkView, ...]:
        open_streams = list(self._streams.values())
        links: list[LinkView] = []
        for peer in self.centre.peers:
            state = self._link_states.get(peer.id)
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

    # --- running ---------------------------------------------------------------------------------------------------

    def fail(self, fault: Exception) -> None:
        """A request met a mistake of ours, or a disk that refused: the program ends as if its loop had."""
        if not self._failed.done():
            self._failed.set_exception(fault)

    async def run(self) -> None:
        """Until cancelled. Any part that fails ends the program: it starts again from its log."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._show_now()  # before anybody looks: an empty screen would read as calm
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._until_failed())
            tasks.create_task(self.link.serve())
            for peer in self.centre.peers:
                tasks.create_task(self.link.dial(peer))
            tasks.create_task(self.relay.run(self._greet))
            tasks.create_task(self._tick())
            tasks.create_task(self._web())

    async def _until_failed(self) -> None:
        await self._failed

    def _greet(self) -> None:
        """The relay is there (again): it is told what holds and what has ended.

        A start of this program signs everybody out, so it holds nobody to whom its relay may still show a picture.
        """
        self._run(minds.resume(self.loop.state))
        viewers = {each for incident in self.loop.state.incidents.values() for each in incidents.viewers(incident)}
        self._run([words.CutViewer(each, Why.SIGNED_OUT) for each in sorted(viewers - self._admitted.keys())])

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            head = self.store.head()
            self.cut_signed_out()
            self._run(self.loop.take(words.Tick(), clock.now()))
            if self.store.head() != head or asyncio.get_running_loop().time() - self._shown_at >= SHOW_QUIET_S:
                self.show()

    def _intake(self) -> Intake:
        known = {each.device: osmand.Registered(each.wearer, each.key_sha256) for each in self.store.devices()}
        return Intake(self.journal, known.get, self.on_fixes)

    async def _web(self) -> None:
        assert ipaddress.ip_address(self.centre.host).is_loopback, "pages beyond this machine need TLS in front"
        server = _Server(
            uvicorn.Config(
                application(self, self._intake()),
                host=self.centre.host,
                port=self.centre.web_port or 0,
                log_level="warning",
                lifespan="off",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                ws_max_size=windows.COMMAND_BYTES_MAX * 2,
                timeout_graceful_shutdown=1,
                server_header=False,
            )
        )
        try:
            await server.serve()
        finally:
            server.close()


class _Server(uvicorn.Server):
    """Leaves signals alone: they are edge.process's. Says that the program can be used when it can."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        process.ready("control", port=self.config.port)

    def close(self) -> None:
        """When the program ends otherwise than by the server's own way: nobody is let in any more."""
        for each in self.servers if self.started else ():
            each.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _country(centre: Centre, secret: bytes) -> words.Country:
    cities = tuple(words.City(each.id, each.area) for each in centre.peers if each.role is Role.CITY)
    police = next((each.id for each in centre.peers if each.role is Role.POLICE), None)
    return words.Country(cities, police, secret)


class _CameraFile(msgspec.Struct, frozen=True):
    cameras: list[msgspec.Raw]


def _camera_count(folder: Path) -> int:
    path = folder / "map" / "cameras.json"
    return len(msgspec.json.decode(path.read_bytes(), type=_CameraFile).cameras) if path.exists() else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="safetynet control", description="A control centre.")
    parser.add_argument("--dir", type=Path, required=True, help="the centre's folder with centre.json")
    folder: Path = parser.parse_args().dir
    return process.run(lambda: _main(folder))


async def _main(folder: Path) -> None:
    await Control(folder).run()
