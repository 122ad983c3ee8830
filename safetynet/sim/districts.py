"""Whose ground the made world stands on: its two cities as districts, or the real districts of a folder of recordings.

Offices are made up in either case and look made up. With recordings the map is real and read through the product's own
door; the second city of such a world is made (its ground is not its own), so its offices serve the real districts
around. Codes of the made districts lie in a province's number range that the ministry has not given out.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import shapely

from safetynet.core.areas import Area, Areas, Code, System
from safetynet.core.cameras import Camera
from safetynet.core.jurisdictions import Kind, Office
from safetynet.core.terms import CentreId, OfficeId, UnitId
from safetynet.edge import jurisdictions as shelf
from safetynet.sim.world import World

REAL_MAP: Final = Path("boundaries/hangjeongdong_daejeon.geojson")
SECOND_MAP: Final = Path("boundaries/skorea-municipalities-2018-topo-simple.json")
"""Another maker's map of the same districts: it shows a wrong reference system."""
REAL_OWN: Final = "30140"
"""중구, whose list of cameras is taken."""
REAL_AROUND: Final = ("30110", "30170", "30200", "30230")
REAL_OWNERS: Final = {"30110": "동구청", "30140": "중구청", "30170": "서구청", "30200": "유성구청", "30230": "대덕구청"}
"""How each district is named in the list, with its city's name before it or without."""
MADE: Final = {CentreId("garam"): "30901", CentreId("narae"): "30902"}
IMPORT_S_MAX: Final = 120

OFFICES_OF_UNITS: Final = {
    UnitId("u-1"): OfficeId("gaon"),
    UnitId("u-2"): OfficeId("gaon"),
    UnitId("u-3"): OfficeId("dalmaji"),
    UnitId("u-9"): OfficeId("gaon"),
}


class CannotReadMapError(Exception):
    """The importer refused the folder's map. The text is the importer's."""


def missing(folder: Path) -> list[Path]:
    return [each for each in (folder / REAL_MAP, folder / SECOND_MAP) if not each.is_file()]


def write(folder: Path, world: World, data: Path | None) -> None:
    """The table of jurisdictions of the control centre whose folder this is."""
    first: tuple[str, ...]
    others: tuple[str, ...]
    if data is None:
        shelf.write_areas(folder, _made(world))
        first, others = (MADE[CentreId("garam")],), (MADE[CentreId("narae")],)
    else:
        _import(folder, data)
        first, others = (REAL_OWN,), REAL_AROUND
    shelf.write_offices(folder, _offices(first, others))


def _made(world: World) -> Areas:
    return Areas(
        tuple(
            Area(
                code=Code(System.LEGAL, MADE[city]),
                name=world.city_name(city),
                shape=shapely.Polygon([(lon, lat) for lat, lon in corners]),
            )
            for city, corners in world.areas().items()
        )
    )


def _import(folder: Path, data: Path) -> None:
    command = [sys.executable, "-m", "safetynet", "import", "areas", str(data / REAL_MAP), "--dir", str(folder)]
    command += ["--compare", str(data / SECOND_MAP)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=IMPORT_S_MAX, check=False)
    if done.returncode != 0:
        raise CannotReadMapError(f"import of {data / REAL_MAP} failed:\n{done.stdout}{done.stderr}")


def _offices(first: tuple[str, ...], others: tuple[str, ...]) -> tuple[Office, ...]:
    rows = (
        ("hanul", Kind.HUB, "한울 광역센터", ("30",)),
        ("garam", Kind.CENTRE, "가람시 스마트시티센터", first),
        ("narae", Kind.CENTRE, "나래시 스마트시티센터", others),
        ("gaon", Kind.PROBATION, "가온보호관찰소", first),
        ("dalmaji", Kind.PROBATION, "달맞이지소", others),
        ("garam-police", Kind.POLICE, "가람경찰서", first),
        ("narae-police", Kind.POLICE, "나래경찰서", others),
    )
    return tuple(
        Office(
            id=OfficeId(id),
            kind=kind,
            name=name,
            serves=tuple(Code(System.LEGAL, digits) for digits in serves),
            centre=CentreId(id) if kind is Kind.CENTRE else None,
        )
        for id, kind, name, serves in rows
    )


def outside(folder: Path, listed: tuple[Camera, ...]) -> tuple[int, int]:
    """Districts that the control centre's map has, and how many cameras of the list lie in none of its owner's."""
    districts = shelf.read_areas(folder).dissolved(5)
    own = districts.by_code(Code(System.ADMINISTRATIVE, REAL_OWN))
    if own is None:
        return len(districts), len(listed)
    inside = own.contains(np.array([each.lat for each in listed]), np.array([each.lon for each in listed]))
    return len(districts), int((~inside).sum())
