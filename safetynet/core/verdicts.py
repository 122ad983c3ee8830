"""What a condition says of one fix, and the episodes that come of it: raised, risen, repeated, returned, ended.

An episode is one stretch of one broken condition of one wearer. Its id is derived from the fix that opened it, so that
judging the same journal again finds the same. Only a person ends an episode.

Absent on purpose: every condition (`rules`), and what an episode means to people (`alarms`).
"""

import hashlib
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

import msgspec
from immutables import Map

from safetynet.core.fixes import Fix
from safetynet.core.proximity import PROTECTING
from safetynet.core.terms import (
    MINUTE_MS,
    AlarmKind,
    Certainty,
    CurfewId,
    FixId,
    Instant,
    ProtectedId,
    WearerId,
    ZoneId,
)

EPISODE_GAP_MS: Final = 30 * MINUTE_MS
"""Entering a zone again within this after leaving it is the same episode."""
FLICKER_MS: Final = MINUTE_MS
"""A device flag that comes back sooner than this after it was last heard is not told again."""
PAST_MAX: Final = 16
"""Ended episodes remembered per condition and zone, so that a position delivered again stays known."""


SAID: Final = frozenset(
    {
        AlarmKind.STRAP_CUT,
        AlarmKind.BODY_TAMPER,
        AlarmKind.SOS,
        AlarmKind.PROTECTED_SOS,
        AlarmKind.JAMMING,
        AlarmKind.PLANNED_REMOVAL,
    }
)
"""Kinds that a device says of itself: one episode until a person ends it."""


class Change(Enum):
    RAISED = "raised"
    RISEN = "risen"
    """A MAYBE became CERTAIN."""
    REPEATED = "repeated"
    """Broken again within the episode."""
    RETURNED = "returned"
    """The condition holds again. The episode goes on: a person ends the alarm."""
    AMENDED = "amended"
    """A late word shows that it was less certain than was told."""
    RETRACTED = "retracted"
    """A late word shows that it was not broken. A person ends the alarm all the same."""


RINGS: Final = frozenset({Change.RAISED, Change.RISEN, Change.REPEATED})
"""Changes for the worse."""


class How(Enum):
    """What showed it."""

    SAID = "said"
    INSIDE = "inside"
    CROSSED = "crossed"
    LEFT = "left"
    OUTSIDE = "outside"
    """Positions speak for being away from home."""
    SILENT = "silent"
    """Nothing that tells was heard, and the clock struck."""
    HOME = "home"
    OVER = "over"
    """The curfew ended."""
    NEAR = "near"
    HEARD = "heard"
    """Where a protected person is, is known again."""
    OVERDUE = "overdue"
    """The permit is over, and the strap that it let be opened was not said to be closed."""
    CHARGED = "charged"
    """The device is charged again, or is being."""
    BLIND = "blind"
    """It speaks, and has had no usable position for long."""
    LATE = "late"
    """A word that arrived late; what followed it was judged again."""


About: TypeAlias = ZoneId | CurfewId | ProtectedId | None
"""What a condition is about: which zone, which curfew, which protected person."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    wearer: WearerId
    kind: AlarmKind
    change: Change
    certainty: Certainty
    """Of the episode after this change: the highest it has had."""
    zone: ZoneId | None
    fix: Fix
    episode: str
    """Derived from wearer, kind, zone and the fix that opened it; opaque."""
    how: How
    off_m: float | None = None
    """Signed distance to the zone that decided, negative inside; of an approach how far apart the two are."""
    order_version: int | None = None
    protected: ProtectedId | None = None


class Verdict(Enum):
    CERTAIN = "certain"
    MAYBE = "maybe"
    CLEAR = "clear"
    QUIET = "quiet"
    """A device flag is no longer said, a curfew is over: nothing changes but that the next time is told again."""


class Finding(NamedTuple):
    """What one condition says of one fix."""

    kind: AlarmKind
    about: About
    verdict: Verdict
    how: How
    off_m: float | None = None


Key: TypeAlias = tuple[AlarmKind, About]


class Episode(msgspec.Struct, frozen=True):
    id: str
    certainty: Certainty
    first_at: Instant
    latest_at: Instant
    """Newest instant at which it was seen broken."""
    broken: bool
    """Whether it is broken now, as far as known."""


class Book(NamedTuple):
    """A wearer's episodes while one fix is judged."""

    seen: Map[Key, Episode]
    past: Map[Key, tuple[Episode, ...]]

    def with_episode(self, key: Key, episode: Episode) -> "Book":
        return Book(self.seen.set(key, episode), self.past)

    def with_past(self, key: Key, episode: Episode) -> "Book":
        return Book(self.seen, self.past.set(key, (*self.past.get(key, ()), episode)[-PAST_MAX:]))


class Seen(NamedTuple):
    """Whose condition is judged, by which fix, and by which order."""

    wearer: WearerId
    fix: Fix
    at: Instant
    order_version: int | None


def episode_id(wearer: WearerId, kind: AlarmKind, about: About, fix: FixId) -> str:
    parts = (wearer, kind.value, about or "", str(fix))
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return "e" + hashlib.sha256(text.encode()).hexdigest()[:20]


# --- episodes ------------------------------------------------------------------------------------------------------


def apply(
    book: Book,
    seen: Seen,
    finding: Finding,
    told: list[Transition],
) -> Book:
    key = (finding.kind, finding.about)
    episode = book.seen.get(key)
    match finding.verdict:
        case Verdict.CLEAR | Verdict.QUIET:
            if episode is None or not episode.broken:
                return book
            if finding.verdict is Verdict.CLEAR:
                told.append(_transition(seen, finding, episode, Change.RETURNED))
            return book.with_episode(key, msgspec.structs.replace(episode, broken=False))
        case Verdict.CERTAIN | Verdict.MAYBE:
            certainty = Certainty.CERTAIN if finding.verdict is Verdict.CERTAIN else Certainty.MAYBE
            if episode is None or _apart(episode, seen.at, finding.kind):
                return _begin(book, seen, finding, certainty, told)
            return book.with_episode(key, _again(episode, seen, finding, certainty, told))


def _apart(episode: Episode, at: Instant, kind: AlarmKind) -> bool:
    """Whether what happened at that instant is no part of this episode. What a device says of itself never is apart."""
    if kind in SAID:
        return False
    if at < episode.first_at:
        return episode.first_at - at > EPISODE_GAP_MS
    return not episode.broken and at - episode.latest_at > EPISODE_GAP_MS


def _begin(
    book: Book,
    seen: Seen,
    finding: Finding,
    certainty: Certainty,
    told: list[Transition],
) -> Book:
    key = (finding.kind, finding.about)
    at = seen.at
    if any(_covers(old, at, certainty) for old in book.past.get(key, ())):
        return book
    id = episode_id(seen.wearer, finding.kind, finding.about, seen.fix.id)
    new = Episode(id, certainty, at, at, broken=True)
    told.append(_transition(seen, finding, new, Change.RAISED))
    current = book.seen.get(key)
    if current is None:
        return book.with_episode(key, new)
    if at < current.first_at:  # a late fix from long before: told, and over
        return book.with_past(key, new)
    return book.with_past(key, current).with_episode(key, new)


def _covers(old: Episode, at: Instant, certainty: Certainty) -> bool:
    """Whether an ended episode already told of this instant, no less certainly."""
    known = old.certainty is Certainty.CERTAIN or certainty is Certainty.MAYBE
    return known and old.first_at <= at <= old.latest_at


def _again(episode: Episode, seen: Seen, finding: Finding, certainty: Certainty, told: list[Transition]) -> Episode:
    """Broken, within an episode that is known."""
    at = seen.at
    rises = certainty is Certainty.CERTAIN and episode.certainty is Certainty.MAYBE
    anew = at > episode.latest_at and not episode.broken
    after = Episode(
        episode.id,
        certainty if rises else episode.certainty,
        min(episode.first_at, at),
        max(episode.latest_at, at),
        broken=episode.broken or at > episode.latest_at,
    )
    if rises:
        told.append(_transition(seen, finding, after, Change.RISEN))
    elif anew and not (finding.how is How.SAID and at - episode.latest_at < FLICKER_MS):
        told.append(_transition(seen, finding, after, Change.REPEATED))
    return after


def _transition(seen: Seen, finding: Finding, episode: Episode, change: Change) -> Transition:
    return Transition(
        wearer=seen.wearer,
        kind=finding.kind,
        change=change,
        certainty=episode.certainty,
        zone=ZoneId(finding.about) if finding.about and finding.kind is AlarmKind.EXCLUSION_ZONE else None,
        fix=seen.fix,
        episode=episode.id,
        how=finding.how,
        off_m=finding.off_m,
        order_version=seen.order_version,
        protected=ProtectedId(finding.about) if finding.about and finding.kind in PROTECTING else None,
    )
