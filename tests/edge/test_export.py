"""Documents on paper: the same words as the screens, the same bytes for the same content."""

import msgspec
import pypdfium2

from safetynet.edge import export, texts
from safetynet.edge.export import Camera, Document, Facts, Section, Sketch, Table

PARTS = (
    Facts(lines=(("피부착자", "시험용 · 2026-1"), ("긴 값", "가" * 300))),
    Table(head=("시각", "내용"), widths=(30, 100), rows=tuple((f"{n}", "부착장치 훼손 " * 6) for n in range(120)), empty="–"),
    Table(head=("시각",), widths=(30,), rows=(), empty="열람이 없었습니다."),
    Sketch(
        half_m=200, roads=((9, ((-9000.0, 0.0), (9000.0, 0.0))),), track=((0.0, 0.0), (30.0, 40.0)), marks=(((0.0, 0.0), "12:00"),),
        circles=(((0.0, 0.0), 15.0),), scale_m=100, legend="범례",
        cameras=(Camera(at=(10.0, 10.0), azimuth_deg=90.0, view_deg=None, range_m=60.0, label="가람 1", granted=True), Camera(at=(0.0, 0.0), azimuth_deg=None, view_deg=None, range_m=0.0, label="", granted=False)),
    ),
)  # fmt: skip


def document(**more):
    fields = {"title": "보고서", "under": "아래", "foot": "발", "made_at": 1_790_000_000_000, "language": "ko", "sections": (Section(title="1. 개요", parts=PARTS),)}  # fmt: skip
    return Document(**(fields | more))


def test_the_same_content_is_the_same_bytes_so_that_its_hash_means_something():
    body = export.pdf(document())
    assert body == export.pdf(document())
    assert body != export.pdf(document(made_at=1_790_000_001_000))


def test_long_tables_go_on_over_pages_with_their_heads():
    pages = [each.get_textpage().get_text_range() for each in pypdfium2.PdfDocument(export.pdf(document()))]
    with_rows = [each for each in pages if "부착장치 훼손" in each]
    assert len(with_rows) > 2
    assert all("내용" in each for each in with_rows)
    assert "열람이 없었습니다." in "".join(pages)
    assert sum(each.count("부착장치 훼손") for each in pages) == 120 * 6


def test_a_table_that_is_too_long_says_that_it_was_cut(monkeypatch):
    monkeypatch.setattr(export, "ROWS_MAX", 10)
    text = "".join(each.get_textpage().get_text_range() for each in pypdfium2.PdfDocument(export.pdf(document(cut="뒤를 줄였습니다"))))  # fmt: skip
    assert "뒤를 줄였습니다" in text
    assert text.count("부착장치 훼손") == 60


def test_every_text_of_the_pages_is_read_as_the_pages_read_it():
    lines = [line for path in texts.PAGES.glob(texts.FILES) for line in path.read_text().splitlines() if line.startswith("  '")]  # fmt: skip
    table = texts.table()
    assert len(table) == len(lines) > 450
    assert texts.text("AlarmKind.strap_cut") == "부착장치 훼손"
    assert texts.text("Why.policy_denied", korean=False) == "the city's policy does not allow it"
    assert texts.text("record.cameras", n=3) == "카메라 3대"
    assert texts.text("event.never_heard") == "never heard"
    assert msgspec.json.encode(dict(table))
