"""The wall in a window of its own: a token of its own, a tab for each incident one leads, nothing of what one does not."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_desk import nine
from test_pages import CLIPPED, CROSSED, grave

pytestmark = pytest.mark.browser

LIVE = "document.querySelectorAll('sn-tile.live').length"


def on_air(opened: Any, centre: Any, **more: Any) -> Any:
    """The window with nine live pictures, by a token that it asked for itself."""
    w = opened(**more)
    w.go("/wall")
    assert w.heard("admit")["grant"] == "g1", "a further window asks for a token of its own"
    centre.admit("g1", "t-wall")
    w.until(f"{LIVE} === 9")
    return w


def two(scene: Any, centre: Any) -> None:
    """One incident with nine pictures, one that waits for V, one of a colleague."""
    nine(scene, centre)
    at = scene.now_ms()
    for id, owner, who, kind, priority in (
        ("i2", "op1", "최모의", "curfew", 2),
        ("i3", "op2", "서모의", "strap_cut", 1),
    ):
        one = scene.incident(id, state="claimed", owner=owner, owner_name=owner, kind=kind, priority=priority, opened_at=at - 400_000, alarms=[])  # fmt: skip
        centre.world["incidents"][id] = {**one, "who": {**one["who"], "name": who}}


@pytest.mark.parametrize(
    ("language", "theme", "width", "height"),
    [("ko", "dark", 1920, 1080), ("en", "light", 1280, 800), ("en", "dark", 2560, 1440)],
)
def test_nine_pictures_by_a_token_of_this_window_accessible_and_not_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    two(scene, centre)
    w = on_air(opened, centre, language=language, theme=theme, width=width, height=height)
    assert ["hello", "t-wall"] in w.page.evaluate("window.player.said")
    assert w.page.locator(".ww-tab").count() == 2, "what a colleague leads is not here"
    assert "서모의" not in w.page.evaluate("document.body.innerText")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    look(w, f"wall-window-{language}-{theme}-{width}")


def test_tabs_tiles_and_asking_by_keyboard(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    two(scene, centre)
    w = on_air(opened, centre)
    keys = w.page.keyboard
    keys.press("9")
    w.until("document.activeElement.matches('sn-tile:nth-of-type(9)')")
    keys.press("9")
    w.until("document.querySelector('sn-wall').className === 'wall single of-9'")
    keys.press("Escape")
    w.until("document.querySelector('sn-wall').className === 'wall nine'")
    w.page.locator(".ww-tab[aria-selected=true]").focus()
    keys.press("ArrowRight")
    w.until("document.activeElement.matches('.ww-tab[data-incident=i2][aria-selected=true]')")
    w.until("document.querySelectorAll('sn-tile.proposed').length >= 4")
    assert w.page.evaluate("[...window.player.tiles.keys()].length") == 0, "what is not shown is not fetched"
    look(w, "wall-window-proposed")
    keys.press("v")
    assert w.heard("video")["incident"] == "i2"


def test_what_is_handed_over_leaves_the_wall_at_once(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    nine(scene, centre)
    w = on_air(opened, centre)
    centre.update("i1", owner="op2", owner_name="강연습")
    w.says("맡은 사건이 없습니다")
    assert w.page.evaluate("window.player.tiles.size") == 0
    assert grave(w) == []
    look(w, "wall-window-none")


def test_it_opens_from_the_desk_and_follows_what_is_in_hand_there(centre: Any, scene: Any, opened: Any) -> None:
    two(scene, centre)
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p1')")
    w.page.locator("sn-alarm.p1", has_text="박예시").click()
    w.until("document.querySelector('#wall-window')")
    with w.context.expect_page() as popup:
        w.page.locator("#wall-window").click()
    second = popup.value
    second.wait_for_selector(".ww-tab[data-incident=i1][aria-selected=true]")
    assert second.url.endswith("/wall")
    w.page.evaluate("new BroadcastChannel('safetynet.wall').postMessage({ incident: 'i2' })")
    second.wait_for_selector(".ww-tab[data-incident=i2][aria-selected=true]")
    w.page.evaluate("new BroadcastChannel('safetynet.wall').postMessage({ incident: 'i3' })")
    second.wait_for_timeout(300)
    assert second.locator(".ww-tab[data-incident=i2][aria-selected=true]").count() == 1, "only what one leads"
    w.until("localStorage.getItem('safetynet.wall.place') !== null")
    assert len(json.loads(w.page.evaluate("localStorage.getItem('safetynet.wall.place')"))) == 4
