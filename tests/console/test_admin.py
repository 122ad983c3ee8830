"""The administrators' page on a real control centre: by mouse and keyboard, in both languages and themes."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import deployment
import ports
import test_pages

from safetynet.app import people
from safetynet.core.orders import Circle, Curfew, Order, Polygon, Protected, Row, Zone
from safetynet.core.terms import WearerClass
from safetynet.edge import keys
from safetynet.edge.store import Account, Store

pytestmark = pytest.mark.browser
LAT, LON = deployment.LAT, deployment.LON
STAFF = (
    ("p-an", "an", "안가명", "administrator", ""),
    ("p-seo", "seo", "서연습", "administrator", ""),
    ("p-gone", "gone", "탁해임", "operator", "9"),
)
GRAVE, CLIPPED, CROSSED, THEMES = test_pages.grave, test_pages.CLIPPED, test_pages.CROSSED, test_pages.THEMES


class Centre:
    """A real program, for the windows of this file."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port


@pytest.fixture
def centre(tmp_path: Path, scene: Any) -> Iterator[Centre]:
    port = ports.take(6)
    folder = deployment.make(tmp_path, port)
    (folder / "map").mkdir()
    (folder / "map" / "base.geojson").write_text(json.dumps(scene.base_map()))
    (folder / "map" / "cameras.json").write_text(json.dumps({"cameras": [{"id": "c", "lat": LAT + d, "lon": LON + d} for d in (-0.006, 0.006)]}))  # fmt: skip
    own = keys.open_centre(folder)
    store = Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    for person, login, name, role, seat in STAFF:
        store.put_account(Account(person, login, name, role, seat, deployment.HASH))
    people.enrol(store, record())
    people.enrol_protected(store, people.ProtectedRecord(protected="pp-1", name="누구도모름", phone="000", person=None))
    store.close()
    program = subprocess.Popen([sys.executable, "-m", "safetynet", "control", "--dir", str(folder)], stdout=subprocess.PIPE)  # fmt: skip
    assert program.stdout
    assert b"ready" in program.stdout.readline()
    yield Centre(folder, port)
    program.terminate()
    program.communicate(timeout=10)


def record() -> people.WearerRecord:
    school = Zone(id="z1", name="별빛초등학교", area=Polygon(((LAT + 0.002, LON - 0.002), (LAT + 0.002, LON + 0.001), (LAT, LON + 0.001), (LAT, LON - 0.002))))  # fmt: skip
    home = Circle(LAT - 0.003, LON + 0.003, 60.0)
    nights = (Row(days=(0, 1, 2, 3, 4, 5, 6), start_min=22 * 60, end_min=6 * 60), Row(days=(5, 6), start_min=12 * 60, end_min=14 * 60))  # fmt: skip
    order = Order(
        wearer="w-order", wearer_class=WearerClass.PAROLE, version=1, zones=(school,),
        curfews=(Curfew(id="c1", name="가람시 집", home=home, rows=nights),), protected=(Protected(id="pp-1"),),
    )  # fmt: skip
    return people.WearerRecord(
        wearer="w-order", name="구가상", case_no="가상-2026-0147", born_year=1984, office="가람보호관찰소", officer="정다섯",
        phone="000", order=order,
    )  # fmt: skip


def enter(w: Any, who: str = "an", path: str = "/admin") -> None:
    w.go("/")
    w.until("document.querySelector('form')")
    w.page.fill("[name=account]", who)
    w.page.fill("[name=password]", deployment.PASSWORD)
    w.page.keyboard.press("Enter")
    w.until(f"location.pathname === '{path}'")
    w.until("document.querySelector('.ad-nav [data-tab]') && !document.querySelector('.skeleton')")


def tab(w: Any, name: str) -> None:
    w.page.click(f"[data-tab={name}]")
    w.until(f"document.querySelector('[data-tab={name}]').getAttribute('aria-current') === 'page'")


def order(w: Any, wearer: str = "w-order") -> None:
    tab(w, "orders")
    w.page.click(f".ad-list [data-wearer={wearer}]")
    w.until("document.querySelector('sn-zone-map')?.ground?.loaded()", 20)


@pytest.mark.parametrize(("language", "theme"), THEMES)
def test_every_list_is_accessible_and_nothing_is_clipped(centre: Centre, opened: Any, look: Any, language: str, theme: str) -> None:  # fmt: skip
    wide = language == "ko"
    w = opened(width=1920 if wide else 1366, height=1080 if wide else 768, language=language, theme=theme)
    enter(w)
    for name in ("people", "devices", "wearers", "history"):
        tab(w, name)
        w.until("!document.querySelector('.skeleton')")
        assert GRAVE(w) == [], name
        assert w.page.evaluate(CLIPPED) == [], name
        look(w, f"admin-{name}-{language}-{theme}")
    order(w)
    w.page.locator(".op-card button[aria-pressed]").first.click()
    w.until("document.querySelectorAll('.zm-handle').length === 4")
    assert GRAVE(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    look(w, f"admin-order-{language}-{theme}")
    text = w.page.evaluate("document.body.innerText")
    assert "{" not in text
    assert "누구도모름" not in text, "a protected person has a pseudonym here"
    w.page.click("[data-tab=people]")
    w.page.click("[data-act='do.open_account']")
    w.until("document.querySelector('dialog[open]')")
    assert GRAVE(w) == []
    look(w, f"admin-dialogue-{language}-{theme}")


def test_two_persons_bring_a_drawn_zone_into_force(centre: Centre, opened: Any, look: Any) -> None:
    """Drawn and moved by keyboard alone, taken back and redone, read in words, drafted; the same person cannot enter it."""
    w = opened()
    enter(w)
    order(w)
    w.page.get_by_role("button", name="원 더하기").press("Enter")
    w.until("document.querySelectorAll('.zm-handle').length === 2")
    w.page.locator(".zm-handle").first.focus()
    before = w.page.locator(".op-card.chosen [type=number]").first.input_value()
    w.page.keyboard.press("Shift+ArrowUp")
    w.until(f"document.querySelector('.op-card.chosen [type=number]').value !== '{before}'")
    moved = w.page.locator(".op-card.chosen [type=number]").first.input_value()
    assert round((float(moved) - float(before)) * 111_195) == 50
    assert w.page.evaluate("document.activeElement.className").startswith("zm-handle"), "the keyboard stays on it"
    w.page.keyboard.press("Control+z")
    w.until(f"document.querySelector('.op-card.chosen [type=number]').value === '{before}'")
    w.page.keyboard.press("Control+Shift+z")
    w.until(f"document.querySelector('.op-card.chosen [type=number]').value === '{moved}'")
    w.page.locator(".op-card.chosen .grow input").fill("나래역 앞")
    w.page.locator(".op-card.chosen .grow input").press("Tab")
    radius = w.page.locator(".op-card.chosen [type=number]").nth(2)
    radius.fill("80")
    radius.press("Tab")
    w.until("document.querySelector('.op-card.chosen [aria-pressed]').textContent.includes('80 m')")
    look(w, "admin-drawing")
    w.page.click("[data-act=draft]")
    w.until("document.querySelector('dialog[open]')")
    w.page.fill("[name=why]", "2026-가상-0147 변경 결정")
    w.page.keyboard.press("Tab")
    w.page.get_by_role("button", name="무엇이 바뀌는지 보기").press("Enter")
    w.says("출입금지구역 더함: 나래역 앞 (원, 반지름 80 m)")
    look(w, "admin-would")
    w.page.keyboard.press("Enter")
    w.says("안가명의 초안 · 제2판")
    w.says("초안을 쓴 사람과 다른 사람이 확인해야 합니다")
    assert w.page.locator("[data-act=enter]").count() == 0
    assert w.page.locator(".oe [type=number]:enabled").count() == 0, "what waits is not edited any more"

    other = opened(language="en", theme="light")
    enter(other, "seo")
    other.says("Drafts that wait for confirmation: 1")
    order(other)
    other.says("exclusion zone added: 나래역 앞 (circle, radius 80 m)")
    look(other, "admin-waits-en-light")
    assert GRAVE(other) == []
    other.page.click("[data-act=enter]")
    other.page.fill("[name=why]", "decision read, matches")
    other.page.get_by_role("button", name="See what would change").click()
    other.says("holds from the next position on")
    other.page.click(".act-save")
    other.says("in force: version 2")
    other.says("drafted by 안가명, entered by 서연습")
    other.page.get_by_role("button", name="Restore this version").click()
    other.says("A draft with the content of version 1 is prepared")
    other.page.keyboard.press("Control+z")
    tab(other, "history")
    other.says("Order entered into force")
    look(other, "admin-history-en-light")
    stored = keys_and_orders(centre)
    assert stored["version"] == 2
    assert [each["name"] for each in stored["zones"]] == ["별빛초등학교", "나래역 앞"]


def rows_of(w: Any) -> Any:
    return w.page.evaluate("document.querySelector('sn-order').draft.curfews[0].rows.map(({days, start_min, end_min}) => [days.join(''), start_min, end_min])")  # fmt: skip


def test_hours_are_drawn_by_mouse_and_by_keyboard_and_a_permit_says_who_granted_it(centre: Centre, opened: Any, look: Any) -> None:  # fmt: skip
    (centre.folder / "holidays.csv").write_text("date,name\n2026-12-25,기독탄신일\n")
    w = opened()
    enter(w)
    order(w)
    assert rows_of(w) == [["0123456", 1320, 360], ["56", 720, 840]]

    def cell(line: int, n: int) -> Any:
        return w.page.locator(f"sn-week-grid [data-line='{line}'][data-cell='{n}']").first

    cell(0, 18).scroll_into_view_if_needed()
    first, last = cell(0, 18).bounding_box(), cell(2, 21).bounding_box()
    w.page.mouse.move(first["x"] + 2, first["y"] + 5)
    w.page.mouse.down()
    w.page.mouse.move(last["x"] + 2, last["y"] + 5, steps=4)
    w.page.mouse.up()
    w.until("document.querySelector('sn-order').past.length === 1")
    assert rows_of(w) == [["012", 540, 660], ["0123456", 1320, 360], ["56", 720, 840]]
    # Wiped by keyboard: the first hour of Monday's night, which the night before reaches into.
    cell(0, 0).focus()
    w.page.keyboard.press("Space")
    w.until("document.querySelector('sn-order').past.length === 2")
    w.page.keyboard.press("Shift+ArrowRight")
    w.until("document.querySelector('sn-order').past.length === 3")
    assert ["6", 1320, 1440] in rows_of(w)
    assert ["0", 60, 360] in rows_of(w)
    assert w.page.evaluate("document.activeElement.getAttribute('data-cell')") == "1", "the keyboard is where it drew"
    w.page.keyboard.press("Control+z")
    w.page.keyboard.press("Control+z")
    w.until("document.querySelector('sn-order').past.length === 1")

    w.page.get_by_label("공휴일(대체공휴일 포함)은 따로 정합니다").check()
    w.until("document.querySelectorAll('sn-week-grid .holiday').length === 1")
    cell(7, 20).focus()
    w.page.keyboard.press("Space")
    w.until("document.querySelector('sn-order').draft.curfews[0].rows.some((each) => each.days.join('') === '7')")
    assert ["7", 600, 630] in rows_of(w)
    assert GRAVE(w) == []
    look(w, "admin-week")
    w.page.get_by_role("button", name="허가 더하기").click()
    w.page.get_by_label("종류").last.select_option("removal")
    for name, text in (("신청한 사람", "본인"), ("허가한 사람", "정다섯"), ("무엇 때문에", "MRI 검사")):
        w.page.locator(".op-card.permit").get_by_label(name).fill(text)
        w.page.keyboard.press("Tab")
    assert w.page.evaluate(CLIPPED) == []
    look(w, "admin-permit")
    w.page.click("[data-act=draft]")
    w.page.fill("[name=why]", "2026-가상-0147 변경 결정")
    w.page.get_by_role("button", name="무엇이 바뀌는지 보기").click()
    w.says("허가 내용: 정하지 않음 → 일시분리(장치를 뗌) · 신청 본인 · 허가 정다섯 · MRI 검사")
    w.says("공휴일: 가람시 집, 여느 날과 같음 → 따로 정함")
    w.says("공휴일 표: 0일 → 1일")
    w.page.click(".act-save")
    w.says("안가명의 초안 · 제2판")

    other = opened(language="en", theme="light")
    enter(other, "seo")
    order(other)
    other.page.click("[data-act=enter]")
    other.page.fill("[name=why]", "decision read, matches")
    other.page.get_by_role("button", name="See what would change").click()
    other.page.click(".act-save")
    other.says("in force: version 2")
    with other.page.expect_download() as saved:
        other.page.get_by_role("button", name="Save as iCalendar").click()
    data = Path(saved.value.path()).read_bytes()
    assert b"BEGIN:VEVENT" in data
    other.page.locator("input[type=file]").set_input_files(files=[{"name": "x.ics", "mimeType": "text/calendar", "buffer": data.replace(b"T220000", b"T213000")}])  # fmt: skip
    other.says("Rows read from the calendar: 4")
    assert ["0123456", 1290, 360] in rows_of(other)
    other.page.keyboard.press("Control+z")
    other.until("document.querySelector('sn-order').past.length === 0")
    tab(other, "permits")
    other.says("Planned removal (device off)")
    other.page.get_by_role("button", name="Note leaving, return").click()
    other.page.fill("[name=left_at]", "2026-11-25T09:10")
    other.page.fill("[name=why]", "call of the officer")
    other.page.get_by_role("button", name="See what would change").click()
    other.says("left 25 November 09:10")
    other.page.click(".act-save")
    other.says("left 25 November 09:10")
    assert GRAVE(other) == []
    assert other.page.evaluate(CLIPPED) == []
    look(other, "admin-permits-en-light")
    tab(other, "sets")
    other.says("Public holidays: 1 days")
    assert GRAVE(other) == []


def keys_and_orders(centre: Centre) -> Any:
    """The order in force, as the centre would say it to another administrator."""
    line = http.client.HTTPConnection("127.0.0.1", centre.port)
    said = json.dumps({"account": "seo", "password": deployment.PASSWORD})
    line.request("POST", "/sign-in", said, {"host": f"127.0.0.1:{centre.port}"})
    answer = line.getresponse()
    answer.read()
    own = (answer.getheader("set-cookie") or "").partition(";")[0]
    line.request("POST", "/admin/order", json.dumps({"wearer": "w-order"}), {"cookie": own})
    found = msgspec.json.decode(line.getresponse().read())
    line.close()
    return found["versions"][0]["order"]


def test_a_password_is_shown_once_and_a_closed_account_is_out(centre: Centre, opened: Any, look: Any) -> None:
    w, theirs = opened(), opened()
    enter(w)
    w.page.click("[data-act='do.open_account']")
    w.page.fill("[name=name]", "새사람")
    w.page.fill("[name=login]", "KIM")
    w.page.select_option("[name=post]", "supervisor")
    w.page.fill("[name=why]", "인사 발령")
    w.page.get_by_role("button", name="무엇이 바뀌는지 보기").click()
    assert w.page.evaluate("document.querySelector('[name=login]').validity.patternMismatch"), "said before it is sent"
    w.page.fill("[name=login]", "kim")
    w.page.get_by_role("button", name="무엇이 바뀌는지 보기").click()
    w.says("이미 쓰인 계정 이름입니다")
    w.page.fill("[name=login]", "newbie")
    w.page.get_by_role("button", name="무엇이 바뀌는지 보기").click()
    w.says("관제팀장 계정이 열립니다")
    w.page.click(".act-save")
    w.until("document.querySelector('.secret dd')")
    password = w.page.locator(".secret dd").inner_text()
    look(w, "admin-secret")
    w.page.keyboard.press("Escape")
    assert w.page.locator("dialog[open]").count() == 1, "nobody loses it by one key"
    w.page.click(".act-noted")
    w.until("!document.querySelector('dialog[open]')")
    assert password not in w.page.content()
    enter_as(theirs, "newbie", password)
    w.until("document.querySelector('[data-person^=P-]')")
    w.page.get_by_role("button", name="계정 닫기: 새사람").click()
    w.page.fill("[name=why]", "잘못 연 계정")
    w.page.get_by_role("button", name="무엇이 바뀌는지 보기").click()
    w.page.click(".act-save")
    theirs.until("location.pathname === '/'", 20)


def enter_as(w: Any, login: str, password: str) -> None:
    w.go("/")
    w.until("document.querySelector('form')")
    w.page.fill("[name=account]", login)
    w.page.fill("[name=password]", password)
    w.page.keyboard.press("Enter")
    w.until("location.pathname === '/supervisor'")
