"""Programs as children of one launcher: started, waited for, started again, and never left behind.

A child writes to its own log file, not to a pipe: a launcher that dies takes no output with it. It dies with its
launcher by the kernel's hand (PR_SET_PDEATHSIG), so that a killed launcher leaves no port taken and no camera open.

    python -m safetynet.sim.children PARENT COMMAND [OPTION ...]    is `safetynet COMMAND ...` bound to its parent
"""

import asyncio
import ctypes
import os
import runpy
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import msgspec

from safetynet.edge import clock

READY_MS_MAX: Final = 90_000
"""A program that is not ready by then never will be; the first start compiles kernels."""
POLL_MS: Final = 50
END_MS_MAX: Final = 5_000
"""Between the request to end and the kill."""
RESTARTS_MAX: Final = 5
RESTARTS_MS: Final = 60_000
"""More crashes of one child within this time are a fault that starting again does not heal."""
RESTART_PAUSE_MS: Final = 500
TAIL_LINES: Final = 25
LINE_BYTES_MAX: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1
HOST: Final = "127.0.0.1"


class PortTakenError(Exception):
    """Another program listens there."""

    def __init__(self, port: int, program: str) -> None:
        super().__init__(f"port {port} ({program}) is in use by another program")
        self.port, self.program = port, program


class ChildFailedError(Exception):
    """A program could not start, or ended again and again. `tail` is the end of its log."""

    def __init__(self, name: str, why: str, tail: str, log: Path) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why, self.tail, self.log = name, why, tail, log


@dataclass(frozen=True, slots=True)
class Program:
    """What to run (`arguments` after `safetynet`).

    It is ready when all its ports answer; without ports, when it says so in a line `{"ready": ...}`.
    """

    name: str
    arguments: tuple[str, ...]
    ports: tuple[int, ...] = ()
    ready_ms_max: int = READY_MS_MAX
    end_ms_max: int = END_MS_MAX


@dataclass(slots=True)
class _Child:
    program: Program
    log: Path
    process: asyncio.subprocess.Process | None = None
    read_bytes: int = 0
    crashes: deque[int] = field(default_factory=deque[int])


def is_free(port: int, host: str = HOST) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that is fading away is no listener
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free(programs: Sequence[Program]) -> None:
    """Raises PortTakenError for the first port that somebody else holds."""
    for program in programs:
        for port in program.ports:
            if not is_free(port):
                raise PortTakenError(port, program.name)


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log that may still be written."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LINE_BYTES_MAX))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


class Children:
    """All programs of one launcher. Used from the main thread only: the kernel ties a child to the thread that made it."""

    def __init__(
        self,
        programs: Sequence[Program],
        logs: Path,
        *,
        say: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """`command` replaces this interpreter's own way in, for tests."""
        logs.mkdir(parents=True, exist_ok=True)
        self._children: Final = [_Child(each, logs / f"{each.name}.log") for each in programs]
        self._say = say
        self._environment: Final = {**os.environ, **(environment or {})}
        self._command = command
        self._ending = False

    def pids(self) -> dict[str, int]:
        return {each.program.name: each.process.pid for each in self._children if each.process is not None}

    async def start(self, began: Callable[[str], None] = lambda _: None) -> None:
        """Starts all and waits until each is ready. Raises PortTakenError, ChildFailedError; then nothing runs."""
        require_free([each.program for each in self._children])
        try:
            for child in self._children:
                child.log.write_bytes(b"")
                await self._launch(child)
            for child in self._children:
                await self._ready(child)
                began(child.program.name)
        except BaseException:
            await self.stop()
            raise

    async def watch(self) -> None:
        """Starts again what ends, until cancelled. Raises ChildFailedError when that does not help."""
        kept = [asyncio.ensure_future(self._keep(child)) for child in self._children]
        try:
            await asyncio.gather(*kept)
        finally:
            for each in kept:
                each.cancel()

    async def stop(self) -> None:
        """Asks all to end, kills what has not after END_MS_MAX. Nothing runs when this returns."""
        self._ending = True
        alive = [each for each in self._children if each.process is not None and each.process.returncode is None]
        for child in alive:
            assert child.process is not None
            with suppress(ProcessLookupError):  # it ended by itself between the two lines
                child.process.terminate()
        await asyncio.gather(*(self._end(each) for each in alive))

    async def _end(self, child: _Child) -> None:
        assert child.process is not None
        try:
            async with asyncio.timeout(child.program.end_ms_max / 1_000):
                await child.process.wait()
        except TimeoutError:
            self._say(f"{child.program.name} did not end within {child.program.end_ms_max // 1_000} s: killed")
            with suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()

    async def _launch(self, child: _Child) -> None:
        command = self._command or (sys.executable, "-u", "-m", "safetynet.sim.children", str(os.getpid()))
        with child.log.open("ab") as log:
            child.read_bytes = log.tell()
            child.process = await asyncio.create_subprocess_exec(
                *command,
                *child.program.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # ctrl-C reaches the launcher alone, which then ends them in order
            )
        child.log.with_suffix(".pid").write_text(str(child.process.pid), "ascii")

    async def _ready(self, child: _Child) -> None:
        program = child.program
        deadline = clock.monotonic() + program.ready_ms_max
        with child.log.open("rb") as log:
            log.seek(child.read_bytes)
            while not (await _answers(program.ports) if program.ports else _said_ready(log)):
                assert child.process is not None
                if child.process.returncode is not None:
                    raise self._failed(child, f"ended with status {child.process.returncode} before it was ready")
                if clock.monotonic() >= deadline:
                    raise self._failed(child, f"not ready after {program.ready_ms_max // 1_000} s")
                await asyncio.sleep(POLL_MS / 1_000)

    async def _keep(self, child: _Child) -> None:
        while True:
            assert child.process is not None
            status = await child.process.wait()
            if self._ending:
                return
            at = clock.monotonic()
            child.crashes.append(at)
            while at - child.crashes[0] > RESTARTS_MS:
                child.crashes.popleft()
            if len(child.crashes) > RESTARTS_MAX:
                raise self._failed(child, f"ended {len(child.crashes)} times within {RESTARTS_MS // 1_000} s")
            self._say(
                f"{child.program.name} ended with status {status}; started again"
                f" ({len(child.crashes)} of {RESTARTS_MAX} times a minute)"
            )
            await asyncio.sleep(RESTART_PAUSE_MS / 1_000)
            await self._launch(child)

    def _failed(self, child: _Child, why: str) -> ChildFailedError:
        return ChildFailedError(child.program.name, why, tail(child.log), child.log)


def _said_ready(log: IO[bytes]) -> bool:
    """Whether a line like `{"ready": true, ...}` came since the last look. Half a line is left for the next one."""
    while line := log.readline(LINE_BYTES_MAX):
        if not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
            log.seek(-len(line), os.SEEK_CUR)
            return False
        if line.startswith(b"{"):
            with suppress(msgspec.DecodeError):  # a log line that merely looks like JSON
                said = msgspec.json.decode(line)
                if isinstance(said, dict) and said.get("ready"):
                    return True
    return False


async def _answers(ports: Sequence[int]) -> bool:
    for port in ports:
        try:
            async with asyncio.timeout(1.0):
                _, writer = await asyncio.open_connection(HOST, port)
        except (OSError, TimeoutError):
            return False
        writer.transport.abort()
    return True


def bind_to_parent(parent: int) -> None:
    """Lets the kernel kill us when `parent` dies. Exits when it has died already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit("the launcher is gone")


if __name__ == "__main__":
    bind_to_parent(int(sys.argv[1]))
    sys.argv[:] = ["safetynet", *sys.argv[2:]]
    runpy.run_module("safetynet", run_name="__main__")
