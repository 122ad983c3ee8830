"""The rules of the house as tests: docs/adr/0001 and CONTRIBUTING say why."""

import ast
import json
import os
import re
import subprocess
import tomllib
from enum import Enum
from pathlib import Path

import pytest
from msgspec import MsgspecError

from safetynet.core import terms
from safetynet.edge.codec import NONSENSE

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "safetynet"
FILES = sorted(path for path in HOUSE.rglob("*.py") if "node_modules" not in path.parts)
TEXTS = {path.relative_to(HOUSE).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}
LINES_MAX = 700
FUNCTION_LINES_MAX = 80


def floor(name):
    return {file: tree for file, tree in TREES.items() if file.startswith(f"{name}/")}


def calls(tree, what):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == what:
                yield node


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_there_is_a_house():
    assert len(TREES) > 60
    assert {name.partition("/")[0] for name in TREES if "/" in name} >= {"core", "edge", "app", "sim"}


def test_only_grants_makes_tickets():
    makers = [name for name, tree in TREES.items() for _ in calls(tree, "Ticket")]
    assert makers == ["core/grants.py"]


def test_nothing_is_awaited_in_core():
    waiting = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
    assert [name for name, tree in floor("core").items() for node in ast.walk(tree) if isinstance(node, waiting)] == []


def test_only_the_clock_knows_the_time():
    """sim drives made clocks and may measure itself by the real one."""
    users = {name for name, tree in TREES.items() if "time" in set(imports(tree)) and not name.startswith("sim/")}
    assert users == {"edge/clock.py"}


def test_nobody_asks_a_library_what_time_it_is():
    asked = [
        (name, node.lineno)
        for name, tree in TREES.items()
        for what in ("now", "utcnow", "today")
        for node in calls(tree, what)
        if isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value).split(".")[-1] in ("datetime", "date", "dt")
    ]
    assert asked == []


def test_a_room_fits_a_head():
    assert {name: count for name, text in TEXTS.items() if (count := text.count("\n")) > LINES_MAX} == {}


def test_a_function_fits_a_screen():
    long = {
        f"{name}:{node.name}": node.end_lineno - node.lineno + 1
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_every_room_says_what_it_is_for():
    silent = [name for name, tree in TREES.items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_is_caught_and_passed_over():
    """A handler that only passes must say why on that very line; a bare or a broad one may not pass at all."""
    silent = []
    for name, tree in TREES.items():
        lines = TEXTS[name].splitlines()
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler) or not all(
                isinstance(e, ast.Pass | ast.Continue) for e in node.body
            ):
                continue
            broad = node.type is None or "Exception" in ast.unparse(node.type).split(".")[-1].split(", ")
            said = any("#" in line for line in lines[node.lineno - 1 : node.end_lineno])
            if (isinstance(node.body[0], ast.Pass) and (broad or not said)) or broad:
                silent.append((name, node.lineno))
    assert silent == []


def test_only_a_command_prints():
    """core and edge never do, but for a program's one word that it is ready."""
    printing = {name for name, tree in TREES.items() if any(calls(tree, "print"))}
    assert {name for name in printing if name.startswith(("core/", "edge/"))} <= {"edge/process.py"}
    without_main = {
        name
        for name in printing
        if not name.startswith(("edge/", "sim/"))
        and not any(isinstance(node, ast.FunctionDef) and node.name.endswith("main") for node in TREES[name].body)
    }
    assert without_main == set()


def test_every_room_of_core_stands_in_the_order_of_the_story():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (order,) = [each for each in contracts if each["name"].startswith("The rooms of core")]
    assert order["exhaustive"] is True
    said = {room.strip() for layer in order["layers"] for room in layer.split("|")}
    built = {
        path.stem for path in (HOUSE / "core").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    built -= {"__init__", "__pycache__"}
    assert built == {room for room in said if not room.startswith("(")}, "built, but in parentheses or absent"


def test_names_that_say_nothing_are_not_used():
    for name in TREES:
        assert not re.search(r"(manager|helper|util|common)", Path(name).name), name


# --- what is in the repository -------------------------------------------------------------------------------------


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no repository here")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


REGISTRY = re.compile(
    "|".join(
        (
            "pypi" + r"\.org",
            "files" + r"\.pythonhosted",
            "registry" + r"\.npmjs",
            "proxy" + r"\.golang",
            r"(?<!emit-)index-" + "url",
        )
    )
)
OWN_PATH = re.compile(r"(?<![\w.~])/(?:root|home/\w+|Users/\w+|work)/\w")


def test_no_registry_and_no_path_of_a_machine_is_written_down():
    found = []
    for path in tracked():
        if path.is_symlink() or path.stat().st_size > 2_000_000 or path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and recordings
        found += [
            (str(path.relative_to(ROOT)), hit.group()) for hit in (*REGISTRY.finditer(text), *OWN_PATH.finditer(text))
        ]
    assert found == []


def test_no_key_is_in_the_repository():
    kinds = {".key", ".pem", ".db", ".sock"}
    assert [path.name for path in tracked() if path.suffix in kinds] == []
    mark = "-----BEGIN " + "PRIVATE KEY"
    assert [
        path.name for path in tracked() if path.suffix in {".py", ".json", ".md", ".js"} and mark in path.read_text()
    ] == []


def test_the_locks_hold_hashes_and_no_addresses():
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        pinned = re.findall(r"^([\w.\-\[\]]+)==([^\s;\\]+)", text, re.MULTILINE)
        blocks = re.split(r"^(?=[\w.\-\[\]]+==)", text, flags=re.MULTILINE)[1:]
        assert len(blocks) == len(pinned) > 0, path.name
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == [], path.name
        assert not re.search(r"https?://", re.sub(r"#.*", "", text)), path.name


def test_the_consoles_lock_too():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name and not each.get("link")}
    assert packages
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if "integrity" not in each] == []


def test_the_readme_names_the_doors():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("no README yet")
    for door in ("make demo", "make test"):
        assert door in readme.read_text()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test", "check", "setup", "help"} <= set(targets)


def test_the_glossary_has_every_member_of_every_enum():
    glossary = ROOT / "docs" / "glossary.md"
    if not glossary.exists():
        pytest.skip("no glossary yet")
    text = glossary.read_text()
    missing = [
        f"{kind.__name__}.{each.name}"
        for kind in vars(terms).values()
        if isinstance(kind, type) and issubclass(kind, Enum) and kind.__module__ == terms.__name__
        for each in kind
        if not re.search(rf"\b({each.name}|{re.escape(str(each.value))})\b", text)
    ]
    assert missing == []


def test_the_rooms_of_the_house_can_be_imported_without_a_side_effect(tmp_path):
    """Importing decides, opens and writes nothing: a program begins in its `main`."""
    names = [f"safetynet.{name[:-3].replace('/', '.')}" for name in TREES if name.startswith(("core/", "app/"))]
    names = [name.removesuffix(".__init__") for name in names]
    script = "import sys\nsys.dont_write_bytecode = True\nimport importlib\n" + "".join(
        f"importlib.import_module({name!r})\n" for name in names
    )
    ran = subprocess.run(
        [os.sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert list(tmp_path.iterdir()) == []


# --- what comes from outside ---------------------------------------------------------------------------------------

CAUGHT_BY_THE_CALLER = {
    ("edge/devices/osmand.py", "_from_json"),
    ("edge/lists/reading.py", "_member"),
    ("edge/lists/reading.py", "_records"),
    ("edge/relay/centre.py", "_asked"),
    ("edge/relay/city.py", "_open"),
    ("edge/relay/uplink.py", "_take"),
}
OF_OUR_OWN = {
    ("edge/registry.py", "read_descriptions"),
    ("app/backup.py", "restore_main"),
    ("app/control.py", "_camera_count"),
    ("app/people.py", "__init__"),
    ("app/people.py", "units"),
    ("app/reports.py", "read_roads"),
    ("app/site.py", "_connect"),
    ("app/standing.py", "guarded"),
    ("app/standing.py", "kept"),
    ("app/standing.py", "record"),
    ("edge/recorder.py", "of"),
    ("edge/config.py", "read"),
    ("edge/config.py", "read_addresses"),
    ("edge/config.py", "read_carriers"),
    ("edge/keys.py", "read_peers"),
    ("edge/policy.py", "_permits"),
    ("edge/relay/log.py", "close_left_open"),
    ("edge/relay/log.py", "pending"),
    ("edge/relay/wire.py", "run"),
    ("edge/sources/ptz.py", "read"),
}
"""What this centre wrote itself: broken, it ends the command or the start, and must."""


def decodes(tree):
    """(function, decode by msgspec, whether a `try` around it catches NONSENSE): by its functions, or by a `Decoder`."""
    made = {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and "Decoder(" in ast.unparse(node)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    if any("Decoder" in ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)):
        made |= {"decoder"}

    def below(node, function, caught):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function, caught = node.name, False
        if isinstance(node, ast.Try | ast.TryStar):
            told = caught or any(each.type and "NONSENSE" in ast.unparse(each.type) for each in node.handlers)
            for each in node.body:
                yield from below(each, function, told)
            for each in (*node.handlers, *node.orelse, *node.finalbody):
                yield from below(each, function, caught)
            return
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decode":
            what = ast.unparse(node.func.value)
            if what in {"msgspec.json", "msgspec.msgpack", "msgspec.toml"} or what in made:
                yield function, caught
        for each in ast.iter_child_nodes(node):
            yield from below(each, function, caught)

    yield from below(tree, "", caught=False)


def test_whoever_decodes_what_came_from_outside_catches_all_that_a_decoder_raises():
    """Text that is no UTF-8 and deep nesting are no MsgspecError: catching only that one stopped whole centres."""
    rooms = floor("edge") | floor("app")
    assert (MsgspecError, UnicodeDecodeError, RecursionError) == NONSENSE
    assert sum(1 for tree in rooms.values() for _ in decodes(tree)) > 40, "the search finds them"
    bare = {(name, function) for name, tree in rooms.items() for function, caught in decodes(tree) if not caught}
    assert bare <= CAUGHT_BY_THE_CALLER | OF_OUR_OWN
    narrow = [
        (name, node.lineno)
        for name, tree in rooms.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type and "msgspec." in ast.unparse(node.type)
    ]
    assert narrow == []
