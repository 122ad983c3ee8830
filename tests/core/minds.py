"""Made-up facts for the minds' tests: two cities that share a border, one wearer, one strap."""

import msgspec

from safetynet.core import cameras, geo
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.dispatch import Unit
from safetynet.core.events import CameraCard, Place
from safetynet.core.fixes import Fix
from safetynet.core.messages import Send
from safetynet.core.terms import AlarmKind, Certainty, Source, WearerClass, ZoneId
from safetynet.core.verdicts import Change, How, Transition

LAT, LON = 36.35, 127.38
PLANE = geo.Plane(LAT, LON)
T0 = 1_700_000_000_000


def ll(x, y=0.0):
    """x m east and y m north of the middle."""
    return PLANE.to_latlon(x, y)


def box(west, south, east, north):
    return (ll(west, south), ll(east, south), ll(east, north), ll(west, north))


GARAM = words.City("garam", box(-3000, -3000, 1000, 3000))
NARAE = words.City("narae", box(1000, -3000, 5000, 3000))
"""The border runs 1000 m east of the middle."""
SECRET = b"secret of a test"
COUNTRY = words.Country((GARAM, NARAE), "police112", SECRET)
WEARER, KIM, LEE = "w-canary-name", "kim", "lee"
UNITS = (
    Unit(unit="u1", kind="office", lat=ll(500)[0], lon=ll(500)[1], seen_at=T0),
    Unit(unit="u2", kind="rapid", lat=ll(2500)[0], lon=ll(2500)[1], seen_at=T0),
)


def place(x=0.0, y=0.0, *, s=0, radius_m=15.0, fix=1):
    lat, lon = ll(x, y)
    return Place(lat, lon, radius_m, Source.GNSS, T0 + 1000 * s, T0 + 1000 * s + 300, fix)


def fix(n=1, x=0.0, y=0.0, *, s=0, wearer=WEARER, **more):
    lat, lon = (None, None) if x is None else ll(x, y)
    fields = {
        "id": n, "wearer": wearer, "device": "d1", "observed_at": T0 + 1000 * s, "received_at": T0 + 1000 * s + 300,
        "lat": lat, "lon": lon, "accuracy_m": 15.0, "source": Source.GNSS,
    }  # fmt: skip
    return Fix(**(fields | more))


def verdict(kind=AlarmKind.STRAP_CUT, change=Change.RAISED, *, at=None, certain=True, episode="e1", **more):
    fields = {
        "wearer": WEARER, "kind": kind, "change": change, "zone": ZoneId("z1") if kind is AlarmKind.EXCLUSION_ZONE else None,
        "certainty": Certainty.CERTAIN if certain else Certainty.MAYBE, "fix": at or fix(), "episode": episode,
        "how": How.SAID, "order_version": 1,
    }  # fmt: skip
    return Transition(**(fields | more))


def judged(*transitions, fixes=(), footing=WearerClass.ORDER, last=None):
    wearers = {each.wearer for each in (*transitions, *fixes)}
    return words.Judged(
        transitions=tuple(transitions),
        fixes=tuple(fixes),
        footing=dict.fromkeys(wearers, footing) if footing else {},
        last=last or {},
    )


def card(n, x=50.0, y=0.0, city="garam"):
    lat, lon = ll(x, y)
    return CameraCard(
        camera=f"{city}-{n}", pole=f"p{n}", name=f"{city} {n}", lat=lat, lon=lon, range_m=80.0, azimuth_deg=None,
        view_deg=None, ptz=False, purpose="crime",
    )  # fmt: skip


def camera(n, x, y=0.0, city="garam"):
    lat, lon = ll(x, y)
    return cameras.Camera(id=f"{city}-{n}", pole=f"p{n}", city=city, name=f"{city} {n}", lat=lat, lon=lon, range_m=80.0)


class Told:
    """One control centre in memory: what is given changes the state; what happened and what leaves is kept."""

    def __init__(self, country=COUNTRY):
        self.country, self.state, self.at = country, minds.EMPTY, T0
        self.log, self.errands = [], []

    def give(self, given, *, s=None):
        """The events of this input; their errands are added to `errands`."""
        if s is not None:
            self.at = T0 + int(1000 * s)
        events = mind.decide(self.country, self.state, given, self.at)
        made = []
        for event in events:
            self.state = minds.evolve(self.state, event)
            self.log.append(event)
            made += minds.react(self.state, len(self.log), event)
        self.errands += made
        self.last = made
        return events

    def hear(self, sender, message, *, s=None, seq=1):
        return self.give(words.Heard(sender=sender, seq=seq, message=message), s=s)

    def sent(self, to=None):
        return [each for each in self.errands if isinstance(each, Send) and to in (None, each.to)]

    @property
    def incident(self):
        (one,) = self.state.incidents.values()
        return one

    @property
    def id(self):
        return self.incident.incident


def tags(events):
    return [type(each).__struct_config__.tag for each in events]


def facts(message):
    return msgspec.json.encode(message).decode()
