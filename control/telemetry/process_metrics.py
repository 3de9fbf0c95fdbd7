"""SHELL: what this process holds, for `/metrics`: memory, files, threads, tasks.

Names without our prefix are those of Prometheus' own client libraries: dashboards know them. What
/proc does not tell (it is Linux') is left out.
"""

import asyncio
import os
import resource
import threading
from collections.abc import Iterable
from pathlib import Path

from .metrics import Metrics
from .prometheus import Sample

PROC = Path("/proc/self")


def add_process_gauges(metrics: Metrics) -> None:
    """Memory, open files, threads, CPU time, and the event loop's tasks."""
    metrics.add_gauge("process_resident_memory_bytes", "Resident memory size in bytes.", _memory)
    metrics.add_gauge("process_open_fds", "Open file descriptors.", _open_files)
    metrics.add_gauge("process_max_fds", "Limit of open file descriptors.", _max_files)
    metrics.add_gauge(
        "process_cpu_seconds_total", "CPU time, user and system.", _cpu_s, kind="counter"
    )
    metrics.add_gauge("offhook_threads", "Threads of Python's own.", threading.active_count)
    metrics.add_gauge("offhook_tasks", "Tasks of the event loop.", _tasks)


def _memory() -> Iterable[Sample]:
    try:
        pages = int((PROC / "statm").read_text().split()[1])
    except OSError:
        return []
    return [Sample("process_resident_memory_bytes", pages * os.sysconf("SC_PAGE_SIZE"))]


def _open_files() -> Iterable[Sample]:
    try:
        # One of them is the listing's own.
        return [Sample("process_open_fds", len(os.listdir(PROC / "fd")) - 1)]
    except OSError:
        return []


def _max_files() -> float:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _tasks() -> int:
    return len(asyncio.all_tasks())
