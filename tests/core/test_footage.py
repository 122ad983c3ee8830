"""Past footage, both sides: who may ask for what, that two persons say yes, what a city allows, what ends and when."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import COUNTRY, GARAM, T0, camera, facts, tags

from safetynet.core import cameras, city, footage, grants, law
from safetynet.core.city import Ground
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.events import DiskChanged, LogRestored, MessageRefused
from safetynet.core.events.footage import FootageDeleted, FootageDenied, FootageRefused
from safetynet.core.footage import asking, giving
from safetynet.core.footage.asking import Stage
from safetynet.core.messages import (
    AnnounceFootage,
    CloseFootage,
    EndIncident,
    GiveFootage,
    LackFootage,
    RefuseFootage,
    RequestFootage,
    Role,
    Send,
    passes,
)
from safetynet.core.terms import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    AlarmKind,
    DiskLevel,
    FootageBasis,
    KeepReason,
    WearerClass,
    Why,
)

KIM, LEE, SHIM = "kim", "lee", "shim"
YES = grants.PolicyAnswer(allow=True, errors=0, sha256=b"p" * 32, present=True)
GROUND = Ground(cameras.Registry.of([camera(n, 60 * n) for n in range(6)]), GARAM.area)
CLOSED = T0 - 2 * HOUR_MS
OPENED = CLOSED - 5 * MINUTE_MS
NEAR = frozenset({("garam", "garam-1"), ("garam", "garam-2"), ("garam", "garam-3"), ("garam", "garam-4"), ("garam", "garam-5"), ("narae", "narae-1")})  # fmt: skip
SIZE = footage.PIECE_BYTES + 7
PIECES = hashlib.sha256(b"1").digest() + hashlib.sha256(b"2").digest()


def wish(**but):
    made = {
        "incident": "I1", "wearer": "w-canary-name", "city": "garam", "cameras": ("garam-1", "garam-2"), "since": OPENED - MINUTE_MS,
        "until": CLOSED, "basis": FootageBasis.INVESTIGATION, "document": "수사과-2026-12", "by": KIM, "opened_at": OPENED,
        "closed_at": CLOSED, "kind": AlarmKind.STRAP_CUT, "footing": WearerClass.ORDER, "near": NEAR,
    }  # fmt: skip
    return asking.AskFootage(**(made | but))


class Both:
    """A control centre and a city in memory, joined by the messages that the one sends the other."""

    def __init__(self):
        self.at, self.control, self.city = T0, minds.EMPTY, city.EMPTY
        self.log, self.city_log, self.crossed, self.errands = [], [], [], []

    @property
    def asked(self):
        (one,) = self.control.footage.values()
        return one

    @property
    def wanted(self):
        (one,) = self.city.footage.values()
        return one

    def give(self, given, *, later_ms=0):
        """To the control centre; what it sends arrives at the city, and the other way round, until nobody says anything."""
        self.at += later_ms
        events = mind.decide(COUNTRY, self.control, given, self.at)
        self._happen(events)
        return tags(events)

    def _happen(self, events):
        for event in events:
            self.control = minds.evolve(self.control, event)
            self.log.append(event)
            for errand in minds.react(self.control, len(self.log), event):
                if isinstance(errand, Send):
                    self.crossed.append(errand.message)
                    self.at_city(city.Heard(sender="control", seq=1, message=errand.message, policy=YES))
                else:
                    self.errands.append(errand)

    def at_city(self, given):
        events = city.decide(GROUND, self.city, given, self.at)
        for event in events:
            self.city = city.evolve(self.city, event)
            self.city_log.append(event)
            for errand in city.react(GROUND, self.city, len(self.city_log), event):
                if isinstance(errand, Send):
                    self.crossed.append(errand.message)
                    self._happen(mind.decide(COUNTRY, self.control, words.Heard(sender="garam", seq=1, message=errand.message), self.at))  # fmt: skip
                else:
                    self.errands.append(errand)
        return tags(events)

    def ask(self, **but):
        assert self.give(wish(**but)) == ["footage_asked"]
        return self

    def approve(self, by=LEE):
        return self.give(asking.ApproveFootage(footage=self.asked.footage, by=by, may=True))

    def allow(self, **but):
        return self.at_city(giving.AllowFootage(**({"footage": self.wanted.footage, "by": SHIM, "policy": YES} | but)))

    def cut(self, camera, **but):
        made = {"footage": self.wanted.footage, "camera": camera, "since": self.wanted.since, "until": self.wanted.until, "size_bytes": SIZE, "sha256": b"s" * 32, "pieces": PIECES}  # fmt: skip
        return self.at_city(giving.Cut(**(made | but)))

    def fetched(self, camera):
        return self.give(asking.Fetched(self.asked.footage, camera))


def provided():
    both = Both().ask()
    both.approve()
    both.allow()
    for each in ("garam-1", "garam-2"):
        both.cut(each)
        both.fetched(each)
    return both


# --- asking --------------------------------------------------------------------------------------------------------


def test_from_asking_to_the_end():
    both = Both().ask()
    assert both.crossed == [], "nothing leaves before a second person said yes"
    assert both.approve() == ["footage_approved"]
    assert both.asked.stage is Stage.PENDING
    assert both.allow() == ["footage_allowed"]
    assert both.asked.stage is Stage.GRANTED
    assert both.asked.conditions == law.FOOTAGE_CONDITIONS
    both.cut("garam-1")
    assert [(asked.footage, file.camera) for asked, file in asking.to_fetch(both.control.footage)] == [(both.asked.footage, "garam-1")]  # fmt: skip
    assert giving.may_fetch(both.city.footage, "control", both.wanted.footage, "garam-1", both.at) is not None
    both.fetched("garam-1")
    assert both.asked.stage is Stage.GRANTED, "one camera is still to come"
    both.at_city(giving.NotCut(footage=both.wanted.footage, camera="garam-2", why=Why.NOT_RECORDED))
    assert both.asked.stage is Stage.HERE
    assert both.asked.lost["garam-2"] is Why.NOT_RECORDED
    assert both.wanted.stage is giving.Stage.CLOSED, "the city keeps nothing that was fetched"
    assert giving.DropFootage(both.wanted.footage) in both.errands
    assert both.give(words.Tick(), later_ms=law.FOOTAGE_KEPT_DAYS * DAY_MS - 1) == []
    assert both.give(words.Tick(), later_ms=1) == ["footage_deleted"]
    assert both.asked.stage is Stage.DELETED
    assert asking.DropFootage(both.asked.footage) in both.errands


@pytest.mark.parametrize(
    ("but", "why"),
    [
        ({}, None),
        ({"document": ""}, Why.NO_PERMIT),
        ({"document": "한 사람에 대한 문장"}, Why.NO_PERMIT),
        ({"basis": FootageBasis.TRIAL, "document": "2026영장1234"}, None),
        ({"basis": FootageBasis.TRIAL, "document": ""}, Why.NO_PERMIT),
        ({"basis": FootageBasis.URGENT, "document": ""}, Why.NOT_LIVE),
        ({"basis": FootageBasis.URGENT, "document": "", "closed_at": None, "until": OPENED}, None),
        ({"basis": FootageBasis.URGENT, "document": "2026영장1234", "closed_at": None, "until": OPENED}, Why.MALFORMED),
        ({"basis": FootageBasis.URGENT, "document": "", "closed_at": None, "until": OPENED, "footing": WearerClass.BAIL}, Why.NO_BASIS),
        ({"footing": WearerClass.BAIL}, Why.NO_BASIS),
        ({"footing": WearerClass.STALKING_INTERIM}, Why.NO_BASIS),
        ({"footing": WearerClass.BAIL, "basis": FootageBasis.TRIAL}, None),
        ({"footing": WearerClass.PAROLE}, None),
        ({"footing": None}, Why.NO_BASIS),
        ({"wearer": None}, Why.NO_BASIS),
        ({"kind": None}, Why.NO_BASIS),
        ({"cameras": ()}, Why.MALFORMED),
        ({"cameras": ("garam-1", "garam-1")}, Why.MALFORMED),
        ({"cameras": tuple(f"garam-{n}" for n in range(1, 6))}, Why.TOO_MANY_CAMERAS),
        ({"cameras": ("garam-9",)}, Why.CAMERA_NOT_GRANTED),
        ({"cameras": ("narae-1",)}, Why.CAMERA_NOT_GRANTED),
        ({"city": "narae", "cameras": ("narae-1",)}, None),
        ({"until": OPENED - MINUTE_MS}, Why.MALFORMED),
        ({"until": OPENED + 9 * MINUTE_MS}, None),
        ({"until": OPENED + 9 * MINUTE_MS + 1}, Why.TOO_LONG),
        ({"since": OPENED - 30 * MINUTE_MS, "until": OPENED - 25 * MINUTE_MS}, None),
        ({"since": OPENED - 30 * MINUTE_MS - 1, "until": OPENED - 25 * MINUTE_MS}, Why.TOO_LONG),
        ({"since": CLOSED + 25 * MINUTE_MS, "until": CLOSED + 30 * MINUTE_MS + 1}, Why.TOO_LONG),
        ({"opened_at": T0 - 31 * DAY_MS, "closed_at": T0 - 31 * DAY_MS + MINUTE_MS, "since": T0 - 31 * DAY_MS, "until": T0 - 31 * DAY_MS + MINUTE_MS}, Why.STALE),
        ({"closed_at": T0, "since": T0, "until": T0 + 20_000}, Why.MALFORMED),
    ],
)  # fmt: skip
def test_what_may_be_asked_for(but, why):
    both = Both()
    assert mind.refuses(both.control, wish(**but), T0) is why
    assert both.give(wish(**but)) == ([] if why else ["footage_asked"])


@pytest.mark.parametrize(
    ("by", "may", "why"),
    [(LEE, True, None), (KIM, True, Why.OWN_REQUEST), (LEE, False, Why.NOT_ALLOWED_NOW), (KIM, False, Why.NOT_ALLOWED_NOW)],
)  # fmt: skip
def test_nobody_approves_their_own(by, may, why):
    both = Both().ask()
    command = asking.ApproveFootage(footage=both.asked.footage, by=by, may=may)
    assert mind.refuses(both.control, command, T0) is why
    both.give(command)
    assert bool(both.crossed) == (why is None)


def test_who_asked_takes_it_back_and_the_city_never_hears_of_it():
    both = Both().ask()
    stranger = asking.DeleteFootage(footage=both.asked.footage, by="other", may=False, why=Why.NO_LONGER_NEEDED)
    assert mind.refuses(both.control, stranger, T0) is Why.NOT_ALLOWED_NOW
    assert both.give(replace(stranger, by=KIM)) == ["footage_deleted"]
    assert both.crossed == []
    assert both.approve() == [], "over is over"


def test_a_declined_request_never_leaves_and_says_why():
    both = Both().ask()
    assert both.give(asking.DeclineFootage(footage=both.asked.footage, by=LEE, may=True, why=Why.NOT_OWNER)) == []
    said = both.give(asking.DeclineFootage(footage=both.asked.footage, by=LEE, may=True, why=Why.OTHERS_SHOWN))
    assert (said, both.asked.stage, both.asked.why, both.crossed) == (["footage_declined"], Stage.DECLINED, Why.OTHERS_SHOWN, [])  # fmt: skip


def test_what_was_young_enough_when_asked_may_be_too_old_when_approved():
    old = T0 - 29 * DAY_MS
    both = Both().ask(opened_at=old, closed_at=old + 5 * MINUTE_MS, since=old, until=old + MINUTE_MS)
    both.at += 2 * DAY_MS
    assert both.approve() == []
    assert mind.refuses(both.control, asking.ApproveFootage(footage=both.asked.footage, by=LEE, may=True), both.at) is Why.STALE  # fmt: skip


def test_nobody_answers():
    both = Both().ask()
    assert both.give(words.Tick(), later_ms=footage.APPROVAL_MS) == ["footage_deleted"]
    silent = Both().ask()
    silent.approve()
    silent.at += footage.ANSWER_MS
    assert silent.at_city(city.Tick()) == ["footage_denied"]
    assert (silent.asked.stage, silent.asked.why) == (Stage.REFUSED, Why.UNANSWERED)
    lost = Both().ask()
    lost.approve()
    lost.allow()
    assert lost.give(words.Tick(), later_ms=footage.FETCH_MS + footage.OVERDUE_MS) == ["footage_lost", "footage_lost"]
    assert lost.asked.stage is Stage.HERE
    assert lost.give(words.Tick()) == ["footage_deleted"]


def test_a_city_that_keeps_silent_has_refused():
    both = Both().ask()
    both.approve()
    both.city = city.EMPTY  # it never heard of it
    late = footage.ANSWER_MS + footage.OVERDUE_MS
    assert both.give(words.Tick(), later_ms=late - 1) == []
    assert both.give(words.Tick(), later_ms=1) == ["footage_refused"]


# --- what crosses --------------------------------------------------------------------------------------------------


def test_no_name_class_kind_or_order_crosses():
    both = provided()
    said = " ".join(facts(each) for each in both.crossed)
    for word in ("w-canary-name", "order", "strap_cut", KIM, LEE, SHIM):
        assert word not in said, word
    kinds = {type(each) for each in both.crossed}
    assert kinds == {RequestFootage, CloseFootage, GiveFootage, AnnounceFootage} | (kinds - {LackFootage, RefuseFootage}), kinds  # fmt: skip


@pytest.mark.parametrize("kind", [RequestFootage, CloseFootage])
def test_requests_go_from_control_to_city_alone(kind):
    message = next(each for each in provided().crossed if isinstance(each, kind))
    ways = {(one, other) for one in Role for other in Role if passes(message, one, other)}
    assert ways == {(Role.CONTROL, Role.CITY)}


# --- the city ------------------------------------------------------------------------------------------------------


def requested(**but):
    made = {"incident": "I1", "footage": "F-1", "basis": FootageBasis.INVESTIGATION, "document": "수사과-2026-12", "cameras": ("garam-1",), "since": OPENED, "until": CLOSED}  # fmt: skip
    return RequestFootage(**(made | but))


def heard(message, state=city.EMPTY, *, sender="control", policy=YES, at=T0):
    return city.decide(GROUND, state, city.Heard(sender=sender, seq=7, message=message, policy=policy), at)


def folded(state, events):
    for event in events:
        state = city.evolve(state, event)
    return state


@pytest.mark.parametrize(
    ("but", "policy", "why"),
    [
        ({}, YES, None),
        ({"document": ""}, YES, Why.NO_PERMIT),
        ({"cameras": ("narae-1",)}, YES, Why.NO_CAMERA),
        ({"cameras": ("garam-1", "garam-99")}, YES, Why.NO_CAMERA),
        ({"cameras": tuple(f"garam-{n}" for n in range(5))}, YES, Why.TOO_MANY_CAMERAS),
        ({"until": OPENED + 10 * MINUTE_MS + 1}, YES, Why.TOO_LONG),
        ({"since": T0 - 30 * DAY_MS - 1, "until": T0 - 30 * DAY_MS + MINUTE_MS}, YES, Why.STALE),
        ({"since": T0, "until": T0 + MINUTE_MS}, YES, Why.MALFORMED),
        ({}, None, Why.POLICY_ABSENT),
        ({}, replace(YES, errors=1), Why.POLICY_ERROR),
        ({}, replace(YES, allow=False), Why.POLICY_DENIED),
    ],
)
def test_a_city_checks_again_and_by_itself(but, policy, why):
    (event,) = heard(requested(**but), policy=policy)
    assert isinstance(event, FootageDenied) == (why is not None)
    assert (event.why if why else None) is why


def test_policy_alone_gives_nothing():
    state = folded(city.EMPTY, heard(requested()))
    assert state.footage["F-1"].stage is giving.Stage.WAITING
    assert giving.to_cut(state.footage) == []


def test_urgency_ends_with_the_incident():
    urgent = requested(basis=FootageBasis.URGENT, document="")
    state = folded(city.EMPTY, heard(urgent))
    ended = folded(state, heard(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED), state))
    (event,) = city.decide(GROUND, ended, giving.AllowFootage(footage="F-1", by=SHIM, policy=YES), T0)
    assert (type(event), event.why) == (FootageDenied, Why.NOT_LIVE)
    (refused,) = heard(requested(basis=FootageBasis.URGENT, document="", footage="F-2"), ended)
    assert refused.why is Why.NOT_LIVE


def test_a_persons_yes_is_held_against_the_policy_of_this_moment():
    state = folded(city.EMPTY, heard(requested()))
    for policy, why in ((None, Why.POLICY_ABSENT), (replace(YES, allow=False), Why.POLICY_DENIED)):
        (event,) = city.decide(GROUND, state, giving.AllowFootage(footage="F-1", by=SHIM, policy=policy), T0)
        assert event.why is why


def test_a_person_leaves_cameras_out_and_refuses_with_a_reason():
    both = Both().ask()
    both.approve()
    everything = frozenset({"garam-1", "garam-2"})
    assert both.allow(without=everything) == [], "a yes to nothing is none"
    assert both.allow(without=frozenset({"garam-2"})) == ["footage_allowed"]
    assert both.asked.cameras == ("garam-1",)
    other = Both().ask()
    other.approve()
    assert other.at_city(giving.DenyFootage(footage=other.wanted.footage, by=SHIM, why=Why.STALE)) == []
    assert other.at_city(giving.DenyFootage(footage=other.wanted.footage, by=SHIM, why=Why.OTHERS_SHOWN)) == ["footage_denied"]  # fmt: skip
    assert (other.asked.stage, other.asked.why) == (Stage.REFUSED, Why.OTHERS_SHOWN)


@pytest.mark.parametrize(
    ("asker", "camera", "later_ms", "may"),
    [
        ("control", "garam-1", 0, True),
        ("narae", "garam-1", 0, False),
        ("control", "garam-2", 0, False),
        ("control", "garam-1", footage.FETCH_MS, False),
    ],
)
def test_who_may_fetch(asker, camera, later_ms, may):
    both = Both().ask()
    both.approve()
    assert giving.may_fetch(both.city.footage, "control", both.wanted.footage, "garam-1", both.at) is None
    both.allow()
    both.cut("garam-1")
    found = giving.may_fetch(both.city.footage, asker, both.wanted.footage, camera, both.at + later_ms)
    assert (found is not None) == may


def test_what_nobody_fetches_is_deleted_at_the_city():
    both = Both().ask()
    both.approve()
    both.allow()
    both.cut("garam-1")
    both.at += footage.FETCH_MS
    assert both.at_city(city.Tick()) == ["footage_deleted"]
    assert giving.DropFootage(both.wanted.footage) in both.errands


# --- attacks -------------------------------------------------------------------------------------------------------


def answer(both, message, sender="garam"):
    return mind.decide(COUNTRY, both.control, words.Heard(sender=sender, seq=9, message=message), both.at)


def announcement(both, **but):
    made = {"incident": "I1", "footage": both.asked.footage, "camera": "garam-1", "since": both.asked.since, "until": both.asked.until, "size_bytes": SIZE, "sha256": b"s" * 32, "pieces": PIECES}  # fmt: skip
    return AnnounceFootage(**(made | but))


def test_a_city_speaks_only_of_what_it_was_asked():
    both = Both().ask()
    give = GiveFootage(incident="I1", footage=both.asked.footage, cameras=("garam-1",), conditions=(), until=both.at + HOUR_MS)  # fmt: skip
    assert tags(answer(both, give)) == ["message_refused"], "before it was approved"
    both.approve()
    assert tags(answer(both, give, sender="narae")) == ["message_refused"], "another city's"
    assert tags(answer(both, announcement(both))) == ["message_refused"], "before it granted"
    foreign = GiveFootage(incident="I1", footage=both.asked.footage, cameras=("garam-7",), conditions=(), until=both.at)
    assert tags(answer(both, foreign)) == ["message_refused"], "a camera that nobody asked for"
    assert tags(answer(both, replaced(give, incident="I2"))) == ["message_refused"]
    assert tags(answer(both, replaced(give, footage="F-none"))) == ["message_refused"]


def replaced(message, **but):
    return type(message)(**{name: getattr(message, name) for name in message.__struct_fields__} | but)


@pytest.mark.parametrize(
    "but",
    [
        {"camera": "garam-3"},
        {"size_bytes": 0},
        {"size_bytes": footage.FILE_BYTES_MAX + 1},
        {"size_bytes": 2 * footage.PIECE_BYTES + 1},
        {"sha256": b"short"},
        {"pieces": PIECES[:-1]},
        {"pieces": b""},
        {"since": OPENED - MINUTE_MS - footage.SLACK_MS - 1},
        {"until": CLOSED + footage.SLACK_MS + 1},
        {"until": OPENED - MINUTE_MS},
    ],
)
def test_a_file_is_of_what_was_asked_for(but):
    both = Both().ask()
    both.approve()
    both.allow()
    assert tags(answer(both, announcement(both))) == ["footage_announced"]
    assert tags(answer(both, announcement(both, **but))) == ["message_refused"]


def test_told_twice_is_told_once():
    both = Both().ask()
    both.approve()
    (asked,) = [each for each in both.crossed if isinstance(each, RequestFootage)]
    assert both.at_city(city.Heard(sender="control", seq=2, message=asked, policy=YES)) == []
    both.allow()
    assert both.allow() == [], "a second yes"
    both.cut("garam-1")
    assert both.cut("garam-1") == []
    said = list(both.crossed)
    for each in said:
        if not isinstance(each, RequestFootage):
            assert answer(both, each) == [], each
    both.fetched("garam-1")
    assert both.fetched("garam-1") == []


def test_one_control_centre_cannot_close_or_take_over_the_request_of_another():
    state = folded(city.EMPTY, heard(requested()))
    for message in (requested(), CloseFootage(incident="I1", footage="F-1", why=Why.WITHDRAWN)):
        (event,) = heard(message, state, sender="other")
        assert isinstance(event, MessageRefused)


def test_nothing_is_seen_before_it_is_here_or_after_its_time():
    both = Both().ask()
    view = asking.ViewFootage(footage=both.asked.footage, camera="garam-1", by=KIM)
    assert mind.refuses(both.control, view, both.at) is Why.NOT_ALLOWED_NOW
    both.approve()
    both.allow()
    both.cut("garam-1")
    assert mind.refuses(both.control, view, both.at) is Why.NOT_ALLOWED_NOW
    both.fetched("garam-1")
    assert both.give(view) == ["footage_viewed"]
    assert mind.refuses(both.control, view, both.asked.expires_at) is Why.RUN_OUT
    both.give(words.Tick(), later_ms=law.FOOTAGE_KEPT_DAYS * DAY_MS)
    assert both.give(words.Tick()) == ["footage_deleted"]
    assert mind.refuses(both.control, view, both.at) is Why.NOT_LIVE


def test_an_extension_needs_a_supervisor_and_has_an_end():
    both = provided()
    first = both.asked.expires_at
    extend = asking.ExtendFootage(footage=both.asked.footage, by=LEE, may=True, reason=KeepReason.TRIAL_OPEN)
    assert mind.refuses(both.control, replace(extend, may=False), both.at) is Why.NOT_ALLOWED_NOW
    for n in range(1, law.FOOTAGE_EXTENSIONS_MAX + 1):
        assert both.give(extend) == ["footage_extended"]
        assert both.asked.expires_at == first + n * law.FOOTAGE_KEPT_DAYS * DAY_MS
    assert mind.refuses(both.control, extend, both.at) is Why.TOO_MANY_RENEWALS


def test_a_log_that_was_brought_back_holds_no_footage():
    both = provided()
    back = LogRestored(at=both.at, size=1, size_before=1, root_before=b"", epoch_before=1, epoch=2, found="operator", erased=0, erasures_known=True)  # fmt: skip
    assert both.give(back) == ["log_restored", "footage_deleted"]
    waiting = Both().ask()
    waiting.approve()
    assert waiting.at_city(back) == ["log_restored", "footage_denied"]


def test_a_full_disk_asks_for_nothing():
    both = Both()
    both.give(DiskChanged(at=T0, level=DiskLevel.LOW, free_bytes=0))
    assert mind.refuses(both.control, wish(), T0) is Why.DISK_LOW


# --- properties ----------------------------------------------------------------------------------------------------

ACTS = st.lists(
    st.sampled_from(["approve_own", "approve", "decline", "delete", "allow", "deny", "cut1", "cut2", "lack2", "fetch1", "fetch2", "tick", "days", "view"]),
    max_size=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(ACTS)
def test_through_any_acts_two_persons_a_city_and_an_end(acts):
    """Whatever is done in whatever order: nothing crosses unapproved, nothing is cut without a person of the city,
    nothing is received that was not provided, and in the end nothing is left anywhere.
    """
    both = Both().ask()
    id = both.asked.footage
    do = {
        "approve_own": lambda: both.approve(by=KIM),
        "approve": both.approve,
        "decline": lambda: both.give(asking.DeclineFootage(footage=id, by=LEE, may=True, why=Why.OTHERS_SHOWN)),
        "delete": lambda: both.give(asking.DeleteFootage(footage=id, by=KIM, may=False, why=Why.NO_LONGER_NEEDED)),
        "allow": lambda: both.at_city(giving.AllowFootage(footage=id, by=SHIM, policy=YES)),
        "deny": lambda: both.at_city(giving.DenyFootage(footage=id, by=SHIM, why=Why.FACTS_UNCLEAR)),
        "cut1": lambda: both.city.footage and both.cut("garam-1"),
        "cut2": lambda: both.city.footage and both.cut("garam-2"),
        "lack2": lambda: both.at_city(giving.NotCut(footage=id, camera="garam-2", why=Why.NOT_RECORDED)),
        "fetch1": lambda: both.fetched("garam-1"),
        "fetch2": lambda: both.fetched("garam-2"),
        "tick": lambda: (both.give(words.Tick()), both.at_city(city.Tick())),
        "days": lambda: (both.give(words.Tick(), later_ms=DAY_MS), both.at_city(city.Tick())),
        "view": lambda: both.give(asking.ViewFootage(footage=id, camera="garam-1", by=KIM)),
    }
    for act in acts:
        do[act]()
    told, at_city = tags(both.log), tags(both.city_log)
    assert both.crossed == [] or "footage_approved" in told
    assert all(each.by != KIM for each in both.log if type(each).__name__ == "FootageApproved")
    assert "footage_provided" not in at_city or "footage_allowed" in at_city
    provided = {each.camera for each in both.city_log if type(each).__name__ == "FootageProvided"}
    received = {each.camera for each in both.log if type(each).__name__ == "FootageReceived"}
    assert received <= provided
    assert "footage_viewed" not in told or received
    for _ in range(60):
        do["days"]()
    assert both.asked.stage in asking.OVER
    assert all(each.stage in giving.OVER for each in both.city.footage.values())
    ends = [each for each in both.log if isinstance(each, FootageDeleted | FootageRefused) or type(each).__name__ == "FootageDeclined"]  # fmt: skip
    assert len(ends) == 1, "an end, and one"
