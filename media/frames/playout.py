"""The playout gate: agent audio of many lanes, by epoch, with gain; says what was really played.

Not here: what is said and when (media/conversation), and how frames leave (outbound.py).

The ring's frames are moments of the cohort's time, the same for all rows: a chunk is written where
it will be heard, a pull only points at the frame that is due, and a silent row is a row of zeros.
`begin` and `tail` bound a row's audio on that time axis: real samples are those between them, and a
row whose tail has been passed plays silence until more audio comes. Longer audio waits in Python
per lane (staging.py) and is moved in from time to time.

Nothing is awaited to stop talking: stop and open clear a row of the ring at once.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs.pcm import saturate
from .lanes import Columns, frame_samples, which
from .staging import NO_EPOCH, Staging

RING_FRAMES = 32
"0.64 s, one of which is the frame that left last."
REFILL_TICKS = 24
"So often it is a row's turn to be given more: seldom, as that is Python per lane."
LOW_FRAMES = 2
"A row with less in the ring is given more at once."
MAX_BACKLOG_S = 120
"Of all epochs of a lane together; newer audio is refused and counted."
MAX_OVERLAY_S = 30
"Of tones to be mixed in; more is refused and counted."


class PlayoutTick(msgspec.Struct, frozen=True):
    """One frame of every lane, and what happened in it."""

    frames: NDArray[np.int16]
    "[n, F]; a view of the ring, cleared by the next pull."
    started: list[tuple[int, int]]
    "Row and epoch whose first sample is in this frame."
    finished: list[tuple[int, int, int]]
    "Row, epoch and samples played, whose last sample is in this frame or was before."
    under_runs: list[int]
    "Rows whose epoch ran out of audio in this frame without being finished."


class Playout(Columns):
    """The gates of one cohort's lanes. Exactly one epoch of a row is open; later ones wait."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self._rate_hz = rate_hz
        self._frame = frame_samples(rate_hz)
        self._ring = RING_FRAMES * self._frame
        self._room = self._ring - self._frame
        self._now = 0
        "Samples pulled so far, the time axis of `begin`, `tail` and `fade_end`."
        self._ramp = np.arange(1, self._ring + 1, dtype=np.float32)
        self._staging: dict[int, Staging] = {}
        self._overlays: dict[int, NDArray[np.int16]] = {}
        self._muted: set[int] = set()
        self.ring: NDArray[np.int16] = self.track("ring", np.int16, RING_FRAMES, self._frame)
        self._make_epoch_columns()
        self.gain = self.column("gain", np.float32, fill=1.0)
        self.gain_target = self.column("gain_target", np.float32, fill=1.0)
        self.gain_step = self.column("gain_step", np.float32)
        self.ramp_left = self.column("ramp_left", np.int64)
        self.under_runs = self.column("under_runs", np.int64)
        self.dead_chunks = self.column("dead_chunks", np.int64)
        "Chunks of epochs that were stopped, passed over or dropped."
        self.refused_chunks = self.column("refused_chunks", np.int64)
        "Chunks beyond MAX_BACKLOG_S or MAX_OVERLAY_S."

    def _make_epoch_columns(self) -> None:
        self.epoch = self.column("epoch", np.int64, fill=NO_EPOCH)
        self.begin = self.column("begin", np.int64)
        self.tail = self.column("tail", np.int64)
        self.fade_end = self.column("fade_end", np.int64)
        "What was stopped has faded out here; nothing else begins before."
        self.sent = self.column("sent", np.int64)
        self.waiting = self.column("waiting", np.int64)
        "Samples of the open epoch that are not in the ring yet."
        self.complete = self.column("complete", np.bool_)
        "No more audio comes for the open epoch."
        self.started = self.column("started", np.bool_)
        self.over = self.column("over", np.bool_, fill=True)
        "The open epoch is finished or stopped."
        self.dry = self.column("dry", np.bool_)
        "It has run out of audio, and that is told."

    def clear(self, row: int) -> None:
        """Make a row as new: nothing opened, nothing waiting, full gain."""
        super().clear(row)
        self._staging.pop(row, None)
        self._overlays.pop(row, None)
        self._muted.discard(row)

    @property
    def frames(self) -> NDArray[np.int16]:
        """The frame of every row that left last, [capacity, F]."""
        frames: NDArray[np.int16] = self.ring[(self._now - self._frame) % self._ring // self._frame]
        return frames

    # -- verbs of one lane --------------------------------------------------------------------

    def play(self, row: int, epoch: int, pcm: NDArray[np.int16]) -> None:
        """Append audio (int16[samples]) to an epoch; audio of dead epochs is dropped and counted.

        Beyond MAX_BACKLOG_S this and the epoch's later chunks are refused and counted.
        """
        staging = self._lane(row)
        is_open = epoch == self.epoch[row]
        if epoch < self.epoch[row] or not staging.takes(epoch) or (is_open and self.over[row]):
            self.dead_chunks[row] += 1
        elif not staging.add(epoch, pcm):
            self.refused_chunks[row] += 1
        elif is_open:
            self._refill(row)

    def finish(self, row: int, epoch: int) -> None:
        """No more audio comes for this epoch."""
        staging = self._lane(row)
        if epoch >= self.epoch[row] and staging.takes(epoch):
            staging.epoch(epoch).finished = True
            if epoch == self.epoch[row]:
                self.complete[row] = True

    def open(self, row: int, epoch: int) -> None:
        """Let an epoch play, and drop all earlier ones at once. Opening an older one is nothing.

        Only the fade of a stopped epoch is heard out; the new one begins after it.
        """
        if epoch <= self.epoch[row]:
            return
        staging = self._lane(row)
        self._close_epoch(row, staging)
        self.dead_chunks[row] += staging.open(epoch)
        staged = staging.epoch(epoch)
        self.epoch[row] = epoch
        self.begin[row] = self.tail[row] = max(self._now, int(self.fade_end[row]))
        self.sent[row] = 0
        self.waiting[row] = staged.samples
        self.complete[row] = staged.finished
        self.started[row] = self.over[row] = self.dry[row] = False
        self._refill(row)

    def drop(self, row: int, epoch: int) -> None:
        """Forget a staged epoch that will never be opened."""
        if epoch > self.epoch[row]:
            self._lane(row).drop(epoch)

    def stop(self, row: int, fade_samples: int) -> int:
        """End the open epoch with a fade; returns its samples played, fade included.

        The gain is full again afterwards: a duck belongs to what it ducked.
        """
        if self.over[row]:
            return self.played_samples(row)
        start = max(self._now, int(self.begin[row]))
        fade = min(fade_samples, max(0, int(self.tail[row]) - start))
        moments, at = self._places(start, start + fade)
        levels = self._gains(np.array([row]), start - self._now + fade)[0, start - self._now :]
        levels *= 1 - self._ramp[:fade] / np.float32(max(1, fade))
        faded = saturate(self.ring[moments, row, at] * levels)
        self._silence(row, start)
        self.ring[moments, row, at] = faded
        self.tail[row] = self.fade_end[row] = start + fade
        self.dead_chunks[row] += self._lane(row).close(int(self.epoch[row]))
        self.waiting[row] = 0
        self.over[row] = True
        self.gain[row] = self.gain_target[row] = 1
        self.ramp_left[row] = 0
        return self.played_samples(row)

    def duck(self, row: int, gain: float, ramp_samples: int) -> None:
        """Ramp the lane's gain (1 = full) linearly to `gain`; no sample is skipped."""
        self.gain_target[row] = gain
        self.ramp_left[row] = max(0, ramp_samples)
        if ramp_samples > 0:
            self.gain_step[row] = (gain - self.gain[row]) / ramp_samples
        else:
            self.gain[row] = gain

    def mute(self, row: int, on: bool) -> None:
        """Send silence in place of what plays, which plays on; tones are heard."""
        if on:
            self._muted.add(row)
        else:
            self._muted.discard(row)

    def overlay(self, row: int, pcm: NDArray[np.int16]) -> None:
        """Mix in tones from the next frame on, whatever the epoch; behind those still sounding."""
        waiting = self._overlays.get(row)
        mixed = np.array(pcm, np.int16) if waiting is None else np.concatenate([waiting, pcm])
        if len(mixed) > MAX_OVERLAY_S * self._rate_hz:
            self.refused_chunks[row] += 1
        elif len(mixed):
            self._overlays[row] = mixed

    def played_samples(self, row: int) -> int:
        """Samples of the open epoch that have left, with the fade that still will."""
        fading = int(self.fade_end[row]) - max(self._now, int(self.begin[row]))
        return int(self.sent[row]) + (max(0, fading) if self.over[row] else 0)

    def played(self, row: int, epoch: int) -> int:
        """The same of any epoch that was opened lately; 0 of others."""
        if epoch == self.epoch[row]:
            return self.played_samples(row)
        staging = self._staging.get(row)
        return staging.past.get(epoch, 0) if staging else 0

    # -- the tick -----------------------------------------------------------------------------

    def pull(self, n: int) -> PlayoutTick:
        """The next frame of rows 0..n-1; silence where nothing plays."""
        self.frames[:n] = 0
        now = self._now
        until = self._now = now + self._frame
        frames = self.frames[:n]
        tail = self.tail[:n]
        real = np.minimum(tail, until)
        real -= np.maximum(self.begin[:n], now)
        np.maximum(real, 0, out=real)
        self.sent[:n] += real
        self._apply_gain(n, frames)
        for row in self._muted:
            if row < n:
                frames[row] = 0
        for row in list(self._overlays):
            if row < n:
                self._mix_overlay(row, frames[row])
        tick = PlayoutTick(frames, *self._notice(n, real))
        due = tail - until < LOW_FRAMES * self._frame
        # Lanes that began to speak together are not given more together: that tick would be long.
        due[-until // self._frame % REFILL_TICKS :: REFILL_TICKS] = True
        due &= self.waiting[:n] > 0
        for row in which(due).tolist():
            self._refill(row)
        return tick

    def _notice(
        self, n: int, real: NDArray[np.int64]
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]], list[int]]:
        """What began, ended or ran dry, given each row's real samples of this frame."""
        running = ~self.over[:n]
        begins = running & (real > 0) & ~self.started[:n]
        short = running & (real < self._frame) & (self.waiting[:n] == 0)
        ends = short & self.complete[:n]
        # An epoch whose last sample is a frame's last has drained, too.
        ends |= running & self.complete[:n] & (self.waiting[:n] == 0) & (self.tail[:n] <= self._now)
        dries = short & self.started[:n] & ~self.complete[:n] & ~self.dry[:n]
        started: list[tuple[int, int]] = []
        finished: list[tuple[int, int, int]] = []
        under_runs: list[int] = []
        for row in which(begins | ends | dries).tolist():
            if begins[row]:
                self.started[row] = True
                started.append((row, int(self.epoch[row])))
            if ends[row]:
                self.over[row] = True
                finished.append((row, int(self.epoch[row]), int(self.sent[row])))
            if dries[row]:
                self.dry[row] = True
                self.under_runs[row] += 1
                under_runs.append(row)
        return started, finished, under_runs

    def _apply_gain(self, n: int, frames: NDArray[np.int16]) -> None:
        """Scale the rows whose gain is not full, and move their ramps on."""
        rows = which((self.ramp_left[:n] > 0) | (self.gain[:n] != 1))
        if not len(rows):
            return
        frames[rows] = saturate(frames[rows] * self._gains(rows, self._frame))
        moved = np.minimum(self.ramp_left[rows], self._frame)
        self.ramp_left[rows] -= moved
        arrived = self.ramp_left[rows] == 0
        gain = self.gain[rows] + self.gain_step[rows] * moved
        self.gain[rows] = np.where(arrived, self.gain_target[rows], gain)

    def _gains(self, rows: NDArray[np.intp], count: int) -> NDArray[np.float32]:
        """The gain of each of the next `count` samples of these rows."""
        ramp, left = self._ramp[:count], self.ramp_left[rows][:, None]
        ramped = self.gain[rows][:, None] + self.gain_step[rows][:, None] * ramp
        return np.where(ramp <= left, ramped, self.gain_target[rows][:, None])

    def _mix_overlay(self, row: int, frame: NDArray[np.int16]) -> None:
        tones = self._overlays.pop(row)
        part = tones[: self._frame]
        mixed = frame[: len(part)].astype(np.int32) + part
        frame[: len(part)] = np.clip(mixed, -32768, 32767)
        if len(tones) > self._frame:
            self._overlays[row] = tones[self._frame :]

    # -- between the lane's backlog and its ring ----------------------------------------------

    def _lane(self, row: int) -> Staging:
        staging = self._staging.get(row)
        if staging is None:
            staging = self._staging[row] = Staging(MAX_BACKLOG_S * self._rate_hz)
        return staging

    def _refill(self, row: int) -> None:
        """Move as much of the open epoch's backlog into the ring as fits."""
        staged = self._lane(row).epoch(int(self.epoch[row]))
        if self.tail[row] < self._now:  # it ran dry: go on with the next frame
            self.begin[row] = self.tail[row] = self._now
        tail = int(self.tail[row])
        for chunk in staged.take(self._now + self._room - tail):
            self._write(row, tail, chunk)
            tail += len(chunk)
            self.dry[row] = False
        self.tail[row] = tail
        self.waiting[row] = staged.samples

    def _write(self, row: int, begin: int, chunk: NDArray[np.int16]) -> None:
        """Put a chunk that fits where it will be heard: the rest of a frame, whole ones, a part."""
        frames: NDArray[np.int16] = self.ring[:, row]
        moment, at = divmod(begin % self._ring, self._frame)
        if at:
            rest = min(self._frame - at, len(chunk))
            frames[moment, at : at + rest] = chunk[:rest]
            chunk = chunk[rest:]
            moment = (moment + 1) % RING_FRAMES
        whole, part = divmod(len(chunk), self._frame)
        if part:
            frames[(moment + whole) % RING_FRAMES, :part] = chunk[-part:]
        shaped = chunk[: whole * self._frame].reshape(whole, self._frame)
        until_end = RING_FRAMES - moment
        frames[moment : moment + whole] = shaped[:until_end]
        if whole > until_end:
            frames[: whole - until_end] = shaped[until_end:]

    def _close_epoch(self, row: int, staging: Staging) -> None:
        """Silence what the row still has in the ring, but for a fade, and keep its count."""
        if self.epoch[row] != NO_EPOCH:
            staging.remember(int(self.epoch[row]), self.played_samples(row))
        if not self.over[row]:
            self._silence(row, max(self._now, int(self.begin[row])))

    def _silence(self, row: int, start: int) -> None:
        """Clear the row's ring from the moment `start` on."""
        moments, at = self._places(start, self._now + self._room)
        self.ring[moments, row, at] = 0

    def _places(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of samples [begin, end): their frames of the ring, and where they are in them."""
        return np.divmod(np.arange(begin, end) % self._ring, self._frame)
