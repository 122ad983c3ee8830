"""Pages with their headers, and the numbered feed of a window."""

import asyncio
import base64
import hashlib
import json
import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from safetynet.edge import web
from safetynet.edge.web import Feed, Files


class Answer:
    status_code = 0
    content = b""

    @property
    def text(self):
        return self.content.decode()


class Client:
    """Calls the application as a server does: the path percent-decoded once, as it came."""

    def __init__(self, application):
        self.application = application

    def get(self, path, headers=None):
        answer = Answer()
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {
            "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "query_string": b"",
            "headers": raw, "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "root_path": "",
        }  # fmt: skip

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status_code = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.content += message.get("body", b"")

        asyncio.run(self.application(scope, receive, send))
        return answer


@pytest.fixture
def folder(tmp_path):
    console = tmp_path / "console"
    (console / "player").mkdir(parents=True)
    (console / "importmap.json").write_text('{"imports": {"lit": "/console/vendor/lit.js"}}\n')
    (console / "index.html").write_text(f"<!doctype html>{web.IMPORTMAP}<title>x</title>")
    (console / "a.js").write_text("export {};")
    (console / "player" / "b.mjs").write_text("export {};")
    outside = tmp_path / "vendor-elsewhere"
    outside.mkdir()
    (outside / "lit.js").write_text("export {};")
    (console / "vendor").symlink_to(outside)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "sign.key").write_text("secret")
    (console / "link.js").symlink_to(tmp_path / "keys" / "sign.key")
    return console


@pytest.fixture
def client(folder):
    files = Files(folder, connect=("ws://127.0.0.1:1/video",))

    async def page(request):
        return files.page("index.html")

    return Client(Starlette(routes=[Route("/", page), Route("/console/{path:path}", files.serve)]))


@pytest.mark.parametrize(
    ("path", "kind"), [("a.js", "javascript"), ("player/b.mjs", "javascript"), ("vendor/lit.js", "javascript")]
)
def test_the_consoles_files_are_served_with_their_kind(client, path, kind):
    answer = client.get(f"/console/{path}")
    assert answer.status_code == 200
    assert kind in answer.headers["content-type"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/keys/sign.key", "..%2fkeys%2fsign.key", "player/%2e%2e/%2e%2e/keys/sign.key", "%2fetc/passwd", "//etc/passwd",
        "vendor/%2e%2e/keys/sign.key", "..%5ckeys", "link.js", "index.html", "player", "", "%00", "a.js%00.html", "a" * 5_000,
        "a/" * 2_000, "%ff%fe", "none.js",
    ],
)  # fmt: skip
def test_nothing_else_is(client, path):
    answer = client.get(f"/console/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_file_that_has_not_changed_is_not_sent_again(client, folder):
    tag = client.get("/console/a.js").headers["etag"]
    again = client.get("/console/a.js", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    (folder / "a.js").write_text("export const changed = 1;")
    assert client.get("/console/a.js", headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/console/a.js", "/console/none.js"])
def test_every_answer_has_the_strict_policy(client, path):
    policy = client.get(path).headers["content-security-policy"]
    said = dict(part.split(" ", 1) for part in policy.split("; "))
    assert said["default-src"] == "'none'"
    assert said["frame-ancestors"] == "'none'"
    assert said["connect-src"] == "'self' ws://127.0.0.1:1/video"
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_import_map_in_a_page_is_the_one_whose_hash_the_policy_names(client):
    answer = client.get("/")
    (text,) = re.findall(r'<script type="importmap">(.*?)</script>', answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert json.loads(text)["imports"]


def test_the_real_console_has_an_import_map_and_its_pages():
    files = Files()
    for name in ("index.html", "operator.html", "field.html"):
        page = files.page(name).body.decode()
        assert web.IMPORTMAP not in page
        assert not re.search(r"<script(?![^>]*(src=|importmap))", page), "no script in a page: the policy forbids it"


# --- the feed ------------------------------------------------------------------------------------------------------


def fold(shown, frames):
    for frame in map(json.loads, frames):
        if "full" in frame:
            shown = frame["full"]
        for name, entities in frame.get("put", {}).items():
            shown.setdefault(name, {}).update(entities)
        for name, ids in frame.get("del", {}).items():
            for id in ids:
                del shown[name][id]
    return {name: entities for name, entities in shown.items() if entities}


VIEWS = st.lists(
    st.dictionaries(
        st.just("alarms"), st.dictionaries(st.sampled_from("abc"), st.fixed_dictionaries({"n": st.integers(0, 2)}))
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(VIEWS, st.integers(0, 12))
def test_a_window_shows_what_was_shown_last_whenever_it_joins(views, when):
    feed = Feed("E1")
    window, shown, last = None, {}, {}
    for n, view in enumerate(views):
        if n == when:
            window, frames = feed.join(None)
            shown = fold({}, frames)
        feed.show(view, n)
        last |= view
    if window is not None:
        shown = fold(shown, window._frames)
        assert shown == {name: entities for name, entities in last.items() if entities}
    _, frames = feed.join(None)
    assert fold({}, frames) == {name: entities for name, entities in last.items() if entities}


def test_only_what_differs_goes_out():
    feed = Feed("E1")
    window, _ = feed.join(None)
    feed.show({"alarms": {"a": {"n": 1}, "b": {"n": 1}}}, 1)
    feed.show({"alarms": {"a": {"n": 1}, "b": {"n": 1}}}, 2)
    feed.show({"alarms": {"a": {"n": 1}, "b": {"n": 2}}}, 3)
    assert [json.loads(each)["put"] for each in window._frames] == [
        {"alarms": {"a": {"n": 1}, "b": {"n": 1}}},
        {"alarms": {"b": {"n": 2}}},
    ]


@pytest.mark.parametrize(
    ("have", "resumed"),
    [(("E1", 2), True), (("E1", 5), True), (("E1", 1), False), (("E1", 6), False), (("E0", 3), False), (None, False)],
)
def test_who_can_resume(monkeypatch, have, resumed):
    feed = Feed("E1")
    feed._deltas = type(feed._deltas)(maxlen=3)
    for n in range(1, 6):
        feed.show({"calm": {"calm": {"n": n}}}, n)
    head, *rest = map(json.loads, feed.catch_up(have))
    assert head.get("resumed", False) is resumed
    if resumed:
        assert [each["seq"] for each in rest] == list(range(have[1] + 1, 6))


async def test_a_slow_window_loses_its_place_but_nothing_that_is_for_it_alone(monkeypatch):
    monkeypatch.setattr(web, "UNREAD_MAX", 3)
    feed = Feed("E1")
    slow, _ = feed.join(None)
    slow.tell(b"token")
    for n in range(5):
        feed.show({"calm": {"calm": {"n": n}}}, n)
    assert slow.lagging
    assert await slow.take() == [b"token"]
    feed.leave(slow)
    feed.show({"calm": {"calm": {"n": 9}}}, 9)
    assert not slow._frames
