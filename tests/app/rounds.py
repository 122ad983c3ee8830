"""Devices that report in rounds and keep what was answered: load for a program that is killed, and what must then be true.

Every wearer steps into the forbidden zone in a round of his own and stays there. What was not answered is sent again.
"""

import asyncio
import hashlib
import json
import time
from collections import Counter

import deployment
from deployment import KEY, LAT, LON

from safetynet.app import people
from safetynet.core.events import AlarmRaised
from safetynet.core.orders import Circle, Order, Zone
from safetynet.core.terms import WearerClass
from safetynet.edge import keys
from safetynet.edge.journal import Journal
from safetynet.edge.store import Device, Store

WEARERS = 12
ROUNDS = 16
LANES = 4
STEP_MS = 20_000


def opened(folder):
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)


def enrol(folder):
    store, digest = opened(folder), hashlib.sha256(KEY.encode()).digest()
    for n in range(WEARERS):
        zone = Zone(id=f"z-r{n}", name="초등학교", area=Circle(LAT, LON, 150.0))
        order = Order(wearer=f"r{n}", wearer_class=WearerClass.ORDER, version=1, zones=(zone,))
        people.enrol(
            store,
            people.WearerRecord(wearer=f"r{n}", name=f"시험용 {n}", case_no=f"2026-r{n}", born_year=None, office="", officer="",
                                phone="", order=order),
        )  # fmt: skip
        store.put_device(Device(f"rd{n}", f"r{n}", digest))
    store.close()


class Fleet:
    def __init__(self, port):
        self.port = port
        self.acked = set()
        self._next = [0] * LANES
        self._began_ms = int(time.time() * 1_000) - ROUNDS * STEP_MS

    @property
    def done(self):
        return all(each == ROUNDS for each in self._next)

    async def run(self):
        """Until all has been answered, or the program is gone."""
        await asyncio.gather(*(self._lane(n) for n in range(LANES)))

    async def _lane(self, lane):
        while self._next[lane] < ROUNDS:
            if not await self._round(lane, self._next[lane]):
                return
            self._next[lane] += 1

    async def _round(self, lane, step):
        """Half of the lanes send their devices' reports one by one, the others all in one body."""
        rows = [self._row(n, step) for n in range(lane, WEARERS, LANES)]
        try:
            if lane % 2:
                body = json.dumps(rows).encode()
                status, _, said = await deployment.http(self.port, "POST", "/device/batch", body)
                assert (status, json.loads(said)["refused"]) == (200, [])
                self.acked.update((row["id"], row["timestamp"]) for row in rows)
            else:
                for row in rows:
                    query = "&".join(f"{name}={value}" for name, value in row.items())
                    status, _, _ = await deployment.http(self.port, "GET", f"/device?{query}")
                    assert status == 200
                    self.acked.add((row["id"], row["timestamp"]))
        except (OSError, ValueError, IndexError):  # the answer breaks off, or there is none
            return False
        return True

    def _row(self, n, step):
        inside = step >= 2 + n % (ROUNDS - 4)
        lat = LAT if inside else LAT + 0.01
        return {
            "id": f"rd{n}", "key": KEY, "lat": lat, "lon": LON, "accuracy": 10, "timestamp": self._began_ms + step * STEP_MS + n,
        }  # fmt: skip


def check(folder, fleet):
    """No acknowledged fix is lost, no alarm lost or doubled. The program has ended."""
    store = opened(folder)
    with Journal(folder / "journal", store.person_keys) as journal:
        held = {(fix.device, fix.observed_at) for fix in journal.replay()}
    raised = Counter(event.wearer for _, event in store.events() if isinstance(event, AlarmRaised))
    store.close()
    assert fleet.acked <= held, "an acknowledged fix is lost"
    assert raised == {f"r{n}": 1 for n in range(WEARERS)}, "each alarm exactly once"


def shown(page):
    """Wearers whose alarm the page shows, each with how many."""
    return Counter(each["wearer"] for each in page.shown.get("alarms", {}).values())
