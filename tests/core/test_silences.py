"""What a device says of its own state, and what its silence means: raised, graded, risen, heard again."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import Told

from safetynet.app.bells import LOOK_AGAIN_MS, RUNG_MAX, Bells, bell
from safetynet.core import deadlines, evidence, geo, reasons, rules, silences
from safetynet.core.alarms import AlarmState
from safetynet.core.annunciations import OUTAGE_MEMBERS_MIN, TABLE
from safetynet.core.control import words
from safetynet.core.events import OutageBegan, OutageEnded
from safetynet.core.fixes import RADIUS_M_MIN, Fix, Mark, Said
from safetynet.core.orders import Absence, Circle, Curfew, Leave, Order, Protected, Row, Zone
from safetynet.core.rules import RuleState, begun, end, judge
from safetynet.core.silences import BLIND_MS, GRAVE_MS, LONG_MS
from safetynet.core.terms import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    AlarmKind,
    Certainty,
    OutageEnd,
    Priority,
    Source,
    Suppression,
    WearerClass,
)

K = AlarmKind
PLANE = geo.Plane(36.35, 127.38)
NOON = round((datetime(2026, 11, 23, 12, tzinfo=UTC) - timedelta(hours=9)).timestamp()) * 1_000
FAR = (8_000.0, 8_000.0)
FREE = Order(wearer="w1", wearer_class=WearerClass.ORDER, version=1)
"""Nothing but the duties that everybody has."""
MISSED_MS = evidence.missed_ms(evidence.RHYTHM_MS)


def fix(s, xy=FAR, **more):
    lat, lon = (None, None) if xy is None else PLANE.to_latlon(*xy)
    at = NOON + round(1_000 * s)
    fields = {"id": 0, "wearer": "w1", "device": "d1", "observed_at": at, "received_at": at, "lat": lat, "lon": lon, "accuracy_m": 10.0, "source": Source.GNSS}  # fmt: skip
    return Fix(**(fields | more))


def minutes(count, since=0, xy=FAR, **more):
    return [fix(60 * (since + n), xy, **more) for n in range(count)]


def run(*parts, order=FREE, state=None):
    flat = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    first = 1 if state is None else 1_000_000
    told, after = judge([msgspec.structs.replace(each, id=first + n) for n, each in enumerate(flat)], {order.wearer: order}, state or RuleState())  # fmt: skip
    return [(each.kind, each.change.value, each.certainty.value) for each in told], after


def listened(fixes, order=FREE, *, until_s, step_s=5, since=NOON, state=None):
    """As the program does it: what comes is judged, and the bells strike by its clock."""
    bells, state, told, n = Bells([order.wearer], since), state or begun(), [], 0
    waiting = sorted(fixes, key=lambda each: each.received_at)
    for at in range(since, NOON + until_s * 1_000 + 1, step_s * 1_000):
        batch = []
        while waiting and waiting[0].received_at <= at:
            batch.append(waiting.pop(0))
        batch += bells.due({order.wearer: order}, state, at)
        batch = [msgspec.structs.replace(each, id=n + k) for k, each in enumerate(batch, 1)]
        n += len(batch)
        some, state = judge(batch, {order.wearer: order}, state)
        told += [(each.kind, each.change.value, each.certainty.value, (at - NOON) // 1_000) for each in some]
    return told, state


RAISED, SURE = (K.COMM_LOST, "raised", "maybe"), (K.COMM_LOST, "raised", "certain")
RISEN, HEARD = (K.COMM_LOST, "risen", "certain"), (K.COMM_LOST, "returned", "certain")


# --- battery -------------------------------------------------------------------------------------------------------

LOW, CHARGED = (K.BATTERY_LOW, "raised", "certain"), (K.BATTERY_LOW, "returned", "certain")


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([fix(0, battery_percent=20.0)], [LOW]),
        ([fix(0, battery_percent=20.1)], []),
        ([fix(0, said=Said.LOW_BATTERY)], [LOW]),
        ([fix(0, None, said=Said.LOW_BATTERY)], [LOW]),
        ([fix(0, said=Said.POWER_CUT)], []),
        # between the two figures nothing changes
        ([fix(0, battery_percent=20.0), fix(60, battery_percent=29.0)], [LOW]),
        ([fix(0, battery_percent=20.0), fix(60, battery_percent=29.0), fix(120, battery_percent=20.0)], [LOW]),
        ([fix(0, battery_percent=20.0), fix(60, battery_percent=30.0)], [LOW, CHARGED]),
        # a position without a level says nothing of it, until the word was not said for long
        ([fix(0, said=Said.LOW_BATTERY), *minutes(60, 1)], [LOW]),
        ([fix(0, said=Said.LOW_BATTERY), *minutes(125, 1)], [LOW, CHARGED]),
        # an old level is none of now; an old word of the device is heard all the same
        ([fix(60, battery_percent=80.0), fix(0, battery_percent=5.0)], []),
        ([fix(60, battery_percent=80.0), fix(0, said=Said.LOW_BATTERY)], [LOW]),
        ([fix(60, battery_percent=5.0), fix(0, battery_percent=80.0)], [LOW]),
        # what nothing proves may raise it and takes it from nobody
        ([fix(0, battery_percent=5.0, marks=Mark.UNPROVEN)], [LOW]),
        ([fix(0, battery_percent=5.0), fix(60, battery_percent=90.0, marks=Mark.UNPROVEN)], [LOW]),
    ],
)
def test_battery(way, expected):
    assert run(way)[0] == expected
    assert judge([msgspec.structs.replace(each, id=n) for n, each in enumerate(way, 1)], {}, RuleState())[0] or not expected, "without order"  # fmt: skip


# --- separation ----------------------------------------------------------------------------------------------------

APART, AWAY, BACK = (K.SEPARATION, "raised", "maybe"), (K.SEPARATION, "raised", "certain"), (K.SEPARATION, "returned", "maybe")  # fmt: skip


def test_the_device_in_the_next_room_and_the_device_left_behind():
    home = msgspec.structs.replace(FREE, curfews=(Curfew(id="c1", name="집", home=Circle(*PLANE.to_latlon(*FAR), 60.0), rows=(Row(days=(0,), start_min=0, end_min=60),)),))  # fmt: skip
    there = minutes(5)
    assert run(there, fix(300, said=Said.SEPARATION), fix(360), order=home)[0] == [APART, BACK]
    assert run(there, fix(300, said=Said.SEPARATION), order=FREE)[0] == [AWAY]
    assert run(there, fix(300, None, marks=Mark.UNPROVEN, said=Said.SEPARATION), fix(360, marks=Mark.UNPROVEN))[0] == [AWAY]  # fmt: skip
    brief = centre([*there, fix(300, said=Said.SEPARATION), *minutes(20, 6)], home, until_s=1_500)
    (alarm,) = brief.state.alarms.values()
    assert (alarm.state, alarm.incident) == (AlarmState.NORMAL, None), "three minutes of grace at home"
    left = centre([*there, *minutes(20, 5, said=Said.SEPARATION)], until_s=1_500)
    (alarm,) = left.state.alarms.values()
    assert alarm.raised_at == NOON + 300_000
    assert alarm.priority is Priority.DANGER


# --- no position ---------------------------------------------------------------------------------------------------

BLIND, SEES = (K.GPS_LOST, "raised", "certain"), (K.GPS_LOST, "returned", "certain")


@pytest.mark.parametrize(
    "blind", [{"xy": None}, {"source": Source.CELL, "accuracy_m": 800.0}, {"marks": Mark.NOT_VALID}]
)
def test_words_without_a_usable_position(blind):
    before, after = minutes(3), BLIND_MS // MINUTE_MS
    assert run(before, minutes(after, 3, **blind))[0] == []
    told, state = run(before, minutes(after + 1, 3, **blind))
    assert told == [BLIND]
    assert run(minutes(1, 60), state=state)[0] == [SEES]


def test_a_device_that_never_had_a_position_is_blind_too():
    assert run(minutes(20, xy=None))[0] == [BLIND]
    assert run(minutes(20, xy=None), order=msgspec.structs.replace(FREE, starts_at=NOON + HOUR_MS))[0] == []


def test_positions_of_the_air_are_positions():
    assert run(minutes(3), minutes(40, 3, source=Source.WIFI, accuracy_m=60.0))[0] == []


def test_silence_is_not_blindness():
    assert run(minutes(3), fix(3_600, None), fix(3_660))[0] == []


# --- no word -------------------------------------------------------------------------------------------------------


def test_silence_is_found_by_the_clock_and_rises_the_longer_it_lasts():
    told, _ = listened(minutes(10), until_s=2 * 3_600)
    last = 9 * 60
    assert told == [
        (*RAISED, last + MISSED_MS // 1_000),
        (*RISEN, last + LONG_MS // 1_000),
    ], "and not again"


def test_whoever_is_heard_again_is_heard():
    told, _ = listened([*minutes(10), *minutes(10, 20)], until_s=30 * 60)
    returned = (K.COMM_LOST, "returned", "maybe", 20 * 60)
    assert told[:2] == [(*RAISED, 9 * 60 + MISSED_MS // 1_000), returned]
    assert [each[1] for each in told[2:]] == []


def test_words_of_long_ago_that_arrive_now_are_heard_now():
    """A device that hands over what it kept is not silent, whatever its words are of."""
    kept = [fix(60 * n, received_at=NOON + 3_600_000 + 200 * n) for n in range(10, 60)]
    told, _ = listened([*minutes(10), *kept, *minutes(10, 60)], until_s=70 * 60)
    assert [each[:2] for each in told] == [(K.COMM_LOST, "raised"), (K.COMM_LOST, "risen"), (K.COMM_LOST, "returned")]


def test_what_nothing_proves_breaks_no_silence():
    told, _ = listened([*minutes(5), *minutes(60, 5, marks=Mark.UNPROVEN)], until_s=3_000)
    assert [each[:3] for each in told] == [RAISED, RISEN]


def test_the_deadline_is_that_of_the_devices_own_rhythm():
    """A heartbeat of four minutes is no silence once it is known; and a quick device is missed sooner."""
    slow = [fix(240 * n) for n in range(20)]
    told, state = listened(slow, until_s=19 * 240 + 600)
    assert state.records["w1"].rhythm_ms > 200_000
    assert [each for each in told if each[3] > 1_000] == []
    quick = [fix(10 * n) for n in range(60)]
    told, _ = listened(quick, until_s=1_000)
    assert told[0] == (*RAISED, 590 + evidence.MISSED * evidence.QUICKEST_MS // 1_000)


@given(st.lists(st.integers(0, 10 * HOUR_MS), max_size=60))
def test_nobody_makes_hours_ordinary_by_being_silent_often(gaps):
    rhythm = evidence.RHYTHM_MS
    for gap in gaps:
        rhythm = evidence.rhythm_ms(rhythm, gap)
        assert evidence.QUICKEST_MS <= rhythm <= evidence.SLOWEST_MS
    assert evidence.missed_ms(rhythm) <= 15 * MINUTE_MS


def test_our_own_outage_is_nobodys_silence():
    """The centre begins to listen an hour after the last word: the device has its time to say something."""
    _, state = run(minutes(10))
    up = NOON + HOUR_MS
    assert deadlines.silent_due_at(FREE, state, up, up) == up + MISSED_MS
    assert deadlines.silent_due_at(FREE, RuleState(), up, up) > up, "who was never heard is not lost"


def test_closed_while_still_silent_it_is_asked_about_again():
    _, state = listened(minutes(10), until_s=3_600)
    (episode,) = [each for key, each in rules.episodes(state, "w1").items() if key[0] is K.COMM_LOST]
    rung_at = state.records["w1"].rung_at
    assert deadlines.silent_due_at(FREE, state, NOON + HOUR_MS, NOON) == NOON + HOUR_MS + MISSED_MS
    state = end(state, "w1", episode.id, 10_000)
    assert deadlines.silent_due_at(FREE, state, NOON + HOUR_MS, NOON) == rung_at + LONG_MS
    assert run(bell("w1", rung_at + LONG_MS), state=state)[0] == [SURE]


@pytest.mark.parametrize(
    "order",
    [
        msgspec.structs.replace(FREE, ends_at=NOON + 10 * MINUTE_MS),
        msgspec.structs.replace(FREE, absences=(Absence(id="a", starts_at=NOON, ends_at=NOON + 5 * HOUR_MS, leave=Leave.REMOVAL, asked_by="x", granted_by="y", purpose="진료"),)),
    ],
)  # fmt: skip
def test_nobody_owes_words_without_an_order_or_while_the_removal_is_permitted(order):
    assert listened(minutes(10), order, until_s=3_600)[0] == []


# --- grades --------------------------------------------------------------------------------------------------------

HOME = Circle(*PLANE.to_latlon(*FAR), 60.0)
NIGHT = Row(days=tuple(range(7)), start_min=0, end_min=0)
CURFEW = Curfew(id="c1", name="집", home=HOME, rows=(NIGHT,))


def zone(metres):
    """So far from where the wearer was heard last."""
    return Zone(id="z1", name="x", area=Circle(*PLANE.to_latlon(FAR[0] + metres + 100.0, FAR[1]), 100.0))


@pytest.mark.parametrize(
    ("order", "before", "grave_s"),
    [
        (FREE, [], LONG_MS // 1_000),
        # as far as one walks in ten minutes: 900 m, and the radius of the position
        (msgspec.structs.replace(FREE, zones=(zone(800.0),)), [], GRAVE_MS // 1_000),
        (msgspec.structs.replace(FREE, zones=(zone(1_100.0),)), [], LONG_MS // 1_000),
        # as fast as was last reported
        (msgspec.structs.replace(FREE, zones=(zone(5_000.0),)), [fix(600, speed_mps=14.0)], GRAVE_MS // 1_000),
        (msgspec.structs.replace(FREE, curfews=(CURFEW,)), [], GRAVE_MS // 1_000),
        # nobody knows where the protected person is
        (msgspec.structs.replace(FREE, protected=(Protected(id="p1"),)), [], GRAVE_MS // 1_000),
        (FREE, [fix(600, battery_percent=4.0)], GRAVE_MS // 1_000),
        (FREE, [fix(600, said=Said.STRAP_CUT)], MISSED_MS // 1_000),
    ],
)
def test_what_is_at_stake_makes_a_silence_grave(order, before, grave_s):
    told, _ = listened([*minutes(10), *before], order, until_s=2 * 3_600)
    last = 600 if before else 540
    grave = [at for kind, change, certainty, at in told if kind is K.COMM_LOST and certainty == "certain"]
    assert grave[0] - last in range(grave_s, grave_s + 10)


def test_a_protected_person_who_is_known_to_be_far_away_is_not_at_stake():
    order = msgspec.structs.replace(FREE, protected=(Protected(id="p1"),))
    words_of = [fix(60 * n, (30_000.0, 30_000.0), wearer="p1", device="dp", protected=True) for n in range(200)]
    told, _ = listened([*minutes(10), *words_of], order, until_s=3_600)
    grave = [at for kind, _, certainty, at in told if kind is K.COMM_LOST and certainty == "certain"]
    assert grave[0] == 540 + LONG_MS // 1_000


# --- before people -------------------------------------------------------------------------------------------------


def centre(fixes, order=FREE, *, until_s, network="", wearers=("w1",)):
    """The same through the mind of a control centre, with its ticks; everybody does as `fixes` say."""
    orders = {each: msgspec.structs.replace(order, wearer=each) for each in wearers}
    bells, state, told, n = Bells(orders, NOON), begun(), Told(), 0
    networks = dict.fromkeys(wearers, network) if network else {}
    for at in range(NOON, NOON + until_s * 1_000 + 1, 5_000):
        batch = [
            msgspec.structs.replace(each, wearer=who, device=f"d {who}")
            for each in fixes
            if at - 5_000 < each.received_at <= at
            for who in wearers
        ]
        batch += bells.due(orders, state, at)
        batch = [msgspec.structs.replace(each, id=n + k) for k, each in enumerate(batch, 1)]
        n += len(batch)
        some, state = judge(batch, orders, state)
        told.at = at
        told.give(words.Judged(transitions=some, fixes=(), footing=dict.fromkeys(wearers, WearerClass.ORDER), last={}, network=networks), s=None)  # fmt: skip
        told.give(words.Tick())
    return told


def test_a_lift_rings_for_nobody_and_a_night_away_does():
    lift = [*minutes(10), *minutes(30, 14)]
    told = centre(lift, until_s=2_400)
    (alarm,) = told.state.alarms.values()
    assert (alarm.kind, alarm.state, alarm.incident) == (K.COMM_LOST, AlarmState.NORMAL, None)
    told = centre(minutes(10), until_s=2_400)
    (alarm,) = told.state.alarms.values()
    assert (alarm.state, alarm.priority, alarm.certainty) == (AlarmState.UNACKED, Priority.DANGER, Certainty.CERTAIN)
    assert len(told.state.incidents) == 1


def test_a_network_that_goes_out_is_one_incident_however_grave_the_silence_grows():
    who = tuple(f"w{n}" for n in range(OUTAGE_MEMBERS_MIN))
    told = centre(minutes(10), until_s=3_600, network="net-a", wearers=who)
    assert [type(each) for each in told.log].count(OutageBegan) == 1
    assert {each.held for each in told.state.alarms.values()} == {Suppression.OUTAGE}
    assert {each.certainty for each in told.state.alarms.values()} == {Certainty.CERTAIN}, (
        "what it has come to is known"
    )
    assert not told.state.incidents
    (outage,) = told.state.held.outages.values()
    assert set(outage.silent.values()) == set(who)


def test_when_the_network_is_heard_again_all_is_over():
    who = tuple(f"w{n}" for n in range(OUTAGE_MEMBERS_MIN))
    told = centre([*minutes(10), *minutes(20, 45)], until_s=3_600, network="net-a", wearers=who)
    assert [each.why for each in told.log if isinstance(each, OutageEnded)] == [OutageEnd.HEARD]
    assert {each.state for each in told.state.alarms.values()} == {AlarmState.NORMAL}
    assert not told.state.incidents


def test_of_two_networks_or_of_too_few_it_is_each_ones_own_silence():
    who = tuple(f"w{n}" for n in range(OUTAGE_MEMBERS_MIN - 1))
    told = centre(minutes(10), until_s=1_200, network="net-a", wearers=who)
    assert OutageBegan not in map(type, told.log)
    assert len(told.state.incidents) == len(who)


def test_a_low_battery_takes_no_ground_from_what_rings():
    told = centre([*minutes(5), fix(301, battery_percent=3.0), fix(330, said=Said.STRAP_CUT)], until_s=3_600 + 600)
    (incident,) = told.state.incidents.values()
    assert incident.kind is K.STRAP_CUT
    kinds = {each.kind: each for each in told.state.alarms.values()}
    assert kinds[K.COMM_LOST].incident == incident.incident, "silence after a cut rings with it"
    assert kinds[K.STRAP_CUT].state is AlarmState.UNACKED


def test_the_table_holds_each_of_them_for_its_time():
    low = centre(minutes(10, battery_percent=10.0) + minutes(100, 10, battery_percent=10.0), until_s=100 * 60)
    (alarm,) = low.state.alarms.values()
    assert alarm.incident is not None
    assert alarm.raised_at == NOON + TABLE[K.BATTERY_LOW].on_delay_ms
    assert alarm.priority is Priority.DEVICE


# --- the clock -----------------------------------------------------------------------------------------------------


def test_who_falls_silent_again_after_a_long_silence_is_found_as_soon():
    """The next look was planned for the silence that is over."""
    fixes = minutes(10) + minutes(4, 25)
    told, _ = listened(fixes, until_s=3_600)
    last_s = 28 * 60
    again = [at for kind, change, _, at in told if kind is K.COMM_LOST and change != "returned" and at > last_s]
    assert again, told
    assert again[0] - last_s <= 5 * 60


def test_replay_is_identical_whatever_pieces_it_comes_in():
    fixes, bells, state, n = minutes(10) + minutes(10, 25), Bells(["w1"], NOON), RuleState(), 0
    journal = []
    for at in range(NOON, NOON + 5_400_000, 5_000):
        batch = [each for each in fixes if at - 5_000 < each.received_at <= at] + bells.due({"w1": FREE}, state, at)
        batch = [msgspec.structs.replace(each, id=n + k) for k, each in enumerate(batch, 1)]
        n += len(batch)
        journal += batch
        _, state = judge(batch, {"w1": FREE}, state)
    whole, again = judge(journal, {"w1": FREE}, RuleState())
    assert [each.change.value for each in whole] == ["raised", "returned", "repeated", "risen"]
    assert again.records == state.records
    first, middle = judge(journal[:12], {"w1": FREE}, RuleState())
    second, _ = judge(journal[12:], {"w1": FREE}, middle)
    assert whole == (*first, *second)


def test_a_country_is_not_looked_through_at_every_tick():
    """Who speaks is looked at once in MISSED words, not at every turn of the clock; a start is spread over turns."""
    who = [f"w{n}" for n in range(2_000)]
    orders = {each: msgspec.structs.replace(FREE, wearer=each) for each in who}
    told, state = judge([fix(0, wearer=each, device=each, id=n + 1) for n, each in enumerate(who)], orders, RuleState())
    assert told == ()
    bells, looked = Bells(orders, NOON), 0
    seen = deadlines.silent_due_at

    def counted(*given):
        nonlocal looked
        looked += 1
        return seen(*given)

    deadlines.silent_due_at = counted
    try:
        for at in range(NOON, NOON + MISSED_MS - 1, LOOK_AGAIN_MS):
            assert bells.due(orders, state, at) == []
        assert looked == len(who)
        assert len(bells.due(orders, state, NOON + MISSED_MS)) == RUNG_MAX
    finally:
        deadlines.silent_due_at = seen
    assert SECOND_MS == LOOK_AGAIN_MS


@given(st.floats(0, 3_000), st.floats(0, 100_000), st.floats(1, 100_000))
def test_how_far_somebody_may_be_grows_with_the_silence(radius, silent_s, longer_s):
    now, then = silences.reach(radius, silent_s), silences.reach(radius, silent_s + longer_s)
    assert now.on_foot_m <= then.on_foot_m
    assert now.by_car_m <= then.by_car_m
    assert now.on_foot_m >= evidence.reach_m(radius, silent_s, silences.ON_FOOT_MPS) - 1e-6, "never told as less"
    assert now.by_car_m >= evidence.reach_m(radius, silent_s, silences.BY_CAR_MPS) - 1e-6
    assert silences.reach(10.0, 600.0) == (950, 13_500)


def test_why_says_how_long_and_how_far():
    """At each bell, and nowhere else: the words of the device say themselves where it was."""
    fixes, bells, state = minutes(10), Bells(["w1"], NOON), RuleState()
    journal = []
    for at in range(NOON, NOON + 3_600_000, 5_000):
        batch = [each for each in fixes if at - 5_000 < each.received_at <= at] + bells.due({"w1": FREE}, state, at)
        batch = [msgspec.structs.replace(each, id=len(journal) + k) for k, each in enumerate(batch, 1)]
        journal += batch
        _, state = judge(batch, {"w1": FREE}, state)
    (episode,) = rules.episodes(state, "w1").values()
    steps = reasons.steps(((each, {"w1": FREE}) for each in journal), RuleState())
    found = reasons.explain(steps, "w1", (K.COMM_LOST, None), episode.id)
    assert found is not None
    rung = [(each.silent_s, each.reach_m) for each in found.lines if each.bell]
    radius = max(10.0, RADIUS_M_MIN)
    assert rung == [(s, round(radius + 1.5 * s, 1)) for s in (180, 600, 1_800)]
    assert {each.reach_m for each in found.lines if not each.bell} == {None}
