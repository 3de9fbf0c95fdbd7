"""The load's own health: how late its clock was, how busy, how long it waited for its core. Pure
but for `Usage.now`, which asks the kernel.
"""

import time
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from .ramp import LoadHealth

KEPT = 400_000
"Slices: 400 s of 1 ms."


class Usage(msgspec.Struct, frozen=True):
    """What a process has had of its core until now."""

    wall_s: float
    cpu_s: float
    waited_s: float
    "Ready to run, while something else had the core (/proc/self/schedstat)."

    @classmethod
    def now(cls) -> Self:
        """Of this process; of its main thread, where waiting is concerned."""
        try:
            waited_ns = int(Path("/proc/self/schedstat").read_text().split()[1])
        except (OSError, IndexError):
            waited_ns = 0
        return cls(time.monotonic(), time.process_time(), waited_ns / 1e9)

    def share_since(self, before: Self) -> tuple[float, float]:
        """Busy and waiting, as shares of the time since."""
        wall_s = max(1e-9, self.wall_s - before.wall_s)
        return (self.cpu_s - before.cpu_s) / wall_s, (self.waited_s - before.waited_s) / wall_s


class LoadClock:
    """Collects the lateness of each slice of load."""

    def __init__(self, usage: Usage) -> None:
        self._late_s = np.zeros(KEPT)
        self.restart(usage)

    def restart(self, usage: Usage) -> None:
        """Count from here."""
        self._count, self._began = 0, usage

    def add(self, late_s: float) -> None:
        """One slice began so long after it was due (negative: it had to wait, as it should)."""
        self._late_s[self._count % KEPT] = max(0.0, late_s)
        self._count += 1

    def health(self, usage: Usage, send_errors: int) -> LoadHealth:
        """Since counting began."""
        busy, waited = usage.share_since(self._began)
        late_ms = self._late_s[: min(self._count, KEPT)] * 1000
        p99, most = (np.percentile(late_ms, 99), late_ms.max()) if late_ms.size else (0.0, 0.0)
        return LoadHealth(
            round(float(p99), 2),
            round(float(most), 2),
            send_errors,
            round(busy, 3),
            round(waited, 3),
        )
