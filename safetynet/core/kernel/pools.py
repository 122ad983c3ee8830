"""Arrays that grow, and give ranges of rows that are handed back and given again."""

from typing import Any

import numpy as np

from safetynet.core.kernel.layout import Rows


class Pool:
    """Several arrays side by side, `each` rows of one to one row of the pool."""

    def __init__(self, **kinds: tuple[Any, int]) -> None:
        self._each = {name: each for name, (_, each) in kinds.items()}
        self._arrays = {name: np.zeros(each, dtype) for name, (dtype, each) in kinds.items()}
        self._room = 1
        self._free: dict[int, list[int]] = {}
        self.count = 0

    def __getitem__(self, name: str) -> Rows:
        return self._arrays[name]

    def copied(self, *names: str) -> "Pool":
        """Of these arrays, as they are; for reading only."""
        one = Pool()
        one.count = self.count
        one._arrays = {each: self._arrays[each][: self.count * self._each[each]].copy() for each in names}
        return one

    def take(self, rows: int) -> int:
        """So many rows beside each other, of zeros; where they begin."""
        if rows == 0:
            return 0
        freed = self._free.get(rows)
        if freed:
            first = freed.pop()
            self._clear(first, rows)
            return first
        first, self.count = self.count, self.count + rows
        if self.count > self._room:
            self._room = max(self.count, 2 * self._room)
            for name, each in self._each.items():
                wider = np.zeros(self._room * each, self._arrays[name].dtype)
                wider[: first * each] = self._arrays[name][: first * each]
                self._arrays[name] = wider
        return first

    def give_back(self, first: int, rows: int) -> None:
        if rows:
            self._free.setdefault(rows, []).append(first)

    def _clear(self, first: int, rows: int) -> None:
        for name, each in self._each.items():
            self._arrays[name][first * each : (first + rows) * each] = np.zeros((), self._arrays[name].dtype)
