"""A city's cameras for the staff who say how they stand: found by id or name, and one with everything about its setting."""

from collections.abc import Mapping
from typing import Final

from safetynet.core import calibrations
from safetynet.core.cameras import Camera
from safetynet.core.city import Ground, State
from safetynet.core.events import LensSetting
from safetynet.core.terms import CameraId, PersonId

FOUND_MAX: Final = 60
FIND_CHARS_MAX: Final = 60


def find(ground: Ground, state: State, word: str) -> dict[str, object]:
    """Of those that match, first the ones whose direction nobody knows; then by id."""
    wanted = word.strip().casefold()
    found = [each for each in ground.registry.cameras if wanted in each.id.casefold() or wanted in each.name.casefold()]
    standing = ((calibrations.set_to(each, calibrations.now(state.book, each.id)), each.id) for each in found)
    rows = sorted((each.azimuth_deg is not None, id, each) for each, id in standing)
    return {
        "total": len(rows),
        "unknown": sum(not known for known, _, _ in rows),
        "rows": [
            {
                "camera": id,
                "name": each.name,
                "known": known,
                "set": calibrations.now(state.book, id) is not None,
                "ptz": each.ptz,
            }
            for known, id, each in rows[:FOUND_MAX]
        ],
    }


def calibrated(
    ground: Ground, state: State, id: CameraId, names: Mapping[PersonId, str], descriptions: Mapping[CameraId, str]
) -> dict[str, object] | None:
    """`Calibrated` of the page: what the list says, what staff set above it, who did and why."""
    listed = ground.registry.camera(id)
    if listed is None:
        return None
    held, last = calibrations.now(state.book, id), state.calibrated.get(id)
    return {
        "camera": id,
        "name": listed.name,
        "lat": listed.lat,
        "lon": listed.lon,
        "ptz": listed.ptz,
        "purpose": listed.purpose,
        "listed": _shown(_listed(listed)),
        "setting": _shown(held) if held is not None else None,
        "set_by": names.get(last.by, last.by) if last else None,
        "set_at": last.at if last else None,
        "reason": last.reason.value if last else None,
        "can_undo": len(state.book.get(id, ())) > 1,
        "description": descriptions.get(id, ""),
    }


def _listed(camera: Camera) -> LensSetting:
    return LensSetting(camera.azimuth_deg, camera.view_deg, camera.range_m)


def _shown(setting: LensSetting) -> dict[str, object]:
    return {
        "azimuth_deg": setting.azimuth_deg,
        "view_deg": setting.view_deg,
        "range_m": setting.range_m,
        "presets": [
            {"number": each.number, "name": each.name, "azimuth_deg": each.azimuth_deg, "view_deg": each.view_deg}
            for each in setting.presets
        ],
    }
