"""`safetynet smoke`: a story from the device's request to the proved ledger, in a real browser, with figures.

Brings up the product as `safetynet demo` does, in a folder of its own, and plays the story as an operator would: by
keyboard. Function decides the exit status, timing never does: a slow machine is not a fault. Here is the strap-cut; the
other stories stand in `tellings`. A figure that a story does not have is null.

What each figure is:
alarm_ms               first byte of the device's alarm sent -> the row was painted
first_picture_ms       V pressed -> the first picture was painted (the city had pre-connected the cameras)
first_picture_cold_ms  a tile began to wait for a camera that nobody had pre-connected -> its picture was painted.
                       Such cameras come up by themselves, as the wall follows the person; the city's log says which.
four_pictures_ms       V pressed -> four pictures were painted
glass_ms_p50           the camera's clock in the picture -> that picture on the canvas
viewer_last_byte_ms    the closing key pressed -> the last byte of video that reached the page (0: none came after it)
city_last_byte_ms      the closing key pressed -> the city's relay had closed its last stream
"""

import argparse
import asyncio
import random
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as Unseen
from rich.console import Console
from rich.table import Table

from safetynet.app.people import PROTECTED
from safetynet.core.events import (
    AnyEvent,
    CameraPreconnected,
    GrantIssued,
    GrantRefused,
    IncidentOpened,
    PoliceNoticeAnswered,
    RequestPrepared,
    StreamClosed,
    StreamOpened,
    UnitReported,
    VideoRefusedHere,
    ViewingRefused,
)
from safetynet.core.terms import (
    AlarmId,
    AlarmKind,
    CameraId,
    CentreId,
    GrantId,
    IncidentId,
    NoticeState,
    RequestId,
    UnitState,
)
from safetynet.edge import registry
from safetynet.sim.children import HOST, ChildFailedError, Children, PortTakenError, Program
from safetynet.sim.panel import Recorded
from safetynet.sim.provision import CITIES, CONTROL, POLICE, Deployment, Ports, open_store
from safetynet.sim.real import Real
from safetynet.sim.screen import DESK, PHONE, STEP_MS_MAX, CannotSeeError, Screen, TileNote, launch, until
from safetynet.sim.stories import NAMES

RUNS: Final = 5
RUNS_MAX: Final = 50
TAMPER: Final = "tamper"
OUTAGE: Final = "outage"
PORT: Final = 8600
OUT: Final = Path("out/smoke")
READY_MS_MAX: Final = 180_000
READS_MS: Final = 1_500
"""An operator reads the alarm before asking for video; meanwhile the city pre-connects."""
GLASS_MS: Final = 3_000
BORDER_MS_MAX: Final = 150_000
AFTER_CLOSE_MS: Final = 4_000
"""How long the page is watched for late bytes."""
ENDED_MS_MAX: Final = 3_000
"""A byte after this is no late byte but a stream that was not ended: a fault of function."""
COOL_MS: Final = 1_500
COMMAND_S_MAX: Final = 120
TILES: Final = 4
AIMS: Final = {
    "alarm_ms": 300,
    "first_picture_ms": 300,
    "first_picture_cold_ms": 1_000,
    "four_pictures_ms": 600,
    "glass_ms_p50": None,
    "viewer_last_byte_ms": 2_000,
    "city_last_byte_ms": 2_000,
}
_READ: Final = "읽음|\\bread\\b"
_ON_SCENE: Final = "현장 도착|on scene"

_out: Final = Console(highlight=False)


@dataclass(slots=True)
class Run:
    """What one telling of the story came to. Times in ms; wall-clock times end in `_at`."""

    alarm: AlarmId
    closed_at: int = 0
    figures: dict[str, float] = field(default_factory=dict[str, float])
    glass: list[float] = field(default_factory=list[float])
    notes: list[TileNote] = field(default_factory=list[TileNote])
    border_followed: bool = False
    ended_at_viewer: bool = False
    breaks: dict[str, int] = field(default_factory=dict[str, int])
    """When what broke in the story, wall clock ms, by the word of its step."""

    def live(self) -> list[CameraId]:
        """A camera for each time that its picture came to be seen on the wall."""
        return [CameraId(each["camera"]) for each in self.notes if each["state"] == "live"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story is played."""

    url: str
    panel: str
    story: str
    logins: dict[str, str]
    """Account by seat."""
    cameras: dict[CentreId, frozenset[str]]
    protected: str
    """Account of the protected person's phone."""
    city_url: str
    """The first city's own page, and the account of one of its people."""
    city_account: str


# --- the story panel -----------------------------------------------------------------------------------------------


def ask(url: str, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - our own panel on this machine
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        body = answer.read()
    return msgspec.json.decode(body) if body else None


async def told_of(stage: Stage) -> dict[str, Any]:
    """The panel's word on our story: `seconds` since its start, `steps`, `sent_at_ms` of the first alarm report."""
    state = await asyncio.to_thread(ask, f"{stage.panel}/state")
    story = next(each for each in state["stories"] if each["name"] == stage.story)
    return {**story, "at": state["at"]}


async def _recorded(stage: Stage) -> Recorded:
    """What of the world is not made, and what came of it in this run."""
    state = await asyncio.to_thread(ask, f"{stage.panel}/state")
    return msgspec.convert(state["recorded"], Recorded)


async def told_seconds(stage: Stage) -> float | None:
    """Since the story began; None when it does not run."""
    seconds = (await told_of(stage))["seconds"]
    return None if seconds is None else float(seconds)


async def _sent_at(stage: Stage) -> int | None:
    sent = (await told_of(stage)).get("sent_at_ms")
    return None if sent is None else int(sent)


async def _crossed(stage: Stage) -> bool:
    told = await told_of(stage)
    border = next(each["at_s"] for each in told["steps"] if each["word"] == "border")
    return told["seconds"] is not None and told["seconds"] >= border


# --- one telling ---------------------------------------------------------------------------------------------------


async def _play(stage: Stage, desk: Screen, browser: Browser, shots: Path, *, first: bool) -> Run:
    if stage.story != TAMPER:
        from safetynet.sim import tellings  # it is made of the parts below

        return await tellings.TELLINGS[stage.story](stage, desk, browser, first)
    known = await desk.alarms()
    await asyncio.to_thread(ask, f"{stage.panel}/story/{stage.story}", "POST")
    # Others live in this city too: a maybe of somebody else may stand in the queue, and under the hand.
    alarm, painted_at = await alarm_seen(desk, known, kind=AlarmKind.STRAP_CUT.value)
    run = Run(alarm)
    sent_at = await until("the device's own time of sending", lambda: _sent_at(stage))
    run.figures["alarm_ms"] = painted_at - sent_at
    if first:
        await desk.shoot("alarm")
    await desk.choose(AlarmKind.STRAP_CUT.value)
    await desk.press("Enter")
    await until("the incident is ours", lambda: desk.says("sn-sheet", ".+"))
    await asyncio.sleep(READS_MS / 1_000)
    asked_at = await video_seen(desk, run, first=first)
    await send_people(stage, desk, browser, shots, first=first)
    run.glass = await desk.glass(GLASS_MS)
    await _follow(stage, desk, run, first=first)
    run.notes = await desk.notes(asked_at)
    await close(stage, desk, run, first=first)
    return run


async def alarm_seen(
    desk: Screen, known: frozenset[str], within_ms: int = STEP_MS_MAX, kind: str = ""
) -> tuple[AlarmId, int]:
    id, at = await until("an alarm on the screen", lambda: desk.new_alarm(known, kind), within_ms)
    return AlarmId(id), at


async def video_seen(desk: Screen, run: Run, *, first: bool) -> int:
    await desk.press("v")
    await until("a first picture", desk.live)
    if first:
        await desk.shoot("granted-one")

    asked_at = await desk.key_at("KeyV")

    async def four() -> bool:
        return len(_first_shown(await desk.notes(asked_at))) >= TILES

    await until("four pictures", four)
    if first:
        await desk.shoot("four")
    shown = _first_shown(await desk.notes(asked_at))
    run.figures["first_picture_ms"] = shown[0] - asked_at
    run.figures["four_pictures_ms"] = shown[TILES - 1] - asked_at
    return asked_at


def _first_shown(notes: Sequence[TileNote]) -> list[int]:
    """When each camera's first picture was painted, in order of time."""
    shown: dict[str, int] = {}
    for each in notes:
        if each["state"] == "live":
            shown.setdefault(each["camera"], each["at"])
    return sorted(shown.values())


async def send_people(stage: Stage, desk: Screen, browser: Browser, shots: Path, *, first: bool) -> None:
    """D opens the choice, D again sends the best; the police are told in the same act. The officer answers by phone."""
    await desk.press("d")
    await until("the choice of units", lambda: desk.says("sn-dispatch", ".+"))
    await desk.press("d")
    unit = await until("an order to a unit", lambda: unit_sent(stage, desk))
    phone = await Screen.open(browser, PHONE, shots)
    try:
        await phone.sign_in(stage.url, stage.logins[unit])
        for state in ("accepted", "en_route"):
            await phone.answer(state)
        if first:
            await phone.shoot("officer")
        await phone.answer("on_scene")
        await until("the officer on scene, on the operator's screen", lambda: desk.says(".sent", _ON_SCENE))
        await until("the police have read it", lambda: desk.says(".sent", _READ))
        if phone.faults:
            raise CannotSeeError(f"the officer's page failed: {phone.faults[0]}")
    finally:
        await phone.close()


async def unit_sent(stage: Stage, desk: Screen) -> str | None:
    text = await desk.text(".sent")
    return next((seat for seat in stage.logins if seat in text), None)


async def _follow(stage: Stage, desk: Screen, run: Run, *, first: bool) -> None:
    """Until the person is over the border and a camera of the second city shows it."""
    await until("the border is crossed", lambda: _crossed(stage), BORDER_MS_MAX)
    beyond = stage.cameras[CITIES[1]]
    await until("a picture from the second city", lambda: desk.live(beyond))
    run.border_followed = True
    if first:
        await asyncio.sleep(1.0)
        await desk.shoot("border")


async def close(stage: Stage, desk: Screen, run: Run, *, first: bool, code: int = 1) -> None:
    """X and a code, the first as a rule. The story stops before: a strap that is still cut would rightly ring again."""
    await asyncio.to_thread(ask, f"{stage.panel}/story/{stage.story}/stop", "POST")
    desk.count_frames()
    await desk.press("x")
    await until("the closing codes", lambda: desk.says("sn-close", ".+"))
    await desk.press(str(code))
    run.closed_at = await desk.key_at(f"Digit{code}")
    await asyncio.sleep(AFTER_CLOSE_MS / 1_000)
    late = max((at - run.closed_at for at in desk.frames), default=0.0)
    run.figures["viewer_last_byte_ms"] = max(0.0, late)
    run.ended_at_viewer = late <= ENDED_MS_MAX and not await desk.live()
    if first:
        await desk.shoot("closed")
    await desk.press("Escape")
    await asyncio.sleep(COOL_MS / 1_000)


# --- what the logs say ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Logs:
    """Every centre's events, read after the product has stopped."""

    events: dict[CentreId, list[AnyEvent]]

    @classmethod
    def read(cls, folder: Path) -> "Logs":
        found: dict[CentreId, list[AnyEvent]] = {}
        for centre in (CONTROL, *CITIES, POLICE):
            store = open_store(folder / centre, centre)
            try:
                found[centre] = [event for _, event in store.events()]
            finally:
                store.close()
        return cls(found)

    def control(self) -> Iterator[AnyEvent]:
        yield from self.events[CONTROL]

    def cities(self) -> Iterator[AnyEvent]:
        for city in CITIES:
            yield from self.events[city]

    def incident(self, alarm: AlarmId) -> IncidentId | None:
        """Pages may show an alarm by its own id or by that of its incident."""
        opened = [each for each in self.events[CONTROL] if isinstance(each, IncidentOpened)]
        return next((each.incident for each in opened if alarm in (each.alarm, each.incident)), None)

    def grants(self, incident: IncidentId | None = None) -> set[GrantId]:
        issued = (each for each in self.cities() if isinstance(each, GrantIssued))
        return {each.grant for each in issued if incident in (None, each.incident)}

    def refusals(self) -> int:
        refused = (GrantRefused, VideoRefusedHere, ViewingRefused)
        return sum(isinstance(each, refused) for events in self.events.values() for each in events)

    def preconnected(self, incident: IncidentId) -> set[CameraId]:
        requests: set[RequestId] = {
            each.request for each in self.cities() if isinstance(each, RequestPrepared) and each.incident == incident
        }
        return {
            each.camera for each in self.cities() if isinstance(each, CameraPreconnected) and each.request in requests
        }

    def last_close(self, incident: IncidentId) -> int | None:
        """When the cities' relays closed the incident's last stream, wall clock ms."""
        grants = self.grants(incident)
        return max(
            (each.at for each in self.cities() if isinstance(each, StreamClosed) and each.grant in grants), default=None
        )

    def left_open(self) -> set[str]:
        """Streams that were opened and never closed, at either end."""
        every = [each for events in self.events.values() for each in events]
        opened = {f"{each.side} {each.stream}" for each in every if isinstance(each, StreamOpened)}
        return opened - {f"{each.side} {each.stream}" for each in every if isinstance(each, StreamClosed)}

    def has(self, kind: type[AnyEvent], state: UnitState | NoticeState) -> int:
        return sum(isinstance(each, kind) and getattr(each, "state", None) is state for each in self.events[CONTROL])


def _cold(run: Run, preconnected: set[CameraId]) -> list[float]:
    """From beginning to wait to the picture, of cameras that were not pre-connected."""
    waits: dict[str, int] = {}
    found: list[float] = []
    for each in run.notes:
        camera = each["camera"]
        if CameraId(camera) in preconnected:
            continue
        if each["state"] == "waiting":
            waits.setdefault(camera, each["seen"])
        elif each["state"] == "live" and camera in waits:
            found.append(each["at"] - waits.pop(camera))
    return found


def _by_logs(run: Run, logs: Logs) -> None:
    """The figures that only the centres' own records can give."""
    incident = logs.incident(run.alarm)
    if incident is None:
        return
    cold = _cold(run, logs.preconnected(incident))
    if cold:
        run.figures["first_picture_cold_ms"] = median(cold)
    if run.glass:
        run.figures["glass_ms_p50"] = median(run.glass)
    if (closed_at := logs.last_close(incident)) is not None:
        run.figures["city_last_byte_ms"] = max(0.0, closed_at - run.closed_at)


# --- the ledgers ---------------------------------------------------------------------------------------------------


async def _command(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "safetynet", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(COMMAND_S_MAX):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")


async def _verified(folder: Path, out: Path) -> tuple[bool, str]:
    """Publishes every log as for an outsider, and proves them."""
    shutil.rmtree(out, ignore_errors=True)
    for centre in (CONTROL, *CITIES, POLICE):
        status, said = await _command("publish", "--dir", str(folder / centre), "--out", str(out))
        if status != 0:
            return False, f"publish {centre}: {said[-2_000:]}"
    status, said = await _command("verify", str(out))
    return status == 0, said[-2_000:]


async def _tamper_found(ledgers: Path, copies: Path) -> bool:
    """One byte of a published record, then one of a tile, flipped in a copy: each must be found."""
    for pattern in ("records.jsonl", "tile/**/*"):
        shutil.rmtree(copies, ignore_errors=True)
        shutil.copytree(ledgers, copies)
        # In some stories a city has nothing to tell: then the next one's ledger is touched, or the control centre's.
        found = (
            [each for each in (copies / centre).glob(pattern) if each.is_file() and each.stat().st_size]
            for centre in (*CITIES, CONTROL)
        )
        files = next((some for some in found if some), [])
        if not files:
            return False
        target = max(files, key=lambda each: each.stat().st_size)
        content = bytearray(target.read_bytes())
        content[random.Random(len(content)).randrange(len(content) // 4, len(content) * 3 // 4)] ^= 1
        target.write_bytes(content)
        status, _ = await _command("verify", str(copies))
        if status == 0:
            return False
    return True


# --- all of it -----------------------------------------------------------------------------------------------------


def stage_of(folder: Path, port: int, story: str) -> Stage:
    deployment = msgspec.json.decode((folder / "deployment.json").read_bytes(), type=Deployment)
    return Stage(
        url=f"http://{HOST}:{port}/",
        panel=f"http://{HOST}:{port + 50}",
        story=story,
        logins={each.seat: each.account for each in deployment.logins if each.role == "officer"},
        cameras={city: frozenset(each.id for each in registry.read(folder / city)) for city in CITIES},
        protected=next(each.account for each in deployment.logins if each.role == PROTECTED),
        city_url=f"http://{HOST}:{Ports(first=port).city_pages(0)}/",
        city_account=deployment.city_logins[CITIES[0]][0].account,
    )


async def _tell(stage: Stage, runs: int, shots: Path, told: list[Run]) -> None:
    """All tellings in one shift of one operator. What was finished stands in `told` also when one fails."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        try:
            desk = await Screen.open(browser, DESK, shots)
            await desk.sign_in(stage.url, "operator1", shot="sign-in")
            await until("the calm screen", lambda: desk.says("sn-queue", ".+"))
            await asyncio.sleep(2.0)
            await desk.shoot("calm")
            try:
                for number in range(1, runs + 1):
                    told.append(await _play(stage, desk, browser, shots, first=number == 1))
                    figures = "  ".join(f"{name} {value:.0f}" for name, value in told[-1].figures.items())
                    _out.print(f"  [green]✓[/] {number}/{runs}  [dim]{figures}[/]")
            except BaseException:
                # A page that cannot even be photographed must not hide why the story stopped.
                with suppress(Unseen):
                    await desk.shoot("failed")
                raise
            if desk.faults:
                raise CannotSeeError(f"the operator's page failed: {desk.faults[0]}")
        finally:
            await browser.close()


def _demo(said: argparse.Namespace, folder: Path) -> Program:
    arguments = ["demo", "--port", str(said.port), "--data-dir", str(folder), "--fresh", "--say-ready"]
    if said.data is not None:
        arguments += ["--world-data", str(said.data)]
    return Program("demo", tuple(arguments), ready_ms_max=READY_MS_MAX, end_ms_max=12_000)


async def _smoke(said: argparse.Namespace, out: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what did not hold."""
    folder, faults = out / "run", list[str]()
    told: list[Run] = []
    restarts: list[str] = []
    demo = Children((_demo(said, folder),), out / "log", say=restarts.append)
    recorded: Recorded | None = None
    _out.print("[dim]제품을 띄웁니다 · bringing up the product[/]")
    await demo.start()
    try:
        stage = stage_of(folder, said.port, said.story)
        await _tell(stage, said.runs, out, told)
        recorded = await _recorded(stage)
    except (CannotSeeError, Unseen) as fault:
        faults.append(str(fault))
    finally:
        await demo.stop()
    log = (out / "log" / "demo.log").read_text(encoding="utf-8", errors="replace")
    faults += _restarts(said.story, log, len(told))
    logs = Logs.read(folder)
    for run in told:
        _by_logs(run, logs)
    verified, why = await _verified(folder, out / "ledgers")
    if not verified:
        faults.append(f"the ledgers do not verify: {why}")
    tampered = await _tamper_found(out / "ledgers", out / "ledgers-tampered") if verified else False
    if not tampered:
        faults.append("a flipped byte was not found")
    faults += _unmet(said.story, told, logs, said.runs)
    summary = _summary(said.story, told, logs, verified=verified, tampered=tampered)
    if said.data is not None and recorded is not None:
        seen = [camera for run in told for camera in run.live()]
        real = Real.count(folder, recorded, seen, logs.events[CONTROL])
        faults += real.unmet(recorded)
        summary |= asdict(real)
    return summary, faults


def _restarts(story: str, log: str, told: int) -> list[str]:
    """No program starts again in a telling, but for the one that the story of the outage kills."""
    found = [line.strip() for line in log.splitlines() if "started again" in line or ": killed" in line]
    if story != OUTAGE:
        return found
    killed = [each for each in found if f"{CONTROL} ended with status -9" in each]
    unmet = (
        [] if len(killed) == told else [f"{told} tellings, the control centre's program was killed {len(killed)} times"]
    )
    return [each for each in found if each not in killed] + unmet


def _unmet(story: str, told: Sequence[Run], logs: Logs, runs: int) -> list[str]:
    """What the story promises and the records do not show."""
    held = {
        f"{runs} tellings, {len(told)} finished": len(told) == runs,
        "pictures went on after closing": all(each.ended_at_viewer for each in told),
        f"streams were left open: {', '.join(sorted(logs.left_open())[:3])}": not logs.left_open(),
        "a telling has no incident in the log": all(logs.incident(each.alarm) for each in told if each.alarm),
    }
    if story == TAMPER:
        held |= {
            "not every telling was followed over the border": all(each.border_followed for each in told),
            "no grant of both cities in each telling": len(logs.grants()) >= 2 * runs,
        }
    if story != "drift":
        held |= {
            "an officer's arrival is missing": logs.has(UnitReported, UnitState.ON_SCENE) >= runs,
            "a read receipt of the police is missing": logs.has(PoliceNoticeAnswered, NoticeState.READ) >= runs,
        }
    unmet = [what for what, holds in held.items() if not holds]
    if story != TAMPER:
        from safetynet.sim import tellings

        unmet += tellings.unmet(story, logs, told, runs)
    return unmet


def _summary(story: str, told: Sequence[Run], logs: Logs, *, verified: bool, tampered: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in AIMS:
        values = [each.figures[name] for each in told if name in each.figures]
        figures[name] = round(median(values)) if values else None
    return {
        **figures,
        "runs": len(told),
        "grants": len(logs.grants()),
        "refusals": logs.refusals(),
        "ledger_verified": verified,
        "tamper_found": tampered,
        "border_followed": bool(told) and all(each.border_followed for each in told) if story == TAMPER else None,
        "story": story,
    }


def _show(summary: dict[str, Any], told_faults: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False)
    for name, justify in (("", "left"), ("median ms", "right"), ("aim ms", "right"), ("", "left")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for name, aim in AIMS.items():
        value = summary[name]
        met = "" if aim is None or value is None else "[green]✓[/]" if value <= aim else "[yellow]over[/]"
        table.add_row(name, "–" if value is None else str(value), "" if aim is None else f"<= {aim}", met)
    _out.print(table)
    for fault in told_faults:
        _out.print(f"[bold red]✗[/] {fault}", markup=True)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet smoke", description="A story in a real browser, by keyboard.")
    parser.add_argument("--runs", type=int, metavar="N", help=f"default {RUNS}, of another story than {TAMPER} 1")
    parser.add_argument("--story", default=TAMPER, choices=NAMES)
    parser.add_argument("--data", type=Path, metavar="DIR", help="real input: camera list, clips, tracks")
    parser.add_argument("--port", type=int, default=PORT, metavar="P", help=f"first of 52 ports (default {PORT})")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"default {OUT}")
    said = parser.parse_args(given)
    said.runs = said.runs or (RUNS if said.story == TAMPER else 1)
    if not 1 <= said.runs <= RUNS_MAX:
        parser.error(f"--runs: 1 to {RUNS_MAX}")
    return said


def main(given: Sequence[str] | None = None) -> int:
    """0 when every statement of function held. The last line is one JSON object."""
    said = _arguments(given)
    out: Path = said.out
    out.mkdir(parents=True, exist_ok=True)
    ended: Callable[[str], int] = _failed
    try:
        summary, faults = asyncio.run(_smoke(said, out))
    except PortTakenError as fault:
        return ended(str(fault))
    except ChildFailedError as fault:
        print(fault.tail, file=sys.stderr)
        return ended(f"the product did not come up: {fault}")
    _show(summary, faults)
    print(msgspec.json.encode({**summary, "ok": not faults, "faults": faults}).decode())
    return 1 if faults else 0


def _failed(why: str) -> int:
    print(msgspec.json.encode({"ok": False, "faults": [why]}).decode())
    return 1
