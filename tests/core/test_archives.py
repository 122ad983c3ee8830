"""A closed incident is about what it was about while it was live."""

import sys
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import Told, judged, verdict

from safetynet.core import archives
from safetynet.core.control import words
from safetynet.core.terms import AlarmKind, Certainty, Priority
from safetynet.core.verdicts import SAID, Change

KINDS = sorted(AlarmKind, key=lambda each: each.value)


def row(told):
    """As the index of the archive has it: of alarms that are held back still, nothing."""
    start = archives.Row(incident=told.id, opened_at=told.at)
    mine = [each for each in told.log if getattr(each, "alarm", None) in (None, *told.incident.alarms)]
    return reduce(archives.found, mine, start)


def agree(told):
    live, closed = told.incident, row(told)
    assert closed.kind is live.kind
    assert closed.priority == min(told.state.alarms[each].priority for each in live.alarms)


@pytest.mark.parametrize(
    ("story", "kind", "priority"),
    [
        ([(AlarmKind.SOS, Change.RAISED, True), (AlarmKind.EXCLUSION_ZONE, Change.RAISED, True)],
         AlarmKind.EXCLUSION_ZONE, Priority.DANGER),
        ([(AlarmKind.CURFEW, Change.RAISED, False), (AlarmKind.CURFEW, Change.RISEN, True)],
         AlarmKind.CURFEW, Priority.DANGER),
        ([(AlarmKind.CURFEW, Change.RAISED, False), (AlarmKind.SOS, Change.RAISED, True), (AlarmKind.CURFEW, Change.RISEN, True)],
         AlarmKind.CURFEW, Priority.DANGER),
    ],
)  # fmt: skip
def test_it_is_found_as_it_was_led(story, kind, priority):
    told = Told()
    for n, (each, change, certain) in enumerate(story):
        told.give(judged(verdict(each, change, certain=certain, episode=each.value)), s=n)
    assert (told.incident.kind, row(told).kind, row(told).priority) == (kind, kind, priority)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=8))
def test_whatever_rings_the_archive_and_the_desk_agree(rings):
    told, certain_before = Told(), {}
    for n, (kind, drawn) in enumerate(rings):
        certain = drawn or kind in SAID
        before = certain_before.get(kind)
        if before is None:
            change = Change.RAISED
        else:
            change = Change.RISEN if certain and before is Certainty.MAYBE else Change.REPEATED
        best = Certainty.CERTAIN if certain or before is Certainty.CERTAIN else Certainty.MAYBE
        certain_before[kind] = best
        told.give(judged(verdict(kind, change, certain=best is Certainty.CERTAIN, episode=kind.value)), s=n)
        if told.state.incidents:
            agree(told)
    told.give(words.Tick(), s=100_000)
    agree(told)
