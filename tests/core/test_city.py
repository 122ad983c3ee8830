"""The mind of a smart city centre: asked, checks again, provides, follows, ends."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))
from minds import GARAM, T0, camera, place, tags

from safetynet.core import cameras, city, grants, provisions
from safetynet.core.city import Ground, LeaseGrant, Preconnect, StopGrant, StopPreconnect
from safetynet.core.events import DiskChanged, GrantRefused, LogRestored, MessageRefused
from safetynet.core.messages import (
    ChangeCameras,
    EndGrant,
    EndIncident,
    GiveGrant,
    MovePlace,
    PrepareVideo,
    ProposeCameras,
    RefuseVideo,
    RequestVideo,
    Send,
)
from safetynet.core.terms import AlarmKind, Basis, DiskLevel, Why

GROUND = Ground(cameras.Registry.of([camera(n, 60 * n, 10 * n) for n in range(-12, 13)]), GARAM.area)
YES = grants.PolicyAnswer(allow=True, errors=0, sha256=b"p" * 32, present=True)
MINUTE = 60_000


class Told:
    def __init__(self, ground=GROUND):
        self.ground, self.state, self.at, self.log, self.errands = ground, city.EMPTY, T0, [], []

    def give(self, given, *, s=None):
        if s is not None:
            self.at = T0 + int(1000 * s)
        events = city.decide(self.ground, self.state, given, self.at)
        self.last = []
        for event in events:
            self.state = city.evolve(self.state, event)
            self.log.append(event)
            self.last += city.react(self.ground, self.state, len(self.log), event)
        self.errands += self.last
        return events

    def hear(self, message, *, s=None, sender="control", policy=YES):
        policy = policy if isinstance(message, RequestVideo) else None
        return self.give(city.Heard(sender=sender, seq=1, message=message, policy=policy), s=s)

    def told(self):
        return [each.message for each in self.last if isinstance(each, Send)]


def wanted(form=RequestVideo, **but):
    facts = {
        "incident": "I1", "request": "R1", "basis": Basis.DEVICE_DUTY, "kind": AlarmKind.STRAP_CUT, "place": place(),
        "radius_m": 300, "cameras_max": 4, "until": T0 + 20 * MINUTE,
    }  # fmt: skip
    return form(**(facts | but))


def granted(**but):
    told = Told()
    assert tags(told.hear(wanted(**but))) == ["grant_issued"]
    return told


def the_grant(told):
    return next(each.grant for each in told.state.requests.values() if each.grant)


def test_prepared_asked_followed_and_ended():
    told = Told()
    assert tags(told.hear(wanted(PrepareVideo))) == ["request_prepared"]
    preconnect, proposal = told.last
    assert isinstance(preconnect, Preconnect)
    assert isinstance(proposal.message, ProposeCameras)
    assert len(preconnect.cameras) == 4
    assert tuple(each.camera for each in proposal.message.cameras) == preconnect.cameras
    assert not any(isinstance(each, LeaseGrant) for each in told.errands), "nothing is delivered for a preparation"

    (issued,) = told.hear(wanted(place=place(30, s=5)), s=5)
    lease, stop, given = told.last
    assert lease == LeaseGrant(issued.grant, issued.cameras)
    assert stop == StopPreconnect("R1")
    assert isinstance(given.message, GiveGrant)
    assert given.message.conditions == issued.conditions != ()

    (moved,) = told.hear(MovePlace(incident="I1", request="R1", place=place(260, s=20)), s=20)
    assert len(moved.cameras) <= 4
    assert told.last[0] == LeaseGrant(issued.grant, moved.cameras)
    assert isinstance(told.last[1].message, ChangeCameras)

    assert tags(told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), s=60)) == [
        "grant_ended", "incident_ended",
    ]  # fmt: skip
    assert StopGrant(issued.grant, Why.INCIDENT_CLOSED) in told.last
    assert told.told() == [], "who ended it need not be told"
    assert len(told.state.requests) == 0, "where a person was is forgotten"
    assert city.resume(told.state) == []


LAW = [
    ({"basis": Basis.EXCLUSION_ZONE}, Why.BASIS_MISMATCH),
    ({"basis": Basis.URGENT_LIFE}, Why.BASIS_MISMATCH),
    ({"kind": AlarmKind.SOS}, Why.BASIS_MISMATCH),
    ({"radius_m": 100_000}, Why.RADIUS_TOO_WIDE),
    ({"radius_m": 0}, Why.RADIUS_TOO_WIDE),
    ({"cameras_max": 1_000}, Why.TOO_MANY_CAMERAS),
    ({"cameras_max": 0}, Why.TOO_MANY_CAMERAS),
    ({"until": T0}, Why.RUN_OUT),
    ({"until": T0 + 30 * MINUTE + 1}, Why.TOO_LONG),
    ({"place": place(s=-121)}, Why.STALE),
    ({"place": place(s=11)}, Why.STALE),
    ({"place": place(1_400)}, Why.OUT_OF_AREA),
    ({"place": place(-2_500), "radius_m": 150}, Why.NO_CAMERA),
]


@pytest.mark.parametrize("kind", [RequestVideo, PrepareVideo])
@pytest.mark.parametrize(("but", "why"), LAW)
def test_a_city_refuses_for_one_reason_and_says_so(kind, but, why):
    told = Told()
    (event,) = told.hear(wanted(kind, **but))
    assert (type(event), event.why) == (GrantRefused, why)
    assert told.told() == [RefuseVideo(incident="I1", request="R1", why=why)]
    assert not any(isinstance(each, LeaseGrant | Preconnect) for each in told.errands)
    assert len(told.state.requests) == 0


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (None, Why.POLICY_ABSENT),
        (grants.PolicyAnswer(allow=True, errors=0, sha256=b"", present=False), Why.POLICY_ABSENT),
        (grants.PolicyAnswer(allow=True, errors=1, sha256=b"", present=True), Why.POLICY_ERROR),
        (grants.PolicyAnswer(allow=False, errors=0, sha256=b"", present=True), Why.POLICY_DENIED),
    ],
)
def test_without_a_clean_yes_of_the_policy_there_is_no_grant(policy, why):
    told = Told()
    told.hear(wanted(PrepareVideo))
    assert [each.why for each in told.hear(wanted(), policy=policy)] == [why]
    assert StopPreconnect("R1") in told.last, "what was prepared goes too"


def test_a_city_without_an_outline_grants_nothing():
    told = Told(Ground(GROUND.registry, ()))
    assert [each.why for each in told.hear(wanted())] == [Why.OUT_OF_AREA]


def test_the_number_of_cameras_holds_for_all_requests_of_an_incident_together():
    told = granted(cameras_max=9)
    seen = [told.hear(wanted(request=f"R{n}", cameras_max=9))[0] for n in range(2, 6)]
    assert Why.TOO_MANY_CAMERAS in {getattr(each, "why", None) for each in seen}
    assert tags(told.hear(wanted(incident="I2", request="R9", cameras_max=9))) == ["grant_issued"]


def test_an_end_may_overtake_its_beginning():
    told = Told()
    assert tags(told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED))) == ["incident_ended"]
    for kind in (PrepareVideo, RequestVideo):
        assert [each.why for each in told.hear(wanted(kind))] == [Why.NOT_LIVE]
    assert told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED)) == [], "told twice"


def test_told_twice_grants_once():
    told = granted()
    assert told.hear(wanted(), s=1) == []
    assert told.hear(wanted(PrepareVideo), s=1) == []


def test_one_control_centre_can_touch_nothing_of_another():
    told = granted()
    grant = the_grant(told)
    for message in (wanted(), wanted(PrepareVideo), MovePlace(incident="I1", request="R1", place=place(90, s=1))):
        (event,) = told.hear(message, sender="rival", s=2)
        assert (type(event), event.sender) == (MessageRefused, "rival")
    told.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), sender="rival", s=3)
    assert the_grant(told) == grant
    assert not any(isinstance(each, StopGrant) for each in told.errands)
    assert tags(told.hear(wanted(request="R2"), s=4)) == ["grant_issued"], "it is not over for who began it"


def test_a_rival_who_ends_first_does_not_shut_out_the_one_who_begins():
    told = Told()
    told.hear(EndIncident(incident="I1", why=Why.STOPPED), sender="rival")
    assert tags(told.hear(wanted())) == ["grant_issued"]


def test_a_request_of_one_incident_cannot_be_moved_as_of_another():
    told = granted()
    for message in (MovePlace(incident="I2", request="R1", place=place(90, s=1)), wanted(incident="I2")):
        assert tags(told.hear(message, s=2)) == ["message_refused"]


@pytest.mark.parametrize(
    "message", [GiveGrant(incident="I1", request="R1", grant="G", cameras=(), conditions=(), until=1)]
)
def test_a_message_of_a_city_is_nothing_a_city_hears(message):
    assert tags(Told().hear(message)) == ["message_refused"]


def test_a_bad_envelope_is_recorded():
    (event,) = Told().give(city.HeardBadly(sender="control", seq=3, why=Why.BAD_SIGNATURE))
    assert event == MessageRefused(at=T0, sender="control", seq=3, why=Why.BAD_SIGNATURE)


def test_cameras_follow_inside_the_limits_only():
    told = granted(radius_m=200, cameras_max=3)
    before = next(iter(told.state.requests.values())).cameras
    for where in (place(2_000, s=5), place(-30_000, s=5), place(-2_600, s=5), place(40, s=-1)):
        assert told.hear(MovePlace(incident="I1", request="R1", place=where), s=6) == []
    assert next(iter(told.state.requests.values())).cameras == before, "the pictures of before stay"
    (moved,) = told.hear(MovePlace(incident="I1", request="R1", place=place(300, s=10)), s=10)
    near = {each.id for each in GROUND.registry.cameras if abs(each.lon - place(300).lon) * 89_600 <= 200}
    assert set(moved.cameras) <= near
    assert len(moved.cameras) <= 3
    assert told.hear(MovePlace(incident="I1", request="R1", place=place(300, s=10)), s=11) == [], "told twice"


@pytest.mark.parametrize("form", [RequestVideo, PrepareVideo])
@pytest.mark.parametrize(
    "nowhere",
    [
        {"lat": 51.5, "lon": -0.1},
        {"lat": math.nan},
        {"lon": math.inf},
        {"radius_m": math.nan},
        {"radius_m": math.inf},
        {"radius_m": -1.0},
        {"lat": -math.inf, "radius_m": -math.inf},
        {"observed_at": 2**63 - 1},
    ],
)
def test_a_place_that_is_none_is_not_followed_to(form, nowhere):
    told = Told()
    told.hear(wanted(form))
    before = told.state
    where = replace(place(30, s=5), **nowhere)
    events = told.hear(MovePlace(incident="I1", request="R1", place=where), s=6)
    assert (events, told.state) == ([], before)
    asked = Told()
    asked.hear(wanted(form, place=where), s=6)
    assert not any(isinstance(each, LeaseGrant | Preconnect) for each in asked.errands)


def test_the_widest_circle_is_cut_to_what_was_granted():
    told = granted(radius_m=200)
    (moved,) = told.hear(MovePlace(incident="I1", request="R1", place=replace(place(30, s=5), radius_m=1e308)), s=6)
    assert set(moved.cameras) <= {
        each.id for each in GROUND.registry.cameras if abs(each.lon - place(30).lon) * 89_600 <= 200
    }


def test_a_preparation_follows_too_and_delivers_nothing():
    told = Told()
    told.hear(wanted(PrepareVideo))
    assert tags(told.hear(MovePlace(incident="I1", request="R1", place=place(300, s=10)), s=10)) == ["request_prepared"]
    assert not any(isinstance(each, LeaseGrant) for each in told.errands)


def test_a_grant_runs_out_by_itself_and_the_receiver_learns_it():
    told = granted()
    assert told.give(city.Tick(), s=20 * 60 - 0.001) == []
    (ended,) = told.give(city.Tick(), s=20 * 60)
    assert told.told() == [EndGrant(incident="I1", grant=ended.grant, why=Why.RUN_OUT)]
    assert told.give(city.Tick(), s=20 * 60 + 1) == []


def test_a_preparation_that_runs_out_ends_neither_the_incident_nor_its_live_grant():
    told = Told()
    told.hear(wanted(PrepareVideo, request="R0", until=T0 + MINUTE))
    told.hear(wanted(request="R1"))
    told.give(city.Tick(), s=61)
    assert StopPreconnect("R0") in told.last
    assert told.told() == [RefuseVideo(incident="I1", request="R0", why=Why.RUN_OUT)]
    assert the_grant(told) is not None
    fresh = wanted(request="R2", place=place(s=60))
    assert tags(told.hear(fresh, s=62)) == ["grant_issued"]


def test_resume_says_what_holds():
    told = granted()
    told.hear(wanted(PrepareVideo, request="R2"))
    lease, preconnect = sorted(city.resume(told.state), key=lambda each: type(each).__name__)
    assert isinstance(lease, LeaseGrant)
    assert lease.grant == the_grant(told)
    assert isinstance(preconnect, Preconnect)
    assert preconnect.request == "R2"


def test_only_so_many_ends_are_remembered(monkeypatch):
    monkeypatch.setattr(provisions, "ENDED_KEPT_MAX", 3)
    told = Told()
    for n in range(5):
        told.hear(EndIncident(incident=f"I{n}", why=Why.STOPPED))
    assert len(told.state.ended) == len(told.state.over) == 3
    assert [each.why for each in told.hear(wanted(incident="I4"))] == [Why.NOT_LIVE]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from(["control", "rival"]), st.sampled_from(["I1", "I2"]),
            st.sampled_from(["R1", "R2", "R3"]), st.integers(-15, 25), st.booleans(), st.integers(1, 400),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_promises_hold_whatever_happens(drawn):
    told, s = Told(), 0
    live: dict[str, tuple[str, int]] = {}
    for what, sender, incident, request, x, allow, wait in drawn:
        s += wait
        here = place(60 * x, s=s)
        facts = {"incident": incident, "request": request, "place": here, "until": T0 + s * 1000 + 5 * MINUTE}
        message = [
            lambda f=facts: wanted(PrepareVideo, **f),
            lambda f=facts: wanted(RequestVideo, **f),
            lambda f=facts: wanted(RequestVideo, **f, cameras_max=9),
            lambda f=facts: MovePlace(incident=f["incident"], request=f["request"], place=f["place"]),
            lambda f=facts: EndIncident(incident=f["incident"], why=Why.INCIDENT_CLOSED),
            lambda: None,
        ][what]()
        if message is None:
            told.give(city.Tick(), s=s)
        else:
            told.hear(
                message, s=s, sender=sender, policy=grants.PolicyAnswer(allow=allow, errors=0, sha256=b"", present=True)
            )
        for each in told.last:
            if isinstance(each, LeaseGrant):
                held = city.grant(told.state, each.grant)
                assert held is not None
                assert each.cameras == held.cameras
                assert 0 < len(each.cameras) <= held.cameras_max
                assert told.at < held.until
                live[each.grant] = (held.sender, held.until)
            elif isinstance(each, StopGrant):
                del live[each.grant]
        assert {each.grant for each in told.state.requests.values() if each.grant} == set(live), "no grant ends unsaid"
    state = city.EMPTY
    for event in told.log:
        state = city.evolve(state, event)
    assert state == told.state, "crash = rebuild"


def test_what_a_control_centre_reads_is_no_more_than_a_camera_card():
    told = granted()
    (given,) = told.told()
    assert given == replace(given, cameras=tuple(cameras.card(GROUND.registry.camera(e.camera)) for e in given.cameras))


# --- room on the disk, and a log that was brought back ---


def seen(level):
    return DiskChanged(at=T0, level=level, free_bytes=1)


@pytest.mark.parametrize("level", [DiskLevel.LOW, DiskLevel.SCARCE])
def test_without_room_for_the_record_nothing_is_provided_and_with_it_again(level):
    told = Told()
    assert tags(told.give(seen(level))) == ["disk_changed"]
    (no,) = told.hear(wanted())
    assert no.why is Why.DISK_LOW
    told.give(seen(DiskLevel.AMPLE))
    assert tags(told.hear(wanted(request="R2"))) == ["grant_issued"]


def test_what_a_restored_log_holds_alive_ends_and_the_receiver_learns_it():
    told = granted()
    told.hear(wanted(PrepareVideo, request="R2", incident="I2"))
    grant = the_grant(told)
    declared = LogRestored(
        at=T0, size=2, size_before=9, root_before=b"", epoch_before=1, epoch=2, found="operator", erased=0,
        erasures_known=True,
    )  # fmt: skip
    first, *rest = told.give(declared)
    assert first is declared
    assert sorted(tags(rest)) == ["grant_ended", "grant_refused"]
    assert all(each.why is Why.RESTORED for each in rest)
    assert not told.state.requests
    assert [each for each in told.last if isinstance(each, city.LeaseGrant | city.Preconnect)] == []
    assert {type(each).__name__ for each in told.told()} == {"EndGrant", "RefuseVideo"}
    assert city.resume(told.state) == []
    assert any(isinstance(each, city.StopGrant) and each.grant == grant for each in told.last)
