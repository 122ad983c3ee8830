"""The story panel: a page with one button for each story, and the doors behind it. Demo only.

`GET /` the page · `GET /state` what runs · `POST /story/<name>`, `/story/<name>/stop`, `/wearer/<id>/caught` ·
`POST /unit/<id>` {lat, lon} · `GET /units` · `GET /font/<name>`.
Other pages may call it only if they are the console: everything else is refused by its Origin.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from safetynet.core.terms import CameraId, Instant, UnitId, WearerId
from safetynet.sim import phones
from safetynet.sim.world import World

BODY_BYTES_MAX: Final = 4_096


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What of the world is not made but recorded by others, and what came of it so far."""

    walk_fixes: int = 0
    """Fixes of a recorded walk that the control centre has acknowledged, each with the device's own error put on it."""
    walk_wifi: int = 0
    walk_cell: int = 0
    """Of these, those that were not found by satellites."""
    walk_beyond_radius: int = 0
    """Of these, those further off than the radius that the device gave: a third, as a 68 % radius says."""
    clip_cameras: tuple[CameraId, ...] = ()
    """Cameras that loop a film."""
    clip_sound: bool = False
    """The film has sound, and its cameras offer it."""
    sound_fetched: int = 0
    """How often somebody set a camera's sound up."""


_FONTS: Final = (
    Path(__file__).parent.parent / "console" / "vendor" / "pretendard" / "dist" / "web" / "static" / "woff2-subset"
)
_WEIGHTS: Final = ("Pretendard-Regular", "Pretendard-SemiBold")
_STYLE: Final = """
@font-face{font-family:Pretendard;font-weight:400;src:url("/font/Pretendard-Regular") format("woff2")}
@font-face{font-family:Pretendard;font-weight:600;src:url("/font/Pretendard-SemiBold") format("woff2")}
:root{color-scheme:dark;font:16px/1.55 Pretendard,"Noto Sans KR",system-ui,sans-serif;background:#0c1117;color:#e9edf2}
body{max-width:46rem;margin:2.5rem auto;padding:0 1.25rem}h1{font-size:1.35rem;margin:0}p{color:#a8b3bf;margin:.25rem 0 1.75rem}
a{color:#8cc4ff}a:focus-visible{outline:3px solid #6db3ff;outline-offset:2px}
ul{list-style:none;margin:0;padding:0;display:grid;gap:.9rem}li{background:#131b24;border:1px solid #233040;border-radius:.6rem;
padding:1rem 1.1rem}h2{font-size:1.05rem;margin:0}li p{margin:.15rem 0 .75rem}button{font:inherit;font-weight:600;color:#0c1117;
background:#e9edf2;border:0;border-radius:.4rem;padding:.45rem 1rem;cursor:pointer}button:focus-visible{outline:3px solid #6db3ff;
outline-offset:2px}a{color:#6db3ff}button+button{margin-left:.5rem}button.stop{background:none;color:#e9edf2;border:1px solid #64788b}
button[hidden]{display:none}ol{display:flex;flex-wrap:wrap;gap:.3rem .9rem;margin:.8rem 0 0;padding:0;list-style:none;font-size:.9rem;
color:#7d8996}ol li{all:unset}ol .done{color:#a8b3bf}ol .now{color:#fff;font-weight:600}output{margin-left:.8rem;color:#a8b3bf;
font-variant-numeric:tabular-nums}
"""
_SCRIPT: Final = """
const list = document.querySelector('ul'), english = document.documentElement.lang === 'en';
const made = new Map();
const text = (tag, words) => Object.assign(document.createElement(tag), {textContent: words});
function row(story) {
  const item = document.createElement('li'), steps = document.createElement('ol'), clock = document.createElement('output');
  const button = text('button', english ? 'Start' : '시작');
  const stop = Object.assign(text('button', english ? 'Stop' : '멈춤'), {className: 'stop', hidden: true});
  const press = (pressed, path) => { pressed.onclick = async () => { pressed.disabled = true; try { await fetch(path, {method: 'POST'}); await look(); }
    finally { pressed.disabled = false; } }; };
  press(button, `/story/${story.name}`); press(stop, `/story/${story.name}/stop`);
  for (const step of story.steps) steps.append(text('li', english ? step.en : step.ko));
  item.append(text('h2', english ? story.title_en : story.title_ko), text('p', english ? story.line_en : story.line_ko),
    button, stop, clock, steps);
  list.append(item);
  return {steps, clock, button, stop};
}
async function look() {
  const {stories} = await (await fetch('/state')).json();
  for (const story of stories) {
    if (!made.has(story.name)) made.set(story.name, row(story));
    const {steps, clock, button, stop} = made.get(story.name), runs = story.seconds !== null, ahead = Math.ceil(story.rings_s - (story.seconds ?? 0));
    button.textContent = english ? (runs ? 'Start again' : 'Start') : (runs ? '처음부터' : '시작');
    button.setAttribute('aria-label', `${english ? story.title_en : story.title_ko} ${button.textContent}`);
    stop.setAttribute('aria-label', `${english ? story.title_en : story.title_ko} ${stop.textContent}`);
    stop.hidden = !runs;
    const wait = english ? `alarm in about ${ahead} s` : `경보까지 약 ${ahead}초`;
    clock.textContent = [runs ? (english ? `running, ${Math.floor(story.seconds)} s` : `진행 중 ${Math.floor(story.seconds)}초`) : '',
      story.caught ? (english ? 'arrested' : '검거됨') : ahead > 0 ? wait : ''].filter(Boolean).join(' · ');
    [...steps.children].forEach((item, n) => { item.className = story.step === null ? '' : n < story.step ? 'done' : n === story.step ? 'now' : ''; });
  }
}
look(); setInterval(look, 1000);
"""
_PAGE: Final = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="/panel.css"><h1>{title}</h1><p>{line} <a href="/?lang={other}" lang="{other}">{switch}</a></p>{phones}<ul></ul>
<script type="module" src="/panel.js"></script></html>"""
_WORDS: Final = {
    "ko": ("이야기 고르기", "모두 지어낸 도시와 사람입니다. 단추를 누르면 관제 화면에서 같은 일이 벌어집니다."),
    "en": ("Stories", "City and people are made up. A button lets it happen; watch the control room's console."),
}
_PHONES: Final = {"ko": "휴대전화로 열기 (QR)", "en": "Open on a telephone (QR)"}
_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Panel:
    def __init__(
        self,
        world: World,
        now: Callable[[], Instant],
        origins: frozenset[str],
        alarm_sent_at: Callable[[WearerId], Instant | None] = lambda _: None,
        recorded: Callable[[], Recorded] = Recorded,
        telephones: phones.Settings | None = None,
    ) -> None:
        """`origins`: who may call besides a page of the panel itself. `alarm_sent_at`: when a wearer's device first
        sent an alarm since the story began; for measuring.
        """
        self._recorded, self._telephones = recorded, telephones
        self._world, self._now, self._origins, self._alarm_sent_at = world, now, origins, alarm_sent_at

    def app(self) -> Starlette:
        routes = [
            Route("/", self._page),
            Route("/panel.js", self._script),
            Route("/panel.css", self._style),
            Route("/state", self._state),
            Route("/units", self._units),
            Route("/story/{name}", self._guarded(self._story), methods=["POST"]),
            Route("/story/{name}/stop", self._guarded(self._stop), methods=["POST"]),
            Route("/wearer/{id}/caught", self._guarded(self._caught), methods=["POST"]),
            Route("/font/{name}", self._font),
            Route("/unit/{id}", self._guarded(self._unit), methods=["POST"]),
        ]
        if (asked := self._telephones) is not None:
            routes += phones.routes(asked, beyond=not ipaddress.ip_address(asked.host).is_loopback)
        cors = Middleware(CORSMiddleware, allow_origins=sorted(self._origins), allow_methods=["GET", "POST"])
        return Starlette(routes=routes, middleware=[cors])

    def _guarded(self, act: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """A page elsewhere may post without asking first: the Origin that the browser sends decides."""

        async def check(request: Request) -> Response:
            origin = request.headers.get("origin")
            own = f"http://{request.headers.get('host', '')}"
            if origin is not None and origin != own and origin not in self._origins:
                return _no(403, "foreign_origin")
            return await act(request)

        return check

    async def _page(self, request: Request) -> Response:
        lang = "en" if request.query_params.get("lang") == "en" else "ko"
        title, line = _WORDS[lang]
        link = f'<p><a href="/phones?lang={lang}">{_PHONES[lang]}</a></p>' if self._telephones else ""
        return HTMLResponse(
            _PAGE.format(
                lang=lang,
                title=title,
                phones=link,
                line=line,
                other="ko" if lang == "en" else "en",
                switch="한국어" if lang == "en" else "English",
            ),
            headers=_SAFE,
        )

    async def _script(self, request: Request) -> Response:
        return Response(_SCRIPT, media_type="text/javascript", headers=_SAFE)

    async def _style(self, request: Request) -> Response:
        return Response(_STYLE, media_type="text/css", headers=_SAFE)

    async def _state(self, request: Request) -> Response:
        now = self._now()
        runs = {each.story.name: each for each in self._world.running(now)}
        stories: list[dict[str, Any]] = []
        for story in self._world.stories():
            run = runs.get(story.name)
            seconds = (now - run.started) / 1000 if run is not None else None
            stories.append({
                "name": story.name, "title_ko": story.title_ko, "title_en": story.title_en, "line_ko": story.line_ko,
                "line_en": story.line_en, "wearer": story.wearer, "seconds": seconds,
                "sent_at_ms": self._sent_at(story.wearer, None if run is None else run.started),
                "step": None if seconds is None else story.step_at(seconds), "rings_s": story.rings_s,
                "caught": run is not None and run.caught is not None, "length_s": story.length_s,
                "steps": [{"at_s": step.at_s, "word": step.word, "ko": step.ko, "en": step.en} for step in story.steps],
            })  # fmt: skip
        recorded = msgspec.to_builtins(self._recorded())
        return JSONResponse({"at": now, "stories": stories, "recorded": recorded}, headers=_SAFE)

    def _sent_at(self, wearer: WearerId, started: Instant | None) -> Instant | None:
        sent = self._alarm_sent_at(wearer)
        return sent if sent is not None and started is not None and sent >= started else None

    async def _stop(self, request: Request) -> Response:
        try:
            self._world.stop(request.path_params["name"], self._now())
        except KeyError:
            return _no(404, "no_such_story")
        return Response(status_code=204, headers=_SAFE)

    async def _story(self, request: Request) -> Response:
        try:
            story = self._world.start(request.path_params["name"], self._now())
        except KeyError:
            return _no(404, "no_such_story")
        return JSONResponse({"story": story.name, "wearer": story.wearer, "length_s": story.length_s}, headers=_SAFE)

    async def _caught(self, request: Request) -> Response:
        """The wearer of a running story was arrested: his device is taken from him and falls silent about its strap."""
        try:
            self._world.catch(WearerId(request.path_params["id"]), self._now())
        except KeyError:
            return _no(404, "no_such_story")
        return Response(status_code=204, headers=_SAFE)

    async def _font(self, request: Request) -> Response:
        """The console's own letters: a machine without Korean ones would show boxes."""
        path = _FONTS / f"{request.path_params['name']}.subset.woff2"
        if request.path_params["name"] not in _WEIGHTS or not path.is_file():
            return _no(404, "no_such_font")
        return FileResponse(path, media_type="font/woff2", headers=_SAFE)

    async def _units(self, request: Request) -> Response:
        units = self._world.units(self._now())
        rows = [
            {"id": each.id, "name": each.name, "kind": each.kind, "lat": each.lat, "lon": each.lon} for each in units
        ]
        return JSONResponse({"units": rows}, headers=_SAFE)

    async def _unit(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return _no(413, "too_long")
        try:
            asked = json.loads(body)
            lat, lon = float(asked["lat"]), float(asked["lon"])
        except (ValueError, KeyError, TypeError):
            return _no(400, "not_a_place")
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return _no(400, "not_a_place")
        try:
            eta_s = self._world.send_unit(UnitId(request.path_params["id"]), lat, lon, self._now())
        except KeyError:
            return _no(404, "no_such_unit")
        return JSONResponse({"eta_s": round(eta_s, 1)}, headers=_SAFE)


def _no(status: int, reason: str) -> Response:
    return JSONResponse({"reason": reason}, status_code=status, media_type="application/problem+json", headers=_SAFE)
