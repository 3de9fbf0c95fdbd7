"""`offhook call` as scripts use it: a process that calls a server, and what it says and leaves."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from offhook.bench.load.server_process import TOKEN, ServerProcess
from offhook.codecs.wav import WavReader, WavWriter
from offhook.control.app import main
from offhook.drivers.worker_process import command

LIMIT_S = 60.0
"Of everything: much longer than it takes."
LOUD = 500


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    lenient = {"LIMITS_MAX_LATENESS_MS": "10000"}
    async with (
        asyncio.timeout(LIMIT_S),
        ServerProcess(tmp_path / "data", tmp_path / "log", **lenient) as server,
    ):
        yield server


async def start(target: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command("offhook.__main__", "call"),
        target,
        *arguments,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(phone: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """Its exit code and what it complained of, but of a machine that is too slow for it."""
    _, complaint = await phone.communicate()
    lines = complaint.decode().splitlines(keepends=True)
    told = [line for line in lines if "the event loop stalled" not in line]
    return phone.returncode, "".join(told)


async def calls(server: ServerProcess, query: str = "") -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{server.http}/v1/calls{query}") as answer,
    ):
        body = json.loads(await answer.read())
    return body.get("items", [body])  # type: ignore[no-any-return]  # JSON


async def call_that_is(server: ServerProcess, status: str) -> str:
    """Ask until there is one; its id."""
    while not (found := await calls(server, f"?status={status}")):
        pass
    return str(found[0]["id"])


def silence(path: Path, seconds: float) -> Path:
    with path.open("wb") as file:
        writer = WavWriter(file, 8000, 1)
        writer.write(np.zeros((1, round(seconds * 8000)), np.int16))
        writer.flush()
    return path


async def test_plays_records_presses_keys_and_hangs_up(
    server: ServerProcess, tmp_path: Path
) -> None:
    play, record = silence(tmp_path / "play.wav", 3.0), tmp_path / "record.wav"
    options = ("--play", str(play), "--record", str(record), "--digits", "4,2#")
    phone = await start(f"sip:agent@{server.sip}", *options)
    assert await finish(phone) == (0, "")
    call_id = await call_that_is(server, "ended")
    (call,) = await calls(server, f"/{call_id}")
    assert (call["digits"], call["cause"], call["ended_by"]) == ("42#", "normal", "them")
    assert call["sip_call_id"]
    with record.open("rb") as file:
        reader = WavReader(file)
        assert (reader.format.bits, reader.channels) == (16, 1)
        heard = reader.read(60 * reader.rate_hz)
        assert reader.read(1).shape[1] == 0
    assert heard.shape[1] / reader.rate_hz >= 3.0
    assert np.abs(heard).max() > LOUD, "the agent speaks"


@pytest.mark.parametrize(("user", "said"), [("busy", "486 Busy Here"), ("decline", "603 Decline")])
async def test_a_call_that_is_refused_is_a_failure(
    server: ServerProcess, user: str, said: str
) -> None:
    target = f"sip:{user}@{server.sip}"
    phone = await start(target)
    assert await finish(phone) == (1, f"offhook: {target} was not answered: {said}\n")


async def test_ctrl_c_while_it_rings_cancels(server: ServerProcess) -> None:
    target = f"sip:ringing@{server.sip}"
    phone = await start(target)
    call_id = await call_that_is(server, "ringing")
    phone.send_signal(signal.SIGINT)
    said = f"offhook: {target} was not answered: hung up before the answer\n"
    assert await finish(phone) == (1, said)
    assert await call_that_is(server, "ended") == call_id
    assert (await calls(server, f"/{call_id}"))[0]["cause"] == "cancelled"


async def test_ctrl_c_in_a_call_hangs_up(server: ServerProcess) -> None:
    phone = await start(f"sip:agent@{server.sip}")
    call_id = await call_that_is(server, "live")
    phone.send_signal(signal.SIGINT)
    assert await finish(phone) == (0, "")
    assert await call_that_is(server, "ended") == call_id


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sip:a@127.0.0.1;transport=tcp"], "transport tcp is not supported yet; use udp"),
        (["agent"], "an address is such as sip:agent@127.0.0.1:5060"),
        (["sip:a@127.0.0.1", "--digits", "1z"], "--digits 1Z: keys are 0-9"),
        (["sip:a@127.0.0.1", "--play", "none.wav"], "--play none.wav: No such file"),
        (["sip:a@127.0.0.1", "--record", "none/a.wav"], "--record none/a.wav: No such file"),
        (["sip:a@127.0.0.1", "--record", "/proc/a.wav"], "--record /proc/a.wav: No such file"),
        (["sip:a@127.0.0.1", "--record", "/"], "--record /: Is a directory"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_sent(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_recording_that_is_there_survives_a_call_that_never_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.wav", tmp_path / "new.wav"
    old.write_bytes(b"precious")
    for path in (old, new):
        assert main(["call", "sip:a@127.0.0.1;transport=tcp", "--record", str(path)]) == 2
    assert old.read_bytes() == b"precious"
    assert not new.exists()
