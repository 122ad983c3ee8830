"""How a list calls its columns: the layouts of public lists by their headers, any other by a mapping file.

A mapping file (TOML or JSON) says what stands where; docs/operating.md shows one. It is how a header-less file and the
export of a video management system (VMS) are read:

    encoding = "cp949"      # else found out
    header = false          # columns are then numbers, from 1
    delimiter = ";"         # else found out
    sheet = "카메라"        # XLSX; else the first
    records = "data.list"   # JSON: where the rows are
    ptz = ["회전형", "Y"]   # what a camera that turns is called in its column
    fixed = ["고정형", "N"]
    [columns]
    lat = "위도"
    number = "채널번호"
    [constants]
    owner = "가람시청"
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.lists.words import Word
from safetynet.edge.codec import NONSENSE

MAPPING_BYTES_MAX: Final = 64 * 1024
COLUMNS_MAX: Final = 500

ALIASES: Final[dict[Word, tuple[str, ...]]] = {
    Word.LAT: ("WGS84위도", "위도", "latitude", "la", "lat", "y좌표", "cctvPosy"),
    Word.LON: ("WGS84경도", "경도", "longitude", "hardness", "lo", "lon", "lng", "x좌표", "cctvPosx"),
    Word.COUNT: ("카메라대수", "CCTV 수량", "CCTV수량", "cctvNumber", "대수", "CMRA_CNT", "cctvCnt"),
    Word.OWNER: ("관리기관명", "관리기관", "자치구", "institutionNm", "MGC_NM", "기관명"),
    Word.ROAD: ("소재지도로명주소", "도로명주소", "안심 주소", "rdnmadr", "LOCPLC_RN_ADRES"),
    Word.LOT: ("소재지지번주소", "지번주소", "lnmadr", "LOCPLC_LNM_ADRES", "cctvAddr", "주소"),
    Word.PURPOSE: ("설치목적구분", "설치목적", "CCTV 용도", "installationPurpsType", "INSTL_PURPS_SE"),
    Word.VIEW: ("촬영방면정보", "촬영방면", "potogrfInfo", "POTOGRF_INFO"),
    Word.DATED: ("데이터기준일자", "데이터기준일", "referenceDate", "기준일자"),
    Word.NUMBER: ("관리번호", "MNG_NO"),
}
"""The 2026 and 2019 layouts, Seoul's 안심이 list, the old API (`hardness` is its word for longitude), and what
municipalities have made of it. The first that is there counts."""
NEEDED: Final = (Word.LAT, Word.LON, Word.COUNT)
"""Of a public list. A table with places and without a number of cameras is of something else: bells, signs."""


class UnreadableError(Exception):
    """The file is no camera list: wrong encoding, a column missing, torn quotes, or too large. The text says which."""


class Mapped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mapping file says."""

    columns: dict[str, str | int]
    header: bool = True
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    records: str | None = None
    constants: dict[str, str] = {}
    ptz: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where each word stands in a row."""

    width: int
    at: dict[Word, int]
    constants: dict[Word, str] = {}
    ptz: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


def read_mapping(path: Path) -> Mapped:
    """Raises UnreadableError with what is wrong in it."""
    raw = path.read_bytes()
    if len(raw) > MAPPING_BYTES_MAX:
        raise UnreadableError(f"{path.name}: larger than {MAPPING_BYTES_MAX} bytes")
    try:
        if path.suffix.casefold() == ".json":
            mapping = msgspec.json.decode(raw, type=Mapped)
        else:
            mapping = msgspec.toml.decode(raw, type=Mapped)
    except NONSENSE as broken:
        raise UnreadableError(f"{path.name}: {broken}") from broken
    known = {each.value for each in Word}
    for name in (*mapping.columns, *mapping.constants):
        if name not in known:
            raise UnreadableError(f"{path.name}: {name!r} is none of {', '.join(sorted(known))}")
    for needed in ("lat", "lon"):
        if needed not in mapping.columns:
            raise UnreadableError(f"{path.name}: columns.{needed} is missing")
    if mapping.delimiter is not None and len(mapping.delimiter) != 1:
        raise UnreadableError(f"{path.name}: delimiter is one sign")
    for name, where in mapping.columns.items():
        if isinstance(where, int) and not 1 <= where <= COLUMNS_MAX:
            raise UnreadableError(f"{path.name}: columns.{name}: columns are counted from 1")
        if isinstance(where, str) and not mapping.header:
            raise UnreadableError(f"{path.name}: columns.{name}: without a header a column is a number")
    return mapping


def plain(name: str) -> str:
    """A column's name as it is compared."""
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def of_header(header: Sequence[str], mapping: Mapped | None) -> Layout:
    names = [plain(each) for each in header]
    if mapping is not None:
        return _mapped(names, mapping)
    at: dict[Word, int] = {}
    for word, aliases in ALIASES.items():
        for alias in aliases:
            if plain(alias) in names:
                at[word] = names.index(plain(alias))
                break
    missing = [ALIASES[word][0] for word in NEEDED if word not in at]
    if missing:
        raise UnreadableError(f"column missing: {', '.join(missing)}; a mapping file can say what stands where")
    return Layout(width=len(header), at=at)


def _mapped(names: Sequence[str], mapping: Mapped) -> Layout:
    at: dict[Word, int] = {}
    for name, where in mapping.columns.items():
        if isinstance(where, int):
            at[Word(name)] = where - 1
        elif plain(where) in names:
            at[Word(name)] = names.index(plain(where))
        else:
            raise UnreadableError(f"the mapping's column {where!r} ({name}) is not in the file")
    return _with_constants(len(names), at, mapping)


def without_header(width: int, mapping: Mapped) -> Layout:
    at = {Word(name): int(where) - 1 for name, where in mapping.columns.items()}
    if max(at.values()) >= width:
        raise UnreadableError(f"the mapping names column {max(at.values()) + 1}, the file has {width}")
    return _with_constants(width, at, mapping)


def _with_constants(width: int, at: dict[Word, int], mapping: Mapped) -> Layout:
    return Layout(
        width=width,
        at=at,
        constants={Word(name): text for name, text in mapping.constants.items()},
        ptz=tuple(plain(each) for each in mapping.ptz),
        fixed=tuple(plain(each) for each in mapping.fixed),
    )


def columns(layout: Layout, rows: Sequence[Sequence[str]]) -> Mapping[Word, Sequence[str]]:
    """Rows of the layout's width, turned into columns by word."""
    by_place = list(zip(*rows, strict=True))
    found: dict[Word, Sequence[str]] = {word: by_place[k] if rows else () for word, k in layout.at.items()}
    for word, text in layout.constants.items():
        found[word] = (text,) * len(rows)
    if Word.PTZ in found:
        found[Word.PTZ] = [_turns(each, layout) for each in found[Word.PTZ]]
    return found


def _turns(text: str, layout: Layout) -> str:
    said = plain(text)
    if said in layout.ptz:
        return "1"
    return "0" if said in layout.fixed else ""
