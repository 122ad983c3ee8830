"""A shared set at a control centre: entered by two persons, judged from the next fix on, named on the screen, found again at a start."""

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import HASH, LAT, LON
from test_judged import Shown, begin, fix

from safetynet.app import hindsight, views
from safetynet.app.editions import FOLDER, LostZonesError
from safetynet.core import zonesets
from safetynet.core.administration import DraftOrder, DraftZones, EnterOrder, EnterZones
from safetynet.core.events import AlarmRaised
from safetynet.core.orders import Circle, Order, Zone
from safetynet.core.terms import AlarmKind, WearerClass
from safetynet.edge import keys
from safetynet.edge.store import Account, Store

WHY = "법원 결정에 따름"
SCHOOL = Zone(id="s1", name="연습초등학교", area=Circle(LAT + 0.02, LON + 0.02, 150.0))
SECOND = Zone(id="s2", name="둘째초등학교", area=Circle(LAT - 0.02, LON - 0.02, 150.0))

__all__ = ["Shown", "begin"]


@pytest.fixture
def folder(tmp_path):
    made = deployment.make(tmp_path, ports.take(6))
    own = keys.open_centre(made)
    store = Store.open(made / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    store.put_account(Account("p-an", "an", "안가명", "administrator", "", HASH))
    store.put_account(Account("p-seo", "seo", "서연습", "administrator", "", HASH))
    store.close()
    (made / FOLDER).mkdir()
    return made


def take(control, act):
    assert control.office.take(act) is None
    return act


def edition(control, *zones, over=0):
    data = zonesets.encode(zones)
    hashed = zonesets.sha256(data)
    (control.folder / FOLDER / f"{hashed.hex()}.json").write_bytes(data)
    take(control, DraftZones(by="p-an", why=WHY, set="schools", name="초등학교", over=over, count=len(zones), sha256=hashed))  # fmt: skip
    take(control, EnterZones(by="p-seo", why=WHY, set="schools", sha256=hashed, fix_through=control.judged_through))


def under(control, wearer="w1"):
    order = Order(wearer=wearer, wearer_class=WearerClass.ORDER, version=2, shared=("schools",))
    draft = take(control, DraftOrder(by="p-an", why=WHY, wearer=wearer, over=1, order=order))
    waits = control.office.register.charges[wearer].draft
    assert draft.order == order
    take(control, EnterOrder(by="p-seo", why=WHY, wearer=wearer, sha256=waits.sha256, fix_through=control.judged_through))  # fmt: skip


def at(n, zone, wearer="w1"):
    return fix(n, wearer, lat=zone.area.lat, lon=zone.area.lon)


def raised(control):
    return [each for _, each in control.store.events() if isinstance(each, AlarmRaised)]


async def test_a_set_is_judged_from_its_edition_on_and_found_again_at_a_start(folder, begin):
    one = begin(folder)
    edition(one, SCHOOL)
    under(one)
    one._journalled([at(n, SECOND) for n in range(6)])
    assert raised(one) == [], "not in this edition"
    one._journalled([at(10 + n, SCHOOL, "w2") for n in range(6)])
    assert raised(one) == [], "whose order does not name it is free to go there"
    edition(one, SCHOOL, SECOND, over=1)
    await one.judge.keep(one.store.head(), one.loop.state.open)
    one._journalled([at(20 + n, SECOND) for n in range(6)])
    (alarm,) = raised(one)
    assert (alarm.kind, alarm.wearer, alarm.zone) == (AlarmKind.EXCLUSION_ZONE, "w1", "schools/s2")
    seen = one._looked()
    (row,) = views.operators(one.loop.state, seen)["alarms"].values()
    assert row["zone_name"] == "둘째초등학교"
    assert views.operators(one.loop.state, seen)["zones"]["schools/s2"]["name"] == "둘째초등학교"

    head, live = (
        one.store.head(),
        {wearer: (each.insides, each.episodes) for wearer, each in one.judge.state.records.items()},
    )
    again = begin(folder)
    assert again.judge.kept_through > 0
    assert again.store.head() == head, "nothing is decided twice"
    assert {wearer: (each.insides, each.episodes) for wearer, each in again.judge.state.records.items()} == live
    with hindsight.opened(folder) as past:
        why = hindsight.why(past, alarm.alarm)
    assert why is not None
    assert why.about == "schools/s2"
    assert any(each.off_m is not None and each.off_m < -100 for each in why.lines)


async def test_a_start_reads_every_edition_where_it_held(folder, begin):
    one = begin(folder)
    edition(one, SCHOOL)
    under(one)
    one._journalled([at(n, SCHOOL) for n in range(6)])
    edition(one, SECOND, over=1)
    one._journalled([at(20 + n, SCHOOL) for n in range(6)])
    assert [each.zone for each in raised(one)] == ["schools/s1"]
    head = one.store.head()
    again = begin(folder)
    assert again.judge.kept_through == 0
    assert again.store.head() == head
    assert {each.number for each in again.people.editions.held.values()} == {2}


async def test_a_file_that_is_another_ends_the_program_and_is_not_passed_over(folder, begin):
    one = begin(folder)
    edition(one, SCHOOL)
    under(one)
    (held,) = one.office.register.zone_sets["schools"].editions
    path = folder / FOLDER / f"{held.sha256.hex()}.json"
    path.write_bytes(zonesets.encode([SECOND]))
    with pytest.raises(LostZonesError):
        begin(folder)


async def test_what_was_made_ready_at_the_draft_is_taken_and_nothing_is_read(folder, begin):
    one = begin(folder)
    data = zonesets.encode([SCHOOL])
    one.people.editions.prepare("schools", 1, zonesets.sha256(data), (SCHOOL,), ())
    edition(one, SCHOOL)
    under(one)
    assert one.people.editions.zone("schools/s1") == msgspec.structs.replace(SCHOOL, id="schools/s1")
    assert not one.people.editions._prepared
    one._journalled([at(n, SCHOOL) for n in range(6)])
    assert [each.zone for each in raised(one)] == ["schools/s1"]
