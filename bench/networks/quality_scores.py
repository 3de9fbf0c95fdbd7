"""What became of speech: PESQ and STOI, and its delay, all read from the waveform.

The delay is found in what was heard, where each piece of the clean speech is in it, so that it is
the same thing for a buffer that moves packets, one that stretches samples, and any that is to come.
Not here: how it was heard.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PIECE_MS = 160
HOP_MS = 80
SURE = 0.55
"Correlation from which on a piece has been found; one that is torn by a loss may not be."
LOUD_DB = -30.0
"Pieces quieter than this below the loudest one are not looked for."
MAX_DELAY_MS = 800
STOI_PIECE_S = 0.384
"What STOI looks at as one."
WORST_PESQ = 1.0
"Where PESQ finds no speech at all."

Pcm = NDArray[np.int16]


class ToolMissing(Exception):
    """A package that only this measurement needs is not installed."""


class Scores(NamedTuple):
    """One utterance."""

    pesq: float
    stoi: float
    delay_mean_ms: float
    delay_p95_ms: float
    found: float
    "Share of the loud pieces of speech that were found again in what was heard."


class Delays(NamedTuple):
    """Where each loud piece of clean speech was found."""

    at: NDArray[np.int64]
    "First sample of each piece that was found, in the clean speech."
    samples: NDArray[np.int64]
    "How much later it was heard."
    pieces: int
    "That were looked for."


def delays(clean: Pcm, heard: Pcm, rate_hz: int) -> Delays:
    """Both begin at the same moment."""
    piece, hop, most = (rate_hz * ms // 1000 for ms in (PIECE_MS, HOP_MS, MAX_DELAY_MS))
    begins = np.arange(0, len(clean) - piece + 1, hop)
    energy = np.array([_energy(clean[at : at + piece]) for at in begins])
    loud = begins[energy > energy.max(initial=0.0) * 10 ** (LOUD_DB / 10)]
    at: list[int] = []
    found: list[int] = []
    padded = np.append(heard, np.zeros(piece + most, np.int16)).astype(np.float64)
    for begin in loud.tolist():
        where = _find(clean[begin : begin + piece], padded[begin : begin + piece + most])
        if where is not None:
            at.append(begin)
            found.append(where)
    return Delays(np.array(at, np.int64), np.array(found, np.int64), len(loud))


def _energy(pcm: Pcm) -> float:
    return float(np.sum(pcm.astype(np.float64) ** 2))


def _find(piece: Pcm, span: NDArray[np.float64]) -> int | None:
    """Where in `span` the piece is, by normalised correlation."""
    size = 1 << int(np.ceil(np.log2(len(span) + len(piece))))
    own = piece.astype(np.float64)
    spectrum = np.fft.rfft(span, size) * np.conj(np.fft.rfft(own, size))
    product = np.fft.irfft(spectrum, size)[: len(span) - len(piece) + 1]
    power = np.concatenate(([0.0], np.cumsum(span**2)))
    energy = power[len(piece) :] - power[: -len(piece)]
    likeness = product / np.sqrt(np.maximum(energy, 1.0) * max(1.0, float(own @ own)))
    best = int(likeness.argmax())
    return best if likeness[best] >= SURE else None


def score(
    clean: Pcm,
    heard: Pcm,
    rate_hz: int,
    first: int,
    offset_s: float,
    drift_ppm: float = 0.0,
    late_s: Callable[[int], float] = lambda sample: 0.0,
) -> Scores:
    """Speech from sample `first` of `clean` on; `heard` began `offset_s` after `clean`.

    `clean` is on the sender's clock, `heard` on the receiver's; the delay is the receiver's.
    `late_s` is how much later than its place in `heard` that sample of it came.
    """
    part = clean[first:]
    # What was said at clean[first] is sent at first / rate: that moment is the origin of both.
    begin = round((first / rate_hz / (1 + drift_ppm * 1e-6) - offset_s) * rate_hz)
    rest = heard[begin:] if begin >= 0 else np.append(np.zeros(-begin, np.int16), heard)
    where = delays(part, rest, rate_hz)
    if not where.at.size:
        return Scores(WORST_PESQ, 0.0, float("nan"), float("nan"), 0.0)
    gained = where.at * (1 - 1 / (1 + drift_ppm * 1e-6))
    came_s = [late_s(begin + at) for at in (where.at + where.samples).tolist()]
    late_ms = (where.samples + gained) * 1000 / rate_hz + 1000 * np.array(came_s)
    usual = int(np.median(where.samples))
    return Scores(
        pesq(part, _cut(rest, usual, len(part)), rate_hz),
        stoi(part, _realigned(part, rest, where, rate_hz), rate_hz),
        float(late_ms.mean()),
        float(np.quantile(late_ms, 0.95)),
        where.at.size / where.pieces,
    )


def _cut(pcm: Pcm, begin: int, length: int) -> Pcm:
    part = pcm[begin : begin + length]
    return np.append(part, np.zeros(length - len(part), np.int16))


def _realigned(clean: Pcm, heard: Pcm, where: Delays, rate_hz: int) -> Pcm:
    """Piece by piece at its own delay: STOI aligns nothing, and delay is told by itself."""
    length = int(STOI_PIECE_S * rate_hz)
    parts: list[Pcm] = []
    for begin in range(0, len(clean), length):
        inside = (where.at >= begin) & (where.at < begin + length)
        lag = int(np.median(where.samples[inside] if inside.any() else where.samples))
        parts.append(_cut(heard, begin + lag, min(length, len(clean) - begin)))
    return np.concatenate(parts)


def pesq(clean: Pcm, heard: Pcm, rate_hz: int) -> float:
    """ITU-T P.862.1 at 8 kHz, P.862.2 at 16 kHz. Raises ToolMissing."""
    try:
        from pesq import PesqError, pesq as measure  # pyright: ignore[reportMissingImports]
    except ImportError as exc:
        raise ToolMissing(f"{exc} (pip install pesq)") from exc
    band = "nb" if rate_hz == 8000 else "wb"
    value = float(measure(rate_hz, clean, heard, band, on_error=PesqError.RETURN_VALUES))
    return max(WORST_PESQ, value)


def stoi(clean: Pcm, heard: Pcm, rate_hz: int) -> float:
    """Short-time objective intelligibility, 0..1. Raises ToolMissing."""
    try:
        from pystoi import stoi as measure  # pyright: ignore[reportMissingImports]
    except ImportError as exc:
        raise ToolMissing(f"{exc} (pip install pystoi)") from exc
    return float(measure(clean.astype(float), heard.astype(float), rate_hz))
