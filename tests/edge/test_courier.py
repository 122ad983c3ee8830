"""Files between centres, piece by piece: sealed at rest, checked, resumed after a cut, and nothing that was not asked for."""

import asyncio
import hashlib
import os

import pytest

from safetynet.core.footage import PIECE_BYTES
from safetynet.core.terms import Why
from safetynet.edge import courier
from safetynet.edge.courier import Fetcher, Giver, Gone, Job, Part, Want
from safetynet.edge.keys import PersonKeys
from safetynet.edge.spool import Spool, TooLarge

CITY, CONTROL, FOOTAGE, CAMERA = "garam", "control", "F-1", "garam-001"
DATA = os.urandom(2 * PIECE_BYTES + 12_345)
OWN, THEIRS = "wearer:w1", "incident:I1"


async def pieces(data=DATA, size=100_000):
    for at in range(0, len(data), size):
        yield data[at : at + size]


def kept():
    held = {}

    class Wrapped:
        get = held.get
        put = held.__setitem__

        def delete(self, subject):
            held.pop(subject)

    return PersonKeys(bytes(32), Wrapped())


class Road:
    """Both ends in one process. `spoil` may change what a piece of the city becomes on the way."""

    def __init__(self, folder):
        self.keys = kept(), kept()
        self.city, self.control = Spool(folder / "garam", self.keys[0]), Spool(folder / "control", self.keys[1])
        self.giver = Giver(self.city, lambda peer, *_: THEIRS if peer == CONTROL else None)
        self.up, self.spoil, self.jobs, self.ends, self.wants = True, lambda part: part, [], [], []
        self.fetch()

    def fetch(self):
        self.fetcher = Fetcher(self.control, jobs=lambda: self.jobs, tell=self.tell, ended=self.end)

    def end(self, job, why):
        self.ends.append((job.camera, why))
        self.jobs = [each for each in self.jobs if each is not job]

    def tell(self, peer, want):
        self.wants.append(want.n)
        if not self.up:
            return False
        for each in self.giver.asked(CONTROL, want):
            self.fetcher.brought(peer, self.spoil(each))
        return True

    async def announce(self, data=DATA):
        filed = await self.city.file(FOOTAGE, CAMERA, THEIRS, pieces(data))
        job = Job(peer=CITY, footage=FOOTAGE, camera=CAMERA, subject=OWN, size_bytes=filed.size_bytes, sha256=filed.sha256, pieces=filed.pieces)  # fmt: skip
        self.jobs = [job]
        return job

    async def run(self, until, wait_s=10):
        task = asyncio.create_task(self.fetcher.run())
        async with asyncio.timeout(wait_s):
            while not until():
                assert not task.done(), task
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})

    def received(self):
        return b"".join(self.control.whole(FOOTAGE, CAMERA, OWN, len(DATA)))


@pytest.fixture
def road(tmp_path):
    return Road(tmp_path)


async def test_a_file_arrives_as_it_left(road):
    job = await road.announce()
    assert (job.size_bytes, job.sha256) == (len(DATA), hashlib.sha256(DATA).digest())
    await road.run(lambda: road.ends)
    assert road.ends == [(CAMERA, None)]
    assert road.received() == DATA
    assert road.wants == [0, 1, 2]


async def test_nothing_of_it_is_readable_on_either_disk(road, tmp_path):
    await road.announce()
    await road.run(lambda: road.ends)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 6
    assert not any(
        DATA[at : at + 64] in path.read_bytes() for path in files for at in (0, PIECE_BYTES, 2 * PIECE_BYTES)
    )
    assert not any(word in str(path.relative_to(tmp_path)) for path in files for word in (FOOTAGE, CAMERA))


async def test_who_is_erased_takes_the_picture_along(road):
    await road.announce()
    await road.run(lambda: road.ends)
    road.keys[1].erase(OWN)
    assert list(road.control.whole(FOOTAGE, CAMERA, OWN, len(DATA))) == [None, None, None]


async def test_after_a_cut_it_goes_on_where_it_was(road):
    await road.announce()
    await road.run(lambda: road.control.held(FOOTAGE, CAMERA) == 1)
    road.up = False
    road.fetch()  # the program started again
    await road.run(lambda: len(road.wants) > 4)
    road.up, road.wants = True, []
    await road.run(lambda: road.ends)
    assert 0 not in road.wants, "what is here is not asked for again"
    assert road.received() == DATA


async def test_a_flipped_piece_is_thrown_away_and_asked_for_again(road):
    await road.announce()
    flips = iter([True, False, True])

    def spoil(part):
        if isinstance(part, Part) and part.last and next(flips, False):
            return Part(part.footage, part.camera, part.n, part.last, bytes([part.data[0] ^ 1]) + part.data[1:])
        return part

    road.spoil = spoil
    await road.run(lambda: road.ends)
    assert road.ends == [(CAMERA, None)]
    assert road.fetcher.counts["bad"] == 2
    assert road.received() == DATA


async def test_a_city_that_sends_something_else_is_given_up(road):
    await road.announce()
    road.spoil = lambda part: Part(part.footage, part.camera, part.n, part.last, bytes(len(part.data)))
    await road.run(lambda: road.ends)
    assert road.ends == [(CAMERA, Why.BAD_HASH)]
    assert road.control.held(FOOTAGE, CAMERA) == 0, "nothing of it stays"


async def test_whole_pieces_in_the_wrong_whole_are_found(road):
    """Every piece has its hash, and the whole has another than was signed for."""
    job = await road.announce()
    road.jobs = [Job(peer=CITY, footage=FOOTAGE, camera=CAMERA, subject=OWN, size_bytes=job.size_bytes, sha256=b"x" * 32, pieces=job.pieces)]  # fmt: skip
    await road.run(lambda: road.ends)
    assert road.ends == [(CAMERA, Why.BAD_HASH)]


async def test_what_is_gone_at_the_city_is_given_up(road):
    await road.announce()
    road.city.drop(FOOTAGE, [CAMERA])
    await road.run(lambda: road.ends)
    assert road.ends == [(CAMERA, Why.NOT_LIVE)]


async def test_only_who_may_gets_a_piece_and_not_too_often(road):
    await road.announce()
    assert road.giver.asked("narae", Want(FOOTAGE, CAMERA, 0)) == (Gone(FOOTAGE, CAMERA, 0),)
    for n in (-1, 3, 10**9):
        assert list(road.giver.asked(CONTROL, Want(FOOTAGE, CAMERA, n))) == [Gone(FOOTAGE, CAMERA, n)]
    answered = sum(
        bool(road.giver.asked(CONTROL, Want(FOOTAGE, "other", 0))) for _ in range(3 * courier.WANTS_PER_S_MAX)
    )
    assert answered <= 2 * courier.WANTS_PER_S_MAX
    assert road.giver.counts["too_often"] >= courier.WANTS_PER_S_MAX


async def test_what_nobody_asked_for_is_not_kept(road):
    await road.announce()
    part = Part(FOOTAGE, CAMERA, 0, True, DATA[:100])
    road.fetcher.brought(CITY, part)
    road.giver.brought(CONTROL, part)
    assert road.control.held(FOOTAGE, CAMERA) == 0
    assert (road.fetcher.counts["unasked"], road.giver.counts["unasked"]) == (1, 1)
    assert list(road.fetcher.asked(CITY, Want(FOOTAGE, CAMERA, 0))) == [Gone(FOOTAGE, CAMERA, 0)]


async def test_a_part_from_another_or_of_another_piece_does_not_count(road):
    await road.announce()
    honest = road.tell

    def tell(peer, want):
        road.fetcher.brought("narae", Part(want.footage, want.camera, want.n, True, b"from somebody else"))
        road.fetcher.brought(peer, Part(want.footage, want.camera, want.n + 1, True, b"another piece"))
        return honest(peer, want)

    road.fetcher = Fetcher(road.control, jobs=lambda: road.jobs, tell=tell, ended=road.end)
    await road.run(lambda: road.ends)
    assert road.received() == DATA
    assert road.fetcher.counts["bad"] == 0


async def test_an_endless_piece_ends(road):
    await road.announce()

    def tell(peer, want):
        for _ in range(10):
            road.fetcher.brought(peer, Part(want.footage, want.camera, want.n, False, bytes(courier.PART_BYTES)))
        return True

    road.fetcher = Fetcher(road.control, jobs=lambda: road.jobs, tell=tell, ended=road.end)
    await road.run(lambda: road.ends)
    assert road.ends == [(CAMERA, Why.BAD_HASH)]


async def test_a_withdrawn_file_leaves_nothing(road):
    await road.announce()
    await road.run(lambda: road.control.held(FOOTAGE, CAMERA) == 1)
    road.jobs = []
    road.control.drop(FOOTAGE, [CAMERA])
    await road.run(lambda: True)
    assert road.control.held(FOOTAGE, CAMERA) == 0


async def test_the_sweep_takes_what_belongs_to_nobody(road):
    await road.announce()
    await road.city.file("F-2", CAMERA, THEIRS, pieces(b"abc"))
    assert road.city.sweep([(FOOTAGE, CAMERA)]) == 1
    assert (road.city.held(FOOTAGE, CAMERA), road.city.held("F-2", CAMERA)) == (3, 0)
    assert road.city.sweep([]) == 1


async def test_a_file_has_an_end(road, monkeypatch):
    monkeypatch.setattr("safetynet.edge.spool.FILE_BYTES_MAX", 150_000)
    with pytest.raises(TooLarge):
        await road.city.file(FOOTAGE, CAMERA, THEIRS, pieces())


async def test_a_piece_cannot_be_put_where_another_belongs(road, tmp_path):
    await road.announce()
    (place,) = (tmp_path / "garam" / "footage").iterdir()
    (place / "00000").write_bytes((place / "00001").read_bytes())
    with pytest.raises(Exception, match="changed, or belong elsewhere"):
        road.city.piece(FOOTAGE, CAMERA, THEIRS, 0)
