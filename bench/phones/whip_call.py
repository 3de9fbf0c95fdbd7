"""One call to whatever is behind WHIP (RFC 9725), without an audio path: payloads out, packets in.

POST an offer, DELETE at the end. ICE and DTLS are aiortc's; audio is not: payloads are asked for
one by one by aiortc's sender, and packets are handed on as they come, before aiortc's jitter buffer
(80 ms) and its decoder. Not here: what is said and heard (whip_phone.py, ../load/whip_load.py,
../networks/quality_whip.py).
"""

import asyncio
import fractions
import importlib
import importlib.metadata
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urljoin

import aiohttp
import msgspec

from .line import LineFailed, Way
from .whip_way import BadWay

ANSWER_LIMIT_S = 20.0
CLOSE_LIMIT_S = 3.0
OPUS, PCMU, PCMA = "audio/opus", "audio/pcmu", "audio/pcma"
KINDS = (OPUS, PCMU, PCMA)
OPUS_HZ, G711_HZ = 48000, 8000
"Of RTP timestamps."


class WhipRefused(LineFailed):
    """The far end answered the offer with something other than 201 Created."""

    def __init__(self, url: str, reason: str, text: str) -> None:
        super().__init__(f"{url}: HTTP {reason} {text[:200]}".rstrip())
        self.reason = reason
        "`503 Service Unavailable`."


class Packet(msgspec.Struct, frozen=True):
    """One RTP packet of the far end's that holds audio."""

    kind: str
    "Of KINDS."
    payload: bytes
    sequence: int
    timestamp: int
    "At the codec's clock rate."
    source: int
    marked: bool


class Payload(msgspec.Struct, frozen=True):
    """What is sent in one packet."""

    data: bytes
    timestamp: int


NextPayload = Callable[[], Awaitable[Payload]]
"Asked again and again while the call is up; waits until the payload is due."
Receive = Callable[[Packet, float], None]
"A packet came, and when (monotonic)."


def aiortc() -> Any:
    """The package. Raises LineFailed with what to do where it is not installed."""
    try:
        return importlib.import_module("aiortc")
    except ImportError:
        raise LineFailed("a WHIP target needs aiortc: pip install aiortc==1.16.0") from None


def installed() -> dict[str, str]:
    """Which aiortc it is; nothing where there is none."""
    try:
        return {"aiortc": importlib.metadata.version("aiortc")}
    except importlib.metadata.PackageNotFoundError:
        return {}


def clock_hz(kind: str) -> int:
    """Of that codec's timestamps (RFC 7587 §4.1, RFC 3551 §4.5.14)."""
    return OPUS_HZ if kind == OPUS else G711_HZ


class WhipCall:
    """One call: `await call()`, then payloads are asked for and packets handed on, `hang_up()`."""

    def __init__(
        self,
        url: str,
        next_payload: NextPayload,
        receive: Receive,
        bearer: str | None = None,
        *,
        kinds: Sequence[str] = KINDS,
        way: Way | None = None,
    ) -> None:
        """`url` is where the offer is posted, `bearer` the token it wants, `kinds` what is offered.

        `way`: a bad network between this end and the far one, after encryption.
        """
        self._url, self._bearer = url, bearer
        self._next_payload, self._receive = next_payload, receive
        self._kinds, self._way = kinds, way
        self._resource: str | None = None
        self._peer: Any = None
        self._transceiver: Any = None
        self._http: aiohttp.ClientSession | None = None
        self._begun = asyncio.Event()
        self._bad_way: BadWay | None = None
        self._by_type: dict[int, str] = {}
        self.ended = asyncio.Event()
        self.on_end: Callable[[], None] = lambda: None
        "Called when `ended` is set."
        self.answered_at: float | None = None
        "When the far end's answer was there."

    @property
    def call_id(self) -> str:
        """What the far end knows the call by."""
        return self._resource or ""

    @property
    def kind(self) -> str:
        """The codec that is sent: the first of the far end's answer."""
        kind: str = self._transceiver._codecs[0].mimeType.lower()
        return kind

    async def call(self) -> None:
        """Post the offer and wait until audio can flow. Raises LineFailed."""
        rtc = aiortc()
        self._peer = rtc.RTCPeerConnection(rtc.RTCConfiguration(iceServers=[]))
        self._peer.on("connectionstatechange", self._on_state)
        self._transceiver = self._peer.addTransceiver(self._track(), direction="sendrecv")
        known = rtc.RTCRtpSender.getCapabilities("audio").codecs
        self._transceiver.setCodecPreferences(
            [each for kind in self._kinds for each in known if each.mimeType.lower() == kind]
        )
        # aiortc 1.16 has no public way to packets as they come, nor to what leaves.
        self._transceiver.receiver._handle_rtp_packet = self._take
        if self._way is not None:
            ice = self._transceiver.sender.transport.transport
            self._bad_way = BadWay(self._way, ice._send)
            ice._send = self._bad_way.send
        headers = {} if self._bearer is None else {"Authorization": f"Bearer {self._bearer}"}
        self._http = aiohttp.ClientSession(headers=headers)
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._peer.setLocalDescription(await self._peer.createOffer())
                answer = await self._post(self._peer.localDescription.sdp)
                await self._peer.setRemoteDescription(
                    rtc.RTCSessionDescription(sdp=answer, type="answer")
                )
                await self._begun.wait()
        except TimeoutError:
            raise LineFailed(f"{self._url}: no audio within {ANSWER_LIMIT_S:g} s") from None
        except aiohttp.ClientError as exc:
            raise LineFailed(f"{self._url}: {exc}") from exc
        except (ValueError, rtc.exceptions.OperationError) as exc:
            raise LineFailed(f"{self._url}: no answer to audio: {exc}") from exc
        if self.ended.is_set():
            raise LineFailed(f"{self._url}: the connection failed")

    async def hang_up(self) -> None:
        """End the call, if it is up."""
        self._end()
        if self._http is not None:
            if self._resource is not None:
                try:
                    async with asyncio.timeout(CLOSE_LIMIT_S):
                        await self._http.delete(self._resource)
                except (TimeoutError, aiohttp.ClientError):
                    pass  # it has ended anyway, or its server has
            await self._http.close()
        if self._peer is not None:
            await self._peer.close()
        if self._bad_way is not None:
            self._bad_way.close()

    async def _post(self, offer: str) -> str:
        assert self._http is not None, "opened in call()"
        headers = {"Content-Type": "application/sdp"}
        async with self._http.post(self._url, data=offer, headers=headers) as response:
            text = await response.text()
            if response.status != 201:
                raise WhipRefused(self._url, f"{response.status} {response.reason or ''}", text)
            self.answered_at = time.monotonic()
            where = response.headers.get("Location")
            self._resource = None if where is None else urljoin(str(response.url), where)
            return text

    # --- audio -----------------------------------------------------------------------------------

    def _track(self) -> Any:
        """What aiortc takes payloads from."""
        import av

        call = self

        class Track(aiortc().MediaStreamTrack):  # type: ignore[misc]
            kind = "audio"

            async def recv(self) -> Any:
                call._begun.set()
                payload = await call._next_payload()
                packet = av.Packet(payload.data)
                packet.pts = payload.timestamp
                packet.time_base = fractions.Fraction(1, clock_hz(call.kind))
                return packet

        return Track()

    async def _take(self, packet: Any, arrival_time_ms: int) -> None:
        """In place of aiortc's own: no packet reaches its jitter buffer and its decoder."""
        at = time.monotonic()
        kind = self._kind_of(packet.payload_type)
        if kind in KINDS and packet.payload:
            self._receive(
                Packet(
                    kind,
                    packet.payload,
                    packet.sequence_number,
                    packet.timestamp,
                    packet.ssrc,
                    bool(packet.marker),
                ),
                at,
            )

    def _kind_of(self, payload_type: int) -> str:
        if not self._by_type:
            known = self._transceiver._codecs
            self._by_type = {each.payloadType: each.mimeType.lower() for each in known}
        return self._by_type.get(payload_type, "")

    def _on_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        self.ended.set()
        self._begun.set()
        self.on_end()
