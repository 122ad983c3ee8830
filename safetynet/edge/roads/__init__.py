"""Roads of a city: read from the files of others, kept as one file of arrays in the city's folder.

    drawn = roads.read(Path("seoul.graphml"))
    roads.write(folder, pack(drawn.junctions, drawn.streets), drawn)
    roads.load(folder)

Nothing is half loaded: a file is read whole and judged before anything is written.

Absent on purpose: what roads are for (core/roads, core/pursuit), and maps to look at.
"""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np

from safetynet.core.roads import Roads
from safetynet.core.roads.graph import ARRAYS
from safetynet.edge import files
from safetynet.edge.roads.words import FILE_BYTES_MAX, Drawn, Progress, UnreadableError

FILE: Final = "roads.npz"
VERSION: Final = 1


def read(path: Path, progress: Progress = lambda _: None, *, epsg: int | None = None) -> Drawn:
    """By what the file is called. Raises UnreadableError, and OSError when it cannot be opened."""
    name = path.name.lower()
    if path.is_file() and path.stat().st_size > FILE_BYTES_MAX:
        raise UnreadableError(f"{path.name}: larger than {FILE_BYTES_MAX} bytes; cut it to the city")
    if name.endswith((".graphml", ".graphml.gz")):
        from safetynet.edge.roads import graphml

        return graphml.read(path, progress)
    if name.endswith((".pbf", ".osm", ".osm.gz", ".osm.bz2")):
        from safetynet.edge.roads import osm

        return osm.read(path, progress)
    if path.is_dir() or name.endswith((".shp", ".zip")):
        from safetynet.edge.roads import nodelink

        return nodelink.read(path, progress, epsg=epsg)
    raise UnreadableError(
        f"{path.name}: known are .osm.pbf, .osm(.gz), .graphml(.gz), MOCT_LINK.shp, a folder or .zip of it"
    )


def write(folder: Path, roads: Roads) -> int:
    """How many bytes. The file is there whole or not at all."""
    raw = BytesIO()
    arrays: dict[str, Any] = {each: getattr(roads, each) for each in ARRAYS}
    names = "\n".join(each.replace("\n", " ") for each in roads.names).encode()
    np.savez(
        raw,
        version=np.array(VERSION),
        origin=np.array([roads.lat0, roads.lon0]),
        names=np.frombuffer(names, np.uint8),
        **arrays,
    )
    files.write(folder / FILE, raw.getvalue())
    return raw.tell()


def load(folder: Path) -> Roads:
    """Raises FileNotFoundError when none were brought in, UnreadableError when the file is not whole."""
    path = folder / FILE
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as kept:
            if int(kept["version"]) != VERSION:
                raise UnreadableError(f"{path}: of another version; import the roads again")
            lat0, lon0 = (float(each) for each in kept["origin"])
            names = tuple(kept["names"].tobytes().decode().split("\n"))
            return Roads(lat0=lat0, lon0=lon0, names=names, **{each: kept[each] for each in ARRAYS})
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as broken:
        raise UnreadableError(f"{path}: not whole: {broken}; import the roads again") from broken


__all__ = ["FILE", "Drawn", "Progress", "UnreadableError", "load", "read", "write"]
