"""Administrators at the control centre's program: what they may do, what follows at once, and what nobody else may."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import msgspec
import pytest
import websockets

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import (
    HASH,
    KEY,
    LAT,
    LON,
    Relay,
    asked,
    cookie,
    cut,
    grant,
    http,
    page,
    program,
    report,
    running_in,
    until,
)

from safetynet.app import orders as cli
from safetynet.app import people
from safetynet.app.control import Control
from safetynet.core import administration as core
from safetynet.core import geo, orders, shapes, timetables
from safetynet.core.events import AlarmRaised
from safetynet.core.events.by_administrator import (
    AccountClosed,
    AccountOpened,
    Administered,
    DeviceBound,
    OrderEntered,
    RoleChanged,
    WearerDischarged,
)
from safetynet.core.fixes import Mark
from safetynet.core.orders import Circle, Curfew, Row
from safetynet.core.terms import DAY_MS, MINUTE_MS, AlarmKind
from safetynet.edge import clock, keys, orderfiles
from safetynet.edge.relay import words as relay
from safetynet.edge.store import Account, Store

WHY = "법원 결정에 따름"
PLANE = geo.Plane(LAT, LON)
ADMINS = (
    Account("p-an", "an", "안가명", "administrator", "", HASH),
    Account("p-seo", "seo", "서연습", "administrator", "", HASH),
)
SCHOOL = {"id": "z1", "name": "초등학교", "area": {"type": "circle", "lat": LAT, "lon": LON, "radius_m": 150.0}}
SURE_S = (0, 30, 60)
"""So many positions, so far apart, make certain of a zone."""
FAR = {"id": "z9", "name": "먼 곳", "area": {"type": "circle", "lat": LAT + 0.03, "lon": LON, "radius_m": 150.0}}


@pytest.fixture
def port():
    return ports.take(6)


@pytest.fixture
def folder(tmp_path, port):
    made = deployment.make(tmp_path, port)
    store = opened(made)
    for each in ADMINS:
        store.put_account(each)
    store.close()
    return made


def opened(folder):
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)


def recorded(folder, kind=Administered):
    store = opened(folder)
    found = [event for _, event in store.events() if isinstance(event, kind)]
    store.close()
    return found


class Admin:
    """A browser's side of `/admin`."""

    def __init__(self, port, own):
        self.port, self.cookie = port, own

    async def ask(self, path, **said):
        status, _, body = await http(self.port, "POST", f"/admin/{path}", json.dumps(said).encode(), cookie=self.cookie)
        return json.loads(body) if status == 200 else status

    async def do(self, act, why=WHY, **more):
        return await self.ask("do", act=act, why=why, **more)

    async def would(self, act, why=WHY, **more):
        return await self.ask("try", act=act, why=why, **more)

    async def draft(self, wearer="w1", over=1, **order):
        said = {"wearer_class": "order", "zones": [SCHOOL], **order}
        return await self.do("draft_order", wearer=wearer, over=over, order=said)

    async def confirm(self, wearer="w1"):
        looked = await self.ask("look")
        (held,) = [each for each in looked["wearers"] if each["wearer"] == wearer]
        return await self.do("enter_order", wearer=wearer, draft=held["draft"]["draft"])


async def admin(port, who):
    return Admin(port, await cookie(port, who))


@contextlib.asynccontextmanager
async def both(folder, port):
    async with program(folder) as running:
        yield running, await admin(port, "an"), await admin(port, "seo")


# --- who gets in ---------------------------------------------------------------------------------------------------


async def test_nobody_else_reaches_any_of_it(folder, port):
    async with program(folder):
        for who, status in (("kim", 403), ("unit", 403), ("lost", 403)):
            own = await admin(port, who)
            for path in ("look", "order", "history"):
                assert await own.ask(path) == status, (who, path)
            for act in ("try", "do"):
                assert await own.ask(act, act="close_account", person="p-an", why=WHY) == status
            code, headers, _ = await http(port, "GET", "/admin", cookie=own.cookie)
            assert (code, headers["location"]) == (307, "/")
        for cookie_ in ("", "safetynet=guess"):
            assert await Admin(port, cookie_).ask("look") == 401
        own = await admin(port, "an")
        evil = await http(port, "POST", "/admin/look", b"{}", cookie=own.cookie, origin="https://evil.example")
        assert evil[0] == 403
        for nonsense in (b"{", b"\xff", b"[]", b'{"act":"sing","why":"x"}', b'{"act":"enrol"}', b"[" * 100_000):
            assert (await http(port, "POST", "/admin/do", nonsense, cookie=own.cookie))[0] == 400
        assert (await http(port, "GET", "/admin", cookie=own.cookie))[0] == 200
    assert recorded(folder) == []


async def test_a_supervisor_confirms_and_does_nothing_else(folder, port):
    async with both(folder, port) as (_, an, _seo):
        lee = await admin(port, "lee")
        looked = await lee.ask("look")
        assert (looked["accounts"], looked["devices"]) == ([], [])
        for act, more in (
            ("open_account", {"login": "puppet", "name": "허수", "post": "administrator"}),
            ("change_post", {"person": "p-lee", "post": "administrator"}),
            ("close_account", {"person": "p-an"}),
            ("bind_device", {"device": "d9", "wearer": "w1"}),
            ("draft_order", {"wearer": "w1", "over": 1, "order": None}),
        ):
            assert (await lee.do(act, **more))["no"] == "not_yours", act
        assert (await an.draft(zones=[]))["no"] is None
        assert [each["what"] for each in (await lee.ask("history"))["rows"]] == ["order_drafted"]
        assert (await lee.confirm())["no"] is None
        assert (await an.do("close_account", person="p-lee"))["no"] is None
        assert await lee.ask("look") == 401


async def test_an_administrator_sees_no_picture_and_no_position(folder, port):
    async with program(folder), page(port, "kim") as kim, page(port, "an") as socket:
        assert await cut(port, lat=36.351234, lon=127.384321, batt=41) == 200
        id = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
        assert set(socket.shown) == {"me"}
        for act in ("claim", "video", "take_over", "close", "police", "sos", "unit", "admit", "answer"):
            assert await socket.do(act, incident=id, code="minor", grant="G", answer="seen") in ("not_allowed_now", "bad_command")  # fmt: skip
        an = await admin(port, "an")
        for path, said in (("/archive/search", b"{}"), ("/archive/open", b'{"incident":"i","purpose":"guidance"}')):
            assert (await http(port, "POST", path, said, cookie=an.cookie))[0] == 403
        assert (await http(port, "GET", f"/photo/{id}/a", cookie=an.cookie))[0] == 401
        assert (await http(port, "GET", "/operator", cookie=an.cookie))[0] == 307
        told = json.dumps([await an.ask(each) for each in ("look", "history")] + [await an.ask("order", wearer="w1")])
        assert "36.351" not in told
        assert "127.384" not in told
        (device,) = [each for each in (await an.ask("look"))["devices"] if each["device"] == "d1"]
        assert device["battery_percent"] == 41
        assert device["heard_at"]


async def test_who_was_an_officer_has_no_unit_any_more(folder, port):
    async with both(folder, port) as (_, an, _seo), page(port, "unit") as unit, page(port, "kim") as kim:
        await cut(port)
        id = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
        await kim.do("claim", incident=id)
        await kim.do("office", incident=id, unit="u1")
        await unit.until(lambda p: p.shown.get("orders"))
        assert (await an.do("change_post", person="p-unit", post="administrator"))["no"] is None
        with pytest.raises(websockets.ConnectionClosed):
            await unit.until(lambda _: False)
        async with page(port, "unit") as again:
            assert set(again.shown) == {"me"}
            assert await again.do("unit", dispatch="D", state="accepted") == "not_allowed_now"


# --- accounts ------------------------------------------------------------------------------------------------------


async def test_an_account_from_its_opening_to_its_end(folder, port):
    async with both(folder, port) as (_, an, _seo):
        made = await an.do("open_account", login="newbie", name="노새로", post="operator", seat="7")
        assert made["no"] is None
        async with page(port, await _with(port, "newbie", made["secret"])) as window:
            assert (window.shown["me"]["me"]["role"], window.shown["me"]["me"]["seat"]) == ("operator", "7")
            (row,) = [each for each in (await an.ask("look"))["accounts"] if each["login"] == "newbie"]
            renewed = await an.do("renew_password", person=row["person"])
            with pytest.raises(websockets.ConnectionClosed):
                await window.until(lambda _: False)
        assert (await deployment.sign_in(port, "newbie", made["secret"]))[0] == 401
        own = await _with(port, "newbie", renewed["secret"])
        assert (await an.do("change_post", person=row["person"], post="supervisor"))["no"] is None
        assert (await http(port, "POST", "/archive/search", b"{}", cookie=own))[0] == 401, "signed out by its new role"
    async with both(folder, port) as (_, an, _seo):
        own = await _with(port, "newbie", renewed["secret"])
        assert (await an.do("close_account", person=row["person"]))["no"] is None
        assert (await http(port, "POST", "/archive/search", b"{}", cookie=own))[0] == 401
        assert (await deployment.sign_in(port, "newbie", renewed["secret"]))[0] == 401
        assert (await an.do("open_account", login="newbie", name="또", post="operator"))["no"] == "login_taken"
    async with program(folder):
        assert (await deployment.sign_in(port, "newbie", renewed["secret"]))[0] == 401, "for good"
    kinds = [type(each).__name__ for each in recorded(folder)]
    assert kinds == ["AccountOpened", "PasswordRenewed", "RoleChanged", "AccountClosed"]


async def _with(port, login, password):
    status, headers, _ = await deployment.sign_in(port, login, password)
    assert status == 200
    return headers["set-cookie"].partition(";")[0]


async def test_escalation_and_the_last_administrator(folder, port):
    async with both(folder, port) as (_, an, seo):
        for act, more in (("change_post", {"post": "operator"}), ("close_account", {}), ("renew_password", {})):
            assert (await an.do(act, person="p-an", **more))["no"] == "own_account"
        assert (await an.do("close_account", person="p-seo"))["no"] is None
        assert await seo.do("close_account", person="p-an") == 401, "a stale session closes nobody"
        made = await an.do("open_account", login="puppet", name="허수", post="administrator")
        puppet = Admin(port, await _with(port, "puppet", made["secret"]))
        assert (await an.draft(zones=[]))["no"] is None
        assert (await puppet.confirm())["no"] == "same_hand"
        assert (await an.confirm())["no"] == "same_hand"


async def test_closing_an_account_ends_its_video_at_once(folder, port):
    async with Relay(folder) as city, running_in(folder) as control, page(port, "kim") as kim:
        await asked(kim, port)
        grant(control)
        await kim.until(lambda p: p.admits)
        await until(lambda: city.of(relay.Admit))
        viewer = city.of(relay.Admit)[0].viewer
        an = await admin(port, "an")
        assert (await an.do("close_account", person="p-kim"))["no"] is None
        await until(lambda: [each for each in city.of(relay.CutViewer) if each.viewer == viewer])
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await kim.until(lambda _: False)
        assert closed.value.rcvd.code == 4401
        assert next(iter(control.loop.state.incidents.values())).owner == "p-kim"
        async with page(port, "lee") as lee:
            assert lee.one("incidents")["owner_name"] == "김하나", "what was done stands under a name"


async def test_a_sign_in_that_meets_its_closing_does_not_get_through(folder, port, monkeypatch):
    async with Relay(folder), running_in(folder) as control:
        an = await admin(port, "an")
        checking, go = asyncio.Event(), asyncio.Event()
        real = asyncio.to_thread

        async def slowly(call, *given):
            found = await real(call, *given)
            if call is keys.check_password and not checking.is_set():
                checking.set()
                await go.wait()
            return found

        monkeypatch.setattr(asyncio, "to_thread", slowly)
        late = asyncio.create_task(deployment.sign_in(port, "kim"))
        await checking.wait()
        assert (await an.do("close_account", person="p-kim"))["no"] is None
        go.set()
        assert (await late)[0] == 401
        assert control.sessions.person("p-kim") is None


async def test_a_row_without_its_event_opens_nothing(folder, port):
    """Killed between the two: nobody can sign in, and the login is free for another try."""
    async with program(folder, "loop.before_commit") as running:
        an = await admin(port, "an")
        with contextlib.suppress(OSError, ValueError, IndexError):
            await an.do("open_account", login="newbie", name="노새로", post="administrator")
        await asyncio.wait_for(running.process.wait(), 5)
    store = opened(folder)
    (left,) = [each for each in store.accounts() if each.login == "newbie"]
    store.close()
    assert left.role == ""
    assert recorded(folder) == []
    async with both(folder, port) as (_, an, _seo):
        made = await an.do("open_account", login="newbie", name="노새로", post="operator")
        assert made["no"] is None
        assert await _with(port, "newbie", made["secret"])


# --- devices and wearers -------------------------------------------------------------------------------------------


async def test_a_wearer_from_enrolment_to_discharge(folder, port):
    async with both(folder, port) as (_, an, seo):
        made = await an.do("enrol", name="주가상", case_no="2026-9", born_year=1990, office="가람보호관찰소")
        wearer = made["wearer"]
        assert (await an.do("bind_device", device="d9", wearer=wearer))["no"] == "no_order"
        assert (await an.draft(wearer, 0))["no"] is None
        assert (await seo.confirm(wearer))["no"] is None
        bound = await an.do("bind_device", device="d9", wearer=wearer)
        assert bound["no"] is None
        assert await _says(port, "d9", bound["secret"]) == 200
        renewed = await seo.do("renew_key", device="d9")
        assert await _says(port, "d9", bound["secret"]) == 401, "the old key is heard no more"
        assert await _says(port, "d9", renewed["secret"], alarm="removing") == 200
    async with both(folder, port) as (_, an, seo), page(port, "kim") as kim:
        assert await _says(port, "d9", renewed["secret"]) == 200
        (alarm,) = [each for each in kim.shown["alarms"].values() if each["kind"] == "strap_cut"]
        assert alarm["who"] == "주가상"
        assert (await an.do("return_device", device="d9"))["no"] == "incident_open"
        assert (await an.do("draft_order", wearer=wearer, over=1, order=None))["no"] is None
        assert (await seo.confirm(wearer))["no"] == "incident_open"
        id = kim.one("incidents")["id"]
        assert await kim.do("claim", incident=id) == "ok"
        assert await kim.do("close", incident=id, code="minor") == "ok"
        assert (await seo.confirm(wearer))["no"] is None
        assert await _says(port, "d9", renewed["secret"]) == 401
    assert len(recorded(folder, WearerDischarged)) == 1


async def _says(port, device, key, **more):
    query = "&".join(f"{name}={value}" for name, value in {"id": device, "lat": LAT + 0.02, "lon": LON, **more}.items())
    return (await http(port, "GET", f"/device?{query}", X_Device_Key=key))[0]


async def test_nothing_of_it_is_readable_in_the_files(folder, port):
    async with both(folder, port) as (_, an, seo):
        made = await an.do("enrol", why="카나리아사유", name="카나리아이름", case_no="CANARYCASE", office="가람")
        zone = SCHOOL | {"name": "카나리아구역"}
        assert (await an.draft(made["wearer"], 0, zones=[zone]))["no"] is None
        assert (await seo.confirm(made["wearer"]))["no"] is None
        await an.do("close_account", why="카나리아해임", person="p-kim")
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for word in ("카나리아", "CANARYCASE"):
                assert word.encode() not in data, path.name
    store = opened(folder)
    assert not [
        each for each in store.openings() if b"order_entered" in each.record or b"account_closed" in each.record
    ]
    store.erase(people.subject(made["wearer"]))
    store.close()
    assert not [each for each in recorded(folder) if getattr(each, "wearer", "") == made["wearer"]]
    async with both(folder, port) as (_, an, _seo):
        assert made["wearer"] not in {each["wearer"] for each in (await an.ask("look"))["wearers"]}


# --- orders --------------------------------------------------------------------------------------------------------


async def test_a_dry_run_says_what_would_change_and_changes_nothing(folder, port):
    async with both(folder, port) as (_, an, _seo):
        said = {"wearer": "w1", "over": 1, "order": {"wearer_class": "bail", "zones": [FAR]}}
        told = await an.would("draft_order", **said)
        (row,) = told["would"]
        assert [each["what"] for each in row["differences"]] == ["class", "zone_added", "zone_removed"]
        assert (await an.ask("order", wearer="w1"))["draft"] is None
        assert (await an.would("draft_order", **{**said, "over": 7}))["no"] == "overtaken"
        (row,) = (await an.would("close_account", person="p-kim"))["would"]
        assert (row["what"], row["name"]) == ("account_closed", "김하나")
        assert (await an.ask("history"))["rows"] == []
    assert recorded(folder) == []


@pytest.mark.parametrize(
    ("order", "part", "word"),
    [
        ({"zones": [SCHOOL | {"area": {"type": "circle", "lat": 0, "lon": 0, "radius_m": 9}}]}, "zones[0].area", "abroad"),
        ({"zones": [SCHOOL | {"area": {"type": "circle", "lat": LAT, "lon": LON, "radius_m": 0}}]}, "zones[0].area", "radius"),
        (
            {"zones": [SCHOOL, SCHOOL | {"id": "z2", "area": {"type": "polygon", "corners": [[LAT, LON], [LAT + 0.001, LON + 0.001], [LAT + 0.001, LON], [LAT, LON + 0.001]]}}]},
            "zones[1].area",
            "crosses",
        ),
        ({"zones": [SCHOOL, SCHOOL]}, "", "twice"),
        ({"zones": [SCHOOL | {"name": ""}]}, "zones[0]", "name"),
        ({"starts_at": 5, "ends_at": 5}, "", "ends_first"),
        ({"ends_at": 10**30}, "", "unclear"),
        ({"starts_at": -1}, "", "unclear"),
        ({"absences": [{"id": "a", "starts_at": 1, "ends_at": 10**30}]}, "absences[0]", "absence"),
        ({"wearer_class": "pirate"}, "wearer_class", "unclear"),
        ({"zones": "everywhere"}, "zones", "unclear"),
    ],
)  # fmt: skip
def test_an_order_that_nobody_can_have_meant_is_said_in_a_word(order, part, word):
    raw = msgspec.Raw(json.dumps({"wearer_class": "order", "zones": [], **order}).encode())
    with pytest.raises(orderfiles.Malformed) as wrong:
        orderfiles.made(raw, "w1", 2)
    assert (wrong.value.part, wrong.value.word) == (part, word)


def test_every_complaint_of_an_order_has_its_word():
    text = "".join(Path(each.__file__).read_text() for each in (orders, shapes, timetables))
    said = {line.partition('ValueError("')[2].partition('"')[0] for line in text.splitlines() if 'ValueError("' in line}
    assert said == set(orderfiles.PROBLEMS)
    assert set(orderfiles.PROBLEMS.values()) <= set(cli.SAID)


async def test_who_asks_for_another_wearers_order_does_not_write_it(folder, port):
    async with both(folder, port) as (_, an, _seo):
        smuggled = {"wearer_class": "order", "zones": [], "wearer": "w2", "version": 9}
        assert (await an.do("draft_order", wearer="w1", over=1, order=smuggled))["no"] is None
        draft = (await an.ask("order", wearer="w1"))["draft"]
        assert (draft["order"]["wearer"], draft["order"]["version"]) == ("w1", 2)
        assert (await an.ask("order", wearer="w2"))["draft"] is None


async def test_an_edited_order_is_judged_from_the_next_fix_and_the_same_after_a_restart(folder, port):
    """Inside the old zone, then the order moves it away; and the other way round. Killed, nothing is judged otherwise."""
    far = {"lat": LAT + 0.03, "lon": LON, "accuracy": 5}
    near = {"lat": LAT, "lon": LON, "accuracy": 5}
    async with both(folder, port) as (running, an, seo), page(port, "kim") as kim:
        assert await report(port, "d1", timestamp=1_790_000_000, **far) == 200
        assert (await an.draft(zones=[FAR]))["no"] is None
        assert (await seo.confirm())["no"] is None
        assert kim.shown.get("alarms", {}) == {}, "what he did before it was in force is nobody's breach"
        for later in SURE_S:  # one position decides nothing
            assert await report(port, "d1", timestamp=1_790_000_060 + later, **near) == 200
            assert await report(port, "d2", timestamp=1_790_000_060 + later, **near) == 200
        await kim.until(lambda p: p.shown.get("alarms"))
        assert {each["wearer"] for each in kim.shown["alarms"].values()} == {"w2"}, "the school is forbidden no more"
        for later in SURE_S:
            assert await report(port, "d1", timestamp=1_790_000_400 + later, **far) == 200
        await kim.until(lambda p: len(p.shown["alarms"]) == 2)
        before = kim.shown
        running.process.kill()
        await running.process.wait()
    raised = recorded(folder, AlarmRaised)
    assert {(each.wearer, each.order_version) for each in raised} == {("w1", 2), ("w2", 1)}
    async with both(folder, port) as (_, an, _seo), page(port, "kim") as kim:
        assert kim.shown["alarms"] == before["alarms"]
        assert kim.shown["zones"] == before["zones"]
        assert [each["version"] for each in (await an.ask("order", wearer="w1"))["versions"]] == [2, 1]
    assert recorded(folder, AlarmRaised) == raised


@pytest.mark.parametrize("kept_after", [None, 2, 5])
async def test_episodes_and_state_are_those_of_a_centre_that_never_stopped(folder, port, kept_after):
    """Several orders in one journal, batches that straddle them: rebuilt, the rules' state is equal to the live one. Also
    when a part of it was kept, under whichever order."""
    kept = 0
    async with running_in_alone(folder) as control:
        an, seo = await admin(port, "an"), await admin(port, "seo")
        for n in range(6):
            zones = [FAR] if n % 2 else [SCHOOL]
            nights = [{"id": "c1", "name": "집", "home": SCHOOL["area"], "rows": [{"days": [0, 1, 2, 3, 4, 5, 6], "start_min": 0, "end_min": 0}]}]  # fmt: skip
            for at in (0, 30):
                spot = {"lat": LAT + 0.015 * ((n + at) % 3), "lon": LON, "accuracy": 5}
                assert await report(port, "d1", timestamp=1_790_000_000 + 600 * n + at, **spot) == 200
            drafted = await an.draft(
                over=n + 1, zones=zones, curfews=nights if n % 3 == 1 else [], ends_at=2_000_000_000_000 + n
            )
            assert drafted["no"] is None
            assert (await seo.confirm())["no"] is None
            if n == kept_after:
                await control.judge.keep(control.store.head(), control.loop.state.open)
                kept = control.judge.through
        assert await report(port, "d1", timestamp=1_790_009_000, lat=LAT, lon=LON, accuracy=5) == 200
        live, orders_live = control.judge.state, dict(control.people.orders)
        bells = [each for each in control.journal.replay() if each.marks & Mark.BELL]
    again = Control(folder)
    try:
        assert again.judge.kept_through == kept
        assert again.judge.state == live
        assert again.judge.heard == control.judge.heard
        assert again.people.orders == orders_live
        assert again.judged_through == control.judged_through
        assert [each for each in again.journal.replay() if each.marks & Mark.BELL] == bells
    finally:
        again.journal.close()
        again.store.close()
    assert {each.kind for each in recorded(folder, AlarmRaised)} >= {AlarmKind.EXCLUSION_ZONE}
    assert [each.fix_through for each in recorded(folder, OrderEntered)] == sorted(
        {each.fix_through for each in recorded(folder, OrderEntered)}
    )


@contextlib.asynccontextmanager
async def running_in_alone(folder):
    async with Relay(folder), running_in(folder) as control:
        yield control


async def test_the_clock_strikes_for_an_order_that_was_edited_a_moment_ago(folder, port):
    """Not only after the next start; and once, however often the order was changed."""
    control = Control(folder)
    try:
        at = clock.now() + 2 * MINUTE_MS
        assert control.bells.due(control.people.orders, control.judge.state, at) == []
        for n in (1, 2, 3):
            _enter(control, zones=(), curfews=(HOME,), ends_at=at + DAY_MS + n)
        assert [each.wearer for each in control.bells.due(control.people.orders, control.judge.state, at)] == ["w1"]
    finally:
        control.journal.close()
        control.store.close()


HOME = Curfew(
    id="c1", name="집", home=Circle(LAT, LON, 50.0), rows=(Row(days=tuple(range(7)), start_min=0, end_min=0),)
)


def _enter(control, **more):
    """One more version of the first wearer's order, by two persons."""
    held = control.office.register.charges["w1"].versions[-1].order
    order = msgspec.structs.replace(held, version=held.version + 1, **more)
    draft = core.DraftOrder(by="p-an", why=WHY, wearer="w1", over=held.version, order=order)
    assert control.office.take(draft) is None
    seal = control.office.register.charges["w1"].draft.sha256
    entry = core.EnterOrder(by="p-seo", why=WHY, wearer="w1", sha256=seal, fix_through=control.judged_through)
    assert control.office.take(entry) is None


async def test_history_says_who_why_and_what_was_before(folder, port):
    async with both(folder, port) as (_, an, seo):
        await an.draft(zones=[])
        await seo.confirm()
        await an.do("change_post", why="인사 발령", person="p-kim", post="supervisor")
        rows = (await an.ask("history"))["rows"]
        assert [each["what"] for each in rows] == ["role_changed", "order_entered", "order_drafted"]
        assert (rows[0]["before"], rows[0]["after"], rows[0]["why"], rows[0]["by_name"]) == ("operator", "supervisor", "인사 발령", "안가명")  # fmt: skip
        assert (rows[1]["by_name"], rows[1]["drafted_name"]) == ("서연습", "안가명")
        assert [each["what"] for each in rows[1]["differences"]] == ["zone_removed"]
        assert [each["what"] for each in (await an.ask("history", before=rows[0]["serial"]))["rows"]] == ["order_entered", "order_drafted"]  # fmt: skip
        assert (await an.ask("history", wearer="w2"))["rows"] == []
    async with both(folder, port) as (_, an, _seo):
        assert (await an.ask("history"))["rows"] == rows, "the same after a restart"
    assert [type(each) for each in recorded(folder)][-1] is RoleChanged
    assert not recorded(folder, AccountOpened | AccountClosed | DeviceBound)
    assert KEY
