"""The line to the centre breaks: what is on the screen says its age, nothing is lost, nothing is sent into the void."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_broken_line_says_how_old_the_data_is(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    centre.world["alarms"] = {"a1": scene.alarm("a1", None)}
    w = opened()
    w.go("/operator")
    w.says("박예시")
    centre.away = True
    centre.drop()
    w.until("document.querySelector('.wd [id=old-for]')")
    w.until("window.safetynet.sound.played.old >= 1")
    age = "Number(/이 화면의 자료는 (\\d+)초 전 것입니다/.exec(document.body.innerText)?.[1] ?? 0)"
    first = w.until(age)
    assert first >= 3
    w.until(f"{age} > {first}")  # the age runs on
    w.page.keyboard.press("a")
    w.says("경보 확인 안 됨: 연결이 없습니다")
    look(w, "disconnected")
    assert centre.acts() == []


def test_a_silent_line_is_dropped_and_taken_up_again(centre: Any, opened: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    centre.mute = True
    w.until("document.querySelector('.wd')")
    centre.mute = False
    w.until("!document.querySelector('.wd')")


def test_it_resumes_by_sequence_without_loss(centre: Any, scene: Any, opened: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    centre.put(alarms={"a1": scene.alarm("a1", None)})
    w.says("박예시")
    seq = centre.seq
    centre.away = True
    centre.drop()
    w.until("!window.safetynet.state.up")
    for n in range(2, 6):
        centre.put(alarms={f"a{n}": scene.alarm(f"a{n}", None, wearer=f"w{n}", who=f"가상{n}")})
    centre.away = False
    w.until("window.safetynet.state.up")
    w.until("document.querySelectorAll('sn-alarm').length === 5")
    first, *again = centre.hellos  # more than one, if the machine was too slow for the first to be taken
    assert first is None
    assert again
    assert all(each["epoch"] == centre.epoch and each["seq"] >= seq for each in again)


def test_a_gap_in_the_sequence_asks_for_everything(centre: Any, scene: Any, opened: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    centre.world["alarms"] = {"a1": scene.alarm("a1", None)}
    centre.seq += 1  # a delta that this window never got
    centre.put(alarms={"a2": scene.alarm("a2", None, wearer="w2", who="최모의")})
    w.until("document.querySelectorAll('sn-alarm').length === 2")
    assert centre.hellos == [None, None]


def test_signed_out_leads_to_the_sign_in(centre: Any, opened: Any) -> None:
    centre.signed_in = False
    w = opened()
    w.go("/operator")
    w.until("location.pathname === '/'")
    w.until("document.querySelector('input[type=password]')")


def test_a_calm_map_is_not_painted_again(centre: Any, scene: Any, opened: Any) -> None:
    centre.world["incidents"] = {"i1": scene.incident(state="claimed", owner="op1")}
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked")}
    w = opened()
    w.go("/operator")
    w.page.locator("#tab-handling").click()
    w.page.locator("sn-alarm").click()
    w.until("document.querySelector('sn-map').incident && document.querySelector('sn-map').ground.loaded()")
    w.page.wait_for_timeout(2500)
    # The fix is 6 s old at the start and stale at 20 s: within these seconds nothing on the ground changes.
    before = w.page.evaluate("document.querySelector('sn-map').painted")
    w.page.wait_for_timeout(3000)
    assert w.page.evaluate("document.querySelector('sn-map').painted") - before <= 1
