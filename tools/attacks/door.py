"""At the doors: what anybody on the network can send to pages, devices' intake and window ports."""

import asyncio
import contextlib
import json
import re
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import websockets

from safetynet.core.terms import HOUR_MS
from safetynet.edge import auth, clock
from safetynet.sim.children import HOST
from safetynet.sim.provision import CONTROL
from tools.attacks.book import Wave, attack
from tools.attacks.stage import Answer, Broken, Stage, demand, http, raw, until, video, window

OPEN: Final = frozenset({
    "/", "/sign-in", "/sign-out", "/demo.json", "/console/{path}", "/field", "/protected", "/field-worker.js",
    "/device", "/device/batch", "/owntracks", "/unit",
})  # fmt: skip
"""Doors that ask nobody for a session: the shells of pages, the way in, and devices, which have keys."""
EVIL: Final = "https://evil.example"
JSON_DOORS: Final = (
    "/sign-in", "/archive/search", "/archive/open", "/archive/report", "/admin/look", "/admin/order", "/admin/history",
    "/admin/try", "/admin/do", "/footage/about", "/footage/ask", "/footage/do", "/footage/view",
)  # fmt: skip
MEGABYTES: Final = 10
MEMORY_MIB_MAX: Final = 64
"""By which a program may have grown after bodies of MEGABYTES at each of its doors."""
DEEP: Final = b'{"account":' + b"[" * 1_900 + b"]" * 1_900 + b"}"
NONSENSE: Final = (
    b"", b"{", b"[]", b"null", b'"\xff"', b'{"account":1}', b"\0" * 64, DEEP, b'{"account":"\\ud800","password":"x"}',
    b'{"account":"kim\\u0000","password":"x"}', b'{"account":"a","account":"b","password":"x"}', b"1e999",
)  # fmt: skip
SESSIONS: Final = 16
"""Of one person; the product keeps fewer."""
WINDOWS: Final = 32
SILENT: Final = 1_500
"""Connections of somebody who says nothing; a program may have 1,024 files open where nobody raised that."""
ALARM_S_MAX: Final = 5.0


async def _described(stage: Stage, account: str) -> dict[str, dict[str, object]]:
    answer = await stage.ask(account, "GET", "/openapi.json")
    demand(answer.status == 200, f"no description of the surface: {answer.status}")
    found: dict[str, dict[str, object]] = answer.said["paths"]
    return found


@attack("any page or route without a session", Wave.DESK, "closed incidents are found by who is not signed in")
async def without_session(stage: Stage) -> None:
    for account in ("operator1", "garam1"):
        port = stage.door(account)
        for path, methods in (await _described(stage, account)).items():
            for method in methods:
                if path in OPEN:
                    continue
                asked = re.sub(r"\{[^}]+\}", "x", path)
                answer = await http(port, method.upper(), asked, b"{}" if method == "post" else b"")
                away = answer.status == 307 and answer.headers.get("location") == "/"
                demand(away or answer.status in (401, 403), f"{method} {path} without a session: {answer.status}")


@attack("a session that was made up, cut short or belongs to another program", Wave.DESK)
async def made_up_session(stage: Stage) -> None:
    own, city = await stage.cookie("operator1"), await stage.cookie("garam1")
    name, _, token = own.partition("=")
    for each in (
        f"{name}=",
        f"{name}={token[:-1]}",
        f"{name}={token[::-1]}",
        f"{name}={'A' * 43}",
        f'{name}="{token}x"',
        city,
    ):
        answer = await http(stage.ports.pages, "GET", "/law.json", Cookie=each)
        demand(answer.status == 401, f"the law table for a cookie that nobody was given: {answer.status}")
    answer = await http(stage.door("garam1"), "GET", "/cameras", Cookie=own)
    demand(answer.status == 401, "the control centre's session opens the city's cameras")


@attack("a stolen cookie used after its owner signed out", Wave.DESK)
async def after_sign_out(stage: Stage) -> None:
    own = await stage.cookie("operator2", fresh=True)
    async with window(stage.ports.pages, own) as stolen:
        demand(stolen.shown, "the window did not open")
        demand((await http(stage.ports.pages, "POST", "/sign-out", Cookie=own)).status == 204, "nobody can sign out")
        await until(lambda: stolen.closed is not None, "the end of a window whose person signed out", 5)
    demand((await http(stage.ports.pages, "GET", "/law.json", Cookie=own)).status == 401, "the cookie lives on")
    async with window(stage.ports.pages, own) as again:
        demand(again.closed == 4401 and not again.shown, "a window opens with a cookie that was signed out")
    stage.cookies.pop("operator2")


@attack("a password by trying", Wave.DESK, "guesses are not counted")
async def brute_force(stage: Stage) -> None:
    tried = [(await stage.sign_in("officer3", f"wrong{n}")).status for n in range(auth.TRIES_MAX)]
    demand(tried == [401] * auth.TRIES_MAX, f"a wrong password is answered {tried}")
    answer = await stage.sign_in("officer3")
    demand(answer.status == 429, f"after {auth.TRIES_MAX} wrong ones the next is tried all the same: {answer.status}")


@attack("which accounts there are, by the answer", Wave.DESK)
async def which_accounts(stage: Stage) -> None:
    known, unknown = await stage.sign_in("officer4", "wrong"), await http(
        stage.ports.pages, "POST", "/sign-in", {"account": "nobody-at-all", "password": "wrong"}
    )  # fmt: skip
    demand((known.status, known.body) == (unknown.status, unknown.body), "a known account is answered otherwise")


@attack("everybody's session, by signing in again and again", Wave.DESK, "one person takes the sessions of all")
async def crowd_of_sessions(stage: Stage) -> None:
    """Sessions are few; who has one password must not push others out with it."""
    desk = await stage.cookie("operator1")
    first = await stage.cookie("officer2", fresh=True)
    for _ in range(SESSIONS):
        demand((await stage.sign_in("officer2")).status == 200, "an officer cannot sign in")
    demand((await http(stage.ports.pages, "GET", "/law.json", Cookie=desk)).status == 200, "an operator was pushed out")
    old = await http(stage.ports.pages, "GET", "/map/cameras.json", Cookie=first)
    demand(old.status == 401, "one person holds as many sessions as wished")
    stage.cookies.pop("officer2", None)


@attack("an act by a page of another origin", Wave.DESK, "a page of another origin is listened to")
async def foreign_origin(stage: Stage) -> None:
    for account, paths in (
        ("supervisor1", JSON_DOORS),
        ("admin1", ("/admin/do",)),
        ("officer1", ("/field/photo", "/sign-out")),
    ):
        for path in paths:
            for origin in (
                EVIL,
                "null",
                f"http://{HOST}:{stage.ports.pages + 1}",
                f"http://{HOST}.evil.example:{stage.ports.pages}",
            ):
                answer = await stage.ask(account, "POST", path, b"{}", Origin=origin, content_type="text/plain")
                demand(answer.status == 403, f"POST {path} from {origin}: {answer.status}")
    own = await http(stage.ports.pages, "GET", "/law.json", Cookie=await stage.cookie("officer1"))
    demand(own.status in (401, 403), "an officer reads the law table")


@attack("an act through a foreign name for this host", Wave.DESK)
async def foreign_host(stage: Stage) -> None:
    for path in JSON_DOORS:
        answer = await stage.ask("supervisor1", "POST", path, b"{}", host="evil.example")
        demand(answer.status == 403, f"POST {path} for evil.example: {answer.status}")


@attack("a socket opened by a page of another origin", Wave.DESK)
async def foreign_socket(stage: Stage) -> None:
    for account in ("operator1", "garam1"):
        async with window(stage.door(account), await stage.cookie(account), Origin=EVIL) as opened:
            demand(not opened.shown and opened.closed == 4401, f"the state of {account} goes to {EVIL}")
    for port in (stage.ports.windows, stage.ports.city_windows(0)):
        try:
            async with video(port, Origin=EVIL):
                raise Broken(f"the pictures' socket {port} is open to {EVIL}")
        except websockets.InvalidStatus as no:
            demand(no.response.status_code == 403, f"refused with {no.response.status_code}")


def _files() -> Iterator[tuple[str, str]]:
    for way in ("..", "%2e%2e", "..%2f..", "%252e%252e", "..\\..", ".%00.", "//etc", "vendor/../.."):
        for target in ("edge/schema.sql", "edge/keys.py", "../pyproject.toml", "../../../../../../etc/passwd"):
            yield f"/console/{way}/{target}", target
    for name in ("../keys/sign.key", "..%2fkeys%2fsign.key", "%2e%2e/log.db", "../centre"):
        yield f"/map/{name}.json", name
        yield f"/map/{name}.geojson", name
    yield "/console/operator.html", "a page by the way of files"
    yield "/console/index.html%00.js", "a NUL"


@attack("a file outside the pages, by its path", Wave.DESK, "a file of the console may be called anything")
async def traversal(stage: Stage) -> None:
    own = await stage.cookie("operator1")
    for path, what in _files():
        head = f"GET {path} HTTP/1.1\r\nhost: {HOST}:{stage.ports.pages}\r\ncookie: {own}\r\nconnection: close\r\n\r\n"
        answer = await raw(stage.ports.pages, head.encode())
        demand(answer.status in (400, 401, 404), f"{path} ({what}): {answer.status}")


@attack("a file outside the photographs, reports and cameras, by its name", Wave.DESK)
async def traversal_by_name(stage: Stage) -> None:
    ways = (
        "../../keys/log.key",
        "..%2f..%2fkeys%2flog.key",
        "%2e%2e%2f%2e%2e%2flog.db",
        "....//keys",
        "C-1%0d%0aset-cookie:x=1",
    )
    for way in ways:
        photo = await stage.ask("operator1", "GET", f"/photo/{way}/{way}")
        demand(photo.status in (400, 404), f"/photo/{way}: {photo.status}")
        camera = await stage.ask("garam1", "GET", f"/cameras/{way}")
        demand(camera.status in (400, 404), f"/cameras/{way}: {camera.status}")
        for path in ("/archive/report", "/archive/open"):
            said = {"incident": way, "purpose": "self_check"}
            report = await stage.ask("supervisor1", "POST", path, said)
            demand(report.status == 404 and "set-cookie" not in report.headers, f"{path} {way}: {report.status}")
        view = await stage.ask("supervisor1", "POST", "/footage/view", {"footage": way, "camera": way})
        demand(view.status == 404, f"/footage/view {way}: {view.status}")


def _memory_mib(stage: Stage, name: str) -> float:
    status = Path(f"/proc/{stage.running[name].pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1_024


async def _fat(stage: Stage, port: int, path: str, cookie: str) -> Answer:
    """Says 10 MB and means it; the answer may come long before its end."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {HOST}:{port}\r\ncookie: {cookie}\r\ncontent-type: application/json\r\n"
        f"content-length: {MEGABYTES * 1_048_576}\r\nconnection: close\r\n\r\n"
    )
    return await raw(port, head.encode() + b'{"incident":"' + b"x" * (MEGABYTES * 1_048_576 - 15) + b'"}')


@attack("a body of 10 MB at every door", Wave.DESK, "a body may be as long as it likes")
async def fat_bodies(stage: Stage) -> None:
    before = _memory_mib(stage, CONTROL)
    boss, officer = await stage.cookie("supervisor1"), await stage.cookie("officer1")
    photo = f"/field/photo?dispatch=D&action={'a' * 20}&acted_at=1"
    for path in (*JSON_DOORS, "/device", "/owntracks", "/unit", photo):
        answer = await _fat(stage, stage.ports.pages, path, officer if path == photo else boss)
        demand(answer.status in (0, 400, 401, 403, 413), f"10 MB at {path}: {answer.status}")
    answer = await _fat(stage, stage.door("garam1"), "/sign-in", await stage.cookie("garam1"))
    demand(answer.status in (0, 400, 413), f"10 MB at a city's sign-in: {answer.status}")
    stage.require_alive()
    grown = _memory_mib(stage, CONTROL) - before
    demand(grown < MEMORY_MIB_MAX, f"the control centre grew by {grown:.0f} MiB")


@attack("nonsense at every door", Wave.DESK)
async def nonsense(stage: Stage) -> None:
    for path in JSON_DOORS:
        account = "admin1" if path.startswith("/admin") else "supervisor1"
        for body in NONSENSE:
            answer = await stage.ask(account, "POST", path, body)
            demand(400 <= answer.status < 500, f"{body[:20]!r} at {path}: {answer.status}")
    for body in NONSENSE[1:]:
        answer = await http(stage.ports.pages, "POST", "/device", body, content_type="application/json")
        demand(400 <= answer.status < 500, f"{body[:20]!r} at /device: {answer.status}")
    stage.require_alive()


@attack("fields that no form has", Wave.DESK)
async def unknown_fields(stage: Stage) -> None:
    """Where one could hope that a name or a role is read from what is said."""
    more = {"role": "administrator", "by": "admin1", "person": "supervisor1", "post": "supervisor", "may": True}
    bodies: dict[str, dict[str, object]] = {
        "/archive/search": {}, "/archive/open": {"incident": "I", "purpose": "self_check"}, "/footage/about": {},
        "/archive/report": {"incident": "I", "purpose": "self_check"},
        "/footage/do": {"footage": "F", "act": "approve"}, "/footage/view": {"footage": "F", "camera": "c"},
    }  # fmt: skip
    for path, body in bodies.items():
        answer = await stage.ask("supervisor1", "POST", path, {**body, **more})
        demand(answer.status == 400, f"{path} takes fields that it does not know: {answer.status}")
    answer = await stage.ask(
        "admin1", "POST", "/admin/do", {"act": "close_account", "person": "admin2", "why": "an attack", **more}
    )
    demand(answer.status == 400, f"/admin/do takes fields that it does not know: {answer.status}")
    said = {"account": "officer2", "password": stage.password("officer2"), **more}
    answer = await http(stage.ports.pages, "POST", "/sign-in", said)
    demand(answer.status == 400 or answer.said == {"role": "officer"}, f"a sign-in names its own role: {answer.body!r}")
    async with stage.at("officer1") as officer:
        for act in ("claim", "ack", "handover_offer"):
            no = await officer.do(
                act, incident="I", alarm="A", to="operator1", **{k: v for k, v in more.items() if k != "may"}
            )
            demand(no in ("not_allowed_now", "gone", "bad_command"), f"{act} under another's name: {no}")


@attack("numbers that no register holds", Wave.DESK, "a number may have any length")
async def huge_numbers(stage: Stage) -> None:
    """JSON knows no limit for integers; what writes them down does. One window must not end a centre."""
    huge = 10**30
    async with stage.at("officer1", fresh=True) as officer:
        for field in ("ref", "acted_at", "preset"):
            said = {
                "op": "do",
                "ref": 1,
                "act": "unit",
                "dispatch": "D",
                "state": "accepted",
                "action": "a" * 20,
                field: huge,
            }
            with contextlib.suppress(websockets.ConnectionClosed):
                await officer.socket.send(json.dumps(said))
    wearer = stage.wearers[0]
    for part in (
        {"starts_at": huge},
        {"ends_at": huge},
        {"starts_at": -huge},
        {"absences": [{"id": "a", "starts_at": 1, "ends_at": huge}]},
    ):
        order = {"wearer_class": "order", "zones": [], "curfews": [], **part}
        for path in ("/admin/try", "/admin/do"):
            said = {"act": "draft_order", "why": "an attack", "wearer": wearer.wearer, "over": 1, "order": order}
            answer = await stage.ask("admin1", "POST", path, said)
            demand(answer.status in (200, 400), f"{path} with {part}: {answer.status}")
            demand(answer.status == 400 or answer.said["no"], f"{path} takes an order with {part}")
    for field in ("since", "until", "page"):
        answer = await stage.ask("supervisor1", "POST", "/archive/search", {field: huge})
        demand(answer.status in (200, 400), f"/archive/search with {field}: {answer.status}")
    await asyncio.sleep(0.3)
    stage.require_alive()


@attack(
    "pages that may be framed, sniffed or made to run what is in them",
    Wave.DESK,
    "a policy that lets scripts of the page run",
)
async def headers(stage: Stage) -> None:
    pages = {"operator1": ("/", "/operator", "/wall", "/law", "/incidents"), "supervisor1": ("/supervisor",), "admin1": ("/admin",),
             "officer1": ("/field", "/demo.json", "/console/base.js", "/console/none"), "garam1": ("/city",)}  # fmt: skip
    for account, paths in pages.items():
        for path in paths:
            answer = await stage.ask(account, "GET", path)
            policy = answer.headers.get("content-security-policy", "")
            for word in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'"):
                demand(word in policy or answer.status == 307, f"{path} without {word}")
            demand("unsafe" not in policy and "*" not in policy, f"{path}: {policy}")
            demand(
                answer.headers.get("x-content-type-options") == "nosniff" or answer.status == 307,
                f"{path} may be sniffed",
            )
            demand("server" not in answer.headers, f"{path} names its server")
    kept = (await stage.sign_in("officer4")).headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=Strict"):
        demand(word in kept, f"a cookie without {word}")


@attack(
    "the door itself, by connections that say nothing", Wave.DESK, "who says nothing may stand in the door for ever"
)
async def silent_crowd(stage: Stage) -> None:
    """A device must be heard although a stranger holds as many connections as a program may have files."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], SILENT + 2_000), limit[1]))
    standing: list[socket.socket] = []
    try:
        for n in range(SILENT):
            one = socket.create_connection((HOST, stage.ports.pages), timeout=5)
            standing.append(one)
            if n % 3 == 0:
                one.send(b"POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            elif n % 3 == 1:
                one.send(b"GET / HTTP/1.1\r\nhost: ")
            if n % 100 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(2.0)  # so that all are in who get in
        held = len(list(_open_files(stage, CONTROL)))
        demand(held < SILENT // 2, f"{held} files are held open by who says nothing")
        answer = await asyncio.wait_for(stage.report(stage.wearers[-1]), ALARM_S_MAX)
        demand(answer.status == 200, f"a device is not heard: {answer.status}")
    except TimeoutError as late:
        raise Broken(f"a device is not heard within {ALARM_S_MAX:.0f} s") from late
    finally:
        for one in standing:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def _open_files(stage: Stage, name: str) -> Iterator[Path]:
    yield from Path(f"/proc/{stage.running[name].pid}/fd").iterdir()


@attack("every place at a window's port", Wave.DESK)
async def strangers_at_the_windows(stage: Stage) -> None:
    port = stage.ports.windows
    standing = [await asyncio.open_connection(HOST, port) for _ in range(300)]
    try:
        async with video(port) as late:
            demand(await late.hello("no token of anybody") == "token_unknown", "a guess is answered otherwise")
    finally:
        for _, writer in standing:
            writer.transport.abort()


@attack("a flood of words in one window", Wave.DESK)
async def flood(stage: Stage) -> None:
    async with stage.at("officer1", fresh=True) as officer, stage.at("operator1") as desk:
        with contextlib.suppress(websockets.ConnectionClosed):
            for n in range(500):
                await officer.socket.send(json.dumps({"op": "do", "ref": n, "act": "unit"}))
        await until(lambda: officer.closed is not None, "the end of a window that does not stop talking", 5)
        demand(await desk.do("claim", incident="none") == "no_such_incident", "another window is not answered any more")
    async with stage.at("officer1", fresh=True) as officer:
        with contextlib.suppress(websockets.ConnectionClosed):
            await officer.socket.send('{"op":"do","ref":1,"act":"' + "x" * 8_000_000 + '"}')
        await until(lambda: officer.closed is not None, "the end of a window that sends 8 MB", 5)
    stage.require_alive()


@attack("windows without end for one account", Wave.DESK, "one person opens windows without end")
async def crowd_of_windows(stage: Stage) -> None:
    own = await stage.cookie("officer1", fresh=True)
    sockets = []
    try:
        for _ in range(WINDOWS + 8):
            one = await websockets.connect(
                f"ws://{HOST}:{stage.ports.pages}/ws", additional_headers={"Cookie": own}, compression=None
            )
            sockets.append(one)
            with contextlib.suppress(websockets.ConnectionClosed):
                await one.send('{"op":"hello","have":null}')
                await one.recv()
        await asyncio.sleep(0.5)
        alive = sum(each.close_code is None for each in sockets)
        demand(alive <= WINDOWS, f"{alive} windows of one person are open")
    finally:
        for one in sockets:
            one.transport.abort()


# --- devices -------------------------------------------------------------------------------------------------------


@attack("a device's key by guessing", Wave.DESK, "any key is a device's key")
async def guess_key(stage: Stage) -> None:
    wearer = stage.one()
    for key in ("", "0", "key", wearer.device, wearer.key[:-1], wearer.key + "x", "' or 1=1 --", "é" * 8):
        answer = await http(
            stage.ports.pages,
            "GET",
            f"/device?id={wearer.device}&alarm=removing",
            X_Device_Key=key.encode().decode("latin-1"),
        )
        unknown = await http(stage.ports.pages, "GET", "/device?id=nobody&alarm=removing", X_Device_Key="x")
        demand(answer.status == 401, f"a device is believed with key {key!r}: {answer.status}")
        demand(answer.body == unknown.body, "a known device is answered otherwise than an unknown one")


@attack("one device speaking as another, as a unit, as a protected person's phone", Wave.DESK)
async def other_device(stage: Stage) -> None:
    one, other = stage.wearers[0], stage.wearers[1]
    lat, lon = stage.place()
    place = f"lat={lat}&lon={lon}&accuracy=5&timestamp={clock.now()}"
    for path, id in (
        ("/device", other.device),
        ("/unit", one.device),
        ("/unit", "phone-rapid-1"),
        ("/device", "phone-rapid-1"),
    ):
        answer = await http(stage.ports.pages, "GET", f"{path}?id={id}&{place}&alarm=sos", X_Device_Key=one.key)
        demand(answer.status == 401, f"{path} as {id}: {answer.status}")
    answer = await http(
        stage.ports.pages, "GET", f"/device?id={one.device}&id={other.device}&{place}", X_Device_Key=one.key
    )
    demand(answer.status == 400, f"two names in one report: {answer.status}")


@attack("an alarm taken away by an old report sent again", Wave.DESK)
async def old_report(stage: Stage) -> None:
    async with stage.at("operator1") as desk:
        wearer = stage.one()
        before = clock.now() - HOUR_MS
        demand((await stage.report(wearer, at_ms=before)).status == 200, "a device is not heard")
        incident = await stage.incident(desk, wearer)
        alarms = desk.shown["incidents"][incident]["alarms"]
        for _ in range(3):
            await stage.report(wearer, at_ms=before)
            await stage.report(wearer)
        await asyncio.sleep(0.5)
        states = [desk.shown["alarms"][each]["state"] for each in alarms if each in desk.shown["alarms"]]
        demand(states and all(each == "unacked" for each in states), f"the alarm is {states}")
        await stage.close(desk, incident)


@attack("a secret at the port for those who watch machines", Wave.DESK)
async def health_port(stage: Stage) -> None:
    names = [each.name for each in stage.wearers]
    for port in (stage.ports.control_health, stage.ports.windows_health, stage.ports.city_health(0)):
        for path in ("/health", "/metrics", "/../keys", "/log.db", "/openapi.json"):
            answer = await http(port, "GET", path, X_Forwarded_For="10.9.9.9, x", Cookie="a=b")
            demand(path in ("/health", "/metrics") or answer.status in (403, 404, 500), f"{path}: {answer.status}")
            demand(not any(each.encode() in answer.body for each in names), f"{path} names a wearer")
            demand(b"rtsp" not in answer.body, f"{path} names a camera's address")
    stage.require_alive()
