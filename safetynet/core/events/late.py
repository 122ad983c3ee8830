"""What a word that arrived late changed about what was told: never silently."""

from safetynet.core.events.base import Event
from safetynet.core.terms import AlarmId, Certainty, WearerId


class AlarmAmended(Event, frozen=True, kw_only=True, tag="alarm_amended"):
    """Judged again with what arrived late it was less certain, or (`retracted`) no breach. A person closes it all the same."""

    alarm: AlarmId
    wearer: WearerId
    certainty: Certainty
    retracted: bool
