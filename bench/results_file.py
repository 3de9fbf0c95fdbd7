"""A measurement's JSON: what was measured, by which command, of which commit, on which machine."""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

CPU_INFO = Path("/proc/cpuinfo")


class Origin(msgspec.Struct, frozen=True):
    """Where figures come from."""

    date: str
    commit: str
    "With `+` where files of the checkout differ from it."
    command: str
    machine: str
    python: str


def origin(command: str) -> Origin:
    """Of this run."""
    return Origin(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        command=command,
        machine=f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}",
        python=sys.version.split()[0],
    )


def write(path: Path, command: str, result: msgspec.Struct) -> None:
    """Write the figures with their origin."""
    document: dict[str, Any] = {"origin": origin(command), "result": result}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def _commit() -> str:
    root = Path(__file__).resolve().parents[1]
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
