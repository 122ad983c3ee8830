"""What a page gets is what its types say, field by field, and no more than its role may see."""

import json
import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import shapely

sys.path.insert(0, str(Path(__file__).parent.parent / "core"))
from minds import KIM, LAT, LEE, LON, T0, UNITS, WEARER, Told, card, fix, judged, place, verdict

from safetynet.app import field, views
from safetynet.app.people import UnitRow, WearerRecord
from safetynet.app.views import LinkView, Looked, Numbers, UnitView
from safetynet.core import incidents, rules
from safetynet.core.areas import Area, Areas, Code, System
from safetynet.core.control import words
from safetynet.core.fixes import Mark, Said
from safetynet.core.incidents import VideoState
from safetynet.core.jurisdictions import Kind, Office, Table, competent
from safetynet.core.messages import AnswerNotice, GiveGrant
from safetynet.core.orders import Circle, Order, Polygon, Zone
from safetynet.core.terms import AlarmKind, CallOutcome, Disposition, NoticeState, UnitState, WearerClass, Why

ROOT = Path(__file__).resolve().parents[2]
NAME, CASE, PHONE, OFFICER = "홍카나리아", "2026-canary-7", "010-canary", "담당카나리아"
U1 = UnitRow(
    unit="u1", name="신속수사팀 1", kind="rapid", person="p-u1", device="phone-1", key_sha256=b"", lat=36.35, lon=127.38
)
ORDER = Order(
    wearer=WEARER,
    wearer_class=WearerClass.ORDER,
    version=1,
    zones=(
        Zone(id="z1", name="초등학교", area=Circle(LAT, LON, 150.0)),
        Zone(id="z2", name="공원", area=Polygon(((LAT, LON), (LAT, LON + 0.01), (LAT + 0.01, LON)))),
    ),
)
RECORD = WearerRecord(
    wearer=WEARER, name=NAME, case_no=CASE, born_year=1981, office="가람보호관찰소", officer=OFFICER, phone=PHONE, order=ORDER
)  # fmt: skip


def looked(at, people=None, **more):
    fields = {
        "at": at,
        "people": {WEARER: RECORD} if people is None else people,
        "names": {KIM: "김하나", LEE: "이둘"},
        "centres": {"garam": "가람시", "police112": "112"},
        "tracks": {WEARER: [place(0), place(20, s=20)]},
        "units": tuple(UnitView(unit=each, name=each.unit) for each in UNITS),
        "links": (LinkView(id="garam", name="가람시", role="city", up=True, since=T0, delay_ms=3, streams=1),),
        "numbers": Numbers(
            wearers=9, reporting=7, cameras=3, last_fix_at=T0, fixes_per_s=1.0, pictures_open=0, ledger_size=4
        ),
    }
    return Looked(**(fields | more))


def history():
    """An incident in which everything has happened that a page can show."""
    told = Told()
    told.give(judged(verdict(AlarmKind.EXCLUSION_ZONE), verdict(AlarmKind.STRAP_CUT, episode="e2"), fixes=[fix()]))
    told.give(words.Claim(incident=told.id, by=KIM), s=2)
    told.give(words.AskVideo(incident=told.id, by=KIM, footing=WearerClass.ORDER), s=3)
    request = told.incident.requests["garam"]
    given = GiveGrant(
        incident=told.id, request=request.request, grant="G1", cameras=(card(1), card(2, 90)), conditions=("no_audio",),
        until=request.until,
    )  # fmt: skip
    told.hear("garam", given, s=4)
    told.give(words.AdmitViewer(incident=told.id, grant="G1", viewer="V1", by=KIM, token_sha256=b"t"), s=5)
    told.give(words.SendOffice(incident=told.id, by=KIM, unit="u1", units=UNITS), s=6)
    (notice,) = told.incident.notices
    told.hear("police112", AnswerNotice(incident=told.id, notice=notice, state=NoticeState.READ), s=7)
    told.give(words.CallWearer(incident=told.id, by=KIM, outcome=CallOutcome.NO_ANSWER), s=8)
    told.give(judged(fixes=[fix(2, 40, s=20)]), s=20)
    return told


# --- the types of the page -----------------------------------------------------------------------------------------


def _types():
    """JSDoc typedefs of the console: name -> text of the type, `*` of the comment taken away."""
    text = re.sub(r"\n \*", "\n", (ROOT / "safetynet" / "console" / "types.js").read_text())
    found, at = {}, 0
    while (at := text.find("@typedef {", at)) != -1:
        start = at = at + len("@typedef {")
        depth = 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        found[text[at:].split()[0]] = text[start : at - 1].strip()
    return found


TYPES = _types()


def split(text, by):
    """Parts between separators that stand in no bracket and in no quotes."""
    parts, depth, quoted, part = [], 0, False, ""
    for sign in text:
        quoted ^= sign == "'"
        if not quoted:
            depth += (sign in "{[<(") - (sign in "}]>)")
        if sign == by and not depth and not quoted:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [each.strip() for each in (*parts, part) if each.strip()]


def fits(value, kind, where):
    """Raises AssertionError where `value` is not what the type says: a key too many, one too few, a wrong kind."""
    kind = kind.strip()
    options = split(kind, "|")
    if len(options) > 1:
        failures = []
        for each in options:
            try:
                fits(value, each, where)
            except AssertionError as failure:
                failures.append(str(failure))
            else:
                return
        raise AssertionError(failures)
    if kind in TYPES:
        fits(value, TYPES[kind], where)
    elif kind.endswith("[]"):
        assert isinstance(value, list), (where, kind, value)
        for each in value:
            fits(each, kind[:-2], where)
    elif kind.startswith("["):
        parts = split(kind[1:-1], ",")
        assert len(value) == len(parts), (where, value)
        for each, part in zip(value, parts, strict=True):
            fits(each, part, where)
    elif kind.startswith("Record<"):
        inner = split(kind[len("Record<") : -1], ",")[1]
        for key, each in value.items():
            fits(each, inner, f"{where}.{key}")
    elif kind.startswith("{"):
        fields = dict(part.split(":", 1) for part in split(kind[1:-1], ","))
        needed = {name.strip() for name in fields if not name.strip().endswith("?")}
        known = {name.strip().rstrip("?"): each for name, each in fields.items()}
        assert isinstance(value, dict), (where, value)
        assert needed <= set(value) <= set(known), (where, needed ^ set(value))
        for name, each in value.items():
            fits(each, known[name], f"{where}.{name}")
    elif kind.startswith("'"):
        assert value == kind.strip("'"), (where, kind, value)
    else:
        plain = {"string": str, "boolean": bool, "null": type(None), "unknown": object}
        if kind == "number":
            assert isinstance(value, int | float), (where, value)
            assert not isinstance(value, bool), (where, value)
        else:
            assert isinstance(value, plain[kind]), (where, kind, value)


def fit(view):
    collections = dict(part.split(":", 1) for part in split(TYPES["Collections"][1:-1], ","))
    collections = {name.strip(): kind for name, kind in collections.items()}
    plain = json.loads(json.dumps(view))
    for name, entities in plain.items():
        fits(entities, collections[name], name)
        for id, entity in entities.items():
            assert entity.get("id", id) == id


def test_the_types_are_found_and_a_wrong_field_is_seen():
    assert {"Alarm", "Incident", "Camera", "Unit", "Zone", "Calm", "Order", "Collections"} <= set(TYPES)
    fits({"wearer": "w", "points": [[1, 2, 3, 4]]}, "Track", "t")
    for wrong in ({"wearer": "w"}, {"wearer": "w", "points": [[1, 2, 3]]}, {"wearer": 1, "points": []},
                  {"wearer": "w", "points": [], "more": 1}):  # fmt: skip
        with pytest.raises(AssertionError):
            fits(wrong, "Track", "t")


def stages():
    """The view at every step of an incident's life."""
    empty = Told()
    yield "calm", empty
    bare = Told()
    bare.give(judged(verdict(at=fix(1, None))))
    yield "no position", bare
    bail = Told()
    bail.give(judged(verdict(), footing=WearerClass.BAIL))
    bail.give(words.Claim(incident=bail.id, by=KIM))
    bail.give(words.AskVideo(incident=bail.id, by=KIM, footing=WearerClass.BAIL))
    yield "refused", bail
    yield "everything", history()
    late = history()
    late.give(words.Tick(), s=3_000)
    yield "late", late
    closed = history()
    closed.give(words.Close(incident=closed.id, by=KIM, code=Disposition.GENUINE_ARREST, fix_through=2), s=90)
    yield "closed", closed


@pytest.mark.parametrize(("name", "told"), list(stages()), ids=lambda each: each if isinstance(each, str) else "")
@pytest.mark.parametrize("people", [None, {}], ids=["", "erased"])
def test_a_view_is_what_the_pages_types_say(name, told, people):
    seen = looked(told.at, people)
    desk = field.added(views.operators(told.state, seen), told.state, seen)
    fit(desk)
    fit(field.phone(views.officer(told.state, "u1", seen), desk, told.state, U1, seen, {}))


def test_an_incident_as_it_is_shown():
    told = history()
    (shown,) = views.operators(told.state, looked(told.at))["incidents"].values()
    assert (shown["priority"], shown["kind"], shown["state"], shown["owner_name"]) == (
        1,
        "strap_cut",
        "claimed",
        "김하나",
    )
    assert shown["who"] == {
        "name": NAME, "case_no": CASE, "age": 2023 - 1981, "office": "가람보호관찰소", "officer": OFFICER, "phone_known": True,
    }  # fmt: skip
    assert shown["evidence"] == {"for": ["inside_zone", "strap_open"], "against": [], "certainty": "certain"}
    assert shown["law"]["basis"] == "EM-16-3-2/14-1"
    assert shown["video"]["state"] == "granted"
    assert {each["state"] for each in shown["video"]["cameras"]} == {"granted"}
    assert [each["step"] for each in shown["steps"]] == ["ack", "video", "police", "office", "call", "close"]
    done = {each["step"] for each in shown["steps"] if each["state"] == "done"}
    assert {"ack", "video", "police", "call"} <= done
    assert shown["record"][0]["at"] >= shown["record"][-1]["at"], "newest first"


def test_a_step_that_is_late_says_so():
    told = Told()
    told.give(judged(verdict()))
    told.give(words.Tick(), s=31)
    (shown,) = views.operators(told.state, looked(told.at))["incidents"].values()
    assert {each["step"]: each["state"] for each in shown["steps"]}["ack"] == "late"


def test_what_speaks_against_an_alarm_is_shown_too():
    told = Told()
    told.give(judged(verdict(at=fix(1, accuracy_m=400))))
    (shown,) = views.operators(told.state, looked(T0 + 180_000))["incidents"].values()
    assert shown["evidence"]["against"] == ["wide_fix", "old_fix"]
    assert shown["evidence"]["reach"] == {"on_foot_m": 700, "by_car_m": 4_500}, "180 s after a circle of 400 m"
    (later,) = views.operators(told.state, looked(T0 + 600_000))["incidents"].values()
    assert later["evidence"]["reach"] == {"on_foot_m": 1_300, "by_car_m": 14_000}
    (soon,) = views.operators(told.state, looked(T0 + 90_000))["incidents"].values()
    assert "reach" not in soon["evidence"], "a position of now says where"
    told = Told()
    told.give(judged(verdict(at=fix(1, marks=Mark.UNPROVEN))))
    (shown,) = views.operators(told.state, looked(T0))["incidents"].values()
    assert shown["evidence"]["against"] == ["unproven"], "whoever sends somebody on it knows that"


def test_tracks_and_zones_only_of_who_has_an_open_incident():
    told = history()
    seen = looked(told.at, tracks={WEARER: [place(0, s=-700), place(1, s=10)], "w-other": [place(5)]})
    view = views.operators(told.state, seen)
    assert set(view["tracks"]) == {WEARER}
    assert len(view["tracks"][WEARER]["points"]) == 1, "ten minutes back and no more"
    assert set(view["zones"]) == {"z1", "z2"}
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=2), s=30)
    after = views.operators(told.state, seen)
    assert after["tracks"] == after["zones"] == {}


def test_an_officer_sees_the_order_of_its_own_unit_and_nothing_of_the_person():
    told = history()
    view = views.officer(told.state, "u1", looked(told.at))
    said = json.dumps(view, ensure_ascii=False)
    for canary in ("canary", "카나리아", WEARER, "초등학교", "1981", CASE, PHONE, KIM, "김하나"):
        assert canary not in said, canary
    (order,) = view["orders"].values()
    assert order["kind_word"] == "strap_cut"
    assert views.officer(told.state, "u2", looked(told.at))["orders"] == {}


def test_an_order_that_is_over_is_gone_from_the_phone():
    told = history()
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=2), s=30)
    assert views.officer(told.state, "u1", looked(told.at))["orders"] == {}
    again = history()
    (dispatch,) = again.incident.dispatches
    again.give(words.ReportUnit(dispatch=dispatch, unit="u1", state=UnitState.RELEASED))
    assert views.officer(again.state, "u1", looked(again.at))["orders"] == {}


def test_an_erased_person_leaves_no_name_on_any_screen():
    told = history()
    said = json.dumps(views.operators(told.state, looked(told.at, {})), ensure_ascii=False)
    for canary in (NAME, CASE, PHONE, OFFICER, "초등학교"):
        assert canary not in said


def test_how_many_alarms_ring():
    told = Told()
    told.give(judged(verdict()))
    assert views.ringing(told.state) == 1
    told.give(words.Claim(incident=told.id, by=KIM))
    assert views.ringing(told.state) == 0


def test_a_refusal_of_a_city_is_shown_with_its_word():
    from safetynet.core.messages import RefuseVideo

    told = Told()
    told.give(judged(verdict()))
    told.give(words.Claim(incident=told.id, by=KIM))
    told.give(words.AskVideo(incident=told.id, by=KIM, footing=WearerClass.ORDER))
    request = told.incident.requests["garam"].request
    told.hear("garam", RefuseVideo(incident=told.id, request=request, why=Why.POLICY_DENIED))
    (shown,) = views.operators(told.state, looked(told.at))["incidents"].values()
    assert shown["video"]["state"] == "refused"
    assert shown["video"]["requests"][0]["why"] == "policy_denied"


def test_a_city_cannot_hide_a_camera_of_another_behind_its_own_id():
    """Narae proposes what garam provides: the same camera ids, on the same poles, elsewhere."""
    told = history()
    city = told.incident.requests["garam"]
    twin = replace(
        city,
        city="narae",
        request="R-narae",
        grant=None,
        state=VideoState.PROPOSED,
        cameras=(card(1, 300), card(2, 1), card(3, 2)),
    )
    incident = incidents.with_request(told.incident, twin)
    state = replace(told.state, incidents=told.state.incidents.set(told.id, incident))
    shown = views.operators(state, looked(told.at))["incidents"][told.id]["video"]["cameras"]
    alone = views.operators(told.state, looked(told.at))["incidents"][told.id]["video"]["cameras"]
    kept = {each["camera"]: each for each in shown if each["city"] == "garam"}
    assert len(shown) == len(alone) + 3
    assert kept == {each["camera"]: each for each in alone}
    assert {each["camera"] for each in shown if each["city"] == "narae"} == {"garam-1", "garam-2", "garam-3"}


def test_who_is_competent_where_the_person_is_and_why_nobody_is_for_certain():
    told = history()
    west = Area(code=Code(System.LEGAL, "30140"), name="중구", shape=shapely.box(127.3, 36.3, 127.5, 36.4))
    jungbu = Office(id="jungbu", kind=Kind.POLICE, name="중부서", serves=(west.code,))
    rivals = tuple(Office(id=each, kind=Kind.CENTRE, name=each, serves=(west.code,)) for each in ("c1", "c2"))
    table = Table(Areas((west,)), (jungbu, *rivals))
    shown = views.operators(told.state, looked(told.at, district=partial(competent, table)))["incidents"][told.id]
    assert shown["district"] == {
        "areas": ["중구"],
        "offices": [
            {"kind": "centre", "finding": "claimed_twice", "names": ["c1", "c2"]},
            {"kind": "police", "finding": "competent", "names": ["중부서"]},
        ],
    }
    assert views.operators(told.state, looked(told.at))["incidents"][told.id]["district"] is None


def steps(told):
    (shown,) = views.operators(told.state, looked(told.at))["incidents"].values()
    return {each["step"]: each for each in shown["steps"]}


def test_an_alarm_that_joins_an_incident_somebody_leads_opens_the_step_again():
    told = Told()
    told.give(judged(verdict(AlarmKind.EXCLUSION_ZONE)))
    told.give(words.Claim(incident=told.id, by=KIM), s=2)
    assert steps(told)["ack"] == {"step": "ack", "state": "done", "at": T0 + 2_000, "due_at": None, "why": None}
    told.give(judged(verdict(AlarmKind.STRAP_CUT, episode="e2")), s=60)
    assert steps(told)["ack"]["state"] == "now", "the old acknowledgement is not one of the new alarm"
    told.give(words.Tick(), s=91)
    assert (steps(told)["ack"]["state"], steps(told)["ack"]["due_at"]) == ("late", T0 + 75_000)
    (second,) = (each for each in told.incident.alarms if told.state.alarms[each].kind is AlarmKind.STRAP_CUT)
    told.give(words.Acknowledge(alarm=second, by=KIM), s=92)
    assert steps(told)["ack"]["at"] == T0 + 92_000


def test_what_was_sent_waits_for_its_answer_and_is_not_urged_again():
    told = Told()
    told.give(judged(verdict()))
    told.give(words.Claim(incident=told.id, by=KIM), s=80)
    told.give(words.SendOffice(incident=told.id, by=KIM, unit="u1", units=UNITS), s=90)
    due = T0 + 150_000
    assert [(steps(told)[each]["state"], steps(told)[each]["due_at"]) for each in ("police", "office")] == [("sent", due)] * 2  # fmt: skip
    told.give(words.Tick(), s=151)
    assert [(steps(told)[each]["state"], steps(told)[each]["due_at"]) for each in ("police", "office")] == [("late", due)] * 2  # fmt: skip
    (dispatch,) = told.incident.dispatches
    told.give(words.ReportUnit(dispatch=dispatch, unit="u1", state=UnitState.ACCEPTED), s=160)
    assert steps(told)["office"]["state"] == "done"
    (shown,) = views.operators(told.state, looked(told.at))["incidents"].values()
    assert (shown["dispatches"][0]["overdue"], shown["dispatches"][0]["answered_at"]) == (True, T0 + 160_000)
    assert shown["notices"][0]["answered_at"] is None
    told.give(words.SendOffice(incident=told.id, by=KIM, unit="u2", units=UNITS), s=170)
    assert steps(told)["office"]["state"] == "done", "one accepted; a second that is asked takes nothing from it"


def test_a_step_without_a_legal_basis_is_not_asked_for():
    told = Told()
    told.give(judged(verdict(AlarmKind.APPROACH_2K)))
    told.give(words.Claim(incident=told.id, by=KIM), s=1)
    assert (steps(told)["video"]["state"], steps(told)["video"]["due_at"]) == ("not_applicable", None)
    assert steps(told)["video"]["why"] == "no_basis"
    assert steps(told)["police"]["state"] == "now"


def test_a_strap_that_is_still_open_is_said_before_closing_and_its_next_alarm_says_what_it_goes_on_from():
    flagged = fix(1, said=Said.STRAP_CUT)
    transitions, state = rules.judge([flagged], {}, rules.RuleState())
    told = Told()
    told.give(judged(*transitions))
    (shown,) = views.operators(told.state, looked(told.at, rules=state))["incidents"].values()
    assert (shown["still"], shown["after"]) == (["strap_cut"], None)
    _, quiet = rules.judge([fix(2, s=3)], {}, state)
    (calm,) = views.operators(told.state, looked(told.at, rules=quiet))["incidents"].values()
    assert calm["still"] == []
    before = told.id
    told.give(words.Claim(incident=before, by=KIM), s=4)
    told.give(words.Close(incident=before, by=KIM, code=Disposition.GENUINE_ARREST, fix_through=1), s=5)
    ended = rules.end(state, WEARER, transitions[0].episode, 1)
    again, _ = rules.judge([fix(3, s=6, said=Said.STRAP_CUT)], {}, ended)
    told.give(judged(*again), s=6)
    shown = views.operators(told.state, looked(told.at))["incidents"]
    (new,) = (each for each in shown.values() if each["state"] == "open")
    assert new["priority"] == 1, "never made quieter"
    assert new["after"] == {"id": before, "closed_at": T0 + 5_000, "code": "genuine_arrest"}
