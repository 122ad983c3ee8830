"""The alarm catalogue: for each kind a story of reports that raises it, and one that comes near and must not.

Through the real rules and the real mind of a control centre, from fixes to what rings. A kind without its two stories
fails here by name.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from minds import Told

from safetynet.app.bells import bell
from safetynet.core import geo
from safetynet.core.annunciations import ALWAYS
from safetynet.core.control import words
from safetynet.core.fixes import Fix, Said
from safetynet.core.orders import Absence, Circle, Curfew, Hours, Inclusion, Leave, Order, Protected, Row, Stay, Zone
from safetynet.core.proximity import LOST_MS
from safetynet.core.rules import RuleState, judge
from safetynet.core.terms import AlarmKind, Certainty, Source, WearerClass

K = AlarmKind
PLANE = geo.Plane(36.35, 127.38)
NOON = round((datetime(2026, 11, 23, 12, tzinfo=UTC) - timedelta(hours=9)).timestamp()) * 1_000
NIGHT = NOON + 11 * 3_600_000
"""23:00 in Korea, when the curfew holds."""
ZONE = Zone(id="z1", name="x", area=Circle(*PLANE.to_latlon(1_000, 0), 150.0))
HOME = Circle(*PLANE.to_latlon(-3_000, 0), 60.0)
CURFEW = Curfew(id="c1", name="집", home=HOME, rows=(Row(days=tuple(range(7)), start_min=22 * 60, end_min=6 * 60),))
DAWN = NOON - 4 * 3_600_000
"""08:00, when children go to school; and from 09:00 on there is work."""
SCHOOL = Curfew(id="c2", name="집", home=HOME, rows=(Row(days=tuple(range(5)), start_min=7 * 60, end_min=9 * 60),), hours=Hours.SCHOOL)  # fmt: skip
LIVING = Inclusion(id="i1", name="유성구", area=Circle(*PLANE.to_latlon(0, 0), 9_000.0))
ALSO = Inclusion(id="i2", name="대덕구", area=Circle(*PLANE.to_latlon(14_000, 8_000), 9_000.0))
WORK = Inclusion(
    id="i3", name="작업장", area=Circle(*PLANE.to_latlon(0, 4_000), 80.0), stay=Stay.ATTENDANCE,
    rows=(Row(days=tuple(range(5)), start_min=9 * 60, end_min=11 * 60),),
)  # fmt: skip
CLINIC = NOON - 7 * 3_600_000
"""05:00, when the device may come off for half an hour."""
REMOVAL = Absence(id="a1", starts_at=CLINIC, ends_at=CLINIC + 1_800_000, leave=Leave.REMOVAL)
ORDER = Order(
    wearer="w1", wearer_class=WearerClass.ORDER, version=1, zones=(ZONE,), curfews=(CURFEW, SCHOOL), protected=(Protected(id="p1"),),
    inclusions=(LIVING, ALSO, WORK), absences=(REMOVAL,),
)  # fmt: skip
FAR = (8_000.0, 8_000.0)
"""Nowhere near anything."""


CODES: dict[str, AlarmKind | str] = {
    "STRAP_CUT": K.STRAP_CUT,
    "BODY_TAMPER": K.BODY_TAMPER,
    "STRAP_RESTORED": "no alarm of its own: no signal heals a strap (tests/core/test_alarms_heal.py)",
    "JAMMING": K.JAMMING,
    "SEPARATION": K.SEPARATION,
    "VICTIM_PROX_100": K.APPROACH_100,
    "VICTIM_PROX_1K": K.APPROACH_1K,
    "VICTIM_PROX_2K": K.APPROACH_2K,
    "EXCL_ZONE_IN": K.EXCLUSION_ZONE,
    "EXCL_ZONE_NEAR": "no alarm: nearness to a zone is no breach; the device is asked for quick positions",
    "CURFEW_OUT": K.CURFEW,
    "COMM_LOST": K.COMM_LOST,
    "GPS_LOST": K.GPS_LOST,
    "BATT_LOW": K.BATTERY_LOW,
    "BATT_DEAD": K.COMM_LOST,
    "DEVICE_FAULT": "not judged: no protocol that is read says which part is broken",
    "NO_DATA/DELAYED": "no alarm: a late word is judged at its own time (tests/core/test_arrears.py)",
    "HOME_UNIT_MOVED": "not judged: no protocol that is read has a home unit",
    "SOS_NEAR_WEARER": "not judged: no door for citizens' telephones",
    "VICTIM_SOS": K.PROTECTED_SOS,
    "VICTIM_DEV_LOST": K.PROTECTED_LOST,
    "SYSTEM_OUTAGE": "an incident of its own (tests/core/test_silences.py, tests/core/test_annunciations.py)",
}
"""Codes of the domain's catalogue that are about wearers, devices and protected persons: the kind each is raised as, or why none.
School hours, residence, alcohol and planned removals are conditions of an order and stand with those."""


def said(s, x=FAR[0], y=FAR[1], *, since=NOON, **more):
    lat, lon = (None, None) if x is None else PLANE.to_latlon(x, y)
    at = since + round(s * 1_000)
    fields = {"id": 0, "wearer": "w1", "device": "d1", "observed_at": at, "received_at": at, "lat": lat, "lon": lon, "accuracy_m": 10.0, "source": Source.GNSS}  # fmt: skip
    return Fix(**(fields | more))


def phone(s, x, y=0.0, **more):
    """The protected person's, far from zone and home."""
    return said(s, x, y, **({"wearer": "p1", "device": "dp", "protected": True} | more))


def walk(x0, x1, *, n=12, step_s=10, since=NOON, y=0.0, **more):
    return [said(step_s * i, x0 + (x1 - x0) * i / (n - 1), y, since=since, **more) for i in range(n)]


def near(metres):
    """The wearer stands so far from the protected person, for two minutes, far from everything else."""
    fixes = []
    for i in range(12):
        fixes += [phone(10 * i, 20_000.0), said(10 * i + 1, 20_000.0 + metres, 0.0)]
    return fixes


RAISES = {
    K.STRAP_CUT: [said(0), said(10, said=Said.STRAP_CUT)],
    K.BODY_TAMPER: [said(0), said(10, None, said=Said.BODY_TAMPER)],
    K.SOS: [said(0, said=Said.SOS)],
    K.EXCLUSION_ZONE: [*walk(500, 1_000), *(said(120 + 10 * i, 1_000, 0) for i in range(12))],
    K.CURFEW: walk(4_000, 4_100, since=NIGHT, n=30),
    K.APPROACH_100: near(40),
    K.APPROACH_1K: near(700),
    K.APPROACH_2K: near(1_700),
    K.PROTECTED_SOS: [said(0), phone(5, 20_000.0), phone(10, 20_000.0, said=Said.SOS)],
    K.PROTECTED_LOST: [said(0), phone(0, 20_000.0), bell("p1", NOON + LOST_MS + 60_000, protected=True)],
    K.COMM_LOST: [said(0), said(60), *(bell("w1", NOON + 60_000 * n) for n in (5, 12, 32))],
    K.GPS_LOST: [said(0), *(said(60 * n, None) for n in range(1, 45))],
    K.BATTERY_LOW: [said(60 * n, battery_percent=12.0) for n in range(65)],
    K.JAMMING: [said(0), said(10, said=Said.JAMMING)],
    K.SEPARATION: [said(0), said(10, said=Said.SEPARATION)],
}
RAISES |= {
    K.SCHOOL_HOURS: walk(4_000, 4_100, since=DAWN, n=30),
    K.RESIDENCE: walk(-8_000, -9_600, n=40, step_s=60),
    K.ATTENDANCE: [said(60 * i, 0, 3_000, since=DAWN + 3_500_000) for i in range(30)],
    K.PLANNED_REMOVAL: [said(60, since=CLINIC, said=Said.STRAP_CUT)],
}
NEAR_MISS = {
    K.STRAP_CUT: [said(0), said(10, said=Said.LOW_BATTERY | Said.SHOCK)],
    K.BODY_TAMPER: [said(0), said(10, said=Said.SHOCK)],
    K.SOS: [said(0), said(10, said=Said.OTHER, other="help?")],
    K.EXCLUSION_ZONE: [
        *walk(500, 800),
        *(said(120 + i, 1_000, 0, source=Source.CELL, accuracy_m=900.0) for i in range(3)),
    ],
    K.CURFEW: walk(-3_000, -2_990, since=NIGHT, n=30),
    K.APPROACH_100: near(700),
    K.APPROACH_1K: near(1_700),
    K.APPROACH_2K: near(2_600),
    K.PROTECTED_SOS: [said(0), phone(5, 20_000.0), phone(10, 20_000.0, said=Said.LOW_BATTERY)],
    K.PROTECTED_LOST: [said(0), phone(0, 20_000.0), bell("p1", NOON + LOST_MS - 60_000, protected=True)],
    K.COMM_LOST: [said(0), said(60), bell("w1", NOON + 230_000), said(235)],
    K.GPS_LOST: [said(0), *(said(60 * n, None) for n in range(1, 9)), said(600, source=Source.WIFI, accuracy_m=80.0)],
    K.BATTERY_LOW: [said(60 * n, battery_percent=24.0) for n in range(65)],
    K.JAMMING: [said(0), said(10, said=Said.POWER_CUT | Said.SHOCK)],
    K.SEPARATION: [said(0), said(10, said=Said.OTHER, other="separated?")],
}
NEAR_MISS |= {
    K.SCHOOL_HOURS: [*walk(-3_000, -2_990, since=DAWN, n=30), *walk(4_000, 4_100, since=DAWN + 3_700_000)],
    K.RESIDENCE: walk(8_500, 22_000, n=40, step_s=60, y=6_000.0),  # from one of the two areas into the other
    K.ATTENDANCE: [said(60 * i, 0, 4_000, since=DAWN + 3_500_000) for i in range(30)],
    K.PLANNED_REMOVAL: [said(1_860, since=CLINIC, said=Said.STRAP_CUT)],
}
NOT_JUDGED: dict[AlarmKind, str] = {}
"""Kinds that are managed and that no rule raises, each with why. None today."""


def told(fixes):
    """What the mind recorded and what rang, once everything has had its time."""
    state, centre = RuleState(), Told()
    for n, fix in enumerate(sorted(fixes, key=lambda each: each.received_at), 1):
        numbered = msgspec.structs.replace(fix, id=n)
        transitions, state = judge([numbered], {"w1": ORDER}, state)
        given = words.Judged(transitions=transitions, fixes=(numbered,), footing={"w1": WearerClass.ORDER}, last={})
        centre.at = fix.received_at
        centre.give(given)
        centre.give(words.Tick())
    raised = {each.kind for each in centre.state.alarms.values()}
    at_once = {each.kind for each in centre.state.alarms.values() if each.incident is not None}
    return raised, at_once, centre


def test_every_kind_has_both_stories():
    assert set(RAISES) == set(NEAR_MISS) == set(AlarmKind) - set(NOT_JUDGED)
    assert all(NOT_JUDGED.values())
    # The wearer's own call is no code of the catalogue. Whoever adds a kind says which code it is.
    of_orders = {"school_hours", "residence", "attendance", "sobriety", "planned_removal"}
    coded = {each for each in CODES.values() if isinstance(each, AlarmKind)}
    assert {each for each in AlarmKind if each.value not in of_orders} >= coded
    assert {K.SOS} >= {each for each in AlarmKind if each not in coded and each.value not in of_orders}


@pytest.mark.parametrize("kind", list(RAISES), ids=lambda each: each.value)
def test_its_story_raises_it(kind):
    raised, at_once, centre = told(RAISES[kind])
    assert kind in raised
    if kind in ALWAYS:
        assert kind in at_once
    certain = [
        each for each in centre.state.alarms.values() if each.kind is kind and each.certainty is Certainty.CERTAIN
    ]
    assert certain, "with enough reports there is no doubt left"
    assert certain[0].incident is not None


@pytest.mark.parametrize("kind", list(NEAR_MISS), ids=lambda each: each.value)
def test_the_one_beside_it_does_not(kind):
    raised, _, _ = told(NEAR_MISS[kind])
    assert kind not in raised
