"""A measurement's JSON: figures with every value behind them, and where they come from.

All measurements write the same Document, so that one report shows and one comparison judges all of
them. Not here: how it looks (report.py), whether a difference is more than noise (compare.py).
"""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

CPU_INFO = Path("/proc/cpuinfo")

Better = Literal["lower", "higher", "neither"]


class ResultsUnreadable(Exception):
    """The file is not a measurement's JSON: says which file, and what is wrong where."""


class Origin(msgspec.Struct, frozen=True):
    """Where figures come from."""

    date: str
    commit: str
    "With `+` where files of the checkout differ from it."
    command: str
    machine: str
    python: str
    versions: dict[str, str] = {}
    "Of programs and packages that were measured or measured with."


class Metric(msgspec.Struct, frozen=True):
    """One figure of one case, as all its single values: whoever reads it makes the percentiles."""

    name: str
    "Such as `reply gap`."
    case: str
    "Under what circumstances, such as `instant providers, 20 calls`; unique within the name."
    unit: str
    values: list[float]
    better: Better = "lower"
    goal: float | None = None
    "Where there is one; how it is met is told by `goal_at`."
    goal_at: Literal["p50", "p95", "p99", "max", "mean"] = "p50"


class Curve(msgspec.Struct, frozen=True):
    """How something changes along an axis: cost over calls, quality over loss."""

    name: str
    x_name: str
    y_name: str
    "Both with their unit, such as `CPU a call (µs a 20 ms frame)`."
    series: dict[str, list[tuple[float, float]]]
    "By legend: (x, y), in order of x."


class Mark(msgspec.Struct, frozen=True):
    """A moment in a clip."""

    at_s: float
    label: str


class Clip(msgspec.Struct, frozen=True):
    """Something to listen to and look at: the worst turn, a stream after a bad network."""

    title: str
    file: str
    "A WAV beside the JSON, caller left, agent right (or one channel)."
    marks: list[Mark] = []


class Document(msgspec.Struct, frozen=True):
    """What a measurement writes."""

    origin: Origin
    measurement: str
    "The name after `offhook bench`."
    metrics: list[Metric]
    curves: list[Curve] = []
    clips: list[Clip] = []
    detail: Any = None
    "The measurement's own account, for whoever wants more than figures."
    reading: list[str] = []
    "What to make of it, a paragraph each: what limits, what was left out."


_DECODER = msgspec.json.Decoder(Document)


def origin(command: str, **versions: str) -> Origin:
    """Of this run."""
    return Origin(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        command=command,
        machine=f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}",
        python=sys.version.split()[0],
        versions=versions,
    )


def write(path: Path, document: Document) -> None:
    """Write the figures with their origin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.encode(document, enc_hook=_plain)
    path.write_bytes(msgspec.json.format(data, indent=1) + b"\n")


def read(path: Path) -> Document:
    """Read what `write` wrote. Raises ResultsUnreadable."""
    try:
        return _DECODER.decode(path.read_bytes())
    except OSError as exc:
        raise ResultsUnreadable(f"{path}: {exc.strerror or exc}") from exc
    except msgspec.DecodeError as exc:
        raise ResultsUnreadable(f"{path}: {exc}") from exc


def _plain(value: object) -> float:
    """numpy's numbers: a measurement is not lost at its end for one of them."""
    if isinstance(value, np.generic):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be written")


def _commit() -> str:
    root = Path(__file__).resolve().parents[2]
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _processor() -> str:
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
