"""Call-progress tones: what a caller hears while a call is set up, by region.

A tone is a cadence (steps of frequencies and silence) that repeats, or ends. Not here: DTMF keys,
and detection of tones from the far end.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import pcm
from .errors import CodecError

LEVEL_DBM0 = -13.0
"A single frequency; ITU-T E.180 §3 allows -10 dBm0 +- 5 dB."
EDGE_MS = 3
"Rise and fall of each step, so that a cadence does not click."
MODULATION_DEPTH = 0.9


class Step(msgspec.Struct, frozen=True):
    """A piece of a cadence."""

    duration_s: float
    frequencies_hz: tuple[float, ...] = ()
    "Sounded together; empty: silence."
    modulated_by_hz: float = 0.0
    "Amplitude modulation (India's 400*25), 0: none."


class Cadence(msgspec.Struct, frozen=True):
    """Steps in their order."""

    steps: tuple[Step, ...]
    repeats: bool = True

    @property
    def duration_s(self) -> float:
        """Of one round."""
        return sum(step.duration_s for step in self.steps)


def _steady(*frequencies_hz: float) -> Cadence:
    return Cadence((Step(1.0, frequencies_hz),))


def _pulsed(on_s: float, off_s: float, *frequencies_hz: float) -> Cadence:
    return Cadence((Step(on_s, frequencies_hz), Step(off_s)))


def _in_turn(frequencies_hz: tuple[float, ...], durations_s: tuple[float, ...]) -> tuple[Step, ...]:
    pairs = zip(frequencies_hz, durations_s, strict=True)
    return tuple(Step(seconds, (hz,)) for hz, seconds in pairs)


def _double_ring(*frequencies_hz: float, modulated_by_hz: float = 0.0) -> Cadence:
    burst = Step(0.4, frequencies_hz, modulated_by_hz)
    return Cadence((burst, Step(0.2), burst, Step(2.0)))


# ITU-T E.180/Q.35 §5.7: three tones of 330 ms, in rising order, then a second of silence.
SIT = Cadence((*_in_turn((950.0, 1400.0, 1800.0), (0.33, 0.33, 0.33)), Step(1.0)))
# Short tones that are the same everywhere.
COMMON: dict[str, Cadence] = {
    "sit": SIT,
    "beep": Cadence((Step(0.25, (1000.0,)),), repeats=False),
    "voicemail_beep": Cadence((Step(0.5, (1400.0,)),), repeats=False),
}

# North American Special Information Tones (Telcordia GR-674): what is wrong is told by the first
# two tones' lengths (long 380 ms, short 276 ms) and pitches (high, low).
_LONG, _SHORT = 0.380, 0.276
US_SITS: dict[str, Cadence] = {
    name: Cadence((*_in_turn((first, second, 1776.7), (first_s, second_s, _LONG)), Step(1.0)))
    for name, first, second, first_s, second_s in (
        ("sit_intercept", 913.8, 1370.6, _SHORT, _SHORT),
        ("sit_vacant", 985.2, 1370.6, _LONG, _SHORT),
        ("sit_reorder", 913.8, 1428.5, _SHORT, _LONG),
        ("sit_no_circuit", 913.8, 1370.6, _LONG, _LONG),
    )
}

# Harmonised European tones (ETSI ES 201 970; CEPT T/CS 20-15): 425 Hz, differing in cadence.
ETSI: dict[str, Cadence] = {
    "dial": _steady(425),
    "ringback": _pulsed(1.0, 4.0, 425),
    "busy": _pulsed(0.5, 0.5, 425),
    "congestion": _pulsed(0.2, 0.2, 425),
    "call_waiting": Cadence((Step(0.2, (425,)), Step(0.6), Step(0.2, (425,)), Step(3.0))),
}
# The others: ITU-T E.180 Supplement 2 (national tones, 2003), and what is named beside them.
TONES: dict[str, dict[str, Cadence]] = {
    "etsi": ETSI,
    # North America: precise tone plan (Telcordia GR-506 §17.2).
    "us": {
        "dial": _steady(350, 440),
        "ringback": _pulsed(2.0, 4.0, 440, 480),
        "busy": _pulsed(0.5, 0.5, 480, 620),
        "congestion": _pulsed(0.25, 0.25, 480, 620),
        "call_waiting": _pulsed(0.3, 10.0, 440),
        **US_SITS,
    },
    # British Telecom SIN 350.
    "uk": {
        "dial": _steady(350, 440),
        "ringback": _double_ring(400, 450),
        "busy": _pulsed(0.375, 0.375, 400),
        "congestion": Cadence((Step(0.4, (400,)), Step(0.35), Step(0.225, (400,)), Step(0.525))),
        "call_waiting": _pulsed(0.1, 3.0, 400),
        "unobtainable": _steady(400),
    },
    # India: DoT/TEC service tones, 400 Hz, modulated by 25 Hz where ringing or dialling.
    "in": {
        "dial": Cadence((Step(1.0, (400,), 25),)),
        "ringback": _double_ring(400, modulated_by_hz=25),
        "busy": _pulsed(0.75, 0.75, 400),
        "congestion": _pulsed(0.25, 0.25, 400),
        "call_waiting": Cadence((Step(0.2, (400,)), Step(0.1), Step(0.2, (400,)), Step(7.5))),
    },
    "fr": {
        "dial": _steady(440),
        "ringback": _pulsed(1.5, 3.5, 440),
        "busy": _pulsed(0.5, 0.5, 440),
        "congestion": _pulsed(0.25, 0.25, 440),
        "call_waiting": _pulsed(0.3, 10.0, 440),
    },
    "de": {
        **ETSI,
        "busy": _pulsed(0.48, 0.48, 425),
        "congestion": _pulsed(0.24, 0.24, 425),
        "call_waiting": Cadence((Step(0.2, (425,)), Step(0.2), Step(0.2, (425,)), Step(5.0))),
    },
    # ACIF S002: the far ring is two bursts, and congestion alternates in level (not done here).
    "au": {
        "dial": _steady(413, 438),
        "ringback": _double_ring(413, 438),
        "busy": _pulsed(0.375, 0.375, 425),
        "congestion": _pulsed(0.375, 0.375, 425),
        "call_waiting": Cadence((Step(0.2, (425,)), Step(0.2), Step(0.2, (425,)), Step(4.4))),
    },
}


def cadence(name: str, region: str) -> Cadence:
    """The cadence of a tone; unknown names raise CodecError that lists the known ones."""
    try:
        tones = COMMON | TONES[region.lower()]
    except KeyError:
        raise CodecError("tones", f"no region {region!r}; known: {', '.join(TONES)}") from None
    try:
        return tones[name]
    except KeyError:
        known = ", ".join(tones)
        raise CodecError("tones", f"no tone {name!r} in {region!r}; known: {known}") from None


class ToneGenerator:
    """Plays one tone in pieces of any length."""

    def __init__(
        self, name: str, region: str, rate_hz: int, level_dbm0: float = LEVEL_DBM0
    ) -> None:
        self._cadence = cadence(name, region)
        self.rate_hz = rate_hz
        self._peak = pcm.sine_amplitude(level_dbm0)
        durations = [round(step.duration_s * rate_hz) for step in self._cadence.steps]
        self._ends = np.cumsum(durations)
        self._position = 0

    @property
    def finished(self) -> bool:
        """True when a tone that does not repeat is over; it then gives silence."""
        return not self._cadence.repeats and self._position >= int(self._ends[-1])

    def read(self, samples: int) -> NDArray[np.int16]:
        """The next int16[samples]."""
        at = np.arange(self._position, self._position + samples)
        self._position += samples
        round_at = at % self._ends[-1] if self._cadence.repeats else at
        which = np.searchsorted(self._ends, round_at, side="right")
        signal = np.zeros(samples)
        for index, step in enumerate(self._cadence.steps):
            here = which == index
            if step.frequencies_hz and here.any():
                signal[here] = self._sound(step, at[here]) * self._envelope(index, round_at[here])
        return pcm.saturate((self._peak * signal).astype(np.float32))

    def _sound(self, step: Step, at: NDArray[np.int64]) -> NDArray[np.float64]:
        t = at / self.rate_hz
        waves = [np.sin(2 * math.pi * hz * t) for hz in step.frequencies_hz]
        total = np.sum(waves, axis=0)
        if step.modulated_by_hz:
            wobble = np.cos(2 * math.pi * step.modulated_by_hz * t)
            total *= (1 - MODULATION_DEPTH * wobble) / (1 + MODULATION_DEPTH)
        return np.asarray(total, np.float64)

    def _envelope(self, index: int, round_at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Rise and fall of a step; a tone of one step that repeats has neither."""
        if len(self._ends) == 1 and self._cadence.repeats:
            return np.ones(len(round_at))
        begin = self._ends[index - 1] if index else 0
        edge = max(1, EDGE_MS * self.rate_hz // 1000)
        inside = np.minimum(round_at - begin + 1, self._ends[index] - round_at)
        return np.asarray(np.minimum(inside / edge, 1.0), np.float64)


def generate(name: str, region: str, rate_hz: int, seconds: float) -> NDArray[np.int16]:
    """The first `seconds` of a tone, int16[samples]."""
    return ToneGenerator(name, region, rate_hz).read(int(seconds * rate_hz))
