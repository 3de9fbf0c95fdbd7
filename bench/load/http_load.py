"""Load on the REST API: 32 kept connections that ask as fast as they are answered, or at a rate.

Run as its own process by api.py; prints an ApiReport as JSON.

    python -m offhook.bench.load.http_load --server 127.0.0.1:8000 --token … --kind mix --seconds 6
"""

import argparse
import asyncio
import functools
import os
import random
import sys
import time
from collections import Counter

import msgspec
import uvloop

from .http_client import Connection, Response, request
from .load_clock import Usage

KINDS = ("health", "list", "get", "agents", "create", "mix")
MIX = (("health", 50), ("list", 50), ("get", 99), ("hangup", 1))
"Of 200 requests."
PATHS = {"health": "/health", "list": "/v1/calls", "agents": "/v1/agents"}
NO_CALL = "none"
"An identifier that no call has."
KEPT = 500
"Latencies that are kept of each kind: evenly spaced ones of all, in order."
EXPECTED = {
    "health": {200, 503},
    "list": {200},
    "get": {200},
    "agents": {200},
    "create": {201},
    "hangup": {202, 409},
}
"503 is the server's word that it is busy; 409 that the call has ended already."
DRAIN_LOOKS = 200
"Of 10 ms, for what was asked last."
NEW_AGENT = b'{"name":"made under load","greeting":"Hello.","system_prompt":"Be brief."}'
NICE = 5
"Callers on the same core come first: they must not be late because of this."


class Plan:
    """Which request comes next."""

    def __init__(self, kind: str, calls: list[str], rng: random.Random) -> None:
        self._calls, self._rng = calls, rng
        self._to_hang_up = list(calls)
        deck = [name for name, count in MIX for _ in range(count)] if kind == "mix" else [kind]
        rng.shuffle(deck)
        self._deck, self._at = deck, 0

    def next(self) -> tuple[str, str, str, bytes]:
        """Kind, method, path and body."""
        kind = self._deck[self._at % len(self._deck)]
        self._at += 1
        if kind in PATHS:
            return kind, "GET", PATHS[kind], b""
        if kind == "create":
            return kind, "POST", "/v1/agents", NEW_AGENT
        if kind == "hangup":
            # Each call once; callers call again, under another identifier.
            call = self._to_hang_up.pop(0) if self._to_hang_up else NO_CALL
            return kind, "POST", f"/v1/calls/{call}/hangup", b""
        return kind, "GET", f"/v1/calls/{self._rng.choice(self._calls or [NO_CALL])}", b""


class Pacer:
    """When the next request is due."""

    def __init__(self, rate: float | None, began_at: float) -> None:
        """`rate`: requests a second; None: as fast as they are answered."""
        self._rate, self._began_at, self._taken = rate, began_at, 0

    def take(self, now: float) -> float | None:
        """What the next request was due at; None: it is not due yet."""
        if self._rate is None:
            return now
        due_at = self._began_at + self._taken / self._rate
        if due_at > now:
            return None
        self._taken += 1
        return due_at


class ApiTally:
    """What was answered, and how fast."""

    def __init__(self) -> None:
        self.statuses: dict[str, Counter[int]] = {}
        self._seconds: dict[str, list[float]] = {}
        self.total = 0

    def add(self, kind: str, status: int, seconds: float) -> None:
        """One answer."""
        self.total += 1
        self.statuses.setdefault(kind, Counter())[status] += 1
        self._seconds.setdefault(kind, []).append(seconds)

    def latencies_ms(self, kind: str) -> list[float]:
        """Evenly spaced ones of all, in order, so that percentiles stay what they are."""
        ordered = sorted(self._seconds.get(kind, []))
        last = len(ordered) - 1
        kept = min(KEPT, len(ordered))
        places = [round(n * last / max(1, kept - 1)) for n in range(kept)]
        return [round(1000 * ordered[place], 3) for place in places]

    def unexpected(self, live_calls: bool) -> dict[str, int]:
        """Answers that tell of a fault, by kind and status. Without calls, 404 is right."""
        return {
            f"{kind} {status}": count
            for kind, each in self.statuses.items()
            for status, count in each.items()
            if status not in EXPECTED[kind]
            and not (status == 404 and (kind == "hangup" or not live_calls))
        }


class ApiReport(msgspec.Struct, frozen=True):
    """What one load on the API showed."""

    seconds: float
    answers: int
    statuses: dict[str, dict[str, int]]
    unexpected: dict[str, int]
    latencies_ms: dict[str, list[float]]
    faults: list[str]
    "Of connections."
    busy: float
    "Of the load's core, by this process."

    @property
    def a_second(self) -> float:
        """Answers."""
        return self.answers / self.seconds


async def live_calls(host: str, port: int, token: str) -> list[str]:
    """The identifiers of calls that are up, at most 200."""
    found: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    asked = [request("GET", "/v1/calls?status=live&limit=200", f"{host}:{port}", token)]
    loop = asyncio.get_running_loop()
    connection = Connection(
        lambda: (asked.pop(), time.monotonic()) if asked else None,
        lambda response, _: found.set_result(response),
    )
    await loop.create_connection(lambda: connection, host, port)
    response = await asyncio.wait_for(found, 10.0)
    connection.finish()
    return [item["id"] for item in msgspec.json.decode(response.body)["items"]]


async def load(options: argparse.Namespace) -> ApiReport:
    """Ask for so many seconds."""
    loop = asyncio.get_running_loop()
    host, port = options.server.rsplit(":", 1)
    rng = random.Random(options.seed)
    calls = await live_calls(host, int(port), options.token)
    plan, tally = Plan(options.kind, calls, rng), ApiTally()
    usage, began_at = Usage.now(), time.monotonic()
    pacer, end_at = Pacer(options.rate, began_at), began_at + options.seconds

    def connection() -> Connection:
        kind = ""

        def ask() -> tuple[bytes, float] | None:
            nonlocal kind
            now = time.monotonic()
            due_at = pacer.take(now) if now < end_at else None
            if due_at is None:
                return None
            kind, method, path, body = plan.next()
            return request(method, path, options.server, options.token, body), due_at

        return Connection(ask, lambda response, s: tally.add(kind, response.status, s))

    connections = [connection() for _ in range(options.connections)]
    for each in connections:
        await loop.create_connection(functools.partial(_itself, each), host, int(port))
    while time.monotonic() < end_at:
        await asyncio.sleep(0.001)
        for each in connections:
            each.go_on()
    seconds, answers = time.monotonic() - began_at, tally.total
    busy, _ = Usage.now().share_since(usage)
    for _ in range(DRAIN_LOOKS):
        if all(each.idle for each in connections):
            break
        await asyncio.sleep(0.01)
    for each in connections:
        each.finish()
    faults = [why for each in connections if (why := await each.closed)]
    return ApiReport(
        seconds,
        answers,
        {kind: {str(s): n for s, n in each.items()} for kind, each in tally.statuses.items()},
        tally.unexpected(bool(calls)),
        {kind: tally.latencies_ms(kind) for kind in tally.statuses},
        faults,
        round(busy, 3),
    )


def _itself(connection: Connection) -> Connection:
    return connection


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="host:port")
    parser.add_argument("--token", required=True)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--rate", type=float, help="requests a second; none: as fast as can be")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.nice(NICE)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(load(options))) + b"\n")


if __name__ == "__main__":
    main()
