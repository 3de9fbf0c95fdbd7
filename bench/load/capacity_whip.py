"""Capacity of a foreign agent behind WHIP: `offhook bench capacity --target https://host/whip`.

Callers are spread over processes, as many as there are cores to spare: one bears few of them, and a
step in which one of them was late is void. Not here: how a ramp goes (capacity_target.py), the
callers (whip_load.py).
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import msgspec
import numpy as np

from ...codecs import g711
from ...codecs.catalog import OPUS
from ...codecs.resample import Resampler
from ...drivers.rtp.wire import UdpWire
from ..reports.capacity_whip_report import WhipStep, merged
from .calls_load import RATE_HZ, Words
from .load_payloads import Payloads, encoded, load, save
from .load_process import LoadProcess
from .switchboard import Tally
from .whip_load import BEARER, WhipCounted

LOAD_MODULE = f"{UdpWire.__module__.split('.', maxsplit=1)[0]}.bench.load.whip_load"
PACE = 5.0
"Calls a second: to set one up takes 50 ms of a core or more, at either end."
SETTLE_S = 2.0
"After the last call was placed."
PATIENCE_S = 30.0
"So long after the last was placed all are to be up."
START_S = 30.0
"For a process to begin, beside others."


class WhipLoads:
    """What steps have in common: whom to call, what is said, how many processes."""

    def __init__(
        self, url: str, bearer: str | None, words: Words, processes: int, pace: float
    ) -> None:
        """`pace`: calls placed a second, by all together."""
        self.url, self.processes = url, processes
        self._bearer, self._words, self._pace = bearer, words, pace
        self._opus = words.payloads.with_name("words-opus.npz")
        save(self._opus, in_opus(load(words.payloads), words.utterances))

    async def step(self, calls: int, seconds: float, patience_s: float = PATIENCE_S) -> WhipStep:
        """So many callers, for so long. Raises ChildProcessError, TimeoutError."""
        shares = spread(calls, self.processes)
        limit_s = START_S + calls / self._pace + patience_s
        async with AsyncExitStack() as stack:
            loads = [
                await stack.enter_async_context(self._load(n, share, len(shares), patience_s))
                for n, share in enumerate(shares)
            ]
            placed = await asyncio.gather(*(each.line(b"placed", limit_s) for each in loads))
            await asyncio.sleep(SETTLE_S)
            for each in loads:
                each.tell("count")
            await asyncio.sleep(seconds)
            for each in loads:
                each.tell("stop")
            counted = await asyncio.gather(*(each.line(b"report") for each in loads))
            await asyncio.gather(*(each.ended() for each in loads))
        return merged(
            calls,
            seconds,
            [msgspec.json.decode(each, type=Tally) for each in placed],
            [msgspec.json.decode(each, type=WhipCounted) for each in counted],
        )

    def _load(self, number: int, calls: int, processes: int, patience_s: float) -> LoadProcess:
        words = self._words
        flags = [
            *("--url", self.url, "--calls", str(calls), "--redial"),
            *("--pace", str(self._pace / processes), "--after", str(number / self._pace)),
            *("--patience", str(patience_s), "--seed", str(1000 * words.seed + number)),
            *("--payloads", str(words.payloads), str(self._opus)),
            *("--utterance", *(f"{first}:{length}" for first, length in words.utterances)),
        ]
        secret = {} if self._bearer is None else {BEARER: self._bearer}
        return LoadProcess(LOAD_MODULE, flags, secret)


def spread(calls: int, processes: int) -> list[int]:
    """Calls of each process: as even as can be, none without any."""
    share, more = divmod(calls, processes)
    return [share + (n < more) for n in range(min(calls, processes))]


def processes_for(url: str, wanted: int | None = None) -> int:
    """As many as there are cores; one fewer where the agent is on this machine."""
    cores = len(os.sched_getaffinity(0))
    return wanted or max(1, cores - is_here(url))


def is_here(url: str) -> bool:
    """Whether that host is this machine. Raises OSError for a host that is not known."""
    address = socket.gethostbyname(urlsplit(url).hostname or "")
    return ipaddress.ip_address(address).is_loopback


def in_opus(words: Payloads, utterances: Sequence[tuple[int, int]]) -> Payloads:
    """The same frames in Opus: every utterance by itself, and one of silence at the end."""
    frames = g711.decode_ulaw(words.data)
    pieces = [frames[first : first + length] for first, length in utterances]
    pieces.append(np.zeros((1, frames.shape[1]), np.int16))
    each = [encoded(_wide(piece.reshape(-1)), OPUS) for piece in pieces]
    data = np.zeros((len(frames), max(part.data.shape[1] for part in each)), np.uint8)
    lengths = np.concatenate([part.lengths for part in each])
    at = 0
    for part in each:
        data[at : at + len(part.data), : part.data.shape[1]] = part.data
        at += len(part.data)
    return Payloads(data, lengths, each[0].payload_type, each[0].timestamp_step)


def _wide(pcm: np.ndarray) -> np.ndarray:
    resampler = Resampler(RATE_HZ, OPUS.sample_rate_hz)
    parts = [resampler.push(pcm[None]), resampler.flush()]
    wide = np.concatenate(parts, axis=1)[0, resampler.delay_samples :]
    whole = np.zeros(len(pcm) * OPUS.sample_rate_hz // RATE_HZ, np.int16)
    whole[: len(wide)] = wide[: len(whole)]
    return whole
