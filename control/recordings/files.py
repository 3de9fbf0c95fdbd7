"""SHELL: a recording's file, and what is kept beside it. Blocks: to be run in a thread."""

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
    outlives it.
    """
    path.unlink(missing_ok=True)
    for format_ in RENDITIONS:
        rendition_of(path, format_).unlink(missing_ok=True)


def delete_recordings(folder: pathlib.Path, names: Iterable[str | None]) -> None:
    """The same of several, by their names in the folder. Raises OSError."""
    for name in names:
        path = recording_in(folder, name)
        if path is not None:
            delete_recording(path)


def settle(rendition: pathlib.Path, source: pathlib.Path) -> bool:
    """A rendition is complete; False: its recording was deleted meanwhile. Raises OSError."""
    part_of(rendition).replace(rendition)
    if source.exists():
        return True
    rendition.unlink(missing_ok=True)
    return False
