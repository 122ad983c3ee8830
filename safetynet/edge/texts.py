"""The pages' texts, for what is written on paper: one table of words for every screen and every document.

`console/messages*.js` stay the only place where a word has its Korean and its English; a line there is one key.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from safetynet.edge.web import PAGES

FILES: Final = "messages*.js"
_TEXT: Final = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
_LINE: Final = re.compile(rf"^  (?:'([^']+)'): \[(?:{_TEXT}), (?:{_TEXT})\],$", re.MULTILINE)
_BLANK: Final = re.compile(r"\{(\w+)\}")


@cache
def _table(folder: Path) -> Mapping[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.glob(FILES)):
        for key, ko, ko2, en, en2 in _LINE.findall(path.read_text(encoding="utf-8")):
            found[key] = (_plain(ko or ko2), _plain(en or en2))
    return found


def _plain(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal)


def table() -> Mapping[str, tuple[str, str]]:
    """Every text by its key, Korean first."""
    return _table(PAGES)


def text(key: str, *, korean: bool = True, **values: object) -> str:
    """The text of a key with `{name}` filled in; an unknown key is shown as its own last part, as the pages do."""
    pair = _table(PAGES).get(key)
    said = pair[0 if korean else 1] if pair else key.partition(".")[2].replace("_", " ")
    return _BLANK.sub(lambda blank: str(values.get(blank[1], blank[0])), said)
