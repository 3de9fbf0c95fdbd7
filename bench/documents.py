"""Reads a document of 500 pages beside calls: how long, how much memory, what the clock says.

    offhook bench documents [--pages 500] [--pdf FILE]

The server is another process, with nothing else to do; its worker is looked at in /proc, its clock
in /health. Without `--pdf` the pages are made of Debian's policy manual (knowledge_sets.py).
"""

import argparse
import asyncio
import shlex
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvloop

from .knowledge_sets import POLICY
from .load.plain_pdf import pdf_of
from .load.server_process import TOKEN, ServerProcess
from .reports.results_file import Document, Metric, origin, write

PAGES, LINES, CHARS = 500, 50, 95
WORKER = "document_worker"
LOOK_S, BEFORE_S = 0.25, 12.0
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Reading(msgspec.Struct, frozen=True):
    """What it took."""

    pages: int
    bytes: int
    chunks: int
    seconds: float
    worker_peak_mb: float
    server_mb_before: float
    server_mb_peak: float
    clock_p99_ms_before: float
    clock_p99_ms_during: float
    "The highest of the figures over 5 s that /health told."
    skipped_ticks_before: int
    skipped_ticks_during: int


def pages_of(text: str, count: int) -> list[list[str]]:
    """So many pages of its lines, from its beginning again where it is too short."""
    plain = text.encode("latin-1", "replace").decode("latin-1")
    lines = [part for line in plain.split("\n") for part in textwrap.wrap(line, CHARS) or [""]]
    return [
        [lines[(page * LINES + at) % len(lines)] for at in range(LINES)] for page in range(count)
    ]


def used_mb(pid: int, field: str = "VmHWM") -> float:
    """Memory of a process (proc_pid_status(5)); 0: it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith(field)]
    return int(found[0]) / 1024 if found else 0.0


def worker_mb(server: int) -> float:
    """The most that the server's reading process has used so far; 0: there is none."""
    children = Path(f"/proc/{server}/task").glob("*/children")
    peaks = [0.0]
    for file in children:
        for pid in file.read_text().split():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if WORKER.encode() in command:
                peaks.append(used_mb(int(pid)))
    return max(peaks)


async def measure(data: bytes, pages: int) -> Reading:
    """Upload it, and watch until it is ready."""
    with tempfile.TemporaryDirectory() as folder:
        async with ServerProcess(Path(folder)) as server, aiohttp.ClientSession() as client:
            await asyncio.sleep(BEFORE_S)
            before = await _clock(client, server.http)
            server_before = used_mb(server.pid, "VmRSS")
            loop = asyncio.get_running_loop()
            begun = loop.time()
            url = f"{server.http}/v1/documents?title=long"
            kind = {"Content-Type": "application/octet-stream"}
            async with client.post(url, data=data, headers=HEADERS | kind) as response:
                made = await response.json()
            peak = late = server_peak = 0.0
            clock = before
            while True:
                document = await _json(client, f"{server.http}/v1/documents/{made['id']}")
                peak = max(peak, worker_mb(server.pid))
                server_peak = max(server_peak, used_mb(server.pid, "VmRSS"))
                clock = await _clock(client, server.http)
                late = max(late, clock["p99_ms"])
                if document["status"] != "processing":
                    break
                await asyncio.sleep(LOOK_S)
            seconds = loop.time() - begun
    assert document["status"] == "ready", document["error"]
    return Reading(
        pages,
        len(data),
        document["chunks"],
        round(seconds, 2),
        round(peak, 1),
        round(server_before, 1),
        round(server_peak, 1),
        before["p99_ms"],
        late,
        before["skipped_ticks"],
        clock["skipped_ticks"] - before["skipped_ticks"],
    )


async def _json(client: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with client.get(url, headers=HEADERS) as response:
        found: dict[str, Any] = await response.json()
        return found


async def _clock(client: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    found: dict[str, Any] = (await _json(client, f"{address}/health"))["clock"]
    return found


def document(reading: Reading, command: str) -> Document:
    """As all measurements write it."""
    case = f"{reading.pages} pages"
    figures = (
        ("reading", "s", reading.seconds),
        ("memory of the worker", "MB", reading.worker_peak_mb),
        ("growth of the server", "MB", reading.server_mb_peak - reading.server_mb_before),
        ("clock p99 before", "ms", reading.clock_p99_ms_before),
        ("clock p99 meanwhile", "ms", reading.clock_p99_ms_during),
    )
    metrics = [Metric(name, case, unit, [round(value, 3)]) for name, unit, value in figures]
    return Document(origin(command), "documents", metrics, detail=msgspec.structs.asdict(reading))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="offhook bench documents", description=__doc__)
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--pdf", type=Path, help="another document")
    parser.add_argument("--out", type=Path, help="write it as JSON as well")
    options = parser.parse_args(sys.argv[1:])
    if options.pdf is not None:
        data = options.pdf.read_bytes()
    else:
        with tempfile.TemporaryDirectory() as folder:
            text = POLICY.text(Path(folder)).read_text(errors="replace")
        data = pdf_of(pages_of(text, options.pages))
    reading = uvloop.run(measure(data, options.pages))
    for name, value in msgspec.structs.asdict(reading).items():
        print(f"{name.replace('_', ' ')}: {value}")
    if options.out is not None:
        command = f"offhook bench documents {shlex.join(sys.argv[1:])}"
        write(options.out, document(reading, command))


if __name__ == "__main__":
    main()
