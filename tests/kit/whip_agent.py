"""An agent behind WHIP, made of aiortc: greets, and answers so long after the caller fell silent.

A stand-in for a foreign agent: its jitter buffer, its clock and its codec are aiortc's.
"""

import asyncio
import fractions
import importlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from offhook.tests.kit.whip_endpoint import WhipEndpoint, taking_calls

RATE_HZ = 48000
FRAME = 960
LOUD_RMS = 300


def tone(seconds: float, hz: float) -> np.ndarray:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pcm: np.ndarray = np.rint(6000 * np.sin(2 * np.pi * hz * at + 1)).astype(np.int16)
    return pcm


class WhipAgent(WhipEndpoint):
    """Says `greeting`, then `reply` after each utterance, `reply_after_s` of silence later.

    Falls silent in the middle of a word as soon as the caller makes a sound.
    """

    def __init__(
        self, greeting: np.ndarray, reply: np.ndarray, reply_after_s: float, token: str | None
    ) -> None:
        super().__init__(token)
        self._greeting, self._reply = greeting, reply
        self._reply_after_s = reply_after_s
        self._listening: set[asyncio.Task[None]] = set()

    def answer(self, peer: Any) -> None:
        voice = _voice(self._greeting)
        peer.addTrack(voice)

        def on_track(track: Any) -> None:
            task = asyncio.create_task(self._listen(track, voice))
            self._listening.add(task)
            task.add_done_callback(self._listening.discard)

        peer.on("track", on_track)

    async def _listen(self, track: Any, voice: Any) -> None:
        ended = importlib.import_module("aiortc.mediastreams").MediaStreamError
        spoken_at: float | None = None
        while True:
            try:
                frame = await track.recv()
            except ended:
                return
            level = float(np.sqrt(np.mean(frame.to_ndarray().astype(float) ** 2)))
            now = time.monotonic()
            if level > LOUD_RMS:
                spoken_at = now
                voice.say(np.zeros(0, np.int16))  # whoever speaks has the floor
            elif spoken_at is not None and now - spoken_at >= self._reply_after_s:
                voice.say(self._reply)
                spoken_at = None


def _voice(greeting: np.ndarray) -> Any:
    import av

    class Voice(importlib.import_module("aiortc").MediaStreamTrack):  # type: ignore[misc]
        kind = "audio"

        def __init__(self) -> None:
            super().__init__()
            self._pcm = greeting
            self._origin: float | None = None
            self._number = 0

        def say(self, pcm: np.ndarray) -> None:
            self._pcm = pcm

        async def recv(self) -> Any:
            if self._origin is None:
                self._origin = time.monotonic()
            await asyncio.sleep(
                max(0.0, self._origin + self._number * FRAME / RATE_HZ - time.monotonic())
            )
            now, self._pcm = self._pcm[:FRAME], self._pcm[FRAME:]
            pcm = np.zeros(FRAME, np.int16)
            pcm[: len(now)] = now
            frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
            frame.sample_rate = RATE_HZ
            frame.pts, frame.time_base = self._number * FRAME, fractions.Fraction(1, RATE_HZ)
            self._number += 1
            return frame

    return Voice()


@asynccontextmanager
async def whip_agent(
    greeting: np.ndarray, reply: np.ndarray, reply_after_s: float, token: str | None = None
) -> AsyncIterator[tuple[WhipAgent, str]]:
    """The agent, and the address that offers are posted to."""
    async with taking_calls(WhipAgent(greeting, reply, reply_after_s, token)) as (agent, url):
        yield agent, url
