"""Alarm states after ISA-18.2: they latch, they rise, they escalate, and nothing but a person silences them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core import alarms, verdicts
from safetynet.core.alarms import AlarmState, closed, escalates_at, heals, priority, raised, step
from safetynet.core.events import AlarmAcknowledged, AlarmEscalated, AlarmRaised, AlarmRepeated, AlarmReturned
from safetynet.core.terms import AlarmKind, Certainty, Priority

T0 = 1_700_000_000_000
U, A, R, C = AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RETURNED_UNACKED, AlarmState.CLOSED


def fresh(kind=AlarmKind.EXCLUSION_ZONE, certainty=Certainty.CERTAIN):
    return raised(
        AlarmRaised(
            at=T0, alarm="A1", wearer="w1", kind=kind, priority=priority(kind, certainty), certainty=certainty,
            place=None, zone=None, episode="e", order_version=1, rules="r",
        )
    )  # fmt: skip


def repeated(certainty=Certainty.CERTAIN, at=T0 + 1):
    return AlarmRepeated(at=at, alarm="A1", wearer="w1", certainty=certainty, place=None)


RETURNED = AlarmReturned(at=T0 + 2, alarm="A1", wearer="w1", place=None)
ACKED = AlarmAcknowledged(at=T0 + 3, alarm="A1", wearer="w1", by="kim")


@pytest.mark.parametrize(
    ("kind", "certainty", "expected"),
    [
        (AlarmKind.STRAP_CUT, Certainty.CERTAIN, Priority.EMERGENCY),
        (AlarmKind.BODY_TAMPER, Certainty.CERTAIN, Priority.EMERGENCY),
        (AlarmKind.SOS, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.EXCLUSION_ZONE, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.EXCLUSION_ZONE, Certainty.MAYBE, Priority.CAUTION),
        (AlarmKind.CURFEW, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.CURFEW, Certainty.MAYBE, Priority.CAUTION),
        (AlarmKind.SCHOOL_HOURS, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.SCHOOL_HOURS, Certainty.MAYBE, Priority.CAUTION),
        (AlarmKind.RESIDENCE, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.RESIDENCE, Certainty.MAYBE, Priority.CAUTION),
        (AlarmKind.ATTENDANCE, Certainty.CERTAIN, Priority.CAUTION),
        (AlarmKind.PLANNED_REMOVAL, Certainty.CERTAIN, Priority.DEVICE),
        (AlarmKind.APPROACH_100, Certainty.CERTAIN, Priority.EMERGENCY),
        (AlarmKind.APPROACH_100, Certainty.MAYBE, Priority.EMERGENCY),
        (AlarmKind.APPROACH_1K, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.APPROACH_1K, Certainty.MAYBE, Priority.CAUTION),
        (AlarmKind.APPROACH_2K, Certainty.CERTAIN, Priority.CAUTION),
        (AlarmKind.PROTECTED_SOS, Certainty.CERTAIN, Priority.EMERGENCY),
        (AlarmKind.PROTECTED_LOST, Certainty.CERTAIN, Priority.CAUTION),
        (AlarmKind.COMM_LOST, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.COMM_LOST, Certainty.MAYBE, Priority.CAUTION),
        (AlarmKind.GPS_LOST, Certainty.CERTAIN, Priority.DEVICE),
        (AlarmKind.BATTERY_LOW, Certainty.CERTAIN, Priority.DEVICE),
        (AlarmKind.JAMMING, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.SEPARATION, Certainty.CERTAIN, Priority.DANGER),
        (AlarmKind.SEPARATION, Certainty.MAYBE, Priority.CAUTION),
    ],
)
def test_priority(kind, certainty, expected):
    assert priority(kind, certainty) is expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], U),
        ([ACKED], A),
        ([RETURNED], R),
        ([RETURNED, ACKED], A),
        ([RETURNED, repeated()], U),
        ([ACKED, RETURNED], A),
        ([ACKED, repeated()], A),
        ([ACKED, RETURNED, repeated()], A),
    ],
)
def test_states(events, expected):
    alarm = fresh()
    for event in events:
        alarm = step(alarm, event)
    assert alarm.state is expected
    assert closed(alarm).state is C


def test_a_rise_in_certainty_rings_again_although_it_was_acknowledged():
    alarm = step(step(fresh(certainty=Certainty.MAYBE), ACKED), repeated(at=T0 + 900_000))
    assert (alarm.state, alarm.priority, alarm.certainty) == (U, Priority.DANGER, Certainty.CERTAIN)
    assert escalates_at(alarm) == T0 + 900_000 + 60_000, "the time to answer begins anew"


def test_certainty_and_priority_never_fall():
    alarm = step(fresh(), repeated(Certainty.MAYBE))
    assert (alarm.priority, alarm.certainty, alarm.count) == (Priority.DANGER, Certainty.CERTAIN, 2)


@pytest.mark.parametrize(
    ("kind", "certainty", "waits"),
    [
        (AlarmKind.STRAP_CUT, Certainty.CERTAIN, [30_000, 90_000, None]),
        (AlarmKind.EXCLUSION_ZONE, Certainty.CERTAIN, [60_000, 180_000, None]),
        (AlarmKind.EXCLUSION_ZONE, Certainty.MAYBE, [None]),
    ],
)
def test_who_hears_it_next_and_when(kind, certainty, waits):
    alarm = fresh(kind, certainty)
    for level, wait in enumerate(waits):
        assert escalates_at(alarm) == (None if wait is None else T0 + wait)
        alarm = step(alarm, AlarmEscalated(at=T0, alarm="A1", wearer="w1", level=level + 1))
    assert escalates_at(step(fresh(kind, certainty), ACKED)) is None
    assert escalates_at(closed(fresh(kind, certainty))) is None


def test_only_a_place_can_be_left():
    assert [kind for kind in AlarmKind if heals(kind)] == [
        AlarmKind.EXCLUSION_ZONE,
        AlarmKind.CURFEW,
        AlarmKind.APPROACH_100,
        AlarmKind.APPROACH_1K,
        AlarmKind.APPROACH_2K,
        AlarmKind.PROTECTED_LOST,
        AlarmKind.COMM_LOST,
        AlarmKind.GPS_LOST,
        AlarmKind.BATTERY_LOW,
        AlarmKind.SCHOOL_HOURS,
        AlarmKind.RESIDENCE,
        AlarmKind.ATTENDANCE,
        AlarmKind.PLANNED_REMOVAL,
        AlarmKind.SEPARATION,
    ]


def test_ids_are_derived_and_tell_nothing():
    alarm = alarms.alarm_id("w-gil-dong strap_cut 7")
    assert alarm == alarms.alarm_id("w-gil-dong strap_cut 7") != alarms.alarm_id("w-gil-dong strap_cut 8")
    assert "gil" not in alarm


def test_a_city_that_tries_every_wearer_finds_no_incident():
    """It knows our code, the wearers' ids, the kind and (were it told) the number of the fix; not the secret."""
    own, other = b"k" * 32, b"o" * 32
    episodes = [
        verdicts.episode_id(f"w-{n}", kind, None, fix)
        for n in range(40)
        for kind in (AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER)
        for fix in range(1, 20)
    ]
    incident = alarms.incident_id(own, alarms.alarm_id(verdicts.episode_id("w-7", AlarmKind.STRAP_CUT, None, 7)))
    tried = {alarms.incident_id(secret, alarms.alarm_id(each)) for each in episodes for secret in (b"", other)}
    assert incident not in tried
    assert incident[2:] not in {alarms.alarm_id(each)[2:] for each in episodes}
    assert incident in {alarms.incident_id(own, alarms.alarm_id(each)) for each in episodes}, "derived again on replay"


@given(st.lists(st.sampled_from([repeated(), repeated(Certainty.MAYBE), RETURNED]), max_size=8))
def test_nothing_but_a_person_silences_an_alarm(events):
    for alarm in itertools.accumulate(events, step, initial=fresh()):
        assert alarm.state in (U, R)
