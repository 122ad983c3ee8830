"""Figures of a running program in the text format of Prometheus: numbers with words beside them, never of a person.

A label's value is a word of ours or an organisation's id; anything else is our own mistake and stops here, because what
stands in a metric is copied to places where nothing can be erased.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "safetynet_"
BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Labels = tuple[tuple[str, str], ...]


class Timing:
    """How long something took, counted into BUCKETS_S. Costs less than a microsecond."""

    def __init__(self) -> None:
        self.counts: Final = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def took(self, us: int) -> None:
        seconds = us / 1_000_000
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: `name` without prefix, its values by labels."""

    name: str
    kind: str
    about: str
    samples: tuple[tuple[str, Labels, float], ...]
    """Suffix of the name, labels, value."""


def gauge(name: str, about: str, value: float) -> Family:
    return Family(name, "gauge", about, (("", (), value),))


def gauges(name: str, about: str, label: str, values: Mapping[str, float]) -> Family:
    return Family(name, "gauge", about, tuple(("", ((label, word),), each) for word, each in sorted(values.items())))


def counter(name: str, about: str, value: float) -> Family:
    assert name.endswith("_total")
    return Family(name, "counter", about, (("", (), value),))


def counters(name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Family:
    assert name.endswith("_total")
    rows = ((tuple(zip(labels, words, strict=True)), each) for words, each in sorted(values.items()))
    return Family(name, "counter", about, tuple(("", row, each) for row, each in rows))


def timing(name: str, about: str, timed: Timing) -> Family:
    assert name.endswith("_seconds")
    samples: list[tuple[str, Labels, float]] = []
    so_far = 0
    for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), timed.counts, strict=True):
        so_far += count
        samples.append(("_bucket", (("le", limit),), so_far))
    samples += [("_sum", (), timed.sum_s), ("_count", (), so_far)]
    return Family(name, "histogram", about, tuple(samples))


def text(families: Iterable[Family]) -> bytes:
    """What a scrape gets (text/plain; version=0.0.4)."""
    lines: list[str] = []
    for family in families:
        assert _NAME.fullmatch(family.name), family.name
        name = PREFIX + family.name
        lines += [f"# HELP {name} {family.about}", f"# TYPE {name} {family.kind}"]
        lines += [f"{name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in family.samples]
    return ("\n".join(lines) + "\n").encode()


def _labels(labels: Labels) -> str:
    for label, word in labels:
        assert _NAME.fullmatch(label), label
        assert _WORD.fullmatch(word) or word == "+Inf", f"the value of {label} is no word"
    return "{" + ",".join(f'{label}="{word}"' for label, word in labels) + "}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
