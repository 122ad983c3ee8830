"""A protected person at the control centre's program: the phone's own key, the page's own account, and what neither learns."""

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import HASH, KEY, LAT, LON, http, page, program, report

from safetynet.app import people, protected, views
from safetynet.app.control import Control
from safetynet.core import fixes, geo
from safetynet.core.events import (
    AlarmRaised,
    PoliceNotified,
    ProtectedAnswered,
    ProtectedLocated,
    ProtectedWarned,
    subject,
)
from safetynet.core.orders import Circle, Curfew, Protected, Row
from safetynet.core.terms import AlarmKind, Instant, SubjectId
from safetynet.edge import clock, keys
from safetynet.edge.store import Account, Device, Store

PLANE = geo.Plane(LAT, LON)
NAME = "카나리아보호"
PHONE_KEY = "key-of-a-protected-persons-phone"


@pytest.fixture
def port():
    return ports.take(6)


def opened(folder):
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)


@pytest.fixture
def folder(tmp_path, port):
    """Wearer 1 must not approach p1 and be at home at all hours (a home far away); p1 has a phone and an account."""
    made = deployment.make(tmp_path, port)
    store = opened(made)
    record = next(each for each in (people.People(store).get("w1"),) if each)
    far = Circle(*PLANE.to_latlon(0.0, 9_000.0), 50.0)
    nights = (Row(days=tuple(range(7)), start_min=0, end_min=0),)
    order = msgspec.structs.replace(
        record.order, version=2, zones=(), protected=(Protected(id="p1"),),
        curfews=(Curfew(id="c1", name="집", home=far, rows=nights),),
    )  # fmt: skip
    people.enrol(store, msgspec.structs.replace(record, order=order))
    people.enrol_protected(
        store, people.ProtectedRecord(protected="p1", name=NAME, phone="010-0000-0901", person="p-shield")
    )
    store.put_device(Device("phone-p1", "p1", hashlib.sha256(PHONE_KEY.encode()).digest(), protected=True))
    store.put_account(Account("p-shield", "shield", "모름", people.PROTECTED, "", HASH))
    store.put_account(Account("p-other", "other", "남", people.PROTECTED, "", HASH))
    store.close()
    return made


async def says(port, device, x, *, key=KEY, **more):
    lat, lon = PLANE.to_latlon(x, 0.0)
    fields = {"id": device, "lat": f"{lat:.6f}", "lon": f"{lon:.6f}", "accuracy": 10, "timestamp": int(time.time())}
    query = "&".join(f"{name}={value}" for name, value in (fields | more).items())
    return (await http(port, "GET", f"/device?{query}", X_Device_Key=key))[0]


def events(folder, kind):
    store = opened(folder)
    found = [event for _, event in store.events() if isinstance(event, kind)]
    store.close()
    return found


async def test_an_approach_from_two_devices_to_the_phones_page(folder, port):
    async with program(folder), page(port, "kim") as kim, page(port, "shield") as shield:
        assert set(shield.shown) == {"me", "shield"}
        assert shield.one("shield")["warning"] is None
        assert await says(port, "phone-p1", 0.0) == 401, "another device's key does not open it"
        assert await says(port, "phone-p1", 0.0, key=PHONE_KEY) == 200
        await shield.until(lambda p: p.one("shield")["known_at"])
        assert await says(port, "d1", 700.0) == 200
        warning = await shield.until(lambda p: p.one("shield")["warning"])
        assert (warning["kind"], warning["near_m"]) == ("approach_1k", 700)
        assert warning["sector"] == {"towards_deg": 90, "width_deg": 60, "away_deg": 270}
        incident = await kim.until(lambda p: p.shown.get("incidents") and p.one("incidents"))
        (card,) = incident["protected"]
        assert (card["name"], card["near_m"], card["direction"]) == (NAME, 700, True)
        assert card["place"]["lat"] == pytest.approx(LAT, abs=1e-6)
        assert {each["kind"] for each in kim.shown["zones"].values()} == {"protected"}
        assert await shield.do("answer", incident=incident["id"], answer="seen") == "ok"
        await kim.until(lambda p: p.one("incidents")["protected"][0]["answer"] == "seen")
        assert await kim.do("claim", incident=incident["id"]) == "ok"
        assert await kim.do("close", incident=incident["id"], code="minor") == "ok"
        await shield.until(lambda p: p.one("shield")["warning"] is None)
        closed = await kim.until(lambda p: p.one("incidents")["state"] == "closed" and p.one("incidents"))
        assert closed["protected"][0]["place"] is None, "after the end the place is nobody's"
        assert not kim.shown["zones"]
    assert [(each.kind, each.direction) for each in events(folder, ProtectedWarned)] == [(AlarmKind.APPROACH_1K, True)]
    assert [each.by for each in events(folder, PoliceNotified)] == [None]
    assert len(events(folder, ProtectedAnswered)) == 1


async def test_the_phones_page_holds_nothing_of_the_wearer_and_no_position(folder, port):
    async with program(folder), page(port, "shield") as shield:
        for x in (2_500.0, 1_800.0, 700.0, 60.0):
            assert await says(port, "phone-p1", 0.0, key=PHONE_KEY) == 200
            assert await says(port, "d1", x) == 200
            await asyncio.sleep(0.3)
        await shield.until(lambda p: (p.one("shield")["warning"] or {}).get("kind") == "approach_100")
        said = json.dumps(shield.shown, ensure_ascii=False)
        assert '"lat"' not in said
        assert '"lon"' not in said
        for secret in ("w1", "시험용", "2026-1", "가람보호관찰소", "d1", f"{LAT:.3f}", f"{LON:.3f}"):
            assert secret not in said, secret


async def test_help_is_called_from_the_page_and_the_police_learn_where(folder, port):
    async with program(folder), page(port, "kim") as kim, page(port, "shield") as shield:
        assert await says(port, "phone-p1", 40.0, key=PHONE_KEY) == 200
        assert await shield.do("sos") == "ok"
        alarm = await kim.until(lambda p: p.shown.get("alarms") and p.one("alarms"))
        assert (alarm["kind"], alarm["priority"], alarm["place"]) == ("protected_sos", 1, None)
        await shield.until(lambda p: p.one("shield")["called"])
    (told,) = events(folder, ProtectedLocated)
    assert PLANE.to_xy(told.place.lat, told.place.lon)[0] == pytest.approx(40.0, abs=0.2)
    assert subject(told) == SubjectId("protected:p1")


async def test_who_may_do_what(folder, port):
    async with program(folder), page(port, "shield") as shield, page(port, "other") as other, page(port, "kim") as kim:
        assert set(other.shown) == {"me"}, "an account that is no protected person's sees nothing"
        assert await other.do("sos") == "not_allowed_now"
        await says(port, "phone-p1", 0.0, key=PHONE_KEY)
        await says(port, "d1", 700.0)
        incident = (await kim.until(lambda p: p.shown.get("incidents") and p.one("incidents")))["id"]
        for act in ("claim", "video", "police", "close", "office", "take_over"):
            assert await shield.do(act, incident=incident, code="minor") == "not_allowed_now"
        assert await other.do("answer", incident=incident, answer="seen") == "not_allowed_now"
        assert await kim.do("sos") == "bad_command"
        assert await kim.do("answer", incident=incident, answer="seen") == "bad_command"


async def test_after_a_crash_the_pair_and_the_warning_are_as_before(folder, port):
    async with program(folder), page(port, "shield") as shield:
        await says(port, "phone-p1", 0.0, key=PHONE_KEY)
        await says(port, "d1", 700.0)
        before = await shield.until(lambda p: p.one("shield")["warning"])
    raised = events(folder, AlarmRaised)
    async with program(folder), page(port, "shield") as shield:
        after = shield.one("shield")["warning"]
        assert {name: after[name] for name in ("incident", "kind", "near_m", "sector", "warned_at")} == {
            name: before[name] for name in ("incident", "kind", "near_m", "sector", "warned_at")
        }
    assert len(events(folder, ProtectedWarned)) == 1
    assert events(folder, AlarmRaised) == raised
    assert [each.kind for each in raised].count(AlarmKind.APPROACH_1K) == 1


async def test_silence_in_a_curfew_is_journalled_judged_and_the_same_after_a_restart(folder, monkeypatch):
    """The program's own clock strikes; nothing was ever heard."""
    control = Control(folder)
    later = Instant(clock.now() + 100_000)
    monkeypatch.setattr(clock, "now", lambda: later)
    control._ring(later)
    control._ring(later)
    assert [each.kind for _, each in control.store.events() if isinstance(each, AlarmRaised)] == [AlarmKind.CURFEW]
    (bell,) = [fix for fix in control.journal.replay() if fix.wearer == "w1"]
    assert bell.marks is fixes.Mark.BELL
    control.journal.close()
    control.store.close()
    again = Control(folder)
    assert [each.kind for each in again.loop.state.alarms.values()] == [AlarmKind.CURFEW]
    assert len([1 for _, each in again.store.events() if isinstance(each, AlarmRaised)]) == 1
    again.journal.close()
    again.store.close()


async def test_an_erased_protected_person_is_gone_from_the_journal_and_the_log(folder):
    control = Control(folder)
    at = clock.now()
    for who, protected_ in (("p1", True), ("w1", False)):
        lat, lon = PLANE.to_latlon(0.0 if protected_ else 700.0, 0.0)
        control._journalled([
            fixes.Fix(
                id=0, wearer=who, device="d", observed_at=at, received_at=at, lat=lat, lon=lon, accuracy_m=10.0,
                protected=protected_,
            )
        ])  # fmt: skip
    assert [each for _, each in control.store.events() if isinstance(each, ProtectedWarned)]
    control.store.erase(people.protected_subject("p1"))
    assert [(each.wearer, each.protected) for each in control.journal.replay()] == [("w1", False)]
    assert not [each for _, each in control.store.events() if isinstance(each, ProtectedWarned)]
    assert [each.device for each in control.store.devices()] == ["d1", "d2", "d3"]
    control.journal.close()
    control.store.close()
    again = Control(folder)
    view = protected.added(views.operators(again.loop.state, again._looked()), again.loop.state, again._looked())
    assert NAME not in json.dumps(view, ensure_ascii=False)
    again.journal.close()
    again.store.close()


def test_a_device_report_of_an_unknown_key_is_refused(folder, port):
    async def tried():
        async with program(folder):
            return await report(port, "phone-p1", lat=LAT, lon=LON, timestamp=int(time.time()))

    assert asyncio.run(tried()) == 401
