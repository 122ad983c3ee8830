import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core.fixes import Fix, Mark, Said
from safetynet.core.terms import Source
from safetynet.edge import journal
from safetynet.edge.journal import RECORD_BYTES, CorruptError, Journal, JournalFailedError


class Keys:
    """Real AES-GCM under one key per subject, kept in memory; `drawn` makes them the same in two processes."""

    def __init__(self):
        self.erased = set()

    def _key(self, subject):
        return AESGCM(subject.encode().ljust(32, b"k")[:32])

    def seal(self, subject, data, aad=b""):
        nonce = os.urandom(12)
        return b"gen1" + nonce + self._key(subject).encrypt(nonce, data, aad)

    def open(self, subject, sealed, aad=b""):
        if subject in self.erased:
            return None
        return self._key(subject).decrypt(sealed[4:16], sealed[16:], aad)

    def erase(self, subject):
        self.erased.add(subject)


def fix(n, **more):
    fields = {
        "id": 0, "wearer": f"w{n % 3}", "device": "d1", "observed_at": 1_700_000_000_000 + n, "received_at": 1_700_000_000_900 + n,
        "lat": 36.35 + n * 1e-7, "lon": 127.38, "accuracy_m": 7.3, "source": Source.GNSS, "said": Said.SOS | Said.SHOCK,
        "marks": Mark.MOCK, "other": "geofenceEnter",
    }  # fmt: skip
    return Fix(**(fields | more))


def numbered(fixes, first=1):
    return [msgspec.structs.replace(each, id=first + n) for n, each in enumerate(fixes)]


def test_there_and_back_over_segments(tmp_path):
    fixes = [fix(n) for n in range(25)]
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        assert log.append(fixes[:3]) == 1
        assert log.append(fixes[3:21]) == 4
        assert log.append(fixes[21:]) == 22
        assert list(log.replay()) == numbered(fixes)
        assert list(log.replay(9)) == numbered(fixes)[8:]
        assert list(log.replay(26)) == []
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        assert log.newest == 25
        assert log.cut_records == 0
        assert log.append([fix(99)]) == 26
        assert [each.id for each in log.replay(20)] == list(range(20, 27))


@settings(max_examples=60)
@given(
    st.builds(
        fix,
        st.integers(0, 9),
        observed_at=st.integers(0, 2**62),
        lat=st.none() | st.floats(33, 39),
        lon=st.none() | st.floats(124, 132),
        accuracy_m=st.none() | st.floats(0, 1e9),
        speed_mps=st.none() | st.floats(0, 1000),
        course_deg=st.none() | st.floats(0, 360),
        battery_percent=st.none() | st.floats(0, 100),
        source=st.sampled_from(Source),
        said=st.integers(0, 255).map(Said),
        marks=st.integers(0, 63).map(Mark),
        device=st.text("abc가", min_size=1, max_size=10),
        other=st.text("abc나", max_size=10),
    )
)
def test_every_fix_comes_back_as_it_was(tmp_path_factory, one):
    """To the last bit, or what is judged again after a crash would not be the same."""
    with Journal(tmp_path_factory.mktemp("j"), Keys(), segment_records=4) as log:
        log.append([one])
        assert list(log.replay()) == numbered([one])


def test_positions_are_not_readable_on_disk(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=4) as log:
        log.append([fix(1, device="very-visible", other="tellTale")])
    data = b"".join(path.read_bytes() for path in tmp_path.glob("*.seg"))
    assert b"very-visible" not in data
    assert b"tellTale" not in data


def test_the_erased_are_skipped_and_the_others_stay(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=4) as log:
        log.append([fix(n) for n in range(9)])
        log.forget("w1")
        assert [each.id for each in log.replay()] == [1, 3, 4, 6, 7, 9]
        assert log.append([fix(3)]) == 10


def test_retired_segments_are_gone(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=4) as log:
        log.append([fix(n) for n in range(10)])
        assert log.retire(8) == 1
        assert [each.id for each in log.replay()] == list(range(5, 11))
        assert log.retire(1000) == 1, "the newest always stays"
    with Journal(tmp_path, Keys(), segment_records=4) as log:
        assert [each.id for each in log.replay()] == [9, 10]
        assert log.newest == 10


def test_one_process_has_it(tmp_path):
    with Journal(tmp_path, Keys()), pytest.raises(BlockingIOError):
        Journal(tmp_path, Keys())


# --- damage --------------------------------------------------------------------------------------------------------


def damaged(folder, at, data):
    path = max(folder.glob("*.seg"))
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize("offset", [0, 5, 9, 20, 30, 100, 251, 255])
def test_a_flipped_bit_in_what_was_acknowledged_stops_the_start(tmp_path, offset):
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        log.append([fix(1)])
        log.append([fix(2)])
    path = next(tmp_path.glob("*.seg"))
    byte = path.read_bytes()[offset]
    damaged(tmp_path, offset, bytes([byte ^ 1]))
    with pytest.raises(CorruptError):
        Journal(tmp_path, Keys(), segment_records=8)


def test_a_flipped_bit_in_an_old_segment_stops_the_replay(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=4) as log:
        log.append([fix(n) for n in range(6)])
    path = min(tmp_path.glob("*.seg"))
    data = bytearray(path.read_bytes())
    data[RECORD_BYTES + 90] ^= 4
    path.write_bytes(data)
    with Journal(tmp_path, Keys(), segment_records=4) as log:
        got = log.replay()
        assert next(got).id == 1
        with pytest.raises(CorruptError):
            next(got)


@pytest.mark.parametrize("torn", [0, 1, 2])
def test_a_torn_batch_is_cut_whichever_page_was_lost(tmp_path, torn):
    with Journal(tmp_path, Keys(), segment_records=16) as log:
        log.append([fix(1), fix(2)])
        log.append([fix(3), fix(4), fix(5)])
    damaged(tmp_path, (2 + torn) * RECORD_BYTES + 100, bytes(156))
    with Journal(tmp_path, Keys(), segment_records=16) as log:
        assert log.newest == 2 + torn
        assert log.cut_records == 3 - torn
        assert log.append([fix(7)]) == 3 + torn
    with Journal(tmp_path, Keys(), segment_records=16) as log:
        assert log.cut_records == 0
        assert [each.id for each in log.replay()] == list(range(1, 4 + torn))


def test_a_record_moved_elsewhere_is_damage(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        log.append([fix(1)])
        log.append([fix(2)])
        log.append([fix(3)])
    first = next(tmp_path.glob("*.seg")).read_bytes()[:RECORD_BYTES]
    damaged(tmp_path, RECORD_BYTES, first)
    with pytest.raises(CorruptError):
        Journal(tmp_path, Keys(), segment_records=8)


def test_a_missing_segment_is_damage(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=2) as log:
        log.append([fix(n) for n in range(6)])
    sorted(tmp_path.glob("*.seg"))[1].unlink()
    with pytest.raises(CorruptError):
        Journal(tmp_path, Keys(), segment_records=2)


def test_a_segment_that_was_only_half_made_is_made_again(tmp_path):
    with Journal(tmp_path, Keys(), segment_records=2) as log:
        log.append([fix(1), fix(2)])
    (tmp_path / f"{3:016d}.seg").write_bytes(b"")
    with Journal(tmp_path, Keys(), segment_records=2) as log:
        assert log.append([fix(3)]) == 3


def test_after_a_failed_flush_nothing_is_taken_any_more(tmp_path, monkeypatch):
    def broken(fd):
        raise OSError(5, "Input/output error")

    with Journal(tmp_path, Keys(), segment_records=8) as log:
        log.append([fix(1)])
        monkeypatch.setattr(journal.os, "fdatasync", broken)
        with pytest.raises(JournalFailedError):
            log.append([fix(2)])
        monkeypatch.undo()
        with pytest.raises(JournalFailedError):
            log.append([fix(3)])
        assert [each.id for each in log.replay()] == [1]


# --- kill -9 -------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_journal import Keys, fix
from safetynet.edge.journal import Journal
log = Journal(Path({folder!r}), Keys(), segment_records=8)
n = log.newest
while True:
    first = log.append([fix(n + i) for i in range(3)])
    n += 3
    print(first + 2, flush=True)
"""


@pytest.mark.parametrize("point", ["before_sync", "after_sync"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 9])
def test_every_acknowledged_fix_survives_kill_9(tmp_path, point, nth):
    child = subprocess.run(
        [sys.executable, "-c", CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path))],
        env=os.environ
        | {"SAFETYNET_FAILPOINT": f"journal.{point}:{nth}", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    acknowledged = int(child.stdout.split()[-1]) if child.stdout else 0
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        got = list(log.replay())
        assert [each.id for each in got] == list(range(1, len(got) + 1))
        assert len(got) >= acknowledged
        assert got == numbered([fix(n) for n in range(len(got))])
        log.append([fix(0)])


def test_one_wearers_fixes_are_found_between_two_serials_and_what_is_gone_is_said(tmp_path):
    fixes, keys = [fix(n) for n in range(25)], Keys()
    with Journal(tmp_path, keys, segment_records=8) as log:
        log.append(fixes)
        kept = numbered(fixes)
        for first, last in ((1, 25), (3, 3), (7, 19), (9, 16)):
            found, whole = log.find("w1", first, last)
            assert list(log.opened(found)) == [each for each in kept[first - 1 : last] if each.wearer == "w1"]
            assert whole
        assert log.find("w", 1, 25) == ([], True), "a name that begins alike is another"
        log.retire(before=17)
        found, whole = log.find("w1", 1, 25)
        assert [each.id for each in log.opened(found)] == [17, 20, 23]
        assert not whole
        keys.erase("wearer:w1")
        assert list(log.opened(found)) == []
