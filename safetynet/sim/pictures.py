"""`safetynet pictures`: every page of the running product, in Korean and in English, as pictures for `docs/screens.md`.

Brings up the demo in a folder of its own, plays the strap-cut and the approach as their operator would, and takes each
picture of `PICTURES` at its moment, by whom it is meant for. A page more is a line more in that list. The pictures are
WebP; all together stay under TOTAL_BYTES_MAX. `docs/screens.md` is written from the same list.
"""

import argparse
import asyncio
import base64
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as Unseen
from rich.console import Console

from safetynet.core.terms import AlarmKind
from safetynet.sim.children import ChildFailedError, Children, PortTakenError, Program
from safetynet.sim.screen import PHONE, CannotSeeError, Screen, launch, until
from safetynet.sim.smoke import READY_MS_MAX, Stage, alarm_seen, ask, stage_of, unit_sent

PORT: Final = 8700
OUT: Final = Path("docs/screens")
TABLE: Final = Path("docs/screens.md")
RUN: Final = Path("out/pictures")
DESK: Final = (1_600, 900)
QUALITY: Final = 72
TOTAL_BYTES_MAX: Final = 6 * 1024 * 1024
SETTLES_S: Final = 1.6
"""After a page is there, or a key was pressed: maps draw, pictures come."""
TURNS_S: Final = 0.7
"""After the language was switched."""
READ_S: Final = 3.0
WAIT_MS_MAX: Final = 300_000
"""For a picture's moment: somebody rides through half the town before the protected person is warned."""
LANGUAGES: Final = ("ko", "en")
_SPEAK: Final = "async (language) => { (await import('/console/say.js')).speak(language); }"
_DRAWN: Final = """() => [...document.querySelectorAll('sn-map, sn-replay-map')]
  .every((each) => !each.ground || (each.ground.isStyleLoaded() && each.ground.areTilesLoaded()))"""

_STEADY: Final = "() => !document.querySelector('sn-tile.connecting, sn-tile.stale')"

_out: Final = Console(highlight=False)


class When(Enum):
    """The moments at which pictures are taken, in their order."""

    CALM = "calm"
    ALARM = "alarm"
    INCIDENT = "incident"
    WARNED = "warned"
    """The protected person's phone knows that somebody comes near."""
    CLOSED = "closed"


class Where(Enum):
    CENTRE = "centre"
    CITY = "city"
    STORIES = "stories"
    """The panel of the made city."""


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    ko: str
    en: str
    when: When
    account: str | None
    """Who looks; `officer` is whoever was sent; None: nobody has signed in."""
    path: str
    ready: str
    """What stands on the page once it can be seen (CSS)."""
    keys: tuple[str, ...] = ()
    """Pressed one after the other before the picture is taken; what begins with #, . or [ is touched (CSS)."""
    undo: tuple[str, ...] = ()
    """Pressed afterwards, so that the next picture finds the screen as it was."""
    size: tuple[int, int] = DESK
    where: Where = Where.CENTRE


CENTRE, CITY, STORIES = Where.CENTRE, Where.CITY, Where.STORIES
PICTURES: Final[tuple[Picture, ...]] = (
    Picture("sign-in", "로그인", "Signing in", When.CALM, None, "/", "[data-account]"),
    Picture("calm", "관제: 평온할 때", "Operator: a calm shift", When.CALM, "operator1", "/operator", "sn-shift"),
    Picture("settings", "관제: 설정", "Operator: settings", When.CALM, "operator1", "/operator", "sn-shift",
            ("#settings",), ("Escape",)),
    Picture("keys", "관제: 키보드", "Operator: keyboard", When.CALM, "operator1", "/operator", "sn-shift", ("?",),
            ("Escape",)),
    Picture("city-calm", "스마트시티센터: 평온할 때", "City: calm", When.CALM, "garam1", "/city", "sn-header", where=CITY),
    Picture("protected-calm", "보호대상자 전화", "Protected person's phone", When.CALM, "protected1", "/protected",
            ".sh .sos", size=PHONE),
    Picture("stories", "시연 상황판", "Stories of the demo", When.CALM, None, "/", "li button", where=STORIES),
    Picture("phones", "휴대전화로 열기", "Opening it on a telephone", When.CALM, None, "/phones", "main, h1", where=STORIES),
    Picture("admin", "관리자", "Administrator", When.CALM, "admin1", "/admin", "main"),
    Picture("law", "법령표", "The law table", When.CALM, "supervisor1", "/law", "main"),
    Picture("alarm", "관제: 경보", "Operator: an alarm", When.ALARM, "operator1", "/operator", "sn-alarm.new"),
    Picture("incident", "관제: 사건과 영상", "Operator: an incident with pictures", When.INCIDENT, "operator1", "/operator",
            "sn-tile.live"),
    Picture("incident-light", "관제: 밝은 화면", "Operator: light", When.INCIDENT, "operator1", "/operator", "sn-tile.live",
            ("#theme",), ("#theme",)),
    Picture("city", "스마트시티센터: 제공 중", "City: what it provides", When.INCIDENT, "garam1", "/city", "sn-header", ("v",),
            where=CITY),
    Picture("calibrate", "스마트시티센터: 카메라가 선 모습", "City: how a camera stands", When.INCIDENT, "garam1", "/city",
            "sn-header", ("c",), ("Escape",), where=CITY),
    Picture("officer", "보호관찰관 전화", "Officer's phone", When.INCIDENT, "officer", "/field", "main", size=PHONE),
    Picture("wall", "두 번째 창: 영상 벽", "A second window: the wall of pictures", When.INCIDENT, "operator1", "/wall", ".ww-tab"),
    Picture("chase", "관제: 아홉 화면", "Operator: nine pictures", When.INCIDENT, "operator1", "/operator", "sn-tile.live",
            ("f",), ("f",)),
    Picture("close", "관제: 종결 코드", "Operator: closing codes", When.INCIDENT, "operator1", "/operator", "sn-sheet",
            ("x",), ("Escape",)),
    Picture("colleague", "동료 관제석", "A colleague's screen", When.INCIDENT, "operator2", "/operator", "sn-queue"),
    Picture("shift", "교대 인계", "Change of shift", When.INCIDENT, "supervisor1", "/operator#shift", "main"),
    Picture("supervisor", "상황팀장", "Supervisor", When.INCIDENT, "supervisor1", "/supervisor", "main"),
    Picture("protected-warned", "보호대상자 전화: 접근 경고", "Protected person's phone: warned", When.WARNED, "protected1",
            "/protected", ".sh[data-ring='1k'] .sos", size=PHONE),
    Picture("approach", "관제: 보호대상자 접근", "Operator: approach to a protected person", When.WARNED, "operator2",
            "/operator", "sn-queue", ("Enter",)),
    Picture("closed", "관제: 종결 뒤", "Operator: after closing", When.CLOSED, "operator1", "/operator", "sn-sheet"),
    Picture("incidents", "종결 사건 찾기", "Closed incidents", When.CLOSED, "operator1", "/incidents", "main"),
    Picture("replay", "종결 사건 다시 보기", "A closed incident again", When.CLOSED, "operator1", "/incidents", ".ar-row",
            (".ar-row", "[data-purpose]"), ("Escape",)),
)  # fmt: skip
"""A page is one line here. In the order of the story; those of one moment are taken in this order."""


class Studio:
    """One window for each person and page, kept through the whole story."""

    def __init__(self, browser: Browser, stage: Stage, out: Path) -> None:
        self._browser, self._stage, self._out = browser, stage, out
        self._windows: dict[tuple[str, Where, str], Screen] = {}
        self.officer = ""
        """Account of the officer who was sent."""
        self.taken = 0

    async def window(self, account: str | None, where: Where, path: str, size: tuple[int, int] = DESK) -> Screen:
        key = (account or "", where, path)
        if key not in self._windows:
            screen = await Screen.open(self._browser, size, self._out)
            if account is not None:
                await screen.sign_in(self._address(where), account)
            self._windows[key] = screen
        return self._windows[key]

    def _address(self, where: Where) -> str:
        match where:
            case Where.CENTRE:
                return self._stage.url
            case Where.CITY:
                return self._stage.city_url
            case Where.STORIES:
                return f"{self._stage.panel}/"

    async def take(self, moment: When) -> None:
        for each in PICTURES:
            if each.when is moment:
                await self._take(each)
                _out.print(f"  [green]✓[/] {each.name} [dim]{each.ko} · {each.en}[/]")

    async def _take(self, picture: Picture) -> None:
        account = self.officer if picture.account == "officer" else picture.account
        screen = await self.window(account, picture.where, picture.path, picture.size)
        address = self._address(picture.where).rstrip("/") + picture.path
        if screen.page.url.rstrip("/") != address.rstrip("/"):
            await screen.page.goto(address)
        await until(
            f"{picture.name}: {picture.ready}", screen.page.locator(picture.ready).first.is_visible, WAIT_MS_MAX
        )
        await self._press(screen, picture.keys)
        await asyncio.sleep(SETTLES_S)
        await until(f"{picture.name}: a map that is drawn", partial(screen.page.evaluate, _DRAWN))
        await until(f"{picture.name}: pictures that are there", partial(screen.page.evaluate, _STEADY), WAIT_MS_MAX)
        for language in LANGUAGES:
            await self._speak(screen, picture, address, language)
            await self._shoot(screen, f"{picture.name}.{language}.webp")
        await self._speak(screen, picture, address, LANGUAGES[0])
        await self._press(screen, picture.undo)
        if screen.faults:
            raise CannotSeeError(f"{picture.name}: the page failed: {screen.faults[0]}")

    async def _press(self, screen: Screen, keys: Sequence[str]) -> None:
        for key in keys:
            if key[0] in "#.[" and len(key) > 1:
                await screen.page.locator(key).first.click()
            else:
                await screen.press(key)
            await asyncio.sleep(TURNS_S)

    async def _speak(self, screen: Screen, picture: Picture, address: str, language: str) -> None:
        if picture.where is Where.STORIES:
            await screen.page.goto(f"{address}?lang={language}")
            await screen.page.locator(picture.ready).first.wait_for()
        else:
            await screen.page.evaluate(_SPEAK, language)
        await asyncio.sleep(TURNS_S)

    async def _shoot(self, screen: Screen, name: str) -> None:
        asked = {"format": "webp", "quality": QUALITY}
        session = await screen.page.context.new_cdp_session(screen.page)
        try:
            answer = await session.send("Page.captureScreenshot", asked)
        finally:
            await session.detach()
        self._out.mkdir(parents=True, exist_ok=True)
        (self._out / name).write_bytes(base64.b64decode(answer["data"]))
        self.taken += 1

    # --- the story ---

    async def play(self) -> None:
        await self.take(When.CALM)
        desk = await self.window("operator1", Where.CENTRE, "/operator")
        known = await desk.alarms()
        for story in ("approach", "tamper"):
            await asyncio.to_thread(ask, f"{self._stage.panel}/story/{story}", "POST")
        await alarm_seen(desk, known, kind=AlarmKind.STRAP_CUT.value)
        await desk.choose(AlarmKind.STRAP_CUT.value)
        await self.take(When.ALARM)
        await desk.press("Enter")
        await until("the incident is ours", lambda: desk.says("sn-sheet", ".+"))
        await asyncio.sleep(READ_S)
        await desk.press("v")
        await until("a first picture", desk.live)
        await self._send_people(desk)
        await self.take(When.INCIDENT)
        await self.take(When.WARNED)
        await asyncio.to_thread(ask, f"{self._stage.panel}/story/tamper/stop", "POST")
        await desk.press("x")
        await until("the closing codes", lambda: desk.says("sn-close", ".+"))
        await desk.press("1")
        await until("the incident is closed", lambda: _gone(desk))
        await self.take(When.CLOSED)

    async def _send_people(self, desk: Screen) -> None:
        await desk.press("d")
        await until("the choice of units", lambda: desk.says("sn-dispatch", ".+"))
        await desk.press("d")
        unit = await until("an order to a unit", lambda: unit_sent(self._stage, desk))
        self.officer = self._stage.logins[unit]
        phone = await self.window(self.officer, Where.CENTRE, "/field", PHONE)
        for state in ("accepted", "en_route"):
            await phone.answer(state)


async def _gone(desk: Screen) -> bool:
    return not await desk.live()


def table(pictures: Iterable[Picture] = PICTURES) -> str:
    """`docs/screens.md`."""
    lines = [
        "# 화면 · Screens",
        "",
        "모두 시연에서 찍었고, 사람과 도시는 모두 지어냈습니다. `make pictures`가 다시 찍습니다.",
        "All taken from the demo; people and cities are made up. `make pictures` takes them again.",
        "",
        "| | 한국어 | English |",
        "|---|---|---|",
    ]
    for each in pictures:
        shown = " | ".join(f"![{words}]({OUT.name}/{each.name}.{language}.webp)"
                           for language, words in zip(LANGUAGES, (each.ko, each.en), strict=True))  # fmt: skip
        lines.append(f"| {each.ko}<br>{each.en} | {shown} |")
    return "\n".join(lines) + "\n"


async def _run(port: int, out: Path) -> int:
    """How many pictures were taken. Raises CannotSeeError."""
    folder = RUN / "run"
    arguments = ("demo", "--port", str(port), "--data-dir", str(folder), "--fresh", "--say-ready")
    demo = Children((Program("demo", arguments, ready_ms_max=READY_MS_MAX, end_ms_max=12_000),), RUN / "log", say=print)
    _out.print("[dim]제품을 띄웁니다 · bringing up the product[/]")
    await demo.start()
    try:
        async with async_playwright() as playwright:
            browser = await launch(playwright)
            try:
                studio = Studio(browser, stage_of(folder, port, "tamper"), out)
                await studio.play()
                return studio.taken
            finally:
                await browser.close()
    finally:
        await demo.stop()


def main(given: Sequence[str] | None = None) -> int:
    """0 when every picture of the list was taken and all of them are small enough."""
    parser = argparse.ArgumentParser(prog="safetynet pictures", description="Pictures of every page, for docs/.")
    parser.add_argument("--port", type=int, default=PORT, metavar="P", help=f"first of 53 ports (default {PORT})")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"default {OUT}")
    said = parser.parse_args(given)
    out: Path = said.out
    failed: Callable[[str], int] = _failed
    made = RUN / "new"
    shutil.rmtree(made, ignore_errors=True)
    try:
        taken = asyncio.run(_run(said.port, made))
    except (CannotSeeError, Unseen, PortTakenError, ChildFailedError) as fault:
        return failed(str(fault))
    size = sum(each.stat().st_size for each in made.iterdir())
    if size > TOTAL_BYTES_MAX:
        return failed(f"{size:,} bytes of pictures; at most {TOTAL_BYTES_MAX:,}")
    # Only a whole set replaces the one before.
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(made, out)
    (out.parent / TABLE.name).write_text(table(), encoding="utf-8")
    _out.print(f"[green]✓[/] {taken} pictures, {size:,} bytes ({out})")
    return 0


def _failed(why: str) -> int:
    print(why, file=sys.stderr)
    return 1
