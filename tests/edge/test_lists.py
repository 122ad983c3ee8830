"""Files of others: every encoding, form and layout, mapping files, and what is no list at all."""

import csv
import datetime as dt
import io
import json
import re
import time
import zipfile
from itertools import chain

import openpyxl
import pytest

from safetynet.core.lists.words import Word
from safetynet.edge.lists import layouts, reading
from safetynet.edge.lists.layouts import UnreadableError, read_mapping

HEADER = [
    "개방자치단체코드", "관리번호", "관리기관명", "소재지도로명주소", "소재지지번주소", "설치목적구분", "카메라대수", "카메라화소수",
    "촬영방면정보", "보관일수", "설치연월", "관리기관전화번호", "WGS84위도", "WGS84경도", "데이터기준일자", "데이터갱신구분",
    "데이터갱신시점", "최종수정시점",
]  # fmt: skip
GOOD = {
    "관리번호": "2026-1",
    "관리기관명": "가람시 동구청",
    "소재지도로명주소": "가람시 동구 별빛로 1(별빛동, 은하수)",
    "설치목적구분": "생활방범",
    "카메라대수": "2",
    "WGS84위도": "36.3283",
    "WGS84경도": "127.4541",
    "데이터기준일자": "2026-05-20",
}


def listed(*rows, header=HEADER, encoding="cp949", delimiter=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", extrasaction="ignore", delimiter=delimiter)
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow({**GOOD, "관리번호": f"2026-{number}", **row})
    return out.getvalue().encode(encoding)


def mapped(tmp_path, text, name="map.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def chunks(tmp_path, raw, mapping=None, name="list.csv"):
    path = tmp_path / name
    path.write_bytes(raw)
    told, found = reading.open_list(path, mapping, lambda _: None)
    return told, list(found)


def said(tmp_path, raw, mapping=None, name="list.csv"):
    """By word, over all chunks."""
    found = chunks(tmp_path, raw, mapping, name)[1]
    words = found[0].columns if found else ()
    return {word: list(chain.from_iterable(chunk.columns[word] for chunk in found)) for word in words}


# --- encodings and layouts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("cp949", "cp949"), ("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(tmp_path, encoding, told, delimiter):
    found = chunks(tmp_path, listed({}, encoding=encoding, delimiter=delimiter))
    assert found[0] == reading.Told("csv", told)
    assert list(found[1][0].columns[Word.ROAD]) == [GOOD["소재지도로명주소"]]
    assert list(found[1][0].columns[Word.LAT]) == ["36.3283"]


@pytest.mark.parametrize(
    "header",
    [
        "관리기관명,소재지도로명주소,카메라대수,위도,경도",
        "자치구,안심 주소,CCTV 수량,위도,경도",
        "institutionNm,rdnmadr,cctvNumber,latitude,hardness",
        "MGC_NM,LOCPLC_RN_ADRES,CMRA_CNT,LA,LO",
        "관리기관명, 소재지도로명주소 ,카메라대수,wgs84위도,WGS84경도",
    ],
)
def test_the_layouts_of_others_by_their_headers(tmp_path, header):
    raw = f"{header}\r\n가람시,별빛로 1,2,36.3283,127.4541\r\n"
    assert said(tmp_path, raw.encode("cp949")) == {
        Word.LAT: ["36.3283"],
        Word.LON: ["127.4541"],
        Word.COUNT: ["2"],
        Word.OWNER: ["가람시"],
        Word.ROAD: ["별빛로 1"],
    }


def test_rows_are_numbered_as_a_spreadsheet_counts_and_torn_ones_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_ROWS", 2)
    raw = listed({}, {}) + "3640000,2026-9,가람시\r\n\r\n".encode("cp949") + listed({}).split(b"\r\n", 1)[1]
    found = chunks(tmp_path, raw)[1]
    assert [list(each.rows) for each in found] == [[2, 3], [], [6]]
    assert [list(each.torn) for each in found] == [[], [4], []]


def test_progress_goes_to_the_end(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(listed(*[{}] * 100))
    heard: list[float] = []
    for _ in reading.open_list(path, None, heard.append)[1]:
        pass
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xff\xff",
        "이름,주소\r\n가,나\r\n".encode("cp949"),
        listed({}, header=[each for each in HEADER if each != "WGS84경도"]),
        listed({}, header=[each for each in HEADER if each != "카메라대수"]),
        listed({}) + b'"torn quote',
        listed({}) + b"x" * 200_000,
        b"PK\x03\x04 no zip",
        b'{"a": 1}',
        b'{"records": [1, 2]}',
        b'[{"latitude": {"deep": 1}, "longitude": 2, "cctvNumber": 1}]',
        b"[1",
        b"[" * 60_000 + b"]" * 60_000,
        b'{"records":' * 20_000 + b"[1" + b"}" * 20_000,
        b'[{"latitude":' + b"[" * 60_000 + b"]" * 60_000 + b"}]",
        '[{"latitude": "36", "longitude": "127", "주소": "가"}]'.encode("cp949"),
        b'[{"latitude": "\xff", "longitude": 2, "cctvNumber": 1}]',
    ],
)
def test_what_is_no_camera_list_at_all(tmp_path, raw):
    with pytest.raises(UnreadableError):
        chunks(tmp_path, raw)


def test_a_list_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LIST_BYTES_MAX", 100)
    with pytest.raises(UnreadableError, match="larger"):
        chunks(tmp_path, listed({}))
    monkeypatch.undo()
    monkeypatch.setattr(reading, "LINES_MAX", 2)
    with pytest.raises(UnreadableError, match="more than 2 rows"):
        chunks(tmp_path, listed({}, {}, {}))


# --- XLSX ----------------------------------------------------------------------------------------------------------


def workbook(*sheets):
    book = openpyxl.Workbook()
    for n, (name, rows) in enumerate(sheets):
        sheet = book.active if n == 0 else book.create_sheet()
        sheet.title = name
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


ROW = ["2026-1", "가람시 동구청", "별빛로 1", 2, 36.3283, 127.4541, dt.date(2026, 5, 20), None]
NAMES = ["관리번호", "관리기관명", "소재지도로명주소", "카메라대수", "위도", "경도", "데이터기준일자", "비고"]


def test_a_workbook(tmp_path):
    raw = workbook(("CCTV", [NAMES, ROW, [], ["2026-2", None, None, None, 36.5]]))
    told, (found,) = chunks(tmp_path, raw, name="list.xlsx")
    assert told.form == "xlsx"
    assert list(found.rows) == [2, 4]
    assert {word: list(column) for word, column in found.columns.items()} == {
        Word.NUMBER: ["2026-1", "2026-2"],
        Word.OWNER: ["가람시 동구청", ""],
        Word.ROAD: ["별빛로 1", ""],
        Word.COUNT: ["2", ""],
        Word.LAT: ["36.3283", "36.5"],
        Word.LON: ["127.4541", ""],
        Word.DATED: ["2026-05-20", ""],
    }


def test_a_sheet_by_its_name(tmp_path):
    raw = workbook(("표지", [["제목"]]), ("카메라", [NAMES, ROW]))
    columns = '[columns]\nlat = "위도"\nlon = "경도"\n'
    assert said(tmp_path, raw, mapped(tmp_path, f'sheet = "카메라"\n{columns}')) == {
        Word.LAT: ["36.3283"],
        Word.LON: ["127.4541"],
    }
    with pytest.raises(UnreadableError, match="표지, 카메라"):
        said(tmp_path, raw, mapped(tmp_path, f'sheet = "없음"\n{columns}'))


def test_a_workbook_that_unpacks_without_end_is_not_unpacked(tmp_path, monkeypatch):
    raw = workbook(("CCTV", [NAMES, ROW]))
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        size = sum(each.file_size for each in packed.infolist())
    monkeypatch.setattr(reading, "XLSX_BYTES_MAX", size - 1)
    with pytest.raises(UnreadableError, match="unpacked"):
        chunks(tmp_path, raw)


def test_a_cell_at_the_far_corner_costs_no_row_of_the_claimed_width(tmp_path):
    """Five kilobytes that claim sixteen thousand columns and a million rows."""
    packed, out = zipfile.ZipFile(io.BytesIO(workbook(("CCTV", [NAMES, ROW])))), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as claimed:
        for name in packed.namelist():
            data = packed.read(name)
            if name.endswith("sheet1.xml"):
                data = re.sub(rb'<dimension ref="[A-Z0-9:]+"', b'<dimension ref="A1:XFD1048576"', data)
                far = b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'
                data = data.replace(b"</sheetData>", far)
            claimed.writestr(name, data)
    began = time.process_time()
    (chunk,) = chunks(tmp_path, out.getvalue())[1]
    assert time.process_time() - began < 2, "of the processor's time: a million empty rows are not read"
    assert reading.EMPTY_ROWS_MAX < 2_000
    assert list(chunk.rows) == [2]


@pytest.mark.parametrize("encoding", ["hex", "rot13", "undefined", "idna", "no-such"])
def test_an_encoding_that_is_none_of_texts(tmp_path, encoding):
    mapping = layouts.Mapped(columns={"lat": 1, "lon": 2}, header=False, encoding=encoding)
    with pytest.raises(UnreadableError):
        chunks(tmp_path, b"36,127\n36,127\n\xff\xff" + b"." * 90, mapping)


# --- JSON ----------------------------------------------------------------------------------------------------------

RECORD = {"institutionNm": "가람시", "cctvNumber": 2, "latitude": "36.3283", "hardness": 127.4541, "rdnmadr": None}


@pytest.mark.parametrize(
    "whole",
    [
        [RECORD],
        {"fields": [{"id": "x"}], "records": [RECORD]},
        {"response": {"header": {}, "body": {"items": [RECORD], "totalCount": 1}}},
        {"response": {"body": {"items": {"item": [RECORD]}}}},
    ],
)
def test_json_as_public_apis_give_it(tmp_path, whole):
    found = said(tmp_path, json.dumps(whole, ensure_ascii=False).encode(), name="list.json")
    assert found == {
        Word.OWNER: ["가람시"],
        Word.COUNT: ["2"],
        Word.LAT: ["36.3283"],
        Word.LON: ["127.4541"],
        Word.ROAD: [""],
    }


def test_json_by_the_line_and_where_a_mapping_says(tmp_path):
    lines = b"\n".join(json.dumps({**RECORD, "cctvNumber": n}).encode() for n in (1, 2))
    assert said(tmp_path, lines, name="list.jsonl")[Word.COUNT] == ["1", "2"]
    deep = json.dumps({"vms": {"channels": [{"x": 127.4541, "y": 36.3283}]}}).encode()
    mapping = mapped(tmp_path, 'records = "vms.channels"\n[columns]\nlat = "y"\nlon = "x"\n')
    assert said(tmp_path, deep, mapping) == {Word.LAT: ["36.3283"], Word.LON: ["127.4541"]}


# --- mapping files -------------------------------------------------------------------------------------------------

VMS = """
encoding = "cp949"
delimiter = ";"
ptz = ["회전형", "Y"]
fixed = ["고정형"]
[columns]
number = "채널"
name = "명칭"
lat = "Y"
lon = "X"
azimuth = "방위"
opening = "화각"
ptz = "형식"
stream = "주소"
[constants]
owner = "가람시청"
purpose = "생활방범"
"""


def test_the_export_of_a_vms(tmp_path):
    raw = "채널;명칭;X;Y;방위;화각;형식;주소\r\n7;별빛로;127.4541;36.3283;90;60;회전형;rtsp://10.0.0.1/1\r\n8;;1;2;;;반구;\r\n"
    found = said(tmp_path, raw.encode("cp949"), mapped(tmp_path, VMS))
    assert found == {
        Word.NUMBER: ["7", "8"],
        Word.NAME: ["별빛로", ""],
        Word.LAT: ["36.3283", "2"],
        Word.LON: ["127.4541", "1"],
        Word.AZIMUTH: ["90", ""],
        Word.OPENING: ["60", ""],
        Word.PTZ: ["1", ""],
        Word.STREAM: ["rtsp://10.0.0.1/1", ""],
        Word.OWNER: ["가람시청", "가람시청"],
        Word.PURPOSE: ["생활방범", "생활방범"],
    }


def test_a_list_without_a_header(tmp_path):
    raw = b"7,127.4541,36.3283\r\n8,127.4542,36.3284\r\n"
    text = '{"header": false, "columns": {"number": 1, "lon": 2, "lat": 3}}'
    told, (found,) = chunks(tmp_path, raw, mapped(tmp_path, text, "map.json"))
    assert told.form == "csv"
    assert list(found.rows) == [1, 2]
    assert list(found.columns[Word.LAT]) == ["36.3283", "36.3284"]
    with pytest.raises(UnreadableError, match="has 2"):
        chunks(tmp_path, b"1,2\r\n", mapped(tmp_path, text, "map.json"))


@pytest.mark.parametrize(
    "text",
    [
        "no toml",
        'lat = "y"',
        '[columns]\nlat = "y"',
        '[columns]\nlat = "y"\nlon = "x"\ncolour = "z"',
        'header = false\n[columns]\nlat = "y"\nlon = 2',
        "header = false\n[columns]\nlat = 0\nlon = 2",
        "[columns]\nlat = 1\nlon = 100000",
        'delimiter = "ab"\n[columns]\nlat = "y"\nlon = "x"',
        'surprise = 1\n[columns]\nlat = "y"\nlon = "x"',
        "x = 1\n" * 40_000,
    ],
)
def test_a_mapping_that_is_none(tmp_path, text):
    with pytest.raises(UnreadableError, match=r"map\.toml"):
        mapped(tmp_path, text)


def test_a_mapping_of_another_file(tmp_path):
    with pytest.raises(UnreadableError, match="'명칭'"):
        chunks(tmp_path, listed({}, delimiter=";"), mapped(tmp_path, VMS.replace('"채널"', '"관리번호"')))
    with pytest.raises(UnreadableError, match="encoding"):
        chunks(tmp_path, listed({}), mapped(tmp_path, VMS.replace("cp949", "klingon")))


def test_every_alias_is_compared_as_headers_are():
    names = [layouts.plain(alias) for aliases in layouts.ALIASES.values() for alias in aliases]
    assert len(names) == len(set(names))
