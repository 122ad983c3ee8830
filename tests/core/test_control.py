"""The mind of a control centre: what is given, what happens, what leaves."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import COUNTRY, KIM, LEE, SECRET, T0, UNITS, WEARER, Told, card, facts, fix, judged, ll, place, tags, verdict

from safetynet.core import alarms
from safetynet.core.alarms import AlarmState
from safetynet.core.areas import Area, Areas, Code, System
from safetynet.core.control import mind, partners, words
from safetynet.core.control import state as minds
from safetynet.core.events import DiskChanged, MessageRefused, VideoRefusedHere, VideoRequested
from safetynet.core.incidents import Stage, VideoState
from safetynet.core.jurisdictions import Kind, Office, Table
from safetynet.core.messages import (
    AnswerNotice,
    ChangeCameras,
    EndGrant,
    EndIncident,
    GiveGrant,
    MovePlace,
    NotifyPolice,
    PrepareVideo,
    ProposeCameras,
    RefuseVideo,
    RequestVideo,
    Role,
    passes,
)
from safetynet.core.terms import (
    AlarmKind,
    CallOutcome,
    DiskLevel,
    Disposition,
    NoticeState,
    Priority,
    Standing,
    UnitState,
    WearerClass,
    Why,
)
from safetynet.core.verdicts import Change

CUT, BODY, SOS, ZONE = AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER, AlarmKind.SOS, AlarmKind.EXCLUSION_ZONE


def raised(kind=CUT, x=0.0, *, certain=True, footing=WearerClass.ORDER):
    told = Told()
    told.give(judged(verdict(kind, at=fix(1, x), certain=certain), footing=footing))
    return told


def claimed(**more):
    told = raised(**more)
    told.give(words.Claim(incident=told.id, by=KIM), s=5)
    return told


def ask(told, by=KIM, footing=WearerClass.ORDER, s=6):
    return told.give(words.AskVideo(incident=told.id, by=by, footing=footing), s=s)


def request(told, city="garam"):
    return told.incident.requests[city]


def grant(told, id="G1", city="garam", request_id=None, n=2, until=T0 + 1_200_000):
    return GiveGrant(
        incident=told.id,
        request=request_id or request(told, city).request,
        grant=id,
        cameras=tuple(card(each, city=city) for each in range(n)),
        conditions=("no_audio",),
        until=until,
    )


def granted(**more):
    told = claimed(**more)
    ask(told)
    told.hear("garam", grant(told), s=7)
    return told


def viewed():
    told = granted()
    told.give(words.AdmitViewer(incident=told.id, grant="G1", viewer="V1", by=KIM, token_sha256=b"t"), s=8)
    return told


def test_the_story_of_a_cut_strap():
    told = Told()
    assert tags(told.give(judged(verdict(at=fix(1)), fixes=[fix(1)]))) == [
        "alarm_raised", "incident_opened", "video_prepared",
    ]  # fmt: skip
    alarm = next(iter(told.state.alarms.values()))
    assert (alarm.priority, alarm.state, told.incident.stage) == (Priority.EMERGENCY, AlarmState.UNACKED, Stage.OPEN)
    (prepared,) = told.sent("garam")
    assert isinstance(prepared.message, PrepareVideo)
    assert told.sent("narae") == []
    id, asked = told.id, prepared.message.request

    cards = (card(1), card(2))
    assert tags(told.hear("garam", ProposeCameras(incident=id, request=asked, cameras=cards), s=1)) == [
        "cameras_proposed"
    ]
    assert tags(told.give(words.Claim(incident=id, by=KIM), s=4)) == ["incident_claimed", "alarm_acknowledged"]
    assert tags(ask(told)) == ["video_requested"]
    (sent,) = told.last
    assert isinstance(sent.message, RequestVideo)
    assert sent.message.request == asked, "the request keeps the id under which the city prepared it"
    assert tags(told.hear("garam", grant(told), s=7)) == ["video_granted"]
    assert told.last == [], "a grant opens nothing until a window is admitted"

    admitted = words.AdmitViewer(incident=id, grant="G1", viewer="V1", by=KIM, token_sha256=b"hash")
    assert tags(told.give(admitted, s=8)) == ["viewer_admitted"]
    assert told.last == [
        words.Admit(
            token_sha256=b"hash", viewer="V1", incident=id, grant="G1", city="garam",
            cameras=("garam-0", "garam-1"), until=request(told).until,
        )
    ]  # fmt: skip

    assert tags(told.give(words.SendOffice(incident=id, by=KIM, unit=None, units=UNITS), s=9)) == [
        "dispatch_ordered", "police_notified",
    ]  # fmt: skip
    (dispatch,) = told.incident.dispatches.values()
    assert dispatch.unit == "u1", "the nearest"
    (notice,) = told.sent("police112")
    assert isinstance(notice.message, NotifyPolice)
    read = AnswerNotice(incident=id, notice=notice.message.notice, state=NoticeState.READ)
    assert tags(told.hear("police112", read, s=12)) == ["police_notice_answered"]
    for state in (UnitState.ACCEPTED, UnitState.ON_SCENE):
        report = words.ReportUnit(dispatch=dispatch.dispatch, unit="u1", state=state)
        assert tags(told.give(report, s=20)) == ["unit_reported"]

    assert tags(told.give(judged(fixes=[fix(2, 60, s=25)]), s=25)) == ["position_followed"]
    assert [(each.to, type(each.message)) for each in told.last] == [("garam", MovePlace)]
    changed = ChangeCameras(incident=id, grant="G1", cameras=(card(7),))
    assert tags(told.hear("garam", changed, s=26)) == ["cameras_changed"]
    assert told.last == [words.SetCameras("G1", ("garam-7",))]
    called = words.CallWearer(incident=id, by=KIM, outcome=CallOutcome.NO_ANSWER)
    assert tags(told.give(called, s=30)) == ["wearer_called"]

    close = words.Close(incident=id, by=KIM, code=Disposition.GENUINE_ARREST, fix_through=2)
    assert tags(told.give(close, s=60)) == ["video_ended", "unit_reported", "incident_closed", "viewing_notice_due"]
    assert words.CutGrant("G1", Why.INCIDENT_CLOSED) in told.last
    assert words.CutIncident(id, Why.INCIDENT_CLOSED) in told.last
    over = {each.to for each in told.last if isinstance(getattr(each, "message", None), EndIncident)}
    assert over == {"garam", "police112"}
    assert told.incident.notice_due_at == T0 + 60_000 + 30 * 86_400_000
    assert len(told.state.open) == 0
    assert {each.state for each in told.state.alarms.values()} == {AlarmState.CLOSED}


# --- a person may not ----------------------------------------------------------------------------------------------


def fine():
    """Everything a command below needs, owned by kim."""
    told = viewed()
    told.give(words.SendOffice(incident=told.id, by=KIM, unit="u1", units=UNITS), s=9)
    return told


def commands(told):
    id = told.id
    (dispatch,) = told.incident.dispatches
    return {
        "take_over": words.TakeOver(incident=id, by=LEE),
        "hand_over": words.HandOver(incident=id, by=KIM, to=LEE),
        "call": words.CallWearer(incident=id, by=KIM, outcome=CallOutcome.ANSWERED),
        "locate": words.Locate(incident=id, by=KIM),
        "video": words.AskVideo(incident=id, by=KIM, footing=WearerClass.ORDER),
        "admit": words.AdmitViewer(incident=id, grant="G1", viewer="V2", by=KIM, token_sha256=b"u"),
        "office": words.SendOffice(incident=id, by=KIM, unit="u2", units=UNITS),
        "police": words.TellPolice(incident=id, by=KIM),
        "unit": words.ReportUnit(dispatch=dispatch, unit="u1", state=UnitState.ACCEPTED),
        "close": words.Close(incident=id, by=KIM, code=Disposition.MINOR, fix_through=1),
    }


NAMES = ["take_over", "hand_over", "call", "locate", "video", "admit", "office", "police", "unit", "close"]


@pytest.mark.parametrize("name", NAMES)
def test_the_command_alone_passes(name):
    told = fine()
    assert mind.refuses(told.state, commands(told)[name], told.at) is None


@pytest.mark.parametrize(
    ("name", "but", "why"),
    [
        *((name, {"incident": "I-none"}, Why.NO_SUCH_INCIDENT) for name in NAMES if name != "unit"),
        *((name, {"by": "park"}, Why.NOT_OWNER) for name in NAMES if name not in ("unit", "take_over")),
        ("take_over", {"by": KIM}, Why.NOT_ALLOWED_NOW),
        ("hand_over", {"to": KIM}, Why.NOT_ALLOWED_NOW),
        ("admit", {"grant": "G9"}, Why.NO_SUCH_GRANT),
        ("unit", {"dispatch": "D-none"}, Why.NO_SUCH_INCIDENT),
        ("unit", {"unit": "u2"}, Why.NO_SUCH_INCIDENT),
        ("unit", {"state": UnitState.EN_ROUTE}, Why.NOT_ALLOWED_NOW),
        ("close", {"code": Disposition.DRIFT}, Why.NOT_ALLOWED_NOW),
    ],
)
def test_a_command_is_refused_for_one_reason(name, but, why):
    told = fine()
    command = replace(commands(told)[name], **but)
    assert mind.refuses(told.state, command, told.at) is why
    before = told.state
    assert told.give(command) == [], "what is refused decides nothing"
    assert told.state == before


def test_a_device_is_asked_where_it_is_with_who_and_why_and_not_at_every_stroke():
    told = fine()
    (asked,) = told.give(words.Locate(incident=told.id, by=KIM))
    assert (asked.by, asked.kind) == (KIM, told.incident.kind)
    assert minds.react(told.state, 1, asked) == [words.AskDevice(told.incident.wearer)]
    assert told.state.record[told.id][0].what == "location_asked"
    again = words.Locate(incident=told.id, by=KIM)
    assert mind.refuses(told.state, again, told.at + mind.LOCATE_MS - 1) is Why.NOT_ALLOWED_NOW
    assert mind.refuses(told.state, again, told.at + mind.LOCATE_MS) is None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_done_to_a_closed_incident(name):
    told = fine()
    command = commands(told)[name]
    told.give(commands(told)["close"])
    assert mind.refuses(told.state, command, told.at) is Why.INCIDENT_CLOSED


@pytest.mark.parametrize("name", [name for name in NAMES if name != "unit"])
def test_nothing_is_done_before_somebody_leads(name):
    told = raised()
    command = replace(commands(fine())[name], incident=told.id)
    assert mind.refuses(told.state, command, told.at) is Why.NOT_ALLOWED_NOW


def test_an_incident_is_claimed_once():
    told = claimed()
    assert mind.refuses(told.state, words.Claim(incident=told.id, by=LEE), told.at) is Why.NOT_ALLOWED_NOW


def test_an_alarm_is_acknowledged_once():
    told = raised()
    (alarm,) = told.state.alarms
    again = words.Acknowledge(alarm=alarm, by=LEE)
    assert tags(told.give(again)) == ["alarm_acknowledged"]
    assert mind.refuses(told.state, again, told.at) is Why.NOT_ALLOWED_NOW
    assert mind.refuses(told.state, words.Acknowledge(alarm="A-none", by=LEE), told.at) is Why.NOT_ALLOWED_NOW


def test_a_window_is_let_in_until_the_grant_runs_out_or_ends_and_not_after():
    told = granted()
    wish = words.AdmitViewer(incident=told.id, grant="G1", viewer="V1", by=KIM, token_sha256=b"t")
    until = request(told).until
    assert mind.refuses(told.state, wish, until - 1) is None
    assert mind.refuses(told.state, wish, until) is Why.RUN_OUT
    told.hear("garam", EndGrant(incident=told.id, grant="G1", why=Why.WITHDRAWN))
    assert mind.refuses(told.state, wish, until - 1) is Why.GRANT_ENDED


def test_a_busy_unit_is_not_sent_again():
    told = fine()
    assert told.give(words.SendOffice(incident=told.id, by=KIM, unit="u1", units=UNITS)) == []


@pytest.mark.parametrize("kind", [CUT, BODY])
def test_a_tamper_is_never_closed_as_drift_also_when_it_joined_later(kind):
    told = claimed(kind=ZONE)
    drift = words.Close(incident=told.id, by=KIM, code=Disposition.DRIFT, fix_through=1)
    assert mind.refuses(told.state, drift, told.at) is None
    told.give(judged(verdict(kind, episode="e2")))
    assert mind.refuses(told.state, drift, told.at) is Why.NOT_ALLOWED_NOW


# --- alarms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CUT, BODY, SOS])
def test_no_signal_heals_a_tamper_or_a_call_for_help(kind):
    told = raised(kind)
    assert told.give(judged(verdict(kind, Change.RETURNED)), s=9) == []


def test_leaving_a_zone_is_recorded_and_the_alarm_goes_on_ringing():
    told = raised(ZONE)
    back = judged(verdict(ZONE, Change.RETURNED, at=fix(2, 400, s=30)))
    assert tags(told.give(back, s=30)) == ["alarm_returned"]
    (alarm,) = told.state.alarms.values()
    assert alarm.state is AlarmState.RETURNED_UNACKED
    assert alarms.escalates_at(alarm) is not None
    assert told.give(back, s=31) == [], "told twice"
    assert told.incident.stage is Stage.OPEN


def test_the_same_verdict_after_a_crash_is_the_same_alarm():
    told = raised()
    assert told.give(judged(verdict()), s=50) == []


def test_further_alarms_of_a_wearer_join_and_the_gravest_leads():
    told = raised(ZONE, certain=False)
    told.give(words.Tick(), s=60)
    assert told.incident.kind is ZONE
    assert tags(told.give(judged(verdict(CUT, episode="e2")), s=63)) == [
        "alarm_raised", "alarm_joined", "video_prepared",
    ]  # fmt: skip
    assert told.incident.kind is CUT
    assert len(told.incident.alarms) == 2


def test_a_call_for_help_does_not_hide_the_breach_that_opens_video():
    told = claimed(kind=SOS)
    assert [each.why for each in ask(told)] == [Why.NO_BASIS]
    told.give(judged(verdict(ZONE, episode="e2")), s=8)
    assert told.incident.kind is ZONE
    assert tags(ask(told, s=9)) == ["video_requested"]


def test_two_wearers_in_one_batch_get_two_incidents():
    told = Told()
    told.give(judged(verdict(), verdict(wearer="w-two", episode="e9", at=fix(2, wearer="w-two"))))
    assert len(told.state.open) == 2


def test_an_alarm_without_any_position_is_raised_and_stages_nothing():
    told = Told()
    assert tags(told.give(judged(verdict(at=fix(1, None))))) == ["alarm_raised", "incident_opened"]
    told.give(words.Claim(incident=told.id, by=KIM))
    assert [(type(each), each.why) for each in ask(told)] == [(VideoRefusedHere, Why.STALE)]


def test_the_last_known_place_serves_a_device_that_cannot_say_where_it_is():
    told = Told()
    given = judged(verdict(at=fix(2, None, s=60)), last={WEARER: place(5, s=50)})
    assert tags(told.give(given, s=60)) == ["alarm_raised", "incident_opened", "video_prepared"]


def test_an_alarm_that_nobody_takes_reaches_further_circles_once_each():
    told = raised()
    assert told.give(words.Tick(), s=29.9) == []
    assert tags(told.give(words.Tick(), s=30)) == ["alarm_escalated"]
    assert told.give(words.Tick(), s=31) == []
    assert tags(told.give(words.Tick(), s=90)) == ["alarm_escalated"]
    assert told.give(words.Tick(), s=9_000) == []
    assert next(iter(told.state.alarms.values())).level == 2


def test_an_acknowledged_alarm_escalates_no_further():
    assert claimed().give(words.Tick(), s=300) == []


# --- video: the law and the border ---------------------------------------------------------------------------------


def test_a_mere_suspicion_of_a_zone_stages_no_camera_and_its_certainty_does():
    told = Told()
    assert tags(told.give(judged(verdict(ZONE, certain=False, at=fix(1)), fixes=[fix(1)]))) == [
        "alarm_raised", "alarm_suppressed",
    ]  # fmt: skip
    assert tags(told.give(words.Tick(), s=60)) == ["alarm_surfaced", "incident_opened"]
    assert tags(told.give(judged(fixes=[fix(2, 30, s=70)]), s=70)) == ["position_followed"]
    assert tags(told.give(judged(verdict(ZONE, Change.RISEN, at=fix(3, 31, s=80))), s=80)) == [
        "alarm_repeated", "video_prepared",
    ]  # fmt: skip


@pytest.mark.parametrize("footing", [WearerClass.BAIL, WearerClass.STALKING_INTERIM, None])
def test_without_a_basis_nothing_is_sent_and_the_refusal_is_recorded(footing):
    told = claimed(footing=footing)
    (refused,) = ask(told, footing=footing)
    assert (type(refused), refused.why, refused.by) == (VideoRefusedHere, Why.NO_BASIS, KIM)
    assert told.incident.refused_here is Why.NO_BASIS
    told.give(judged(fixes=[fix(2, 100, s=10)], footing=footing), s=10)
    assert told.sent() == []


def crossing(told, x, n, s):
    return told.give(judged(fixes=[fix(n, x, s=s)]), s=s)


def test_the_next_city_is_prepared_when_near_and_asked_when_touched_for_the_person_who_asked():
    told = claimed(x=500)
    ask(told)
    assert tags(crossing(told, 700, 2, 20)) == ["position_followed"]
    assert tags(crossing(told, 760, 3, 30)) == ["position_followed", "video_prepared"]
    asked = request(told, "narae").request
    _, *asking = crossing(told, 930, 4, 40)
    assert [(type(each), each.city, each.by, each.request) for each in asking] == [
        (VideoRequested, "narae", KIM, asked)
    ]
    assert tags(crossing(told, 1100, 5, 50)) == ["position_followed"], "asked once"


def test_the_next_city_is_only_prepared_while_nobody_has_asked():
    told = raised(x=500)
    seen = [tag for n, x in enumerate((760, 930, 1100, 1500), 2) for tag in tags(crossing(told, x, n, 10 * n))]
    assert "video_prepared" in seen
    assert "video_requested" not in seen
    assert not any(isinstance(each.message, RequestVideo) for each in told.sent())


def test_uncertainty_counts_as_nearness():
    wide = fix(1, 500, accuracy_m=300)
    assert {each.city for each in Told().give(judged(verdict(at=wide))) if hasattr(each, "city")} == {"garam", "narae"}


def test_asking_where_no_city_is_near_is_refused_and_recorded():
    told = claimed(x=-9_000)
    assert [each.why for each in ask(told)] == [Why.OUT_OF_AREA]


def test_asking_beside_a_city_stages_it_and_says_that_nobody_was_asked():
    told = claimed(x=-3_150)
    assert tags(ask(told)) == ["video_refused_here"]
    assert request(told).state is VideoState.PREPARED


def test_asking_twice_says_nothing_new():
    told = claimed()
    ask(told)
    assert ask(told, s=7) == []
    told.hear("garam", grant(told))
    assert ask(told, s=8) == []
    assert told.incident.refused_here is None


def test_after_a_refusal_a_person_may_ask_again_under_another_id():
    told = claimed()
    ids = []
    for s in (6, 10, 14):
        ask(told, s=s)
        ids.append(request(told).request)
        told.hear("garam", RefuseVideo(incident=told.id, request=ids[-1], why=Why.STALE), s=s + 1)
        assert request(told).state is VideoState.REFUSED
    assert len(set(ids)) == 3
    assert told.hear("garam", RefuseVideo(incident=told.id, request=ids[0], why=Why.STALE)) == [], "late"


def test_no_request_runs_longer_than_a_city_may_grant_on_a_clock_behind_ours():
    (prepared,) = raised().sent("garam")
    assert prepared.message.until - T0 <= 30 * 60_000 - 10_000


# --- partners ------------------------------------------------------------------------------------------------------


def refused(events, sender):
    (one,) = events
    assert isinstance(one, MessageRefused)
    assert one.sender == sender
    return one.why


def test_a_grant_for_a_mere_preparation_is_refused():
    told = claimed()
    assert refused(told.hear("garam", grant(told)), "garam") is Why.NOT_ALLOWED_NOW
    assert request(told).grant is None


def test_a_grant_under_another_request_is_refused():
    told = claimed()
    ask(told)
    assert refused(told.hear("garam", grant(told, request_id="R-other")), "garam") is Why.NOT_ALLOWED_NOW


@pytest.mark.parametrize("end", [Why.RUN_OUT, Why.WITHDRAWN])
def test_a_second_grant_for_what_has_ended_is_refused(end):
    told = granted()
    told.hear("garam", EndGrant(incident=told.id, grant="G1", why=end))
    assert refused(told.hear("garam", grant(told, "G2")), "garam") is Why.NOT_ALLOWED_NOW
    assert request(told).state is VideoState.ENDED


def test_a_second_grant_beside_a_live_one_is_refused():
    told = granted()
    assert refused(told.hear("garam", grant(told, "G2")), "garam") is Why.NOT_ALLOWED_NOW
    assert request(told).grant == "G1"


def test_a_city_cannot_speak_of_the_grant_of_another():
    told = granted(x=950)
    assert request(told, "narae").state is VideoState.REQUESTED
    assert refused(told.hear("narae", grant(told, "G1", "narae")), "narae") is Why.NOT_ALLOWED_NOW
    end = EndGrant(incident=told.id, grant="G1", why=Why.WITHDRAWN)
    assert refused(told.hear("narae", end), "narae") is Why.NOT_ALLOWED_NOW
    change = ChangeCameras(incident=told.id, grant="G1", cameras=())
    assert refused(told.hear("narae", change), "narae") is Why.NOT_ALLOWED_NOW
    assert request(told).state is VideoState.GRANTED


def test_more_cameras_than_were_asked_for_are_refused():
    told = claimed()
    ask(told)
    assert refused(told.hear("garam", grant(told, n=partners.ANSWER_CAMERAS_MAX + 1)), "garam") is Why.NOT_ALLOWED_NOW
    told.hear("garam", grant(told))
    many = ChangeCameras(
        incident=told.id, grant="G1", cameras=tuple(card(n) for n in range(partners.ANSWER_CAMERAS_MAX + 1))
    )
    assert refused(told.hear("garam", many), "garam") is Why.NOT_ALLOWED_NOW


def test_a_grant_never_outlives_what_was_asked():
    told = claimed()
    ask(told)
    told.hear("garam", grant(told, until=T0 + 10**9))
    assert request(told).until == T0 + 6_000 + 30 * 60_000 - mind.CLOCK_SLACK_MS


def test_the_refusal_of_a_preparation_that_crossed_the_request_does_not_lose_the_grant():
    told = claimed()
    ask(told)
    told.hear("garam", RefuseVideo(incident=told.id, request=request(told).request, why=Why.STALE))
    assert tags(told.hear("garam", grant(told))) == ["video_granted"]


@pytest.mark.parametrize("sender", ["narae", "nobody", "police112"])
def test_a_partner_that_was_not_asked_is_refused(sender):
    told = claimed()
    ask(told)
    assert refused(told.hear(sender, grant(told)), sender) is Why.NOT_ALLOWED_NOW
    unknown = EndGrant(incident="I-none", grant="G1", why=Why.STOPPED)
    assert refused(told.hear(sender, unknown), sender) is Why.NO_SUCH_INCIDENT


def test_told_twice_changes_nothing():
    told = viewed()
    told.give(words.TellPolice(incident=told.id, by=KIM))
    (notice,) = told.incident.notices
    messages = [
        ("garam", grant(told)),
        ("police112", AnswerNotice(incident=told.id, notice=notice, state=NoticeState.READ)),
        ("garam", EndGrant(incident=told.id, grant="G1", why=Why.WITHDRAWN)),
    ]
    for sender, message in messages:
        told.hear(sender, message)
        assert told.hear(sender, message) == []
    late = AnswerNotice(incident=told.id, notice=notice, state=NoticeState.RECEIVED)
    assert told.hear("police112", late) == [], "overtaken by `read`"
    change = ChangeCameras(incident=told.id, grant="G1", cameras=(card(1),))
    assert told.hear("garam", change) == [], "it was on the road when the grant ended"
    assert told.hear("garam", ProposeCameras(incident=told.id, request=request(told).request, cameras=())) == []


def test_only_the_room_that_was_told_answers():
    told = fine()
    (notice,) = told.incident.notices
    forged = AnswerNotice(incident=told.id, notice=notice, state=NoticeState.READ)
    assert refused(told.hear("garam", forged), "garam") is Why.NOT_ALLOWED_NOW
    assert told.incident.notices[notice].state is NoticeState.SENT


def test_what_comes_after_the_end_changes_nothing():
    told = claimed()
    ask(told)
    late = grant(told)
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1))
    assert told.hear("garam", late) == []
    assert request(told).grant is None


def test_a_bad_envelope_is_recorded():
    (event,) = Told().give(words.HeardBadly(sender="garam", seq=4, why=Why.BAD_SIGNATURE))
    assert event == MessageRefused(at=T0, sender="garam", seq=4, why=Why.BAD_SIGNATURE)


# --- people --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [lambda one: words.TakeOver(incident=one, by=LEE), lambda one: words.HandOver(incident=one, by=KIM, to=LEE)],
)
def test_when_the_lead_changes_the_windows_of_before_are_cut_also_after_a_crash(change):
    told = viewed()
    told.give(change(told.id), s=20)
    assert told.last == [words.CutIncident(told.id, Why.NOT_OWNER)]
    assert told.incident.owner == LEE
    assert words.CutViewer("V1", Why.NOT_OWNER) in minds.resume(told.state)
    back = words.AdmitViewer(incident=told.id, grant="G1", viewer="V1", by=KIM, token_sha256=b"t")
    assert mind.refuses(told.state, back, told.at) is Why.NOT_OWNER
    told.give(words.HandOver(incident=told.id, by=LEE, to=KIM), s=21)
    told.give(back, s=22)
    assert words.CutViewer("V1", Why.NOT_OWNER) not in minds.resume(told.state)


def test_resume_says_what_holds_and_what_has_ended():
    told = viewed()
    assert minds.resume(told.state) == [words.SetCameras("G1", ("garam-0", "garam-1"))]
    told.hear("garam", EndGrant(incident=told.id, grant="G1", why=Why.WITHDRAWN))
    assert minds.resume(told.state) == [words.CutGrant("G1", Why.WITHDRAWN)]
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1))
    assert words.CutIncident(told.id, Why.INCIDENT_CLOSED) in minds.resume(told.state)


def test_no_answer_in_time_is_said_once():
    told = fine()
    assert told.give(words.Tick(), s=68.9) == []
    assert tags(told.give(words.Tick(), s=69)) == ["answer_overdue", "answer_overdue"]
    assert told.give(words.Tick(), s=70) == []
    assert all(each.overdue for each in told.incident.dispatches.values())


def test_a_grant_that_runs_out_is_cut_here_although_the_city_is_silent():
    told = viewed()
    until = request(told).until
    assert not any("video_ended" in tags(told.give(words.Tick(), s=(until - 1 - T0) / 1000)) for _ in range(3))
    assert "video_ended" in tags(told.give(words.Tick(), s=(until - T0) / 1000))
    assert words.CutGrant("G1", Why.RUN_OUT) in told.last


def test_police_are_told_once():
    told = fine()
    assert told.give(words.TellPolice(incident=told.id, by=KIM)) == []


def test_the_wearer_need_not_be_told_of_video_that_nobody_viewed():
    told = granted()
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1))
    assert told.incident.notice_due_at is None


def test_an_older_fix_does_not_turn_the_followers_back():
    told = raised()
    told.give(judged(fixes=[fix(3, 60, s=30)]), s=30)
    assert told.give(judged(fixes=[fix(2, 30, s=20)]), s=31) == []


def test_only_so_many_closed_incidents_are_kept_in_mind():
    told = Told(words.Country((), None, SECRET))
    for n in range(minds.CLOSED_KEPT_MAX + 3):
        wearer = f"w{n}"
        told.give(judged(verdict(wearer=wearer, episode=f"e{n}", at=fix(n + 1, wearer=wearer))))
        id = told.state.open[wearer]
        told.give(words.Claim(incident=id, by=KIM))
        told.give(words.Close(incident=id, by=KIM, code=Disposition.MINOR, fix_through=n + 1))
    assert len(told.state.incidents) == len(told.state.alarms) == len(told.state.record) == minds.CLOSED_KEPT_MAX


@pytest.mark.parametrize("gone", ["wearer", "incident"])
def test_what_is_left_of_an_erased_person_can_still_be_read(gone):
    from safetynet.core.events import subject

    told = fine()
    (notice,) = told.incident.notices
    told.hear("police112", AnswerNotice(incident=told.id, notice=notice, state=NoticeState.READ))
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1))
    left = [each for each in told.log if not (subject(each) or "").startswith(gone)]
    assert len(left) < len(told.log)
    state = minds.fold(minds.EMPTY, left)
    assert WEARER not in (state.open if gone == "wearer" else ())


# --- promises over any history -------------------------------------------------------------------------------------

PEOPLE = st.sampled_from([KIM, LEE])
XS = st.sampled_from([0, 300, 760, 930, 1200, -2900, -3500])


@st.composite
def _given(draw):
    """What an operator, a device, a partner or the clock may bring; ids are drawn from what exists at that moment."""
    what = draw(st.integers(0, 17))
    return what, draw(PEOPLE), draw(XS), draw(st.integers(0, 5)), draw(st.sampled_from(["garam", "narae", "police112"]))


def _made(told, drawn, n):
    what, by, x, pick, partner = drawn
    state = told.state
    ids = [*state.incidents, "I-none"]
    id = ids[pick % len(ids)]
    incident = state.incidents.get(id)
    requests = list(incident.requests.values()) if incident else []
    asked = requests[pick % len(requests)].request if requests else "R-none"
    given = [each.grant for each in requests if each.grant] or ["G-none"]
    cards = (card(n % 4, x), card(n % 4 + 1, x))
    wearer = WEARER if pick < 3 else "w-canary-two"
    kind = (CUT, BODY, SOS, ZONE)[pick % 4]
    change = tuple(Change)[n % 4]
    at = fix(n, x if pick else None, s=n * 7, wearer=wearer)
    footing = (WearerClass.ORDER, WearerClass.BAIL, None)[n % 3] if pick == 5 else WearerClass.ORDER
    dispatch = next(iter(incident.dispatches), "D") if incident else "D"
    notice = next(iter(incident.notices), "N") if incident else "N"
    made = [
        lambda: judged(
            verdict(kind, change, wearer=wearer, at=at, certain=n % 2 == 0, episode=f"{wearer}{kind.value}{n // 20}"),
            fixes=[at], footing=footing,
        ),
        lambda: judged(fixes=[at], footing=footing),
        lambda: words.Claim(incident=id, by=by),
        lambda: words.TakeOver(incident=id, by=by),
        lambda: words.HandOver(incident=id, by=by, to=LEE),
        lambda: words.AskVideo(incident=id, by=by, footing=footing),
        lambda: words.AdmitViewer(incident=id, grant=given[0], viewer=f"V{n}", by=by, token_sha256=b"t"),
        lambda: words.SendOffice(incident=id, by=by, unit=None, units=UNITS),
        lambda: words.Close(incident=id, by=by, code=tuple(Disposition)[n % 7], fix_through=n),
        lambda: words.ReportUnit(dispatch=dispatch, unit="u1", state=tuple(UnitState)[n % 7]),
        words.Tick,
        lambda: GiveGrant(incident=id, request=asked, grant=f"G{n % 5}", cameras=cards, conditions=(), until=told.at + 60_000),
        lambda: ProposeCameras(incident=id, request=asked, cameras=cards),
        lambda: RefuseVideo(incident=id, request=asked, why=Why.STALE),
        lambda: ChangeCameras(incident=id, grant=given[0], cameras=cards),
        lambda: EndGrant(incident=id, grant=given[0], why=Why.WITHDRAWN),
        lambda: AnswerNotice(incident=id, notice=notice, state=NoticeState.READ),
        lambda: words.CallWearer(incident=id, by=by, outcome=CallOutcome.ANSWERED),
    ][what]()  # fmt: skip
    return made if not hasattr(made, "__struct_fields__") else words.Heard(sender=partner, seq=n, message=made)


@settings(max_examples=120, deadline=None)
@given(st.lists(_given(), max_size=45))
def test_promises_hold_whatever_happens(drawn):
    told = Told()
    asked: set[str] = set()
    for n, each in enumerate([(0, KIM, 0, 0, "garam"), *drawn], 1):
        for event in told.give(_made(told, each, n), s=n * 7):
            if isinstance(event, VideoRequested):
                asked.add(event.request)
                assert told.state.incidents[event.incident].owner is not None
        minds.resume(told.state)
    assert minds.fold(minds.EMPTY, told.log) == told.state, "crash = rebuild"
    for incident in told.state.incidents.values():
        for each in incident.requests.values():
            assert each.grant is None or each.request in asked, "no grant without a person's request"
            assert incident.stage is not Stage.CLOSED or each.state is not VideoState.GRANTED
    for sent in told.sent():
        role = Role.POLICE if sent.to == "police112" else Role.CITY
        assert passes(sent.message, Role.CONTROL, role)
        said = facts(sent.message)
        for canary in ("canary", KIM, LEE, "order", "z1"):
            assert canary not in said, said
    for errand in told.errands:
        assert WEARER not in repr(errand)


def test_no_partner_learns_the_number_of_a_fix():
    """It is a place in our journal: with it a city could count our fixes, and try wearers against an incident's id."""
    told = Told()
    told.give(judged(verdict(AlarmKind.STRAP_CUT), fixes=[fix()]))
    told.give(words.Claim(incident=told.id, by=KIM), s=1)
    told.give(words.AskVideo(incident=told.id, by=KIM, footing=WearerClass.ORDER), s=2)
    told.give(words.TellPolice(incident=told.id, by=KIM), s=3)
    told.give(judged(fixes=[fix(x=60, s=20)]), s=20)
    placed = {type(each.message): each.message.place for each in told.sent() if hasattr(each.message, "place")}
    assert placed.keys() >= {RequestVideo, MovePlace, NotifyPolice}
    assert {place.fix for place in placed.values()} == {0}
    known = [event.place for event in told.log if isinstance(event, VideoRequested)]
    assert all(place.fix > 0 for place in known), "our own log knows which fix it was"


# --- room on the disk ---


def seen(level):
    return DiskChanged(at=T0, level=level, free_bytes=1)


def test_on_a_low_disk_video_is_refused_and_all_else_goes_on():
    told = Told()
    told.give(judged(verdict()))
    told.give(words.Claim(incident=told.id, by=KIM))
    told.give(seen(DiskLevel.LOW))
    ask = words.AskVideo(incident=told.id, by=KIM, footing=WearerClass.ORDER)
    assert mind.refuses(told.state, ask, told.at) is Why.DISK_LOW
    assert told.give(ask) == []
    call = words.CallWearer(incident=told.id, by=KIM, outcome=CallOutcome.NO_ANSWER)
    assert tags(told.give(call)) == ["wearer_called"]
    assert "position_followed" in tags(told.give(judged(fixes=[fix(9, 60, s=9)]), s=9))
    told.give(seen(DiskLevel.AMPLE))
    assert mind.refuses(told.state, ask, told.at) is None


def test_on_a_full_disk_alarms_are_written_and_positions_are_not():
    told = Told()
    told.give(judged(verdict()))
    told.give(seen(DiskLevel.SCARCE))
    assert told.give(judged(fixes=[fix(9, 60, s=9)]), s=9) == []
    again = told.give(judged(verdict(AlarmKind.SOS, episode="e2", at=fix(10, 60, s=10))), s=10)
    assert {"alarm_raised", "alarm_joined"} <= set(tags(again))


# --- whose district it is ------------------------------------------------------------------------------------------


def _district(west, east, code):
    (south, left), (north, right) = ll(west, -3000), ll(east, 3000)
    return Area(code=Code(System.LEGAL, code), name=code, shape=shapely.box(left, south, right, north))


TABLE = Table(
    Areas((_district(-3000, 1000, "30140"), _district(1000, 5000, "30110"))),
    (
        Office(id="home", kind=Kind.PROBATION, name="home", serves=(Code(System.LEGAL, "30140"),)),
        Office(id="east", kind=Kind.PROBATION, name="east", serves=(Code(System.LEGAL, "30110"),)),
    ),
)


@pytest.mark.parametrize(
    ("offices", "chosen", "competent", "standing"),
    [
        (("home", "east"), None, "home", Standing.COMPETENT),
        (("east", "home"), None, "home", Standing.NEARER),
        (("east", "home"), "u1", "home", Standing.NEARER),
        (("home", "east"), "u2", "home", Standing.CHOSEN),
        (("east", None), None, "home", Standing.COMPETENT_WITHOUT_UNIT),
        ((None, None), None, "home", Standing.UNKNOWN),
    ],
)
def test_an_order_records_whose_district_it_was(offices, chosen, competent, standing):
    told = Told(replace(COUNTRY, table=TABLE))
    told.give(judged(verdict(), fixes=[fix()]))
    told.give(words.Claim(incident=told.id, by=KIM), s=2)
    teams = tuple(replace(each, office=office) for each, office in zip(UNITS, offices, strict=True))
    ordered = told.give(words.SendOffice(incident=told.id, by=KIM, unit=chosen, units=teams), s=3)[0]
    assert (ordered.unit, ordered.competent, ordered.standing) == (chosen or "u1", competent, standing)
    assert next(iter(told.incident.dispatches.values())).standing is standing
    newest = told.state.record[told.id][0].detail + told.state.record[told.id][1].detail
    assert ("standing", standing.value) in newest
    assert ("competent", competent) in newest
