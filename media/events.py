"""What the frame world tells the event world: facts about one lane, on its sample axis.

`at_samples` is the lane's position (frames so far x samples a frame, at the lane's rate) when the
fact was seen. Caller, agent, transcript and recording share that axis.
"""

import enum

import msgspec


class DigitSource(enum.Enum):
    """Where a keypad digit came from."""

    RTP_EVENT = "rtp_event"
    "RFC 4733."
    IN_BAND = "in_band"
    "Tones in the audio, ITU-T Q.23."
    INFO = "info"
    "SIP INFO, application/dtmf-relay."


class MediaEvent(msgspec.Struct, frozen=True, tag=True):
    at_samples: int
    "Lane position when it was noticed."


class SoundRose(MediaEvent, frozen=True, tag="sound_rose"):
    """While the agent speaks something has begun at the far end: speech, a cough, a click."""


class SoundPassed(MediaEvent, frozen=True, tag="sound_passed"):
    """No speech was suspected in what has risen."""


class SpeechSuspected(MediaEvent, frozen=True, tag="speech_suspected"):
    """First sign of speech: good for ducking, not for stopping."""


class SuspicionDropped(MediaEvent, frozen=True, tag="suspicion_dropped"):
    """The suspicion did not hold long enough to become speech."""


class SpeechStarted(MediaEvent, frozen=True, tag="speech_started"):
    """A talkspurt is confirmed."""

    began_samples: int
    "Best estimate of its first sample."


class SpeechEnded(MediaEvent, frozen=True, tag="speech_ended"):
    """The talkspurt is over by the VAD's own short hangover; not yet the end of the turn."""

    ended_samples: int
    "Best estimate of the last sample of speech."


class DigitPressed(MediaEvent, frozen=True, tag="digit_pressed"):
    """One key press, whatever way it came, told once."""

    digit: str
    "One of 0-9 * # A-D."
    source: DigitSource


class AudioCaptured(MediaEvent, frozen=True, tag="audio_captured"):
    """Caller audio, asked for with `LanePort.capture`: int16 LE mono at the lane's rate."""

    from_samples: int
    pcm: bytes


class PlayoutStarted(MediaEvent, frozen=True, tag="playout_started"):
    """The first sample of an epoch left the gate, at `at_samples`."""

    epoch: int


class PlayoutFinished(MediaEvent, frozen=True, tag="playout_finished"):
    """The last sample of an epoch left the gate, at `at_samples`."""

    epoch: int
    played_samples: int


class AlarmDue(MediaEvent, frozen=True, tag="alarm_due"):
    """The lane reached the position that was set with `LanePort.set_alarm`."""


class ToneHeard(MediaEvent, frozen=True, tag="tone_heard"):
    """A tone has lasted long enough to be one; asked for with `LanePort.listen_for_tones`."""

    began_samples: int
    low_hz: float
    high_hz: float = 0.0
    "Of the second, where two are sounded together."


class ToneEnded(MediaEvent, frozen=True, tag="tone_ended"):
    """The tone that was heard is over."""

    began_samples: int
    ended_samples: int
    low_hz: float
    high_hz: float = 0.0


class MediaStarted(MediaEvent, frozen=True, tag="media_started"):
    """The first packet of the far end arrived."""


class MediaLost(MediaEvent, frozen=True, tag="media_lost"):
    """Nothing has arrived for `silent_ms`, and the far end is not on hold."""

    silent_ms: int


AnyMediaEvent = (
    SoundRose
    | SoundPassed
    | SpeechSuspected
    | SuspicionDropped
    | SpeechStarted
    | SpeechEnded
    | DigitPressed
    | AudioCaptured
    | PlayoutStarted
    | PlayoutFinished
    | AlarmDue
    | ToneHeard
    | ToneEnded
    | MediaStarted
    | MediaLost
)
