"""Lists that stand in two places say the same in both."""

import ast
import re
import tomllib
import typing
from collections import Counter
from enum import Enum
from pathlib import Path

import msgspec
import pytest

from safetynet.app import archive, intake, reports
from safetynet.core import alarms, events, law, terms
from safetynet.core.lists.words import Problem, Repair
from safetynet.core.terms import AlarmKind, Disposition, WearerClass
from safetynet.edge.store import Restoration

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "safetynet"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SABOTAGES = tomllib.loads((ROOT / "tools" / "sabotages.toml").read_text())["sabotage"]
OPERATING = (ROOT / "docs" / "operating.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
PYTHON = sorted(path for path in HOUSE.rglob("*.py") if "node_modules" not in path.parts)


def calls(files=PYTHON):
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield node


def constants(node):
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


# --- code against code ---------------------------------------------------------------------------------------------


def test_the_console_closes_with_every_code_and_no_other():
    found = re.search(r"export const CODES = \[([^\]]+)\]", (HOUSE / "console" / "choices.js").read_text())
    assert found
    codes = re.findall(r"'(\w+)'", found[1])
    assert sorted(codes) == sorted(each.value for each in Disposition)
    assert len(codes) <= 9, "each has a digit for its key"


def test_every_reason_for_quarantine_is_said():
    assert set(intake._SAID) == set(Problem)
    assert all(" · " in said for said in intake._SAID.values()), "Korean and English"


def test_the_record_on_the_screen_and_on_paper_read_the_same_words():
    found = re.search(r"^const DETAILS = \{([^}]+)\}", (HOUSE / "console" / "sheet.js").read_text(), re.MULTILINE)
    assert found
    assert dict(re.findall(r"(\w+): '(\w+)'", found[1])) == dict(reports.ENUM_OF)
    assert set(archive.WORDS) >= set(reports.ENUM_OF) - {"reason", "change"}, "a word that no line brings is never read"


def test_what_is_no_ground_for_video_hides_none_that_is():
    nowhere = {
        kind for kind in AlarmKind if all(isinstance(law.basis(each, kind), law.NoBasis) for each in WearerClass)
    }
    assert nowhere == alarms.GROUNDLESS


def test_what_a_store_declares_and_what_is_recorded_have_the_same_words():
    declared = {each.name for each in msgspec.structs.fields(Restoration)}
    recorded = {each.name for each in msgspec.structs.fields(events.LogRestored)}
    assert recorded == declared | {"at"}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each["name"])
def test_a_sabotage_still_finds_its_place(sabotage):
    """Whether it is caught is `make sabotage`; that it can be tried at all is asked here, in no time."""
    file = ROOT / sabotage["file"]
    assert file.is_file()
    assert file.read_text().count(sabotage["old"]) == 1
    assert sabotage["new"] != sabotage["old"]
    tests = [each.partition("::") for each in sabotage["tests"] if each.startswith("tests/")]
    assert tests
    for path, _, name in tests:
        assert (ROOT / path).exists(), path
        assert not name or f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), name


def test_no_two_sabotages_have_one_name():
    assert [name for name, n in Counter(each["name"] for each in SABOTAGES).items() if n > 1] == []


# --- documents against code ----------------------------------------------------------------------------------------


def test_every_metric_is_in_the_manual():
    makers = {"gauge", "gauges", "counter", "counters", "timing", "_counted"}
    named = {
        node.args[0].value
        for node in calls()
        if getattr(node.func, "attr", getattr(node.func, "id", "")) in makers
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    assert len(named) > 25
    assert sorted(name for name in named if not re.search(rf"`{name}[`{{]", OPERATING)) == []


def test_every_word_of_the_logs_is_in_the_manual():
    own = [node for node in calls([HOUSE / "edge" / "log.py"]) if ast.unparse(node.func) == "say"]
    said = {
        word
        for node in [*own, *(each for each in calls() if ast.unparse(each.func) == "log.say")]
        for word in constants(node.args[0])
    }
    assert {"starting", "link_up", "library"} <= said
    assert sorted(word for word in said if f"`{word}`" not in OPERATING) == []


def test_every_reason_for_quarantine_is_in_the_manual():
    assert sorted(each.value for each in (*Problem, *Repair) if f"`{each.value}`" not in OPERATING) == []


def test_every_event_is_in_the_glossary():
    kinds = {kind.__struct_config__.tag: kind.__name__ for kind in typing.get_args(events.AnyEvent)}
    rows = dict(re.findall(r"\| `(\w+)` \| `(\w+)` \|$", GLOSSARY, re.MULTILINE))
    assert {tag: name for tag, name in kinds.items() if rows.get(tag) != name} == {}


def test_every_enum_is_in_the_glossary():
    """Its name too, not only its members (tests/house/test_house.py)."""
    enums = {
        each.__name__ for each in vars(terms).values() if isinstance(each, type) and issubclass(each, Enum) and each.__module__ == terms.__name__
    }  # fmt: skip
    assert sorted(name for name in enums if f"`{name}`" not in GLOSSARY) == []


def test_every_room_is_in_the_codemap():
    codemap = ARCHITECTURE[ARCHITECTURE.index("## Codemap") : ARCHITECTURE.index("## Invariants")]
    parts = {part.partition(" ")[0]: part for part in re.split(r"^### ", codemap, flags=re.MULTILINE)[1:]}
    missing = []
    for floor in ("core", "edge", "app", "sim"):
        for path in (HOUSE / floor).rglob("*.py"):
            if path.stem != "__init__" and not re.search(rf"`(?:[\w./]+/)?{path.stem}`", parts[floor]):
                missing.append(str(path.relative_to(HOUSE)))
    for path in (HOUSE / "console").glob("*.js"):
        if f"`{path.stem}`" not in parts["console"] and f"`{path.name}`" not in parts["console"]:
            missing.append(path.name)
    assert sorted(missing) == []


def test_every_room_and_file_that_the_codemap_names_exists():
    named = re.findall(r"`((?:core|edge|app|sim|console|tests|docs|tools|bench)/[\w./-]+?)(?::[\w.]+)?`", ARCHITECTURE)
    assert len(named) > 60
    gone = [
        name
        for name in set(named)
        if not any((base / (name + end)).exists() for base in (ROOT, HOUSE) for end in ("", ".py", ".js"))
    ]
    assert sorted(gone) == []


def test_every_name_in_a_file_that_the_architecture_names_stands_there():
    named = re.findall(r"`([\w/]+\.py):([\w.]+)`", ARCHITECTURE)
    assert len(named) > 40
    gone = [
        f"{path}:{name}"
        for path, name in named
        for part in name.split(".")
        if not re.search(rf"\b(?:def|class) {part}\b|^{part}\b", (HOUSE / path).read_text(), re.MULTILINE)
    ]
    assert gone == []


def test_every_test_that_a_document_names_exists():
    defined = {
        path.relative_to(ROOT).as_posix(): set(re.findall(r"def (test_\w+)\(", path.read_text()))
        for path in (ROOT / "tests").rglob("*.py")
    }
    every_name = {name for names in defined.values() for name in names} | {Path(path).stem for path in defined}
    gone = []
    count = 0
    for document in DOCUMENTS:
        text = document.read_text()
        for path, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", text):
            count += 1
            if path not in defined or (name and name not in defined[path]):
                gone.append((document.name, path, name))
        gone += [(document.name, "", name) for name in set(re.findall(r"\btest_\w+", text)) - every_name]
    assert count > 60
    assert gone == []
