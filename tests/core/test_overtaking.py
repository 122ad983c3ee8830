"""What storms found: answers that overtake each other, and what time ends, between a control centre and a city."""

import pytest

from safetynet.core import cameras, city, grants
from safetynet.core import events as e
from safetynet.core import messages as m
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.fixes import Fix, Said
from safetynet.core.incidents import VideoState
from safetynet.core.terms import (
    AlarmKind,
    CameraId,
    CentreId,
    Certainty,
    DeviceId,
    FixId,
    GrantId,
    Instant,
    PersonId,
    PoleId,
    RequestId,
    Source,
    WearerClass,
    WearerId,
    Why,
)
from safetynet.core.verdicts import Change, How, Transition, episode_id
from safetynet.sim import desk112

T = Instant(1_780_000_000_000)
CITY, CONTROL, OPERATOR, WEARER = CentreId("garam"), CentreId("control"), PersonId("op"), WearerId("w")
AREA = ((36.34, 127.37), (36.36, 127.37), (36.36, 127.39), (36.34, 127.39))
COUNTRY = words.Country((words.City(CITY, AREA),), None, b"secret of a test")
CAMERA = cameras.Camera(
    id=CameraId("c"), city=CITY, pole=PoleId("p"), name="c", lat=36.35, lon=127.38, range_m=60.0, purpose="crime"
)
GROUND = city.Ground(cameras.Registry.of([CAMERA]), AREA)
YES = grants.PolicyAnswer(allow=True, errors=0, sha256=b"p", present=True)


def told(state, given, at=T):
    return minds.fold(state, mind.decide(COUNTRY, state, given, at))


def prepared():
    """The control centre after a cut strap in the city, before any person did anything."""
    fix = Fix(
        id=FixId(1),
        wearer=WEARER,
        device=DeviceId("d"),
        observed_at=T,
        received_at=T,
        lat=36.35,
        lon=127.38,
        accuracy_m=10.0,
        source=Source.GNSS,
        said=Said.STRAP_CUT,
    )
    verdict = Transition(
        wearer=WEARER,
        kind=AlarmKind.STRAP_CUT,
        change=Change.RAISED,
        certainty=Certainty.CERTAIN,
        zone=None,
        fix=fix,
        episode=episode_id(WEARER, AlarmKind.STRAP_CUT, None, fix.id),
        how=How.SAID,
    )
    state = told(
        minds.EMPTY,
        words.Judged(transitions=(verdict,), fixes=(fix,), footing={WEARER: WearerClass.ORDER}, last={}),
    )
    (incident,) = state.incidents.values()
    assert incident.requests[CITY].state is VideoState.PREPARED
    return state, incident


def asked():
    state, incident = prepared()
    state = told(state, words.Claim(incident=incident.incident, by=OPERATOR))
    state = told(state, words.AskVideo(incident=incident.incident, by=OPERATOR, footing=WearerClass.ORDER))
    return state, state.incidents[incident.incident]


def give(incident, grant="g", request=None):
    message = m.GiveGrant(
        incident=incident.incident,
        request=RequestId(request or incident.requests[CITY].request),
        grant=GrantId(grant),
        cameras=(cameras.card(CAMERA),),
        conditions=(),
        until=Instant(T + 600_000),
    )
    return words.Heard(sender=CITY, seq=2, message=message)


def test_a_grant_counts_although_the_preparation_before_it_was_refused():
    """The refusal of the preparation comes when a person has already asked; the grant follows it."""
    state, incident = asked()
    refusal = m.RefuseVideo(incident=incident.incident, request=incident.requests[CITY].request, why=Why.STALE)
    state = told(state, words.Heard(sender=CITY, seq=1, message=refusal))
    state = told(state, give(incident))
    request = state.incidents[incident.incident].requests[CITY]
    assert (request.state, request.grant) == (VideoState.GRANTED, "g")


def test_a_grant_for_a_mere_preparation_is_refused_and_recorded():
    state, incident = prepared()
    events = mind.decide(COUNTRY, state, give(incident), T)
    assert events == [e.MessageRefused(at=T, sender=CITY, seq=2, why=Why.NOT_ALLOWED_NOW)]


def test_a_grant_for_another_request_is_refused_and_recorded():
    state, incident = asked()
    events = mind.decide(COUNTRY, state, give(incident, request="R-OTHER"), T)
    assert events == [e.MessageRefused(at=T, sender=CITY, seq=2, why=Why.NOT_ALLOWED_NOW)]


def test_a_grant_told_twice_is_one():
    state, incident = asked()
    state = told(state, give(incident))
    assert mind.decide(COUNTRY, state, give(incident), T) == []


def _wish(kind, at):
    place = e.Place(36.35, 127.38, 10.0, Source.GNSS, at, at, FixId(1))
    return kind(
        incident="I",
        request=RequestId("R"),
        basis=e.Basis.DEVICE_DUTY,
        kind=AlarmKind.STRAP_CUT,
        place=place,
        radius_m=150,
        cameras_max=4,
        until=Instant(at + 600_000),
    )


def _city(state, given, at):
    events = city.decide(GROUND, state, given, at)
    for event in events:
        state = city.evolve(state, event)
    return state, events


def test_a_preparation_that_ran_out_ends_itself_and_not_the_incident():
    state, _ = _city(city.EMPTY, city.Heard(sender=CONTROL, seq=1, message=_wish(m.PrepareVideo, T)), T)
    assert state.requests
    later = Instant(T + 700_000)
    state, events = _city(state, city.Tick(), later)
    assert [type(each) for each in events] == [e.GrantRefused]
    assert not state.requests
    heard = city.Heard(sender=CONTROL, seq=2, message=_wish(m.RequestVideo, later), policy=YES)
    state, events = _city(state, heard, later)
    assert [type(each) for each in events] == [e.GrantIssued], "a person may still ask"


@pytest.mark.parametrize("known", [True, False])
def test_a_police_room_hears_the_end_once(known):
    state = desk112.EMPTY
    notice = m.NotifyPolice(incident="I", notice="N", kind=AlarmKind.STRAP_CUT, place=None)
    for message in (notice,) * known:
        for event in desk112.decide(0, state, desk112.Heard(sender=CONTROL, seq=1, message=message), T):
            state = desk112.evolve(state, event)
    end = desk112.Heard(sender=CONTROL, seq=2, message=m.EndIncident(incident="I", why=Why.INCIDENT_CLOSED))
    (ended,) = desk112.decide(0, state, end, T)
    state = desk112.evolve(state, ended)
    assert not state.notices
    assert desk112.decide(0, state, end, T) == []
