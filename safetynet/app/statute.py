"""The law table as the pages show and print it: every line of `core.law`, made from it at each start, never a copy."""

from functools import cache

import msgspec

from safetynet.core import law
from safetynet.core.terms import AlarmKind, WearerClass


@cache
def table() -> bytes:
    """JSON: words for the page to translate, and the articles in both languages as the law table has them."""
    field = law.FIELD
    return msgspec.json.encode(
        {
            "version": law.TABLE_VERSION,
            "worded_on": law.WORDED_ON,
            "reviewed_by": law.REVIEWED_BY,
            "act_ko": law.ACT_KO,
            "act_en": law.ACT_EN,
            "lines": [_line(footing, kind) for footing in WearerClass for kind in AlarmKind],
            "field": {
                "article_ko": field.article_ko,
                "article_en": field.article_en,
                "conditions": field.conditions,
            },
        }
    )


def _line(footing: WearerClass, kind: AlarmKind) -> dict[str, object]:
    found = law.basis(footing, kind)
    line: dict[str, object] = {
        "class": footing.value,
        "kind": kind.value,
        "article_ko": found.article_ko,
        "article_en": found.article_en,
        "police_at_once": kind in law.TOLD_AT_ONCE,
    }
    if isinstance(found, law.NoBasis):
        routes = [
            {"word": each.word, "article_ko": each.article_ko, "article_en": each.article_en}
            for each in found.other_routes
        ]
        return {**line, "basis": None, "why": found.why.value, "routes": routes}
    return {
        **line,
        "basis": found.basis.value,
        "purpose": found.purpose,
        "minutes_max": found.minutes_max,
        "cameras_max": found.cameras_max,
        "radius_m_max": found.radius_m_max,
        "conditions": found.conditions,
    }
