"""The audio of one reply beside its text: kept until heard, played as one epoch or several.

It may exist before the lane does (a greeting made while it rings), and it may be taken off the lane
and go on later (the agent had yielded). Not here: where text and audio come from (speaking.py).
"""

import collections

import numpy as np
from numpy.typing import NDArray

from ..ports import LanePort
from .heard import SpokenText
from .phrase_book import MadePhrase
from .turn_events import ReplyWritten

KEPT_S = 3.0
"Played audio that is kept, to go on from the beginning of a word."


class ReplySpeech:
    """One reply in the making and in the playing."""

    def __init__(self, rate_hz: int, *, keep: bool = False, made: MadePhrase | None = None) -> None:
        """`keep`: all audio is kept, to be said again (a phrase); `made`: it is complete."""
        self.rate_hz = rate_hz
        self.spoken = made.spoken if made is not None else SpokenText(rate_hz)
        self.epoch: int | None = None
        "As what it plays, or has played last."
        self.on_lane = False
        self.committed = False
        self.voiced = made is not None
        self.written: ReplyWritten | None = None
        self.failed: Exception | None = None
        self._keep = keep
        self._lane: LanePort | None = None
        self._chunks = collections.deque[NDArray[np.int16]](made.chunks if made is not None else ())
        self._kept_from = 0
        self._offset = 0
        "The reply's sample at which the running epoch began."
        self._begun_at: int | None = None
        "The lane's position at the epoch's first sample."
        self._halted_at = 0
        self._furthest = 0
        "Of all epochs: what was heard once stays heard when the word is begun again."
        self._muted_from: int | None = None
        "Since which sample nothing of it is heard."
        self._muted: list[tuple[int, int]] = []
        "What was played in silence before."

    @property
    def played(self) -> int:
        """How many of the reply's samples have left the gate."""
        if self._lane is None or self.epoch is None or not self.on_lane:
            return self._halted_at
        return self._offset + self._lane.played_samples(self.epoch)

    @property
    def unplayed_s(self) -> float:
        """Seconds of audio that are made and wait."""
        return (self.spoken.samples - self.played) / self.rate_hz

    def attach(self, lane: LanePort, epoch: int, from_samples: int = 0) -> int:
        """Play under this epoch what there is from that sample on; returns how much that is."""
        self._lane, self.epoch, self._offset = lane, epoch, from_samples
        self._begun_at = None
        self.on_lane = True
        begin = self._kept_from
        for chunk in self._chunks:
            if begin + len(chunk) > from_samples:
                lane.play(epoch, chunk[max(0, from_samples - begin) :])
            begin += len(chunk)
        if self.voiced:
            lane.finish(epoch)
        return max(0, self.spoken.samples - from_samples)

    def begin_anew(self, *, muted: bool) -> None:
        """It is said from its beginning; what was heard of it another time does not count."""
        self._halted_at = self._furthest = 0
        self._muted, self._muted_from = [], 0 if muted else None

    def mute(self, on: bool) -> None:
        """From here on it plays in silence, or is heard again."""
        at = self.played
        if on and self._muted_from is None:
            self._muted_from = at
        elif not on and self._muted_from is not None:
            self._muted.append((self._muted_from, at))
            self._muted_from = None

    def add_audio(self, pcm: NDArray[np.int16]) -> None:
        """More audio of the current piece."""
        self.spoken.add_audio(len(pcm))
        self._chunks.append(pcm)
        if self._lane is not None and self.epoch is not None and self.on_lane:
            self._lane.play(self.epoch, pcm)
        if not self._keep:
            self._forget()

    def end(self) -> None:
        """No more audio will come."""
        self.voiced = True
        if self._lane is not None and self.epoch is not None and self.on_lane:
            self._lane.finish(self.epoch)

    def open_gate(self) -> None:
        """Let it be heard."""
        self.committed = True
        if self._lane is not None and self.epoch is not None and self.on_lane:
            self._lane.open_gate(self.epoch)

    def as_phrase(self) -> MadePhrase:
        """All of its audio, to be said in other calls; `keep` must have been asked for."""
        assert self._keep, "audio may have been forgotten"
        assert self.voiced, "audio may still come"
        return MadePhrase(self.spoken, tuple(self._chunks))

    def begin(self, at_samples: int) -> None:
        """The running epoch's first sample has left."""
        self._begun_at = at_samples

    def halt(self, fade_ms: int) -> None:
        """Fall silent; the rest is kept. The fade was not understood: it counts as unheard."""
        if self._lane is None or not self.on_lane:
            return
        before = self._lane.played_samples(self.epoch) if self.epoch is not None else 0
        self._lane.stop(fade_ms)
        self._halted_at = self._offset + (before or self._played_until_the_end(self._lane))
        self._furthest = max(self._furthest, self._halted_at)
        self.on_lane = False

    def go_on(self, epoch: int) -> int:
        """Play on from the beginning of the word that was broken off."""
        assert self._lane is not None, "what was never on the lane cannot go on"
        begin = max(self._kept_from, self.spoken.word_begin(self._halted_at))
        # The broken word is said once more: what was silent of it need not be this time.
        self._muted = [(a, min(b, begin)) for a, b in self._muted if a < begin]
        if self._muted_from is not None:
            self._muted_from = min(self._muted_from, begin)
        left = self.attach(self._lane, epoch, begin)
        self.open_gate()
        return left

    def drop(self) -> None:
        """Take it off the lane; nothing of it has been heard."""
        if self._lane is not None and self.epoch is not None and self.on_lane:
            if self.committed:
                self._lane.stop(0)
            else:
                self._lane.drop(self.epoch)
        self.detach()

    def detach(self) -> None:
        """The lane is done with it."""
        self._halted_at = self.played
        self.on_lane = False
        self.committed = False

    def heard(self) -> str:
        """What the caller has heard: what was played, less what is still on its way."""
        late = self._lane.far_delay_samples() if self._lane is not None else 0
        return self._heard_of(max(self.played, self._furthest) - late)

    def heard_to_its_end(self) -> str:
        """What the caller has heard when all audio that was made has played."""
        return self._heard_of(self.spoken.samples)

    def _heard_of(self, samples: int) -> str:
        """Less what was played in silence: in its place stands an ellipsis."""
        if not self._muted and self._muted_from is None:
            return self.spoken.heard(samples)
        silent = list(self._muted)
        if self._muted_from is not None:
            silent.append((self._muted_from, samples))
        parts: list[str] = []
        begin = 0
        for silence, sound in [*silent, (samples, samples)]:
            if part := self.spoken.heard_between(begin, min(silence, samples)):
                parts.append(part)
            begin = min(sound, samples)
        return " … ".join(parts)

    def _played_until_the_end(self, lane: LanePort) -> int:
        """A lane whose leg has ended counts no more, but keeps its last position."""
        if self._begun_at is None:
            return 0
        return min(self.spoken.samples - self._offset, lane.position_samples - self._begun_at)

    def _forget(self) -> None:
        keep_from = self.played - round(KEPT_S * self.rate_hz)
        while self._chunks and self._kept_from + len(self._chunks[0]) < keep_from:
            self._kept_from += len(self._chunks.popleft())
