"""What people saw, at a city or at the control centre, and a city that takes its time."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from minds import KIM, LEE, T0, card, tags
from test_control import ask, claimed, grant, granted, request

from safetynet.core import incidents
from safetynet.core.control import mind, words
from safetynet.core.events import MessageRefused, SightingReported
from safetynet.core.incidents import VideoState
from safetynet.core.messages import AwaitPerson, ChangeCameras, EndGrant, RefuseVideo, ReportSighting, Role, passes
from safetynet.core.terms import Disposition, Heading, Sight, Travel, Why


def saw(told, camera="garam-1", **but):
    facts = {
        "incident": told.id, "grant": "G1", "camera": camera, "sight": Sight.SEEN, "heading": Heading.EAST,
        "travel": Travel.ON_FOOT, "seen_at": told.at,
    }  # fmt: skip
    return ReportSighting(**(facts | but))


def waits(told, at=T0 + 60_000, **but):
    return AwaitPerson(**({"incident": told.id, "request": request(told).request, "answer_by": at} | but))


def test_a_city_that_takes_its_time_is_waited_for_with_its_timer():
    told = claimed()
    ask(told)
    assert tags(told.hear("garam", waits(told), s=7)) == ["video_awaited"]
    assert (request(told).state, request(told).answer_by) == (VideoState.REQUESTED, T0 + 60_000)
    assert told.hear("garam", waits(told), s=8) == [], "told twice"
    assert tags(told.hear("garam", grant(told), s=9)) == ["video_granted"]
    told = claimed()
    ask(told)
    told.hear("garam", waits(told, at=T0 + 10**9), s=7)
    assert request(told).answer_by == request(told).until, "no longer than the request itself"
    told.hear("garam", RefuseVideo(incident=told.id, request=request(told).request, why=Why.UNANSWERED), s=60)
    assert (request(told).state, request(told).why) == (VideoState.REFUSED, Why.UNANSWERED)
    assert tags(ask(told, s=61)) == ["video_requested"], "a person may ask again"
    assert request(told).answer_by is None


def test_a_city_waits_for_nothing_that_nobody_asked():
    told = claimed()
    assert told.hear("garam", waits(told), s=7) == [], "a preparation waits for nobody"
    assert isinstance(
        told.hear("narae", AwaitPerson(incident=told.id, request="R", answer_by=1), s=7)[0], MessageRefused
    )


def test_what_a_city_saw_is_recorded_with_the_camera_and_without_its_person():
    told = granted()
    (event,) = told.hear("garam", saw(told), s=20)
    assert (event.city, event.by, event.heading) == ("garam", None, Heading.EAST)
    (seen,) = told.incident.sightings
    assert seen.card == card(1)
    assert next(entry.what for entry in told.state.record[told.id]) == "sighting_reported"
    assert told.last == [], "the police are not told"


@pytest.mark.parametrize(
    "but",
    [
        {"camera": "garam-9"},
        {"grant": "G-other"},
        {"sight": Sight.NOT_HERE},
        {"sight": Sight.NOT_HERE, "heading": None},
    ],
)
def test_nonsense_of_a_city_is_refused(but):
    told = granted()
    assert isinstance(told.hear("garam", saw(told, **but), s=20)[0], MessageRefused)
    assert told.incident.sightings == ()


def test_a_city_cannot_see_in_the_future_nor_after_the_end():
    told = granted()
    (event,) = told.hear("garam", saw(told, seen_at=T0 + 10**9), s=20)
    assert event.seen_at == T0 + 20_000
    told.hear("garam", EndGrant(incident=told.id, grant="G1", why=Why.STOPPED), s=21)
    ask(told, s=22)
    assert told.hear("garam", saw(told), s=23) == [], "of a grant that is over"
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1), s=24)
    assert told.hear("garam", saw(told), s=25) == []


def test_a_sighting_stays_where_its_camera_was():
    told = granted()
    told.hear("garam", saw(told), s=20)
    told.hear("garam", ChangeCameras(incident=told.id, grant="G1", cameras=(card(5),)), s=21)
    assert told.incident.sightings[0].card == card(1)
    assert isinstance(told.hear("garam", saw(told), s=22)[0], MessageRefused)


def mark(told, by=KIM, **but):
    facts = {"incident": told.id, "city": "garam", "camera": "garam-0", "by": by, "sight": Sight.SEEN}
    return words.MarkSighting(**(facts | but))


def test_who_leads_marks_in_a_picture_that_is_provided():
    told = granted()
    (event,) = told.give(mark(told, heading=Heading.NORTH), s=20)
    assert isinstance(event, SightingReported)
    assert (event.by, event.city, event.grant) == (KIM, None, "G1")
    for command, why in (
        (mark(told, by=LEE), Why.NOT_OWNER),
        (mark(told, camera="garam-7"), Why.CAMERA_NOT_GRANTED),
        (mark(told, city="narae"), Why.CAMERA_NOT_GRANTED),
        (mark(told, sight=Sight.NOT_HERE, heading=Heading.NORTH), Why.MALFORMED),
    ):
        assert mind.refuses(told.state, command, told.at) is why
        assert told.give(command) == []


def test_only_so_many_stay_in_mind(monkeypatch):
    monkeypatch.setattr(incidents, "SIGHTINGS_MAX", 3)
    told = granted()
    for s in range(20, 26):
        told.hear("garam", saw(told, seen_at=T0 + 1000 * s), s=s)
    assert [each.at for each in told.incident.sightings] == [T0 + 1000 * s for s in (23, 24, 25)]


def test_it_goes_from_a_city_to_a_control_centre_and_nowhere_else():
    told = granted()
    for message in (saw(told), waits(told)):
        ways = [(a, b) for a in Role for b in Role if passes(message, a, b)]
        assert ways == [(Role.CITY, Role.CONTROL)]
