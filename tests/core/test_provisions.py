"""What a city's people may do: narrow, refuse, stop, mark, look. Never widen."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from minds import T0, place, tags
from test_city import GROUND, MINUTE, YES, Told, granted, the_grant, wanted

from safetynet.core import city, grants, provisions
from safetynet.core.city import CutOwn, LeaseGrant, LeaseOwn, LetIn, MoveCamera, Preconnect, StopGrant, StopPreconnect
from safetynet.core.events import DiskChanged
from safetynet.core.messages import (
    AwaitPerson,
    ChangeCameras,
    EndGrant,
    EndIncident,
    GiveGrant,
    MovePlace,
    PrepareVideo,
    RefuseVideo,
    ReportSighting,
)
from safetynet.core.provisions import (
    ANSWER_MS,
    AdmitOwn,
    Approve,
    MarkSighting,
    Outcome,
    Refuse,
    Review,
    SetApproval,
    StopProviding,
    TurnCamera,
)
from safetynet.core.terms import Approval, Basis, DiskLevel, Heading, Sight, Travel, Turn, Why

WHY = Why.BEYOND_PURPOSE


def by_person(**but):
    """A city whose people answer, and a request that waits for them."""
    told = Told()
    told.give(SetApproval(basis=Basis.DEVICE_DUTY, approval=Approval.PERSON, by="head"))
    (waits,) = told.hear(wanted(**but))
    assert tags([waits]) == ["approval_awaited"]
    return told, waits


def no(told, command):
    assert told.give(command) == []
    return city.refuses(told.state, command, told.at)


def test_a_person_is_waited_for_at_both_ends_and_nothing_is_delivered():
    told, waits = by_person()
    assert waits.answer_by == T0 + ANSWER_MS
    assert told.told() == [AwaitPerson(incident="I1", request="R1", answer_by=T0 + ANSWER_MS)]
    assert [type(each) for each in told.last[:1]] == [Preconnect], "it is ready when the person says yes"
    assert not any(isinstance(each, LeaseGrant) for each in told.errands)
    assert told.hear(wanted()) == [], "told twice"
    assert tags(told.hear(MovePlace(incident="I1", request="R1", place=place(60, s=5)), s=5)) == ["request_prepared"]
    assert city.refuses(told.state, Approve(request="R1", by="p", policy=YES), told.at) is None, "it still waits"
    (issued,) = told.give(Approve(request="R1", by="p", policy=YES), s=9)
    assert (issued.by, issued.place.observed_at) == ("p", place(60, s=5).observed_at)
    assert isinstance(told.told()[0], GiveGrant)


def test_nobody_answers_and_it_is_refused():
    told, _ = by_person()
    assert told.give(city.Tick(), s=ANSWER_MS / 1000 - 0.001) == []
    told.give(city.Tick(), s=ANSWER_MS / 1000)
    assert told.told() == [RefuseVideo(incident="I1", request="R1", why=Why.UNANSWERED)]
    assert StopPreconnect("R1") in told.last
    assert no(told, Approve(request="R1", by="p", policy=YES)) is Why.NOT_LIVE
    (row,) = told.state.record
    assert (row.outcome, row.why, row.answered_ms) == (Outcome.REFUSED, Why.UNANSWERED, ANSWER_MS)


def test_a_late_yes_is_none_even_before_the_tick():
    told, _ = by_person()
    told.at = T0 + ANSWER_MS
    assert no(told, Approve(request="R1", by="p", policy=YES)) is Why.NOT_ALLOWED_NOW


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (None, Why.POLICY_ABSENT),
        (grants.PolicyAnswer(allow=False, errors=0, sha256=b"p", present=True), Why.POLICY_DENIED),
        (grants.PolicyAnswer(allow=True, errors=1, sha256=b"p", present=True), Why.POLICY_ERROR),
    ],
)
def test_no_hand_grants_what_the_policy_refuses(policy, why):
    told, _ = by_person()
    assert [each.why for each in told.give(Approve(request="R1", by="p", policy=policy))] == [why]
    assert not any(isinstance(each, LeaseGrant) for each in told.errands)


def test_no_hand_grants_while_the_disk_is_nearly_full():
    told, _ = by_person()
    told.give(DiskChanged(at=told.at, level=DiskLevel.LOW, free_bytes=1))
    assert [each.why for each in told.give(Approve(request="R1", by="p", policy=YES))] == [Why.DISK_LOW]


def test_what_the_policy_refused_at_once_waits_for_nobody():
    told = Told()
    told.give(SetApproval(basis=Basis.DEVICE_DUTY, approval=Approval.PERSON, by="head"))
    denied = grants.PolicyAnswer(allow=False, errors=0, sha256=b"p", present=True)
    assert [each.why for each in told.hear(wanted(), policy=denied)] == [Why.POLICY_DENIED]
    assert no(told, Approve(request="R1", by="p", policy=YES)) is Why.NOT_LIVE


def test_facts_are_asked_again_when_a_person_says_yes(monkeypatch):
    monkeypatch.setattr(provisions, "ANSWER_MS", 10 * MINUTE)
    monkeypatch.setattr(city, "ANSWER_MS", 10 * MINUTE)
    told, _ = by_person()
    assert [each.why for each in told.give(Approve(request="R1", by="p", policy=YES), s=121)] == [Why.STALE]


def test_a_person_leaves_cameras_out_and_the_set_never_moves_to_them():
    told, waits = by_person()
    out = frozenset(waits.cameras[:1])
    (issued,) = told.give(Approve(request="R1", by="p", without=out, policy=YES))
    assert len(issued.cameras) == len(waits.cameras) - 1
    assert not out & set(issued.cameras)
    for n in range(1, 9):
        told.hear(MovePlace(incident="I1", request="R1", place=place(8 * n, s=5 * n)), s=5 * n)
        held = city.grant(told.state, issued.grant)
        assert not out & set(held.cameras)
        assert len(held.cameras) <= issued.cameras_max


def test_leaving_out_what_was_not_offered_widens_nothing():
    told, waits = by_person()
    (issued,) = told.give(Approve(request="R1", by="p", without=frozenset({"another"}), policy=YES))
    assert (issued.withheld, len(issued.cameras)) == ((), len(waits.cameras))
    told, waits = by_person()
    assert [each.why for each in told.give(Approve(request="R1", by="p", without=frozenset(waits.cameras), policy=YES))] == [Why.NO_CAMERA]  # fmt: skip


def test_a_refusal_has_a_reason_and_is_heard():
    told, _ = by_person()
    assert no(told, Refuse(request="R1", by="p", why=Why.POLICY_DENIED)) is Why.NOT_ALLOWED_NOW, "not a person's reason"
    (event,) = told.give(Refuse(request="R1", by="p", why=Why.OTHERS_SHOWN), s=7)
    assert (event.by, event.why) == ("p", Why.OTHERS_SHOWN)
    assert told.told() == [RefuseVideo(incident="I1", request="R1", why=Why.OTHERS_SHOWN)]
    (row,) = told.state.record
    assert (row.by, row.answered_ms) == ("p", 7_000)


@pytest.mark.parametrize("emergency", [True, False])
def test_after_a_stop_the_policy_alone_grants_this_incident_nothing(emergency):
    told = granted()
    grant = the_grant(told)
    assert no(told, StopProviding(grant=grant, by="p", why=Why.STOPPED)) is Why.NOT_ALLOWED_NOW
    (ended,) = told.give(StopProviding(grant=grant, by="p", why=WHY), s=3)
    assert (ended.by, ended.why) == ("p", WHY)
    assert StopGrant(grant, WHY) in told.last
    assert told.told() == [EndGrant(incident="I1", grant=grant, why=WHY)]
    assert no(told, StopProviding(grant=grant, by="p", why=WHY)) is Why.GRANT_ENDED
    again = wanted(request="R2", place=place(s=5))
    assert tags(told.hear(again, s=5)) == ["approval_awaited"], "asked again, a person decides again"
    assert tags(told.hear(wanted(incident="I2", request="R3", place=place(s=5)), s=5)) == ["grant_issued"]
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=6)
    assert told.state.by_hand == frozenset()


def test_what_the_policy_granted_alone_is_looked_at_afterwards_once():
    told = granted()
    grant = the_grant(told)
    assert provisions.unreviewed(told.state.record[0])
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=6)
    assert tags(told.give(Review(grant=grant, by="p"))) == ["grant_reviewed"]
    assert no(told, Review(grant=grant, by="p")) is Why.NOT_ALLOWED_NOW
    assert no(told, Review(grant="G-none", by="p")) is Why.NO_SUCH_GRANT
    (row,) = told.state.record
    assert (row.reviewed_by, row.outcome, row.why) == ("p", Outcome.ENDED, Why.INCIDENT_CLOSED)


def test_own_people_watch_what_is_provided_and_only_while_it_is():
    told = granted()
    grant = the_grant(told)
    look = AdmitOwn(grant=grant, viewer="V1", by="p", token_sha256=b"t" * 32)
    (admitted,) = told.give(look)
    assert admitted.grant == grants.own(grant) != grant
    held = city.grant(told.state, grant)
    lease, let_in = told.last
    assert lease == LeaseOwn(grant, held.cameras)
    assert isinstance(let_in, LetIn)
    assert let_in.until == held.until
    told.hear(MovePlace(incident="I1", request="R1", place=place(260, s=20)), s=20)
    assert [type(each) for each in told.last[:2]] == [LeaseGrant, LeaseOwn]
    assert LeaseOwn(grant, city.grant(told.state, grant).cameras) in city.resume(told.state)
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=30)
    assert CutOwn(grant, Why.INCIDENT_CLOSED) in told.last
    assert CutOwn(grant, Why.INCIDENT_CLOSED) in city.resume(told.state), "a relay that was away is told too"
    assert no(told, look) is Why.GRANT_ENDED


def test_a_preparation_is_nothing_to_look_at():
    told = Told()
    told.hear(wanted(PrepareVideo))
    assert no(told, AdmitOwn(grant="R1", viewer="V", by="p", token_sha256=b"")) is Why.NO_SUCH_GRANT
    told, _ = by_person()
    assert no(told, AdmitOwn(grant="R1", viewer="V", by="p", token_sha256=b"")) is Why.NO_SUCH_GRANT


def test_what_a_person_saw_goes_to_who_asked_without_his_name():
    told = granted()
    grant = the_grant(told)
    camera = city.grant(told.state, grant).cameras[0]
    seen = MarkSighting(
        grant=grant, camera=camera, by="p", sight=Sight.SEEN, heading=Heading.EAST, travel=Travel.ON_FOOT
    )
    told.give(seen, s=4)
    assert told.told() == [
        ReportSighting(
            incident="I1", grant=grant, camera=camera, sight=Sight.SEEN, heading=Heading.EAST, travel=Travel.ON_FOOT,
            seen_at=T0 + 4_000,
        )
    ]  # fmt: skip
    assert len(city.grant(told.state, grant).sightings) == 1
    assert no(told, MarkSighting(grant=grant, camera="other", by="p", sight=Sight.SEEN)) is Why.CAMERA_NOT_GRANTED
    gone = MarkSighting(grant=grant, camera=camera, by="p", sight=Sight.NOT_HERE, heading=Heading.EAST)
    assert no(told, gone) is Why.MALFORMED
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=30)
    assert no(told, seen) is Why.GRANT_ENDED


def test_who_answers_is_set_by_a_person_and_only_once():
    told = Told()
    assert no(told, SetApproval(basis=Basis.EXCLUSION_ZONE, approval=Approval.AUTO, by="head")) is Why.NOT_ALLOWED_NOW
    (event,) = told.give(SetApproval(basis=Basis.EXCLUSION_ZONE, approval=Approval.PERSON, by="head"))
    assert event.by == "head"
    assert tags(told.hear(wanted())) == ["grant_issued"], "another basis is not concerned"


def test_the_record_says_what_was_provided_and_where_nobody_was():
    told = granted()
    grant = the_grant(told)
    told.hear(MovePlace(incident="I1", request="R1", place=place(260, s=20)), s=20)
    assert any(isinstance(each, ChangeCameras) for each in told.told())
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=30)
    (row,) = told.state.record
    assert (row.grant, row.receiver, row.basis, row.ended_at) == (grant, "control", Basis.DEVICE_DUTY, T0 + 30_000)
    assert len(row.cameras) > 4, "every camera that was ever in the set"
    assert "lat" not in repr(row)


def test_only_so_many_rows_stay_in_mind(monkeypatch):
    monkeypatch.setattr(provisions, "RECORD_ROWS_MAX", 3)
    told = Told()
    for n in range(5):
        told.hear(wanted(incident=f"I{n}", request=f"R{n}"))
    assert [each.request for each in told.state.record] == ["R2", "R3", "R4"]


def test_rebuilt_from_the_log():
    told, waits = by_person()
    told.give(Approve(request="R1", by="p", without=frozenset(waits.cameras[:1]), policy=YES), s=2)
    told.give(AdmitOwn(grant=the_grant(told), viewer="V1", by="p", token_sha256=b"t"), s=3)
    told.give(MarkSighting(grant=the_grant(told), camera=city.grant(told.state, the_grant(told)).cameras[0], by="p", sight=Sight.SEEN), s=4)  # fmt: skip
    state = city.EMPTY
    for event in told.log:
        state = city.evolve(state, event)
    assert state == told.state
    assert GROUND.registry


def turn(told, **but):
    grant = the_grant(told)
    facts = {"grant": grant, "camera": city.grant(told.state, grant).cameras[0], "by": "p", "turn": Turn.LEFT}
    return TurnCamera(**(facts | {"can_turn": True} | but))


def test_a_camera_is_turned_only_under_a_grant_and_goes_home_with_it():
    told = granted()
    one = turn(told)
    for command, why in (
        (turn(told, can_turn=False), Why.NO_PTZ),
        (turn(told, camera="other"), Why.CAMERA_NOT_GRANTED),
        (turn(told, grant="G-none"), Why.NO_SUCH_GRANT),
    ):
        assert no(told, command) is why
    (event,) = told.give(one, s=3)
    assert (event.by, event.turn) == ("p", Turn.LEFT)
    assert told.last == [MoveCamera(one.camera, Turn.LEFT)]
    assert told.give(city.Tick(), s=5) == []
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=6)
    (home,) = told.give(city.Tick(), s=7)
    assert (home.camera, home.why) == (one.camera, Why.GRANT_ENDED)
    assert told.last == [MoveCamera(one.camera, Turn.HOME)]
    assert MoveCamera(one.camera, Turn.HOME) in city.resume(told.state), "said again after a crash"
    assert no(told, one) is Why.GRANT_ENDED


def test_a_camera_goes_home_when_the_set_moves_on_or_nobody_turns_it():
    told = granted()
    one = turn(told)
    told.give(one, s=3)
    told.hear(MovePlace(incident="I1", request="R1", place=place(280, s=20)), s=20)
    assert one.camera not in city.grant(told.state, one.grant).cameras
    assert [(each.camera, each.why) for each in told.give(city.Tick(), s=21)] == [(one.camera, Why.MOVED_ON)]
    two = turn(told)
    told.give(two, s=30)
    told.give(replace(two, turn=Turn.RIGHT), s=60)
    assert told.give(city.Tick(), s=60 + provisions.TURNED_MS / 1000 - 1) == []
    assert [each.why for each in told.give(city.Tick(), s=60 + provisions.TURNED_MS / 1000)] == [Why.LEFT_ALONE]


def test_two_incidents_do_not_pull_at_one_camera():
    told = granted()
    one = turn(told)
    told.give(one, s=3)
    (issued,) = told.hear(wanted(incident="I2", request="R2", place=place(s=4)), s=4)
    other = replace(one, grant=issued.grant)
    assert one.camera in issued.cameras
    assert no(told, other) is Why.TURNED_BY_OTHER
    told.at = T0 + 3_000 + provisions.TURNED_MS
    assert city.refuses(told.state, other, told.at) is None, "it is free after a while"
