"""A made control centre for the pages: it serves them under the real policy and speaks the state socket from a script."""

import asyncio
import base64
import contextlib
import hashlib
import json
import mimetypes
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from patience import PATIENCE_S
from playwright.sync_api import Error, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

HERE = Path(__file__).resolve().parent
CONSOLE = HERE.parent.parent / "safetynet" / "console"
LAT, LON = 36.35, 127.38
ME = {"person": "op1", "name": "이관제", "role": "operator", "seat": "1", "centre": "c1"}

mimetypes.add_type("text/javascript", ".mjs")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- entities ------------------------------------------------------------------------------------------------------


def place(dy: float = 0.0, dx: float = 0.0, *, age_ms: int = 6000, radius_m: float = 18.0) -> dict[str, Any]:
    at = now_ms() - age_ms
    return {"lat": LAT + dy, "lon": LON + dx, "radius_m": radius_m, "source": "gnss", "observed_at": at, "received_at": at + 900}  # fmt: skip


def alarm(id: str, incident: str | None, **more: Any) -> dict[str, Any]:
    at = now_ms() - 21_000
    return {
        "id": id, "wearer": "w1", "who": "박예시", "case_no": "가상-2026-0147", "kind": "strap_cut", "priority": 1,
        "certainty": "certain", "state": "unacked", "incident": incident, "observed_at": at, "raised_at": at, "count": 1,
        "escalates_at": at + 60_000, "level": 0, "place": place(), "zone_name": None, **more,
    }  # fmt: skip


def camera(n: int, **more: Any) -> dict[str, Any]:
    spots = [(-0.0008, 0.0001, 5), (0.0009, 0.0, 190), (0.0001, 0.0011, 270), (-0.0002, -0.0012, 80), (0.0012, 0.0012, 220)]  # fmt: skip
    dy, dx, azimuth = spots[(n - 1) % len(spots)]
    return {
        "camera": f"garam-{n:03}", "name": f"가람-별빛-{n:03}", "city": "garam", "city_name": "가람시", "grant": None,
        "lat": LAT + dy, "lon": LON + dx, "range_m": 70.0, "azimuth_deg": azimuth, "view_deg": 62.0, "ptz": n == 3,
        "purpose": "crime_prevention", "reason": ["sees_now", "ahead", "near", "where_fix_was", "near"][(n - 1) % 5],
        "distance_m": 60.0 + 20 * n, "state": "proposed", **more,
    }  # fmt: skip


def steps(**states: str) -> list[dict[str, Any]]:
    due = {"late": -12_000, "now": 34_000}
    return [
        {"step": name, "state": states.get(name, "next"), "at": now_ms() - 9000 if states.get(name) == "done" else None,
         "due_at": now_ms() + due[states[name]] if states.get(name) in due and name != "close" else None}
        for name in ("ack", "video", "police", "office", "call", "close")
    ]  # fmt: skip


def incident(id: str = "i1", **more: Any) -> dict[str, Any]:
    at = now_ms() - 21_000
    return {
        "id": id, "wearer": "w1", "priority": 1, "kind": "strap_cut", "state": "open", "owner": None, "owner_name": None,
        "opened_at": at, "closed_at": None, "code": None, "alarms": ["a1"],
        "who": {"name": "박예시", "case_no": "가상-2026-0147", "age": 41, "office": "가온보호관찰소", "officer": "나출동", "phone_known": True},
        "place": place(), "speed_mps": 1.4, "evidence": {"for": ["strap_open", "repeated"], "against": [], "certainty": "certain"},
        "law": {"basis": "EM-16-3-2/14-1", "article_ko": "전자장치부착법 제16조의3 제2항", "article_en": "Electronic Device Attachment Act Art. 16-3(2)", "why": None},
        "video": {"state": "proposed", "requests": [], "grants": [], "cameras": [camera(n) for n in range(1, 6)]},
        "dispatches": [], "notices": [], "calls": [], "steps": steps(ack="now"), "sealed": 3, "duties": [],
        "record": [{"at": at, "what": "incident_opened", "by_name": None, "with": {}}, {"at": at, "what": "alarm_raised", "by_name": None, "with": {"kind": "strap_cut"}}],
        **more,
    }  # fmt: skip


def granted(*, until_ms: int = 1_759_000) -> dict[str, Any]:
    grant = {
        "grant": "g1", "city": "garam", "city_name": "가람시", "granted_at": now_ms() - 41_000, "until": now_ms() + until_ms,
        "conditions": ["no_recording", "no_onward_sharing", "no_audio"], "state": "live", "why": None,
    }  # fmt: skip
    cameras = [camera(n, grant="g1", state="granted") for n in range(1, 5)] + [camera(5)]
    return {"state": "granted", "requests": [{"request": "r1", "city": "garam", "city_name": "가람시", "state": "granted", "why": None}], "grants": [grant], "cameras": cameras}  # fmt: skip


def unit(id: str, name: str, kind: str, dy: float, dx: float, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "kind": kind, "lat": LAT + dy, "lon": LON + dx, "at": now_ms(), "state": "free", "dispatch": None, "eta_s": 190, **more}  # fmt: skip


ORDER: dict[str, Any] = {
    "priority": 1, "ordered_at": 0, "unable": None, "lead_name": "이관제", "others": [], "sighting": None, "backup": None, "law": None,
    "grants": [], "cameras": [],
}  # fmt: skip
"""What an officer's order holds besides, before it is accepted."""


def seen_order(**more: Any) -> dict[str, Any]:
    """An accepted order with two cameras of a live grant."""
    law = {
        "article_ko": "전자장치부착법 제16조의3 제2항",
        "article_en": "EM Act Art. 16-3(2)",
        "conditions": ["no_recording", "one_picture", "end_with_order"],
    }
    return {
        "dispatch": "d1", "state": "en_route", "incident": "i1", "place": place(), "kind_word": "strap_cut", "answer_by": None,
        "office": "가온보호관찰소", **ORDER, "law": law, "grants": granted()["grants"],
        "cameras": [camera(n, grant="g1", state="granted") for n in (1, 2)], **more,
    }  # fmt: skip


def calm_world() -> dict[str, dict[str, Any]]:
    at = now_ms()
    link = {"up": True, "since": at - 3_600_000, "delay_ms": 12, "streams": 0}
    return {
        "me": {"me": ME}, "alarms": {}, "incidents": {}, "tracks": {}, "zones": {},
        "units": {u["id"]: u for u in (unit("u1", "신속수사팀 2", "rapid", 0.0014, -0.004), unit("u2", "가온 야간팀", "office", -0.002, 0.004, eta_s=400), unit("u3", "순찰 31", "police", 0.001, 0.0035, eta_s=120))},
        "links": {n: {"id": n, "name": name, "role": role, **link} for n, name, role in (("garam", "가람시", "city"), ("narae", "나래시", "city"), ("desk", "112", "police"))},
        "calm": {"calm": {"wearers": 5000, "reporting": 4979, "silent": 21, "cameras": 11982, "last_fix_at": at - 1000, "fixes_per_s": 312.4, "pictures_open": 0, "ledger_size": 188402, "ledger_checked_at": at - 60_000, "cities_agree": True}},
        "seats": {p: {"person": p, "name": n, "role": r, "seat": s, "here": True, "incidents": 0} for p, n, r, s in (("op1", "이관제", "operator", "1"), ("op2", "강연습", "operator", "2"), ("sup", "오당직", "supervisor", ""))},
        "orders": {},
    }  # fmt: skip


def base_map() -> dict[str, Any]:
    """A small town: streets on a leaning grid, houses between them, a river, a park."""

    def at(x: float, y: float) -> list[float]:
        return [LON + (x + 0.18 * y) / 90_000, LAT + (y - 0.12 * x) / 111_000]

    def line(points: list[tuple[float, float]], **properties: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": properties, "geometry": {"type": "LineString", "coordinates": [at(*p) for p in points]}}  # fmt: skip

    def area(ring: list[tuple[float, float]], **properties: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [[at(*p) for p in [*ring, ring[0]]]]}}  # fmt: skip

    made = [area([(700, -1500), (860, -1500), (900, 1500), (740, 1500)], layer="water", name="가온강"), area([(-500, -420), (-250, -420), (-250, -190), (-500, -190)], layer="park", name="별빛공원")]  # fmt: skip
    for i in range(-12, 13):
        kind, width = (("arterial", 15), ("local", 5.5), ("collector", 9))[0 if i % 6 == 0 else 2 if i % 3 == 0 else 1]
        made.append(line([(i * 95, -1200), (i * 95, 1200)], layer="road", **{"class": kind, "width_m": width, "name": f"오름{i + 13}길"}))  # fmt: skip
        made.append(line([(-1200, i * 80), (1200, i * 80)], layer="road", **{"class": kind, "width_m": width, "name": f"별빛{i + 13}로"}))  # fmt: skip
        for j in range(-12, 12):
            x, y = i * 95.0, j * 80.0
            made += [area([(x + a, y + 12), (x + a + 30, y + 12), (x + a + 30, y + 66), (x + a, y + 66)], layer="building") for a in (12, 52)]  # fmt: skip
    made.append(line([(800, -1500), (820, 1500)], layer="border", name="가람·나래"))
    for name, x in (("가람시", -700), ("나래시", 1100)):
        made.append({"type": "Feature", "properties": {"layer": "label", "kind": "city", "name": name}, "geometry": {"type": "Point", "coordinates": at(x, 500)}})  # fmt: skip
    return {"type": "FeatureCollection", "features": made}


# --- the server ----------------------------------------------------------------------------------------------------


class Centre:
    """Holds what the socket says. `answer` decides on commands; the default lets everything happen."""

    def __init__(self) -> None:
        self.demo: dict[str, Any] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.port = 0
        self.begin(calm_world())

    def begin(self, world: dict[str, dict[str, Any]]) -> None:
        self.world = world
        self.epoch = now_ms()
        self.seq = 1
        self.missed: list[dict[str, Any]] = []
        self.sockets: set[WebSocket] = set()
        self.heard: list[dict[str, Any]] = []
        self.hellos: list[Any] = []
        self.no: dict[str, str] = {}
        self.mute = False
        self.away = False
        self.signed_in = True
        self.picture = b""
        self.archive: dict[str, Any] = {}
        self.law = b""
        self.runs: dict[str, float] = {}
        self.cameras: dict[str, Any] = {}

    def acts(self) -> list[str]:
        return [each["act"] for each in self.heard]

    def survey(self, word: str) -> dict[str, Any]:
        """As a city answers who looks for a camera."""
        found = [each for each in self.cameras.values() if word in each["camera"] or word in each["name"]]
        known = {each["camera"]: (each["setting"] or each["listed"])["azimuth_deg"] is not None for each in found}
        rows = [{"camera": each["camera"], "name": each["name"], "known": known[each["camera"]], "set": each["setting"] is not None, "ptz": each["ptz"]} for each in found]  # fmt: skip
        return {"total": len(rows), "unknown": sum(not each["known"] for each in rows), "rows": rows}

    def put(self, **collections: dict[str, Any]) -> None:
        """Changes the world and tells every window, on the server's own loop."""
        self._run(self._put(collections))

    def update(self, id: str = "i1", **fields: Any) -> None:
        self.put(incidents={id: {**self.world["incidents"][id], **fields}})

    def admit(self, grant: str, token: str) -> None:
        self._run(self._say({"admit": {"grant": grant, "token": token}}))

    def drop(self) -> None:
        """Cuts every line."""
        self._run(self._drop())

    def _run(self, work: Any) -> None:
        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(work, self.loop).result(5)

    async def _put(self, collections: dict[str, dict[str, Any]]) -> None:
        for name, entities in collections.items():
            self.world[name] = {**self.world.get(name, {}), **entities}
        self.seq += 1
        delta = {"seq": self.seq, "at": now_ms(), "put": collections}
        self.missed.append(delta)
        await self._say(delta)

    async def _say(self, said: dict[str, Any]) -> None:
        for each in list(self.sockets):
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await each.send_json(said)

    async def _drop(self) -> None:
        for each in list(self.sockets):
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await each.close(1012)

    async def live(self, ws: WebSocket) -> None:
        if self.away:
            await ws.close(1013)
            return
        await ws.accept()
        if not self.signed_in:
            await ws.close(4401)
            return
        hello = await ws.receive_json()
        self.hellos.append(hello["have"])
        self.sockets.add(ws)
        beat = asyncio.create_task(self._beat(ws))
        try:
            await self._greet(ws, hello["have"])
            while True:
                await self._heed(ws, await ws.receive_json())
        except WebSocketDisconnect:
            self.sockets.discard(ws)
        finally:
            beat.cancel()

    async def _greet(self, ws: WebSocket, have: dict[str, Any] | None) -> None:
        head = {"epoch": self.epoch, "seq": self.seq, "at": now_ms()}
        if have and have["epoch"] == self.epoch:
            await ws.send_json({**head, "resumed": True})
            for each in self.missed:
                if each["seq"] > have["seq"]:
                    await ws.send_json(each)
        else:
            await ws.send_json({**head, "full": self.world})

    async def _beat(self, ws: WebSocket) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            while True:
                if not self.mute:
                    await ws.send_json({"beat": now_ms()})
                await asyncio.sleep(0.5)

    async def _heed(self, ws: WebSocket, said: dict[str, Any]) -> None:
        self.heard.append(said)
        if said["act"] in self.no:
            await ws.send_json({"ref": said["ref"], "no": self.no[said["act"]]})
            return
        await ws.send_json({"ref": said["ref"], "ok": True})
        await self._happen(said)

    async def _happen(self, said: dict[str, Any]) -> None:
        if said["act"] == "ack":
            await self._put({"alarms": {said["alarm"]: {**self.world["alarms"][said["alarm"]], "state": "acked", "escalates_at": None}}})  # fmt: skip
            return
        one = self.world["incidents"].get(said.get("incident", ""))
        if one is None:
            return
        match said["act"]:
            case "claim" | "take_over":
                change: dict[str, Any] = {"state": "claimed", "owner": "op1", "owner_name": "이관제"}
            case "video":
                change = {"video": granted(), "steps": steps(ack="done", video="done", police="now")}
            case "police":
                notice = {"notice": "n1", "room": "desk", "room_name": "112 상황실", "state": "sent", "sent_at": now_ms(), "answer_by": now_ms() + 60_000, "overdue": False}  # fmt: skip
                change = {"notices": [notice], "steps": steps(ack="done", video="done", police="done", office="now")}
            case "office":
                sent = {"dispatch": "d1", "unit": said["unit"], "unit_name": "신속수사팀 2", "state": "ordered", "ordered_at": now_ms(), "answer_by": now_ms() + 30_000, "overdue": False}  # fmt: skip
                change = {"dispatches": [sent], "steps": steps(ack="done", video="done", police="done", office="done", call="now")}  # fmt: skip
            case "call":
                change = {"calls": [{"at": now_ms(), "by_name": "이관제", "outcome": said["outcome"]}], "steps": steps(ack="done", video="done", police="done", office="done", call="done", close="now")}  # fmt: skip
            case "close":
                await self._put({"alarms": {a: {**v, "state": "closed"} for a, v in self.world["alarms"].items()}})
                change = {"state": "closed", "closed_at": now_ms(), "code": said["code"], "duties": [{"duty": "viewing_notice", "due_at": now_ms() + 30 * 86_400_000}]}  # fmt: skip
            case _:
                return
        await self._put({"incidents": {one["id"]: {**one, **change}}})
        if said["act"] == "video":
            await self._say({"admit": {"grant": "g1", "token": "t1"}})

    # -- pages

    def page(self, name: str) -> Callable[[Request], Response]:
        def serve(_: Request) -> Response:
            words = (CONSOLE / "importmap.json").read_text()
            digest = base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()
            text = (CONSOLE / name).read_text().replace("<!--importmap-->", f'<script type="importmap">{words}</script>')  # fmt: skip
            policy = (
                f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; worker-src 'self'; img-src 'self' data:; media-src blob:; "
                "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            )
            return HTMLResponse(text, headers={"content-security-policy": policy})

        return serve

    def app(self) -> Starlette:
        def demo(_: Request) -> Response:
            return JSONResponse(self.demo) if self.demo else PlainTextResponse("", 404)

        def cameras(_: Request) -> Response:
            return JSONResponse({"cameras": [{"id": f"c{i}{j}", "lat": LAT + i * 0.0021, "lon": LON + j * 0.0027} for i in range(-4, 5) for j in range(-4, 5)]})  # fmt: skip

        async def sign_in(request: Request) -> Response:
            asked = await request.json()
            roles = {"operator1": "operator", "officer1": "officer"}
            if asked["account"] not in roles:
                return JSONResponse({"reason": "bad_sign_in"}, 401)
            return JSONResponse({"role": roles[asked["account"]]})

        async def photo(request: Request) -> Response:
            self.heard.append({"act": "photo", **request.query_params, "bytes": await request.body()})
            return PlainTextResponse("", 204)

        async def archive(request: Request) -> Response:
            what = request.path_params["what"]
            self.heard.append({"act": what, **await request.json()})
            answer = self.archive.get(what, (404, {"reason": "no_such_incident"}))
            if isinstance(answer, bytes):
                return Response(answer, media_type="application/pdf")
            return JSONResponse(answer[1], answer[0])

        async def footage(request: Request) -> Response:
            what = request.path_params["what"]
            said = await request.json()
            if what != "about":  # asked again every two seconds
                self.heard.append({"act": f"footage {what}", "said": said})
            answer = self.archive.get(f"footage {what}", (404, {"reason": "no_such_incident"}))
            if isinstance(answer, bytes):
                return Response(answer, media_type="video/mp4")
            return Response(status_code=204) if answer[0] == 204 else JSONResponse(answer[1], answer[0])

        async def story(request: Request) -> Response:
            name = request.path_params["name"]
            self.heard.append({"act": "story", "name": name})
            self.runs = {**self.runs, name: time.monotonic()}
            return PlainTextResponse("")

        async def stop(request: Request) -> Response:
            self.heard.append({"act": "stop", "name": request.path_params["name"]})
            self.runs = {}
            return PlainTextResponse("")

        async def caught(request: Request) -> Response:
            self.heard.append({"act": "caught", "wearer": request.path_params["id"]})
            return PlainTextResponse("")

        def runs(_: Request) -> Response:
            told = [
                {"name": each["name"], "rings_s": 75.0, "caught": False, "steps": [{"ko": "구역 쪽으로 걸음", "en": "walks"}],
                 "seconds": (run := self.runs.get(each["name"])) and time.monotonic() - run, "step": 0 if run else None}
                for each in (self.demo or {}).get("stories", [])
            ]  # fmt: skip
            return JSONResponse({"stories": told})

        return Starlette(routes=[
            Route("/", self.page("index.html")), Route("/operator", self.page("operator.html")), Route("/field", self.page("field.html")), Route("/protected", self.page("protected.html")), Route("/city", self.page("city.html")),
            Route("/incidents", self.page("incidents.html")), Route("/supervisor", self.page("supervisor.html")), Route("/law", self.page("law.html")), Route("/wall", self.page("wall.html")), Route("/law.json", lambda _: Response(self.law or b"no", 200 if self.law else 503, media_type="application/json")), Route("/archive/{what}", archive, methods=["POST"]), Route("/footage/{what}", footage, methods=["POST"]),
            Route("/demo.json", demo), Route("/map/cameras.json", cameras), Route("/map/base.geojson", lambda _: JSONResponse(base_map())),
            Route("/sign-in", sign_in, methods=["POST"]), Route("/sign-out", lambda _: PlainTextResponse(""), methods=["POST"]),
            Route("/field/photo", photo, methods=["POST"]), Route("/photo/{i}/{a}", lambda _: Response(self.picture, media_type="image/jpeg")),
            Route("/cameras", lambda request: JSONResponse(self.survey(request.query_params.get("find", "")))),
            Route("/cameras/{id}", lambda request: JSONResponse(self.cameras[request.path_params["id"]])),
            Route("/field-worker.js", lambda _: FileResponse(CONSOLE / "field-worker.js", headers={"content-security-policy": "default-src 'none'; connect-src 'self'"})),
            Route("/panel/story/{name}", story, methods=["POST"]), Route("/panel/story/{name}/stop", stop, methods=["POST"]),
            Route("/panel/state", runs), Route("/panel/wearer/{id}/caught", caught, methods=["POST"]),
            Route("/console/player/player.js", lambda _: Response((HERE / "player.js").read_text(), media_type="text/javascript")),
            WebSocketRoute("/ws", self.live), Mount("/console", StaticFiles(directory=CONSOLE, follow_symlink=True)),
        ])  # fmt: skip


@pytest.fixture(scope="session")
def server() -> Iterator[Centre]:
    centre = Centre()
    listener = socket.create_server(("127.0.0.1", 0))
    centre.port = listener.getsockname()[1]
    config = uvicorn.Config(centre.app(), log_level="warning", ws="websockets-sansio", lifespan="off")
    program = uvicorn.Server(config)

    async def serve() -> None:
        centre.loop = asyncio.get_running_loop()
        await program.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    while not program.started:
        time.sleep(0.02)
    yield centre
    program.should_exit = True
    program.force_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def centre(server: Centre) -> Centre:
    server.begin(calm_world())
    server.demo = None
    return server


# --- the browser ---------------------------------------------------------------------------------------------------

CHROMIUM = ["--no-sandbox", "--use-angle=swiftshader-webgl", "--enable-unsafe-swiftshader", "--disable-background-networking", "--disable-quic", "--no-first-run"]  # fmt: skip


class Window:
    """One page, with everything it should not have done."""

    def __init__(self, context: Any, centre: Centre) -> None:
        self.context = context
        self.centre = centre
        self.faults: list[str] = []
        self.foreign: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"http://127.0.0.1:{self.centre.port}/", f"ws://127.0.0.1:{self.centre.port}/", "data:", "blob:")):  # fmt: skip
            self.foreign.append(request.url)

    def go(self, path: str) -> Any:
        self.page.goto(f"http://127.0.0.1:{self.centre.port}{path}")
        return self.page

    def until(self, expression: str, seconds: float = PATIENCE_S) -> Any:
        """Polls: the pages' policy forbids what a browser-side wait would need."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = self.page.evaluate(expression)
            except Error as error:
                if "context was destroyed" not in str(error):  # the page went elsewhere while it was asked
                    raise
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}")

    def says(self, text: str, seconds: float = PATIENCE_S) -> None:
        self.until(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    def heard(self, act: str, seconds: float = PATIENCE_S, *, nth: int = 1) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            said = [each for each in self.centre.heard if each["act"] == act]
            if len(said) >= nth:
                return said[nth - 1]
            time.sleep(0.02)
        raise AssertionError(f"never heard {act}: {self.centre.acts()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Debian's Chromium is not installed")
    with sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=path, args=CHROMIUM)
        yield one
        one.close()


@pytest.fixture
def opened(browser: Any, centre: Centre) -> Iterator[Callable[..., Window]]:
    """Opens windows; afterwards no window may have broken the policy, thrown, or asked a stranger for anything."""
    windows: list[Window] = []

    def open_(*, width: int = 1920, height: int = 1080, language: str = "ko", theme: str = "dark") -> Window:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="ko-KR", reduced_motion="reduce")  # fmt: skip
        context.add_init_script(f"localStorage.setItem('safetynet.language','{language}');localStorage.setItem('safetynet.theme','{theme}')")  # fmt: skip
        windows.append(Window(context, centre))
        return windows[-1]

    yield open_
    faults = [each for w in windows for each in w.faults if "WebSocket" not in each and "404" not in each and "401" not in each]  # fmt: skip
    foreign = [each for w in windows for each in w.foreign]
    for each in windows:
        each.context.close()
    assert faults == []
    assert foreign == []


def shot(window: Window, name: str) -> None:
    """A picture of the page into the folder SAFETYNET_SHOTS, when a person wants to look."""
    folder = os.environ.get("SAFETYNET_SHOTS")
    if folder:
        window.page.wait_for_timeout(700)
        window.page.screenshot(path=f"{folder}/{name}.png")


@pytest.fixture
def look() -> Callable[[Window, str], None]:
    return shot


@pytest.fixture
def scene() -> Any:
    """The makers of entities in this file, for tests that change the world."""
    return sys.modules[__name__]
