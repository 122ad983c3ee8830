"""On the road between organisations, with every key of a partner: to a city as a hostile control centre, and the other way round."""

import asyncio
import contextlib
import ssl
from typing import Final

import msgspec

from safetynet.core.events import CameraCard
from safetynet.core.messages import (
    AnswerNotice,
    ChangeCameras,
    EndGrant,
    EndIncident,
    GiveGrant,
    MovePlace,
    NotifyPolice,
    ReportSighting,
    RequestFootage,
)
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CameraId,
    FootageBasis,
    FootageId,
    GrantId,
    IncidentId,
    Instant,
    NoticeId,
    NoticeState,
    RequestId,
    Sight,
    ViewerId,
    Why,
)
from safetynet.edge import clock, codec, keys
from safetynet.edge.link import Known
from safetynet.edge.relay import words
from safetynet.edge.relay.words import Kind
from safetynet.sim.children import HOST
from safetynet.sim.provision import CONTROL, POLICE
from tools.attacks import bent
from tools.attacks.book import Wave, attack
from tools.attacks.files import product
from tools.attacks.road import MINUTES_MS, Road, answer, refused, road, wanted
from tools.attacks.stage import GARAM, LEASE_MS_MAX, NARAE, Stage, demand
from tools.attacks.viewing import line, pictures

SLACK_MS: Final = 1_500
"""For the last picture to come and be counted on a busy machine."""


@attack("video beyond the law: another basis, radius, number, time or place", Wave.CITY)
async def beyond_law(stage: Stage) -> None:
    now = clock.now()
    cases: dict[str, dict[str, object]] = {
        "kind": {"kind": AlarmKind.CURFEW}, "basis": {"basis": Basis.URGENT_LIFE},
        "radius": {"radius_m": 50_000}, "no radius": {"radius_m": 0}, "below": {"radius_m": -5}, "number": {"cameras_max": 1_000},
        "time": {"until": Instant(now + 600 * MINUTES_MS)}, "over": {"until": Instant(now - 1)}, "abroad": {"lat": 48.85, "lon": 2.35},
        "nowhere": {"lat": float("nan")}, "everywhere": {"place_radius": 1e308},
    }  # fmt: skip
    async with road(stage, CONTROL) as at:
        for n, (what, but) in enumerate(cases.items()):
            if "place_radius" in but:
                message = wanted(stage, f"I-BEYOND-{n}")
                message = msgspec.structs.replace(
                    message, place=msgspec.structs.replace(message.place, radius_m=float("inf"))
                )
            else:
                message = wanted(stage, f"I-BEYOND-{n}", **but)
            why = await refused(at, message)
            demand(why, f"{what}: refused without a word")
        fine = wanted(stage, "I-LAWFUL")
        demand(await at.say(fine) is None, "a lawful request is not taken")
        demand(
            isinstance(await answer(at, "I-LAWFUL"), GiveGrant),
            "a lawful request is refused, so the refusals say nothing",
        )
        await at.say(EndIncident(incident=IncidentId("I-LAWFUL"), why=Why.STOPPED))


@attack(
    "video for where somebody was ten minutes ago, or will be", Wave.CITY, "a city provides for a place of long ago"
)
async def stale_place(stage: Stage) -> None:
    now = clock.now()
    async with road(stage, CONTROL) as at:
        for n, observed in enumerate((now - 10 * MINUTES_MS, now + 10 * MINUTES_MS)):
            why = await refused(at, wanted(stage, f"I-STALE-{n}", observed_at=Instant(observed)))
            demand(why == "stale", f"refused as {why}")


@attack(
    "a message that nobody signed, or somebody else did, or that was changed on the way",
    Wave.CITY,
    "any signature is the right one",
)
async def forged(stage: Stage) -> None:
    other = keys.open_centre(stage.files(NARAE))
    async with road(stage, CONTROL) as at:
        message = wanted(stage, "I-FORGED")
        sound = at.envelope(message)
        cases = {
            "unsigned": at.envelope(message, signature=b""), "nonsense": at.envelope(message, signature=b"x" * 64),
            "another's key": at.envelope(message, signature=other.sign(b"x")),
            "changed": msgspec.structs.replace(sound, body=codec.encode_message(msgspec.structs.replace(message, radius_m=301))),
            "another number": msgspec.structs.replace(sound, seq=sound.seq + 1_000),
        }  # fmt: skip
        for what, envelope in cases.items():
            why = await at.carry(envelope)
            demand(why is Why.BAD_SIGNATURE, f"{what}: {why}")
        for what, but, expected in (
            ("another's name", {"origin": NARAE}, Why.WRONG_SENDER), ("to another", {"to": NARAE}, Why.WRONG_RECEIVER),
            ("another version", {"v": 99}, Why.UNKNOWN_VERSION), ("a number below zero", {"seq": -1}, Why.MALFORMED),
        ):  # fmt: skip
            why = await at.carry(at.envelope(message, **but))
            demand(why is expected, f"{what}: {why}")
        await asyncio.sleep(0.3)
        demand(not at.heard, "the city answered what it should not have taken")


@attack("a request sent again after its incident was over", Wave.CITY, "a city forgets that an incident ended")
async def replayed(stage: Stage) -> None:
    async with road(stage, CONTROL) as at:
        first = at.envelope(wanted(stage, "I-AGAIN"))
        demand(await at.carry(first) is None, "a request is not taken")
        demand(isinstance(await answer(at, "I-AGAIN"), GiveGrant), "a request is not granted")
        demand(
            await at.say(EndIncident(incident=IncidentId("I-AGAIN"), why=Why.STOPPED)) is None, "an end is not taken"
        )
        at.heard.clear()
        for _ in range(3):
            await at.carry(first)
        demand(not [each for each in at.heard if isinstance(each, GiveGrant)], "the same bytes were granted again")
        why = await refused(at, wanted(stage, "I-AGAIN", request=RequestId("R-NEW")))
        demand(why == "not_live", f"a new request for what is over: {why}")


@attack("a message against its direction, or from somebody who is no partner", Wave.CITY, "any message may go any way")
async def direction(stage: Stage) -> None:
    async with road(stage, CONTROL) as at:
        for message in (
            GiveGrant(
                incident=IncidentId("I"),
                request=RequestId("R"),
                grant=GrantId("G"),
                cameras=(),
                conditions=(),
                until=Instant(1),
            ),
            AnswerNotice(incident=IncidentId("I"), notice=NoticeId("N"), state=NoticeState.READ),
            NotifyPolice(incident=IncidentId("I"), notice=NoticeId("N"), kind=AlarmKind.STRAP_CUT, place=None),
        ):
            why = await at.say(message)
            demand(why is Why.WRONG_DIRECTION, f"{type(message).__name__} to a city: {why}")
    for centre in (POLICE, NARAE):
        with contextlib.suppress(OSError, ssl.SSLError):
            async with road(stage, centre) as at:
                why = await at.say(wanted(stage, f"I-{centre}"))
                demand(why == "dropped", f"{centre} asks for video: {why}")


@attack("bytes that are no message: oversize, nested, half, with fields that nobody knows", Wave.CITY)
async def garbage(stage: Stage) -> None:
    lawful = wanted(stage, "I-GARBAGE")
    body = msgspec.msgpack.decode(codec.encode_message(lawful))
    more = msgspec.msgpack.encode({**body, "wearer": "w-001"})
    nested = b"\x91" * 60_000 + b"\xc0"
    async with road(stage, CONTROL) as at:
        for what, odd in (
            ("an unknown field", more),
            ("nesting", nested),
            ("nothing", b""),
            ("text", b"\xa5hello"),
            ("a doubled key", more[:1] + more[1:]),
        ):
            why = await at.carry(at.envelope(lawful, body=odd))
            demand(why in (Why.MALFORMED, "dropped"), f"{what}: {why}")
            if at.over:
                break
    for raw in (b"\xff" * 40, b"\x91" * 30_000, b"", b"\x93\xa5carry\xc0\xc0"):
        async with road(stage, CONTROL) as at:
            at.raw(raw)
            await asyncio.sleep(0.1)
    async with road(stage, CONTROL) as at:
        at.raw(b"x" * 100, size=0x7FFFFFFF)
        await asyncio.sleep(0.2)
        demand(at.over, "a frame of two gigabytes is waited for")
    stage.require_alive()
    async with road(stage, CONTROL, known=Known(clock.now() + 90 * 24 * 60 * MINUTES_MS, 5, b"")) as at:
        await asyncio.sleep(0.3)
        demand(at.over, "an epoch of next season is believed")


@attack(
    "past footage without a document, of another's cameras, too long or too old",
    Wave.CITY,
    "past footage is asked for without a document",
)
async def footage(stage: Stage) -> None:
    now = clock.now()
    lawful = {
        "footage": FootageId("F-0"), "basis": FootageBasis.INVESTIGATION, "document": "가상-2026-1", "cameras": (stage.cameras[0].id,),
        "since": Instant(now - 5 * MINUTES_MS), "until": Instant(now - MINUTES_MS),
    }  # fmt: skip
    cases = {
        "no document": {"document": ""}, "another's camera": {"cameras": (CameraId("narae-1"),)}, "an hour": {"since": Instant(now - 61 * MINUTES_MS)},
        "many": {"cameras": tuple(each.id for each in stage.cameras[:9])}, "old": {"since": Instant(now - 90 * 24 * 60 * MINUTES_MS), "until": Instant(now - 90 * 24 * 60 * MINUTES_MS + 1_000)},
        "to come": {"until": Instant(now + 5 * MINUTES_MS)}, "backwards": {"since": Instant(now), "until": Instant(now - 1)},
    }  # fmt: skip
    async with road(stage, CONTROL) as at:
        for n, (what, but) in enumerate(cases.items()):
            asked = {**lawful, **but, "footage": FootageId(f"F-{n + 1}")}
            why = await at.say(RequestFootage(incident=IncidentId(f"I-F{n}"), **asked))  # type: ignore[arg-type]
            await asyncio.sleep(0.15)
            said = [type(each).__name__ for each in at.heard if each.incident == f"I-F{n}"]
            demand(why is not None or said == ["RefuseFootage"], f"{what}: {why} {said}")


# --- pictures ------------------------------------------------------------------------------------------------------


async def granted(stage: Stage, at: Road, incident: str, **but: object) -> GiveGrant:
    demand(await at.say(wanted(stage, incident, **but)) is None, "a lawful request is not taken")
    given = await answer(at, incident)
    assert isinstance(given, GiveGrant), given
    return given


async def _end(at: Road, incident: str) -> None:
    await at.say(EndIncident(incident=IncidentId(incident), why=Why.STOPPED))


async def lasts(stage: Stage, given: GiveGrant, wait_ms: int) -> tuple[int, int]:
    """How many pictures a greedy centre gets within that time, and when the last one came (monotonic)."""
    at = await line(stage, CONTROL, stage.ports.city_video(0))
    count, last_at = 0, clock.monotonic()
    at.say(Kind.OPEN, 1, words.Open(given.grant, given.cameras[0].camera, ViewerId("V-greedy")))
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError, OSError):
        async with asyncio.timeout(wait_ms / 1_000):
            while True:
                kind, channel, _ = await at.read()
                if kind == Kind.FRAGMENT:
                    count, last_at = count + 1, clock.monotonic()
                    at.send(Kind.ACK, channel, b"\0\1")
    at.close()
    return count, last_at


@attack(
    "a lease that is forged, altered, too long or of another city",
    Wave.CITY,
    "the relay does not look at a lease's seal",
)
async def forged_lease(stage: Stage) -> None:
    await _leases(stage, old=False)


@attack("a lease that ran out, sent again", Wave.CITY, "a lease counts from when it comes")
async def old_lease(stage: Stage) -> None:
    await _leases(stage, old=True)


async def _leases(stage: Stage, *, old: bool) -> None:
    """An administrator at the city's machine speaks to its relay as if he were its program."""
    own, other = keys.open_centre(stage.files(GARAM)), keys.open_centre(stage.files(NARAE))
    camera = stage.cameras[0].id
    now = clock.monotonic()
    bare = words.SetLease(
        grant=GrantId("G-STOLEN"), receiver=CONTROL, cameras=(camera,), lease_ms=LEASE_MS_MAX, issued_ms=now,
        urls={camera: f"rtsp://{HOST}:{stage.ports.rtsp}/{camera}"},
    )  # fmt: skip
    part = words.lease_part
    ran_out = msgspec.structs.replace(bare, issued_ms=Instant(now - 2 * LEASE_MS_MAX))
    long = msgspec.structs.replace(bare, lease_ms=3_600_000)
    ahead = msgspec.structs.replace(bare, issued_ms=Instant(now + 3_600_000))
    cases = (
        {"ran out": msgspec.structs.replace(ran_out, signature=own.sign(part(ran_out)))}
        if old
        else {
            "no seal": bare, "another city's seal": msgspec.structs.replace(bare, signature=other.sign(part(bare))),
            "altered": msgspec.structs.replace(bare, receiver=POLICE, signature=own.sign(part(bare))),
            "too long": msgspec.structs.replace(long, signature=own.sign(part(long))),
            "of tomorrow": msgspec.structs.replace(ahead, signature=own.sign(part(ahead))),
        }
    )  # fmt: skip
    for what, word in cases.items():
        _, writer = await asyncio.open_unix_connection(stage.files(GARAM) / "relay.sock")
        writer.write(words.encode(word))
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()
        for centre in (CONTROL, POLICE):
            at = await line(stage, centre, stage.ports.city_video(0))
            count, why = await pictures(at, word.grant, camera, 1.5)
            at.close()
            demand(not count, f"{what}: {count} pictures for {centre} ({why})")


@attack(
    "pictures for longer than the lease, with the city's program killed",
    Wave.CITY,
    "view forgets the end of a lease (storm)",
)
async def dead_city(stage: Stage) -> None:
    async with road(stage, CONTROL) as at:
        given = await granted(stage, at, "I-DEAD")
        watching = asyncio.create_task(lasts(stage, given, LEASE_MS_MAX + 4_000))
        await asyncio.sleep(1.5)
        await stage.kill(GARAM)
        killed = clock.monotonic()
        count, last_at = await watching
        lasted = last_at - killed
        demand(count, "no picture came before, so the end says nothing")
        demand(lasted <= LEASE_MS_MAX + SLACK_MS, f"pictures went on for {lasted} ms without the city's word")
    await stage.start(GARAM, plan=stage.plan)
    async with road(stage, CONTROL) as at:
        await _end(at, "I-DEAD")


@attack(
    "pictures for a centre that fell silent so that it cannot hear the end",
    Wave.CITY,
    "a lease outlives the road of who was granted",
)
async def silent_centre(stage: Stage) -> None:
    async with road(stage, CONTROL) as at:
        given = await granted(stage, at, "I-SILENT")
        watching = asyncio.create_task(lasts(stage, given, LEASE_MS_MAX + 4_000))
        await asyncio.sleep(1.0)
        at.quiet = True
        fell = clock.monotonic()
        count, last_at = await watching
        lasted = last_at - fell
        demand(count, "no picture came before, so the end says nothing")
        demand(lasted <= LEASE_MS_MAX + SLACK_MS, f"pictures went on for {lasted} ms for who hears nothing")
    async with road(stage, CONTROL) as at:
        await _end(at, "I-SILENT")


@attack(
    "pictures taken by a centre that writes nothing down",
    Wave.CITY,
    "verification forgives a one-sided segment",
)
async def one_sided(stage: Stage) -> None:
    """Nothing at the city contradicts it. The receiver's own ledger does, once a minute has passed (L12)."""
    async with road(stage, CONTROL) as at:
        given = await granted(stage, at, "I-UNSAID")
        count, _ = await lasts(stage, given, 3_500)
        demand(count, "no picture came, so this shows nothing")
        await _end(at, "I-UNSAID")
        try:
            bent.write(stage.plan, 2 * MINUTES_MS)
            now = clock.now() + 2 * MINUTES_MS
            later = await granted(stage, at, "I-LATER", observed_at=Instant(now), until=Instant(now + MINUTES_MS))
            await lasts(stage, later, 3_500)
            await _end(at, "I-LATER")
            await asyncio.sleep(0.5)
        finally:
            bent.write(stage.plan)
    await stage.end(GARAM, f"{GARAM}-relay")
    out = stage.folder / "one-sided"
    for centre in (GARAM, CONTROL):
        code, _ = await product("publish", "--dir", str(stage.files(centre)), "--out", str(out))
        demand(code == 0, f"the ledger of {centre} cannot be published")
    code, said = await product("verify", str(out))
    alone = [each["what"] for each in said["faults"] if "in no other log" in each["what"]]
    demand(code != 0 and alone, f"nobody misses the receiver's entries: {said}")
    await stage.start(GARAM, f"{GARAM}-relay", plan=stage.plan)


@attack("a person followed beyond the city, the radius or the time by moving the place", Wave.CITY)
async def moved(stage: Stage) -> None:
    async with road(stage, CONTROL) as at:
        given = await granted(stage, at, "I-MOVED")
        before = {each.camera for each in given.cameras}
        for n, but in enumerate(
            (
                {"lat": 37.5, "lon": 127.0},
                {"lat": float("nan")},
                {"observed_at": Instant(clock.now() - 20 * MINUTES_MS)},
            )
        ):
            place = wanted(stage, "I-MOVED", **but).place
            place = (
                msgspec.structs.replace(place, fix=n)
                if "observed_at" in but
                else msgspec.structs.replace(place, observed_at=Instant(clock.now()))
            )
            await at.say(MovePlace(incident=IncidentId("I-MOVED"), request=given.request, place=place))
        await asyncio.sleep(0.4)
        changed = [each for each in at.heard if isinstance(each, ChangeCameras)]
        demand(
            all({one.camera for one in each.cameras} <= before for each in changed),
            "cameras followed to where nobody may be followed",
        )
        await _end(at, "I-MOVED")


# --- to the control centre -----------------------------------------------------------------------------------------


def _card(n: int, **but: object) -> CameraCard:
    made = CameraCard(camera=CameraId(f"c{n}"), pole="p", name=f"c{n}", lat=36.35, lon=127.38, range_m=80.0, azimuth_deg=None,  # type: ignore[arg-type]
                      view_deg=None, ptz=False, purpose="crime")  # fmt: skip
    return msgspec.structs.replace(made, **but)


@attack("a grant that nobody asked for, given to the control centre by a city or the police", Wave.CENTRE, "the control centre takes a grant that nobody asked for")  # fmt: skip
async def unasked_grant(stage: Stage) -> None:
    async with stage.at("operator1") as desk, road(stage, GARAM, CONTROL) as at, road(stage, POLICE, CONTROL) as police:
        incident = await stage.incident(desk)
        request = next((each for each in (await _asked(desk, incident)) if each["city"] == GARAM), None)
        assert request is not None, "the city near is prepared"
        give = GiveGrant(
            incident=IncidentId(incident), request=RequestId(request["request"]), grant=GrantId("G-UNASKED"), cameras=(_card(1),),
            conditions=(), until=Instant(clock.now() + 600 * MINUTES_MS),
        )  # fmt: skip
        await at.say(give)
        await at.say(msgspec.structs.replace(give, request=RequestId("R-OTHER"), grant=GrantId("G-2")))
        await at.say(msgspec.structs.replace(give, incident=IncidentId("I-NONE"), grant=GrantId("G-3")))
        why = await police.say(msgspec.structs.replace(give, grant=GrantId("G-4")))
        demand(why is Why.WRONG_DIRECTION, f"the police room provides cameras: {why}")
        await asyncio.sleep(0.4)
        demand(not desk.shown["incidents"][incident]["video"]["grants"], "a grant stands that nobody asked for")
        demand(await desk.do("claim", incident=incident) == "ok", "an incident cannot be claimed")
        for n in range(1, 5):
            demand(await desk.do("admit", grant=f"G-{n}") != "ok", "a window is let in to it")
        await stage.close(desk, incident)


async def _asked(desk: object, incident: str) -> list[dict[str, str]]:
    found = await desk.see(lambda shown: shown["incidents"][incident]["video"]["requests"], "a preparation")  # type: ignore[attr-defined]
    return list(found)


@attack("a grant stretched by the city: longer, more cameras, impossible ones, sightings of others", Wave.CENTRE)
async def stretched_grant(stage: Stage) -> None:
    async with stage.at("operator1") as desk, road(stage, GARAM, CONTROL) as at:
        incident = await stage.incident(desk)
        await desk.do("claim", incident=incident)
        demand(await desk.do("video", incident=incident) == "ok", "video cannot be asked for")
        request = next(each for each in (await _asked(desk, incident)) if each["city"] == GARAM)
        give = GiveGrant(
            incident=IncidentId(incident), request=RequestId(request["request"]), grant=GrantId("G-LONG"), cameras=(_card(1),),
            conditions=(), until=Instant(clock.now() + 6_000 * MINUTES_MS),
        )  # fmt: skip
        many = tuple(_card(n) for n in range(100))
        odd = (_card(1, lat=float("nan")), _card(2, lat=90.0), _card(3, range_m=1e300), _card(4, azimuth_deg=-1e9))
        for n, cards in enumerate((many, *((each,) for each in odd))):
            await at.say(msgspec.structs.replace(give, grant=GrantId(f"G-ODD-{n}"), cameras=cards))
        await asyncio.sleep(0.3)
        demand(not desk.shown["incidents"][incident]["video"]["grants"], "impossible cameras are taken")
        demand(await at.say(give) is None, "a grant is not taken")
        grants = await desk.see(lambda shown: shown["incidents"][incident]["video"]["grants"], "the grant")
        demand(grants[0]["until"] <= clock.now() + 30 * MINUTES_MS, "a city lengthens what was asked for")
        seen = ReportSighting(incident=IncidentId(incident), grant=GrantId("G-OTHER"), camera=CameraId("c1"), sight=Sight.SEEN, heading=None,
                              travel=None, seen_at=Instant(clock.now()))  # fmt: skip
        await at.say(seen)
        await at.say(msgspec.structs.replace(seen, grant=GrantId("G-LONG"), camera=CameraId("c99")))
        await asyncio.sleep(0.3)
        demand(not desk.shown["incidents"][incident]["sightings"], "a sighting by a camera that is not provided")
        await at.say(EndGrant(incident=IncidentId(incident), grant=GrantId("G-LONG"), why=Why.STOPPED))
        await stage.close(desk, incident)
        stage.require_alive()


@attack("one partner closing, answering or ending for another", Wave.CENTRE)
async def for_another(stage: Stage) -> None:
    async with stage.at("operator1") as desk, road(stage, GARAM, CONTROL) as at, road(stage, POLICE, CONTROL) as police:
        incident = await stage.incident(desk)
        await desk.do("claim", incident=incident)
        demand(await desk.do("police", incident=incident) == "ok", "the police cannot be told")
        notice = (await desk.see(lambda shown: shown["incidents"][incident]["notices"], "a notice"))[0]["notice"]
        read = AnswerNotice(incident=IncidentId(incident), notice=NoticeId(notice), state=NoticeState.READ)
        why = await at.say(read)
        demand(why is Why.WRONG_DIRECTION, f"a city answers for the police: {why}")
        for sender, message in (
            (at, EndIncident(incident=IncidentId(incident), why=Why.STOPPED)),
            (police, EndIncident(incident=IncidentId(incident), why=Why.STOPPED)),
        ):
            why = await sender.say(message)
            demand(why is Why.WRONG_DIRECTION, f"{sender.centre} ends an incident: {why}")
        await police.say(msgspec.structs.replace(read, notice=NoticeId("N-NONE")))
        await asyncio.sleep(0.3)
        demand(desk.shown["incidents"][incident]["state"] == "claimed", "a partner closed an incident")
        demand(desk.shown["incidents"][incident]["notices"][0]["state"] == "sent", "a notice is read that nobody read")
        await stage.close(desk, incident)
