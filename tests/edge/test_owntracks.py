import base64
import hashlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core.fixes import Fix, Mark
from safetynet.core.terms import Source
from safetynet.edge.devices.owntracks import decode, device_of
from safetynet.edge.devices.words import Reason, Refusal, Registered

NOW = 1_750_000_000_000
KEY = "k" * 22
KNOWN = {"d1": Registered("w1", hashlib.sha256(KEY.encode()).digest())}
GOOD = {
    "_type": "location",
    "lat": 36.35,
    "lon": 127.38,
    "acc": 12,
    "vel": 36,
    "cog": 90,
    "batt": 81,
    "tst": 1_749_999_990,
}


def basic(text=f"d1:{KEY}"):
    return b"Basic " + base64.b64encode(text.encode())


def post(body=b"", authorization=None, **changes):
    said = body or json.dumps({name: each for name, each in (GOOD | changes).items() if each is not None}).encode()
    return decode(said, basic() if authorization is None else authorization, NOW, KNOWN.get)


def test_a_good_one():
    assert post() == Fix(
        id=0, wearer="w1", device="d1", observed_at=1_749_999_990_000, received_at=NOW, lat=36.35, lon=127.38, accuracy_m=12,
        source=Source.UNKNOWN, speed_mps=10, course_deg=90, battery_percent=81,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (b"", Reason.UNKNOWN_DEVICE),
        (b"Bearer x", Reason.UNKNOWN_DEVICE),
        (b"Basic !!!", Reason.UNKNOWN_DEVICE),
        (basic("d2:" + KEY), Reason.UNKNOWN_DEVICE),
        (basic("d1"), Reason.BAD_KEY),
        (basic("d1:" + KEY[1:]), Reason.BAD_KEY),
        (basic("d" * 33 + ":" + KEY), Reason.UNKNOWN_DEVICE),
        (b"Basic " + base64.b64encode(b"\xff:" + KEY.encode()), Reason.UNKNOWN_DEVICE),
    ],
)
def test_who_may_speak_comes_first(authorization, reason):
    assert post(b"nonsense", authorization) == Refusal(reason)
    assert Refusal(reason).word == "not_known"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lat": None}, Reason.BAD_PLACE),
        ({"lat": 0, "lon": 0}, Reason.OUT_OF_KOREA),
        ({"lat": 127.38, "lon": 36.35}, Reason.SWAPPED),
        ({"tst": None}, Reason.BAD_TIME),
        ({"tst": -1}, Reason.BAD_TIME),
        ({"tst": 1_750_000_301}, Reason.FUTURE),
        ({"tst": 1e300}, Reason.FUTURE),
        ({"tst": -1e307}, Reason.BAD_TIME),
        ({"lat": "36.35"}, Reason.MALFORMED),
        ({"_type": "encrypted"}, Reason.UNREAD),
    ],
)
def test_each_refusal(changes, reason):
    assert isinstance(post(), Fix)
    assert post(**changes) == Refusal(reason)


@pytest.mark.parametrize("body", [b"", b'{"_type":"lwt","tst":1}', b'{"_type":"transition","lat":1,"lon":2}'])
def test_what_says_no_place_is_acknowledged_and_passed_by(body):
    assert decode(body, basic(), NOW, KNOWN.get) is None


def test_a_radius_that_was_not_measured():
    assert post(acc=0).accuracy_m is None
    assert post(acc=-1).accuracy_m is None
    assert post(acc=-1).marks is Mark.NOT_VALID


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("owntracks/d1/phone", "d1"),
        ("owntracks/d1/phone/cmd", None),
        ("other/d1/x", None),
        ("owntracks//x", None),
        ("", None),
    ],
)
def test_whose_topic_it_is(topic, device):
    assert device_of(topic) == device


def test_a_hundred_thousand_mutations():
    dice, seed = random.Random(1), json.dumps(GOOD).encode()
    read = 0
    for _ in range(100_000):
        data = bytearray(seed)
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        read += isinstance(decode(bytes(data), basic(), NOW, KNOWN.get), Fix)
    assert read > 1_000


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.floats() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.dictionaries(st.sampled_from([*GOOD, "x"]), inner | st.just("location"), max_size=8)
                | st.lists(inner, max_size=3)
            ),
            max_leaves=12,
        ).map(lambda each: json.dumps(each).encode()),
    )
)
def test_nonsense_is_refused_or_passed_by_and_nothing_is_raised(body):
    got = decode(body, basic(), NOW, KNOWN.get)
    assert got is None or isinstance(got, Fix | Refusal)
