"""How a camera stands, as a city's own staff have set it on the map: azimuth, opening, reach, presets; with undo.

A list seldom knows where a lens looks. What staff set stands in the city's log as whole settings, each with who and
why, above what `cameras.json` says: an import never touches it, and undoing is one more event that takes the last
away. `overlay` gives the registry that `cameras.choose` is to see.

Absent on purpose: writing back into `cameras.json`, and changing where a camera hangs (that is the list's business).
"""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import msgspec
from immutables import Map

from safetynet.core.cameras import Camera, Registry
from safetynet.core.events import CameraCalibrated, LensPreset, LensSetting
from safetynet.core.lists import texts
from safetynet.core.terms import CalibrationReason, CameraId, Instant, PersonId, Why

VIEW_DEG_MIN, VIEW_DEG_MAX = 5.0, 360.0
RANGE_M_MIN, RANGE_M_MAX = 5.0, 500.0
"""A person is not seen farther than that by any camera of a street, and a wider sector would only draw wrong choices."""
PRESETS_MAX: Final = 16
PRESET_NAME_CHARS_MAX: Final = 40
HISTORY_MAX: Final = 50
"""Settings of one camera that are remembered, so that they can be undone. The log itself keeps all."""

Setting: TypeAlias = LensSetting | None
"""None: as the list says."""
Book: TypeAlias = Map[CameraId, tuple[Setting, ...]]
"""For each camera that was ever set: its settings from what the list said on, the one that holds last."""
EMPTY: Final[Book] = Map()


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """A person sets a camera. `over` is the setting that the person had before the eyes: two do not overwrite blindly."""

    camera: CameraId
    setting: Setting
    over: Setting
    by: PersonId
    reason: CalibrationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    camera: CameraId
    over: Setting
    by: PersonId


Wish: TypeAlias = Set | Undo


def now(book: Book, camera: CameraId) -> Setting:
    held = book.get(camera)
    return held[-1] if held else None


def decide(cameras: Registry, book: Book, wish: Wish, at: Instant) -> CameraCalibrated | Why:
    """The event, or why not: NO_CAMERA, STALE (somebody else has set it meanwhile), MALFORMED, NOT_ALLOWED_NOW."""
    camera = cameras.camera(wish.camera)
    if camera is None:
        return Why.NO_CAMERA
    held = now(book, wish.camera)
    if wish.over != held:
        return Why.STALE
    match wish:
        case Set():
            setting = None if wish.setting is None else tidied(wish.setting)
            if not (setting is None or sound(setting, ptz=camera.ptz)):
                return Why.MALFORMED
            if setting == held:
                return Why.NOT_ALLOWED_NOW
            reason, undoes = wish.reason, False
        case Undo():
            history = book.get(wish.camera, ())
            if len(history) < 2:
                return Why.NOT_ALLOWED_NOW
            setting = history[-2]
            reason, undoes = CalibrationReason.UNDONE, True
        case _:
            assert_never(wish)
    return CameraCalibrated(at=at, camera=wish.camera, by=wish.by, reason=reason, setting=setting, undoes=undoes)


def evolve(book: Book, event: CameraCalibrated) -> Book:
    history = book.get(event.camera, (None,))
    if event.undoes:
        return book.set(event.camera, history[:-1])
    return book.set(event.camera, (*history, event.setting)[-HISTORY_MAX:])


def tidied(setting: LensSetting) -> LensSetting:
    """360° is 0°; names of presets on one line, short, without a network address."""
    return msgspec.structs.replace(
        setting,
        azimuth_deg=_turned(setting.azimuth_deg),
        presets=tuple(
            msgspec.structs.replace(each, name=texts.clean(each.name)[0], azimuth_deg=_turned(each.azimuth_deg) or 0.0)
            for each in setting.presets
        ),
    )


def _turned(azimuth_deg: float | None) -> float | None:
    return 0.0 if azimuth_deg == 360.0 else azimuth_deg


def sound(setting: LensSetting, *, ptz: bool) -> bool:
    """Whether every value can be meant. Only a camera that turns has presets."""
    presets = setting.presets
    numbers = [each.number for each in presets]
    return (
        (setting.azimuth_deg is None or 0.0 <= setting.azimuth_deg < 360.0)
        and (setting.view_deg is None or VIEW_DEG_MIN <= setting.view_deg <= VIEW_DEG_MAX)
        and RANGE_M_MIN <= setting.range_m <= RANGE_M_MAX
        and len(presets) <= (PRESETS_MAX if ptz else 0)
        and len(set(numbers)) == len(numbers)
        and all(_sound_preset(each) for each in presets)
    )


def _sound_preset(preset: LensPreset) -> bool:
    return (
        1 <= preset.number <= 255
        and 0 < len(preset.name) <= PRESET_NAME_CHARS_MAX
        and 0.0 <= preset.azimuth_deg < 360.0
        and math.isfinite(preset.view_deg)
        and VIEW_DEG_MIN <= preset.view_deg <= VIEW_DEG_MAX
    )


def set_to(camera: Camera, setting: Setting) -> Camera:
    if setting is None:
        return camera
    return msgspec.structs.replace(
        camera, azimuth_deg=setting.azimuth_deg, view_deg=setting.view_deg, range_m=setting.range_m
    )


def overlay(cameras: Registry, book: Book) -> Registry:
    """The cameras as staff have set them. What was set of a camera that is gone waits for its return."""
    listed = (cameras.camera(id) for id in book)
    changed = [set_to(each, held) for each in listed if each is not None and (held := now(book, each.id)) is not None]
    return cameras.with_optics(changed) if changed else cameras


def presets(book: Book, camera: CameraId) -> tuple[LensPreset, ...]:
    """Those that can be called: without a direction of the camera itself nobody knows how far it is to turn."""
    held = now(book, camera)
    return () if held is None or held.azimuth_deg is None else held.presets


def pan_deg(book: Book, camera: CameraId, number: int) -> float | None:
    """How far a camera turns from where it looks by itself to a preset, clockwise, the shorter way round."""
    held = now(book, camera)
    called = next((each for each in presets(book, camera) if each.number == number), None)
    if held is None or held.azimuth_deg is None or called is None:
        return None
    return (called.azimuth_deg - held.azimuth_deg + 180.0) % 360.0 - 180.0
