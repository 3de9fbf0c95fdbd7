"""SHELL: a recording's file, and what is kept beside it. Blocks: to be run in a thread."""

import contextlib
import os
import pathlib
from collections.abc import Iterable

from ..calls.cut_off import recording_in

RENDITIONS = {"ogg": "audio/ogg", "mp3": "audio/mpeg"}
"Formats that are made of a WAV when somebody asks: ending -> media type."
PART = ".part"
"Ending of what is being made."


def rendition_of(path: pathlib.Path, format_: str) -> pathlib.Path:
    """Where the WAV's rendition lies, or will."""
    return path.with_suffix(f".{format_}")


def part_of(rendition: pathlib.Path) -> pathlib.Path:
    """Where it lies while it is made."""
    return rendition.with_name(rendition.name + PART)


def delete_recording(path: pathlib.Path) -> None:
    """Delete a recording with all that was made of it. Raises OSError.

    The WAV goes first: who makes a rendition looks for it when the rendition is there, so that none
    outlives it. So does what a crash has left half made.
    """
    path.unlink(missing_ok=True)
    for format_ in RENDITIONS:
        rendition = rendition_of(path, format_)
        rendition.unlink(missing_ok=True)
        part_of(rendition).unlink(missing_ok=True)


def delete_recordings(folder: pathlib.Path, names: Iterable[str | None]) -> None:
    """The same of several, by their names in the folder. Raises OSError."""
    for name in names:
        path = recording_in(folder, name)
        if path is not None:
            delete_recording(path)


def is_used(rendition: pathlib.Path) -> bool:
    """Whether it is there; then it was used now. Raises OSError."""
    try:
        os.utime(rendition)
    except FileNotFoundError:
        return False
    return True


def trim_renditions(folder: pathlib.Path, most_bytes: int) -> int:
    """Delete renditions until the rest has so many bytes, first those that nobody has used for
    longest; returns how many. Whoever wants one again has it made again. Raises OSError.
    """
    endings = tuple(f".{format_}" for format_ in RENDITIONS)
    names: list[str] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        names = [entry.path for entry in entries if entry.name.endswith(endings)]
    found: list[tuple[float, int, str]] = []
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            state = os.stat(name)
            found.append((state.st_mtime, state.st_size, name))
    total = sum(size for _, size, _ in found)
    deleted = 0
    for _, size, name in sorted(found):
        if total <= most_bytes:
            break
        pathlib.Path(name).unlink(missing_ok=True)
        total -= size
        deleted += 1
    return deleted


def settle(rendition: pathlib.Path, source: pathlib.Path) -> bool:
    """A rendition is complete; False: its recording was deleted meanwhile. Raises OSError."""
    part_of(rendition).replace(rendition)
    if source.exists():
        return True
    rendition.unlink(missing_ok=True)
    return False
