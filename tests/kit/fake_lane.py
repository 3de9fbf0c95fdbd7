"""A lane without frames: plays epochs, captures, alarms, and hears a scripted caller.

Every 20 ms frame of captured audio holds its own number as sample value, so that the fake
transcriber knows what audio it was given.
"""

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from offhook.media.events import (
    AlarmDue,
    AnyMediaEvent,
    AudioCaptured,
    PlayoutFinished,
    PlayoutStarted,
    SoundPassed,
    SoundRose,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    SuspicionDropped,
)
from offhook.media.ports import Quality

FRAME_MS = 20
CAPTURE_MS = 100
RISE_MS, PASS_MS = 20, 160
"How long after its begin a sound is told, and how long at most it is waited for."
SUSPECT_MS, START_MS, HANGOVER_MS = 40, 100, 200
"How long after the edge the VAD tells of it."


class Sent(msgspec.Struct, frozen=True):
    """What left the gate in one go."""

    at_samples: int
    epoch: int
    pcm: NDArray[np.int16]
    gain_db: float
    fading: bool = False
    muted: bool = False


class FakeLane:
    """Implements LanePort; `tick` is the engine."""

    def __init__(self, rate_hz: int = 8000) -> None:
        self.rate_hz = rate_hz
        self.sink: Callable[[AnyMediaEvent], None] | None = None
        self.position_samples = 0
        self.missed_samples = 0
        self.sent: list[Sent] = []
        self.levels: list[tuple[int, float]] = []
        self.dead_chunks = 0
        self.closed = False
        "The leg has ended: verbs do nothing, counts are 0, the position stays."
        self.packets = 0
        self.echo: float | None = 0.0
        self.loss = 0.0
        self.delay_samples = 0
        self.digits_sent = ""
        self.muted = False
        self.tones_wanted = False
        self.recording: bool | None = None
        "None: nothing was ever recorded."
        self.frame = rate_hz * FRAME_MS // 1000
        self._gain_db = 0.0
        self._epochs: dict[int, NDArray[np.int16]] = {}
        self._finished: set[int] = set()
        self._played: dict[int, int] = {}
        self._open: int | None = None
        self._dead_below = 0
        self._dead: set[int] = set()
        self._alarm: int | None = None
        self._capture_from: int | None = None
        self._script: list[tuple[int, int, AnyMediaEvent]] = []

    # --- LanePort ---

    def play(self, epoch: int, pcm: NDArray[np.int16]) -> None:
        if epoch < self._dead_below or epoch in self._dead:
            self.dead_chunks += 1
            return
        old = self._epochs.get(epoch, np.zeros(0, np.int16))
        self._epochs[epoch] = np.concatenate([old, pcm])

    def finish(self, epoch: int) -> None:
        self._finished.add(epoch)

    def open_gate(self, epoch: int) -> None:
        assert epoch >= self._dead_below, "an old epoch was opened"
        assert epoch not in self._dead, "a dead epoch was opened"
        self._open, self._dead_below = epoch, epoch
        self._epochs = {key: pcm for key, pcm in self._epochs.items() if key >= epoch}

    def drop(self, epoch: int) -> None:
        assert epoch != self._open, "an open epoch was dropped instead of stopped"
        self._dead.add(epoch)
        self._epochs.pop(epoch, None)

    def stop(self, fade_ms: int) -> int:
        if self._open is None or self.closed:
            return 0
        epoch, self._open = self._open, None
        self._send(epoch, min(fade_ms * self.rate_hz // 1000, self._left(epoch)), fading=True)
        self._dead.add(epoch)
        self._epochs.pop(epoch, None)
        return self._played.get(epoch, 0)

    def duck(self, gain_db: float, ramp_ms: int) -> None:
        self._gain_db = gain_db
        self.levels.append((self.position_samples, gain_db))

    def played_samples(self, epoch: int) -> int:
        return 0 if self.closed else self._played.get(epoch, 0)

    def capture(self, from_samples: int) -> None:
        assert from_samples <= self.position_samples, "audio of the future was asked for"
        self._capture_from = max(from_samples, self.position_samples - self.rate_hz)

    def end_capture(self) -> None:
        self._tell_captured()
        self._capture_from = None

    def set_alarm(self, at_samples: int | None) -> None:
        assert at_samples is None or at_samples > self.position_samples, "an alarm in the past"
        self._alarm = at_samples

    def echo_score(self, window_ms: int) -> float | None:
        return self.echo

    def far_delay_samples(self) -> int:
        return self.delay_samples

    def listen_for_tones(self, on: bool) -> None:
        self.tones_wanted = on

    def send_digits(self, digits: str) -> None:
        self.digits_sent += digits

    def mute(self, on: bool) -> None:
        self.muted = on

    def keep_recording(self, on: bool) -> bool:
        if self.recording is None:
            return False
        self.recording = on
        return True

    def quality(self) -> Quality:
        return Quality(
            concealed_samples=round(self.loss * self.position_samples),
            total_samples_received=self.position_samples,
            packets_received=self.packets,
        )

    # --- the caller ---

    def talk(self, begin_ms: int, end_ms: int) -> None:
        """Speech from now + `begin_ms` to now + `end_ms`, as a VAD tells of it."""
        begin, end = self._in(begin_ms), self._in(end_ms)
        self.click(begin_ms)
        if end_ms - begin_ms >= SUSPECT_MS:
            self.expect(SpeechSuspected(begin + self._ms(SUSPECT_MS)))
        if end_ms - begin_ms >= START_MS:
            self.expect(SpeechStarted(begin + self._ms(START_MS), begin))
            self.expect(SpeechEnded(end + self._ms(HANGOVER_MS), end))
        else:
            self.expect(SuspicionDropped(begin + self._ms(START_MS + 20)))

    def click(self, begin_ms: int) -> None:
        """A sound over the agent that begins now + `begin_ms`, whatever it turns out to be."""
        begin = self._in(begin_ms)
        self.expect(SoundRose(begin + self._ms(RISE_MS)))
        self.expect(SoundPassed(begin + self._ms(RISE_MS + PASS_MS)))

    def expect(self, event: AnyMediaEvent) -> None:
        """Tell this event when its position is reached."""
        self._script.append((event.at_samples, len(self._script), event))
        self._script.sort(key=lambda entry: entry[:2])

    # --- the engine ---

    def tick(self) -> None:
        """20 ms."""
        if self.closed:
            return
        while self._script and self._script[0][0] <= self.position_samples:
            event = self._script.pop(0)[2]
            self._tell(msgspec.structs.replace(event, at_samples=self.position_samples))
        if self._alarm is not None and self._alarm <= self.position_samples:
            self._alarm = None
            self._tell(AlarmDue(self.position_samples))
        self._play_out()
        self.position_samples += self.frame
        begun = self._capture_from
        if begun is not None and self.position_samples - begun >= self._ms(CAPTURE_MS):
            self._tell_captured()

    @property
    def alarm(self) -> int | None:
        return self._alarm

    @property
    def playing(self) -> bool:
        """Something would leave the gate on the next tick."""
        return self._open is not None and self._left(self._open) > 0

    def codes(self) -> list[int]:
        """The sample values that left, repeated ones told once."""
        codes: list[int] = []
        for sent in self.sent:
            edges = np.flatnonzero(np.diff(sent.pcm, prepend=sent.pcm[:1] - 1))
            codes += [int(code) for code in sent.pcm[edges] if codes[-1:] != [int(code)]]
        return codes

    def _play_out(self) -> None:
        epoch = self._open
        if epoch is None:
            return
        if self._left(epoch):
            first = not self._played.get(epoch)
            self._send(epoch, min(self.frame, self._left(epoch)))
            if first:
                self._tell(PlayoutStarted(self.position_samples, epoch))
        if self._open == epoch and epoch in self._finished and not self._left(epoch):
            if played := self._played.get(epoch, 0):
                self._tell(PlayoutFinished(self.position_samples, epoch, played))
            self._finished.discard(epoch)

    def _send(self, epoch: int, samples: int, *, fading: bool = False) -> None:
        if not samples:
            return
        begin = self._played.get(epoch, 0)
        pcm = self._epochs[epoch][begin : begin + samples]
        self._played[epoch] = begin + samples
        self.sent.append(Sent(self.position_samples, epoch, pcm, self._gain_db, fading, self.muted))

    def _left(self, epoch: int) -> int:
        return len(self._epochs.get(epoch, ())) - self._played.get(epoch, 0)

    def _tell_captured(self) -> None:
        begin = self._capture_from
        if begin is None or begin >= self.position_samples:
            return
        self._capture_from = self.position_samples
        numbers = np.arange(begin, self.position_samples) // self.frame
        self._tell(AudioCaptured(self.position_samples, begin, numbers.astype("<i2").tobytes()))

    def _tell(self, event: AnyMediaEvent) -> None:
        if self.sink is not None:
            self.sink(event)

    def _ms(self, ms: int) -> int:
        return ms * self.rate_hz // 1000

    def _in(self, ms: int) -> int:
        return self.position_samples + self._ms(ms)
