"""One contract for a city's recorder: the folder of segments, and the made cities' own over HTTP, which draws again."""

import asyncio
from functools import cache

import pytest

from safetynet.core.footage import SLACK_MS
from safetynet.core.terms import DAY_MS, SECOND_MS, Why
from safetynet.edge import recorder
from safetynet.edge.recorder import Folder, NotGiven, Web
from safetynet.edge.sources import fmp4
from safetynet.sim.cameras import TestCard
from safetynet.sim.recorder import Redrawn

NOW = 1_790_000_000_000
BEGAN = NOW - 120 * SECOND_MS
SEGMENT_MS = 4 * SECOND_MS
CAMERA = "garam-001"


def boxes(data):
    """Kinds of the boxes at the top, in order; raises when they do not fill the file."""
    at, found = 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        assert size >= 8
        found.append((data[at + 4 : at + 8], data[at : at + size]))
        at += size
    assert at == len(data)
    return found


def drawn():
    return Redrawn(TestCard(256, 144), [CAMERA], began=BEGAN, now=lambda: NOW)


@cache
def segment(since):
    return drawn().file(CAMERA, since, since + SEGMENT_MS)


def filled(folder):
    """Two minutes in segments, as a recorder writes them."""
    made = Folder(folder / "recordings")
    for since in range(BEGAN, NOW, SEGMENT_MS):
        data = segment(since)
        pieces = boxes(data)
        init = b"".join(body for _, body in pieces[:2])
        made.keep(CAMERA, init, since, since + SEGMENT_MS, data[len(init) :])
    return made


@pytest.fixture(params=["folder", "web"])
async def kept(request, tmp_path):
    if request.param == "folder":
        yield filled(tmp_path)
        return
    server = await drawn().serve("127.0.0.1", 0)
    yield Web(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/recorder")
    server.close()


async def taken(kept, since, until, camera=CAMERA):
    found = await kept.take(camera, since, until)
    return found, b"".join([each async for each in found.data])


async def test_the_file_is_fragmented_mp4_of_that_time_and_without_sound(kept):
    since, until = NOW - 60 * SECOND_MS, NOW - 30 * SECOND_MS
    found, data = await taken(kept, since, until)
    assert since - SLACK_MS <= found.since <= since
    assert until <= found.until <= until + SLACK_MS
    (first, _), (second, moov), *rest = boxes(data)
    assert (first, second, moov.count(b"trak"), b"soun" in data) == (b"ftyp", b"moov", 1, False)
    assert {kind for kind, _ in rest} == {b"prft", b"moof", b"mdat"}
    fragments = data.split(b"prft")[1:]
    assert len(fragments) >= 5 * (until - since) // SECOND_MS
    start = len(boxes(data)[0][1]) + len(moov)
    assert fmp4.is_key(data[start:]), "it can be shown from its beginning"


async def test_asked_twice_it_gives_the_same(kept):
    one, other = [await taken(kept, NOW - 50 * SECOND_MS, NOW - 40 * SECOND_MS) for _ in range(2)]
    assert one[1] == other[1]


@pytest.mark.parametrize(
    ("camera", "since", "until"),
    [
        ("garam-002", NOW - 60 * SECOND_MS, NOW - 50 * SECOND_MS),
        (CAMERA, BEGAN - 60 * SECOND_MS, BEGAN - 1),
        (CAMERA, NOW + SECOND_MS, NOW + 2 * SECOND_MS),
        ("../garam-001", NOW - 60 * SECOND_MS, NOW - 50 * SECOND_MS),
        ("..", NOW - 60 * SECOND_MS, NOW - 50 * SECOND_MS),
    ],
)
async def test_what_it_does_not_hold_it_does_not_give(kept, camera, since, until):
    with pytest.raises(NotGiven) as no:
        await taken(kept, since, until, camera)
    assert no.value.why is Why.NOT_RECORDED


async def test_a_recorder_that_was_switched_on_late_gives_what_it_has(kept):
    found, _ = await taken(kept, BEGAN - 30 * SECOND_MS, BEGAN + 10 * SECOND_MS)
    assert found.since == BEGAN


async def test_a_recorder_that_is_away_is_no_empty_one():
    with pytest.raises(NotGiven) as no:
        await Web("http://127.0.0.1:9/recorder").take(CAMERA, NOW - 10, NOW)
    assert no.value.why is Why.RECORDER_FAILED


async def test_a_file_that_breaks_off_is_none(tmp_path):
    async def half(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Since: 1\r\nX-Until: 2\r\nContent-Length: 1000\r\n\r\n" + bytes(400))
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    found = await Web(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/r").take(CAMERA, 1, 2)
    with pytest.raises(NotGiven) as no:
        b"".join([each async for each in found.data])
    server.close()
    assert no.value.why is Why.RECORDER_FAILED


def test_what_is_too_old_goes(tmp_path):
    made = filled(tmp_path)
    assert made.expire(NOW) == 0
    assert made.expire(NOW + 31 * DAY_MS) == 30
    assert list((tmp_path / "recordings" / CAMERA).glob("*.m4s")) == []


def test_the_folder_is_what_a_city_has_without_a_word(tmp_path):
    assert isinstance(recorder.of(tmp_path), Folder)
    (tmp_path / recorder.FILE).write_text('{"url": "http://127.0.0.1:9/recorder"}')
    assert isinstance(recorder.of(tmp_path), Web)
