"""`safetynet import cameras FILE --city NAME`: read the lists of others into a city's folder."""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from safetynet.app import offices
from safetynet.core.terms import CentreId
from safetynet.edge import registry

CITY: Final = re.compile(r"[\w-]{1,40}")

_SAID: Final[dict[registry.Skip, str]] = {
    registry.Skip.TORN: "줄이 깨짐 · another number of columns than the header",
    registry.Skip.OTHER_OWNER: "다른 기관 · belongs to another owner",
    registry.Skip.NO_COORDINATES: "좌표 없음 · no coordinates",
    registry.Skip.NOT_A_NUMBER: "숫자가 아님 · coordinates are no decimal number",
    registry.Skip.ZERO: "0,0 · coordinates are 0,0",
    registry.Skip.SWAPPED: "위도·경도 뒤바뀜 · latitude and longitude swapped",
    registry.Skip.OUTSIDE_KOREA: "국외 · outside Korea",
    registry.Skip.PLACEHOLDER: "임시 좌표 · filled in for want of better",
    registry.Skip.COUNT_NOT_PLAUSIBLE: "대수 오류 · number of cameras not plausible",
    registry.Skip.DUPLICATE: "중복 · listed twice",
    registry.Skip.OUTDATED: "이전 자료 · listed again at a later date",
    registry.Skip.DEGREES_MINUTES_SECONDS: "도분초 표기 · degrees, minutes, seconds written as decimals",
    registry.Skip.FAR_FROM_OWNER: "관할에서 먼 곳 · far from the owner's other sites",
}


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet import", description="Read lists of others.")
    what = parser.add_subparsers(dest="what", required=True)
    for each in offices.KINDS:
        what.add_parser(each, help=f"see `safetynet import {each} --help`", add_help=False)
    cameras = what.add_parser("cameras", help="전국CCTV표준데이터 (CP949 or UTF-8 CSV)")
    cameras.add_argument("file", type=Path, metavar="FILE")
    cameras.add_argument("--city", required=True, metavar="NAME", help="id of the smart city centre")
    cameras.add_argument("--dir", type=Path, metavar="D", help="the city's folder (default data/NAME)")
    cameras.add_argument("--owner", metavar="TEXT", help="only rows whose 관리기관명 holds this text")
    cameras.add_argument("--range-m", type=float, default=registry.RANGE_M_ASSUMED, metavar="M")
    cameras.add_argument("--replace", action="store_true", help="also over a list with measured directions")
    cameras.add_argument("--dry-run", action="store_true", help="read and count, write nothing")
    return parser.parse_args(given)


def _read(file: Path, city: CentreId, owner: str | None, range_m: float) -> registry.Intake:
    raw = file.read_bytes()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rows", total=max(raw.count(b"\n") - 1, 1))
        return registry.take_in(
            raw, city, owner=owner, range_m=range_m, progress=lambda rows: bar.update(task, completed=rows)
        )


def _measured(folder: Path) -> int:
    """Cameras in the folder whose direction somebody has measured: a list cannot replace that work."""
    try:
        return sum(each.azimuth_deg is not None for each in registry.read(folder))
    except FileNotFoundError:
        return 0


def _show(intake: registry.Intake) -> None:
    table = Table(title=f"{intake.city.city}: {len(intake.city.cameras)} cameras on {intake.poles} poles")
    table.add_column("rows left out", no_wrap=True)
    table.add_column("", justify="right")
    for skip, count in sorted(intake.skipped.items(), key=lambda item: -item[1]):
        table.add_row(_SAID[skip], str(count))
    table.add_section()
    table.add_row("rows read", str(intake.rows))
    table.add_row("sites kept", str(intake.sites))
    table.add_row("texts rid of a network address", str(intake.texts_redacted))
    Console().print(table)


def main(given: list[str] | None = None) -> int:
    """Exit 0 and one JSON object as the last line; 1 when the file or the folder cannot be used, with the reason."""
    asked = sys.argv[1:] if given is None else given
    if asked and asked[0] in offices.KINDS:
        return offices.main(asked)
    said = _arguments(given)
    if not CITY.fullmatch(said.city):
        print(f"--city: not an id: {said.city!r}", file=sys.stderr)
        return 2
    if not 0 < said.range_m <= 2_000:
        print("--range-m: 1 to 2000", file=sys.stderr)
        return 2
    folder: Path = said.dir or Path("data") / said.city
    try:
        measured = 0 if said.dry_run or said.replace else _measured(folder)
        if measured:
            print(f"{folder}: {measured} cameras have a measured direction; --replace gives them up", file=sys.stderr)
            return 1
        intake = _read(said.file, CentreId(said.city), said.owner, said.range_m)
        if not intake.city.cameras:
            print(f"{said.file}: not one camera could be taken in; nothing written", file=sys.stderr)
        elif not said.dry_run:
            registry.write(folder, intake.city)
    except (OSError, registry.UnreadableError, registry.RegistryInvalidError) as refused:
        print(f"{said.file}: {refused}", file=sys.stderr)
        return 1
    _show(intake)
    figures = {
        "city": said.city,
        "rows": intake.rows,
        "sites": intake.sites,
        "poles": intake.poles,
        "cameras": len(intake.city.cameras),
        "skipped": {
            skip.value: count for skip, count in sorted(intake.skipped.items(), key=lambda item: item[0].value)
        },
        "texts_redacted": intake.texts_redacted,
        "written": bool(intake.city.cameras) and not said.dry_run,
    }
    print(msgspec.json.encode(figures).decode())
    return 0 if intake.city.cameras else 1


if __name__ == "__main__":
    raise SystemExit(main())
