"""Wearer and protected person: the pair at one instant, the rings, what is told to whom, and what never is."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.app.bells import Bells, bell
from safetynet.app.protected import distances
from safetynet.core import deadlines, fixes, geo, law, proximity
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.events import (
    AlarmRaised,
    Place,
    PoliceNotified,
    ProtectedAnswered,
    ProtectedLocated,
    ProtectedWarned,
    VideoPrepared,
    VideoRequested,
    subject,
)
from safetynet.core.fixes import Fix, Mark, Said
from safetynet.core.messages import (
    LocateProtected,
    MovePlace,
    NotifyPolice,
    PrepareVideo,
    RequestVideo,
    Role,
    Send,
    passes,
)
from safetynet.core.orders import Circle, Order, Protected, Zone
from safetynet.core.proximity import Spot, Within
from safetynet.core.rules import RuleState, end, judge
from safetynet.core.terms import MINUTE_MS, AlarmKind, Source, WarningAnswer, WearerClass, Why

LAT, LON = 36.35, 127.38
"""Where the protected person is, unless somebody moves."""
PLANE = geo.Plane(LAT, LON)
T0 = 1_700_000_000_000
SECOND = 1_000


def fix(n, x, y=0.0, *, s=None, who="w1", protected=False, **more):
    """Number n, ten seconds apart, x m east of the middle; no position without x."""
    lat, lon = (None, None) if x is None else PLANE.to_latlon(x, y)
    at = T0 + SECOND * (10 * n if s is None else s)
    fields = {
        "id": n, "wearer": who, "device": "d", "observed_at": at, "received_at": at, "lat": lat, "lon": lon,
        "accuracy_m": 12.0, "source": Source.GNSS, "protected": protected,
    }  # fmt: skip
    return Fix(**(fields | more))


def phone(n, x=0.0, y=0.0, **more):
    return fix(n, x, y, **{"who": "p1", "protected": True} | more)


def order(wearer="w1", *, footing=WearerClass.ORDER, **more):
    return Order(
        wearer=wearer, wearer_class=footing, version=1, protected=(Protected(id="p1", **more),),
        zones=(Zone(id="z1", name="x", area=Circle(*PLANE.to_latlon(20_000, 0), 100.0)),),
    )  # fmt: skip


ORDERS = {"w1": order()}


def run(*batch, orders=ORDERS, state=None):
    numbered = [msgspec.structs.replace(each, id=n) for n, each in enumerate(batch, 1)]
    told, state = judge(numbered, orders, state or RuleState())
    return [
        (each.kind.value.removeprefix("approach_"), each.change.value, each.certainty.value) for each in told
    ], state


# --- the pair ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metres", "give", "ring", "expected"),
    [
        (80, 15, 100, Within.INSIDE),
        (85, 15, 100, Within.INSIDE),
        (86, 15, 100, Within.MAYBE),
        (114, 15, 100, Within.MAYBE),
        (115, 15, 100, Within.OUTSIDE),
        # what is vaguer than half the ring does not reach out for it
        (140, 200, 100, Within.MAYBE),
        (160, 200, 100, Within.UNKNOWN),
        (301, 200, 100, Within.OUTSIDE),
        (1400, 600, 1000, Within.MAYBE),
        (1550, 600, 1000, Within.UNKNOWN),
    ],
)
def test_within_a_ring_with_both_accuracies(metres, give, ring, expected):
    assert proximity.within(proximity.Apart(metres, give), ring) is expected


def test_both_accuracies_count():
    good, poor = Spot(LAT, LON, 12.0), Spot(*PLANE.to_latlon(500, 0), 80.0)
    pair = proximity.apart(good, poor)
    assert pair.metres == pytest.approx(500, abs=0.01)
    assert pair.give_m == pytest.approx(math.hypot(12, 80))


def test_a_place_between_two_positions_and_a_circle_that_grows_after_the_last():
    trail = (fix(0, 0.0, s=0), fix(1, 100.0, s=20))
    middle = proximity.spot(trail, T0 + 10 * SECOND)
    assert PLANE.to_xy(middle.lat, middle.lon)[0] == pytest.approx(50, abs=0.1)
    later = proximity.spot(trail, T0 + 80 * SECOND)
    assert PLANE.to_xy(later.lat, later.lon)[0] == pytest.approx(100, abs=0.1)
    assert later.radius_m == pytest.approx(fixes.radius_m(trail[1]) + 60 * proximity.GROWTH_MPS)
    assert proximity.spot(trail, T0 + 20 * SECOND + proximity.STALE_MS + 1) is None
    assert proximity.spot((), T0) is None


def test_a_late_position_finds_its_place_in_the_trail():
    trail = ()
    for n, s in ((1, 0), (2, 30), (3, 10), (4, 20)):
        trail = proximity.noted(trail, fix(n, float(s), s=s))
    assert [each.id for each in trail] == [1, 3, 4, 2]


@pytest.mark.parametrize(("metres", "expected"), [(1, 50), (70, 50), (80, 100), (640, 650), (994, 1000), (1449, 1400)])
def test_a_distance_is_told_in_steps(metres, expected):
    assert proximity.rounded_m(metres) == expected


def test_closing_is_said_only_when_the_errors_allow_it():
    still = tuple(fix(n, 0.0, s=10 * n) for n in range(8))
    coming = tuple(fix(n, 900.0 - 30 * n, s=10 * n) for n in range(8))
    slow = tuple(fix(n, 900.0 - n, s=10 * n) for n in range(8))
    at = T0 + 70 * SECOND
    assert proximity.closing(still, coming, at) is True
    assert proximity.closing(still, tuple(reversed([msgspec.structs.replace(f, observed_at=2 * T0 + 70_000 - f.observed_at, received_at=2 * T0 + 70_000 - f.observed_at) for f in coming])), at) is False  # fmt: skip
    assert proximity.closing(still, slow, at) is None
    assert proximity.closing(still, (), at) is None


@given(st.floats(60, 5_000), st.floats(0, 359.9), st.floats(5, 400))
def test_a_sector_is_wide_and_holds_the_other_but_never_betrays_a_bearing(metres, bearing, radius):
    other = PLANE.to_latlon(metres * math.sin(math.radians(bearing)), metres * math.cos(math.radians(bearing)))
    found = proximity.sector(Spot(LAT, LON, 12.0), Spot(*other, radius))
    if found is None:
        assert math.hypot(12.0, radius) > metres / 2 * 0.99
        return
    assert found.width_deg >= 60
    assert found.towards_deg % 45 == 0, "one of eight: two looks give no better bearing than one"
    assert geo.turn_deg(found.towards_deg, bearing) <= found.width_deg / 2
    assert geo.turn_deg(found.towards_deg, found.away_deg) == 180


# --- the rings -----------------------------------------------------------------------------------------------------

HOME = phone(1)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([HOME, fix(2, 2_500)], []),
        ([HOME, fix(2, 1_900)], [("2k", "raised", "certain")]),
        ([HOME, fix(2, 2_010)], [("2k", "raised", "maybe")]),
        ([HOME, fix(2, 900)], [("1k", "raised", "certain")]),
        ([HOME, fix(2, 1_010)], [("1k", "raised", "maybe"), ("2k", "raised", "certain")]),
        ([HOME, fix(2, 60)], [("100", "raised", "certain")]),
        ([HOME, fix(2, 110)], [("100", "raised", "maybe"), ("1k", "raised", "certain")]),
        # nearer and away again
        (
            [HOME, fix(2, 900), fix(3, 30), fix(4, 500), fix(5, 1_500)],
            [("1k", "raised", "certain"), ("100", "raised", "certain"), ("100", "returned", "certain"), ("1k", "returned", "certain"), ("2k", "raised", "certain")],
        ),
        # either side's movement counts: the protected person walks up to a wearer who stands still
        ([phone(1, 2_500), fix(2, 0), phone(3, 900)], [("1k", "raised", "certain")]),
        # nobody is known well enough, or recently enough
        ([fix(1, 60)], []),
        ([HOME], []),
        ([HOME, fix(2, 60, source=Source.CELL)], []),
        ([phone(1, 0, source=Source.CELL), fix(2, 60)], []),
        ([HOME, fix(2, 60, s=20 + 600)], []),
        # an old position of the other is a growing circle: maybe, where a fresh one would be certain
        ([HOME, fix(2, 80, s=70)], [("100", "raised", "maybe"), ("1k", "raised", "certain")]),
        # a late position is judged at its own time
        ([HOME, phone(2, 5_000, s=300), fix(3, 60, s=290, received_at=T0 + 310 * SECOND)], []),
        ([HOME, phone(2, 0, s=20), phone(3, 5_000, s=320), fix(4, 60, s=15, received_at=T0 + 330 * SECOND)], [("100", "raised", "certain")]),
        # a made-up position near by is heard, one far away clears nothing
        ([HOME, fix(2, 60, marks=Mark.MOCK)], [("100", "raised", "certain")]),
        ([HOME, fix(2, 60), fix(3, 3_000, marks=Mark.MOCK)], [("100", "raised", "certain")]),
    ],
)  # fmt: skip
def test_rings(way, expected):
    assert run(*way)[0] == expected


def test_the_distance_is_the_courts():
    wide = {"w1": order(distance_m=300.0)}
    assert run(HOME, fix(2, 250), orders=wide)[0] == [("100", "raised", "certain")]
    assert run(HOME, fix(2, 250))[0] == [("1k", "raised", "certain")]


def test_nobody_else_is_concerned():
    orders = {"w1": order(), "w2": msgspec.structs.replace(order("w2"), protected=())}
    assert run(HOME, fix(2, 60, who="w2"), orders=orders)[0] == []
    ended = {"w1": msgspec.structs.replace(order(), ends_at=T0)}
    assert run(HOME, fix(2, 60), orders=ended)[0] == []


def test_what_a_protected_persons_fix_shows_speaks_of_the_wearer_and_carries_no_place():
    told, _ = judge([fix(1, 500), phone(2, 450)], ORDERS, RuleState())
    (one,) = [each for each in told if each.kind is AlarmKind.APPROACH_100]
    assert (one.wearer, one.protected, one.zone) == ("w1", "p1", None)
    assert one.off_m == pytest.approx(50, abs=0.1)
    assert fixes.place(one.fix) is None


# --- calls and silence ---------------------------------------------------------------------------------------------


def test_a_call_for_help_is_one_alarm_at_the_nearest_wearer_until_a_person_ends_it():
    orders = {"w1": order("w1"), "w2": order("w2"), "w3": order("w3")}
    told, state = judge(
        [fix(1, 5_000, who="w1"), fix(2, 3_000, who="w2"), phone(3, said=Said.SOS), phone(4), phone(5, said=Said.SOS)],
        orders,
        RuleState(),
    )
    assert [(each.wearer, each.kind, each.change.value) for each in told] == [("w2", AlarmKind.PROTECTED_SOS, "raised")]
    state = end(state, "w2", told[0].episode, 5)
    again, _ = judge([phone(6, said=Said.SOS)], orders, state)
    assert [each.change.value for each in again] == ["raised"]


def test_a_call_for_help_is_heard_without_position_wearer_or_order():
    assert run(phone(1, None, said=Said.SOS))[0] == [("protected_sos", "raised", "certain")]
    assert run(phone(1, None, said=Said.SOS), orders={})[0] == [("protected_sos", "raised", "certain")]
    assert run(fix(1, None, said=Said.SOS))[0] == [("sos", "raised", "certain")], "a wearer's is another kind"


def struck(n, s):
    return msgspec.structs.replace(bell("p1", T0 + SECOND * s, protected=True), id=n)


def test_a_phone_that_does_not_know_where_it_is_is_an_alarm_and_comes_back():
    told, _ = run(phone(1, s=0), struck(2, 599))
    assert told == []
    told, _ = run(phone(1, s=0), phone(2, None, s=300), struck(3, 600), phone(4, s=700))
    assert told == [("protected_lost", "raised", "certain"), ("protected_lost", "returned", "certain")]
    assert run(struck(1, 600), orders={})[0] == [], "nobody's order names this person"


def test_when_the_clock_strikes_for_a_protected_person():
    _, state = run(phone(1, s=0))
    since = T0 - 60 * MINUTE_MS
    lost = T0 + proximity.LOST_MS
    assert deadlines.protected_due_at("p1", state, T0, since) == lost
    _, state = judge([struck(9, 600)], ORDERS, state)
    assert deadlines.protected_due_at("p1", state, lost, since) > lost, "once for each silence"
    assert deadlines.protected_due_at("p2", RuleState(), T0, T0) == T0 + proximity.LOST_MS, (
        "our own outage is no silence"
    )
    bells = Bells(ORDERS, since)
    assert [(each.wearer, each.protected) for each in bells.due(ORDERS, RuleState(), T0)] == [("p1", True)]
    refused = {"w1": order(device=False)}
    assert Bells(refused, since).due(refused, RuleState(), T0) == []


# --- what is told to whom ------------------------------------------------------------------------------------------

CITY = words.City(
    "garam", tuple(PLANE.to_latlon(x, y) for x, y in ((-9e3, -9e3), (9e3, -9e3), (9e3, 9e3), (-9e3, 9e3)))
)
COUNTRY = words.Country((CITY,), "police112", b"s" * 32)


class Centre:
    """Rules and mind as the program wires them."""

    def __init__(self, footing=WearerClass.ORDER):
        self.orders = {"w1": order(footing=footing)}
        self.rules, self.state, self.events, self.sent = RuleState(), minds.EMPTY, [], []
        self.at, self.places = T0, {}

    def hear(self, *batch):
        transitions, self.rules = judge(batch, self.orders, self.rules)
        for each in batch:
            place = fixes.place(each)
            if place is not None:
                self.places[each.wearer] = place
        guarded = {id: fixes.protected_place(each.trail[-1]) for id, each in self.rules.guarded.items() if each.trail}
        self.give(
            words.Judged(
                transitions=transitions, fixes=tuple(each for each in batch if not each.protected),
                footing={"w1": self.orders["w1"].wearer_class}, last=dict(self.places), protected=guarded,
                apart=distances(self.rules, self.orders, self.state.open, batch),
            )
        )  # fmt: skip

    def give(self, given):
        self.at += SECOND
        for event in mind.decide(COUNTRY, self.state, given, self.at):
            self.state = minds.evolve(self.state, event)
            self.events.append(event)
            self.sent += [each for each in minds.react(self.state, len(self.events), event) if isinstance(each, Send)]

    def of(self, kind):
        return [each for each in self.events if isinstance(each, kind)]

    @property
    def incident(self):
        return next(iter(self.state.incidents.values()))


def test_an_approach_warns_tells_the_police_at_once_and_prepares_cameras():
    centre = Centre()
    centre.hear(phone(1), fix(2, 1_900))
    (warned,) = centre.of(ProtectedWarned)
    assert (warned.kind, warned.near_m, warned.direction) == (AlarmKind.APPROACH_2K, 1_900, False)
    assert centre.of(PoliceNotified) == centre.of(VideoPrepared) == []
    centre.hear(fix(3, 880))
    assert centre.of(ProtectedWarned)[-1].direction is True
    (told,) = centre.of(PoliceNotified)
    assert (told.kind, told.by, told.apart_m) == (AlarmKind.APPROACH_1K, None, 900)
    assert centre.of(ProtectedLocated) == [], "1 km away nobody needs to know where the protected person is"
    centre.hear(phone(4), fix(5, 60))
    assert [each.kind for each in centre.of(PoliceNotified)] == [AlarmKind.APPROACH_1K, AlarmKind.APPROACH_100]
    (located,) = centre.of(ProtectedLocated)
    assert (located.place.lat, located.place.lon) == pytest.approx((LAT, LON))
    assert subject(located) == subject(warned) == "protected:p1"
    assert {each.kind for each in centre.of(VideoPrepared)} <= {AlarmKind.APPROACH_1K, AlarmKind.APPROACH_100}
    assert centre.of(VideoPrepared) != []


def test_nearness_that_nobody_forbade_does_not_hide_what_opens_video():
    """2 km for certain and 1 km perhaps, both a caution: the incident is about the one that has a basis."""
    centre = Centre()
    centre.hear(phone(1), fix(2, 1_900), fix(3, 1_010))
    assert centre.incident.kind is AlarmKind.APPROACH_1K
    centre.give(words.Claim(incident=centre.incident.incident, by="kim"))
    centre.give(words.AskVideo(incident=centre.incident.incident, by="kim", footing=WearerClass.ORDER))
    assert centre.of(VideoRequested) != []


def test_the_persons_answer_is_recorded():
    centre = Centre()
    centre.hear(phone(1), fix(2, 900))
    answer = words.AnswerWarning(incident=centre.incident.incident, protected="p1", answer=WarningAnswer.SAFE_PLACE)
    assert mind.refuses(centre.state, msgspec_replace(answer, protected="p2"), T0) is Why.NOT_ALLOWED_NOW
    assert mind.refuses(centre.state, msgspec_replace(answer, incident="I-X"), T0) is Why.NO_SUCH_INCIDENT
    centre.give(answer)
    assert [each.answer for each in centre.of(ProtectedAnswered)] == [WarningAnswer.SAFE_PLACE]
    assert centre.incident.warnings["p1"].answer is WarningAnswer.SAFE_PLACE


def msgspec_replace(given, **change):
    return words.AnswerWarning(
        **{"incident": given.incident, "protected": given.protected, "answer": given.answer} | change
    )


def test_bail_warns_nobody_and_the_police_are_told_all_the_same():
    centre = Centre(WearerClass.BAIL)
    centre.hear(phone(1), fix(2, 60))
    assert centre.of(ProtectedWarned) == []
    assert [each.kind for each in centre.of(PoliceNotified)] == [AlarmKind.APPROACH_100]
    assert centre.of(VideoPrepared) == []


def test_a_call_for_help_brings_the_police_to_who_called():
    centre = Centre()
    centre.hear(phone(1, 40.0), fix(2, 8_000), phone(3, 40.0, said=Said.SOS))
    (message,) = [each.message for each in centre.sent if isinstance(each.message, LocateProtected)]
    assert PLANE.to_xy(message.place.lat, message.place.lon)[0] == pytest.approx(40, abs=0.1)
    (notice,) = [each.message for each in centre.sent if isinstance(each.message, NotifyPolice)]
    assert PLANE.to_xy(notice.place.lat, notice.place.lon)[0] == pytest.approx(8_000, abs=1)


def test_what_the_statute_told_does_not_stand_in_for_what_a_person_tells():
    """A silent phone was told to the police; a cut strap after it still has to be."""
    centre = Centre()
    centre.hear(phone(1), fix(2, 8_000))
    centre.hear(struck(3, 900))
    assert [each.kind for each in centre.of(PoliceNotified)] == [AlarmKind.PROTECTED_LOST]
    centre.hear(fix(4, 8_000, s=901, said=Said.STRAP_CUT))
    centre.give(words.Claim(incident=centre.incident.incident, by="kim"))
    for _ in range(2):
        centre.give(words.TellPolice(incident=centre.incident.incident, by="kim"))
    assert [each.kind for each in centre.of(PoliceNotified)] == [AlarmKind.PROTECTED_LOST, AlarmKind.STRAP_CUT]


def test_the_police_are_told_again_whenever_the_distance_is_another_by_a_hundred_metres():
    """Police practice after the first alarm; nearer or further, and never of less than a step."""
    centre = Centre()
    for n, metres in enumerate((1_900, 880, 860, 770, 660, 560, 640, 740), 2):
        centre.hear(phone(2 * n), fix(2 * n + 1, metres, s=60 * n))
    told = centre.of(PoliceNotified)
    assert [each.apart_m for each in told] == [900, 750, 650, 550, 650, 750][: len(told)]
    assert len(told) >= 5
    assert len({each.notice for each in told}) == len(told)
    assert {each.by for each in told} == {None}
    assert {each.kind for each in told} == {AlarmKind.APPROACH_1K}


# --- the adversary -------------------------------------------------------------------------------------------------

moves = st.lists(
    st.tuples(
        st.booleans(),
        st.floats(-3_000, 3_000),
        st.floats(-3_000, 3_000),
        st.sampled_from([Said.NOTHING, Said.NOTHING, Said.SOS, Said.STRAP_CUT]),
        st.integers(1, 400),
    ),
    max_size=40,
)


def places_in(value):
    """The fix of every position anywhere in a struct."""
    if isinstance(value, Place):
        yield value.fix
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from places_in(getattr(value, name))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from places_in(each)


@settings(deadline=None)
@given(moves, st.sampled_from(list(WearerClass)))
def test_no_city_ever_learns_where_a_protected_person_is(drawn, footing):
    """Nor does any event sealed under another key, nor any message but the one to the police."""
    centre, s, own = Centre(footing), 0, set()
    for n, (protected, x, y, said, gap) in enumerate(drawn, 1):
        s += gap
        one = (phone if protected else fix)(n, x, y, s=s, said=said)
        own |= {n} if protected else set()
        centre.hear(one)
        if centre.state.open and n % 3 == 0:
            id = next(iter(centre.state.open.values()))
            if centre.state.incidents[id].owner is None:
                centre.give(words.Claim(incident=id, by="kim"))
            centre.give(words.AskVideo(incident=id, by="kim", footing=footing))
            centre.give(words.TellPolice(incident=id, by="kim"))
    for event in centre.events:
        if not isinstance(event, ProtectedLocated):
            assert not own & set(places_in(event)), event
    for each in centre.sent:
        if each.to != "police112":
            assert isinstance(each.message, PrepareVideo | RequestVideo | MovePlace)
            assert not own & set(places_in(each.message))
            assert b"p1" not in msgspec.msgpack.encode(each.message)


def test_the_police_alone_may_be_sent_it():
    place = fixes.protected_place(phone(1))
    message = LocateProtected(incident="I", notice="N", place=place)
    allowed = {(a, b) for a in Role for b in Role if passes(message, a, b)}
    assert allowed == {(Role.CONTROL, Role.POLICE)}


def test_a_place_about_a_wearer_is_never_made_of_a_protected_persons_fix():
    assert fixes.place(phone(1)) is None
    with pytest.raises(AssertionError):
        fixes.protected_place(fix(1, 0.0))


@given(moves, st.integers(0, 40))
def test_cut_into_batches_it_comes_out_the_same(drawn, cut):
    batch, s = [], 0
    for n, (protected, x, y, said, gap) in enumerate(drawn, 1):
        s += gap
        batch.append((phone if protected else fix)(n, x, y, s=s, said=said))
    whole, _ = judge(batch, ORDERS, RuleState())
    first, state = judge(batch[:cut], ORDERS, RuleState())
    second, _ = judge(batch[cut:], ORDERS, state)
    assert whole == (*first, *second)


@given(moves)
def test_who_is_certainly_within_the_distance_is_always_told(drawn):
    """An oracle of its own: both seen within the last second, and so near that no error explains it."""
    batch, s = [], 0
    for n, (protected, x, y, _, gap) in enumerate(drawn, 1):
        s += gap
        batch.append((phone if protected else fix)(n, x, y, s=s))
    batch += [phone(90, 0.0, s=s + 700), fix(91, 70.0, s=s + 701)]
    told, state = judge(batch, ORDERS, RuleState())
    assert (AlarmKind.APPROACH_100, "p1") in state.records["w1"].episodes
    assert all(law.basis(WearerClass.ORDER, each.kind) for each in told)
    assert not [each for each in told if each.kind in proximity.PROTECTING and each.protected is None]


def test_raised_alarms_name_whom_they_concern():
    centre = Centre()
    centre.hear(phone(1), fix(2, 900), fix(3, 880, said=Said.STRAP_CUT))
    assert {each.kind: each.protected for each in centre.of(AlarmRaised)} == {
        AlarmKind.APPROACH_1K: "p1",
        AlarmKind.STRAP_CUT: None,
    }
