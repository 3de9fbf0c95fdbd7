"""Writes the recordings of all lanes to disk in one thread (a shell: it only writes).

Not here: when a lane hands over its audio, about once a second, at its own tick (cohort.py).

The file's axis is the lane's: sample 0 of the file is position 0 of the lane. After every block
the header is true and everything is with the operating system, so that the file plays after the
process was killed. The caller never waits: blocks go into a bounded queue, and what finds no room
becomes silence in the file, and a number.
"""

import logging
import queue
import threading
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs.errors import WavError
from ...codecs.wav import WavWriter
from .positioned_file import PositionedFile

logger = logging.getLogger(__name__)

MAX_QUEUED_BLOCKS = 8192
"About two seconds of 4000 lanes; beyond it the newest block is lost and counted."
SILENCE_SAMPLES = 65_536
"Gaps are filled in pieces of this size."

Key = tuple[int, int]
"A lane: cohort number and row."


class RecordingEnded(msgspec.Struct, frozen=True):
    """All that can be said of a recording once its file is closed."""

    path: Path
    samples: int
    "Length of the file a channel."
    missing_samples: int = 0
    "Gaps that were filled with silence."
    overlap_samples: int = 0
    "Samples handed over twice, written once."
    error: str | None = None
    "Why it ended early (disk full, path not writable); None: it did not."


class _Start(msgspec.Struct, frozen=True):
    key: Key
    path: Path
    rate_hz: int
    on_error: Callable[[RecordingEnded], object] | None


class Block(msgspec.Struct, frozen=True):
    """A piece of one lane's recording."""

    key: Key
    position_samples: int
    "Of its first sample, on the lane's axis."
    stereo: NDArray[np.int16]
    "[2, n]; interleaved in memory it is written as it lies."


class _Stop(msgspec.Struct, frozen=True):
    key: Key
    done: "Future[RecordingEnded]"


_Order = _Start | list[Block] | _Stop | None


class Recorder:
    """One writer thread for all recordings. Verbs return at once; `aclose` ends it."""

    def __init__(self) -> None:
        self.lost_blocks = 0
        "Blocks that found the queue full: the disk is too slow."
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._kept: list[Block] = []
        "Until they are handed over."
        self._blocks_put = self._blocks_taken = 0
        "Each is counted by one thread only: their difference is how many wait."
        self._files: dict[Key, _File] = {}
        self._thread: threading.Thread | None = None

    def start(
        self,
        key: Key,
        path: Path,
        rate_hz: int,
        on_error: Callable[[RecordingEnded], object] | None = None,
    ) -> None:
        """Begin a recording of two channels (caller, agent); folders are made.

        If it fails, now or later, `on_error` is called once, in the writer's thread; what is
        appended afterwards is dropped.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
            self._thread.start()
        self.hand_over()
        self._orders.put(_Start(key, path, rate_hz, on_error))

    def append(self, blocks: list[Block]) -> None:
        """Write blocks, at the next `hand_over`.

        A gap before a block becomes silence, an overlap is written once. Arrays are not copied.
        """
        room = max(0, MAX_QUEUED_BLOCKS - (self._blocks_put - self._blocks_taken))
        self.lost_blocks += max(0, len(blocks) - room)
        kept = blocks[:room]
        self._blocks_put += len(kept)
        self._kept += kept

    def hand_over(self) -> None:
        """Let the writer's thread have what was appended.

        Waking it is what costs: it wants the interpreter, and the core where there is only one.
        """
        if self._kept:
            kept, self._kept = self._kept, []
            self._orders.put(kept)

    def stop(self, key: Key) -> "Future[RecordingEnded]":
        """End a recording; the future is done when the file is closed."""
        done: Future[RecordingEnded] = Future()
        self.hand_over()
        if self._thread is None:
            done.set_result(_never_begun())
        else:
            self._orders.put(_Stop(key, done))
        return done

    async def aclose(self) -> None:
        """Write what is queued, close all files, end the thread."""
        if self._thread is not None:
            self.hand_over()
            self._orders.put(None)
            await get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None

    def _work(self) -> None:
        """The writer's thread. One recording's trouble is not another's."""
        while (order := self._orders.get()) is not None:
            for each in order if isinstance(order, list) else [order]:
                try:
                    self._carry_out(each)
                except Exception:
                    logger.exception("the recorder could not %s", type(each).__name__)
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _carry_out(self, order: _Start | Block | _Stop) -> None:
        if isinstance(order, Block):
            self._blocks_taken += 1
            if file := self._files.get(order.key):
                file.append(order.position_samples, order.stereo)
            return
        # A key starts anew after its row was given back: whatever it still holds ends here.
        file = self._files.pop(order.key, None)
        ended = file.close() if file else _never_begun()
        if isinstance(order, _Start):
            self._files[order.key] = _File(order)
        elif not order.done.cancelled():
            order.done.set_result(ended)


def _never_begun() -> RecordingEnded:
    return RecordingEnded(path=Path(), samples=0, error="it was never started")


class _File:
    """One recording, in the writer's thread."""

    def __init__(self, order: _Start) -> None:
        self._path = order.path
        self._on_error = order.on_error
        self._samples = self._missing = self._overlap = 0
        self._error: str | None = None
        self._file: BinaryIO | None = None
        self._wav: WavWriter | None = None
        try:
            order.path.parent.mkdir(parents=True, exist_ok=True)
            # Of a BinaryIO the WAV writer needs to write and to seek only.
            self._file = cast(BinaryIO, PositionedFile(order.path))
            self._wav = WavWriter(self._file, order.rate_hz, channels=2)
            self._wav.flush()
        except OSError as error:
            self._fail(error)

    def append(self, position: int, stereo: NDArray[np.int16]) -> None:
        """Write by position, and make the file playable."""
        if self._wav is None:
            return
        try:
            self._write_silence(self._wav, position - self._samples)
            overlap = min(max(0, self._samples - position), stereo.shape[1])
            self._wav.write(stereo[:, overlap:])
            self._wav.flush()
            self._overlap += overlap
            self._samples = self._wav.position_samples
        except (OSError, WavError) as error:
            self._fail(error)

    def close(self) -> RecordingEnded:
        """End the file; says what it holds."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._fail(error)
            self._file = self._wav = None
        return self._summary()

    def _write_silence(self, wav: WavWriter, samples: int) -> None:
        self._missing += max(0, samples)
        while samples > 0:
            wav.write(np.zeros((2, min(samples, SILENCE_SAMPLES)), np.int16))
            samples -= SILENCE_SAMPLES
        self._samples = wav.position_samples

    def _fail(self, error: OSError | WavError) -> None:
        """The recording ends, the call goes on: told once."""
        self._error = str(error)
        logger.error("recording %s ends: %s", self._path, error)
        if self._file is not None:
            _abandon(self._file)
        self._file = self._wav = None
        if self._on_error is not None:
            self._on_error(self._summary())

    def _summary(self) -> RecordingEnded:
        return RecordingEnded(self._path, self._samples, self._missing, self._overlap, self._error)


def _abandon(file: BinaryIO) -> None:
    """Close a file that cannot be written: buffered bytes that fail again are of no interest."""
    try:
        file.close()
    except OSError as error:
        logger.debug("closing: %s", error)
