"""A control centre on disk for the bench of ingest: wearers with zones and devices, one operator, no partners."""

import hashlib
import math
import random
from dataclasses import dataclass
from pathlib import Path

from safetynet.app import people
from safetynet.core import geo
from safetynet.core.messages import Role
from safetynet.core.orders import Circle, Order, Polygon, Zone
from safetynet.core.terms import WearerClass
from safetynet.edge import config, keys
from safetynet.edge.store import Account, Device, Store

ID = "control"
PASSWORD = "a long enough word"
ACCOUNT = "kim"
KEY = "bench-device-key-bench"
DEVICES = 3
"""Added to the port of the pages: where devices report."""
HEALTH = 4
"""The same: figures."""


@dataclass(frozen=True)
class Subject:
    """A made-up wearer: where the device usually is, and a place inside its first zone."""

    wearer: str
    device: str
    lat: float
    lon: float
    zone: tuple[float, float]


def make(folder: Path, port: int, count: int, dice: random.Random) -> list[Subject]:
    """Each wearer has three circles and two polygons of 12 corners within 5 km; one in ten lives beside one."""
    config.write(
        folder,
        config.Centre(id=ID, name="측정용 관제센터", role=Role.CONTROL, host="127.0.0.1", link_port=port + 1, web_port=port,
                      video_port=port + 2, health_port=port + HEALTH, devices=config.Devices(direct=config.HttpPort(port=port + DEVICES))),
    )  # fmt: skip
    own = keys.open_centre(folder)
    keys.issue(keys.make_ca(folder.parent / "ca"), folder, ID, ["127.0.0.1"])
    store = Store.open(folder / "log.db", centre=ID, keys=own.persons, sign=own.sign, salt=keys.salt)
    store._db.execute("pragma synchronous = off")  # noqa: SLF001 - made data, and nothing of it is measured
    store.put_account(Account("p-kim", ACCOUNT, "김하나", "operator", "1", keys.hash_password(PASSWORD)))
    digest = hashlib.sha256(KEY.encode()).digest()
    subjects = []
    for n in range(count):
        plane = geo.Plane(dice.uniform(34.5, 38.0), dice.uniform(126.5, 129.0))
        zones, wearer, first_turn = [], f"w{n}", dice.uniform(0, 2 * math.pi)
        for z in range(5):
            turn, far, r = dice.uniform(0, 2 * math.pi), dice.uniform(1_500, 5_000), dice.uniform(80, 300)
            # The first stands apart from the others: who steps into it is in no other.
            turn = first_turn if z == 0 else first_turn + dice.uniform(math.pi / 3, 5 * math.pi / 3)
            if z == 1 and n % 10 == 0:
                far = r + 60  # outside, and near enough that the exact shape must be asked
            x, y = far * math.sin(turn), far * math.cos(turn)
            if z < 3:
                area = Circle(*plane.to_latlon(x, y), r)
            else:
                turns = [2 * math.pi * i / 12 for i in range(12)]
                area = Polygon(tuple(plane.to_latlon(x + r * math.cos(t), y + r * math.sin(t)) for t in turns))
            zones.append(Zone(id=f"z{n}-{z}", name="측정용", area=area))
        order = Order(wearer=wearer, wearer_class=WearerClass.ORDER, version=1, zones=tuple(zones))
        people.enrol(
            store,
            people.WearerRecord(wearer=wearer, name=f"측정용 {n}", case_no=f"2026-{n}", born_year=None, office="", officer="",
                                phone="", order=order),
        )  # fmt: skip
        store.put_device(Device(f"d{n}", wearer, digest))
        first = zones[0].area
        assert isinstance(first, Circle)
        subjects.append(Subject(wearer, f"d{n}", plane.lat0, plane.lon0, (first.lat, first.lon)))
    store.close()
    return subjects


def read_back(folder: Path):
    """The journal's keys and the log, for counting what is on disk when the program has ended."""
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre=ID, keys=own.persons, sign=own.sign, salt=keys.salt)
