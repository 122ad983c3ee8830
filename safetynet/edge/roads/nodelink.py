"""Roads out of the Korean standard node-link (표준노드링크): the shapefiles MOCT_LINK and MOCT_NODE, texts in cp949.

A link is one direction of a road. Two links between the same nodes with nearly the same length are one street that may be driven both
ways. The reference system is read from the `.prj` (as a rule EPSG:5186) and never guessed.

Absent on purpose: turn restrictions (TURNINFO), and roads for people on foot only: the standard has none.
"""

import math
import struct
import warnings
import zipfile
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapefile
from pyproj import Transformer

from safetynet.core import geo
from safetynet.core.roads import Rank, Street
from safetynet.edge import boundaries
from safetynet.edge.roads.words import (
    FILE_BYTES_MAX,
    Drawn,
    Progress,
    UnreadableError,
    checked,
    plain,
    used_only,
    usual_mps,
)

LINK_COLUMNS: Final = ("LINK_ID", "F_NODE", "T_NODE", "ROAD_RANK", "ROAD_NAME", "MAX_SPD")
NODE_COLUMNS: Final = ("NODE_ID",)
RANKS: Final[dict[str, Rank]] = {
    "101": Rank.MOTORWAY,
    "102": Rank.MOTORWAY,
    "103": Rank.TRUNK,
    "104": Rank.ARTERIAL,
    "105": Rank.ARTERIAL,
    "106": Rank.COLLECTOR,
    "107": Rank.COLLECTOR,
    "108": Rank.LOCAL,
}
"""고속국도, 도시고속국도, 일반국도, 특별·광역시도, 국가지원지방도, 지방도, 시·군도, 기타."""
SAME_SHARE: Final = 0.05
"""Both directions of one street differ in length by less."""
TORN_M_MAX: Final = 50.0
"""A link that begins farther from its node than this says that the two files are not of one edition."""


def read(path: Path, progress: Progress, *, epsg: int | None = None, encoding: str = "cp949") -> Drawn:
    """`path`: MOCT_LINK.shp with MOCT_NODE.shp beside it, a folder or a zip with both."""
    found = _files(path)
    links, nodes = _one(found, "MOCT_LINK", path), _one(found, "MOCT_NODE", path)
    said = {_epsg(each, name) for each, name in ((links, "MOCT_LINK"), (nodes, "MOCT_NODE")) if ".prj" in each}
    if epsg is not None:
        said.add(epsg)
    if len(said) != 1:
        raise UnreadableError(
            f"{path.name}: "
            + (
                "no .prj says its reference system: tell it with --epsg"
                if not said
                else f"two reference systems: {sorted(said)}"
            )
        )
    (system,) = said
    if system not in boundaries.EPSG_READ:
        raise UnreadableError(f"{path.name}: EPSG:{system} is not known here; known: {sorted(boundaries.EPSG_READ)}")
    spots = _nodes(nodes, encoding)
    progress(0.2)
    change = Transformer.from_crs(system, 4326, always_xy=True)
    ids = list(spots)
    lon, lat = change.transform(*np.array([spots[each] for each in ids], np.float64).T)
    junctions = [(float(a), float(b)) for a, b in zip(lat, lon, strict=True)]
    if not all(geo.in_korea(*each) for each in junctions):
        x, y = spots[ids[0]]
        raise UnreadableError(f"{path.name}: read as EPSG:{system} it does not lie in Korea (x {x:.0f}, y {y:.0f})")
    streets, left_out = _links(links, encoding, spots, {id: row for row, id in enumerate(ids)}, change, progress)
    return checked(Drawn("node-link", system, *used_only(junctions, streets), left_out), path.name)


# --- files ---------------------------------------------------------------------------------------------------------


def _files(path: Path) -> dict[str, dict[str, bytes]]:
    """By upper stem, then by lower suffix."""
    found: dict[str, dict[str, bytes]] = {}
    wanted = (".shp", ".dbf", ".prj", ".cpg")
    if path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as packed:
                left = FILE_BYTES_MAX
                for each in packed.infolist():
                    name = Path(each.filename)
                    if name.suffix.lower() in wanted and name.stem.upper().startswith("MOCT_"):
                        with packed.open(each) as file:
                            raw = file.read(left + 1)
                        left -= len(raw)
                        if left < 0:
                            raise UnreadableError(f"{path.name}: it unpacks to more than {FILE_BYTES_MAX} bytes")
                        found.setdefault(name.stem.upper(), {})[name.suffix.lower()] = raw
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as broken:
            raise UnreadableError(f"{path.name}: {broken}") from broken
        return found
    folder = path if path.is_dir() else path.parent
    for beside in sorted(folder.iterdir()):
        if beside.suffix.lower() in wanted and beside.stem.upper().startswith("MOCT_") and beside.is_file():
            if beside.stat().st_size > FILE_BYTES_MAX:
                raise UnreadableError(f"{beside.name}: larger than {FILE_BYTES_MAX} bytes; cut it to the city")
            found.setdefault(beside.stem.upper(), {})[beside.suffix.lower()] = beside.read_bytes()
    return found


def _one(found: dict[str, dict[str, bytes]], name: str, path: Path) -> dict[str, bytes]:
    given = found.get(name, {})
    missing = [f"{name}{suffix}" for suffix in (".shp", ".dbf") if suffix not in given]
    if missing:
        raise UnreadableError(f"{path.name}: no {', '.join(missing)} beside it")
    shp, dbf = given[".shp"], given[".dbf"]
    if len(shp) < 100 or struct.unpack(">i", shp[24:28])[0] * 2 != len(shp):
        raise UnreadableError(f"{name}.shp: not whole, its header says another length than it has")
    if len(dbf) < 32:
        raise UnreadableError(f"{name}.dbf: not whole")
    rows, head, row = struct.unpack("<IHH", dbf[4:12])
    if len(dbf) < head + rows * row:
        raise UnreadableError(
            f"{name}.dbf: not whole, {rows} rows said, {max(0, len(dbf) - head) // max(1, row)} there"
        )
    return given


def _epsg(given: dict[str, bytes], name: str) -> int:
    try:
        return boundaries.prj_epsg(given[".prj"])
    except boundaries.UnreadableError as unknown:
        raise UnreadableError(f"{name}: {unknown}") from unknown


def _reader(given: dict[str, bytes], name: str, columns: Sequence[str], encoding: str) -> Any:
    reader: Any = shapefile.Reader(shp=BytesIO(given[".shp"]), dbf=BytesIO(given[".dbf"]), encoding=encoding)
    there = {str(each[0]).upper() for each in reader.fields}
    missing = [each for each in columns if each not in there]
    if missing:
        raise UnreadableError(f"{name}: no column {', '.join(missing)}; it has {', '.join(sorted(there)[:30])}")
    return reader


_TORN: Final = (shapefile.ShapefileException, struct.error, ValueError, LookupError, TypeError, OSError, Warning)


def _nodes(given: dict[str, bytes], encoding: str) -> dict[str, tuple[float, float]]:
    spots: dict[str, tuple[float, float]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for each in _reader(given, "MOCT_NODE", NODE_COLUMNS, encoding).iterShapeRecords():
                (x, y) = each.shape.points[0][:2]
                spots[str(each.record["NODE_ID"]).strip()] = (float(x), float(y))
    except _TORN as broken:
        raise UnreadableError(f"MOCT_NODE: no whole shapefile: {broken}") from broken
    if not spots:
        raise UnreadableError("MOCT_NODE: no nodes in it")
    return spots


def _links(
    given: dict[str, bytes],
    encoding: str,
    spots: dict[str, tuple[float, float]],
    number: dict[str, int],
    change: Any,
    progress: Progress,
) -> tuple[list[Street], int]:
    streets: list[Street] = []
    waiting: dict[tuple[str, str], list[tuple[float, int]]] = {}
    left_out = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader = _reader(given, "MOCT_LINK", LINK_COLUMNS, encoding)
            count = max(1, len(reader))
            for row, each in enumerate(reader.iterShapeRecords()):
                if row % 4096 == 0:
                    progress(0.2 + 0.7 * row / count)
                a, b = (str(each.record[column]).strip() for column in ("F_NODE", "T_NODE"))
                points = [(float(point[0]), float(point[1])) for point in each.shape.points]
                if a not in spots or b not in spots or len(points) < 2:
                    left_out += 1
                    continue
                if math.dist(points[0], spots[a]) > TORN_M_MAX and math.dist(points[0], spots[b]) > TORN_M_MAX:
                    raise UnreadableError(f"link {each.record['LINK_ID']} does not begin at its node: not one edition?")
                length = sum(math.dist(p, q) for p, q in pairwise(points))
                twins = waiting.get((b, a), [])
                twin = next((k for k, (far, _) in enumerate(twins) if abs(far - length) <= SAME_SHARE * far), None)
                if twin is not None:
                    was = streets[twins[twin][1]]
                    streets[twins.pop(twin)[1]] = Street(was.a, was.b, was.line, was.rank, was.name, was.usual_mps, foot=was.foot)  # fmt: skip
                    continue
                waiting.setdefault((a, b), []).append((length, len(streets)))
                streets.append(_street(each.record, number[a], number[b], points, change))
    except _TORN as broken:
        raise UnreadableError(f"MOCT_LINK: no whole shapefile: {broken}") from broken
    return streets, left_out


def _street(record: Any, a: int, b: int, points: Sequence[tuple[float, float]], change: Any) -> Street:
    rank = RANKS.get(str(record["ROAD_RANK"]).strip(), Rank.LOCAL)
    lon, lat = change.transform(*np.array(points, np.float64).T)
    name = plain(str(record["ROAD_NAME"] or ""))
    return Street(
        a=a,
        b=b,
        line=tuple((float(y), float(x)) for y, x in zip(lat, lon, strict=True)),
        rank=rank,
        name="" if name == "-" else name,
        usual_mps=usual_mps(rank, str(record["MAX_SPD"] or "")),
        along=True,
        against=False,
        foot=rank is not Rank.MOTORWAY,
    )
