"""The law table, held against a table written out here by hand from the statute."""

import hashlib
import itertools
import re

import pytest

from safetynet.core import law
from safetynet.core.terms import AlarmKind, Basis, WearerClass, Why

C, K, B = WearerClass, AlarmKind, Basis
OPEN = {
    (C.ORDER, K.STRAP_CUT): B.DEVICE_DUTY,
    (C.ORDER, K.BODY_TAMPER): B.DEVICE_DUTY,
    (C.ORDER, K.EXCLUSION_ZONE): B.EXCLUSION_ZONE,
    (C.ORDER, K.CURFEW): B.CURFEW,
    (C.PAROLE, K.STRAP_CUT): B.DEVICE_DUTY,
    (C.PAROLE, K.BODY_TAMPER): B.DEVICE_DUTY,
    (C.PAROLE, K.EXCLUSION_ZONE): B.EXCLUSION_ZONE,
    (C.PAROLE, K.CURFEW): B.CURFEW,
    (C.SUSPENDED, K.STRAP_CUT): B.DEVICE_DUTY,
    (C.SUSPENDED, K.BODY_TAMPER): B.DEVICE_DUTY,
    (C.SUSPENDED, K.EXCLUSION_ZONE): B.EXCLUSION_ZONE,
    (C.SUSPENDED, K.CURFEW): B.CURFEW,
}
for who in (C.ORDER, C.PAROLE, C.SUSPENDED):
    OPEN |= {(who, K.SCHOOL_HOURS): B.CURFEW, (who, K.RESIDENCE): B.RESIDENCE}
    OPEN |= {(who, kind): B.DEVICE_DUTY for kind in (K.JAMMING, K.SEPARATION)}
    OPEN |= {(who, kind): B.NO_APPROACH for kind in (K.APPROACH_100, K.APPROACH_1K, K.PROTECTED_SOS)}
ALL = list(itertools.product(WearerClass, AlarmKind))


@pytest.mark.parametrize(("who", "kind"), ALL)
def test_every_pair_has_its_line_and_only_these_open_video(who, kind):
    line = law.basis(who, kind)
    if (who, kind) in OPEN:
        assert isinstance(line, law.Rule)
        assert line.basis is OPEN[who, kind]
    else:
        assert isinstance(line, law.NoBasis)
        assert line.why is Why.NO_BASIS


@pytest.mark.parametrize(("who", "kind"), ALL)
def test_every_line_names_its_article_in_both_languages(who, kind):
    line = law.basis(who, kind)
    assert re.search(r"제\d+[조장]", line.article_ko)
    assert re.search(r"(Art\.|ch\.) \d", line.article_en)
    assert re.search("[가-힣]", line.article_en) is None


@pytest.mark.parametrize(
    ("who", "kind", "korean"),
    [
        (C.ORDER, K.STRAP_CUT, "전자장치부착법 제16조의3 제2항, 제14조 제1항"),
        (C.ORDER, K.EXCLUSION_ZONE, "전자장치부착법 제16조의3 제2항, 제9조의2 제1항 제2호"),
        (C.PAROLE, K.CURFEW, "전자장치부착법 제27조에 따라 준용되는 제16조의3 제2항, 제9조의2 제1항 제1호"),
        (C.PAROLE, K.STRAP_CUT, "전자장치부착법 제27조에 따라 준용되는 제16조의3 제2항, 제14조 제1항"),
        (C.ORDER, K.SCHOOL_HOURS, "전자장치부착법 제16조의3 제2항, 제9조의2 제1항 제1호"),
        (C.ORDER, K.RESIDENCE, "전자장치부착법 제16조의3 제2항, 제9조의2 제1항 제2호의2"),
        (C.SUSPENDED, K.BODY_TAMPER, "전자장치부착법 제31조에 따라 준용되는 제16조의3 제2항, 제14조 제1항"),
    ],
)
def test_the_articles_as_they_stand_on_the_screen(who, kind, korean):
    assert law.basis(who, kind).article_ko == korean


@pytest.mark.parametrize(
    ("who", "kind", "route"),
    [
        (C.BAIL, K.STRAP_CUT, "bail_cooperation"),
        (C.STALKING_INTERIM, K.EXCLUSION_ZONE, "stalking_police_notice"),
        (C.ORDER, K.SOS, "alarm_of_a_statutory_kind"),
    ],
)
def test_where_there_is_no_basis_the_other_routes_are_named(who, kind, route):
    line = law.basis(who, kind)
    assert isinstance(line, law.NoBasis)
    words = [each.word for each in line.other_routes]
    assert words[0] == route
    assert "urgent_life_by_supervisor" in words
    assert all(each.article_ko and each.article_en for each in line.other_routes)


@pytest.mark.parametrize(("basis", "kind"), list(itertools.product(Basis, AlarmKind)))
def test_a_city_knows_only_basis_and_kind_and_gets_what_some_class_has(basis, kind):
    covered = any(OPEN.get((who, kind)) is basis for who in WearerClass)
    limits = law.limits(basis, kind)
    assert (limits is not None) == covered
    if limits is not None:
        assert (limits.radius_m_max, limits.cameras_max, limits.minutes_max) == (1000, 16, 30)
        assert limits.conditions == ("no_recording", "no_onward_sharing", "no_audio")


@pytest.mark.parametrize("kind", [K.APPROACH_100, K.APPROACH_1K, K.APPROACH_2K])
@pytest.mark.parametrize("who", list(C))
def test_who_may_be_warned_and_from_which_side(who, kind):
    """Within 1 km with the direction, further out in words; where no article was found, not at all."""
    line = law.warning(who, kind)
    if who is C.BAIL:
        assert isinstance(line, law.NoBasis)
    else:
        assert isinstance(line, law.Warning)
        assert line.direction is (kind is not K.APPROACH_2K)
        assert ("제31조의8" in line.article_ko) is (who is C.STALKING_INTERIM)


def test_the_place_of_a_protected_person_goes_to_the_police_only_with_what_they_are_told_at_once():
    assert law.PLACE_SHARED < law.TOLD_AT_ONCE
    assert K.APPROACH_2K not in law.TOLD_AT_ONCE


def test_urgent_life_opens_nothing_without_the_form_for_a_supervisors_decision():
    assert all(law.limits(Basis.URGENT_LIFE, kind) is None for kind in AlarmKind)


def test_a_city_is_never_wider_than_the_control_centre():
    for (_, kind), line in law.TABLE.items():
        if isinstance(line, law.Rule):
            limits = law.limits(line.basis, kind)
            assert limits is not None
            assert limits.radius_m_max <= line.radius_m_max
            assert limits.cameras_max <= line.cameras_max
            assert limits.minutes_max <= line.minutes_max
            assert set(limits.conditions) >= set(line.conditions)


def test_a_line_that_changes_makes_a_new_version():
    """Every screen and print names the version: two wordings under one number could not be told apart."""
    wording = repr(sorted(((who.value, kind.value), repr(line)) for (who, kind), line in law.TABLE.items()))
    digest = hashlib.sha256(wording.encode()).hexdigest()[:16]
    assert {1: "51f62a613f224f94", 2: "c045338a6edf9a35", 3: "a3c2e59b854a9e53", 4: "621dd6c3cbf2146e"}[
        law.TABLE_VERSION
    ] == digest, "raise TABLE_VERSION, set WORDED_ON, and write the new digest here"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", law.WORDED_ON)
