"""The only room that knows the time and rolls dice for ids that must not be guessed."""

import time
from pathlib import Path

from safetynet.core.terms import Instant


def now() -> Instant:
    """UTC milliseconds by this machine's wall clock."""
    return Instant(time.time_ns() // 1_000_000)


def monotonic() -> Instant:
    """Milliseconds that nobody can set back or forward: leases and time-outs are counted on this."""
    return Instant(time.monotonic_ns() // 1_000_000)


def monotonic_us() -> int:
    """Microseconds on the same clock as `monotonic`: for delays below a millisecond."""
    return time.monotonic_ns() // 1_000


def boot() -> str:
    """Names this start of the machine: `monotonic` says nothing across two of them."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
