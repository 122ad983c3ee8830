"""The officer's phone: one picture under his order, words that wait for a connection, a photograph, the end."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, grave

pytestmark = pytest.mark.browser
JPEG = """() => new Promise((done) => { const c = document.createElement('canvas'); c.width = 2400; c.height = 900;
  c.getContext('2d').fillRect(0, 0, 1200, 900);
  c.toBlob((b) => b.arrayBuffer().then((a) => done([...new Uint8Array(a)])), 'image/jpeg'); })"""
KEPT = """indexedDB.databases().then(async (all) => { if (!all.length) return 0;
  const base = await new Promise((done) => { const r = indexedDB.open('safetynet-field'); r.onsuccess = () => done(r.result); });
  const n = base.objectStoreNames.length ? await new Promise((done) => { const r = base.transaction('actions').objectStore('actions').count(); r.onsuccess = () => done(r.result); }) : 0;
  base.close(); return n; })"""


@pytest.fixture
def phone(centre: Any, scene: Any, opened: Any) -> Any:
    def make(language: str = "ko", theme: str = "dark", **more: Any) -> Any:
        at_me = {**scene.ME, "role": "officer", "name": "나출동"}
        own = scene.unit("u1", "신속수사팀 2", "rapid", 0.003, 0.0, eta_s=95)
        centre.world |= {"me": {"me": at_me}, "units": {"u1": own}, "orders": {"d1": scene.seen_order(**more)}}
        w = opened(width=390, height=844, language=language, theme=theme)
        w.go("/field")
        w.until("document.querySelectorAll('sn-sketch path').length > 0")
        return w

    return make


@pytest.mark.parametrize(("language", "theme"), [("ko", "dark"), ("en", "light")])
def test_one_picture_under_the_order_and_the_next_camera(centre: Any, scene: Any, phone: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    mark = {"action": "a", "mark": "seen", "at": scene.now_ms() - 10_000, "heard_at": 0, "by_name": "송예시", "unit_name": "신속수사팀 1", "spot": {"lat": 36.3505, "lon": 127.3803, "radius_m": 9}}  # fmt: skip
    w = phone(language, theme, sighting=mark, others=[{"unit_name": "신속수사팀 1", "state": "en_route"}])
    w.heard("admit")
    assert {k: v for k, v in centre.heard[0].items() if k in ("dispatch", "grant")} == {"dispatch": "d1", "grant": "g1"}
    centre.admit("g1", "t1")
    w.until("document.querySelector('sn-tile.live canvas')")
    assert ["mode", 1, "key"] in w.page.evaluate("player.said")
    assert w.page.locator("sn-tile").count() == 1
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert "{" not in w.page.evaluate("document.body.innerText")
    look(w, f"field-picture-{language}-{theme}")
    w.page.locator("[data-act=next]").click()
    w.until("player.tiles.size === 1 && [...player.tiles.values()][0].camera === 'garam-002'")
    centre.put(orders={"d1": scene.seen_order(grants=[], cameras=[])})
    w.until("!document.querySelector('sn-tile') && player.tiles.size === 0")


def test_what_is_pressed_without_a_connection_waits_and_is_sent_once(centre: Any, scene: Any, phone: Any, look: Any) -> None:  # fmt: skip
    w = phone()
    centre.away = True
    centre.drop()
    w.until("document.querySelector('.f-strip.off')")
    for mark in ("seen", "not_seen", "backup"):
        w.page.locator(f"[data-mark={mark}]").click()
    w.says("연결 없음 · 3건 보관 중")
    assert w.page.evaluate(KEPT) == 3
    assert w.page.locator("sn-sketch").count() == 1, "the map stays"
    look(w, "field-offline")
    pressed_before = scene.now_ms()
    centre.away = False
    w.until("!document.querySelector('.f-strip')")
    said = [each for each in centre.heard if each["act"] == "field"]
    assert [each["mark"] for each in said] == ["seen", "not_seen", "backup"], "in their order"
    assert len({each["action"] for each in said}) == 3
    assert all(each["acted_at"] <= pressed_before for each in said), "his own time of it"
    assert w.page.evaluate(KEPT) == 0


def test_an_answer_that_never_came_is_asked_for_again_under_the_same_name(centre: Any, phone: Any) -> None:
    w = phone()
    centre.no["field"] = "no_answer"
    w.page.locator("[data-mark=seen]").click()
    w.heard("field")
    del centre.no["field"]
    w.until("!document.querySelector('.f-strip')")
    said = [each["action"] for each in centre.heard if each["act"] == "field"]
    assert len(said) >= 2
    assert len(set(said)) == 1


def test_a_photograph_is_drawn_anew_and_small(centre: Any, phone: Any) -> None:
    w = phone()
    made = bytes(w.page.evaluate(JPEG))
    whole = made[:2] + b"\xff\xe1\x00\x12Exif\x00\x00secret-gps" + made[2:]
    w.page.locator("input[type=file]").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": whole})
    sent = w.heard("photo")
    assert sent["dispatch"] == "d1"
    assert b"secret" not in sent["bytes"]
    assert 500 < len(sent["bytes"]) < 300_000
    w.page.locator("input[type=file]").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no"})
    w.says("JPEG 사진이 아닙니다")


def test_who_cannot_go_says_why(centre: Any, scene: Any, phone: Any) -> None:
    w = phone(state="received", law=None, grants=[], cameras=[])
    assert w.page.locator("sn-tile, [data-mark]").count() == 0, "no picture and no word before accepting"
    w.page.locator("[data-act=unable]").click()
    w.says("왜 갈 수 없습니까?")
    assert grave(w) == []
    w.page.locator("[data-unable=vehicle]").click()
    said = w.heard("unit")
    assert (said["state"], said["unable"]) == ("declined", "vehicle")


def test_the_end_wipes_what_waits_too(centre: Any, scene: Any, phone: Any) -> None:
    w = phone()
    centre.admit("g1", "t1")
    w.until("document.querySelector('sn-tile.live')")
    centre.no["field"] = "no_answer"
    w.page.locator("[data-mark=seen]").click()
    w.heard("field")
    assert w.page.evaluate(KEPT) == 1
    centre.put(orders={"d1": scene.seen_order(state="released")})
    w.says("사건이 끝났습니다")
    w.until("window.player.said.at(-1)[0] === 'end'")
    assert w.page.locator("sn-tile, sn-sketch, canvas, img").count() == 0
    assert w.page.evaluate(KEPT) == 0
    assert "부착장치" not in w.page.evaluate("document.body.innerText")


CACHED = """(async () => { const all = []; for (const name of await caches.keys()) { const cache = await caches.open(name);
  for (const request of await cache.keys()) all.push([new URL(request.url).pathname, await (await cache.match(request)).text()]); }
  return all; })()"""
LINE_IS_DOWN = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")


def offline(w: Any) -> None:
    w.context.set_offline(True)
    w.page.reload()


def online(w: Any) -> None:
    """What the browser said of a network that we took away is no fault of the page."""
    w.context.set_offline(False)
    w.faults[:] = [each for each in w.faults if not any(word in each for word in LINE_IS_DOWN)]


@pytest.mark.parametrize(("language", "theme"), [("ko", "dark"), ("en", "light")])
def test_the_page_opens_without_a_network_and_says_what_it_still_holds(centre: Any, phone: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    w = phone(language, theme)
    w.until(f"{CACHED}.then((all) => all.some(([path]) => path === '/field'))")
    w.until(f"{CACHED}.then((all) => all.some(([path]) => path === '/console/vendor/lit/index.js'))")
    centre.no["field"] = "no_answer"
    w.page.locator("[data-mark=seen]").click()
    w.heard("field")
    offline(w)
    w.says("관제센터에 닿지 않습니다" if language == "ko" else "The control centre is out of reach")
    w.says("1건 보관 중" if language == "ko" else "1 kept")
    w.says("보임" if language == "ko" else "Seen")
    assert w.page.locator("sn-tile, sn-sketch").count() == 0
    assert w.page.evaluate(CLIPPED) == []
    assert grave(w) == []
    look(w, f"field-unreached-{language}-{theme}")
    kept = w.page.evaluate(CACHED)
    assert all(path == "/field" or path.startswith("/console/") for path, _ in kept)
    assert not [path for path, text in kept if ("d1" in text and "가온보호관찰소" in text) or "36.35" in text]
    del centre.no["field"]
    online(w)
    w.until("document.querySelector('sn-sketch') && !document.querySelector('.f-strip')", 15)
    said = [each for each in centre.heard if each["act"] == "field"]
    assert len({each["action"] for each in said}) == 1
    assert len({each["acted_at"] for each in said}) == 1, "his own time of it, also over a page that was closed"
    online(w)


def test_whatever_a_page_asks_for_only_its_own_files_are_kept(phone: Any) -> None:
    w = phone()
    w.until(f"{CACHED}.then((all) => all.some(([path]) => path === '/field'))")
    asked = ["/operator", "/console/vendor/lit/index.js?order=d1", "/photo/i1/p1", "/console/field.js"]
    w.page.evaluate("""(keep) => new Promise((done) => navigator.serviceWorker.ready.then(({ active }) => {
      const { port1, port2 } = new MessageChannel(); port1.onmessage = done; active.postMessage({ keep }, [port2]); }))""", asked)  # fmt: skip
    kept = {path for path, _ in w.page.evaluate(CACHED)}
    assert "/console/field.js" in kept
    assert not kept & {"/operator", "/photo/i1/p1"}
    assert w.page.evaluate(
        "caches.open('safetynet-field').then((c) => c.keys()).then((all) => all.every((r) => !new URL(r.url).search))"
    )


def test_what_keeps_the_page_goes_with_the_order(centre: Any, scene: Any, phone: Any) -> None:
    w = phone()
    w.until(f"{CACHED}.then((all) => all.length > 10)")
    centre.put(orders={"d1": scene.seen_order(state="released")})
    w.says("사건이 끝났습니다")
    w.until("caches.keys().then((all) => all.length === 0)")


def test_what_waits_too_long_without_a_network_goes_by_itself(centre: Any, phone: Any) -> None:
    """Nobody can say to a telephone that was off that the incident is over."""
    w = phone()
    w.until(f"{CACHED}.then((all) => all.some(([path]) => path === '/field'))")
    centre.no["field"] = "no_answer"
    w.page.locator("[data-mark=seen]").click()
    w.heard("field")
    w.page.add_init_script("const real = Date.now.bind(Date); Date.now = () => real() + 31 * 60_000;")
    offline(w)
    w.says("보내지 못하고 남은 것은 없습니다")
    w.until(f"{KEPT}.then((n) => n === 0)")
    online(w)


def test_a_locked_telephone_says_that_there_is_an_order_and_nothing_of_it(centre: Any, scene: Any, opened: Any) -> None:
    w = opened(width=390, height=844)
    w.context.grant_permissions(["notifications"])
    w.page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => true});")
    centre.world |= {"me": {"me": {**scene.ME, "role": "officer"}}, "units": {}, "orders": {}}
    w.go("/field")
    w.says("받은 출동 명령이 없습니다")
    centre.put(orders={"d1": scene.seen_order(state="received", law=None, grants=[], cameras=[])})
    told = "navigator.serviceWorker.getRegistration('/field').then((r) => r?.getNotifications()).then((all) => all?.map((n) => [n.title, n.body, n.data]))"  # fmt: skip
    w.until(f"{told}.then((all) => all?.length === 1)")
    assert w.page.evaluate(told) == [["스마트도시 안전망", "출동 명령 1건", None]]
    centre.put(orders={"d1": scene.seen_order(state="released")})
    w.until(f"{told}.then((all) => all.length === 0)")


def test_who_leads_can_be_called_at_the_number_of_the_seat(phone: Any) -> None:
    w = phone(lead_phone="02-0000-0003")
    call = w.page.locator("a.f-call")
    assert call.get_attribute("href") == "tel:02-0000-0003"
    assert call.get_attribute("aria-label") == "이관제 자리에 전화"
    box = call.bounding_box()
    assert box["height"] >= 48, "a thumb finds it"


def test_a_call_for_backup_rings_at_the_desk_until_somebody_answers(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    at = scene.now_ms()
    spot = {"lat": scene.LAT + 0.0006, "lon": scene.LON, "radius_m": 9.0}
    mark = {"action": "a1", "mark": "seen", "at": at - 20_000, "heard_at": at, "by_name": "송예시", "unit_name": "신속수사팀 1", "spot": spot}  # fmt: skip
    call = {**mark, "action": "a2", "mark": "backup", "at": at, "spot": {**spot, "lon": scene.LON + 0.0008}}
    photo = {"photo": "p1", "at": at, "by_name": "송예시", "unit_name": "신속수사팀 1", "size_bytes": 9, "sha256": "", "spot": None}  # fmt: skip
    record = [{"at": at, "what": "field_marked", "by_name": "송예시", "with": {"unit_name": "신속수사팀 1", "mark": "seen", "acted_at": str(at - 20_000)}}]  # fmt: skip
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked", priority=2)}
    held = scene.incident(state="claimed", owner="op2", owner_name="강연습", record=record, marks=[mark], photos=[], backup=None)  # fmt: skip
    centre.world["incidents"] = {"i1": held}
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p2')")
    centre.picture = bytes(w.page.evaluate(JPEG))
    centre.update(
        marks=[mark, call], photos=[photo], priority=1, backup={**call, "answered_at": None, "answered_name": None}
    )
    w.until("document.querySelector('sn-alarm.p1')")
    w.until("safetynet.sound.priority === 1")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelector('.fs-photos img')?.naturalWidth === 2400")
    w.until("document.querySelectorAll('.m-field').length === 2")
    assert grave(w) == []
    look(w, "desk-backup")
    w.page.locator("[data-act=backup]").click()
    assert w.heard("backup")["incident"] == "i1"
    centre.update(backup={**call, "answered_at": at + 1, "answered_name": "이관제"})
    w.until("!document.querySelector('[data-act=backup]') && safetynet.sound.priority !== 1")


def test_the_newest_line_from_the_centre_stands_above_the_buttons(scene: Any, phone: Any, look: Any) -> None:
    at = scene.now_ms()
    lines = [{"at": at - 60_000, "by_name": "이관제", "text": "역 앞"}, {"at": at, "by_name": "이관제", "text": "검은 윗옷, 남쪽 골목으로 <b>뜀</b>"}]  # fmt: skip
    w = phone(told=lines)
    assert "검은 윗옷, 남쪽 골목으로 <b>뜀</b>" in w.page.locator(".f-told").inner_text()
    assert w.page.locator(".f-told b").count() == 1
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, "field-told")


def test_who_leads_writes_a_line_to_the_field_with_the_keyboard(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    sent = {"unit": "u1", "unit_name": "신속수사팀 1", "state": "en_route", "standing": None, "answer_by": None, "answered_at": None, "overdue": False}  # fmt: skip
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked")}
    centre.world["incidents"] = {"i1": scene.incident(state="claimed", owner="op1", dispatches=[sent], told=[])}
    w = opened()
    w.go("/operator")
    w.until("document.querySelector('sn-alarm')")
    w.page.locator("sn-alarm").click()
    w.until("document.querySelector('.fs-tell input')")
    w.page.locator(".fs-tell input").press_sequentially("cv 남쪽 골목")
    w.page.keyboard.press("Enter")
    said = w.heard("tell")
    assert (said["incident"], said["text"]) == ("i1", "cv 남쪽 골목")
    assert not {"call", "video"} & {each.get("act") for each in centre.heard}, "letters typed are letters, no keys"
    w.until("document.querySelector('.fs-tell input').value === ''")
    centre.update(told=[{"at": scene.now_ms(), "by_name": "이관제", "text": "cv 남쪽 골목"}])
    w.until(
        "document.querySelector('sn-sheet .sent')?.innerText.includes('남쪽 골목') || document.querySelector('sn-sheet').innerText.includes('남쪽 골목')"
    )
    assert grave(w) == []
    look(w, "desk-told")
