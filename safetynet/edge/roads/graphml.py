"""Roads out of GraphML as OSMnx writes it: junctions and directed edges with the tags of OpenStreetMap.

A street that may be driven both ways stands in it twice; the two are put together again by their length.

Absent on purpose: graphs of others (another tool's GraphML has no `highway`, and is refused for it).
"""

import gzip
import zlib
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from safetynet.core.roads import Rank, Street
from safetynet.edge.roads.words import (
    HIGHWAY,
    Drawn,
    Progress,
    UnreadableError,
    checked,
    on_earth,
    plain,
    used_only,
    usual_mps,
)

NAMESPACE: Final = "{http://graphml.graphdrawing.org/xmlns}"
WANTED_NODE: Final = ("x", "y")
WANTED_EDGE: Final = ("highway", "length", "oneway")
SAME_M: Final = 0.5
LISTED_CHARS_MAX: Final = 10_000


class _Edge(NamedTuple):
    source: str
    target: str
    said: dict[str, str]


def read(path: Path, progress: Progress) -> Drawn:
    try:
        with path.open("rb") as raw, gzip.open(raw) if path.suffix == ".gz" else raw as file:
            return _read(file, raw, path, progress)
    except (ParseError, DefusedXmlException, EOFError, zlib.error, gzip.BadGzipFile) as broken:
        raise UnreadableError(f"{path.name}: no whole GraphML: {broken}") from broken


def _read(file: IO[bytes] | gzip.GzipFile, raw: IO[bytes], path: Path, progress: Progress) -> Drawn:
    size = max(1, path.stat().st_size)
    names: dict[str, str] = {}
    spots: dict[str, tuple[float, float]] = {}
    edges: list[_Edge] = []
    crs = ""
    for number, (tag, element) in enumerate(_elements(file)):
        if number % 4096 == 0:
            progress(min(0.9, raw.tell() / size))
        match tag:
            case "key":
                names[element.get("id", "")] = f"{element.get('for')}.{element.get('attr.name')}"
            case "node":
                said = _data(element, names, "node")
                spots[element.get("id", "")] = _spot(said, path.name)
            case "edge":
                edges.append(_Edge(element.get("source", ""), element.get("target", ""), _data(element, names, "edge")))
            case _:
                crs = _data(element, names, "graph").get("crs", "")
    known = set(names.values())
    missing = [f"{kind}.{each}" for kind, wanted in (("node", WANTED_NODE), ("edge", WANTED_EDGE)) for each in wanted if f"{kind}.{each}" not in known]  # fmt: skip
    if missing:
        raise UnreadableError(f"{path.name}: no column {', '.join(missing)}: not a road graph as OSMnx writes it")
    if crs.casefold().replace(" ", "") not in ("epsg:4326", "wgs84"):
        raise UnreadableError(
            f"{path.name}: its reference system is {crs or 'not said'}; save it unprojected (EPSG:4326)"
        )
    return checked(_joined(spots, edges), path.name)


def _elements(file: Any) -> Iterator[tuple[str, Any]]:
    """(key, node, edge, graph) as they end; what was read is let go."""
    for _, element in iterparse(file, events=("end",), forbid_dtd=True):
        tag = element.tag.removeprefix(NAMESPACE)
        if tag in ("key", "node", "edge", "graph"):
            yield tag, element
            element.clear() if tag != "graph" else None


def _data(element: Any, names: dict[str, str], kind: str) -> dict[str, str]:
    return {
        names.get(each.get("key", ""), "").removeprefix(f"{kind}."): each.text or ""
        for each in element
        if each.tag == f"{NAMESPACE}data"
    }


def _spot(said: dict[str, str], name: str) -> tuple[float, float]:
    try:
        lat, lon = float(said["y"]), float(said["x"])
    except (KeyError, ValueError) as broken:
        raise UnreadableError(f"{name}: a junction without coordinates") from broken
    if not on_earth(lat, lon):
        raise UnreadableError(f"{name}: {lon:.1f}, {lat:.1f} are no degrees; save it unprojected (EPSG:4326)")
    return lat, lon


def _first(text: str) -> str:
    """OSMnx joins streets and then lists what they said."""
    if text.startswith("[") and len(text) < LISTED_CHARS_MAX:
        try:
            listed = literal_eval(text)
        except (ValueError, SyntaxError):
            return text
        return str(listed[0]) if listed else ""
    return text


def _line(text: str) -> tuple[tuple[float, float], ...] | None:
    """WKT, longitude first."""
    if not text.startswith("LINESTRING"):
        return None
    try:
        points = [tuple(map(float, each.split())) for each in text[text.index("(") + 1 : text.rindex(")")].split(",")]
        return tuple((lat, lon) for lon, lat in points)
    except ValueError as broken:
        raise UnreadableError(f"a geometry that is no line: {text[:60]!r}") from broken


def _joined(spots: dict[str, tuple[float, float]], edges: list[_Edge]) -> Drawn:
    number = {id: row for row, id in enumerate(spots)}
    waiting: dict[tuple[int, int], list[tuple[float, int]]] = {}
    streets: list[Street] = []
    left_out = 0
    for each in edges:
        rank = HIGHWAY.get(_first(each.said.get("highway", "")))
        a, b = number.get(each.source), number.get(each.target)
        line = _line(each.said.get("geometry", ""))
        if rank is None or a is None or b is None or (a == b and line is None):
            left_out += 1
            continue
        try:
            length = float(each.said.get("length", "nan"))
        except ValueError as broken:
            raise UnreadableError(f"a length that is no number: {each.said.get('length')!r}") from broken
        twins = waiting.get((b, a), [])
        twin = next((k for k, (far, _) in enumerate(twins) if abs(far - length) < SAME_M), None)
        if twin is not None:
            row = twins.pop(twin)[1]
            was = streets[row]
            streets[row] = Street(was.a, was.b, was.line, was.rank, was.name, was.usual_mps, foot=was.foot, against=rank is not Rank.PATH)  # fmt: skip
            continue
        waiting.setdefault((a, b), []).append((length, len(streets)))
        ends = (spots[each.source], spots[each.target])
        streets.append(
            Street(
                a=a,
                b=b,
                line=line or ends,
                rank=rank,
                name=plain(_first(each.said.get("name", ""))),
                usual_mps=usual_mps(rank, _first(each.said.get("maxspeed", ""))),
                along=rank is not Rank.PATH,
                against=False,
                foot=rank is not Rank.MOTORWAY,
            )
        )
    junctions, kept = used_only(list(spots.values()), streets)
    return Drawn("graphml", 4326, junctions, kept, left_out)
