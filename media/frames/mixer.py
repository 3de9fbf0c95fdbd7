"""Who hears whom besides the agent: legs joined for transfer, whisper and listen-in.

A connection adds what one lane hears to what another lane sends. Lanes of one rate are mixed in one
operation per source cohort; between rates each connection resamples for itself (bridges between
telephone and wide-band lanes are few).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...codecs.resample import Resampler

INT16_MIN, INT16_MAX = -32768, 32767


class HeardFrames(Protocol):
    """The cohort that a heard lane belongs to."""

    number: int
    rate_hz: int
    heard: NDArray[np.int16]
    "The frames of its last tick, int16[n, F]; a row beyond n was not there yet."


class _Connection:
    def __init__(self, source: HeardFrames, source_row: int, rate_hz: int) -> None:
        self.source = source
        self.source_row = source_row
        self.resampler = (
            None if source.rate_hz == rate_hz else Resampler(source.rate_hz, rate_hz, 1)
        )


class Mixer:
    """The connections into one cohort's rows."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._into: dict[int, list[_Connection]] = {}

    def connect(self, row: int, source: HeardFrames, source_row: int) -> None:
        """From the next tick on `row` sends what `source_row` of `source` hears, too."""
        connection = _Connection(source, source_row, self._rate_hz)
        self._into.setdefault(row, []).append(connection)

    def disconnect(self, row: int) -> None:
        """`row` sends the agent alone again."""
        self._into.pop(row, None)

    def forget_source(self, source: HeardFrames, source_row: int) -> None:
        """A lane that others heard is gone."""
        for row, connections in list(self._into.items()):
            left = [
                each
                for each in connections
                if each.source is not source or each.source_row != source_row
            ]
            if left:
                self._into[row] = left
            else:
                del self._into[row]

    def add(self, frames: NDArray[np.int16]) -> None:
        """Add what is connected to the cohort's outgoing frames, int16[n, F], in place."""
        same_rate: dict[int, tuple[HeardFrames, list[int], list[int]]] = {}
        for row, connections in self._into.items():
            for each in connections:
                # A row that came after the tick's start waits for the next one.
                if each.source_row >= len(each.source.heard) or row >= len(frames):
                    continue
                if each.resampler is not None:
                    heard = each.source.heard[each.source_row]
                    _add(frames, [row], each.resampler.push(heard[None]))
                    continue
                group = same_rate.setdefault(each.source.number, (each.source, [], []))
                group[1].append(row)
                group[2].append(each.source_row)
        for source, rows, source_rows in same_rate.values():
            _add(frames, rows, source.heard[source_rows])


def _add(frames: NDArray[np.int16], rows: list[int], heard: NDArray[np.int16]) -> None:
    """Mix with saturation; a row may be there several times (a conference)."""
    width = heard.shape[1]
    mixed = frames.astype(np.int32)
    np.add.at(mixed[:, :width], rows, heard)
    frames[rows] = np.clip(mixed[rows], INT16_MIN, INT16_MAX)
