"""Texts of others, fit to be shown: on one line, short, and without a network address.

Real lists leak the addresses of cameras inside their owner's net. Every text passes here before anything else sees it.
Rather a house number too many goes than an address stays.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

TEXT_CHARS_MAX: Final = 200

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MAC: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![0-9a-f])", re.IGNORECASE)
_V6: Final = re.compile(r"[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?(?:/\d{1,3})?", re.IGNORECASE)
_OCTET: Final = r"(?:0x[0-9a-f]{1,2}|[0-9]{1,4})"
_DOT: Final = r"(?:[\[({]\s*(?:\.|dot|점)\s*[\])}]|[.,·・‧_:/\\-]|dot|점)"
_END: Final = r"(?![0-9a-f]*x?[0-9])(?:[:/][0-9]+)?"
_V4: Final = re.compile(
    rf"(?<![0-9]){_OCTET}\s*(?P<dot>{_DOT})\s*{_OCTET}(?:\s*(?P=dot)\s*{_OCTET}){{2}}{_END}", re.IGNORECASE
)
"""Four octets with the same mark between them: lot numbers such as "183-5, 191-1" are not meant."""
_V4_MIXED: Final = re.compile(rf"(?<![0-9])(?:10|127|169|172|192)(?:\s*{_DOT}\s*{_OCTET}){{3}}{_END}", re.IGNORECASE)
"""Of an internal net it may be any mark."""
_V4_SPACED: Final = re.compile(r"(?<![0-9])(?:10|127|169|172|192)(?:\s+[0-9]{1,3}){3}(?![0-9])")
_V4_PART: Final = re.compile(
    rf"(?<![0-9.])(?:10{_DOT}[0-9]{{1,3}}|127{_DOT}0|172{_DOT}(?:1[6-9]|2[0-9]|3[01])|192{_DOT}168|169{_DOT}254)"
    rf"(?:{_DOT}(?:[0-9]{{1,3}}(?![0-9])|[x*]{{1,3}})){{1,2}}",
    re.IGNORECASE,
)
"""Internal nets with the end left out or crossed out: 192.168.0, 172.31.x.x."""
_V4_HEX: Final = re.compile(r"(?<![0-9a-z])0x[0-9a-f]{8}(?![0-9a-f])", re.IGNORECASE)
_V4_WHOLE: Final = re.compile(r"(?<![0-9])[0-9]{8,10}(?![0-9])")
_READ_CHARS_MAX: Final = 2_000
"""Of one text; the patterns look back and forth, and a field of a megabyte is no name."""
_READ_MARGIN_CHARS: Final = 100
_EMPTY: Final = re.compile(r"[(\[{]\s*[)\]}]")
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def _is_v4(found: re.Match[str]) -> str:
    octets = re.findall(_OCTET, found[0].split("/")[0] if found[0].count("/") == 1 else found[0], re.IGNORECASE)[:4]
    values = (
        int(each, 16) if each[:2].lower() == "0x" else int(each, 8) if _octal(each) else int(each) for each in octets
    )
    return " " if all(value <= 255 for value in values) else found[0]


def _octal(digits: str) -> bool:
    return len(digits) > 1 and digits[0] == "0" and all(each in "01234567" for each in digits)


def _is_v6(found: re.Match[str]) -> str:
    text = found[0].split("/")[0].rstrip(".")
    for shorter in (text, text.rstrip(":"), text.lstrip(":"), text.strip(":")):
        try:
            ipaddress.IPv6Address(shorter.split("%")[0])
        except ValueError:
            continue
        return " "
    return found[0]


def _is_whole(found: re.Match[str]) -> str:
    value = int(found[0])
    internal = value <= 0xFFFF_FFFF and ipaddress.IPv4Address(value).is_private and value >= 0x0A00_0000
    return " " if internal else found[0]


_PASSES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (_URL, " "),
    (_MAC, " "),
    (_V6, _is_v6),
    (_V4, _is_v4),
    (_V4_MIXED, _is_v4),
    (_V4_PART, " "),
    (_V4_SPACED, _is_v4),
    (_V4_HEX, " "),
    (_V4_WHOLE, _is_whole),
)


@lru_cache(maxsize=65_536)
def clean(text: str) -> tuple[str, bool]:
    """A text fit to be shown, and whether a network address was taken out of it.

    Compatibility forms (full-width digits and dots) become plain ones first; passes repeat until nothing is found, so
    that taking one out cannot put another together. Rather a house number too many goes than an address stays.
    """
    plain = _BLANKS.sub(" ", unicodedata.normalize("NFKC", text[:_READ_CHARS_MAX]).replace("。", ".")).strip()
    shown = plain
    for _ in range(8):
        before = shown
        for pattern, by in _PASSES:
            shown = pattern.sub(by, shown)
        if shown == before:
            break
    else:
        shown = ""  # nested so deep that it can only be meant
    if len(text) > _READ_CHARS_MAX:
        shown = shown[:-_READ_MARGIN_CHARS]  # an address cut in two by the limit is none that a pass could find
    redacted = shown != plain
    if redacted:
        shown = _BLANKS.sub(" ", _EMPTY.sub(" ", shown)).strip()
    return shown[:TEXT_CHARS_MAX].rstrip(), redacted


_ODD: Final = re.compile(
    rf"[^\x00 -~가-힣]|  |\A |(?<=\x00) | (?=\x00|\Z)"
    rf"|://|:[0-9a-f.]*:|0x[0-9a-f]{{8}}|(?<![0-9])[0-9]{{8,10}}(?![0-9])"
    rf"|[0-9a-f*](?:\s*{_DOT}\s*|\s+)(?:0x)?[0-9a-f]{{1,4}}(?:\s*{_DOT}\s*|\s+)[0-9a-fx*]",
    re.IGNORECASE,
)
"""Any text that `clean` could change has one of these (a test holds both together): signs beyond plain ASCII and
Hangul, blanks too many, or what every spelling of an address has. Where it finds nothing, the text stays as it is."""


def clean_all(texts: Sequence[str]) -> tuple[list[str], list[bool]]:
    """`clean` for a whole column: many times as fast where all is well, as it is with nearly all texts."""
    block = "\x00".join(texts)
    if block.count("\x00") != max(len(texts) - 1, 0):
        odd = range(len(texts))  # somebody wrote the separator itself
    else:
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        starts = np.cumsum(sizes + 1) - sizes - 1
        hits = np.fromiter((found.start() for found in _ODD.finditer(block)), np.int64)
        which = np.searchsorted(starts, hits, "right") - 1
        odd = np.union1d(which, np.flatnonzero(sizes > TEXT_CHARS_MAX)).tolist()
    shown, redacted = list(texts), [False] * len(texts)
    for index in odd:
        shown[index], redacted[index] = clean(texts[index])
    return shown, redacted
