"""What the process tells of itself."""

import asyncio
import os
import threading

from offhook.control.telemetry.metrics import Metrics
from offhook.control.telemetry.process_metrics import add_process_gauges


def told() -> dict[str, float]:
    metrics = Metrics()
    add_process_gauges(metrics)
    lines = [line for line in metrics.text().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_open_files_threads_and_tasks_are_counted() -> None:
    before = told()
    reading, writing = os.pipe()
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    task = asyncio.create_task(asyncio.Event().wait())
    try:
        after = told()
    finally:
        task.cancel()
        release.set()
        thread.join()
        os.close(reading)
        os.close(writing)
    assert after["process_open_fds"] == before["process_open_fds"] + 2
    assert after["offhook_threads"] == before["offhook_threads"] + 1
    assert after["offhook_tasks"] == before["offhook_tasks"] + 1


async def test_memory_and_time_are_told_in_bytes_and_seconds() -> None:
    figures = told()
    assert 1 << 20 < figures["process_resident_memory_bytes"] < 1 << 40
    assert 0 < figures["process_cpu_seconds_total"] < 1e6
    assert figures["process_max_fds"] >= figures["process_open_fds"] > 0
