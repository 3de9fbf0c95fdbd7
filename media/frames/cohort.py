"""One cohort: the lanes of one sample rate that tick together. Its `tick` is the frame path.

    wire → inbound → jitter → VAD, keys ──events──▶ sessions
    wire ← outbound ← playout gate ◀──audio, by epoch──┘       history keeps both for the recorder

Everything here happens for all rows at once; Python per lane only where something happened.
"""

import logging
import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...codecs.dtmf import DtmfDetector
from ..clock import Clock
from ..events import (
    AlarmDue,
    AnyMediaEvent,
    AudioCaptured,
    DigitPressed,
    DigitSource,
    MediaLost,
    MediaStarted,
    PlayoutFinished,
    PlayoutStarted,
    SoundPassed,
    SoundRose,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    SuspicionDropped,
    ToneEnded,
    ToneHeard,
)
from .history import HEARD, History
from .inbound import Inbound, KeyPacket
from .jitter import Jitter
from .lanes import FRAME_MS, Columns, Rows, frame_samples, which
from .mixer import Mixer
from .outbound import Outbound
from .playout import Playout
from .recorder import Block, Recorder
from .reports import Reports
from .telephone_event import DigitReceiver
from .tones import Tones
from .vad import Vad, VadSettings
from .wire import Inbox, Wire

NEVER = np.iinfo(np.int64).max
CAPTURE_MS = 100
"One piece of captured audio."
RECORD_FRAMES = 50
"A lane's recording is handed to the writer once a second."
TICKS_APART = 3
"""What is done for all rows every tenth tick, cohorts do so far from one another: four long ticks
in a row add up to lateness, and lateness is judged by the worst ticks."""
MEDIA_LOST_TICKS = 250
"5 s without a packet."

logger = logging.getLogger(__name__)

Sink = Callable[[AnyMediaEvent], None]


class LaneColumns(Columns):
    """What the cohort itself keeps of a lane."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.position: NDArray[np.int64] = self.column("position", np.int64)
        "Samples since the lane was opened: the axis that everything shares."
        self.alarm: NDArray[np.int64] = self.column("alarm", np.int64, fill=NEVER)
        self.capture: NDArray[np.int64] = self.column("capture", np.int64, fill=NEVER)
        "First sample of the next piece of captured audio."
        self.recording: NDArray[np.bool_] = self.column("recording", np.bool_)
        self.recorded_from: NDArray[np.int64] = self.column("recorded_from", np.int64)
        "What came before was not to be recorded."
        self.in_band_keys: NDArray[np.bool_] = self.column("in_band_keys", np.bool_)
        "No RFC 4733 was agreed: listen for tones."
        self.expects_media: NDArray[np.bool_] = self.column("expects_media", np.bool_)
        self.lost: NDArray[np.bool_] = self.column("lost", np.bool_)
        "MediaLost has been told."


class Cohort:
    """The lanes of one rate and phase, and their way through a tick."""

    def __init__(
        self,
        number: int,
        rate_hz: int,
        wire: Wire,
        recorder: Recorder,
        clock: Clock,
        rng: random.Random,
        vad: VadSettings | None,
        rows: int,
    ) -> None:
        """`rows`: what there is room for at first."""
        self.number = number
        self.rate_hz = rate_hz
        self.frame = frame_samples(rate_hz)
        self.wire = wire
        self.recorder = recorder
        self.rows = Rows()
        self.ticks = 0
        self.skipped_ticks = 0
        "Of them: those that a stall swallowed."
        self.lanes = LaneColumns(rows)
        self.jitter = Jitter(rows, rate_hz, turn=TICKS_APART * number)
        self.inbound = Inbound(rows, rate_hz, self.jitter)
        self.vad = Vad(rows, rate_hz, vad) if vad else None
        self.keys = DtmfDetector(rows, rate_hz)
        self.tones = Tones(rows, rate_hz)
        self.playout = Playout(rows, rate_hz)
        self.history = History(rows, rate_hz)
        self.mixer = Mixer(rate_hz)
        self.outbound = Outbound(rows, rate_hz)
        self.heard: NDArray[np.int16] = np.zeros((0, self.frame), np.int16)
        "The last tick's frames of the far ends, int16[n, F]."
        self.own: NDArray[np.int16] = self.heard
        "What the agents said in the last tick, int16[n, F], without what was mixed in."
        self.reports = Reports(rows, self.inbound, self.outbound, self.jitter, clock.wall, rng)
        self.sinks: dict[int, Sink] = {}
        self.key_receivers: dict[int, DigitReceiver] = {}
        self._keys_down: set[int] = set()
        "Rows whose far end is pressing a key: their ends may have to be guessed."

    # -- rows ---------------------------------------------------------------------------------

    def take_row(self) -> int:
        """A clean row for a new lane; the columns grow when they are full."""
        row = self.rows.take()
        if row >= self.lanes.capacity:
            for columns in self._all_columns():
                columns.grow(2 * self.lanes.capacity)
            self.keys.grow(self.lanes.capacity)
        self._clear(row)  # a free row between others has been computed along
        return row

    def give_back(self, row: int) -> None:
        """End a lane: its row is as new, nothing of it is left."""
        self.sinks.pop(row, None)
        self.key_receivers.pop(row, None)
        self._keys_down.discard(row)
        self._clear(row)
        self.mixer.forget(row)
        self.rows.give_back(row)

    def _clear(self, row: int) -> None:
        for columns in self._all_columns():
            columns.clear(row)
        self.keys.clear(row)
        self.heard[row : row + 1] = 0  # what others may still mix in on their next tick
        self.own[row : row + 1] = 0

    def _all_columns(self) -> list[Columns]:
        steps: list[Columns] = [
            self.jitter,
            self.inbound,
            self.tones,
            self.playout,
            self.history,
            self.outbound,
            self.reports,
            self.lanes,  # last: its capacity says how far the others have grown
        ]
        return steps if self.vad is None else [self.vad, *steps]

    # -- the tick -----------------------------------------------------------------------------

    def tick(self, inbox: Inbox, now: float, due_wall: float) -> None:
        """One frame in and one frame out for every lane; `due_wall`: when this tick was due."""
        n = self.rows.high
        if n == 0:
            return
        self.ticks += 1
        self._receive(n, inbox, now, due_wall)
        self.inbound.decode(n)
        pulled = self.jitter.pull(n, self.ticks * self.frame)
        heard = self.heard = pulled.frames
        self._hear(n, heard, pulled.concealed)
        self._ring_alarms(n)
        spoken = self.playout.pull(n)
        self.own = self.mixer.own(spoken.frames)
        self.mixer.add(spoken.frames)
        self.outbound.send(n, spoken.frames, self.number, self.wire)
        self.history.push(n, heard, spoken.frames)
        self._tell_playout(spoken.started, spoken.finished)
        self.lanes.position[:n] += self.frame
        self._look_after(n)
        self.reports.tick(n, now, self._send_report)

    def skip(self) -> None:
        """A frame that the stalled clock never made: time goes on without it."""
        n = self.rows.high
        if n == 0:
            return
        self.ticks += 1
        self.skipped_ticks += 1
        silence = np.zeros((n, self.frame), np.int16)
        self.history.push(n, silence, silence)
        self.outbound.skip(n)
        self._ring_alarms(n)
        self.lanes.position[:n] += self.frame
        self._look_after(n)

    def _receive(self, n: int, inbox: Inbox, now: float, due_wall: float) -> None:
        count = self.wire.receive(self.number, inbox)
        if not count:
            return
        latched, keys = self.inbound.receive(
            count,
            inbox,
            self.ticks,
            due_wall,
            lambda row, data: self.reports.receive(row, data, now),
        )
        for row in latched.tolist():
            self.outbound.destination[row] = self.inbound.source[row]
            self._tell(row, MediaStarted(self._position(row)))
        for key in keys:
            self._key(key)

    def _hear(self, n: int, heard: NDArray[np.int16], concealed: NDArray[np.int64]) -> None:
        position = self.lanes.position
        if self.vad is not None:
            tick = self.vad.push(n, heard, concealed > 0, position[:n])
            self._look_ahead(n, self.vad)
            own = self.vad.onset.may_be_echo(tick.suspected)
            for row in tick.suspected[~own].tolist():
                self._tell(row, SpeechSuspected(self._position(row)))
            for row in tick.dropped.tolist():
                self._tell(row, SuspicionDropped(self._position(row)))
            for row, began in zip(tick.started.tolist(), tick.began_samples.tolist(), strict=True):
                self._tell(row, SpeechStarted(self._position(row), began))
            for row, ended in zip(tick.ended.tolist(), tick.ended_samples.tolist(), strict=True):
                self._tell(row, SpeechEnded(self._position(row), ended))
        listening = which(self.lanes.in_band_keys[:n])
        if listening.size:
            for found in self.keys.push(heard[listening], listening):
                at = self._position(found.row)
                self._tell(found.row, DigitPressed(at, found.digit, DigitSource.IN_BAND))
        self._hear_tones(n, heard)
        for row in tuple(self._keys_down):
            self._key_told(row, self.key_receivers[row].poll(self._position(row)))

    def _hear_tones(self, n: int, heard: NDArray[np.int16]) -> None:
        for tone in self.tones.push(n, heard, self.lanes.position[:n]):
            at, began, ended = self._position(tone.row), tone.began_samples, tone.ended_samples
            pitch = tone.low_hz, tone.high_hz
            if ended is None:
                self._tell(tone.row, ToneHeard(at, began, *pitch))
            else:
                self._tell(tone.row, ToneEnded(at, began, ended, *pitch))

    def _look_ahead(self, n: int, vad: Vad) -> None:
        """What has arrived is judged a frame before it is heard: every millisecond of it counts."""
        audible = self.playout.started[:n] & ~self.playout.over[:n]
        sent = self.playout.frames[:n]
        tick = vad.look_ahead(n, self.jitter.newest(n), sent, audible)
        for row in tick.rose.tolist():
            self._tell(row, SoundRose(self._position(row)))
        for row in tick.passed.tolist():
            self._tell(row, SoundPassed(self._position(row)))

    def _key(self, key: KeyPacket) -> None:
        receiver = self.key_receivers.get(key.row)
        if receiver is not None:
            at = self._position(key.row)
            digit = receiver.receive_payload(key.timestamp, key.payload, at)
            self._key_told(key.row, digit)

    def _key_told(self, row: int, digit: str | None) -> None:
        if self.key_receivers[row].busy:
            self._keys_down.add(row)
        else:
            self._keys_down.discard(row)
        if digit is not None:
            self._tell(row, DigitPressed(self._position(row), digit, DigitSource.RTP_EVENT))

    def _ring_alarms(self, n: int) -> None:
        """Before the frame is spoken: a reply that is decided on now leaves with this frame."""
        lanes = self.lanes
        heard_until = lanes.position[:n] + self.frame
        for row in which(lanes.alarm[:n] <= heard_until).tolist():
            at, lanes.alarm[row] = int(lanes.alarm[row]), NEVER
            self._tell(row, AlarmDue(max(at, self._position(row))))

    def _look_after(self, n: int) -> None:
        """Captured audio, recordings and far ends that fell silent."""
        lanes = self.lanes
        position = lanes.position[:n]
        piece = self.rate_hz * CAPTURE_MS // 1000
        for row in which(lanes.capture[:n] <= position - piece).tolist():
            self.emit_captured(row)
        turn = self.ticks % RECORD_FRAMES
        recorded = which(lanes.recording[turn:n:RECORD_FRAMES])
        if recorded.size:
            rows = (turn + recorded * RECORD_FRAMES).tolist()
            self.recorder.append([self._recorded(row, RECORD_FRAMES) for row in rows])
        silent = self.ticks - self.inbound.heard_tick[:n] > MEDIA_LOST_TICKS
        silent &= lanes.expects_media[:n]
        newly = silent & ~lanes.lost[:n]
        lanes.lost[:n] &= silent
        for row in which(newly).tolist():
            lanes.lost[row] = True
            self._tell(row, MediaLost(self._position(row), MEDIA_LOST_TICKS * FRAME_MS))

    def emit_captured(self, row: int) -> None:
        """Tell what the row has captured up to now."""
        begin, end = int(self.lanes.capture[row]), self._position(row)
        if begin >= end:
            return
        self.lanes.capture[row] = end
        pcm = self.history.read(row, HEARD, begin, end)
        self._tell(row, AudioCaptured(end, end - len(pcm), pcm.tobytes()))

    def flush_recording(self, row: int, frames: int) -> None:
        """Hand the last `frames` frames of a row to the recorder."""
        self.recorder.append([self._recorded(row, frames)])

    def _recorded(self, row: int, frames: int) -> Block:
        end = self._position(row)
        begin = max(int(self.lanes.recorded_from[row]), end - frames * self.frame)
        stereo = self.history.read_stereo(row, begin, end)
        return Block((self.number, row), end - stereo.shape[1], stereo)

    def _tell_playout(
        self, started: list[tuple[int, int]], finished: list[tuple[int, int, int]]
    ) -> None:
        for row, epoch in started:
            self._tell(row, PlayoutStarted(self._position(row), epoch))
        for row, epoch, played in finished:
            end = self._position(row) + self.frame
            self._tell(row, PlayoutFinished(end, epoch, played))

    def say_goodbye(self, row: int, now: float) -> None:
        """The lane's last RTCP packet."""
        self._send_report(row, self.reports.goodbye(row, now))

    def _send_report(self, row: int, data: bytes) -> None:
        self.wire.send_control(self.number, row, data)

    def _position(self, row: int) -> int:
        return int(self.lanes.position[row])

    def _tell(self, row: int, event: AnyMediaEvent) -> None:
        sink = self.sinks.get(row)
        if sink is None:
            return
        try:
            sink(event)
        except Exception:
            # One call's fault must not take the tick of all others with it.
            logger.exception("a lane's listener failed on %s", type(event).__name__)
