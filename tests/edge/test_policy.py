"""The policy engine: scenarios, an oracle written from the requirement, and attempts to slip past it."""

import copy

import cedarpy
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import grants, law
from safetynet.core.events import Place
from safetynet.core.messages import Role
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CentreId,
    FixId,
    IncidentId,
    Instant,
    RequestId,
    Source,
    Why,
)
from safetynet.edge import policy
from safetynet.edge.policy import Facts, Policy, PolicyInvalidError

POLICY = Policy()
NORMAL = Facts(
    sender=CentreId("control"),
    role=Role.CONTROL,
    incident=IncidentId("i1"),
    incident_sender=CentreId("control"),
    live=True,
    basis=Basis.DEVICE_DUTY,
    kind=AlarmKind.STRAP_CUT,
    statutory=True,
    radius_m=500,
    radius_m_max=1000,
    cameras=5,
    cameras_max=16,
    duration_ms=600_000,
    duration_ms_max=1_800_000,
    mtls_verified=True,
    signature_verified=True,
)


def clean_yes(answer):
    return answer.allow and answer.errors == 0 and answer.present


@pytest.mark.parametrize(
    ("scenario", "change", "allowed"),
    [
        ("normal", {}, True),
        ("incident closed", {"live": False}, False),
        ("expired", {"duration_ms": 0}, False),
        ("ends before it begins", {"duration_ms": -1}, False),
        ("radius above the cap", {"radius_m": 1001, "radius_m_max": 5000}, False),
        ("radius above its limit", {"radius_m": 600, "radius_m_max": 500}, False),
        ("no radius", {"radius_m": 0}, False),
        ("trigger not statutory", {"statutory": False}, False),
        ("basis of another kind", {"kind": AlarmKind.EXCLUSION_ZONE}, False),
        ("a call for help", {"kind": AlarmKind.SOS}, False),
        ("urgent life has no form yet", {"basis": Basis.URGENT_LIFE}, False),
        ("a city asks", {"role": Role.CITY}, False),
        ("a police room asks", {"role": Role.POLICE}, False),
        ("another control centre asks in its name", {"incident_sender": CentreId("control2")}, False),
        ("no device mTLS", {"mtls_verified": False}, False),
        ("no signature", {"signature_verified": False}, False),
        ("too many cameras", {"cameras": 17, "cameras_max": 99}, False),
        ("no cameras", {"cameras": 0}, False),
        ("too long", {"duration_ms": 1_800_001, "duration_ms_max": 9_999_999}, False),
        ("at every limit", {"radius_m": 1000, "cameras": 16, "duration_ms": 1_800_000}, True),
        ("zone", {"basis": Basis.EXCLUSION_ZONE, "kind": AlarmKind.EXCLUSION_ZONE}, True),
        ("curfew", {"basis": Basis.CURFEW, "kind": AlarmKind.CURFEW}, True),
        ("school hours", {"basis": Basis.CURFEW, "kind": AlarmKind.SCHOOL_HOURS}, True),
        ("residence", {"basis": Basis.RESIDENCE, "kind": AlarmKind.RESIDENCE}, True),
        (
            "residence on the basis of a forbidden place",
            {"basis": Basis.EXCLUSION_ZONE, "kind": AlarmKind.RESIDENCE},
            False,
        ),
        ("attendance", {"basis": Basis.RESIDENCE, "kind": AlarmKind.ATTENDANCE}, False),
        ("approach", {"basis": Basis.NO_APPROACH, "kind": AlarmKind.APPROACH_1K}, True),
        ("nearness that nobody forbade", {"basis": Basis.NO_APPROACH, "kind": AlarmKind.APPROACH_2K}, False),
        ("body", {"kind": AlarmKind.BODY_TAMPER}, True),
    ],
)
def test_scenario(scenario, change, allowed):
    answer = POLICY.ask(msgspec.structs.replace(NORMAL, **change))
    assert clean_yes(answer) == allowed, scenario
    assert (answer.present, answer.errors, answer.sha256) == (True, 0, POLICY.sha256)


# --- the oracle, from the requirement -------------------------------------------------------------------------------

STATUTORY = {
    "EM-16-3-2/14-1": {"strap_cut", "body_tamper", "jamming", "separation"},
    "EM-16-3-2/9-2-1-1": {"curfew", "school_hours"},
    "EM-16-3-2/9-2-1-2-2": {"residence"},
    "EM-16-3-2/9-2-1-2": {"exclusion_zone"},
    "EM-16-3-2/9-2-1-3": {"approach_100", "approach_1k", "protected_sos"},
}


def required(facts):
    """A control centre, proven twice, for its own live incident, on a basis that covers the event, inside the limits."""
    proven = facts.mtls_verified and facts.signature_verified and facts.role is Role.CONTROL
    own = facts.sender == facts.incident_sender and facts.live
    lawful = facts.statutory and facts.kind.value in STATUTORY.get(facts.basis.value, ())
    wide = 1 <= facts.radius_m <= min(1_000, facts.radius_m_max)
    many = 1 <= facts.cameras <= min(16, facts.cameras_max)
    long = 1 <= facts.duration_ms <= min(30 * 60_000, facts.duration_ms_max)
    return proven and own and lawful and wide and many and long


COVERED = [(Basis(basis), AlarmKind(kind)) for basis, kinds in STATUTORY.items() for kind in sorted(kinds)]


def mostly(good, *bad):
    return st.sampled_from([good] * 12 + list(bad))


requests = st.builds(
    Facts,
    sender=mostly("control", "other", 'a"b\n', ""),
    role=mostly(Role.CONTROL, Role.CITY, Role.POLICE),
    incident=st.just("i1"),
    incident_sender=mostly("control", "other"),
    live=mostly(True, False),
    basis=st.just(Basis.DEVICE_DUTY),
    kind=st.just(AlarmKind.STRAP_CUT),
    statutory=mostly(True, False),
    radius_m=st.sampled_from([1, 500, 999, 1000, 500, 500, 500, 500, 0, -1, 1001, 2**63 - 1]),
    radius_m_max=mostly(1000, 500, 5000, 0),
    cameras=st.sampled_from([1, 5, 15, 16, 5, 5, 5, 5, 0, -3, 17]),
    cameras_max=mostly(16, 4, 99),
    duration_ms=st.sampled_from([1, 60_000, 1_800_000, 60_000, 60_000, 60_000, 0, -1, 1_800_001]),
    duration_ms_max=mostly(1_800_000, 1_000, 10**9),
    mtls_verified=mostly(True, False),
    signature_verified=mostly(True, False),
)


about = st.one_of(*[st.sampled_from(COVERED)] * 4, st.tuples(st.sampled_from([*Basis]), st.sampled_from([*AlarmKind])))


def test_the_engine_and_the_requirement_agree():
    reached = {True: 0, False: 0}
    allowed_on = set()

    @settings(max_examples=3_000, deadline=None, database=None, derandomize=True)
    @given(st.booleans(), requests, st.sampled_from(msgspec.structs.fields(Facts)), about)
    def agree(near, drawn, one, matter):
        drawn = msgspec.structs.replace(drawn, basis=matter[0], kind=matter[1])
        # Half of the requests differ from the normal one in a single field: those are the ones a hole would let by.
        normal = msgspec.structs.replace(NORMAL, basis=matter[0], kind=matter[1])
        facts = msgspec.structs.replace(normal, **{one.name: getattr(drawn, one.name)}) if near else drawn
        allowed = clean_yes(POLICY.ask(facts))
        assert allowed == required(facts), facts
        reached[allowed] += 1
        if allowed:
            allowed_on.add((facts.basis, facts.kind))

    agree()
    assert allowed_on == set(COVERED), "every basis with every kind that it covers was really allowed"
    assert reached[True] >= 0.2 * sum(reached.values())
    assert reached[False] >= 0.2 * sum(reached.values())


def test_a_policy_with_a_hole_is_caught_by_the_oracle(tmp_path):
    """The comparison above has teeth: without its end of the incident the policy no longer agrees."""
    holed = tmp_path / "gate.cedar"
    holed.write_text(policy.POLICY_FILE.read_text().replace("resource.live", "(resource.live || true)"))
    facts = msgspec.structs.replace(NORMAL, live=False)
    assert not required(facts)
    assert clean_yes(Policy(holed).ask(facts))


# --- attempts -------------------------------------------------------------------------------------------------------


def raw():
    return copy.deepcopy(policy._request(NORMAL)), copy.deepcopy(policy._entities(NORMAL))


def test_the_raw_request_is_the_one_that_is_allowed():
    assert clean_yes(POLICY.ask_raw(*raw()))


@pytest.mark.parametrize("attribute", sorted(policy._request(NORMAL)["context"]))
def test_a_missing_attribute_is_a_refusal_not_a_skipped_forbid(attribute):
    request, entities = raw()
    del request["context"][attribute]
    answer = POLICY.ask_raw(request, entities)
    assert (answer.allow, answer.present, answer.errors > 0) == (False, True, True)


@pytest.mark.parametrize(("entity", "attribute"), [(0, "role"), (1, "live"), (1, "sender")])
def test_a_missing_attribute_of_an_entity_is_a_refusal(entity, attribute):
    request, entities = raw()
    del entities[entity]["attrs"][attribute]
    answer = POLICY.ask_raw(request, entities)
    assert (answer.allow, answer.present, answer.errors > 0) == (False, True, True)


def without_entities(request, entities):
    entities.clear()


def undeclared_context(request, entities):
    request["context"]["override"] = True


def undeclared_attribute(request, entities):
    entities[1]["attrs"]["override"] = True


def unknown_principal(request, entities):
    request["principal"]["id"] = "nobody"


def unknown_type(request, entities):
    request["principal"]["type"] = "Person"


def unknown_action(request, entities):
    request["action"]["id"] = "archive"


def wrong_type(request, entities):
    request["context"]["mtls_verified"] = "true"


def number_beyond(request, entities):
    request["context"]["radius_m"] = 2**63


def not_json(request, entities):
    request["context"]["radius_m"] = object()


def no_request(request, entities):
    request.clear()


@pytest.mark.parametrize(
    "spoil",
    [
        without_entities,
        undeclared_context,
        undeclared_attribute,
        unknown_principal,
        unknown_type,
        unknown_action,
        wrong_type,
        number_beyond,
        not_json,
        no_request,
    ],
)
def test_whatever_does_not_hold_to_the_schema_is_a_refusal(spoil):
    request, entities = raw()
    spoil(request, entities)
    answer = POLICY.ask_raw(request, entities)
    assert (answer.allow, answer.present) == (False, True)
    assert answer.errors > 0 or spoil is unknown_principal


class EnginePanic(BaseException):
    pass


@pytest.mark.parametrize("failure", [RuntimeError("x"), KeyError("decision"), MemoryError(), EnginePanic()])
def test_an_engine_that_fails_is_a_refusal_and_says_nothing(failure, monkeypatch, capfd, caplog):
    def fail(*_args, **_kwargs):
        raise failure

    monkeypatch.setattr(cedarpy, "is_authorized", fail)
    answer = POLICY.ask(NORMAL)
    assert (answer.allow, answer.errors, answer.present) == (False, 1, True)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_an_allow_with_an_error_beside_it_is_no_allow(monkeypatch):
    said = cedarpy.AuthzResult({"decision": "Allow", "diagnostics": {"errors": ["policy2: no such attribute"]}})
    monkeypatch.setattr(cedarpy, "is_authorized", lambda *_args, **_kwargs: said)
    answer = POLICY.ask(NORMAL)
    assert (answer.allow, answer.errors) == (False, 1)


def test_a_yes_that_comes_late_is_none(monkeypatch):
    times = iter((0, policy.ANSWER_MS_MAX, 0, policy.ANSWER_MS_MAX + 1))
    monkeypatch.setattr(policy.clock, "monotonic", lambda: next(times))
    assert POLICY.ask(NORMAL).allow
    late = POLICY.ask(NORMAL)
    assert (late.allow, late.present) == (False, False)


def test_no_decision_is_an_error_even_when_the_engine_lists_none(monkeypatch):
    said = cedarpy.AuthzResult({"decision": "NoDecision", "diagnostics": {}})
    monkeypatch.setattr(cedarpy, "is_authorized", lambda *_args, **_kwargs: said)
    answer = POLICY.ask(NORMAL)
    assert (answer.allow, answer.errors) == (False, 1)


def test_an_engine_error_text_does_not_reach_the_outside(capfd):
    request, entities = raw()
    entities[1]["attrs"]["canary_7f3a"] = "canary_7f3a"
    answer = POLICY.ask_raw(request, entities)
    assert "canary" not in repr(answer)
    assert capfd.readouterr() == ("", "")


# --- at start -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "// permit nothing",
        "forbid (principal, action, resource);",
        "permit (principal, action, resource",
        "permit (principal, action, resource) when { context.mtls_verifed };",
        'permit (principal, action == Action::"provid", resource);',
        "permit (principal, action, resource) when { resource.sender.name == context.basis };",
        'permit (principal, action, resource) when { context.radius_m < "1000" };',
    ],
)
def test_a_city_does_not_start_on_a_policy_that_is_none(text, tmp_path):
    file = tmp_path / "gate.cedar"
    file.write_text(text)
    with pytest.raises(PolicyInvalidError):
        Policy(file)


def test_a_city_does_not_start_on_a_schema_that_is_none(tmp_path):
    file = tmp_path / "gate.cedarschema"
    file.write_text("entity Centre = {")
    with pytest.raises(PolicyInvalidError):
        Policy(schema_file=file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyInvalidError):
        Policy(schema_file=file)
    file.write_bytes(b"//" + b" " * policy.SIZE_BYTES_MAX)
    with pytest.raises(PolicyInvalidError):
        Policy(schema_file=file)
    with pytest.raises(FileNotFoundError):
        Policy(schema_file=tmp_path / "absent")


def test_the_digest_names_both_texts(tmp_path):
    file, schema = tmp_path / "gate.cedar", tmp_path / "gate.cedarschema"
    file.write_text(policy.POLICY_FILE.read_text() + "\n// changed\n")
    schema.write_text(policy.SCHEMA_FILE.read_text() + "\n// changed\n")
    digests = {POLICY.sha256, Policy(file).sha256, Policy(schema_file=schema).sha256, Policy(file, schema).sha256}
    assert len(digests) == 4
    assert Policy().sha256 == POLICY.sha256
    assert len(POLICY.sha256) == 32


# --- the road from a request to a grant -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis", "kind", "why"),
    [
        (Basis.DEVICE_DUTY, AlarmKind.STRAP_CUT, Why.NO_CAMERA),  # everything is in order but the cameras
        (Basis.DEVICE_DUTY, AlarmKind.SOS, Why.BASIS_MISMATCH),
    ],
)
def test_facts_of_a_request_reach_the_gate(basis, kind, why):
    at = Instant(1_800_000_000_000)
    wanted = grants.Wanted(
        request=RequestId("r"),
        incident=IncidentId("i"),
        receiver=CentreId("control"),
        basis=basis,
        kind=kind,
        place=Place(36.35, 127.4, 10.0, Source.GNSS, at, at, FixId(1)),
        radius_m=500,
        cameras_max=5,
        until=Instant(at + 60_000),
        live=True,
        cameras_held=3,
    )
    limits = law.limits(basis, kind)
    told = policy.facts(
        wanted,
        limits,
        at,
        role=Role.CONTROL,
        incident_sender=CentreId("control"),
        mtls_verified=True,
        signature_verified=True,
    )
    assert (told.cameras, told.duration_ms) == (8, 60_000)
    answer = POLICY.ask(told)
    assert clean_yes(answer) == (limits is not None)
    area = ((36.3, 127.3), (36.3, 127.5), (36.4, 127.5), (36.4, 127.3))
    assert grants.issue(wanted, limits, area, answer, (), at) == grants.Refused(why)
