"""What is kept of the judging: a start from it is a start from the journal, and whatever does not fit is not used."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import LAT, LON

from safetynet.app import control as program
from safetynet.app import judge, standing
from safetynet.app.control import Control
from safetynet.core.control import words
from safetynet.core.fixes import Fix, Said
from safetynet.core.terms import Disposition, Source
from safetynet.edge import clock, compiled, judged

T0 = 1_790_000_000_000


@pytest.fixture
def folder(tmp_path):
    return deployment.make(tmp_path, ports.take(6))


class Shown:
    """Nobody looks here, and there is no loop that would wait."""

    def __init__(self, _show):
        self.quiet_s = lambda: 0.0

    def show(self): ...
    def soon(self): ...
    def show_now(self): ...


@pytest.fixture
def begin(monkeypatch):
    monkeypatch.setattr(program.site, "Screens", Shown)
    opened = []

    def begin(folder):
        end()
        opened.append(Control(folder))
        return opened[-1]

    def end():
        for each in opened:
            each.journal.close()
            each.store.close()
        opened.clear()

    yield begin
    end()


def fix(n, wearer="w1", **more):
    fields = {"lat": LAT + 0.01 - 0.001 * (n % 30), "lon": LON, "accuracy_m": 8.0, "source": Source.GNSS} | more
    return Fix(id=0, wearer=wearer, device="d" + wearer[1:], observed_at=T0 + n * 15_000, received_at=T0 + n * 15_000 + 400,
               **fields)  # fmt: skip


def walk(control, first, count):
    for n in range(first, first + count, 5):
        control._journalled([fix(m, f"w{1 + m % 3}") for m in range(n, n + 5)])


def stands(control):
    tracks = {wearer: list(track)[-10:] for wearer, track in control.judge.tracks.items()}
    state = control.judge.state
    whole = dict(state.records), dict(state.guarded), state.endings, state.suspects, state.histories
    return whole, control.judge.through, control.judge.heard, tracks


async def test_a_start_from_what_was_kept_is_a_start_from_the_journal(folder, begin):
    one = begin(folder)
    walk(one, 0, 60)
    one._journalled([fix(61, said=Said.STRAP_CUT)])
    incident = one.loop.state.open["w1"]
    one.loop.take(words.Claim(incident=incident, by="p-kim"), clock.now())
    await one.judge.keep(one.store.head(), one.loop.state.open)
    kept = one.judge.through
    one.loop.take(
        words.Close(incident=incident, by="p-kim", code=Disposition.MINOR, fix_through=one.judged_through), clock.now()
    )
    for alarm in one.loop.state.incidents[incident].alarms:
        one.judge.end("w1", one.loop.state.alarms[alarm].episode)
    walk(one, 65, 40)
    head, live = one.store.head(), stands(one)
    again = begin(folder)
    assert again.judge.kept_through == kept > 0
    assert stands(again) == live
    assert again.store.head() == head, "and nothing was decided twice"
    (folder / judged.FILE).unlink()
    anew = begin(folder)
    assert anew.judge.kept_through == 0
    assert stands(anew) == live


@pytest.mark.parametrize("adopted_after", [0, 40])
async def test_with_the_kernel_all_stands_as_with_the_rules(folder, begin, adopted_after):
    """Judged, kept and begun again: no difference is left, whoever judged."""
    one = begin(folder)
    walk(one, 0, adopted_after)
    one.judge.adopt(compiled.load(), one.people.orders.values())
    assert one.judge.compiled
    walk(one, adopted_after, 300 - adopted_after)
    one._journalled([fix(301, said=Said.STRAP_CUT), fix(250)])  # the second is late
    await one.judge.keep(one.store.head(), one.loop.state.open)
    walk(one, 305, 40)
    head, live = one.store.head(), stands(one)
    again = begin(folder)
    assert not again.judge.compiled
    assert again.judge.kept_through == 302
    assert stands(again) == live
    assert again.store.head() == head, "and nothing was decided twice"
    (folder / judged.FILE).unlink()
    assert stands(begin(folder)) == live


async def test_much_to_judge_again_is_judged_by_the_kernel(folder, begin, monkeypatch):
    monkeypatch.setattr(judge, "LONG_FIXES", 50)
    monkeypatch.setattr(compiled, "filled", lambda: True)
    one = begin(folder)
    walk(one, 0, 90)
    live = stands(one)
    again = begin(folder)
    assert again.judge.compiled
    assert stands(again) == live


@pytest.mark.parametrize("fault", [ImportError("no numba"), AssertionError("says else"), ChildProcessError(1)])
async def test_without_the_kernel_the_rules_judge_and_it_is_said(folder, begin, monkeypatch, capfd, fault):
    one = begin(folder)

    async def fill():
        if isinstance(fault, ChildProcessError):
            raise fault

    def load():
        raise fault

    monkeypatch.setattr(compiled, "fill", fill)
    monkeypatch.setattr(compiled, "load", load)
    await one.judge.kernel()
    assert not one.judge.compiled
    assert '"kernel_absent"' in capfd.readouterr().err
    walk(one, 0, 20)
    assert one.judge.state.records["w1"].anchor is not None


async def test_a_crash_between_journal_and_log_is_decided_at_the_start(folder, begin):
    one = begin(folder)
    walk(one, 0, 30)
    await one.judge.keep(one.store.head(), one.loop.state.open)
    one.journal.append([fix(40, "w2", said=Said.STRAP_CUT)])
    again = begin(folder)
    assert again.judge.kept_through == 30
    assert "w2" in again.loop.state.open


async def test_nothing_of_a_person_is_readable_in_it_and_an_erasure_reaches_it(folder, begin):
    one = begin(folder)
    walk(one, 0, 30)
    await one.judge.keep(one.store.head(), one.loop.state.open)
    data = (folder / judged.FILE).read_bytes()
    assert b"wearer:w2" in data
    assert b"gnss" not in data
    assert b"\xa2d2" not in data, "as it would be written; two letters alone stand in any sealed kilobytes"
    one.store.erase("wearer:w2")
    again = begin(folder)
    assert again.judge.kept_through == 30
    assert set(again.judge.state.records) == {"w1", "w3"}
    assert set(again.judge.tracks) == {"w1", "w3"}


@pytest.mark.parametrize("harm", ["flipped", "cut", "other_journal", "other_release"])
async def test_what_does_not_fit_is_not_used(folder, begin, harm, monkeypatch):
    one = begin(folder)
    walk(one, 0, 30)
    await one.judge.keep(one.store.head(), one.loop.state.open)
    path = folder / judged.FILE
    data = path.read_bytes()
    match harm:
        case "flipped":
            path.write_bytes(data[:50] + bytes((data[50] ^ 1,)) + data[51:])
        case "cut":
            path.write_bytes(data[:-7])
        case "other_journal":
            one.journal.close()
            one.journal.retire(31)
            for each in (folder / "journal").glob("*.seg"):
                each.unlink()
            one = begin(folder)
            walk(one, 0, 30)  # the same fixes, and another history all the same
        case "other_release":
            monkeypatch.setattr(standing, "FORM", "another")
    live = stands(one)
    again = begin(folder)
    assert again.judge.kept_through == 0
    assert stands(again) == live


async def test_a_journal_that_is_shorter_than_what_was_kept_is_judged_from_its_start(folder, begin):
    """A backup that was brought back: what follows the last fix here is another history."""
    one = begin(folder)
    walk(one, 0, 30)
    await one.judge.keep(one.store.head(), one.loop.state.open)
    own, head = one.store.person_keys, one.store.head()
    assert judged.read(folder, own, standing.FORM, 30, head) is not None
    assert judged.read(folder, own, standing.FORM, 29, head) is None
    assert judged.read(folder, own, standing.FORM, 30, head - 1) is None
