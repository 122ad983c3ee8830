"""What Enter opens, what still waits, and what a place on the wall says before anybody looked for a camera."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, grave

pytestmark = pytest.mark.browser

MINE = {"state": "claimed", "owner": "op1", "owner_name": "이관제"}
NO_VIDEO: dict[str, Any] = {"state": "none", "requests": [], "grants": [], "cameras": []}


def ring(scene: Any, centre: Any, n: int, priority: int, **more: Any) -> None:
    """An incident of its own, with its alarm."""
    kind = "strap_cut" if priority == 1 else "exclusion_zone"
    wearer = f"w{n}"
    centre.put(
        alarms={f"a{n}": scene.alarm(f"a{n}", f"i{n}", wearer=wearer, priority=priority, kind=kind, who=f"가상{n}")},
        incidents={f"i{n}": scene.incident(f"i{n}", wearer=wearer, priority=priority, kind=kind, alarms=[f"a{n}"], **more)},
    )  # fmt: skip


def on(n: int) -> str:
    return f"document.querySelector('sn-alarm[aria-selected=true]')?.innerText.includes('가상{n}')"


def test_enter_opens_what_is_most_urgent_unless_a_person_chose(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    ring(scene, centre, 1, 3)
    w.until(on(1))
    ring(scene, centre, 2, 1)
    w.until(on(2))
    assert w.page.locator("#above").count() == 0
    w.page.keyboard.press("j")  # a choice of his own stays
    w.until(on(1))
    w.until("document.querySelector('#above')?.innerText.includes('가상2')")
    assert "Enter로 열리지 않습니다" in w.page.locator("#above").inner_text()
    assert grave(w) == []
    look(w, "overtaken")
    w.page.locator("#above").click()
    w.until(on(2))
    w.until("!document.querySelector('#above')")
    w.until("document.activeElement.matches('sn-alarm[aria-selected=true]')")
    w.page.keyboard.press("Enter")
    assert w.heard("claim")["incident"] == "i2"
    ring(scene, centre, 3, 1)  # another, while one is open: said, not opened
    w.until("document.querySelector('#above')?.innerText.includes('가상3')")
    w.until(on(2))


def test_an_alarm_that_joined_my_own_incident_waits(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    ring_ = {**MINE, "steps": scene.steps(ack="now", video="done"), "alarms": ["a1", "a9"]}
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked"), "a9": scene.alarm("a9", "i1", kind="approach_1k", priority=2)}  # fmt: skip
    centre.world["incidents"] = {"i1": scene.incident(**ring_)}
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('#tab-waiting')?.innerText.includes('1')")
    assert "처리할 경보가 없습니다" not in w.page.inner_text("body")
    w.page.keyboard.press("Enter")
    w.until("document.querySelector('.btn.main')?.dataset.act === 'ack'")
    assert "A" in w.page.locator(".btn.main kbd").inner_text()
    look(w, "joined")
    w.page.keyboard.press("a")
    assert w.heard("ack")["alarm"] == "a9"
    w.says("처리할 경보가 없습니다")


def test_a_place_without_a_camera_says_what_is_true_of_it(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    ring(scene, centre, 1, 1, **MINE, video=NO_VIDEO)
    w = opened(language="en", theme="light")
    w.go("/operator")
    w.until(on(1))
    w.page.keyboard.press("Enter")
    w.until("document.querySelectorAll('sn-tile.empty').length === 4")
    w.says("Not asked yet")
    request = {"request": "r1", "city": "garam", "city_name": "가람시", "state": "prepared", "why": None}
    centre.update(video={**NO_VIDEO, "requests": [request]})
    w.says("Looking for cameras")
    centre.update(video={**NO_VIDEO, "requests": [{**request, "state": "proposed"}], "cameras": [scene.camera(1)]})
    w.says("No further camera sees this place")
    law = {"basis": None, "article_ko": "위치추적 규칙", "article_en": "Rule", "why": "no_basis"}
    steps = scene.steps(ack="done", police="now")
    steps[1] |= {"state": "not_applicable", "why": "no_basis"}
    centre.update(video=NO_VIDEO, law=law, steps=steps)
    w.says("No legal basis")
    w.says("there is no legal basis")
    assert w.page.locator(".btn.main").get_attribute("data-act") == "police"
    assert w.page.locator("[data-act=video]").count() == 0
    assert w.page.evaluate(CLIPPED) == []
    assert grave(w) == []
    look(w, "no-basis-step")


def test_what_was_sent_waits_and_a_late_answer_is_an_answer(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    at = scene.now_ms()
    sent = {"dispatch": "d1", "unit": "u1", "unit_name": "신속수사팀 2", "state": "ordered", "ordered_at": at, "answer_by": at + 57_000, "overdue": False, "answered_at": None}  # fmt: skip
    steps = scene.steps(ack="done", video="done", police="done", office="sent", call="now")
    steps[3]["due_at"] = at + 57_000
    centre.demo = {"accounts": [], "stories": [{"name": "tamper", "ko": "부착장치 훼손", "en": "Strap cut"}], "panel_url": "/panel"}  # fmt: skip
    ring(scene, centre, 1, 1, **MINE, dispatches=[sent], steps=steps, still=["strap_cut"])
    w = opened()
    w.go("/operator")
    w.until(on(1))
    w.page.keyboard.press("Enter")
    w.says("보냄, 응답 대기")
    assert w.page.locator(".btn.main").get_attribute("data-act") == "call"
    look(w, "sent")
    centre.update(dispatches=[{**sent, "state": "accepted", "overdue": True, "answered_at": at}])
    w.says("늦게 응답")
    assert "응답 없음" not in w.page.locator("sn-sheet").inner_text()
    assert w.page.locator(".sent .late").count() == 0
    w.page.keyboard.press("x")
    w.until("document.querySelector('dialog #still')")
    assert "다시 울립니다" in w.page.locator("#still").inner_text()
    assert grave(w) == []
    look(w, "still-open")
    w.until("document.querySelector('sn-demo button')")
    w.page.keyboard.press("1")
    assert w.heard("close")["code"] == "genuine_arrest"
    assert w.heard("caught")["wearer"] == "w1", "the made city takes the device from who was arrested"


def test_an_alarm_that_goes_on_after_closing_says_so(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    after = {"id": "I-0F2A66C1D9E04B17", "closed_at": scene.now_ms() - 3_000, "code": "genuine_arrest"}
    ring(scene, centre, 1, 1, after=after)
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm #again')")
    assert "I-0F2A66C1D9E04B17에 이어" in w.page.locator("#again").inner_text()
    w.page.keyboard.press("Enter")
    w.until("document.querySelector('#after')")
    assert "실제 위반 · 검거" in w.page.locator("#after").inner_text()
    look(w, "again")
