"""After an erasure nobody can read it again, not even with the whole disk and every key that is left."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from safetynet.core import events as e
from safetynet.core.terms import AlarmId, CentreId, IncidentId, Instant, SubjectId, WearerId
from safetynet.edge.keys import open_centre, salt
from safetynet.edge.store import Store

ME = CentreId("control")


def store_in(folder: Path) -> Store:
    keys = open_centre(folder)
    return Store.open(folder / "log.db", centre=ME, keys=keys.persons, sign=keys.sign, salt=salt)


def event(wearer: int, at: int = 1) -> e.IncidentOpened:
    return e.IncidentOpened(
        at=Instant(at), incident=IncidentId("i"), wearer=WearerId(f"w-{wearer}"), alarm=AlarmId("a")
    )


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("log.db*")))


def wrapped_keys(store: Store) -> dict[str, bytes]:
    return {
        subject: wrapped[4:size]
        for subject, size, wrapped in store._db.execute("select subject, size_bytes, wrapped from wrapped_key")
    }


def test_the_key_is_gone_from_database_and_write_ahead_log(tmp_path):
    store = store_in(tmp_path)
    store.commit([event(1), event(2)])
    store.put_person(SubjectId("wearer:w-1"), b"made up")
    keys = wrapped_keys(store)
    assert all(key in files(tmp_path) for key in keys.values()), "or this test proves nothing"
    leaves = list(store.leaves())
    store.erase(SubjectId("wearer:w-1"))
    left = files(tmp_path)
    assert keys["wearer:w-1"] not in left
    assert keys["wearer:w-1"][12:44] not in left, "nor a part of it"
    assert keys["wearer:w-2"] in left
    assert list(store.leaves()) == leaves
    assert [serial for serial, _ in store.events()] == [2]
    store.close()
    assert keys["wearer:w-1"] not in files(tmp_path)


def test_no_copy_is_left_among_thousands_of_keys_in_any_order(tmp_path):
    """Trees that rebalance leave copies of moved cells behind; ours must not."""
    dice = random.Random(1)
    order = list(range(2_000))
    dice.shuffle(order)
    store = store_in(tmp_path)
    for start in range(0, len(order), 50):
        store.commit([event(wearer) for wearer in order[start : start + 50]])
        for wearer in order[start : start + 50 : 10]:
            store.put_person(SubjectId(f"wearer:w-{wearer}"), b"x" * dice.randint(10, 900))
    keys = wrapped_keys(store)
    gone = dice.sample(order, 40)
    for wearer in gone:
        store.erase(SubjectId(f"wearer:w-{wearer}"))
    left = files(tmp_path)
    assert all(keys[f"wearer:w-{wearer}"] not in left for wearer in gone)
    assert sum(key in left for key in keys.values()) == 2_000 - 40
    assert len(list(store.events())) == 2_000 - 40
    store.close()


def test_a_key_that_comes_back_is_another_key(tmp_path):
    store = store_in(tmp_path)
    store.commit([event(1)])
    first = wrapped_keys(store)["wearer:w-1"]
    store.erase(SubjectId("wearer:w-1"))
    store.commit([event(1, at=2)])
    assert wrapped_keys(store)["wearer:w-1"] != first
    store.close()
    store = store_in(tmp_path)
    assert list(store.events()) == [(2, event(1, at=2))]
    store.close()


def test_a_reader_that_holds_on_is_reported_and_the_next_start_finishes(tmp_path, monkeypatch):
    monkeypatch.setattr("safetynet.edge.store.BUSY_MS_MAX", 50)
    store = store_in(tmp_path)
    store.commit([event(1)])
    key = wrapped_keys(store)["wearer:w-1"]
    reader = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from event").fetchone()
    with pytest.raises(TimeoutError):
        store.erase(SubjectId("wearer:w-1"))
    assert list(store.events()) == []
    reader.close()
    store.close()
    store_in(tmp_path).close()
    assert key not in files(tmp_path)


def test_power_cut_between_decision_and_truncation_is_finished_at_the_next_start(tmp_path):
    store = store_in(tmp_path)
    store.commit([event(1)])
    key = wrapped_keys(store)["wearer:w-1"]
    store.close()
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "import test_erase as t; s = t.store_in(Path(sys.argv[1])); s.commit([t.event(1)]);"
        "s.erase('wearer:w-1')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(Path(__file__).parent)],
        env={**os.environ, "SAFETYNET_FAILPOINT": "store.erased_before_truncate", "PYTHONPATH": str(Path.cwd())},
        timeout=60,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    store = store_in(tmp_path)
    assert key not in files(tmp_path)
    assert list(store.events()) == []
    store.close()
