"""The jitter buffer for all lanes of a cohort: packets in at any time, one frame a lane a tick out.

Samples lie in a ring by their *position* (reception.py), so packet length, order and doubles need
no care here. A lane plays from its play position on, and what there is to decide is how that moves:

- It starts when the first packet has waited as long as the target says (delay.py).
- Normally it moves one frame a tick. Where signal is missing although newer is there (loss), it
  moves on over the hole, which is concealed.
- When nothing newer is there (the buffer ran dry) it stands still while the loss is concealed, and
  the samples made up are *owed*. If the next packet begins where it stands, that was merely late:
  it is played, and the delay has grown. If it begins later, the position moves on by what is owed,
  at most to the packet.
- When the delay is off the target, a frame is shortened or lengthened by about a pitch period
  (stretch.py). A backlog beyond a limit is thrown away.

Columns of the cohort's rows; a row without a lane plays silence. Not here: decoding.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs.comfort_noise import NoiseLevel
from .concealment import Concealment
from .delay import Delay
from .jitter_statistics import JitterStatistics
from .lanes import FRAME_MS, Columns, frame_samples, which
from .reception import Reception
from .ring import ABSENT, Ring
from .stretch import Stretcher

MAX_BACKLOG_MS = 600
"More is thrown away, down to the target."


class Admitted(NamedTuple):
    """Of k packets: which to decode and write, and where they belong."""

    accept: NDArray[np.bool_]
    position: NDArray[np.int64]
    "In lane samples, on the stream's axis."


class Pulled(NamedTuple):
    """One frame of every row."""

    frames: NDArray[np.int16]
    "[n, F], the caller's to keep."
    concealed: NDArray[np.int64]
    "Samples of each frame that were made up, [n]; reused by the next pull."


class Jitter(Columns):
    """The jitter buffers of a cohort's rows. The engine calls admit, write, pull, in that order."""

    def __init__(self, capacity: int, rate_hz: int, turn: int = 0) -> None:
        """`turn`: see Delay."""
        super().__init__(capacity)
        self.rate_hz = rate_hz
        self.frame = frame_samples(rate_hz)
        self.ring = Ring(capacity, rate_hz)
        self.delay = Delay(capacity, rate_hz, turn)
        self.reception = Reception(capacity, rate_hz)
        self.concealment = Concealment(capacity, rate_hz)
        self.stretcher = Stretcher(capacity, rate_hz)
        self._parts = (self.ring, self.delay, self.reception, self.concealment, self.stretcher)
        self._farthest = self.ring.size - 2 * self.frame
        self._max_backlog = rate_hz * MAX_BACKLOG_MS // 1000
        self._rows = np.arange(capacity)
        self._concealed = np.zeros(capacity, np.int64)
        self.play_position: NDArray[np.int64] = self.column("play_position", np.int64)
        "The next sample to be played; decoders need not look further back."
        self.playing: NDArray[np.bool_] = self.column("playing", np.bool_)
        "False before the first packet, and while the buffer fills up."
        self.pausing: NDArray[np.bool_] = self.column("pausing", np.bool_)
        "The far end has said that it sends nothing (comfort noise)."
        self._smooth: NDArray[np.bool_] = self.column("_smooth", np.bool_)
        "Playing, and not in a loss."
        self._owed: NDArray[np.int64] = self.column("_owed", np.int64)
        self._gap: NDArray[np.int64] = self.column("_gap", np.int64)
        "Samples made up since the buffer ran dry; turns out to be a loss or a pause."
        self.late: NDArray[np.int64] = self.column("late", np.int64)
        self.concealed: NDArray[np.int64] = self.column("concealed", np.int64)
        self.silent: NDArray[np.int64] = self.column("silent", np.int64)
        self.paused: NDArray[np.int64] = self.column("paused", np.int64)
        self.concealments: NDArray[np.int64] = self.column("concealments", np.int64)
        self.flushes: NDArray[np.int64] = self.column("flushes", np.int64)
        self.frames_played: NDArray[np.int64] = self.column("frames_played", np.int64)
        self.waiting: NDArray[np.int64] = self.column("waiting", np.int64)
        "Sum over ticks of the samples left in the buffer: by Little's law the sum of all delays."
        self.targeted: NDArray[np.int64] = self.column("targeted", np.int64)
        "Sum over ticks of the target."

    def grow(self, capacity: int) -> None:
        super().grow(capacity)
        for part in self._parts:
            part.grow(capacity)
        self._rows = np.arange(capacity)
        self._concealed = np.zeros(capacity, np.int64)

    def clear(self, row: int) -> None:
        super().clear(row)
        for part in self._parts:
            part.clear(row)

    def configure(self, row: int, clock_rate_hz: int) -> None:
        """The row's RTP timestamps count `clock_rate_hz` from now on."""
        self.reception.configure(row, clock_rate_hz)

    # -- packets in -----------------------------------------------------------------------------

    def admit(
        self,
        rows: NDArray[np.int64],
        sequence: NDArray[np.int64],
        timestamp: NDArray[np.int64],
        samples: NDArray[np.int64],
        marker: NDArray[np.bool_],
        ssrc: NDArray[np.int64],
        arrival_samples: NDArray[np.int64],
    ) -> Admitted:
        """Judge one packet for each of `rows` (unique: see `rounds`); all arguments [k].

        `samples`: its length in lane samples; 0 for key presses and comfort noise, which are only
        counted (and never accepted). `arrival_samples`: any clock of lane samples that `pull` is
        given too. The marker is not trusted, hence not used: senders forget it and misplace it.
        """
        del marker
        end = self.reception.end[rows]
        fastest = self.delay.fastest[rows]
        received = self.reception.receive(
            rows, sequence, timestamp, samples, ssrc, arrival_samples, fastest
        )
        position, accept = received.position, received.fresh & (samples > 0)
        step = received.step
        if np.count_nonzero(accept) == len(accept):
            self._place(rows, position, samples, step, arrival_samples, end, accept)
        else:
            some = which(accept)
            part = np.ones(some.size, np.bool_)
            self._place(
                rows[some],
                position[some],
                samples[some],
                step[some],
                arrival_samples[some],
                end[some],
                part,
            )
            accept[some] = part
        return Admitted(accept, position)

    def _place(
        self,
        rows: NDArray[np.int64],
        position: NDArray[np.int64],
        samples: NDArray[np.int64],
        step: NDArray[np.int64],
        arrival: NDArray[np.int64],
        end: NDArray[np.int64],
        accept: NDArray[np.bool_],
    ) -> None:
        """Learn from fresh packets of audio, and move the play position; clears `accept` for late.

        `end` is where each row's audio ended before.
        """
        # Whatever the moment of its arrival, it can be played from the next tick on.
        seen = -(-arrival // self.frame) * self.frame
        self.delay.receive(rows, seen - position, seen - arrival)
        smooth = self._smooth[rows]
        if np.count_nonzero(smooth) < len(smooth):
            self._fill_up(rows, position, end)
            self._resume(rows, position, samples, step)
        if np.count_nonzero(self.pausing[rows]):
            self.pausing[rows] &= ~smooth  # in a pause it lasts until audio is played
        beyond = position + samples - self.play_position[rows]
        late = beyond <= 0
        if np.count_nonzero(late):
            self.late[rows[late]] += 1
            accept &= ~late
        far = beyond > self._farthest
        if np.count_nonzero(far):
            self._start_over(rows[far], position[far])

    def _fill_up(
        self, rows: NDArray[np.int64], position: NDArray[np.int64], end: NDArray[np.int64]
    ) -> None:
        """Before the start the earliest packet decides where to begin."""
        index = which(~self.playing[rows])
        some = rows[index]
        empty = end[index] <= self.play_position[some]
        earliest = np.minimum(self.play_position[some], position[index])
        self.play_position[some] = np.where(empty, position[index], earliest)

    def _resume(
        self,
        rows: NDArray[np.int64],
        position: NDArray[np.int64],
        samples: NDArray[np.int64],
        step: NDArray[np.int64],
    ) -> None:
        """The buffer had run dry, and something has come."""
        play = self.play_position[rows]
        some = which((self._owed[rows] > 0) & (position + samples > play))
        dry = rows[some]
        gap = np.maximum(position[some] - play[some], 0)
        self.play_position[dry] += np.minimum(self._owed[dry], gap)
        # The next packet in sequence, but later in time: nothing was lost, nothing had been sent.
        pause = (step[some] == 1) & (gap > 0)
        self.paused[dry] += np.where(pause, self._gap[dry], 0)
        self.pausing[dry] |= pause
        self._owed[dry] = 0
        self._gap[dry] = 0

    def _start_over(self, rows: NDArray[np.int64], position: NDArray[np.int64]) -> None:
        """A packet lies too far ahead for the ring: forget what is there and fill up again."""
        self.ring.samples[rows] = ABSENT
        self.play_position[rows] = position
        self.playing[rows] = self._smooth[rows] = False
        self._owed[rows] = self._gap[rows] = 0
        self.flushes[rows] += 1

    def write(
        self,
        rows: NDArray[np.int64],
        positions: NDArray[np.int64],
        pcm: NDArray[np.int16],
        lengths: NDArray[np.int64],
    ) -> None:
        """Put decoded audio, the first `lengths` [k] samples of `pcm` [k, S], where it belongs."""
        self.ring.write(rows, positions, pcm, lengths, self.play_position[rows])

    def set_noise(self, row: int, noise: NoiseLevel) -> None:
        """A comfort noise packet (RFC 3389): the pause from now until the next audio is no loss."""
        self.concealment.set_noise(row, noise)
        self.pausing[row] = True

    # -- frames out -----------------------------------------------------------------------------

    def pull(self, n: int, now_samples: int) -> Pulled:
        """The next frame of rows [:n], whatever has arrived; once a tick."""
        rows, play = self._rows[:n], self.play_position[:n]
        frames = self.ring.read(rows, play, self.frame)
        excess = now_samples - play - self.delay.due(slice(n))
        trouble = frames.min(axis=1, initial=0) == ABSENT
        trouble |= ~self._smooth[:n]
        trouble |= self.stretcher.due(frames, excess, self.delay)
        concealed = self._concealed[:n]
        concealed[:] = 0
        if np.count_nonzero(trouble):
            normal = which(~trouble)
            self._treat(which(trouble), frames, excess, concealed)
            self.ring.blank_frames(normal, play[normal], self.frame)
            play[normal] += self.frame
        else:
            self.ring.blank_frames(rows, play, self.frame)
            play += self.frame
        self.frames_played[:n] += self.playing[:n]
        self.waiting[:n] += self.reception.end[:n] - play
        self.targeted[:n] += self.delay.target[:n] * self.playing[:n]
        self.concealment.remember(n, frames)
        self.delay.tick(n)
        self.stretcher.tick()
        return Pulled(frames, concealed)

    def _treat(
        self,
        rows: NDArray[np.int64],
        frames: NDArray[np.int16],
        excess: NDArray[np.int64],
        concealed: NDArray[np.int64],
    ) -> None:
        """Rows where something is to be decided: `frames` and `concealed` become what is played."""
        idle = ~self.playing[rows]
        if idle.any():
            ready = excess[rows] >= 0
            ready &= self.reception.end[rows] > self.play_position[rows]
            self.playing[rows[idle & ready]] = True
            frames[rows[idle & ~ready]] = 0
            rows = rows[~idle | ready]
        backlog = self.reception.end[rows] - self.play_position[rows]
        if (backlog > self._max_backlog).any():
            self._flush(rows[backlog > self._max_backlog], frames, excess)
        advance = np.full(len(rows), self.frame, np.int64)
        whole = frames[rows].min(axis=1, initial=0) != ABSENT
        whole &= self.concealment.elapsed[rows] == 0
        self._smooth[rows] = True
        some = which(whole)
        if some.size:
            play = self.play_position[rows[some]]
            advance[some] = self.stretcher.change(rows[some], frames, excess, self.ring, play)
        some = which(~whole)
        if some.size:
            advance[some] = self._conceal(rows[some], frames, concealed)
        self.ring.blank(rows, self.play_position[rows], advance)
        self.play_position[rows] += advance

    def _flush(
        self, rows: NDArray[np.int64], frames: NDArray[np.int16], excess: NDArray[np.int64]
    ) -> None:
        """Throw away what is too old, so that the delay is the target's; cross-fade over it."""
        newest = self.reception.end[rows] - self.frame - self.play_position[rows]
        skipped = np.clip(excess[rows], 0, newest)
        self.ring.blank(rows, self.play_position[rows], skipped)
        self.play_position[rows] += skipped
        frames[rows] = self.ring.read(rows, self.play_position[rows], self.frame)
        self.concealment.begin(rows)
        excess[rows] -= skipped
        self.flushes[rows] += 1

    def _conceal(
        self, rows: NDArray[np.int64], frames: NDArray[np.int16], concealed: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Fill holes; returns how far the play position moves: not beyond the newest sample."""
        filled = self.concealment.fill(rows, frames[rows])
        frames[rows] = filled.frames
        concealed[rows] = filled.concealed
        pausing = self.pausing[rows]
        silent = np.where(pausing, filled.concealed, filled.silent)
        self.concealed[rows] += filled.concealed
        self.silent[rows] += silent
        self.paused[rows] += np.where(pausing, silent, 0)
        self.concealments[rows] += filled.began & ~pausing
        heard = self.concealment.elapsed[rows] == 0
        self._smooth[rows] = heard
        self.pausing[rows] = pausing & ~heard
        left = self.reception.end[rows] - self.play_position[rows]
        advance = np.asarray(np.clip(left, 0, self.frame), np.int64)
        dry = advance < self.frame
        self._owed[rows] += self.frame - advance
        self._gap[rows] += np.where(dry & ~pausing, filled.concealed, 0)
        return advance

    # -- what is known of a lane ------------------------------------------------------------------

    def newest(self, n: int) -> NDArray[np.int16]:
        """The newest frame of each of rows [:n] that waits to be played, ABSENT where none does."""
        position = np.maximum(self.reception.end[:n] - self.frame, self.play_position[:n])
        return self.ring.read(self._rows[:n], position, self.frame)

    def statistics(self, row: int) -> JitterStatistics:
        """The row's counters as one value."""
        reception = self.reception
        duplicated, late = int(reception.duplicates[row]), int(self.late[row])
        played = int(self.frames_played[row])
        return JitterStatistics(
            packets_received=int(reception.received_before[row] + reception.received[row]),
            packets_lost=int(reception.lost(np.array([row]))[0]),
            packets_discarded=duplicated + late + int(reception.unconfirmed[row]),
            packets_late=late,
            packets_duplicated=duplicated,
            concealed_samples=int(self.concealed[row]),
            silent_concealed_samples=int(self.silent[row]),
            paused_samples=int(self.paused[row]),
            concealment_events=int(self.concealments[row]),
            inserted_samples_for_deceleration=int(self.stretcher.inserted[row]),
            removed_samples_for_acceleration=int(self.stretcher.removed[row]),
            total_samples_received=played * self.frame,
            jitter_s=float(reception.jitter[row]) / self.rate_hz,
            jitter_buffer_delay_s=int(self.waiting[row]) * FRAME_MS / 1000,
            jitter_buffer_target_delay_s=int(self.targeted[row]) * FRAME_MS / 1000,
            jitter_buffer_flushes=int(self.flushes[row]),
        )


def rounds(rows: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Split packets, in order of arrival, so that each part has at most one of each row.

    Returns indices into `rows`, part by part; usually it is one part. No rows: no parts.
    """
    if not rows.size:
        return []
    if not np.count_nonzero(rows[1:] <= rows[:-1]):
        return [np.arange(len(rows))]
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    begins = which(np.concatenate(([True], sorted_rows[1:] != sorted_rows[:-1])))
    nth = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    return [order[nth == turn] for turn in range(int(nth.max()) + 1)]
