"""A smart city centre's program: its loop, its policy, its word to its relay.

Wiring only. Whether to provide is decided in `core.city` after the policy engine was asked; the relay delivers what a
signed lease names, and this program says it again every few seconds or the relay stops by itself.
"""

import argparse
import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from safetynet.app import figures
from safetynet.app.loop import InboxKey, Loop, RelayMark, begin_epoch, declaration, looked
from safetynet.core import cameras, city, grants, law
from safetynet.core.city import Errand, Given, Ground, State
from safetynet.core.events import AnyEvent, GrantRefused
from safetynet.core.messages import AnyMessage, Envelope, RequestVideo
from safetynet.core.terms import CameraId, CentreId, DiskLevel, GrantId, Why
from safetynet.edge import clock, config, health, keys, log, metrics, process, registry
from safetynet.edge.disk import Disk
from safetynet.edge.heads import Heads
from safetynet.edge.health import Lag, Report
from safetynet.edge.link import Behind, Link, LinkState
from safetynet.edge.policy import Policy, facts
from safetynet.edge.relay import words as relay
from safetynet.edge.relay.wire import Wire
from safetynet.edge.store import Store

TICK_S: Final = 0.25
LEASE_S: Final = 3
"""How often a live grant's lease is said again; it holds for grants.LEASE_MS_MAX."""


class City:
    """One smart city centre. Everything is called from one thread."""

    def __init__(self, folder: Path) -> None:
        self.centre = config.read(folder)
        self.folder, self.lag, self.refusals = folder, Lag(), Counter[tuple[str, ...]]()
        self.disk = Disk(folder, self.centre.disk)  # first: what stopped the last life may have been a full disk
        self.keys = keys.open_centre(folder)
        self.store = Store.open(
            folder / "log.db",
            centre=self.centre.id,
            keys=self.keys.persons,
            sign=self.keys.sign,
            salt=keys.salt,
            tombstones=Path(self.centre.erasures) if self.centre.erasures else None,
        )
        found = registry.read(folder)
        self.ground = Ground(cameras.Registry.of(found), self.centre.area)
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
        )
        self.relay = Wire(folder / "relay.sock", self.relay_recorded)

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

    def _asked(self, envelope: Envelope, message: AnyMessage) -> grants.PolicyAnswer | None:
        """The policy engine's answer to a request of a person; nothing else is put to it."""
        if not isinstance(message, RequestVideo):
            return None
        wanted = city.asked_for(self.loop.state, envelope.origin, message)
        held = self.loop.state.requests.get(message.request)
        peer = config.peer(self.centre, envelope.origin)
        assert peer is not None, "the link lets only partners in"
        return self.policy.ask(
            facts(
                wanted,
                law.limits(message.basis, message.kind),
                clock.now(),
                role=peer.role,
                incident_sender=held.sender if held else envelope.origin,
                mtls_verified=True,  # the link hands nothing on that came otherwise,
                signature_verified=True,  # or whose signature does not stand
            )
        )

    def refused(self, sender: CentreId, seq: int, why: Why) -> None:
        self._run(self.loop.take(city.HeardBadly(sender=sender, seq=seq, why=why), clock.now()))

    def link_changed(self, peer: CentreId, state: LinkState) -> None:
        """What is owed waits in the outbox, what is granted ends by its time; a partner that is back confirms us."""
        log.say("link_up" if state.up else "link_down", log.Level.INFO if state.up else log.Level.WARN, partner=peer)
        if state.up:
            for held in self.loop.state.requests.values():
                if held.grant is not None and held.sender == peer:
                    self._lease(held.grant, held.cameras)

    def relay_recorded(self, recorded: relay.Recorded) -> None:
        given = city.RelayHeard(events=relay.unmerged(recorded, self.store.relay_mark("relay")))
        self._run(self.loop.take(given, clock.now(), relay_mark=RelayMark("relay", recorded.upto_row)))
        self.relay.tell(relay.Merged(upto_row=recorded.upto_row))

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
        if held.sender not in self.link.confirmed:
            return  # since this start nobody has borne out that this state is the newest: it may be an old copy
        left_ms = held.until - clock.now()
        if left_ms <= 0:
            return
        lease = relay.SetLease(
            grant=grant,
            receiver=held.sender,
            cameras=ids,
            lease_ms=min(left_ms, grants.LEASE_MS_MAX),
            issued_ms=clock.monotonic(),
            urls=self._urls(ids),
        )
        signed = msgspec.structs.replace(lease, signature=self.keys.sign(relay.lease_part(lease)))
        self.relay.tell(signed)

    # --- running ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled. Any part that fails ends the program: it starts again from its log."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.serve())
            tasks.create_task(self.relay.run(self._greet))
            tasks.create_task(self._tick())
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

    def _greet(self) -> None:
        """The relay is there (again): it is told what holds."""
        self._run(city.resume(self.loop.state))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            changed = looked(self.disk, self.loop.state.disk, clock.now())
            if changed is not None:
                self._run(self.loop.take(changed, changed.at))
            self._run(self.loop.take(city.Tick(), clock.now()))

    async def _renew(self) -> None:
        """A lease is the only thing that keeps a stream alive: without this word it ends by itself."""
        while True:
            await asyncio.sleep(LEASE_S)
            for held in self.loop.state.requests.values():
                if held.grant is not None:
                    self._lease(held.grant, held.cameras)


def main() -> int:
    parser = argparse.ArgumentParser(prog="safetynet city", description="A smart city centre.")
    parser.add_argument("--dir", type=Path, required=True, help="the centre's folder with centre.json and cameras.json")
    folder: Path = parser.parse_args().dir
    return process.run(lambda: _main(folder), "city")


async def _main(folder: Path) -> None:
    centre = City(folder)
    process.ready("city")
    await centre.run()
