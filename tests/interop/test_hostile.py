"""What strangers send to an open port, and a telephone that calls in the middle of it."""

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.tests.interop.conftest import serving
from offhook.tests.kit.api_client import ApiClient
from offhook.tests.kit.sip_link import Link
from offhook.tests.kit.sip_peer import Peer, sdp
from offhook.tests.kit.sipp import run_sipp

pytestmark = [
    pytest.mark.interop,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("needs_sipp"),
]

TORTURE = sorted((Path(__file__).parents[1] / "data" / "sip" / "torture").glob("*.dat"))
NOISE = (b"", b"\r", b"\r\n", b";", b"\xff", b'"', b"<", b"0", b"65535", b"%00")
MUTATIONS = 1000
ADDRESS = re.compile(rb"[0-9]+(?:\.[0-9]+){3}|(?:[\w-]+\.)+(?:com|net|org)\b")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def besieged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server of this file's own: what it is sent keeps it busy for a minute."""
    folder = tmp_path_factory.mktemp("besieged")
    async for server in serving(folder, LIMITS_DRAIN_S="0", LOG_LEVEL="warning"):
        yield server


def at_home(message: bytes) -> bytes:
    """The message with this machine for every address, so that nothing leaves it."""
    head, end, body = message.partition(b"\r\n\r\n")
    return ADDRESS.sub(b"127.0.0.1", head) + end + body.replace(b"192.0.2.", b"127.0.0.")


def hostile_messages() -> Iterator[bytes]:
    """RFC 4475, bytes that are no UTF-8 in all that is kept of a call, and mutations of what
    begins no call (an INVITE's would lead to addresses by chance)."""
    peer = Peer(Link(), "127.0.0.1")
    invite = peer.invite(peer.hop, sdp("127.0.0.1", 65_534), user="\udcb6")
    invite.headers.set("From", "<sip:\udce9@127.0.0.1>;tag=\udcff")
    invite.headers.set("Call-ID", "\udcfe")
    messages = [*(at_home(path.read_bytes()) for path in TORTURE), invite.serialize()]
    yield from messages
    harmless = [data for data in messages if b"INVITE" not in data[:10]]
    rng = random.Random(4475)
    for _ in range(MUTATIONS):
        data = bytearray(rng.choice(harmless))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 3)] = rng.choice(NOISE)
        yield bytes(data)


async def test_a_call_goes_well_after_all_that(besieged: ServerProcess, tmp_path: Path) -> None:
    host, port = besieged.sip.split(":")
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.connect((host, int(port)))
        for data in hostile_messages():
            stranger.send(data)
            await asyncio.sleep(0)
    async with ApiClient(besieged.http) as api:
        run = await run_sipp(
            besieged.sip, "listen", tmp_path, user="after-all-that", audio_port="9"
        )
        assert run.code == 0, run.told
        ended = await api.event("call.ended")
        while (call := await api.call(ended["call_id"]))["to"] != "after-all-that":
            ended = await api.event("call.ended")
    assert (call["cause"], call["ended_by"]) == ("normal", "them")
