"""Letters in the picture: digits, Latin capitals and a few signs, five by seven dots, drawn twice as large.

Made once, at import; written with a dark rim so that they read on any street.
"""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import Instant

_ROWS: Final = {
    "0": "0E 11 13 15 19 11 0E", "1": "04 0C 04 04 04 04 0E", "2": "0E 11 01 02 04 08 1F", "3": "1F 02 04 02 01 11 0E",
    "4": "02 06 0A 12 1F 02 02", "5": "1F 10 1E 01 01 11 0E", "6": "06 08 10 1E 11 11 0E", "7": "1F 01 02 04 08 08 08",
    "8": "0E 11 11 0E 11 11 0E", "9": "0E 11 11 0F 01 02 0C", "A": "0E 11 11 1F 11 11 11", "B": "1E 11 11 1E 11 11 1E",
    "C": "0E 11 10 10 10 11 0E", "D": "1E 11 11 11 11 11 1E", "E": "1F 10 10 1E 10 10 1F", "F": "1F 10 10 1E 10 10 10",
    "G": "0E 11 10 17 11 11 0F", "H": "11 11 11 1F 11 11 11", "I": "0E 04 04 04 04 04 0E", "J": "07 02 02 02 02 12 0C",
    "K": "11 12 14 18 14 12 11", "L": "10 10 10 10 10 10 1F", "M": "11 1B 15 15 11 11 11", "N": "11 19 15 13 11 11 11",
    "O": "0E 11 11 11 11 11 0E", "P": "1E 11 11 1E 10 10 10", "Q": "0E 11 11 11 15 12 0D", "R": "1E 11 11 1E 14 12 11",
    "S": "0F 10 10 0E 01 01 1E", "T": "1F 04 04 04 04 04 04", "U": "11 11 11 11 11 11 0E", "V": "11 11 11 11 11 0A 04",
    "W": "11 11 11 15 15 1B 11", "X": "11 11 0A 04 0A 11 11", "Y": "11 11 0A 04 04 04 04", "Z": "1F 01 02 04 08 10 1F",
    "-": "00 00 00 1F 00 00 00", ":": "00 04 04 00 04 04 00", ".": "00 00 00 00 00 0C 0C", "/": "01 01 02 04 08 10 10",
    " ": "00 00 00 00 00 00 00",
}  # fmt: skip
STEP_PX: Final = 12
_INK: Final = 222
_RIM: Final = 22
_KST: Final = timedelta(hours=9)


def clock(at: Instant) -> str:
    """Korean time, as cameras print it."""
    return (datetime.fromtimestamp(at // 1000, UTC) + _KST).strftime("%Y-%m-%d %H:%M:%S")


@cache
def _glyph(letter: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Ink and rim, 15 rows by 12 columns. Letters that are not there become a blank."""
    dots = np.zeros((7, 5), bool)
    for row, bits in enumerate(_ROWS.get(letter, _ROWS[" "]).split()):
        dots[row] = [int(bits, 16) >> (4 - k) & 1 for k in range(5)]
    ink = np.zeros((15, STEP_PX), bool)
    ink[:14, 1:11] = dots.repeat(2, axis=0).repeat(2, axis=1)
    rim = ink.copy()
    rim[1:] |= ink[:-1]
    rim[:, 1:] |= ink[:, :-1]
    rim[:, :-1] |= ink[:, 1:]
    return ink, rim & ~ink


@lru_cache(maxsize=64)
def _text(text: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    parts = [_glyph(each) for each in text.upper()]
    return np.hstack([ink for ink, _ in parts]), np.hstack([rim for _, rim in parts])


def write(luma: npt.NDArray[np.uint8], text: str, x: int, y: int) -> None:
    ink, rim = _text(text[:52])
    window = luma[y : y + ink.shape[0], x : x + ink.shape[1]]
    window[rim] = _RIM
    window[ink] = _INK
