import hashlib
import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core.fixes import Fix, Mark, Said
from safetynet.core.terms import Source
from safetynet.edge.devices.osmand import Reason, Refusal, Registered, decode

NOW = 1_750_000_000_000
KEY = "k" * 22
KNOWN = {"d1": Registered("w1", hashlib.sha256(KEY.encode()).digest())}
GOOD = f"id=d1&key={KEY}&lat=36.35&lon=127.38&timestamp=1749999990&accuracy=12&speed=10&bearing=90&batt=81&source=gnss"


def get(query, body=b"", kind="", header=b"", now=NOW):
    return decode(query.encode(), body, kind, now, KNOWN.get, header_key=header)


def with_(**changes):
    fields = dict(pair.split("=") for pair in GOOD.split("&")) | changes
    return "&".join(f"{name}={value}" for name, value in fields.items() if value is not None)


def test_a_good_one():
    assert get(GOOD) == Fix(
        id=0, wearer="w1", device="d1", observed_at=1_749_999_990_000, received_at=NOW, lat=36.35, lon=127.38, accuracy_m=12,
        source=Source.GNSS, speed_mps=10 * 1852 / 3600, course_deg=90, battery_percent=81,
    )  # fmt: skip


def test_form_body_and_header_key():
    assert get("", GOOD.encode(), "application/x-www-form-urlencoded") == get(GOOD)
    assert get(with_(key=None), header=KEY.encode()) == get(GOOD)
    assert get("id=d1", with_(id=None).encode(), "application/x-www-form-urlencoded") == get(GOOD)


@pytest.mark.parametrize(
    ("time", "observed"),
    [
        ("1749999990", 1_749_999_990_000),
        ("1749999990123", 1_749_999_990_123),
        ("2025-06-15T15:06:30Z", 1_749_999_990_000),
        ("2025-06-16T00:06:30.500%2B09:00", 1_749_999_990_500),
        (None, NOW),
    ],
)
def test_times(time, observed):
    got = get(with_(timestamp=time))
    assert isinstance(got, Fix)
    assert got.observed_at == observed
    assert bool(got.marks & Mark.NO_CLOCK) is (time is None)


@pytest.mark.parametrize(
    ("changes", "reason", "status"),
    [
        ({"id": "d2"}, Reason.UNKNOWN_DEVICE, 401),
        ({"key": "k" * 21}, Reason.BAD_KEY, 401),
        ({"key": None}, Reason.BAD_KEY, 401),
        ({"id": None}, Reason.MALFORMED, 400),
        ({"id": "d" * 33}, Reason.MALFORMED, 400),
        ({"lat": "nan"}, Reason.BAD_PLACE, 422),
        ({"lon": "inf"}, Reason.BAD_PLACE, 422),
        ({"lat": "3_6.35"}, Reason.BAD_PLACE, 422),
        ({"lat": "north"}, Reason.BAD_PLACE, 422),
        ({"lat": None}, Reason.BAD_PLACE, 422),
        ({"lat": "39.9", "lon": "116.39"}, Reason.OUT_OF_KOREA, 422),
        ({"lat": "0", "lon": "0"}, Reason.OUT_OF_KOREA, 422),
        ({"lat": "127.38", "lon": "36.35"}, Reason.SWAPPED, 422),
        ({"timestamp": "1750000301"}, Reason.FUTURE, 422),
        ({"timestamp": "9" * 300}, Reason.FUTURE, 422),
        ({"timestamp": "-5"}, Reason.BAD_TIME, 422),
        ({"timestamp": "2025-06-15 15:06:30"}, Reason.BAD_TIME, 422),
        ({"timestamp": "soon"}, Reason.BAD_TIME, 422),
    ],
)
def test_refusals(changes, reason, status):
    """Each would pass but for that one reason: GOOD does."""
    got = get(with_(**changes))
    assert isinstance(got, Refusal)
    assert (got.reason, got.status) == (reason, status)


@pytest.mark.parametrize(
    "query", [GOOD + "&lat=36.36", GOOD + "&id=d1", "nonsense", GOOD + "".join(f"&x{n}=1" for n in range(60)), ""]
)
def test_malformed(query):
    got = get(query)
    assert got == Refusal(Reason.MALFORMED)


def test_a_loose_ampersand_costs_no_fix():
    assert get(GOOD.replace("&", "&&") + "&") == get(GOOD)


def test_nobody_can_list_devices():
    unknown, wrong = get(with_(id="d2")), get(with_(key="x"))
    assert (unknown.word, unknown.status) == (wrong.word, wrong.status)
    assert unknown.reason is not wrong.reason


def test_nothing_is_said_to_who_has_no_key():
    assert get(with_(key="x", lat="nan")) == Refusal(Reason.BAD_KEY)


def test_five_minutes_ahead_is_taken():
    assert isinstance(get(with_(timestamp="1750000300")), Fix)


@pytest.mark.parametrize(
    ("word", "said", "other"),
    [
        ("tampering", Said.BODY_TAMPER, ""),
        ("removing", Said.STRAP_CUT, ""),
        ("strapCut", Said.STRAP_CUT, ""),
        ("strap_cut", Said.STRAP_CUT, ""),
        ("SOS", Said.SOS, ""),
        ("lowBattery", Said.LOW_BATTERY, ""),
        ("powerCut", Said.POWER_CUT, ""),
        ("jamming", Said.JAMMING, ""),
        ("removing,sos", Said.STRAP_CUT | Said.SOS, ""),
        ("hardBraking", Said.OTHER, "hardBraking"),
        ("hardBraking,sos", Said.SOS | Said.OTHER, "hardBraking"),
        ("%EA%B0%80" * 20, Said.OTHER, "가" * 10),
        ("", Said.NOTHING, ""),
    ],
)
def test_alarms(word, said, other):
    got = get(with_(alarm=word))
    assert isinstance(got, Fix)
    assert (got.said, got.other) == (said, other)


def test_two_alarm_fields_are_two_alarms():
    assert get(GOOD + "&alarm=sos&alarm=removing").said == Said.SOS | Said.STRAP_CUT


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"lat": "nan"}, Mark.PLACE_REFUSED),
        ({"lat": "39.9", "lon": "116.39"}, Mark.PLACE_REFUSED),
        ({"lat": "127.38", "lon": "36.35"}, Mark.PLACE_REFUSED),
        ({"timestamp": "1850000000"}, Mark.CLOCK_REFUSED),
        ({"timestamp": "soon"}, Mark.CLOCK_REFUSED),
    ],
)
def test_a_strap_cut_is_heard_whatever_the_position(changes, mark):
    """False satellites that put a wearer into China must not cost the alarm of his strap."""
    got = get(with_(alarm="removing", **changes))
    assert isinstance(got, Fix)
    assert got.said is Said.STRAP_CUT
    assert got.marks is mark
    assert (got.lat is None) is (mark is Mark.PLACE_REFUSED)
    assert got.observed_at <= NOW


def test_what_is_not_essential_costs_no_fix():
    got = get(with_(batt="full", speed="-1", bearing="-1", accuracy="nan", source="magic"))
    assert isinstance(got, Fix)
    assert (got.battery_percent, got.speed_mps, got.course_deg, got.accuracy_m) == (None, None, None, None)
    assert got.source is Source.UNKNOWN


def test_radius_from_hdop_and_a_negative_one():
    assert get(with_(accuracy=None, hdop="2")).accuracy_m == 15
    got = get(with_(accuracy="-1"))
    assert got.accuracy_m is None
    assert got.marks is Mark.NOT_VALID


def test_marks():
    got = get(with_(valid="false", mock="true", approximate="1"))
    assert got.marks == Mark.NOT_VALID | Mark.MOCK | Mark.APPROXIMATE


def test_no_position_is_a_fix():
    got = get(with_(lat=None, lon=None, wifi="aa:bb,-60"))
    assert isinstance(got, Fix)
    assert got.lat is None


def test_location_field():
    got = get(with_(lat=None, lon=None, location="36.4,127.4"))
    assert (got.lat, got.lon) == (36.4, 127.4)


JSON = {
    "device_id": "d1",
    "key": KEY,
    "location": {
        "timestamp": "2025-06-15T15:06:30.000Z",
        "coords": {"latitude": 36.35, "longitude": 127.38, "accuracy": 5, "speed": 1.5, "heading": -1, "altitude": 5},
        "is_moving": False,
        "battery": {"level": 0.5, "is_charging": False},
        "extras": {"alarm": "removing", "source": "wifi"},
    },
}


def test_json_form():
    got = get("", json.dumps(JSON).encode(), "application/json; charset=utf-8")
    assert isinstance(got, Fix)
    assert got.speed_mps == pytest.approx(1.5)
    assert (got.battery_percent, got.course_deg, got.said, got.source) == (50, None, Said.STRAP_CUT, Source.WIFI)
    assert got.observed_at == 1_749_999_990_000


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"device_id":1,"location":{}}', b'{"device_id":"d1"}', b"\xff"])
def test_bad_json(body):
    assert get("", body, "application/json") == Refusal(Reason.MALFORMED)


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from(["", "application/json", "text/plain"]))
def test_no_bytes_bring_it_down(query, body, kind):
    assert isinstance(decode(query, body, kind, NOW, KNOWN.get), Fix | Refusal)


@given(
    st.dictionaries(
        st.sampled_from(["lat", "lon", "timestamp", "alarm", "batt", "accuracy", "hdop", "speed"]), st.text(max_size=12)
    )
)
def test_no_value_brings_it_down(changes):
    from urllib.parse import urlencode

    assert isinstance(get(urlencode({"id": "d1", "key": KEY} | changes)), Fix | Refusal)


@pytest.mark.parametrize(
    "make",
    [lambda: Registered("w1", b"short"), lambda: Registered("", bytes(32)), lambda: Registered("w" * 41, bytes(32))],
)
def test_bad_registrations(make):
    with pytest.raises(ValueError):
        make()


def test_a_hundred_thousand_mutations():
    dice, seed, read = random.Random(1), GOOD.encode(), 0
    said = {
        "device_id": "d1",
        "key": KEY,
        "location": {"timestamp": 1749999990, "coords": {"latitude": 36.35, "longitude": 127.38}},
    }
    forms = (seed, ""), (json.dumps(said).encode(), "application/json")
    for n in range(100_000):
        form, kind = forms[n % 2]
        data = bytearray(form)
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        read += isinstance(decode(b"", bytes(data), kind, NOW, KNOWN.get), Fix)
    assert read > 1_000


DATA = (
    Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))
    / "frames"
    / "traccar_frames.jsonl"
)


@pytest.mark.skipif(not DATA.is_file(), reason="needs the folder of real messages")
def test_real_messages():
    frames = []
    for line in DATA.read_text().splitlines():
        each = json.loads(line)
        if each["protocol"] == "OsmAnd":
            frames.append(each)
    assert frames
    for each in frames:
        if "body_hex" not in each:
            assert get(each["url"].partition("?")[2]) == Refusal(Reason.MALFORMED), "it names no device"
            continue
        said = json.loads(bytes.fromhex(each["body_hex"]))
        said["device_id"], said["key"] = "d1", KEY
        late = 1_760_000_000_000
        assert get("", json.dumps(said).encode(), "application/json", now=late) == Refusal(Reason.OUT_OF_KOREA)
        said["location"]["coords"]["longitude"] = 127.084
        got = get("", json.dumps(said).encode(), "application/json", now=late)
        assert isinstance(got, Fix)
        assert (got.lat, got.accuracy_m, got.battery_percent) == (pytest.approx(37.4219983), 5, 100)
