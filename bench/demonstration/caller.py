"""A person on the phone, scripted: listens until the agent has finished, speaks, presses keys.

Hears the agent through the same voice activity detection as the server hears callers. Not here:
what is said (demo.py).
"""

import asyncio
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...control.calls.softphone import PlacedCall
from ...media.events import (
    AlarmDue,
    AnyMediaEvent,
    PlayoutFinished,
    SpeechEnded,
    SpeechStarted,
)

POLITE_PAUSE_MS = 700
"The agent has been silent for so long: it is our turn."


class Caller:
    """The far end of one call that a Softphone has placed."""

    def __init__(self, call: PlacedCall) -> None:
        self.call = call
        self.lane = call.lane
        self._epoch = 0
        self._agent_speaks = False
        self._quiet_since: int | None = None
        "Where the agent's last talkspurt ended; None while it speaks, or before it has."
        self._changed = asyncio.Event()
        self._spoken = asyncio.Event()
        self.lane.sink = self._receive

    async def listen(self, limit_s: float) -> bool:
        """Wait until the agent has said something and is silent; False when nothing came."""
        return await self._wait_for(lambda: self._agent_speaks, limit_s) and await self._wait_for(
            self._agent_is_done, limit_s
        )

    async def wait_until_it_has_spoken(self, ms: int, limit_s: float) -> bool:
        """Wait until the agent is in the middle of a sentence, `ms` after it began."""
        if not await self._wait_for(lambda: self._agent_speaks, limit_s):
            return False
        began = self.lane.position_samples
        wanted = began + ms * self.lane.rate_hz // 1000
        self.lane.set_alarm(wanted)
        return await self._wait_for(lambda: self.lane.position_samples >= wanted, limit_s)

    async def say(self, pcm: NDArray[np.int16]) -> None:
        """Speak: int16[samples] at the lane's rate; returns when the last sample has left."""
        self._epoch += 1
        self._spoken.clear()
        self._expect_answer()
        self.lane.play(self._epoch, pcm)
        self.lane.finish(self._epoch)
        self.lane.open_gate(self._epoch)
        await self._first(self._spoken)

    def press(self, keys: str) -> None:
        """Press keys."""
        self._expect_answer()
        self.call.leg.send_digits(keys)

    def _receive(self, event: AnyMediaEvent) -> None:
        match event:
            case SpeechStarted():
                self._agent_speaks = True
                self._quiet_since = None
                self.lane.set_alarm(None)
            case SpeechEnded(ended_samples=ended):
                self._quiet_since = ended
                self.lane.set_alarm(ended + POLITE_PAUSE_MS * self.lane.rate_hz // 1000)
            case PlayoutFinished():
                self._spoken.set()
            case AlarmDue() | _:
                pass
        self._changed.set()

    def _expect_answer(self) -> None:
        """What the agent says from now on is the answer."""
        self._agent_speaks = False
        self._quiet_since = None

    def _agent_is_done(self) -> bool:
        if self._quiet_since is None:
            return False
        pause = self.lane.position_samples - self._quiet_since
        return pause >= POLITE_PAUSE_MS * self.lane.rate_hz // 1000

    async def _wait_for(self, condition: Callable[[], bool], limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                while not condition():
                    self._changed.clear()
                    await self._first(self._changed)
                    if self.call.end is not None:
                        return False
        except TimeoutError:
            return False
        return True

    async def _first(self, event: asyncio.Event) -> None:
        """Wait for the event, or for the end of the call."""
        waiting = [
            asyncio.create_task(event.wait(), name="caller waits"),
            asyncio.create_task(self.call.ended(), name="caller hears the end"),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
