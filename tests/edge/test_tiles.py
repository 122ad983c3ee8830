"""A published log grows, and nothing makes it smaller or another one (L3, L4, L13)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetynet.core import ledger
from safetynet.core.ledger import VerifierKey
from safetynet.edge import keys, tiles
from safetynet.edge.tiles import ForkError, Publisher, Reader


def entry(index: int) -> bytes:
    return ledger.commit(b"\5" * 32, str(index).encode())


def leaves(size: int, changed: dict[int, bytes] | None = None) -> Callable[[int], Iterator[bytes]]:
    return lambda start: iter([(changed or {}).get(each, entry(each)) for each in range(start, size)])


class Centre:
    def __init__(self, folder: Path) -> None:
        self.own = keys.open_centre(folder / "centre")
        self.key = VerifierKey("safetynet/garam", self.own.log_public)
        self.out = folder / "garam"

    def publish(self, size: int, changed: dict[int, bytes] | None = None, *, whole: bool = False) -> ledger.Note:
        return tiles.publish(self.out, self.key, leaves(size, changed), self.own.sign_log, whole=whole)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


def files(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("sizes", [(0,), (1,), (255, 256, 257), (3, 300, 511, 512, 513, 1_025), (66_000,)])
def test_every_step_is_the_tree_of_all_leaves(centre: Centre, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        note = centre.publish(size)
        point = ledger.read_checkpoint(note.body)
        assert point.size == size
        assert point.root == ledger.Frontier().extend(leaves(size)(0)).root()
        assert (centre.out / "checkpoint").read_bytes() == note.text
        assert {each.path for each in ledger.tiles_of(size)} <= files(centre.out)
    found = tiles.audit(centre.out)
    assert (found.faults, len(found.entries), found.older) == ([], sizes[-1], len(sizes) - 1)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_kept_publisher_and_one_that_starts_anew_write_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    one, other = Centre(tmp_path_factory.mktemp("one")), Centre(tmp_path_factory.mktemp("other"))
    other.own, other.key = one.own, one.key
    kept, size = Publisher.open(one.out, one.key), 0
    for step in steps:
        kept.extend((entry(each) for each in range(size, size + step)), one.own.sign_log)
        size += step
        other.publish(size)
    assert files(one.out) == files(other.out)
    assert all((one.out / each).read_bytes() == (other.out / each).read_bytes() for each in files(one.out))


def test_nothing_new_writes_nothing(centre: Centre) -> None:
    note = centre.publish(300)
    before = {each: (centre.out / each).stat().st_mtime_ns for each in files(centre.out)}
    assert centre.publish(300) == note
    assert {each: (centre.out / each).stat().st_mtime_ns for each in files(centre.out)} == before


def test_partial_tiles_make_way_for_full_ones(centre: Centre) -> None:
    for size in (200, 250, 256, 70_000):
        centre.publish(size)
    partial = {each for each in files(centre.out) if ".p/" in each}
    assert partial == {"tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}


def test_proofs_are_read_from_tiles(centre: Centre) -> None:
    centre.publish(70_000)
    reader = Reader(centre.out, 70_000)
    root = ledger.root(70_000, reader.hash_at)
    proof = ledger.inclusion(12_345, 70_000, reader.hash_at)
    assert ledger.verify_inclusion(ledger.leaf_hash(entry(12_345)), 12_345, 70_000, proof, root)
    old = ledger.Frontier().extend(leaves(12_345)(0)).root()
    steps = ledger.consistency(12_345, 70_000, reader.hash_at)
    assert ledger.verify_consistency(12_345, 70_000, old, root, steps)


# --- what must never be published ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("published", "restored"), [(10, 9), (300, 299), (300, 0), (256, 255), (600, 3)])
def test_a_store_restored_from_a_backup_is_not_published(centre: Centre, published: int, restored: int) -> None:
    centre.publish(published)
    before = (centre.out / "checkpoint").read_bytes()
    with pytest.raises(ForkError):
        centre.publish(restored, whole=True)
    if restored > published // 256 * 256 or published % 256:
        with pytest.raises(ForkError):
            centre.publish(restored)
    assert (centre.out / "checkpoint").read_bytes() == before


@pytest.mark.parametrize("at", [0, 255, 256, 299])
def test_a_rewritten_history_is_not_published(centre: Centre, at: int) -> None:
    centre.publish(300)
    with pytest.raises(ForkError, match=f"leaf {at} "):
        centre.publish(400, {at: b"\0" * 32}, whole=True)
    if at >= 256:
        with pytest.raises(ForkError, match=f"leaf {at} "):
            centre.publish(400, {at: b"\0" * 32})


def test_another_centre_does_not_continue_this_log(centre: Centre, tmp_path: Path) -> None:
    centre.publish(10)
    other = keys.open_centre(tmp_path / "other")
    with pytest.raises(ForkError, match="not signed"):
        tiles.publish(centre.out, VerifierKey("safetynet/garam", other.log_public), leaves(20), other.sign_log)


@pytest.mark.parametrize("name", ["tile/1/000.p/1", "tile/0/001.p/44", "tile/entries/001.p/44", "checkpoint"])
@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_a_damaged_log_is_not_continued(centre: Centre, name: str, how: str) -> None:
    centre.publish(200)
    centre.publish(300)
    path = centre.out / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    match how:
        case "flip":
            path.write_bytes(data)
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case _:
            path.unlink()
    with pytest.raises(ForkError):
        centre.publish(301)


def test_a_store_that_fails_on_the_way_leaves_the_old_log(centre: Centre) -> None:
    publisher = Publisher.open(centre.out, centre.key)
    publisher.extend(leaves(300)(0), centre.own.sign_log)

    def failing() -> Iterator[bytes]:
        yield from leaves(700)(300)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        publisher.extend(failing(), centre.own.sign_log)
    assert tiles.audit(centre.out).faults == []
    publisher.extend(leaves(900)(300), centre.own.sign_log)
    found = tiles.audit(centre.out)
    assert (found.faults, len(found.entries)) == ([], 900)


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from safetynet.edge import files, keys, tiles
from safetynet.core import ledger
folder, nth = Path(sys.argv[1]), int(sys.argv[2])
own = keys.open_centre(folder / "centre")
real, left = files.write, nth
def write(*given, **more):
    global left
    left -= 1
    if left < 0:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    real(*given, **more)
files.write = write
entry = lambda index: ledger.commit(b"\\5" * 32, str(index).encode())
tiles.publish(folder / "garam", ledger.VerifierKey("safetynet/garam", own.log_public),
              lambda start: map(entry, range(start, 900)), own.sign_log)
"""


@pytest.mark.parametrize("nth", range(10))
def test_killed_at_any_write_the_old_log_stands_and_the_next_start_goes_on(centre: Centre, nth: int) -> None:
    centre.publish(300)
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, centre.out.parent, str(nth), root], check=False, env=os.environ
    )
    assert ended.returncode == -signal.SIGKILL
    old = tiles.audit(centre.out)
    assert (old.faults, len(old.entries)) == ([], 300)
    centre.publish(1_000)
    found = tiles.audit(centre.out)
    assert (found.faults, len(found.entries)) == ([], 1_000)
