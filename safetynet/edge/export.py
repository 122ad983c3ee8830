"""Documents that leave the house: PDF with its own Korean font, made of plain sections that others composed.

A document is the same bytes whenever it is made of the same content at the same instant: its hash stands in the log.

Absent on purpose: what a report says, and pictures of cameras (nothing was recorded that could be shown).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, TableCellFillMode, VAlign, WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from safetynet.core.terms import SECOND_MS, Instant
from safetynet.edge.web import PAGES

FONTS: Final = PAGES / "vendor" / "pretendard" / "dist" / "public" / "static" / "alternative"
FONT: Final = "Pretendard"
KOREA: Final = timezone(timedelta(hours=9))
ROWS_MAX: Final = 2_000
"""Of one table: 60 pages. More is cut off, and the document says so."""
MARGIN_MM: Final = 18.0
WIDTH_MM: Final = 210.0 - 2 * MARGIN_MM
SKETCH_MM: Final = 104.0
LABEL_MM: Final = 36.0
GREY: Final = 105
LINE_GREY: Final = 205
ROAD_GREY: Final = 222
CAMERA_MM: Final = 1.1
NAME_MM: Final = 2.2
"""Height of a name on a sketch."""

Xy = tuple[float, float]
"""Metres east and north of the middle of a sketch."""
_Box = tuple[float, float, float, float]
"""Left, top, right and bottom in millimetres of the paper."""
_On = Callable[[Xy], Xy]
"""From such metres to millimetres of the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    head: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    """Said when there is no row."""
    small: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    at: Xy
    azimuth_deg: float | None
    view_deg: float | None
    range_m: float
    label: str
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A map as lines. What lies outside half_m is cut off at the frame."""

    half_m: float
    roads: tuple[tuple[float, tuple[Xy, ...]], ...]
    """Width in metres, and the line."""
    track: tuple[Xy, ...]
    marks: tuple[tuple[Xy, str], ...]
    circles: tuple[tuple[Xy, float], ...]
    cameras: tuple[Camera, ...]
    scale_m: int
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    title: str
    parts: tuple["Facts | Table | Sketch | str", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    title: str
    under: str
    foot: str
    """On every page, beside its number."""
    made_at: Instant
    language: str
    sections: tuple[Section, ...] = field(default_factory=tuple[Section, ...])
    cut: str = "…"
    """Said where a table was too long."""


def pdf(document: Document, fonts: Path = FONTS) -> bytes:
    """A4, one font embedded in the two weights that are used."""
    paper = _Paper(document, fonts)
    paper.add_page()
    paper.head()
    for section in document.sections:
        paper.section(section)
    return bytes(paper.output())


class _Paper(FPDF):
    def __init__(self, document: Document, fonts: Path) -> None:
        super().__init__(format="A4")
        self._document = document
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=MARGIN_MM + 4)
        self.add_font(FONT, "", fonts / "Pretendard-Regular.ttf")
        self.add_font(FONT, "B", fonts / "Pretendard-SemiBold.ttf")
        self.set_title(document.title)
        self.set_lang(document.language)
        self.set_producer("safetynet")
        self.set_creation_date(datetime.fromtimestamp(document.made_at / SECOND_MS, KOREA))

    def footer(self) -> None:
        self.set_y(-MARGIN_MM + 2)
        self.set_font(FONT, "", 7.5)
        self.set_text_color(GREY)
        self.cell(WIDTH_MM - 20, 4, self._document.foot)
        self.cell(20, 4, f"{self.page_no()}", align=Align.R)
        self.set_text_color(0)

    def head(self) -> None:
        self.set_font(FONT, "B", 18)
        self._text(self._document.title, 9)
        self.set_font(FONT, "", 9)
        self.set_text_color(GREY)
        self._text(self._document.under, 4.6)
        self.set_text_color(0)
        self.ln(1)

    def _text(self, words: str, height_mm: float, width_mm: float = 0) -> None:
        self.multi_cell(
            width_mm, height_mm, words, align=Align.L, wrapmode=WrapMode.WORD, new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def section(self, section: Section) -> None:
        if self.will_page_break(26):
            self.add_page()
        self.ln(4)
        self.set_font(FONT, "B", 12)
        self._text(section.title, 6)
        self.set_draw_color(0)
        self.set_line_width(0.3)
        self.line(MARGIN_MM, self.get_y() + 0.6, MARGIN_MM + WIDTH_MM, self.get_y() + 0.6)
        self.ln(2.4)
        for part in section.parts:
            match part:
                case Facts():
                    self._facts(part)
                case Table():
                    self._table(part)
                case Sketch():
                    self._sketch(part)
                case str():
                    self.set_font(FONT, "", 9)
                    self._text(part, 4.8)
                    self.ln(1)

    def _facts(self, facts: Facts) -> None:
        for label, value in facts.lines:
            self.set_font(FONT, "", 9)
            lines = self.multi_cell(
                WIDTH_MM - LABEL_MM, 5, value, wrapmode=WrapMode.WORD, dry_run=True, output=MethodReturnValue.LINES
            )
            assert isinstance(lines, list)
            if self.will_page_break(5 * len(lines)):
                self.add_page()
            self.set_text_color(GREY)
            self.cell(LABEL_MM, 5, label)
            self.set_text_color(0)
            self._text(value, 5, WIDTH_MM - LABEL_MM)
        self.ln(1)

    def _table(self, table: Table) -> None:
        if not table.rows:
            self.set_font(FONT, "", 9)
            self._text(table.empty, 5)
            return
        self.set_font(FONT, "", 7 if table.small else 8.5)
        self.set_draw_color(LINE_GREY)
        self.set_fill_color(255)
        self.set_line_width(0.2)
        with self.table(
            width=WIDTH_MM,
            col_widths=table.widths,
            text_align=Align.L,
            v_align=VAlign.T,
            borders_layout="HORIZONTAL_LINES",
            headings_style=FontFace(emphasis="BOLD", fill_color=(240, 240, 240)),
            cell_fill_mode=TableCellFillMode.NONE,
            line_height=3.6 if table.small else 4.6,
            padding=(0.7, 1, 0.7, 1),
            wrapmode=WrapMode.WORD,
        ) as drawn:
            for cells in (table.head, *table.rows[:ROWS_MAX]):
                row = drawn.row()
                for cell in cells:
                    row.cell(cell)
        if len(table.rows) > ROWS_MAX:
            self._text(self._document.cut, 5)
        self.ln(1)

    # --- the map ---------------------------------------------------------------------------------------------------

    def _sketch(self, sketch: Sketch) -> None:
        if self.will_page_break(SKETCH_MM + 12):
            self.add_page()
        left, top = MARGIN_MM, self.get_y()
        scale = SKETCH_MM / 2 / sketch.half_m
        stretch = WIDTH_MM / SKETCH_MM

        def on(at: Xy) -> Xy:
            return left + WIDTH_MM / 2 + at[0] * scale, top + SKETCH_MM / 2 - at[1] * scale

        with self.rect_clip(left, top, WIDTH_MM, SKETCH_MM):
            self._ground(sketch, on, scale, sketch.half_m * stretch)
            self.set_font(FONT, "B", 7.5)
            times = [self._named(*_beside(*on(at)), label) for at, label in sketch.marks]
            self._cameras(sketch.cameras, on, scale, times)
            self._way(sketch, on, scale)
        self.set_draw_color(LINE_GREY)
        self.set_line_width(0.3)
        self.rect(left, top, WIDTH_MM, SKETCH_MM)
        self._scale(sketch, left, top, scale)
        self.set_xy(MARGIN_MM, top + SKETCH_MM + 1.5)
        self.set_font(FONT, "", 8)
        self.set_text_color(GREY)
        self._text(sketch.legend, 4.2)
        self.set_text_color(0)
        self.ln(1)

    def _ground(self, sketch: Sketch, on: _On, scale: float, half_m: float) -> None:
        self.set_draw_color(ROAD_GREY)
        for width_m, line in sketch.roads:
            xs, ys = [x for x, _ in line], [y for _, y in line]
            if max(min(xs), -half_m) <= min(max(xs), half_m) and max(min(ys), -half_m) <= min(max(ys), half_m):
                self.set_line_width(max(0.25, min(2.6, width_m * scale)))
                self.polyline([on(each) for each in line])

    def _cameras(self, cameras: Sequence[Camera], on: _On, scale: float, taken: Sequence[_Box]) -> None:
        """A name that would lie on another, or on what is `taken`, is left out: two that cross are none."""
        self.set_font(FONT, "", 6.5)
        named = list(taken)
        for camera in cameras:
            x, y = on(camera.at)
            self.set_draw_color(120)
            self.set_line_width(0.18)
            self.set_dash_pattern(*((0, 0) if camera.granted else (0.8, 0.8)))
            if camera.azimuth_deg is not None and camera.range_m > 0:
                self.polygon([(x, y), *_arc(camera, x, y, scale)])
            self.set_dash_pattern()
            self.set_fill_color(60 if camera.granted else 255)
            self.circle(x, y, CAMERA_MM, style="DF")
            box = self._named(x + 1.8, y + 0.8, camera.label)
            if camera.granted and not any(_cross(box, each) for each in named):
                named.append(box)
                self.text(x + 1.8, y + 0.8, camera.label)

    def _named(self, x: float, y: float, words: str) -> _Box:
        """Where words would stand."""
        return x, y - NAME_MM, x + self.get_string_width(words), y + NAME_MM / 3

    def _way(self, sketch: Sketch, on: _On, scale: float) -> None:
        self.set_draw_color(236, 170, 178)
        self.set_line_width(0.15)
        for at, radius_m in sketch.circles:
            x, y = on(at)
            self.circle(x, y, radius_m * scale, style="D")
        self.set_draw_color(200, 16, 46)
        self.set_line_width(0.5)
        if len(sketch.track) > 1:
            self.polyline([on(each) for each in sketch.track])
        self.set_font(FONT, "B", 7.5)
        self.set_fill_color(200, 16, 46)
        self.set_text_color(140, 10, 30)
        for at, label in sketch.marks:
            x, y = on(at)
            self.rect(x - 1.1, y - 1.1, 2.2, 2.2, style="F")
            self.text(*_beside(x, y), label)
        self.set_text_color(0)

    def _scale(self, sketch: Sketch, left: float, top: float, scale: float) -> None:
        width = sketch.scale_m * scale
        x, y = left + WIDTH_MM - width - 4, top + SKETCH_MM - 4
        self.set_draw_color(0)
        self.set_line_width(0.4)
        self.line(x, y, x + width, y)
        self.set_font(FONT, "", 7)
        self.text(x, y - 1.2, f"{sketch.scale_m} m")
        self.text(left + WIDTH_MM - 6, top + 5, "N")
        self.line(left + WIDTH_MM - 4.9, top + 6, left + WIDTH_MM - 4.9, top + 11)


def _beside(x: float, y: float) -> Xy:
    """Where the time at a mark is written."""
    return x + 2.2, y - 1.4


def _cross(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _arc(camera: Camera, x: float, y: float, scale: float) -> list[Xy]:
    assert camera.azimuth_deg is not None
    view = camera.view_deg if camera.view_deg is not None else 60.0
    angles = [math.radians(camera.azimuth_deg + view * (n / 8 - 0.5)) for n in range(9)]
    reach = camera.range_m * scale
    return [(x + math.sin(each) * reach, y - math.cos(each) * reach) for each in angles]
