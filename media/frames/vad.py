"""Voice activity of many lanes: speech is suspected, began, ended.

Not here: when a turn is over or whether speech interrupts (media/conversation).

Three stages, each for fewer rows than the one before:
1. Loudness, every frame of every row (loudness.py): rows that are not loud go no further.
2. The speech model, every 32 ms of the rows that are. Frames of 20 ms fill the windows at a phase
   of each row's own, so that the work of a cohort is even. While a sound rises, a window is taken
   early, ending with the newest frame: waiting for the grid would cost up to 32 ms, and barge-in
   has 60 ms in all.
3. Hysteresis, of the rows that had a window:

       QUIET -- a window of speech --> SUSPECTED -- start_ms of speech --> SPEAKING
         ^------ drop_ms of silence -------'                                  |
         '------------------------- end_ms of silence ------------------------'

Windows that touch a concealed frame are not judged; once the concealment has lasted CONCEALED_MS
they count as silence.
"""

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .lanes import FRAME_MS, Columns, frame_samples, which
from .loudness import FULL_SCALE, Loudness
from .onset import Onset, OnsetTick
from .silero_weights import WINDOW_SAMPLES
from .speech_model import SpeechModel, open_speech_model

RISING_FRAMES = 3
"Strong frames at the start of a sound that are each judged at once."
SIGN_FRAMES = 6
"Strong frames at the start of a sound in which a lower probability is enough to suspect."
BACKDATE_MS = 160
"At most so long before the first window of speech does speech begin."
CONCEALED_MS = 200
"Concealment that lasts longer counts as silence."
PEAK_FACTOR = 3.0
"A peak of speech or noise over its mean."
PHASES = 8
"Different window phases that rows are started with: 8 frames are 5 windows."

Rows = NDArray[np.intp]
Samples = NDArray[np.int64]
NO_ROWS: Rows = np.zeros(0, np.intp)
NO_SAMPLES: Samples = np.zeros(0, np.int64)


class VadSettings(msgspec.Struct, frozen=True):
    """When sound becomes speech and stops being it."""

    speech_probability: float = 0.5
    "A window at or above it is speech; `Vad.set_threshold` sets it for one row."
    silence_below: float = 0.15
    "A window so far below speech_probability is silence; between the two nothing is counted."
    rising_share: float = 0.4
    "While the newest frame is strong, this share of speech_probability is enough to suspect."
    start_ms: int = 96
    "Speech until SpeechStarted."
    drop_ms: int = 96
    "Silence until a suspicion is dropped."
    doubt_ms: int = 500
    "A suspicion that is neither confirmed nor silent is dropped so long after it began."
    end_ms: int = 200
    "Silence until SpeechEnded."
    loud_db: float = 6.0
    "Above the noise floor a frame is loud."
    strong_db: float = 10.0
    "Above the noise floor a frame is strong."


class VadTick(msgspec.Struct, frozen=True):
    """What became known in one tick: row numbers, mostly none."""

    suspected: Rows = NO_ROWS
    dropped: Rows = NO_ROWS
    started: Rows = NO_ROWS
    began_samples: Samples = NO_SAMPLES
    "Of each started row: where its speech began."
    ended: Rows = NO_ROWS
    ended_samples: Samples = NO_SAMPLES
    "Of each ended row: where its speech ended."


NOTHING = VadTick()


class Vad(Columns):
    """Voice activity of the lanes of one cohort. `speaking` and `probability` may be read."""

    def __init__(
        self,
        capacity: int,
        rate_hz: int,
        settings: VadSettings | None = None,
        model: SpeechModel | None = None,
    ) -> None:
        super().__init__(capacity)
        self.settings = settings = settings or VadSettings()
        self.model = model or open_speech_model(rate_hz, capacity)
        self.loudness = Loudness(capacity, rate_hz, settings.loud_db, settings.strong_db)
        self.onset = Onset(capacity)
        self._frame = frame_samples(rate_hz)
        self._window = WINDOW_SAMPLES[rate_hz]
        self._per_ms = rate_hz // 1000
        self.speaking = self.column("speaking", np.bool_)
        self.suspected = self.column("suspected", np.bool_)
        self.probability = self.column("probability", np.float32)
        self.threshold = self.column("threshold", np.float32, fill=settings.speech_probability)
        self.recent = self.column("recent", np.int16, self._window + self._frame)
        self.pending = self.column("pending", np.int32)
        "Samples at the end of `recent` that no window has held."
        self.clean = self.column("clean", np.int32)
        "Samples since the last concealed frame."
        self.concealed_frames = self.column("concealed_frames", np.int32)
        "Concealed frames in a row up to now."
        self.speech_run = self.column("speech_run", np.int32)
        self.silence_run = self.column("silence_run", np.int32)
        self.began = self.column("began", np.int64)
        self.last_speech = self.column("last_speech", np.int64)
        "Where the last window of speech ended."
        self._start_rows(0)

    def _start_rows(self, first: int) -> None:
        """Give rows from `first` on their window phases, and view the new arrays."""
        phases = np.arange(first, self.capacity) % PHASES
        self.pending[first:] = phases * (self._window // PHASES)
        self._windows = sliding_window_view(self.recent, self._window, axis=1)

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` rows."""
        first = self.capacity
        super().grow(capacity)
        self.model.grow(capacity)
        self.loudness.grow(capacity)
        self.onset.grow(capacity)
        self._start_rows(first)

    def clear(self, row: int) -> None:
        """Make a row as new: quiet, nothing heard."""
        super().clear(row)
        self.model.clear(row)
        self.loudness.clear(row)
        self.onset.clear(row)
        self.pending[row] = row % PHASES * (self._window // PHASES)

    def set_threshold(self, row: int, probability: float) -> None:
        """Judge one row more strictly (a bad line), or as usual again."""
        self.threshold[row] = probability

    def push(
        self,
        n: int,
        frames: NDArray[np.int16],
        concealed: NDArray[np.bool_],
        positions: Samples,
    ) -> VadTick:
        """Hear a frame of rows 0..n-1.

        `frames` is [n, F], `concealed` [n] marks frames that were made up, `positions` [n] is each
        frame's first sample on its lane's axis.
        """
        frames, concealed, positions = frames[:n], concealed[:n], positions[:n]
        real = ~concealed
        speaking, pending = self.speaking[:n], self.pending[:n]
        recent = self.recent[:n]
        recent[:, : -self._frame] = recent[:, self._frame :]
        recent[:, -self._frame :] = frames
        pending += self._frame
        self._count_concealed(n, concealed, real)
        self.loudness.push(n, frames, real, positions, speaking)
        active = speaking | self.suspected[:n]
        rising = self.loudness.strong_frames[:n] <= RISING_FRAMES
        rising &= self.loudness.strong[:n]
        rising &= ~active
        due = pending >= self._window
        due |= rising
        active |= self.loudness.hold_frames[:n] > 0
        rows = which(due & active)
        passed_over = due & ~active
        pending[passed_over] -= self._window
        self.probability[:n][passed_over] = 0
        return self._judge(rows, rising[rows], positions) if len(rows) else NOTHING

    def look_ahead(
        self,
        n: int,
        arrived: NDArray[np.int16],
        sent: NDArray[np.int16],
        audible: NDArray[np.bool_],
    ) -> OnsetTick:
        """Does a sound rise while the agent speaks? Once a tick, after `push`.

        `arrived` [n, F] is what waits to be heard, `sent` [n, F] the last frame that left,
        `audible` [n]: the agent speaks.
        """
        peak = np.sqrt(self.loudness.energy[:n])  # of what is heard already
        peak *= PEAK_FACTOR * FULL_SCALE
        peak[self.concealed_frames[:n] > 0] = 0
        np.maximum(peak, arrived.max(axis=1), out=peak)
        speech = self.speaking[:n] | self.suspected[:n]
        return self.onset.push(n, peak, sent, self.loudness.floor[:n], audible, speech)

    def _count_concealed(
        self, n: int, concealed: NDArray[np.bool_], real: NDArray[np.bool_]
    ) -> None:
        clean, in_a_row = self.clean[:n], self.concealed_frames[:n]
        clean += self._frame
        clean[concealed] = 0
        in_a_row += 1
        in_a_row[real] = 0

    def _judge(self, rows: Rows, rising: NDArray[np.bool_], positions: Samples) -> VadTick:
        """Run the model on a window of each row and move the rows' states."""
        pending = self.pending[rows]
        taken = np.where(rising, self._window, pending)
        probability = self._hear(rows, self.recent.shape[1] - taken)
        fresh = np.minimum(pending, self._window)
        self.pending[rows] = np.where(rising, 0, pending - self._window)
        ends = positions[rows] + self._frame - taken + self._window
        lost = self.concealed_frames[rows] > CONCEALED_MS // FRAME_MS
        probability[lost] = 0
        judged = which(lost | (self.clean[rows] >= taken))
        rows, probability = rows[judged], probability[judged]
        self.probability[rows] = probability
        return self._move(rows, probability, fresh[judged], ends[judged])

    def _hear(self, rows: Rows, starts: Samples) -> NDArray[np.float32]:
        """The model's probability for the window at `starts` of each row; 0 where not loud."""
        probability = np.zeros(len(rows), np.float32)
        loud = which(self.loudness.hold_frames[rows] > 0)
        if len(loud):
            scale = self.loudness.gain(rows[loud]) * np.float32(1 / FULL_SCALE)
            windows = self._windows[rows[loud], starts[loud]] * scale[:, None]
            probability[loud] = self.model.probabilities(windows, rows[loud])
        return probability

    def _move(
        self, rows: Rows, probability: NDArray[np.float32], fresh: NDArray[np.int32], ends: Samples
    ) -> VadTick:
        """Hysteresis. `fresh`: samples that no earlier window held; `ends`: the window's end."""
        settings, threshold = self.settings, self.threshold[rows]
        speaking, suspected = self.speaking[rows], self.suspected[rows]
        # The model hears speech for up to 100 ms after it: sound that has gone is silence.
        gone = self.loudness.loud_ended[rows] <= ends - self._window
        speech = (probability >= threshold) & ~gone
        silence = (probability < threshold - settings.silence_below) | gone
        sign = self.loudness.strong[rows] & (self.loudness.strong_frames[rows] <= SIGN_FRAMES)
        sign &= probability >= threshold * settings.rising_share
        new = (speech | sign) & ~speaking & ~suspected
        begins = rows[new]
        self.suspected[begins] = True
        self.speech_run[begins] = 0
        self.began[begins] = self._first_edge(begins, ends[new] - self._window)
        self.last_speech[rows[speech]] = ends[speech]
        self.speech_run[rows] += np.where(speech, fresh, 0)
        self.silence_run[rows] += np.where(silence, fresh, 0)
        self.silence_run[rows[speech | new]] = 0
        voiced_ms = self.speech_run[rows] // self._per_ms
        silent_ms = self.silence_run[rows] // self._per_ms
        started = rows[suspected & (voiced_ms >= settings.start_ms)]
        doubted_ms = (ends - self.began[rows]) // self._per_ms
        hopeless = (silent_ms >= settings.drop_ms) | (doubted_ms >= settings.doubt_ms)
        dropped = rows[suspected & hopeless & (voiced_ms < settings.start_ms)]
        ended = rows[speaking & (silent_ms >= settings.end_ms)]
        if not len(begins) + len(started) + len(dropped) + len(ended):
            return NOTHING
        self.suspected[started] = self.suspected[dropped] = False
        self.speaking[started] = True
        self.speaking[ended] = False
        began_samples = self.began[started]
        ended_samples = self._last_edge(ended)
        return VadTick(begins, dropped, started, began_samples, ended, ended_samples)

    def _last_edge(self, rows: Rows) -> Samples:
        """Where speech that has gone ended: where the sound fell, if that was near."""
        last, fell = self.last_speech[rows], self.loudness.loud_ended[rows]
        return np.where(fell - last <= self._window, fell, last)

    def _first_edge(self, rows: Rows, window_began: Samples) -> Samples:
        """Where speech that was first seen in this window began: where the sound rose."""
        rose = self.loudness.strong_began[rows]
        earliest = window_began - BACKDATE_MS * self._per_ms
        known = (self.loudness.strong_frames[rows] > 0) & (rose <= window_began + self._window)
        return np.where(known, np.maximum(rose, earliest), window_began)
