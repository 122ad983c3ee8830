import httpx
import pytest

from safetynet.core.terms import Instant
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
