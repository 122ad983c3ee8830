"""Where somebody must be: at home under a curfew or in school hours, in the area of residence, at an ordered place.

One belief of being out for each place, fed by positions at all hours (`homes`), so that who is out when the hours begin is
known to be. Of several areas of residence any one is enough: who is out of all that hold now is out. What was permitted
lies in the timetable already (`orders.period`): while it lasts nothing holds.

Silence at home under a curfew is a suspicion after SILENT_MS. An area of residence may be a whole district, where people
go underground by day, and silence of the device has a kind of its own: there it counts after UNKNOWN_MS.

Absent on purpose: the other conditions (`conditions`), and when a bell rings (`deadlines`).
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from immutables import Map

from safetynet.core import evidence, homes
from safetynet.core.conditions import Condition, Given, Record, approach, body_tamper, exclusion_zone, sos, strap_cut
from safetynet.core.fixes import Fix, Mark, hints, instant, opens, proven, sigma_m, usable
from safetynet.core.grounds import Ground, off_m
from safetynet.core.homes import SILENT_MS, UNKNOWN_MS, Belief
from safetynet.core.orders import Curfew, Hours, Inclusion, Stay, Timed, in_force, period
from safetynet.core.terms import AlarmKind, CurfewId, Instant, ZoneId
from safetynet.core.thresholds import Home
from safetynet.core.verdicts import About, Finding, How, Key, Verdict

KEEPING: Final = frozenset(
    {AlarmKind.CURFEW, AlarmKind.SCHOOL_HOURS, AlarmKind.RESIDENCE, AlarmKind.ATTENDANCE},
)

Beliefs: TypeAlias = tuple[Map[CurfewId, Belief], Map[ZoneId, Belief]]


class Held(NamedTuple):
    """A condition that holds at an instant: in one of these places the wearer must be."""

    kind: AlarmKind
    about: About
    timed: tuple[Timed, ...]
    places: tuple[Ground, ...]
    known: tuple[Belief | None, ...]

    def odds(self, by: Home) -> float:
        """That the wearer is out of them all, as of the newest position that tells."""
        return min(by.prior if each is None else each.odds for each in self.known)

    def off_m(self, fix: Fix) -> float:
        """From the edge of the nearest, negative inside."""
        assert fix.lat is not None
        assert fix.lon is not None
        return min(off_m(each, each.plane.to_xy(fix.lat, fix.lon)) for each in self.places)


def key_of(timed: Timed) -> Key:
    """Residence is one condition, however many areas it leaves to live in."""
    match timed:
        case Curfew():
            return (AlarmKind.CURFEW if timed.hours is Hours.NIGHT else AlarmKind.SCHOOL_HOURS, timed.id)
        case Inclusion(stay=Stay.RESIDENCE):
            return AlarmKind.RESIDENCE, None
        case Inclusion():
            return AlarmKind.ATTENDANCE, timed.id


def holding(record: Record, at: Instant, beliefs: Beliefs | None = None) -> Iterator[Held]:
    """What holds at that instant, with what is believed: as the record has it, unless other beliefs are given."""
    order = record.order
    if order is None or not (order.curfews or order.inclusions):
        return
    at_home, inside = beliefs or (record.beliefs, record.stays)
    living: list[tuple[Inclusion, Ground, Belief | None]] = []
    for curfew, home in zip(order.curfews, record.homes, strict=True):
        if period(order, curfew, at) is not None:
            yield Held(*key_of(curfew), (curfew,), (home,), (at_home.get(curfew.id),))
    for area, place in zip(order.inclusions, record.keeps, strict=True):
        if period(order, area, at) is None:
            continue
        if area.stay is Stay.RESIDENCE:
            living.append((area, place, inside.get(area.id)))
        else:
            yield Held(*key_of(area), (area,), (place,), (inside.get(area.id),))
    if living:
        timed, places, known = zip(*living, strict=True)
        yield Held(AlarmKind.RESIDENCE, None, timed, places, known)


def folded(record: Record, fix: Fix, at: Instant, by: Home) -> Beliefs:
    """What is believed of every place with a position that tells and is newer than all before it."""
    beliefs, stays = record.beliefs, record.stays
    for home in record.homes:
        id = CurfewId(home.id)
        beliefs = beliefs.set(id, homes.fold(beliefs.get(id), home, fix, at, by))
    for place in record.keeps:
        area = ZoneId(place.id)
        stays = stays.set(area, homes.fold(stays.get(area), place, fix, at, by))
    return beliefs, stays


# --- what silence says ---------------------------------------------------------------------------------------------


def known_at(record: Record, timed: Timed) -> Instant:
    """When it was known last whether the wearer is at this place. Of one that an order has just brought: since then."""
    match timed:
        case Curfew():
            belief = record.beliefs.get(timed.id)
            return Instant(0) if belief is None else belief.at
        case Inclusion():
            belief = record.stays.get(timed.id)
            return record.under_at if belief is None else belief.at


def silent_at(record: Record, timed: Timed) -> Instant:
    """From when on the wearer is not known to be there, if nothing more is heard."""
    known = known_at(record, timed)
    match timed:
        case Curfew():
            return Instant(min(record.newest_at + SILENT_MS, known + UNKNOWN_MS))
        case Inclusion():
            return Instant(known + UNKNOWN_MS)


# --- the condition -------------------------------------------------------------------------------------------------


def presence(given: Given) -> Iterable[Finding]:
    """Curfews, school hours, residence and attendance."""
    record, at = given.record, given.at
    held = tuple(holding(record, at, (given.beliefs, given.stays)))
    found: list[Finding] = []
    for each in held:
        found += _finding(each, given)
    if record.episodes:
        now = {(each.kind, each.about) for each in held}
        found += (
            Finding(*key, Verdict.QUIET, How.OVER)
            for key, episode in record.episodes.items()
            if key[0] in KEEPING and key not in now and episode.broken and at > episode.latest_at
        )
    return found


def _finding(held: Held, given: Given) -> Iterable[Finding]:
    kind, about, fix, at, record, by = held.kind, held.about, given.fix, given.at, given.record, given.by.home
    odds = held.odds(by)
    if fix.marks & Mark.BELL:
        if all(at >= silent_at(record, each) for each in held.timed):
            return (Finding(kind, about, Verdict.MAYBE, How.SILENT),)
        # At home one must be known to be; of an area it is enough that nothing speaks for having left it.
        if odds <= by.over or (isinstance(held.timed[0], Inclusion) and odds < by.suspect):
            return ()
        sure = Verdict.CERTAIN if odds >= by.sure else Verdict.MAYBE
        return (Finding(kind, about, sure, How.OUTSIDE),)
    if not hints(fix) or fix.lat is None or fix.lon is None:
        return ()
    off = held.off_m(fix)
    if given.beliefs is record.beliefs and given.stays is record.stays:
        # Late, unproven, or nobody could have got there: alone it may cast suspicion, and it takes none away.
        late = not proven(fix) or (record.anchor is not None and at <= instant(record.anchor))
        far = late and evidence.lean(off, sigma_m(fix), by.lean_max) >= by.lean_max
        return (Finding(kind, about, Verdict.MAYBE, How.OUTSIDE, off),) if far else ()
    if odds >= by.suspect and off > 0.0:  # who is seen at home at last is not raised anew
        sure = Verdict.CERTAIN if odds >= by.sure else Verdict.MAYBE
        return (Finding(kind, about, sure, How.OUTSIDE, off),)
    now = max(record.newest_at, record.rung_at)
    if odds <= by.over and now - at < SILENT_MS:
        return (Finding(kind, about, Verdict.CLEAR, How.HOME, off),)
    return ()


def wanted(given: Given) -> bool:
    """Whether the next positions are wanted soon: this one lies outside, and it is not known to be an error. Of who is
    late at an ordered place they are not: nobody drives out for that, and the battery is the same.
    """
    fix, order = given.fix, given.record.order
    if order is None or not usable(fix) or not opens(fix) or not in_force(order, given.at):
        return False
    watch = given.by.home.watch
    if not any(each.odds >= watch for some in (given.beliefs, given.stays) for each in some.values()):
        return False
    for held in holding(given.record, given.at, (given.beliefs, given.stays)):
        believed = held.kind is not AlarmKind.ATTENDANCE and any(each is not None for each in held.known)
        if believed and held.odds(given.by.home) >= watch:
            return held.off_m(fix) > 0.0
    return False


AT_ONCE: Final[tuple[Condition, ...]] = (strap_cut, body_tamper, sos, approach)
"""Judged when a fix arrives, and never again."""
JUDGED_AGAIN: Final[tuple[Condition, ...]] = (exclusion_zone, presence)
"""Judged where a fix belongs, and again when a late one stands before it."""
CONDITIONS: Final[tuple[Condition, ...]] = (*AT_ONCE[:3], *JUDGED_AGAIN, approach)
"""All run for every fix of a wearer."""
