"""촬영방면정보: what says a direction, and what only looks as if it did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core.lists.directions import DIRECTIONS_MAX, NOTHING, Said, read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("동", Said(azimuths_deg=(90.0,))),
        ("정남향", Said(azimuths_deg=(180.0,))),
        ("동북", Said(azimuths_deg=(45.0,))),
        ("북서쪽 방향", Said(azimuths_deg=(315.0,))),
        ("(북측 방면)", Said(azimuths_deg=(0.0,))),
        ("정문 앞 북서방향", Said(azimuths_deg=(315.0,))),
        ("동쪽, 서쪽", Said(azimuths_deg=(90.0, 270.0))),
        ("동/서/남/북", Said(azimuths_deg=(90.0, 270.0, 180.0, 0.0))),
        ("남→북", Said(azimuths_deg=(0.0,))),
        ("남에서 북방향", Said(azimuths_deg=(0.0,))),
        ("방위각 135도 화각 90도", Said(azimuths_deg=(135.0,), view_deg=90.0)),
        ("방위 360°", Said(azimuths_deg=(0.0,), around=True)),
        ("반경100m이내", Said(range_m=100.0)),
        ("360도 전방면", Said(around=True)),
        ("360°", Said(around=True)),
        ("회전형", Said(ptz=True)),
        ("스피드돔 카메라", Said(ptz=True)),
        ("고정형", Said(ptz=False)),
        ("회전형, 고정형", NOTHING),
    ],
)
def test_what_says_something(text, said):
    assert read(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "서대전지하보도내",
        "동구",
        "중촌그린공원 서쪽정자",
        "새마을금고에서 오류시장방향쪽",
        "탑전기 앞 철길방향",
        "강남방향",
        "남대전교회 인근",
        "남향 주택 앞",
        "좌우양방향",
        "특정방면",
        "45°",
        "반경 2~3m",
        "반경 9999m",
        "화각 1도",
        "방위각 999도",
        "고정리 입구",
        ",".join(["동"] * (DIRECTIONS_MAX + 1)),
    ],
)
def test_what_says_nothing(text):
    assert read(text) == NOTHING


def test_each_lens_has_its_own_direction_only_where_they_are_equally_many():
    said = read("동, 서")
    assert [said.azimuth_deg(lens, 2) for lens in range(2)] == [90.0, 270.0]
    assert said.azimuth_deg(0, 1) is None
    assert said.azimuth_deg(0, 3) is None


@given(st.text(alphabet="동서남북정쪽측방향방면향에서,/ →0123456789도°m화각반경", max_size=20))
def test_whatever_is_read_is_plausible(text):
    said = read(text)
    assert all(0.0 <= each < 360.0 for each in said.azimuths_deg)
    assert said.view_deg is None or 5.0 <= said.view_deg <= 360.0
    assert said.range_m is None or 10.0 <= said.range_m <= 500.0
