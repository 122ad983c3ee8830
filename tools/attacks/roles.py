"""Inside with a right to be there: each role takes what belongs to another, on every route and with every command."""

import asyncio
import json
from typing import Any, Final

from safetynet.core.terms import WearerClass
from safetynet.edge import clock
from tools.attacks.book import Wave, attack
from tools.attacks.stage import GARAM, Broken, Stage, Window, demand, http

ID: Final = "I-000000000000"
ACTION: Final = "a" * 24
COMMANDS: Final[dict[str, dict[str, object]]] = {
    "claim": {}, "take_over": {}, "hand_over": {"to": "operator1"}, "ack": {}, "call": {"outcome": "answered"}, "video": {},
    "admit": {}, "office": {"unit": "u-1"}, "police": {}, "close": {"code": "minor"}, "backup": {}, "tell": {"text": "go home"},
    "mark": {"city": "garam", "camera": "c", "sight": "seen"}, "reassign": {"to": "operator1", "reason": "overloaded"},
    "handover_offer": {"to": "operator1"}, "handover_note": {"handover": "H", "text": "x"}, "handover_take": {"handover": "H"},
    "handover_confirm": {"handover": "H", "item": ["note", "1", ""]}, "handover_withdraw": {"handover": "H"},
    "unit": {"state": "accepted", "action": ACTION}, "field": {"mark": "seen", "action": ACTION, "acted_at": 1},
    "sos": {}, "answer": {"answer": "seen"}, "approve": {"request": "R"}, "refuse": {"request": "R", "why": "facts_unclear"},
    "stop": {"why": "facts_unclear"}, "review": {}, "watch": {}, "turn": {"camera": "c", "turn": "left"},
    "set_approval": {"basis": "EM-16-3-2/14-1", "approval": "person"}, "calibrate": {"camera": "c", "because": "aligned"},
    "uncalibrate": {"camera": "c"},
}  # fmt: skip
"""Every command of every page."""
ROUTES: Final[dict[str, dict[str, object]]] = {
    "/archive/search": {}, "/archive/open": {"incident": ID, "purpose": "self_check"},
    "/archive/report": {"incident": ID, "purpose": "self_check"}, "/footage/about": {},
    "/footage/do": {"footage": "F", "act": "approve"}, "/footage/view": {"footage": "F", "camera": "c"},
    "/admin/look": {}, "/admin/order": {"wearer": "w"}, "/admin/history": {},
    "/admin/try": {"act": "close_account", "person": "operator2", "why": "an attack"},
    "/admin/do": {"act": "close_account", "person": "operator2", "why": "an attack"},
}  # fmt: skip
PAGES: Final = (
    "/operator",
    "/supervisor",
    "/wall",
    "/law",
    "/law.json",
    "/incidents",
    "/admin",
    f"/photo/{ID}/{ACTION}",
)
NO: Final = frozenset(
    {"not_allowed_now", "bad_command", "no_such_incident", "no_such_grant", "not_owner", "not_yours", "absent"}
)


async def _commands(seen: Window, incident: str, allowed: frozenset[str]) -> None:
    """Every command but those that are this role's, at a living incident."""
    for act, more in COMMANDS.items():
        if act in allowed:
            continue
        alarm = "A-1"
        said = {"incident": incident, "dispatch": "D-1", "grant": "G-1", "alarm": alarm, **more}
        no = await seen.do(act, **said)
        demand(no in NO, f"{act}: {no}")
        await asyncio.sleep(0.06)  # slower than a flood


async def _routes(stage: Stage, account: str, forbidden: tuple[str, ...], pages: tuple[str, ...]) -> None:
    for path in forbidden:
        answer = await stage.ask(account, "POST", path, ROUTES[path])
        demand(answer.status in (401, 403), f"POST {path}: {answer.status}")
    for path in pages:
        answer = await stage.ask(account, "GET", path)
        away = answer.status == 307 and answer.headers.get("location") == "/"
        demand(away or answer.status in (401, 403), f"GET {path}: {answer.status}")


@attack("an officer acting as operator, supervisor or administrator", Wave.DESK, "anybody is an operator")
async def officer(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("officer1") as unit:
        incident = await stage.incident(desk)
        await _commands(unit, incident, frozenset())
        await _routes(stage, "officer1", tuple(ROUTES), PAGES)
        names = {each["name"] for each in unit.shown.get("incidents", {}).values() if "name" in each}
        demand(not names and not unit.shown.get("incidents"), "an officer sees incidents")
        told = "".join(unit.everything)
        staff = {each.name for each in stage.deployment.logins}
        named = [each.name for each in stage.wearers if each.name in told and each.name not in staff]
        demand(not named, f"{named} reached an officer's telephone")
        await stage.close(desk, incident)


@attack("a protected person acting as anybody else", Wave.DESK)
async def protected(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("protected1") as phone:
        incident = await stage.incident(desk)
        await _commands(phone, incident, frozenset({"sos"}))
        await _routes(stage, "protected1", tuple(ROUTES), PAGES)
        demand(set(phone.shown) <= {"me", "shield"}, f"a protected person's page holds {set(phone.shown)}")
        await stage.close(desk, incident)


@attack("an administrator acting as operator, or looking at pictures and positions", Wave.DESK)
async def administrator(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("admin1") as admin:
        incident = await stage.incident(desk)
        await _commands(admin, incident, frozenset())
        await _routes(stage, "admin1", tuple(each for each in ROUTES if not each.startswith("/admin")), tuple(each for each in PAGES if each != "/admin"))  # fmt: skip
        demand(set(admin.shown) <= {"me"}, f"an administrator's socket holds {set(admin.shown)}")
        register = (await stage.ask("admin1", "POST", "/admin/look", {})).body.decode()
        lat, _ = stage.place()
        demand(f"{lat:.3f}" not in register, "a position stands in the register")
        await stage.close(desk, incident)


@attack("an operator acting as administrator, supervisor, officer or city operator", Wave.DESK)
async def operator(stage: Stage) -> None:
    own = frozenset({"claim", "take_over", "hand_over", "ack", "call", "video", "admit", "office", "police", "close", "backup",
                     "tell", "mark", "handover_offer"})  # fmt: skip
    async with stage.at("operator1") as desk, stage.at("operator2", fresh=True) as other:
        incident = await stage.incident(desk)
        demand(await desk.do("claim", incident=incident) == "ok", "an incident cannot be claimed")
        await _commands(other, incident, own)
        await _routes(
            stage, "operator2", tuple(each for each in ROUTES if each.startswith("/admin")), ("/supervisor", "/admin")
        )
        await stage.close(desk, incident)


@attack("an operator at an incident that another leads", Wave.DESK, "whoever likes acts for who leads")
async def not_leading(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("operator2", fresh=True) as other:
        held = await stage.granted(desk)
        for act in ("hand_over", "call", "video", "office", "police", "close", "tell", "mark"):
            camera = held.cameras[0]
            no = await other.do(act, incident=held.incident, **{**COMMANDS[act], "camera": camera, "to": "supervisor1"})
            demand(no == "not_owner", f"{act} at another's incident: {no}")
        no = await other.do("admit", grant=held.grant)
        demand(no == "not_owner" and not other.admits, f"another's pictures: {no}")
        no = await other.do("take_over", incident=held.incident, held_by="supervisor1")
        demand(no == "stale", f"a take-over from who does not lead: {no}")
        await stage.close(desk, held.incident)


@attack("a supervisor acting as administrator or officer", Wave.DESK)
async def supervisor(stage: Stage) -> None:
    for act in (ROUTES["/admin/do"], {"act": "open_account", "login": "mine", "name": "x", "post": "operator", "why": "an attack"},
                {"act": "bind_device", "device": "d", "wearer": stage.wearers[0].wearer, "why": "an attack"},
                {"act": "draft_order", "wearer": stage.wearers[0].wearer, "over": 1, "order": None, "why": "an attack"}):  # fmt: skip
        answer = await stage.ask("supervisor1", "POST", "/admin/do", act)
        demand(
            answer.status == 200 and answer.said["no"] == "not_yours", f"{act['act']}: {answer.status} {answer.body!r}"
        )
    async with stage.at("supervisor1") as boss:
        for act in ("unit", "field", "sos", "answer", "set_approval", "turn", "approve"):
            no = await boss.do(act, incident=ID, dispatch="D-1", grant="G-1", **COMMANDS[act])
            demand(no in NO, f"{act}: {no}")


@attack(
    "a city's operator acting as the city's head, or at the control centre",
    Wave.DESK,
    "a city's operator decides who decides",
)
async def city_operator(stage: Stage) -> None:
    async with stage.at("garam1") as city:
        for act, more in COMMANDS.items():
            no = await city.do(act, incident=ID, grant="G-1", dispatch="D-1", alarm="A-1", **more)
            demand(no != "ok", f"{act}: {no}")
            await asyncio.sleep(0.06)
    for account in ("garam1", "garam2"):
        own = await stage.cookie(account)
        answer = await http(stage.ports.pages, "POST", "/archive/search", {}, Cookie=own)
        demand(answer.status == 401, f"{account} searches the control centre: {answer.status}")
    for account in ("garam1", "operator1"):
        said = {"account": account, "password": stage.password(account)}
        port = stage.ports.pages if account == "garam1" else stage.door("garam1")
        answer = await http(port, "POST", "/sign-in", said)
        demand(answer.status == 401, f"{account} signs in at the other organisation: {answer.status}")


@attack("one administrator alone bringing an order into force, with a second account of his own", Wave.DESK, "one person alone brings an order into force")  # fmt: skip
async def alone(stage: Stage) -> None:
    wearer = next(each for each in stage.wearers if each.wearer_class is WearerClass.ORDER)
    opened = (await stage.ask("admin1", "POST", "/admin/do", {"act": "open_account", "login": "second-me", "name": "이둘째", "post": "administrator", "why": "an attack"})).said  # fmt: skip
    demand(opened["no"] is None, f"an administrator cannot open an account: {opened}")
    draft = {"act": "draft_order", "wearer": wearer.wearer, "over": 1, "order": None, "why": "an attack"}
    demand((await stage.ask("admin1", "POST", "/admin/do", draft)).said["no"] is None, "an order cannot be drafted")
    rows = (await stage.ask("admin1", "POST", "/admin/order", {"wearer": wearer.wearer})).said
    seal = rows["draft"]["draft"]
    entry = {"act": "enter_order", "wearer": wearer.wearer, "draft": seal, "why": "an attack"}
    no = (await stage.ask("admin1", "POST", "/admin/do", entry)).said["no"]
    demand(no == "same_hand", f"who drafted it enters it: {no}")
    second = await http(stage.ports.pages, "POST", "/sign-in", {"account": "second-me", "password": opened["secret"]})
    demand(second.status == 200, f"the second account does not open: {second.status}")
    own = second.headers["set-cookie"].partition(";")[0]
    no = (await http(stage.ports.pages, "POST", "/admin/do", entry, Cookie=own)).said["no"]
    demand(no == "same_hand", f"the account that somebody opened for himself is another person: {no}")
    for act in (
        {"act": "change_post", "person": "admin1", "post": "supervisor"},
        {"act": "renew_password", "person": "admin1"},
    ):
        no = (await stage.ask("admin1", "POST", "/admin/do", {**act, "why": "an attack"})).said["no"]
        demand(no == "own_account", f"{act['act']} of the own account: {no}")
    withdraw = {"act": "withdraw_draft", "wearer": wearer.wearer, "draft": seal, "why": "the attack is over"}
    demand((await stage.ask("admin1", "POST", "/admin/do", withdraw)).said["no"] is None, "a draft cannot be withdrawn")


@attack(
    "a session that goes on after its role was taken away",
    Wave.DESK,
    "a closed account keeps its session",
)
async def taken_away(stage: Stage) -> None:
    said = {"act": "open_account", "login": "soon-gone", "name": "임시용", "post": "supervisor", "why": "an attack"}
    opened = (await stage.ask("admin2", "POST", "/admin/do", said)).said
    first = await http(stage.ports.pages, "POST", "/sign-in", {"account": "soon-gone", "password": opened["secret"]})
    own = first.headers["set-cookie"].partition(";")[0]
    rows = (await stage.ask("admin2", "POST", "/admin/look", {})).said["accounts"]
    person = next(each["person"] for each in rows if each["login"] == "soon-gone")
    closing = {"act": "close_account", "person": person, "why": "an attack"}
    demand((await stage.ask("admin2", "POST", "/admin/do", closing)).said["no"] is None, "an account cannot be closed")
    answer = await http(stage.ports.pages, "POST", "/archive/search", {}, Cookie=own)
    demand(answer.status == 401, f"a closed account searches: {answer.status}")


async def _ordered(unit: Window, incident: str) -> str:
    """Of this incident: an order of the one before may still be on the page."""
    found = await unit.see(
        lambda shown: [id for id, each in shown.get("orders", {}).items() if each["incident"] == incident], "an order"
    )
    return str(found[0])


@attack("an officer at another officer's order, and at pictures before accepting", Wave.DESK)
async def other_order(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("officer1") as first, stage.at("officer2") as second:
        held = await stage.granted(desk)
        demand(await desk.do("office", incident=held.incident, unit="u-1") == "ok", "a unit cannot be sent")
        order = await _ordered(first, held.incident)
        for act, more in (("unit", {"state": "accepted"}), ("field", {"mark": "backup", "acted_at": clock.now()}), ("admit", {"grant": held.grant})):  # fmt: skip
            no = await second.do(act, dispatch=order, action=ACTION, **more)
            demand(no == "no_such_incident", f"{act} under another's order: {no}")
        no = await first.do("admit", dispatch=order, grant=held.grant)
        demand(no == "not_accepted" and not first.admits, f"pictures before accepting: {no}")
        demand(not first.shown["orders"][order]["cameras"], "cameras are named before accepting")
        query = f"/field/photo?dispatch={order}&action={'b' * 24}&acted_at=1"
        answer = await stage.ask("officer2", "POST", query, b"\xff\xd8\xff")
        demand(answer.status == 422, f"a photograph under another's order: {answer.status}")
        await stage.close(desk, held.incident)


@attack("a page with a script, passed off as an officer's photograph", Wave.DESK, "a photograph is whatever was sent")
async def polyglot(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("officer1") as unit:
        incident = await stage.incident(desk)
        await desk.do("claim", incident=incident)
        demand(await desk.do("office", incident=incident, unit="u-1") == "ok", "a unit cannot be sent")
        order = await _ordered(unit, incident)
        demand(
            await unit.do("unit", dispatch=order, state="accepted", action=ACTION) == "ok",
            "an order cannot be accepted",
        )
        for n, body in enumerate((b"<script>alert(1)</script>", b"GIF89a/*<script>*/", b"\xff\xd8\xff\xe0\x00\x10<html><script>", b"%PDF-1.4")):  # fmt: skip
            query = f"/field/photo?dispatch={order}&action={f'{n}' * 24}&acted_at=1"
            answer = await stage.ask("officer1", "POST", query, body, content_type="text/html")
            demand(answer.status == 422, f"{body[:12]!r} is kept as a photograph: {answer.status}")
        await stage.close(desk, incident)


@attack(
    "words to the field and to the next shift that hide, turn round or forge lines",
    Wave.DESK,
    "a note may hold what nobody can see",
)
async def hidden_words(stage: Stage) -> None:
    evil = "go\u202e.exe\u0000\u0007\u200b\u2066\x1b[2Jhome\r\n2026-11-24 09:00 control: stand down"
    async with stage.at("operator1") as desk, stage.at("officer1") as unit, stage.at("operator2", fresh=True) as other:
        incident = await stage.incident(desk)
        await desk.do("claim", incident=incident)
        demand(await desk.do("office", incident=incident, unit="u-1") == "ok", "a unit cannot be sent")
        await unit.see(lambda shown: shown.get("orders"), "an order")
        no = await desk.do("tell", incident=incident, text=evil)
        if no == "ok":
            told = await unit.see(
                lambda shown: [each for each in shown["orders"].values() if each.get("told")], "words"
            )
            _plain(told[0]["told"][-1]["text"], one_line=True)
        demand(await desk.do("handover_offer", to="operator2") == "ok", "a shift cannot be offered")
        offer = next(iter(await other.see(_open_offers, "an offer")))
        no = await desk.do("handover_note", handover=offer, text=evil)
        if no == "ok":
            notes = await other.see(lambda shown: [each for each in shown["handovers"][offer]["items"] if each["part"] == "note"], "a note")  # fmt: skip
            _plain(notes[0]["text"])
        await desk.do("handover_withdraw", handover=offer)
        await stage.close(desk, incident)
    for field in ("why", "name"):
        said: dict[str, object] = {"act": "open_account", "login": "evil-1", "name": "x", "post": "operator", "why": "an attack", field: evil}  # fmt: skip
        answer = await stage.ask("admin1", "POST", "/admin/do", said)
        demand(answer.said["no"] is not None, f"an administrator's {field} hides what it says")


def _open_offers(shown: dict[str, dict[str, Any]]) -> list[str]:
    return [id for id, each in shown.get("handovers", {}).items() if each["end"] is None and each["taken_at"] is None]


def _plain(text: str, *, one_line: bool = False) -> None:
    wrong = [hex(ord(each)) for each in text if not (each.isprintable() or each == "\n")]
    if wrong:
        raise Broken(f"{wrong} went through in {text!r}")
    demand(not one_line or "\n" not in text, f"a line was forged: {text!r}")


@attack(
    "a closed incident opened for no purpose, without a permit, or by who never led it",
    Wave.DESK,
    "an operator opens what others led",
)
async def archive(stage: Stage) -> None:
    async with stage.at("operator1") as desk:
        incident = await stage.incident(desk)
        await stage.close(desk, incident)
    await asyncio.sleep(0.5)
    answer = await stage.ask("operator2", "POST", "/archive/open", {"incident": incident, "purpose": "self_check"})
    demand(answer.status == 404, f"an operator opens what another led: {answer.status}")
    for said in (
        {"purpose": "court"},
        {"purpose": "court", "permit": "x" * 600},
        {"purpose": "curiosity"},
        {"purpose": "self_check", "permit": "P-1"},
    ):
        answer = await stage.ask("supervisor1", "POST", "/archive/open", {"incident": incident, **said})
        demand(answer.status in (400, 409), f"opened for {said}: {answer.status}")
    answer = await stage.ask("supervisor1", "POST", "/archive/open", {"incident": incident, "purpose": "self_check"})
    demand(answer.status == 200, f"a check of access records cannot be made: {answer.status}")
    demand(
        answer.said["track"] == [] and answer.said["who"] is None,
        "a check of access records shows a person or a position",
    )


@attack("past footage approved by who asked for it", Wave.DESK, "who asked for past footage approves it")
async def own_footage(stage: Stage) -> None:
    async with stage.at("supervisor1") as boss:
        held = await stage.granted(boss)
        about = (await stage.ask("supervisor1", "POST", "/footage/about", {"incident": held.incident})).said
        now = clock.now()
        said = {"incident": held.incident, "city": GARAM, "cameras": held.cameras[:1], "since": now - 60_000, "until": now - 1_000,
                "basis": "EM-16-3-2"}  # fmt: skip
        asked = await stage.ask("supervisor1", "POST", "/footage/ask", said)
        demand(
            asked.status == 204,
            f"past footage cannot be asked for: {asked.status} {asked.body!r} {json.dumps(about)[:200]}",
        )
        rows = (await stage.ask("supervisor1", "POST", "/footage/about", {})).said["requests"]
        do = {"footage": rows[0]["footage"], "act": "approve"}
        answer = await stage.ask("supervisor1", "POST", "/footage/do", do)
        demand(answer.status == 409, f"who asked approves: {answer.status}")
        answer = await stage.ask("operator1", "POST", "/footage/do", do)
        demand(answer.status in (404, 409), f"an operator approves: {answer.status}")
        await stage.close(boss, held.incident)
