"""Who hears whom besides the agent: legs joined for transfer, whisper, listen-in and three-way.

A connection adds one side of a lane (what its far end says, or what its agent says) to what another
lane sends. All connections into a cohort are mixed at once: sums of 32 bits, cut to 16 at the end,
so that voices saturate and do not wrap. Between rates they are resampled together, in banks.

Not here: who is to hear whom (control/calls/bridging.py). The frame that is mixed in is the newest
one of the other lane: at most one frame old (0 in the same cohort, else what lies between their
ticks).
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...codecs.resample import Resampler
from .history import HEARD, Channel
from .lanes import frame_samples

INT16_MIN, INT16_MAX = -32768, 32767
BANK_LANES = 16
"Voices that are resampled together; with more there is one bank more, and no filter begins anew."


class SharedFrames(Protocol):
    """The cohort that a lane belongs to whom others hear."""

    number: int
    rate_hz: int
    heard: NDArray[np.int16]
    "What the far ends said in its last tick, int16[n, F]; a row beyond n was not there yet."
    own: NDArray[np.int16]
    "What its agents said, without what was mixed in; the same shape."


class _Connection:
    """One side of a lane that a row hears."""

    __slots__ = ("channel", "row", "slot", "source", "source_row")

    def __init__(self, row: int, source: SharedFrames, source_row: int, channel: Channel) -> None:
        self.row = row
        self.source = source
        self.source_row = source_row
        self.channel = channel
        self.slot = -1
        "Its place in the banks; -1: it has the row's rate."

    def comes_from(self, source: SharedFrames, source_row: int) -> bool:
        return self.source is source and self.source_row == source_row


class _Group(NamedTuple):
    """Connections that are one array operation: one source and channel, every target once."""

    source: SharedFrames
    channel: Channel
    source_rows: NDArray[np.intp]
    targets: NDArray[np.intp]
    "Indices into the plan's rows."
    slots: NDArray[np.intp]
    "Places in the banks; empty: no resampling."

    def frames(self) -> NDArray[np.int16]:
        """The voices, [m, F]; silence of rows that came after their cohort's tick."""
        shared = self.source.heard if self.channel is HEARD else self.source.own
        rows = self.source_rows
        if rows.max(initial=-1) < len(shared):
            return shared[rows]
        there = rows < len(shared)
        voices = np.zeros((len(rows), frame_samples(self.source.rate_hz)), np.int16)
        voices[there] = shared[rows[there]]
        return voices


class Mixer:
    """The connections into one cohort's rows."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame = frame_samples(rate_hz)
        self._into: dict[int, list[_Connection]] = {}
        self._rows: NDArray[np.intp] = np.zeros(0, np.intp)
        self._groups: list[_Group] = []
        self._banks: list[Resampler] = []
        self._free: list[int] = []
        "Places in the banks that are silent."
        self._rinsed: list[int] = []
        "Places that still hold the end of somebody's voice, until a frame of silence has passed."

    def connect(
        self, row: int, source: SharedFrames, source_row: int, channel: Channel = HEARD
    ) -> None:
        """From the next tick on `row` sends that side of `source_row`, too. Twice is once."""
        connections = self._into.setdefault(row, [])
        for each in connections:
            if each.comes_from(source, source_row) and each.channel is channel:
                return
        connection = _Connection(row, source, source_row, channel)
        if source.rate_hz != self._rate_hz:
            connection.slot = self._take_slot(source.rate_hz)
        connections.append(connection)
        self._plan()

    def disconnect(
        self, row: int, source: SharedFrames, source_row: int, channel: Channel = HEARD
    ) -> None:
        """`row` does not send that side of `source_row` any more."""
        self._keep(
            row, lambda each: not (each.comes_from(source, source_row) and each.channel is channel)
        )

    def forget(self, row: int) -> None:
        """`row` sends the agent alone again."""
        self._keep(row, lambda each: False)

    def forget_source(self, source: SharedFrames, source_row: int) -> None:
        """A lane that others heard is gone."""
        for row in list(self._into):
            self._keep(row, lambda each: not each.comes_from(source, source_row))

    def own(self, frames: NDArray[np.int16]) -> NDArray[np.int16]:
        """The agents' frames, int16[n, F], as they are before `add` (a copy if it changes any)."""
        return frames.copy() if self._into else frames

    def add(self, frames: NDArray[np.int16]) -> None:
        """Add what is connected to the cohort's outgoing frames, int16[n, F], in place."""
        if not self._into and not self._rinsed:
            return
        resampled = self._resample()
        if not len(self._rows):
            return
        mixed = np.zeros((len(self._rows), self._frame), np.int32)
        for group in self._groups:
            mixed[group.targets] += resampled[group.slots] if len(group.slots) else group.frames()
        rows = self._rows
        if rows[-1] >= len(frames):  # a row that came after the tick's start waits for the next
            there = rows < len(frames)
            rows, mixed = rows[there], mixed[there]
        mixed += frames[rows]
        frames[rows] = np.clip(mixed, INT16_MIN, INT16_MAX)

    # -- between the rates ---------------------------------------------------------------------

    def _resample(self) -> NDArray[np.int16]:
        """The voices of the other rate by their places, int16[places, F]."""
        if not self._banks:
            return np.zeros((0, self._frame), np.int16)
        places = BANK_LANES * len(self._banks)
        voices = np.zeros((places, frame_samples(self._banks[0].from_hz)), np.int16)
        for group in self._groups:
            if len(group.slots):
                voices[group.slots] = group.frames()
        banks = np.split(voices, len(self._banks))
        resampled = [bank.push(part) for bank, part in zip(self._banks, banks, strict=True)]
        self._free += self._rinsed
        self._rinsed = []
        if len(self._free) == places:
            self._banks, self._free = [], []
        return np.concatenate(resampled)

    def _take_slot(self, from_hz: int) -> int:
        if not self._free:
            first = BANK_LANES * len(self._banks)
            self._banks.append(Resampler(from_hz, self._rate_hz, BANK_LANES))
            self._free = list(range(first + BANK_LANES - 1, first - 1, -1))
        return self._free.pop()

    # -- the plan ------------------------------------------------------------------------------

    def _keep(self, row: int, wanted: Callable[[_Connection], bool]) -> None:
        before = self._into.pop(row, [])
        after = [each for each in before if wanted(each)]
        if after:
            self._into[row] = after
        if len(after) != len(before):
            kept = {each.slot for each in after}
            self._rinsed += [e.slot for e in before if e.slot >= 0 and e.slot not in kept]
            self._plan()

    def _plan(self) -> None:
        """Sort the connections into groups, once for all the ticks until they change."""
        self._rows = np.array(sorted(self._into), np.intp)
        sorted_in: dict[tuple[int, Channel, int], list[_Connection]] = {}
        for connections in self._into.values():
            layers: dict[tuple[int, Channel], int] = {}
            for each in connections:
                key = each.source.number, each.channel
                layer = layers[key] = layers.get(key, -1) + 1
                sorted_in.setdefault((*key, layer), []).append(each)
        self._groups = [self._group(connections) for connections in sorted_in.values()]

    def _group(self, connections: list[_Connection]) -> _Group:
        first = connections[0]
        slots = [each.slot for each in connections if each.slot >= 0]
        return _Group(
            first.source,
            first.channel,
            np.array([each.source_row for each in connections], np.intp),
            np.searchsorted(self._rows, [each.row for each in connections]),
            np.array(slots, np.intp),
        )
