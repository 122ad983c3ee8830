"""The promise of the loop: an event is on disk before anything leaves, and everything takes effect once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.app.loop import BATCH_MAX, Loop, RelayMark, Send, Taken
from safetynet.core import events as e
from safetynet.core.terms import CentreId, Instant
from safetynet.edge import codec
from safetynet.edge.doors import InboxKey
from safetynet.edge.store import Fenced
from safetynet.sim.memory import Memory

sys.path.insert(0, str(Path(__file__).parent))
import counter

INPUTS = 12


def memory() -> Memory:
    return Memory(centre=CentreId("control"), sign=lambda data: data[:64], now=lambda: Instant(1), seed=1)


def contents(log) -> tuple:
    return (
        list(log.events()),
        [codec.encode_envelope(each) for each in log.pending(counter.PARTNER, 0, 1_000)],
        [log.seen(InboxKey(counter.PARTNER, 1, each)) for each in range(50)],
        log.relay_mark("r"),
    )


def test_an_input_becomes_events_state_messages_and_errands():
    log = memory()
    loop = counter.looped(log)
    assert loop.take(3, Instant(9)) == ["push 1", "push 2"]
    assert loop.state == (1, 1, ("3 after 0", "i-3"))
    assert [serial for serial, _ in log.events()] == [1, 2]
    assert [each.seq for each in log.pending(counter.PARTNER, 0, 9)] == [1]


def test_what_was_taken_under_a_key_has_no_effect_again():
    log = memory()
    loop = counter.looped(log)
    key = InboxKey(counter.PARTNER, 1, 1)
    assert loop.take(1, Instant(1), key) == ["push 1"]
    before = contents(log)
    assert loop.take(1, Instant(2), key) == []
    assert counter.looped(log).take(1, Instant(3), key) == [], "nor after a start"
    assert contents(log) == before


def test_a_key_is_kept_even_when_nothing_was_decided():
    log = memory()
    key = InboxKey(counter.PARTNER, 1, 5)
    assert counter.looped(log).take(5, Instant(1), key) == []
    assert log.seen(key)
    assert log.head() == 0


def test_a_relay_mark_is_taken_once_and_only_upwards():
    log = memory()
    loop = counter.looped(log)
    assert loop.take(1, Instant(1), relay_mark=RelayMark("r", 10)) == ["push 1"]
    assert loop.take(1, Instant(1), relay_mark=RelayMark("r", 10)) == []
    assert loop.take(1, Instant(1), relay_mark=RelayMark("r", 9)) == []
    assert loop.take(1, Instant(1), relay_mark=RelayMark("r", 11)) == ["push 2"]
    assert loop.take(1, Instant(1), relay_mark=RelayMark("other", 1)) == ["push 3"]


def test_nothing_decided_and_no_key_is_no_commit():
    log = memory()
    log.commit = None  # type: ignore[assignment] # would fail if it were called
    assert counter.looped(log).take(5, Instant(1)) == []


def test_our_own_mistake_comes_out_and_leaves_nothing():
    log = memory()
    loop = counter.looped(log)
    with pytest.raises(AssertionError, match="our own mistake"):
        loop.take_many([counter.taken(each) for each in (1, 3, 13)])
    assert (loop.state, contents(log)) == (counter.EMPTY, contents(memory()))


def test_a_disk_that_refuses_leaves_the_state_as_it_was(tmp_path):
    store = counter.store_in(tmp_path)
    loop = counter.looped(store)
    loop.take(1, Instant(1))
    store._db.execute("pragma query_only = on")
    with pytest.raises(Fenced):
        loop.take(2, Instant(2))
    assert loop.state == (0, 1, ("1 after 0",))
    with pytest.raises(Fenced):
        loop.take(2, Instant(2))
    store.close()


def test_nothing_leaves_before_the_commit():
    log = memory()
    order = []
    log.listen(lambda _: order.append("committed"))

    def react(state: counter.State, serial: int, event: e.AnyEvent) -> list[Send | str]:
        assert log.head() < serial
        return list(counter.react(state, serial, event))

    loop: Loop[counter.State, int, str] = Loop(log, counter.EMPTY, counter.decide, counter.evolve, react)
    order += loop.take(3, Instant(1))
    assert order == ["committed", "push 1", "push 2"]


def test_a_batch_has_a_limit():
    with pytest.raises(AssertionError):
        counter.looped(memory()).take_many([Taken(1, Instant(1))] * (BATCH_MAX + 1))


inputs = st.lists(st.integers(1, 12), max_size=30)


@given(inputs, st.data())
def test_a_batch_is_as_if_taken_one_by_one(numbers, data):
    one, many = memory(), memory()
    loop, batched = counter.looped(one), counter.looped(many)
    errands, errands_batched = [], []
    for number in numbers:
        each = counter.taken(number)
        errands += loop.take(each.given, each.at, each.inbox, each.relay_mark)
    left = list(numbers)
    while left:
        size = data.draw(st.integers(1, len(left)))
        errands_batched += batched.take_many([counter.taken(each) for each in left[:size]])
        left = left[size:]
    assert errands == errands_batched
    assert loop.state == batched.state
    assert contents(one) == contents(many)
    assert list(one.leaves()) == list(many.leaves())


@given(inputs, st.integers(0, 30))
def test_a_crash_anywhere_is_a_rebuild(numbers, crash_after):
    calm, crashed = memory(), memory()
    loop = counter.looped(calm)
    for number in numbers:
        loop.take_many([counter.taken(number)])
    broken = counter.looped(crashed)
    for count, number in enumerate(numbers):
        if count == crash_after:
            crashed.restarted()
            broken = counter.looped(crashed)
        broken.take_many([counter.taken(number)])
    assert loop.state == broken.state == counter.looped(crashed).state
    assert contents(calm) == contents(crashed)


@settings(max_examples=10, deadline=None)
@given(inputs)
def test_the_disk_gives_the_same_as_memory(tmp_path_factory, numbers):
    folder, twin = tmp_path_factory.mktemp("log"), memory()
    store, loop = counter.store_in(folder), counter.looped(twin)
    assert counter.looped(store).take_many([counter.taken(each) for each in numbers]) == loop.take_many(
        [counter.taken(each) for each in numbers]
    )
    store.close()
    store = counter.store_in(folder)
    assert counter.looped(store).state == loop.state
    assert list(store.events()) == list(twin.events())
    store.close()


def run(folder: Path, batch: int, failpoint: str = "") -> int:
    ended = subprocess.run(
        [sys.executable, counter.__file__, str(folder), str(INPUTS), str(batch)],
        env={**os.environ, "SAFETYNET_FAILPOINT": failpoint, "PYTHONPATH": str(Path.cwd())},
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()
    return ended.returncode


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize(
    "failpoint", ["loop.before_commit", "store.in_transaction", "loop.after_commit", "loop.before_errands"]
)
@pytest.mark.parametrize("nth", [1, 3])
def test_killed_at_each_instruction_that_matters_everything_happens_once(tmp_path, failpoint, nth, batch):
    calm = counter.looped(twin := memory())
    for number in range(1, INPUTS + 1):
        calm.take_many([counter.taken(number)])
    assert run(tmp_path, batch, f"{failpoint}:{nth}") == -signal.SIGKILL, "or the failpoint is not where it should be"
    store = counter.store_in(tmp_path)
    written = store.head()
    left = (tmp_path / "errands").read_text().splitlines() if (tmp_path / "errands").exists() else []
    assert len(left) <= written, "nothing left the building that is not written down"
    assert counter.looped(store).state[2] == calm.state[2][:written], "what is written is a beginning of the story"
    store.close()
    assert run(tmp_path, batch) == 0
    store = counter.store_in(tmp_path)
    assert counter.looped(store).state == calm.state
    assert list(store.events()) == list(twin.events())
    assert [each.body for each in store.pending(counter.PARTNER)] == [
        each.body for each in twin.pending(counter.PARTNER)
    ]
    assert [each.seq for each in store.pending(counter.PARTNER)] == list(range(1, 5))
    store.close()
    errands = (tmp_path / "errands").read_text().splitlines()
    assert len(errands) == len(set(errands)), "no errand twice"
