"""`GET /health` and `GET /metrics` of a program, on a port of their own, for those who watch machines.

Only this machine and the networks of `centre.json` are answered. `ready` is 200, also when degraded, with words for what is
wrong; a program that is not there answers nothing.
"""

import asyncio
import contextlib
import ipaddress
import resource
from collections import deque
from collections.abc import Callable, Generator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec
import uvicorn

from safetynet.edge import clock, metrics
from safetynet.edge.callers import callers
from safetynet.edge.intake import Receive, Scope, Send
from safetynet.edge.metrics import Family, Timing

LAG_EVERY_S: Final = 0.1
LAG_KEPT_MAX: Final = 600
"""One minute of looks: `worst_ms` is of these."""
LAG_MS_MAX: Final = 500
"""Beyond this the program is called degraded: alarms wait behind something."""
CONNECTIONS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong, in words (none: ready), and the figures."""

    troubles: tuple[str, ...]
    families: tuple[Family, ...]


class Lag:
    """How late the event loop wakes up whoever sleeps: what one long computation makes all others wait."""

    def __init__(self) -> None:
        self.timing: Final = Timing()
        self._kept: deque[int] = deque(maxlen=LAG_KEPT_MAX)

    @property
    def worst_ms(self) -> float:
        """Of the last minute."""
        return max(self._kept, default=0) / 1_000

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            before = clock.monotonic_us()
            await asyncio.sleep(LAG_EVERY_S)
            late_us = max(0, clock.monotonic_us() - before - int(LAG_EVERY_S * 1_000_000))
            self._kept.append(late_us)
            self.timing.took(late_us)


def machine() -> tuple[Family, ...]:
    """What every program costs."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (
        metrics.counter("cpu_seconds_total", "Processor time of this program.", used.ru_utime + used.ru_stime),
        metrics.gauge("memory_peak_bytes", "Most memory this program ever had.", used.ru_maxrss * 1024),
    )


def application(program: str, report: Callable[[], Report], networks: tuple[str, ...]) -> Any:
    """The ASGI application. `networks` as in "10.1.0.0/16"; this machine is always one."""
    allowed = [ipaddress.ip_network(each) for each in ("127.0.0.0/8", "::1/128", *networks)]

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", scope["type"]
        status, kind, body = _answer(scope)
        headers = [
            (b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(scope: MutableMapping[str, Any]) -> tuple[int, bytes, bytes]:
        client = ipaddress.ip_address(scope["client"][0])
        if not any(client in each for each in allowed):
            return 403, b"text/plain", b"not from here\n"
        if scope["method"] not in ("GET", "HEAD"):
            return 405, b"text/plain", b"GET only\n"
        match scope["path"]:
            case "/health":
                troubles = report().troubles
                said = {"program": program, "status": "degraded" if troubles else "ready", "troubles": troubles}
                return 200, b"application/json", msgspec.json.encode(said)
            case "/metrics":
                return 200, b"text/plain; version=0.0.4; charset=utf-8", metrics.text(report().families)
            case _:
                return 404, b"text/plain", b"/health or /metrics\n"

    return serve


async def serve(program: str, host: str, port: int, networks: tuple[str, ...], report: Callable[[], Report]) -> None:
    """Until cancelled."""
    answers = application(program, report, networks)
    server = Server.over(answers, host, port, ws="none", limit_concurrency=CONNECTIONS_MAX)
    try:
        await server.serve()
    finally:
        server.close()


class Server(uvicorn.Server):
    """Leaves signals alone (they are edge.process's), and logs to edge.log: it does not know who asked for what."""

    @classmethod
    def over(cls, answers: Any, host: str, port: int, **more: Any) -> Self:
        """Of an ASGI application. `more` as uvicorn.Config takes it; with a parser of their own callers have no few places."""
        more.setdefault("http", callers())
        config = uvicorn.Config(
            answers,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            server_header=False,
            **more,
        )
        return cls(config)

    def close(self) -> None:
        """When the program ends otherwise than by the server's own way: nobody is let in any more."""
        for each in self.servers if self.started else ():
            each.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
