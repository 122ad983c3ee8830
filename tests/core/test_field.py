"""What officers in the field do: one picture under an accepted order, words and photographs that count once."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from minds import KIM, LEE, T0, UNITS, Told, card, judged, ll, tags, verdict

from safetynet.core import law
from safetynet.core.control import field, mind, words
from safetynet.core.control import state as minds
from safetynet.core.events import Spot
from safetynet.core.messages import EndGrant, GiveGrant
from safetynet.core.terms import Disposition, FieldMark, Unable, UnitState, WearerClass, Why

SONG = "song"
HERE = Spot(*ll(30.0, 40.0), 12.0)


def sent(*states: UnitState) -> Told:
    """A claimed incident with a granted picture, and u1 ordered to it."""
    told = Told()
    told.give(judged(verdict()))
    told.give(words.Claim(incident=told.id, by=KIM), s=5)
    told.give(words.SendOffice(incident=told.id, by=KIM, unit="u1", units=UNITS), s=6)
    told.give(words.AskVideo(incident=told.id, by=KIM, footing=WearerClass.ORDER), s=7)
    request = told.incident.requests["garam"]
    given = GiveGrant(
        incident=told.id, request=request.request, grant="G1", cameras=(card(0), card(1)), conditions=("no_audio",),
        until=request.until,
    )  # fmt: skip
    told.hear("garam", given, s=8)
    for n, state in enumerate(states):
        told.give(words.ReportUnit(dispatch=order(told).dispatch, unit="u1", state=state), s=9 + n)
    return told


def order(told):
    (one,) = told.incident.dispatches.values()
    return one


def look(told, viewer="V9", unit="u1", kind="office", grant="G1"):
    return words.AdmitOfficer(
        dispatch=order(told).dispatch, unit=unit, kind=kind, grant=grant, viewer=viewer, by=SONG, token_sha256=b"t"
    )


def say(told, mark=FieldMark.SEEN, action="a1", acted_s=10.0, spot=HERE):
    return words.MarkField(
        dispatch=order(told).dispatch, unit="u1", by=SONG, action=action, mark=mark,
        acted_at=T0 + int(acted_s * 1000), spot=spot,
    )  # fmt: skip


def photo(told, action="p1"):
    return words.KeepPhoto(
        dispatch=order(told).dispatch, unit="u1", by=SONG, action=action, sha256=b"s" * 32, size_bytes=9,
        acted_at=T0 + 10_000, spot=None,
    )  # fmt: skip


@pytest.mark.parametrize("state", list(UnitState))
def test_a_picture_is_only_for_an_order_that_was_accepted_and_lives(state):
    told = sent()
    if state is UnitState.RECEIVED:
        told.give(words.ReportUnit(dispatch=order(told).dispatch, unit="u1", state=state), s=9)
    elif state is not UnitState.ORDERED:
        if state is not UnitState.DECLINED:
            told.give(words.ReportUnit(dispatch=order(told).dispatch, unit="u1", state=UnitState.ACCEPTED), s=9)
        told.give(words.ReportUnit(dispatch=order(told).dispatch, unit="u1", state=state), s=10)
    assert order(told).state is state
    no = mind.refuses(told.state, look(told), told.at)
    seen = {UnitState.ACCEPTED, UnitState.EN_ROUTE, UnitState.ON_SCENE}
    over = {UnitState.DECLINED, UnitState.RELEASED}
    assert no is (None if state in seen else Why.DISPATCH_OVER if state in over else Why.NOT_ACCEPTED)
    assert tags(told.give(look(told))) == (["viewer_admitted"] if no is None else [])


def test_the_picture_is_one_tile_under_the_officers_name_and_the_wearer_will_be_told():
    told = sent(UnitState.ACCEPTED)
    (event,) = told.give(look(told), s=12)
    assert (event.by, event.dispatch, event.viewer) == (SONG, order(told).dispatch, "V9")
    (admit,) = told.last
    assert admit.one_tile
    assert admit.until == told.incident.requests["garam"].until
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1), s=20)
    assert told.incident.notice_due_at is not None


@pytest.mark.parametrize("last", [UnitState.DECLINED, UnitState.RELEASED])
def test_the_picture_ends_with_the_order_also_after_a_crash(last):
    told = sent(UnitState.ACCEPTED)
    told.give(look(told), s=12)
    told.give(words.ReportUnit(dispatch=order(told).dispatch, unit="u1", state=last), s=13)
    cut = words.CutViewer("V9", Why.DISPATCH_OVER)
    assert told.last == [cut]
    assert cut in minds.resume(told.state)
    assert mind.refuses(told.state, look(told), told.at) is Why.DISPATCH_OVER


def test_the_picture_ends_with_the_grant_and_with_the_incident():
    told = sent(UnitState.ACCEPTED)
    until_s = (told.incident.requests["garam"].until - T0) / 1000
    assert mind.refuses(told.state, look(told), int(T0 + until_s * 1000)) is Why.RUN_OUT
    told.hear("garam", EndGrant(incident=told.id, grant="G1", why=Why.STOPPED), s=14)
    assert mind.refuses(told.state, look(told), told.at) is Why.GRANT_ENDED
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1), s=20)
    assert words.CutIncident(told.id, Why.INCIDENT_CLOSED) in told.last
    assert mind.refuses(told.state, look(told), told.at) is Why.INCIDENT_CLOSED


def test_a_change_of_the_lead_leaves_the_officer_his_leave():
    told = sent(UnitState.ACCEPTED)
    told.give(look(told), s=12)
    told.give(words.TakeOver(incident=told.id, by=LEE), s=13)
    assert "V9" not in told.incident.cut
    assert mind.refuses(told.state, look(told), told.at) is None


@pytest.mark.parametrize(
    ("wish", "why"),
    [({"unit": "u2"}, Why.NO_SUCH_INCIDENT), ({"kind": "police"}, Why.WRONG_RECEIVER), ({"grant": "G2"}, Why.NO_SUCH_GRANT)],
)  # fmt: skip
def test_nobody_else_sees_it(wish, why):
    told = sent(UnitState.ACCEPTED)
    assert mind.refuses(told.state, look(told, **wish), told.at) is why


def test_the_law_table_says_on_what_ground_officers_see():
    line = law.officer_sees("rapid")
    assert line is law.officer_sees("office") is law.FIELD
    assert "16-3(2)" in line.article_en
    assert "제16조의3" in line.article_ko
    assert set(law.CONDITIONS) < set(line.conditions)
    assert law.officer_sees("police") is None


def test_what_an_officer_says_is_heard_once_with_his_own_time():
    told = sent(UnitState.ACCEPTED)
    (event,) = told.give(say(told, acted_s=10.5), s=60)
    assert (event.acted_at, event.at, event.spot, event.by) == (T0 + 10_500, T0 + 60_000, HERE, SONG)
    assert mind.refuses(told.state, say(told), told.at) is None, "sent again: it has its answer"
    assert told.give(say(told), s=61) == []
    assert len(told.incident.marks) == 1
    entry = told.state.record[told.id][0]
    assert (entry.what, dict(entry.detail)["acted_at"], entry.by) == ("field_marked", str(T0 + 10_500), SONG)


@pytest.mark.parametrize(("acted_s", "kept_s"), [(-500, 6), (99_999, 60)])
def test_a_wrong_clock_of_a_telephone_stays_between_order_and_hearing(acted_s, kept_s):
    told = sent(UnitState.ACCEPTED)
    (event,) = told.give(say(told, acted_s=acted_s), s=60)
    assert event.acted_at == T0 + kept_s * 1000


@pytest.mark.parametrize("spot", [Spot(0.0, 0.0, 5.0), Spot(36.3, 127.3, 0.0), Spot(36.3, 127.3, float("nan")), None])
def test_a_place_that_is_none_is_left_out_and_the_word_counts(spot):
    told = sent(UnitState.ACCEPTED)
    (event,) = told.give(say(told, FieldMark.BACKUP, spot=spot), s=12)
    assert event.spot is None
    assert field.calls_for_backup(told.incident)


def test_a_call_for_backup_waits_until_somebody_answers_whoever_leads():
    told = sent(UnitState.ACCEPTED)
    answer = words.AnswerBackup(incident=told.id, by=LEE)
    assert mind.refuses(told.state, answer, told.at) is Why.NOT_ALLOWED_NOW
    told.give(say(told, FieldMark.BACKUP), s=12)
    assert field.calls_for_backup(told.incident)
    assert tags(told.give(answer, s=14)) == ["backup_answered"]
    assert not field.calls_for_backup(told.incident)
    assert told.incident.backup.answered_by == LEE
    told.give(say(told, FieldMark.BACKUP, action="a2"), s=15)
    assert field.calls_for_backup(told.incident), "a second call rings again"


def test_words_have_a_limit_and_a_call_for_backup_is_heard_beyond_it():
    told = sent(UnitState.ACCEPTED)
    for n in range(field.MARKS_MAX):
        assert told.give(say(told, action=f"m{n}"), s=12)
    assert mind.refuses(told.state, say(told, action="more"), told.at) is Why.TOO_MANY_REPORTS
    assert tags(told.give(say(told, FieldMark.BACKUP, action="help"), s=13)) == ["field_marked"]
    assert mind.refuses(told.state, say(told, FieldMark.BACKUP, action="help2"), told.at) is Why.TOO_MANY_REPORTS
    for n in range(field.PHOTOS_MAX):
        assert tags(told.give(photo(told, f"p{n}"), s=14)) == ["photo_taken"]
    assert mind.refuses(told.state, photo(told, "p-more"), told.at) is Why.TOO_MANY_REPORTS


@pytest.mark.parametrize("make", [say, photo])
def test_nothing_is_heard_before_accepting_or_after_the_end(make):
    told = sent()
    assert mind.refuses(told.state, make(told), told.at) is Why.NOT_ACCEPTED
    told.give(words.ReportUnit(dispatch=order(told).dispatch, unit="u1", state=UnitState.ACCEPTED), s=9)
    assert mind.refuses(told.state, make(told), told.at) is None
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1), s=20)
    assert mind.refuses(told.state, make(told), told.at) is Why.INCIDENT_CLOSED


def test_a_report_of_progress_that_is_sent_twice_happens_once_and_says_why_not():
    told = sent()
    no = words.ReportUnit(
        dispatch=order(told).dispatch, unit="u1", state=UnitState.DECLINED, by=SONG, action="r1", acted_at=T0 + 8_000,
        unable=Unable.VEHICLE,
    )  # fmt: skip
    (event,) = told.give(no, s=30)
    assert (event.unable, event.acted_at) == (Unable.VEHICLE, T0 + 8_000)
    assert order(told).unable is Unable.VEHICLE
    assert mind.refuses(told.state, no, told.at) is None
    assert told.give(no, s=31) == []


@pytest.mark.parametrize("gone", ["wearer", "incident"])
def test_what_is_left_after_an_erasure_can_still_be_read(gone):
    from safetynet.core.events import subject

    told = sent(UnitState.ACCEPTED)
    told.give(look(told), s=12)
    told.give(say(told, FieldMark.BACKUP), s=13)
    told.give(photo(told), s=14)
    told.give(words.AnswerBackup(incident=told.id, by=LEE), s=15)
    told.give(words.Close(incident=told.id, by=KIM, code=Disposition.MINOR, fix_through=1), s=20)
    left = [each for each in told.log if not (subject(each) or "").startswith(gone)]
    minds.resume(minds.fold(minds.EMPTY, left))
    assert not [each for each in left if gone == "incident" and tags([each])[0] in ("field_marked", "photo_taken")]


def test_cameras_of_the_card_are_those_of_the_grant():
    told = sent(UnitState.ACCEPTED)
    told.give(look(told), s=12)
    assert told.last[0].cameras == (card(0).camera, card(1).camera)


def test_who_leads_writes_to_the_field_and_nobody_else_does():
    told = sent(UnitState.ACCEPTED)
    line = words.TellField(incident=told.id, by=told.incident.owner, text="  검은 윗옷,\n남쪽\u202e 골목 \x07")
    (event,) = told.give(line, s=12)
    assert (event.text, tags([event])) == ("검은 윗옷, 남쪽 골목", ["field_told"])
    assert told.incident.told[-1].text == event.text
    assert mind.refuses(told.state, replace(line, by=LEE), told.at) is Why.NOT_OWNER


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "가" * (field.TOLD_CHARS_MAX + 1)])
def test_words_that_cannot_be_read_in_the_field_are_not_sent(text):
    told = sent(UnitState.ACCEPTED)
    line = words.TellField(incident=told.id, by=told.incident.owner, text=text)
    assert mind.refuses(told.state, line, told.at) is Why.NOT_ALLOWED_NOW
    assert not told.give(line, s=12)


def test_nobody_writes_to_a_field_where_nobody_is():
    told = sent(UnitState.RELEASED)
    line = words.TellField(incident=told.id, by=told.incident.owner, text="돌아오십시오")
    assert mind.refuses(told.state, line, told.at) is Why.DISPATCH_OVER


def test_words_to_the_field_have_an_end():
    told = sent(UnitState.ACCEPTED)
    line = words.TellField(incident=told.id, by=told.incident.owner, text="남쪽")
    for n in range(field.TOLD_MAX):
        told.give(line, s=12 + n)
    assert mind.refuses(told.state, line, told.at) is Why.TOO_MANY_REPORTS
