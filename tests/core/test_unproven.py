"""What nothing proves to be a device's own word may raise an alarm, and takes none away."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core import deadlines, fixes, geo
from safetynet.core.fixes import Fix, Grade, Mark, Said
from safetynet.core.orders import Circle, Curfew, Order, Protected, Row, Zone
from safetynet.core.rules import RuleState, episodes, judge
from safetynet.core.terms import HOUR_MS, MINUTE_MS, AlarmKind, Source, WearerClass

LAT, LON = 36.35, 127.38
PLANE = geo.Plane(LAT, LON)
T0 = 1_700_000_000_000
ALWAYS = (Row(days=tuple(range(7)), start_min=0, end_min=24 * 60),)
ORDER = Order(
    wearer="w1",
    wearer_class=WearerClass.ORDER,
    version=1,
    zones=(Zone(id="z1", name="학교", area=Circle(LAT, LON, 150.0)),),
    curfews=(Curfew(id="c1", name="집", home=Circle(*PLANE.to_latlon(0, 3_000), 50.0), rows=ALWAYS),),
    protected=(Protected(id="p1"),),
)
HOME = (0.0, 3_000.0)
AWAY = (0.0, 1_000.0)


def fix(n, place=AWAY, *, unproven=True, **more):
    lat, lon = (None, None) if place is None else PLANE.to_latlon(*place)
    fields = {
        "id": n, "wearer": "w1", "device": "d1", "observed_at": T0 + n * MINUTE_MS, "received_at": T0 + n * MINUTE_MS,
        "lat": lat, "lon": lon, "accuracy_m": 15.0, "source": Source.GNSS,
        "marks": Mark.UNPROVEN if unproven else Mark.NOTHING,
    }  # fmt: skip
    return Fix(**(fields | more))


def run(*batch):
    told, state = judge(batch, {"w1": ORDER}, RuleState())
    return [(each.kind, each.change.value, each.certainty.value) for each in told], state


def proven(*batch):
    return [msgspec.structs.replace(each, marks=Mark.NOTHING) for each in batch]


@pytest.mark.parametrize(
    ("one", "raised"),
    [
        (fix(1, None, said=Said.STRAP_CUT), (AlarmKind.STRAP_CUT, "raised", "certain")),
        (fix(1, None, said=Said.BODY_TAMPER), (AlarmKind.BODY_TAMPER, "raised", "certain")),
        (fix(1, HOME, said=Said.SOS), (AlarmKind.SOS, "raised", "certain")),
        (fix(1, (0.0, 0.0)), (AlarmKind.EXCLUSION_ZONE, "raised", "maybe")),
        (fix(1, AWAY), (AlarmKind.CURFEW, "raised", "maybe")),
    ],
)
def test_it_raises(one, raised):
    assert raised in run(one)[0]


@pytest.mark.parametrize(
    ("opened", "healing", "kind"),
    [
        ([fix(1, HOME, said=Said.STRAP_CUT)], HOME, AlarmKind.STRAP_CUT),
        ([fix(1, HOME, said=Said.SOS)], HOME, AlarmKind.SOS),
        ([fix(1, (0.0, 0.0))], (0.0, 400.0), AlarmKind.EXCLUSION_ZONE),
        ([fix(n) for n in range(1, 9)], HOME, AlarmKind.CURFEW),
    ],
)
def test_it_takes_nothing_away(opened, healing, kind):
    """The same words, proven, would: asked too, so that this test can fail."""
    before, state = run(*proven(*opened))
    assert kind in {each[0] for each in before}
    said = [fix(n, healing) for n in range(20, 60)]
    told, after = judge(said, {"w1": ORDER}, state)
    assert [each for each in told if each.change.value == "returned"] == []
    assert broken(after, kind)
    _, after = judge(proven(*said), {"w1": ORDER}, state)
    assert not broken(after, kind)


def broken(state, kind):
    return any(each.broken for key, each in episodes(state, "w1").items() if key[0] is kind)


def test_it_breaks_no_silence_and_is_nobody_at_home():
    """Else whoever can name a device could speak for it while its wearer is gone with the strap cut off."""
    told, state = run(fix(1, HOME, unproven=False), *(fix(n, HOME) for n in range(2, 300)))
    assert state.records["w1"].newest_at == T0 + MINUTE_MS
    due = deadlines.due_at(ORDER, state, T0 + 300 * MINUTE_MS, T0)
    assert due is not None
    assert due <= T0 + HOUR_MS * 5
    assert told == [each for each in told if each[1] != "returned"]


def test_a_protected_person_is_not_led_astray():
    """Where she is, is not moved by it; her call for help is heard."""
    mine = fix(1, (0.0, 60.0), unproven=False)
    her = fix(2, (0.0, 0.0), unproven=False, wearer="p1", protected=True)
    _, state = run(mine, her)
    before = state.guarded["p1"]
    told, state = judge(
        [fix(3, (0.0, 9_000.0), wearer="p1", protected=True), fix(4, None, wearer="p1", protected=True, said=Said.SOS)],
        {"w1": ORDER},
        state,
    )
    after = state.guarded["p1"]
    assert (after.trail, after.known_at, after.newest_at) == (before.trail, before.known_at, before.newest_at)
    assert (AlarmKind.PROTECTED_SOS, "raised") in [(each.kind, each.change.value) for each in told]


def test_it_is_graded_and_says_why():
    assert fixes.grade(fix(1)) == (Grade.POOR, fixes.Reason.UNPROVEN)


@given(
    st.lists(st.tuples(st.integers(-600, 600), st.integers(-200, 3_200), st.sampled_from([0, 0, 1, 2, 4])), max_size=30)
)
def test_whatever_it_says_nothing_ever_returns(way):
    told, _ = run(*(fix(n + 1, (float(x), float(y)), said=Said(flag)) for n, (x, y, flag) in enumerate(way)))
    assert [each for each in told if each[1] == "returned"] == []
