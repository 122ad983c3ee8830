"""The centre relay's windows, attacked: tokens that are guessed, shown twice, cut in the moment of their use; prose; floods."""

import asyncio
import hashlib
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from safetynet.core.events import (
    StrangersRefused,
    StreamClosed,
    ViewingRefused,
)
from safetynet.core.terms import CameraId, Instant, Why
from safetynet.edge import clock, keys
from safetynet.edge.relay import centre, doorstep, words
from safetynet.edge.relay.centre import Centre
from safetynet.edge.relay.log import Log
from safetynet.sim import cameras

sys.path.insert(0, str(Path(__file__).parent))
from pipe import CITY, GRANT, INCIDENT, VIEWER, Pipe, records, start, until


async def test_a_token_admits_once_also_after_a_restart(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    once = await pages("token")
    await once.until(lambda: once.said(grant=GRANT, state="admitted"))
    again = await pages("token")
    await again.until(lambda: again.said(state="refused", why="token_used"))
    other = Centre(pipe.centre_log, {}, None, lambda _: None, [])
    await other.take(
        words.Admit(
            token_sha256=hashlib.sha256(b"token").digest(),
            viewer=VIEWER,
            incident=INCIDENT,
            grant=GRANT,
            city=CITY,
            cameras=(),
            until_ms=Instant(clock.now() + 60_000),
        )
    )
    assert await other.admit_window("token") is Why.TOKEN_USED
    await other.close()


async def test_a_token_that_is_here_before_the_loops_word_of_it_admits(pipe: Pipe, pages: Any) -> None:
    """Two roads: the page was told its token, and its first open is already behind it."""
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"])
    page = await pages("token")
    await page.watch(1, "a")
    await until(lambda: pipe.centre._awaited)
    await pipe.admit("token", ["a"])
    await page.until(lambda: page.said(tile=1, state="live"))
    assert not page.said(state="refused")
    assert pipe.centre._awaited == {}


@pytest.mark.parametrize(
    "cut",
    [
        words.CutGrant(grant=GRANT, why=Why.WITHDRAWN),
        words.CutIncident(incident=INCIDENT, why=Why.WITHDRAWN),
        words.CutViewer(viewer=VIEWER, why=Why.WITHDRAWN),
    ],
)
async def test_a_cut_that_comes_while_a_token_is_being_used_is_not_missed(
    pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch, cut: words.ToRelay
) -> None:
    """The disk is slow; between the token's finding and its use the cut arrives, and there is no admission yet."""
    await start(pipe)
    asked, on_disk, use = asyncio.Event(), asyncio.Event(), pipe.centre_log.use_token

    async def slow(sha256: bytes, at: Instant) -> bool:
        asked.set()
        await on_disk.wait()
        return await use(sha256, at)

    monkeypatch.setattr(pipe.centre_log, "use_token", slow)
    page = await pages()
    await asked.wait()
    await pipe.centre.take(cut)
    on_disk.set()
    await page.until(lambda: page.said(state="refused"))
    await page.watch(1, "a")
    await page.until(lambda: page.said(tile=1, state="refused", why="no_such_grant"))
    assert not page.said(state="admitted")
    assert [(each.grant, each.viewer) for each in records(pipe.centre_log, ViewingRefused)] == [(GRANT, VIEWER)]


async def test_cameras_that_change_while_a_token_is_being_used_are_the_new_ones(
    pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(pipe, ("a", "b"))
    use = pipe.centre_log.use_token

    async def slow(sha256: bytes, at: Instant) -> bool:
        await pipe.centre.take(words.SetCameras(grant=GRANT, cameras=(CameraId("b"),)))
        return await use(sha256, at)

    monkeypatch.setattr(pipe.centre_log, "use_token", slow)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.said(tile=1, state="refused", why="camera_not_granted"))


async def test_one_token_shown_by_two_windows_at_once_admits_one(pipe: Pipe) -> None:
    await start(pipe)
    answers = await asyncio.gather(*(pipe.centre.admit_window("token") for _ in range(5)))
    assert sum(isinstance(each, centre.Admission) for each in answers) == 1
    assert answers.count(Why.TOKEN_USED) == 4
    assert [each.why for each in records(pipe.centre_log, ViewingRefused)] == [Why.TOKEN_USED], "once for each token"
    assert pipe.centre.strangers == 3


async def test_strangers_cannot_write_into_the_log(pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Window after window, each with fifty guesses and prose in every field: the log grows by one number a minute."""
    monkeypatch.setattr(centre, "STRANGERS_TOLD_S", 0.2)
    await start(pipe)
    for k in range(3):
        page = await pages(f"guess {k}")
        for n in range(5):
            await page.watch(n, "whose camera?", grant="a stranger's prose")
        await page.until(lambda page=page: len(page.texts) == 6)
    await until(lambda: sum(each.count for each in records(pipe.centre_log, StrangersRefused)) == 18)
    assert b"prose" not in (pipe.folder / "centre.db-wal").read_bytes()
    assert records(pipe.centre_log, ViewingRefused) == []
    assert pipe.centre.refused == 18


async def test_a_refusal_of_an_admitted_viewer_is_recorded_also_after_a_cut(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "b")
    await page.until(lambda: page.said(tile=1, state="refused", why="camera_not_granted"))
    await pipe.centre.take(words.CutViewer(viewer=VIEWER, why=Why.SIGNED_OUT))
    await page.watch(2, "a")
    await page.until(lambda: page.said(tile=2, state="refused", why="no_such_grant"))
    await page.say(op="hello", token="guess")
    await page.until(lambda: page.said(state="refused", why="token_unknown"))
    refused = records(pipe.centre_log, ViewingRefused)
    assert [(each.viewer, each.why) for each in refused] == [
        (VIEWER, Why.CAMERA_NOT_GRANTED),
        (VIEWER, Why.NO_SUCH_GRANT),
        (VIEWER, Why.TOKEN_UNKNOWN),
    ]
    assert pipe.centre.strangers == 0
    await page.watch(3, "x" * 300)
    await page.until(lambda: page.task.done())  # noqa: PLW0108
    assert len(records(pipe.centre_log, ViewingRefused)) == 3


async def test_an_unknown_token_admits_nobody(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages("guess")
    await page.until(lambda: page.said(state="refused", why="token_unknown"))
    await page.watch(1, "a")
    await page.until(lambda: page.said(tile=1, state="refused", why="no_such_grant"))
    assert records(pipe.centre_log, ViewingRefused) == [], "a stranger is counted and writes nothing into the log"
    assert pipe.centre.strangers == 2


async def test_another_camera_is_refused(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard(), "b": cameras.TestCard()})
    await pipe.lease(["a", "b"])
    await pipe.admit("token", ["a"])
    page = await pages()
    await page.watch(1, "b")
    await page.until(lambda: page.said(tile=1, state="refused", why="camera_not_granted"))
    assert page.count() == 0
    assert "PLAY" not in pipe.server.methods


async def test_guessing_ends_the_socket(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages(None)
    for k in range(60):
        try:
            await page.say(op="hello", token=str(k))
        except ConnectionClosed:
            break
    await page.until(lambda: page.task.done())  # noqa: PLW0108


@pytest.mark.parametrize(
    "nonsense",
    [
        "{",
        "[]",
        '{"op":"fly"}',
        '{"op":"open","tile":99999999}',
        '{"op":"mode","mode":"x"}',
        b"\0",
        b"x" * 5_000,
        '{"op":"hello","x":' + "[" * 2_000,
    ],
)
async def test_nonsense_ends_the_socket_and_nothing_else(pipe: Pipe, pages: Any, nonsense: str | bytes) -> None:
    await start(pipe)
    page = await pages()
    await page.socket.send(nonsense)
    await page.until(lambda: page.task.done())  # noqa: PLW0108
    assert not pipe.centre.crew.failed.done()


async def test_telephones_come_in_by_a_door_of_their_own_over_tls(tmp_path: Path) -> None:
    """Each door takes its own pages alone: a page of this machine's door gets nothing at the telephones'."""
    ca = keys.make_ca(tmp_path / "ca")
    keys.renew_phones(ca, tmp_path, "127.0.0.1")
    log = Log(tmp_path / "x.db")
    centre = Centre(log, {}, None, lambda _: None, ["http://127.0.0.1:8400"])
    plain = await centre.open("127.0.0.1", 0, None)
    port = await centre.open("127.0.0.1", 0, keys.phones_context(tmp_path), ["https://127.0.0.1:8405"])
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca" / "ca.pem"))
    url = f"wss://127.0.0.1:{port}/video"
    good = await connect(url, ssl=trusting, origin="https://127.0.0.1:8405")  # type: ignore[arg-type]
    await good.close()
    with pytest.raises(InvalidStatus):
        await connect(url, ssl=trusting, origin="http://127.0.0.1:8400")  # type: ignore[arg-type]
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{plain}/video", origin="https://127.0.0.1:8405")  # type: ignore[arg-type]
    with pytest.raises((InvalidMessage, ConnectionError)):
        await connect(f"ws://127.0.0.1:{port}/video", origin="https://127.0.0.1:8405")  # type: ignore[arg-type]
    await centre.close()
    with pytest.raises(ConnectionRefusedError):
        await connect(url, ssl=trusting)
    await log.close()


async def test_a_page_of_somebody_else_gets_no_socket(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.db")
    centre = Centre(log, {}, None, lambda _: None, ["http://127.0.0.1:8400"])
    port = await centre.open("127.0.0.1", 0, None)
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{port}/video", origin="http://evil.example")  # type: ignore[arg-type]
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{port}/else", origin="http://127.0.0.1:8400")  # type: ignore[arg-type]
    good = await connect(f"ws://127.0.0.1:{port}/video", origin="http://127.0.0.1:8400")  # type: ignore[arg-type]
    await good.close()
    await centre.close()
    await log.close()


# --- strangers at the door -----------------------------------------------------------------------------------------


async def _stands(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that says nothing at all."""
    return await asyncio.open_connection("127.0.0.1", port)


async def test_strangers_who_hold_every_place_keep_no_page_out(
    pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the attacker does it: more sockets than there are windows, half of them not even with a handshake."""
    monkeypatch.setattr(doorstep, "STRANGERS_MAX", 8)
    monkeypatch.setattr(centre, "WINDOWS_MAX", 4)
    await start(pipe)
    inside = await pages("token")
    await inside.until(lambda: inside.said(state="admitted"))
    silent = [await _stands(pipe.port) for _ in range(10)]
    loud = [await pages(None) for _ in range(10)]
    await until(lambda: len(pipe.centre.doorstep) <= 8)
    await pipe.admit("another", ["a"], viewer="v2")
    page = await pages("another")
    await page.until(lambda: page.said(state="admitted"))
    await page.watch(1, "a")
    await page.until(lambda: page.said(tile=1, state="live"))
    await inside.watch(1, "a")
    await inside.until(lambda: inside.said(tile=1, state="live"))
    gone = [reader for reader, _ in silent if await asyncio.wait_for(reader.read(), 60) == b""]
    assert len(gone) == 10, "the oldest went first"
    assert sum(each.task.done() for each in loud) >= 2
    assert pipe.centre.strangers >= 12, "who was turned out is counted, and no word of theirs is kept"
    assert records(pipe.centre_log, ViewingRefused) == []
    for _, writer in silent:
        writer.close()


async def test_who_was_let_in_holds_a_place_of_another_kind(
    pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre, "WINDOWS_MAX", 2)
    await start(pipe)
    await pipe.admit("second", ["a"], viewer="v2")
    first, second = await pages("token"), await pages("second")
    await first.until(lambda: first.said(state="admitted"))
    await second.until(lambda: second.said(state="admitted"))
    assert len(pipe.centre.doorstep) == 0
    with pytest.raises(InvalidStatus):
        await pages(None)
    await second.socket.close()
    await until(lambda: len(pipe.centre._windows) == 1)
    third = await pages("guess")
    await third.until(lambda: third.said(state="refused"))


def test_the_address_that_holds_most_places_gives_its_oldest_up() -> None:
    out: list[str] = []
    counted: list[int] = []
    door = doorstep.Doorstep(lambda: counted.append(1))
    for n in range(doorstep.STRANGERS_MAX - 1):
        door.come(f"flood{n}", "10.0.0.66", lambda n=n: out.append(f"flood{n}"))
    door.come("page", "10.0.0.1", lambda: out.append("page"))
    for n in range(doorstep.STRANGERS_MAX * 3):
        door.come(f"more{n}", "10.0.0.66", lambda n=n: out.append(f"more{n}"))
    assert "page" not in out
    assert out[:2] == ["flood0", "flood1"]
    assert len(door) == doorstep.STRANGERS_MAX
    assert len(counted) == len(out) == doorstep.STRANGERS_MAX * 3
    door.leave("page")
    door.leave("page")
    assert len(door) == doorstep.STRANGERS_MAX - 1


@pytest.mark.parametrize(("code", "why"), [(1000, Why.VIEWER_LEFT), (1001, Why.VIEWER_LEFT), (None, Why.VIEWER_LOST)])
async def test_only_a_windows_own_goodbye_is_recorded_as_closed_by_somebody(
    pipe: Pipe, pages: Any, code: int | None, why: Why
) -> None:
    await start(pipe)
    page = await pages("token")
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    if code is None:
        page.socket.transport.abort()  # a relay, a cable, a machine that fell
    else:
        await page.socket.close(code)
    for log in (pipe.centre_log, pipe.city_log):
        await until(lambda log=log: records(log, StreamClosed))
        assert {each.why for each in records(log, StreamClosed)} == {why}
