"""The other sides of the bench of ingest, each a program of its own: an echo that does nothing, our way in without judging, and
the classic stack. Started as `python servers.py <which> <port> [folder or address]`; says `ready` when it listens."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Echo(asyncio.Protocol):
    """The least that a server over HTTP in Python can do: parse the head, take the body, answer."""

    def connection_made(self, transport):
        import httptools

        self.transport, self.parser = transport, httptools.HttpRequestParser(self)

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_message_complete(self):
        self.transport.write(ANSWER)


async def echo(port: int, _: str) -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


async def bare(port: int, folder: str) -> None:
    """Taken, sealed, on disk, acknowledged; nobody judges."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from centre import read_back

    from safetynet.edge.config import HttpPort
    from safetynet.edge.devices.words import Registered
    from safetynet.edge.direct import Direct
    from safetynet.edge.intake import Intake
    from safetynet.edge.journal import Journal

    store = read_back(Path(folder))
    known = {each.device: Registered(each.wearer, each.key_sha256) for each in store.devices()}
    journal = Journal(Path(folder) / "bare", store.person_keys)
    door = Direct(Intake(journal, known.get, lambda _: None), HttpPort(port=port))
    await door.open("127.0.0.1")
    print("ready", flush=True)
    await door.serve()


def classic(port: int, address: str) -> None:
    """FastAPI, a pool of connections, one insert, one question about zones and one commit for each report."""
    from typing import Annotated

    import uvicorn
    from fastapi import FastAPI, Query
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(address, min_size=8, max_size=8, open=False)
    app = FastAPI()

    @app.get("/device")
    async def device(
        id: Annotated[str, Query()],
        lat: Annotated[float, Query(ge=33, le=39)],
        lon: Annotated[float, Query(ge=124, le=132)],
        timestamp: Annotated[int, Query()],
        accuracy: Annotated[float, Query(ge=0)] = 10.0,
    ) -> dict[str, int]:
        async with pool.connection() as db:
            row = await db.execute(
                "insert into fix (device, at, place) values (%s, %s, st_setsrid(st_makepoint(%s, %s), 4326)) returning place",
                (id, timestamp, lon, lat),
            )
            (place,) = await row.fetchone()
            found = await db.execute(
                "select count(*) from zone where owner = %s and st_dwithin(area::geography, %s::geography, %s)",
                (id, place, accuracy),
            )
            (inside,) = await found.fetchone()
        return {"inside": inside}

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        print("ready", flush=True)
        yield
        await pool.close()

    app.router.lifespan_context = life
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    which, at, more = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""
    if which == "classic":
        classic(at, more)
    else:
        uvloop.run({"echo": echo, "bare": bare}[which](at, more))
