"""Files of past footage in two ledgers: what was provided is what was received, or the outsider names it."""

import hashlib
import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_verify import Country, at, country  # noqa: F401

from safetynet.core.events.footage import FootageLost, FootageProvided, FootageReceived
from safetynet.core.terms import DAY_MS, Why

PIECES = b"1" * 32 + b"2" * 32


def provided(**but):
    made = {"at": at(800), "incident": "incident-1", "footage": "F-1", "receiver": "control", "camera": "garam-7", "since": at(0), "until": at(60), "size_bytes": 300_000, "sha256": b"s" * 32, "pieces": PIECES}  # fmt: skip
    return FootageProvided(**(made | but))


def received(**but):
    made = {"at": at(810), "incident": "incident-1", "footage": "F-1", "city": "garam", "camera": "garam-7", "size_bytes": 300_000, "sha256": b"s" * 32, "pieces_sha256": hashlib.sha256(PIECES).digest(), "expires_at": at(90_000)}  # fmt: skip
    return FootageReceived(**(made | but))


def later(event):
    return msgspec.structs.replace(event, at=event.at + 3 * DAY_MS)


def told(country, given, got, *, long_after=True):  # noqa: F811
    end = [later(country.given[-1])] if long_after else []
    country.given += [*given, *end]
    country.received += got
    return country.publish().verify()


def test_footage_that_is_alike_in_both_holds(country):  # noqa: F811
    verdict = told(country, [provided()], [received()])
    assert verdict.faults == []
    assert (verdict.footage, verdict.footage_pending, verdict.footage_undelivered) == (1, 0, 0)


@pytest.mark.parametrize(
    ("but", "word"),
    [
        ({"sha256": b"t" * 32}, "sha256"),
        ({"size_bytes": 300_001}, "size"),
        ({"pieces_sha256": b"t" * 32}, "pieces"),
        ({"incident": "incident-2"}, "incident"),
    ],
)
def test_footage_that_differs_is_named(country, but, word):  # noqa: F811
    (fault,) = told(country, [provided()], [received(**but)]).faults
    assert (fault.log, "F-1 of garam-7 differs" in fault.what, word in fault.what) == ("garam", True, True)


def test_footage_of_one_side_is_named(country):  # noqa: F811
    faults = told(country, [provided(), provided(camera="garam-8")], [received(), received(camera="garam-9")]).faults
    assert sorted((each.log, each.what) for each in faults) == [
        ("control", "footage F-1 of garam-9 is received here and provided by no other log"),
        ("garam", "footage F-1 of garam-8 is provided here and received by no other log"),
    ]


def test_footage_that_is_still_being_fetched_is_no_fault(country):  # noqa: F811
    verdict = told(country, [provided()], [], long_after=False)
    assert (verdict.faults, verdict.footage_pending) == ([], 1)


def test_footage_that_the_receiver_says_it_never_had_is_counted(country):  # noqa: F811
    lost = FootageLost(at=at(820), incident="incident-1", footage="F-1", city="garam", camera="garam-7", why=Why.BAD_HASH)  # fmt: skip
    verdict = told(country, [provided()], [lost])
    assert (verdict.faults, verdict.footage_undelivered) == ([], 1)


def test_footage_twice_or_by_one_hand_is_named(country):  # noqa: F811
    faults = told(country, [provided(), provided(), received()], []).faults
    assert {each.what.partition(" is provided")[0] for each in faults if "twice" in each.what} == {"footage F-1 of garam-7"}  # fmt: skip
    assert any("one centre recorded both sides" in each.what for each in faults)
