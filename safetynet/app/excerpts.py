"""Past footage at a city: its people's answers, what the recorder gives, what a partner may fetch.

A file is cut after a person's yes, sealed under its incident, fetched piece by piece and deleted: nothing that was cut
out stays longer than the fetching takes.

Absent on purpose: showing it to the city's own people, who have their recorder.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from safetynet.app import city_views
from safetynet.app.city_views import Looked
from safetynet.core.city import Ground, State
from safetynet.core.footage import giving
from safetynet.core.footage.giving import OVER, Stage, Wanted
from safetynet.core.law import FOOTAGE
from safetynet.core.terms import CameraId, CentreId, DiskLevel, FootageId, IncidentId, SubjectId, Why
from safetynet.edge import clock, log
from safetynet.edge.courier import Giver
from safetynet.edge.recorder import NotGiven, Recorder
from safetynet.edge.spool import Spool, TooLarge

IDLE_S: Final = 0.25
SHOWN_MAX: Final = 200


def subject(incident: IncidentId) -> SubjectId:
    return SubjectId(f"incident:{incident}")


class Excerpts:
    """`take` has a command on disk, and what follows of it done, when it returns."""

    def __init__(
        self, spool: Spool, recorder: Recorder, state: Callable[[], State], take: Callable[[giving.Command], None]
    ) -> None:
        self.spool, self._recorder, self._state, self._take = spool, recorder, state, take
        self.giver = Giver(spool, self._may)

    def _may(self, peer: CentreId, footage: FootageId, camera: CameraId) -> SubjectId | None:
        file = giving.may_fetch(self._state().footage, peer, footage, camera, clock.now())
        return None if file is None else subject(file.incident)

    async def run(self) -> None:
        """Until cancelled: cuts what was allowed, one file at a time, the oldest request first."""
        while True:
            waiting = giving.to_cut(self._state().footage)
            if not waiting or self._state().disk is not DiskLevel.AMPLE:
                await asyncio.sleep(IDLE_S)
                continue
            self._take(await self._cut(*waiting[0]))

    async def _cut(self, wanted: Wanted, camera: CameraId) -> giving.Command:
        try:
            taken = await self._recorder.take(camera, wanted.since, wanted.until)
            filed = await self.spool.file(wanted.footage, camera, subject(wanted.incident), taken.data)
        except NotGiven as no:
            why = no.why
        except TooLarge:
            why = Why.RECORDER_FAILED
        else:
            return giving.Cut(
                footage=wanted.footage,
                camera=camera,
                since=taken.since,
                until=taken.until,
                size_bytes=filed.size_bytes,
                sha256=filed.sha256,
                pieces=filed.pieces,
            )
        log.say("recorder_gave_nothing", log.Level.WARN, why=why.value)
        self.spool.drop(wanted.footage, (camera,))
        return giving.NotCut(footage=wanted.footage, camera=camera, why=why)

    def drop(self, footage: FootageId) -> None:
        """The record of it is on disk already."""
        wanted = self._state().footage.get(footage)
        if wanted is not None:
            self.spool.drop(footage, wanted.cameras)

    def sweep(self) -> int:
        """At a start: what a crash left behind."""
        held = self._state().footage
        return self.spool.sweep(
            (wanted.footage, camera)
            for wanted in held.values()
            if wanted.stage is Stage.ALLOWED
            for camera in wanted.files
        )


def rows(ground: Ground, state: State, seen: Looked) -> dict[str, dict[str, object]]:
    """What the city's page shows of past footage: what waits, and the record of what was answered."""
    newest = sorted(state.footage.values(), key=lambda each: each.at)[-SHOWN_MAX:]
    return {each.footage: _row(ground, each, seen) for each in newest}


def _row(ground: Ground, wanted: Wanted, seen: Looked) -> dict[str, object]:
    line = FOOTAGE[wanted.basis]
    files = list(wanted.files.values())
    return {
        "footage": wanted.footage,
        "incident": wanted.incident,
        "sender_name": seen.centres.get(wanted.sender, wanted.sender),
        "state": wanted.stage.value,
        "over": wanted.stage in OVER,
        "at": wanted.at,
        "basis": wanted.basis.value,
        "article_ko": line.article_ko,
        "article_en": line.article_en,
        "document": wanted.document,
        "cameras": [city_views.named(ground, each) for each in wanted.cameras],
        "since": wanted.since,
        "until": wanted.until,
        "answer_by": wanted.answer_by,
        "answered_at": wanted.answered_at,
        "by_name": city_views.called(wanted.by, seen),
        "conditions": list(wanted.conditions),
        "fetch_by": wanted.fetch_by,
        "files": len(files),
        "bytes": sum(each.size_bytes for each in files),
        "lacking": {camera: why.value for camera, why in wanted.lacking.items()},
        "why": wanted.why.value if wanted.why else None,
        "over_at": wanted.over_at,
    }
