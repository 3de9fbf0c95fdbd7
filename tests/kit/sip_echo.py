"""A far end over SIP that sends back what it hears, packet by packet; late, or not all of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HERE = ("127.0.0.1", 0)
COPIED = ("Via", "From", "To", "Call-ID", "CSeq")


class _Answering(asyncio.DatagramProtocol):
    """Takes every INVITE at once."""

    def __init__(self, media_port: int) -> None:
        self._media_port = media_port

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = data.decode()
        if request.startswith(("INVITE", "BYE")):
            sdp = f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio {self._media_port} RTP/AVP 0\r\n"
            port = self._transport.get_extra_info("sockname")[1]
            copied = [line for line in request.split("\r\n") if line.split(":")[0] in COPIED]
            lines = ["SIP/2.0 200 OK", *copied, f"Contact: <sip:echo@127.0.0.1:{port}>"]
            body = sdp if request.startswith("INVITE") else ""
            self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), addr)


class _Returning(asyncio.DatagramProtocol):
    def __init__(self, late_s: float, drop_every: int | None) -> None:
        self._late_s, self._drop_every = late_s, drop_every
        self._count = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._count += 1
        if self._drop_every is None or self._count % self._drop_every:
            loop = asyncio.get_running_loop()
            loop.call_later(self._late_s, self._transport.sendto, data, addr)


@asynccontextmanager
async def sip_echo(late_s: float = 0.0, drop_every: int | None = None) -> AsyncIterator[str]:
    """`host:port` of its SIP socket. `drop_every`: so many-th packets are not sent back."""
    loop = asyncio.get_running_loop()
    media, _ = await loop.create_datagram_endpoint(
        lambda: _Returning(late_s, drop_every), local_addr=HERE
    )
    port = media.get_extra_info("sockname")[1]
    sip, _ = await loop.create_datagram_endpoint(lambda: _Answering(port), local_addr=HERE)
    try:
        yield f"127.0.0.1:{sip.get_extra_info('sockname')[1]}"
    finally:
        sip.close()
        media.close()
