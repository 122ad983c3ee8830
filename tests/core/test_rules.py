import csv
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from safetynet.core import fixes, geo, rules
from safetynet.core.alarms import TECHNICAL
from safetynet.core.fixes import Fix, Mark, Said, instant
from safetynet.core.keeps import KEEPING
from safetynet.core.orders import Circle, Curfew, Hours, Inclusion, Order, Polygon, Row, Stay, Zone
from safetynet.core.proximity import PROTECTING
from safetynet.core.rules import RuleState, end, episodes, judge
from safetynet.core.terms import AlarmKind, Certainty, Source, WearerClass
from safetynet.core.thresholds import STANDARD
from safetynet.core.verdicts import Change, How

LAT, LON = 36.35, 127.38
"""The middle of the round zone z1 of 150 m."""
PLANE = geo.Plane(LAT, LON)
T0 = 1_700_000_000_000
ORDER = Order(
    wearer="w1",
    wearer_class=WearerClass.ORDER,
    version=3,
    zones=(
        Zone(id="z1", name="초등학교", area=Circle(LAT, LON, 150.0)),
        Zone(
            id="z2",
            name="공원",
            area=Polygon(tuple(PLANE.to_latlon(x, y) for x, y in ((1000, 0), (1400, 0), (1400, 400), (1000, 400)))),
        ),
    ),
)
ORDERS = {"w1": ORDER}
GEOD = Geod(ellps="WGS84")


def fix(n, x=None, y=0.0, *, s=None, **more):
    """Fix number n, s seconds after the start, x m east and y m north of the middle of z1; no position without x."""
    seconds = 60 * n if s is None else s
    lat, lon = (None, None) if x is None else PLANE.to_latlon(x, y)
    fields = {
        "id": n, "wearer": "w1", "device": "d1", "observed_at": T0 + 1000 * seconds,
        "received_at": T0 + 1000 * max(seconds, 60 * n) + 500, "lat": lat, "lon": lon, "accuracy_m": 15.0,
        "source": Source.GNSS,
    }  # fmt: skip
    return Fix(**(fields | more))


def run(*batch, state=None, orders=ORDERS):
    told, state = judge(batch, orders, state or RuleState())
    mine = [each for each in told if each.kind not in TECHNICAL]  # tests/core/test_silences.py has those
    return [(each.kind.value, each.change.value, each.certainty.value, each.zone) for each in mine], state


def zone(change, certainty="certain", id="z1"):
    return ("exclusion_zone", change, certainty, id)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([fix(1, 0)], [zone("raised")]),
        ([fix(1, 120)], [zone("raised")]),
        ([fix(1, 134)], [zone("raised", "maybe")]),
        ([fix(1, 136)], [zone("raised", "maybe")]),
        ([fix(1, 164)], []),
        ([fix(1, 166)], []),
        ([fix(1, 1200, 200)], [zone("raised", id="z2")]),
        ([fix(1, 1390, 200)], []),
        ([fix(1, 1386, 200)], [zone("raised", "maybe", "z2")]),
        ([fix(1, 1500, 200)], []),
        ([fix(1, 150), fix(2, 150)], []),
        ([fix(1, 134), fix(2, 0)], [zone("raised", "maybe"), zone("risen")]),
        # who has just been seen elsewhere needs more than one wild position, of whom nothing is known one is enough
        ([fix(1, 600), fix(2, 600), fix(3, 0), fix(4, 600)], [zone("raised", "maybe"), zone("returned", "maybe")]),
        ([fix(1, 600), fix(2, 600), fix(3, 0), fix(4, 0)], [zone("raised", "maybe"), zone("risen")]),
        ([fix(1, 0), fix(2, 150), fix(3, 150)], [zone("raised")]),
        ([fix(1, 0), fix(2, 300)], [zone("raised"), zone("returned")]),
        ([fix(1, 0), fix(2, 300), fix(3, 0)], [zone("raised"), zone("returned"), zone("repeated")]),
        ([fix(1, 0), fix(2, 300), fix(3, 0, s=4000)], [zone("raised"), zone("returned"), zone("raised")]),
        ([fix(1, 0), fix(2, 5, s=4000), fix(3, 6, s=9000)], [zone("raised")]),
        # an unknown radius counts as 100 m
        ([fix(1, 30, accuracy_m=None)], [zone("raised", "maybe")]),
        ([fix(1, 100, accuracy_m=None)], []),
        # the vaguer, the more of them it takes
        ([fix(1, 0, accuracy_m=149)], [zone("raised", "maybe")]),
        ([fix(n, 0, accuracy_m=149) for n in (1, 2, 3)], [zone("raised", "maybe"), zone("risen")]),
        ([fix(1, 0, accuracy_m=3_001)], []),
        ([fix(1, 400, accuracy_m=400)], []),
        # towers alone neither open nor clear
        ([fix(1, 0, accuracy_m=10, source=Source.CELL)], []),
        ([fix(n, 0, accuracy_m=10, source=Source.CELL) for n in range(1, 30)], []),
        # nor do three satellites
        ([fix(n, 0, marks=Mark.FEW_SATELLITES) for n in range(1, 30)], []),
        ([fix(1, 0), fix(2, 300, marks=Mark.FEW_SATELLITES)], [zone("raised")]),
        ([fix(1, 0), fix(2, 5000, source=Source.CELL)], [zone("raised")]),
        ([fix(1, 0), fix(2)], [zone("raised")]),
    ],
)
def test_exclusion_zone(way, expected):
    assert run(*way)[0] == expected


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        # through the middle at 14 m/s, 10 s apart, would be certain; 60 s apart a detour was possible
        ([fix(1, -165, s=0, speed_mps=20), fix(2, 165, s=20, speed_mps=20)], [zone("raised", "maybe"), zone("returned", "maybe")]),
        ([fix(1, -420), fix(2, 420)], [zone("raised", "maybe"), zone("returned", "maybe")]),
        ([fix(1, -420, 160), fix(2, 420, 160)], []),
        ([fix(1, -420, s=0), fix(2, 420, s=301)], []),
        # a marked or vague start says nothing
        ([fix(1, -420, marks=Mark.MOCK), fix(2, 420)], []),
        ([fix(1, -420, source=Source.CELL), fix(2, 420)], []),
        # diagonally through the corner of a polygon
        ([fix(1, 900, 40), fix(2, 1100, -70)], []),
        ([fix(1, 960, 60), fix(2, 1100, -40)], [zone("raised", "maybe", "z2"), zone("returned", "maybe", "z2")]),
    ],
)  # fmt: skip
def test_crossing_between_two_fixes(way, expected):
    assert run(*way)[0] == expected


def test_a_crossing_is_certain_when_there_was_no_time_for_a_detour():
    wide = {"w1": msgspec.structs.replace(ORDER, zones=(Zone(id="z1", name="x", area=Circle(LAT, LON, 600.0)),))}
    told, _ = judge([fix(1, -620, s=0), fix(2, 620, s=60)], wide, RuleState())
    assert [(each.change, each.certainty, each.how) for each in told] == [
        (Change.RAISED, Certainty.CERTAIN, How.CROSSED),
        (Change.RETURNED, Certainty.CERTAIN, How.LEFT),
    ]
    # the same ends, but the device reports a pace at which one could have gone round
    told, _ = judge([fix(1, -620, s=0, speed_mps=40), fix(2, 620, s=60)], wide, RuleState())
    assert told[0].certainty is Certainty.MAYBE


@pytest.mark.parametrize(
    ("said", "kind"),
    [(Said.STRAP_CUT, "strap_cut"), (Said.BODY_TAMPER, "body_tamper"), (Said.SOS, "sos"), (Said.JAMMING, "jamming")],
)
def test_flags(said, kind):
    assert run(fix(1, 500, said=said))[0] == [(kind, "raised", "certain", None)]
    assert run(fix(1, said=said))[0] == [(kind, "raised", "certain", None)], "without position"
    assert run(fix(1, said=said), orders={})[0] == [(kind, "raised", "certain", None)], "without order"
    assert run(fix(1, 500, said=said | Said.LOW_BATTERY | Said.OTHER))[0] == [(kind, "raised", "certain", None)]
    assert run(fix(1, 500, said=said), fix(2, 500, said=said))[0] == [(kind, "raised", "certain", None)]
    late = [fix(1, 500), fix(2, 500, s=-3000, said=said)]
    assert run(*late)[0] == [(kind, "raised", "certain", None)], "late"


def test_a_tamper_is_not_healed_by_its_signal():
    way = [fix(1, 500, said=Said.STRAP_CUT), *(fix(n, 500) for n in range(2, 50))]
    told, state = run(*way)
    assert told == [("strap_cut", "raised", "certain", None)]
    assert (AlarmKind.STRAP_CUT, None) in episodes(state, "w1")
    assert run(fix(60, 500, said=Said.STRAP_CUT), state=state)[0] == [("strap_cut", "repeated", "certain", None)]


def test_a_flickering_contact_is_told_once():
    way = [fix(n, 500, s=10 * n, said=Said.STRAP_CUT if n % 2 else Said.NOTHING) for n in range(1, 40)]
    assert run(*way)[0] == [("strap_cut", "raised", "certain", None)]


def test_other_flags_raise_nothing_of_this_release():
    assert run(fix(1, 500, said=Said.LOW_BATTERY | Said.POWER_CUT | Said.SHOCK | Said.OTHER))[0] == []


def test_every_kind_has_its_condition():
    nights = Row(days=tuple(range(7)), start_min=0, end_min=0)
    home = Curfew(id="c1", name="집", home=Circle(LAT + 0.1, LON, 50.0), rows=(nights,))
    school = msgspec.structs.replace(home, id="c2", hours=Hours.SCHOOL)
    living = Inclusion(id="i1", name="x", area=Circle(LAT + 0.1, LON, 500.0))
    work = Inclusion(id="i2", name="x", area=Circle(LAT + 0.1, LON, 50.0), stay=Stay.ATTENDANCE, rows=(nights,))
    order = msgspec.structs.replace(ORDER, curfews=(home, school), inclusions=(living, work))
    orders = {"w1": order}
    said = Said.STRAP_CUT | Said.BODY_TAMPER | Said.SOS | Said.JAMMING | Said.SEPARATION
    told, _ = judge([fix(n, 0, said=said) for n in range(1, 6)], orders, RuleState())
    assert {each.kind for each in told} == set(AlarmKind) - PROTECTING - TECHNICAL - {AlarmKind.PLANNED_REMOVAL}
    assert len(rules.CONDITIONS) == len(set(AlarmKind) - PROTECTING - KEEPING) + 1, (
        "and one for every ring of an approach, one for wherever somebody must be, one for a strap with or without a permit"
    )


def test_a_transition_says_why():
    told, _ = judge([fix(7, 100)], ORDERS, RuleState())
    assert told[0].how is How.INSIDE
    assert told[0].off_m == pytest.approx(-50, abs=0.01)
    assert told[0].order_version == 3
    assert told[0].fix.id == 7


def test_an_order_that_is_not_in_force_forbids_nothing():
    orders = {"w1": msgspec.structs.replace(ORDER, starts_at=T0 + 61_000, ends_at=T0 + 179_000)}
    assert run(fix(1, 0), orders=orders)[0] == []
    assert run(fix(2, 0), orders=orders)[0] == [zone("raised")]
    assert run(fix(3, 0), orders=orders)[0] == []


def test_a_changed_order_counts_from_the_next_fix():
    _, state = run(fix(1, 500))
    wider = {
        "w1": msgspec.structs.replace(ORDER, version=4, zones=(Zone(id="z9", name="x", area=Circle(LAT, LON, 600)),))
    }
    told, _ = judge([fix(2, 500)], wider, state)
    assert [(each.zone, each.order_version) for each in told] == [("z9", 4)]


def test_no_way_that_began_before_an_order_is_held_against_what_it_brought():
    """Who stood where nothing was forbidden yet did no wrong; what was forbidden before is swept as ever."""
    new = Zone(id="z9", name="x", area=Circle(*PLANE.to_latlon(-300, 0), 100.0))
    wider = {"w1": msgspec.structs.replace(ORDER, version=4, zones=(*ORDER.zones, new))}
    _, state = run(fix(1, -300))
    told, after = judge([fix(2, -500)], wider, state)
    assert told == ()
    assert [each.zone for each in judge([fix(3, -180)], wider, after)[0]] == ["z9", "z9"], "from then on it is"
    _, state = run(fix(1, -420))
    assert {each.zone for each in judge([fix(2, 420)], wider, state)[0]} == {"z1"}
    _, state = run(fix(1, -420, s=0))
    same = {"w1": msgspec.structs.replace(wider["w1"], version=5)}
    _, state = judge([fix(2, -500, s=10)], wider, state)
    assert {each.zone for each in judge([fix(3, -180, s=60)], same, state)[0]} == {"z9"}, (
        "a version that redraws nothing"
    )


# --- a person ends an episode --------------------------------------------------------------------------------------


def test_after_an_end_the_next_is_new():
    told, state = judge([fix(1, 500, said=Said.STRAP_CUT)], ORDERS, RuleState())
    state = end(state, "w1", told[0].episode, 1)
    again, state = judge([fix(2, 500), fix(3, 500, said=Said.STRAP_CUT)], ORDERS, state)
    assert [each.change for each in again] == [Change.RAISED]
    assert again[0].episode != told[0].episode


def test_a_second_cut_with_an_old_clock_is_heard_after_an_end():
    """Who sets the device's clock back (by false satellites) must not cut the strap under a closed alarm."""
    told, state = judge([fix(1, 500, said=Said.STRAP_CUT), fix(2, 500, said=Said.STRAP_CUT)], ORDERS, RuleState())
    state = end(state, "w1", told[0].episode, 2)
    assert run(fix(9, 500, s=60, said=Said.STRAP_CUT), state=state)[0] == [("strap_cut", "raised", "certain", None)]


def test_a_position_sent_again_after_an_end_is_known():
    told, state = judge([fix(1, 0), fix(2, 300)], ORDERS, RuleState())
    state = end(state, "w1", told[0].episode, 2)
    again, state = judge([fix(3, 300), fix(4, 0, s=60)], ORDERS, state)
    assert again == ()


def test_the_journal_judged_again_with_the_ends_known_gives_the_same():
    first = [fix(1, 0), fix(2, 300, said=Said.SOS), fix(3, 300)]
    then = [fix(4, 0), fix(5, 300, said=Said.SOS)]
    told, state = judge(first, ORDERS, RuleState())
    live = list(told)
    for episode in {each.episode for each in told}:
        state = end(state, "w1", episode, 3)
    told, state = judge(then, ORDERS, state)
    live += told
    known = RuleState()
    for episode in {each.episode for each in live[:3]}:
        known = end(known, "w1", episode, 3)
    again, _ = judge(first + then, ORDERS, known)
    assert list(again) == live


# --- the adversary -------------------------------------------------------------------------------------------------


def test_a_spoofed_far_fix_does_not_clear():
    told, state = run(fix(1, 0), fix(2, 100_000), fix(3, 0), fix(4, 100_000), fix(5, 0))
    assert told == [zone("raised")]
    assert run(fix(6, 300), state=state)[0] == [zone("returned")], "the true way out is believed at once"


def test_a_spoofed_fix_does_not_start_a_way():
    assert run(fix(1, 3000), fix(2, -100_000), fix(3, 3000))[0] == []


def test_positions_that_agree_are_believed_in_the_end():
    """A first fix that was wrong must not deafen the rules for ever."""
    told, _ = run(fix(1, 0), *(fix(n, 100_000 + n) for n in range(2, 5)))
    assert told == [zone("raised"), zone("returned")]
    told, _ = run(fix(1, 0), *(fix(n, 100_000 + n) for n in range(2, 4)))
    assert told == [zone("raised")]


def test_a_spoofed_jump_into_a_zone_is_a_violation():
    assert run(fix(1, 100_000), fix(2, 0))[0] == [zone("raised", "maybe")]
    assert run(fix(1, 100_000), *(fix(n, 0) for n in range(2, 6)))[0] == [zone("raised", "maybe"), zone("risen")]


@pytest.mark.parametrize("mark", [Mark.MOCK, Mark.NOT_VALID])
def test_a_made_up_position_does_not_clear(mark):
    assert run(fix(1, 0), fix(2, 300, marks=mark))[0] == [zone("raised")]


def test_an_old_fix_replayed_after_a_tamper_changes_nothing():
    clean = fix(1, 500)
    _, state = run(clean, fix(2, 500, said=Said.STRAP_CUT))
    again = msgspec.structs.replace(clean, id=3, received_at=T0 + 999_000)
    assert run(again, state=state)[0] == []
    assert episodes(run(again, state=state)[1], "w1") == episodes(state, "w1")


def test_an_old_fix_from_outside_does_not_clear():
    assert run(fix(1, 300), fix(2, 0), fix(3, 300, s=70))[0][-1] == zone("raised", "maybe")


def test_a_clock_set_ahead_does_not_shut_out_what_follows():
    ahead = fix(1, 300, s=350, received_at=T0 + 60_500)
    assert run(ahead, fix(2, 0), fix(3, 300))[0] == [zone("raised", "maybe"), zone("returned", "maybe")]


def test_swapped_coordinates_are_in_no_zone_and_clear_nothing():
    lat, lon = PLANE.to_latlon(0, 0)
    assert run(fix(1, 0), fix(2, 0, lat=lon, lon=lat))[0] == [zone("raised")]


# --- properties ----------------------------------------------------------------------------------------------------

steps = st.builds(
    dict,
    x=st.one_of(st.none(), st.floats(-700, 1700), st.floats(-90_000, 90_000)),
    y=st.floats(-500, 500),
    s=st.integers(0, 6_000),
    accuracy_m=st.one_of(st.none(), st.floats(0, 4_000)),
    source=st.sampled_from(Source),
    said=st.sampled_from([Said.NOTHING] * 6 + [Said.STRAP_CUT, Said.BODY_TAMPER, Said.SOS, Said.SOS | Said.SHOCK]),
    marks=st.sampled_from([Mark.NOTHING] * 4 + [Mark.MOCK, Mark.NOT_VALID, Mark.PLACE_REFUSED]),
    speed_mps=st.one_of(st.none(), st.floats(0, 60)),
)
ways = st.lists(steps, max_size=14).map(
    lambda some: [fix(n, each.pop("x"), each.pop("y"), **each) for n, each in enumerate(some, 1)]
)


@given(ways, steps, st.sampled_from([Said.STRAP_CUT, Said.BODY_TAMPER, Said.SOS]), st.booleans())
def test_a_tamper_is_always_heard(way, step, said, ordered):
    orders = ORDERS if ordered else {}
    kind = {Said.STRAP_CUT: AlarmKind.STRAP_CUT, Said.BODY_TAMPER: AlarmKind.BODY_TAMPER, Said.SOS: AlarmKind.SOS}[said]
    _, before = judge(way, orders, RuleState())
    known = (kind, None) in episodes(before, "w1")
    step = dict(step) | {"said": step["said"] | said}
    told, after = judge([fix(50, step.pop("x"), step.pop("y"), **step)], orders, before)
    assert (kind, None) in episodes(after, "w1")
    assert known or [each.change for each in told if each.kind is kind] == [Change.RAISED]


@given(ways, st.floats(-40, 40), st.floats(-40, 40))
def test_who_stays_inside_is_certain_in_the_end_whatever_came_before(way, x, y):
    sharp = [fix(50 + k, x, y, s=8_000 + 60 * k, accuracy_m=12.0) for k in range(4)]
    _, after = judge([*way, *sharp], ORDERS, RuleState())
    episode = episodes(after, "w1")[AlarmKind.EXCLUSION_ZONE, "z1"]
    assert (episode.certainty, episode.broken) == (Certainty.CERTAIN, True)


vague = st.builds(
    dict,
    x=st.floats(-140, 140),
    y=st.floats(-40, 40),
    s=st.integers(0, 6_000),
    source=st.just(Source.CELL) | st.just(Source.GNSS),
    marks=st.sampled_from([Mark.NOTHING, Mark.MOCK, Mark.UNPROVEN]),
    said=st.sampled_from([Said.NOTHING, Said.STRAP_CUT, Said.SOS]),
    accuracy_m=st.one_of(st.none(), st.floats(0, 500)),
)


@given(ways, st.lists(vague, max_size=10))
def test_neither_towers_nor_three_satellites_ever_open_a_zone_alarm_and_their_flags_count(way, some):
    """Whatever else was said: with these fixes the zone rings no sooner than without them, and a strap is heard in any."""
    few = [
        fix(n, each["x"], each["y"], **{k: v for k, v in each.items() if k not in "xy"}
            | ({} if each["source"] is Source.CELL else {"marks": each["marks"] | Mark.FEW_SATELLITES}))
        for n, each in enumerate(some, 100)
    ]  # fmt: skip
    state, told = RuleState(), []
    for each in (*way, *few):
        found, state = judge([each], ORDERS, state)
        told += [(each, one) for one in found]
    opened = [
        one
        for one, verdict in told
        if verdict.kind is AlarmKind.EXCLUSION_ZONE and verdict.change is not Change.RETURNED
    ]
    assert not [one for one in opened if one.source is Source.CELL or one.marks & Mark.FEW_SATELLITES]
    for flag, kind in ((Said.STRAP_CUT, AlarmKind.STRAP_CUT), (Said.SOS, AlarmKind.SOS)):
        if any(each.said & flag for each in few):
            assert (kind, None) in episodes(state, "w1")


def test_a_suspicious_position_asks_for_the_next_ones_soon():
    _, state = run(fix(1, 600), fix(2, 600))
    assert rules.suspected(state, T0 + 121_000) == frozenset()
    _, state = run(fix(3, 100), state=state)
    assert rules.suspected(state, T0 + 181_000) == {"w1"}
    assert rules.suspected(state, T0 + 180_000 + STANDARD.watch_ms + 1) == frozenset(), "for a while"
    _, calm = run(*(fix(n, 600) for n in range(4, 8)), state=state)
    assert dict(calm.suspects) == {}
    assert rules.suspected(run(fix(1, 100, source=Source.CELL))[1], T0 + 61_000) == frozenset()


@settings(max_examples=300)
@given(ways, st.randoms(use_true_random=False))
@example([fix(1, 0), fix(2, 300), fix(3, 0, s=5000), fix(4, 300, s=5060)], None)
def test_duplicates_change_nothing(way, dice):
    plain, _ = judge(way, ORDERS, RuleState())
    doubled = []
    for n, each in enumerate(way):
        doubled.append(each)
        again = way[dice.randrange(n + 1)] if dice else way[0]
        doubled.append(
            msgspec.structs.replace(again, id=each.id + 1000, received_at=max(again.received_at, each.received_at))
        )
    told, _ = judge(doubled, ORDERS, RuleState())
    assert [(each.kind, each.change, each.zone, each.episode) for each in told] == [
        (each.kind, each.change, each.zone, each.episode) for each in plain
    ]


@given(ways, st.integers(0, 14))
def test_same_input_same_output_however_it_is_cut_into_batches(way, cut):
    whole, at_once = judge(way, ORDERS, RuleState())
    first, state = judge(way[:cut], ORDERS, RuleState())
    second, state = judge(way[cut:], ORDERS, state)
    assert msgspec.msgpack.encode(whole) == msgspec.msgpack.encode(first + second)
    assert state == at_once


@given(ways)
def test_the_state_given_is_never_changed(way):
    state = RuleState()
    for each in way:
        before = dict(episodes(state, "w1"))
        _, after = judge([each], ORDERS, state)
        assert dict(episodes(state, "w1")) == before
        state = after


@given(ways)
def test_transitions_of_an_episode_make_sense(way):
    told, _ = judge(way, ORDERS, RuleState())
    seen = {}
    for each in told:
        if each.change is Change.RAISED:
            assert each.episode not in seen
        else:
            assert each.episode in seen
            assert each.change is not Change.RISEN or seen[each.episode] is Certainty.MAYBE
            assert not (seen[each.episode] is Certainty.CERTAIN and each.certainty is Certainty.MAYBE)
        assert each.change is not Change.RETURNED or each.kind in {AlarmKind.EXCLUSION_ZONE, *TECHNICAL}
        seen[each.episode] = each.certainty


def test_wearers_do_not_touch_each_other():
    mixed = [fix(1, 0), fix(2, 0, wearer="w2"), fix(3, 300), fix(4, 0, wearer="w2", said=Said.SOS)]
    told, _ = judge(mixed, ORDERS, RuleState())
    assert [(each.wearer, each.change) for each in told] == [
        ("w1", Change.RAISED),
        ("w1", Change.RETURNED),
        ("w2", Change.RAISED),
    ]


# --- real tracks ---------------------------------------------------------------------------------------------------

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.skipif(not (DATA / "tracks").is_dir(), reason="needs the folder of real tracks")
def test_a_real_track_against_an_oracle():
    """A real receiver in Beijing, moved to Korea: jumps and gaps of hours and all. The zone is where they often are."""
    whose = sorted((DATA / "tracks" / "geolife_plt").glob("*"))[1]
    files = sorted(whose.glob("Trajectory/*.plt"))[:12]
    way = []
    for n, row in enumerate((row for file in files for row in csv.reader(file.read_text().splitlines())), 1):
        if len(row) != 7:
            continue
        at = round((float(row[4]) - 25569) * 86_400_000)
        lat, lon = float(row[0]) - 3.5, float(row[1]) + 11.0
        way.append(
            Fix(id=n, wearer="w1", device="d1", observed_at=at, received_at=at, lat=lat, lon=lon, accuracy_m=12.08)
        )
    assert len(way) > 2000
    middle = way[len(way) // 2]
    orders = {
        "w1": msgspec.structs.replace(ORDER, zones=(Zone(id="z1", name="x", area=Circle(middle.lat, middle.lon, 200)),))
    }
    told, _ = judge(way, orders, RuleState())
    inside = {
        each.id for each in way if GEOD.inv(middle.lon, middle.lat, each.lon, each.lat)[2] <= 200 - fixes.radius_m(each)
    }
    assert inside
    first = next(each for each in told if each.certainty is Certainty.CERTAIN)
    assert min(inside) <= first.fix.id <= min(inside) + 30, "a receiver that speaks every few seconds"
    broken, within, since = False, 0, 0
    by_fix = {}
    for each in told:
        by_fix.setdefault(each.fix.id, []).append(each.change)
    for each in way:
        for change in by_fix.get(each.id, ()):
            broken = change is not Change.RETURNED
        within = within + 1 if each.id in inside else 0
        since = since if within > 1 else instant(each)
        assert broken or within < 30 or instant(each) - since < 120_000, "whoever stays inside is known to be"
