"""The supervisor's page: seats with what each holds, an incident given away by keyboard alone, links and figures."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, CROSSED, grave

pytestmark = pytest.mark.browser

ME = {"person": "sup", "name": "오당직", "role": "supervisor", "seat": "", "centre": "c1"}


def busy(scene: Any, centre: Any) -> None:
    """Three seats: one with two incidents, one with none, one left; one incident that nobody leads."""
    at = scene.now_ms()
    centre.begin(scene.calm_world())
    rows = [
        ("i1", "op1", "strap_cut", 1, "박예시", scene.steps(ack="done", video="done", police="done", office="late"), "acked"),
        ("i2", "op1", "curfew", 2, "최모의", scene.steps(ack="now"), "unacked"),
        ("i3", None, "exclusion_zone", 2, "정가상", scene.steps(ack="now"), "unacked"),
        ("i4", "op3", "approach_1k", 3, "윤가정", scene.steps(ack="done", video="now"), "acked"),
    ]  # fmt: skip
    for n, (id, owner, kind, priority, who, steps, state) in enumerate(rows):
        alarm = scene.alarm(f"a{n}", id, who=who, kind=kind, priority=priority, state=state, raised_at=at - 40_000 * (n + 1))  # fmt: skip
        centre.world["alarms"][f"a{n}"] = alarm
        one = scene.incident(id, kind=kind, priority=priority, owner=owner, state="claimed" if owner else "open", steps=steps, alarms=[f"a{n}"], opened_at=at - 60_000 * (n + 1))  # fmt: skip
        one["who"] = {**one["who"], "name": who}
        centre.world["incidents"][id] = one
    seats = {
        "op1": ("이관제", "operator", "1", True, 2), "op2": ("강연습", "operator", "2", True, 0), "op3": ("서모의", "operator", "3", False, 1),
        "sup": ("오당직", "supervisor", "", True, 0),
    }  # fmt: skip
    centre.world |= {
        "me": {"me": ME},
        "seats": {p: {"person": p, "name": n, "role": r, "seat": s, "here": h, "incidents": i} for p, (n, r, s, h, i) in seats.items()},
        "desks": {p: {"person": p, "ringing": 1 if p == "op1" else 0, "oldest_at": at - 80_000 if p == "op1" else None, "answered": 4 if p == "op1" else 0, "answer_ms_median": 11_000 if p == "op1" else None} for p in seats},
        "figures": {"figures": {"raised": 7, "ringing": 2, "oldest_at": at - 120_000, "escalated": 1, "answered": 4, "answer_ms_median": 11_000, "answer_ms_max": 74_000, "acceptable": 1, "manageable": 2, "flood": 10}},
        "load": {"load": {
            "since": at - 86_400_000, "until": at, "operators": 2, "raised": 1_284, "rung": 131, "held": {"brief": 1_021, "outage": 132}, "unexplained": 0,
            "per_person_mean": 0.455, "per_person_peak": 4.5, "windows": 144, "floods": 0, "priorities": {"1": 3, "2": 21, "3": 80, "4": 27},
            "answer_ms_p50": 14_000, "answer_ms_p95": 71_000, "unanswered": 2, "top_share": 0.31,
            "top": [{"who": who, "kind": kind, "count": n} for who, kind, n in (("박예시", "comm_lost", 74), ("최모의", "gps_lost", 41), ("정가상", "battery_low", 12))],
            "stale": 1, "stale_list": [{"who": "윤가정", "kind": "exclusion_zone", "count": 2, "since": at - 90_000_000}],
            "chattering": 1, "chattering_list": [{"who": "박예시", "kind": "comm_lost", "count": 74, "since": at - 9_000_000}],
            "shelved": 1, "service_ms": [n * 1_800_000 for n in (1, 2, 4, 8, 16)], "service_holds": ["comm_lost", "gps_lost", "battery_low"],
            "out_of_service": [{"wearer": "w7", "who": "한시험", "case_no": "가상-2026-0207", "reason": "exchange", "by_name": "오당직", "since": at - 1_200_000, "until": at + 3_600_000, "holds": ["comm_lost"]}],
        }},
        "health": {"health": {
            "links": [
                {"id": "garam", "name": "가람시", "role": "city", "up": True, "since": at - 9_000_000, "heard_at": at - 4_000, "delay_ms": 3, "owed": 0, "streams": 4},
                {"id": "narae", "name": "나래시", "role": "city", "up": False, "since": at - 400_000, "heard_at": at - 410_000, "delay_ms": None, "owed": 132, "streams": 0},
                {"id": "desk", "name": "112", "role": "police", "up": True, "since": at - 9_000_000, "heard_at": at - 4_000, "delay_ms": 5, "owed": 1, "streams": 0},
            ],
            "relay": {"up": True, "since": at - 9_000_000, "streams": 4}, "disk": {"level": "ample", "free_gb": 412.7}, "certificate_days": 5.4,
            "ledger_size": 188_402, "windows": 6,
        }},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "theme", "width", "height"),
    [("ko", "dark", 1920, 1080), ("en", "light", 1366, 768), ("ko", "light", 1920, 1080), ("en", "dark", 2560, 1440)],
)
def test_the_page_is_accessible_and_nothing_is_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    busy(scene, centre)
    w = opened(language=language, theme=theme, width=width, height=height)
    w.go("/supervisor")
    w.until("document.querySelectorAll('.sp-card').length === 4")
    w.until("document.querySelectorAll('.sp-seat').length === 5")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    text = w.page.evaluate("document.body.innerText")
    assert "{" not in text
    assert "3.5" in text, "seven alarms, two operators there"
    assert "4.5" in text, "the peak of the day"
    for each in ("1,284", "1,021", "한시험", "윤가정"):
        assert each in text
    w.page.locator("#load").scroll_into_view_if_needed()
    look(w, f"supervisor-load-{language}-{theme}-{width}")
    w.page.locator(".sp-side").evaluate("(each) => each.scrollTo(0, 0)")
    look(w, f"supervisor-{language}-{theme}-{width}")


def test_an_incident_is_given_to_another_seat_by_keyboard_with_a_reason(
    centre: Any, scene: Any, opened: Any, look: Any
) -> None:
    busy(scene, centre)
    w = opened()
    w.go("/supervisor")
    w.until("document.querySelectorAll('.sp-card').length === 4")
    keys = w.page.keyboard
    keys.press("ArrowDown")
    w.until("document.activeElement.matches('[data-incident=i3]')")
    keys.press("ArrowRight")
    w.until("document.activeElement.matches('[data-incident=i1]')")
    keys.press("ArrowDown")
    w.until("document.activeElement.matches('[data-incident=i2]')")
    keys.press("Enter")
    w.until("document.activeElement.matches('sn-move ol')")
    assert grave(w) == []
    offered = w.page.evaluate("[...document.querySelectorAll('sn-move [data-value]')].map((e) => e.dataset.value)")
    assert offered == ["op2", "sup"], "who is there and does not lead it"
    look(w, "supervisor-to-whom")
    keys.press("1")
    w.until("document.querySelectorAll('sn-move [data-value]').length === 4")
    look(w, "supervisor-why")
    assert centre.acts() == [], "nothing moves without a reason"
    keys.press("2")
    said = w.heard("reassign")
    assert [said[each] for each in ("incident", "to", "held_by", "reason")] == ["i2", "op2", "op1", "overloaded"]
    w.says("강연습 님에게 넘겼습니다")
    centre.update("i2", owner="op2")
    w.until("document.querySelector('[data-person=op2] [data-incident=i2]')")


def test_a_faster_colleague_is_said_and_escape_moves_nothing(centre: Any, scene: Any, opened: Any) -> None:
    busy(scene, centre)
    centre.no = {"reassign": "stale"}
    w = opened(language="en")
    w.go("/supervisor")
    w.until("document.querySelector('[data-incident=i3]')")
    w.page.locator("[data-incident=i3]").focus()
    w.page.keyboard.press("Enter")
    w.until("document.querySelector('sn-move dialog[open]')")
    w.page.keyboard.press("Escape")
    w.until("!document.querySelector('sn-move') && document.activeElement.matches('[data-incident=i3]')")
    assert centre.acts() == []
    w.page.keyboard.press("Enter")
    w.until("document.querySelector('sn-move dialog[open]')")
    w.page.keyboard.press("2")
    w.until("document.querySelectorAll('sn-move [data-value]').length === 4")
    w.page.keyboard.press("1")
    assert w.heard("reassign")["held_by"] is None
    w.says("Give to another seat failed")


def test_an_operator_has_no_business_there_and_alarms_ring_here_too(centre: Any, scene: Any, opened: Any) -> None:
    busy(scene, centre)
    w = opened()
    w.go("/supervisor")
    w.until("(window.safetynet?.sound.played['2'] ?? 0) >= 1")
    centre.put(me={"me": scene.ME})
    w.until("location.pathname !== '/supervisor'")


def test_everything_that_was_held_back_is_listed_with_its_reason(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    busy(scene, centre)
    at = scene.now_ms()
    rows = [
        {"alarm": f"A-{n}", "kind": kind, "raised_at": at - 60_000 * n, "why": why, "count": n + 1, "became": became, "rung_at": None}
        for n, (kind, why, became) in enumerate((("comm_lost", "outage", "held"), ("exclusion_zone", "brief", "normal"), ("curfew", "brief", "risen")))
    ]  # fmt: skip
    w = opened()
    w.page.route(
        "**/alarms/suppressed",
        lambda route: route.fulfill(json={"rows": rows, "total": 3, "reasons": {"brief": 2, "outage": 1}}),
    )
    w.go("/supervisor")
    w.until("document.querySelector('#suppressed')")
    w.page.locator("#suppressed").focus()
    w.page.keyboard.press("Enter")
    w.until("document.querySelectorAll('sn-suppressed tbody tr').length === 3")
    w.says("울림: 확실해짐")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, "supervisor-suppressed")
    w.page.keyboard.press("Escape")
    w.until("!document.querySelector('sn-suppressed') && document.activeElement.matches('#suppressed')")
