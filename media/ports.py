"""The ports of lanes and legs: what the conversation needs of them, as protocols.

Frames implement LanePort, drivers implement LegPort; the conversation knows nothing else of them.
Not here: what it needs of recognition, language and voices (speech_ports.py).
"""

import enum
from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from .events import AnyMediaEvent

# --- the lane: a leg's audio ---------------------------------------------------------------------


def _w3c_name(field: str) -> str:
    """`jitter_buffer_delay_s` is `jitterBufferDelay` in webrtc-stats: camel case, no unit."""
    first, *rest = field.removesuffix("_s").split("_")
    return first + "".join(word.capitalize() for word in rest)


class FarEndQuality(msgspec.Struct, frozen=True, kw_only=True, rename=_w3c_name):
    """How our stream arrives at the far end, by its last RTCP report (remote-inbound-rtp)."""

    fraction_lost: float
    "0..1, since its report before."
    packets_lost: int
    "Since the call began; a far end that counts duplicates may report less than none."
    jitter_s: float
    round_trip_time_s: float | None = None
    "None: it has not yet reported on a report of ours. The same as Quality's."


class Quality(msgspec.Struct, frozen=True, kw_only=True, rename=_w3c_name):
    """The line: in JSON by the W3C's names and units (webrtc-stats), and the E-model's MOS."""

    packets_received: int = 0
    packets_sent: int = 0
    packets_lost: int = 0
    packets_discarded: int = 0
    "Late, duplicate, or from a stranger."
    concealed_samples: int = 0
    silent_concealed_samples: int = 0
    concealment_events: int = 0
    inserted_samples_for_deceleration: int = 0
    removed_samples_for_acceleration: int = 0
    total_samples_received: int = 0
    jitter_s: float = 0.0
    "Interarrival jitter (RFC 3550 §6.4.1)."
    jitter_buffer_delay_s: float = 0.0
    "Sum over all samples of their time in the buffer; over jitter_buffer_emitted_count: the mean."
    jitter_buffer_target_delay_s: float = 0.0
    "Sum over all samples of the delay that was aimed at when they were played."
    jitter_buffer_emitted_count: int = 0
    "Samples."
    jitter_buffer_flushes: int = 0
    round_trip_time_s: float | None = None
    "From RTCP."
    remote_inbound_rtp: FarEndQuality | None = None
    "None: the far end has reported nothing."
    mos: float | None = None
    "ITU-T G.107; not a W3C figure."


class LanePort(Protocol):
    """One leg's audio, as its session may use it. Every verb returns at once; no awaiting.

    Agent audio belongs to an *epoch* (a number that grows with every reply). Exactly one epoch is
    open at a time; audio of later epochs waits behind the gate (staged), audio of earlier ones is
    dropped and counted.
    """

    rate_hz: int
    "8000 or 16000."

    @property
    def sink(self) -> Callable[[AnyMediaEvent], None] | None:
        """Gets this lane's events, synchronously, on the tick."""
        ...

    @sink.setter
    def sink(self, sink: Callable[[AnyMediaEvent], None] | None) -> None: ...

    @property
    def missed_samples(self) -> int:
        """Media time that a stall has swallowed, unheard and unsaid; its growth is what counts."""
        ...

    @property
    def position_samples(self) -> int:
        """The lane's media time now."""
        ...

    def play(self, epoch: int, pcm: NDArray[np.int16]) -> None:
        """Append audio (shape [samples], the lane's rate) to an epoch, any length."""
        ...

    def finish(self, epoch: int) -> None:
        """No more audio comes for this epoch: PlayoutFinished follows when it has drained."""
        ...

    def open_gate(self, epoch: int) -> None:
        """Let an epoch play; every earlier epoch's audio is dropped at once, without a fade."""
        ...

    def drop(self, epoch: int) -> None:
        """Forget a staged epoch that will never be opened."""
        ...

    def stop(self, fade_ms: int) -> int:
        """Stop the open epoch with a fade; returns its samples played (fade included)."""
        ...

    def duck(self, gain_db: float, ramp_ms: int) -> None:
        """Ramp the agent's gain to `gain_db` (0 = full). No sample is skipped."""
        ...

    def played_samples(self, epoch: int) -> int:
        """How much of an epoch has left the gate."""
        ...

    def capture(self, from_samples: int) -> None:
        """Emit AudioCaptured every 100 ms from that position on (up to 1 s back)."""
        ...

    def end_capture(self) -> None:
        """Emit what was captured and not yet told, then stop."""
        ...

    def set_alarm(self, at_samples: int | None) -> None:
        """One alarm a lane; setting it again replaces it."""
        ...

    def echo_score(self, window_ms: int) -> float | None:
        """0..1: how much of the caller's last `window_ms` is our own signal coming back.

        None: nothing was heard in it, a pause between words; it tells neither of echo nor caller.
        """
        ...

    def far_delay_samples(self) -> int:
        """One-way delay plus the far end's buffer, estimated from RTCP (0 when unknown)."""
        ...

    def listen_for_tones(self, on: bool) -> None:
        """Tell steady tones from now on (ToneHeard, ToneEnded), or no longer."""
        ...

    def send_digits(self, digits: str) -> None:
        """Send key presses (RFC 4733 where agreed, tones otherwise)."""
        ...

    def mute(self, on: bool) -> None:
        """Send silence in place of the agent, which plays on; keys are sent all the same."""
        ...

    def keep_recording(self, on: bool) -> bool:
        """Record what follows, or leave it out as silence. False: no recording was ever begun."""
        ...

    def quality(self) -> Quality:
        """The line as measured so far."""
        ...


# --- the leg: one party's signalling and audio ---------------------------------------------------


class HangUpCause(enum.Enum):
    """Why a call ended, in words that SIP, GSM and WebRTC share."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"
    OVERLOADED = "overloaded"
    MEDIA_LOST = "media_lost"
    NETWORK = "network"
    CRASH = "crash"
    ERROR = "error"


class LegRinging(msgspec.Struct, frozen=True, tag=True):
    """The far end rings (180, or early media with 183)."""

    early_media: bool = False


class LegAnswered(msgspec.Struct, frozen=True, tag=True):
    """The call is up: `leg.lane` carries audio."""


class LegHeld(msgspec.Struct, frozen=True, tag=True):
    """The far end put us on hold (sendonly, inactive)."""


class LegResumed(msgspec.Struct, frozen=True, tag=True):
    """The far end took us off hold."""


class LegDigit(msgspec.Struct, frozen=True, tag=True):
    """A key press that came by signalling (SIP INFO)."""

    digit: str


class LegEnded(msgspec.Struct, frozen=True, tag=True):
    """The leg is gone; always the last event."""

    cause: HangUpCause
    by_us: bool
    status: int | None = None
    "The SIP status, where one came."
    reason: str = ""
    "The `Reason` header or status phrase, for the record."
    q850: int | None = None
    "ITU-T Q.850: of a Reason header (RFC 6432), or what a mobile network's cause is called there."
    gsm_cause: int | None = None
    "A mobile network's own (3GPP TS 24.008 §10.5.4.11)."


AnyLegEvent = LegRinging | LegAnswered | LegHeld | LegResumed | LegDigit | LegEnded


class LegPort(Protocol):
    """One party of a call, whatever the line."""

    line: str
    "The name of the line it came by."
    inbound: bool
    from_number: str
    to_number: str
    wire_id: str
    "The line's own id of the call (SIP: Call-ID)."
    sink: Callable[[AnyLegEvent], None] | None

    @property
    def lane(self) -> LanePort | None:
        """The audio, once there is any (early media or answered)."""
        ...

    @property
    def expected_rate_hz(self) -> int | None:
        """The sample rate that the lane will have; None: not known yet."""
        ...

    def ring(self) -> None:
        """Inbound: tell the caller that it rings."""
        ...

    def answer(self) -> None:
        """Inbound: take the call; LegAnswered follows."""
        ...

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        """End it in whatever state it is (reject, cancel, bye); LegEnded follows, once."""
        ...

    def send_digits(self, digits: str) -> None:
        """Send key presses by whatever way the line has: in the audio, or by signalling."""
        ...
