"""A city's staff find a camera and say how it stands: by keyboard, with undo and redo, in both languages."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_city_page import CLIPPED, City, grave

pytestmark = pytest.mark.browser
LISTED = {"azimuth_deg": None, "view_deg": None, "range_m": 60.0, "presets": []}
PTZ = {**LISTED, "azimuth_deg": 270.0, "view_deg": 62.0, "presets": [{"number": 1, "name": "정문", "azimuth_deg": 300.0, "view_deg": 40.0}]}  # fmt: skip


def card(scene: Any, n: int, **more: Any) -> dict[str, Any]:
    return {
        "camera": f"garam-{n:03}", "name": f"가람-별빛-{n:03}", "lat": scene.LAT, "lon": scene.LON, "ptz": False, "purpose": "crime_prevention",
        "listed": LISTED, "setting": None, "set_by": None, "set_at": None, "reason": None, "can_undo": False, "description": "주택 앞 삼거리", **more,
    }  # fmt: skip


@pytest.fixture
def staff(centre: Any, scene: Any, opened: Any) -> Any:
    def make(language: str = "ko", theme: str = "dark", *, width: int = 1920, height: int = 1080) -> Any:
        set_by = {"set_by": "심시험", "set_at": scene.now_ms() - 60_000, "reason": "measured", "can_undo": True}
        cards = [card(scene, n) for n in (1, 2, 4, 5, 6)] + [card(scene, 3, ptz=True, setting=PTZ, **set_by)]
        city = City(scene, centre)
        centre.cameras = {each["camera"]: each for each in cards}
        w = opened(language=language, theme=theme, width=width, height=height)
        w.go("/city")
        w.until("document.querySelector('sn-answers [data-act=calibrate]')")
        return w, city

    return make


@pytest.mark.parametrize(
    ("language", "theme", "width", "height"), [("ko", "dark", 1920, 1080), ("en", "light", 1000, 760)]
)
def test_a_camera_is_found_and_set_by_keyboard_taken_back_and_set_again(centre: Any, scene: Any, staff: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    w, _ = staff(language, theme, width=width, height=height)
    keys = w.page.keyboard
    keys.press("c")
    w.until("document.querySelectorAll('.sv-row').length === 6")
    assert w.page.evaluate("document.activeElement.type") == "search"
    keys.type("002")
    w.until("document.querySelectorAll('.sv-row').length === 1")
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    w.until("document.querySelector('.survey .sk-road')")
    w.says("주택 앞 삼거리")
    box = w.page.locator("sn-calibrate .cal-c input[type=checkbox]").first
    box.focus()
    keys.press("Space")
    w.until("document.querySelector('[data-handle=turn]')")
    w.page.locator("[data-handle=turn]").focus()
    for _ in range(9):
        keys.press("Shift+ArrowRight")
    w.page.locator("sn-calibrate input[type=radio]").first.focus()
    keys.press("Space")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    look(w, f"survey-{language}-{theme}")
    made = {**LISTED, "azimuth_deg": 90}
    after = card(scene, 2, setting=made, set_by="심시험", set_at=scene.now_ms(), reason="measured", can_undo=True)
    centre.cameras["garam-002"] = after
    w.page.locator("sn-calibrate .btn.main").focus()
    keys.press("Enter")
    said = w.heard("calibrate")
    assert (said["camera"], said["setting"], said["over"], said["because"]) == ("garam-002", made, None, "measured")
    w.says("저장함" if language == "ko" else "saved")
    w.until("document.querySelector('sn-survey').camera.setting !== null && !document.querySelector('sn-survey').busy")
    w.says("심시험")
    undone = {"setting": None, "reason": "undone", "can_undo": False}
    centre.cameras["garam-002"] = {**after, **undone}
    undo = w.page.get_by_role("button", name="마지막 저장 되돌리기" if language == "ko" else "Undo the last saving")
    undo.focus()
    keys.press("Enter")
    assert w.heard("uncalibrate")["over"] == made
    w.until("document.querySelector('[data-redo]:not([disabled])')")
    look(w, f"survey-undone-{language}-{theme}")
    w.page.locator("[data-redo]").focus()
    keys.press("Enter")
    again = w.heard("calibrate", 2)
    assert (again["setting"], again["over"], again["because"]) == (made, None, "measured")
    keys.press("Escape")
    w.until("!document.querySelector('sn-survey')")


def test_who_was_slower_reads_so_and_sees_what_is(centre: Any, scene: Any, staff: Any) -> None:
    w, _ = staff()
    w.page.keyboard.press("c")
    w.page.locator("[data-camera=garam-003]").click()
    w.until("document.querySelector('sn-calibrate')")
    w.page.locator("sn-calibrate input[type=radio]").first.check()
    w.page.get_by_role("spinbutton", name="방향").fill("10")
    w.page.get_by_role("spinbutton", name="방향").press("Tab")
    centre.no["calibrate"] = "stale"
    centre.cameras["garam-003"] = {**centre.cameras["garam-003"], "setting": {**PTZ, "azimuth_deg": 181.0}, "set_by": "엄시험"}  # fmt: skip
    w.page.locator("sn-calibrate .btn.main").click()
    w.says("엄시험")
    w.until("document.querySelector('sn-calibrate').draft.azimuth_deg === 181")
    assert w.page.locator(".sv-one .note.failed").count() == 1


def test_a_preset_is_called_under_a_grant(centre: Any, staff: Any, look: Any) -> None:
    w, city = staff()
    city.ask("granted")
    cameras = centre.world["incidents"]["i1"]["video"]["cameras"]
    (turning,) = [each for each in cameras if each["ptz"]]
    turning["presets"] = [{"number": 1, "name": "정문"}]
    centre.put(incidents={"i1": {**centre.world["incidents"]["i1"], "opened_at": 1}})
    w.until("document.querySelectorAll('sn-tile').length >= 5")
    n = w.page.evaluate("[...document.querySelectorAll('sn-tile')].findIndex((each) => each.tile?.camera?.ptz) + 1")
    w.page.keyboard.press(str(n))
    w.until("document.querySelector('[data-preset=\"1\"]')")
    look(w, "city-preset")
    w.page.locator("[data-preset='1']").click()
    said = w.heard("turn")
    assert (said["turn"], said["preset"], said["camera"]) == ("preset", 1, turning["camera"])
