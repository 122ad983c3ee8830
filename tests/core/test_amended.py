"""A late word takes an alarm back, or says that it was less certain: what was held back never rings for it, and what is a
breach after all does. In whatever order positions arrive, alarms end where they would have ended in order.
"""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutables import Map

sys.path.insert(0, str(Path(__file__).parent))
import test_arrears as late
from minds import KIM, Told
from test_annunciations import lives, only, shelve, told_of, why

from safetynet.core import arrears
from safetynet.core.alarms import HELD, AlarmState
from safetynet.core.annunciations import CERTAIN_AT_ONCE, OUTAGE_MEMBERS_MIN, TABLE, handling
from safetynet.core.control import words
from safetynet.core.events import AlarmAmended, AlarmJoined, AlarmSurfaced, IncidentOpened
from safetynet.core.rules import RuleState, judge
from safetynet.core.terms import AlarmKind, Certainty, Disposition, Suppression, Surfacing
from safetynet.core.verdicts import Change

K, C = AlarmKind, Certainty
PLACES = sorted(CERTAIN_AT_ONCE, key=lambda each: each.value)


def rung(told):
    return {each.alarm for each in told.log if isinstance(each, IncidentOpened | AlarmJoined)}


@pytest.mark.parametrize("kind", PLACES)
def test_a_suspicion_that_is_taken_back_while_it_waits_never_rings(kind):
    told = Told()
    told_of(told, kind)
    (taken,) = told_of(told, kind, Change.RETRACTED, s=5)
    assert isinstance(taken, AlarmAmended)
    assert taken.retracted
    assert (only(told).state, only(told).due_at in told.state.held.due.values()) == (AlarmState.NORMAL, False)
    assert told.give(words.Tick(), s=handling(kind, C.MAYBE).on_delay_ms / 1_000 + 5) == []
    assert why(told_of(told, K.STRAP_CUT, s=900)) == [], "nor with anything else of his"
    (life,) = (each for each in lives(told) if each.kind is kind)
    assert (life.held, life.rung_at, life.ended_at, life.retracted) == (Suppression.BRIEF, None, taken.at, True)


@pytest.mark.parametrize("kind", PLACES)
def test_taken_back_twice_is_said_once(kind):
    told = Told()
    told_of(told, kind)
    told_of(told, kind, Change.RETRACTED, s=5)
    assert told_of(told, kind, Change.RETRACTED, s=6) == []
    assert told_of(told, kind, Change.AMENDED, s=7) == []


@pytest.mark.parametrize("kind", PLACES)
def test_one_that_was_taken_back_and_is_a_breach_after_all_is_not_lost(kind):
    """The rules raise it anew under its own name: another word came, later still."""
    told = Told()
    told_of(told, kind)
    told_of(told, kind, Change.RETRACTED, s=5)
    assert [type(each).__name__ for each in told_of(told, kind, s=7)] == ["AlarmRepeated", "AlarmSuppressed"]
    assert (only(told).state, only(told).retracted) == (AlarmState.SUPPRESSED, False)
    happened = told.give(words.Tick(), s=handling(kind, C.MAYBE).on_delay_ms / 1_000)
    assert why(happened) == [("AlarmSurfaced", Surfacing.LASTED)], "it waited from its first word on"


@pytest.mark.parametrize("kind", PLACES)
def test_certain_after_it_was_taken_back_it_rings_at_once(kind):
    told = Told()
    told_of(told, kind)
    told_of(told, kind, Change.RETRACTED, s=5)
    happened = told_of(told, kind, s=7, certain=True)
    assert why(happened) == [("AlarmSurfaced", Surfacing.RISEN)]
    assert (only(told).state, only(told).certainty) == (AlarmState.UNACKED, C.CERTAIN)


def acknowledged(kind):
    told = Told()
    told_of(told, kind, certain=True)
    told.give(words.Claim(incident=told.id, by=KIM))
    told.give(words.Acknowledge(alarm=only(told).alarm, by=KIM))
    return told


@pytest.mark.parametrize("kind", PLACES)
def test_amended_and_certain_again_it_rings_again(kind):
    told = acknowledged(kind)
    told_of(told, kind, Change.AMENDED, s=5)
    assert (only(told).state, only(told).certainty) == (AlarmState.ACKED, C.MAYBE)
    told_of(told, kind, Change.RISEN, s=9, certain=True)
    assert (only(told).state, only(told).raised_at) == (AlarmState.UNACKED, told.at)


@pytest.mark.parametrize("kind", PLACES)
def test_what_was_acknowledged_taken_back_and_is_a_breach_after_all_rings_again(kind):
    told = acknowledged(kind)
    told_of(told, kind, Change.RETRACTED, s=5, certain=True)
    assert only(told).state is AlarmState.ACKED
    told_of(told, kind, s=9, certain=True)
    assert (only(told).state, only(told).raised_at) == (AlarmState.UNACKED, told.at)
    assert only(told).alarm in rung(told)


@pytest.mark.parametrize("kind", PLACES)
def test_what_rings_is_not_ended_by_it(kind):
    """A person ends an alarm."""
    told = Told()
    told_of(told, kind, certain=True)
    told_of(told, kind, Change.RETRACTED, s=5, certain=True)
    assert only(told).state is AlarmState.RETURNED_UNACKED
    assert told.state.open
    (life,) = lives(told)
    assert life.ended_at is None
    assert told.state.record[told.id][0].detail[-1] == ("change", "retracted")


def test_a_closed_one_is_left_alone():
    told = Told()
    told_of(told, K.CURFEW, certain=True)
    told.give(words.Claim(incident=told.id, by=KIM))
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=9))
    for change in (Change.RETRACTED, Change.AMENDED, Change.RAISED):
        assert told_of(told, K.CURFEW, change, s=60, certain=True) == []


def test_what_lies_on_the_shelf_stays_there_and_comes_back_as_what_it_is():
    told = Told()
    told_of(told, K.EXCLUSION_ZONE)
    told.give(words.Tick(), s=60)
    told.give(words.Claim(incident=told.id, by=KIM))
    told.give(shelve(told))
    told_of(told, K.EXCLUSION_ZONE, Change.RETRACTED, s=70)
    assert only(told).state is AlarmState.SHELVED
    told.give(words.Tick(), s=60 + 15 * 60)
    assert only(told).state is AlarmState.RETURNED_UNACKED


def test_what_was_no_breach_does_not_count_against_chatter():
    line, told = TABLE[K.EXCLUSION_ZONE], Told()
    for n in range(line.count + 2):
        told_of(told, K.EXCLUSION_ZONE, s=4 * n)
        assert told_of(told, K.EXCLUSION_ZONE, Change.RETRACTED, s=4 * n + 2)
    assert not rung(told)
    (life,) = lives(told)
    assert not life.chattered


def test_a_silence_that_was_none_is_no_member_of_an_outage():
    """No rule takes back a silence today; whoever writes one finds the outage counting right."""
    told = Told()
    for n in range(OUTAGE_MEMBERS_MIN):
        told_of(told, K.COMM_LOST, wearer=f"w{n}", network="net-a", s=n)
    for n in range(OUTAGE_MEMBERS_MIN - 1):
        told_of(told, K.COMM_LOST, Change.RETRACTED, wearer=f"w{n}", s=60)
    (one,) = told.state.held.outages.values()
    assert len(one.silent) == 1
    assert "outage_ended" in [type(each).__struct_config__.tag for each in told.give(words.Tick(), s=61)]


# --- in whatever order ---


def arrived(way, *, gap_s=1):
    """One position after another, as they arrive, through the rules and the mind."""
    told, state = Told(), RuleState(histories=Map())
    for n, each in enumerate(late.numbered(*way), 1):
        some, state = judge([each], late.ORDERS, state)
        told.give(words.Judged(transitions=some, fixes=(), footing={}, last={}), s=n * gap_s)
    return told, state


def ours(told):
    return [each for each in told.state.alarms.values() if each.kind in arrears.AGAIN]


def stands(told):
    """What is said to be broken or over, by what, how certainly; without what was taken back."""
    return sorted(
        (each.kind.value, each.certainty.value, each.returned_at is None) for each in ours(told) if not each.retracted
    )


def stretches(state):
    return sorted((kind, certainty, broken) for kind, _, certainty, _, _, broken in late.standing(state))


@settings(max_examples=250, deadline=None)
@given(late.ways, st.randoms(use_true_random=False))
def test_in_whatever_order_they_arrive_alarms_end_as_judged_in_order(way, dice):
    shuffled = list(way)
    dice.shuffle(shuffled)
    one, in_order = arrived(sorted(way, key=lambda each: each.observed_at))
    other, state = arrived(shuffled)
    assert stands(one) == stretches(in_order) == stands(other) == stretches(state)
    for told in (one, other):
        assert all(each.state is AlarmState.NORMAL or each.alarm in rung(told) for each in ours(told) if each.retracted)
        assert not any(each.returned_at is not None for each in ours(told) if each.state in HELD)
        before = rung(told)
        later = told.give(words.Tick(), s=3_600)
        anew = {each.alarm for each in later if isinstance(each, AlarmSurfaced | IncidentOpened | AlarmJoined)}
        broken = {each.alarm for each in ours(told) if each.returned_at is None}
        assert anew & {each.alarm for each in ours(told)} <= broken, (
            "what was taken back, or is over, never rings afterwards"
        )
        assert broken <= before | anew, "what is broken rings, whenever it was found out"
        certain = {each.alarm for each in ours(told) if each.certainty is C.CERTAIN and not each.retracted}
        assert certain <= before, "what is certain has not waited"
