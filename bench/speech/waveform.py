"""What a waveform tells: where sound begins and ends, its gaps, its gain, where it comes from.

Pure. int16[samples] and a rate in; positions in samples out.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

WINDOW_MS = 5
FLOOR_MS = 200
"So much before the place where the search begins is taken for the line's own noise."
ABOVE_FLOOR_DB = 10.0
QUIETEST_RMS = 30.0
"Below it nothing is audible: -61 dBFS, above the idle noise of G.711."
LASTING_WINDOWS = 3
"A sound is at least so long; a click is not."
GAIN_WINDOW_MS = 10
LOUD_REFERENCE_RMS = 200.0
"Where the reference is quieter, its gain cannot be told."
SEARCH_CORRELATION = 1e-6


class Match(msgspec.Struct, frozen=True):
    """Where a piece was found in a longer recording."""

    at_samples: int
    correlation: float
    "-1..1."


def levels(pcm: Pcm, window: int) -> NDArray[np.float64]:
    """RMS of each whole window of `window` samples."""
    whole = pcm[: len(pcm) // window * window].reshape(-1, window).astype(np.float64)
    result: NDArray[np.float64] = np.sqrt(np.mean(whole**2, axis=1))
    return result


def threshold(noise: Pcm, rate_hz: int) -> float:
    """The level from which on something is audible over this noise."""
    window = rate_hz * WINDOW_MS // 1000
    floor = levels(noise, window)
    loudest = float(np.median(floor)) * 10 ** (ABOVE_FLOOR_DB / 20) if len(floor) else 0.0
    return max(QUIETEST_RMS, loudest)


def first_audible(pcm: Pcm, rate_hz: int, begin: int = 0) -> int | None:
    """The first sample of the first lasting sound at or after `begin`; None: there is none.

    Comfort noise is no sound: what counts is 10 dB above the 200 ms before `begin`.
    """
    window = rate_hz * WINDOW_MS // 1000
    limit = threshold(pcm[max(0, begin - rate_hz * FLOOR_MS // 1000) : begin], rate_hz)
    loud = levels(pcm[begin:], window) >= limit
    if len(loud) < LASTING_WINDOWS:
        return None
    lasting = np.convolve(loud, np.ones(LASTING_WINDOWS), "valid") >= LASTING_WINDOWS
    found = np.flatnonzero(lasting)
    if not found.size:
        return None
    # The edge lies in this window or, when it only just sounds, at the end of the one before.
    start = begin + int(found[0]) * window
    near = np.abs(pcm[max(begin, start - window) : start + window].astype(np.int32)) >= limit
    return max(begin, start - window) + int(np.argmax(near))


def last_audible(pcm: Pcm, rate_hz: int, limit: float = QUIETEST_RMS) -> int | None:
    """The last sample of the last window at or above `limit`, exclusive; None: all is quiet."""
    window = rate_hz * WINDOW_MS // 1000
    loud = np.flatnonzero(levels(pcm, window) >= limit)
    return None if not loud.size else (int(loud[-1]) + 1) * window


def gaps(pcm: Pcm, rate_hz: int, at_least_ms: int) -> list[tuple[int, int]]:
    """Silence inside sound: [begin, end) of every quiet stretch between two audible windows."""
    window = rate_hz * WINDOW_MS // 1000
    loud = np.flatnonzero(levels(pcm, window) >= QUIETEST_RMS)
    steps = np.flatnonzero(np.diff(loud) > at_least_ms // WINDOW_MS)
    return [(int(loud[i] + 1) * window, int(loud[i + 1]) * window) for i in steps]


def gain(heard: Pcm, reference: Pcm, rate_hz: int) -> NDArray[np.float64]:
    """How loud `reference` is in `heard`, per 10 ms; NaN where the reference is too quiet to tell.

    Both begin at the same moment of the reference. 1 is full level, 0.5 is -6 dB.
    """
    window = rate_hz * GAIN_WINDOW_MS // 1000
    count = min(len(heard), len(reference)) // window
    ear = heard[: count * window].reshape(count, window).astype(np.float64)
    voice = reference[: count * window].reshape(count, window).astype(np.float64)
    energy = np.einsum("ij,ij->i", voice, voice)
    result: NDArray[np.float64] = np.full(count, np.nan)
    known = energy >= window * LOUD_REFERENCE_RMS**2
    result[known] = np.einsum("ij,ij->i", ear, voice)[known] / energy[known]
    return result


def find(piece: Pcm, recording: Pcm) -> Match:
    """Where `piece` is in `recording`: the place of the largest normalised correlation."""
    ear = piece.astype(np.float64) - piece.mean()
    voice = recording.astype(np.float64)
    places = len(voice) - len(ear) + 1
    if places < 1 or not ear.any():
        return Match(0, 0.0)
    size = 1 << (len(voice) - 1).bit_length()
    spectrum = np.fft.rfft(voice, size) * np.conj(np.fft.rfft(ear, size))
    correlation = np.fft.irfft(spectrum, size)[:places]
    energy = np.concatenate([[0.0], np.cumsum(voice**2)])
    under = energy[len(ear) :] - energy[: -len(ear)]
    floor = SEARCH_CORRELATION * float(under.max()) + 1.0
    score = correlation / np.sqrt((under + floor) * float(ear @ ear))
    best = int(np.argmax(score))
    return Match(best, float(score[best]))


def percentile(values: list[float], share: float) -> float | None:
    """The value that `share` (0..1) of them do not exceed: one of them, nothing between two."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, int(np.ceil(share * len(ordered))) - 1))]
