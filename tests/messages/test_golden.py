"""What was once written or sent is read the same for ever."""

import sys
from pathlib import Path

import msgspec
import pytest

from safetynet.core import events, messages
from safetynet.core.events import footage
from safetynet.edge import codec

sys.path.insert(0, str(Path(__file__).parent))
import golden

FILES = sorted(golden.FOLDER.glob("*/*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_golden_bytes_mean_what_they_meant_and_are_written_the_same(file):
    written = msgspec.json.decode(file.read_bytes())
    body = bytes.fromhex(written["bytes"])
    what, _, version = file.parent.name.partition(".")
    if what == "event":
        value = codec.decode_event(body, int(version))
        again = codec.encode_event(value)
    else:
        value = codec.decode_message(body, int(version))
        again = codec.encode_message(value)
    meant = msgspec.json.decode(msgspec.json.encode(value))
    since = meant.keys() - written["value"].keys()
    assert {name: meant[name] for name in meant if name not in since} == written["value"]
    defaults = {each.name: each.default for each in msgspec.structs.fields(value)}
    assert all(getattr(value, name) == defaults[name] for name in since), (
        "a later field means nothing in an older record"
    )
    assert again == body or (what == "event" and since), "a message stays canonical: its later fields are omitted"


@pytest.mark.parametrize("what", ["event", "message"])
@pytest.mark.parametrize("shape", ["full", "sparse"])
def test_every_kind_has_its_golden_bytes(what, shape):
    missing = [
        golden.tag(kind)
        for kind in golden.KINDS[what]
        if not golden.path(what, golden.VERSIONS[what], kind, shape).exists()
    ]
    assert missing == []


def test_every_kind_of_the_unions_is_counted():
    named = (*vars(events).values(), *vars(footage).values())
    every_event = {kind for kind in named if isinstance(kind, type) and issubclass(kind, events.Event)}
    assert set(golden.KINDS["event"]) == every_event - {events.Event}
    every_message = {
        kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, messages.Message)
    }
    assert set(golden.KINDS["message"]) == every_message - {messages.Message}


def holds_position(value):
    if isinstance(value, events.Place | events.Spot | events.CameraCard):
        return True
    if isinstance(value, msgspec.Struct):
        return any(holds_position(getattr(value, name)) for name in value.__struct_fields__)
    return isinstance(value, tuple) and any(map(holds_position, value))


def test_what_holds_a_position_is_sealed_but_for_what_bears_out_a_stream():
    samples = [golden.sample(kind, golden.tag(kind), full=True) for kind in golden.KINDS["event"]]
    open_kinds = {type(each) for each in samples if holds_position(each) and events.subject(each) is None}
    assert open_kinds == {events.VideoGranted, events.CamerasChanged}
    assert any(holds_position(each) and events.subject(each) for each in samples)
