"""The transition table: what may be done at which stage and by whom."""

from dataclasses import replace

import pytest

from safetynet.core import incidents
from safetynet.core.events import CameraCard, Place
from safetynet.core.incidents import OWNER_ONLY, Act, Incident, Request, Stage, VideoState, refusal
from safetynet.core.terms import AlarmKind, Basis, Certainty, Disposition, Source, Why

OPEN = Incident(
    incident="I1", wearer="w1", kind=AlarmKind.STRAP_CUT, stage=Stage.OPEN, opened_at=1, alarms=("A1",),
    kinds=frozenset({AlarmKind.STRAP_CUT}), certainty=Certainty.CERTAIN, place=None,
)  # fmt: skip
PLACE = Place(36.35, 127.38, 15.0, Source.GNSS, 1, 1, 1)
CLAIMED = replace(OPEN, stage=Stage.CLAIMED, owner="kim")
CLOSED = replace(CLAIMED, stage=Stage.CLOSED)


@pytest.mark.parametrize("act", list(Act))
def test_every_act_at_every_stage(act):
    assert refusal(None, act, "kim") is Why.NO_SUCH_INCIDENT
    assert refusal(OPEN, act, "kim") is (None if act in (Act.CLAIM, Act.REASSIGN) else Why.NOT_ALLOWED_NOW)
    assert refusal(CLAIMED, act, "kim") is (Why.NOT_ALLOWED_NOW if act is Act.CLAIM else None)
    assert refusal(CLOSED, act, "kim") is Why.INCIDENT_CLOSED


@pytest.mark.parametrize("act", sorted(OWNER_ONLY, key=lambda act: act.value))
def test_one_person_leads(act):
    assert refusal(CLAIMED, act, "lee") is Why.NOT_OWNER


def test_anybody_may_take_over():
    assert refusal(CLAIMED, Act.TAKE_OVER, "lee") is None


@pytest.mark.parametrize("code", list(Disposition))
@pytest.mark.parametrize("kind", list(AlarmKind))
def test_a_tamper_is_no_drift(kind, code):
    tamper = kind in (AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER)
    kinds = frozenset({AlarmKind.EXCLUSION_ZONE, kind})
    assert incidents.may_close(replace(CLAIMED, kinds=kinds), code) is not (tamper and code is Disposition.DRIFT)


def request(state, **more):
    fields = {
        "request": "R1",
        "city": "garam",
        "basis": Basis.DEVICE_DUTY,
        "kind": AlarmKind.STRAP_CUT,
        "asked_at": 1,
        "place": PLACE,
    }
    return Request(**(fields | {"state": state, "until": 100} | more))


@pytest.mark.parametrize("state", list(VideoState))
def test_only_a_granted_request_is_live_and_only_until_its_end(state):
    assert incidents.live(request(state), 99) is (state is VideoState.GRANTED)
    assert not incidents.live(request(state), 100)


def test_grants_are_found_by_their_id():
    held = incidents.with_request(CLAIMED, request(VideoState.GRANTED, grant="G1"))
    assert incidents.grant_of(held, "G1") is held.requests["garam"]
    assert incidents.grant_of(held, "G2") is None


@pytest.mark.parametrize("state", list(VideoState))
def test_cameras_of_a_refusal_are_not_shown(state):
    card = CameraCard(
        camera="c1", pole="p", name="n", lat=36.0, lon=127.0, range_m=50.0, azimuth_deg=None, view_deg=None, ptz=False,
        purpose="",
    )  # fmt: skip
    held = incidents.with_request(CLAIMED, request(state, cameras=(card,)))
    assert set(incidents.cameras(held)) == (set() if state is VideoState.REFUSED else {("garam", "c1")})
