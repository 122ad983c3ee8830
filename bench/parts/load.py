"""Load for one server, and the window in which its alarms appear: one thread, raw sockets, requests made beforehand.

Open loop: a request has its time, and what is late because the server is slow counts as late. Nothing is parsed of an
answer but its status.
"""

import base64
import json
import os
import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field

import msgspec

SETTLE_S = 5.0
DIALS_MAX = 50
DIAL_S = 0.1


@dataclass
class Request:
    due_s: float
    data: bytes
    fixes: int
    keys: tuple[tuple[str, int], ...] = ()
    """Device and time of each fix."""
    planted: str | None = None
    """The wearer about whom one of these fixes must raise an alarm."""
    began_at: float = 0.0
    """When it was handed to the socket; when it was due, if no connection was free then."""
    acked_at: float = 0.0


def dialled(port: int) -> socket.socket:
    """A server may say that it is ready a moment before it is."""
    for _ in range(DIALS_MAX):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(DIAL_S)
    raise ConnectionRefusedError(port)


class Wire:
    """One connection kept alive, one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = dialled(port)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.doing: Request | None = None
        self._in = b""
        self._out = b""

    def send(self, request: Request) -> bool:
        """True when all of it went out at once."""
        self.doing = request
        self._out = request.data
        return self.flush()

    def flush(self) -> bool:
        try:
            self._out = self._out[self.socket.send(self._out) :]
        except BlockingIOError:
            return False
        return not self._out

    def receive(self) -> int | None:
        """The status once the answer is whole. Raises ConnectionError at its end."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        self._in += data
        head, found, body = self._in.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return None
        self._in = body[length:]
        return int(head[9:12])


class _Put(msgspec.Struct):
    alarms: dict[str, "_Alarm"] = {}


class _Alarm(msgspec.Struct):
    wearer: str
    kind: str


class _Frame(msgspec.Struct):
    put: _Put | None = None
    full: _Put | None = None


_frames = msgspec.json.Decoder(_Frame)


class Window:
    """An operator's window without a browser: when each alarm appeared."""

    def __init__(self, port: int, account: str, password: str) -> None:
        self.seen: dict[str, tuple[str, float]] = {}
        """Alarm -> wearer, and when its first frame was here."""
        self._in = bytearray()
        cookie = sign_in(port, account, password)
        self.socket = socket.create_connection(("127.0.0.1", port))
        nonce = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(4_096)
        assert b" 101 " in head.split(b"\r\n", 1)[0], head
        self._in += head.partition(b"\r\n\r\n")[2]
        self._send(0x1, b'{"op":"hello","have":null}')
        self.socket.setblocking(False)

    def _send(self, kind: int, data: bytes) -> None:
        mask = os.urandom(4)
        assert len(data) < 126
        masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))
        self.socket.sendall(bytes((0x80 | kind, 0x80 | len(data))) + mask + masked)

    def receive(self) -> None:
        data = self.socket.recv(1 << 20)
        at = time.perf_counter()
        if not data:
            raise ConnectionResetError
        self._in += data
        while (frame := self._frame()) is not None:
            kind, body = frame
            if kind == 0x9:
                self._send(0xA, body)
            elif kind == 0x1 and b'"alarms":{"' in body:
                said = _frames.decode(body)
                for put in (said.put, said.full):
                    for id, alarm in put.alarms.items() if put else ():
                        self.seen.setdefault(id, (alarm.wearer, at))
            else:
                assert kind in (0x1, 0x2, 0xA), "the window was closed"

    def _frame(self) -> tuple[int, bytes] | None:
        have = self._in
        if len(have) < 2:
            return None
        size, at = have[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(have[2:4]), 4
        elif size == 127:
            size, at = int.from_bytes(have[2:10]), 10
        if len(have) < at + size or len(have) < at:
            return None
        kind, body = have[0] & 0xF, bytes(have[at : at + size])
        del have[: at + size]
        return kind, body


def sign_in(port: int, account: str, password: str) -> str:
    body = json.dumps({"account": account, "password": password}).encode()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(
            f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = b""
        while piece := wire.recv(4_096):
            answer += piece
    for line in answer.split(b"\r\n"):
        if line.lower().startswith(b"set-cookie:"):
            return line.split(b":", 1)[1].split(b";", 1)[0].strip().decode()
    raise AssertionError(answer)


@dataclass
class Run:
    """What came of one load."""

    began_at: float
    ended_at: float
    acked: list[Request] = field(default_factory=list)
    unanswered: list[Request] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return sum(each.fixes for each in self.acked) / (self.ended_at - self.began_at)


def drive(
    port: int,
    requests: list[Request],
    connections: int,
    windows: list[Window],
    done=None,
    settle_s: float = SETTLE_S,
    give_up_s: float = 600.0,
) -> Run:
    """Sends each request at its time, or as soon as a connection is free. After the last answer goes on reading the windows
    until `done()` or for `settle_s`. After `give_up_s` nothing more is sent: what is behind then was never offered. A server that goes away ends the run: what it has not answered is `unanswered`."""
    poll = selectors.DefaultSelector()
    wires = [Wire(port) for _ in range(connections)]
    for each in wires:
        poll.register(each.socket, selectors.EVENT_READ, each)
    for each in windows:
        poll.register(each.socket, selectors.EVENT_READ, each)
    idle, waiting = deque(wires), deque(requests)
    open_ = 0
    began = time.perf_counter()
    run = Run(began, began)
    last, starved_s = began, -1.0
    try:
        while waiting or open_ or (time.perf_counter() - last < settle_s and not (done is None or done())):
            now = time.perf_counter() - began
            if now > give_up_s:
                waiting.clear()
            while waiting and idle and waiting[0].due_s <= now:
                wire, request = idle.popleft(), waiting.popleft()
                open_ += 1
                request.began_at = began + request.due_s if request.due_s <= starved_s else time.perf_counter()
                if not wire.send(request):
                    poll.modify(wire.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, wire)
            if not idle:
                starved_s = now
            wait = 0.05 if open_ or not waiting else max(0.0, waiting[0].due_s - now)
            if waiting and idle:
                wait = min(wait, max(0.0, waiting[0].due_s - now))
            for key, events in poll.select(wait):
                each = key.data
                if isinstance(each, Window):
                    each.receive()
                    continue
                if events & selectors.EVENT_WRITE and each.flush():
                    poll.modify(each.socket, selectors.EVENT_READ, each)
                if events & selectors.EVENT_READ and (status := each.receive()) is not None:
                    request, each.doing = each.doing, None
                    open_ -= 1
                    last = time.perf_counter()
                    idle.append(each)
                    run.statuses[status] = run.statuses.get(status, 0) + 1
                    request.acked_at = last
                    (run.acked if status == 200 else run.unanswered).append(request)
    except ConnectionError:
        run.unanswered += [each.doing for each in wires if each.doing is not None]
        run.unanswered += waiting
    run.ended_at = last
    for each in wires:
        each.socket.close()
    poll.close()
    return run
