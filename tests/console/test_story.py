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
