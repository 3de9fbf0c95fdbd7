"""What lies beside recordings: it goes with them, and when it has become too much."""

import os
import pathlib

import pytest

from offhook.control.recordings.files import delete_recording, is_used, trim_renditions


def made(folder: pathlib.Path, name: str, size: int, used_wall: float) -> pathlib.Path:
    path = folder / name
    path.write_bytes(bytes(size))
    os.utime(path, (used_wall, used_wall))
    return path


def names(folder: pathlib.Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_recording_goes_with_all_that_was_or_was_to_be_made_of_it(tmp_path: pathlib.Path) -> None:
    for name in ("a.wav", "a.ogg", "a.mp3", "a.ogg.part", "b.wav", "b.ogg"):
        made(tmp_path, name, 1, 0.0)
    delete_recording(tmp_path / "a.wav")
    assert names(tmp_path) == {"b.wav", "b.ogg"}


@pytest.mark.parametrize(
    ("most", "left"),
    [(60, "abcd"), (59, "bcd"), (50, "bcd"), (30, "cd"), (29, "d"), (0, "")],
)
def test_renditions_that_nobody_has_used_for_longest_go_first(
    tmp_path: pathlib.Path, most: int, left: str
) -> None:
    originals = {"a.wav", "b.wav", "c.mp3.part"}
    for name in originals:
        made(tmp_path, name, 1000, 0.0)
    made(tmp_path, "d.ogg", 10, 4.0)
    made(tmp_path, "a.mp3", 10, 1.0)
    made(tmp_path, "c.ogg", 20, 3.0)
    made(tmp_path, "b.mp3", 20, 2.0)
    assert trim_renditions(tmp_path, most) == 4 - len(left)
    assert {name[0] for name in names(tmp_path) - originals} == set(left)


def test_what_is_asked_for_is_used(tmp_path: pathlib.Path) -> None:
    old, new = made(tmp_path, "a.ogg", 10, 1.0), made(tmp_path, "b.ogg", 10, 2.0)
    assert is_used(old)
    assert not is_used(tmp_path / "c.ogg")
    trim_renditions(tmp_path, 10)
    assert old.exists()
    assert not new.exists()
