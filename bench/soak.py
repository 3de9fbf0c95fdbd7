"""Does anything leak? Many short calls over SIP and RTP; what the server holds before and after.

    offhook bench soak [--calls 1000] [--concurrent 2]

Every call is answered, hears the greeting and hangs up; every eighth is given up while it is set
up, because that is where things are forgotten. The server is another process; it is looked at from
outside (/proc) and asked (/metrics). Not measured here: speed (capacity.py), latency.
"""

import argparse
import asyncio
import itertools
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
import msgspec
import numpy as np
import uvloop

from ..control.calls.softphone import PlacedCall, Softphone
from ..media.events import AnyMediaEvent, AudioCaptured
from .load.server_process import ServerProcess

WARM_UP_CALLS = 16
"Threads and caches come with the first calls."
GIVEN_UP_EVERY = 8
CALL_LIMIT_S = 15.0
"A call that takes longer has failed."
SETTLE_LIMIT_S = 45
"SIP remembers a finished transaction for 32 s (RFC 3261 timer J)."
LOUD = 500
"A sample beyond it is the agent's voice."
LOOKS = 20
"How often the server is looked at on the way."
WARM_S = 36.0
"""By then as many SIP transactions end as begin, and caches are full: memory is compared from there
on."""
LEAST_LOOKS = 3
"Fewer say nothing about memory."
KEPT_BYTES_A_CALL = 4096
"""Growth of memory that is not told from noise. Of ended calls nothing is kept in memory; the
database's page cache, and what SIP keeps of a call for half a minute, grow until they are full."""

Figures = dict[str, float]

NAMES = {
    "offhook_lanes": "lanes",
    "offhook_rtp_port_pairs": "port pairs",
    "offhook_live_calls": "live calls",
    'offhook_calls_in_memory{kind="session"}': "sessions kept",
    'offhook_calls_in_memory{kind="leg"}': "legs kept",
    'offhook_sip_kept{kind="sessions"}': "SIP sessions",
    'offhook_sip_kept{kind="transactions"}': "SIP transactions",
    'offhook_sip_kept{kind="timers"}': "SIP timers",
    "offhook_tasks": "tasks",
}
"From /metrics, and what the table calls it."
OUTSIDE = ("threads", "open files", "child processes")
"From /proc."
RSS = "RSS MB"
OF_CALLS = tuple(name for name in NAMES.values() if name != "tasks")
"Figures that are 0 without calls."
OF_PROCESS = ("tasks", *OUTSIDE)
"Figures that are after the last call what they were after the first ones."


class Look(msgspec.Struct, frozen=True):
    """What the server held after so many calls."""

    calls: int
    at_s: float
    figures: Figures


async def look(server: ServerProcess) -> Figures:
    """Everything that the server holds now."""
    async with (
        aiohttp.ClientSession(raise_for_status=True) as client,
        client.get(f"{server.http}/metrics") as answer,
    ):
        told = dict(_samples(await answer.text()))
    figures = {name: told[metric] for metric, name in NAMES.items()}
    return figures | outside(server.pid)


def _samples(exposition: str) -> Iterator[tuple[str, float]]:
    for line in exposition.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            yield name, float(value)


def outside(pid: int) -> Figures:
    """What /proc tells of a process."""
    proc = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    children = (task / "children" for task in (proc / "task").iterdir())
    return {
        "threads": float(status["Threads"]),
        "open files": float(len(os.listdir(proc / "fd"))),
        "child processes": float(sum(len(path.read_text().split()) for path in children)),
        RSS: int(status["VmRSS"].split()[0]) / 1024,
    }


class Load:
    """The calls."""

    def __init__(self, phone: Softphone, server: ServerProcess) -> None:
        self._phone = phone
        self._target = f"sip:soak@{server.sip}"
        self._numbers = itertools.count(1)
        self.outcomes: Counter[str] = Counter()

    async def run(self, calls: int, concurrent: int) -> None:
        """That many calls, so many at a time."""
        left = iter(range(calls))

        async def caller() -> None:
            for _ in left:
                self.outcomes[await self._call(next(self._numbers))] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(concurrent):
                group.create_task(caller(), name="caller")

    async def _call(self, number: int) -> str:
        call = self._phone.call(self._target)
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                if number % GIVEN_UP_EVERY == 0:
                    return await self._give_up(call)
                if not await call.answered():
                    return f"refused: {call.end.status if call.end else None}"
                await hear_voice(call)
        except TimeoutError:
            return "nothing was heard"
        finally:
            call.leg.hang_up()
            await call.ended()
        return "greeted"

    async def _give_up(self, call: PlacedCall) -> str:
        """Hang up while it rings, or just as it is answered: both happen."""
        await asyncio.sleep(0)
        call.leg.hang_up()
        await call.ended()
        return "given up"


async def hear_voice(call: PlacedCall) -> None:
    """Wait until the far end says something."""
    heard = asyncio.Event()

    def receive(event: AnyMediaEvent) -> None:
        if isinstance(event, AudioCaptured) and np.frombuffer(event.pcm, np.int16).max() > LOUD:
            heard.set()

    call.lane.sink = receive
    call.lane.capture(0)
    await heard.wait()
    call.lane.end_capture()


async def settled(server: ServerProcess, before: Figures) -> Figures:
    """The figures when everything has returned, or when it had the time to."""
    figures = await look(server)
    for _ in range(SETTLE_LIMIT_S):
        if not leaks(before, figures):
            break
        await asyncio.sleep(1.0)
        figures = await look(server)
    return figures


def leaks(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """What there is more of than there should be."""
    return [name for name in OF_CALLS if after[name]] + [
        name for name in OF_PROCESS if after[name] > before[name]
    ]


def growth_bytes(looks: list[Look]) -> float | None:
    """Bytes of resident memory a call, by a line through the looks after the warm-up.

    None: too few of them.
    """
    warm = [look for look in looks if look.at_s >= WARM_S]
    if len(warm) < LEAST_LOOKS:
        return None
    calls = [look.calls for look in warm]
    megabytes = [look.figures[RSS] for look in warm]
    return float(np.polyfit(calls, megabytes, 1)[0]) * (1 << 20)


def print_table(looks: list[Look], after: Figures) -> None:
    """A row a figure, a column every other look."""
    shown = looks[::2]
    head = "".join(f"{look.calls:>7}" for look in shown)
    print(f"\n{'after calls':18}{head}{'settled':>9}")
    for name in (*OF_CALLS, *OF_PROCESS, RSS):
        digits = 1 if name == RSS else 0
        cells = "".join(f"{look.figures[name]:7.{digits}f}" for look in shown)
        print(f"{name:18}{cells}{after[name]:9.{digits}f}")


def judge(result: "Result") -> list[str]:
    """What is wrong; empty: nothing leaks."""
    wrong = [f"{name}: {result.after[name]:g} are left" for name in result.leaks]
    strange = {k: n for k, n in result.outcomes.items() if k not in ("greeted", "given up")}
    wrong += [f"{number} calls: {outcome}" for outcome, number in strange.items()]
    if result.growth_bytes is not None and result.growth_bytes > KEPT_BYTES_A_CALL:
        wrong.append(f"memory grows by {result.growth_bytes:.0f} bytes a call")
    return wrong


class Result(msgspec.Struct, frozen=True):
    """What is kept of a soak."""

    command: str
    machine: str
    python: str
    commit: str
    calls: int
    seconds: float
    outcomes: dict[str, int]
    looks: list[Look]
    after: Figures
    leaks: list[str]
    growth_bytes: float | None
    "Resident memory a call, after the warm-up; None: the soak was too short to tell."


async def soak(calls: int, concurrent: int) -> Result:
    """Hold the calls and look at the server."""
    with tempfile.TemporaryDirectory(prefix="offhook-soak-") as folder:
        # How late the clock is, is not measured here: a busy machine must not refuse calls.
        async with ServerProcess(Path(folder), LIMITS_MAX_LATENESS_MS="1000") as server:
            phone = Softphone(host="127.0.0.1")
            await phone.start()
            try:
                return await _soak(Load(phone, server), server, calls, concurrent)
            finally:
                await phone.aclose()


async def _soak(load: Load, server: ServerProcess, calls: int, concurrent: int) -> Result:
    await load.run(WARM_UP_CALLS, concurrent)
    await asyncio.sleep(1.0)
    load.outcomes.clear()
    began = time.monotonic()
    looks = [Look(0, 0.0, await look(server))]
    for number in range(1, LOOKS + 1):
        done, upto = looks[-1].calls, calls * number // LOOKS
        await load.run(upto - done, concurrent)
        looks.append(Look(upto, round(time.monotonic() - began, 1), await look(server)))
    seconds = time.monotonic() - began
    after = await settled(server, looks[0].figures)
    return Result(
        " ".join(sys.argv),
        f"{os.cpu_count()} cores, {platform.platform()}",
        platform.python_version(),
        _commit(),
        calls,
        round(seconds, 1),
        dict(load.outcomes),
        looks,
        after,
        leaks(looks[0].figures, after),
        growth_bytes(looks),
    )


def _commit() -> str:
    git = ["git", "describe", "--always", "--dirty"]
    here = Path(__file__).parent
    return subprocess.run(git, cwd=here, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="offhook bench soak", description="Does anything leak?")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--concurrent", type=int, default=2)
    parser.add_argument("--json", type=Path, help="keep the result in this file")
    options = parser.parse_args()
    result = uvloop.run(soak(options.calls, options.concurrent))
    print_table(result.looks, result.after)
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(result.outcomes.items()))
    print(f"\n{result.calls} calls in {result.seconds:.0f} s: {told}")
    if result.growth_bytes is None:
        print("memory: too short to tell")
    else:
        print(f"memory: {result.growth_bytes:.0f} bytes a call, {KEPT_BYTES_A_CALL} may stay")
    if options.json is not None:
        encoded = msgspec.json.encode(result)
        options.json.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
    wrong = judge(result)
    for what in wrong:
        print(f"LEAK: {what}")
    print("something is wrong" if wrong else "nothing leaks")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
