"""sipp calls the server: what a trunk does, message by message (scenarios in sipp/)."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.codecs import g711
from offhook.tests.interop.conftest import serving
from offhook.tests.kit.api_client import ApiClient
from offhook.tests.kit.sipp import run_sipp

pytestmark = [
    pytest.mark.interop,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("needs_sipp"),
]

ACCOUNT = {
    "TRUNKS_0_NAME": "office",
    "TRUNKS_0_USERNAME": "desk",
    "TRUNKS_0_PASSWORD": "right-password",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def closed_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ServerProcess]:
    """A server that takes calls only with a password."""
    async for server in serving(tmp_path_factory.mktemp("closed"), SIP_OPEN="", **ACCOUNT):
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shut_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server that nobody may call."""
    async for server in serving(tmp_path_factory.mktemp("shut"), SIP_OPEN=""):
        yield server


def hum(folder: Path, payload: str) -> None:
    """A second of a quiet tone for sipp to send, as bare G.711."""
    pcm = np.rint(300 * np.sin(2 * np.pi * 200 * np.arange(8000) / 8000)).astype(np.int16)
    encode = g711.encode_ulaw if payload == "0" else g711.encode_alaw
    (folder / "speech.raw").write_bytes(bytes(encode(pcm)))


@pytest.mark.parametrize(("payload", "codec"), [("0", "PCMU"), ("8", "PCMA")])
async def test_a_call_with_audio_both_ways(
    server: ServerProcess, api: ApiClient, tmp_path: Path, payload: str, codec: str
) -> None:
    hum(tmp_path, payload)
    run = await run_sipp(server.sip, "call", tmp_path, payload=payload, codec=codec, talk_ms="2000")
    assert run.code == 0, run.told
    call = await api.ended_call()
    assert (call["codec"], call["cause"], call["ended_by"]) == (codec, "normal", "them")
    assert call["quality"]["packetsReceived"] >= 10
    assert call["quality"]["packetsSent"] >= 10


async def test_what_it_sends_is_rtp_as_agreed(
    server: ServerProcess, api: ApiClient, tmp_path: Path
) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as audio:
        audio.bind(("127.0.0.1", 0))
        port = audio.getsockname()[1]
        run = await run_sipp(server.sip, "listen", tmp_path, audio_port=str(port))
        assert run.code == 0, run.told
        audio.setblocking(False)
        packets = list(iter(lambda: received(audio), b""))
    await api.ended_call()
    assert len(packets) >= 10
    headers = [struct.unpack("!BBHII", packet[:12]) for packet in packets]
    _, _, first, began, source = headers[0]
    for index, (packet, (flags, kind, number, at, ssrc)) in enumerate(
        zip(packets, headers, strict=True)
    ):
        assert (len(packet), flags, kind & 0x7F, ssrc) == (172, 0x80, 0, source)
        assert (number - first) % 65536 == index
        # A clock that was held up skips frames in time, never in number.
        assert (at - began) % 2**32 in range(160 * index, 2**31, 160)
    assert len({packet[12:] for packet in packets}) > 5, "the agent speaks"


def received(audio: socket.socket) -> bytes:
    """The next packet; empty when there is none."""
    try:
        return audio.recv(2048)
    except BlockingIOError:
        return b""


async def test_a_caller_who_gives_up_while_it_rings(
    server: ServerProcess, api: ApiClient, tmp_path: Path
) -> None:
    run = await run_sipp(server.sip, "cancel", tmp_path, user="ringing")
    assert run.code == 0, run.told
    call = await api.ended_call()
    assert (call["cause"], call["answered_at"]) == ("cancelled", None)


@pytest.mark.parametrize(("user", "status"), [("busy", "486"), ("decline", "603")])
async def test_a_call_that_is_refused(
    server: ServerProcess, tmp_path: Path, user: str, status: str
) -> None:
    run = await run_sipp(server.sip, "refused", tmp_path, user=user, status=status)
    assert run.code == 0, run.told


@pytest.mark.parametrize("scenario", ["hold", "other_rate", "short_timer"])
async def test_a_call_that_changes(
    server: ServerProcess, api: ApiClient, tmp_path: Path, scenario: str
) -> None:
    run = await run_sipp(server.sip, scenario, tmp_path)
    assert run.code == 0, run.told
    call = await api.ended_call()
    assert (call["cause"], call["ended_by"]) == ("normal", "them")


async def test_options(server: ServerProcess, tmp_path: Path) -> None:
    run = await run_sipp(server.sip, "options", tmp_path)
    assert run.code == 0, run.told


async def test_a_call_with_a_password(closed_server: ServerProcess, tmp_path: Path) -> None:
    async with ApiClient(closed_server.http) as api:
        run = await run_sipp(closed_server.sip, "digest", tmp_path)
        assert run.code == 0, run.told
        call = await api.ended_call()
    assert call["line"] == "office"
    assert call["cause"] == "normal"


async def test_a_wrong_password(closed_server: ServerProcess, tmp_path: Path) -> None:
    run = await run_sipp(closed_server.sip, "wrong_password", tmp_path)
    assert run.code == 0, run.told


async def test_a_stranger(shut_server: ServerProcess, tmp_path: Path) -> None:
    run = await run_sipp(shut_server.sip, "refused", tmp_path, status="403")
    assert run.code == 0, run.told


async def test_many_calls_leave_nothing_behind(
    server: ServerProcess, api: ApiClient, tmp_path: Path
) -> None:
    hum(tmp_path, "0")
    calls = 50
    run = await run_sipp(
        server.sip,
        "call",
        tmp_path,
        options=("-m", str(calls), "-r", "10"),
        payload="0",
        codec="PCMU",
        talk_ms="1000",
    )
    assert run.code == 0, run.told
    for _ in range(calls):
        assert (await api.event("call.ended"))["cause"] == "normal"
    await asyncio.wait_for(nothing_is_live(api), 60)


async def nothing_is_live(api: ApiClient) -> None:
    """Ask until every lane and port has been given back."""
    names = ("offhook_live_calls", "offhook_lanes", "offhook_rtp_port_pairs")
    while any([await api.gauge(name) for name in names]):
        pass
