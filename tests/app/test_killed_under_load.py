"""Killed at every failpoint while devices report as fast as they are answered, one by one and many at once."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
import rounds
from deployment import page, program


@pytest.mark.parametrize(
    "failpoint",
    [
        "journal.before_sync:9",
        "journal.after_sync:12",
        "loop.before_commit:4",
        "store.in_transaction:5",
        "loop.after_commit:3",
        "loop.before_errands:6",
    ],
)
async def test_nothing_acknowledged_is_lost_and_no_alarm_is_lost_or_doubled(tmp_path, failpoint):
    port = ports.take(6)
    folder = deployment.make(tmp_path, port)
    rounds.enrol(folder)
    fleet = rounds.Fleet(port)
    async with program(folder, failpoint) as running:
        await fleet.run()
        assert await asyncio.wait_for(running.process.wait(), PATIENCE_S) == -signal.SIGKILL
    assert not fleet.done, "it died under load"
    assert fleet.acked, "and not before it"
    async with program(folder), page(port, "kim") as kim:
        await fleet.run()
        assert fleet.done
        await kim.until(lambda page: len(rounds.shown(page)) == rounds.WEARERS)
        assert set(rounds.shown(kim).values()) == {1}
    rounds.check(folder, fleet)
