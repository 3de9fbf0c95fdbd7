"""Callers for load: many SIP calls with RTP from one process, each conversing with who answers.

Run as its own process by capacity_calls.py and api.py. Places its calls at a pace, prints
`placed <tally>` when each is answered or refused; reads `count` (begin counting anew) and `stop`
(report, hang up) from standard input; prints a CallsReport at the end.

    python -m offhook.bench.load.sip_load --server 127.0.0.1:5060 --calls 100 --pace 20 \\
        --payloads words.npz --utterance 0:50 50:70
"""

import argparse
import asyncio
import random
import resource
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import uvloop
from numpy.typing import NDArray

from ...codecs import g711
from .load_clock import LoadClock, Usage
from .load_payloads import load
from .rtp_load import FRAME_S, HEADER, Commands, FarEnds, Report
from .switchboard import Down, Switchboard, Tally, Up
from .talkers import Talkers, Turns

SLICES = 10
"Of a frame, 2 ms each: the event loop's timers are no finer than 1 ms."
TIMERS_S = 0.05
HANG_UP_LIMIT_S = 10.0
REDIAL_S = (2.0, 4.0, 8.0)
"After a first, second, later refusal: at once and all together they would keep a server busy."
REDIAL_LIMIT_S = 30.0
"So long after the last call was placed all are to be up."
LOUD = 150.0
"Mean magnitude of a packet's samples above which there is sound."
MAGNITUDES = np.abs(g711.decode_ulaw(np.arange(256, dtype=np.uint8)).astype(np.float32))


class CallsReport(msgspec.Struct, frozen=True):
    """What was counted."""

    live: int
    "Calls that were up at the end."
    tally: Tally
    turns: Turns
    rtp: Report

    def calls_missing(self, calls: int) -> int:
        """Of so many: not up at the end, or ended by the far end while it was counted."""
        return max(calls - self.live, self.tally.ended_by_far_end)

    def packets_missing(self, calls: int) -> int:
        """Of what the far end sent to so many, or should have: lost, never made, or silent."""
        back = self.rtp.arrivals
        # A stream that is not up is counted as a call that is not.
        silent = max(0, back.silent - (calls - self.live))
        return back.lost + back.skipped + silent


class Settings(msgspec.Struct, frozen=True):
    """What load there is to be."""

    server: str
    user: str
    "Whom to call there."
    calls: int
    pace: float
    "Calls a second that are placed."
    hold_s: float | None
    "None: calls are held until the end."
    redial: bool
    "Call again when the far end has hung up, and after a while when it has refused."
    utterances: list[tuple[int, int]]
    seed: int


class SipLoad(asyncio.DatagramProtocol):
    """The callers; `await run()`."""

    def __init__(self, settings: Settings, payloads: Path) -> None:
        self._settings = settings
        host, port = settings.server.rsplit(":", 1)
        self._server = host, int(port)
        self._host = local_host(self._server)
        self._far = FarEnds(settings.calls, load(payloads), SLICES, self._host)
        self._talkers = Talkers(settings.calls, settings.utterances, settings.seed)
        self._clock = LoadClock(Usage.now())
        self._commands = Commands()
        self._sip: asyncio.DatagramTransport | None = None
        self._board: Switchboard | None = None
        self._hang_up_at: dict[int, float] = {}
        self._dial_at: dict[int, float] = {}
        "Calls that were refused and try again."
        self._refused: Counter[int] = Counter()
        "By row, since it was last up."
        self._told = False

    async def run(self) -> CallsReport:
        """Place the calls, hold them until told to stop, hang up."""
        loop, settings = asyncio.get_running_loop(), self._settings
        self._sip, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self._host, 0), remote_addr=self._server
        )
        ports = [each.getsockname()[1] for each in self._far.sockets]
        local = self._sip.get_extra_info("sockname")[:2]
        self._board = Switchboard(
            settings.server, settings.user, local, ports, random.Random(settings.seed)
        )
        await self._hold(self._board)
        report = CallsReport(
            self._board.live,
            self._board.tally,
            self._talkers.turns(),
            self._far.report(self._clock),
        )
        await self._hang_up(self._board)
        self._sip.close()
        return report

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A SIP message."""
        assert self._board is not None, "made with the socket"
        self._board.receive_datagram(data, time.monotonic())
        self._drain(self._board)

    async def _hold(self, board: Switchboard) -> None:
        origin, number, dialled, timers_at = time.monotonic(), 0, 0, 0.0
        while True:
            due = origin + number * FRAME_S / SLICES
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self._clock.add(now - due)
            while dialled < self._settings.calls and now >= origin + dialled / self._settings.pace:
                board.dial(dialled, now)
                dialled += 1
            self._slice(number)
            if now >= timers_at:
                board.handle_timers(now)
                self._do_due(board, now)
                timers_at = now + TIMERS_S
            self._drain(board)
            all_dialled = dialled == self._settings.calls
            if not self._told and all_dialled and self._settled(board, now - origin):
                self._told = True
                _say(b"placed", board.tally)
            number += 1
            command = self._commands.next() if number % SLICES == 0 else ""
            if command == "count":
                self._restart_counting(board)
            elif command:
                return

    def _slice(self, number: int) -> None:
        far = self._far
        rows = far.rows(number)
        # Nothing to say is the last payload, silence: its index is Talkers' SILENT, -1.
        far.send(number, rows, self._talkers.next(rows))
        heard, packets = far.receive(number)
        loud = np.zeros(self._settings.calls, bool)
        loud[heard[loudness(packets) > LOUD]] = True
        self._talkers.hear(rows, loud[rows])

    def _drain(self, board: Switchboard) -> None:
        assert self._sip is not None, "open while calls are"
        while (event := board.next_event()) is not None:
            if isinstance(event, Up):
                self._far.count.renew(event.row)
                self._far.connect(event.row, *event.media)
                self._talkers.begin(event.row)
                if self._settings.hold_s is not None:
                    self._hang_up_at[event.row] = time.monotonic() + self._settings.hold_s
                continue
            self._far.disconnect(event.row)
            self._talkers.end(event.row)
            self._hang_up_at.pop(event.row, None)
            if self._settings.redial and event.by_far_end:
                self._dial_at[event.row] = time.monotonic() + self._wait_s(event)
        for data in board.datagrams_to_send():
            self._sip.sendto(data)

    def _wait_s(self, event: Down) -> float:
        if not event.refused:
            self._refused[event.row] = 0
            return 0.0
        self._refused[event.row] += 1
        return REDIAL_S[min(self._refused[event.row], len(REDIAL_S)) - 1]

    def _do_due(self, board: Switchboard, now: float) -> None:
        for row in [row for row, at in self._hang_up_at.items() if at <= now]:
            board.hang_up(row, now)
        for row in [row for row, at in self._dial_at.items() if at <= now]:
            del self._dial_at[row]
            board.dial(row, now)

    def _settled(self, board: Switchboard, placing_s: float) -> bool:
        settings, tally = self._settings, board.tally
        if settings.redial:
            patient_s = settings.calls / settings.pace + REDIAL_LIMIT_S
            return board.live == settings.calls or placing_s > patient_s
        return tally.answered + tally.refusals >= tally.placed

    def _restart_counting(self, board: Switchboard) -> None:
        board.restart_counting()
        self._talkers.restart_counting()
        self._far.restart_counting()
        self._clock.restart(Usage.now())

    async def _hang_up(self, board: Switchboard) -> None:
        self._settings = msgspec.structs.replace(self._settings, redial=False)
        give_up_at = time.monotonic() + HANG_UP_LIMIT_S
        for row in range(self._settings.calls):
            board.hang_up(row, time.monotonic())
            self._drain(board)
            await asyncio.sleep(0.001)
        while board.open and time.monotonic() < give_up_at:
            board.handle_timers(time.monotonic())
            self._drain(board)
            await asyncio.sleep(TIMERS_S)


def loudness(packets: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean magnitude of each packet's 160 samples of mu-law."""
    magnitudes: NDArray[np.float32] = MAGNITUDES[packets[:, HEADER : HEADER + 160]].mean(axis=1)
    return magnitudes


def local_host(server: tuple[str, int]) -> str:
    """Our address towards that server: nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(server)
        host: str = asked.getsockname()[0]
        return host


def _span(text: str) -> tuple[int, int]:
    first, _, length = text.partition(":")
    return int(first), int(length)


def _say(word: bytes, what: Tally | CallsReport) -> None:
    sys.stdout.buffer.write(word + b" " + msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="host:port of its SIP socket")
    parser.add_argument("--user", default="agent", help="whom to call there")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--pace", type=float, default=20.0)
    parser.add_argument("--hold", type=float)
    parser.add_argument("--redial", action="store_true")
    parser.add_argument("--payloads", type=Path, required=True)
    parser.add_argument("--utterance", type=_span, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    settings = Settings(
        options.server,
        options.user,
        options.calls,
        options.pace,
        options.hold,
        options.redial,
        options.utterance,
        options.seed,
    )
    _say(b"report", uvloop.run(SipLoad(settings, options.payloads).run()))


if __name__ == "__main__":
    main()
