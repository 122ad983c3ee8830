"""촬영방면정보: free text that says where a camera looks, in the rare case that it says so.

A text counts only when the whole of it, or its last words, can mean nothing else. 서대전지하보도 is no west, 동구청 no
east, 오류시장방향 the way to a market, and "360도 전방면" is written by some owners into every row: it is a claim about
the site and gives no lens a direction.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

VIEW_DEG_MIN, VIEW_DEG_MAX = 5.0, 360.0
RANGE_M_MIN, RANGE_M_MAX = 10.0, 500.0
"""What somebody can have meant as the reach of a camera in a street: "반경 2~3m" is none."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the text says; a field is None where it says nothing."""

    azimuths_deg: tuple[float, ...] = ()
    """Clockwise from north, one for each direction named, in the order of naming."""
    view_deg: float | None = None
    range_m: float | None = None
    ptz: bool | None = None
    around: bool = False
    """"360도": all directions of the site. No lens has one by it."""

    def azimuth_deg(self, lens: int, lenses: int) -> float | None:
        """Of one lens (from 0): where directions and lenses are equally many, each has its own."""
        return self.azimuths_deg[lens] if len(self.azimuths_deg) == lenses else None


NOTHING: Final = Said()

_COMPASS: Final = {
    "북": 0.0, "북동": 45.0, "동북": 45.0, "동": 90.0, "남동": 135.0, "동남": 135.0,
    "남": 180.0, "남서": 225.0, "서남": 225.0, "서": 270.0, "북서": 315.0, "서북": 315.0,
}  # fmt: skip
_POINT: Final = "(?:정)?(북동|동북|남동|동남|남서|서남|북서|서북|북|동|남|서)"
_SIDE: Final = r"(?:쪽|측)?\s*(?:방향|방면|방위|향)?(?:으로|을)?"
_WHOLE: Final = re.compile(rf"{_POINT}{_SIDE}")
_LAST: Final = re.compile(rf"(?:^|[\s,)\]]){_POINT}(?:(?:쪽|측)\s*(?:방향|방면)|(?:방향|방면|향))$")
"""After other words it must be called a direction: 서쪽정자 and 남쪽 are places too."""
_FROM_TO: Final = re.compile(rf"{_POINT}(?:쪽|측)?\s*(?:→|⇒|->|=>|에서)\s*{_POINT}{_SIDE}")
_DEGREES: Final = re.compile(r"(?:방위각?|azimuth|heading)\s*[:=]?\s*([0-9]{1,3}(?:\.[0-9]+)?)\s*(?:도|°|deg)?")
_OPENING: Final = re.compile(r"(?:화각|시야각|fov)\s*[:=]?\s*([0-9]{1,3}(?:\.[0-9]+)?)\s*(?:도|°|deg)?")
_RANGE: Final = re.compile(r"(?:반경|감시거리|거리)\s*[:=]?\s*([0-9]{1,4})\s*m(?![a-z0-9])")
_AROUND: Final = re.compile(r"(?:^|[^0-9])360\s*(?:도|°|deg)|전\s*방향|전방위")
_TURNS: Final = re.compile(r"회전형|회전식|스피드\s*돔|(?:^|[^a-z])ptz(?:[^a-z]|$)")
_STANDS: Final = re.compile(r"고정형|고정식|(?:^|[^가-힣])고정(?:[^가-힣]|$)")
_BETWEEN: Final = re.compile(r"\s*(?:,|/|·|및|와|과|\+|&)\s*")
DIRECTIONS_MAX: Final = 16


@lru_cache(maxsize=65_536)
def read(text: str) -> Said:
    plain = text.casefold().strip(" .()[]")
    if not plain:
        return NOTHING
    opening, far = _OPENING.search(plain), _RANGE.search(plain)
    view_deg = float(opening[1]) if opening else None
    range_m = float(far[1]) if far else None
    turns, stands = bool(_TURNS.search(plain)), bool(_STANDS.search(plain))
    return Said(
        azimuths_deg=_azimuths(plain),
        view_deg=view_deg if view_deg is not None and VIEW_DEG_MIN <= view_deg <= VIEW_DEG_MAX else None,
        range_m=range_m if range_m is not None and RANGE_M_MIN <= range_m <= RANGE_M_MAX else None,
        ptz=turns if turns != stands else None,
        around=bool(_AROUND.search(plain)),
    )


def _azimuths(plain: str) -> tuple[float, ...]:
    degrees = _DEGREES.findall(plain)
    if degrees:
        found = tuple(float(each) for each in degrees)
        return tuple(each % 360.0 for each in found) if max(found) <= 360.0 and len(found) <= DIRECTIONS_MAX else ()
    parts = _BETWEEN.split(plain)
    if len(parts) <= DIRECTIONS_MAX:
        each_way = tuple(_one(part) for part in parts)
        known = tuple(each for each in each_way if each is not None)
        if len(known) == len(parts):
            return known
    last = _LAST.search(plain)
    return (_COMPASS[last[1]],) if last else ()


def _one(part: str) -> float | None:
    passing = _FROM_TO.fullmatch(part)
    if passing:
        return _COMPASS[passing[2]]
    whole = _WHOLE.fullmatch(part)
    return _COMPASS[whole[1]] if whole else None
