"""Whose key seals an event. A kind that is forgotten in `subject` would be published in clear; here it fails by name.

The golden samples show that no position is open (tests/messages/test_golden.py); this asks for persons, and for each kind.
"""

import sys
import typing
from pathlib import Path

import msgspec
import pytest

from safetynet.core import events
from safetynet.core.events import footage

sys.path.insert(0, str(Path(__file__).parent))
import golden

OPEN = {
    # An incident's pseudonym, and what organisations and staff did. No wearer, no protected person, no place of one.
    events.IncidentClaimed, events.IncidentTakenOver, events.IncidentHandedOver, events.WearerCalled,
    events.VideoRefusedHere, events.VideoRefused, events.VideoAwaited, events.VideoEnded, events.ViewerAdmitted,
    events.DispatchOrdered, events.UnitReported, events.BackupAnswered, events.PoliceNoticeAnswered, events.AnswerOverdue,
    # Between whom a shift changed hands; what was confirmed and noted is sealed.
    events.HandoverOffered, events.HandoverTaken, events.HandoverWithdrawn, events.IncidentReassigned,
    events.GrantRefused, events.GrantEnded, events.IncidentEnded, events.GrantReviewed, events.CameraTurned, events.CameraReturned,
    # Cameras of a grant bear out its streams (ADR 9).
    events.VideoGranted, events.CamerasChanged,
    events.CameraPreconnected, events.StreamOpened, events.Segment, events.StreamClosed, events.ViewingRefused, events.StrangersRefused,
    # Past footage: who asked and answered, and the files that `verify` holds against each other. Which minutes of which
    # cameras were asked for, and whose incident it is, is sealed (FootageAsked, FootageRequested).
    footage.FootageApproved, footage.FootageDeclined, footage.FootagePending, footage.FootageRefused, footage.FootageGranted,
    footage.FootageAnnounced, footage.FootageReceived, footage.FootageLost, footage.FootageViewed, footage.FootageExtended,
    footage.FootageAllowed, footage.FootageDenied, footage.FootageProvided, footage.FootageMissing, footage.FootageDeleted,
    # Which network was out and for how many; who they are is sealed with each alarm.
    events.OutageBegan, events.OutageAcknowledged, events.OutageEnded,
    # A centre's own affairs.
    events.ApprovalSet, events.CameraCalibrated, events.MessageRefused, events.PersonErased, events.ProgramStarted,
    events.LogRestored, events.DiskChanged,
}  # fmt: skip
"""What outsiders may read. A kind comes in here only by a decision, never because nobody thought of it."""
KINDS = golden.KINDS["event"]


def fields(kind):
    return {each.name for each in msgspec.structs.fields(kind)}


def of_type(kind, *wanted):
    """Whether a field of this kind can hold one of these, at any depth."""
    seen = set()

    def holds(each):
        if each in wanted:
            return True
        if typing.get_args(each):
            return any(holds(inner) for inner in typing.get_args(each))
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each not in seen:
            seen.add(each)
            return any(map(holds, typing.get_type_hints(each).values()))
        return False

    return holds(kind)


def subject(kind, *, full=True):
    return events.subject(golden.sample(kind, golden.tag(kind), full=full))


def test_what_is_open_is_on_the_list_and_nothing_else():
    assert {kind for kind in KINDS if subject(kind) is None} == OPEN


@pytest.mark.parametrize("kind", KINDS, ids=golden.tag)
def test_who_is_named_seals_it(kind):
    sealed = subject(kind)
    if "wearer" in fields(kind):
        value = golden.sample(kind, golden.tag(kind), full=True)
        assert sealed == f"wearer:{value.wearer}"
    elif "protected" in fields(kind):
        value = golden.sample(kind, golden.tag(kind), full=True)
        assert sealed in (f"protected:{value.protected}", f"incident:{value.incident}")
    elif "person" in fields(kind):
        value = golden.sample(kind, golden.tag(kind), full=True)
        assert sealed == f"person:{value.person}", "a worker too is somebody"
    elif fields(kind) >= {"set", "by", "why"}:
        value = golden.sample(kind, golden.tag(kind), full=True)
        assert sealed == f"person:{value.by}", "nobody else is named but in a reason"
    elif of_type(kind, events.Place, events.Spot):
        assert sealed is not None
        assert sealed.startswith(("incident:", "wearer:", "protected:"))
    else:
        assert sealed is None or sealed.startswith(("incident:", "handover:"))


def test_an_event_whose_wearer_was_erased_is_sealed_all_the_same():
    for kind in (events.ClosedIncidentOpened, events.ReportMade):
        value = golden.sample(kind, golden.tag(kind), full=False)
        assert value.wearer is None
        assert events.subject(value) == f"incident:{value.incident}"


def test_nobody_else_is_sealed_by_less_when_less_is_said():
    """A part that is absent never opens the rest."""
    assert {kind for kind in KINDS if (subject(kind) is None) != (subject(kind, full=False) is None)} == set()


def test_free_text_is_never_open():
    """Whoever types a reason may name anybody in it."""
    typed = {
        kind
        for kind in KINDS
        if fields(kind) & {"why", "drafted_why"} and of_type(typing.get_type_hints(kind)["why"], str)
    }
    assert len(typed) == 16
    assert [kind for kind in typed if subject(kind) is None] == []
