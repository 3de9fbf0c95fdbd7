"""Is what we hear our own voice coming back? Asked when speech is suspected, not every frame.

Not here: cancelling the echo. The question is how much of what was heard is a delayed, attenuated,
filtered copy of what was sent: the delay is found by correlation of the whitened signals (a line
that colours the voice blurs the peak of a plain correlation), then a short filter at that delay is
fitted by least squares, and the score is the share of the heard energy that it explains. A caller
who speaks at the same time is not explained, and brings the score down.
"""

import numpy as np
from numpy.typing import NDArray

MAX_DELAY_MS = 500
"Longest way out and back that is looked for: network, far jitter buffer, GSM."
ECHO_THRESHOLD = 0.5
"At or above it what was heard is our own echo: more of it than of anything else."
FILTER_TAPS = 32
"4 ms at 8 kHz: a telephone's acoustic path, most of its energy."
TAPS_BEFORE = 8
"So many of them before the peak, which need not be the first arrival."
ANALYSIS_HZ = 8000
"Speech has most of its energy below 4 kHz; wide-band lanes are halved first."
SHORTEST_MS = 40
"Less audio than this proves nothing."
QUIETEST = 8.0
"Mean of |sample| below which nothing was sent (int16; the idle noise of G.711)."
QUIETEST_HEARD = 24.0
"Mean of |sample| in the loudest 20 ms below which nobody spoke, however far away: -60 dBFS."
WHITENING = 0.9
"First-order pre-emphasis: speech falls by about 6 dB an octave."
LOADING = 1e-4
"Added to the diagonal, relative: keeps the fit sane where the voice has no energy."
STEADY = 1.5
"The loudest 20 ms over the softest: what varies less, and is soft, is the line's noise."
LOUDEST_NOISE = 260.0
"Mean of |sample|, -40 dBFS: a long vowel is as steady, but louder."
NOISE_SAMPLES = 160
"20 ms: between two syllables there is as much silence."
NOISE_SHARE = 0.4
"At most so much of what was heard is taken for noise."

Floats = NDArray[np.float32]


def echo_score(heard: NDArray[np.int16], sent: NDArray[np.int16], rate_hz: int) -> float | None:
    """0..1: how much of `heard` is explained by an echo of `sent`; None: nothing was heard.

    Both are int16[samples] at 8000 or 16000 Hz and end at the same moment; `sent` reaches further
    back, by MAX_DELAY_MS if it can. 0 where either is too short, or `sent` is silent.
    """
    ear, voice = _prepare(heard, rate_hz), _prepare(sent, rate_hz)
    longest = MAX_DELAY_MS * ANALYSIS_HZ // 1000
    voice = voice[-(len(ear) + longest) :]
    if len(ear) * 1000 < SHORTEST_MS * ANALYSIS_HZ or len(voice) < len(ear) + FILTER_TAPS:
        return 0.0
    if not _varies(ear):
        return None
    if np.abs(voice).mean() < QUIETEST:
        return 0.0
    return _explained(ear, voice, _delay(_whiten(ear), _whiten(voice)))


def _prepare(pcm: NDArray[np.int16], rate_hz: int) -> Floats:
    """Float, at 8 kHz, without a constant part."""
    audio = pcm.astype(np.float32)
    if rate_hz > ANALYSIS_HZ:
        # A 4-tap average before dropping every other sample: both signals get the same fold.
        even = len(audio) // 2 * 2
        padded = np.concatenate([audio[-even:], audio[-1:], audio[-1:]])
        audio = (padded[:-2:2] + 2 * padded[1:-1:2] + padded[2::2]) / 4
    return (audio - audio.mean()).astype(np.float32) if len(audio) else audio.astype(np.float32)


def _varies(audio: Floats) -> bool:
    """Somebody spoke: the loudest 20 ms can be heard, and are no steady noise.

    Not their mean: a ducked voice returns as syllables with gaps.
    """
    frames = audio[-(len(audio) // NOISE_SAMPLES * NOISE_SAMPLES) :].reshape(-1, NOISE_SAMPLES)
    levels = np.abs(frames).mean(axis=1)
    noise = min(STEADY * float(levels.min()), LOUDEST_NOISE)
    return bool(levels.max() >= max(QUIETEST_HEARD, noise))


def _whiten(audio: Floats) -> Floats:
    return (audio[1:] - WHITENING * audio[:-1]).astype(np.float32, copy=False)


def _delay(ear: Floats, voice: Floats) -> int:
    """Where in `voice` the heard signal starts best: the largest normalised correlation."""
    places = len(voice) - len(ear) + 1
    size = -(-len(voice) // 256) * 256  # places that would wrap around are cut off below
    spectrum = np.fft.rfft(voice, size)
    spectrum *= np.conj(np.fft.rfft(ear, size))
    correlation = np.fft.irfft(spectrum, size)[:places]
    energy = np.concatenate([[0.0], np.cumsum(voice.astype(np.float64) ** 2)])
    under = energy[len(ear) :] - energy[: len(voice) - len(ear) + 1]
    # Where hardly anything was sent, nothing can have come back: no division by next to nothing.
    floor = 1e-3 * float(under.max()) + 1.0
    return int(np.argmax(correlation**2 / (under + floor)))


def _explained(ear: Floats, voice: Floats, start: int) -> float:
    """Share of the energy of `ear` in the span of FILTER_TAPS delays around `start`."""
    # Tap k hears voice[first + k + i]: the later in `voice`, the shorter the delay.
    first = min(
        max(0, start - (FILTER_TAPS - TAPS_BEFORE)), len(voice) - len(ear) - FILTER_TAPS + 1
    )
    view = np.lib.stride_tricks.sliding_window_view(voice, len(ear))[first : first + FILTER_TAPS]
    delayed = np.ascontiguousarray(view)  # BLAS takes no overlapping rows
    covariance = (delayed @ delayed.T).astype(np.float64)
    covariance[np.diag_indices(FILTER_TAPS)] *= 1 + LOADING
    covariance[np.diag_indices(FILTER_TAPS)] += 1.0
    match = (delayed @ ear).astype(np.float64)
    explained = float(match @ np.linalg.solve(covariance, match))
    return min(1.0, max(0.0, explained / _energy_over_noise(ear)))


def _energy_over_noise(ear: Floats) -> float:
    """Energy less the line's steady noise, which is nobody's voice: that of the quietest frame."""
    frames = ear[: len(ear) // NOISE_SAMPLES * NOISE_SAMPLES].reshape(-1, NOISE_SAMPLES)
    quietest = float(np.einsum("ij,ij->i", frames, frames).min()) / NOISE_SAMPLES
    energy = float(np.dot(ear, ear))
    return energy - min(quietest * len(ear), NOISE_SHARE * energy)
