"""`safetynet import roads FILE --city NAME`: the roads of a city, from OpenStreetMap or the standard node-link.

Wiring and words: `edge.roads` reads and keeps, `core.roads` packs. Nothing is written unless all of it was read.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from safetynet.core.roads import Rank, Roads, pack
from safetynet.edge import roads as files_of_roads
from safetynet.edge.roads import Drawn

CITY: Final = re.compile(r"[\w-]{1,40}")


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet import roads", description="Read the roads of a city.")
    parser.add_argument("file", type=Path, metavar="FILE", help=".osm.pbf, .osm(.gz), .graphml(.gz), MOCT_LINK.shp, or a folder or .zip with MOCT_LINK and MOCT_NODE")  # fmt: skip
    parser.add_argument("--city", required=True, metavar="NAME", help="id of the smart city centre")
    parser.add_argument("--dir", type=Path, metavar="D", help="the city's folder (default data/NAME)")
    parser.add_argument("--epsg", type=int, metavar="N", help="reference system of a shapefile without .prj")
    parser.add_argument("--dry-run", action="store_true", help="read and count, write nothing")
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    """Exit 0 and one JSON object as the last line; 1 with the reason when nothing was written."""
    said = _arguments(given)
    if not CITY.fullmatch(said.city):
        print(f"--city: not an id: {said.city!r}", file=sys.stderr)
        return 2
    folder = said.dir or Path("data") / said.city
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(said.file.name, total=1.0)
            drawn = files_of_roads.read(said.file, lambda share: bar.update(task, completed=share), epsg=said.epsg)
            roads = pack(drawn.junctions, drawn.streets)
            size = 0 if said.dry_run else files_of_roads.write(folder, roads)
            bar.update(task, completed=1.0)
    except (OSError, files_of_roads.UnreadableError) as refused:
        print(f"{said.file}: {refused}", file=sys.stderr)
        return 1
    figures = _figures(drawn, roads) | {"city": said.city, "bytes": size, "written": not said.dry_run}
    _show(said.city, figures)
    print(msgspec.json.encode(figures).decode())
    return 0


def _figures(drawn: Drawn, roads: Roads) -> dict[str, object]:
    ranks = roads.arc_rank[::2]
    return {
        "form": drawn.form,
        "epsg": drawn.epsg,
        "junctions": roads.nodes,
        "streets": roads.arcs // 2,
        "one_way": int((roads.arc_car[::2] ^ roads.arc_car[1::2]).sum()),
        "km": round(roads.length_m / 1000, 1),
        "km_on_foot_only": round(float(roads.arc_m[::2][ranks == Rank.PATH].sum()) / 1000, 1),
        "cells": roads.cells,
        "left_out": drawn.left_out,
    }


def _show(city: str, figures: dict[str, object]) -> None:
    table = Table(title=f"{city}: {figures['km']} km")
    table.add_column("")
    table.add_column("", justify="right")
    for said, key in (
        ("좌표계 · reference system, EPSG", "epsg"),
        ("교차로 · junctions", "junctions"),
        ("도로 구간 · streets", "streets"),
        ("일방통행 · one-way", "one_way"),
        ("보행 전용 km · km on foot only", "km_on_foot_only"),
        ("20 m 구간(양방향) · cells of 20 m, both ways", "cells"),
        ("제외 · lines left out", "left_out"),
    ):
        table.add_row(said, str(figures[key]))
    Console().print(table)
