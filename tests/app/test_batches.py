"""Lists of orders, shared zones, calendars and the ledger of permits, by the commands that people use, on a real centre."""

import asyncio
import contextlib
import json
import os
import sys
from datetime import date
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import HASH, LAT, LON, PASSWORD, cookie, http, program

from safetynet.core import zonesets
from safetynet.core.events.by_administrator import OrderDrafted, ZonesEntered
from safetynet.core.orders import MultiPolygon
from safetynet.edge import calendars, keys
from safetynet.edge.store import Account, Store

WHY = "법원 결정에 따름"
NIGHT = {"name": "집", "geometry": {"type": "Point", "coordinates": [LON, LAT]}, "radius_m": 60, "rows": [{"days": [0, 1, 2, 3, 4, 5, 6], "start": "22:00", "end": "06:00"}]}  # fmt: skip
SCHOOLS = {"name": "통학", "geometry": {"type": "Point", "coordinates": [LON, LAT]}, "radius_m": 60, "hours": "school", "on_holidays": "own", "rows": [{"days": [0, 1, 2, 3, 4], "start": "07:30", "end": "09:00"}]}  # fmt: skip
PERMIT = {"starts_at": "2026-11-25T09:00:00+09:00", "ends_at": "2026-11-25T18:00:00+09:00", "leave": "removal", "asked_by": "본인", "granted_by": "정다섯", "purpose": "MRI"}  # fmt: skip
LIST = [
    {"case_no": "2026-1", "wearer_class": "order", "curfews": [NIGHT, SCHOOLS], "absences": [PERMIT]},
    {
        "wearer": "w2",
        "wearer_class": "bail",
        "curfews": [NIGHT],
        "sobriety": [{"substance": "alcohol", "limit_percent": 0.03}],
    },
]
HOLIDAYS = "날짜,이름,영문\n2026-12-25,기독탄신일,Christmas\n2027-01-01,신정,New Year\n"


@pytest.fixture
def port():
    return ports.take(6)


@pytest.fixture
def folder(tmp_path, port):
    made = deployment.make(tmp_path, port)
    store = opened(made)
    store.put_account(Account("p-an", "an", "안가명", "administrator", "", HASH))
    store.put_account(Account("p-seo", "seo", "서연습", "administrator", "", HASH))
    store.close()
    return made


def opened(folder):
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)


def recorded(folder, kind):
    store = opened(folder)
    found = [event for _, event in store.events() if isinstance(event, kind)]
    store.close()
    return found


class Commands:
    """`safetynet import …` as processes of their own, and a second person's browser."""

    def __init__(self, folder, port, tmp_path):
        self.folder, self.port, self.tmp_path = folder, port, tmp_path

    async def run(self, what, name, content, *more, account="an", password=PASSWORD):
        file = self.tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        who = ("--account", account, "--why", WHY) if what != "holidays" else ()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "safetynet", "import", what, str(file), "--dir", str(self.folder), *who, *more,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        out, err = await process.communicate(f"{password}\n".encode())
        self.shown, self.said = out.decode(), err.decode()
        print(self.said)
        return msgspec.json.decode(self.shown.splitlines()[-1]) if process.returncode == 0 or '"written"' in self.shown else {"failed": self.said}  # fmt: skip

    async def ask(self, path, who="seo", **said):
        own = await cookie(self.port, who)
        status, _, body = await http(self.port, "POST", f"/admin/{path}", json.dumps(said).encode(), cookie=own)
        return json.loads(body) if status == 200 and body[:1] == b"{" else (status, body)

    async def confirm(self, wearer):
        held = await self.ask("order", wearer=wearer)
        return await self.ask("do", act="enter_order", why=WHY, wearer=wearer, draft=held["draft"]["draft"])


@contextlib.asynccontextmanager
async def centre(folder, port, tmp_path):
    async with program(folder):
        yield Commands(folder, port, tmp_path)


async def test_a_list_of_orders_from_its_trial_to_its_second_person(folder, port, tmp_path):
    data = json.dumps(LIST)
    async with centre(folder, port, tmp_path) as run:
        tried = await run.run("orders", "list.json", data, "--dry-run")
        assert (tried["quarantined"], tried["problems"]) == (1, {"no_holidays": 1}), "no table of holidays yet"
        assert (await run.run("holidays", "days.csv", HOLIDAYS, "--dry-run"))["written"] is False
        assert (await run.run("holidays", "days.csv", HOLIDAYS))["written"] is True
        assert (await run.run("holidays", "days.csv", HOLIDAYS))["written"] is False, "twice is no change"
        tried = await run.run("orders", "list.json", data, "--dry-run")
        assert (tried["changed"], tried["quarantined"], tried["written"]) == (2, 0, 0)
        for words in ("바뀔 것 · what would change", "외출제한 더함 · curfew added 집", "공휴일 표 · public holidays", "시험용 1"):  # fmt: skip
            assert words in run.shown
        assert (await run.ask("history"))["rows"] == []
        for who, password in (("an", "wrong"), ("kim", PASSWORD)):
            assert "failed" in await run.run("orders", "list.json", data, account=who, password=password)
        assert (await run.ask("history"))["rows"] == []
        assert (await run.run("orders", "list.json", data))["written"] == 2
        again = await run.run("orders", "list.json", data)
        assert (again["unchanged"], again["changed"], again["written"]) == (2, 0, 0), "what waits already is no change"
        own = await run.ask("order", who="an", wearer="w1")
        assert own["draft"]["apart"] is False
        assert (await run.ask("do", who="an", act="enter_order", why=WHY, wearer="w1", draft=own["draft"]["draft"]))["no"] == "same_hand"  # fmt: skip
        assert (await run.confirm("w1"))["no"] is None
        assert (await run.confirm("w2"))["no"] is None
        again = await run.run("orders", "list.json", data)
        assert (again["unchanged"], again["changed"]) == (2, 0), "what holds already is no change"
        held = (await run.ask("order", wearer="w1"))["versions"][0]["order"]
        assert held["holidays"] == ["2026-12-25", "2027-01-01"]
        assert held["curfews"][0]["rows"][0]["start_min"] == 22 * 60
        assert held["absences"][0]["starts_at"] == 1_795_564_800_000
    assert len(recorded(folder, OrderDrafted)) == 2


async def test_a_list_goes_in_all_or_nothing(folder, port, tmp_path):
    crooked = {"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 0.01, LAT + 0.01], [LON + 0.01, LAT], [LON, LAT + 0.01], [LON, LAT]]]}  # fmt: skip
    wrong = [
        LIST[1],
        {"case_no": "2026-99", "wearer_class": "order"},
        {"case_no": "2026-3", "wearer_class": "order", "zones": [{"name": "=꼬인 곳", "geometry": crooked}]},
        {"wearer_class": "order"},
        {"case_no": "2026-1", "wearer_class": "order", "absences": [{"starts_at": "2026-11-25T09:00", "ends_at": 5}]},
    ]
    async with centre(folder, port, tmp_path) as run:
        done = await run.run("orders", "list.jsonl", "\n".join(map(json.dumps, wrong)))
        assert done["written"] == 0
        assert done["problems"] == {"crosses": 1, "instant": 1, "nobody": 1, "unknown_wearer": 1}
        aside = (tmp_path / "quarantine.csv").read_text("utf-8-sig").splitlines()
        assert [line.partition(",")[0] for line in aside] == ["row", "2", "3", "4", "5"]
        assert "zones[0],crosses" in aside[2]
        for path in ("orders",):  # the centre itself refuses the whole as well, whoever asks
            rows = [{"row": 1, "wearer": "w2", "order": {"wearer_class": "bail"}}, {"row": 2, "wearer": "nobody", "order": {"wearer_class": "bail"}}]  # fmt: skip
            assert (await run.ask(path, who="an", rows=rows, why=WHY, do=True))["written"] == 0
        assert (await run.ask("history"))["rows"] == []
        assert (await run.ask("orders", who="lee", rows=rows, why=WHY, do=True))[0] == 403
        assert (await run.ask("orders", who="kim", rows=rows, why=WHY, do=True))[0] == 403
        done = await run.run("orders", "list.jsonl", "\n".join(map(json.dumps, wrong)), "--partly")
        assert done["written"] == 1
    assert [each.wearer for each in recorded(folder, OrderDrafted)] == ["w2"]


async def test_hours_go_out_and_come_in_as_a_calendar(folder, port, tmp_path):
    async with centre(folder, port, tmp_path) as run:
        await run.run("holidays", "days.csv", HOLIDAYS)
        await run.run("orders", "list.json", json.dumps(LIST[:1]))
        assert (await run.ask("calendar", wearer="w1"))[0] == 404, "a draft holds nobody"
        await run.confirm("w1")
        status, data = await run.ask("calendar", wearer="w1")
        assert status == 200
        found = calendars.read(data).timetables
        assert [each.name for each in found] == ["집", "통학"]
        id = found[0].curfew
        same = await run.run("orders", "hours.ics", data, "--case", "2026-1")
        assert (same["unchanged"], same["changed"]) == (1, 0), "out and in again is no change"
        other = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:night\r\nDTSTART;TZID=Asia/Seoul:20261201T210000\r\nDTEND;TZID=Asia/Seoul:20261202T050000\r\nRRULE:FREQ=DAILY;UNTIL=20261231\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"  # fmt: skip
        assert "--curfew" in (await run.run("orders", "other.ics", other, "--case", "2026-1"))["failed"]
        done = await run.run("orders", "other.ics", other, "--case", "2026-1", "--curfew", id)
        assert done["written"] == 1
        drafted = (await run.ask("order", wearer="w1"))["draft"]
        assert [each["what"] for each in drafted["differences"]] == ["curfew_hours"]
        (row,) = drafted["order"]["curfews"][0]["rows"]
        assert (row["start_min"], row["end_min"], row["since"], row["until"]) == (1260, 300, "2026-12-01", "2026-12-31")


async def test_the_ledger_says_who_asked_who_granted_and_what_became_of_it(folder, port, tmp_path):
    async with centre(folder, port, tmp_path) as run:
        await run.run("holidays", "days.csv", HOLIDAYS)
        await run.run("orders", "list.json", json.dumps(LIST[:1]))
        assert (await run.ask("permits"))["permits"] == []
        await run.confirm("w1")
        (row,) = (await run.ask("permits", who="lee"))["permits"]
        assert [row[each] for each in ("leave", "asked_by", "granted_by", "purpose", "drafted_name", "entered_name")] == ["removal", "본인", "정다섯", "MRI", "안가명", "서연습"]  # fmt: skip
        assert (row["left_at"], row["returned_at"], row["withdrawn"]) == (None, None, False)
        noted = {
            "act": "note_absence",
            "why": WHY,
            "wearer": "w1",
            "absence": row["absence"],
            "left_at": row["starts_at"],
        }
        assert (await run.ask("do", who="lee", **noted))["no"] is None
        assert (await run.ask("do", who="lee", **noted, returned_at=row["ends_at"] + 5))["no"] is None
        await run.run("orders", "list.json", json.dumps([LIST[0] | {"absences": []}]))
        await run.confirm("w1")
        (row,) = (await run.ask("permits"))["permits"]
        assert (row["withdrawn"], row["noted_name"], row["returned_at"]) == (True, "이둘", row["ends_at"] + 5)
        history = (await run.ask("history"))["rows"]
        assert [each["what"] for each in history].count("absence_noted") == 2


def square(n, size=0.001):
    lat, lon = 36.3 + n * 0.002, 127.35
    return [[[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]]


def feature(n, name="학교", **more):
    return {"type": "Feature", "id": f"s{n}", "properties": {"name": f"{name} {n}"}, "geometry": {"type": "Polygon", "coordinates": square(n)}, **more}  # fmt: skip


async def test_shared_zones_come_in_by_two_persons_and_by_editions(folder, port, tmp_path):
    two = {"type": "MultiPolygon", "coordinates": [square(8), square(9)]}
    first = [feature(0), feature(1), feature(2, geometry=two), feature(3, geometry={"type": "LineString", "coordinates": []}), feature(1)]  # fmt: skip

    def geojson(features):
        return json.dumps({"type": "FeatureCollection", "features": features})

    async with centre(folder, port, tmp_path) as run:
        tried = await run.run("zones", "schools.geojson", geojson(first), "--set", "schools", "--dry-run")
        assert (tried["zones"], tried["problems"], tried["written"]) == (3, {"no_area": 1, "twice": 1}, False)
        assert (await run.run("zones", "schools.geojson", geojson(first), "--set", "schools"))["written"] is False
        assert (await run.ask("history"))["rows"] == []
        done = await run.run("zones", "schools.geojson", geojson(first), "--set", "schools", "--name", "초등학교", "--partly")  # fmt: skip
        assert (done["written"], done["added"]) == (True, 3)
        (waits,) = (await run.ask("look"))["zone_sets"]
        assert (waits["edition"], waits["draft"]["count"], waits["draft"]["by_name"]) == (0, 3, "안가명")
        enter = {"act": "enter_zones", "why": WHY, "set": "schools", "draft": waits["draft"]["draft"]}
        assert (await run.ask("do", who="an", **enter))["no"] == "same_hand"
        assert (await run.ask("do", **enter))["no"] is None
        again = await run.run("zones", "schools.geojson", geojson(first[:3]), "--set", "schools", "--name", "초등학교")
        assert (again["unchanged"], again["written"]) == (True, False), "twice is no change"
        (tmp_path / "new").mkdir()
        named = [{"wearer": "w1", "wearer_class": "order", "shared": ["schools"]}]
        assert (await run.run("orders", "list.json", json.dumps(named)))["written"] == 1
        assert (await run.confirm("w1"))["no"] is None
        moved = [
            feature(0, name="새 이름"),
            feature(1, geometry={"type": "Polygon", "coordinates": square(5)}),
            feature(7),
        ]
        newer = await run.run("zones", "schools.geojson", geojson(moved), "--set", "schools", "--name", "초등학교")
        assert [newer[each] for each in ("added", "removed", "redrawn", "renamed", "wearers", "edition")] == [1, 1, 1, 1, 1, 2]  # fmt: skip
    (entered,) = recorded(folder, ZonesEntered)
    zones = zonesets.decode((folder / "zones" / f"{entered.sha256.hex()}.json").read_bytes())
    assert isinstance(next(each for each in zones if each.id == "s2").area, MultiPolygon)
    assert len(zonesets.Shared(zones).near(36.3005, 127.3505, 10)) >= 1


def test_a_table_of_holidays_is_read_as_people_keep_it():
    from safetynet.edge import holidays

    taken = holidays.parse(
        "﻿일자,명칭\n2027.01.01,신정\n\n2027-02-30,없는 날\n1999-01-01,옛날\n2027-01-01,또\n2027-03-02,\n2026-12-25,성탄\n".encode()
    )
    assert [each.day for each in taken.holidays] == [date(2026, 12, 25), date(2027, 1, 1)]
    assert [(each.row, each.problem.value) for each in taken.left_out] == [(4, "not_a_date"), (5, "out_of_range"), (6, "twice"), (7, "no_name")]  # fmt: skip
    for nonsense in (b"", b"a,b\n1,2", b'"', b"x" * (holidays.BYTES_MAX + 1)):
        with pytest.raises(holidays.UnreadableError):
            holidays.parse(nonsense)
