"""Which camera stands where: the wall's own order, asked of the real module in a real page."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser

NEAR = ["a/n1", "a/n2", "a/n3", "a/n4"]
FAR = ["b/f1", "b/f2", "b/f3", "b/f4"]
WALL = """async () => {
  const { Views } = await import('/console/views.js');
  const opened = [];
  const player = Object.assign(new EventTarget(), { hello() {}, close() {}, mode() {}, open: (tile, canvas, what) => opened.push(what.camera) });
  const views = new Views(async () => player);
  const camera = (id, city, grant) => ({ camera: id, city, city_name: city, grant, state: grant ? 'granted' : 'proposed' });
  const near = ['n1', 'n2', 'n3', 'n4'], far = ['f1', 'f2', 'f3', 'f4'];
  const incident = (a, b) => ({ id: 'i', state: 'claimed', closed_at: null, video: {
    requests: [{ request: 'r1', city: 'a', state: a ? 'granted' : 'requested' }, { request: 'r2', city: 'b', state: b ? 'granted' : 'requested' }],
    grants: [a && { grant: 'ga', city: 'a', state: 'granted' }, b && { grant: 'gb', city: 'b', state: 'granted' }].filter(Boolean),
    cameras: [...near.map((id) => camera(id, 'a', a ? 'ga' : null)), ...far.map((id) => camera(id, 'b', b ? 'gb' : null))] } });
  views.show(incident(false, false));
  if (ASKED) views.expect();
  views.show(incident(false, true));
  await views.admit('gb', 'token');
  const first = [...views.slots];
  if (ANSWERED) { views.show(incident(true, true)); await views.admit('ga', 'token'); }
  await new Promise((resolve) => setTimeout(resolve, 700));
  return { first, last: [...views.slots], opened };
}"""


def wall(opened: Any, *, asked: bool, answered: bool) -> dict[str, list[str]]:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    script = WALL.replace("ASKED", str(asked).lower()).replace("ANSWERED", str(answered).lower())
    found: dict[str, list[str]] = w.page.evaluate(script)
    return found


def test_a_better_camera_keeps_its_place_while_its_city_answers(opened: Any) -> None:
    """The far city answers first: its pictures are not opened only to be closed again."""
    found = wall(opened, asked=True, answered=True)
    assert found["first"] == NEAR
    assert found["opened"] == ["n1", "n2", "n3", "n4"]


def test_a_city_that_does_not_answer_gives_its_places_up(opened: Any) -> None:
    found = wall(opened, asked=True, answered=False)
    assert found["first"] == NEAR
    assert sorted(found["last"]) == FAR
    assert sorted(found["opened"]) == ["f1", "f2", "f3", "f4"]


TWINS = """async () => {
  const { Views } = await import('/console/views.js');
  const opened = [];
  const player = Object.assign(new EventTarget(), { hello() {}, close() {}, mode() {}, open: (tile, canvas, what) => opened.push(what.grant) });
  const views = new Views(async () => player);
  const camera = (city, grant) => ({ camera: 'cam-1', city, city_name: city, grant, state: 'granted' });
  const incident = { id: 'i', state: 'claimed', closed_at: null, video: { requests: [],
    grants: [{ grant: 'ga', city: 'a', state: 'granted' }, { grant: 'gb', city: 'b', state: 'granted' }], cameras: [camera('a', 'ga'), camera('b', 'gb')] } };
  views.show(incident);
  await views.admit('ga', 'token');
  await views.admit('gb', 'token');
  const needs = [];
  views.addEventListener('need', (event) => needs.push(event.detail.grant));
  const tile = [...views.feeds.values()].find((each) => each.grant === 'gb').tile;
  player.dispatchEvent(new CustomEvent('state', { detail: { tile, state: 'refused', why: 'no_such_grant' } }));
  views.show(incident);
  return { slots: views.slots.filter((each) => each), opened, needs };
}"""


def test_one_citys_camera_does_not_hide_anothers_of_the_same_id_and_a_forgotten_window_asks_again(opened: Any) -> None:
    w = opened()
    w.go("/operator")
    w.says("처리할 경보가 없습니다")
    found = w.page.evaluate(TWINS)
    assert found["slots"] == ["a/cam-1", "b/cam-1"]
    assert found["opened"] == ["ga", "gb"]
    assert found["needs"] == ["gb"], "the relay did not know this window: the centre is asked for a new token"
