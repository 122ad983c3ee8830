"""Texts of others: no network address survives in any spelling, and ordinary ones stay as they are."""

import ipaddress
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core.lists import texts
from safetynet.core.lists.texts import clean, clean_all

LEAKS = [
    "172.31.192.134",
    "172.31.192.134:554",
    "172.31.192.134/24",
    "172．31．192．134",
    "172。31。192。134",
    "172 . 31 . 192 . 134",
    "172. 31.192 .134",
    "172[.]31[.]192[.]134",
    "172(dot)31(dot)192(dot)134",
    "172점31점192점134",
    "172-31-192-134",
    "172_31_192_134",
    "172,31,192,134",
    "172 31 192 134",
    "172.31-192,134",
    "0xAC.0x1F.0xC0.0x86",
    "0254.037.0300.0206",
    "0xAC1FC086",
    "2887762054",
    "①⑦②.31.192.134",
    "172.31\u200b.192.134",
    "172.31.192.x",
    "172.31.x.x",
    "192.168.0",
    "10.20.30.*",
    "169.254.1.1",
    "fe80::1c2:3ff:fe45:678%eth0",
    "2001:db8:0:0:0:0:2:1",
    "fd00::1",
    "::1",
    "::ffff:172.31.192.134",
    "rtsp://admin:pw1234@cam7.inside/stream1",
    "http://nvr.inside:8080/x",
    "00:1a:2b:3c:4d:5e",
]


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("around", ["{}", "별빛동 1-1 ({})", "카메라{}", "{}호 앞", "정문[{}]후문", "앞 {} 뒤 {}"])
def test_a_network_address_in_any_spelling_leaves_no_digit_behind(leak, around):
    if around == "카메라{}" and leak.startswith(("rtsp", "http")):
        assert "inside" not in clean(around.format(leak, leak))[0]
        return
    shown, redacted = clean(around.format(leak, leak))
    assert redacted
    rest = shown.replace("1-1", "")
    assert not re.search(r"\d{2,}|inside|admin|pw1234|[0-9a-f]:[0-9a-f]", rest), shown


@pytest.mark.parametrize(
    "text",
    [
        "가람시 동구 계족로140번길 191-1",
        "중촌동 183-5, 191-1, 191-2",
        "042-251-4175",
        "2026-05-20 18:45:37",
        "360도 전방면",
        "반경 2~3m",
        "[일원2-228] 2 개포동 14 (큰 간판 앞)_0",
        "101동 1203호",
        "1.5km",
        "09:30:00",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text):
    assert clean(text) == (text, False)


def test_texts_are_short_and_on_one_line():
    shown, redacted = clean("한국\n앉은굿\t보존회\x00앞\u202e" + "가" * 500)
    assert shown.startswith("한국 앉은굿 보존회 앞 가가")
    assert (len(shown), redacted) == (200, False)


@pytest.mark.parametrize("before", range(1_960, 2_005))
def test_an_endless_text_is_cut_without_leaving_half_an_address(before):
    shown, redacted = clean(("1.2.3.4 " * 300)[:before] + "8.172.31.192.134" * 9)
    assert redacted
    assert "172" not in shown
    assert len(clean("1" * 2_000_000)[0]) == texts.TEXT_CHARS_MAX


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.text(alphabet="가나 ()[]-_.,:/0123456789abcdefx", max_size=12),
    st.text(alphabet="가나 ()[]-_.,:/0123456789abcdefx", max_size=12),
)
def test_no_plain_address_survives_whatever_stands_around_it(value, before, after):
    address = str(ipaddress.IPv4Address(value))
    # A digit, letter or dot that touches it makes it another word.
    shown, _ = clean(f"{before} 가{address} 나{after}")
    assert address not in shown


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**128 - 1), st.booleans())
def test_no_v6_address_survives(value, exploded):
    address = ipaddress.IPv6Address(value)
    text = address.exploded if exploded else address.compressed
    assert text not in clean(f"정문 {text} 앞")[0]


@given(st.text(max_size=300))
def test_cleaning_is_total_and_settled(text):
    shown, _ = clean(text)
    assert len(shown) <= texts.TEXT_CHARS_MAX
    assert not re.search(r"[\x00-\x1f]", shown)


WORDS = st.one_of(
    st.text(alphabet="가 .,-_:/0123456789abx*[]()도점dot", max_size=24),
    st.text(max_size=12),
    st.sampled_from(LEAKS),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(WORDS, max_size=5))
def test_a_whole_column_is_cleaned_as_each_text_by_itself(column):
    """The short way must never pass over what the long way would have changed."""
    shown, redacted = clean_all(column)
    assert list(zip(shown, redacted, strict=True)) == [clean(each) for each in column]
