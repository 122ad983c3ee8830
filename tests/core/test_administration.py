"""Who may change what at a control centre: told as tables, and asked of every history that people might make."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import orders
from safetynet.core.administration import (
    EMPTY,
    BindDevice,
    ChangePost,
    CloseAccount,
    DraftOrder,
    DraftOrders,
    DraftZones,
    Enrol,
    EnterOrder,
    EnterZones,
    No,
    NoteAbsence,
    OpenAccount,
    RenewKey,
    RenewPassword,
    ReturnDevice,
    WithdrawDraft,
    WithdrawZones,
    begun,
    decide,
    devices_of,
    evolve,
    fold,
    in_force,
    refusal,
    timeline,
    zone_timeline,
)
from safetynet.core.amendments import differences
from safetynet.core.control import state as minds
from safetynet.core.events.by_administrator import DeviceReturned, OrderEntered, WearerDischarged
from safetynet.core.orders import Absence, Circle, Curfew, Order, Polygon, Protected, Row, Zone
from safetynet.core.terms import Post, WearerClass
from safetynet.edge import codec

T0 = 1_700_000_000_000
WHY = "법원 결정에 따름"
LAT, LON = 36.35, 127.38
SCHOOL = Zone(id="z1", name="초등학교", area=Circle(LAT, LON, 150.0))
FIRST = Order(wearer="w1", wearer_class=WearerClass.ORDER, version=1, zones=(SCHOOL,))
STAFF = {
    "an": ("an", Post.ADMINISTRATOR),
    "seo": ("seo", Post.ADMINISTRATOR),
    "moon": ("moon", Post.SUPERVISOR),
    "kim": ("kim", Post.OPERATOR),
    "song": ("song", Post.OFFICER),
}
BEGUN = begun(STAFF, {"victim": "pp"}, {"d1": ("w1", b"k" * 32)}, {"w1": FIRST}, ["p-phone"])


def after(register, *acts, at=T0, open=()):
    """Each must be let through."""
    for act in acts:
        assert refusal(register, act, open) is None, act
        register = fold(register, decide(register, act, open, at))
    return register


def opened(person="new", post=Post.OPERATOR, by="an", login=None):
    return OpenAccount(
        by=by, why=WHY, person=person, login=login or f"{person}-login", name="노새로", post=post, seat=""
    )


def enrolled(wearer="w2", by="an"):
    return Enrol(by=by, why=WHY, wearer=wearer, name="주가상", case_no="2026-9", born_year=1990, office="가람", officer="", phone="")  # fmt: skip


def second(**more):
    return msgspec.structs.replace(FIRST, version=2, **more)


def draft(order, *, by="an", wearer="w1", over=1):
    return DraftOrder(by=by, why=WHY, wearer=wearer, over=over, order=order)


def entry(register, wearer="w1", by="moon", fix=7):
    return EnterOrder(by=by, why=WHY, wearer=wearer, sha256=register.charges[wearer].draft.sha256, fix_through=fix)


EVERY_ACT = [
    opened(),
    ChangePost(by="an", why=WHY, person="kim", post=Post.SUPERVISOR),
    RenewPassword(by="an", why=WHY, person="kim"),
    CloseAccount(by="an", why=WHY, person="kim"),
    BindDevice(by="an", why=WHY, device="d2", wearer="w1", key_sha256=b"x"),
    RenewKey(by="an", why=WHY, device="d1", key_sha256=b"x"),
    enrolled(),
    draft(second(zones=())),
]


@pytest.mark.parametrize("act", EVERY_ACT, ids=lambda act: type(act).__name__)
def test_an_administrator_and_nobody_else(act):
    assert refusal(BEGUN, act) is None
    for by in ("moon", "kim", "song", "pp", "w1", "nobody"):
        assert refusal(BEGUN, _by(act, by)) is No.NOT_YOURS
        assert decide(BEGUN, _by(act, by), (), T0) == []


def _by(act, by, **more):
    return type(act)(**{name: getattr(act, name) for name in act.__dataclass_fields__} | {"by": by} | more)


@pytest.mark.parametrize("why", ["", "   ", "왜", "x" * 501, "법원\x00결정"])
@pytest.mark.parametrize("act", EVERY_ACT, ids=lambda act: type(act).__name__)
def test_nothing_without_a_reason(act, why):
    assert refusal(BEGUN, _by(act, "an", why=why)) is No.NO_REASON


def test_a_role_counts_from_the_moment_it_is_taken_away():
    demoted = after(BEGUN, ChangePost(by="an", why=WHY, person="seo", post=Post.OPERATOR))
    assert refusal(demoted, opened(by="seo")) is No.NOT_YOURS
    closed = after(BEGUN, CloseAccount(by="an", why=WHY, person="seo"))
    assert refusal(closed, opened(by="seo")) is No.NOT_YOURS
    assert refusal(closed, CloseAccount(by="an", why=WHY, person="seo")) is No.NOT_THERE
    assert refusal(closed, ChangePost(by="an", why=WHY, person="seo", post=Post.OPERATOR)) is No.NOT_THERE, "for good"


def test_nobody_touches_the_own_account_and_so_one_administrator_is_always_left():
    for act in (
        ChangePost(by="an", why=WHY, person="an", post=Post.OPERATOR),
        CloseAccount(by="an", why=WHY, person="an"),
        RenewPassword(by="an", why=WHY, person="an"),
    ):
        assert refusal(BEGUN, act) is No.OWN_ACCOUNT
    one = after(BEGUN, CloseAccount(by="an", why=WHY, person="seo"))
    late = CloseAccount(by="seo", why=WHY, person="an")
    assert refusal(one, late) is No.NOT_YOURS, "both pressed at once: the second finds that it is too late"


@pytest.mark.parametrize(
    ("act", "no"),
    [
        (opened(login="Kim"), No.MALFORMED),
        (opened(login="k"), No.MALFORMED),
        (opened(login="kim"), No.LOGIN_TAKEN),
        (opened(login="victim"), No.LOGIN_TAKEN),
        (opened(person="kim", login="other"), No.LOGIN_TAKEN),
        (_by(opened(), "an", name=" "), No.MALFORMED),
        (_by(opened(), "an", name="가" * 61), No.MALFORMED),
        (ChangePost(by="an", why=WHY, person="kim", post=Post.OPERATOR), No.UNCHANGED),
        (ChangePost(by="an", why=WHY, person="pp", post=Post.OPERATOR), No.NOT_THERE),
        (BindDevice(by="an", why=WHY, device="d1", wearer="w1", key_sha256=b""), No.DEVICE_BOUND),
        (BindDevice(by="an", why=WHY, device="p-phone", wearer="w1", key_sha256=b""), No.DEVICE_BOUND),
        (BindDevice(by="an", why=WHY, device="d 2", wearer="w1", key_sha256=b""), No.MALFORMED),
        (BindDevice(by="an", why=WHY, device="d" * 80, wearer="w1", key_sha256=b""), No.MALFORMED),
        (BindDevice(by="an", why=WHY, device="d2", wearer="w9", key_sha256=b""), No.NOT_THERE),
        (RenewKey(by="an", why=WHY, device="d9", key_sha256=b""), No.NOT_THERE),
        (ReturnDevice(by="an", why=WHY, device="d9"), No.NOT_THERE),
        (ReturnDevice(by="an", why=WHY, device="d1"), No.LAST_DEVICE),
        (enrolled("w1"), No.UNCHANGED),
        (_by(enrolled(), "an", name=""), No.MALFORMED),
        (_by(enrolled(), "an", born_year=1700), No.MALFORMED),
        (draft(second()), No.UNCHANGED),
        (draft(second(zones=()), wearer="w9"), No.NOT_THERE),
        (draft(second(zones=()), over=0), No.OVERTAKEN),
        (draft(msgspec.structs.replace(FIRST, version=3, zones=())), No.MALFORMED),
        (draft(second(zones=(), wearer="w2")), No.MALFORMED),
        (WithdrawDraft(by="an", why=WHY, wearer="w1", sha256=b"?"), No.OVERTAKEN),
        (EnterOrder(by="moon", why=WHY, wearer="w1", sha256=b"?", fix_through=1), No.OVERTAKEN),
    ],
    ids=str,
)
def test_what_is_refused_and_why(act, no):
    assert refusal(BEGUN, act) is no
    assert decide(BEGUN, act, (), T0) == []


def test_one_drafts_and_another_brings_it_into_force():
    drafted = after(BEGUN, draft(second(zones=())))
    assert in_force(drafted.charges["w1"]) == FIRST, "a draft changes nothing"
    assert refusal(drafted, entry(drafted, by="an")) is No.SAME_HAND
    assert refusal(drafted, entry(drafted, by="kim")) is No.NOT_YOURS
    for by in ("moon", "seo"):
        done = after(drafted, entry(drafted, by=by))
        assert in_force(done.charges["w1"]) == second(zones=())
        assert [each.order.version for each in done.charges["w1"].versions] == [1, 2], "the former one stays readable"
        assert done.charges["w1"].draft is None
    assert refusal(drafted, draft(second())) is No.DRAFT_WAITS


def test_undoing_is_a_new_version_that_says_what_the_former_one_said():
    done = after(BEGUN, draft(second(zones=())))
    done = after(done, entry(done))
    back = after(done, draft(msgspec.structs.replace(FIRST, version=3), over=2))
    back = after(back, entry(back))
    assert in_force(back.charges["w1"]).zones == FIRST.zones
    assert in_force(back.charges["w1"]).version == 3


def test_who_confirms_confirms_what_he_saw():
    """The drafter takes the harmless draft back and puts another in its place while the second person reads."""
    seen = after(BEGUN, draft(second(ends_at=T0 + 10)))
    confirm = entry(seen)
    withdrawn = after(seen, WithdrawDraft(by="an", why=WHY, wearer="w1", sha256=confirm.sha256))
    swapped = after(withdrawn, draft(second(zones=())), at=T0 + 1)
    assert refusal(swapped, confirm) is No.OVERTAKEN
    same = after(withdrawn, draft(second(ends_at=T0 + 10)), at=T0 + 1)
    assert refusal(same, confirm) is No.OVERTAKEN, "also when it says the same: another person may have drafted it"


@pytest.mark.parametrize("post", [Post.ADMINISTRATOR, Post.SUPERVISOR])
def test_who_opened_an_account_is_no_second_person(post):
    puppet = after(BEGUN, opened("puppet", post), draft(second(zones=())))
    assert refusal(puppet, entry(puppet, by="puppet")) is No.SAME_HAND
    assert refusal(puppet, entry(puppet, by="seo")) is None


def test_nor_who_drew_the_password_nor_anybody_behind_a_chain_of_puppets():
    renewed = after(BEGUN, RenewPassword(by="an", why=WHY, person="moon"), draft(second(zones=())))
    assert refusal(renewed, entry(renewed, by="moon")) is No.SAME_HAND
    chain = after(BEGUN, opened("p1", Post.ADMINISTRATOR), opened("p2", Post.ADMINISTRATOR, by="p1"))
    chain = after(chain, opened("p3", Post.SUPERVISOR, by="p1"), draft(second(zones=()), by="p2"))
    for by in ("an", "p1", "p3"):
        assert refusal(chain, entry(chain, by=by)) is No.SAME_HAND
    assert refusal(chain, entry(chain, by="seo")) is None


def test_a_changed_role_makes_nobody_a_puppet():
    raised = after(BEGUN, ChangePost(by="an", why=WHY, person="kim", post=Post.SUPERVISOR), draft(second(zones=())))
    assert refusal(raised, entry(raised, by="kim")) is None


def test_a_discharge_takes_two_too_and_gives_the_devices_back():
    drafted = after(BEGUN, draft(None))
    assert refusal(drafted, entry(drafted, by="an")) is No.SAME_HAND
    assert refusal(drafted, entry(drafted), {"w1"}) is No.INCIDENT_OPEN
    events = decide(drafted, entry(drafted), (), T0)
    assert [type(each) for each in events] == [WearerDischarged, DeviceReturned]
    gone = fold(drafted, events)
    assert in_force(gone.charges["w1"]) is None
    assert not gone.devices
    assert len(gone.charges["w1"].versions) == 1, "what was ordered stays readable"
    assert refusal(gone, draft(second(zones=()))) is No.NOT_THERE
    assert refusal(gone, BindDevice(by="an", why=WHY, device="d9", wearer="w1", key_sha256=b"")) is No.NO_ORDER


def test_nobody_is_left_under_an_order_without_a_device():
    two = after(BEGUN, BindDevice(by="an", why=WHY, device="d2", wearer="w1", key_sha256=b"x"))
    back = ReturnDevice(by="an", why=WHY, device="d1")
    assert refusal(two, back, {"w1"}) is No.INCIDENT_OPEN
    one = after(two, back)
    assert devices_of(one, "w1") == ("d2",)
    assert refusal(one, ReturnDevice(by="an", why=WHY, device="d2")) is No.LAST_DEVICE


def test_enrolled_and_under_an_order_are_two_things():
    new = after(BEGUN, enrolled())
    assert in_force(new.charges["w2"]) is None
    bind = BindDevice(by="an", why=WHY, device="d2", wearer="w2", key_sha256=b"x")
    assert refusal(new, bind) is No.NO_ORDER
    new = after(new, draft(Order(wearer="w2", wearer_class=WearerClass.BAIL, version=1), wearer="w2", over=0))
    new = after(new, entry(new, "w2"))
    assert refusal(new, bind) is None


def test_what_was_erased_opens_nothing_again():
    """Records of an erased person are skipped; those that follow them find nothing there."""
    made = [*decide(BEGUN, opened("new", Post.ADMINISTRATOR), (), T0)]
    made += decide(fold(BEGUN, made), CloseAccount(by="seo", why=WHY, person="new"), (), T0)
    without = fold(BEGUN, made[1:])
    assert "new" not in without.staff
    assert fold(BEGUN, made).staff["new"].post is None


def test_a_journal_judged_again_meets_each_order_where_it_was_entered():
    done = after(BEGUN, draft(second(zones=())))
    done = after(done, entry(done, fix=40), draft(None, over=2))
    done = after(done, entry(done, fix=90))
    assert [(each.fix_through, each.order.version if each.order else None) for each in timeline(done)] == [
        (0, 1), (40, 2), (90, None),
    ]  # fmt: skip


def test_it_is_kept_in_the_centres_state():
    event = decide(BEGUN, opened(), (), T0)[0]
    assert minds.evolve(minds.EMPTY, event).register == evolve(EMPTY, event)


# --- every history -------------------------------------------------------------------------------------------------

PEOPLE = (*STAFF, "x1", "x2", "x3")
people = st.sampled_from(PEOPLE)
posts = st.sampled_from(list(Post))
changed = st.sampled_from(
    [{"zones": ()}, {"ends_at": T0 + 99}, {"absences": (Absence(id="a", starts_at=1, ends_at=2),)}]
)
steps = st.tuples(st.integers(0, 7), people, people, posts, changed)


def _act(register, step):
    kind, by, person, post, more = step
    charge = register.charges["w1"]
    version = charge.versions[-1].order.version
    seal = charge.draft.sha256 if charge.draft else b""
    return [
        lambda: opened(person, post, by),
        lambda: ChangePost(by=by, why=WHY, person=person, post=post),
        lambda: RenewPassword(by=by, why=WHY, person=person),
        lambda: CloseAccount(by=by, why=WHY, person=person),
        lambda: draft(msgspec.structs.replace(FIRST, version=version + 1, **more), by=by, over=version),
        lambda: WithdrawDraft(by=by, why=WHY, wearer="w1", sha256=seal),
        lambda: EnterOrder(by=by, why=WHY, wearer="w1", sha256=seal, fix_through=version),
        lambda: draft(None, by=by, over=version),
    ][kind]()


@given(st.lists(steps, max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_people_do_the_log_says_what_is_and_somebody_is_left_who_may(told):
    register, log = BEGUN, []
    for n, step in enumerate(told):
        act = _act(register, step)
        events = decide(register, act, (), T0 + n)
        assert bool(events) is (refusal(register, act) is None)
        log += [codec.decode_event(codec.encode_event(each)) for each in events]
        register = fold(register, events)
        assert any(each.post is Post.ADMINISTRATOR for each in register.staff.values())
        versions = register.charges["w1"].versions
        assert [each.order.version for each in versions] == list(range(1, len(versions) + 1))
    assert fold(BEGUN, log) == register, "the log alone makes the register again"


@given(st.sampled_from(["an", "seo", "moon"]), st.lists(steps, max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_single_person_ever_brings_an_order_into_force(attacker, told):
    """One person with every account whose password came into these hands; the others go on keeping accounts."""
    register, holds = BEGUN, {attacker}
    for n, step in enumerate(told):
        act = _act(register, step)
        if act.by not in holds and not isinstance(act, OpenAccount | ChangePost | RenewPassword | CloseAccount):
            continue
        for event in decide(register, act, (), T0 + n):
            assert not isinstance(event, OrderEntered | WearerDischarged)
            register = evolve(register, event)
            if act.by in holds and isinstance(act, OpenAccount | RenewPassword):
                holds.add(act.person)


# --- what would change ---------------------------------------------------------------------------------------------

NIGHT = Row(days=(0, 1, 2, 3, 4, 5, 6), start_min=22 * 60, end_min=6 * 60)
HOME = Curfew(id="c1", name="집", home=Circle(LAT, LON, 50.0), rows=(NIGHT,))
SQUARE = Polygon(((LAT, LON), (LAT, LON + 0.001), (LAT + 0.001, LON + 0.001)))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"wearer_class": WearerClass.BAIL}, ["class"]),
        ({"starts_at": 1}, ["starts"]),
        ({"ends_at": 1}, ["ends"]),
        ({"zones": ()}, ["zone_removed"]),
        ({"zones": (Zone(id="z1", name="중학교", area=SCHOOL.area),)}, ["zone_renamed"]),
        ({"zones": (Zone(id="z1", name="초등학교", area=SQUARE),)}, ["zone_redrawn"]),
        ({"zones": (SCHOOL, Zone(id="z2", name="집", area=SQUARE))}, ["zone_added"]),
        ({"curfews": (HOME,)}, ["curfew_added"]),
        ({"absences": (Absence(id="a", starts_at=1, ends_at=2),)}, ["absence_added"]),
        ({"protected": (Protected(id="p1"),)}, ["protected_added"]),
    ],
)
def test_what_differs_is_said_in_words_both_ways(more, what):
    changed = second(**more)
    assert [each.what for each in differences(FIRST, changed)] == what
    assert len(differences(changed, second())) == len(what)


def test_a_changed_curfew_says_what_of_it():
    before = second(curfews=(HOME,))
    rows = (Row(days=(5, 6), start_min=0, end_min=0),)
    moved = msgspec.structs.replace(HOME, name="새 집", rows=rows, home=SQUARE)
    told = differences(before, second(curfews=(moved,)))
    assert [each.what for each in told] == ["curfew_renamed", "curfew_hours", "curfew_home"]
    assert told[1].before == (NIGHT,)
    assert told[1].after == rows


def test_the_first_order_is_all_new_and_the_end_is_the_end():
    assert [each.what for each in differences(None, FIRST)] == ["class", "zone_added"]
    assert [each.what for each in differences(FIRST, None)] == ["ended"]
    assert differences(None, None) == ()


@given(changed, changed)
def test_no_difference_is_said_only_of_the_same(one, other):
    a, b = second(**one), second(**other)
    assert (differences(a, b) == ()) is (a == b)
    assert orders.decode(orders.encode(a)) == a


# --- lists, permits, shared zones ----------------------------------------------------------------------------------


def many(*drafts, by="an"):
    return DraftOrders(by=by, why=WHY, drafts=drafts)


def test_a_list_of_orders_is_drafted_as_a_whole_or_not_at_all():
    two = after(BEGUN, enrolled(), enrolled("w3"))
    first = Order(wearer="w2", wearer_class=WearerClass.BAIL, version=1, zones=(SCHOOL,))
    right, also = draft(second(zones=())), draft(first, wearer="w2", over=0)
    assert refusal(two, many(right, also)) is None
    drafted = fold(two, decide(two, many(right, also), (), T0))
    assert [drafted.charges[each].draft is not None for each in ("w1", "w2", "w3")] == [True, True, False]
    for wrong in (draft(FIRST, wearer="w3", over=0), draft(second(), over=1), draft(first, wearer="w2", over=3), right):
        assert refusal(two, many(right, wrong)) is not None
        assert decide(two, many(right, wrong), (), T0) == []
    assert refusal(two, many()) is No.MALFORMED
    assert refusal(two, many(draft(second(zones=()), by="seo"))) is No.MALFORMED, "nobody drafts in another's name"
    assert refusal(drafted, many(right)) is No.DRAFT_WAITS
    for wearer in ("w1", "w2"):
        assert refusal(drafted, entry(drafted, wearer, by="an")) is No.SAME_HAND, "a list needs a second person too"
        assert refusal(drafted, entry(drafted, wearer, by="moon")) is None


def test_what_became_of_a_permit_is_noted_and_noted_again():
    away = Absence(id="a", starts_at=T0, ends_at=T0 + 9, asked_by="본인", granted_by="정다섯")
    held = after(BEGUN, draft(second(absences=(away,))))
    held = after(held, entry(held))

    def note(left_at, returned_at, by="moon", absence="a"):
        return NoteAbsence(by=by, why=WHY, wearer="w1", absence=absence, left_at=left_at, returned_at=returned_at)

    assert refusal(held, note(None, None)) is No.UNCHANGED
    assert refusal(held, note(T0, None, absence="b")) is No.NOT_THERE
    assert refusal(held, note(None, T0)) is No.MALFORMED
    assert refusal(held, note(T0 + 5, T0)) is No.MALFORMED
    assert refusal(held, note(-1, None)) is No.MALFORMED
    assert refusal(held, note(T0, 10**30)) is No.MALFORMED, "a number that cannot be written down ends a program"
    assert refusal(held, note(T0, None, by="kim")) is No.NOT_YOURS
    gone = after(held, note(T0 + 1, None))
    assert refusal(gone, note(T0 + 1, None)) is No.UNCHANGED
    back = after(gone, note(T0 + 1, T0 + 12))
    kept = back.charges["w1"].kept["a"]
    assert (kept.left_at, kept.returned_at, kept.by) == (T0 + 1, T0 + 12, "moon")
    without = after(back, draft(msgspec.structs.replace(FIRST, version=3, zones=()), over=2))
    without = after(without, entry(without))
    assert without.charges["w1"].kept["a"] == kept, "it stays in the ledger"
    assert refusal(without, note(T0 + 1, T0 + 13)) is None


def test_shared_zones_come_into_force_by_two_persons_and_from_the_next_fix():
    def zones(over=0, sha256=b"x" * 32, by="an", **more):
        return DraftZones(**{"by": by, "why": WHY, "set": "schools", "name": "학교", "over": over, "count": 20_000, "sha256": sha256} | more)  # fmt: skip

    def enter(sha256=b"x" * 32, by="moon", fix=7):
        return EnterZones(by=by, why=WHY, set="schools", sha256=sha256, fix_through=fix)

    named = draft(second(shared=("schools",)))
    assert refusal(BEGUN, named) is No.NO_ZONES
    for wrong in (zones(set="Schools!"), zones(name=" "), zones(count=0), zones(count=100_001)):
        assert refusal(BEGUN, wrong) is No.MALFORMED
    assert refusal(BEGUN, zones(over=1)) is No.OVERTAKEN
    assert refusal(BEGUN, zones(by="moon")) is No.NOT_YOURS
    waits = after(BEGUN, zones())
    assert refusal(waits, zones()) is No.DRAFT_WAITS
    assert refusal(waits, named) is No.NO_ZONES, "a draft is not in force"
    assert refusal(waits, enter(by="an")) is No.SAME_HAND
    assert refusal(waits, enter(sha256=b"y" * 32)) is No.OVERTAKEN
    assert refusal(after(waits, WithdrawZones(by="moon", why=WHY, set="schools", sha256=b"x" * 32)), zones()) is None
    held = after(waits, enter())
    assert refusal(held, zones(over=1)) is No.UNCHANGED
    assert refusal(held, named) is None
    newer = after(held, zones(over=1, sha256=b"y" * 32))
    newer = after(newer, enter(sha256=b"y" * 32, by="seo", fix=9))
    assert zone_timeline(newer) == [(7, "schools", b"x" * 32), (9, "schools", b"y" * 32)]
    assert [(each.number, each.drafted_by, each.by) for each in newer.zone_sets["schools"].editions] == [(1, "an", "moon"), (2, "an", "seo")]  # fmt: skip
