"""What the programs say of themselves to those who watch machines: words for what is wrong, and figures.

Nothing here names a person, a device, an incident or a camera; tests/app/test_figures.py runs the story and looks.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from safetynet.app.views import Numbers, ringing
from safetynet.core.control.state import State
from safetynet.core.incidents import VideoState
from safetynet.core.terms import DAY_MS, CentreId, DiskLevel
from safetynet.edge import clock, health, keys, metrics
from safetynet.edge.config import Centre
from safetynet.edge.disk import Disk
from safetynet.edge.health import LAG_MS_MAX, Lag
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
from safetynet.edge.link import Link
from safetynet.edge.metrics import Family
from safetynet.edge.store import Store

CERTIFICATE_DAYS_MIN: Final = 1.0
"""With less than this the program is degraded: nobody has renewed at half of its life."""
OUTBOX_MAX: Final = 1_000
"""More than this owed to one partner is a trouble of its own."""


def troubles(lag: Lag, disk: Disk, folder: Path, *, relay_up: bool = True) -> list[str]:
    """What can be wrong with every program."""
    found = [] if relay_up else ["relay_away"]
    if disk.level is not DiskLevel.AMPLE:
        found.append(f"disk_{disk.level.value}")
    if lag.worst_ms > LAG_MS_MAX:
        found.append("loop_slow")
    if certificate_days(folder) < CERTIFICATE_DAYS_MIN:
        found.append("certificate_ending")
    return found


def certificate_days(folder: Path) -> float:
    until = keys.valid_until(folder)
    return 0.0 if until is None else (until - clock.now()) / DAY_MS


def machine(lag: Lag, disk: Disk, folder: Path) -> list[Family]:
    return [
        *health.machine(),
        metrics.timing("loop_lag_seconds", "How late the event loop woke up a sleeper.", lag.timing),
        metrics.gauge("loop_lag_worst_seconds", "The worst of the last minute.", lag.worst_ms / 1_000),
        metrics.gauge("disk_free_bytes", "Room on the disk of the centre's folder.", disk.free_bytes),
        metrics.gauges(
            "disk_level", "1 for the level that holds.", "level", {each.value: each is disk.level for each in DiskLevel}
        ),
        metrics.gauge(
            "certificate_days_left", "Until the link's certificate runs out.", round(certificate_days(folder), 3)
        ),
    ]


def log(store: Store, events: Mapping[str, int]) -> list[Family]:
    return [
        metrics.gauge("ledger_size", "Events in the log, leaves in the ledger.", store.head()),
        metrics.counters("events_total", "Recorded since the start.", ("event",), {(k,): v for k, v in events.items()}),
        metrics.timing("commit_seconds", "One commit with its flush.", store.timing),
    ]


def links(centre: Centre, link: Link, store: Store) -> tuple[list[str], list[Family]]:
    """Troubles and figures of the roads to partners, who are organisations and may be named."""
    down = [each.id for each in centre.peers if not link.states[each.id].up]
    owed: dict[str, float] = {each.id: store.owed(each.id) for each in centre.peers}
    delays: dict[str, float] = {
        id: state.delay_ms / 1_000 for id, state in link.states.items() if state.delay_ms is not None
    }
    found = ["link_down"] if down else []
    if any(each > OUTBOX_MAX for each in owed.values()):
        found.append("outbox_long")
    return found, [
        metrics.gauges("link_up", "1 when the partner is heard.", "partner", {k: v.up for k, v in link.states.items()}),
        metrics.gauges("link_delay_seconds", "Last round trip.", "partner", delays),
        metrics.gauges("outbox_messages", "Owed to a partner and not acknowledged.", "partner", owed),
        _counted("link_ended_total", "Why connections ended and envelopes were refused.", "reason", link.counts),
    ]


def _counted(name: str, about: str, label: str, counts: Counter[str]) -> Family:
    return metrics.counters(name, about, (label,), {(word,): each for word, each in counts.items()})


def intake(way_in: Intake, journal: Journal) -> list[Family]:
    """What was taken, and every refusal by its word."""
    counts = way_in.counts
    refused = Counter({word: each for word, each in counts.items() if word not in ("taken", "batches")})
    return [
        metrics.counter("fixes_total", "Taken and acknowledged.", counts["taken"]),
        metrics.counter("fix_batches_total", "Flushes that these came in.", counts["batches"]),
        _counted("devices_refused_total", "Reports that were refused.", "reason", refused),
        metrics.gauge("intake_waiting", "Fixes that wait for the next flush.", way_in.waiting),
        metrics.timing("journal_flush_seconds", "One flush of the position journal.", journal.timing),
    ]


def doors(connections: Mapping[str, int], *, broker: bool | None) -> list[Family]:
    """Of the ports where devices of a protocol connect, and of the broker if there is one."""
    up = [] if broker is None else [metrics.gauge("broker_up", "1 when the broker of telephones is there.", broker)]
    return [
        *up,
        metrics.gauges(
            "device_connections", "Devices and strangers at the port of a protocol.", "protocol", {**connections}
        ),
    ]


def control(
    state: State, numbers: Numbers, alarmed: Counter[tuple[str, ...]], streams: Counter[CentreId]
) -> list[Family]:
    """Of a control centre: how many, of which kind, never who."""
    live = sum(
        each.state is VideoState.GRANTED for id in state.open.values() for each in state.incidents[id].requests.values()
    )
    return [
        metrics.gauge("fixes_per_second", "Over the last ten seconds.", numbers.fixes_per_s),
        metrics.counters("alarms_total", "Raised since the start.", ("kind", "priority", "certainty"), alarmed),
        metrics.gauge("alarms_unacknowledged", "That nobody has looked at.", ringing(state)),
        metrics.gauge("incidents_open", "Not closed.", len(state.open)),
        metrics.gauge("wearers", "Under an order here.", numbers.wearers),
        metrics.gauge("wearers_reporting", "Heard within three minutes.", numbers.reporting),
        metrics.gauge("grants_live", "Video that cities provide now.", live),
        metrics.gauges("streams_open", "Pictures that arrive now.", "partner", {str(k): v for k, v in streams.items()}),
    ]
