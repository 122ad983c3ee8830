"""How many fixes a second one core judges, beside shapely doing only the geometry of it, in the same run.

Made data: each wearer has 5 zones (3 circles, 2 polygons of 12 corners) within 5 km; a tenth of the wearers walk about
a zone, the others anywhere; one fix a minute. Orders are made ready in a first round that is not counted. The peer gets prepared geometries in metres and answers certain / maybe / no for the wearer's
own zones: no state, no episodes, no sweep between fixes. Both must agree on which fixes are certainly inside.
"""

import json
import math
import random
import time

import msgspec
import shapely

from safetynet.core import geo
from safetynet.core.fixes import Fix, radius_m
from safetynet.core.orders import Circle, Order, Polygon, Zone
from safetynet.core.rules import RULES_VERSION, RuleState, judge
from safetynet.core.terms import Source, WearerClass
from safetynet.core.verdicts import How

WEARERS = 2_000
ROUNDS = 30
BATCH = 1_000
RUNS = 5


def made(dice):
    """Orders, and the plane and zone middles of each wearer."""
    orders, planes, middles = {}, {}, {}
    for n in range(WEARERS):
        wearer = f"w{n}"
        plane = planes[wearer] = geo.Plane(dice.uniform(34.5, 38.0), dice.uniform(126.5, 129.0))
        zones, spots = [], []
        for z in range(5):
            x, y, r = dice.uniform(-5_000, 5_000), dice.uniform(-5_000, 5_000), dice.uniform(80, 300)
            spots.append((x, y))
            if z < 3:
                area = Circle(*plane.to_latlon(x, y), r)
            else:
                turns = [2 * math.pi * i / 12 for i in range(12)]
                area = Polygon(tuple(plane.to_latlon(x + r * math.cos(t), y + r * math.sin(t)) for t in turns))
            zones.append(Zone(id=f"z{z}", name="made", area=area))
        orders[wearer] = Order(wearer=wearer, wearer_class=WearerClass.ORDER, version=1, zones=tuple(zones))
        middles[wearer] = spots
    return orders, planes, middles


def fixes(dice, planes, middles):
    at, n, out = 1_700_000_000_000, 0, []
    where = {
        wearer: dice.choice(middles[wearer])
        if dice.random() < 0.1
        else (dice.uniform(-5_000, 5_000), dice.uniform(-5_000, 5_000))
        for wearer in planes
    }
    for _ in range(ROUNDS):
        at += 60_000
        for wearer, plane in planes.items():
            n += 1
            x, y = where[wearer]
            where[wearer] = x, y = x + dice.gauss(0, 60), y + dice.gauss(0, 60)
            lat, lon = plane.to_latlon(x, y)
            out.append(
                Fix(id=n, wearer=wearer, device="d", observed_at=at, received_at=at + 300, lat=lat, lon=lon,
                    accuracy_m=dice.uniform(3, 60), source=Source.GNSS)
            )  # fmt: skip
    return out


def ours(orders, batches):
    told, state = judge([fix for batch in batches for fix in batch][:WEARERS], orders, RuleState())
    told, batches = list(told), batches[WEARERS // BATCH :]
    start = time.process_time()
    for batch in batches:
        some, state = judge(batch, orders, state)
        told += some
    return time.process_time() - start, told


def peers(orders, planes, all_fixes):
    shapes = {}
    for wearer, order in orders.items():
        plane = planes[wearer]
        shapes[wearer] = []
        for zone in order.zones:
            match zone.area:
                case Circle(lat, lon, radius):
                    shapes[wearer].append((shapely.Point(plane.to_xy(lat, lon)), radius))
                case Polygon(corners):
                    polygon = shapely.Polygon([plane.to_xy(lat, lon) for lat, lon in corners])
                    shapely.prepare(polygon)
                    shapes[wearer].append((polygon, 0.0))
    certain = set()
    start = time.process_time()
    for fix in all_fixes:
        radius = radius_m(fix)
        point = shapely.Point(planes[fix.wearer].to_xy(fix.lat, fix.lon))
        for shape, grown in shapes[fix.wearer]:
            off = shapely.distance(shape, point) - grown
            if off == 0.0 and not grown:
                off = -shapely.distance(shape.exterior, point)
            if off <= -radius:
                certain.add(fix.id)
    return time.process_time() - start, certain


def main():
    dice = random.Random(1)
    orders, planes, middles = made(dice)
    all_fixes = fixes(dice, planes, middles)
    batches = [all_fixes[n : n + BATCH] for n in range(0, len(all_fixes), BATCH)]
    runs = [ours(orders, batches) for _ in range(RUNS)]
    assert len({msgspec.msgpack.encode(told) for _, told in runs}) == 1, "the same journal, the same verdicts"
    own = sorted(seconds for seconds, _ in runs)[RUNS // 2]
    peer, certain = peers(orders, planes, all_fixes)
    raised = {each.fix.id for each in runs[0][1] if each.how is How.INSIDE and each.off_m <= -radius_m(each.fix)}
    assert raised <= certain, "nothing is called certain that the peer does not see inside"
    crossed = sum(each.how is How.CROSSED for each in runs[0][1])
    figures = {
        "bench": "rules",
        "rules": RULES_VERSION,
        "fixes": len(all_fixes),
        "transitions": len(runs[0][1]),
        "crossings": crossed,
        "fixes_per_cpu_s": round((len(all_fixes) - WEARERS) / own),
        "peer": "shapely scalar, geometry only",
        "peer_fixes_per_cpu_s": round(len(all_fixes) / peer),
        "ratio": round((len(all_fixes) - WEARERS) / own / (len(all_fixes) / peer), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
