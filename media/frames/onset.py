"""A sound that rises while the agent speaks, told by its first milliseconds.

Not here: whether it is speech (vad.py hears 30 to 100 ms of it first), and what is done about it
(conversation/overlap.py: the agent lowers its voice a little until that is known).

Looked at is what has arrived, before the jitter buffer plays it: its highest sample, the loudest
millisecond rather than a mean over a frame that may have begun in silence. A sound has risen when
that stands out, after a moment in which it did not, from all that is no news on this line:

- the line's noise, by its floor (loudness.py);
- our own voice coming back: the loudest that we sent lately, times the part of it that this line
  returns. That part is learned while the agent speaks; a caller who speaks is louder for a moment
  only, and teaches little;
- sounds of which nothing came the last time: the first key of a keyboard counts, the rest does not.

A sound has passed when it is over, or has gone on for so long that the VAD knows better by then.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from .lanes import FRAME_MS, Columns, which
from .loudness import FULL_SCALE

STANDS_OUT_DB = 20.0
"A peak over the floor's mean power; peaks of noise are 9 to 13 dB above it."
LEAST_PEAK = 200.0
"-44 dBFS: what is softer is not spoken into a telephone."
ECHO_FRAMES = 26
"Our own voice is back by then: network both ways, far jitter buffer, GSM."
ECHO_MARGIN_DB = 6.0
"Above what has been learned."
ECHO_START_DB = -24.0
"Of a line that is not known yet."
ECHO_RISE_DB_PER_S = 40.0
"While the agent speaks: it falls silent before a caller has taught much."
ECHO_FALL_DB_PER_S = 6.0
IGNORED_MARGIN_DB = 3.0
"Above the last sound of which nothing came."
IGNORED_FALL_DB_PER_S = 6.0
GAP_FRAMES = 2
"A sound begins after so many frames without."
OVER_FRAMES = 3
"So many frames without, and it is over."
LONGEST_FRAMES = 8
"By then the VAD has suspected speech, or there is none."
RECENT_FALL_DB = 6.0
"A frame: what is suspected to be speech was heard up to 50 ms ago."

Rows = NDArray[np.intp]
NO_ROWS: Rows = np.zeros(0, np.intp)


def ratio(db: float) -> np.float32:
    """Decibels as a ratio of samples."""
    return np.float32(10 ** (db / 20))


STANDS_OUT = ratio(STANDS_OUT_DB) * np.float32(FULL_SCALE)
ECHO_MARGIN = ratio(ECHO_MARGIN_DB)
ECHO_RISE = ratio(ECHO_RISE_DB_PER_S * FRAME_MS / 1000)
ECHO_FALL = ratio(-ECHO_FALL_DB_PER_S * FRAME_MS / 1000)
ECHO_MOST, ECHO_LEAST = ratio(0), ratio(-60)
IGNORED_MARGIN = ratio(IGNORED_MARGIN_DB)
IGNORED_FALL = ratio(-IGNORED_FALL_DB_PER_S * FRAME_MS / 1000)
RECENT_FALL = ratio(-RECENT_FALL_DB)


class OnsetTick(msgspec.Struct, frozen=True):
    """Row numbers, mostly none."""

    rose: Rows = NO_ROWS
    passed: Rows = NO_ROWS
    "Risen before, and over."


NOTHING = OnsetTick()


class Onset(Columns):
    """The sounds of a cohort's rows."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._ticks = 0
        self.sent = self.column("sent", np.int16)
        self.sent_before = self.column("sent_before", np.int16)
        "The loudest that we sent in the running ECHO_FRAMES, and in those before."
        self.returned = self.column("returned", np.float32, fill=float(ratio(ECHO_START_DB)))
        "The part of it that comes back."
        self.echo = self.column("echo", np.float32)
        "Up to this peak a sound may be our own voice."
        self.recent = self.column("recent", np.float32)
        "The loudest peak just now."
        self.ignored = self.column("ignored", np.float32)
        "Peak of what is known to be nothing."
        self.loudest = self.column("loudest", np.float32)
        "Peak of the sound that has risen."
        self.frames_left = self.column("frames_left", np.int16)
        "Above 0: a sound has risen, and is waited for."
        self.frames_without = self.column("frames_without", np.int16, fill=GAP_FRAMES)
        "Since something stood out."

    def push(
        self,
        n: int,
        arrived: NDArray[np.float32],
        sent: NDArray[np.int16],
        floor: NDArray[np.float32],
        audible: NDArray[np.bool_],
        speech: NDArray[np.bool_],
    ) -> OnsetTick:
        """A tick of rows 0..n-1; all arguments [n], `sent` [n, F].

        `arrived` are the peaks of what has come, `sent` the last frame that left, `floor` the
        noise's power; `audible`: the agent speaks; `speech`: the VAD suspects or knows of some.
        """
        recent = self.recent[:n]
        recent *= RECENT_FALL
        np.maximum(recent, arrived, out=recent)
        self._learn(n, arrived, sent, audible)
        least = np.sqrt(floor)
        least *= STANDS_OUT
        np.maximum(least, LEAST_PEAK, out=least)
        np.maximum(least, self.echo[:n], out=least)
        news = arrived > least
        ignored, left = self.ignored[:n], self.frames_left[:n]
        ignored *= IGNORED_FALL
        if not np.count_nonzero(news) + np.count_nonzero(left):
            self._count(n, news)
            return NOTHING
        old = news & (arrived <= ignored * IGNORED_MARGIN)
        audible_news = news & audible & (left == 0)
        rises = audible_news & ~old & (self.frames_without[:n] >= GAP_FRAMES)
        np.maximum(ignored, arrived, out=ignored, where=audible_news & ~rises & ~speech)
        self._count(n, news & ~old)
        rose = which(rises)
        return OnsetTick(rose, self._wait(n, rose, arrived, speech))

    def may_be_echo(self, rows: Rows) -> NDArray[np.bool_]:
        """What these rows hear now is no louder than our own voice may be on their lines."""
        return np.asarray(self.recent[rows] <= self.echo[rows])

    def _wait(
        self, n: int, rose: Rows, arrived: NDArray[np.float32], speech: NDArray[np.bool_]
    ) -> Rows:
        """Wait for the end of what has risen; the rows where it has passed."""
        left = self.frames_left[:n]
        waiting = which(left)
        self.loudest[waiting] = np.maximum(self.loudest[waiting], arrived[waiting])
        left[waiting] -= 1
        over = (left[waiting] == 0) | (self.frames_without[waiting] >= OVER_FRAMES)
        passed: Rows = waiting[over]
        left[passed] = 0
        nothing = passed[~speech[passed]]
        self.ignored[nothing] = np.maximum(self.ignored[nothing], self.loudest[nothing])
        left[rose] = LONGEST_FRAMES
        self.loudest[rose] = arrived[rose]
        return passed

    def _count(self, n: int, news: NDArray[np.bool_]) -> None:
        without = self.frames_without[:n]
        without += 1
        np.minimum(without, OVER_FRAMES, out=without)
        without[news] = 0

    def _learn(
        self,
        n: int,
        arrived: NDArray[np.float32],
        sent: NDArray[np.int16],
        audible: NDArray[np.bool_],
    ) -> None:
        """The loudest that may be our own voice, and how much of it comes back."""
        self._ticks += 1
        if self._ticks % ECHO_FRAMES == 0:
            self.sent_before[:] = self.sent
            self.sent[:] = 0
        loudest, returned, echo = self.sent[:n], self.returned[:n], self.echo[:n]
        np.maximum(loudest, sent.max(axis=1), out=loudest)
        lately = np.maximum(loudest, self.sent_before[:n])
        np.multiply(lately, returned, out=echo)
        lesson = np.where((arrived > echo) & audible, ECHO_RISE, ECHO_FALL)
        np.multiply(returned, lesson, out=returned, where=lately > LEAST_PEAK)
        np.minimum(returned, ECHO_MOST, out=returned)
        np.maximum(returned, ECHO_LEAST, out=returned)
        echo *= ECHO_MARGIN
