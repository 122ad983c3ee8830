"""Roads out of OpenStreetMap's own files, PBF and XML, also gzipped, read by libosmium.

Ways are cut where another way touches them. Footways, stairs and paths are roads too: for people.

Absent on purpose: turn restrictions, and relations of any kind.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

import osmium
from osmium.filter import KeyFilter

from safetynet.core.roads import Rank, Street
from safetynet.edge.roads.words import HIGHWAY, Drawn, Progress, UnreadableError, checked, plain, usual_mps

_NO: Final = frozenset({"no", "private", "agricultural", "forestry"})
WAYS_MAX: Final = 3_000_000


class _Way(NamedTuple):
    nodes: tuple[int, ...]
    spots: tuple[tuple[float, float], ...]
    tags: dict[str, str]


_KEPT: Final = (
    "highway", "name", "maxspeed", "oneway", "junction", "area", "access", "motor_vehicle", "foot",
)  # fmt: skip


def read(path: Path, progress: Progress) -> Drawn:
    ways: list[_Way] = []
    left_out = 0
    try:
        with_roads: Any = osmium.FileProcessor(str(path)).with_locations().with_filter(KeyFilter("highway"))
        for each in with_roads:
            if not each.is_way():
                continue
            found = _way(each)
            if found is None:
                left_out += 1
                continue
            ways.append(found)
            if len(ways) > WAYS_MAX:
                raise UnreadableError(f"{path.name}: more than {WAYS_MAX} ways; cut it to the city")
            if len(ways) % 4096 == 0:
                progress(0.8 * len(ways) / (len(ways) + 20_000))
    except (RuntimeError, osmium.InvalidLocationError) as broken:
        raise UnreadableError(f"{path.name}: no whole OpenStreetMap file: {broken}") from broken
    progress(0.85)
    return checked(_cut(ways, left_out), path.name)


def _way(way: Any) -> _Way | None:
    tags = {key: way.tags[key] for key in _KEPT if key in way.tags}
    if tags.get("highway") not in HIGHWAY or tags.get("area") == "yes":
        return None
    known = [(node.ref, (node.location.lat, node.location.lon)) for node in way.nodes if node.location.valid()]
    if len(known) < 2:
        return None
    return _Way(tuple(ref for ref, _ in known), tuple(spot for _, spot in known), tags)


def _cut(ways: list[_Way], left_out: int) -> Drawn:
    uses = Counter(node for each in ways for node in each.nodes)
    for each in ways:
        uses[each.nodes[0]] += 1
        uses[each.nodes[-1]] += 1
    number: dict[int, int] = {}
    junctions: list[tuple[float, float]] = []
    streets: list[Street] = []

    def junction(node: int, spot: tuple[float, float]) -> int:
        if node not in number:
            number[node] = len(junctions)
            junctions.append(spot)
        return number[node]

    for each in ways:
        begun = 0
        for k in range(1, len(each.nodes)):
            if uses[each.nodes[k]] > 1 and k > begun:
                a = junction(each.nodes[begun], each.spots[begun])
                b = junction(each.nodes[k], each.spots[k])
                streets.append(_street(a, b, each.spots[begun : k + 1], each.tags))
                begun = k
    return Drawn("osm", 4326, tuple(junctions), tuple(streets), left_out)


def _street(a: int, b: int, line: tuple[tuple[float, float], ...], tags: dict[str, str]) -> Street:
    rank = HIGHWAY[tags["highway"]]
    driven = rank is not Rank.PATH and tags.get("motor_vehicle", tags.get("access", "")) not in _NO
    said = tags.get("oneway", "")
    implied = rank is Rank.MOTORWAY or tags.get("junction") in ("roundabout", "circular")
    forward = said in ("yes", "true", "1") or (implied and said not in ("no", "-1", "reverse"))
    return Street(
        a=a,
        b=b,
        line=line,
        rank=rank,
        name=plain(tags.get("name", "")),
        usual_mps=usual_mps(rank, tags.get("maxspeed", "")),
        along=driven and said not in ("-1", "reverse"),
        against=driven and not forward,
        foot=rank is not Rank.MOTORWAY and tags.get("foot", tags.get("access", "")) not in _NO,
    )
