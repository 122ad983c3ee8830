"""What holds for every page: sign-in, the phone, accessibility, both languages and themes, nothing clipped."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

CLIPPED = """() => [...document.querySelectorAll('body *')].filter((each) => {
  if (each.closest('.vh, .map, .chase-desk sn-queue, dialog:not([open]), svg') || !each.childNodes.length || !each.getClientRects().length) return false;
  const style = getComputedStyle(each);
  const text = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const out = each.getBoundingClientRect();
  const off = text && (out.right > innerWidth + 1 || out.left < -1) && !each.closest('.mapbox');
  const hidden = style.overflowX !== 'visible' && style.overflowX !== 'auto' && each.scrollWidth > each.clientWidth + 1 && !each.matches('.mapbox, .t-pic, .t-cv');
  return off || hidden;
}).map((each) => `${each.tagName}.${each.className}: ${each.innerText.slice(0, 60)}`)"""
CROSSED = """() => { const of = (q) => [...document.querySelectorAll(q)].map((e) => e.getBoundingClientRect()).filter((r) => r.width);
  const row = of('sn-header > div'); return row.some((r, i) => i && r.left < row[i - 1].right - 1) || row.some((r) => r.right > innerWidth + 1); }"""


def busy(scene: Any, centre: Any) -> None:
    at = scene.now_ms()
    sent = {"dispatch": "d1", "unit": "u1", "unit_name": "신속수사팀 2", "state": "en_route", "ordered_at": at, "answer_by": None, "overdue": False}  # fmt: skip
    record = [{"at": at - 1000 * n, "what": what, "by_name": "이관제", "with": more} for n, (what, more) in enumerate([("police_notice_answered", {"state": "read"}), ("video_granted", {"city_name": "가람시", "cameras": 4}), ("unit_reported", {"unit_name": "신속수사팀 2", "state": "en_route"}), ("wearer_called", {"outcome": "no_answer"}), ("video_refused", {"city_name": "나래시", "why": "policy_denied"})])]  # fmt: skip
    centre.world["incidents"] = {"i1": scene.incident("가상-사건-0147-2", state="claimed", owner="op1", owner_name="이관제", video=scene.granted(), dispatches=[sent], record=record, evidence={"for": ["strap_open", "comm_lost"], "against": ["old_fix"], "certainty": "certain", "reach": {"on_foot_m": 950, "by_car_m": 13_500}}, steps=scene.steps(ack="done", video="done", police="late", office="done"), duties=[{"duty": "viewing_notice", "due_at": at}])}  # fmt: skip
    centre.world["incidents"] = {"i1": {**centre.world["incidents"]["i1"], "id": "i1"}}
    centre.world["alarms"] = {"a1": scene.alarm("a1", "i1", state="acked")}
    for n, kind in enumerate(("exclusion_zone", "body_tamper", "sos", "exclusion_zone"), 2):
        centre.world["alarms"][f"a{n}"] = scene.alarm(f"a{n}", None, wearer=f"w{n}", who="최모의", kind=kind, priority=min(n, 4), level=n % 2, zone_name="나래시 달맞이초등학교 앞 통학로", place=None if n == 4 else scene.place())  # fmt: skip


def stand(w: Any, centre: Any) -> None:
    w.go("/operator")
    w.until("document.querySelector('sn-alarm.p1')")
    w.page.locator("sn-alarm.p1").click()
    w.until("document.querySelector('sn-tile')")
    centre.admit("g1", "t1")
    w.until("document.querySelectorAll('sn-tile.live').length === 4")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1600, 900)])
def test_desk_is_accessible_and_nothing_is_clipped(centre: Any, scene: Any, opened: Any, look: Any, theme: str, language: str, width: int, height: int) -> None:  # fmt: skip
    busy(scene, centre)
    w = opened(width=width, height=height, language=language, theme=theme)
    stand(w, centre)
    assert w.page.evaluate("document.documentElement.lang") == language
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    assert "{" not in w.page.evaluate("document.body.innerText")  # every blank of every text was filled in
    if width == 1920:
        assert grave(w) == []
        w.page.keyboard.press("x")
        w.until("document.querySelector('dialog[open]')")
        assert grave(w) == []
        w.page.keyboard.press("Escape")
    w.until("document.querySelector('sn-map')?.ground?.loaded()")
    look(w, f"desk-{language}-{theme}-{width}")


def grave(w: Any) -> list[str]:
    found = Axe().run(w.page).response["violations"]
    return [f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}" for v in found if v["impact"] in {"serious", "critical"}]  # fmt: skip


THEMES = [("ko", "dark"), ("en", "light")]
"""Each language and each theme once: words do not change colours."""


@pytest.mark.parametrize(("language", "theme"), THEMES)
def test_calm_desk_is_accessible(centre: Any, opened: Any, language: str, theme: str) -> None:
    w = opened(width=1366, height=768, language=language, theme=theme)
    w.go("/operator")
    w.says("처리할 경보가 없습니다" if language == "ko" else "No alarm is waiting")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False


def offer(centre: Any) -> None:
    people = (("operator1", "이관제", "operator", "1"), ("operator2", "강연습", "operator", "2"), ("supervisor1", "오당직", "supervisor", "1"), ("officer1", "나출동", "officer", "신속수사팀 2"))  # fmt: skip
    accounts = [{"account": a, "password": "demo", "name": n, "role": r, "seat": s} for a, n, r, s in people]
    centre.demo = {"accounts": accounts, "panel_url": "/panel", "stories": [{"name": "strap_cut", "ko": "부착장치 훼손", "en": "Strap cut"}, {"name": "zone", "ko": "출입금지구역 진입", "en": "Exclusion zone"}]}  # fmt: skip


@pytest.mark.parametrize(("language", "theme"), THEMES)
def test_sign_in_says_who_sits_where(centre: Any, opened: Any, language: str, theme: str) -> None:
    offer(centre)
    w = opened(width=390, height=844, language=language, theme=theme)
    w.go("/")
    w.says("오당직")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    said = {row.split("\n")[1]: row.split("\n")[2:] for row in w.page.locator(".account").all_inner_texts()}
    words = ("관제요원 · 관제 1석", "관제팀장", "보호관찰관 · 신속수사팀 2") if language == "ko" else ("Operator · Seat 1", "Supervisor", "Officer · 신속수사팀 2")  # fmt: skip
    assert said["operator1"] == [words[0]]
    assert said["supervisor1"] == [words[1]]
    assert said["officer1"] == [words[2]]  # a team is no seat of the control centre


def test_demo_sign_in_and_stories(centre: Any, opened: Any, look: Any) -> None:
    offer(centre)
    w = opened()
    w.go("/")
    w.says("오당직")
    assert w.page.locator("form").count() == 0
    look(w, "sign-in")
    w.page.locator("[data-account=operator1]").click()
    w.until("location.pathname === '/operator'")
    w.page.locator(".demo button").click()
    w.page.locator("[data-story=zone]").click()
    w.until("document.querySelector('.demo-run')?.innerText.includes('구역 쪽으로 걸음')")
    w.says("경보까지 약 1:1")
    assert w.heard("story")["name"] == "zone"
    # Enter belongs to the alarm that comes, not to the button that started the story.
    w.until("!document.activeElement.closest('sn-demo')")
    look(w, "demo")


def test_a_wrong_sign_in_says_so(centre: Any, opened: Any) -> None:
    w = opened()
    w.go("/")
    w.page.locator("input[name=account]").fill("nobody")
    w.page.locator("input[name=password]").fill("wrong")
    w.page.keyboard.press("Enter")
    w.says("계정이나 비밀번호가 맞지 않습니다")


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("ko", "light")])
def test_the_officers_phone_is_accessible_and_knows_how_far(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    order = {"dispatch": "d1", "state": "en_route", "incident": "i1", "place": scene.place(), "kind_word": "strap_cut", "answer_by": None, "office": "가온보호관찰소", **scene.ORDER}  # fmt: skip
    centre.world |= {"me": {"me": {**scene.ME, "role": "officer"}}, "units": {"u1": scene.unit("u1", "신속수사팀 2", "rapid", 0.003, 0.0, eta_s=95)}, "orders": {"d1": order}}  # fmt: skip
    w = opened(width=390, height=844, language=language, theme=theme)
    w.go("/field")
    w.until("document.querySelectorAll('sn-sketch path').length > 0")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    # No position from the telephone: the centre's own of this unit serves.
    w.says("334 m")
    w.says("1분 35초" if language == "ko" else "1 min 35 s")
    assert w.page.locator(".sk-here").count() == 1
    look(w, f"field-{language}-{theme}")


def test_the_officers_phone_from_order_to_the_end(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    at = scene.now_ms()
    order = {"dispatch": "d1", "state": "received", "incident": "i1", "place": scene.place(), "kind_word": "strap_cut", "answer_by": at + 30_000, "office": "가온보호관찰소", **scene.ORDER}  # fmt: skip
    centre.begin(scene.calm_world())
    centre.world |= {
        "me": {"me": {**scene.ME, "role": "officer", "name": "나출동"}},
        "units": {},
        "orders": {"d1": order},
    }
    w = opened(width=390, height=844)
    w.go("/field")
    w.says("부착장치 훼손")
    w.until("document.querySelectorAll('sn-sketch path').length > 0")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert "박예시" not in w.page.evaluate("document.body.innerText")
    look(w, "field")
    for nth, state in enumerate(("accepted", "en_route", "on_scene"), 1):
        w.page.locator(f"[data-state={state}]").click()
        assert w.heard("unit", nth=nth)["state"] == state  # the page itself moves on before the centre has heard it
        centre.put(orders={"d1": {**order, "state": state}})
        w.until(f"!document.querySelector('[data-state={state}]')")
    assert [each["state"] for each in centre.heard] == ["accepted", "en_route", "on_scene"]
    centre.put(orders={"d1": {**order, "state": "released"}})
    w.says("사건이 끝났습니다")
    assert "부착장치" not in w.page.evaluate("document.body.innerText")
    assert w.page.locator("sn-sketch").count() == 0
    assert w.page.evaluate("Object.keys(localStorage).filter((k) => !['safetynet.language', 'safetynet.theme'].includes(k))") == []  # fmt: skip
    look(w, "field-over")


def test_languages_switch_while_running(centre: Any, scene: Any, opened: Any) -> None:
    centre.world["alarms"] = {"a1": scene.alarm("a1", None)}
    w = opened()
    w.go("/operator")
    w.says("부착장치 훼손")
    w.page.locator("#language").click()
    w.says("Strap cut")
    assert w.page.evaluate("document.documentElement.lang") == "en"


# --- the protected person's phone ----------------------------------------------------------------------------------


def shield(at: int, **more: Any) -> dict[str, Any]:
    return {"known_at": at - 14_000, "heard_at": at - 4_000, "lost": None, "called": None, "warning": None, "going": None, **more}  # fmt: skip


def warned(at: int, kind: str = "approach_1k", **more: Any) -> dict[str, Any]:
    police = {"state": "read", "at": at - 5_000, "read": True}
    return {
        "incident": "i1", "kind": kind, "certainty": "certain", "near_m": 650, "give_m": 40, "closing": True,
        "observed_at": at - 12_000, "sector": {"towards_deg": 315, "width_deg": 70, "away_deg": 135}, "warned_at": at,
        "answer": None, "police": police, **more,
    }  # fmt: skip


@pytest.mark.parametrize(("language", "theme"), [("ko", "light"), ("en", "dark")])
def test_the_protected_persons_phone_in_all_its_states(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    at = scene.now_ms()
    me = {"me": {**scene.ME, "role": "protected"}}
    centre.begin({"me": me, "shield": {"shield": shield(at)}})
    w = opened(width=390, height=844, language=language, theme=theme)
    w.go("/protected")
    w.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    told = {"state": "received", "at": at, "read": False}
    states = {
        "quiet": (shield(at), "지금 알림이 없습니다", "No warning now"),
        "2km": (shield(at, warning=warned(at, "approach_2k", near_m=1800, sector=None)), "2 km 안에", "within 2 km"),
        "1km": (shield(at, warning=warned(at), going="en_route"), "남동쪽으로 가 주세요", "go south-east"),
        "100m": (shield(at, warning=warned(at, "approach_100", near_m=50, sector=None, closing=None)), "아주 가까이", "very near"),
        "lost": (shield(at, lost={"since": at - 600_000, "police": told}), "경찰에 알렸습니다", "police have been told"),
        "called": (shield(at, called={"at": at, "police": told}), "도움을 요청했습니다", "called for help"),
    }  # fmt: skip
    for name, (world, korean, english) in states.items():
        centre.put(shield={"shield": world})
        w.says(korean if language == "ko" else english)
        assert w.page.locator(".sos").bounding_box()["height"] >= 72
        assert w.page.locator(".sh-side").count() == (1 if name == "1km" else 0), (
            "a direction only where the law lets us"
        )
        assert grave(w) == [], name
        assert w.page.evaluate(CLIPPED) == [], name
        assert "{" not in w.page.evaluate("document.body.innerText")
        assert "안전합니다" not in w.page.evaluate("document.body.innerText")
        look(w, f"protected-{name}-{language}-{theme}")


def test_the_protected_person_answers_calls_and_hides(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    at = scene.now_ms()
    me = {"me": {**scene.ME, "role": "protected"}}
    centre.begin({**scene.calm_world(), "me": me, "shield": {"shield": shield(at, warning=warned(at))}})
    w = opened(width=390, height=844)
    w.go("/protected")
    w.says("북서쪽")
    w.page.locator("[data-answer=safe_place]").click()
    assert w.heard("answer")
    assert [(each["act"], each.get("incident"), each.get("answer")) for each in centre.heard] == [("answer", "i1", "safe_place")]  # fmt: skip
    w.page.locator(".sos").click()
    assert w.heard("sos")
    w.page.locator("[aria-pressed]").click()
    w.says("새 메모 1개")
    assert w.page.title() == "메모"
    text = w.page.evaluate("document.body.innerText")
    assert "접근" not in text, "a discreet page says nothing of it"
    assert "112" not in text
    assert w.page.locator("[data-phone]").get_attribute("href") == "tel:112", (
        "the way to the police stays, under a neutral word"
    )
    look(w, "protected-discreet")
    w.page.locator("[data-open]").click()
    w.says("북서쪽")
    centre.drop()
    w.says("112에 전화")
