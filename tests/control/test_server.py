"""The whole server in a process of its own: killed, told to stop, overloaded. Real SIP and RTP."""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from offhook.bench.load.server_process import TOKEN, ServerProcess
from offhook.codecs.wav import WavReader
from offhook.control.calls.softphone import PlacedCall, Softphone
from offhook.media.events import AlarmDue, AnyMediaEvent, AudioCaptured
from offhook.tests.kit.sip_peer import sdp

LIMIT_S = 30.0
"Of waiting for anything: much longer than it takes."
LOUD = 500


class Ear:
    """The caller's: waits for audio of a call."""

    def __init__(self, call: PlacedCall) -> None:
        self.lane = call.lane
        self._heard = asyncio.Event()
        self._due = asyncio.Event()
        self.lane.sink = self._receive

    async def hear_voice(self) -> None:
        """Wait for the next loud audio."""
        self._heard.clear()
        self.lane.capture(self.lane.position_samples)
        await self._heard.wait()
        self.lane.end_capture()

    async def listen_until(self, seconds: float) -> None:
        """Stay on the line until the call is so old."""
        self._due.clear()
        self.lane.set_alarm(round(seconds * self.lane.rate_hz))
        await self._due.wait()

    def _receive(self, event: AnyMediaEvent) -> None:
        if isinstance(event, AudioCaptured) and np.frombuffer(event.pcm, np.int16).max() > LOUD:
            self._heard.set()
        elif isinstance(event, AlarmDue):
            self._due.set()


@pytest.fixture
async def phone() -> AsyncIterator[Softphone]:
    phone = Softphone(host="127.0.0.1")
    await phone.start()
    yield phone
    await phone.aclose()


@pytest.fixture(autouse=True)
async def limit() -> AsyncIterator[None]:
    async with asyncio.timeout(3 * LIMIT_S):
        yield


def server_in(folder: Path, **settings: str) -> ServerProcess:
    """A server whose clock may be as late as a busy test machine makes it."""
    lenient = {"LIMITS_MAX_LATENESS_MS": "10000"}
    return ServerProcess(folder / "data", folder / "log", **(lenient | settings))


async def place(phone: Softphone, server: ServerProcess, user: str = "agent") -> PlacedCall:
    """A call that is up."""
    call = phone.call(f"sip:{user}@{server.sip}")
    assert await call.answered(), call.end
    return call


async def get(server: ServerProcess, path: str) -> tuple[int, bytes]:
    """Ask the API."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{server.http}{path}") as answer,
    ):
        return answer.status, await answer.read()


async def get_json(server: ServerProcess, path: str) -> Any:
    _, body = await get(server, path)
    return json.loads(body)


async def health_becomes(server: ServerProcess, status: str) -> dict[str, Any]:
    """Ask until /health says so."""
    async with asyncio.timeout(LIMIT_S):
        while (health := await get_json(server, "/health"))["status"] != status:
            pass
    return health  # type: ignore[no-any-return]  # JSON


def children(pid: int) -> list[int]:
    """A process's child processes."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


async def gone(pid: int) -> None:
    """Wait for the end of a process that is not our child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(LIMIT_S):
            await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


async def test_a_killed_server_leaves_a_playable_recording_and_no_process(
    tmp_path: Path, phone: Softphone
) -> None:
    async with server_in(tmp_path) as server:
        call = await place(phone, server)
        ear = Ear(call)
        await ear.hear_voice()
        await ear.listen_until(3.0)
        (live,) = (await get_json(server, "/v1/calls?status=live"))["items"]
        workers = children(server.pid)
        assert len(workers) >= 2
        length_s = call.lane.position_samples / call.lane.rate_hz

        server.signal(signal.SIGKILL)
        assert await server.ended() == -signal.SIGKILL
        for worker in workers:
            await gone(worker)

    async with server_in(tmp_path) as restarted:
        record = await get_json(restarted, f"/v1/calls/{live['id']}")
        assert (record["status"], record["cause"]) == ("ended", "crash")
        assert record["ended_at"] >= record["answered_at"]
        assert length_s - 2.0 < record["length_s"] < length_s + 0.5
        status, recording = await get(restarted, f"/v1/calls/{live['id']}/recording")
        assert status == 200
        stereo, rate_hz = read_wav(recording)
        # Written once a second: what is missing is the last one, and what the line had in flight.
        assert length_s - 2.0 < stereo.shape[1] / rate_hz < length_s + 0.5
        assert np.abs(stereo[1]).max() > LOUD, "the agent is on the right"
        again = await place(phone, restarted)
        again.leg.hang_up()
        await again.ended()


def read_wav(data: bytes) -> tuple[np.ndarray[Any, np.dtype[np.int16]], int]:
    reader = WavReader(io.BytesIO(data))
    return reader.read(60 * reader.rate_hz), reader.rate_hz


async def test_a_server_that_is_told_to_stop_lets_live_calls_end(
    tmp_path: Path, phone: Softphone
) -> None:
    async with server_in(tmp_path) as server:
        call = await place(phone, server)
        ear = Ear(call)
        server.signal(signal.SIGTERM)
        health = await health_becomes(server, "draining")
        assert (health["draining"], health["live_calls"]) == (True, 1)
        assert (await get(server, "/health"))[0] == 503
        status, headers = await invite(server)
        assert (status, headers["retry-after"].isdigit()) == (503, True)
        await ear.hear_voice()
        call.leg.hang_up()
        assert await server.ended() == 0


async def test_a_second_signal_ends_live_calls(tmp_path: Path, phone: Softphone) -> None:
    async with server_in(tmp_path) as server:
        call = await place(phone, server)
        (live,) = (await get_json(server, "/v1/calls?status=live"))["items"]
        server.signal(signal.SIGTERM)
        await health_becomes(server, "draining")
        server.signal(signal.SIGTERM)
        end = await call.ended()
        assert not end.by_us
        assert await server.ended() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "offhook.db")) as database:
        query = "SELECT status, cause, outcome, record FROM calls WHERE id = ?"
        ((*ended, record),) = database.execute(query, (live["id"],))
    assert (*ended, json.loads(record)["ended_by_us"]) == ("ended", "normal", "completed", True)


async def test_signals_for_the_whole_group_leave_the_workers_to_the_call(
    tmp_path: Path, phone: Softphone
) -> None:
    async with server_in(tmp_path) as server:
        call = await place(phone, server)
        await Ear(call).hear_voice()
        workers = children(server.pid)
        server.interrupt_group()  # Ctrl-C
        for worker in workers:  # what systemd sends to every process of a service
            os.kill(worker, signal.SIGINT)
            os.kill(worker, signal.SIGTERM)
        await health_becomes(server, "draining")
        assert children(server.pid) == workers
        call.leg.send_digits("9")  # the built-in agent says goodbye, by a worker, and hangs up
        end = await call.ended()
        assert not end.by_us
        assert await server.ended() == 0
        assert "worker" not in (tmp_path / "log").read_text()


async def test_a_full_server_refuses_calls_and_keeps_the_live_one(
    tmp_path: Path, phone: Softphone
) -> None:
    async with server_in(tmp_path, LIMITS_MAX_CALLS="1") as server:
        call = await place(phone, server)
        ear = Ear(call)
        status, headers = await invite(server)
        assert (status, headers["retry-after"].isdigit()) == (503, True)
        health = await health_becomes(server, "busy")
        assert (await get(server, "/health"))[0] == 503
        assert health["reason"] == "all 1 calls are in use"
        await ear.hear_voice()
        call.leg.hang_up()
        await call.ended()
        await health_becomes(server, "ok")
        again = await place(phone, server)
        again.leg.hang_up()
        await again.ended()


async def invite(server: ServerProcess) -> tuple[int, dict[str, str]]:
    """Ask for a call, as another telephone; the final answer's status and headers."""
    host, port = server.sip.split(":")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setblocking(False)
        own.bind(("127.0.0.1", 0))
        await loop.sock_connect(own, (host, int(port)))
        await loop.sock_sendall(own, _invite(server.sip, own.getsockname()[1]))
        async with asyncio.timeout(LIMIT_S):
            while (answer := _read(await loop.sock_recv(own, 65_536)))[0] < 200:
                pass
    return answer


def _invite(target: str, port: int) -> bytes:
    body = sdp("127.0.0.1")
    lines = (
        f"INVITE sip:agent@{target} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKoverload;rport",
        "Max-Forwards: 70",
        f"From: <sip:other@127.0.0.1:{port}>;tag=other",
        f"To: <sip:agent@{target}>",
        f"Call-ID: overload-{port}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:other@127.0.0.1:{port}>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body


def _read(data: bytes) -> tuple[int, dict[str, str]]:
    head = data.split(b"\r\n\r\n", maxsplit=1)[0].decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
    return int(head[0].split()[1]), headers
