"""The alarm story by keyboard alone, against a made control centre; and every state a picture or a step can be in."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser

IDLE = "document.querySelector('sn-map')?.ground?.loaded()"


def alarmed(conftest: Any, centre: Any, **more: Any) -> None:
    centre.begin(conftest.calm_world())
    centre.world["alarms"] = {"a1": conftest.alarm("a1", "i1"), "a2": conftest.alarm("a2", None, wearer="w2", who="최모의", case_no="가상-2026-0118", kind="exclusion_zone", priority=2, certainty="maybe", zone_name="달맞이초등학교")}  # fmt: skip
    centre.world["incidents"] = {"i1": conftest.incident(**more)}
    at = conftest.now_ms()
    centre.world["tracks"] = {"w1": {"wearer": "w1", "points": [[conftest.LAT - 0.0001 * i, conftest.LON - 0.00016 * i, at - 6000 - 10_000 * i, 18] for i in range(14, -1, -1)]}}  # fmt: skip
    centre.world["zones"] = {"z1": {"id": "z1", "name": "별빛어린이공원", "kind": "exclusion", "polygon": [[conftest.LAT + 0.0012, conftest.LON + 0.003], [conftest.LAT + 0.0012, conftest.LON + 0.0048], [conftest.LAT + 0.0002, conftest.LON + 0.0047], [conftest.LAT + 0.0002, conftest.LON + 0.0029]]}}  # fmt: skip


def test_calm_shows_what_is_seen_and_no_picture(centre: Any, opened: Any, look: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    w.says("4,979")
    w.until(IDLE)
    assert w.page.locator("sn-tile").count() == 0
    assert w.page.locator("canvas:not(.maplibregl-canvas)").count() == 0
    look(w, "calm")


def test_the_whole_alarm_by_keyboard(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.says("부착장치 훼손")
    w.until("document.activeElement.matches('sn-alarm[aria-selected=true]')")
    w.until(IDLE)
    look(w, "waiting")
    keys = w.page.keyboard
    keys.press("Enter")
    assert w.heard("claim")["incident"] == "i1"
    w.until("document.querySelectorAll('sn-tile.proposed').length === 4")
    w.until(IDLE)
    look(w, "proposed")
    keys.press("a")
    assert w.heard("ack")["alarm"] == "a1"
    keys.press("v")
    assert w.heard("video")["incident"] == "i1"
    w.until("document.querySelectorAll('sn-tile.live').length === 4")
    said = w.page.evaluate("window.player.said")
    assert ["hello", "t1"] in said
    assert [each[3] for each in said if each[0] == "open"] == ["garam-001", "garam-002", "garam-003", "garam-004"]
    w.until(IDLE)
    look(w, "live")
    keys.press("p")
    w.heard("police")
    w.says("112 상황실")
    keys.press("d")
    w.says("누구를 보낼까요")
    look(w, "dispatch")
    keys.press("d")
    assert w.heard("office") | {"unit": "u1"} == w.heard("office")
    keys.press("c")
    w.says("통화 결과")
    keys.press("2")
    assert w.heard("call")["outcome"] == "no_answer"
    w.until("document.querySelector('.btn.main').dataset.act === 'close'")
    keys.press("x")
    w.until("document.querySelector('dialog[open]') && document.activeElement.matches('[data-back]')")
    look(w, "close")
    keys.press("4")
    assert w.heard("close")["code"] == "drift"
    w.until("document.querySelectorAll('sn-tile.ended').length === 4")
    assert w.page.locator("sn-tile canvas").count() == 0
    look(w, "closed")
    keys.press("Escape")
    w.until("document.querySelectorAll('sn-tile').length === 0")


def test_a_further_picture_is_refused_late_lost_or_moved(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    alarmed(scene, centre, state="claimed", owner="op1", owner_name="이관제", video=scene.granted(), steps=scene.steps(ack="done", video="done", police="now"))  # fmt: skip
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.locator("sn-alarm.p1").click()
    assert w.heard("admit")["grant"] == "g1"  # a reloaded window asks for a token of its own
    centre.admit("g1", "t9")
    w.until("document.querySelectorAll('sn-tile.live').length === 4")
    w.page.evaluate("window.player.late(1, 4100)")
    w.page.evaluate("window.player.fail(2, 'lost', 'camera_lost')")
    w.page.evaluate("window.player.fail(3, 'refused', 'camera_not_granted')")
    w.until(
        "document.querySelectorAll('sn-tile.stale').length === 1 && document.querySelectorAll('sn-tile.lost').length === 1"
    )
    w.says("화면 지연")
    w.says("카메라가 응답하지 않습니다")
    assert w.page.locator("sn-tile.refused canvas").count() == 0
    w.until(IDLE)
    look(w, "pictures")
    # The city moves the set: camera 5 comes, camera 2 goes. The focused tile stays where it is.
    w.page.keyboard.press("2")
    w.until("document.activeElement.matches('sn-tile:nth-of-type(2)')")
    moved = scene.granted()
    moved["cameras"] = [moved["cameras"][0], scene.camera(5, grant="g1", state="granted"), moved["cameras"][2], moved["cameras"][3]]  # fmt: skip
    centre.update(video=moved)
    w.page.wait_for_timeout(4500)
    assert "가람-별빛-002" in w.page.locator("sn-tile").nth(1).inner_text()
    w.page.evaluate("document.activeElement.blur()")
    w.until("document.querySelectorAll('sn-tile')[1].innerText.includes('가람-별빛-005')")


def test_refused_by_the_city_says_why_and_offers_other_ways(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    request = {"request": "r1", "city": "garam", "city_name": "가람시", "state": "refused", "why": "policy_denied"}
    video = {"state": "refused", "requests": [request], "grants": [], "cameras": [scene.camera(n) for n in (1, 2)]}
    alarmed(scene, centre, state="claimed", owner="op1", owner_name="이관제", video=video)
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelectorAll('sn-tile.refused').length === 2")
    w.says("도시 규칙이 허용하지 않습니다")
    narae = {"request": "r2", "city": "narae", "city_name": "나래시", "state": "requested", "why": None}
    centre.update(video={**video, "requests": [request, narae]})
    w.until("document.querySelectorAll('sn-tile.asked').length === 1")
    w.says("나래시 승인을 기다립니다")
    look(w, "refused")
    law = {"basis": None, "article_ko": "전자장치부착법 제5장(전자보석): 제16조의3 준용 규정 없음", "article_en": "ch. 5 (bail)", "why": "no_basis"}  # fmt: skip
    centre.update(law=law, video={"state": "none", "requests": [], "grants": [], "cameras": []})
    w.says("영상을 열 법적 근거가 없습니다")
    w.says("다른 길")
    assert w.page.locator("sn-tile canvas").count() == 0
    look(w, "no-basis")


def test_a_refused_command_is_said_in_place(centre: Any, scene: Any, opened: Any) -> None:
    alarmed(scene, centre)
    centre.no = {"claim": "not_owner"}
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.keyboard.press("Enter")
    w.says("사건 맡기 안 됨: 다른 관제사가 맡은 사건입니다")


def test_overdue_answers_turn_red(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    at = scene.now_ms()
    sent = {"dispatch": "d1", "unit": "u1", "unit_name": "신속수사팀 2", "state": "ordered", "ordered_at": at - 45_000, "answer_by": at - 15_000, "overdue": True}  # fmt: skip
    notice = {"notice": "n1", "room": "desk", "room_name": "112 상황실", "state": "received", "sent_at": at - 20_000, "answer_by": at + 40_000, "overdue": False}  # fmt: skip
    alarmed(scene, centre, state="claimed", owner="op1", owner_name="이관제", dispatches=[sent], notices=[notice], steps=scene.steps(ack="done", video="done", police="done", office="late"))  # fmt: skip
    centre.world["links"]["narae"] |= {"up": False, "since": at - 18_000}
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelector('.sent .late sn-age.late')")
    red = w.page.evaluate("getComputedStyle(document.querySelector('.sent .late sn-age')).color")
    assert red == "rgb(255, 90, 95)"
    assert w.page.evaluate("document.querySelector('.steps .late').innerText").find("초과") > 0
    assert w.page.locator(".lk.down").inner_text().split()[:2] == ["나래시", "끊김"]
    assert w.page.locator(".lk.down sn-age").inner_text().endswith("초")
    look(w, "overdue")


def test_another_holds_it_and_taking_over_asks_once(centre: Any, scene: Any, opened: Any) -> None:
    alarmed(scene, centre, state="claimed", owner="op2", owner_name="강연습")
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.keyboard.press("Enter")
    w.says("강연습 님의 사건을 넘겨받습니까?")
    assert "take_over" not in centre.acts()
    w.page.keyboard.press("1")
    assert w.heard("take_over")["incident"] == "i1"


def test_letters_do_nothing_in_a_dialogue_or_when_switched_off(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.until("document.activeElement.matches('sn-alarm')")
    w.page.keyboard.press("Shift+Slash")
    w.until("document.querySelector('dialog[open]')")
    look(w, "keys")
    w.page.keyboard.press("a")
    w.page.locator("dialog input").uncheck()
    w.page.keyboard.press("Escape")
    w.until("!document.querySelector('dialog')")
    w.page.keyboard.press("a")
    w.page.wait_for_timeout(300)
    assert centre.acts() == []
    w.page.keyboard.press("Alt+a")
    assert w.heard("ack")["alarm"] == "a1"


def test_sound_repeats_until_silenced_and_wakes_for_a_new_emergency(centre: Any, scene: Any, opened: Any) -> None:
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.until("(window.safetynet.sound.played['1'] ?? 0) >= 2")
    w.page.keyboard.press("s")
    w.says("소리 껐음")
    before = w.page.evaluate("window.safetynet.sound.played['1']")
    w.page.wait_for_timeout(2500)
    assert w.page.evaluate("window.safetynet.sound.played['1']") == before
    centre.put(alarms={"a7": scene.alarm("a7", None, wearer="w7")})
    w.until(f"window.safetynet.sound.played['1'] > {before}")
