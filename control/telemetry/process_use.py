"""SHELL: how much of its machine this process uses: processor, memory, disk. Blocking, briefly.

What /proc does not tell (it is Linux') is 0.
"""

import os
import pathlib
import resource
import shutil

import msgspec

PROC = pathlib.Path("/proc")


class ProcessUse(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are percent of what the machine has."""

    cpu: float
    "Of all processors, on average since the process began."
    memory: float
    resident_bytes: int
    disk: float
    "Of the disk that data lies on: by everybody."


def process_use(folder: pathlib.Path, uptime_s: float) -> ProcessUse:
    """Now. `folder`: where data lies; `uptime_s`: since when the process runs."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = used.ru_utime + used.ru_stime
    room_s = max(uptime_s, 1.0) * (os.cpu_count() or 1)
    resident, whole = _resident_bytes(), _memory_bytes()
    try:
        disk = shutil.disk_usage(folder)
        disk_share = 100.0 * disk.used / disk.total
    except OSError:
        disk_share = 0.0
    return ProcessUse(
        cpu=min(100.0, 100.0 * cpu_s / room_s),
        memory=100.0 * resident / whole if whole else 0.0,
        resident_bytes=resident,
        disk=disk_share,
    )


def _resident_bytes() -> int:
    try:
        pages = int((PROC / "self" / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
