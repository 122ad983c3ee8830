"""A smart city centre's program: its loop, its policy, its word to its relay.

Wiring only. Whether to provide is decided in `core.city` after the policy engine was asked; the relay delivers what a
signed lease names, and this program says it again every few seconds or the relay stops by itself.
"""

import argparse
import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope
from starlette.types import Send as Answer

from safetynet.app import city_views, excerpts, figures, site, surface, surveys, windows
from safetynet.app.cards import links_of
from safetynet.app.city_views import Looked
from safetynet.app.excerpts import Excerpts
from safetynet.app.loop import InboxKey, Loop, RelayMark, begin_epoch, declaration, looked
from safetynet.core import calibrations, cameras, city, grants, law
from safetynet.core.city import Errand, Given, Ground, State
from safetynet.core.events import AnyEvent, GrantRefused, StreamClosed, StreamOpened
from safetynet.core.footage import giving
from safetynet.core.footage.giving import Around
from safetynet.core.messages import AnyMessage, Envelope, RequestFootage, RequestVideo
from safetynet.core.provisions import Held
from safetynet.core.terms import (
    CalibrationReason,
    CameraId,
    CentreId,
    DiskLevel,
    FootageId,
    GrantId,
    IncidentId,
    Instant,
    Why,
)
from safetynet.edge import clock, config, health, keys, log, metrics, process, recorder, registry
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.disk import Disk
from safetynet.edge.heads import Heads
from safetynet.edge.health import Lag, Report
from safetynet.edge.link import Behind, Link, LinkState
from safetynet.edge.policy import Policy, facts, footage_facts
from safetynet.edge.relay import words as relay
from safetynet.edge.relay.wire import Wire
from safetynet.edge.sources import ptz
from safetynet.edge.sources.ptz import Turner
from safetynet.edge.spool import Spool
from safetynet.edge.store import Store
from safetynet.edge.web import Feed

TICK_S: Final = 0.25
SHOW_QUIET_S: Final = 1.0
HOME: Final = {"city_operator": "/city", "city_head": "/city"}
"""Both answer requests; who answers at all is set by the head alone."""
LEASE_S: Final = 3
"""How often a live grant's lease is said again; it holds for grants.LEASE_MS_MAX."""


class City(windows.Host):
    """One smart city centre. Everything is called from one thread."""

    def __init__(self, folder: Path) -> None:
        centre = config.read(folder)
        self.folder, self.lag, self.refusals = folder, Lag(), Counter[tuple[str, ...]]()
        self.disk = Disk(folder, centre.disk)  # first: what stopped the last life may have been a full disk
        self.keys = keys.open_centre(folder)
        self.store = Store.open(
            folder / "log.db",
            centre=centre.id,
            keys=self.keys.persons,
            sign=self.keys.sign,
            salt=keys.salt,
            tombstones=Path(centre.erasures) if centre.erasures else None,
        )
        super().__init__(
            centre,
            Sessions(self.store.accounts()),
            video_port=centre.window_port,
            cut=lambda viewer, why: self.windows.tell(relay.CutViewer(viewer=viewer, why=why)),
        )
        found = registry.read(folder)
        self.ground = Ground(cameras.Registry.of(found), self.centre.area)
        self.descriptions = registry.read_descriptions(folder)
        self.sources = registry.read_sources(folder)
        self.policy = Policy()
        ground = self.ground
        self.loop: Loop[State, Given, Errand] = Loop(
            self.store,
            city.EMPTY,
            lambda state, given, at: city.decide(ground, state, given, at),
            city.evolve,
            self._react,
        )
        self._declare()
        self.excerpts = Excerpts(
            Spool(folder, self.store.person_keys), recorder.of(folder), lambda: self.loop.state, self._take_footage
        )
        self.excerpts.sweep()
        self.contexts = keys.server_context(folder), keys.client_context(folder)
        self.link = Link(
            self.centre,
            self.store,
            server=self.contexts[0],
            client=self.contexts[1],
            peer_keys=keys.read_peers(folder),
            deliver=self.deliver,
            refused=self.refused,
            changed=self.link_changed,
            heads=Heads(self.store, self.centre.id, self.keys.log_public, self.keys.sign_log),
            behind=self.behind,
            courier=self.excerpts.giver,
        )
        self.relay = Wire(folder / "relay.sock", self.relay_recorded)
        self.windows = Wire(folder / "windows.sock", self.windows_recorded)
        self._feed, self._screens = Feed(keys.fresh_id("E")), site.Screens(self._show_now)
        self._streams: dict[str, CentreId] = {}
        """Open pictures, and who gets each: a control centre or the city's own people."""
        self._shown: set[IncidentId] = set()
        self._ends: dict[GrantId, Instant] = {}
        """Of each live grant that was leased since the start, on the monotonic clock."""
        self._turner = Turner(ptz.read(folder))

    def _react(self, state: State, serial: int, event: AnyEvent) -> list[Errand]:
        if isinstance(event, GrantRefused):
            self.refusals[(event.why.value,)] += 1
        return city.react(self.ground, state, serial, event)

    def _declare(self) -> list[Errand]:
        """A log that was brought back says so, and ends what it held alive, before anything else."""
        said = declaration(self.store, clock.now())
        return [] if said is None else self.loop.take(said[0], said[0].at, inbox=said[1])

    def behind(self, found: Behind) -> None:
        """A partner has seen more of this log than it holds: it was rolled back under us."""
        begin_epoch(self.store, found)
        self._run(self._declare())

    # --- what comes in ---------------------------------------------------------------------------------------------

    def deliver(self, envelope: Envelope, message: AnyMessage) -> None:
        given = city.Heard(
            sender=envelope.origin, seq=envelope.seq, message=message, policy=self._asked(envelope, message)
        )
        key = InboxKey(envelope.origin, envelope.epoch, envelope.seq)
        self._run(self.loop.take(given, clock.now(), inbox=key))
        self._admit()
        self.show()

    def _asked(self, envelope: Envelope, message: AnyMessage) -> grants.PolicyAnswer | None:
        """The policy engine's answer to a request of a person; nothing else is put to it."""
        if isinstance(message, RequestFootage):
            return self._footage_policy(envelope.origin, message)
        if not isinstance(message, RequestVideo):
            return None
        held = self.loop.state.requests.get(message.request)
        return self._policy(envelope.origin, message, held.sender if held else envelope.origin)

    def _policy(self, sender: CentreId, asked: RequestVideo | Held, incident_sender: CentreId) -> grants.PolicyAnswer:
        peer = config.peer(self.centre, sender)
        assert peer is not None, "the link lets only partners in"
        return self.policy.ask(
            facts(
                city.asked_for(self.loop.state, sender, asked),
                law.limits(asked.basis, asked.kind),
                clock.now(),
                role=peer.role,
                incident_sender=incident_sender,
                mtls_verified=True,  # the link hands nothing on that came otherwise,
                signature_verified=True,  # or whose signature does not stand
            )
        )

    def _footage_policy(self, sender: CentreId, asked: RequestFootage | giving.Wanted) -> grants.PolicyAnswer:
        peer = config.peer(self.centre, sender)
        assert peer is not None, "the link lets only partners in"
        around = Around(self.ground.registry, self.loop.state.over)
        told = footage_facts(
            asked,
            around,
            clock.now(),
            sender=sender,
            role=peer.role,
            mtls_verified=True,
            signature_verified=True,
        )
        return self.policy.ask(told)

    def _take_footage(self, command: giving.Command) -> None:
        self._run(self.loop.take(command, clock.now()))
        self.show()

    def refused(self, sender: CentreId, seq: int, why: Why) -> None:
        self._run(self.loop.take(city.HeardBadly(sender=sender, seq=seq, why=why), clock.now()))

    def link_changed(self, peer: CentreId, state: LinkState) -> None:
        """What is owed waits in the outbox, what is granted ends by its time; a partner that is back confirms us."""
        log.say("link_up" if state.up else "link_down", log.Level.INFO if state.up else log.Level.WARN, partner=peer)
        if state.up:
            for held in self.loop.state.requests.values():
                if held.grant is not None and held.sender == peer:
                    self._lease(held.grant, held.cameras)
        self.show()

    def relay_recorded(self, recorded: relay.Recorded) -> None:
        for event in recorded.events:
            match event:
                case StreamOpened():
                    held = city.grant(self.loop.state, event.grant)
                    own = event.side == "own"
                    self._streams[event.stream] = self.centre.id if own or held is None else held.sender
                case StreamClosed():
                    self._streams.pop(event.stream, None)
                case _:
                    continue
        self._merge("relay", self.relay, recorded)
        self.show()

    def windows_recorded(self, recorded: relay.Recorded) -> None:
        """What the city's own people saw stands in the same log as what was provided, under a name of its own."""
        self._merge("windows", self.windows, recorded)

    def _merge(self, name: str, wire: Wire, recorded: relay.Recorded) -> None:
        given = city.RelayHeard(events=relay.unmerged(recorded, self.store.relay_mark(name)))
        self._run(self.loop.take(given, clock.now(), relay_mark=RelayMark(name, recorded.upto_row)))
        wire.tell(relay.Merged(upto_row=recorded.upto_row))

    # --- what goes out ---------------------------------------------------------------------------------------------

    def _run(self, errands: list[Errand]) -> None:
        for errand in errands:
            match errand:
                case city.LeaseGrant(grant, ids):
                    self._lease(grant, ids)
                case city.StopGrant(grant, why):
                    self.relay.tell(relay.EndGrant(grant=grant, why=why))
                case city.Preconnect(request, ids, until):
                    for_ms = max(0, until - clock.now())
                    self.relay.tell(relay.Preconnect(request=request, cameras=ids, for_ms=for_ms, urls=self._urls(ids)))
                case city.StopPreconnect(request):
                    self.relay.tell(relay.EndPreconnect(request=request))
                case city.LeaseOwn(grant, ids):
                    self._lease(grants.own(grant), ids)
                    self.windows.tell(relay.SetCameras(grant=grants.own(grant), cameras=ids))
                case city.CutOwn(grant, why):
                    self.relay.tell(relay.EndGrant(grant=grants.own(grant), why=why))
                    self.windows.tell(relay.CutGrant(grant=grants.own(grant), why=why))
                case city.MoveCamera(camera, turn, pan_deg):
                    self._turner.turn(camera, turn, pan_deg)
                case giving.CutFootage():
                    continue  # `Excerpts.run` looks at the state, so that a crash forgets nothing
                case giving.DropFootage(footage):
                    self.excerpts.drop(footage)
                case city.LetIn():
                    self.windows.tell(
                        relay.Admit(
                            token_sha256=errand.token_sha256,
                            viewer=errand.viewer,
                            incident=errand.incident,
                            grant=grants.own(errand.grant),
                            city=self.centre.id,
                            cameras=errand.cameras,
                            until_ms=errand.until,
                        )
                    )
                case _:
                    raise AssertionError(f"a message leaves by the outbox: {errand}")

    def _urls(self, ids: tuple[CameraId, ...]) -> dict[CameraId, str]:
        return {each: self.sources[each] for each in ids if each in self.sources}

    def _lease(self, grant: GrantId, ids: tuple[CameraId, ...]) -> None:
        held = city.grant(self.loop.state, grant)
        if held is None:
            return  # it ended in the same batch
        if self.loop.state.disk is not DiskLevel.AMPLE:
            return  # nothing is delivered that may soon not be recorded; the leases of before run out
        heard_at = self.link.heard_at(held.sender)
        if held.sender not in self.link.confirmed or heard_at is None:
            return  # since this start nobody has borne out that this state is the newest: it may be an old copy
        # An end that cannot arrive must not be waited for: a lease lasts from the last word of who was granted.
        # A grant ends by the wall clock, or when it would have ended had nobody set that clock back meanwhile.
        steady = clock.monotonic()
        ends = self._ends.setdefault(grant, Instant(steady + held.until - clock.now()))
        left_ms = min(held.until - clock.now(), ends - steady, heard_at + grants.LEASE_MS_MAX - steady)
        if left_ms <= 0:
            return
        lease = relay.SetLease(
            grant=grant,
            receiver=self.centre.id if grant == grants.own(grants.given(grant)) else held.sender,
            cameras=ids,
            lease_ms=left_ms,
            issued_ms=clock.monotonic(),
            urls=self._urls(ids),
        )
        signed = msgspec.structs.replace(lease, signature=self.keys.sign(relay.lease_part(lease)))
        self.relay.tell(signed)

    # --- the city's own people -------------------------------------------------------------------------------------

    def feed(self, session: Session) -> Feed:
        return self._feed

    def do(self, seat: windows.Seat, said: windows.Do) -> Why | str | None:
        if said.act == "watch" and said.incident is not None:
            if said.incident not in city_views.open_incidents(self.loop.state):
                return Why.NOT_LIVE
            seat.asked.add(said.incident)
            self._admit()
            return None
        if said.act == "admit" and said.grant is not None:
            if city.grant(self.loop.state, grants.given(said.grant)) is None:
                return Why.NO_SUCH_GRANT
            seat.admitted.discard(said.grant)  # a token serves once: whoever asks again has lost it
            self._admit()
            return None
        if said.footage is not None:
            return self._answer_footage(seat, said, said.footage)
        if said.act in ("calibrate", "uncalibrate"):
            return self._calibrate(seat, said)
        command = self._command(seat, said)
        if isinstance(command, str):
            return command
        at = clock.now()
        no = city.refuses(self.loop.state, command, at)
        if no is not None:
            return no
        self._run(self.loop.take(command, at))
        self._admit()
        self.show()
        return None

    def _answer_footage(self, seat: windows.Seat, said: windows.Do, footage: FootageId) -> Why | str | None:
        held = self.loop.state.footage.get(footage)
        command: giving.Command
        match said:
            case windows.Do(act="approve"):
                policy = self._footage_policy(held.sender, held) if held else None
                without = frozenset(said.without)
                command = giving.AllowFootage(footage=footage, by=seat.person, without=without, policy=policy)
            case windows.Do(act="refuse", why=why) if why:
                command = giving.DenyFootage(footage=footage, by=seat.person, why=why)
            case _:
                return "bad_command"
        no = giving.refuses(self.loop.state.footage, command, clock.now())
        if no is None:
            self._take_footage(command)
        return no

    def _calibrate(self, seat: windows.Seat, said: windows.Do) -> Why | str | None:
        """A person of the city says how a camera stands, or takes the last word back."""
        over = said.over.setting() if said.over else None
        wish: calibrations.Wish
        match said:
            case windows.Do(act="calibrate", camera=camera, because=reason) if camera and reason:
                if reason is CalibrationReason.UNDONE:
                    return Why.MALFORMED
                setting = said.setting.setting() if said.setting else None
                wish = calibrations.Set(camera=camera, setting=setting, over=over, by=seat.person, reason=reason)
            case windows.Do(act="uncalibrate", camera=camera) if camera:
                wish = calibrations.Undo(camera=camera, over=over, by=seat.person)
            case _:
                return "bad_command"
        at = clock.now()
        found = city.calibrates(self.ground, self.loop.state, wish, at)
        if isinstance(found, Why):
            return found
        self._run(self.loop.take(wish, at))
        self._admit()
        self.show()
        return None

    def _command(self, seat: windows.Seat, said: windows.Do) -> city.Command | str:
        """The command that was meant, or the word `bad_command` / `not_allowed_now`."""
        by = seat.person
        match said:
            case windows.Do(act="approve", request=request) if request:
                held = self.loop.state.requests.get(request)
                answer = self._policy(held.sender, held, held.sender) if held else None
                return city.Approve(request=request, by=by, without=frozenset(said.without), policy=answer)
            case windows.Do(act="refuse", request=request, why=why) if request and why:
                return city.Refuse(request=request, by=by, why=why)
            case windows.Do(act="stop", grant=grant, why=why) if grant and why:
                return city.StopProviding(grant=grant, by=by, why=why)
            case windows.Do(act="review", grant=grant) if grant:
                return city.Review(grant=grant, by=by)
            case windows.Do(act="set_approval", basis=basis, approval=approval) if basis and approval:
                head = seat.session.account.role == "city_head"
                return city.SetApproval(basis=basis, approval=approval, by=by) if head else Why.NOT_ALLOWED_NOW.value
            case windows.Do(act="mark", grant=grant, camera=camera, sight=sight) if grant and camera and sight:
                return city.MarkSighting(
                    grant=grant, camera=camera, by=by, sight=sight, heading=said.heading, travel=said.travel
                )
            case windows.Do(act="turn", grant=grant, camera=camera, turn=turn) if grant and camera and turn:
                listed = self.ground.registry.camera(camera)
                can_turn = listed is not None and listed.ptz
                return city.TurnCamera(
                    grant=grant, camera=camera, by=by, turn=turn, can_turn=can_turn, preset=said.preset
                )
            case _:
                return "bad_command"

    def _admit(self) -> None:
        """Each window that asked to watch is let in to each grant of its incident, once, by a token of its own."""
        for seat in self.seats:
            if not self.signed_in(seat.session):
                continue
            for held in tuple(self.loop.state.requests.values()):
                if held.grant is None or held.incident not in seat.asked or grants.own(held.grant) in seat.admitted:
                    continue
                at = clock.now()
                wish = city.AdmitOwn(grant=held.grant, viewer=seat.viewer, by=seat.person, token_sha256=b"")
                if city.refuses(self.loop.state, wish, at) is None:
                    digest = seat.admit(grants.own(held.grant))
                    self.let_in(seat, held.until)
                    self._run(self.loop.take(replace(wish, token_sha256=digest), at))

    # --- screens ---------------------------------------------------------------------------------------------------

    def show(self) -> None:
        if self.centre.web_port is not None:
            self._screens.show()

    def _show_now(self) -> None:
        at, state = clock.now(), self.loop.state
        open_streams = list(self._streams.values())
        seen = Looked(
            at=at,
            centre=self.centre.id,
            centre_name=self.centre.name,
            names={each.person: each.name for each in self.sessions.people()},
            centres={each.id: each.name for each in self.centre.peers},
            links=links_of(self.centre, self.link.states, open_streams),
            streams_given=sum(each != self.centre.id for each in open_streams),
            streams_own=open_streams.count(self.centre.id),
            ledger_size=self.store.head(),
        )
        view = city_views.people(self.ground, state, seen)
        self._feed.show({**view, "footage": excerpts.rows(self.ground, state, seen)}, at)
        shown = set(city_views.open_incidents(state))
        if self._shown - shown:
            self._feed.forget()  # where a person was is told to nobody after the end, also not to a page that was away
        self._shown = shown

    def fail(self, fault: Exception) -> None:
        """A request met a mistake of ours, or a disk that refused: the program ends as if its loop had."""
        if not self._failed.done():
            self._failed.set_exception(fault)

    # --- running ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled. Any part that fails ends the program: it starts again from its log."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._until_failed())
            if self.centre.web_port is not None:
                self._screens.show_now()  # before anybody looks: an empty screen would read as calm
                tasks.create_task(site.serve(application(self), self.centre, "city"))
            if self.centre.window_port is not None:
                tasks.create_task(self.windows.run(self._greet_windows))
            tasks.create_task(self.link.serve())
            tasks.create_task(self.relay.run(self._greet))
            tasks.create_task(self._tick())
            tasks.create_task(self.excerpts.run())
            tasks.create_task(self._renew())
            tasks.create_task(self.lag.watch())
            tasks.create_task(keys.follow(self.folder, *self.contexts))
            if (port := self.centre.health_port) is not None:
                tasks.create_task(health.serve("city", self.centre.host, port, self.centre.health_from, self.report))

    def report(self) -> Report:
        """What those who watch machines may know: nothing of a person, an incident or a camera."""
        wrong, roads = figures.links(self.centre, self.link, self.store)
        wrong += figures.troubles(self.lag, self.disk, self.folder, relay_up=self.relay.up)
        held = self.loop.state.requests.values()
        live = sum(each.grant is not None for each in held)
        return Report(
            tuple(sorted(wrong)),
            (
                *figures.machine(self.lag, self.disk, self.folder),
                *figures.log(self.store, self.loop.recorded),
                *roads,
                metrics.gauge("grants_live", "Grants that this city provides now.", live),
                metrics.gauge("requests_prepared", "Prepared, and not asked for by a person.", len(held) - live),
                metrics.counters("requests_refused_total", "Refused since the start.", ("reason",), self.refusals),
                metrics.gauge("cameras", "In the registry.", len(self.ground.registry)),
                metrics.gauge("relay_up", "1 when the relay is there.", self.relay.up),
            ),
        )

    async def _until_failed(self) -> None:
        await self._failed

    def _greet(self) -> None:
        """The relay is there (again): it is told what holds."""
        self._run(city.resume(self.loop.state))

    def _greet_windows(self) -> None:
        """A start of this program signs everybody out: nobody is held to whom a picture may still be shown."""
        self._run([each for each in city.resume(self.loop.state) if isinstance(each, city.LeaseOwn | city.CutOwn)])
        viewers = {viewer for held in self.loop.state.requests.values() for viewer in held.viewers}
        for viewer in sorted(viewers - self.admitted.keys()):
            self.windows.tell(relay.CutViewer(viewer=viewer, why=Why.SIGNED_OUT))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            head = self.store.head()
            self.cut_signed_out()
            changed = looked(self.disk, self.loop.state.disk, clock.now())
            if changed is not None:
                self._run(self.loop.take(changed, changed.at))
            self._run(self.loop.take(city.Tick(), clock.now()))
            if self.store.head() != head or self._screens.quiet_s() >= SHOW_QUIET_S:
                self.show()

    async def _renew(self) -> None:
        """A lease is the only thing that keeps a stream alive: without this word it ends by itself."""
        while True:
            await asyncio.sleep(LEASE_S)
            self._ends = {
                grant: at for grant, at in self._ends.items() if city.grant(self.loop.state, grant) is not None
            }
            for held in self.loop.state.requests.values():
                if held.grant is not None:
                    self._lease(held.grant, held.cameras)
                    if held.viewers:
                        self._lease(grants.own(held.grant), held.cameras)


class _Pages(site.Site):
    def __init__(self, program: City) -> None:
        self._city_program = program
        super().__init__(program, door=site.loopback(program.centre, program.centre.window_port), home=HOME)

    def routes(self) -> list[Route | WebSocketRoute]:
        return [
            Route("/city", self._city),
            Route("/cameras", self._cameras),
            Route("/cameras/{camera}", self._camera),
            *super().routes(),
        ]

    @surface.says(
        "The city's cameras by id or name",
        query=(surface.Query(name="find", schema={"type": "string", "maxLength": surveys.FIND_CHARS_MAX}),),
        gives={200: surface.JSON},
        signed_in=True,
    )
    async def _cameras(self, request: Request) -> Response:
        """The city's own cameras by id or name; without a word those first of which nobody knows where they look."""
        if self._whose(request) is None:
            return self._problem(401, "sign_in")
        asked = request.query_params.get("find", "")[: surveys.FIND_CHARS_MAX]
        found = surveys.find(self._city_program.ground, self._city_program.loop.state, asked)
        return JSONResponse(found, headers={**self._files.headers, "cache-control": "no-store"})

    @surface.says("How one camera stands", gives={200: surface.JSON}, problems=(404,), signed_in=True)
    async def _camera(self, request: Request) -> Response:
        if self._whose(request) is None:
            return self._problem(401, "sign_in")
        program, id = self._city_program, CameraId(request.path_params["camera"])
        names = {each.person: each.name for each in program.sessions.people()}
        found = surveys.calibrated(program.ground, program.loop.state, id, names, program.descriptions)
        if found is None:
            return self._problem(404, "no_camera")
        return JSONResponse(found, headers={**self._files.headers, "cache-control": "no-store"})

    @surface.says("The page of the city's own people", gives={200: surface.HTML, 307: None})
    async def _city(self, request: Request) -> Response:
        return self._page(request, "city.html", "/city")


def site_of(program: City) -> site.Site:
    return _Pages(program)


def application(program: City) -> ASGIApp:
    pages = Starlette(routes=site_of(program).routes())

    async def serve(scope: Scope, receive: Receive, send: Answer) -> None:
        try:
            await pages(scope, receive, send)
        except Exception as fault:
            program.fail(fault)  # the server would log it and go on
            raise

    return serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="safetynet city", description="A smart city centre.")
    parser.add_argument("--dir", type=Path, required=True, help="the centre's folder with centre.json and cameras.json")
    folder: Path = parser.parse_args().dir
    return process.run(lambda: _main(folder), "city")


async def _main(folder: Path) -> None:
    centre = City(folder)
    if centre.centre.web_port is None:
        process.ready("city")
    await centre.run()
