"""What the codec refuses, and that it refuses nothing else."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core import events as e
from safetynet.core import messages as m
from safetynet.core.terms import CentreId, IncidentId, Instant, Why
from safetynet.edge import codec
from safetynet.edge.codec import Unreadable

EVENT = e.ProgramStarted(at=Instant(5), version="1")
ENDING = m.EndIncident(incident=IncidentId("i-1"), why=Why.STOPPED)
PLACE = [36.0, 127.0, 5.0, "gnss", 1, 2, 3]


def reason(call, *given) -> str:
    with pytest.raises(Unreadable) as refused:
        call(*given)
    return refused.value.reason


def pack(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def test_record_holds_version_serial_and_event():
    record = codec.encode_record(2**40, EVENT)
    assert codec.decode_record(record) == (2**40, EVENT)
    assert record == codec.encode_record(2**40, EVENT)
    assert msgspec.msgpack.decode(record) == [1, 2**40, {"event": "program_started", "at": 5, "version": "1"}]


@given(st.integers(1, 2**63 - 1), st.integers(0, 2**63 - 1), st.text(max_size=50))
def test_every_record_reads_back(serial, at, version):
    event = e.ProgramStarted(at=Instant(at), version=version)
    assert codec.decode_record(codec.encode_record(serial, event)) == (serial, event)


def test_records_of_a_newer_release_are_refused_not_half_read():
    assert reason(codec.decode_record, pack([2, 1, EVENT])) == "unknown_version"
    newer = {"event": "program_started", "at": 5, "version": "1", "host": "x"}
    assert reason(codec.decode_record, pack([1, 1, newer])) == "malformed"
    del newer["host"]
    assert codec.decode_record(pack([1, 1, newer])) == (1, EVENT)


def test_a_place_with_more_than_we_know_is_refused():
    move = {"message": "move_place", "incident": "i", "request": "r", "place": PLACE}
    assert isinstance(codec.decode_message(pack(move)), m.MovePlace)
    assert reason(codec.decode_message, pack({**move, "place": [*PLACE, 9]})) in ("malformed", "not_canonical")
    assert reason(codec.decode_message, pack({**move, "place": PLACE[:-1]})) == "malformed"


def test_messages_are_canonical_or_refused():
    body = codec.encode_message(ENDING)
    assert codec.decode_message(body) == ENDING
    assert (
        reason(codec.decode_message, pack({"message": "end_incident", "incident": "i-1", "why": "stopped", "x": 1}))
        == "not_canonical"
    )
    assert (
        reason(codec.decode_message, pack({"incident": "i-1", "message": "end_incident", "why": "stopped"}))
        == "not_canonical"
    )
    doubled = b"\x84" + body[1:] + pack("why") + pack("run_out")
    assert reason(codec.decode_message, doubled) == "not_canonical"
    assert reason(codec.decode_message, body + b"\0") == "malformed"
    long_form = body.replace(b"\xa3i-1", b"\xd9\x03i-1")
    assert reason(codec.decode_message, long_form) == "not_canonical"


def test_messages_have_a_size_and_a_version():
    assert reason(codec.decode_message, codec.encode_message(ENDING), 2) == "unknown_version"
    assert reason(codec.decode_message, b"\0" * (m.SIZE_BYTES_MAX + 1)) == "too_long"
    with pytest.raises(AssertionError):
        codec.encode_message(m.EndIncident(incident=IncidentId("i" * m.SIZE_BYTES_MAX), why=Why.STOPPED))


@pytest.mark.parametrize(
    "decode", [codec.decode_message, codec.decode_record, codec.decode_event, codec.decode_envelope]
)
@pytest.mark.parametrize(
    "inside",
    [b"\xa1\xff", b"\x91" * 60_000 + b"\x90", b"\x81\xa1a" * 20_000 + b"\x90"],
    ids=["not utf-8", "deep", "deeper"],
)
def test_what_is_no_text_or_nests_without_end_is_malformed(decode, inside):
    frames = (
        codec.encode_message(ENDING).replace(b"\xa3i-1", inside),
        codec.encode_event(EVENT).replace(b"\xa11", inside),
        codec.encode_record(7, EVENT).replace(b"\xa11", inside),
        b"\x88\xa6origin" + inside,
    )
    assert {reason(decode, each) for each in frames} <= {"malformed", "unknown_version"}


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else_happens(body):
    for decode in (codec.decode_message, codec.decode_record, codec.decode_event, codec.decode_envelope):
        with contextlib.suppress(Unreadable):
            decode(body)
    message = decoded(body)
    assert message is None or codec.encode_message(message) == body


def decoded(body: bytes) -> m.AnyMessage | None:
    try:
        return codec.decode_message(body)
    except Unreadable:
        return None


@given(st.binary(max_size=200), st.integers(1, 2**62), st.binary(min_size=64, max_size=64))
def test_an_envelope_carries_its_body_untouched(body, seq, signature):
    envelope = m.Envelope(
        v=1, origin=CentreId("a"), to=CentreId("b"), epoch=2**60, seq=seq, sent_at=Instant(1), body=body, signature=signature
    )  # fmt: skip
    assert codec.decode_envelope(codec.encode_envelope(envelope)) == envelope
