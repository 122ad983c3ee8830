"""The files of others, as chunks of columns: CSV in whatever encoding, XLSX, JSON.

A file is read once and never held whole (JSON is: its rows stay bytes until their turn). What it says is not judged
here; what is no table at all is refused.
"""

import codecs
import contextlib
import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO, TypeAlias
from xml.etree.ElementTree import ParseError

import msgspec
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from safetynet.core.lists.sieve import LINES_MAX
from safetynet.core.lists.words import Chunk
from safetynet.edge.codec import NONSENSE
from safetynet.edge.lists import layouts
from safetynet.edge.lists.layouts import Layout, Mapped, UnreadableError

LIST_BYTES_MAX: Final = 512 * 1024 * 1024
"""The whole country's list is 79 MB."""
JSON_BYTES_MAX: Final = 256 * 1024 * 1024
XLSX_BYTES_MAX: Final = 1024 * 1024 * 1024
"""Unpacked. A workbook is a ZIP: a small file can hold an endless one."""
CHUNK_ROWS: Final = 8_192
EMPTY_ROWS_MAX: Final = 1_000
"""One after the other in a workbook; behind them nothing more is looked for."""
SNIFF_BYTES: Final = 1 << 20
DELIMITERS: Final = ",\t;|"
RECORDS_AT: Final = (
    "records",
    "items",
    "data",
    "DATA",
    "list",
    "cctv",
    "response.body.items",
    "response.body.items.item",
)
"""Where public JSON keeps its rows, if not at the top."""

Progress: TypeAlias = Callable[[float], None]
"""Hears which share of the file has been read, 0 to 1."""
Rows: TypeAlias = Iterator[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """How the file turned out to be written."""

    form: str
    encoding: str | None = None


def open_list(path: Path, mapping: Mapped | None, progress: Progress) -> tuple[Told, Iterator[Chunk]]:
    """Raises UnreadableError, here or while reading; OSError when the file itself cannot be had."""
    size = path.stat().st_size
    if size > LIST_BYTES_MAX:
        raise UnreadableError(f"larger than {LIST_BYTES_MAX} bytes")
    if size == 0:
        raise UnreadableError("empty")
    with path.open("rb") as file:
        head = file.read(4)
    if head[:4] == b"PK\x03\x04":
        return Told("xlsx"), _chunks(_workbook(path, mapping, progress), mapping)
    if (
        path.suffix.casefold() in (".json", ".geojson", ".jsonl", ".ndjson")
        or head.lstrip(b"\xef\xbb\xbf \r\n")[:1] in b"{["
    ):
        return Told("json", "utf-8"), _chunks(_json(path, mapping, progress), mapping, always_named=True)
    encoding = mapping.encoding if mapping and mapping.encoding else _encoding(path)
    return Told("csv", encoding), _chunks(_csv(path, encoding, mapping, progress), mapping)


def _chunks(rows: Rows, mapping: Mapped | None, *, always_named: bool = False) -> Iterator[Chunk]:
    first = next(rows, None)
    if first is None:
        raise UnreadableError("empty")
    if len(first) > layouts.COLUMNS_MAX:
        raise UnreadableError(f"more than {layouts.COLUMNS_MAX} columns")
    number = 1
    if mapping is not None and not mapping.header and not always_named:
        layout = layouts.without_header(len(first), mapping)
        rows, number = chain((first,), rows), 0
    else:
        layout = layouts.of_header(first, mapping)
    while block := list(islice(rows, CHUNK_ROWS)):
        yield _chunk(layout, block, number)
        number += len(block)
        if number > LINES_MAX:
            raise UnreadableError(f"more than {LINES_MAX} rows")


def _chunk(layout: Layout, block: Sequence[Sequence[str]], before: int) -> Chunk:
    """`before` rows have been read ahead of this block. Rows without anything in them count, and are nothing."""
    width = layout.width
    if all(len(row) == width for row in block):
        return Chunk(layouts.columns(layout, block), range(before + 1, before + len(block) + 1))
    good = [(n, row) for n, row in enumerate(block, start=before + 1) if len(row) == width]
    torn = [n for n, row in enumerate(block, start=before + 1) if len(row) not in (0, width)]
    return Chunk(layouts.columns(layout, [row for _, row in good]), [n for n, _ in good], torn)


# --- CSV -----------------------------------------------------------------------------------------------------------


def _encoding(path: Path) -> str:
    """By its mark, else UTF-8 when the whole file is, else CP949 when the whole file is."""
    with path.open("rb") as file:
        head = file.read(3)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp949"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while block := file.read(SNIFF_BYTES):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise UnreadableError("neither UTF-8 nor CP949; a mapping file can name another encoding")


def _csv(path: Path, encoding: str, mapping: Mapped | None, progress: Progress) -> Rows:
    size = path.stat().st_size
    try:
        codecs.lookup(encoding)
    except LookupError as unknown:
        raise UnreadableError(f"no such encoding: {encoding}") from unknown
    with path.open("rb") as raw:
        try:
            file = _text(raw, encoding)
            delimiter = mapping.delimiter if mapping and mapping.delimiter else _delimiter(file)
            file.seek(0)
            for n, row in enumerate(csv.reader(file, delimiter=delimiter, strict=True)):
                if n % CHUNK_ROWS == 0:
                    progress(raw.tell() / size)
                yield row
        except (csv.Error, UnicodeError, LookupError, RecursionError) as broken:
            raise UnreadableError(f"not CSV: {broken}") from broken
    progress(1.0)


def _text(raw: BinaryIO, encoding: str) -> TextIO:
    return io.TextIOWrapper(raw, encoding=encoding, newline="")


def _delimiter(file: TextIO) -> str:
    """Whichever stands most often in the first line."""
    first = file.readline(SNIFF_BYTES)
    return max(DELIMITERS, key=lambda sign: (first.count(sign), -DELIMITERS.index(sign)))


# --- XLSX ----------------------------------------------------------------------------------------------------------


def _workbook(path: Path, mapping: Mapped | None, progress: Progress) -> Rows:
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > XLSX_BYTES_MAX:
            raise UnreadableError(f"larger than {XLSX_BYTES_MAX} bytes when unpacked")
        with path.open("rb") as raw:
            book: Any = openpyxl.load_workbook(raw, read_only=True, data_only=True)
            with contextlib.closing(book):
                yield from _sheet(book, mapping, progress)
    except (
        zipfile.BadZipFile,
        zlib.error,
        ParseError,
        InvalidFileException,
        LookupError,
        ValueError,
        RecursionError,
    ) as broken:
        raise UnreadableError(f"not XLSX: {broken}") from broken
    progress(1.0)


def _sheet(book: Any, mapping: Mapped | None, progress: Progress) -> Rows:
    """Cells as texts. Trailing empty cells are filled up: a spreadsheet leaves them out."""
    if mapping and mapping.sheet and mapping.sheet not in book.sheetnames:
        raise UnreadableError(f"no sheet {mapping.sheet!r}; there are {', '.join(book.sheetnames)}")
    sheet: Any = book[mapping.sheet] if mapping and mapping.sheet else book.worksheets[0]
    total = max(int(sheet.max_row or 1), 1)
    width = empty = 0
    # One column more than may be, so that more is seen. Without a limit each row is as wide as the sheet claims to be.
    for n, cells in enumerate(sheet.iter_rows(max_col=layouts.COLUMNS_MAX + 1, values_only=True)):
        row = [_cell(each) for each in cells]
        if not width:
            while row and not row[-1]:
                row.pop()
            width = len(row)
        if n % CHUNK_ROWS == 0:
            progress(min(n / total, 1.0))
        empty = 0 if any(row) else empty + 1
        if empty > EMPTY_ROWS_MAX:
            break  # a cell far below, and nothing until there
        if any(row):
            yield row if any(row[width:]) else row[:width] + [""] * (width - len(row))
        elif width:
            yield []


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "Y" if value else "N"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.15g}" if abs(value) >= 1e-4 else f"{value:.12f}"
        case date() | time():  # a datetime is a date too
            return value.isoformat().removesuffix("T00:00:00")
        case _:
            return str(value)


# --- JSON ----------------------------------------------------------------------------------------------------------


def _json(path: Path, mapping: Mapped | None, progress: Progress) -> Rows:
    """A list of objects, at the top, where public APIs keep it, or where the mapping says; or one object a line."""
    raw = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    if len(raw) > JSON_BYTES_MAX:
        raise UnreadableError(f"JSON larger than {JSON_BYTES_MAX} bytes")
    try:
        records = _lines(raw) if path.suffix.casefold() in (".jsonl", ".ndjson") else _records(raw, mapping)
        names: dict[str, None] = {}
        for each in records[:CHUNK_ROWS]:
            names.update(dict.fromkeys(msgspec.json.decode(each, type=dict[str, msgspec.Raw])))
        yield list(names)
        for n, each in enumerate(records):
            if n % CHUNK_ROWS == 0:
                progress(n / len(records))
            row = msgspec.json.decode(each, type=dict[str, str | int | float | bool | None])
            yield [_cell(row.get(name)) for name in names]
    except NONSENSE as broken:
        raise UnreadableError(f"not a JSON list of plain objects: {broken}") from broken
    progress(1.0)


def _lines(raw: bytes) -> list[msgspec.Raw]:
    return [msgspec.Raw(each) for each in raw.splitlines() if each.strip()]


def _records(raw: bytes, mapping: Mapped | None) -> list[msgspec.Raw]:
    if raw.lstrip()[:1] == b"[":
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    for path in (mapping.records,) if mapping and mapping.records else RECORDS_AT:
        at: bytes | None = raw
        for name in path.split("."):
            at = _member(at, name) if at is not None else None
        if at is not None and at.lstrip()[:1] == b"[":
            return msgspec.json.decode(at, type=list[msgspec.Raw])
    raise UnreadableError("no list of rows in this JSON; a mapping file can say where it is (records)")


def _member(raw: bytes, name: str) -> bytes | None:
    if raw.lstrip()[:1] != b"{":
        return None
    found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get(name)
    return None if found is None else bytes(found)
