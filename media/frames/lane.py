"""A lane as its session sees it: one row of a cohort behind verbs. Implements LanePort."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs import dtmf
from ...codecs.catalog import Codec
from ..events import AnyMediaEvent, DigitPressed, DigitSource
from ..ports import Quality
from .cohort import NEVER, Cohort
from .echo import echo_score
from .history import HEARD, SENT, Channel
from .inbound import NO_PAYLOAD_TYPE
from .lanes import FRAME_MS
from .recorder import RecordingEnded
from .telephone_event import DigitReceiver
from .wire import PORT_BITS

ECHO_SPAN_MS = 600
"How far back our own signal is looked for: 500 ms of echo path and the window."


class LaneSettings(msgspec.Struct, frozen=True):
    """What signalling has agreed about a leg's audio."""

    codec: Codec
    payload_type: int
    "To send with."
    receive_payload_type: int
    destination: int
    "Where to send until the far end's packets show its true address; `wire.address_key`, 0: wait."
    signalling: int = 0
    "The machine that signals for it: `wire.address_key` with port 0; 0: not known."
    fmtp: str = ""
    "What the far end asks of our encoder (a=fmtp)."
    event_payload_type: int | None = None
    "RFC 4733, to send with; None: keys go as tones."
    receive_event_payload_type: int | None = None
    event_clock_hz: int = 8000
    sending: bool = True
    receiving: bool = True
    "False: on hold, silence is no fault."


class Lane:
    """One leg's audio. Made by Engine.open, ended by Engine.close."""

    def __init__(self, cohort: Cohort, row: int) -> None:
        self._cohort = cohort
        self._row = row
        self._settings: LaneSettings | None = None
        self._recorded = False
        self.recording_ended: Future[RecordingEnded] | None = None
        "What became of the recording, once the lane has ended; None: there was none."
        "There is a file."
        self.rate_hz = cohort.rate_hz
        self.open = True

    # -- signalling ----------------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, int]:
        """Cohort number and row: what a Wire attaches sockets to."""
        return self._cohort.number, self._row

    def configure(self, settings: LaneSettings) -> None:
        """Begin, or go on with what a re-INVITE has changed; the codec keeps the lane's rate."""
        assert settings.codec.sample_rate_hz == self.rate_hz, "a lane keeps its sample rate"
        cohort, row, old = self._cohort, self._row, self._settings
        if old is None or _sends_anew(old, settings):
            cohort.outbound.configure(row, settings.codec, settings.payload_type, settings.fmtp)
        moved = old is None or old.destination != settings.destination
        codec_changed = old is None or old.codec != settings.codec
        if moved or codec_changed or _receives_anew(old, settings):
            cohort.inbound.configure(
                row, settings.codec, settings.receive_payload_type, relatch=moved
            )
            if codec_changed:
                cohort.jitter.configure(row, settings.codec.clock_rate_hz)
        cohort.inbound.expect(row, settings.destination, settings.signalling)
        if moved:
            cohort.outbound.destination[row] = settings.destination
        cohort.outbound.sending[row] = settings.sending
        cohort.outbound.marker[row] = True
        event_type = settings.receive_event_payload_type
        cohort.inbound.event_payload_type[row] = (
            NO_PAYLOAD_TYPE if event_type is None else event_type
        )
        cohort.lanes.in_band_keys[row] = event_type is None
        cohort.key_receivers.setdefault(row, DigitReceiver(self.rate_hz))
        cohort.inbound.heard_tick[row] = cohort.ticks
        cohort.lanes.expects_media[row] = settings.receiving
        cohort.lanes.lost[row] = False
        self._settings = settings

    def press(self, digit: str) -> None:
        """A key press that came by signalling (SIP INFO) joins the lane's one stream of keys."""
        if self.sink is not None:
            self.sink(DigitPressed(self.position_samples, digit, DigitSource.INFO))

    def receive_control(self, data: bytes, source: int, now: float) -> None:
        """An RTCP packet on the leg's own RTCP port, from `source` (`wire.address_key`).

        Its port is its own, but once the audio's source is known the machine has to be the same.
        """
        if not self.open:
            return
        latched = int(self._cohort.inbound.source[self._row])
        if latched and source >> PORT_BITS != latched >> PORT_BITS:
            self._cohort.inbound.strangers[self._row] += 1
        else:
            self._cohort.reports.receive(self._row, data, now)

    @property
    def codec(self) -> Codec | None:
        """What was agreed."""
        return self._settings.codec if self._settings else None

    # -- LanePort ------------------------------------------------------------------------------

    @property
    def sink(self) -> Callable[[AnyMediaEvent], None] | None:
        """Gets this lane's events, synchronously, on the tick."""
        return self._cohort.sinks.get(self._row) if self.open else None

    @sink.setter
    def sink(self, sink: Callable[[AnyMediaEvent], None] | None) -> None:
        if not self.open:
            return
        if sink is None:
            self._cohort.sinks.pop(self._row, None)
        else:
            self._cohort.sinks[self._row] = sink

    @property
    def missed_samples(self) -> int:
        """Media time that stalls of the frame clock have swallowed; its growth is what counts."""
        return self._cohort.skipped_ticks * self._cohort.frame

    @property
    def position_samples(self) -> int:
        """The lane's media time now."""
        if self.open:
            return int(self._cohort.lanes.position[self._row])
        return self._last_position

    _last_position = 0

    def play(self, epoch: int, pcm: NDArray[np.int16]) -> None:
        """Append audio to an epoch."""
        if self.open:
            self._cohort.playout.play(self._row, epoch, pcm)

    def finish(self, epoch: int) -> None:
        """No more audio comes for this epoch."""
        if self.open:
            self._cohort.playout.finish(self._row, epoch)

    def open_gate(self, epoch: int) -> None:
        """Let an epoch play."""
        if self.open:
            self._cohort.playout.open(self._row, epoch)

    def drop(self, epoch: int) -> None:
        """Forget a staged epoch."""
        if self.open:
            self._cohort.playout.drop(self._row, epoch)

    def stop(self, fade_ms: int) -> int:
        """Stop the open epoch with a fade; returns its samples played, fade included."""
        if not self.open:
            return 0
        return self._cohort.playout.stop(self._row, self._samples(fade_ms))

    def duck(self, gain_db: float, ramp_ms: int) -> None:
        """Ramp the agent's gain."""
        if self.open:
            gain = 10.0 ** (gain_db / 20.0)
            self._cohort.playout.duck(self._row, gain, self._samples(ramp_ms))

    def played_samples(self, epoch: int) -> int:
        """How much of an epoch has left the gate."""
        return self._cohort.playout.played(self._row, epoch) if self.open else 0

    def capture(self, from_samples: int) -> None:
        """Emit AudioCaptured every 100 ms from that position on."""
        if self.open:
            oldest = self.position_samples - self.rate_hz
            self._cohort.lanes.capture[self._row] = max(from_samples, oldest, 0)

    def end_capture(self) -> None:
        """Emit what was captured and not yet told, then stop."""
        if self.open and self._cohort.lanes.capture[self._row] != NEVER:
            self._cohort.emit_captured(self._row)
            self._cohort.lanes.capture[self._row] = NEVER

    def set_alarm(self, at_samples: int | None) -> None:
        """One alarm a lane."""
        if self.open:
            self._cohort.lanes.alarm[self._row] = NEVER if at_samples is None else at_samples

    def echo_score(self, window_ms: int) -> float | None:
        """0..1: how much of what was heard is our own signal coming back; None: nothing was."""
        if not self.open:
            return 0.0
        end = self.position_samples
        history = self._cohort.history
        heard = history.read(self._row, HEARD, end - self._samples(window_ms), end)
        sent = history.read(self._row, SENT, end - self._samples(ECHO_SPAN_MS + window_ms), end)
        return echo_score(heard, sent, self.rate_hz)

    def far_delay_samples(self) -> int:
        """One-way delay plus the far end's buffer, from RTCP."""
        return self._cohort.reports.far_delay_samples(self._row) if self.open else 0

    def listen_for_tones(self, on: bool) -> None:
        """Tell steady tones, or no longer."""
        if self.open:
            self._cohort.tones.listen(self._row, on)

    def send_digits(self, digits: str) -> None:
        """Send key presses: RFC 4733 where agreed, tones otherwise."""
        if not self.open or self._settings is None:
            return
        payload_type = self._settings.event_payload_type
        if payload_type is not None:
            clock_hz = self._settings.event_clock_hz
            self._cohort.outbound.press(self._row, digits, payload_type, clock_hz)
        else:
            self._cohort.playout.overlay(self._row, dtmf.generate(digits, self.rate_hz))

    def mute(self, on: bool) -> None:
        """Send silence in place of the agent."""
        if self.open:
            self._cohort.playout.mute(self._row, on)

    @property
    def dead_chunks(self) -> int:
        """Pieces of cancelled replies' audio that the gate threw away."""
        if self.open:
            return int(self._cohort.playout.dead_chunks[self._row])
        return self._last_dead_chunks

    _last_dead_chunks = 0

    def quality(self) -> Quality:
        """The line as measured so far."""
        if not self.open or self._settings is None:
            return self._last_quality
        return self._cohort.reports.quality(self._row, self._settings.codec.name)

    _last_quality = Quality()

    # -- joining -------------------------------------------------------------------------------

    def hear_also(self, other: "Lane", side: Channel = HEARD) -> None:
        """What `other`'s far end says (SENT: its agent) is sent to this lane's far end, too."""
        if self.open and other.open:
            self._cohort.mixer.connect(self._row, other._cohort, other._row, side)

    def hear_no_more(self, other: "Lane", side: Channel = HEARD) -> None:
        """The end of `hear_also`."""
        if self.open and other.open:
            self._cohort.mixer.disconnect(self._row, other._cohort, other._row, side)

    # -- recording -----------------------------------------------------------------------------

    def record(
        self, path: Path, on_error: Callable[[RecordingEnded], object] | None = None
    ) -> None:
        """Record both channels into a WAV file from now on (it is at most 1.2 s behind).

        What came before is silence in the file: its time axis is the lane's.
        """
        if self.open:
            self._cohort.recorder.start(self.place, path, self.rate_hz, on_error)
            self._cohort.lanes.recording[self._row] = True
            self._cohort.lanes.recorded_from[self._row] = self.position_samples
            self._recorded = True

    def keep_recording(self, on: bool) -> bool:
        """Record what follows, or leave it out as silence. False: nothing was ever recorded."""
        if not self.open or not self._recorded:
            return False
        lanes = self._cohort.lanes
        if on and not lanes.recording[self._row]:
            lanes.recorded_from[self._row] = self.position_samples
        elif not on and lanes.recording[self._row]:
            self._cohort.flush_recording(self._row, 1000 // FRAME_MS)
        lanes.recording[self._row] = on
        return True

    def end(self, now: float) -> None:
        """The row is about to be given back: tell what is untold, keep what is asked for later."""
        self.end_capture()
        if self._cohort.lanes.recording[self._row]:
            self._cohort.flush_recording(self._row, 1000 // FRAME_MS)
        if self._recorded:
            self.recording_ended = self._cohort.recorder.stop(self.place)
        self._cohort.say_goodbye(self._row, now)
        self._last_position = self.position_samples
        self._last_quality = self.quality()
        self._last_dead_chunks = self.dead_chunks
        self.open = False

    def _samples(self, ms: int) -> int:
        return self.rate_hz * ms // 1000


def _receives_anew(old: LaneSettings | None, new: LaneSettings) -> bool:
    return old is None or old.receive_payload_type != new.receive_payload_type


def _sends_anew(old: LaneSettings, new: LaneSettings) -> bool:
    before = old.codec, old.payload_type, old.fmtp
    return before != (new.codec, new.payload_type, new.fmtp)
