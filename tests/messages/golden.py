"""Writes the golden bytes of kinds that have none yet; never touches one that exists.

`python tests/messages/golden.py` after adding a kind of event or message. Each file holds the bytes and the value they
mean, so that a later change of a type shows itself in both directions.
"""

import typing
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from safetynet.core import events, messages
from safetynet.edge import codec

FOLDER = Path(__file__).parent / "golden"
KINDS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "event": typing.get_args(events.AnyEvent),
    "message": typing.get_args(messages.AnyMessage),
}
VERSIONS = {"event": events.VERSION, "message": messages.VERSION}


def tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


def sample(kind: Any, name: str, *, full: bool) -> Any:
    """A made-up value: every optional part given, or none of it. Numbers beyond 32 bits where they are integers."""
    kind = getattr(kind, "__supertype__", kind)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if type(None) in inner:
        return sample(inner[0], name, full=True) if full else None
    if origin is not None and origin is not tuple:  # a union of ids
        return sample(inner[0], name, full=full)
    if origin is tuple:
        return tuple(sample(inner[0], f"{name}{n}", full=full) for n in range(2 if full else 0))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        needed = [
            each
            for each in msgspec.structs.fields(kind)
            if full or (each.default is msgspec.NODEFAULT and each.default_factory is msgspec.NODEFAULT)
        ]
        return kind(**{each.name: sample(hints[each.name], each.name, full=full) for each in needed})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[-1 if full else 0]
    by_type: dict[Any, Any] = {
        str: f"{name}-가1" if full else "",
        int: 2**53 + len(name) if full else 0,
        float: 36.350001 + len(name) if full else 0.0,
        bool: full,
        bytes: bytes(range(32)) if full else b"",
    }
    return by_type[kind]


def path(what: str, version: int, kind: type[msgspec.Struct], shape: str) -> Path:
    return FOLDER / f"{what}.{version}" / f"{tag(kind)}.{shape}.json"


def main() -> None:
    for what, kinds in KINDS.items():
        for kind in kinds:
            for shape in ("full", "sparse"):
                file = path(what, VERSIONS[what], kind, shape)
                if file.exists():
                    continue
                value = sample(kind, tag(kind), full=shape == "full")
                body = codec.encode_event(value) if what == "event" else codec.encode_message(value)
                file.parent.mkdir(parents=True, exist_ok=True)
                written = {"bytes": body.hex(), "value": msgspec.to_builtins(value)}
                file.write_bytes(msgspec.json.format(msgspec.json.encode(written)) + b"\n")


if __name__ == "__main__":
    main()
