"""The belief against its twin in plain Python, and what it must always be: whole, recoverable, the same when replayed."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core.pursuit import belief as beliefs
from safetynet.core.pursuit import choosing, search
from safetynet.core.pursuit.belief import Ground
from safetynet.core.pursuit.evidence import Fixed, NotThere, Seen, Shown, Witness
from safetynet.core.pursuit.model import FLIGHT, Means
from safetynet.core.pursuit.views import View, footprints
from safetynet.core.roads import place_near
from safetynet.core.terms import CameraId, Certainty, Instant

sys.path.insert(0, str(Path(__file__).parent))
from pursuit_twin import Twin
from towns import line, town

EXACT = replace(FLIGHT, dropped=0.0, through_per_s=0.0)


def look(id, x, y, azimuth=None, *, wide=90.0, far=60.0, preset="", turns=False):
    return View(
        camera=CameraId(id), x=x, y=y, range_m=far, azimuth_deg=azimuth, view_deg=wide, preset=preset, turns=turns
    )


def ground_of(roads, views=(), model=FLIGHT):
    listed = list(views) or [look("none", 1e6, 1e6, 0.0)]
    return Ground(roads, footprints(roads, listed, model.known_floor), model)


STREET = line(count=8)
AT = [look("a", 50.0, 0.0, 90.0), look("b", 250.0, 0.0, 90.0), look("c", 450.0, 0.0, 90.0), look("d", 600.0, 0.0, None)]


def at(second):
    return Instant(second * 1000)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("anchored", [False, True])
def test_steps_are_those_of_the_plain_twin(seed, anchored):
    ground = ground_of(town(side=4, seed=seed), model=EXACT)
    first = beliefs.start(ground, 150.0, 150.0, 20.0)
    anchor = place_near(ground.roads, 150.0, 150.0) if anchored else None
    twin = Twin(ground, first, anchor)
    for _ in range(6):
        twin.step()
    now = beliefs.advance(ground, first, ground.turns(anchor), 6, at=6)  # 6 … 11: gaits change once, at 10
    other = Twin(ground, first, anchor)
    for second in range(6, 12):
        if second % 5 == 0:
            other.change()
        other.step()
    assert other.largest_gap(now) < 2e-6
    assert twin.largest_gap(now) > 1e-4, "the test cannot tell a change of gait"


def test_silence_is_that_of_the_plain_twin():
    ground = ground_of(STREET, AT, EXACT)
    first = beliefs.advance(ground, beliefs.start(ground, 250.0, 0.0, 60.0), ground.turns(None), 20, at=1)
    twin = Twin(ground, first)
    looked = ((0, 0.2), (1, 0.3), (2, 0.1))
    twin.silence(looked, ground.views.worth)
    assert twin.largest_gap(beliefs.quieter(ground, first, looked, ground.views.worth)) < 1e-6


def test_the_scratch_is_left_clean():
    ground = ground_of(town(side=4))
    now = beliefs.start(ground, 100.0, 100.0, 30.0)
    for k in range(30):
        now = beliefs.advance(ground, now, ground.turns(None), 1 + k % 3, at=k)
    assert not ground.bench.one.any()
    assert not ground.bench.two.any()
    assert not ground.bench.flag.any()
    choosing.choose(ground, search.begin(ground, at(0), 100.0, 100.0, 30.0), 4)
    assert not ground.bench.there.any()
    assert not ground.bench.used.any()
    beliefs.quieter(ground, now, ((0, 0.5),), ground.views.worth)
    assert (ground.bench.missed == 1.0).all()
    assert len(set(now.cells.tolist())) == len(now.cells)


word = st.one_of(
    st.builds(
        Seen,
        at=st.integers(0, 40).map(at),
        x=st.floats(-100, 800),
        y=st.floats(-50, 50),
        witness=st.sampled_from(Witness),
        view=st.none() | st.integers(0, 3),
        certainty=st.sampled_from(Certainty),
        heading_deg=st.none() | st.floats(0, 360),
        means=st.none() | st.sampled_from(Means),
    ),
    st.builds(Fixed, at=st.integers(0, 40).map(at), x=st.floats(-100, 800), y=st.just(0.0), radius_m=st.floats(3, 500)),
    st.builds(Shown, at=st.integers(0, 40).map(at), views=st.just((0, 1, 2, 3)), wall=st.integers(1, 16)),
    st.builds(NotThere, at=st.integers(0, 40).map(at), view=st.integers(0, 3)),
)


@settings(max_examples=25)
@given(st.lists(word, max_size=12))
def test_whatever_is_heard_the_belief_is_whole_and_nothing_visible_is_impossible(words):
    ground = ground_of(STREET, AT)
    now = search.begin(ground, at(0), 250.0, 0.0, 15.0)
    for second in range(41):
        now = search.go_on(ground, now, at(second))
        for each in [each for each in words if each.at == at(second)]:
            now = search.take(ground, now, each)
    assert now.belief.total == pytest.approx(1.0, abs=1e-3)
    assert np.isfinite(now.belief.chance).all()
    assert (now.belief.chance >= 0.0).all()
    assert len(now.kept) < 40


@settings(max_examples=15)
@given(st.lists(word, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_what_comes_late_is_as_if_it_had_come_in_time(words, dice):
    """Each second's words in the order in which they came; the seconds themselves in any order."""
    ground = ground_of(STREET, AT)
    words = sorted(words, key=lambda each: each.at)
    live = search.begin(ground, at(0), 250.0, 0.0, 15.0)
    for second in range(1, 46):
        live = search.go_on(ground, live, at(second))
        for each in [each for each in words if max(1, search.Search.second_of(live, each.at)) == second]:
            live = search.take(ground, live, each)
    late = search.go_on(ground, search.begin(ground, at(0), 250.0, 0.0, 15.0), at(45))
    order = sorted({each.at for each in words})
    dice.shuffle(order)
    by_second = [[each for each in words if max(at(1), each.at) == when] for when in sorted({max(at(1), w) for w in order}, key=lambda w: order.index(w if w in order else at(0)))]  # fmt: skip
    for heard in by_second:
        for each in heard:
            late = search.take(ground, late, each)
    # A mark also tells where an unmeasured camera looks: what was heard before it is judged anew only from its second on.
    assert len(live.trail) == len(late.trail)
    if len(live.learnt) == 0:
        assert gap(live.belief, late.belief) < 1e-5


def gap(one, other):
    a = {int(c): row for c, row in zip(one.cells, one.chance, strict=True)}
    b = {int(c): row for c, row in zip(other.cells, other.chance, strict=True)}
    none = np.zeros(one.chance.shape[1])
    return max(float(np.abs(a.get(c, none) - b.get(c, none)).max()) for c in {*a, *b})


def mass_between(ground, now, low, high):
    x = ground.roads.place_x[ground.roads.cell_place[now.belief.cells]] + offset(ground)
    return float(now.belief.chance[(x > low) & (x < high)].sum())


def offset(ground):
    """The plane of the roads has its origin in their middle, the tests' at the western end."""
    return -float(ground.roads.node_x.min())


def test_a_mark_draws_the_belief_and_a_false_one_lets_it_go_again():
    ground = ground_of(STREET, shifted(AT))
    now = search.go_on(ground, search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0), at(60))
    before = mass_between(ground, now, 430.0, 520.0)
    now = search.take(ground, now, Seen(at(58), 470.0 - offset(ground), 0.0, view=2))
    marked = mass_between(ground, now, 430.0, 530.0)
    assert marked > 5 * before
    assert mass_between(ground, now, 100.0, 300.0) > 0.01, "nothing is left for him to be elsewhere"
    for second in range(61, 76):
        now = search.go_on(ground, now, at(second))
        now = search.take(ground, now, Shown(at(second), (2,), 9))
    assert mass_between(ground, now, 430.0, 530.0) < 0.5 * marked


def shifted(views):
    west = offset(ground_of(STREET))
    return [replace(each, x=each.x - west) for each in views]


def test_silence_wears_off_what_is_shown_and_never_wholly():
    ground = ground_of(STREET, shifted(AT))
    now = search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0)
    silent = search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0)
    for second in range(1, 30):
        now = search.go_on(ground, now, at(second))
        silent = search.take(ground, search.go_on(ground, silent, at(second)), Shown(at(second), (0,), 9))
    assert mass_between(ground, silent, 50.0, 110.0) < 0.8 * mass_between(ground, now, 50.0, 110.0)
    assert mass_between(ground, silent, 50.0, 110.0) > 0.0


def test_a_view_of_unknown_direction_says_nothing_by_silence_until_a_mark_tells_where_it_looks():
    ground = ground_of(STREET, shifted(AT))
    begun = search.go_on(ground, search.begin(ground, at(0), 600.0 - offset(ground), 0.0, 15.0), at(5))
    said = search.take(ground, begun, Shown(at(5), (3,), 4))
    assert gap(begun.belief, said.belief) == 0.0
    marked = search.take(ground, begun, Seen(at(5), 640.0 - offset(ground), 0.0, view=3))
    (learnt,) = marked.learnt
    assert (learnt.view, learnt.bearing) == (3, pytest.approx(math.pi / 2, abs=0.05))
    entries = slice(ground.views.offset[3], ground.views.offset[4])
    worth, bearing = search.worths(ground, marked.learnt)[entries], ground.views.bearing[entries]
    assert (worth[bearing < 0] == 0.0).all()
    assert (worth[bearing > 0] > ground.views.worth[entries][bearing > 0]).all()


# --- choosing ------------------------------------------------------------------------------------------------------


def test_each_camera_once_the_best_first_and_the_same_every_time():
    views = [*shifted(AT), *shifted([look("a", 50.0, 0.0, 270.0, preset="2", turns=True)])]
    ground = ground_of(STREET, views)
    now = search.go_on(ground, search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0), at(20))
    tiles = choosing.choose(ground, now, 4)
    assert tiles == choosing.choose(ground, now, 4)
    cameras = [ground.views.camera[each.view] for each in tiles]
    assert len(set(cameras)) == len(cameras)
    assert tiles[0].view == 0
    assert [each.share for each in tiles] == sorted((each.share for each in tiles), reverse=True)
    assert 0.0 < sum(each.share for each in tiles) <= 1.0


def test_only_what_is_allowed_is_chosen():
    ground = ground_of(STREET, shifted(AT))
    now = search.go_on(ground, search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0), at(20))
    allowed = np.array([False, True, True, False])
    assert {each.view for each in choosing.choose(ground, now, 4, allowed=allowed)} <= {1, 2}


def test_greedy_is_what_trying_everything_greedily_finds():
    roads = town(side=5, seed=4)
    views = [look(f"{k}", float(roads.place_x[p]), float(roads.place_y[p]), 45.0 * k, wide=100.0) for k, p in enumerate(range(0, roads.places, 5))]  # fmt: skip
    ground = ground_of(roads, views)
    now = search.go_on(ground, search.begin(ground, at(0), 0.0, 0.0, 40.0), at(60))
    outlook = beliefs.Outlook(ground)
    beliefs.ahead(ground, now.belief, ground.turns(now.anchor), [(0, 1 / 3), (5, 1 / 3), (10, 1 / 3)], outlook)
    left, chosen = outlook.there.copy(), []
    outlook.close()
    for _ in range(6):
        gains = [float((left[ground.views.places(v)] * ground.views.worth[ground.views.offset[v] : ground.views.offset[v + 1]]).sum()) if v not in chosen else -1.0 for v in range(len(views))]  # fmt: skip
        best = int(np.argmax(gains))
        chosen.append(best)
        left[ground.views.places(best)] *= 1 - ground.views.worth[ground.views.offset[best] : ground.views.offset[best + 1]]  # fmt: skip
    assert [each.view for each in choosing.choose(ground, now, 6)] == chosen


def test_one_view_stays_where_he_was_last_seen():
    ground = ground_of(STREET, shifted(AT))
    now = search.go_on(ground, search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0), at(20))
    now = search.take(ground, now, Seen(at(20), 280.0 - offset(ground), 0.0, view=1))
    now = search.go_on(ground, now, at(80))
    tiles = choosing.choose(ground, now, 3)
    assert choosing.Why.LAST_SEEN in {each.why for each in tiles if each.view == 1}


def test_what_is_shown_stays_when_another_is_hardly_better():
    ground = ground_of(STREET, shifted([look("a", 50.0, 0.0, 90.0), look("e", 50.5, 0.0, 90.0)]))
    now = search.go_on(ground, search.begin(ground, at(0), 100.0 - offset(ground), 0.0, 15.0), at(5))
    (best,) = choosing.choose(ground, now, 1)
    (kept,) = choosing.choose(ground, now, 1, shown=(1 - best.view,))
    assert (kept.view, kept.why) == (1 - best.view, choosing.Why.KEPT)


def test_a_line_of_sight_stays_in_the_street():
    roads = town(side=3, seed=1, missing=0.0, one_way=0.0)
    corner = place_near(roads, float(roads.node_x[0]), float(roads.node_y[0]))
    eye = look("x", float(roads.place_x[corner]), float(roads.place_y[corner]), None, far=150.0)
    seen = footprints(roads, [eye], 0.5)
    far = [int(p) for p in seen.place if math.dist((roads.place_x[p], roads.place_y[p]), (eye.x, eye.y)) > 40.0]
    block = [p for p in range(roads.places) if math.dist((roads.place_x[p], roads.place_y[p]), (eye.x, eye.y)) < 150.0]
    assert 0 < len(far) < len(block) / 2


def test_the_region_holds_what_it_says():
    ground = ground_of(town(side=4))
    now = search.go_on(ground, search.begin(ground, at(0), 100.0, 100.0, 20.0), at(120))
    places = choosing.region(ground, now.belief, 0.9)
    _, chance = beliefs.by_place(ground, now.belief)
    inside = float(chance[: len(places)].sum())
    assert 0.9 <= inside < 0.9 + float(chance[len(places) - 1]) + 1e-6


def test_a_tile_says_which_way_it_lies_from_where_he_was_last_known():
    ground = ground_of(STREET, shifted(AT))
    now = search.go_on(ground, search.begin(ground, at(0), 230.0 - offset(ground), 0.0, 15.0), at(40))
    toward = {each.view: each.toward_deg for each in choosing.choose(ground, now, 4)}
    assert toward[0] == pytest.approx(270.0, abs=10.0)
    assert toward[2] == pytest.approx(90.0, abs=10.0)
    now = search.take(ground, now, Seen(at(40), 490.0 - offset(ground), 0.0, view=2))
    toward = {each.view: each.toward_deg for each in choosing.choose(ground, now, 4)}
    assert toward[2] is None
    assert toward[1] == pytest.approx(270.0, abs=10.0)


def test_what_comes_next_is_connected_beforehand_and_is_none_of_what_is_shown():
    ground = ground_of(STREET, shifted(AT))
    now = search.go_on(ground, search.begin(ground, at(0), 300.0 - offset(ground), 0.0, 15.0), at(10))
    now = search.take(ground, now, Seen(at(10), 330.0 - offset(ground), 0.0, heading_deg=90.0, means=Means.CAR))
    shown = tuple(each.view for each in choosing.choose(ground, now, 1))
    nearing = choosing.coming(ground, now, 2, shown)
    assert not {each.view for each in nearing} & set(shown)
    assert nearing[0].view in (2, 3)
    assert nearing[0].seconds == choosing.COMING_S[-1]
    nobody = np.zeros(len(ground.views), np.bool_)
    assert choosing.coming(ground, now, 2, shown, nobody) == ()
