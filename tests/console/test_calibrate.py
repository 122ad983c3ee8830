"""Setting how a camera stands: by mouse, by keyboard, taken back step by step, and told whole to the city."""

import json
import re
from pathlib import Path

import pytest

from safetynet.core import calibrations
from safetynet.core.terms import CalibrationReason

CONSOLE = Path(__file__).resolve().parents[2] / "safetynet" / "console"
LAT, LON = 36.35, 127.38
"""Of the made city in conftest."""

pytestmark = pytest.mark.browser

LISTED = {"azimuth_deg": None, "view_deg": None, "range_m": 60.0, "presets": []}
CAMERA = {
    "camera": "garam-014-2", "name": "가람-별빛-014", "lat": LAT, "lon": LON, "ptz": False, "purpose": "생활방범",
    "listed": LISTED, "setting": None, "set_by": None, "set_at": None, "reason": None, "can_undo": False,
    "description": "주택 앞 삼거리",
}  # fmt: skip
SET = {"azimuth_deg": 90, "view_deg": 60, "range_m": 80, "presets": []}
SHOWN = """async (camera) => {
  for (const each of ['field', 'calibrate']) {
    const link = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: `/console/${each}.css`});
    const loaded = new Promise((done) => { link.onload = done; });
    document.head.append(link);
    await loaded;
  }
  await import('/console/calibrate.js');
  const one = document.createElement('sn-calibrate');
  window.told = [];
  for (const name of ['calibrate-save', 'calibrate-undo']) one.addEventListener(name, (event) => window.told.push([name, event.detail]));
  one.camera = camera;
  document.body.replaceChildren(one);
  await one.updateComplete;
}"""


@pytest.fixture
def shown(opened):
    def show(**more):
        window = opened(width=1100, height=760, **{k: more.pop(k) for k in ("language", "theme") if k in more})
        window.go("/")
        window.page.evaluate(SHOWN, {**CAMERA, **more})
        window.until("!!document.querySelector('.sk-road')")
        return window

    return show


def draft(window):
    return window.page.evaluate("document.querySelector('sn-calibrate').draft")


def told(window):
    return window.page.evaluate("window.told")


def knob(window, name="turn"):
    box = window.page.locator(f"[data-handle={name}] .cal-knob").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def eye(window):
    box = window.page.locator(".cal-eye").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(window, start, end):
    window.page.mouse.move(*start)
    window.page.mouse.down()
    window.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    window.page.mouse.move(*end)
    window.page.mouse.up()


def test_a_press_on_the_map_turns_the_camera_there_and_saving_tells_all(shown, look):
    window = shown()
    window.says("주택 앞 삼거리")
    window.says("방향 모름")
    x, y = eye(window)
    window.page.mouse.click(x + 120, y)
    assert draft(window)["azimuth_deg"] == 90
    save = window.page.get_by_role("button", name="저장", exact=True)
    assert save.is_disabled()  # nobody has said why
    window.page.get_by_label("현장 측정").check()
    window.page.get_by_role("spinbutton", name="화각").fill("75")
    window.page.get_by_role("spinbutton", name="화각").press("Enter")
    window.until("document.querySelector('sn-calibrate').draft.view_deg === 75")
    look(window, "calibrate-ko")
    save.click()
    (name, detail) = told(window)[0]
    assert name == "calibrate-save"
    assert detail == {"camera": "garam-014-2", "setting": draft(window), "over": None, "reason": "measured"}
    assert 5 <= detail["setting"]["range_m"] <= 500


def test_handles_are_dragged_and_one_drag_is_one_step(shown):
    window = shown(setting=SET, set_by="문시험", set_at=1_763_000_000_000, reason="measured", can_undo=True)
    middle = eye(window)
    drag(window, knob(window), (middle[0], middle[1] + 90))
    assert draft(window)["azimuth_deg"] == 180
    left = knob(window, "left")
    drag(window, left, (left[0] + 40, left[1] + 10))
    changed = draft(window)
    assert changed["azimuth_deg"] == 180
    assert changed["view_deg"] != 60
    window.page.keyboard.press("Tab")
    window.page.get_by_role("button", name="한 단계 되돌리기").click()
    assert draft(window)["view_deg"] == 60
    window.page.get_by_role("button", name="한 단계 되돌리기").press("Control+z")
    assert draft(window) == SET
    assert window.page.get_by_role("button", name="한 단계 되돌리기").is_disabled()


def test_all_of_it_by_keyboard(shown):
    window = shown(setting=SET, set_by="문시험", set_at=1_763_000_000_000, reason="measured", can_undo=True)
    turn = window.page.get_by_role("slider", name="방향")
    turn.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        turn.press(key)
    assert (draft(window)["azimuth_deg"], draft(window)["range_m"]) == (101, 71)
    edge = window.page.get_by_role("slider", name="화각").first
    edge.press("Shift+ArrowUp")
    assert draft(window)["view_deg"] == 70
    for _ in range(80):
        edge.press("Shift+ArrowDown")
    assert draft(window)["view_deg"] == calibrations.VIEW_DEG_MIN
    turn.press("Control+z")
    assert draft(window)["view_deg"] == 10
    assert turn.get_attribute("aria-valuetext") == "101° 동, 71 m"


def test_what_was_saved_is_taken_back_by_the_city_and_can_go_to_the_list(shown):
    window = shown(setting=SET, set_by="문시험", set_at=1_763_000_000_000, reason="turned", can_undo=True)
    window.says("문시험 설정 · 카메라를 돌리거나 교체함")
    window.page.get_by_role("button", name="마지막 저장 되돌리기").click()
    assert told(window) == [["calibrate-undo", {"camera": "garam-014-2", "over": SET}]]
    window.page.get_by_label("목록이 틀림").check()
    window.page.get_by_role("button", name="목록대로").click()
    assert told(window)[1] == [
        "calibrate-save",
        {"camera": "garam-014-2", "setting": None, "over": SET, "reason": "list_wrong"},
    ]
    window.page.get_by_label("보이는 거리").fill("9000")
    window.page.get_by_label("보이는 거리").press("Enter")
    assert draft(window)["range_m"] == calibrations.RANGE_M_MAX
    assert window.page.get_by_role("button", name="마지막 저장 되돌리기").is_disabled()  # first take the step back


def test_presets_of_a_camera_that_turns(shown, look):
    window = shown(ptz=True, setting=SET, language="en", theme="light")
    add = window.page.get_by_role("button", name="This direction as a preset")
    add.click()
    window.page.get_by_role("slider", name="Direction").press("Shift+ArrowRight")
    add.click()
    window.page.get_by_label("Name of preset 2").fill("Main gate")
    window.page.get_by_label("Name of preset 2").press("Enter")
    window.until("document.querySelector('sn-calibrate').draft.presets.length === 2")
    look(window, "calibrate-en")
    assert draft(window)["presets"] == [
        {"number": 1, "name": "Preset 1", "azimuth_deg": 90, "view_deg": 60},
        {"number": 2, "name": "Main gate", "azimuth_deg": 100, "view_deg": 60},
    ]
    window.page.get_by_role("button", name="Show preset 1").click()
    assert draft(window)["azimuth_deg"] == 90
    window.page.get_by_role("button", name="Remove preset 1").click()
    assert [each["number"] for each in draft(window)["presets"]] == [2]


def test_a_change_by_somebody_else_replaces_the_draft(shown):
    window = shown(setting=SET)
    window.page.get_by_role("slider", name="방향").press("ArrowRight")
    window.page.evaluate(
        "(camera) => { document.querySelector('sn-calibrate').camera = camera; }",
        {**CAMERA, "setting": {**SET, "azimuth_deg": 200}},
    )
    window.until("document.querySelector('sn-calibrate').draft.azimuth_deg === 200")
    assert window.page.get_by_role("button", name="한 단계 되돌리기").is_disabled()


def test_nobody_is_shut_out(shown):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for theme in ("dark", "light"):
        window = shown(
            ptz=True,
            setting={**SET, "presets": [{"number": 1, "name": "정문", "azimuth_deg": 10, "view_deg": 50}]},
            theme=theme,
        )
        found = axe.Axe().run(window.page, context="sn-calibrate").response["violations"]
        bad = [
            (each["id"], [n["html"][:120] for n in each["nodes"]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert bad == []


def test_the_pages_bounds_are_those_of_the_city():
    text = (CONSOLE / "calibrate.js").read_text()
    said = {
        name: json.loads(re.sub(r"(\w+):", r'"\1":', re.search(rf"const {name} = (\{{.*?\}});", text)[1]))
        for name in ("VIEW_DEG", "RANGE_M")
    }
    assert (said["VIEW_DEG"]["low"], said["VIEW_DEG"]["high"]) == (calibrations.VIEW_DEG_MIN, calibrations.VIEW_DEG_MAX)
    assert (said["RANGE_M"]["low"], said["RANGE_M"]["high"]) == (calibrations.RANGE_M_MIN, calibrations.RANGE_M_MAX)
    numbers = {name: int(re.search(rf"const {name} = (\d+);", text)[1]) for name in ("PRESETS_MAX", "PRESET_NAME_MAX")}
    assert numbers == {"PRESETS_MAX": calibrations.PRESETS_MAX, "PRESET_NAME_MAX": calibrations.PRESET_NAME_CHARS_MAX}
    reasons = json.loads(re.search(r"const REASONS = (\[.*?\]);", text)[1].replace("'", '"'))
    assert set(reasons) == {each.value for each in CalibrationReason} - {"undone"}
