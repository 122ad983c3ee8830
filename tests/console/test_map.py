"""What stands on the map: one mark for each pole, every alarm that waits, and nothing red of what is over."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_lenses_of_one_pole_share_one_mark(centre: Any, scene: Any, opened: Any) -> None:
    video = scene.granted()
    first = video["cameras"][0]
    for each in video["cameras"][1:3]:
        each |= {"lat": first["lat"] + 1e-6, "lon": first["lon"]}
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked")}
    centre.world["incidents"] = {"i1": scene.incident(state="claimed", owner="op1", owner_name="이관제", video=video)}
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm')")
    w.page.locator("sn-alarm").click()
    w.until("document.querySelectorAll('.m-badge').length === 2")
    assert sorted(w.page.locator(".m-badge").all_inner_texts()) == ["1·2·3", "4"]


def test_an_alarm_that_waits_is_on_the_map_and_opens_from_there(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1"), "a2": scene.alarm("a2", None, wearer="w2", priority=3, kind="exclusion_zone", place=scene.place(0.003, 0.003))}  # fmt: skip
    centre.world["incidents"] = {"i1": scene.incident()}
    w = opened()
    w.go("/operator")
    w.until("document.querySelectorAll('.mk-other').length === 2")
    assert w.page.locator(".mk-other [data-alarm=a1] .m-square").inner_text() == "1"
    look(w, "waiting-on-the-map")
    w.page.locator(".mk-other [data-alarm=a1] .m-square").click()
    assert w.heard("claim")["incident"] == "i1"
    # Opened, it is the wearer of this page; the other one still waits.
    w.until("document.querySelector('.mk-wearer') && document.querySelectorAll('.mk-other').length === 1")
    assert w.page.locator(".mk-other [data-alarm=a2]").count() == 1


def test_what_is_over_looks_over(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked")}
    centre.world["incidents"] = {"i1": scene.incident(state="claimed", owner="op1", owner_name="이관제", video=scene.granted(), steps=scene.steps(ack="done", video="done", police="late"))}  # fmt: skip
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm')")
    w.page.locator("sn-alarm").click()
    w.until("document.querySelector('.m-wearer.p1') && document.querySelectorAll('sn-tile').length === 4")
    w.page.keyboard.press("x")
    w.until("document.querySelector('dialog[open]')")
    w.page.keyboard.press("1")
    w.until("document.querySelectorAll('sn-tile.ended').length === 4 && document.querySelector('.m-wearer.over')")
    assert w.page.locator(".m-wearer.p1, .m-ring, .m-badge, .steps .late, .law .l-left").count() == 0
    assert [each.strip() for each in w.page.locator(".t-why").all_inner_texts()] == [""] * 4
    w.says("실제 위반 · 검거")
    look(w, "over")
    w.page.locator("[data-act=back]").click()
    w.until("document.querySelectorAll('sn-tile').length === 0")


def test_a_way_that_is_not_known_is_not_drawn_as_one(centre: Any, opened: Any) -> None:
    w = opened()
    w.go("/operator")
    said = w.page.evaluate("""async () => {
      const { legs } = await import('/console/map-shapes.js');
      const near = [[36.35, 127.38, 0, 9], [36.3505, 127.38, 10000, 9], [36.351, 127.38, 20000, 9]];
      const jump = [36.36, 127.38, 30000, 9], silent = [36.3602, 127.38, 400000, 9];
      return legs([...near, jump, [36.3601, 127.38, 40000, 9], silent]).map(({ gap, line }) => [gap, line.length]);
    }""")
    assert said == [[False, 3], [True, 2], [False, 2], [True, 2]]
    assert w.page.evaluate("async () => (await import('/console/map-shapes.js')).legs([]).length") == 0
