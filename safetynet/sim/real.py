"""What of a telling came from recordings of others, counted in that run; and what a run that used none has failed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from safetynet.core.events import AnyEvent, Segment
from safetynet.core.lists.words import Problem
from safetynet.core.terms import CameraId
from safetynet.edge import registry
from safetynet.sim import districts
from safetynet.sim.panel import Recorded
from safetynet.sim.provision import CITIES, CONTROL, IMPORT_FILE, IMPORTED, WHOLE


class Imported(msgspec.Struct, frozen=True):
    """Of what the importer says of itself: the rows it kept, those that wait in quarantine, and those it repaired."""

    rows: int
    sites: int
    quarantined: int
    repaired: int
    skipped: dict[str, int]

    @property
    def own(self) -> int:
        """Rows of the owner that was asked for."""
        return self.rows - self.skipped.get(Problem.OTHER_OWNER.value, 0)

    @property
    def outside(self) -> int:
        return self.skipped.get(Problem.OUTSIDE_BOUNDARY.value, 0)


def _imported(place: Path) -> Imported:
    return msgspec.json.decode((place / IMPORT_FILE).read_bytes(), type=Imported)


def _counts(list_of_one: Imported) -> dict[str, int]:
    return {
        "rows": list_of_one.own,
        "sites": list_of_one.sites,
        "quarantined": list_of_one.quarantined,
        "repaired": list_of_one.repaired,
        "outside_boundary": list_of_one.outside,
    }


@dataclass(frozen=True, slots=True)
class Real:
    list_rows: int
    """Rows of the whole public list, of every owner, each judged by its owner's boundary."""
    list_quarantined: int
    list_repaired: int
    list_outside_boundary: int
    """Rows that lie outside the district of their own owner."""
    list_districts: dict[str, dict[str, int]]
    """For each district of the real map, by its code: what its own list came to, judged by its own boundary."""
    registry_rows: int
    """Rows of the public list that the importer kept."""
    registry_cameras: int
    """Cameras of these rows in the first city's registry."""
    districts: int
    """Districts of the real map that the control centre has read."""
    cameras_outside_district: int
    """Cameras of the list that do not lie in the real district of the office that lists them."""
    walk_fixes: int
    """Fixes of the recorded walk that the control centre has acknowledged, each with the device's own error on it."""
    walk_wifi: int
    walk_cell: int
    walk_beyond_radius: int
    clip_pictures: int
    """How often the picture of a camera that loops the film came to be seen on the wall."""
    drawn_pictures: int
    clip_segments: int
    """Segments of film that the control centre received and wrote into its ledger."""
    clip_segments_pre_grant: int
    """Of these, begun with a key frame older than the grant: the film has one in 4.8 s and heeds no wish."""
    sound_fetched: int

    @classmethod
    def count(cls, folder: Path, recorded: Recorded, seen: Sequence[CameraId], control: Sequence[AnyEvent]) -> "Real":
        """`seen`: the camera of each picture that came to be seen; `control`: the control centre's log."""
        film = frozenset(recorded.clip_cameras)
        rows = registry.read(folder / IMPORTED)
        listed = {each.id for each in rows}
        mapped, outside = districts.outside(folder / CONTROL, rows)
        kept, whole = (_imported(place) for place in (folder / IMPORTED, folder / IMPORTED / WHOLE))
        around = {code: _imported(folder / IMPORTED / code) for code in districts.REAL_AROUND}
        by_district = dict(sorted({districts.REAL_OWN: kept, **around}.items()))
        received = [each for each in control if isinstance(each, Segment) and each.side == "received"]
        filmed = [each for each in received if each.camera in film]
        return cls(
            list_rows=whole.rows,
            list_quarantined=whole.quarantined,
            list_repaired=whole.repaired,
            list_outside_boundary=whole.outside,
            list_districts={code: _counts(each) for code, each in by_district.items()},
            registry_rows=kept.sites,
            registry_cameras=sum(each.id in listed for each in registry.read(folder / CITIES[0])),
            districts=mapped,
            cameras_outside_district=outside,
            walk_fixes=recorded.walk_fixes,
            walk_wifi=recorded.walk_wifi,
            walk_cell=recorded.walk_cell,
            walk_beyond_radius=recorded.walk_beyond_radius,
            clip_pictures=sum(each in film for each in seen),
            drawn_pictures=sum(each not in film for each in seen),
            clip_segments=len(filmed),
            clip_segments_pre_grant=sum(each.pre_grant for each in filmed),
            sound_fetched=recorded.sound_fetched,
        )

    def unmet(self, recorded: Recorded) -> list[str]:
        held = {
            "no row of the whole list waits in quarantine": 0 < self.list_quarantined < self.list_rows,
            "no row of the whole list was repaired": self.list_repaired > 0,
            "no row lies outside its owner's district: nothing was checked": self.list_outside_boundary > 0,
            "a district has no camera of its own list": bool(self.list_districts)
            and all(each["sites"] for each in self.list_districts.values()),
            "the districts' lists are not the whole list": self.list_rows
            == sum(each["rows"] for each in self.list_districts.values()),
            "the walk has no errors of the device": self.walk_beyond_radius > 0 or self.walk_fixes == 0,
            "no row of the public list is in the registry": self.registry_rows > 0 and self.registry_cameras > 0,
            "no district of the real map is known": self.districts > 0,
            "the list lies in another district": self.cameras_outside_district < max(self.registry_cameras, 1),
            "no fix of the recorded walk was accepted": self.walk_fixes > 0,
            "no picture of the film was watched": self.clip_pictures > 0,
            "no drawn picture was watched": self.drawn_pictures > 0,
            "no segment of the film was received": self.clip_segments > 0,
            "the film's cameras offered no sound": recorded.clip_sound,
            "sound was fetched from a camera": self.sound_fetched == 0,
        }
        return [what for what, holds in held.items() if not holds]
