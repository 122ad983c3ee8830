"""What one measurement is worth: the arithmetic of every verdict, on plain numbers.

Log-odds that somebody is on the violating side of an edge (reference tracking, section 4): each position adds what it
says, capped, because one in a hundred is several times as wrong as it claims, and less when it comes soon after the
one before, because errors of neighbouring positions hang together. Knowing that somebody was elsewhere grows stale.
Between two positions the way is swept against a speed: surely through, perhaps through, or not shown. Two people are
as far apart as an interval says.

Every function takes and gives floats and ints only, raises nothing and branches plainly, so that a compiled kernel can
take it as it stands; it is the oracle of that kernel. Metres, metres a second, seconds; `gap_ms` in milliseconds.

Absent on purpose: persons, places, orders, and which threshold belongs to which condition (`zones`, `homes`).
"""

from math import acos, erfc, exp, hypot, log, pi, sqrt
from math import pow as power_of
from typing import Final

RADIUS_PER_SIGMA: Final = 1.51
"""The 68 % radius of a circular normal error, in standard deviations of one axis."""
SIGMA_M_MIN: Final = 8.0
"""No radius reported by a device makes a position better than this (one standard deviation on each axis)."""
_POINT_M: Final = 1e-6
_Z_MAX: Final = 6.0
"""Beyond it the tail of the normal distribution says nothing about devices."""

NOTHING: Final = 0
SUSPECT: Final = 1
VIOLATION: Final = 2
"""Levels of a belief (`level`)."""

IMPOSSIBLE: Final = 0
POSSIBLE: Final = 1
CERTAIN: Final = 2
"""What a way between two positions says of an area (`swept`)."""

NEVER_S: Final = 1.0e9
"""Time to contact of two who do not come nearer."""


# --- a position and an edge ----------------------------------------------------------------------------------------


def sigma_m(radius_m: float) -> float:
    """Standard deviation of each axis, of a 68 % radius."""
    return max(radius_m / RADIUS_PER_SIGMA, SIGMA_M_MIN)


def lean(off_m: float, sigma: float, cap: float) -> float:
    """Log-odds, capped, by which one position speaks for being outside; `off_m`: signed distance, negative inside."""
    z = max(-_Z_MAX, min(_Z_MAX, off_m / sigma))
    odds = log(erfc(-z / sqrt(2.0))) - log(erfc(z / sqrt(2.0)))
    return max(-cap, min(cap, odds))


def share(gap_ms: float, weight: float, rhythm_ms: float, power: float) -> float:
    """What a position counts that comes `gap_ms` after the one before: `weight` after a whole rhythm, less when sooner."""
    if gap_ms >= rhythm_ms:
        return weight
    return weight * power_of(max(gap_ms, 0.0) / rhythm_ms, power)


def faded(odds: float, prior: float, gap_ms: float, fades_ms: float) -> float:
    """What is left of a belief after a time without a position. Only what speaks against a violation fades."""
    if odds >= prior:
        return odds
    return prior + (odds - prior) * exp(-max(gap_ms, 0.0) / fades_ms)


def updated(before: float, said: float, floor: float, ceiling: float) -> float:
    """A belief (already faded) with what a position says of it, kept within bounds so that no history is beyond recall."""
    return max(floor, min(ceiling, before + said))


def level(odds: float, suspect: float, violation: float) -> int:
    if odds >= violation:
        return VIOLATION
    return SUSPECT if odds >= suspect else NOTHING


def probability(odds: float) -> float:
    """Of log-odds, for people."""
    return 1.0 / (1.0 + exp(-odds))


# --- the way between two positions ---------------------------------------------------------------------------------


def around_m(ax: float, ay: float, bx: float, by: float, cx: float, cy: float, radius: float) -> float:
    """The shortest way from a to b that does not enter a disc around c: two tangents and an arc, or the straight way.

    An end inside the disc counts as standing on its rim.
    """
    straight = hypot(bx - ax, by - ay)
    da, db = hypot(ax - cx, ay - cy), hypot(bx - cx, by - cy)
    if da == 0.0 or db == 0.0 or straight < _POINT_M:
        return straight
    along = ((cx - ax) * (bx - ax) + (cy - ay) * (by - ay)) / (straight * straight)
    on = max(0.0, min(1.0, along))
    if hypot(ax + (bx - ax) * on - cx, ay + (by - ay) * on - cy) >= radius:
        return straight
    cosine = ((ax - cx) * (bx - cx) + (ay - cy) * (by - cy)) / (da * db)
    turn = acos(min(1.0, max(-1.0, cosine)))
    free_a = acos(radius / da) if da > radius else 0.0
    free_b = acos(radius / db) if db > radius else 0.0
    arc = turn - free_a - free_b
    if arc <= 0.0 or arc > pi:
        return straight
    tangents = sqrt(max(0.0, da * da - radius * radius)) + sqrt(max(0.0, db * db - radius * radius))
    return max(straight, tangents + radius * arc)


def longest_m(straight: float, gap_s: float, speed_a: float, speed_b: float, factor: float) -> float:
    """How long the way between two positions was at most, at `factor` times the pace seen there (means and reports)."""
    return factor * max(straight, gap_s * max(speed_a, speed_b))


def swept(depth: float, detour: float, radius_a: float, radius_b: float, longest: float) -> int:
    """Whether the way from one position to the next led through an area that both lie wholly outside of.

    `depth`: how far the straight way reaches into it (positive inside). `detour`: the shortest way past a disc within it,
    between the two points. Certain when even from the best spots of both circles there was no time for that detour.
    Possible when the straight way lies deeper than the errors of its ends.
    """
    if depth <= 0.0:
        return IMPOSSIBLE
    if detour - radius_a - radius_b > longest:
        return CERTAIN
    return POSSIBLE if depth > max(radius_a, radius_b) else IMPOSSIBLE


def passed(depth: float, radius_a: float, radius_b: float, deepest: float) -> int:
    """The same where positions nearer or inside lie between the two that lie outside. `deepest`: how far the deepest of them lies
    within the edge, beyond twice its own radius. To explain it away both that position and the straight way would have to be wrong.
    """
    if depth <= max(radius_a, radius_b):
        return IMPOSSIBLE
    return CERTAIN if deepest > 0.0 else POSSIBLE


# --- two people ----------------------------------------------------------------------------------------------------


def apart_min_m(metres: float, give: float) -> float:
    """Lower end of the distance of two circles; `give`: the 68 % radius of the distance."""
    return max(0.0, metres - give)


def apart_max_m(metres: float, give: float) -> float:
    return metres + give


def closing_mps(then_m: float, now_m: float, gap_s: float) -> float:
    """How fast two come nearer (positive) or part; 0 without time between."""
    return (then_m - now_m) / gap_s if gap_s > 0.0 else 0.0


def contact_s(now_m: float, ring_m: float, closing: float) -> float:
    """Until they are within a ring at that pace; 0 within it, NEVER_S when they do not come nearer."""
    if now_m <= ring_m:
        return 0.0
    return min(NEVER_S, (now_m - ring_m) / closing) if closing > 0.0 else NEVER_S


# --- silence -------------------------------------------------------------------------------------------------------


def reach_m(radius_m: float, silent_s: float, speed_mps: float) -> float:
    """How far from the newest position somebody may be by now: the area grows with the silence."""
    return radius_m + max(0.0, silent_s) * speed_mps


RHYTHM_MS: Final = 60_000
"""Of a device of which nothing is known yet."""
QUICKEST_MS: Final = 30_000
SLOWEST_MS: Final = 300_000
"""No rhythm is learnt beyond these: nobody can make a silence of hours ordinary by being silent often."""
MISSED: Final = 3
"""So many words that did not come in a row are no chance."""


def rhythm_ms(before: int, gap_ms: int) -> int:
    """How often a device speaks, with one gap more. A longer silence counts as MISSED words: it is no rhythm."""
    seen = min(gap_ms, MISSED * before)
    return max(QUICKEST_MS, min(SLOWEST_MS, before + (seen - before) // 4))


def missed_ms(rhythm: int) -> int:
    """After so long without a word something is amiss."""
    return MISSED * rhythm
