"""The control centre's program: one process, one loop, the hot path from a device to every screen.

Wiring only. What a fix means is decided in `rules`, what happens in `core.control`; here they are fed, their events
are made durable by `app.loop`, and only then anything leaves: to partners, to the relay, to the windows.
"""

import argparse
import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import msgspec

from safetynet.app import field, figures, loads, protected, shifts, site, views, windows
from safetynet.app.administration import Office
from safetynet.app.archive import Archive
from safetynet.app.bells import Bells
from safetynet.app.cards import LinkView, links_of
from safetynet.app.devices import Doors
from safetynet.app.footage import Files
from safetynet.app.judge import Judge
from safetynet.app.loads import Loads
from safetynet.app.loop import InboxKey, Loop, RelayMark, begin_epoch, declaration, looked
from safetynet.app.pages import application, phones
from safetynet.app.people import OFFICER, OPERATORS, PROTECTED, People, before_the_log, units
from safetynet.app.views import Looked, Numbers, UnitView
from safetynet.core import incidents, rules
from safetynet.core.control import annunciator, mind, words
from safetynet.core.control import state as minds
from safetynet.core.control.state import State
from safetynet.core.dispatch import Unit
from safetynet.core.events import (
    AlarmJoined,
    AlarmRaised,
    AnyEvent,
    IncidentOpened,
    StreamClosed,
    StreamOpened,
)
from safetynet.core.events.by_administrator import Administered
from safetynet.core.fixes import Fix, Mark
from safetynet.core.footage import asking
from safetynet.core.jurisdictions import competent
from safetynet.core.messages import AnyMessage, Envelope, Role
from safetynet.core.terms import (
    MINUTE_MS,
    ActionId,
    CentreId,
    FixId,
    IncidentId,
    Instant,
    PersonId,
    ProtectedId,
    UnitId,
    Why,
)
from safetynet.core.verdicts import Transition
from safetynet.edge import clock, config, health, jurisdictions, keys, log, metrics, process
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.config import Centre
from safetynet.edge.disk import Disk
from safetynet.edge.heads import Heads
from safetynet.edge.health import Lag, Report
from safetynet.edge.intake import Intake, numbered
from safetynet.edge.journal import Journal
from safetynet.edge.link import Behind, Link, LinkState
from safetynet.edge.relay import words as relay
from safetynet.edge.relay.wire import Wire
from safetynet.edge.store import Store
from safetynet.edge.web import Feed

TICK_S: Final = 0.25
SHOW_QUIET_S: Final = 1.0
"""Counts and ages of the calm screen need no more than this."""
COUNTED_AGAIN_MS: Final = 1_000
"""How often all wearers are counted."""
REPORTING_MS: Final = 3 * MINUTE_MS
COUNTED_MS: Final = 10_000
DISTRICTS_MAX: Final = 4_096
"""Places whose district is kept in mind for the screens."""
JOURNAL: Final = "journal"
"""Name of the mark that says up to which fix the verdicts are in the log."""


class Control(windows.Host):
    """One control centre. Everything is called from one thread; nothing here awaits between reading and committing."""

    def __init__(self, folder: Path) -> None:
        self.folder, centre = folder, config.read(folder)
        self.lag, self.alarmed, self.loads = Lag(), Counter[tuple[str, ...]](), Loads(self)
        self._news: dict[IncidentId, None] = {}
        self.disk = Disk(folder, centre.disk)  # first: what stopped the last life may have been a full disk
        self.own = own = keys.open_centre(folder)
        self.store = Store.open(
            folder / "log.db",
            centre=centre.id,
            keys=own.persons,
            sign=own.sign,
            salt=keys.salt,
            tombstones=Path(centre.erasures) if centre.erasures else None,
        )
        self.people = People(self.store, folder)
        self._table = jurisdictions.read(folder)
        self._district = lru_cache(DISTRICTS_MAX)(partial(competent, self._table))
        country = replace(_country(centre, own.pseudonym), table=self._table)
        self.loop: Loop[State, words.Given, words.Errand] = Loop(
            self.store,
            replace(minds.EMPTY, register=before_the_log(self.store, self.people)),
            lambda state, given, at: mind.decide(country, state, given, at),
            minds.evolve,
            self._react,
        )
        self.office = Office(self)
        super().__init__(
            centre,
            Sessions(self.office.accounts(), folder / "sessions.json", self.store),
            video_port=centre.video_port,
            cut=lambda viewer, why: self._run([words.CutViewer(viewer, why)]),
        )
        self.units = {each.unit: each for each in units(folder)}
        self._positions = {
            each.unit: Unit(
                unit=each.unit,
                kind=each.kind,
                lat=each.lat,
                lon=each.lon,
                seen_at=clock.now(),
                speed_mps=each.speed_mps,
                office=each.office,
            )
            for each in self.units.values()
        }
        self._declare()
        self._arrivals: deque[tuple[Instant, int]] = deque()
        self._reporting = (-COUNTED_AGAIN_MS, 0)
        self.journal = Journal(folder / "journal", self.store.person_keys)
        self.judge = Judge(folder, self.journal, self.people, self.store.person_keys)
        self._rejudge()
        self.bells = Bells(self.people.orders, clock.now())
        self.intake = Intake(self.journal, self.office.devices.get, self.on_fixes)
        self.doors = Doors(folder, self.centre, self.intake, self.office.devices)
        self.archive, self.files = Archive(self.store, self.journal, self.people), Files(self, folder)
        epoch = keys.fresh_id("E")
        self._operators, self._supervisors = Feed(epoch), Feed(epoch)
        self._nobody = Feed(epoch)
        """For an account that is neither an operator's nor a unit's: it sees nothing."""
        self._officers: dict[UnitId, Feed] = {each: Feed(epoch) for each in self.units}
        self._phones: dict[ProtectedId, Feed] = {each: Feed(epoch) for each in self.people.protected}
        self._screens = site.Screens(self._show_now)
        self._streams: dict[str, CentreId] = {}
        self._cameras = _camera_count(folder)
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
            heads=Heads(self.store, self.centre.id, own.log_public, own.sign_log),
            behind=self.behind,
            courier=self.files.fetcher,
        )
        self.relay = Wire(folder / "relay.sock", self.relay_recorded)
        self._shift = shifts.Watch(self)

    def _react(self, state: State, serial: int, event: AnyEvent) -> list[words.Errand]:
        self.loads.note(event)
        if isinstance(event, AlarmRaised):
            self.alarmed[event.kind.value, str(int(event.priority)), event.certainty.value] += 1
        elif isinstance(event, IncidentOpened | AlarmJoined):
            self._news[event.incident] = None
        return minds.react(state, serial, event)

    def _declare(self) -> list[words.Errand]:
        """A log that was brought back says so, and ends what it held alive, before anything else."""
        said = declaration(self.store, clock.now())
        return [] if said is None else self.loop.take(said[0], said[0].at, inbox=said[1])

    # --- fixes -----------------------------------------------------------------------------------------------------

    @property
    def judged_through(self) -> FixId:
        return self.judge.through

    def _rejudge(self) -> None:
        """Verdicts that the log lacks (a crash between the two) are decided now."""
        decided = FixId(self.store.relay_mark(JOURNAL))
        register, head = self.loop.state.register, self.store.head()
        self.judge.begin(register, self._told(), head, decided, self._decide_verdicts)
        self._news.clear()  # nobody looks yet

    def _told(self) -> Iterator[tuple[int, AnyEvent]]:
        for serial, event in self.store.events():
            self.loads.note(event)
            if isinstance(event, Administered):
                self.office.note(serial, event)
            yield serial, event

    def on_fixes(self, batch: list[Fix]) -> None:
        """A batch that the journal holds. Called by the intake after the fsync."""
        transitions = self.judge.judge_batch(batch)
        self._arrivals.append((clock.monotonic(), sum(not (fix.marks and fix.marks & Mark.BELL) for fix in batch)))
        concerned = bool(self.loop.state.open) and any(self._in_an_incident(fix) for fix in batch)
        if transitions or concerned:
            self._run(self._decide_verdicts(transitions, batch))
        self._show_news()
        if transitions or concerned or any(fix.protected for fix in batch):
            self._screens.soon()

    def _in_an_incident(self, fix: Fix) -> bool:
        whose = self.judge.state.guarded[ProtectedId(fix.wearer)].wearers if fix.protected else (fix.wearer,)
        return any(each in self.loop.state.open for each in whose)

    def _decide_verdicts(self, transitions: tuple[Transition, ...], batch: list[Fix]) -> list[words.Errand]:
        opened, tracks, footing = self.loop.state.open, self.judge.tracks, self.people.footing
        told = {each.wearer for each in transitions}
        newest = {
            fix.wearer: fix
            for fix in batch
            if (fix.wearer in opened or fix.wearer in told) and not fix.protected and not fix.marks & Mark.BELL
        }
        wearers = told | newest.keys()
        given = words.Judged(
            transitions=transitions,
            fixes=tuple(newest.values()),
            footing={each: footing(each) for each in wearers if each in self.people.orders},
            last={each: tracks[each][-1] for each in wearers if tracks.get(each)},
            protected=protected.places(self.judge.state, transitions),
            network=self.loads.networks(wearers, self.office.devices),
            apart=protected.distances(self.judge.state, self.people.orders, self.loop.state.open, batch),
        )
        mark = RelayMark(JOURNAL, batch[-1].id)
        return self.loop.take(given, clock.now(), relay_mark=mark, mark_alone=bool(transitions))

    def _ring(self, at: Instant) -> None:
        """Strikes for those from whom nothing was heard in time: journalled and judged like any message."""
        struck = self.bells.due(self.people.orders, self.judge.state, at)
        if struck:
            self._journalled(struck)

    def _journalled(self, batch: list[Fix]) -> None:
        self.on_fixes(numbered(batch, self.journal.append(batch)))

    def on_unit(self, fix: Fix) -> None:
        """A unit's own phone said where it is."""
        unit = UnitId(fix.wearer)
        if fix.lat is not None and fix.lon is not None:
            self._positions[unit] = replace(self._positions[unit], lat=fix.lat, lon=fix.lon, seen_at=fix.received_at)

    # --- partners and the relay ------------------------------------------------------------------------------------

    def deliver(self, envelope: Envelope, message: AnyMessage) -> None:
        key = InboxKey(envelope.origin, envelope.epoch, envelope.seq)
        heard = words.Heard(sender=envelope.origin, seq=envelope.seq, message=message)
        self._run(self.loop.take(heard, clock.now(), inbox=key))
        self._admit()
        self.show()

    def refused(self, sender: CentreId, seq: int, why: Why) -> None:
        self._run(self.loop.take(words.HeardBadly(sender=sender, seq=seq, why=why), clock.now()))

    def behind(self, found: Behind) -> None:
        """A partner has seen more of this log than it holds: it was rolled back under us."""
        begin_epoch(self.store, found)
        self.sessions.forget()  # who signed out since stands as signed in in an old copy
        self.cut_signed_out()
        self._run(self._declare())
        self.show()

    def link_changed(self, peer: CentreId, state: LinkState) -> None:
        log.say("link_up" if state.up else "link_down", log.Level.INFO if state.up else log.Level.WARN, partner=peer)
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
                case words.AskDevice(wearer):
                    self.doors.locate(wearer)
                case asking.DropFootage(footage):
                    self.files.drop(footage)
                case _:
                    raise AssertionError(f"a message leaves by the outbox: {errand}")

    # --- windows ---------------------------------------------------------------------------------------------------

    def feed(self, session: Session) -> Feed:
        if session.account.role == shifts.SUPERVISOR:
            self._show_now(supervised=True)  # nobody may have looked for a while
            return self._supervisors
        if session.account.role in OPERATORS:
            return self._operators
        if session.account.role == PROTECTED:
            who = self.people.protected_of(session.account.person)
            return self._phones[who] if who else self._nobody
        unit = self._unit_of(session)
        return self._officers[unit] if unit else self._nobody

    def _unit_of(self, session: Session) -> UnitId | None:
        if session.account.role != OFFICER:
            return None  # whoever became something else has no unit any more
        person = session.account.person
        return next((each.unit for each in self.units.values() if each.person == person), None)

    def do(self, seat: windows.Seat, said: windows.Do) -> Why | str | None:
        if said.act == "sos" and seat.session.account.role == PROTECTED:
            who = self.people.protected_of(seat.person)
            if who is None:
                return Why.NOT_ALLOWED_NOW
            self._journalled([protected.call(who, clock.now())])
            return None
        command = self._command(seat, said)
        if isinstance(command, str):
            return command
        at = clock.now()
        no = mind.refuses(self.loop.state, command, at)
        if no is None and isinstance(command, words.Locate):
            heard = self.loop.state.incidents[command.incident].wearer in self.doors.hearing()
            no = None if heard else Why.DEVICE_DEAF
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
            moved = shifts.moved(self.loop.state, command)
            errands = self.loop.take(command, at)
            self._run(errands)
            if isinstance(command, words.Close):
                self._ended(command.incident)
            for each in moved:
                self._put_out(each)
        self._admit()
        self.show()
        if isinstance(command, words.AskVideo):
            return self.loop.state.incidents[command.incident].refused_here
        return None

    def _put_out(self, incident: IncidentId) -> None:
        """Another person leads: no window of before is let in again before its person asks."""
        held = self.loop.state.incidents[incident]
        for seat in self.seats:
            seat.asked.discard(incident)
            seat.admitted -= {each.grant for each in held.requests.values() if each.grant}

    def _command(self, seat: windows.Seat, said: windows.Do) -> words.Command | str:
        """The command that was meant, or the word `bad_command` / `not_allowed_now`."""
        by, role = seat.person, seat.session.account.role
        if role == PROTECTED:
            who = self.people.protected_of(by)
            if said.act == "answer" and said.incident and said.answer and who:
                return words.AnswerWarning(incident=said.incident, protected=who, answer=said.answer)
            return Why.NOT_ALLOWED_NOW.value
        if role not in OPERATORS:
            unit = self._unit_of(seat.session)
            return field.command(seat, self.units[unit] if unit else None, said)
        if said.act == "ack" and said.alarm is not None:
            return words.Acknowledge(alarm=said.alarm, by=by)
        if said.act == "admit" and said.grant is not None:
            incident = self.loop.state.given.get(said.grant, IncidentId(""))
            return words.AdmitViewer(incident=incident, grant=said.grant, viewer=seat.viewer, by=by, token_sha256=b"")
        if said.to is None or self._may_lead(said.to):
            shift = shifts.command(seat, said, self._shift)
            if shift is not None:
                return shift.value if isinstance(shift, Why) else shift
        if (held := loads.command(seat, said, self.people)) is not None:
            return held
        return "bad_command" if said.incident is None else self._about(said.incident, by, said)

    def _about(self, incident: IncidentId, by: PersonId, said: windows.Do) -> words.Command | str:
        match said:
            case windows.Do(act="claim"):
                return words.Claim(incident=incident, by=by)
            case windows.Do(act="take_over"):
                return words.TakeOver(incident=incident, by=by, held_by=said.held_by)
            case windows.Do(act="hand_over", to=to) if to and self._may_lead(to):
                return words.HandOver(incident=incident, by=by, to=to)
            case windows.Do(act="call", outcome=outcome) if outcome:
                return words.CallWearer(incident=incident, by=by, outcome=outcome)
            case windows.Do(act="locate"):
                return words.Locate(incident=incident, by=by)
            case windows.Do(act="video"):
                held = self.loop.state.incidents.get(incident)
                footing = self.people.footing(held.wearer) if held and held.wearer in self.people.orders else None
                return words.AskVideo(incident=incident, by=by, footing=footing)
            case windows.Do(act="office", unit=unit) if unit is None or unit in self.units:
                return words.SendOffice(incident=incident, by=by, unit=unit, units=tuple(self._positions.values()))
            case windows.Do(act="backup"):
                return words.AnswerBackup(incident=incident, by=by)
            case windows.Do(act="tell", text=text) if text:
                return words.TellField(incident=incident, by=by, text=text)
            case windows.Do(act="police"):
                return words.TellPolice(incident=incident, by=by)
            case windows.Do(act="mark", city=city, camera=camera, sight=sight) if city and camera and sight:
                return words.MarkSighting(
                    incident=incident,
                    city=city,
                    camera=camera,
                    by=by,
                    sight=sight,
                    heading=said.heading,
                    travel=said.travel,
                )
            case windows.Do(act="close", code=code) if code:
                return words.Close(incident=incident, by=by, code=code, fix_through=self.judged_through)
            case _:
                return "bad_command"

    def keep_photo(self, session: Session, one: field.Taken) -> Why | str | None:
        unit = self._unit_of(session)
        row = self.units[unit] if unit else None
        kept = field.keep(self.loop, self.store, row, session.account.person, one, clock.now())
        if isinstance(kept, list):
            self._run(kept)
            self.show()
            return None
        return kept

    def take_footage(self, command: asking.Command) -> None:
        """On disk, and what follows of it done, when this returns."""
        self._run(self.loop.take(command, clock.now()))

    def photo(self, incident: IncidentId, action: ActionId) -> bytes | None:
        return field.photo(self.store, self.loop.state, incident, action)

    def _may_lead(self, person: PersonId) -> bool:
        account = self.sessions.person(person)
        return account is not None and account.role in OPERATORS

    def _admit(self) -> None:
        """Each window that asked is let in to each live grant of its incident, once, by a token of its own."""
        for seat in self.seats:
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
        self.let_in(seat, until)
        self._run(self.loop.take(replace(wish, token_sha256=digest), at))

    def _ended(self, incident: IncidentId) -> None:
        """The rules learn that a person ended these episodes: what comes now is new."""
        held = self.loop.state.incidents[incident]
        for alarm in held.alarms:
            self.judge.end(held.wearer, self.loop.state.alarms[alarm].episode)

    # --- screens ---------------------------------------------------------------------------------------------------

    def show(self) -> None:
        self._screens.show()

    def _show_news(self) -> None:
        """New alarms, at once and alone: they do not wait for all that stands beside them on the screens."""
        if not self._news:
            return
        state, seen = self.loop.state, self._looked()
        some = [state.incidents[each] for each in self._news]
        view = field.added(protected.added(views.some(state, some, seen), state, seen), state, seen)
        for each in (self._operators, self._supervisors):
            each.add(view, seen.at)
        self._news.clear()

    def _show_now(self, *, supervised: bool = False) -> None:
        seen = self._looked()
        state = self.loop.state
        view = field.added(protected.added(views.operators(state, seen), state, seen), state, seen)
        view |= self._shift.view(state, seen) | self.loads.view(state, seen)
        self._operators.show(view, seen.at)
        if supervised or any(each.session.account.role == shifts.SUPERVISOR for each in self.seats):
            more = self._shift.supervised(state, seen) | self.loads.supervised(state, seen)
            self._supervisors.show({**view, **more}, seen.at)
        for unit, feed in self._officers.items():
            own = views.officer(state, unit, seen)
            feed.show(field.phone(own, view, state, self.units[unit], seen, self._numbers()), seen.at)
        for who, feed in self._phones.items():
            feed.show(protected.phone(state, who, seen), seen.at)

    def _numbers(self) -> dict[PersonId, str]:
        known = self.centre.seat_phones
        return {each.person: known[each.seat] for each in self.sessions.people() if each.seat in known}

    def _looked(self) -> Looked:
        at, now = clock.now(), clock.monotonic()
        while self._arrivals and self._arrivals[0][0] < now - COUNTED_MS:
            self._arrivals.popleft()
        if now - self._reporting[0] >= COUNTED_AGAIN_MS:
            heard = (at - each[-1].received_at < REPORTING_MS for each in self.judge.tracks.values())
            self._reporting = now, sum(heard)
        return Looked(
            at=at,
            people=self.people,
            names=self.office.names(),
            centres={each.id: each.name for each in self.centre.peers},
            tracks=self.judge.tracks,
            units=tuple(UnitView(unit=self._positions[each.unit], name=each.name) for each in self.units.values()),
            links=self.links(),
            district=self._district if len(self._table.areas) else None,
            offices={each.id: each.name for each in self._table.offices},
            numbers=Numbers(
                wearers=len(self.people),
                reporting=self._reporting[1],
                cameras=self._cameras,
                last_fix_at=self.judge.last_fix_at,
                fixes_per_s=round(sum(count for _, count in self._arrivals) * 1000 / COUNTED_MS, 1),
                pictures_open=len(self._streams),
                ledger_size=self.store.head(),
            ),
            rules=self.judge.state,
            shared_zone=self.people.editions.zone,
            hearing=self.doors.hearing(),
        )

    def links(self) -> tuple[LinkView, ...]:
        return links_of(self.centre, self.link.states, list(self._streams.values()))

    # --- running ---------------------------------------------------------------------------------------------------

    def fail(self, fault: Exception) -> None:
        """A request met a mistake of ours, or a disk that refused: the program ends as if its loop had."""
        if not self._failed.done():
            self._failed.set_exception(fault)

    async def run(self, *beside: Callable[[], Coroutine[None, None, None]]) -> None:
        """Until cancelled. Any part that fails ends the program: it starts again from its log."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._screens.show_now()  # before anybody looks: an empty screen would read as calm
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._until_failed())
            tasks.create_task(self.link.serve())
            for peer in self.centre.peers:
                tasks.create_task(self.link.dial(peer))
            tasks.create_task(self.relay.run(self._greet))
            tasks.create_task(self._tick())
            tasks.create_task(self.files.fetcher.run())
            tasks.create_task(self._web())
            if (door := self.centre.phones) is not None:
                tasks.create_task(site.serve_phones(phones(self, door), self.folder, door))
            tasks.create_task(self.doors.run())
            tasks.create_task(self.judge.keep_now_and_then(self.store.head, lambda: self.loop.state.open))
            for each in beside:
                tasks.create_task(each())
            tasks.create_task(self.lag.watch())
            tasks.create_task(keys.follow(self.folder, *self.contexts))
            if (port := self.centre.health_port) is not None:
                tasks.create_task(health.serve("control", self.centre.host, port, self.centre.health_from, self.report))

    def report(self) -> Report:
        """What those who watch machines may know: nothing of a person."""
        wrong, roads = figures.links(self.centre, self.link, self.store)
        wrong += figures.troubles(self.lag, self.disk, self.folder, relay_up=self.relay.up)
        common = figures.machine(self.lag, self.disk, self.folder) + figures.log(self.store, self.loop.recorded)
        return Report(
            tuple(sorted(wrong)),
            (
                *common,
                *roads,
                *figures.intake(self.intake, self.journal),
                *figures.doors(self.doors.connections(), broker=self.doors.broker_up),
                *figures.control(
                    self.loop.state, self._looked().numbers, self.alarmed, Counter(self._streams.values())
                ),
                metrics.gauge(
                    "kernel_judges", "1 when the compiled kernel judges, 0 while the rules do.", self.judge.compiled
                ),
                metrics.gauge("windows_open", "Console windows.", len(self.seats)),
                metrics.gauge("relay_up", "1 when the relay is there.", self.relay.up),
            ),
        )

    async def _until_failed(self) -> None:
        await self._failed

    def _greet(self) -> None:
        """The relay is there (again): it is told what holds and what has ended.

        It may still hold windows of before: whom this program let in, it knows; every other viewer is cut, also those
        whose session outlived a start of this program, for their window asks anew.
        """
        self._run(minds.resume(self.loop.state))
        viewers = {each for incident in self.loop.state.incidents.values() for each in incidents.viewers(incident)}
        self._run([words.CutViewer(each, Why.SIGNED_OUT) for each in sorted(viewers - self.admitted.keys())])

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            head = self.store.head()
            self._ring(clock.now())
            suspected = {*annunciator.suspected(self.loop.state), *rules.suspected(self.judge.state, clock.now())}
            self.doors.follow({*self.loop.state.open, *suspected})
            self.cut_signed_out()
            self._look_at_disk()
            self._run(self.loop.take(words.Tick(), clock.now()))
            for each in self._shift.gone():
                self._run(self.loop.take(words.Absent(each), clock.now()))
            self.archive.catch_up()
            if self.store.head() != head or self._screens.quiet_s() >= SHOW_QUIET_S:
                self.show()

    def _look_at_disk(self) -> None:
        changed = looked(self.disk, self.loop.state.disk, clock.now())
        if changed is not None:
            self._run(self.loop.take(changed, changed.at))
            self._admit()

    async def _web(self) -> None:
        await self.doors.open.wait()
        await site.serve(application(self, self.intake), self.centre, "control")


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
    return process.run(lambda: _main(folder), "control")


async def _main(folder: Path) -> None:
    control = Control(folder)
    await control.run(control.judge.kernel)
