"""Callers for load over WHIP: some WebRTC calls from one process, each conversing with who answers.

Run as its own process by capacity_whip.py. Places its calls at a pace, prints `placed <Tally>`
when all are up or patience is over; reads `count` (begin counting anew) and `stop` (report, hang
up) from standard input; prints `report <WhipCounted>` at the end. What one of these can bear is
little: ICE, DTLS and SRTP are Python's (some 50 ms of a core a call and second).

    python -m offhook.bench.load.whip_load --url http://127.0.0.1:8000/whip --calls 4 \\
        --payloads words.npz words-opus.npz --utterance 0:50 50:70
"""

import argparse
import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import uvloop

from ..phones.whip_call import Packet, WhipCall
from .load_clock import LoadClock, Usage
from .load_payloads import Payloads, load
from .packet_count import Arrivals, PacketCount
from .rtp_load import FRAME_S, Commands, Report
from .sip_load import CallsReport
from .switchboard import Tally
from .talkers import Talkers
from .whip_caller import Caller, Placed, payloads_of

SLICES = 10
"Of a frame, 2 ms each."
BEARER = "OFFHOOK_BENCH_BEARER"
"A variable of the environment: command lines are everybody's to read."


class WhipCounted(msgspec.Struct, frozen=True):
    """What was counted afterwards."""

    report: CallsReport
    gaps_ms: list[float]
    "Of each call that is up: the longest time without a packet."
    audio_ms: list[float]
    "From the offer to the far end's first packet, of each call since the first was placed."


class Settings(msgspec.Struct, frozen=True):
    """What load there is to be."""

    url: str
    bearer: str | None
    calls: int
    pace: float
    "Calls a second that are placed."
    after_s: float
    "When the first of them is."
    redial: bool
    patience_s: float
    "So long after the last call was placed all are to be up."
    utterances: list[tuple[int, int]]
    seed: int


class WhipLoad:
    """The callers; `await run()`."""

    def __init__(self, settings: Settings, pcmu: Payloads, opus: Payloads) -> None:
        self._settings = settings
        self._placed = Placed()
        payloads = payloads_of(_each(pcmu), _each(opus))
        self._callers = [Caller(row, payloads, self._placed) for row in range(settings.calls)]
        for caller in self._callers:
            caller.on_up, caller.on_down, caller.on_packet = self._up, self._down, self._came
        self._talkers = Talkers(settings.calls, settings.utterances, settings.seed)
        self._clock = LoadClock(Usage.now())
        self._count = PacketCount(settings.calls, 1)
        self._arrived: list[tuple[int, int]] = []
        self._sent = self._behind = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def run(
        self, next_command: Callable[[], str], when_placed: Callable[[Tally], None]
    ) -> WhipCounted:
        """Place the calls, hold them until told to stop, hang up."""
        origin, number, told = time.monotonic(), 0, False
        settings = self._settings
        patient_s = settings.after_s + settings.calls / settings.pace + settings.patience_s
        while True:
            due = origin + number * FRAME_S / SLICES
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self._clock.add(now - due)
            self._dial(now - origin)
            self._slice(number)
            number += 1
            if not told and (self._settled() or now - origin > patient_s):
                told = True
                gc.freeze()  # what is there stays; looking at it again would be the load's stall
                when_placed(self._placed.tally)
            if number % SLICES:
                continue
            self._count_arrivals()
            command = next_command()
            if command == "count":
                self._restart_counting()
            elif command:
                break
        counted = self._counted()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return counted

    def _dial(self, since_s: float) -> None:
        settings = self._settings
        while len(self._tasks) < settings.calls and since_s >= (
            settings.after_s + len(self._tasks) / settings.pace
        ):
            caller = self._callers[len(self._tasks)]
            task = asyncio.create_task(
                caller.run(self._call, settings.redial), name=f"caller {caller.row}"
            )
            self._tasks.append(task)

    def _call(self, caller: Caller) -> WhipCall:
        settings = self._settings
        return WhipCall(settings.url, caller.next_payload, caller.receive, settings.bearer)

    def _slice(self, number: int) -> None:
        each = self._callers[number % SLICES :: SLICES]
        callers = [caller for caller in each if caller.up]
        rows = np.array([caller.row for caller in callers], np.int64)
        for caller, frame in zip(callers, self._talkers.next(rows).tolist(), strict=True):
            left = caller.say(frame)
            self._sent += left
            self._behind += not left
        self._talkers.hear(rows, np.array([caller.loud for caller in callers], bool))
        for caller in callers:
            caller.loud = False

    def _settled(self) -> bool:
        live, tally = sum(caller.up for caller in self._callers), self._placed.tally
        if self._settings.redial:
            return live == self._settings.calls
        return tally.answered + tally.refusals >= self._settings.calls

    def _up(self, caller: Caller) -> None:
        self._count_arrivals()
        self._count.renew(caller.row)
        self._talkers.begin(caller.row)

    def _down(self, caller: Caller) -> None:
        self._talkers.end(caller.row)

    def _came(self, caller: Caller, packet: Packet) -> None:
        self._arrived.append((caller.row, packet.sequence))

    def _count_arrivals(self) -> None:
        if self._arrived:
            rows, sequences = np.array(self._arrived, np.int64).T
            # What the far end left out is told by its packets' own lengths (stream_gaps.py).
            self._count.add(rows, sequences, np.zeros(len(rows), np.int64))
            self._arrived.clear()

    def _restart_counting(self) -> None:
        self._placed.restart()
        self._talkers.restart_counting()
        self._count.restart()
        for caller in self._callers:
            caller.gaps.restart()
        self._sent = self._behind = 0
        self._clock.restart(Usage.now())

    def _counted(self) -> WhipCounted:
        now, live = time.monotonic(), [caller for caller in self._callers if caller.up]
        skipped = sum(caller.gaps.skipped for caller in live)
        arrivals: Arrivals = msgspec.structs.replace(self._count.arrivals(), skipped=skipped)
        health = self._clock.health(Usage.now(), self._behind)
        return WhipCounted(
            CallsReport(
                len(live),
                self._placed.tally,
                self._talkers.turns(),
                Report(self._sent, arrivals, health),
            ),
            [1000 * caller.gaps.longest_s(now) for caller in live],
            self._placed.audio_ms,
        )


def _each(payloads: Payloads) -> list[bytes]:
    pairs = zip(payloads.data, payloads.lengths, strict=True)
    return [row[:length].tobytes() for row, length in pairs]


def _span(text: str) -> tuple[int, int]:
    first, _, length = text.partition(":")
    return int(first), int(length)


def _say(word: bytes, what: Tally | WhipCounted) -> None:
    sys.stdout.buffer.write(word + b" " + msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="where offers are posted")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--pace", type=float, default=5.0)
    parser.add_argument("--after", type=float, default=0.0, help="seconds before the first call")
    parser.add_argument("--redial", action="store_true")
    parser.add_argument("--patience", type=float, default=30.0)
    parser.add_argument("--payloads", type=Path, nargs=2, required=True, help="PCMU, Opus")
    parser.add_argument("--utterance", type=_span, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    settings = Settings(
        options.url,
        os.environ.get(BEARER),
        options.calls,
        options.pace,
        options.after,
        options.redial,
        options.patience,
        options.utterance,
        options.seed,
    )
    callers = WhipLoad(settings, *(load(path) for path in options.payloads))
    run = callers.run(Commands().next, lambda tally: _say(b"placed", tally))
    _say(b"report", uvloop.run(run))


if __name__ == "__main__":
    main()
