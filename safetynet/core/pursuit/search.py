"""One pursuit: what was heard, in order of when it happened, and the belief that follows.

The seam that the minds call (docs/adr/0020):

    search = search.begin(ground, at, x, y, radius_m)        # the strap was cut here
    search = search.go_on(ground, search, at)                # every second
    search = search.take(ground, search, evidence)           # in any order: what comes late is played again
    tiles = choosing.choose(ground, search, wanted, shown)   # which views, and why

A pursuit is a value and all this is pure: live and replay are the same code. What is late by more than REPLAY_S_MAX is
taken as of then.

Absent on purpose: the clock, and what is done about it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, assert_never

import numpy as np

from safetynet.core.pursuit import belief as beliefs
from safetynet.core.pursuit import evidence as words
from safetynet.core.pursuit.belief import Belief, Ground
from safetynet.core.pursuit.evidence import Evidence, Fixed, NotThere, Seen, Shown
from safetynet.core.roads import place_near
from safetynet.core.roads.graph import Floats
from safetynet.core.terms import SECOND_MS, Instant

REPLAY_S_MAX: Final = 120
EACH_SECOND_S: Final = 8
"""Beliefs of the last seconds are all kept: marks come a few seconds late."""
SOME_S: Final = 10
"""Of older ones one in so many."""
TRAIL_MAX: Final = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Then:
    """A belief as it was at the end of a second, everything of that second taken in."""

    second: int
    belief: Belief
    anchor: int | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """A view of unknown direction showed him at this bearing (radians): so it looks that way."""

    view: int
    bearing: float


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    began: Instant
    second: int
    belief: Belief
    anchor: int | None
    """Place of the last fix, while nobody has seen him since: whoever flees goes away from it."""
    kept: tuple[Then, ...]
    trail: tuple[tuple[int, Evidence], ...]
    """By second, within one as it came; what is older than REPLAY_S_MAX is only in the belief."""
    learnt: tuple[Learnt, ...] = ()
    last: Seen | None = None
    """The newest sighting."""
    spot: tuple[float, float] = (0.0, 0.0)
    """Where he was last known to be, by a fix or a sighting, and in which second."""
    known: int = 0

    def second_of(self, at: Instant) -> int:
        return (at - self.began) // SECOND_MS


def begin(ground: Ground, at: Instant, x: float, y: float, radius_m: float) -> Search:
    first = beliefs.start(ground, x, y, radius_m)
    anchor = place_near(ground.roads, x, y)
    return Search(at, 0, first, anchor, (Then(0, first, anchor),), (), spot=(x, y))


def go_on(ground: Ground, search: Search, at: Instant) -> Search:
    """To the second of `at`. Going back is not possible: then nothing changes."""
    to = search.second_of(at)
    while search.second < to:
        search = _next(ground, search)
    return search


def take(ground: Ground, search: Search, said: Evidence) -> Search:
    """Evidence of any second up to now. What is late is put in its place and everything after it is played again."""
    assert search.second_of(said.at) <= search.second, "evidence of a second that has not begun: go on first"
    second = min(max(search.second_of(said.at), search.kept[0].second + 1), search.second)
    trail = tuple(sorted((*search.trail, (second, said)), key=lambda each: each[0]))[-TRAIL_MAX:]
    search = replace(search, trail=trail)
    if isinstance(said, Seen | Fixed) and second >= search.known:
        search = replace(search, spot=(said.x, said.y), known=second)
    if not isinstance(said, Seen):
        return _keep(_heard(ground, search, said)) if second == search.second else _again(ground, search, second)
    last = said if search.last is None or said.at >= search.last.at else search.last
    search = replace(search, last=last, learnt=_learn(ground, search.learnt, said))
    # Silences just before a mark are judged anew: the person was in that picture already.
    return _again(ground, search, second - (ground.model.mark_lag_s + 1 if said.view is not None else 0))


def worths(ground: Ground, learnt: tuple[Learnt, ...]) -> Floats:
    """How likely a person in a footprint is in the picture, with what marks have told of directions."""
    return ground.views.worth if not learnt else _turned(ground, learnt)


# --- one second after the other ------------------------------------------------------------------------------------


def _next(ground: Ground, search: Search) -> Search:
    turns = ground.turns(search.anchor)
    moved = beliefs.advance(ground, search.belief, turns, 1, at=search.second)
    return _keep(replace(search, second=search.second + 1, belief=moved))


def _keep(search: Search) -> Search:
    """The belief of a second replaces itself; older ones thin out."""
    kept = [
        each
        for each in search.kept
        if each.second < search.second
        and (
            each.second > search.second - EACH_SECOND_S
            or (each.second % SOME_S == 0 and each.second >= search.second - REPLAY_S_MAX - SOME_S)
        )
    ]
    oldest = search.second - REPLAY_S_MAX - SOME_S
    trail = search.trail
    if trail and trail[0][0] < oldest:
        trail = tuple(each for each in trail if each[0] >= oldest)
    return replace(search, kept=(*kept, Then(search.second, search.belief, search.anchor)), trail=trail)


def _again(ground: Ground, search: Search, second: int) -> Search:
    """From the newest belief before that second up to now."""
    earlier = [each for each in search.kept if each.second < second]
    before = earlier[-1] if earlier else search.kept[0]
    went = replace(
        search, second=before.second, belief=before.belief, anchor=before.anchor, kept=tuple(earlier) or (before,)
    )
    if before.second == search.second:
        return _keep(_heard(ground, went, search.trail[-1][1]))
    of_second: dict[int, list[Evidence]] = {}
    for when, said in search.trail:
        of_second.setdefault(when, []).append(said)
    while went.second < search.second:
        went = _next(ground, went)
        for each in of_second.get(went.second, ()):
            went = _heard(ground, went, each)
        went = _keep(went)
    return went


def _heard(ground: Ground, search: Search, said: Evidence) -> Search:
    """One word, taken in now."""
    worth = worths(ground, search.learnt)
    match said:
        case Shown():
            return replace(search, belief=_silence(ground, search, search.belief, said))
        case NotThere():
            looked = ((said.view, words.NOT_THERE),)
            return replace(search, belief=beliefs.quieter(ground, search.belief, looked, worth))
        case Seen():
            # From now on his own direction tells more than where he came from.
            return replace(search, belief=words.seen(ground, search.belief, said, _wall(search), worth), anchor=None)
        case Fixed():
            now = words.fixed(ground, search.belief, said)
            return replace(search, belief=now, anchor=place_near(ground.roads, said.x, said.y))
        case _:
            assert_never(said)


def _wall(search: Search) -> int:
    """Pictures on the screen just before."""
    before = (each.wall for when, each in reversed(search.trail) if when < search.second and isinstance(each, Shown))
    return next(before, 1)


def _silence(ground: Ground, search: Search, now: Belief, said: Shown) -> Belief:
    """A view that was just marked says nothing by its silence for a while, and then much: whoever follows a person in
    a picture marks him again.
    """
    model = ground.model
    second = search.second
    marked = {
        each.view: when
        for when, each in search.trail
        if isinstance(each, Seen)
        and each.view is not None
        and -model.follow_until_s <= when - second <= model.mark_lag_s + 1
    }
    known = {each.view for each in search.learnt}
    looked: list[tuple[int, float]] = []
    notice = model.trusted * model.notice_per_s(said.wall)
    for view in said.views:
        if not ground.views.known[view] and view not in known:
            continue
        since = second - marked[view] if view in marked else None
        if since is None:
            looked.append((view, notice))
        elif since > model.follow_after_s:
            looked.append((view, max(notice, model.trusted * model.follow_per_s)))
    return beliefs.quieter(ground, now, tuple(looked), worths(ground, search.learnt)) if looked else now


# --- what marks tell of directions ---------------------------------------------------------------------------------


def _learn(ground: Ground, learnt: tuple[Learnt, ...], said: Seen) -> tuple[Learnt, ...]:
    if said.view is None or ground.views.known[said.view] or any(each.view == said.view for each in learnt):
        return learnt
    stands = ground.views.all[said.view]
    bearing = float(np.arctan2(said.x - stands.x, said.y - stands.y))
    return (*learnt, Learnt(said.view, bearing))


@lru_cache(maxsize=64)
def _turned(ground: Ground, learnt: tuple[Learnt, ...]) -> Floats:
    views = ground.views
    worth = views.worth.copy()
    for each in learnt:
        entries = slice(views.offset[each.view], views.offset[each.view + 1])
        field = np.radians(views.all[each.view].view_deg)
        off = np.abs((views.bearing[entries] - each.bearing + np.pi) % (2 * np.pi) - np.pi)
        worth[entries] = views.q[entries] * np.maximum(0.0, 1.0 - off / field)
    return worth
