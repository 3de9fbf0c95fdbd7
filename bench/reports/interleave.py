"""Run two commands alternately, so that what the machine does meanwhile happens to both.

A B B A A B B A …: whatever grows or falls slowly (heat, a neighbour's load) cancels. Each command
is a measurement that takes `--out`. Not here: what comes of it (changes.py).
"""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .results_file import Document, read

Run = Callable[[str, Path], None]


class CommandFailed(Exception):
    """A measurement did not measure: says which, in which run, and how it ended."""


def order(pairs: int) -> str:
    """Which command runs when: as many A as B."""
    return "".join("AB" if pair % 2 == 0 else "BA" for pair in range(pairs))


def run_alternately(
    commands: dict[str, str], pairs: int, folder: Path, run: Run, tell: Callable[[str], None]
) -> dict[str, list[Document]]:
    """The documents of A and of B. Raises CommandFailed, ResultsUnreadable."""
    results: dict[str, list[Document]] = {name: [] for name in commands}
    turns = order(pairs)
    for number, name in enumerate(turns, 1):
        file = folder / f"{name.lower()}{len(results[name]) + 1}.json"
        tell(f"run {number} of {len(turns)}: {name}, {commands[name]}")
        run(commands[name], file)
        results[name].append(read(file))
    return results


def run_command(command: str, out: Path) -> None:
    """Run a measurement; its table and its progress go to our stderr. Raises CommandFailed."""
    words = [*shlex.split(command), "--out", str(out)]
    try:
        done = subprocess.run(words, stdout=sys.stderr, check=False)
    except OSError as exc:
        raise CommandFailed(f"{command}: {exc.strerror or exc}") from exc
    if done.returncode:
        raise CommandFailed(f"{command}: exit code {done.returncode}")
    if not out.is_file():
        raise CommandFailed(f"{command}: it wrote no {out.name}; does it take --out?")
