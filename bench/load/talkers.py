"""Who of many callers speaks in which frame: pause, utterance, wait for the answer, hear it out.

Pure: 20 ms ticks and what was heard go in, frames to say come out. One row a caller, as columns.
Not here: packets (rtp_load.py), signalling (sip_load.py).
"""

import enum

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..speech.waveform import percentile

FRAME_MS = 20
PAUSE_TICKS = (35, 100)
"Before an utterance: 0.7 to 2 s of silence."
ANSWER_TICKS = 250
"An answer that has not begun after 5 s is none."
OVER_TICKS = 25
"Half a second of silence after it: an answer is over."
LONGEST_TICKS = 1000
"An answer that lasts longer than 20 s is cut by the caller going on."
SILENT = -1
"The frame of a caller who says nothing."

Rows = NDArray[np.int64]


class Phase(enum.IntEnum):
    """Of one caller."""

    IDLE = 0
    "Not in a call."
    PAUSE = 1
    TALK = 2
    WAIT = 3
    LISTEN = 4


class Turns(msgspec.Struct, frozen=True):
    """What became of the utterances, since counting began."""

    answered: int
    unanswered: int
    gaps_ms: list[float]
    "Of the answered: from the utterance's last packet to the answer's first, in steps of 20 ms."

    @property
    def gap_p50_ms(self) -> float:
        """Of half of them at most."""
        return percentile(self.gaps_ms, 0.5) or 0.0

    @property
    def gap_p95_ms(self) -> float:
        """Of nineteen in twenty at most."""
        return percentile(self.gaps_ms, 0.95) or 0.0


class Talkers:
    """Callers 0..n-1."""

    def __init__(self, callers: int, utterances: list[tuple[int, int]], seed: int) -> None:
        """`utterances`: first frame and number of frames of each, in the payloads."""
        self._first = np.array([first for first, _ in utterances])
        self._length = np.array([length for _, length in utterances])
        self._rng = np.random.default_rng(seed)
        self._phase = np.zeros(callers, np.int64)
        self._left = np.zeros(callers, np.int64)
        "Ticks of the pause or utterance that are to come, or that may still be waited."
        self._what = np.zeros(callers, np.int64)
        self._waited = np.zeros(callers, np.int64)
        self._quiet = np.zeros(callers, np.int64)
        self.restart_counting()

    def restart_counting(self) -> None:
        """Count turns that end from now on."""
        self._answered = self._unanswered = 0
        self._gaps_ms: list[float] = []

    def begin(self, caller: int) -> None:
        """The call is up."""
        self._pause(np.array([caller]))

    def end(self, caller: int) -> None:
        """The call is over; what was being waited for does not count."""
        self._phase[caller] = Phase.IDLE

    def turns(self) -> Turns:
        """What was counted."""
        return Turns(self._answered, self._unanswered, list(self._gaps_ms))

    def next(self, rows: Rows) -> Rows:
        """One tick of these callers: the frame that each says now, or SILENT."""
        said = np.full(len(rows), SILENT, np.int64)
        self._left[rows] -= 1
        phase, over = self._phase[rows], self._left[rows] < 0
        begin = rows[(phase == Phase.PAUSE) & over]
        self._what[begin] = self._rng.integers(0, len(self._first), len(begin))
        self._left[begin] = self._length[self._what[begin]] - 1
        self._phase[begin] = Phase.TALK
        talking = self._phase[rows] == Phase.TALK
        row = rows[talking]
        last = self._left[row] <= 0
        at = self._length[self._what[row]] - 1 - self._left[row]
        said[talking] = self._first[self._what[row]] + at
        self._phase[row[last]] = Phase.WAIT
        self._left[row[last]] = ANSWER_TICKS
        self._waited[row[last]] = -1  # its own tick is none of waiting
        self._give_up(rows[(phase == Phase.WAIT) & over])
        self._pause(rows[(phase == Phase.LISTEN) & over])
        return said

    def hear(self, rows: Rows, loud: NDArray[np.bool_]) -> None:
        """One tick of these callers' ears, after `next`: is there sound from the far end?"""
        phase = self._phase[rows]
        waiting = rows[phase == Phase.WAIT]
        self._waited[waiting] += 1
        answered = rows[(phase == Phase.WAIT) & loud]
        self._answered += len(answered)
        self._gaps_ms += (FRAME_MS * self._waited[answered]).tolist()
        self._phase[answered] = Phase.LISTEN
        self._left[answered] = LONGEST_TICKS
        self._quiet[answered] = 0
        listening = phase == Phase.LISTEN
        self._quiet[rows[listening & loud]] = 0
        quiet = rows[listening & ~loud]
        self._quiet[quiet] += 1
        self._pause(quiet[self._quiet[quiet] >= OVER_TICKS])

    def _give_up(self, rows: Rows) -> None:
        self._unanswered += len(rows)
        self._pause(rows)

    def _pause(self, rows: Rows) -> None:
        self._phase[rows] = Phase.PAUSE
        self._left[rows] = self._rng.integers(*PAUSE_TICKS, len(rows))
