"""The change of shift at the desk: by keyboard alone, for giver and taker, in both languages and themes, and on paper."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, CROSSED, grave
from test_story import alarmed

pytestmark = pytest.mark.browser

HELD = "H-1"


def items(scene: Any) -> list[dict[str, Any]]:
    at = scene.now_ms()
    made: list[dict[str, Any]] = [
        {"part": "incident", "id": "i1", "word": "op2", "kind": "strap_cut", "priority": 1, "who": "박예시", "case_no": "가상-2026-0147", "at": at - 760_000, "leader_name": "강연습", "incident": "i1"},
        {"part": "incident", "id": "i2", "word": "", "kind": "curfew", "priority": 3, "who": "최모의", "case_no": "가상-2026-0118", "at": at - 90_000, "leader_name": None, "incident": "i2"},
        {"part": "alarm", "id": "a2", "word": f"unacked {at}", "kind": "curfew", "priority": 3, "who": "최모의", "state": "unacked", "at": at - 90_000, "incident": "i2"},
        {"part": "dispatch", "id": "d1", "word": "en_route", "unit_name": "신속수사팀 2", "state": "en_route", "who": "박예시", "at": at - 400_000, "due_at": at - 370_000, "incident": "i1"},
        {"part": "grant", "id": "g1", "word": "", "city_name": "가람시", "cameras": 4, "who": "박예시", "due_at": at + 900_000, "incident": "i1"},
        {"part": "outage", "id": "relay", "word": "1", "at": at - 60_000},
        {"part": "link", "id": "narae", "word": "2", "name": "나래시", "at": at - 1_300_000},
        {"part": "note", "id": "1", "word": "", "text": "가람시 관제실 전화가 통화 중이면 당직 내선 2번으로 합니다", "at": at - 20_000},
    ]  # fmt: skip
    return [{**each, "confirmed_at": None} for each in made]


def held(scene: Any, *, giver: str = "op2", taker: str = "op1", **more: Any) -> dict[str, Any]:
    names = {"op1": "이관제", "op2": "강연습"}
    return {
        "id": HELD, "giver": giver, "giver_name": names[giver], "taker": taker, "taker_name": names[taker], "whole": False,
        "offered_at": scene.now_ms() - 30_000, "taken_at": None, "ended_at": None, "end": None, "ended_by_name": None,
        "items": items(scene), "duties": [{"duty": "viewing_notice", "due_at": scene.now_ms() + 20 * 86_400_000, "who": "윤가정"}], **more,
    }  # fmt: skip


def busy(scene: Any, centre: Any, **more: Any) -> dict[str, Any]:
    alarmed(scene, centre, state="claimed", owner="op2", owner_name="강연습", steps=scene.steps(ack="done", video="done", police="done", office="late"))  # fmt: skip
    centre.world["alarms"]["a1"]["state"] = "acked"
    one = held(scene, **more)
    centre.world["handovers"] = {HELD: one}
    return one


def confirmed(scene: Any, one: dict[str, Any], n: int) -> dict[str, Any]:
    rows = [{**each, "confirmed_at": scene.now_ms() if i < n else None} for i, each in enumerate(one["items"])]
    return {**one, "items": rows}


@pytest.mark.parametrize(
    ("language", "theme", "width", "height"),
    [("ko", "dark", 1920, 1080), ("en", "light", 1366, 768), ("ko", "light", 1920, 1080), ("en", "dark", 2560, 1440)],
)
def test_the_page_is_accessible_and_nothing_is_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    one = busy(scene, centre)
    centre.world["handovers"] = {HELD: confirmed(scene, one, 3)}
    w = opened(language=language, theme=theme, width=width, height=height)
    w.go("/operator")
    w.until("document.querySelector('#handover-strip')")
    assert grave(w) == []
    w.page.keyboard.press("h")
    w.until("document.querySelectorAll('.ho-item').length === 8")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    look(w, f"handover-taker-{language}-{theme}-{width}")


def test_the_taker_confirms_item_by_item_with_space_and_nothing_else(
    centre: Any, scene: Any, opened: Any, look: Any
) -> None:
    one = busy(scene, centre)
    w = opened()
    w.go("/operator")
    w.says("강연습 → 이관제")
    w.page.keyboard.press("h")
    w.until("document.activeElement.matches('.ho-item[data-part=incident]')")
    keys = w.page.keyboard
    for key in ("Enter", "ArrowDown", "ArrowUp", "ArrowUp", "a", "1"):
        keys.press(key)
    w.page.wait_for_timeout(200)
    assert centre.acts() == [], "only Space confirms"
    assert w.page.locator("[data-take]").count() == 0, "nothing to take before all is confirmed"
    for n, each in enumerate(one["items"], 1):
        keys.press("Space")
        said = w.heard("handover_confirm", nth=n)
        assert (said["handover"], said["item"]) == (HELD, [each["part"], each["id"], each["word"]])
        centre.put(handovers={HELD: confirmed(scene, one, n)})
        w.until(f"document.querySelectorAll('.ho-item[aria-checked=true]').length === {n}")
    w.until("document.querySelector('[data-take]')")

    late = {**items(scene)[2], "id": "a9", "kind": "strap_cut", "priority": 1, "who": "정새봄"}
    more = confirmed(scene, one, 8)
    more["items"].insert(3, late)
    centre.put(handovers={HELD: more})
    w.until("!document.querySelector('[data-take]')")
    w.until("document.getElementById('soft').textContent.includes('새 항목')")
    look(w, "handover-added")
    w.page.locator(".ho-item[aria-checked=false]").focus()
    keys.press("Space")
    assert w.heard("handover_confirm", nth=9)["item"][1] == "a9"
    centre.put(handovers={HELD: {**more, "items": [{**each, "confirmed_at": scene.now_ms()} for each in more["items"]]}})  # fmt: skip
    w.until("document.querySelector('[data-take]')")
    w.page.locator("[data-take]").focus()
    keys.press("Enter")
    assert w.heard("handover_take")["handover"] == HELD
    over = {**more, "taken_at": scene.now_ms(), "duties": []}
    centre.put(handovers={HELD: over})
    w.says("이관제 님이 이어받았습니다")
    assert w.page.locator(".ho-item").count() == 0
    look(w, "handover-taken")
    keys.press("Escape")
    w.until("document.querySelector('sn-shift')")


def test_the_giver_offers_notes_and_ends_it(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    alarmed(
        scene, centre, state="claimed", owner="op1", owner_name="이관제", steps=scene.steps(ack="done", video="now")
    )
    centre.world["alarms"]["a1"]["state"] = "acked"
    centre.world["handovers"] = {}
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('[data-handover]')")
    keys = w.page.keyboard
    keys.press("h")
    w.until("document.activeElement.matches('[data-to=op2]')")
    assert grave(w) == []
    look(w, "handover-offer")
    keys.press("1")
    assert w.heard("handover_offer")["to"] == "op2"
    one = held(scene, giver="op1", taker="op2")
    centre.put(handovers={HELD: one})
    w.until("document.querySelector('.ho-note textarea')")
    assert w.page.locator(".ho-item, [data-take]").count() == 0, "the giver confirms nothing"
    w.page.locator(".ho-note textarea").focus()
    keys.type("hand the h key over")
    keys.press("Tab")
    keys.press("Enter")
    assert w.heard("handover_note")["text"] == "hand the h key over"
    look(w, "handover-giver")
    w.page.locator("[data-end]").focus()
    keys.press("Enter")
    w.until("document.activeElement.matches('[data-no]')")
    keys.press("Tab")
    keys.press("Enter")
    w.heard("handover_withdraw")
    centre.put(handovers={HELD: {**one, "ended_at": scene.now_ms(), "end": "withdrawn", "duties": []}})
    w.says("인계되지 않았습니다")
    look(w, "handover-ended")


def test_h_hands_the_incident_first_and_the_seat_when_pressed_again(centre: Any, scene: Any, opened: Any) -> None:
    alarmed(
        scene, centre, state="claimed", owner="op1", owner_name="이관제", steps=scene.steps(ack="done", video="now")
    )
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p1')")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelector('sn-sheet')")
    w.page.keyboard.press("h")
    w.until("document.activeElement.matches('sn-choice ol')")
    assert "교대 인계 열기 (H)" in w.page.locator("sn-choice").inner_text()
    w.page.keyboard.press("h")
    w.until("document.querySelector('sn-handover [data-to]')")
    assert centre.acts() == []


def test_alarms_ring_at_both_seats_and_are_answered_while_it_is_open(centre: Any, scene: Any, opened: Any) -> None:
    busy(scene, centre)
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('#handover-strip')")
    w.page.keyboard.press("h")
    w.until("document.querySelector('.ho-item')")
    before = w.page.evaluate("window.safetynet.sound.played['1'] ?? 0")
    centre.put(alarms={"a7": scene.alarm("a7", "i7", wearer="w7", who="정새봄")}, incidents={"i7": {**scene.incident("i7"), "alarms": ["a7"]}})  # fmt: skip
    w.until(f"(window.safetynet.sound.played['1'] ?? 0) > {before}")
    assert w.page.locator("sn-queue sn-alarm").count() >= 3, "the queue stays beside the page"
    w.page.locator("sn-alarm", has_text="정새봄").click()
    assert w.heard("claim")["incident"] == "i7"
    w.until("document.querySelector('sn-sheet') && document.querySelector('#handover-strip')")


def test_it_prints_as_one_page_without_the_screen_around_it(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    one = busy(scene, centre)
    centre.world["handovers"] = {HELD: confirmed(scene, one, 8)}
    w = opened(width=794, height=1123)
    w.go("/operator")
    w.until("document.querySelector('#handover-strip button')")
    w.page.keyboard.press("h")
    w.until("document.querySelectorAll('.ho-item').length === 8")
    w.page.emulate_media(media="print")
    shown = w.page.evaluate("[...document.querySelectorAll('sn-header, sn-queue, .ho-acts, .ho-do, .ho-sign')].filter((e) => e.getClientRects().length).map((e) => e.className)")  # fmt: skip
    assert shown == ["ho-sign"]
    assert w.page.evaluate(CLIPPED) == []
    look(w, "handover-print")
