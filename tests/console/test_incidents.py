"""The page of closed incidents: found, opened only for a purpose, played again by keyboard, taken along as a document."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
_spec = importlib.util.spec_from_file_location("console_pages", Path(__file__).with_name("test_pages.py"))
assert _spec
assert _spec.loader
_pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_pages)
CLIPPED, CROSSED, THEMES, grave = _pages.CLIPPED, _pages.CROSSED, _pages.THEMES, _pages.grave
BEGAN = 1_790_000_000_000
LASTED_MS = 180_000


def row(n: int, **more: Any) -> dict[str, Any]:
    began = BEGAN - 86_400_000 * n
    return {
        "incident": f"I-{n:04}", "case_no": f"가상-2026-{100 + n:04}", "kind": ["strap_cut", "exclusion_zone", "body_tamper"][n % 3], "priority": 1 + n % 3,
        "opened_at": began, "closed_at": began + LASTED_MS, "code": ["minor", "at_large", "drift"][n % 3], "owner_name": "이관제", **more,
    }  # fmt: skip


def found(total: int = 43, page: int = 0) -> tuple[int, dict[str, Any]]:
    rows = [row(n) for n in range(page * 20, min(total, page * 20 + 20))]
    return 200, {"rows": rows, "page": page, "page_rows": 20, "total": total, "owners": [{"person": "op1", "name": "이관제"}]}  # fmt: skip


def story(scene: Any, **more: Any) -> dict[str, Any]:
    at = BEGAN
    way = [[scene.LAT + 0.000025 * n, scene.LON + 0.00004 * n, at + 5000 * n, 12.0 + n % 5, "gnss"] for n in range(37)]
    lens = [{name: scene.camera(n)[name] for name in ("camera", "name", "lat", "lon", "range_m", "azimuth_deg", "view_deg", "ptz", "purpose")} for n in range(1, 5)]  # fmt: skip
    sights = [{**each, "city_name": "가람시", "grant": None, "since": at + 1000, "until": at + 20_000} for each in lens]
    sights += [{**each, "city_name": "가람시", "grant": "g1", "since": at + 20_000, "until": at + LASTED_MS} for each in lens[:3]]  # fmt: skip
    tags = [("alarm_raised", 0, None, {"kind": "strap_cut", "certainty": "certain"}), ("incident_opened", 0, None, {}), ("incident_claimed", 6, "이관제", {}), ("video_requested", 12, "이관제", {"city_name": "가람시"}),
            ("video_granted", 20, None, {"city_name": "가람시", "cameras": 3}), ("viewer_admitted", 21, "이관제", {}), ("dispatch_ordered", 40, "이관제", {"unit_name": "신속수사팀 2"}), ("police_notified", 40, "이관제", {"room_name": "112 상황실"}),
            ("incident_taken_over", 90, "강연습", {}), ("wearer_called", 120, "강연습", {"outcome": "no_answer"}), ("unit_reported", 150, None, {"unit_name": "신속수사팀 2", "state": "on_scene"}), ("incident_closed", 180, "강연습", {"code": "minor"}),
            ("closed_incident_opened", 90_000, "이관제", {"purpose": "guidance"})]  # fmt: skip
    ticks = [{"serial": 188_000 + n, "at": at + 1000 * s, "what": what, "by_name": by, "with": with_} for n, (what, s, by, with_) in enumerate(tags)]  # fmt: skip
    return {
        **row(0), "purpose": "guidance", "who": {"name": "박예시", "office": "가온보호관찰소"}, "law": {"article_ko": "전자장치부착법 제16조의3 제2항", "article_en": "Electronic Device Attachment Act Art. 16-3(2)", "why": None},
        "led": ["강연습", "이관제"], "positions": "kept", "track": way, "places": way[::4], "zones": [], "sights": sights,
        "provisions": [{"grant": "g1", "city_name": "가람시", "asked_by_name": "이관제", "since": at + 20_000, "until": at + LASTED_MS, "conditions": ["no_recording"], "why": "incident_closed"}],
        "viewings": [{"camera": "garam-001", "grant": "g1", "by_name": "이관제", "since": at + 22_000, "until": at + 90_000, "why": "not_owner"}, {"camera": "garam-002", "grant": "g1", "by_name": "강연습", "since": at + 91_000, "until": at + 170_000, "why": "viewer_left"}],
        "ticks": ticks, "erased": 0, "ledger_size": 188_402, **more,
    }  # fmt: skip


def at_the_archive(w: Any, centre: Any, scene: Any, **more: Any) -> None:
    centre.archive = {"search": found(), "open": (200, story(scene, **more)), "report": b"%PDF-1.7 made up"}
    w.go("/incidents")
    w.until("document.querySelectorAll('.ar-row').length === 20")


def shown_at(w: Any) -> str:
    return str(w.page.locator(".rp-at").inner_text())


@pytest.mark.parametrize(("language", "theme"), THEMES)
def test_the_archive_is_accessible_and_nothing_is_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    w = opened(width=1920 if language == "ko" else 1440, height=1080 if language == "ko" else 900, language=language, theme=theme)  # fmt: skip
    at_the_archive(w, centre, scene)
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, f"archive-{language}-{theme}")
    w.page.locator(".ar-row").first.click()
    w.until("document.querySelector('dialog[open]')")
    assert grave(w) == []
    look(w, f"archive-ask-{language}-{theme}")
    w.page.keyboard.press("1")
    w.until("document.querySelector('sn-replay-map')?.ground?.loaded()")
    for _ in range(7):
        w.page.keyboard.press(".")
    w.until("document.querySelector('sn-replay-map').marks.has('wearer')")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    assert "{" not in w.page.evaluate("document.body.innerText")
    look(w, f"replay-{language}-{theme}")


def test_from_the_search_to_the_document_by_keyboard(centre: Any, scene: Any, opened: Any) -> None:
    w = opened()
    at_the_archive(w, centre, scene)
    w.page.locator("#page").press("/")
    w.page.keyboard.type("가상-2026-0100")
    centre.archive["search"] = found(1)
    w.page.keyboard.press("Enter")
    w.until("document.querySelectorAll('.ar-row').length === 1")
    assert [each for each in centre.heard if each["act"] == "search"][-1] == {"act": "search", "case_no": "가상-2026-0100", "page": 0}  # fmt: skip
    w.page.locator("[data-incident='I-0000']").focus()
    w.page.keyboard.press("Enter")
    w.until("document.querySelector('dialog[open]')")
    assert "open" not in centre.acts(), "nothing is opened before somebody said what for"
    w.page.keyboard.press("Escape")
    w.until("!document.querySelector('dialog[open]')")
    w.page.locator("[data-incident='I-0000']").press("Enter")
    w.until("document.querySelector('dialog[open]')")
    w.page.keyboard.press("6")
    w.until("document.activeElement?.name === 'permit'")
    w.page.keyboard.type("2026영장12")
    w.page.keyboard.press("Enter")
    assert w.heard("open") == {"act": "open", "incident": "I-0000", "purpose": "court", "permit": "2026영장12"}
    w.says("다시 보기 · 4배속")
    began = shown_at(w)
    for key, same in ((".", False), (",", True), (".", False), ("Home", True)):
        w.page.keyboard.press(key)
        w.page.wait_for_timeout(60)
        assert (shown_at(w) == began) is same, key
    w.says("아무도 보지 않았습니다")
    for _ in range(3):
        w.page.keyboard.press(".")
    w.says("이관제 · 가람-별빛-001")
    w.page.keyboard.press("=")
    w.says("다시 보기 · 16배속")
    w.page.evaluate("document.activeElement.blur()")
    before = shown_at(w)
    w.page.keyboard.press("Space")
    w.until(f"document.querySelector('.rp-at').innerText !== '{before}'")
    w.page.keyboard.press("Space")
    with w.page.expect_download() as saved:
        w.page.locator(".acts .btn").click()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_[^_]+_I-0000\.pdf", saved.value.suggested_filename)
    assert w.heard("report") == {"act": "report", "incident": "I-0000", "purpose": "court", "permit": "2026영장12", "language": "ko"}  # fmt: skip
    w.page.evaluate("document.activeElement.blur()")
    w.page.keyboard.press("Escape")
    w.says("왼쪽에서 사건을 골라 주세요")


def test_what_is_gone_says_so_and_a_refusal_says_why(centre: Any, scene: Any, opened: Any, look: Any) -> None:
    w = opened()
    at_the_archive(w, centre, scene, positions="erased", track=[], places=[], who=None, case_no="", kind=None, priority=None, law=None, erased=14)  # fmt: skip
    w.page.locator(".ar-row").first.click()
    w.page.keyboard.press("5")
    w.says("위치 기록은 파기됐습니다")
    w.says("기록 14건이 파기돼 읽을 수 없습니다")
    look(w, "replay-erased")
    centre.put(alarms={"a1": scene.alarm("a1", None)})
    w.says("확인을 기다리는 경보 1건")
    centre.archive["open"] = (404, {"reason": "no_such_incident"})
    w.page.locator(".ar-row").nth(1).click()
    w.page.keyboard.press("1")
    w.says("열지 못했습니다: 그런 사건이 없습니다")
    centre.archive["search"] = found(43, 2)
    w.page.locator(".ar-pages button").nth(1).click()
    w.until("document.querySelectorAll('.ar-row').length === 3")
    assert w.page.locator(".ar-pages button").nth(1).is_disabled()
