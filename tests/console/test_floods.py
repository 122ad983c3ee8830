"""An outage as one block above the queue, and the shelf: by keyboard, in both languages, accessible."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, CROSSED, grave

pytestmark = pytest.mark.browser

MINE = {"state": "claimed", "owner": "op1", "owner_name": "이관제"}
MINUTE_MS = 60_000


def outage(scene: Any, **more: Any) -> dict[str, Any]:
    listed = [
        {"who": f"가상{n}", "case_no": f"가상-2026-{n:04}", "silent": n < 40, "guarded": n < 3} for n in range(60)
    ]
    return {
        "id": "o1", "network": "망 가", "since": scene.now_ms() - 95_000, "members": 3_312, "silent": 3_290, "acked_by_name": None, "ended_at": None,
        "end": None, "left": 0, "list": listed, **more,
    }  # fmt: skip


def shelf(**more: Any) -> dict[str, Any]:
    return {"alarm": "a1", "for_ms": [15 * MINUTE_MS, 30 * MINUTE_MS], "until": None, "by_name": None, "reason": None, **more}  # fmt: skip


def silent(scene: Any, centre: Any) -> None:
    """One incident in hand that may be shelved, one that may not."""
    centre.begin(scene.calm_world())
    centre.world["alarms"] = {
        "a1": scene.alarm("a1", "i1", kind="comm_lost", priority=3, state="acked", who="박예시"),
        "a2": scene.alarm("a2", "i2", kind="strap_cut", priority=1, state="acked", who="최모의", wearer="w2"),
    }
    centre.world["incidents"] = {
        "i1": scene.incident("i1", kind="comm_lost", priority=3, steps=scene.steps(ack="done"), **MINE),
        "i2": scene.incident("i2", alarms=["a2"], wearer="w2", steps=scene.steps(ack="done"), **MINE),
    }
    centre.world["shelves"] = {"a1": shelf()}


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("ko", "dark", 1920), ("en", "light", 1366), ("ko", "light", 1366), ("en", "dark", 1920)],
)
def test_an_outage_is_one_block_that_is_opened_and_answered_by_keyboard(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int) -> None:  # fmt: skip
    silent(scene, centre)
    w = opened(language=language, theme=theme, width=width, height=1080 if width == 1920 else 768)
    w.go("/operator")
    w.until("document.querySelectorAll('sn-alarm').length === 2")
    centre.put(outages={"o1": outage(scene)})
    w.until("document.querySelector('sn-flood.new')")
    w.until("(window.safetynet.sound.played['2'] ?? 0) >= 1")
    w.says("3,312")
    w.page.locator("sn-flood [data-act=list]").focus()
    w.page.keyboard.press("Enter")
    w.until("document.querySelectorAll('.flood-l li').length === 61")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    assert "{" not in w.page.evaluate("document.body.innerText")
    look(w, f"outage-{language}-{theme}-{width}")
    w.page.locator("sn-flood [data-act=ack_outage]").focus()
    w.page.keyboard.press("Enter")
    assert w.heard("ack_outage")["outage"] == "o1"
    centre.put(
        outages={"o1": outage(scene, acked_by_name="이관제", ended_at=scene.now_ms(), end="heard", silent=2, left=2)}
    )
    w.until("document.querySelector('sn-flood') && !document.querySelector('sn-flood.new')")
    look(w, f"outage-over-{language}-{theme}-{width}")


def test_z_shelves_with_a_reason_and_a_time_and_z_brings_it_back(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    silent(scene, centre)
    w = opened()
    w.go("/operator")
    w.until("document.querySelectorAll('sn-alarm').length === 2")
    w.page.locator("sn-alarm", has_text="박예시").click()
    w.until("document.querySelector('[data-act=shelve]')?.innerText.includes('Z')")
    w.page.keyboard.press("z")
    w.until("document.querySelectorAll('sn-choice li').length === 5")
    assert grave(w) == []
    look(w, "shelve-why")
    w.page.keyboard.press("3")
    w.until("document.querySelectorAll('sn-choice li').length === 2")
    look(w, "shelve-how-long")
    w.page.keyboard.press("2")
    said = w.heard("shelve")
    assert [said[each] for each in ("alarm", "shelve", "for_ms")] == ["a1", "charging", 30 * MINUTE_MS]
    w.says("통화함 · 충전 중")
    until = scene.now_ms() + 30 * MINUTE_MS
    centre.put(
        alarms={"a1": {**centre.world["alarms"]["a1"], "state": "shelved"}},
        shelves={"a1": shelf(until=until, by_name="이관제", reason="charging")},
    )
    w.until("document.querySelector('#shelved')")
    w.until("document.querySelector('[data-act=shelve]')?.innerText.includes('다시 울리기')")
    assert w.page.evaluate(CLIPPED) == []
    look(w, "shelved")
    w.page.keyboard.press("z")
    assert w.heard("unshelve")["alarm"] == "a1"


def test_what_may_not_be_shelved_offers_no_button_and_says_so(centre: Any, scene: Any, opened: Any) -> None:
    silent(scene, centre)
    w = opened(language="en")
    w.go("/operator")
    w.until("document.querySelectorAll('sn-alarm').length === 2")
    w.page.locator("sn-alarm", has_text="최모의").click()
    w.until("document.querySelector('[data-act=close]')")
    assert w.page.locator("[data-act=shelve]").count() == 0
    w.page.keyboard.press("z")
    w.says("No alarm of this incident may be shelved")
    assert "shelve" not in centre.acts()
