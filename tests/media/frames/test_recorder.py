"""Recordings: positions, gaps, overlaps, a file that always plays, and disks that fail."""

import asyncio
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs.wav import WavReader, WavWriter
from offhook.media.frames import recorder as recorder_module
from offhook.media.frames.recorder import Block, Recorder, RecordingEnded

KEY = (0, 7)
LIMIT_S = 10.0


def read(path: Path) -> NDArray[np.int16]:
    with path.open("rb") as file:
        return WavReader(file).read(10**7)


def stereo(samples: int, first: int = 0) -> NDArray[np.int16]:
    left = np.arange(first, first + samples) % 30_000
    return np.stack([left, -left]).astype(np.int16)


def ended(recorder: Recorder, key: tuple[int, int] = KEY) -> RecordingEnded:
    return recorder.stop(key).result(LIMIT_S)


async def test_blocks_are_joined_by_position_with_caller_left_and_agent_right(
    tmp_path: Path,
) -> None:
    path = tmp_path / "of" / "today" / "call.wav"
    recorder = Recorder()
    recorder.start(KEY, path, 16_000)
    for position in range(0, 64_000, 16_000):
        recorder.append([Block(KEY, position, stereo(16_000, position))])
    result = ended(recorder)
    assert result == RecordingEnded(path, 64_000)
    with path.open("rb") as file:
        reader = WavReader(file)
        assert (reader.rate_hz, reader.channels) == (16_000, 2)
        assert np.array_equal(reader.read(10**6), stereo(64_000))
    await recorder.aclose()


async def test_gaps_become_silence_and_overlaps_are_written_once(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recorder = Recorder()
    recorder.start(KEY, path, 8000)
    recorder.append([Block(KEY, 100, stereo(200, 100))])
    recorder.append([Block(KEY, 250, stereo(100, 250))])
    recorder.append([Block(KEY, 260, stereo(50, 260))])
    recorder.append([Block(KEY, 70_350, stereo(10, 350))])
    result = ended(recorder)
    heard = read(path)
    assert result.samples == heard.shape[1] == 70_360
    assert (result.missing_samples, result.overlap_samples) == (100 + 70_000, 50 + 50)
    assert not heard[:, :100].any()
    assert np.array_equal(heard[:, 100:350], stereo(250, 100))
    assert not heard[:, 350:70_350].any()
    assert np.array_equal(heard[:, 70_350:], stereo(10, 350))
    await recorder.aclose()


async def test_lanes_do_not_disturb_each_other_and_a_key_starts_anew(tmp_path: Path) -> None:
    recorder = Recorder()
    paths = [tmp_path / f"{row}.wav" for row in range(5)]
    for row, path in enumerate(paths[:4]):
        recorder.start((1, row), path, 8000)
    for row in range(4):
        recorder.append([Block((1, row), 0, stereo(100 + row))])
    recorder.start((1, 0), paths[4], 8000)
    recorder.append([Block((1, 0), 0, stereo(7))])
    recorder.append([Block((1, 99), 0, stereo(7))])
    await recorder.aclose()
    assert [read(path).shape[1] for path in paths] == [100, 101, 102, 103, 7]


def _record_until_killed(path: Path, told: Connection) -> None:
    recorder = Recorder()
    recorder.start(KEY, path, 8000)
    for position in range(0, 24_000, 8000):
        recorder.append([Block(KEY, position, stereo(8000, position))])
    recorder.start((0, 8), path.with_name("other.wav"), 8000)
    recorder.stop((0, 8)).result(LIMIT_S)  # orders are carried out in turn
    told.send("written")
    threading.Event().wait()


def test_after_kill_9_the_file_plays_up_to_the_last_block(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_record_until_killed, args=(path, theirs))
    process.start()
    assert ours.poll(LIMIT_S), "the recording process said nothing"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(LIMIT_S)
    assert np.array_equal(read(path), stereo(24_000))


async def test_a_path_that_cannot_be_written_is_told_once_and_the_rest_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    errors: list[RecordingEnded] = []
    recorder = Recorder()
    recorder.start(KEY, tmp_path / "file" / "call.wav", 8000, errors.append)
    recorder.start((0, 8), tmp_path / "good.wav", 8000, errors.append)
    for row in (7, 8):
        recorder.append([Block((0, row), 0, stereo(100))])
        recorder.append([Block((0, row), 100, stereo(100, 100))])
    result = ended(recorder)
    await recorder.aclose()
    assert errors == [result]
    assert result.error is not None
    assert result.samples == 0
    assert read(tmp_path / "good.wav").shape == (2, 200)
    assert "call.wav ends" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
async def test_a_full_disk_ends_the_recording_and_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "full.wav"
    path.symlink_to("/dev/full")
    errors: list[RecordingEnded] = []
    recorder = Recorder()
    recorder.start(KEY, path, 8000, errors.append)
    for position in range(0, 8000 * 5, 8000):
        recorder.append([Block(KEY, position, stereo(8000))])
    result = ended(recorder)
    await recorder.aclose()
    assert [each.error for each in errors] == [result.error]
    assert "space" in (result.error or "")


async def test_a_slow_disk_loses_the_newest_blocks_and_never_holds_up_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_QUEUED_BLOCKS", 3)
    at_disk, disk_free = threading.Event(), threading.Event()

    class SlowWriter(WavWriter):
        def write(self, samples: NDArray[np.int16]) -> None:
            at_disk.set()
            assert disk_free.wait(LIMIT_S)
            super().write(samples)

    monkeypatch.setattr(recorder_module, "WavWriter", SlowWriter)
    recorder = Recorder()
    recorder.start(KEY, tmp_path / "call.wav", 8000)
    recorder.append([Block(KEY, 0, stereo(10, 0))])
    assert not at_disk.is_set(), "the writer sleeps on"
    recorder.hand_over()
    assert at_disk.wait(LIMIT_S)
    for position in range(10, 60, 10):
        recorder.append([Block(KEY, position, stereo(10, position))])
    assert recorder.lost_blocks == 2
    disk_free.set()
    await asyncio.wrap_future(recorder.stop(KEY))
    await recorder.aclose()
    assert np.array_equal(read(tmp_path / "call.wav"), stereo(40))


async def test_stopping_what_was_never_started_says_so() -> None:
    recorder = Recorder()
    assert ended(recorder).error == "it was never started"
    await recorder.aclose()
