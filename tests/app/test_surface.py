"""The HTTP surface against its own description, asked by a tool that we did not write, signed in and not."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as given_by
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports

from safetynet.app import city, pages, surface
from safetynet.app.city import City
from safetynet.app.control import Control

EXAMPLES = 4
"""For each operation and each kind of visitor: a wide net each day is `make fuzz`'s."""
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, ignored_auth,
]  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
DEEP = b'{"account":' + b"[" * 1_900 + b"]" * 1_900 + b"}"
BAD_BODIES = [b"", b"{", b"[]", b"null", b'"\xff"', b'{"account":1}', b"\0" * 100, DEEP, b'{"x":"' + b"y" * 100_000 + b'"}']  # fmt: skip


@dataclass
class Centre:
    """A program of its own, and somebody at its pages."""

    name: str
    port: int
    account: str
    process: subprocess.Popen[str]
    described: dict[str, object] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with _opener.open(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as no:
            return no.code, {name.lower(): value for name, value in no.headers.items()}, no.read()

    def cookie(self) -> str:
        body = json.dumps({"account": self.account, "password": deployment.PASSWORD}).encode()
        status, headers, _ = self.ask("POST", "/sign-in", body)
        assert status == 200
        return headers["set-cookie"].partition(";")[0]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


def _start(name: str, folder: Path, port: int, account: str) -> Centre:
    process = subprocess.Popen(
        [sys.executable, "-m", "safetynet", name, "--dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stdout is not None
    assert "ready" in process.stdout.readline()
    return Centre(name, port, account, process)


@pytest.fixture(scope="module", params=["control", "city"])
def centre(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder, port = tmp_path_factory.mktemp(request.param), ports.take(6)
    make, account = (deployment.make, "kim") if request.param == "control" else (deployment.make_city, "shim")
    running = _start(request.param, make(folder, port), port, account)
    status, _, body = running.ask("GET", "/openapi.json", cookie=running.cookie())
    assert status == 200
    running.described = json.loads(body)
    yield running
    alive = running.process.poll() is None
    running.process.terminate()
    running.process.wait(30)
    assert running.process.stdout is not None
    running.process.stdout.close()
    assert alive, "no request ends a centre"


def operations(centre: Centre) -> list[tuple[str, str, dict[str, object]]]:
    return [
        (path, method.upper(), said)
        for path, methods in centre.described["paths"].items()  # type: ignore[attr-defined]
        for method, said in methods.items()
    ]


def test_every_route_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    """A new endpoint gets `@surface.says(...)` above it."""
    control, garam = (
        Control(deployment.make(tmp_path, ports.take(6))),
        City(deployment.make_city(tmp_path, ports.take(6))),
    )
    for found in (pages.site_of(control), city.site_of(garam)):
        assert surface.undescribed(found.routes()) == []
        assert len(found.entries()) >= 8
    for each in (control, garam):
        each.store.close()
    control.journal.close()


def ask(centre: Centre, operation: schemathesis.APIOperation, headers: dict[str, str], mode: GenerationMode) -> int:
    """How many requests were made of this operation; each answer is held against the description."""
    asked = 0

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given_by(case=operation.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        answer = case.call(base_url=centre.url, headers=headers, allow_redirects=False)
        case.validate_response(answer, checks=CHECKS, headers=headers)

    holds()
    return asked


@pytest.mark.parametrize("signed_in", [False, True])
def test_every_answer_is_as_described(centre: Centre, signed_in: bool) -> None:
    """What fits the description, and for who is let in also what does not."""
    asked = 0
    for found in schemathesis.openapi.from_dict(centre.described).get_all_operations():
        operation = found.ok()
        takes = "application/json" in operation.definition.raw.get("requestBody", {}).get("content", {})
        for mode in list(GenerationMode) if signed_in and takes else [GenerationMode.POSITIVE]:
            asked += 1
            assert ask(centre, operation, {"cookie": centre.cookie()} if signed_in else {}, mode) > 0, operation.path
    assert asked >= len(operations(centre))


def test_an_unknown_method_is_refused_and_the_known_ones_are_named(centre: Centre) -> None:
    for path, methods in centre.described["paths"].items():  # type: ignore[attr-defined]
        known = {each.upper() for each in methods} | {"HEAD"}
        for method in METHODS:
            if method not in known:
                status, headers, _ = centre.ask(method, path.replace("{", "").replace("}", ""))
                assert (status, method, path) == (405, method, path)
                assert set(headers["allow"].split(", ")) >= known - {"HEAD"}


def test_a_bad_body_gets_a_clear_no(centre: Centre) -> None:
    own = centre.cookie()
    read = 0
    for path, method, said in operations(centre):
        if "application/json" not in said.get("requestBody", {}).get("content", {}):  # type: ignore[attr-defined]
            continue
        if path == "/owntracks":  # a device shows its own proof before anything it says is read
            assert centre.ask(method, path, b"{", cookie=own)[0] == 401
            continue
        for body in BAD_BODIES:
            status, headers, answer = centre.ask(method, path, body, cookie=own)
            assert status in (400, 403), (path, body[:20], "403: not for this role, whatever it says")
            assert headers["content-type"] == surface.PROBLEM
            assert json.loads(answer)["reason"]
            read += status == 400
    assert read >= len(BAD_BODIES)


def test_the_description_is_for_who_is_signed_in(centre: Centre) -> None:
    assert centre.ask("GET", "/openapi.json")[0] == 401
