"""Files written by position."""

import os
from pathlib import Path

import numpy as np
import pytest

from offhook.media.frames.positioned_file import PositionedFile


def test_writes_go_where_the_last_one_ended_or_a_seek_says(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"of before, and longer")
    file = PositionedFile(path)
    assert file.write(b"....") == 4
    assert file.write(np.array([[1, 2], [3, 4]], np.int16).data) == 8
    file.seek(0)
    assert file.write(b"head") == 4
    file.seek(12)
    assert file.write(b"tail") == 4
    assert file.write(np.zeros((0, 2), np.int16).data) == 0
    assert path.read_bytes() == b"head" + bytes([1, 0, 2, 0, 3, 0, 4, 0]) + b"tail"
    file.close()


def test_what_the_kernel_takes_in_pieces_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:3], at))
    file = PositionedFile(tmp_path / "file")
    assert file.write(b"ten bytes.") == 10
    file.close()
    assert (tmp_path / "file").read_bytes() == b"ten bytes."


def test_a_closed_file_closes_its_descriptor_once(tmp_path: Path) -> None:
    file = PositionedFile(tmp_path / "file")
    descriptor = file._fd
    file.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    file.close()


def test_a_path_that_cannot_be_opened_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        PositionedFile(tmp_path / "file" / "below")
