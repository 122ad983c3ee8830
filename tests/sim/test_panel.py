import re
import ssl
import xml.etree.ElementTree as ET

import httpx
import msgspec
import pytest
import segno

from safetynet.core.terms import Instant
from safetynet.edge import keys
from safetynet.sim import phones
from safetynet.sim.panel import Panel
from safetynet.sim.world import World

T0 = Instant(1_795_436_880_000)
CONSOLE = "http://127.0.0.1:18200"
WORLD = World()


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(app=Panel(WORLD, lambda: T0, frozenset({CONSOLE})).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:18250") as made:
        yield made


async def test_the_page_speaks_korean_first(client):
    page = await client.get("/")
    assert 'lang="ko"' in page.text
    assert "이야기 고르기" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert 'lang="en"' in (await client.get("/?lang=en")).text


async def test_a_story_starts_and_shows_how_far_it_is(client):
    assert (await client.post("/story/tamper")).status_code == 200
    state = {each["name"]: each for each in (await client.get("/state")).json()["stories"]}
    assert state["tamper"]["step"] == 0
    assert state["zone"]["step"] is None
    WORLD.stop("tamper")


async def test_a_story_that_does_not_exist(client):
    answer = await client.post("/story/none")
    assert answer.status_code == 404
    assert answer.json()["reason"] == "no_such_story"


@pytest.mark.parametrize(
    ("origin", "status"), [(CONSOLE, 200), ("http://127.0.0.1:18250", 200), ("http://evil.example", 403), ("null", 403)]
)
async def test_only_the_console_and_the_panel_may_start_stories(client, origin, status):
    answer = await client.post("/story/drift", headers={"Origin": origin})
    assert answer.status_code == status
    assert (answer.headers.get("access-control-allow-origin") == CONSOLE) == (origin == CONSOLE)
    WORLD.stop("drift")


async def test_units_go_where_they_are_sent(client):
    unit = (await client.get("/units")).json()["units"][0]
    assert (await client.post(f"/unit/{unit['id']}", json={"lat": unit["lat"] + 0.002, "lon": unit["lon"]})).json()[
        "eta_s"
    ] > 5
    assert (await client.post("/unit/none", json={"lat": 36.35, "lon": 127.38})).status_code == 404
    for bad in (b"", b"[]", b'{"lat": 99, "lon": 1}', b'{"lat": "x", "lon": 1}', b'{"lat": NaN, "lon": 1}'):
        assert (await client.post(f"/unit/{unit['id']}", content=bad)).status_code == 400
    assert (await client.post(f"/unit/{unit['id']}", content=b"x" * 5000)).status_code == 413


TELEPHONES = phones.Settings(open_url="https://192.168.0.12:8405/field", host="192.168.0.12", stand_port=8453, ca="")


@pytest.fixture
def telephones(tmp_path):
    keys.make_ca(tmp_path)
    return msgspec.structs.replace(TELEPHONES, ca=(tmp_path / "ca.pem").read_text())


def over(app, base="http://127.0.0.1:18250"):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base)


@pytest.mark.parametrize("lang", ["ko", "en"])
async def test_two_codes_bring_a_telephone_to_the_pages(telephones, lang):
    app = Panel(WORLD, lambda: T0, frozenset(), telephones=telephones).app()
    async with over(app) as client:
        page = await client.get(f"/phones?lang={lang}")
        svg = await client.get("/phones/open.svg")
    assert "style=" not in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert phones.fingerprint(telephones.ca) in page.text
    assert "FIELD_HOST" not in page.text, "the door is open to telephones"
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "style" not in svg.text
    assert read(svg.content) == coded(telephones.open_url)
    assert read(phones.code(telephones.stand_url)) == coded("http://192.168.0.12:8453/")


def read(svg):
    """The modules that the picture shows, dark or not, without the quiet border."""
    drawn = ET.fromstring(svg)
    size = int(drawn.attrib["viewBox"].split()[2])
    dark, x, y = set(), 0.0, 0.0
    paths = [each for each in drawn.iter("{http://www.w3.org/2000/svg}path") if "stroke" in each.attrib]
    for op, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", paths[0].attrib["d"]):
        if op == "h":
            dark |= {(int(x) + n, int(y)) for n in range(int(first))}
        x = float(first) if op == "M" else x + float(first)
        y = float(second) if op == "M" else y + float(second or 0)
    border = phones.QUIET_MODULES
    inner = range(border, size - border)
    assert all(border <= each < size - border for one in dark for each in one), "the border is quiet"
    return tuple(tuple((column, row) in dark for column in inner) for row in inner)


def coded(text):
    return tuple(tuple(bool(each) for each in row) for row in segno.make(text, error="m", micro=False).matrix)


async def test_the_stand_hands_out_the_certificate_and_nothing_else(telephones):
    async with over(phones.stand(telephones), "http://192.168.0.12:8453") as client:
        page = await client.get("/", headers={"Accept-Language": "en"})
        given = await client.get(f"/{phones.CERTIFICATE}")
        refused = [(await client.get(path)).status_code for path in ("/state", "/units", "/phones", "/story/tamper")]
    assert "Compare the fingerprint" in page.text
    assert phones.fingerprint(telephones.ca) not in page.text, "what came by this road cannot vouch for itself"
    assert "set-cookie" not in page.headers
    assert given.headers["content-type"] == "application/x-x509-ca-cert"
    assert given.content == ssl.PEM_cert_to_DER_cert(telephones.ca)
    assert b"PRIVATE" not in given.content
    assert refused == [404, 404, 404, 404]


async def test_a_running_story_says_where_it_is_and_can_be_stopped(client):
    await client.post("/story/curfew")
    (told,) = [each for each in (await client.get("/state")).json()["stories"] if each["name"] == "curfew"]
    assert (told["seconds"], told["rings_s"] > 60, told["caught"]) == (0, True, False), "the wait is said beforehand"
    assert (await client.post("/story/curfew/stop")).status_code == 204
    (told,) = [each for each in (await client.get("/state")).json()["stories"] if each["name"] == "curfew"]
    assert told["seconds"] is None


async def test_the_device_of_who_was_arrested_says_no_more_of_its_strap(client):
    wearer = (await client.post("/story/tamper")).json()["wearer"]
    later = Instant(T0 + 20_000)
    assert WORLD.moment(wearer, later).tampered
    world = Panel(WORLD, lambda: Instant(T0 + 10_000), frozenset()).app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=world), base_url="http://127.0.0.1:18250") as other:
        assert (await other.post(f"/wearer/{wearer}/caught")).status_code == 204
        assert (await other.post("/wearer/w-nobody/caught")).status_code == 404
    held = WORLD.moment(wearer, later)
    assert (held.tampered, held.alarm, held.speed_mps) == (False, None, 0.0)
    where = WORLD.moment(wearer, Instant(T0 + 10_000))
    assert (held.x, held.y) == (where.x, where.y), "he stands where he was caught"
    WORLD.stop("tamper")


async def test_the_page_brings_its_own_letters_and_offers_the_other_language(client):
    font = await client.get("/font/Pretendard-Regular")
    assert (font.status_code, font.headers["content-type"], font.content[:4]) == (200, "font/woff2", b"wOF2")
    assert (await client.get("/font/..%2F..%2Fconsole.css")).status_code == 404
    assert 'href="/?lang=en"' in (await client.get("/")).text
    assert 'href="/?lang=ko"' in (await client.get("/?lang=en")).text
