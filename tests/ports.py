"""Ports for tests that run side by side: each test process holds a block of its own, also against other working copies.

The block's first port is bound as long as the process lives: that is the claim. All blocks lie below what the system
gives out by itself.
"""

import atexit
import itertools
import socket
from functools import cache

FIRST, BLOCK, BLOCKS = 10_000, 600, 37
_claims: list[socket.socket] = []


@cache
def _block() -> "itertools.cycle[int]":
    for first in range(FIRST, FIRST + BLOCK * BLOCKS, BLOCK):
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        atexit.register(claim.close)
        return itertools.cycle(range(first + 1, first + BLOCK))
    raise AssertionError("every block of ports is held by somebody")


def take(count: int = 1) -> int:
    """The first of `count` ports in a row that are free now and that nobody else in this process was given lately."""
    row: list[int] = []
    for port in itertools.islice(_block(), 3 * BLOCK):
        row = [*row, port] if is_free(port) and (not row or port == row[-1] + 1) else []
        if len(row) == count:
            return row[0]
    raise AssertionError(f"no {count} ports in a row are free")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
