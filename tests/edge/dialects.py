"""One of each protocol for the tests that ask all of them the same."""

import hashlib
from dataclasses import dataclass

from safetynet.core.terms import Source
from safetynet.edge.devices import gt06, h02, jt808, teltonika
from safetynet.edge.devices.lines import Line
from safetynet.edge.devices.words import Registered
from safetynet.sim import dialects
from safetynet.sim.devices import Report

NOW = 1_750_000_000_000
KEY = "k" * 22
IMEI = "356314041419858"
KNOWN = {IMEI: Registered("w1", hashlib.sha256(KEY.encode()).digest())}


@dataclass(frozen=True)
class Way:
    name: str
    make: type
    speaker: object


WAYS = {
    "gt06": (gt06.Gt06, lambda: dialects.Gt06(IMEI)),
    "teltonika_8": (teltonika.Teltonika, lambda: dialects.Teltonika(IMEI, teltonika.CODEC_8)),
    "teltonika_8e": (teltonika.Teltonika, lambda: dialects.Teltonika(IMEI)),
    "teltonika_16": (teltonika.Teltonika, lambda: dialects.Teltonika(IMEI, teltonika.CODEC_16)),
    "h02": (h02.H02, lambda: dialects.H02(IMEI)),
    "jt808": (jt808.Jt808, lambda: dialects.Jt808(IMEI)),
    "jt808_key": (jt808.Jt808, lambda: dialects.Jt808(IMEI, KEY)),
}


def line(make, known=KNOWN.get, **more):
    return Line(make(), known, more.pop("proved", set()), **more)


def walk(count=6, alarm=None, device=IMEI):
    return [
        Report(
            device=device, observed_at=NOW - (count - n) * 10_000, lat=36.35 + n * 0.00013, lon=127.38 - n * 0.00017,
            radius_m=12.0, source=Source.GNSS, battery=83.0, speed_mps=1.4, alarm=alarm if n == count - 1 else None,
        )
        for n in range(count)
    ]  # fmt: skip


def stream(speaker, reports):
    return speaker.hello() + b"".join(speaker.report(each) for each in reports)
