"""RTCP packets (RFC 3550 §6): reports of how a stream arrives, both ways.

A datagram is a compound of packets. It is taken whole or, when any part of it is broken, not at all
(§A.2). Not here: when to report and what the numbers mean (rtcp_session.py).
"""

import struct

import msgspec

VERSION = 2
SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
FIRST_TYPE, LAST_TYPE = 192, 223
"RFC 5761 §4; APP, feedback (RFC 4585) and XR (RFC 3611) are among them, and are passed over."
CNAME = 1
MAX_BLOCKS = 31
MAX_TEXT_BYTES = 255
MAX_JITTER = 0xFFFFFFFF

_BLOCK = struct.Struct(">IIIIII")
_SENDER = struct.Struct(">QIII")


class ReportBlock(msgspec.Struct, frozen=True):
    """How one source arrives at the reporter (RFC 3550 §6.4.1)."""

    ssrc: int
    fraction_lost: float
    "Since the last report, 0..1 in steps of 1/256."
    packets_lost: int
    "Since the beginning; below 0 when doubles came."
    highest_sequence: int
    "With the wraps in the upper 16 bits."
    jitter: int
    "In RTP timestamp units."
    last_sender_report: int
    "Middle 32 bits of the NTP time in the last sender report from there; 0: none came."
    delay_since: int
    "From that report's arrival to this one, in 1/65536 s."


class SenderReport(msgspec.Struct, frozen=True, tag=True):
    """What a sender has sent, and how it receives others."""

    ssrc: int
    ntp: int
    "Wall time, 64 bits: seconds since 1900 in the upper 32."
    rtp_timestamp: int
    "The same moment on the stream's own clock."
    packets: int
    octets: int
    "Of payload."
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(msgspec.Struct, frozen=True, tag=True):
    """How somebody who sends nothing receives others."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class SourceDescription(msgspec.Struct, frozen=True, tag=True):
    """The lasting name of a source."""

    ssrc: int
    cname: str


class Goodbye(msgspec.Struct, frozen=True, tag=True):
    """Sources that have ended."""

    ssrcs: tuple[int, ...]


class Malformed(msgspec.Struct, frozen=True, tag=True):
    """The datagram is not valid RTCP; nothing of it counts."""

    what: str
    offset: int
    "In bytes."


AnyRtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | Malformed


class _Broken(Exception):
    """Leaves the parser as Malformed."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what, offset)
        self.what = what
        self.offset = offset


# --- reading --------------------------------------------------------------------------------------


def parse(datagram: bytes) -> list[AnyRtcpPacket]:
    """The packets of a datagram that are known here; one Malformed when it is broken anywhere.

    Reduced-size datagrams (RFC 5506) are taken too.
    """
    packets: list[AnyRtcpPacket] = []
    try:
        offset = 0
        while offset < len(datagram):
            kind, count, body, end = _frame(datagram, offset)
            packets += _read(kind, count, body, offset + 4)
            offset = end
        if not offset:
            raise _Broken("empty datagram", 0)
    except _Broken as broken:
        return [Malformed(broken.what, broken.offset)]
    return packets


def _frame(datagram: bytes, offset: int) -> tuple[int, int, bytes, int]:
    """Type, count, body without padding, and end of the packet that begins at `offset`."""
    if len(datagram) - offset < 4:
        raise _Broken("header is cut", offset)
    first, kind, words = struct.unpack_from(">BBH", datagram, offset)
    end = offset + 4 + 4 * words
    if first >> 6 != VERSION:
        raise _Broken(f"version {first >> 6}", offset)
    if not FIRST_TYPE <= kind <= LAST_TYPE:
        raise _Broken(f"packet type {kind}", offset + 1)
    if end > len(datagram):
        raise _Broken(f"length {end - offset} is beyond the datagram", offset + 2)
    body = datagram[offset + 4 : end]
    if first & 0x20:
        # Only the last packet may be padded, its last byte counts the padding (RFC 3550 §6.4.1).
        if end != len(datagram) or not body or not 0 < body[-1] <= len(body):
            raise _Broken("padding", offset)
        body = body[: -body[-1]]
    return kind, first & 0x1F, body, end


def _read(kind: int, count: int, body: bytes, offset: int) -> list[AnyRtcpPacket]:
    if kind == SENDER_REPORT:
        _need(body, 24 + 24 * count, offset)
        (ssrc,) = struct.unpack_from(">I", body)
        ntp, timestamp, packets, octets = _SENDER.unpack_from(body, 4)
        blocks = _blocks(body, 24, count)
        return [SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)]
    if kind == RECEIVER_REPORT:
        _need(body, 4 + 24 * count, offset)
        (ssrc,) = struct.unpack_from(">I", body)
        return [ReceiverReport(ssrc, _blocks(body, 4, count))]
    if kind == SOURCE_DESCRIPTION:
        return list(_descriptions(body, count, offset))
    if kind == GOODBYE:
        _need(body, 4 * count, offset)
        return [Goodbye(struct.unpack_from(f">{count}I", body))]
    return []


def _need(body: bytes, length: int, offset: int) -> None:
    if len(body) < length:
        raise _Broken(f"{len(body)} bytes where {length} are announced", offset)


def _blocks(body: bytes, begin: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for number in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, begin + 24 * number)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1  # 24 bits, signed
        blocks.append(ReportBlock(ssrc, (loss >> 24) / 256, lost, highest, jitter, last, delay))
    return tuple(blocks)


def _descriptions(body: bytes, count: int, offset: int) -> list[SourceDescription]:
    """The canonical names of a source description's chunks (RFC 3550 §6.5)."""
    found: list[SourceDescription] = []
    at = 0
    for _ in range(count):
        _need(body, at + 4, offset)
        (ssrc,) = struct.unpack_from(">I", body, at)
        at += 4
        while True:
            _need(body, at + 1, offset)
            item = body[at]
            if item == 0:
                break
            _need(body, at + 2, offset)
            end = at + 2 + body[at + 1]
            _need(body, end, offset)
            if item == CNAME:
                name = body[at + 2 : end].decode("utf-8", "replace")
                found.append(SourceDescription(ssrc, name))
            at = end
        at += 4 - at % 4  # the items end with at least one zero, filling up the word
    return found


# --- writing --------------------------------------------------------------------------------------


def build(report: SenderReport | ReceiverReport, cname: str, *, goodbye: bool = False) -> bytes:
    """A compound datagram: the report, the name of who reports, and its end if it ends."""
    data = _build_report(report) + _build_description(report.ssrc, cname)
    if goodbye:
        data += _packet(GOODBYE, 1, struct.pack(">I", report.ssrc))
    return data


def _build_report(report: SenderReport | ReceiverReport) -> bytes:
    assert len(report.blocks) <= MAX_BLOCKS, "the count has five bits"
    body = struct.pack(">I", report.ssrc)
    kind = RECEIVER_REPORT
    if isinstance(report, SenderReport):
        kind = SENDER_REPORT
        body += _SENDER.pack(
            report.ntp,
            report.rtp_timestamp & 0xFFFFFFFF,
            report.packets & 0xFFFFFFFF,
            report.octets & 0xFFFFFFFF,
        )
    for block in report.blocks:
        fraction = max(0, min(255, int(block.fraction_lost * 256)))
        lost = max(-0x800000, min(0x7FFFFF, block.packets_lost)) & 0xFFFFFF
        body += _BLOCK.pack(
            block.ssrc,
            fraction << 24 | lost,
            block.highest_sequence & 0xFFFFFFFF,
            min(block.jitter, MAX_JITTER),
            block.last_sender_report,
            min(block.delay_since, 0xFFFFFFFF),
        )
    return _packet(kind, len(report.blocks), body)


def _build_description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:MAX_TEXT_BYTES]
    body = struct.pack(">IBB", ssrc, CNAME, len(name)) + name
    return _packet(SOURCE_DESCRIPTION, 1, body + bytes(4 - len(body) % 4))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack(">BBH", VERSION << 6 | count, kind, len(body) // 4) + body
