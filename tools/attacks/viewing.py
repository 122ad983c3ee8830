"""At the pictures: to see what nobody granted, longer than it was granted, or what another was granted."""

import asyncio
import contextlib
import ssl
from typing import Final

import msgspec

from safetynet.core.terms import CameraId, CentreId, GrantId, ViewerId, WearerClass
from safetynet.edge import clock, keys
from safetynet.edge.relay import words
from safetynet.edge.relay.words import Kind, Line
from safetynet.sim.children import HOST
from safetynet.sim.provision import CONTROL, POLICE
from tools.attacks.book import Wave, attack
from tools.attacks.stage import CUT_MS_MAX, NARAE, Granted, Stage, Video, demand, until, video

PICTURES: Final = 3


async def watching(stage: Stage, opened: Video, held: Granted, tile: int = 1) -> None:
    """A window that lawfully sees a picture, as the start of an attack."""
    demand(await opened.hello(held.token) == "admitted", "a token is not taken")
    await opened.say(op="open", tile=tile, grant=held.grant, camera=held.cameras[0])
    await until(lambda: opened.pictures.get(tile, 0) >= PICTURES, "a picture")


async def gone(opened: Video, since: int, what: str) -> None:
    """No picture later than the limit of the design."""
    await asyncio.sleep(CUT_MS_MAX / 1_000)
    demand(await opened.quiet(), f"{what}: pictures go on")
    demand(opened.last_at - since <= CUT_MS_MAX, f"{what}: pictures went on for {opened.last_at - since} ms")


@attack("a picture without any incident", Wave.DESK)
async def without_incident(stage: Stage) -> None:
    async with stage.at("operator1") as desk, video(stage.ports.windows) as opened:
        for act in ("video", "claim"):
            demand(await desk.do(act, incident="I-NONE") == "no_such_incident", f"{act} without an incident")
        no = await desk.do("admit", grant="G-NONE")
        demand(no == "no_such_incident" and not desk.admits, f"let in to a grant that nobody gave: {no}")
        for token in ("", "guess", "A" * 43, "x" * 5_000, "\ud7ff"):
            demand(await opened.hello(token) in ("token_unknown", "closed"), "a token that nobody gave")
            if opened.closed:
                break
    async with video(stage.ports.windows) as opened:
        await opened.say(op="open", tile=1, grant="G-NONE", camera=stage.cameras[0].id)
        await until(lambda: opened.said(tile=1, state="refused") or opened.closed, "a refusal")
        demand(not opened.pictures, "a picture without a token")


@attack("video for a person whose law gives no basis", Wave.DESK)
async def no_basis(stage: Stage) -> None:
    async with stage.at("operator1") as desk:
        incident = await stage.incident(desk, stage.one(WearerClass.BAIL))
        demand(await desk.do("claim", incident=incident) == "ok", "an incident cannot be claimed")
        no = await desk.do("video", incident=incident)
        demand(no not in ("ok", "not_owner"), f"video is asked for: {no}")
        await asyncio.sleep(0.5)
        demand(not desk.admits and not desk.shown["incidents"][incident]["video"]["grants"], "a grant without a basis")
        await stage.close(desk, incident)


@attack("a camera that was not granted", Wave.DESK)
async def foreign_camera(stage: Stage) -> None:
    async with stage.at("operator1") as desk, video(stage.ports.windows) as opened:
        held = await stage.granted(desk)
        await watching(stage, opened, held)
        others = [each.id for each in stage.cameras if each.id not in held.cameras][:2]
        for tile, camera in enumerate(
            (*others, "nobody's", "../" + held.cameras[0], held.cameras[0].upper() + "x"), 10
        ):
            await opened.say(op="open", tile=tile, grant=held.grant, camera=camera)
            await until(lambda tile=tile: opened.said(tile=tile, state="refused"), f"a refusal of {camera}")
            demand(tile not in opened.pictures, f"a picture of {camera}")
        await opened.say(op="open", tile=30, grant="G-OTHER", camera=held.cameras[0])
        await until(lambda: opened.said(tile=30, state="refused"), "a refusal of a foreign grant")
        await stage.close(desk, held.incident)


@attack("another window's token, after it was used and before", Wave.DESK)
async def stolen_token(stage: Stage) -> None:
    async with stage.at("operator1") as desk, video(stage.ports.windows) as own, video(stage.ports.windows) as other:
        held = await stage.granted(desk)
        await watching(stage, own, held)
        why = await other.hello(held.token)
        demand(why == "token_used", f"a used token in another window: {why}")
        await other.say(op="open", tile=1, grant=held.grant, camera=held.cameras[0])
        await until(lambda: other.said(tile=1, state="refused"), "a refusal")
        demand(not other.pictures, "pictures in a window that was not let in")
        await stage.close(desk, held.incident)
    async with video(stage.ports.city_windows(0)) as city:
        demand(await city.hello(held.token) == "token_unknown", "the control centre's token opens the city's windows")


@attack("pictures after the incident was closed", Wave.DESK)
async def after_the_end(stage: Stage) -> None:
    async with stage.at("operator1") as desk, video(stage.ports.windows) as opened, video(stage.ports.windows) as late:
        held = await stage.granted(desk)
        demand(await desk.do("admit", grant=held.grant) == "ok", "a second token is refused")
        await until(lambda: desk.admits, "a second token")
        spare = desk.admits.pop()["token"]
        await watching(stage, opened, held)
        since = clock.monotonic()
        await stage.close(desk, held.incident)
        await gone(opened, since, "after the end")
        demand(await late.hello(spare) != "admitted", "a token that was kept admits after the end")
        await opened.say(op="open", tile=2, grant=held.grant, camera=held.cameras[0])
        await until(lambda: opened.said(tile=2, state="refused"), "a refusal")
        demand(await desk.do("admit", grant=held.grant) != "ok", "a new token after the end")


@attack(
    "pictures after a sign-out, with the video socket kept", Wave.DESK, "a window that signed out keeps its pictures"
)
async def after_sign_out(stage: Stage) -> None:
    async with stage.at("operator2", fresh=True) as desk, video(stage.ports.windows) as opened:
        held = await stage.granted(desk)
        await watching(stage, opened, held)
        since = clock.monotonic()
        await stage.ask("operator2", "POST", "/sign-out")
        await gone(opened, since, "after a sign-out")
    stage.cookies.pop("operator2")
    async with stage.at("operator1") as desk:
        await desk.do("take_over", incident=held.incident)
        await stage.close(desk, held.incident)


@attack("pictures after another took over", Wave.DESK, "handing over leaves the windows of before open")
async def after_take_over(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("supervisor1") as boss, video(stage.ports.windows) as opened:
        held = await stage.granted(desk)
        await watching(stage, opened, held)
        since = clock.monotonic()
        demand(await boss.do("take_over", incident=held.incident) == "ok", "nobody can take over")
        await gone(opened, since, "after a take-over")
        demand(await desk.do("admit", grant=held.grant) == "not_owner", "who led asks for a token anew")
        await stage.close(boss, held.incident)


async def line(stage: Stage, centre: CentreId | None, port: int) -> Line:
    """To a city's relay, with that centre's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if centre is None else keys.client_context(stage.files(centre))
    if centre is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    return Line(reader, writer)


async def pictures(at: Line, grant: str, camera: str, wait_s: float = 3.0) -> tuple[int, str]:
    """How many fragments came within that time, and the last word."""
    at.say(Kind.OPEN, 1, words.Open(GrantId(grant), CameraId(camera), ViewerId("V-attack")))
    count, word = 0, ""
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError, OSError):
        async with asyncio.timeout(wait_s):
            while True:
                kind, channel, payload = await at.read()
                if kind == Kind.FRAGMENT:
                    count += 1
                    at.send(Kind.ACK, channel, b"\0\1")
                elif kind in (Kind.REFUSED, Kind.ENDED):
                    word = msgspec.msgpack.decode(payload, type=words.Ending).why.value
                    return count, word
    return count, word


@attack("a camera's relay asked past the control centre, with another's certificate or none", Wave.DESK, "another centre's grant is as good as one's own")  # fmt: skip
async def relay_bypass(stage: Stage) -> None:
    async with stage.at("operator1") as desk:
        held = await stage.granted(desk)
        port = stage.ports.city_video(0)
        for centre in (None, POLICE, NARAE):
            with contextlib.suppress(OSError, ssl.SSLError):
                at = await line(stage, centre, port)
                count, word = await pictures(at, held.grant, held.cameras[0])
                at.close()
                demand(not count, f"{centre or 'nobody'} got {count} pictures ({word})")
        at = await line(stage, CONTROL, port)
        for grant, camera in (
            (held.grant + "/own", held.cameras[0]),
            ("G-X", held.cameras[0]),
            (held.grant, "x" * 5_000),
        ):
            count, _ = await pictures(at, grant, camera, 1.0)
            demand(not count, f"{grant} {camera[:10]}: {count} pictures")
            at.close()
            at = await line(stage, CONTROL, port)
        at.close()
        await stage.close(desk, held.incident)


@attack("a certificate that this authority did not issue, or that is over", Wave.DESK)
async def certificates(stage: Stage) -> None:
    folder = stage.folder / "stranger"
    for name, hours in (("other authority", 24), ("over", -1)):
        authority = keys.make_ca(stage.folder / ("ca" if hours < 0 else "ca-stranger"))
        keys.issue(authority, folder, CONTROL, [HOST], hours)
        pem = (stage.folder / "ca" / "ca.pem").read_bytes()
        (folder / "keys" / "ca.pem").chmod(0o600)
        (folder / "keys" / "ca.pem").write_bytes(pem)
        for port in (
            stage.ports.city_link(0),
            stage.ports.city_video(0),
            stage.ports.control_link,
            stage.ports.police_link,
        ):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            try:
                reader, writer = await asyncio.open_connection(HOST, port, ssl=keys.client_context(folder))
                writer.write(b"\0\0\0\1\xc0")
                answer = await asyncio.wait_for(reader.read(1), 3)
                demand(answer == b"", f"{name} is answered at {port}")
                writer.close()
            except (OSError, ssl.SSLError, TimeoutError) as no:
                demand(not isinstance(no, TimeoutError), f"{name}: {port} keeps the line")


@attack("a camera turned without a grant, or outside it", Wave.DESK, "any camera turns under any grant")
async def turn(stage: Stage) -> None:
    assert stage.heads is not None
    turning = [each.id for each in stage.cameras if each.ptz]
    demand(turning, "the list holds no camera that turns")
    async with stage.at("operator1") as desk, stage.at("garam1") as city:
        before = len(stage.heads.heard)
        for seen in (desk, city):
            for camera in turning[:3]:
                no = await seen.do("turn", grant="G-NONE", camera=camera, turn="left", incident="I")
                demand(no != "ok", f"{camera} turns without a grant")
        held = await stage.granted(desk)
        outside = [each for each in turning if each not in held.cameras][:3]
        for camera in outside:
            no = await city.do("turn", grant=held.grant, camera=camera, turn="left")
            demand(no == "camera_not_granted", f"{camera} turns outside the grant: {no}")
        demand(await desk.do("turn", grant=held.grant, camera=held.cameras[0], turn="left", incident=held.incident) != "ok", "the control centre turns a camera")  # fmt: skip
        await stage.close(desk, held.incident)
        await asyncio.sleep(0.5)
        for camera in held.cameras:
            demand(
                await city.do("turn", grant=held.grant, camera=camera, turn="left") != "ok",
                f"{camera} turns after the end",
            )
        asked = [each for each in stage.heads.heard[before:] if each[1] != "home"]
        demand(not asked, f"cameras were moved: {asked}")


@attack("the city's own people watching without a request, or after its end", Wave.DESK, "a city's own people watch on after the end")  # fmt: skip
async def own_viewing(stage: Stage) -> None:
    async with stage.at("operator1") as desk, stage.at("garam1") as city, video(stage.ports.city_windows(0)) as opened:
        demand(await city.do("watch", incident="I-NONE") == "not_live", "the city watches without a request")
        held = await stage.granted(desk)
        demand(await city.do("watch", incident=held.incident) == "ok", "the city cannot watch what it provides")
        token = (await until(lambda: city.admits, "a token"))[-1]
        own = Granted(held.incident, token["grant"], token["token"], held.cameras)
        await watching(stage, opened, own)
        since = clock.monotonic()
        await stage.close(desk, held.incident)
        await gone(opened, since, "at the city, after the end")
        demand(await city.do("watch", incident=held.incident) == "not_live", "the city watches after the end")


@attack("a place of a person at a city's page after the end", Wave.DESK)
async def place_after_end(stage: Stage) -> None:
    async with stage.at("operator1") as desk:
        held = await stage.granted(desk)
        await stage.close(desk, held.incident)
        await asyncio.sleep(0.5)
        async with stage.at("garam1") as city:
            told = "".join(city.everything)
            demand(held.incident not in city.shown.get("incidents", {}), "a city's page holds an incident that is over")
            demand(
                not any(each.name in told or each.wearer in told for each in stage.wearers), "a city learns who it is"
            )
