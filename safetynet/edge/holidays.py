"""The public holidays of a centre, substitute ones too: a table that somebody keeps, `D/holidays.csv`.

`date,name,name_en` with one line for each day, dates as 2026-02-17. What the government declares in between (a temporary
holiday, an election) is a line more. Nothing is computed here: the moon and the cabinet know better.

Absent on purpose: what a holiday means for anybody (`timetables`); an order holds the days that it means itself.
"""

import csv
import io
from collections.abc import Iterable
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from safetynet.core.timetables import DATES_MAX
from safetynet.edge import files

NAME: Final = "holidays.csv"
BYTES_MAX: Final = 256 * 1024
NAME_CHARS_MAX: Final = 60
YEARS: Final = range(2000, 2100)


class Problem(Enum):
    NOT_A_DATE = "not_a_date"
    OUT_OF_RANGE = "out_of_range"
    NO_NAME = "no_name"
    TWICE = "twice"


class Holiday(NamedTuple):
    day: date
    name: str
    name_en: str


class LeftOut(NamedTuple):
    row: int
    """The line of the file."""
    text: str
    problem: Problem


class Taken(NamedTuple):
    holidays: tuple[Holiday, ...]
    left_out: tuple[LeftOut, ...]


class UnreadableError(Exception):
    """No table of holidays. The text says why."""


def parse(data: bytes) -> Taken:
    """Raises UnreadableError. Rows in the order of their days."""
    if len(data) > BYTES_MAX:
        raise UnreadableError(f"more than {BYTES_MAX} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp949", "replace")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as broken:
        raise UnreadableError("no CSV") from broken
    header = [each.strip().casefold() for each in rows[0]] if rows else []
    at, called = _column(header, "date", "날짜", "일자"), _column(header, "name", "이름", "명칭", "공휴일")
    if at is None or called is None:
        raise UnreadableError("its first line names no columns date and name (날짜, 이름)")
    english = _column(header, "name_en", "english", "영문")
    found: dict[date, Holiday] = {}
    left_out: list[LeftOut] = []
    for n, row in enumerate(rows[1:], start=2):
        if not any(each.strip() for each in row):
            continue
        cells = [*map(str.strip, row), *[""] * (len(header) - len(row))]
        problem, day = _day(cells[at])
        name = cells[called][:NAME_CHARS_MAX]
        if problem is None and day in found:
            problem = Problem.TWICE
        if problem is None and not name:
            problem = Problem.NO_NAME
        if problem is not None or day is None:
            left_out.append(LeftOut(n, ",".join(row)[:200], problem or Problem.NOT_A_DATE))
            continue
        found[day] = Holiday(day, name, cells[english][:NAME_CHARS_MAX] if english is not None else "")
    if len(found) > DATES_MAX:
        raise UnreadableError(f"more than {DATES_MAX} days: keep the years that orders still mean")
    return Taken(tuple(found[each] for each in sorted(found)), tuple(left_out))


def _column(header: list[str], *names: str) -> int | None:
    return next((header.index(each) for each in names if each in header), None)


def _day(text: str) -> tuple[Problem | None, date | None]:
    try:
        day = date.fromisoformat(text.replace(".", "-").replace("/", "-"))
    except ValueError:
        return Problem.NOT_A_DATE, None
    return (None, day) if day.year in YEARS else (Problem.OUT_OF_RANGE, None)


def read(folder: Path) -> tuple[Holiday, ...]:
    """Of the centre; none when nobody has brought any in. Raises UnreadableError."""
    path = folder / NAME
    return parse(path.read_bytes()).holidays if path.exists() else ()


def write(folder: Path, holidays: Iterable[Holiday]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("date", "name", "name_en"))
    writer.writerows((each.day.isoformat(), each.name, each.name_en) for each in holidays)
    files.write(folder / NAME, out.getvalue().encode())
