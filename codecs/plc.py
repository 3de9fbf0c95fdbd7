"""Packet loss concealment for sampled codecs, in the manner of ITU-T G.711 Appendix I, many lanes.

What was heard last is repeated by whole pitch periods: one period in the first 10 ms, then two,
then three, so that a long loss does not buzz. After 10 ms it fades by 20 % every 10 ms, and is
silent from 60 ms on. Cycles are joined by overlap-add of a quarter of a period. Appendix I delays
its output by 3.75 ms to smooth the first join too; here nothing is delayed: a ramp over the first
quarter period takes up the step between the last sample heard and the one a period before it.

Everything is a function of the history and the time since the loss began, so a loss may be
concealed in pieces of any length. The rate follows from the history's length. Not here: deciding
that something is lost, and the codec's own concealment (Opus).
"""

import numpy as np
from numpy.typing import NDArray

from . import pcm

HISTORY_MS = 60
"Samples before the loss that are wanted, latest last (Appendix I needs 48.75 ms)."
MIN_PITCH_HZ = 200 / 3
"Longest period: 15 ms, 120 samples at 8 kHz (Appendix I: PITCH_MAX)."
MAX_PITCH_HZ = 200
"Shortest period: 5 ms, 40 samples at 8 kHz (PITCH_MIN); a higher voice repeats by two or three."
CORRELATION_MS = 20
"Length that is compared with itself a period before (CORRLEN)."
COARSE_HZ = 4000
"The first search looks at samples of this rate only (NDEC at 8 kHz: 2)."
MIN_RMS = 1.0
"int16 units: quieter than this all periods are equally good."
FULL_MS = 10
MUTE_MS = 60
CYCLES = 3


def history_samples(rate_hz: int) -> int:
    """The H of `history` at a rate."""
    return HISTORY_MS * rate_hz // 1000


def merge_samples(lost_samples: int, rate_hz: int) -> int:
    """How long to cross-fade back: 4 ms, and 4 ms more for each further 10 ms lost, to 10 ms."""
    lost_ms = lost_samples * 1000 // rate_hz
    return min(10, 4 + 4 * (max(0, lost_ms - 1) // 10)) * rate_hz // 1000


def pitch_periods(history: NDArray[np.int16]) -> NDArray[np.int64]:
    """The period in samples that each history ends with: int16[n, H] to int64[n]."""
    samples = history.astype(np.float32)
    rate_hz = _rate(samples.shape[1])
    step = max(1, rate_hz // COARSE_HZ)
    shortest, longest = int(rate_hz / MAX_PITCH_HZ), round(rate_hz / MIN_PITCH_HZ)
    window = CORRELATION_MS * rate_hz // 1000
    lags = np.arange(shortest, longest + 1, step)
    everywhere = np.broadcast_to(lags, (len(samples), len(lags)))
    best = lags[_correlation(samples, everywhere, window, step).argmax(axis=1)]
    near = np.clip(best[:, np.newaxis] + np.arange(1 - step, step), shortest, longest)
    chosen = _correlation(samples, near, window, 1).argmax(axis=1)
    return np.asarray(np.take_along_axis(near, chosen[:, np.newaxis], axis=1)[:, 0], np.int64)


def _rate(history: int) -> int:
    return history * 1000 // HISTORY_MS


def _correlation(
    samples: NDArray[np.float32], lags: NDArray[np.int64], window: int, step: int
) -> NDArray[np.float32]:
    """Normalised cross-correlation of the last `window` samples with those `lags` before."""
    end = samples.shape[1]
    at = np.arange(end - window, end, step)
    recent = samples[:, at]
    rows = np.arange(len(samples))[:, np.newaxis, np.newaxis]
    earlier = samples[rows, at - lags[:, :, np.newaxis]]
    product = np.matmul(earlier, recent[:, :, np.newaxis])[:, :, 0]
    energy = np.einsum("nlw,nlw->nl", earlier, earlier)
    return np.asarray(product / np.sqrt(np.maximum(energy, len(at) * MIN_RMS**2)), np.float32)


def conceal(
    history: NDArray[np.int16], periods: NDArray[np.int64], elapsed: NDArray[np.int64], samples: int
) -> NDArray[np.int16]:
    """What to play from `elapsed` samples after the loss began: int16[n, H] to int16[n, samples].

    `periods` as `pitch_periods` told them when the loss began, `history` unchanged since.
    """
    heard = history.astype(np.float32)
    rate_hz = _rate(heard.shape[1])
    period = periods[:, np.newaxis]
    quarter = period // 4
    t = elapsed[:, np.newaxis] + np.arange(samples)
    signal = _cycle(heard, period, quarter, t, 1)
    for cycles in range(2, CYCLES + 1):
        since = t - (cycles - 1) * FULL_MS * rate_hz // 1000
        weight = np.clip((since + 1) / quarter, 0.0, 1.0)
        if weight.any():
            signal += weight * (_cycle(heard, period, quarter, t, cycles) - signal)
    signal += _first_step(heard, periods) * np.clip(1.0 - (t + 1) / (quarter + 1), 0.0, 1.0)
    return pcm.saturate(signal * _gain(t, rate_hz))


def _cycle(
    heard: NDArray[np.float32],
    period: NDArray[np.int64],
    quarter: NDArray[np.int64],
    t: NDArray[np.int64],
    cycles: int,
) -> NDArray[np.float64]:
    """The last `cycles` periods repeated, their end faded into what came before their beginning."""
    end = heard.shape[1]
    length = cycles * period
    phase = t % length
    at = end - length + phase
    weight = np.clip((phase - (length - quarter) + 1) / (quarter + 1), 0.0, 1.0)
    # Only the last quarter has a weight, and there `at - length` is within the history.
    before = np.maximum(at - length, 0)
    now = np.take_along_axis(heard, at, axis=1)
    blended = now + weight * (np.take_along_axis(heard, before, axis=1) - now)
    return np.asarray(blended, np.float64)


def _first_step(heard: NDArray[np.float32], periods: NDArray[np.int64]) -> NDArray[np.float32]:
    """Last sample heard minus the one a period before, which is repeated from: [n, 1]."""
    end = heard.shape[1]
    before = np.take_along_axis(heard, (end - 1 - periods)[:, np.newaxis], axis=1)
    return heard[:, -1:] - before


def _gain(t: NDArray[np.int64], rate_hz: int) -> NDArray[np.float64]:
    faded_ms = t * 1000.0 / rate_hz - FULL_MS
    return np.clip(1.0 - faded_ms / (MUTE_MS - FULL_MS), 0.0, 1.0)


def merge(synthetic: NDArray[np.int16], real: NDArray[np.int16]) -> NDArray[np.int16]:
    """Cross-fade from the concealment, carried on, to what arrived: int16[n, k] each."""
    k = real.shape[-1]
    weight = np.arange(1, k + 1, dtype=np.float32) / np.float32(k + 1)
    before = synthetic.astype(np.float32)
    return pcm.saturate(before + weight * (real.astype(np.float32) - before))
