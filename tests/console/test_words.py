"""Every word that can reach a page has a Korean and an English text."""

import inspect
import json
import re
import shutil
import subprocess
from enum import Enum
from pathlib import Path
from typing import get_args

import pytest

from safetynet.core import events, jurisdictions, terms

SCRIPTS = {
    "index": "sign-in",
    "operator": "operator",
    "field": "field",
    "protected": "protected",
    "incidents": "incidents",
    "supervisor": "supervisor",
    "law": "law",
    "wall": "wall-window",
    "city": "city",
    "admin": "admin",
}
CONSOLE = Path(__file__).resolve().parent.parent.parent / "safetynet" / "console"


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on PATH")
    script = f"import({json.dumps((CONSOLE / 'messages.js').as_uri())}).then(m => console.log(JSON.stringify(m.TEXT)))"
    done = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, check=True, text=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


ENUMS = [each for _, each in inspect.getmembers(terms, inspect.isclass) if issubclass(each, Enum) and each.__module__ == terms.__name__]  # fmt: skip


def test_every_member_of_every_enum_has_both_texts(texts: dict[str, list[str]]) -> None:
    assert len(ENUMS) >= 10
    missing = [f"{e.__name__}.{m.value}" for e in ENUMS for m in e if f"{e.__name__}.{m.value}" not in texts]
    assert missing == []


def test_who_is_competent_and_why_nobody_is_have_both_texts(texts: dict[str, list[str]]) -> None:
    words = [f"OfficeKind.{each.value}" for each in jurisdictions.Kind]
    words += [f"Finding.{each.value}" for each in jurisdictions.Finding]
    assert [word for word in words if word not in texts] == []


def test_every_event_has_both_texts(texts: dict[str, list[str]]) -> None:
    tags = [f"event.{each.__struct_config__.tag}" for each in get_args(events.AnyEvent)]
    assert [tag for tag in tags if tag not in texts] == []


def test_texts_are_pairs_with_the_same_blanks(texts: dict[str, list[str]]) -> None:
    for key, pair in texts.items():
        assert len(pair) == 2, key
        assert all(pair), key
        ko, en = (set(re.findall(r"\{(\w+)\}", text)) for text in pair)
        assert ko == en, key


def test_every_fixed_key_that_a_module_asks_for_exists(texts: dict[str, list[str]]) -> None:
    asked = {
        (path.name, key) for path in CONSOLE.glob("*.js") for key in re.findall(r"\bt\('([^']+)'", path.read_text())
    }
    assert len(asked) > 100
    assert sorted(each for each in asked if each[1] not in texts) == []


def test_korean_avoids_written_out_particles(texts: dict[str, list[str]]) -> None:
    assert [key for key, (ko, _) in texts.items() if re.search(r"을\(를\)|이\(가\)|은\(는\)|!", ko)] == []


def test_no_page_holds_a_script_or_a_style_of_its_own() -> None:
    for page in CONSOLE.glob("*.html"):
        text = page.read_text()
        assert "<style" not in text
        assert not re.search(r"\sstyle=|\son\w+=", text), page
        assert re.findall(r"<script[^>]*>", text) == [f'<script type="module" src="/console/{SCRIPTS[page.stem]}.js">']  # fmt: skip
        assert text.count("<!--importmap-->") == 1
    assert json.loads((CONSOLE / "importmap.json").read_text())["imports"]["lit"] == "/console/vendor/lit/index.js"
