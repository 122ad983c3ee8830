"""What a storm must hold of silence, told from the journal alone, without the rules that judge it."""

from collections import defaultdict
from typing import Final

from safetynet.core.events import AlarmRaised, AlarmRepeated
from safetynet.core.evidence import SLOWEST_MS, missed_ms
from safetynet.core.fixes import Mark, proven
from safetynet.core.orders import in_force
from safetynet.core.terms import AlarmKind, Instant, WearerId
from safetynet.sim.country import Country
from safetynet.sim.promises import SLACK_MS, late, require

LONGEST_MS: Final = missed_ms(SLOWEST_MS)
"""Whatever rhythm a device has, so long a silence is one."""


def no_device_falls_silent_unheard(country: Country) -> None:
    """Whoever was heard, and then not for so long, has an alarm of that silence: raised then, or broken again."""
    control = country.control
    lost = {each.alarm: each.wearer for each in control.events() if isinstance(each, AlarmRaised) and each.kind is AlarmKind.COMM_LOST}  # fmt: skip
    told: defaultdict[WearerId, list[Instant]] = defaultdict(list)
    for event in control.events():
        if isinstance(event, AlarmRaised | AlarmRepeated) and event.alarm in lost:
            told[event.wearer].append(event.at)
    heard: dict[WearerId, Instant] = {}
    for fix in control.journal:
        if fix.protected or fix.marks & Mark.BELL or not proven(fix):
            continue
        since, order = heard.get(fix.wearer), control.orders.get(fix.wearer)
        heard[fix.wearer] = fix.received_at
        if since is None or order is None or not in_force(order, since) or not in_force(order, fix.received_at):
            continue
        last = late(control, since, LONGEST_MS + SLACK_MS)
        if fix.received_at > last:
            known = any(since < each <= last for each in told[fix.wearer])
            require(known, "a device fell silent and nobody was told", country.seed, fix.wearer, since, fix.received_at)
