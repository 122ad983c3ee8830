"""What must hold after a storm of what a city's people did, of disks without room, and of logs that were brought back.

Like `promises`, asked of the logs alone; a centre that was dead at a moment is given until it is back.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from safetynet.core.events import (
    ApprovalAwaited,
    ApprovalSet,
    CameraTurned,
    DiskChanged,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    GrantRefused,
    IncidentEnded,
    LogRestored,
    Segment,
    SightingMarked,
    SightingReported,
    StreamOpened,
)
from safetynet.core.grants import LEASE_MS_MAX
from safetynet.core.terms import Approval, Basis, CameraId, CentreId, DiskLevel, GrantId, IncidentId, Instant, RequestId
from safetynet.sim.centres import CityCentre, Control
from safetynet.sim.country import STEP_MS, Country
from safetynet.sim.promises import SLACK_MS, late, require

MARKS_ENOUGH: Final = 10
"""With so many marks some must have been heard: not every grant ends with its mark on the road."""


def a_person_only_narrows(country: Country) -> None:
    """A camera left out never comes back; where a person must answer, or has said no before, none but a person grants."""
    for city in country.cities.values():
        by_hand: set[IncidentId] = set()
        asked: dict[Basis, Approval] = {}
        withheld: dict[GrantId, frozenset[CameraId]] = {}
        awaited: dict[RequestId, ApprovalAwaited] = {}
        for event in city.events():
            match event:
                case ApprovalSet():
                    asked[event.basis] = event.approval
                case ApprovalAwaited():
                    awaited[event.request] = event
                case GrantIssued():
                    by_rule = asked.get(event.basis) is Approval.PERSON or event.incident in by_hand
                    need = by_rule and event.request not in awaited
                    require(not need, "granted without a person where one must answer", event)
                    require(event.by is not None or event.request not in awaited, "a wait that granted itself", event)
                    require(not set(event.withheld) & set(event.cameras), "a camera that was left out", event)
                    withheld[event.grant] = frozenset(event.withheld)
                case GrantMoved():
                    back = withheld.get(event.grant, frozenset()) & set(event.cameras)
                    require(not back, "a camera that was left out came back", event)
                case GrantRefused() | GrantEnded() if event.by is not None:
                    by_hand.add(event.incident)
                case _:
                    continue


def who_waits_for_a_person_gets_an_answer(country: Country) -> None:
    """By the time that was told, from a person or for want of one; who waits again in an old backup, when it is restored."""
    for city in country.cities.values():
        waiting: dict[RequestId, tuple[ApprovalAwaited, int]] = {}
        for event in city.events():
            if isinstance(event, LogRestored):  # what had been answered since the backup is not in this log
                waiting = {id: (each, max(last, event.at + SLACK_MS)) for id, (each, last) in waiting.items()}
            for each, last in tuple(waiting.values()):
                require(event.at <= last, "nobody answered, and it was not refused", each, event)
            match event:
                case ApprovalAwaited():
                    waiting[event.request] = (event, late(city, event.answer_by, SLACK_MS))
                case GrantIssued() | GrantRefused():
                    waiting.pop(event.request, None)
                case IncidentEnded():
                    for request in event.requests:
                        waiting.pop(request, None)
                case _:
                    continue
        require(not waiting, "a request that waits for ever", city.id, waiting)


def what_a_city_saw_is_told_once(country: Country) -> None:
    """Nothing reaches the control centre that nobody marked, and once, but for what a restored city still owed: it cannot
    know that it was heard, and says it again under a new number.
    """
    told = Counter(
        (each.city, each.grant, each.camera, each.sight, each.seen_at)
        for each in country.control.ever()
        if isinstance(each, SightingReported) and each.city is not None
    )
    marked: set[object] = set()
    for city in country.cities.values():
        cameras: dict[GrantId, set[CameraId]] = {}
        for event in city.ever():
            match event:
                case GrantIssued() | GrantMoved():
                    cameras.setdefault(event.grant, set()).update(event.cameras)
                case SightingMarked():
                    require(event.camera in cameras[event.grant], "seen in a camera that was not provided", event)
                    marked.add((city.id, event.grant, event.camera, event.sight))
                case CameraTurned():
                    require(event.camera in cameras[event.grant], "turned a camera that was not provided", event)
                case _:
                    continue
    restores = Counter(
        each.id for each in country.cities.values() for one in each.events() if isinstance(one, LogRestored)
    )
    for (origin, grant, camera, sight, _), times in told.items():
        require((origin, grant, camera, sight) in marked, "told of what nobody saw", origin, grant, camera)
        require(times <= 1 + restores[CentreId(str(origin))], "told twice", origin, grant, camera)
    require(bool(told) or len(marked) < MARKS_ENOUGH, "nothing that was seen was ever told", len(marked))


def a_disk_without_room_gives_no_pictures(country: Country) -> None:
    """At a city and at the control centre, from a step after it was found until there is room again."""
    centres: tuple[Control | CityCentre, ...] = (country.control, *country.cities.values())
    for centre in centres:
        low_since: Instant | None = None
        for event in centre.events():
            if isinstance(event, DiskChanged):
                low_since = None if event.level is DiskLevel.AMPLE else event.at
            elif low_since is not None:
                require(not isinstance(event, GrantIssued), "granted without room to record it", centre.id, event)
                shown = isinstance(event, StreamOpened | Segment) and event.at > low_since + STEP_MS
                require(not shown, "shown without room to record it", centre.id, event)


def nothing_of_an_old_log_lives(country: Country) -> None:
    """A restore says so in the log, and revives no grant: what was alive in the old state ends with it."""
    said = sum(isinstance(each, LogRestored) for one in country.programs.values() for each in one.ever())
    require(said == country.disks.restores, "a restore that the log does not declare", said, country.disks.restores)
    for city in country.cities.values():
        restored_at: Instant | None = None
        issued: dict[GrantId, Instant] = {}
        alive: set[GrantId] = set()
        ending: set[GrantId] = set()
        for event in city.ever():
            match event:
                case LogRestored():
                    restored_at, ending = event.at, ending | alive
                    alive = set()
                case GrantIssued():
                    issued[event.grant] = event.at
                    alive.add(event.grant)
                case GrantEnded():
                    alive.discard(event.grant)
                case GrantMoved():
                    require(event.grant not in ending, "a grant of an old log moves on", event)
                case StreamOpened() | Segment():
                    old = restored_at is not None and issued.get(event.grant, Instant(0)) < restored_at
                    over = restored_at is not None and event.at > restored_at + LEASE_MS_MAX + STEP_MS
                    require(not (old and over), "a picture under a grant of an old log", event, restored_at)
                case _:
                    continue


CITY_PROMISES: Final[tuple[Callable[[Country], None], ...]] = (
    a_person_only_narrows,
    who_waits_for_a_person_gets_an_answer,
    what_a_city_saw_is_told_once,
    a_disk_without_room_gives_no_pictures,
    nothing_of_an_old_log_lives,
)
