"""The arithmetic of verdicts: against plain statements, an independent oracle, and a compiler."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from safetynet.core import evidence
from safetynet.core.evidence import CERTAIN, IMPOSSIBLE, NOTHING, POSSIBLE, SUSPECT, VIOLATION

metres = st.floats(-2_000, 2_000)


@pytest.mark.parametrize(
    ("off", "sigma", "expected"),
    [(0, 10, 0.0), (10, 10, math.log(0.841345 / 0.158655)), (-10, 10, -math.log(0.841345 / 0.158655)), (90, 10, 6.0), (-9e9, 8, -6.0)],
)  # fmt: skip
def test_a_position_leans(off, sigma, expected):
    assert evidence.lean(off, sigma, 6.0) == pytest.approx(expected, abs=1e-4)


@given(metres, st.floats(8, 500), st.floats(0.1, 10))
def test_it_leans_the_same_both_ways_and_never_beyond_its_cap(off, sigma, cap):
    said = evidence.lean(off, sigma, cap)
    assert abs(said) <= cap
    assert evidence.lean(-off, sigma, cap) == pytest.approx(-said, abs=1e-6)


@given(metres, metres, st.floats(8, 500))
def test_further_out_speaks_no_less_for_being_out(a, b, sigma):
    low, high = sorted((a, b))
    assert evidence.lean(low, sigma, 6.0) <= evidence.lean(high, sigma, 6.0) + 1e-9


def test_neighbours_count_less():
    shares = [evidence.share(gap, 0.5, 60_000, 0.6) for gap in (0, 1_000, 10_000, 60_000, 600_000)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == shares[-2] == 0.5


def test_knowing_that_somebody_was_elsewhere_grows_stale_and_nothing_else_does():
    assert evidence.faded(-6.0, -2.0, 0, 600_000) == -6.0
    assert evidence.faded(-6.0, -2.0, 600_000, 600_000) == pytest.approx(-2.0 - 4.0 / math.e)
    assert evidence.faded(-6.0, -2.0, 1e12, 600_000) == pytest.approx(-2.0)
    assert evidence.faded(3.0, -2.0, 1e12, 600_000) == 3.0


def test_levels():
    assert [evidence.level(odds, 0.0, 2.2) for odds in (-0.1, 0.0, 2.1, 2.2)] == [NOTHING, SUSPECT, SUSPECT, VIOLATION]
    assert evidence.probability(0.0) == 0.5
    assert evidence.probability(2.2) == pytest.approx(0.9, abs=0.001)


def posts_m(a, b, radius, n=720):
    """The shortest way around a disc at 0, 0 along its rim, by trying every pair of posts. Independent of tangents."""
    posts = [(radius * math.cos(2 * math.pi * k / n), radius * math.sin(2 * math.pi * k / n)) for k in range(n)]
    free = lambda p: [k for k, q in enumerate(posts) if p[0] * q[0] + p[1] * q[1] >= radius * radius * 0.999]  # noqa: E731
    step = 2 * math.pi * radius / n
    return min(
        math.dist(a, posts[i]) + step * min(abs(i - j), n - abs(i - j)) + math.dist(posts[j], b)
        for i in free(a)
        for j in free(b)
    )


@given(st.floats(160, 900), st.floats(0, 2 * math.pi), st.floats(160, 900), st.floats(0, 2 * math.pi))
def test_the_way_around(far_a, turn_a, far_b, turn_b):
    a = (far_a * math.cos(turn_a), far_a * math.sin(turn_a))
    b = (far_b * math.cos(turn_b), far_b * math.sin(turn_b))
    found = evidence.around_m(*a, *b, 0.0, 0.0, 150.0)
    straight = math.dist(a, b)
    assert found >= straight - 1e-9
    t = max(0.0, min(1.0, -(a[0] * (b[0] - a[0]) + a[1] * (b[1] - a[1])) / max(straight**2, 1e-9)))
    if math.hypot(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) >= 150.0:
        assert found == pytest.approx(straight)
    else:
        assert found == pytest.approx(posts_m(a, b, 150.0), abs=3.0)


@pytest.mark.parametrize(
    ("depth", "detour", "longest", "expected"),
    [
        (-1, 900, 300, IMPOSSIBLE),
        (150, 500, 300, CERTAIN),
        (150, 320, 300, POSSIBLE),
        (11, 320, 300, IMPOSSIBLE),
        (13, 320, 300, POSSIBLE),
    ],
)
def test_a_way_is_swept(depth, detour, longest, expected):
    assert evidence.swept(depth, detour, 12.0, 12.0, longest) == expected


def test_two_people():
    assert (evidence.apart_min_m(20.0, 30.0), evidence.apart_max_m(20.0, 30.0)) == (0.0, 50.0)
    assert evidence.closing_mps(900.0, 600.0, 60.0) == 5.0
    assert evidence.contact_s(600.0, 100.0, 5.0) == 100.0
    assert evidence.contact_s(90.0, 100.0, 5.0) == 0.0
    assert evidence.contact_s(600.0, 100.0, -1.0) == evidence.NEVER_S
    assert evidence.closing_mps(900.0, 600.0, 0.0) == 0.0
    assert evidence.reach_m(50.0, 60.0, 1.5) == 140.0


def test_a_compiler_takes_it_as_it_stands():
    lean, around, swept = (njit(each) for each in (evidence.lean, evidence.around_m, evidence.swept))
    for off in (-300.0, -20.0, 0.0, 7.5, 900.0):
        assert lean(off, 12.0, 6.0) == evidence.lean(off, 12.0, 6.0)
    assert around(-200.0, 5.0, 210.0, -3.0, 0.0, 0.0, 150.0) == evidence.around_m(
        -200.0, 5.0, 210.0, -3.0, 0.0, 0.0, 150.0
    )
    assert swept(50.0, 400.0, 12.0, 15.0, 380.0) == evidence.swept(50.0, 400.0, 12.0, 15.0, 380.0)
