"""The HTTP surface as OpenAPI 3.1, made of the route tables themselves: there is no second list that could drift.

Each endpoint says beside its code what it takes and gives (`says`); `describe` puts that together with its route. The
sockets are no part of it: what crosses them stands in docs/contracts.md.
"""

import importlib.metadata
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from starlette.routing import BaseRoute, Route

from safetynet.edge.auth import COOKIE

HTML: Final = "text/html"
BYTES: Final = "application/octet-stream"
JPEG: Final = "image/jpeg"
PDF: Final = "application/pdf"
JSON: Final = "application/json"
TEXT: Final = "text/plain"
CSV: Final = "text/csv"
FORM: Final = "application/x-www-form-urlencoded"
PROBLEM: Final = "application/problem+json"
PARAMETER: Final = re.compile(r"{(\w+)(?::\w+)?}")
UNSEEN: Final = {"HEAD"}
"""Methods that Starlette adds by itself."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Media = str | type[msgspec.Struct] | None
"""A media type, a struct that is sent as JSON, or nothing at all."""


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457. `reason` is the word that a page translates."""

    type: str
    status: int
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One parameter of a query, with its JSON Schema."""

    name: str
    schema: Mapping[str, object]
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an endpoint takes and what it may answer."""

    what: str
    takes: Media = None
    query: tuple[Query, ...] = ()
    gives: Mapping[int, Media]
    problems: tuple[int, ...] = ()
    signed_in: bool = False
    """Nobody without a session gets anything but 401."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of the surface and its methods."""

    path: str
    methods: frozenset[str]
    said: Said


_SAID: Final[dict[object, Said]] = {}


def says(
    what: str,
    *,
    takes: Media = None,
    query: tuple[Query, ...] = (),
    gives: Mapping[int, Media] | None = None,
    problems: tuple[int, ...] = (),
    signed_in: bool = False,
) -> Callable[[Endpoint], Endpoint]:
    """Beside an endpoint: `gives` by status, a page by default; `problems` are the statuses of its refusals."""

    def beside(endpoint: Endpoint) -> Endpoint:
        refusals = tuple(sorted({*problems, *((401,) if signed_in else ())}))
        _SAID[endpoint] = Said(
            what=what, takes=takes, query=query, gives=gives or {200: HTML}, problems=refusals, signed_in=signed_in
        )
        return endpoint

    return beside


def undescribed(routes: Iterable[BaseRoute]) -> list[str]:
    """Paths whose endpoint says nothing of itself."""
    return [each.path for each in routes if isinstance(each, Route) and _said(each) is None]


def entries(routes: Iterable[BaseRoute]) -> list[Entry]:
    found = [(each, _said(each)) for each in routes if isinstance(each, Route)]
    return [
        Entry(each.path, frozenset((each.methods or set()) - UNSEEN), said) for each, said in found if said is not None
    ]


def describe(title: str, surface: Sequence[Entry]) -> dict[str, object]:
    """The document. Structs that are taken or given stand under `components`."""
    structs = {
        media
        for each in surface
        for media in (each.said.takes, *each.said.gives.values())
        if isinstance(media, type)
    }  # fmt: skip
    kinds: list[type] = [Problem, *sorted(structs, key=lambda kind: kind.__name__)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    named: dict[type, Mapping[str, object]] = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, object]] = {}
    for each in surface:
        for method in sorted(each.methods):
            path = paths.setdefault(PARAMETER.sub(r"{\1}", each.path), {})
            path[method.lower()] = _operation(each, method, named)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": importlib.metadata.version("safetynet")},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
        },
    }


def _said(route: Route) -> Said | None:
    return _SAID.get(getattr(route.endpoint, "__func__", route.endpoint))


def _operation(each: Entry, method: str, named: Mapping[type, Mapping[str, object]]) -> dict[str, object]:
    said = each.said
    answers: dict[str, object] = {
        str(status): _answer(media, named) for status, media in sorted(said.gives.items())
    }  # fmt: skip
    for status in said.problems:
        answers[str(status)] = {"description": "refused", "content": {PROBLEM: {"schema": named[Problem]}}}
    operation: dict[str, object] = {
        "summary": said.what,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
              for name in PARAMETER.findall(each.path)),
            *({"name": one.name, "in": "query", "required": one.required, "schema": dict(one.schema)}
              for one in said.query),
        ],
        "responses": answers,
    }  # fmt: skip
    if said.takes is not None and method != "GET":
        operation["requestBody"] = {"required": True, "content": _content(said.takes, named)}
    if said.signed_in:
        operation["security"] = [{"session": []}]
    return operation


def _answer(media: Media, named: Mapping[type, Mapping[str, object]]) -> dict[str, object]:
    return {"description": "done"} if media is None else {"description": "done", "content": _content(media, named)}


def _content(media: str | type[msgspec.Struct], named: Mapping[type, Mapping[str, object]]) -> dict[str, object]:
    if isinstance(media, type):
        return {JSON: {"schema": named[media]}}
    return {media: {"schema": {"type": "object"} if media == JSON else {}}}
