"""Many reports in one body: each row is what it would have been alone, and none takes another with it."""

import json
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from test_intake import KEY, KNOWN, NOW, Keys, ask

from safetynet.core.fixes import Fix, Mark, Said
from safetynet.edge.devices import osmand, rows
from safetynet.edge.devices.words import Reason, Refusal
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal

PLAIN = {"id": "d1", "key": KEY, "lat": 36.35, "lon": 127.38, "timestamp": NOW - 5_000, "accuracy": 12.5}


def decode(*found):
    return rows.decode(json.dumps(found).encode(), NOW, KNOWN.get)


ROW = st.fixed_dictionaries(
    {"id": st.sampled_from(["d1", "d2", "nobody", "", "x" * 40]), "key": st.sampled_from([KEY, "wrong", ""])},
    optional={
        "lat": st.none() | st.floats(-90, 90) | st.floats(33, 39),
        "lon": st.none() | st.floats(-180, 180) | st.floats(124, 132),
        "timestamp": st.none()
        | st.integers(-10, 2**45)
        | st.sampled_from(
            [NOW, NOW + 300_000, NOW + 300_001, NOW / 1000, "2025-06-15T15:06:39Z", "yesterday", 1e300, 1e15]
        ),
        "accuracy": st.none() | st.floats(-5, 1e12) | st.floats(0, 100),
        "speed": st.none() | st.floats(-5, 2_000),
        "bearing": st.none() | st.floats(-5, 400),
        "batt": st.none() | st.floats(-5, 120),
        "hdop": st.none() | st.floats(0, 50),
        "source": st.sampled_from(["", "gnss", "WIFI", "cell", "magic"]),
        "alarm": st.none() | st.sampled_from(["", "removing", "sos,vibration", "unheardOf"]),
        "valid": st.none() | st.booleans(),
        "mock": st.none() | st.booleans(),
        "approximate": st.none() | st.booleans(),
    },
)


@given(ROW)
def test_a_row_is_what_the_form_would_have_brought(row):
    fields = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in row.items()
        if value is not None
    }
    alone = osmand.decode(urlencode(fields).encode(), b"", "", NOW, KNOWN.get)
    got = decode(row)
    assert (got.fixes or tuple(no for _, no in got.refused)) == (alone,)


def test_each_row_is_of_its_own_device_and_none_takes_another_with_it():
    got = decode(
        PLAIN,
        PLAIN | {"id": "d2"},
        PLAIN | {"key": "wrong"},
        PLAIN | {"id": "nobody"},
        PLAIN | {"lat": "north"},
        PLAIN | {"lat": 127.38, "lon": 36.35},
        PLAIN | {"id": "d3", "lat": 51.0, "alarm": "removing"},
        7,
    )
    assert [(fix.device, fix.wearer, fix.said) for fix in got.fixes] == [
        ("d1", "w1", Said.NOTHING), ("d2", "w2", Said.NOTHING), ("d3", "w3", Said.STRAP_CUT),
    ]  # fmt: skip
    assert got.fixes[2].marks & Mark.PLACE_REFUSED
    assert [(n, no.reason) for n, no in got.refused] == [
        (2, Reason.BAD_KEY), (3, Reason.UNKNOWN_DEVICE), (4, Reason.MALFORMED), (5, Reason.SWAPPED), (7, Reason.MALFORMED),
    ]  # fmt: skip
    assert json.loads(rows.answer(got)) == {
        "taken": 3,
        "refused": [
            {"row": 2, "reason": "not_known"}, {"row": 3, "reason": "not_known"}, {"row": 4, "reason": "malformed"},
            {"row": 5, "reason": "swapped"}, {"row": 7, "reason": "malformed"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[", b"[1e999]\xff", b"null", b"[" * 10_000])
def test_what_is_no_list_of_rows_is_refused(body):
    assert rows.decode(body, NOW, KNOWN.get) == Refusal(Reason.MALFORMED)


def test_too_many_rows_are_refused_before_any_is_read():
    assert decode(*[PLAIN] * (rows.ROWS_MAX + 1)) == Refusal(Reason.FRAME_TOO_LONG)


async def test_a_body_is_answered_when_its_rows_are_on_disk(tmp_path):
    seen = []
    with Journal(tmp_path, Keys(), segment_records=64) as log:
        app = Intake(log, KNOWN.get, seen.extend, now=lambda: NOW, waiting_fixes_max=2)

        async def post(*found):
            parts = [{"type": "http.request", "body": json.dumps(found).encode()}]
            sent = []

            async def receive():
                return parts.pop(0)

            async def send(message):
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": "/device/batch", "query_string": b"", "headers": []}
            await app(scope, receive, send)
            return sent[0]["status"], json.loads(sent[1]["body"])

        assert await post(*(PLAIN | {"id": f"d{n}"} for n in range(5)), PLAIN | {"key": "no"}) == (
            200, {"taken": 5, "refused": [{"row": 5, "reason": "not_known"}]},
        )  # fmt: skip
        assert [(fix.id, fix.device) for fix in seen] == [(n + 1, f"d{n}") for n in range(5)]
        assert list(log.replay()) == seen
        assert app.counts == {"batches": 1, "taken": 5, "bad_key": 1}
        assert app.proved == {f"d{n}" for n in range(5)}
        assert (await post())[0] == 400
        assert (await ask(app, "", bodies=(b"x",)))[0]["status"] == 400
    assert all(isinstance(each, Fix) for each in seen)
