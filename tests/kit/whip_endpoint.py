"""Who is behind WHIP in tests, made of aiortc: takes offers, and is wrong in ways that are known.

What it says is a subclass's: an agent that answers (whip_agent.py), an echo (WhipEcho).
"""

import asyncio
import fractions
import importlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import web

from offhook.bench.phones.whip_call import OPUS, clock_hz
from offhook.bench.phones.whip_way import is_rtp


class WhipEndpoint:
    """Takes calls. What is wrong with it is set before any comes."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        self.peers: dict[str, Any] = {}
        self.deleted: list[str] = []
        self.offers: list[str] = []
        self.most: int | None = None
        "Calls that are taken; the others are refused with 503."
        self.drop_every: int | None = None
        "Every so many-th packet of each call is not sent."

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/whip", self._offered)
        app.router.add_delete("/whip/{name}", self._ended)
        return app

    def answer(self, peer: Any) -> None:
        """What is said in that call: adds its track."""
        raise NotImplementedError

    async def end(self, name: str) -> None:
        """This end hangs up."""
        await self.peers[name].close()

    async def aclose(self) -> None:
        for peer in self.peers.values():
            await peer.close()

    async def _offered(self, request: web.Request) -> web.Response:
        aiortc = importlib.import_module("aiortc")
        if self._token is not None and request.headers.get("Authorization") != (
            f"Bearer {self._token}"
        ):
            return web.Response(status=401, text="no")
        self.offers.append(await request.text())
        if self.most is not None and len(self.peers) >= self.most:
            return web.Response(status=503)
        assert request.headers["Content-Type"] == "application/sdp"
        peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        name = f"call-{len(self.peers)}"
        self.peers[name] = peer
        self.answer(peer)
        offer = aiortc.RTCSessionDescription(sdp=self.offers[-1], type="offer")
        await peer.setRemoteDescription(offer)
        if self.drop_every is not None:
            ice = peer.getTransceivers()[0].sender.transport.transport
            ice._send = _dropping(ice._send, self.drop_every)
        await peer.setLocalDescription(await peer.createAnswer())
        return web.Response(
            status=201,
            text=peer.localDescription.sdp,
            content_type="application/sdp",
            headers={"Location": f"/whip/{name}"},
        )

    async def _ended(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.deleted.append(name)
        await self.peers[name].close()
        return web.Response()


class WhipEcho(WhipEndpoint):
    """Sends every packet back as it comes, `late_s` later: no buffer, no codec."""

    def __init__(self, late_s: float = 0.0, kinds: tuple[str, ...] = (OPUS,)) -> None:
        """`kinds`: the codecs that it takes, all of one clock rate."""
        super().__init__()
        self._late_s, self._kinds = late_s, kinds

    def answer(self, peer: Any) -> None:
        returned, takes = _returned(self._late_s, clock_hz(self._kinds[0]))
        peer.addTrack(returned)
        (transceiver,) = peer.getTransceivers()
        known = importlib.import_module("aiortc").RTCRtpSender.getCapabilities("audio").codecs
        wanted = [each for each in known if each.mimeType.lower() in self._kinds]
        transceiver.setCodecPreferences(wanted)
        transceiver.receiver._handle_rtp_packet = takes


def _returned(late_s: float, rate_hz: int) -> tuple[Any, Callable[[Any, int], Awaitable[None]]]:
    import av

    waiting: asyncio.Queue[Any] = asyncio.Queue()
    first: list[int] = []

    class Returned(importlib.import_module("aiortc").MediaStreamTrack):  # type: ignore[misc]
        kind = "audio"

        async def recv(self) -> Any:
            return await waiting.get()

    async def take(packet: Any, arrival_time_ms: int) -> None:
        if not first:
            first.append(packet.timestamp)
        # From a second on: none is before the first, however late that came.
        ticks = rate_hz + ((packet.timestamp - first[0] + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        sent = av.Packet(packet.payload)
        sent.pts, sent.time_base = ticks, fractions.Fraction(1, rate_hz)
        asyncio.get_running_loop().call_later(late_s, waiting.put_nowait, sent)

    return Returned(), take


def _dropping(
    send: Callable[[bytes], Awaitable[None]], every: int
) -> Callable[[bytes], Awaitable[None]]:
    numbers = itertools.count(1)

    async def some(datagram: bytes) -> None:
        if not is_rtp(datagram) or next(numbers) % every:
            await send(datagram)

    return some


Endpoint = TypeVar("Endpoint", bound=WhipEndpoint)


@asynccontextmanager
async def taking_calls(endpoint: Endpoint) -> AsyncIterator[tuple[Endpoint, str]]:
    """The endpoint, and the address that offers are posted to."""
    runner = web.AppRunner(endpoint.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield endpoint, f"http://{host}:{port}/whip"
    finally:
        await endpoint.aclose()
        await runner.cleanup()
