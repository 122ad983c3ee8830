"""When an alarm rings: what is held back and why, what never is, shelves that come back, outages as one incident."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import KIM, LEE, Told, fix, judged, tags, verdict

from safetynet.core import annunciations, loads, outages
from safetynet.core.alarms import HELD, RINGING, AlarmState, heals, priority
from safetynet.core.annunciations import ALWAYS, CERTAIN_AT_ONCE, OUTAGE_MEMBERS_MIN, TABLE, handling, shelve_ms_max
from safetynet.core.control import annunciator, mind, words
from safetynet.core.control import state as minds
from safetynet.core.events import (
    AlarmJoined,
    AlarmRaised,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    IncidentOpened,
    OutageBegan,
    OutageEnded,
)
from safetynet.core.terms import (
    MINUTE_MS,
    AlarmKind,
    Certainty,
    Disposition,
    OutageEnd,
    Priority,
    ServiceReason,
    ShelveReason,
    Suppression,
    Surfacing,
    Why,
)
from safetynet.core.verdicts import Change

K, C = AlarmKind, Certainty
DELAYED = [kind for kind in AlarmKind if handling(kind, C.MAYBE).on_delay_ms]
REASON = ShelveReason.KNOWN_PLACE


def told_of(told, kind, change=Change.RAISED, *, s=0, certain=None, wearer="w1", episode=None, network=""):
    sure = kind not in CERTAIN_AT_ONCE if certain is None else certain
    said = verdict(
        kind, change, certain=sure, at=fix(1 + s, s=s, wearer=wearer), episode=episode or f"{wearer} {kind.value}", wearer=wearer
    )  # fmt: skip
    given = judged(said)
    return told.give(words.Judged(transitions=given.transitions, fixes=(), footing=given.footing, last={}, network={wearer: network}), s=s)  # fmt: skip


def only(told):
    (alarm,) = told.state.alarms.values()
    return alarm


def why(events):
    return [
        (type(each).__name__, each.suppression if isinstance(each, AlarmSuppressed) else each.surfaced)
        for each in events
        if isinstance(each, AlarmSuppressed | AlarmSurfaced)
    ]


# --- the table ---


def test_every_kind_has_its_line_or_rings_at_once_whatever_happens():
    assert set(TABLE) | ALWAYS == set(AlarmKind)
    assert not set(TABLE) & ALWAYS
    for line in TABLE.values():
        assert line.why
        assert line.on_delay_ms
        assert line.off_delay_ms < line.on_delay_ms
        assert (line.count == 0) == (line.window_ms == 0)
        assert line.shelve_ms_max in annunciations.SHELVED_MS


@pytest.mark.parametrize("kind", sorted(ALWAYS, key=lambda each: each.value))
@pytest.mark.parametrize("certainty", list(C))
def test_a_tamper_a_call_and_whatever_concerns_a_protected_person_is_never_held_or_shelved(kind, certainty):
    assert handling(kind, certainty) is annunciations.AT_ONCE
    assert not annunciations.may_be_held(kind, certainty)
    assert shelve_ms_max(kind, certainty, priority(kind, certainty)) == 0


@pytest.mark.parametrize("kind", sorted(CERTAIN_AT_ONCE, key=lambda each: each.value))
def test_what_is_certain_of_a_place_is_never_held_or_shelved(kind):
    assert shelve_ms_max(kind, C.MAYBE, priority(kind, C.MAYBE)) > 0
    assert not annunciations.may_be_held(kind, C.CERTAIN)
    assert shelve_ms_max(kind, C.CERTAIN, priority(kind, C.CERTAIN)) == 0


# --- delay, count, off-delay ---


@pytest.mark.parametrize("kind", DELAYED)
def test_what_is_over_before_its_delay_rings_for_nobody_and_stands_in_the_record(kind):
    told = Told()
    delay_s = handling(kind, C.MAYBE).on_delay_ms // 1_000
    assert tags(told_of(told, kind)) == ["alarm_raised", "alarm_suppressed"]
    assert only(told).state is AlarmState.SUPPRESSED
    assert tags(told_of(told, kind, Change.RETURNED, s=delay_s - 1)) == ["alarm_returned"]
    assert only(told).state is AlarmState.NORMAL
    assert told.give(words.Tick(), s=delay_s * 10) == []
    assert not told.state.incidents
    (life,) = loads.suppressed(lives(told), 0)
    assert (life.held, life.rung_at, life.ended_at) == (Suppression.BRIEF, None, told.log[-1].at)


@pytest.mark.parametrize("kind", DELAYED)
def test_what_lasts_rings_when_its_delay_is_over_and_not_before(kind):
    told = Told()
    delay_s = handling(kind, C.MAYBE).on_delay_ms // 1_000
    told_of(told, kind)
    assert told.give(words.Tick(), s=delay_s - 0.001) == []
    happened = told.give(words.Tick(), s=delay_s)
    assert tags(happened) == ["alarm_surfaced", "incident_opened"]
    assert why(happened) == [("AlarmSurfaced", Surfacing.LASTED)]
    assert (only(told).state, only(told).raised_at) == (AlarmState.UNACKED, told.at), "the time to answer begins now"
    assert told.give(words.Tick(), s=delay_s + 0.5) == []


def test_a_return_shorter_than_the_off_delay_does_not_begin_the_delay_anew():
    line, told = TABLE[K.COMM_LOST], Told()
    told_of(told, K.COMM_LOST)
    told_of(told, K.COMM_LOST, Change.RETURNED, s=100)
    told_of(told, K.COMM_LOST, Change.REPEATED, s=100 + line.off_delay_ms // 1_000 - 1)
    assert only(told).due_at == told.log[0].at + line.on_delay_ms
    told_of(told, K.COMM_LOST, Change.RETURNED, s=135)
    told_of(told, K.COMM_LOST, Change.REPEATED, s=135 + line.off_delay_ms // 1_000)
    assert only(told).due_at == told.at + line.on_delay_ms


def test_a_flicker_over_the_end_of_its_delay_rings_with_its_next_word():
    told = Told()
    told_of(told, K.COMM_LOST)
    told_of(told, K.COMM_LOST, Change.RETURNED, s=175)
    assert told.give(words.Tick(), s=181) == []
    assert why(told_of(told, K.COMM_LOST, Change.REPEATED, s=190)) == [("AlarmSurfaced", Surfacing.LASTED)]


def test_what_comes_so_often_in_its_window_rings_by_the_count():
    line, told = TABLE[K.EXCLUSION_ZONE], Told()
    told_of(told, K.EXCLUSION_ZONE)
    seen = []
    for n in range(1, line.count):
        told_of(told, K.EXCLUSION_ZONE, Change.RETURNED, s=60 * n - 50)
        seen = told_of(told, K.EXCLUSION_ZONE, Change.REPEATED, s=60 * n)
    assert why(seen) == [("AlarmSurfaced", Surfacing.REPEATED)]
    assert told.incident.alarms == (only(told).alarm,)


def test_the_first_certain_word_rings_at_once():
    told = Told()
    told_of(told, K.CURFEW)
    happened = told_of(told, K.CURFEW, Change.RISEN, certain=True, s=5)
    assert why(happened) == [("AlarmSurfaced", Surfacing.RISEN)]
    assert (only(told).state, only(told).priority) == (AlarmState.UNACKED, Priority.DANGER)
    assert "video_prepared" in tags(happened), "cameras are staged as for any certain alarm"


def test_what_is_certain_from_the_first_word_is_not_held_at_all():
    for kind in sorted(CERTAIN_AT_ONCE, key=lambda each: each.value):
        happened = told_of(Told(), kind, certain=True)
        assert tags(happened)[:2] == ["alarm_raised", "incident_opened"]


def test_something_else_of_the_same_wearer_brings_up_what_bears_it_out_and_nothing_else():
    told = Told()
    for kind in (K.COMM_LOST, K.EXCLUSION_ZONE, K.BATTERY_LOW):
        told_of(told, kind)
    told_of(told, K.COMM_LOST, wearer="w2")
    happened = told_of(told, K.STRAP_CUT, s=10)
    assert why(happened) == [("AlarmSurfaced", Surfacing.JOINED)] * 2
    assert {told.state.alarms[each].kind for each in told.incident.alarms} == {
        K.STRAP_CUT,
        K.COMM_LOST,
        K.EXCLUSION_ZONE,
    }
    assert tags(told_of(told, K.GPS_LOST, s=11)) == ["alarm_raised", "alarm_suppressed"]
    assert tags(told_of(told, K.CURFEW, s=12)) == ["alarm_raised", "alarm_joined"], (
        "while it rings nothing waits that tells of it"
    )


def test_one_that_was_over_and_forgotten_begins_anew_when_it_is_broken_again(monkeypatch):
    monkeypatch.setattr("safetynet.core.control.held.SETTLED_KEPT_MAX", 1)
    told = Told()
    for wearer in ("w1", "w2"):
        told_of(told, K.COMM_LOST, wearer=wearer)
        told_of(told, K.COMM_LOST, Change.RETURNED, s=1, wearer=wearer)
    assert [each.wearer for each in told.state.alarms.values()] == ["w2"]
    assert tags(told_of(told, K.COMM_LOST, Change.REPEATED, s=60, wearer="w1")) == ["alarm_raised", "alarm_suppressed"]


def test_who_may_ring_is_asked_to_report_quickly():
    told = Told()
    told_of(told, K.EXCLUSION_ZONE)
    told_of(told, K.BATTERY_LOW, wearer="w2")
    assert annunciator.suspected(told.state) == {"w1"}


# --- shelves ---


def rung(kind=K.COMM_LOST, *, by=KIM):
    told = Told()
    told_of(told, kind)
    told.give(words.Tick(), s=handling(kind, C.MAYBE).on_delay_ms / 1_000)
    told.give(words.Claim(incident=told.id, by=by))
    return told


def shelve(told, *, by=KIM, for_ms=15 * MINUTE_MS, alarm=None):
    return words.Shelve(alarm=alarm or only(told).alarm, by=by, reason=REASON, for_ms=for_ms)


def test_a_shelved_alarm_says_who_why_and_until_and_comes_back_by_itself():
    told = rung()
    (event,) = told.give(shelve(told))
    assert event == AlarmShelved(at=told.at, alarm=only(told).alarm, wearer="w1", by=KIM, shelved=REASON, until=told.at + 15 * MINUTE_MS)  # fmt: skip
    alarm = only(told)
    assert (alarm.state, alarm.incident) == (AlarmState.SHELVED, told.id), "it stays listed in its incident"
    assert told.give(words.Tick(), s=179 + 15 * 60) == []
    (back,) = told.give(words.Tick(), s=180 + 15 * 60)
    assert (back.by, only(told).state, only(told).raised_at) == (None, AlarmState.UNACKED, told.at)
    assert told.state.record[told.id][0].what == "alarm_unshelved"
    assert tags(told.give(words.Acknowledge(alarm=alarm.alarm, by=KIM))) == ["alarm_acknowledged"]


def test_anybody_brings_it_back_and_its_return_to_normal_does_not():
    told = rung()
    told.give(shelve(told))
    told_of(told, K.COMM_LOST, Change.RETURNED, s=200)
    assert only(told).state is AlarmState.SHELVED
    (back,) = told.give(words.Unshelve(alarm=only(told).alarm, by=LEE))
    assert (back.by, only(told).state) == (LEE, AlarmState.RETURNED_UNACKED)
    assert mind.refuses(told.state, words.Unshelve(alarm=only(told).alarm, by=LEE), told.at) is Why.NOT_ALLOWED_NOW


def test_a_shelved_suspicion_that_becomes_certain_rings_at_once():
    told = rung(K.EXCLUSION_ZONE)
    told.give(shelve(told))
    happened = told_of(told, K.EXCLUSION_ZONE, Change.RISEN, certain=True, s=70)
    assert tags(happened)[:2] == ["alarm_repeated", "alarm_unshelved"]
    assert (only(told).state, only(told).priority) == (AlarmState.UNACKED, Priority.DANGER)
    assert mind.refuses(told.state, shelve(told), told.at) is Why.NEVER_SHELVED


@pytest.mark.parametrize("kind", sorted(ALWAYS, key=lambda each: each.value))
def test_who_leads_may_not_shelve_what_is_never_shelved(kind):
    told = Told()
    told_of(told, kind)
    told.give(words.Claim(incident=told.id, by=KIM))
    assert mind.refuses(told.state, shelve(told, for_ms=1), told.at) is Why.NEVER_SHELVED
    assert told.give(shelve(told, for_ms=1)) == []


def test_a_shelf_has_limits():
    told = rung()
    longest = TABLE[K.COMM_LOST].shelve_ms_max
    assert mind.refuses(told.state, shelve(told, by=LEE), told.at) is Why.NOT_OWNER
    assert mind.refuses(told.state, shelve(told, for_ms=longest + 1), told.at) is Why.TOO_LONG
    assert mind.refuses(told.state, shelve(told, for_ms=0), told.at) is Why.TOO_LONG
    assert mind.refuses(told.state, shelve(told, alarm="A-NONE"), told.at) is Why.NOT_ALLOWED_NOW
    for _ in range(annunciations.SHELVINGS_MAX):
        assert tags(told.give(shelve(told, for_ms=longest))) == ["alarm_shelved"]
        assert mind.refuses(told.state, shelve(told), told.at) is Why.NOT_ALLOWED_NOW, "it lies there already"
        told.give(words.Unshelve(alarm=only(told).alarm, by=KIM))
    assert mind.refuses(told.state, shelve(told), told.at) is Why.TOO_MANY_RENEWALS


def test_closing_takes_it_off_the_shelf_for_good():
    told = rung()
    told.give(shelve(told))
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.DEVICE, fix_through=9))
    assert told.give(words.Tick(), s=100_000) == []
    assert only(told).state is AlarmState.CLOSED


# --- out of service ---


def test_a_device_that_is_worked_on_holds_back_what_it_says_of_itself_and_nothing_else():
    told = Told()
    stop = words.StopService(wearer="w1", by=KIM, reason=ServiceReason.EXCHANGE, for_ms=60 * MINUTE_MS)
    assert mind.refuses(told.state, words.StopService(wearer="w1", by=KIM, reason=ServiceReason.EXCHANGE, for_ms=annunciations.SERVICE_MS_MAX + 1), 0) is Why.TOO_LONG  # fmt: skip
    assert tags(told.give(stop)) == ["service_stopped"]
    assert mind.refuses(told.state, stop, told.at) is Why.NOT_ALLOWED_NOW
    assert why(told_of(told, K.COMM_LOST)) == [("AlarmSuppressed", Suppression.OUT_OF_SERVICE)]
    assert only(told).state is AlarmState.OUT_OF_SERVICE
    for kind in (K.STRAP_CUT, K.APPROACH_100):
        assert AlarmSuppressed not in map(type, told_of(told, kind, s=1))
    happened = told.give(words.Tick(), s=3_600)
    assert "service_resumed" in tags(happened)
    assert [each.state for each in told.state.alarms.values() if each.kind is K.COMM_LOST] == [AlarmState.UNACKED]


def test_work_that_ends_early_lets_it_wait_as_one_of_its_kind_does():
    told = Told()
    told.give(words.StopService(wearer="w1", by=KIM, reason=ServiceReason.REPAIR, for_ms=60 * MINUTE_MS))
    told_of(told, K.GPS_LOST)
    happened = told.give(words.ResumeService(wearer="w1", by=LEE), s=60)
    assert why(happened) == [("AlarmSuppressed", Suppression.BRIEF)]
    assert tags(told.give(words.Tick(), s=60 + TABLE[K.GPS_LOST].on_delay_ms / 1_000)) == [
        "alarm_surfaced",
        "incident_opened",
    ]


# --- outages ---


def dark(members=OUTAGE_MEMBERS_MIN, *, network="net-a", s=0):
    told = Told()
    for n in range(members):
        told_of(told, K.COMM_LOST, wearer=f"w{n}", network=network, s=s + n)
    return told


def outage(told):
    (one,) = told.state.held.outages.values()
    return one


def test_many_of_one_network_at_once_are_one_incident_with_all_of_them_in_it():
    told = dark(OUTAGE_MEMBERS_MIN + 5)
    assert [type(each) for each in told.log].count(OutageBegan) == 1
    one = outage(told)
    assert len(one.members) == OUTAGE_MEMBERS_MIN + 5
    assert {each.held for each in told.state.alarms.values()} == {Suppression.OUTAGE}
    told.give(words.Tick(), s=1_800)
    assert not told.state.incidents, "none of them rings alone while it lasts"
    assert tags(told.give(words.AckOutage(outage=one.outage, by=KIM))) == ["outage_acknowledged"]
    assert mind.refuses(told.state, words.AckOutage(outage=one.outage, by=LEE), told.at) is Why.NOT_ALLOWED_NOW


@pytest.mark.parametrize(
    ("network", "gap_s"), [("", 1), ("each its own", 1), ("net-a", 60 * annunciations.OUTAGE_WINDOW_MS)]
)
def test_without_a_common_network_and_time_it_is_no_outage(network, gap_s):
    told = Told()
    for n in range(OUTAGE_MEMBERS_MIN + 5):
        own = f"{network} {n}" if network == "each its own" else network
        told_of(told, K.COMM_LOST, wearer=f"w{n}", network=own, s=n * gap_s)
        told_of(told, K.COMM_LOST, Change.RETURNED, wearer=f"w{n}", network=own, s=n * gap_s + (gap_s > 1))
    assert not told.state.held.outages


def test_what_the_outage_does_not_explain_rings_beside_it():
    told = dark()
    assert tags(told_of(told, K.COMM_LOST, wearer="other", network="net-b", s=30)) == [
        "alarm_raised",
        "alarm_suppressed",
    ]
    happened = told_of(told, K.STRAP_CUT, wearer="w3", network="net-a", s=31)
    assert tags(happened)[:2] == ["alarm_raised", "incident_opened"]
    assert why(happened) == [("AlarmSurfaced", Surfacing.JOINED)], "his silence is more than the network's now"
    assert len(outage(told).members) == OUTAGE_MEMBERS_MIN
    told.give(words.Tick(), s=30 + 180)
    assert {each.wearer for each in told.state.incidents.values()} == {"w3", "other"}


def test_when_the_network_is_heard_again_who_stays_silent_rings_alone():
    told = dark(40)
    for n in range(38):
        told_of(told, K.COMM_LOST, Change.RETURNED, wearer=f"w{n}", s=600 + n)
    (ended, *held) = told.give(words.Tick(), s=700)
    assert (ended.why, ended.members, ended.silent) == (OutageEnd.HEARD, 40, 2 + (40 - 38 - 2))
    assert why(held) == [("AlarmSuppressed", Suppression.BRIEF)] * 2
    told_of(told, K.COMM_LOST, Change.RETURNED, wearer="w38", s=710)
    told.give(words.Tick(), s=700 + annunciations.OUTAGE_GRACE_MS / 1_000)
    assert [each.wearer for each in told.state.incidents.values()] == ["w39"]


def test_an_outage_explains_nobody_for_ever():
    told = dark()
    happened = told.give(words.Tick(), s=annunciations.OUTAGE_MS_MAX / 1_000)
    assert [each.why for each in happened if isinstance(each, OutageEnded)] == [OutageEnd.TOO_LONG]
    told.give(words.Tick(), s=(annunciations.OUTAGE_MS_MAX + annunciations.OUTAGE_GRACE_MS) / 1_000)
    assert len(told.state.incidents) == OUTAGE_MEMBERS_MIN


def test_ended_outages_are_kept_for_the_screens_and_not_for_ever():
    held = outages.Map()
    for n in range(outages.KEPT_MAX + 3):
        id = outages.outage_id("net-a", n)
        held = outages.after(held, OutageBegan(at=n, outage=id, network="net-a", since=n, members=1))
        held = outages.after(held, OutageEnded(at=n, outage=id, why=OutageEnd.HEARD, members=1, silent=0))
    assert len(held) == outages.KEPT_MAX
    assert min(each.since for each in held.values()) == 3


# --- whatever happens ---


def lives(told):
    found = loads.EMPTY
    for event in told.log:
        found = loads.noted(found, event)
    return found.of.values()


WEARERS = [f"w{n}" for n in range(4)]
STEP = st.one_of(
    st.tuples(st.just("said"), st.sampled_from(list(AlarmKind)), st.sampled_from([Change.RAISED, Change.RISEN, Change.REPEATED, Change.RETURNED]), st.booleans(), st.sampled_from(WEARERS)),
    st.tuples(st.just("wait"), st.integers(1, 4_000)),
    st.tuples(st.just("shelve"), st.sampled_from(WEARERS), st.integers(1, 4 * 60 * MINUTE_MS)),
    st.tuples(st.just("service"), st.sampled_from(WEARERS)),
    st.tuples(st.just("close"), st.sampled_from(WEARERS)),
)  # fmt: skip


class Played:
    """Anything that rules, people and time can bring, in any order the rules themselves would keep."""

    def __init__(self):
        self.told, self.s, self.n = Told(), 0, 0
        self.open, self.certain, self.broken = {}, {}, {}

    def step(self, what):
        self.s += 1
        match what:
            case ("said", kind, change, certain, wearer):
                self.said(kind, change, certain=certain, wearer=wearer)
            case ("wait", seconds):
                self.s += seconds
                self.told.give(words.Tick(), s=self.s)
            case ("shelve", wearer, for_ms):
                for id in self.told.state.alarms:
                    if self.told.state.alarms[id].wearer == wearer:
                        self.told.give(words.Shelve(alarm=id, by=KIM, reason=REASON, for_ms=for_ms), s=self.s)
            case ("service", wearer):
                self.told.give(words.StopService(wearer=wearer, by=KIM, reason=ServiceReason.UPDATE, for_ms=60 * MINUTE_MS), s=self.s)  # fmt: skip
            case ("close", wearer):
                incident = self.told.state.open.get(wearer)
                if incident is not None:
                    for each in self.told.state.incidents[incident].alarms:
                        self.open = {key: id for key, id in self.open.items() if id != self.told.state.alarms[each].episode}  # fmt: skip
                    self.told.give(words.Close(incident=incident, by=KIM, code=Disposition.MINOR, fix_through=self.n), s=self.s)  # fmt: skip
        for id in sorted(self.told.state.open.values()):
            if self.told.state.incidents[id].owner is None:
                self.told.give(words.Claim(incident=id, by=KIM), s=self.s)

    def said(self, kind, change, *, certain, wearer):
        key = (wearer, kind)
        if key not in self.open:
            change = Change.RAISED
        elif change is Change.RAISED:
            return
        self.n += 1
        if change is Change.RAISED:
            self.open[key], self.certain[key] = f"e{self.n}", certain or kind not in CERTAIN_AT_ONCE
        if change is Change.RISEN and self.certain[key]:
            change = Change.REPEATED
        if change is Change.RETURNED and not heals(kind):
            return
        if change in (Change.REPEATED, Change.RETURNED) and self.broken[key] is (change is Change.REPEATED):
            return
        self.broken[key] = change is not Change.RETURNED
        self.certain[key] = self.certain[key] or change is Change.RISEN
        told_of(self.told, kind, change, s=self.s, certain=self.certain[key], wearer=wearer, episode=self.open[key], network="net-a")  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=30))
def test_an_alarm_is_never_lost_and_the_gravest_are_never_held_back(steps):
    played = Played()
    for step in steps:
        played.step(step)
        told = played.told
        raised = {each.alarm: each for each in told.log if isinstance(each, AlarmRaised)}
        placed = {each.alarm for each in told.log if isinstance(each, IncidentOpened | AlarmJoined)}
        explained = {each.alarm: each for each in told.log if isinstance(each, AlarmSuppressed)}
        for id, alarm in told.state.alarms.items():
            assert (alarm.incident is not None) == (id in placed)
            if id not in placed:
                assert id in explained
                assert alarm.state in (*HELD, AlarmState.NORMAL)
                assert alarm.state is AlarmState.NORMAL or alarm.due_at is not None or alarm.outage is not None
                assert alarm.due_at is None or alarm.state is AlarmState.NORMAL or alarm.due_at > told.at - 4_001_000
            if alarm.state in HELD:
                assert id in told.state.held.of[alarm.wearer]
            if alarm.state is AlarmState.SHELVED:
                assert told.state.held.due[id] == alarm.due_at
            if alarm.kind in ALWAYS or (alarm.kind in CERTAIN_AT_ONCE and alarm.certainty is C.CERTAIN):
                assert alarm.state not in (*HELD, AlarmState.SHELVED, AlarmState.NORMAL), (alarm.kind, alarm.state)
        assert set(told.state.alarms) == set(raised), "nothing was forgotten"
        for each in told.log:
            if isinstance(each, AlarmSuppressed | AlarmShelved):
                assert raised[each.alarm].kind not in ALWAYS
        assert set(told.state.held.due) == {
            id for id, each in told.state.alarms.items() if each.state in (*HELD, AlarmState.SHELVED) and each.due_at is not None
        }  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_whatever_is_still_broken_rings_in_the_end(steps):
    """Nobody works on a device, no network is out: once everything has had its time, what is broken is before people."""
    played = Played()
    for step in steps:
        if step[0] not in ("service", "close", "shelve"):
            played.step(step)
    played.step(("wait", 10 * 3_600))
    for alarm in played.told.state.alarms.values():
        key = (alarm.wearer, alarm.kind)
        if played.open.get(key) == alarm.episode and played.broken[key]:
            assert alarm.state in (*RINGING, AlarmState.ACKED), (alarm.kind, alarm.state)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=20))
def test_the_log_alone_tells_the_same_state(steps):
    played = Played()
    for step in steps:
        played.step(step)
    again = Told()
    for event in played.told.log:
        again.state = minds.evolve(again.state, event)
    assert again.state.alarms == played.told.state.alarms
    assert again.state.held == played.told.state.held


def test_unshelving_says_so():
    told = rung()
    told.give(shelve(told))
    happened = told.give(words.Unshelve(alarm=only(told).alarm, by=KIM))
    assert [type(each) for each in happened] == [AlarmUnshelved]


def test_the_manual_says_what_the_table_says():
    text = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text()
    rows = {}
    for kind, *cells in re.findall(
        r"^\| `(\w+)`[^|]*\| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE
    ):
        rows[AlarmKind(kind)] = tuple(cells)

    def yes(holds):
        return "yes" if holds else "no"

    assert rows == {
        kind: (
            f"{line.on_delay_ms // 1_000} s",
            f"{line.off_delay_ms // 1_000} s",
            f"{line.count} in {line.window_ms // MINUTE_MS} min" if line.count else "–",
            f"{line.shelve_ms_max // MINUTE_MS} min",
            yes(line.by_outage),
            yes(line.by_service),
            yes(line.joins),
        )
        for kind, line in TABLE.items()
    }
