"""Which fixes change something: the conditions of `rules`, compiled, for what is ordinary.

Each function answers in two steps: first what every condition says, changing nothing; when all are quiet, or broken as
they were known to be, the state is brought up to the fix. What is out of the ordinary (a flag, a mark, a late fix, a jump,
anything near a limit, anything that would change a verdict) goes to the rules, and so does everything that comes after it
in the same batch and might depend on it.
"""

from math import hypot, sqrt
from typing import Any, Final

from safetynet.core import geo, proximity
from safetynet.core.fixes import TELLING_RADIUS_M_MAX, USABLE_RADIUS_M_MAX
from safetynet.core.kernel.layout import (
    AT_ANCHOR,
    CALM,
    CELL,
    ENGAGED_MAX,
    KEPT,
    NEARS_MAX,
    NEVER,
    NOWHERE,
    PERHAPS,
    QUIET,
    RINGS,
    STILL,
    SURE,
    TELL,
    TRAIL_ROWS,
)
from safetynet.core.kernel.maths import (
    DOUBT_M,
    FAR_SIGMAS,
    apart,
    around_m,
    home_odds,
    jit,
    longest_m,
    may_have_jumped,
    off_m,
    point_segment_m,
    radius_m,
    rhythm_ms,
    sigma_m,
    to_xy,
    touches,
    zone_odds,
)
from safetynet.core.rules import SCAN_MS
from safetynet.core.silences import BATTERY_LOW_PERCENT, BLIND_MS
from safetynet.core.thresholds import STANDARD
from safetynet.core.zones import INFINITE_M, NEAR_M

DOUBT: Final = DOUBT_M
"""Of log-odds, and of metres beside them."""
ZONE_SUSPECT: Final = STANDARD.zone.suspect
ZONE_SURE: Final = STANDARD.zone.sure
ZONE_OVER: Final = STANDARD.zone.over
ZONE_WATCH: Final = STANDARD.zone.watch
HOME_SUSPECT: Final = STANDARD.home.suspect
HOME_SURE: Final = STANDARD.home.sure
HOME_OVER: Final = STANDARD.home.over
HOME_WATCH: Final = STANDARD.home.watch
WATCH_MS: Final = STANDARD.watch_ms
SWEEP_GAP_MS_MAX: Final = STANDARD.sweep_gap_ms_max
PACE_FACTOR: Final = STANDARD.pace_factor
MOST: Final = 1.04
"""What a distance is at most, when degrees were taken a little too short."""
NEAR_M_MAX: Final = 100_000.0
CELLS_MAX: Final = 4_096
"""Of the grid, looked at for one fix; a longer way goes to the rules."""
GROWTH_MPS: Final = proximity.GROWTH_MPS
STALE_MS: Final = proximity.STALE_MS
RING_1K_M: Final = proximity.RING_1K_M
RING_2K_M: Final = proximity.RING_2K_M


@jit
def again(episode: Any, at: int, certain: bool) -> int:
    """A condition is broken by a fix of that instant: is that what was known?"""
    if episode.stands == SURE or (episode.stands == PERHAPS and not certain):
        return STILL if at >= episode.first_at else TELL
    return TELL


@jit
def broken(episode: Any) -> bool:
    return episode.stands in (PERHAPS, SURE)


@jit
def seen(episode: Any, at: int) -> None:
    episode.latest_at = max(episode.latest_at, at)


# --- zones -----------------------------------------------------------------------------------------------------------


@jit
def reaches(near: Any, lat: float, lon: float, near_m: float) -> bool:
    """Exactly as `conditions.near_zones`: what is believed hangs on it."""
    north = (lat - near.lat) * 110_800
    east = (lon - near.lon) * near.lon_m
    far = near.bound_m + near_m + 1.0
    return bool(north * north + east * east <= far * far)


@jit
def said_mps(fix: Any) -> float:
    """0 where the device said none (NaN)."""
    speed: float = fix.speed_mps
    return speed if speed == speed else 0.0  # noqa: PLR0124


@jit
def least_m(near: Any, fix: Any) -> float:
    """No longer than the way from the middle of a zone to a position: degrees are taken a little too short."""
    north = (fix.lat - near.lat) * 110_800
    east = (fix.lon - near.lon) * near.lon_m
    return sqrt(north * north + east * east)


@jit
def may_have_crossed(shape: Any, edges: Any, fix: Any, start: Any, here: geo.Xy, radius: float, deepest: float) -> bool:
    """As `conditions._crossing`, or nearly so. `here` lies outside; `deepest`: of positions inside since the start."""
    if fix.at - start.at > SWEEP_GAP_MS_MAX:
        return False
    there = to_xy(start.lat, start.lon, shape)
    depth = shape.bound_m - point_segment_m((shape.x, shape.y), there, here)
    if depth <= -DOUBT_M:
        return False
    if shape.edges:
        return touches(there, here, shape, edges)
    other = radius_m(start.accuracy_m, start.source)
    if depth + DOUBT_M > max(radius, other):
        return True
    if deepest > -INFINITE_M:
        return False
    straight = hypot(here[0] - there[0], here[1] - there[1])
    longest = longest_m(straight, (fix.at - start.at) / 1000, said_mps(start), said_mps(fix), PACE_FACTOR)
    detour = around_m(there[0], there[1], here[0], here[1], 0.0, 0.0, shape.bound_m)
    return detour - radius - other + DOUBT_M > longest


@jit
def in_zone(
    t: Any,
    zone: int,
    stands: Any,
    outside: Any,
    fix: Any,
    start: Any,
    swept: bool,
    radius: float,
) -> tuple[int, float, float, bool]:
    """What the zone says, the new log-odds, how deep inside (-INFINITE_M: wholly outside), and whether the next fixes are wanted."""
    shape = t.shapes[zone]
    known = stands.odds_at == start.at
    near = t.nears[zone]
    away = least_m(near, fix) - near.bound_m - 1.0
    if away > FAR_SIGMAS * sigma_m(radius) and not (known and stands.outside != AT_ANCHOR):
        # Far outside, and the way there cannot have come to it: nothing has to be exact.
        leg = abs(fix.lat - start.lat) * 111_200 + abs(fix.lon - start.lon) * 94_000
        if not swept or stands.stands == SURE or away + least_m(near, start) - near.bound_m > leg + 2.0:
            odds = zone_odds(known, stands.odds, fix.at - start.at, away, radius)
            sure = min(abs(odds - ZONE_OVER), abs(odds - ZONE_WATCH)) >= DOUBT
            told = not sure or (broken(stands) and odds < ZONE_OVER)
            return TELL if told else QUIET, odds, -INFINITE_M, odds > ZONE_WATCH
    here = to_xy(fix.lat, fix.lon, shape)
    off = off_m(here[0], here[1], shape, t.edges)
    odds = zone_odds(known, stands.odds, fix.at - start.at, off, radius)
    deepest = stands.deepest_m if known else -INFINITE_M
    doubt = min(abs(off), abs(off - radius), abs(odds - ZONE_SUSPECT), abs(odds - ZONE_SURE))
    if min(doubt, abs(odds - ZONE_OVER), abs(odds - ZONE_WATCH)) < DOUBT:
        return TELL, odds, deepest, True
    doubtful = off < 0.0 or odds > ZONE_WATCH
    said = again(stands, fix.at, odds > ZONE_SURE) if off < 0.0 and odds > ZONE_SUSPECT else QUIET
    if broken(stands) and odds < ZONE_OVER:
        said = TELL
    if off < radius:
        return said, odds, max(deepest, -off - 2 * radius), doubtful
    if swept and stands.stands != SURE and not (known and stands.outside == NOWHERE):
        since = outside if known and stands.outside == KEPT else start
        if may_have_crossed(shape, t.edges, fix, since, here, radius, deepest):
            return TELL, odds, deepest, True
    return said, odds, -INFINITE_M, doubtful


@jit
def own_zones(t: Any, wearer: Any, fix: Any, start: Any, swept: bool, radius: float, near_m: float) -> tuple[int, bool]:
    """How many zones are near (what they say stands in the scratch; -1: the rules must hear it), and any doubt."""
    count, doubtful = 0, False
    for n in range(wearer.zone_from, wearer.zone_from + wearer.zones):
        if reaches(t.nears[n], fix.lat, fix.lon, near_m):
            zone = t.zones[n]
            said, odds, deepest, doubt = in_zone(t, n, zone, t.outsides[n], fix, start, swept, radius)
            if said == TELL or count == NEARS_MAX:
                return -1, True
            t.scratch.zones[count], t.scratch.zone_odds[count], t.scratch.zone_said[count] = n, odds, said
            t.scratch.zone_deepest[count] = deepest
            count += 1
            doubtful = doubtful or doubt
        elif wearer.broken and broken(t.zones[n]):
            return -1, True
    return count, doubtful


@jit
def shared_zone(
    t: Any, wearer: Any, first: int, zone: int, count: int, fix: Any, start: Any, swept: bool, radius: float
) -> tuple[int, bool]:
    """The same of one shared zone that is near: the count with it."""
    slot = -1
    if wearer.engaged:
        for k in range(first, first + ENGAGED_MAX):
            if t.engaged[k].zone == zone:
                slot = k
    if slot >= 0:
        said, odds, deepest, doubt = in_zone(
            t, zone, t.engaged[slot], t.engaged_outsides[slot], fix, start, swept, radius
        )
    else:
        said, odds, deepest, doubt = in_zone(t, zone, t.calm[0], start, fix, start, swept, radius)
    if said == TELL or count == ENGAGED_MAX:
        return -1, True
    t.scratch.shared[count], t.scratch.shared_odds[count], t.scratch.shared_said[count] = zone, odds, said
    t.scratch.shared_deepest[count] = deepest
    return count + 1, doubt


@jit
def shared_zones(
    t: Any, wearer: Any, fix: Any, start: Any, swept: bool, radius: float, near_m: float
) -> tuple[int, bool]:
    first = fix.row * ENGAGED_MAX
    count, doubtful = 0, False
    for k in range(first, first + (ENGAGED_MAX if wearer.engaged else 0)):
        each = t.engaged[k]
        if each.zone >= 0 and broken(each) and not reaches(t.nears[each.zone], fix.lat, fix.lon, near_m):
            return -1, True
    grid = t.grid
    up, aside = near_m / 110_800.0, near_m / 86_000.0
    bottom = max(0, int((fix.lat - up - grid.lat) / grid.step_lat))
    top = min(grid.high - 1, int((fix.lat + up - grid.lat) / grid.step_lat))
    left = max(0, int((fix.lon - aside - grid.lon) / grid.step_lon))
    right = min(grid.wide - 1, int((fix.lon + aside - grid.lon) / grid.step_lon))
    if (top - bottom + 1) * (right - left + 1) > CELLS_MAX:
        return -1, True
    for y in range(bottom, top + 1):
        for n in range(grid.offsets[y * grid.wide + left], grid.offsets[y * grid.wide + right + 1]):
            zone = grid.zones[n]
            if not reaches(t.nears[zone], fix.lat, fix.lon, near_m):
                continue
            seen_before = False
            for k in range(count):
                seen_before = seen_before or t.scratch.shared[k] == zone
            if seen_before:
                continue
            count, doubt = shared_zone(t, wearer, first, zone, count, fix, start, swept, radius)
            if count < 0:
                return -1, True
            doubtful = doubtful or doubt
    return count, doubtful


@jit
def believe(zone: Any, outsides: Any, n: int, odds: float, deepest: float, at: int, anchor: Any) -> None:
    """As `zones.fold` leaves it. `anchor`: still the position before."""
    known = zone.odds_at == anchor.at
    if deepest == -INFINITE_M:
        zone.outside = AT_ANCHOR
    elif not known or zone.outside == AT_ANCHOR:
        zone.outside = KEPT
        outsides[n] = anchor
    zone.deepest_m, zone.odds, zone.odds_at = deepest, odds, at


@jit
def engage(t: Any, row: int, count: int, at: int, anchor: Any) -> None:
    """What was said of shared zones becomes what is known of them. Who is not near any more, makes room."""
    first = row * ENGAGED_MAX
    for k in range(first, first + ENGAGED_MAX):
        near = False
        for n in range(count):
            near = near or t.scratch.shared[n] == t.engaged[k].zone
        if not near:
            t.engaged[k].zone = -1
    for n in range(count):
        slot = -1
        for k in range(first, first + ENGAGED_MAX):
            if t.engaged[k].zone == t.scratch.shared[n]:
                slot = k
        if slot < 0:
            for k in range(first, first + ENGAGED_MAX):
                if slot < 0 and t.engaged[k].zone < 0:
                    slot = k
            t.engaged[slot].zone = t.scratch.shared[n]
            t.engaged[slot].stands, t.engaged[slot].odds_at = CALM, NEVER
        each = t.engaged[slot]
        believe(each, t.engaged_outsides, slot, t.scratch.shared_odds[n], t.scratch.shared_deepest[n], at, anchor)
        if t.scratch.shared_said[n] == STILL:
            seen(each, at)


# --- homes -----------------------------------------------------------------------------------------------------------


@jit
def held_home(t: Any, home: Any, at: int) -> bool:
    """Whether its curfew holds at that instant."""
    for n in range(home.span_from, home.span_from + home.spans):
        if at < t.spans[2 * n]:
            return False
        if at < t.spans[2 * n + 1]:
            return True
    return False


@jit
def at_home(home: Any, odds: float, off: float, at: int) -> int:
    """While the curfew holds, by a belief that this fix has just fed."""
    if (
        min(abs(off), abs(odds - HOME_SUSPECT), abs(odds - HOME_SURE), abs(odds - HOME_OVER), abs(odds - HOME_WATCH))
        < DOUBT
    ):
        return TELL
    if odds > HOME_SUSPECT and off > 0.0:
        return again(home, at, odds > HOME_SURE)
    return TELL if odds < HOME_OVER and broken(home) else QUIET


@jit
def from_home_m(shape: Any, edges: Any, fix: Any, radius: float) -> float:
    """The signed distance; of a round home only roughly where it is so large that the belief is the same for any."""
    if shape.edges == 0:
        north = (fix.lat - shape.lat0) * 110_800
        east = (fix.lon - shape.lon0) * shape.cos * 109_000
        least = sqrt(north * north + east * east)
        far = FAR_SIGMAS * sigma_m(radius) + 1.0
        bound: float = shape.bound_m
        if least - bound > far:
            return least - bound
        if least * MOST - bound < -far:
            return least * MOST - bound
    x, y = to_xy(fix.lat, fix.lon, shape)
    return off_m(x, y, shape, edges)


@jit
def homes(t: Any, wearer: Any, fix: Any, radius: float, tells: bool, placed: bool) -> tuple[bool, bool]:
    """Whether the rules must hear it, and any doubt; else the new beliefs, and what they say, stand in the scratch."""
    doubtful = decided = False
    for k in range(wearer.homes):
        home = t.homes[wearer.home_from + k]
        if fix.at < home.since or fix.at >= home.until:
            return True, True
        holds = held_home(t, home, fix.at)
        said = QUIET
        if tells:
            off = from_home_m(t.home_shapes[wearer.home_from + k], t.edges, fix, radius)
            odds = home_odds(home.believed != 0, home.odds, fix.at - home.odds_at, off, radius)
            t.scratch.odds[k] = odds
            if holds:
                said = at_home(home, odds, off, fix.at)
                if odds > HOME_WATCH and not decided:
                    doubtful, decided = off > 0.0, True
        elif placed and holds and home.believed and home.odds > HOME_WATCH - DOUBT:
            return True, True
        if said == TELL or (not holds and broken(home)):
            return True, True
        t.scratch.home_said[k] = said
    return False, doubtful


# --- pairs -----------------------------------------------------------------------------------------------------------


@jit
def grown_m(fix: Any, at: int) -> float:
    speed = max(GROWTH_MPS, said_mps(fix))
    grown: float = radius_m(fix.accuracy_m, fix.source) + abs(fix.at - at) / 1000 * speed
    return grown


@jit
def spot(t: Any, trail: int, at: int) -> tuple[bool, float, float, float]:
    """As `proximity.spot`: whether anything is known, where, and the radius."""
    way = t.trails[trail]
    before = after = -1
    for n in range(way.count):
        row = trail * TRAIL_ROWS + (way.head + n) % TRAIL_ROWS
        if t.trail_fixes[row].at <= at:
            before = row
        elif after < 0:
            after = row
    if before >= 0 and at - t.trail_fixes[before].at > STALE_MS:
        before = -1
    if after >= 0 and t.trail_fixes[after].at - at > STALE_MS:
        after = -1
    if before < 0 and after < 0:
        return False, 0.0, 0.0, 0.0
    if before < 0 or after < 0:
        one = t.trail_fixes[max(before, after)]
        return True, one.lat, one.lon, grown_m(one, at)
    first, second = t.trail_fixes[before], t.trail_fixes[after]
    share = (at - first.at) / (second.at - first.at)
    lat = first.lat + (second.lat - first.lat) * share
    lon = first.lon + (second.lon - first.lon) * share
    return True, lat, lon, min(grown_m(first, at), grown_m(second, at))


@jit
def noted(t: Any, trail: int, fix: Any) -> None:
    """A position not older than those before it."""
    way = t.trails[trail]
    if way.count < TRAIL_ROWS:
        t.trail_fixes[trail * TRAIL_ROWS + (way.head + way.count) % TRAIL_ROWS] = fix
        way.count += 1
    else:
        t.trail_fixes[trail * TRAIL_ROWS + way.head] = fix
        way.head = (way.head + 1) % TRAIL_ROWS


@jit
def rings(t: Any, pair: int, metres: float, give: float, at: int, stills: int) -> int:
    """The same of rings, counted on from `stills`."""
    for k in range(RINGS):
        ring = t.pairs[pair].distance_m if k == 0 else RING_1K_M if k == 1 else RING_2K_M
        inner = metres - min(give, ring / 2)
        if min(abs(metres + give - ring), abs(metres - give - ring), abs(inner - ring)) < DOUBT_M:
            return -1
        episode = t.ring_episodes[pair * RINGS + k]
        inside = metres + give <= ring
        if inside or (metres - give < ring and inner < ring):
            if again(episode, at, inside) == TELL:
                return -1
            t.scratch.rings[stills] = pair * RINGS + k
            stills += 1
            if inside:
                return stills
        elif metres - give >= ring and broken(episode):
            return -1
    return stills


@jit
def pairs(t: Any, wearer: Any, fix: Any, radius: float) -> int:
    stills = 0
    for n in range(wearer.pair_from, wearer.pair_from + wearer.pairs):
        there, lat, lon, other = spot(t, t.persons[t.pairs[n].person].trail, fix.at)
        if not there:
            continue
        metres, give = apart(fix.lat, fix.lon, radius, lat, lon, other)
        stills = rings(t, n, metres, give, fix.at, stills)
        if stills < 0:
            return stills
    return stills


# --- one fix ---------------------------------------------------------------------------------------------------------


@jit
def watched(wearer: Any, at: int, doubtful: bool) -> None:
    """As `rules._watched`."""
    if doubtful:
        wearer.watch_until = max(wearer.watch_until, at + WATCH_MS)
    elif wearer.watch_until and at >= wearer.watch_until:
        wearer.watch_until = 0


@jit
def heard(wearer: Any, fix: Any) -> None:
    """As `rules._heard`, before `newest_at` is brought up to the fix."""
    wearer.heard_at = max(wearer.heard_at, fix.received_at)
    if fix.at > wearer.newest_at:
        wearer.rhythm_ms = rhythm_ms(wearer.rhythm_ms, fix.at - wearer.newest_at)


@jit
def note(t: Any, wearer: Any, fix: Any) -> None:
    """As `arrears.noted`: it comes after all that is kept. Who keeps the fixes themselves is `packing`."""
    if wearer.remembers:
        noted = t.noted[fix.row]
        noted.at = fix.at
        noted.room -= 1


@jit
def without_place(t: Any, wearer: Any, fix: Any) -> bool:
    """Towers alone, or no position at all: a sign of life. Whether the rules must hear it."""
    told, _ = homes(t, wearer, fix, 0.0, False, False)
    if told:
        return True
    if fix.at > wearer.newest_at:
        first = wearer.unplaced_at <= t.anchors[fix.row].at
        if not first and fix.at - wearer.unplaced_at >= BLIND_MS:
            return True
        if first:
            wearer.unplaced_at = fix.at
    watched(wearer, fix.at, False)
    note(t, wearer, fix)
    heard(wearer, fix)
    wearer.newest_at = max(wearer.newest_at, fix.at)
    wearer.ahead = 1
    return False


@jit
def of_wearer(t: Any, fix: Any, sweeping: bool, pairing: bool) -> bool:
    """Whether the rules must hear this fix. If not, the state is brought up to it."""
    wearer = t.wearers[fix.row]
    if wearer.held or fix.odd or fix.battery_percent <= BATTERY_LOW_PERCENT:
        return True
    at = fix.at
    if wearer.remembers and at <= t.noted[fix.row].at:
        return True
    if fix.source == CELL or fix.lat != fix.lat:
        return without_place(t, wearer, fix)
    radius = radius_m(fix.accuracy_m, fix.source)
    anchor = t.anchors[fix.row]
    if radius > USABLE_RADIUS_M_MAX or at <= anchor.at or may_have_jumped(anchor, fix):
        return True
    in_force = wearer.starts_at <= at < wearer.ends_at
    swept = sweeping and at - anchor.at <= SWEEP_GAP_MS_MAX
    near_m = max(2 * radius, NEAR_M)
    if at - anchor.at <= SWEEP_GAP_MS_MAX:
        near_m += abs(fix.lat - anchor.lat) * 111_200 + abs(fix.lon - anchor.lon) * 94_000
    if near_m > NEAR_M_MAX or (not in_force and (wearer.zones or wearer.shared)):
        return True
    zones, doubtful = own_zones(t, wearer, fix, anchor, swept, radius, near_m)
    if zones < 0:
        return True
    shared = ringed = 0
    if wearer.shared:
        shared, doubt = shared_zones(t, wearer, fix, anchor, swept, radius, near_m)
        if shared < 0:
            return True
        doubtful = doubtful or doubt
    if in_force and pairing and wearer.pairs:
        ringed = pairs(t, wearer, fix, radius)
        if ringed < 0:
            return True
    tells = radius <= TELLING_RADIUS_M_MAX
    told, doubt = homes(t, wearer, fix, radius, tells, True)
    if told:
        return True
    advance(t, wearer, fix, zones, shared, ringed, tells)
    note(t, wearer, fix)
    watched(wearer, at, in_force and (doubtful or doubt))
    return False


@jit
def advance(t: Any, wearer: Any, fix: Any, zones: int, shared: int, ringed: int, tells: bool) -> None:
    """Nothing comes of it: the state goes on."""
    at = fix.at
    for n in range(zones):
        zone = t.zones[t.scratch.zones[n]]
        odds, deepest = t.scratch.zone_odds[n], t.scratch.zone_deepest[n]
        believe(zone, t.outsides, t.scratch.zones[n], odds, deepest, at, t.anchors[fix.row])
        if t.scratch.zone_said[n] == STILL:
            seen(zone, at)
    if shared or wearer.engaged:
        wearer.engaged = shared > 0
        engage(t, fix.row, shared, at, t.anchors[fix.row])
    for n in range(ringed):
        seen(t.ring_episodes[t.scratch.rings[n]], at)
    for k in range(wearer.homes):
        home = t.homes[wearer.home_from + k]
        if t.scratch.home_said[k] == STILL:
            seen(home, at)
        if tells:
            home.odds, home.odds_at, home.believed = t.scratch.odds[k], at, 1
    if wearer.trail >= 0:
        noted(t, wearer.trail, fix)
    t.anchors[fix.row] = fix
    heard(wearer, fix)
    wearer.newest_at = max(wearer.newest_at, at)
    wearer.ahead = wearer.moved = 1


@jit
def of_person(t: Any, fix: Any) -> bool:
    """The same for what a protected person's phone said."""
    person = t.persons[fix.row]
    at = fix.at
    scans = at - person.scanned_at >= SCAN_MS
    if person.held or fix.odd or (scans and not person.named):
        return True
    for n in range(person.pair_from, person.pair_from + person.pairs):
        if t.wearers[t.pairs[t.person_pairs[n]].wearer].held:
            return True
    radius = radius_m(fix.accuracy_m, fix.source)
    placed = fix.source != CELL and fix.lat == fix.lat and radius <= USABLE_RADIUS_M_MAX
    stills = 0
    if placed:
        way = t.trails[person.trail]
        if way.count == 0:
            return True
        last = t.trail_fixes[person.trail * TRAIL_ROWS + (way.head + way.count - 1) % TRAIL_ROWS]
        if at < last.at or may_have_jumped(last, fix):
            return True
        for n in range(person.pair_from, person.pair_from + person.pairs):
            pair = t.pairs[t.person_pairs[n]]
            wearer = t.wearers[pair.wearer]
            if not wearer.starts_at <= at < wearer.ends_at or wearer.trail < 0:
                continue
            there, lat, lon, other = spot(t, wearer.trail, at)
            if not there:
                continue
            metres, give = apart(fix.lat, fix.lon, radius, lat, lon, other)
            stills = rings(t, t.person_pairs[n], metres, give, at, stills)
            if stills < 0:
                return True
            if stills + RINGS > len(t.scratch.rings):
                return True
    for n in range(stills):
        row = t.scratch.rings[n]
        seen(t.ring_episodes[row], at)
        t.wearers[t.pairs[row // RINGS].wearer].ahead = 1
    if placed:
        noted(t, person.trail, fix)
        person.known_at = max(person.known_at, at)
    person.newest_at = max(person.newest_at, at)
    person.scanned_at = at if scans else person.scanned_at
    person.ahead = 1
    return False


@jit
def hold(t: Any, fix: Any) -> None:
    """What hangs together with a fix that the rules have yet to hear waits for them as well."""
    if not fix.protected:
        t.wearers[fix.row].held = 1
        return
    person = t.persons[fix.row]
    person.held = 1
    for n in range(person.pair_from, person.pair_from + person.pairs):
        t.wearers[t.pairs[t.person_pairs[n]].wearer].held = 1


@jit
def wants_snapshot(t: Any, row: int) -> bool:
    """Whether a wearer's history must be given the record as it stands before anything else becomes of it."""
    wearer = t.wearers[row]
    return bool(wearer.remembers and not wearer.held and t.noted[row].room == 0)


@jit
def must_wait(t: Any, fix: Any) -> bool:
    """Whether this fix would change a record of which a snapshot is wanted first."""
    if not fix.protected:
        return wants_snapshot(t, fix.row)
    person = t.persons[fix.row]
    for n in range(person.pair_from, person.pair_from + person.pairs):
        if wants_snapshot(t, t.pairs[t.person_pairs[n]].wearer):
            return True
    return False


@jit
def judge(t: Any, fixes: Any, first: int, told: Any, count: int, sweeping: bool, pairing: bool) -> tuple[int, int]:
    """Puts the places of the fixes that the rules must hear into `told`, in order, after the `count` that stand there.

    Begins at `first`; says before which fix it stopped, because a snapshot is wanted, and how many are told.
    """
    for n in range(first, len(fixes)):
        fix = fixes[n]
        if must_wait(t, fix):
            return n, count
        told_of = of_person(t, fix) if fix.protected else of_wearer(t, fix, sweeping, pairing)
        if told_of:
            hold(t, fix)
            told[count] = n
            count += 1
    return len(fixes), count
