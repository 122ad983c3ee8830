"""Bytes of events, messages and envelopes: msgpack, tagged, one encoding for each value.

Strict on both sides. A record that carries a field this release does not know was written by a newer one: reading on
would drop what it said, so it is refused. A message must be the canonical encoding of what it decodes to; unknown
fields, doubled keys, trailing bytes and long-form integers are all refused by that one comparison, and a gateway that
re-serialises can never change a signed byte. A later field of a message therefore comes with a default and
`omit_defaults`, so that what an older centre sends stays canonical.
"""

from typing import Any, Final

import msgspec

from safetynet.core import events, messages
from safetynet.core.events import AnyEvent
from safetynet.core.messages import SIZE_BYTES_MAX, AnyMessage, Envelope

_ENCODER: Final = msgspec.msgpack.Encoder()
_RECORD: Final = msgspec.msgpack.Decoder(tuple[int, int, msgspec.Raw])
_EVENTS: Final[dict[int, msgspec.msgpack.Decoder[AnyEvent]]] = {1: msgspec.msgpack.Decoder(AnyEvent)}
"""One decoder for each version ever written. A line here is never taken away."""
_MESSAGES: Final[dict[int, msgspec.msgpack.Decoder[AnyMessage]]] = {1: msgspec.msgpack.Decoder(AnyMessage)}
_ENVELOPE: Final = msgspec.msgpack.Decoder(Envelope)

NONSENSE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises for bytes that are not what they should be: text that is no UTF-8 and deep nesting have errors
of their own. Whoever decodes what came from outside catches these and no fewer (tests/house)."""


class Unreadable(Exception):
    """These bytes are not what they claim to be. `reason` is one word, for counting."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode_record(serial: int, event: AnyEvent) -> bytes:
    """What a ledger leaf commits to: `[version, serial, event]`."""
    return _ENCODER.encode((events.VERSION, serial, event))


def decode_record(record: bytes) -> tuple[int, AnyEvent]:
    """Serial and event, of any version ever written. Raises Unreadable."""
    try:
        version, serial, body = _RECORD.decode(record)
        decoder = _EVENTS.get(version)
        if decoder is None:
            raise Unreadable("unknown_version")
        return serial, decoder.decode(body)
    except NONSENSE as fault:
        raise Unreadable("malformed") from fault


def encode_event(event: AnyEvent) -> bytes:
    return _ENCODER.encode(event)


def decode_event(body: bytes, version: int = events.VERSION) -> AnyEvent:
    """Raises Unreadable."""
    decoder = _EVENTS.get(version)
    if decoder is None:
        raise Unreadable("unknown_version")
    try:
        return decoder.decode(body)
    except NONSENSE as fault:
        raise Unreadable("malformed") from fault


def encode_message(message: AnyMessage) -> bytes:
    """At most SIZE_BYTES_MAX; a longer one is our own mistake, found before it is committed to the outbox."""
    body = _ENCODER.encode(message)
    assert len(body) <= SIZE_BYTES_MAX, f"{type(message).__name__} of {len(body)} bytes"
    return body


def decode_message(body: bytes, version: int = messages.VERSION) -> AnyMessage:
    """Raises Unreadable: too long, of a version we do not speak, malformed or not canonical."""
    if len(body) > SIZE_BYTES_MAX:
        raise Unreadable("too_long")
    decoder = _MESSAGES.get(version)
    if decoder is None:
        raise Unreadable("unknown_version")
    try:
        message = decoder.decode(body)
    except NONSENSE as fault:
        raise Unreadable("malformed") from fault
    if _ENCODER.encode(message) != body:
        raise Unreadable("not_canonical")
    return message


def encode_envelope(envelope: Envelope) -> bytes:
    return _ENCODER.encode(envelope)


def decode_envelope(frame: bytes) -> Envelope:
    """Raises Unreadable. The body inside is not looked at: it is checked against its signature first."""
    try:
        return _ENVELOPE.decode(frame)
    except NONSENSE as fault:
        raise Unreadable("malformed") from fault


def encode_plain(value: Any) -> bytes:
    """Small frames of the link itself."""
    return _ENCODER.encode(value)
