"""Past footage from asking to seeing it: two programs in this process, a real road between them, a folder as the recorder."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import msgspec
import pytest
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import LAT, cookie, cut, http, page, until
from msgspec.structs import replace

from safetynet.app import audit
from safetynet.app.city import City
from safetynet.app.control import Control
from safetynet.core.events.footage import (
    FootageAsked,
    FootageDeleted,
    FootageDenied,
    FootageProvided,
    FootageReceived,
    FootageViewed,
)
from safetynet.core.footage import PIECE_BYTES, asking, giving
from safetynet.core.footage.asking import Stage
from safetynet.core.law import FOOTAGE_CONDITIONS
from safetynet.core.ledger import VerifierKey, origin_of
from safetynet.core.messages import CloseFootage, RequestFootage
from safetynet.core.terms import MINUTE_MS, SECOND_MS, Why
from safetynet.edge import clock, codec, config, keys
from safetynet.edge.recorder import Folder

DOCUMENT = "수사과-2026-12"
SEGMENT_MS = 10 * SECOND_MS


class Pair:
    """A control centre and a city that know each other, on one disk."""

    def __init__(self, folder, port):
        self.folder, self.port, self.tasks = folder, port, []
        deployment.make(folder, port)
        garam = deployment.make_city(folder, port + 1)
        made = config.read(garam)
        (peer,) = made.peers
        config.write(garam, replace(made, web_port=port + 10, video_port=port + 11, window_port=port + 12, peers=(replace(peer, link_port=port + 1),)))  # fmt: skip
        # The other side of each pinned key was made before; the certificates are of one authority.
        recorder, now = Folder(garam / "recordings"), clock.now()
        for camera in ("c0", "c1"):
            for since in range(now - 2 * MINUTE_MS, now + MINUTE_MS, SEGMENT_MS):
                recorder.keep(camera, b"init", since, since + SEGMENT_MS, camera.encode() * (PIECE_BYTES // 3))

    async def start(self, *, city=True):
        self.control = Control(self.folder / "control")
        self.tasks.append(asyncio.create_task(self.control.run()))
        if city:
            self.start_city()
        await until(lambda: deployment.listening(self.port), PATIENCE_S)

    def start_city(self):
        self.city = City(self.folder / "garam")
        self.tasks.append(asyncio.create_task(self.city.run()))

    async def end(self, *centres):
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        self.tasks = []
        for centre in centres or (self.control, self.city):
            centre.store.close()
        self.control.journal.close()

    def events(self, centre, *kinds):
        return [event for _, event in centre.store.events() if isinstance(event, kinds)]

    @property
    def asked(self):
        (one,) = self.control.loop.state.footage.values()
        return one

    @property
    def wanted(self):
        (one,) = self.city.loop.state.footage.values()
        return one

    async def closed_incident(self):
        """By real messages: a strap, pictures of the city next to it, and the end."""
        async with page(self.port, "kim") as kim:
            await until(lambda: self.control.link.states["garam"].up, PATIENCE_S)
            assert await cut(self.port, lat=LAT) == 200
            id = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
            assert await kim.do("claim", incident=id) == "ok"
            assert await kim.do("video", incident=id) == "ok"
            await kim.until(lambda p: any(each["state"] == "granted" for each in p.one("incidents")["video"]["grants"]))
            assert await kim.do("police", incident=id) == "ok"
            assert await kim.do("close", incident=id, code="minor") == "ok"
        return id

    async def post(self, who, path, **said):
        own = await self.own(who)
        status, headers, body = await http(self.port, "POST", f"/footage/{path}", json.dumps(said).encode(), cookie=own)
        return status, body if headers.get("content-type") == "video/mp4" or not body else json.loads(body)

    async def own(self, who):
        self.cookies = getattr(self, "cookies", {})
        if who not in self.cookies:
            self.cookies[who] = await cookie(self.port, who)
        return self.cookies[who]

    async def ask(self, incident, **but):
        status, about = await self.post("kim", "about", incident=incident)
        assert status == 200
        chosen = [each["camera"] for each in about["cameras"] if each["camera"] in ("c0", "c1")]
        made = {"incident": incident, "city": "garam", "cameras": chosen, "since": about["since"], "until": about["until"], "basis": "PIPA-18-2-7", "document": DOCUMENT}  # fmt: skip
        return await self.post("kim", "ask", **(made | but))

    async def at_city(self, act, **more):
        async with page(self.port + 10, "shim") as shim:
            await shim.until(lambda p: p.shown.get("footage"))
            return await shim.do(act, footage=self.wanted.footage, **more)

    async def to_the_file(self):
        incident = await self.closed_incident()
        assert await self.ask(incident) == (204, b"")
        assert await self.post("lee", "do", footage=self.asked.footage, act="approve") == (204, b"")
        await until(lambda: self.city.loop.state.footage)
        return incident


@pytest.fixture
async def pair(tmp_path):
    made = Pair(tmp_path, ports.take(20))
    await made.start()
    yield made
    with contextlib.suppress(AttributeError):
        await made.end()


async def test_from_asking_to_seeing_and_to_the_auditor(pair, tmp_path):
    incident = await pair.closed_incident()
    status, about = await pair.post("kim", "about", incident=incident)
    assert (status, about["requests"], about["may_approve"]) == (200, [], False)
    assert {(each["city"], each["city_name"]) for each in about["cameras"]} == {("garam", "가람시")}
    assert [(each["basis"], each["why"]) for each in about["bases"]] == [("EM-16-3-2", "not_live"), ("PIPA-18-2-7", None), ("PIPA-18-2-8", None)]  # fmt: skip
    assert (await pair.ask(incident, document=""))[1]["reason"] == "no_permit"
    assert (await pair.ask(incident, cameras=["c99"]))[1]["reason"] == "camera_not_granted"
    assert (await pair.ask(incident, more="words"))[0] == 400
    assert await pair.ask(incident) == (204, b"")
    id = pair.asked.footage
    assert (await pair.post("kim", "do", footage=id, act="approve"))[1]["reason"] == "not_allowed_now"
    assert pair.control.store.owed("garam") == 0, "nothing leaves before it was approved"
    assert (await pair.post("lee", "about"))[1]["requests"][0]["may"]["approve"] is True
    assert await pair.post("lee", "do", footage=id, act="approve") == (204, b"")
    await until(lambda: pair.city.loop.state.footage)
    assert pair.wanted.stage is giving.Stage.WAITING, "no policy answers for a person"
    assert await pair.at_city("approve") == "ok"
    await until(lambda: pair.asked.stage is Stage.HERE, PATIENCE_S)
    assert pair.asked.conditions == FOOTAGE_CONDITIONS
    for camera in pair.asked.cameras:
        status, body = await pair.post("kim", "view", footage=id, camera=camera)
        assert status == 200
        assert body[:4] == b"init"
        assert body.count(camera.encode()) > 10_000
    assert [(each.by, each.camera) for each in pair.events(pair.control, FootageViewed)] == [("p-kim", each) for each in pair.asked.cameras]  # fmt: skip
    await until(lambda: pair.wanted.stage is giving.Stage.CLOSED)
    assert not any((pair.folder / "garam" / "footage").rglob("*.*")), "the city keeps nothing of it"
    provided, received = pair.events(pair.city, FootageProvided), pair.events(pair.control, FootageReceived)
    assert {(each.camera, each.sha256) for each in provided} == {(each.camera, each.sha256) for each in received}
    assert len(received) == 2
    for centre, name in ((pair.control, "control"), (pair.city, "garam")):
        own = keys.open_centre(pair.folder / name)
        audit.publish(centre.store, VerifierKey(origin_of(name), own.log_public), own.sign_log, tmp_path / "out" / name)
    verdict = audit.verify(tmp_path / "out")
    assert (verdict.faults, verdict.footage) == ([], 2)


async def test_a_refusal_is_recorded_and_says_why(pair):
    await pair.to_the_file()
    assert await pair.at_city("refuse", why="stale") == "not_allowed_now"
    assert await pair.at_city("refuse", why="others_shown") == "ok"
    await until(lambda: pair.asked.stage is Stage.REFUSED)
    (row,) = (await pair.post("kim", "about"))[1]["requests"]
    assert (row["state"], row["why"], row["approved_by_name"]) == ("refused", "others_shown", "이둘")
    (denied,) = pair.events(pair.city, FootageDenied)
    assert denied.by == "p-shim"


async def test_whoever_is_not_concerned_sees_nothing(pair):
    await pair.to_the_file()
    for path, said in (("about", {"incident": pair.asked.incident}), ("do", {"footage": pair.asked.footage, "act": "approve"}), ("view", {"footage": pair.asked.footage, "camera": "c0"})):  # fmt: skip
        assert (await pair.post("unit", path, **said))[0] == 403
        status, _, _ = await http(pair.port, "POST", f"/footage/{path}", json.dumps(said).encode())
        assert status == 401
        status, _, _ = await http(pair.port, "POST", f"/footage/{path}", json.dumps(said).encode(), cookie=await pair.own("kim"), origin="http://evil.example")  # fmt: skip
        assert status == 403
    assert (await pair.post("kim", "view", footage="F-none", camera="c0"))[0] == 404
    assert (await pair.post("kim", "view", footage=pair.asked.footage, camera="c0"))[1]["reason"] == "not_allowed_now"


async def test_what_is_deleted_is_gone_from_the_disk_with_a_record(pair):
    await pair.to_the_file()
    assert await pair.at_city("approve") == "ok"
    await until(lambda: pair.asked.stage is Stage.HERE, PATIENCE_S)
    spool = pair.folder / "control" / "footage"
    assert len(list(spool.iterdir())) == 2
    assert await pair.post("lee", "do", footage=pair.asked.footage, act="extend", reason="trial_open") == (204, b"")
    assert (await pair.post("kim", "do", footage=pair.asked.footage, act="extend", reason="trial_open"))[0] == 409
    assert await pair.post("kim", "do", footage=pair.asked.footage, act="delete", why="no_longer_needed") == (204, b"")
    assert list(spool.iterdir()) == []
    (deleted,) = pair.events(pair.control, FootageDeleted)
    assert deleted.by == "p-kim"
    assert (await pair.post("kim", "view", footage=pair.asked.footage, camera="c0"))[1]["reason"] == "not_live"


async def test_a_transfer_that_was_cut_goes_on_after_both_started_again(tmp_path):
    pair = Pair(tmp_path, ports.take(20))
    await pair.start()
    await pair.to_the_file()
    assert await pair.at_city("approve") == "ok"
    await until(lambda: pair.control.files.fetcher.counts["taken"] >= 1, PATIENCE_S)
    await pair.end()
    held = {path: path.stat().st_mtime_ns for path in (tmp_path / "control" / "footage").rglob("0*") if path.is_file()}
    assert held
    await pair.start()
    pair.cookies = {}
    assert pair.asked.stage in (Stage.GRANTED, Stage.HERE)
    await until(lambda: pair.asked.stage is Stage.HERE, PATIENCE_S)
    assert {path: path.stat().st_mtime_ns for path in held} == held, "what was here was not fetched again"
    status, body = await pair.post("kim", "view", footage=pair.asked.footage, camera=pair.asked.cameras[0])
    assert (status, body[:4]) == (200, b"init")
    await pair.end()


async def test_who_is_erased_is_seen_by_nobody_any_more(pair):
    await pair.to_the_file()
    assert await pair.at_city("approve") == "ok"
    await until(lambda: pair.asked.stage is Stage.HERE, PATIENCE_S)
    camera = pair.asked.cameras[0]
    pair.control.store.erase("wearer:w1")
    status, problem = await pair.post("lee", "view", footage=pair.asked.footage, camera=camera)
    assert (status, problem["reason"]) == (410, "erased")
    assert pair.events(pair.control, FootageAsked) == []


async def test_a_message_played_again_or_of_another_centre_has_no_effect(pair):
    await pair.to_the_file()
    wanted = pair.wanted
    again = RequestFootage(incident=wanted.incident, footage=wanted.footage, basis=wanted.basis, document=wanted.document, cameras=wanted.cameras, since=wanted.since, until=wanted.until)  # fmt: skip
    before = pair.city.store.head()
    envelope = deployment.Envelope(v=1, origin="control", to="garam", epoch=9, seq=1, sent_at=1, body=b"")
    pair.city.deliver(envelope, again)
    assert pair.city.store.head() == before
    close = CloseFootage(incident=wanted.incident, footage=wanted.footage, why=Why.WITHDRAWN)
    smuggled = msgspec.msgpack.encode({**msgspec.to_builtins(close), "wearer": "w1"})
    with pytest.raises(codec.Unreadable, match="not_canonical"):
        codec.decode_message(smuggled)
    assert [each.stage for each in pair.city.loop.state.footage.values()] == [giving.Stage.WAITING]
    assert asking.to_fetch(pair.control.loop.state.footage) == []
