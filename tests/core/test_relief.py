"""The change of shift: what is confirmed, what goes over, what stays; and an incident given to another seat."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import KIM, LEE, T0, UNITS, Told, card, fix, judged, tags, verdict

from safetynet.core.control import mind, relief, words
from safetynet.core.control.handovers import ENDED_KEPT_MAX
from safetynet.core.events import (
    DiskChanged,
    HandoverItem,
    HandoverTaken,
    IncidentHandedOver,
    IncidentReassigned,
    LogRestored,
)
from safetynet.core.incidents import Stage
from safetynet.core.messages import GiveGrant
from safetynet.core.terms import (
    AlarmKind,
    CallOutcome,
    DiskLevel,
    Disposition,
    FieldMark,
    HandoverEnd,
    HandoverPart,
    Reassign,
    UnitState,
    WearerClass,
    Why,
)
from safetynet.core.verdicts import Change

CHOI = "choi"
DOWN = HandoverItem(HandoverPart.LINK, "narae", "17")
OFFER = words.OfferHandover(by=KIM, to=LEE, whole=False)
RESTORED = LogRestored(
    at=T0, size=1, size_before=1, root_before=b"", epoch_before=1, epoch=2, found="operator", erased=0, erasures_known=True
)  # fmt: skip


def alarm(told, n=1, *, kind=AlarmKind.STRAP_CUT, wearer=None):
    who = wearer or f"w{n}"
    told.give(judged(verdict(kind, at=fix(n, wearer=who), episode=f"e{n}", wearer=who)))
    return told.state.open[who]


def offered(*, incidents=1, whole=False):
    """Kim leads so many incidents and offers; nothing was confirmed yet."""
    told = Told()
    for n in range(1, incidents + 1):
        told.give(words.Claim(incident=alarm(told, n), by=KIM))
    told.give(words.OfferHandover(by=KIM, to=LEE, whole=whole))
    return told


def held(told):
    return max(told.state.handovers.values(), key=lambda each: each.offered_at)


def items(told, outages=()):
    return relief.items(told.state, held(told), outages)


def step(told, kind, *, by, **more):
    """The word why not, or None when it happened."""
    extra = {"outages": ()} if kind in (words.ConfirmItem, words.TakeHandover) else {}
    command = kind(handover=held(told).handover, by=by, **(extra | more))
    no = mind.refuses(told.state, command, told.at)
    happened = told.give(command)
    assert bool(happened) is (no is None)
    return no


def confirm_all(told, by=LEE, outages=()):
    for each in relief.unconfirmed(told.state, held(told), outages):
        assert step(told, words.ConfirmItem, by=by, item=each, outages=outages) is None


def parts(told, outages=()):
    return [each.part for each in items(told, outages)]


# --- the whole way ---


def test_everything_confirmed_then_all_goes_over_in_one_act():
    told = offered(incidents=3)
    confirm_all(told)
    happened = told.give(words.TakeHandover(handover=held(told).handover, by=LEE, outages=()))
    assert tags(happened) == ["handover_taken", *["incident_handed_over"] * 3]
    assert {each.owner for each in told.state.incidents.values()} == {LEE}
    assert happened[0] == HandoverTaken(at=told.at, handover=held(told).handover, by=LEE, giver=KIM, items=3)
    assert [type(each).__name__ for each in told.last] == ["CutIncident"] * 3, "the giver's pictures end"
    assert held(told).taken_at == told.at
    assert step(told, words.TakeHandover, by=LEE) is Why.NOT_ALLOWED_NOW, "once"


def test_what_is_in_it():
    told = Told()
    id = alarm(told, 1)
    told.give(words.Claim(incident=id, by=KIM))
    told.give(words.SendOffice(incident=id, by=KIM, unit="u1", units=UNITS))
    told.give(words.AskVideo(incident=id, by=KIM, footing=None))
    request = told.incident.requests["garam"]
    dispatch = next(iter(told.incident.dispatches))
    told.give(words.ReportUnit(dispatch=dispatch, unit="u1", state=UnitState.ACCEPTED))
    told.give(words.MarkField(dispatch=dispatch, unit="u1", by="officer", action="a" * 16, mark=FieldMark.BACKUP, acted_at=T0, spot=None))  # fmt: skip
    told.give(words.AskVideo(incident=id, by=KIM, footing=WearerClass.ORDER))  # fmt: skip
    told.hear("garam", GiveGrant(incident=id, request=request.request, grant="G1", cameras=(card(1),), conditions=(), until=T0 + 900_000))  # fmt: skip
    waiting = alarm(told, 2)
    told.give(DiskChanged(at=T0, level=DiskLevel.LOW, free_bytes=1))
    told.give(OFFER)
    assert step(told, words.NoteHandover, by=KIM, text="  보호관찰소에 전화 부탁  ") is None
    found = items(told, (DOWN,))
    assert [each.part for each in found] == [
        HandoverPart.INCIDENT, HandoverPart.INCIDENT, HandoverPart.ALARM, HandoverPart.BACKUP, HandoverPart.DISPATCH, HandoverPart.GRANT,
        HandoverPart.OUTAGE, HandoverPart.LINK, HandoverPart.NOTE,
    ]  # fmt: skip
    assert {each.id: each.word for each in found if each.part is HandoverPart.INCIDENT} == {id: KIM, waiting: ""}
    assert held(told).notes[0].text == "보호관찰소에 전화 부탁"


@pytest.mark.parametrize(("whole", "seen"), [(False, {KIM, ""}), (True, {KIM, "", CHOI})])
def test_a_seat_holds_its_own_and_what_nobody_leads_and_a_shift_holds_all(whole, seen):
    told = Told()
    for n, by in ((1, KIM), (2, CHOI), (3, None)):
        id = alarm(told, n)
        if by:
            told.give(words.Claim(incident=id, by=by))
    told.give(words.OfferHandover(by=KIM, to=LEE, whole=whole))
    assert {each.word for each in items(told) if each.part is HandoverPart.INCIDENT} == seen
    confirm_all(told)
    assert step(told, words.TakeHandover, by=LEE) is None
    assert sorted(each.owner or "" for each in told.state.incidents.values()) == ["", CHOI, LEE], (
        "what others lead stays theirs"
    )


def test_an_empty_seat_is_handed_over_too():
    told = Told()
    told.give(OFFER)
    assert items(told) == ()
    assert step(told, words.TakeHandover, by=LEE) is None


# --- what arises meanwhile ---

NEW_ALARM = AlarmKind.BODY_TAMPER


def unit_accepts(told):
    told.give(words.ReportUnit(dispatch=next(iter(told.incident.dispatches)), unit="u1", state=UnitState.ACCEPTED))


def unit_declines(told):
    told.give(words.ReportUnit(dispatch=next(iter(told.incident.dispatches)), unit="u1", state=UnitState.DECLINED))


@pytest.mark.parametrize(
    ("what", "arises"),
    [
        (HandoverPart.ALARM, lambda told: alarm(told, 1, kind=NEW_ALARM) and told.give(judged(verdict(NEW_ALARM, at=fix(9, wearer="w1"), episode="e9", wearer="w1")))),
        (HandoverPart.INCIDENT, lambda told: alarm(told, 2)),
        (HandoverPart.DISPATCH, unit_accepts),
        (HandoverPart.DISPATCH, unit_declines),
        (HandoverPart.OUTAGE, lambda told: told.give(DiskChanged(at=T0, level=DiskLevel.SCARCE, free_bytes=1))),
        (HandoverPart.NOTE, lambda told: step(told, words.NoteHandover, by=KIM, text="one thing more")),
        (HandoverPart.INCIDENT, lambda told: told.give(words.TakeOver(incident=told.id, by=LEE)) and told.give(words.HandOver(incident=told.id, by=LEE, to=KIM)) and alarm(told, 3)),
    ],
)  # fmt: skip
def test_what_arises_must_be_confirmed_too(what, arises):
    told = offered()
    told.give(words.SendOffice(incident=told.id, by=KIM, unit="u1", units=UNITS))
    confirm_all(told)
    told.at += 1000
    arises(told)
    assert what in [each.part for each in relief.unconfirmed(told.state, held(told), ())]
    assert step(told, words.TakeHandover, by=LEE) is Why.UNCONFIRMED
    assert {each.owner for each in told.state.incidents.values()} <= {KIM, None}
    confirm_all(told)
    assert step(told, words.TakeHandover, by=LEE) is None


def test_a_link_that_went_down_meanwhile_is_confirmed_too():
    told = offered()
    confirm_all(told)
    assert step(told, words.TakeHandover, by=LEE, outages=(DOWN,)) is Why.UNCONFIRMED
    confirm_all(told, outages=(DOWN,))
    assert step(told, words.TakeHandover, by=LEE, outages=(DOWN,)) is None


def test_an_alarm_that_rings_again_is_a_new_item():
    told = Told()
    id = alarm(told, 1)
    told.give(OFFER)
    told.give(
        judged(verdict(AlarmKind.EXCLUSION_ZONE, at=fix(2, wearer="w1"), episode="z", wearer="w1", certain=False))
    )
    confirm_all(told)
    for each in told.state.incidents[id].alarms:
        told.give(words.Acknowledge(alarm=each, by=KIM))
    assert parts(told) == [HandoverPart.INCIDENT]
    told.at += 5000
    again = verdict(
        AlarmKind.EXCLUSION_ZONE,
        Change.RISEN,
        at=fix(3, wearer="w1"),
        episode="z",
        wearer="w1",
    )
    told.give(judged(again))
    assert [each.part for each in relief.unconfirmed(told.state, held(told), ())] == [HandoverPart.ALARM]


# --- who may what ---


@pytest.mark.parametrize("by", [KIM, CHOI])
def test_only_its_taker_confirms_and_takes(by):
    told = offered()
    assert step(told, words.ConfirmItem, by=by, item=items(told)[0]) is Why.NOT_YOURS
    confirm_all(told)
    assert step(told, words.TakeHandover, by=by) is Why.NOT_YOURS
    assert told.incident.owner == KIM


def test_nothing_is_taken_without_confirming():
    told = offered(incidents=2)
    assert step(told, words.TakeHandover, by=LEE) is Why.UNCONFIRMED
    assert step(told, words.ConfirmItem, by=LEE, item=items(told)[0]) is None
    assert step(told, words.ConfirmItem, by=LEE, item=items(told)[0]) is Why.STALE, "confirmed already"
    assert step(told, words.ConfirmItem, by=LEE, item=DOWN) is Why.STALE, "not in it"
    assert step(told, words.TakeHandover, by=LEE) is Why.UNCONFIRMED


@pytest.mark.parametrize(
    ("by", "to"), [(KIM, KIM), (KIM, CHOI), (CHOI, KIM), (LEE, CHOI), (CHOI, LEE)], ids=lambda each: each
)
def test_nobody_is_in_two_hand_overs_nor_hands_over_to_himself(by, to):
    told = offered()
    assert mind.refuses(told.state, words.OfferHandover(by=by, to=to, whole=False), told.at) is Why.NOT_ALLOWED_NOW


@pytest.mark.parametrize("text", ["", "   ", "x" * (relief.NOTE_CHARS_MAX + 1)])
def test_a_note_says_something_and_not_too_much(text):
    assert step(offered(), words.NoteHandover, by=KIM, text=text) is Why.MALFORMED


def test_a_note_holds_nothing_that_cannot_be_seen():
    told = offered()
    assert step(told, words.NoteHandover, by=KIM, text="\u202e\x00 \u200b") is Why.MALFORMED
    assert step(told, words.NoteHandover, by=KIM, text="go\u202e home\x1b[2J\nnow") is None
    assert held(told).notes[0].text == "go  home [2J\nnow"


def test_notes_are_the_givers_and_have_a_limit():
    told = offered()
    assert step(told, words.NoteHandover, by=LEE, text="mine") is Why.NOT_YOURS
    for n in range(relief.NOTES_MAX):
        assert step(told, words.NoteHandover, by=KIM, text=f"note {n}") is None
    assert step(told, words.NoteHandover, by=KIM, text="one more") is Why.TOO_MANY_REPORTS


# --- it ends with everything where it was ---


@pytest.mark.parametrize(
    ("end", "why", "by"),
    [
        (lambda told: step(told, words.WithdrawHandover, by=KIM), HandoverEnd.WITHDRAWN, KIM),
        (lambda told: step(told, words.WithdrawHandover, by=LEE), HandoverEnd.DECLINED, LEE),
        (lambda told: told.give(words.Absent(KIM)), HandoverEnd.ABSENT, None),
        (lambda told: told.give(words.Absent(LEE)), HandoverEnd.ABSENT, None),
        (lambda told: told.give(words.Tick(), s=relief.HANDOVER_MS_MAX / 1000), HandoverEnd.TIMED_OUT, None),
        (lambda told: told.give(RESTORED), HandoverEnd.RESTORED, None),
    ],
)
def test_whoever_leaves_leaves_everything_with_the_giver(end, why, by):
    told = offered(incidents=2)
    confirm_all(told)
    end(told)
    assert (held(told).end, held(told).ended_by) == (why, by)
    assert not held(told).open
    assert step(told, words.TakeHandover, by=LEE) is Why.NOT_ALLOWED_NOW
    assert {each.owner for each in told.state.incidents.values()} == {KIM}
    assert step(told, words.NoteHandover, by=KIM, text="late") is Why.NOT_ALLOWED_NOW


def test_a_third_person_ends_nothing():
    told = offered()
    assert step(told, words.WithdrawHandover, by=CHOI) is Why.NOT_YOURS
    assert told.give(words.Absent(CHOI)) == []
    told.give(words.Tick(), s=relief.HANDOVER_MS_MAX / 1000 - 1)
    assert held(told).open


def test_what_the_giver_does_meanwhile_is_still_the_givers_to_do():
    told = offered(incidents=2)
    first, second = sorted(told.state.incidents)
    told.give(words.CallWearer(incident=first, by=KIM, outcome=CallOutcome.ANSWERED))
    assert told.give(words.CallWearer(incident=first, by=LEE, outcome=CallOutcome.ANSWERED)) == []
    told.give(words.Close(incident=first, by=KIM, code=Disposition.MINOR, fix_through=1))
    confirm_all(told)
    assert step(told, words.TakeHandover, by=LEE) is None
    assert told.state.incidents[first].owner == KIM, "what is closed stays with who closed it"
    assert told.state.incidents[second].owner == LEE


def test_ended_hand_overs_are_kept_for_a_while():
    told = Told()
    for n in range(ENDED_KEPT_MAX + 5):
        told.at = T0 + n
        told.give(OFFER)
        step(told, words.WithdrawHandover, by=KIM)
    assert len(told.state.handovers) == ENDED_KEPT_MAX + 1


# --- whatever three people do ---

PEOPLE = (KIM, LEE, CHOI)
ACTS = st.one_of(
    st.tuples(st.just("alarm"), st.integers(1, 4)),
    st.tuples(st.just("claim"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("offer"), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)),
    st.tuples(st.just("confirm"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("confirm"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("take"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("withdraw"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("absent"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("close"), st.sampled_from(PEOPLE)),
)


def act(told, what, *args):
    if what == "alarm":
        return alarm(told, args[0]) and []
    if what == "offer":
        return told.give(words.OfferHandover(by=args[0], to=args[1], whole=False))
    (by,) = args
    if what == "absent":
        return told.give(words.Absent(by))
    if what in ("claim", "close"):
        for id in sorted(told.state.open.values())[:1]:
            if what == "claim":
                return told.give(words.Claim(incident=id, by=by))
            return told.give(words.Close(incident=id, by=by, code=Disposition.MINOR, fix_through=99))
        return []
    made: list = []
    for each in [one for one in told.state.handovers.values() if one.open]:
        if what == "confirm":
            for item in relief.unconfirmed(told.state, each, ()):
                made += told.give(words.ConfirmItem(handover=each.handover, by=by, item=item, outages=()))
        elif what == "take":
            made += told.give(words.TakeHandover(handover=each.handover, by=by, outages=()))
        else:
            made += told.give(words.WithdrawHandover(handover=each.handover, by=by))
    return made


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=25))
def test_nothing_changes_hands_but_by_its_taker_who_confirmed_all_of_it(acts):
    told = Told()
    for each in acts:
        told.at += 1000
        before = told.state
        made = act(told, *each)
        over = [event for event in made if isinstance(event, IncidentHandedOver)]
        taken = [event for event in made if isinstance(event, HandoverTaken)]
        assert not over or taken
        for event in taken:
            one = before.handovers[event.handover]
            assert one.open
            assert event.by == one.taker == each[1]
            assert relief.unconfirmed(before, one, ()) == ()
            mine = {event.incident for event in over if event.by == one.giver and event.to == one.taker}
            assert mine == {id for id in before.open.values() if before.incidents[id].owner == one.giver}
            assert {item.id for item in one.confirmed if item.part is HandoverPart.INCIDENT} >= mine
        open_now = [one for one in told.state.handovers.values() if one.open]
        assert len({person for one in open_now for person in one.parties}) == 2 * len(open_now), "one at a time"
    folded = mind.fold(type(told.state)(), told.log)
    assert folded == told.state, "the log alone gives the state"


# --- an incident given to another seat ---


def moved(told, **more):
    fields = {"incident": told.id, "by": "head", "to": LEE, "held_by": KIM, "reason": Reassign.OVERLOADED}
    command = words.ReassignIncident(**(fields | more))
    return mind.refuses(told.state, command, told.at), told.give(command)


def test_an_incident_is_given_to_another_seat_with_who_and_why():
    told = Told()
    told.give(words.Claim(incident=alarm(told), by=KIM))
    no, happened = moved(told)
    assert no is None
    assert happened == [
        IncidentReassigned(at=told.at, incident=told.id, by="head", previous=KIM, to=LEE, reason=Reassign.OVERLOADED)
    ]
    assert told.incident.owner == LEE
    assert [type(each).__name__ for each in told.last] == ["CutIncident"]
    line = told.state.record[told.id][0]
    assert (line.what, line.by, dict(line.detail)) == (
        "incident_reassigned",
        "head",
        {"to": LEE, "reason": "overloaded"},
    )


def test_what_nobody_leads_is_given_away_and_goes_on_ringing_until_somebody_looks():
    told = Told()
    id = alarm(told)
    assert moved(told, held_by=None, reason=Reassign.UNANSWERED)[0] is None
    assert (told.incident.owner, told.incident.stage, told.incident.claimed_at) == (LEE, Stage.CLAIMED, None)
    (only,) = told.incident.alarms
    assert told.state.alarms[only].state in relief.RINGING
    told.give(words.Acknowledge(alarm=only, by=LEE), s=9)
    assert told.state.incidents[id].claimed_at == told.at
    assert (told.state.alarms[only].acked_by, told.state.alarms[only].acked_at) == (LEE, told.at)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"held_by": CHOI}, Why.STALE),
        ({"held_by": None}, Why.STALE),
        ({"to": KIM}, Why.NOT_ALLOWED_NOW),
        ({"incident": "I-other"}, Why.NO_SUCH_INCIDENT),
    ],
)
def test_nobody_is_pushed_aside_unseen(more, why):
    told = Told()
    told.give(words.Claim(incident=alarm(told), by=KIM))
    assert moved(told, **more) == (why, [])


def test_a_closed_incident_stays_where_it_is():
    told = Told()
    told.give(words.Claim(incident=alarm(told), by=KIM))
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1))
    assert moved(told) == (Why.INCIDENT_CLOSED, [])
