"""The desk in depth: nine pictures, keys of one's own, loudness, colleagues, a line that comes back, a machine that slept."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, CROSSED, grave
from test_story import alarmed

pytestmark = pytest.mark.browser

NINE = "document.querySelectorAll('sn-tile.live').length === 9"


def nine(scene: Any, centre: Any) -> None:
    video = scene.granted()
    video["cameras"] = [scene.camera(n, grant="g1", state="granted") for n in range(1, 11)]
    alarmed(scene, centre, state="claimed", owner="op1", owner_name="이관제", video=video, steps=scene.steps(ack="done", video="done", police="now"))  # fmt: skip
    centre.world["alarms"]["a1"]["state"] = "acked"


@pytest.mark.parametrize(("language", "theme", "width", "height"), [("ko", "dark", 1920, 1080), ("en", "light", 2560, 1440), ("en", "dark", 1366, 768)])  # fmt: skip
def test_nine_pictures_are_live_accessible_and_nothing_is_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    nine(scene, centre)
    w = opened(language=language, theme=theme, width=width, height=height)
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p1')")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelectorAll('sn-tile').length === 4")
    centre.admit("g1", "t1")
    w.page.keyboard.press("f")
    w.until(NINE)
    assert len({each[3] for each in w.page.evaluate("window.player.said") if each[0] == "open"}) == 9
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    assert grave(w) == []
    w.until("document.querySelector('sn-map')?.ground?.loaded()")
    look(w, f"nine-{language}-{theme}-{width}")
    w.page.keyboard.press("9")
    w.until("document.activeElement.matches('sn-tile:nth-of-type(9)')")
    w.page.keyboard.press("9")
    w.until("document.querySelector('sn-wall').className === 'wall single of-9'")
    assert len([each for each in w.page.evaluate("window.player.said") if each[0] == "mode" and each[2] == "paused"]) == 8  # fmt: skip
    w.page.keyboard.press("f")  # back to one and three: what is not seen is not fetched
    w.until("document.querySelectorAll('sn-tile').length === 4")
    assert len([each for each in w.page.evaluate("window.player.said") if each[0] == "close"]) == 5


def test_keys_are_moved_kept_and_the_whole_story_goes_with_them(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.locator("#settings").click()
    w.until("document.querySelector('sn-settings dialog[open]')")
    assert grave(w) == []
    look(w, "settings")
    keys = w.page.keyboard

    def move(name: str, key: str) -> str:
        w.page.locator(f"[data-move={name}]").focus()
        keys.press("Enter")
        keys.press(key)
        return str(w.page.locator(".set-note").inner_text())

    assert "이미 쓰는 키입니다" in move("video", "a")
    keys.press("Escape")
    assert "쓸 수 없는 키입니다" in move("video", "t")  # Alt+T is the map as text
    keys.press("Escape")
    assert w.page.locator("dialog[open]").count() == 1, "Escape ended the question, not the dialogue"
    for name, key in (("video", "g"), ("ack", "y"), ("office", "b"), ("police", "i"), ("call", "u"), ("close", "q")):
        assert "이제" in move(name, key)
    keys.press("Escape")
    w.page.reload()
    w.says("박예시")
    w.until("document.activeElement.matches('sn-alarm[aria-selected=true]')")
    keys.press("Enter")
    w.until("document.querySelectorAll('sn-tile.proposed').length === 4")
    assert "G 영상 열기" in w.page.locator("sn-tile").first.inner_text()
    for old in "avdpcx":
        keys.press(old)
    w.page.wait_for_timeout(300)
    assert centre.acts() == ["claim"], "the old keys do nothing"
    through(w, "y", "g", "i", "b", "u", "q")


def test_the_whole_story_with_letters_switched_off(centre: Any, scene: Any, opened: Any) -> None:
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.says("박예시")
    w.page.keyboard.press("Shift+Slash")
    w.page.locator("dialog input").uncheck()
    w.page.keyboard.press("Escape")
    w.until("document.activeElement.matches('sn-alarm[aria-selected=true]')")
    for letter in "jkasvdpcxfmh012":
        w.page.keyboard.press(letter)
    w.page.wait_for_timeout(300)
    assert centre.acts() == []
    w.page.keyboard.press("Enter")
    w.until("document.querySelector('.btn.main kbd')?.textContent === 'Alt+A'")
    through(w, "Alt+a", "Alt+v", "Alt+p", "Alt+d", "Alt+c", "Alt+x")


def through(w: Any, ack: str, video: str, police: str, office: str, call: str, close: str) -> None:
    keys = w.page.keyboard
    keys.press(ack)
    assert w.heard("ack")["alarm"] == "a1"
    keys.press(video)
    w.heard("video")
    w.until("document.querySelectorAll('sn-tile.live').length === 4")
    keys.press(police)
    w.heard("police")
    keys.press(office)
    w.says("누구를 보낼까요")
    keys.press(office)
    w.heard("office")
    keys.press(call)
    w.until("document.activeElement.matches('sn-choice ol')")
    keys.press("2")
    assert w.heard("call")["outcome"] == "no_answer"
    keys.press(close)
    w.until("document.querySelector('dialog[open]') && document.activeElement.matches('[data-back]')")
    keys.press("4")
    assert w.heard("close")["code"] == "drift"
    w.until("document.querySelectorAll('sn-tile.ended').length === 4")


def test_loudness_is_the_seats_and_an_emergency_never_nothing(centre: Any, scene: Any, opened: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    w.page.locator("#settings").click()
    for name in ("1", "2"):
        w.page.locator(f"#level-{name}").focus()
        w.page.keyboard.press("Home")
    w.page.keyboard.press("Escape")
    w.page.locator("#sound").click()  # and low on top of it
    gains = w.page.evaluate("['1', '2', '3', 'old'].map((name) => window.safetynet.sound.gain(name))")
    assert gains[0] == pytest.approx(0.1)
    assert gains[1] == 0
    assert min(gains[2], gains[3]) >= 0.1
    w.page.evaluate("localStorage.setItem('safetynet.levels.1', JSON.stringify({ 1: 0, old: -5 }))")
    w.page.reload()
    w.says("처리할 경보가 없습니다")
    assert w.page.evaluate("window.safetynet.sound.gain('1')") >= 0.1, "nor by what somebody wrote into the store"
    centre.put(seats={"op1": {**centre.world["seats"]["op1"], "seat": "2"}}, me={"me": {**scene.ME, "seat": "2"}})
    w.until("window.safetynet.sound.levels['1'] === 100")


def test_unread_and_escalation_are_shown_said_and_heard(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.until("document.querySelectorAll('sn-alarm.unread').length === 2")
    w.until("document.title.startsWith('(2) ')")
    w.until("window.safetynet.sound.played['1'] >= 1")
    w.page.keyboard.press("s")
    w.says("소리 껐음")
    before = w.page.evaluate("window.safetynet.sound.played['1']")
    centre.put(alarms={"a1": {**centre.world["alarms"]["a1"], "level": 1}})
    w.until(f"window.safetynet.sound.played['1'] > {before}")
    w.until("document.getElementById('loud').textContent.startsWith('1차 확대')")
    assert w.page.locator("sn-alarm.p1 .a-level").inner_text() == "1차 확대"
    look(w, "unread")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelectorAll('sn-alarm.unread').length === 1")
    w.until("window.safetynet.state.all.incidents.i1.state === 'claimed'")
    w.page.wait_for_timeout(200)  # what the claim changed has been drawn, and so read
    w.page.reload()
    w.until("document.querySelectorAll('sn-alarm').length === 2 && document.querySelectorAll('sn-alarm.unread').length === 1")  # fmt: skip
    w.page.locator("sn-alarm.p2").click()
    w.until("document.querySelectorAll('sn-alarm.unread').length === 0")
    centre.put(alarms={"a2": {**centre.world["alarms"]["a2"], "count": 2}})
    w.until("document.querySelectorAll('sn-alarm.unread').length === 1")  # it rang again


def test_two_operators_do_not_step_on_each_other(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    alarmed(scene, centre)
    w = opened()
    w.go("/operator")
    w.says("박예시")
    # Both press Enter; the colleague was faster.
    centre.no = {"claim": "not_allowed_now"}
    centre.world["incidents"]["i1"] |= {"state": "claimed", "owner": "op2", "owner_name": "강연습"}
    w.page.keyboard.press("Enter")
    w.heard("claim")
    centre.update()
    w.says("강연습 님이 처리 중입니다")
    assert w.page.locator("sn-alarm.theirs").count() == 1
    # Enter twice does not take it away: the question is answered by its number.
    w.page.keyboard.press("Escape")
    w.page.keyboard.press("Enter")
    w.says("강연습 님의 사건을 넘겨받습니까?")
    w.page.keyboard.press("Enter")
    w.page.keyboard.press("Enter")
    w.page.wait_for_timeout(200)
    assert "take_over" not in centre.acts()
    look(w, "colleague")
    # While it was asked, a third person took it: the stale answer is refused in words.
    centre.no = {"take_over": "stale"}
    w.page.keyboard.press("1")
    assert w.heard("take_over")["held_by"] == "op2"
    w.says("그 사이 강연습 님이 맡았습니다")
    # It becomes mine; then it is taken from me, and I am told.
    centre.no = {}
    centre.update(owner="op1", owner_name="이관제")
    w.until("!document.querySelector('#others')")
    centre.update(owner="op2", owner_name="강연습")
    w.says("강연습 님이 사건을 넘겨받았습니다")
    centre.no = {"police": "not_owner"}
    w.page.keyboard.press("p")
    w.says("112 통보 안 됨: 강연습 님이 맡은 사건입니다")


def test_two_windows_of_one_person_show_the_same_and_each_has_its_own_token(centre: Any, scene: Any, opened: Any) -> None:  # fmt: skip
    nine(scene, centre)
    windows = [opened(), opened()]
    for w in windows:
        w.go("/operator")
        w.until("document.querySelector('sn-alarm.p1')")
        w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelectorAll('sn-tile').length === 4")
    centre.admit("g1", "t1")
    for w in windows:
        w.until("document.querySelectorAll('sn-tile.live').length === 4")
    assert len(centre.heard) >= 2, "each window asks for itself"
    assert {each["act"] for each in centre.heard} == {"admit"}
    windows[0].page.keyboard.press("p")
    windows[0].heard("police")
    windows[1].says("112 상황실")


PICTURES = "document.querySelectorAll('sn-tile.live').length === 4"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_line_that_comes_back_says_so_and_brings_the_pictures_back(centre: Any, scene: Any, opened: Any, look: Any, restarted: bool) -> None:  # fmt: skip
    nine(scene, centre)
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p1')")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelectorAll('sn-tile').length === 4")
    centre.admit("g1", "t1")
    w.until(PICTURES)
    centre.away = True
    centre.drop()
    w.until("!window.safetynet.state.up")
    w.page.evaluate("window.player.tell('grant', { grant: 'g1', state: ARGS[0], why: ARGS[1] })".replace("ARGS", json.dumps(["ended", "signed_out"] if restarted else ["lost", "link_lost"])))  # fmt: skip
    w.until("document.querySelectorAll('sn-tile.waiting').length === 4")
    centre.heard.clear()
    centre.put(alarms={"a9": scene.alarm("a9", None, wearer="w9", who="새가상")})
    if restarted:
        centre.epoch += 1
    w.until("document.querySelector('.wd')")
    centre.away = False
    w.says("화면을 다시 불러왔습니다 · 빠진 것 없음" if restarted else "빠진 것 없음")
    w.says("새가상")
    assert w.heard("admit")["grant"] == "g1"  # asked at once, not after a pause
    centre.admit("g1", "t2")
    w.until(PICTURES)
    assert w.page.evaluate("window.safetynet.state.have.seq") == centre.seq
    look(w, f"back-{'reloaded' if restarted else 'resumed'}")
    w.until("!document.querySelector('#back')")


def test_a_machine_that_slept_says_so_and_takes_the_line_anew(centre: Any, opened: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    hellos = len(centre.hellos)
    # The wall clock went on, nothing else did: what a lid that was closed looks like. The old line is half dead.
    centre.mute = True
    w.page.evaluate("(() => { const real = Date.now.bind(Date); Date.now = () => real() + 3600000; })()")
    w.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    centre.mute = False
    w.says("빠진 것 없음")
    w.until("window.safetynet.state.up && window.safetynet.state.silence_ms() < 3000")
    assert len(centre.hellos) > hellos, "the half-dead line was not waited for"
    assert all(each["epoch"] == centre.epoch for each in centre.hellos[hellos:]), "it resumed where it was"
