"""Past footage in the pages: asked for, approved, answered by the city, seen, by mouse and by keyboard, in both languages."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from safetynet.sim.cameras import TestCard
from safetynet.sim.recorder import Redrawn

pytestmark = pytest.mark.browser


def beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"console_{name}", Path(__file__).with_name(f"test_{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_incidents, _city = beside("incidents"), beside("city_page")
CLIPPED, THEMES, grave = _incidents.CLIPPED, _incidents.THEMES, _incidents.grave
BEGAN = _incidents.BEGAN
DAY_MS = 86_400_000
REASONS = ["beyond_purpose", "others_shown", "facts_unclear", "no_longer_needed"]


def clip(n: int, state: str = "here", **more: Any) -> dict[str, Any]:
    return {
        "camera": f"garam-{n:03}", "name": f"가람-별빛-{n:03}", "state": state, "why": None, "size_bytes": 37_400_000, "pieces": 143, "pieces_here": 52,
        "sha256": "3b" * 32, "since": BEGAN - 60_000, "until": BEGAN + 240_000, **more,
    }  # fmt: skip


def asked(state: str, *, n: int = 1, clips: Any = (), now: int = BEGAN, **more: Any) -> dict[str, Any]:
    return {
        "footage": f"F-{n:016X}", "incident": "I-0000", "case_no": "가상-2026-0100", "city": "garam", "city_name": "가람시", "state": state, "at": now - 3_600_000,
        "by_name": "이관제", "approved_by_name": None if state == "asked" else "문시험", "approved_at": now, "since": BEGAN - 60_000, "until": BEGAN + 240_000,
        "basis": "PIPA-18-2-7", "document": "수사과-2026-12", "answer_by": now + 2 * DAY_MS, "conditions": ["no_copying", "no_onward_sharing", "no_audio", "delete_in_time"] if state in ("granted", "here") else [],
        "why": None, "expires_at": None, "extended": 0, "over_at": None, "cameras": list(clips) or [clip(1, "none"), clip(2, "none")],
        "may": {"approve": False, "own": False, "delete": False, "extend": False}, "reasons": REASONS, **more,
    }  # fmt: skip


def about(*requests: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    bases = [{"basis": basis, "article_ko": ko, "article_en": en, "document": document, "why": why} for basis, ko, en, document, why in (
        ("EM-16-3-2", "전자장치부착법 제16조의3 제2항", "Electronic Device Attachment Act Art. 16-3(2)", False, "not_live"),
        ("PIPA-18-2-7", "개인정보 보호법 제18조 제2항 제7호, 전자장치부착법 제16조 제2항 제4호", "PIPA Art. 18(2) no. 7, Electronic Device Attachment Act Art. 16(2) no. 4", True, None),
        ("PIPA-18-2-8", "개인정보 보호법 제18조 제2항 제8호, 전자장치부착법 제16조 제2항 제1호", "PIPA Art. 18(2) no. 8, Electronic Device Attachment Act Art. 16(2) no. 1", True, None))]  # fmt: skip
    lenses = [{"city": "garam", "city_name": "가람시", "camera": f"garam-{n:03}", "name": f"가람-별빛-{n:03}"} for n in range(1, 7)]  # fmt: skip
    return 200, {"requests": list(requests), "may_approve": False, "cameras": lenses, "since": BEGAN - 60_000, "until": BEGAN + 240_000, "earliest": BEGAN - 1_800_000, "latest": BEGAN + 1_980_000, "minutes_max": 10, "cameras_max": 4, "bases": bases, **more}  # fmt: skip


def every_state(now: int) -> list[dict[str, Any]]:
    may = {"approve": False, "own": False, "delete": True, "extend": True}
    return [
        asked("here", n=1, now=now, clips=[clip(1), clip(2, "lost", why="not_recorded")], expires_at=now + 13 * DAY_MS + 1000, may=may),
        asked("granted", n=2, now=now, clips=[clip(3, "coming"), clip(4, "none")]),
        asked("pending", n=3, now=now),
        asked("asked", n=4, now=now, may={"approve": False, "own": True, "delete": True, "extend": False}),
        asked("refused", n=5, now=now, why="others_shown"),
        asked("declined", n=6, now=now, why="facts_unclear"),
        asked("deleted", n=7, now=now, why="run_out"),
    ]  # fmt: skip


def at_an_incident(w: Any, centre: Any, scene: Any, answer: Any, **more: Any) -> None:
    centre.archive = {
        "search": _incidents.found(),
        "open": (200, _incidents.story(scene, **more)),
        "footage about": answer,
    }
    w.go("/incidents")
    w.until("document.querySelectorAll('.ar-row').length === 20")
    w.page.locator(".ar-row").first.click()
    w.page.keyboard.press("1")
    w.until("document.querySelector('sn-replay sn-footage .fg')")


def film(seconds: int) -> bytes:
    """A file as a recorder gives it, of the made city's own."""
    drawn = Redrawn(TestCard(256, 144), ["garam-001"], began=BEGAN - 60_000, now=lambda: BEGAN + 240_000)
    return drawn.file("garam-001", BEGAN, BEGAN + 1000 * seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize(("language", "theme"), THEMES)
def test_every_state_is_accessible_and_nothing_is_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    w = opened(width=1920 if language == "ko" else 1280, height=1080 if language == "ko" else 800, language=language, theme=theme)  # fmt: skip
    at_an_incident(w, centre, scene, about(*every_state(scene.now_ms())))
    w.until("document.querySelectorAll('.fg-one').length === 7")
    w.page.locator("[data-footage]").first.scroll_into_view_if_needed()
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, f"footage-{language}-{theme}")
    w.page.locator("[data-act=ask]").click()
    w.until("document.querySelector('.fg-ask')")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, f"footage-ask-{language}-{theme}")
    assert "{" not in w.page.evaluate("document.querySelector('sn-footage').innerText")


def test_asking_by_keyboard(centre: Any, scene: Any, opened: Any) -> None:
    w = opened()
    at_an_incident(w, centre, scene, about())
    w.says("이 사건에 과거 영상 요청이 없습니다.")
    centre.archive["footage ask"] = (404, {"reason": "too_long"})
    w.page.locator("[data-act=ask]").focus()
    w.page.keyboard.press("Enter")
    w.until("document.activeElement?.name === 'camera'")
    w.page.keyboard.press("Space")
    w.page.locator("input[name=document]").focus()
    w.page.keyboard.type("수사과-2026-12")
    w.page.keyboard.press("Enter")
    w.says("처리하지 못했습니다: 시간이 한도보다 깁니다")
    centre.archive["footage ask"] = (204, None)
    w.page.locator("input[name=document]").press("Enter")
    w.says("요청했습니다. 팀장의 승인을 기다립니다.")
    said = w.heard("footage ask", nth=2)["said"]
    assert said == {"incident": "I-0000", "city": "garam", "cameras": ["garam-002"], "since": BEGAN - 60_000, "until": BEGAN + 240_000, "basis": "PIPA-18-2-7", "document": "수사과-2026-12"}  # fmt: skip


def test_a_supervisor_answers_from_the_list_and_a_reason_is_a_choice(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    may = {"approve": True, "own": False, "delete": True, "extend": False}
    centre.archive = {"search": _incidents.found(), "footage about": about(asked("asked", may=may)), "footage do": (204, None)}  # fmt: skip
    w = opened()
    w.go("/incidents")
    w.says("승인을 기다리는 과거 영상 요청 1건")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, "footage-approve")
    w.page.locator("[data-act=decline]").click()
    w.page.locator("[data-reason=others_shown]").click()
    assert w.heard("footage do")["said"] == {"footage": f"F-{1:016X}", "act": "decline", "why": "others_shown"}
    w.page.locator("[data-act=approve]").click()
    assert w.heard("footage do", nth=2)["said"] == {"footage": f"F-{1:016X}", "act": "approve"}


def test_a_file_plays_in_the_page_and_each_viewing_is_asked_for(centre: Any, scene: Any, opened: Any, look: Any) -> None:  # fmt: skip
    now = scene.now_ms()
    centre_answer = about(asked("here", clips=[clip(1)], now=now, expires_at=now + 13 * DAY_MS))
    w = opened()
    at_an_incident(w, centre, scene, centre_answer)
    centre.archive["footage view"] = film(6)
    w.page.locator("[data-view]").click()
    w.until("document.querySelector('.fg-show[open] video')?.readyState >= 2")
    w.until("document.querySelector('video').currentTime > 0.3")
    assert abs(w.page.evaluate("document.querySelector('video').duration") - 6.0) < 0.5, "its length is known"
    assert w.page.evaluate("[...document.querySelectorAll('sn-footage a[download]')].length") == 0
    assert grave(w) == []
    look(w, "footage-play")
    w.page.keyboard.press("Escape")
    w.until("!document.querySelector('video')")
    assert w.page.locator(".rp-play").count() == 1, "the incident stays open"
    w.page.locator("[data-view]").click()
    w.until("document.querySelector('.fg-show[open]')")
    assert [each["said"] for each in centre.heard if each["act"] == "footage view"] == [{"footage": f"F-{1:016X}", "camera": "garam-001"}] * 2  # fmt: skip


def wanted(scene: Any, state: str, n: int = 1, **more: Any) -> dict[str, Any]:
    now = scene.now_ms()
    return {
        "footage": f"F-{n}", "incident": "I-0000", "sender_name": "위치추적관제센터", "state": state, "over": state in ("denied", "closed"), "at": now - 60_000, "basis": "PIPA-18-2-7",
        "article_ko": "개인정보 보호법 제18조 제2항 제7호, 전자장치부착법 제16조 제2항 제4호", "article_en": "PIPA Art. 18(2) no. 7, Electronic Device Attachment Act Art. 16(2) no. 4", "document": "수사과-2026-12",
        "cameras": [{"camera": f"garam-00{n}", "name": f"가람-별빛-00{n}", "purpose": "crime"} for n in (1, 2)], "since": BEGAN - 60_000, "until": BEGAN + 240_000, "answer_by": now + 2 * DAY_MS,
        "answered_at": None if state == "waiting" else now, "by_name": None if state == "waiting" else "심시험", "conditions": [] if state == "waiting" else ["no_copying", "delete_in_time"], "fetch_by": None,
        "files": 0 if state in ("waiting", "denied") else 2, "bytes": 71_000_000, "lacking": {}, "why": "others_shown" if state == "denied" else None, "over_at": None, **more,
    }  # fmt: skip


@pytest.mark.parametrize(("language", "theme", "width"), [("ko", "dark", 1920), ("en", "light", 1280)])
def test_a_city_answers_and_keeps_its_record(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int) -> None:  # fmt: skip
    _city.City(scene, centre)
    w = opened(width=width, height=1080 if width == 1920 else 800, language=language, theme=theme)
    w.go("/city")
    w.until("document.querySelector('sn-answers [data-basis]')")
    centre.put(footage={"F-1": wanted(scene, "waiting"), "F-2": wanted(scene, "allowed", 2), "F-3": wanted(scene, "denied", 3), "F-4": wanted(scene, "closed", 4)})  # fmt: skip
    w.until("document.querySelectorAll('.cf-one').length === 2")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, f"city-footage-{language}")
    w.page.locator(".cf .picks input").first.press("Space")
    w.page.locator(".cf [data-act=approve]").click()
    said = w.heard("approve")
    assert (said["footage"], said["without"]) == ("F-1", ["garam-001"])
    w.page.locator(".cf [data-act=refuse]").click()
    w.page.locator(".cf [data-reason=others_shown]").click()
    said = w.heard("refuse")
    assert (said["footage"], said["why"]) == ("F-1", "others_shown")
    w.page.keyboard.press("l")
    w.until("document.querySelectorAll('tr[data-footage]').length === 3")
    assert grave(w) == []
    look(w, f"city-footage-record-{language}")
