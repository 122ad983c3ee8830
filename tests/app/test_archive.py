"""Closed incidents: found by whom they may be found, opened for a purpose that stays, retold, and taken along on paper."""

import asyncio
import ctypes
import hashlib
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "core"))
import deployment
import ports
from deployment import cookie, http, program
from minds import LAT, LON, PLANE, T0, UNITS, Told, card, fix, judged, verdict

from safetynet.app import reports
from safetynet.app.archive import PAGE_ROWS, Archive
from safetynet.app.people import People, enrol
from safetynet.core import archives, ledger
from safetynet.core.archives import Reader, Wish
from safetynet.core.control import words
from safetynet.core.events import ClosedIncidentOpened, ReportMade, StreamClosed, StreamOpened
from safetynet.core.messages import GiveGrant
from safetynet.core.terms import AlarmKind, CallOutcome, Disposition, Purpose, WearerClass, Why
from safetynet.edge import keys, texts
from safetynet.edge.journal import Journal
from safetynet.edge.store import Store

WEARER, KIM, LEE = "w1", "p-kim", "p-lee"
PHONE = "010-카나리아"


def closed_incident(wearer=WEARER, *, episode="e1", first=1, at_s=0, by=KIM, code=Disposition.MINOR, video=True):
    """Everything that is recorded of one incident from the strap to the closing, and the fixes of its wearer."""
    told = Told()
    ways = [fix(first + n, 12.0 * n, 4.0 * n, s=at_s + 5 * n, wearer=wearer) for n in range(8)]
    told.give(judged(verdict(wearer=wearer, at=ways[0], episode=episode), fixes=[ways[0]]), s=at_s)
    told.give(words.Claim(incident=told.id, by=by), s=at_s + 2)
    if video:
        told.give(words.AskVideo(incident=told.id, by=by, footing=WearerClass.ORDER), s=at_s + 3)
        request = told.incident.requests["garam"]
        lens = replace_card(card(1), azimuth_deg=200.0, view_deg=60.0)
        given = GiveGrant(incident=told.id, request=request.request, grant=f"G-{episode}", cameras=(lens, card(2, 90)), conditions=("no_recording", "no_audio"), until=request.until)  # fmt: skip
        told.hear("garam", given, s=at_s + 4)
        viewer = f"V-{episode}"
        told.give(words.AdmitViewer(incident=told.id, grant=f"G-{episode}", viewer=viewer, by=by, token_sha256=b"t"), s=at_s + 5)  # fmt: skip
        stream = {"side": "viewed", "grant": f"G-{episode}", "camera": "garam-1", "stream": f"S-{episode}", "viewer": viewer}  # fmt: skip
        inner = {**stream, "side": "received", "viewer": None, "stream": f"R-{episode}"}
        seen = (StreamOpened(at=T0 + 1000 * (at_s + 6), **inner), StreamOpened(at=T0 + 1000 * (at_s + 6), **stream), StreamClosed(at=T0 + 1000 * (at_s + 31), segments=13, why=Why.INCIDENT_CLOSED, **stream))  # fmt: skip
        told.give(words.RelayHeard(events=seen), s=at_s + 32)
    for n, each in enumerate(ways[1:], 1):
        told.give(judged(fixes=[each]), s=at_s + 5 * n)
    told.give(words.SendOffice(incident=told.id, by=by, unit="u1", units=UNITS), s=at_s + 36)
    told.give(words.CallWearer(incident=told.id, by=by, outcome=CallOutcome.NO_ANSWER), s=at_s + 37)
    told.give(words.Close(incident=told.id, by=by, code=code, fix_through=first + 7), s=at_s + 60)
    assert told.incident.closed_at
    return told, ways


def replace_card(held, **more):
    return type(held)(**{name: getattr(held, name) for name in held.__struct_fields__} | more)


def opened(folder):
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)


@pytest.fixture
def port():
    return ports.take(6)


@pytest.fixture
def folder(tmp_path, port):
    """A control centre with three closed incidents: two that Kim led, one that Lee did."""
    made = deployment.make(tmp_path, port)
    (made / "map").mkdir()
    roads = [[[LON + dx, LAT - 0.01], [LON + dx, LAT + 0.01]] for dx in (-0.001, 0.0, 0.001)]
    features = [{"properties": {"layer": "road", "width_m": 9}, "geometry": {"type": "LineString", "coordinates": line}} for line in roads]  # fmt: skip
    (made / "map" / "base.geojson").write_text(json.dumps({"features": [*features, {"properties": {"layer": "label"}, "geometry": {"type": "Point", "coordinates": [LON, LAT]}}]}))  # fmt: skip
    store = opened(made)
    for record in map(People(store).get, ("w1", "w2", "w3")):
        enrol(store, msgspec.structs.replace(record, phone=PHONE))
    with Journal(made / "journal", store.person_keys) as journal:
        first = 1
        for episode, wearer, by, code in (("e1", "w1", KIM, Disposition.MINOR), ("e2", "w2", LEE, Disposition.AT_LARGE), ("e3", "w3", KIM, Disposition.DEVICE)):  # fmt: skip
            told, ways = closed_incident(
                wearer, episode=episode, first=first, at_s=first * 100, by=by, code=code, video=wearer != "w2"
            )
            store.commit(told.log)
            journal.append(ways)
            first += len(ways)
    store.close()
    return made


class Office:
    """The archive of a folder, without a program around it."""

    def __init__(self, folder):
        self.store = opened(folder)
        self.journal = Journal(folder / "journal", self.store.person_keys)
        self.people = People(self.store)
        self.archive = Archive(self.store, self.journal, self.people)

    def close(self):
        self.journal.close()
        self.store.close()


@pytest.fixture
def office(folder):
    made = Office(folder)
    yield made
    made.close()


SUPERVISOR = Reader(person=LEE, supervisor=True)
OPERATOR = Reader(person=KIM, supervisor=False)


def test_each_wish_finds_what_it_names_and_the_role_decides_among_what(office):
    find = office.archive.search
    all = find(Wish(), SUPERVISOR, 0)
    assert [office.archive.case_no(each.wearer) for each in all.rows] == ["2026-3", "2026-2", "2026-1"], "newest first"
    assert find(Wish(kind=AlarmKind.STRAP_CUT), SUPERVISOR, 0).total == 3
    assert find(Wish(kind=AlarmKind.SOS), SUPERVISOR, 0).total == 0
    assert [each.wearer for each in find(Wish(code=Disposition.AT_LARGE), SUPERVISOR, 0).rows] == ["w2"]
    assert [each.wearer for each in find(Wish(case_no="2026-1"), SUPERVISOR, 0).rows] == ["w1"]
    assert [each.wearer for each in find(Wish(owner=LEE), SUPERVISOR, 0).rows] == ["w2"]
    border = all.rows[1].opened_at
    assert [each.wearer for each in find(Wish(since=border), SUPERVISOR, 0).rows] == ["w3", "w2"]
    assert [each.wearer for each in find(Wish(until=border), SUPERVISOR, 0).rows] == ["w1"]
    assert [each.wearer for each in find(Wish(), OPERATOR, 0).rows] == ["w3", "w1"], "what Kim led"
    concerned = replace(OPERATOR, concerned=frozenset({"w2"}))
    assert find(Wish(), concerned, 0).total == 3, "earlier ones of a wearer whose open incident Kim leads"


def test_there_is_no_list_without_an_end(folder):
    store = opened(folder)
    for n in range(PAGE_ROWS + 4):
        told, _ = closed_incident("w1", episode=f"more{n}", first=1, at_s=5000 + 100 * n, video=False)
        store.commit(told.log)
    store.close()
    office = Office(folder)
    pages = [office.archive.search(Wish(), SUPERVISOR, n) for n in range(3)]
    office.close()
    assert [len(each.rows) for each in pages] == [PAGE_ROWS, 7, 0]
    assert {each.total for each in pages} == {PAGE_ROWS + 7}
    assert len({row.incident for page in pages for row in page.rows}) == PAGE_ROWS + 7


@pytest.mark.parametrize(
    ("reader", "purpose", "permit", "why"),
    [
        (SUPERVISOR, Purpose.GUIDANCE, "", None),
        (OPERATOR, Purpose.GUIDANCE, "", None),
        (Reader(person="p-other", supervisor=False), Purpose.GUIDANCE, "", Why.NO_SUCH_INCIDENT),
        (SUPERVISOR, Purpose.COURT, "", Why.NO_PERMIT),
        (SUPERVISOR, Purpose.COURT, "a sentence about somebody", Why.NO_PERMIT),
        (SUPERVISOR, Purpose.COURT, "2026영장1234", None),
        (SUPERVISOR, Purpose.GUIDANCE, "2026영장1234", Why.MALFORMED),
    ],
)
def test_who_may_open_for_what(office, reader, purpose, permit, why):
    row = office.archive.search(Wish(case_no="2026-1"), SUPERVISOR, 0).rows[0]
    assert archives.refusal(row, reader, purpose, permit) is why


def test_an_incident_that_is_open_is_not_in_the_archive(folder):
    store = opened(folder)
    told = Told()
    told.give(judged(verdict(wearer="w1", at=fix(99, wearer="w1"), episode="open"), fixes=[fix(99, wearer="w1")]))
    store.commit(told.log)
    store.close()
    office = Office(folder)
    row = office.archive.row(told.id)
    found = office.archive.search(Wish(), SUPERVISOR, 0).total
    office.close()
    assert found == 3
    assert archives.refusal(row, SUPERVISOR, Purpose.GUIDANCE, "") is Why.NOT_ALLOWED_NOW


async def test_the_whole_story_is_told_again(office, folder):
    row = office.archive.search(Wish(case_no="2026-1"), SUPERVISOR, 0).rows[0]
    told = await office.archive.open(row.incident, Purpose.GUIDANCE)
    assert told.positions == "kept"
    assert [(p.lat, p.lon) for p in told.track] == [PLANE.to_latlon(12.0 * n, 4.0 * n) for n in range(8)]
    (grant,) = told.story.provisions
    assert (grant.asked_by, grant.city, grant.ended_at, grant.why) == (KIM, "garam", row.closed_at, Why.INCIDENT_CLOSED)
    (seen,) = told.story.viewings
    assert (seen.by, seen.camera, seen.until - seen.since, seen.segments) == (KIM, "garam-1", 25_000, 13)
    granted = [each for each in told.story.sights if each.grant]
    assert {(each.card.camera, each.since, each.until) for each in granted} == {
        (camera, grant.granted_at, row.closed_at) for camera in ("garam-1", "garam-2")
    }
    assert told.size == office.store.head()
    assert told.root == ledger.Frontier().extend(office.store.leaves()).root()
    note, key = reports.signed(told, "control", keys.open_centre(folder), office.store)
    point = ledger.read_note(note.encode())
    assert ledger.signed_by(point, ledger.read_verifier_key(key), keys.verify)
    assert ledger.read_checkpoint(point.body).root == told.root
    assert office.store.checkpoint() == (told.size, note.encode()), "kept: a later start finds out if the log was cut"
    leaves = list(office.store.leaves())
    assert all(leaves[each.serial - 1] == each.leaf for each in told.story.told)
    said = {type(each.event).__name__ for each in told.story.told}
    assert said >= {
        "AlarmRaised",
        "IncidentOpened",
        "IncidentClaimed",
        "DispatchOrdered",
        "WearerCalled",
        "IncidentClosed",
    }


async def test_a_check_of_access_records_shows_neither_name_nor_position(office):
    row = office.archive.search(Wish(case_no="2026-1"), SUPERVISOR, 0).rows[0]
    told = await office.archive.open(row.incident, Purpose.SELF_CHECK)
    assert (told.positions, told.track, told.story.places, told.who) == ("withheld", (), (), None)
    assert told.story.viewings, "who looked is what is checked"


async def test_what_was_erased_or_expired_says_so(office, folder):
    row = office.archive.search(Wish(case_no="2026-1"), SUPERVISOR, 0).rows[0]
    for segment in (folder / "journal").glob("*.seg"):
        segment.unlink()
    assert (await office.archive.open(row.incident, Purpose.GUIDANCE)).positions == "expired"
    office.store.erase("wearer:w1")
    told = await office.archive.open(row.incident, Purpose.GUIDANCE)
    assert (told.positions, told.track) == ("erased", ())
    assert told.story.erased >= 10
    again = Archive(office.store, office.journal, People(office.store))
    left = again.row(row.incident)
    assert (left.wearer, left.kind) == (None, None)
    assert again.search(Wish(), SUPERVISOR, 0).total == 3, "what is left can be found, as nobody's"
    assert archives.refusal(left, SUPERVISOR, Purpose.SELF_CHECK, "") is None


# --- on paper ------------------------------------------------------------------------------------------------------


def read(body):
    """Text and fonts of a PDF, read by somebody else's library."""
    document = pypdfium2.PdfDocument(body)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    fonts = set()
    for page in document:
        for thing in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_TEXT,)):
            font = pdfium.FPDFTextObj_GetFont(thing.raw)
            name = ctypes.create_string_buffer(100)
            pdfium.FPDFFont_GetBaseFontName(font, name, 100)
            fonts.add((name.value.decode(), pdfium.FPDFFont_GetIsEmbedded(font)))
    return " ".join(text.split()), fonts


def events(folder, kind):
    store = opened(folder)
    found = [event for _, event in store.events() if isinstance(event, kind)]
    store.close()
    return found


def run_report(monkeypatch, folder, *more):
    monkeypatch.setattr(sys, "argv", ["safetynet report", "--dir", str(folder), *map(str, more)])
    return reports.report_main()


def test_a_report_says_what_happened_and_names_nobody_else(folder, tmp_path, monkeypatch, capsys):
    office = Office(folder)
    row = office.archive.search(Wish(case_no="2026-1"), SUPERVISOR, 0).rows[0]
    office.close()
    out = tmp_path / "report.pdf"
    assert run_report(monkeypatch, folder, row.incident, "--out", out) == 0
    body = out.read_bytes()
    said = json.loads(capsys.readouterr().out)
    text, fonts = read(body)
    for words_ in ("종결 사건 보고서", "부착장치 훼손 (긴급)", "시험용 1 · 2026-1", "가람보호관찰소", "경미한 위반", "전자장치부착법 제16조의3 제2항", "가람시", "영상 열람 기록", "김하나", "garam 1", "25초", "원장 증명"):  # fmt: skip
        assert words_ in text, words_
    for other in ("시험용 2", "시험용 3", "이둘", "박셋", "최넷", PHONE, "초등학교", "정다섯"):
        assert other not in text, other
    assert {embedded for _, embedded in fonts} == {1}
    assert all("Pretendard" in name for name, _ in fonts)
    assert len(body) < 400_000, "a subset of the font, not the font"
    (made,) = events(folder, ReportMade)
    assert made.sha256 == hashlib.sha256(body).digest() == bytes.fromhex(said["sha256"])
    (reading,) = events(folder, ClosedIncidentOpened)
    assert reading.purpose is Purpose.GUIDANCE
    assert reading.by.startswith("local:")


def test_the_front_of_a_report_says_what_was_done_and_the_annex_folds_what_machines_repeat(monkeypatch):
    def tick(serial, what, s, **more):
        return {"serial": serial, "at": T0 + 1000 * s, "what": what, "by_name": None, "with": more}

    said = [tick(1, "alarm_raised", 0, kind="strap_cut")]
    for n in range(6):
        said += [tick(2 + 3 * n, "position_followed", n), tick(3 + 3 * n, "cameras_proposed", n, cameras=9, city_name="가람시"),
                 tick(4 + 3 * n, "cameras_proposed", n, cameras=9, city_name="나래시")]  # fmt: skip
    said += [tick(20, "incident_claimed", 7), tick(21, "position_followed", 8)]
    monkeypatch.setattr(reports, "ticks", lambda story, names: said)
    opened_ = SimpleNamespace(story=None)
    lines = reports._timeline(opened_, None, partial(texts.text, korean=True))
    assert [(each.tag, each.count) for each in lines] == [
        ("alarm_raised", 1), ("position_followed", 6), ("cameras_proposed", 6), ("cameras_proposed", 6),
        ("incident_claimed", 1), ("position_followed", 1),
    ]  # fmt: skip
    assert (lines[1].first, lines[1].last) == (2, 17)
    assert sum(each.count for each in lines) == len(said), "nothing is left out"
    front = reports._done(lines, partial(texts.text, korean=True))
    assert [row[1] for row in front.rows] == ["경보 울림 · 부착장치 훼손", "사건 맡음"]
    annex = reports._timetable(lines, partial(texts.text, korean=True))
    assert annex.rows[1][1].endswith("×6")


def test_a_report_of_nothing_is_refused(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "report.pdf"
    assert run_report(monkeypatch, folder, "I-none", "--out", out) == 1
    assert "그런 사건이 없습니다" in capsys.readouterr().err
    assert not out.exists()
    assert events(folder, ReportMade) == []


# --- over the wire -------------------------------------------------------------------------------------------------


async def post(port, own, path, **said):
    status, headers, body = await http(port, "POST", f"/archive/{path}", json.dumps(said).encode(), cookie=own)
    return status, headers, body if headers.get("content-type") == "application/pdf" else json.loads(body)


async def test_from_the_search_to_the_paper(folder, port):
    async with program(folder):
        kim, lee, unit = [await cookie(port, who) for who in ("kim", "lee", "unit")]
        status, _, found = await post(port, lee, "search", case_no="2026-1")
        assert (status, found["total"]) == (200, 1)
        assert "시험용" not in json.dumps(found, ensure_ascii=False), "no name before somebody said what for"
        incident = found["rows"][0]["incident"]
        assert (await post(port, kim, "search", code="at_large"))[2]["total"] == 0
        others = (await post(port, lee, "search", code="at_large"))[2]["rows"][0]["incident"]
        assert (await post(port, kim, "open", incident=others, purpose="guidance"))[0] == 404
        assert (await post(port, unit, "search"))[0] == 403
        assert (await post(port, "safetynet=guess", "search"))[0] == 401
        assert (await post(port, lee, "search", page=-1))[0] == 400
        assert (await post(port, lee, "search", name="시험용"))[0] == 400
        assert (await post(port, lee, "open", incident=incident, purpose="curiosity"))[0] == 400
        assert (await post(port, lee, "open", incident=incident, purpose="court"))[2]["reason"] == "no_permit"
        status, _, story = await post(port, kim, "open", incident=incident, purpose="guidance")
        assert status == 200
        assert (story["who"]["name"], story["positions"], len(story["track"])) == ("시험용 1", "kept", 8)
        assert [each["what"] for each in story["ticks"]][:2] == ["alarm_raised", "incident_opened"]
        assert story["ticks"][-1]["what"] == "closed_incident_opened", "the reader finds himself in it"
        (seen,) = [each for each in story["ticks"] if each["what"] == "stream_opened"]
        assert (seen["by_name"], seen["with"]["camera_name"]) == ("김하나", "garam 1")
        assert PHONE not in json.dumps(story, ensure_ascii=False), "no telephone number"
        status, headers, body = await post(port, lee, "report", incident=incident, purpose="court", permit="2026영장12")
        assert (status, headers["content-type"]) == (200, "application/pdf")
        assert "2026영장12" in read(body)[0]
        assert (await http(port, "GET", "/incidents", cookie=unit))[0] == 307
    readings = [(each.by, each.purpose) for each in events(folder, ClosedIncidentOpened)]
    assert readings == [(KIM, Purpose.GUIDANCE), (LEE, Purpose.COURT)]
    (made,) = events(folder, ReportMade)
    assert (made.by, made.sha256) == (LEE, hashlib.sha256(body).digest())


async def test_nothing_is_shown_before_its_event_is_on_disk(folder, port):
    async with program(folder, "loop.before_commit:2") as running:  # the first is that of a tick or none at all
        lee = await cookie(port, "lee")
        rows = (await post(port, lee, "search"))[2]["rows"]
        answers = []
        for each in rows:
            try:
                answers.append(await post(port, lee, "open", incident=each["incident"], purpose="guidance"))
            except (OSError, IndexError, ValueError):
                break
        await asyncio.wait_for(running.process.wait(), PATIENCE_S)
    shown = [story["incident"] for status, _, story in answers if status == 200]
    assert len(shown) < len(rows), "it was killed before a commit"
    assert [each.incident for each in events(folder, ClosedIncidentOpened)] == shown
