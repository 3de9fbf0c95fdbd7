"""A line without a network, on a virtual clock: the agent at its end is a function of the sample.

Packets of both sides move 20 ms at a time, when somebody waits for them. What is said leaves at
n * 20 ms, what is heard arrives `phase_s` after that: sample k is heard at k / 8000 + phase_s.
"""

from collections.abc import Callable

import numpy as np

from offhook.bench.phones.line import PACKET, RATE_HZ, Heard, Mouth, Pcm, Said

Agent = Callable[["FakeLine", int], Pcm | None]
"""The agent's packet from that sample of what is heard on; None: it sends nothing."""


class FakeLine:
    """A Line. `words` are the begin and the last sample of all that was said."""

    def __init__(self, agent: Agent, phase_s: float = 0.007, ends_at: int | None = None) -> None:
        self._agent = agent
        self._phase_s = phase_s
        self._ends_at = ends_at
        self.said, self.heard = Said(), Heard()
        self.mouth = Mouth(self.heard)
        self.words: list[tuple[int, int]] = []
        self.up = False

    @property
    def call_id(self) -> str:
        return "fake"

    @property
    def position(self) -> int:
        return len(self.said.sent_at) * PACKET

    async def call(self) -> None:
        self.up = True

    async def hang_up(self) -> None:
        self.up = False

    def say(self, pcm: Pcm, begin: int | None = None) -> int:
        begin = self.position if begin is None else begin
        assert begin >= self.position, "what has left cannot be changed"
        self.mouth.say(pcm, begin)
        self.words.append((begin, begin + len(pcm) - 1))
        return begin

    async def wait_until(self, position: int) -> bool:
        while self.position < position and self._is_up():
            number = len(self.said.sent_at)
            at = number * PACKET / RATE_HZ
            self.said.add(at, self.mouth.packet(number * PACKET, PACKET))
            packet = self._agent(self, number * PACKET)
            if packet is not None:
                self.heard.add(number * PACKET, packet, at + self._phase_s)
        return self._is_up()

    def heard_sample(self, said: int, later_ms: float) -> int:
        """The sample that the ear hears so long after the mouth said `said`."""
        spoken_s = (said - (PACKET - 1)) / RATE_HZ
        return round((spoken_s + later_ms / 1000 - self._phase_s) * RATE_HZ)

    def _is_up(self) -> bool:
        return self._ends_at is None or self.position < self._ends_at


def answering(reply: Pcm, after_ms: float, greeting: Pcm | None = None) -> Agent:
    """Says `greeting` at once, and `reply` exactly so long after the last sample of all words."""

    def agent(line: FakeLine, position: int) -> Pcm:
        packet = np.zeros(PACKET, np.int16)
        begins = [line.heard_sample(last, after_ms) for _, last in line.words]
        pieces = [(begin, reply) for begin in begins]
        for begin, pcm in pieces + ([] if greeting is None else [(0, greeting)]):
            first, last = max(begin, position), min(begin + len(pcm), position + PACKET)
            if first < last:
                packet[first - position : last - position] += pcm[first - begin : last - begin]
        return packet

    return agent


def interruptible(
    rendering: Pcm,
    duck_after_ms: float | None = None,
    stop_after_ms: float | None = None,
    leak: tuple[float, float] | None = None,
    resume_after_ms: float | None = None,
    skip: int = 0,
) -> Agent:
    """Says `rendering`, and does the same thing after each sound of the caller.

    Times count from the sound's first sample. `leak` is when the stopped voice is heard again, and
    for how long. On resuming, `skip` samples of the rendering are lost (negative: said twice);
    without a stop, they are lost at `resume_after_ms` in the middle of speech.
    """

    def agent(line: FakeLine, position: int) -> Pcm:
        at = np.arange(position, position + PACKET)
        source, level = at.copy(), np.ones(PACKET)
        for begin, _ in line.words:

            def since(ms: float | None, begin: int = begin) -> int:
                return 1 << 40 if ms is None else line.heard_sample(begin, ms)

            stop, resume = since(stop_after_ms), since(resume_after_ms)
            level[(at >= since(duck_after_ms)) & (at < min(stop, resume))] = 0.125
            level[(at >= stop) & (at < resume)] = 0
            if leak is not None:
                level[(at >= since(leak[0])) & (at < since(leak[0]) + int(leak[1] * 8))] = 1
            source[at >= resume] += skip - max(0, resume - stop)
        said: Pcm = np.rint(np.take(rendering, source, mode="clip") * level).astype(np.int16)
        return said

    return agent
