"""What other systems call the same area, and what it was called before (domain.md 5.3).

Days are ISO dates, `2024-01-18`; a date that is not known is empty. A code of one system often has several in
another (a 행정동 over three 법정동): all are given, none is chosen. No code known is an empty answer, never a guess.

Absent on purpose: divisions and mergers, which no rule on digits describes (부천 2024, 청주 2014): their links come
with the lists that are imported.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from safetynet.core.areas import PROVINCES, Code, System, depth


class Change(NamedTuple):
    """A whole area got another code: everything below it keeps its further digits. Legal and 행정동 codes alike."""

    old: str
    new: str
    on: str


CHANGES: Final = (
    Change("28170", "28177", "2018-07-01"),  # 인천 남구 → 미추홀구
    Change("42", "51", "2023-06-11"),  # 강원도 → 강원특별자치도
    Change("47720", "27720", "2023-07-01"),  # 군위군: 경상북도 → 대구광역시
    Change("45", "52", "2024-01-18"),  # 전라북도 → 전북특별자치도
)
"""In the order of their days. Codes of Statistics Korea did not change with them."""

_CHANGING: Final = frozenset({System.LEGAL, System.ADMINISTRATIVE})


def as_of(code: Code, day: str) -> Code:
    """The code that the area had on that day."""
    if code.system not in _CHANGING:
        return code
    digits = code.digits
    for each in CHANGES:
        if each.on <= day and digits.startswith(each.old):
            digits = each.new + digits[len(each.old) :]
    for each in reversed(CHANGES):
        if each.on > day and digits.startswith(each.new):
            digits = each.old + digits[len(each.new) :]
    return Code(code.system, digits)


def newest(code: Code) -> Code:
    return as_of(code, "9999-12-31")


class Link(NamedTuple):
    """Two codes of the same ground, in part or whole, from `since` on and before `until`."""

    one: Code
    other: Code
    since: str = ""
    until: str = ""

    def holds_on(self, day: str) -> bool:
        """An empty day asks for what holds now: nothing that has ended."""
        return not self.until if not day else self.since <= day and (not self.until or day < self.until)


@dataclass(frozen=True)
class Crosswalk:
    links: tuple[Link, ...] = ()

    @cached_property
    def _linked(self) -> dict[Code, tuple[Link, ...]]:
        found: defaultdict[Code, list[Link]] = defaultdict(list)
        for each in (*self.links, *_districts(self.links)):
            one, other = newest(each.one), newest(each.other)
            found[one].append(each._replace(one=one, other=other))
            found[other].append(each._replace(one=other, other=one))
        return {code: tuple(links) for code, links in found.items()}

    def of(self, code: Code, system: System, day: str = "") -> tuple[Code, ...]:
        """What `system` calls the area on that day (empty: now), each code once, in the order of the digits."""
        asked = newest(code)
        if system is code.system:
            return (as_of(asked, day) if day else asked,)
        found = self._direct(asked, system, day) | set(_by_rule(asked, system))
        if not found:  # a district's two names of the ministry are one: what is linked to one is linked to both
            found = {other for twin in _twins(asked) for other in self._direct(twin, system, day)}
        if not found and system in _CHANGING:
            beside = System.ADMINISTRATIVE if system is System.LEGAL else System.LEGAL
            found = {twin for other in self._direct(asked, beside, day) for twin in _twins(other)}
        dated = {as_of(each, day) if day else each for each in found}
        return tuple(sorted(dated, key=lambda each: each.digits))

    def _direct(self, code: Code, system: System, day: str) -> set[Code]:
        links = self._linked.get(code, ())
        return {each.other for each in links if each.other.system is system and each.holds_on(day)}

    def every(self, code: Code) -> tuple[Code, ...]:
        """The area's codes in all systems, now, its own first."""
        others = (other for system in System if system is not code.system for other in self.of(code, system))
        return (newest(code), *others)


def _twins(code: Code) -> tuple[Code, ...]:
    """Down to districts, 법정동 and 행정동 codes are the same digits."""
    if code.system is System.LEGAL and depth(code) <= 2:
        return (Code(System.ADMINISTRATIVE, code.digits),)
    if code.system is System.ADMINISTRATIVE and depth(code) <= 2:
        return (Code(System.LEGAL, code.digits),)
    return ()


def _by_rule(code: Code, system: System) -> tuple[Code, ...]:
    if depth(code) <= 2:
        twins = tuple(each for each in _twins(code) if each.system is system)
        if twins:
            return twins
    if depth(code) != 1 or system is System.LOCAL_GOVERNMENT:
        return ()
    if code.system is System.STATISTICS:
        return tuple(Code(system, each.legal[0]) for each in PROVINCES if each.statistics == code.digits)
    return tuple(Code(system, each.statistics) for each in PROVINCES if code.digits in each.legal)


def _districts(links: Iterable[Link]) -> tuple[Link, ...]:
    """Districts of two systems are the same when all villages of each that are linked are linked to the other."""
    pairs = {
        (Code(one.system, one.digits[:5]), Code(other.system, other.digits[:5]))
        for one, other, _, until in links
        if not until and depth(one) >= 3 and depth(other) >= 3
    }
    partners: defaultdict[tuple[Code, System], set[Code]] = defaultdict(set)
    for one, other in pairs:
        partners[one, other.system].add(other)
        partners[other, one.system].add(one)
    return tuple(
        Link(one, other)
        for one, other in sorted(pairs, key=lambda pair: (pair[0].digits, pair[1].digits))
        if len(partners[one, other.system]) == len(partners[other, one.system]) == 1
    )
