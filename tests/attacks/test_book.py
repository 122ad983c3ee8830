"""The book of attacks: what it must hold, and some of it made, so that the rest can be."""

import asyncio
import importlib
import sys
import tomllib
from pathlib import Path

import ports
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
attacks = importlib.import_module("tools.attacks.__main__")
for room in attacks.ROOMS:
    importlib.import_module(f"tools.attacks.{room}")
BOOK = importlib.import_module("tools.attacks.book").BOOK
SABOTAGES = {each["name"] for each in tomllib.loads((ROOT / "tools" / "sabotages.toml").read_text())["sabotage"]}
ATTACKS_MIN = 40
QUICK = (
    "a device's key by guessing",
    "an act through a foreign name for this host",
    "which accounts there are, by the answer",
)


def test_there_are_many_and_each_control_has_its_defence():
    assert len(BOOK) >= ATTACKS_MIN
    named = [each.control for each in BOOK.values() if each.control is not None]
    assert set(named) <= SABOTAGES
    assert len(named) >= ATTACKS_MIN // 2


@pytest.mark.timeout(300)
def test_some_are_made_and_held():
    chosen = [BOOK[each] for each in QUICK]
    found = asyncio.run(attacks.run(chosen, ports.take(60), quiet=True))
    assert found == dict.fromkeys(QUICK)


def test_an_attack_that_cannot_be_made_has_not_held():
    async def absent(_):
        raise FileNotFoundError("no product")

    one = importlib.import_module("tools.attacks.book").Attack("x", None, absent, None)
    assert asyncio.run(attacks._made(None, one)) == "could not be made: FileNotFoundError: no product"
