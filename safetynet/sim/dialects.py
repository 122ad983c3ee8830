"""Devices that speak the protocols of `edge.devices`, over a real connection, each report until it is acknowledged.

The same `Report` in the words of each protocol, written from its description and not by what reads it. Absent on
purpose: what a protocol cannot say (`says`), retries (`sim.devices.Post` has them for the one that the demo uses).
"""

import asyncio
import base64
import datetime as dt
import struct
import zlib
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from safetynet.core.terms import DeviceId
from safetynet.edge.devices import gt06, jt808, teltonika
from safetynet.sim.devices import Report, osmand

ANSWER_TIMEOUT_S: Final = 10.0


class NotTakenError(Exception):
    """The answer is not the one that says it was taken."""


class Speaker(Protocol):
    """One device in one protocol. `says` are the alarms it has words for."""

    says: frozenset[str]

    def hello(self) -> bytes:
        """Before the first report; empty where there is none."""
        ...

    def report(self, report: Report) -> bytes: ...

    async def answer(self, reader: asyncio.StreamReader) -> None:
        """Reads one whole answer. Raises NotTakenError when it is a refusal."""
        ...


async def talk(host: str, port: int, speaker: Speaker, reports: Iterable[Report]) -> int:
    """Says all reports one after the other; returns how many were acknowledged before the other side went away."""
    reader, writer = await asyncio.open_connection(host, port)
    acknowledged = 0
    try:
        if hello := speaker.hello():
            writer.write(hello)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await speaker.answer(reader)
        for each in reports:
            writer.write(speaker.report(each))
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await speaker.answer(reader)
            acknowledged += 1
    except (OSError, asyncio.IncompleteReadError):
        return acknowledged  # killed, or hung up: what has no answer is not acknowledged
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)  # it may have been cut from the other side
    return acknowledged


def _six(report: Report, zone_s: int = 0) -> tuple[int, int, int, int, int, int]:
    """Year of two digits, month, day, hour, minute, second."""
    at = dt.datetime.fromtimestamp(report.observed_at // 1000 + zone_s, dt.UTC)
    return at.year % 100, at.month, at.day, at.hour, at.minute, at.second


class Gt06:
    says = frozenset({"sos", "tampering", "removing"})

    def __init__(self, device: DeviceId) -> None:
        self._device, self._serial = device, 0

    def hello(self) -> bytes:
        return self._frame(0x01, bytes.fromhex(self._device.rjust(16, "0")) + b"\x36\x08\x00\x00")

    def report(self, report: Report) -> bytes:
        kmh = min(255, round(report.speed_mps * 3.6))
        place = bytes(_six(report)) + struct.pack(
            ">BIIBH", 0xCC, round(report.lat * 1_800_000), round(report.lon * 1_800_000), kmh, 0x1400
        )
        cell = bytes.fromhex("01c2080001000002")
        if report.alarm is None:
            return self._frame(0x22, place + cell + bytes(3))
        state = 7 << 3 if report.alarm == "removing" else 0
        code = {"sos": 0x01, "tampering": 0x13}.get(report.alarm, 0)
        return self._frame(0x26, place + b"\x09" + cell + bytes((0x40 | state, 6, 4, code, 2)))

    async def answer(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readexactly(4)
        rest = await reader.readexactly(head[2] + 1)
        if head[3] == 0x80:
            return await self.answer(reader)  # a command came in between
        if rest[:2] != self._serial.to_bytes(2, "big"):
            raise NotTakenError
        return None

    def _frame(self, kind: int, content: bytes) -> bytes:
        self._serial += 1
        return gt06.framed(kind, content, self._serial)


class Teltonika:
    says = frozenset({"sos"})

    def __init__(self, device: DeviceId, codec: int = teltonika.CODEC_8E) -> None:
        self._device, self._codec, self._signed_in = device, codec, False

    def hello(self) -> bytes:
        return len(self._device).to_bytes(2, "big") + self._device.encode()

    def report(self, report: Report) -> bytes:
        wide = ">H" if self._codec == teltonika.CODEC_8E else ">B"
        name = ">B" if self._codec == teltonika.CODEC_8 else ">H"
        elements = [(113, round(report.battery)), *([(236, 1)] if report.alarm == "sos" else [])]
        record = struct.pack(
            ">QBiiHHBH", report.observed_at, 0, round(report.lon * 1e7), round(report.lat * 1e7), 60, 90, 12,
            round(report.speed_mps * 3.6),
        )  # fmt: skip
        record += struct.pack(name, 236 if report.alarm else 0)
        if self._codec == teltonika.CODEC_16:
            record += b"\x05"
        record += struct.pack(wide, len(elements)) + struct.pack(wide, len(elements))
        record += b"".join(struct.pack(name, id) + bytes((value,)) for id, value in elements)
        record += struct.pack(wide, 0) * (4 if self._codec == teltonika.CODEC_8E else 3)
        return teltonika.framed(bytes((self._codec, 1)) + record + b"\x01")

    async def answer(self, reader: asyncio.StreamReader) -> None:
        if not self._signed_in:
            self._signed_in = await reader.readexactly(1) == b"\x01"
            if not self._signed_in:
                raise NotTakenError
            return
        head = await reader.readexactly(4)
        while head == bytes(4):  # a command came in between
            length = int.from_bytes(await reader.readexactly(4), "big")
            await reader.readexactly(length + 4)
            head = await reader.readexactly(4)
        if head != b"\0\0\0\x01":
            raise NotTakenError


class H02:
    says = frozenset({"sos"})

    def __init__(self, device: DeviceId) -> None:
        self._device = device

    def hello(self) -> bytes:
        return b""

    def report(self, report: Report) -> bytes:
        year, month, day, hour, minute, second = _six(report)
        status = 0xFFFFFBFF & ~(2 if report.alarm == "sos" else 0)
        return (
            f"*HQ,{self._device},V1,{hour:02}{minute:02}{second:02},A,{_minutes(report.lat, 2)},N,{_minutes(report.lon, 3)},E,"
            f"{report.speed_mps / 0.514444:.2f},90,{day:02}{month:02}{year:02},{status:08X}#"
        ).encode()

    async def answer(self, reader: asyncio.StreamReader) -> None:
        said = await reader.readuntil(b"#")
        while b",V4,V1," not in said:
            said = await reader.readuntil(b"#")


def _minutes(degrees: float, digits: int) -> str:
    whole, part = divmod(round(degrees * 600_000), 600_000)
    return f"{whole:0{digits}}{part // 10_000:02}.{part % 10_000:04}"


class Jt808:
    """With a key it shows that as its code; without one it registers and shows what it is given."""

    says = frozenset({"sos", "tampering"})

    def __init__(self, device: DeviceId, key: str = "", *, later: bool = True) -> None:
        self._telephone = bytes.fromhex(device.rjust(20 if later else 12, "0"))
        self._key, self._later, self._serial = key, later, 0

    def hello(self) -> bytes:
        code = self._key.encode()
        if not code:
            return self._frame(0x0002, b"")
        return self._frame(0x0102, (bytes((len(code),)) + code + bytes(35)) if self._later else code)

    def report(self, report: Report) -> bytes:
        alarm = {"sos": 1, "tampering": 1 << 17}.get(report.alarm or "", 0)
        body = struct.pack(
            ">IIIIHHH", alarm, 3, round(report.lat * 1e6), round(report.lon * 1e6), 60, round(report.speed_mps * 36), 90
        )
        clock = "".join(f"{each:02}" for each in _six(report, 8 * 3_600))
        return self._frame(0x0200, body + bytes.fromhex(clock) + b"\x31\x01\x0c")

    async def answer(self, reader: asyncio.StreamReader) -> None:
        await reader.readuntil(b"\x7e")
        data = jt808.unescaped((await reader.readuntil(b"\x7e"))[:-1])
        kind, body = int.from_bytes(data[:2], "big"), data[17 if self._later else 12 : -1]
        if kind in (0x8201, 0x8202):
            await self.answer(reader)
        elif kind != 0x8001 or body[:2] != self._serial.to_bytes(2, "big") or body[4] != 0:
            raise NotTakenError

    def _frame(self, kind: int, body: bytes) -> bytes:
        self._serial += 1
        return jt808.framed(kind, body, self._telephone, self._serial)


class _Http:
    def hello(self) -> bytes:
        return b""

    async def answer(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        await reader.readexactly(length)
        if not head.startswith("http/1.1 200 "):
            raise NotTakenError


class OsmAnd(_Http):
    """Its request line has no path, as the clients have it whose address was typed in without a slash."""

    says = frozenset({"sos", "tampering", "removing"})

    def __init__(self, key: str) -> None:
        self._key = key

    def report(self, report: Report) -> bytes:
        return b"GET ?" + osmand(report, self._key) + b" HTTP/1.1\r\nHost: device\r\n\r\n"


class OwnTracks(_Http):
    says = frozenset[str]()

    def __init__(self, device: DeviceId, key: str) -> None:
        self._basic = base64.b64encode(f"{device}:{key}".encode()).decode()

    def report(self, report: Report) -> bytes:
        body = location(report)
        head = f"POST /owntracks HTTP/1.1\r\nHost: device\r\nAuthorization: Basic {self._basic}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def location(report: Report) -> bytes:
    """As OwnTracks says it, over either transport."""
    return msgspec.json.encode(
        {
            "_type": "location", "tid": f"{zlib.crc32(report.device.encode()) % 90 + 10}", "lat": report.lat, "lon": report.lon,
            "acc": round(report.radius_m), "tst": report.observed_at // 1000, "vel": round(report.speed_mps * 3.6),
            "batt": round(report.battery), "t": "t", "conn": "m",
        }
    )  # fmt: skip
