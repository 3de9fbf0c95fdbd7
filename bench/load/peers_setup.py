"""SHELL: virtual environments for what we are compared with, and processes in them.

Each has its own, under .cache/peers: their dependencies are none of ours. What is there already
with the same requirements is used as it is.
"""

import asyncio
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import msgspec

from ...drivers.rtp.wire import UdpWire
from ...drivers.worker_process import command

FOLDER = Path(".cache/peers").resolve()
MARKER = "requirements.txt"
PEERS: dict[str, tuple[str, ...]] = {
    "pipecat": ("pipecat-ai==1.14.0", "uvloop==0.23.0"),
    "aiortc": ("aiortc==1.16.0", "uvloop==0.23.0"),
    "livekit": (),
}
"What is installed, by peer."
NOT_DRIVEN = {
    "livekit": "livekit-agents 1.8.9 can be installed (394 MB), but its audio comes from a room of "
    "a livekit-server, which the package index does not have; its session without a room is not "
    "driven here",
}
"Why nothing is measured of a peer, whatever can be installed."
INSTALL_LIMIT_S, RUN_LIMIT_S = 900.0, 180.0
PACKAGE = UdpWire.__module__.split(".", maxsplit=1)[0]


class Installed(msgspec.Struct, frozen=True):
    """A peer that can be run."""

    name: str
    "With its version."
    python: Path
    versions: dict[str, str]
    megabytes: int

    def __str__(self) -> str:
        return f"{self.name}, {self.megabytes} MB in {self.python.parents[1]}"


class Missing(msgspec.Struct, frozen=True):
    """A peer that cannot be had, and why."""

    reason: str

    def __str__(self) -> str:
        return f"left out: {self.reason}"


def install(name: str) -> Installed | Missing:
    """Set it up, unless it is."""
    if name in NOT_DRIVEN:
        return Missing(NOT_DRIVEN[name])
    folder, wanted = FOLDER / name, PEERS[name]
    python, marker = folder / "bin" / "python", folder / MARKER
    text = "\n".join(wanted) + "\n"
    if not (python.is_file() and marker.is_file() and marker.read_text() == text):
        print(f"{name}: pip install {' '.join(wanted)}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        try:
            subprocess.run(
                [*pip, *wanted], check=True, capture_output=True, text=True, timeout=INSTALL_LIMIT_S
            )
        except subprocess.CalledProcessError as exc:
            return Missing(f"pip: {last_line(exc.stderr) or exc.returncode}")
        except subprocess.TimeoutExpired:
            return Missing(f"pip took longer than {INSTALL_LIMIT_S:g} s")
        marker.write_text(text)
    versions = dict(requirement.split("==") for requirement in wanted)
    first, version = next(iter(versions.items()))
    return Installed(f"{first} {version}", python, versions, megabytes(folder))


def megabytes(folder: Path) -> int:
    """What a folder takes on the disk."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files) >> 20


def last_line(text: str) -> str:
    """What a program said last."""
    return next(reversed(text.strip().splitlines()), "")


async def run_json(python: Path, script: Path, *arguments: str) -> Any:
    """Run a script of a peer; the JSON that it prints. Raises ChildProcessError.

    -P: the script's folder is ours, and its modules must not hide the peer's.
    """
    return json.loads(await _output(str(python), "-P", str(script), *arguments))


async def run_ours(module: str, *arguments: str) -> Any:
    """Run a module of bench/ that prints JSON. Raises ChildProcessError."""
    return json.loads(await _output(*command(f"{PACKAGE}.bench.{module}", *arguments)))


async def run_quietly(module: str, *arguments: str) -> None:
    """Run a measurement for what it writes. Raises ChildProcessError when it failed."""
    await _output(*command(f"{PACKAGE}.bench.{module}", *arguments))


async def _output(*arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(RUN_LIMIT_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        said = last_line(errors.decode(errors="replace"))
        raise ChildProcessError(said or f"ended with {process.returncode}")
    return output
