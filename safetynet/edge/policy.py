"""The policy engine of a city: Cedar, asked over a fixed schema, heard only when it says a clean yes.

Allow counts only when the call did not raise, the decision is Allow and not one policy erred: Cedar leaves out a
`forbid` that errs, so an Allow with errors may be one from which a prohibition was dropped. Every request is held
against the schema first; an attribute too few or too many is an error, not a guess.

Absent on purpose: a log. An engine's error text repeats the entities; only how many errors there were leaves here.
"""

import hashlib
from pathlib import Path
from typing import Final, Protocol

import cedarpy
import msgspec

from safetynet.core import law
from safetynet.core.footage.giving import Around, Wanted
from safetynet.core.grants import PolicyAnswer
from safetynet.core.grants import Wanted as Video
from safetynet.core.law import Limits
from safetynet.core.messages import RequestFootage, Role
from safetynet.core.terms import DAY_MS, MINUTE_MS, AlarmKind, Basis, CentreId, FootageBasis, IncidentId, Instant
from safetynet.edge import clock

POLICY_FILE: Final = Path(__file__).with_name("gate.cedar")
SCHEMA_FILE: Final = Path(__file__).with_name("gate.cedarschema")
ANSWER_MS_MAX: Final = 1_000
"""An answer takes a third of a millisecond. One that comes later than this is none: nobody knows what kept it."""
SIZE_BYTES_MAX: Final = 65_536
"""Of either file. A policy nobody can read through is no written policy."""


class PolicyInvalidError(Exception):
    """The policy does not hold to its schema, or one of the files is not readable Cedar. A city does not start so."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy is told: nothing of a wearer, nothing of a position."""

    sender: CentreId
    role: Role
    incident: IncidentId
    incident_sender: CentreId
    live: bool
    basis: Basis
    kind: AlarmKind
    statutory: bool
    radius_m: int
    radius_m_max: int
    cameras: int
    cameras_max: int
    duration_ms: int
    duration_ms_max: int
    mtls_verified: bool
    signature_verified: bool


def facts(
    wanted: Video,
    limits: Limits | None,
    at: Instant,
    *,
    role: Role,
    incident_sender: CentreId,
    mtls_verified: bool,
    signature_verified: bool,
) -> Facts:
    """The same facts `grants.check` reads, put into the policy's words. Without limits everything is beyond them."""
    return Facts(
        sender=wanted.receiver,
        role=role,
        incident=wanted.incident,
        incident_sender=incident_sender,
        live=wanted.live,
        basis=wanted.basis,
        kind=wanted.kind,
        statutory=limits is not None,
        radius_m=wanted.radius_m,
        radius_m_max=limits.radius_m_max if limits else 0,
        cameras=wanted.cameras_max + wanted.cameras_held,
        cameras_max=limits.cameras_max if limits else 0,
        duration_ms=wanted.until - at,
        duration_ms_max=limits.minutes_max * MINUTE_MS if limits else 0,
        mtls_verified=mtls_verified,
        signature_verified=signature_verified,
    )


class FootageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy is told of a request for past footage: not even the number of the document."""

    sender: CentreId
    role: Role
    incident: IncidentId
    incident_sender: CentreId
    live: bool
    basis: FootageBasis
    documented: bool
    own_cameras: bool
    cameras: int
    cameras_max: int
    duration_ms: int
    duration_ms_max: int
    age_ms: int
    age_ms_max: int
    mtls_verified: bool
    signature_verified: bool


def footage_facts(
    asked: RequestFootage | Wanted,
    around: Around,
    at: Instant,
    *,
    sender: CentreId,
    role: Role,
    mtls_verified: bool,
    signature_verified: bool,
) -> FootageFacts:
    """The same facts `core.footage` reads, put into the policy's words."""
    return FootageFacts(
        sender=sender,
        role=role,
        incident=asked.incident,
        incident_sender=sender if isinstance(asked, RequestFootage) else asked.sender,
        live=(sender, asked.incident) not in around.over,
        basis=asked.basis,
        documented=law.DOCUMENT.fullmatch(asked.document) is not None,
        own_cameras=around.own(asked.cameras).issuperset(asked.cameras),
        cameras=len(asked.cameras),
        cameras_max=law.FOOTAGE_CAMERAS_MAX,
        duration_ms=asked.until - asked.since,
        duration_ms_max=law.FOOTAGE_MINUTES_MAX * MINUTE_MS,
        age_ms=at - asked.since,
        age_ms_max=law.FOOTAGE_AGE_DAYS_MAX * DAY_MS,
        mtls_verified=mtls_verified,
        signature_verified=signature_verified,
    )


class _Effect(msgspec.Struct, frozen=True):
    effect: str


class _Parsed(msgspec.Struct, frozen=True):
    static: dict[str, _Effect] = msgspec.field(name="staticPolicies")


class _Answer(Protocol):
    @property
    def decision(self) -> cedarpy.Decision: ...
    @property
    def diagnostics(self) -> cedarpy.Diagnostics: ...


class Policy:
    """Policy and schema, parsed once. Raises PolicyInvalidError rather than exist half valid."""

    __slots__ = ("_policies", "_schema", "sha256")

    def __init__(self, policy_file: Path = POLICY_FILE, schema_file: Path = SCHEMA_FILE) -> None:
        policy, schema = _text(policy_file), _text(schema_file)
        try:
            held = cedarpy.validate_policies(policy, schema)
            self._policies = cedarpy.PolicySet.from_str(policy)
            self._schema = cedarpy.Schema.from_str(schema)
        except Exception as broken:
            raise PolicyInvalidError(f"{policy_file.name} or {schema_file.name} is not readable Cedar") from broken
        if not held.validation_passed:
            raise PolicyInvalidError("; ".join(str(each) for each in held.errors) or "validation failed")
        if not _permits(policy):
            raise PolicyInvalidError(f"{policy_file.name} permits nothing: an empty policy is a mistake, not a policy")
        # Lengths first, so that no byte can move from one file to the other under the same digest.
        self.sha256: bytes = hashlib.sha256(
            f"{len(policy.encode())}\n{len(schema.encode())}\n".encode() + policy.encode() + schema.encode()
        ).digest()

    def ask(self, facts: Facts | FootageFacts) -> PolicyAnswer:
        """Never raises. Anything but a clean yes is an answer that `grants.issue` refuses."""
        return self.ask_raw(_request(facts), _entities(facts))

    def ask_raw(self, request: dict[str, object], entities: list[dict[str, object]]) -> PolicyAnswer:
        """As `ask`, for callers that bring their own request: tests that leave something out or put something in."""
        asked_at = clock.monotonic()
        try:
            answer: _Answer = cedarpy.is_authorized(request, self._policies, entities, self._schema)
            decision, errors = answer.decision, len(answer.diagnostics.errors)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # not Exception: the engine's panic is none. Whatever it raises is one error: a refusal
            return PolicyAnswer(allow=False, errors=1, sha256=self.sha256, present=True)
        if clock.monotonic() - asked_at > ANSWER_MS_MAX:
            return PolicyAnswer(allow=False, errors=errors, sha256=self.sha256, present=False)
        if decision not in (cedarpy.Decision.Allow, cedarpy.Decision.Deny):
            # The third answer: the request does not hold to the schema.
            return PolicyAnswer(allow=False, errors=max(1, errors), sha256=self.sha256, present=True)
        return PolicyAnswer(
            allow=decision is cedarpy.Decision.Allow and errors == 0, errors=errors, sha256=self.sha256, present=True
        )


def _text(file: Path) -> str:
    raw = file.read_bytes()
    if len(raw) > SIZE_BYTES_MAX:
        raise PolicyInvalidError(f"{file.name} is larger than {SIZE_BYTES_MAX} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as broken:
        raise PolicyInvalidError(f"{file.name} is not UTF-8") from broken


def _permits(policy: str) -> bool:
    """Whether there is any permit in it at all."""
    parsed = msgspec.json.decode(cedarpy.policies_to_json_str(policy), type=_Parsed)
    return any(each.effect == "permit" for each in parsed.static.values())


def _id(type: str, id: str) -> dict[str, object]:
    return {"type": type, "id": id}


def _request(facts: Facts | FootageFacts) -> dict[str, object]:
    if isinstance(facts, FootageFacts):
        apart = ("sender", "role", "incident", "incident_sender", "live", "basis")
        told = {name: each for name, each in msgspec.structs.asdict(facts).items() if name not in apart}
        return {
            "principal": _id("Centre", facts.sender),
            "action": _id("Action", "provide_footage"),
            "resource": _id("Incident", facts.incident),
            "context": {"basis": facts.basis.value, **told},
        }
    return {
        "principal": _id("Centre", facts.sender),
        "action": _id("Action", "provide"),
        "resource": _id("Incident", facts.incident),
        "context": {
            "basis": facts.basis.value,
            "kind": facts.kind.value,
            "statutory": facts.statutory,
            "radius_m": facts.radius_m,
            "radius_m_max": facts.radius_m_max,
            "cameras": facts.cameras,
            "cameras_max": facts.cameras_max,
            "duration_ms": facts.duration_ms,
            "duration_ms_max": facts.duration_ms_max,
            "mtls_verified": facts.mtls_verified,
            "signature_verified": facts.signature_verified,
        },
    }


def _entities(facts: Facts | FootageFacts) -> list[dict[str, object]]:
    opened_by = {"__entity": _id("Centre", facts.incident_sender)}
    return [
        {"uid": _id("Centre", facts.sender), "attrs": {"role": facts.role.value}, "parents": []},
        {
            "uid": _id("Incident", facts.incident),
            "attrs": {"live": facts.live, "sender": opened_by},
            "parents": [],
        },
    ]
