"""The law table's page: every line as the centre's own table has it, in both languages, and on paper."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_pages import CLIPPED, CROSSED, grave

from safetynet.app import statute
from safetynet.core import law
from safetynet.core.terms import AlarmKind, WearerClass

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("language", "theme", "width", "height"),
    [("ko", "dark", 1920, 1080), ("en", "light", 1366, 768), ("en", "dark", 1920, 1080)],
)
def test_every_line_is_there_accessible_and_not_clipped(centre: Any, scene: Any, opened: Any, look: Any, language: str, theme: str, width: int, height: int) -> None:  # fmt: skip
    centre.law = statute.table()
    w = opened(language=language, theme=theme, width=width, height=height)
    w.go("/law")
    w.until(f"document.querySelectorAll('.lw-table th[scope=row]').length === {len(law.TABLE)}")
    w.until("document.querySelector('.who')?.textContent")
    assert grave(w) == []
    assert w.page.evaluate(CLIPPED) == []
    assert w.page.evaluate(CROSSED) is False
    text = w.page.evaluate("document.body.innerText")
    assert "{" not in text
    assert ("법률가가 아직 확인하지 않았습니다" if language == "ko" else "no lawyer has confirmed it yet") in text
    for line in json.loads(centre.law)["lines"]:
        assert line["article_ko" if language == "ko" else "article_en"] in text
    look(w, f"law-{language}-{theme}-{width}")


def test_it_is_narrowed_by_keyboard_and_prints_without_the_screen(centre: Any, opened: Any, look: Any) -> None:
    centre.law = statute.table()
    w = opened(width=794, height=1123)
    w.go("/law")
    w.until(f"document.querySelectorAll('.lw-table th[scope=row]').length === {len(law.TABLE)}")
    w.page.locator("select[name=class]").focus()
    for _ in range(4):
        w.page.keyboard.press("ArrowDown")
    w.until(f"document.querySelectorAll('.lw-table th[scope=row]').length === {len(AlarmKind)}")
    assert w.page.locator(".lw-mark.yes").count() == 0, "on bail nothing opens"
    w.page.locator("select[name=answer]").select_option("yes")
    w.says("해당하는 줄이 없습니다")
    w.page.locator("select[name=class]").select_option("order")
    opening = sum(who is WearerClass.ORDER and isinstance(rule, law.Rule) for (who, _), rule in law.TABLE.items())
    assert opening > 5
    w.until(f"document.querySelectorAll('.lw-mark.yes').length === {opening}")
    w.page.emulate_media(media="print")
    shown = w.page.evaluate("[...document.querySelectorAll('sn-header, .lw-find, .lw-go, .lw-un')].filter((e) => e.getClientRects().length).map((e) => e.className)")  # fmt: skip
    assert shown == ["lw-un"], "that no lawyer has confirmed it stands on the paper too"
    look(w, "law-print")


def test_a_table_that_does_not_come_says_so_and_is_asked_for_again(centre: Any, opened: Any) -> None:
    w = opened()
    w.go("/law")
    w.says("표를 불러오지 못했습니다")
    centre.law = statute.table()
    w.page.locator("[data-again]").focus()
    w.page.keyboard.press("Enter")
    w.until(f"document.querySelectorAll('.lw-table th[scope=row]').length === {len(law.TABLE)}")
    w.faults.clear()  # the 503 itself


def test_every_word_of_the_table_has_both_texts() -> None:
    from safetynet.edge import texts

    known = texts.table()
    told = json.loads(statute.table())
    wanted = {f"Route.{each['word']}" for line in told["lines"] for each in line.get("routes", [])}
    wanted |= {f"LegalPurpose.{line['purpose']}" for line in told["lines"] if line["basis"]}
    wanted |= {f"Condition.{each}" for line in told["lines"] for each in line.get("conditions", [])}
    wanted |= {f"Condition.{each}" for each in told["field"]["conditions"]}
    assert sorted(wanted - known.keys()) == []
