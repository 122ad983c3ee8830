"""A device is taken out of service on the supervisor's page, by keyboard: whose, why, how long, and all of it once more
before it is said; what is put aside stands there with its end and is brought back.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, CROSSED, grave
from test_supervisor import busy

pytestmark = pytest.mark.browser

HOUR_MS = 3_600_000
WEARERS = [
    {"wearer": f"w{n}", "name": name, "case_no": f"가상-2026-0{200 + n}", "office": "가람보호관찰소", "discharged_at": gone}
    for n, (name, gone) in enumerate([("가상일", None), ("가상이", None), ("가상삼", None), ("가상사", None), ("가상오", None), ("가상육", None), ("나예시", None), ("한시험", None), ("끝난이", 1)])
]  # fmt: skip


def put_aside(scene: Any, centre: Any, w: Any) -> None:
    busy(scene, centre)
    until = scene.now_ms() + HOUR_MS // 4
    centre.world["alarms"]["a3"] = {**centre.world["alarms"]["a3"], "state": "shelved"}
    centre.world["shelves"] = {
        "a3": {"alarm": "a3", "for_ms": [], "until": until, "by_name": "서모의", "reason": "known_place"}
    }
    w.page.route("**/admin/look", lambda route: route.fulfill(json={"wearers": WEARERS}))
    w.go("/supervisor")
    w.until("document.querySelectorAll('#aside li').length === 2")


@pytest.mark.parametrize(
    ("language", "theme", "width", "height"),
    [("ko", "dark", 1920, 1080), ("en", "light", 1366, 768), ("ko", "light", 1366, 768), ("en", "dark", 1920, 1080)],
)
def test_a_device_is_taken_out_of_service_by_keyboard(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    w = opened(language=language, theme=theme, width=width, height=height)
    put_aside(scene, centre, w)
    w.page.locator("#aside").scroll_into_view_if_needed()
    look(w, f"service-aside-{language}-{theme}")
    keys = w.page.keyboard
    w.page.locator("#service").focus()
    keys.press("Enter")
    w.until("document.activeElement.matches('sn-out-of-service [name=find]')")
    w.until("document.querySelectorAll('sn-out-of-service [name=wearer]').length === 6")
    keys.type("예시")
    w.until("document.querySelectorAll('sn-out-of-service [name=wearer]').length === 1")
    keys.press("Enter")
    assert w.page.locator("[data-sure]").count() == 0, "not without a reason and a time"
    for name, value in (("wearer", "w6"), ("why", "repair"), ("ms", str(HOUR_MS * 2))):
        keys.press("Tab")
        w.until(f"document.activeElement.matches('[name={name}]')")
        keys.press("Space")
        for _ in range(5):
            if w.page.evaluate("document.activeElement.value") == value:
                break
            keys.press("ArrowDown")
        assert w.page.evaluate("document.activeElement.value") == value
        assert w.page.evaluate("document.activeElement.checked")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, f"service-form-{language}-{theme}")
    keys.press("Enter")
    w.until("document.activeElement.matches('sn-out-of-service [data-back]')")
    assert centre.acts() == [], "nothing is said before it is confirmed"
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    text = w.page.evaluate("document.querySelector('sn-out-of-service').innerText")
    assert "나예시" in text
    assert "오당직" in text, "who confirms"
    assert "{" not in text
    look(w, f"service-sure-{language}-{theme}")
    keys.press("Shift+Tab")
    keys.press("Enter")
    said = w.heard("stop_service")
    assert [said[each] for each in ("wearer", "service", "for_ms")] == ["w6", "repair", 2 * HOUR_MS]
    w.until("!document.querySelector('sn-out-of-service') && document.activeElement.matches('#service')")


def test_what_is_put_aside_is_brought_back_and_escape_says_nothing(centre: Any, scene: Any, opened: Any) -> None:
    w = opened()
    put_aside(scene, centre, w)
    w.says("한시험")
    w.says("신호가 나쁜 곳으로 확인됨")
    keys = w.page.keyboard
    w.page.locator("#service").focus()
    keys.press("Enter")
    w.until("document.querySelectorAll('sn-out-of-service [name=wearer]').length === 6")
    offered = "[...document.querySelectorAll('sn-out-of-service [name=wearer]')].map((e) => e.value)"
    keys.type("0207")
    w.until("document.querySelectorAll('sn-out-of-service [name=wearer]').length === 0")
    assert w.page.evaluate(offered) == [], "worked on already"
    for _ in range(4):
        keys.press("Backspace")
    keys.type("끝난이")
    w.until("document.querySelector('sn-out-of-service [role=status]').innerText !== ''")
    assert w.page.evaluate(offered) == [], "discharged"
    keys.press("Escape")
    w.until("!document.querySelector('sn-out-of-service') && document.activeElement.matches('#service')")
    assert centre.acts() == []
    w.page.locator("[data-act=resume_service]").focus()
    keys.press("Enter")
    assert w.heard("resume_service")["wearer"] == "w7"
    w.page.locator("[data-act=unshelve]").focus()
    keys.press("Enter")
    assert w.heard("unshelve")["alarm"] == "a3"
