"""The smart city centre's page: a request answered by keyboard, what people saw, the record, in both languages."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

CLIPPED = """() => [...document.querySelectorAll('body *')].filter((each) => {
  if (each.closest('.vh, .map, .mapbox, dialog:not([open]), svg') || !each.getClientRects().length) return false;
  const style = getComputedStyle(each);
  return style.overflowX !== 'visible' && style.overflowX !== 'auto' && each.scrollWidth > each.clientWidth + 1 && !each.matches('.t-pic, .t-cv');
}).map((each) => `${each.tagName}.${each.className}: ${each.innerText.slice(0, 60)}`)"""
LIVE = "document.querySelectorAll('sn-tile.live').length"


def grave(w: Any) -> list[str]:
    found = Axe().run(w.page).response["violations"]
    return [f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}" for v in found if v["impact"] in {"serious", "critical"}]  # fmt: skip


class City:
    """A city as its socket tells it: one request, and what becomes of it."""

    def __init__(self, scene: Any, centre: Any, *, role: str = "city_head") -> None:
        self.scene, self.centre = scene, centre
        at = scene.now_ms()
        me = {"person": "c1", "name": "심시험", "role": role, "seat": "1", "centre": "garam", "centre_name": "가람시"}
        link = {"id": "control", "name": "관제센터", "role": "control", "up": True, "since": at - 9000, "delay_ms": 4, "streams": 0}  # fmt: skip
        today = {"cameras": 619, "granted": 2, "granted_cameras": 11, "refused": 1, "refusals": {"others_shown": 1}, "stopped": 0, "unreviewed": 1, "answer_ms_median": 5000, "answer_ms_max": 14000, "streams_given": 4, "streams_own": 0, "ledger_size": 1882}  # fmt: skip
        rules = {b: {"basis": b, "approval": "auto", "kinds": kinds} for b, kinds in (("EM-16-3-2/14-1", ["strap_cut", "body_tamper"]), ("EM-16-3-2/9-2-1-2", ["exclusion_zone"]))}  # fmt: skip
        rows = {"r0": self.row("r0", "ended", at - 900_000, ended_at=at - 300_000, why="incident_closed", unreviewed=True), "r9": self.row("r9", "refused", at - 1_900_000, why="others_shown", by_name="엄시험", cameras=[], until=None, conditions=[])}  # fmt: skip
        centre.begin({**scene.calm_world(), "me": {"me": me}, "links": {"control": link}, "alarms": {}, "units": {}, "seats": {}, "calm": {}, "requests": {}, "provisions": rows, "approval": rules, "today": {"today": today}})  # fmt: skip

    def row(self, id: str, state: str, at: int, **more: Any) -> dict[str, Any]:
        return {
            "request": id, "incident": f"I-{id}", "grant": "g0", "receiver_name": "위치추적관제센터", "state": state, "at": at,
            "basis": "EM-16-3-2/14-1", "kind": "strap_cut", "cameras": ["가람-별빛-001", "가람-별빛-002"], "at_once": 1, "conditions": ["no_recording", "no_audio"],
            "until": at + 1_800_000, "by_name": None, "ended_at": None, "ended_by_name": None, "why": None, "watched": False,
            "unreviewed": False, "reviewed_by_name": None, "answered_ms": None, **more,
        }  # fmt: skip

    def ask(self, state: str = "waiting") -> None:
        scene, at = self.scene, self.scene.now_ms()
        granted = state == "granted"
        cards = [scene.camera(n, grant="g1/own" if granted else None, state="granted" if granted else "proposed") for n in range(1, 6)]  # fmt: skip
        law = {"basis": "EM-16-3-2/14-1", "article_ko": "전자장치부착법 제16조의3 제2항", "article_en": "EM Act Art. 16-3(2)", "why": None}  # fmt: skip
        request = {
            "request": "r1", "incident": "i1", "sender": "control", "sender_name": "위치추적관제센터", "kind": "strap_cut", "priority": 1,
            "state": state, "since": at - 9000, "answer_by": None if granted else at + 51_000, "until": at + 1_700_000, "radius_m": 300,
            "cameras": [{"camera": c["camera"], "name": c["name"], "purpose": c["purpose"]} for c in cards], "count": 5,
            "grant": "g1" if granted else None, "by_name": "심시험" if granted else None, "unreviewed": False, "after_no": False, "law": law, "viewers": 0,
        }  # fmt: skip
        grant = {"grant": "g1/own", "city": "garam", "city_name": "가람시", "granted_at": at - 1000, "until": at + 1_700_000, "conditions": ["no_recording"], "state": "granted", "why": None}  # fmt: skip
        seen = [{"camera": "garam-001", "name": "가람-별빛-001", "lat": scene.LAT, "lon": scene.LON, "at": at - 4000, "sight": "seen", "heading": "e", "travel": "on_foot", "who": "심시험"}]  # fmt: skip
        incident = {
            **scene.incident("i1"), "state": "claimed", "who": {"name": ""}, "law": law, "sightings": seen if granted else [],
            "video": {"state": "granted" if granted else "requested", "requests": [], "grants": [grant] if granted else [], "cameras": cards},
        }  # fmt: skip
        self.centre.put(requests={"r1": request}, incidents={"i1": incident})


@pytest.mark.parametrize(("language", "theme", "width"), [("ko", "dark", 1920), ("en", "light", 1600)])
def test_a_request_is_answered_and_followed_by_keyboard(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int) -> None:  # fmt: skip
    city = City(scene, centre)
    w = opened(width=width, height=1080 if width == 1920 else 900, language=language, theme=theme)
    w.go("/city")
    w.until("document.querySelector('sn-answers [data-basis]')")
    assert grave(w) == []
    city.ask()
    w.until("document.querySelector('.req.waiting.chosen')")
    assert w.page.evaluate("document.querySelectorAll('sn-tile.proposed').length") == 5, (
        "nothing is seen before a grant"
    )
    w.page.locator(".picks input").first.press("Space")
    assert grave(w) == []
    look(w, f"city-waiting-{language}")
    w.page.keyboard.press("g")
    assert w.heard("approve")["without"] == ["garam-001"]
    assert w.heard("watch")["incident"] == "i1", "who says yes looks"
    city.ask("granted")
    centre.admit("g1/own", "t1")
    w.until(f"{LIVE} === 5")
    w.page.keyboard.press("2")
    w.page.keyboard.press("r")
    w.page.keyboard.press("e")
    w.until("document.querySelector('.armed')")
    w.page.keyboard.press("ArrowLeft")
    mark = w.heard("mark")
    assert {name: mark[name] for name in ("grant", "camera", "sight", "heading", "travel")} == {
        "grant": "g1", "camera": w.page.evaluate("document.querySelectorAll('sn-tile')[1].tile.camera.camera"), "sight": "seen",
        "heading": "w", "travel": "car",
    }  # fmt: skip
    w.page.locator("sn-tile").nth(2).focus()  # the one that can turn
    w.page.locator("[data-turn=left]").click()
    turn = w.heard("turn")
    assert (turn["grant"], turn["camera"], turn["turn"]) == ("g1", "garam-003", "left")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert "{" not in w.page.evaluate("document.body.innerText")
    w.until("document.querySelector('sn-map')?.ground?.loaded()")
    look(w, f"city-live-{language}")
    w.page.keyboard.press("l")
    w.until("document.querySelector('sn-provisions tr.refused')")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    w.page.locator("sn-provisions summary").first.click()
    w.until("document.querySelector('sn-provisions details[open]')?.innerText.includes('가람-별빛-002')")
    look(w, f"city-record-{language}")
    with w.page.expect_download() as saved:
        w.page.locator("[data-csv]").click()
    lines = Path(saved.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + w.page.locator("sn-provisions tbody tr").count()
    assert "가람-별빛-001; 가람-별빛-002" in "".join(lines)
    w.page.keyboard.press("Escape")
    w.page.keyboard.press("x")
    w.until("document.querySelector('dialog[open]')")
    assert grave(w) == []
    assert w.page.evaluate("document.activeElement.hasAttribute('data-back')"), "Enter is not on the stop"
    w.page.keyboard.press("4")
    stop = w.heard("stop")
    assert (stop["grant"], stop["why"]) == ("g1", "needed_elsewhere")


def test_no_without_a_reason_and_no_letter_in_the_dialogue(centre: Any, scene: Any, opened: Any) -> None:
    city = City(scene, centre)
    w = opened()
    w.go("/city")
    city.ask()
    w.until("document.querySelector('.req.waiting.chosen')")
    w.page.keyboard.press("x")
    w.until("document.querySelector('dialog[open]')")
    w.page.keyboard.press("g")
    w.page.keyboard.press("Escape")
    w.until("!document.querySelector('dialog')")
    assert centre.acts() == []
    w.page.keyboard.press("x")
    w.until("document.querySelector('dialog[open]')")
    w.page.keyboard.press("2")
    assert w.heard("refuse")["why"] == "others_shown"


def test_only_the_head_changes_who_answers(centre: Any, scene: Any, opened: Any) -> None:
    City(scene, centre, role="city_operator")
    w = opened()
    w.go("/city")
    w.until("document.querySelector('sn-answers .rule')")
    assert w.page.evaluate("document.querySelectorAll('[data-basis]').length") == 0
    City(scene, centre)
    w = opened()
    w.go("/city")
    w.until("document.querySelector('sn-answers [data-basis]')")
    w.page.locator("[data-basis='EM-16-3-2/9-2-1-2']").click()
    said = w.heard("set_approval")
    assert (said["basis"], said["approval"]) == ("EM-16-3-2/9-2-1-2", "person")


def test_what_a_city_saw_stands_on_the_operators_map_and_a_person_is_waited_for(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    at = scene.now_ms()
    seen = [{"camera": "garam-001", "name": "가람-별빛-001", "lat": scene.LAT, "lon": scene.LON + 0.0004, "at": at - 4000, "sight": "seen", "heading": "e", "travel": "on_foot", "who": "가람시"}]  # fmt: skip
    video = scene.granted()
    waits = {"request": "r2", "city": "narae", "city_name": "나래시", "state": "requested", "why": None, "asked_at": at - 5000, "answer_by": at + 55_000}  # fmt: skip
    cards = [*video["cameras"][:3], scene.camera(4, city="narae", city_name="나래시")]
    centre.world["incidents"] = {"i1": scene.incident("i1", state="claimed", owner="op1", owner_name="이관제", sightings=seen, video={**video, "state": "partly", "requests": [*video["requests"], waits], "cameras": cards})}  # fmt: skip
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked")}
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p1')")
    w.page.locator("sn-alarm.p1").click()
    w.says("나래시 담당자의 승인을 기다립니다")
    w.until("document.querySelector('.mk-sight')")
    assert "여기서 봄 · 동쪽으로" in w.page.evaluate("document.querySelector('.mk-sight').innerText")
    look(w, "operator-sighting")
    w.page.keyboard.press("e")
    w.page.keyboard.press("ArrowUp")
    mark = w.heard("mark")
    assert (mark["incident"], mark["city"], mark["sight"], mark["heading"]) == ("i1", "garam", "seen", "n")
