"""RTCP's wire format: bytes by hand from RFC 3550 §6.4-6.6, then fuzz."""

import random

import pytest

from offhook.media.frames import rtcp
from offhook.media.frames.rtcp import (
    Goodbye,
    Malformed,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
)

BLOCK_BYTES = bytes.fromhex("deadbeef 40fffffe 00011234 00000050 b7052000 00054000")
BLOCK = ReportBlock(
    ssrc=0xDEADBEEF,
    fraction_lost=0.25,
    packets_lost=-2,
    highest_sequence=0x11234,
    jitter=80,
    last_sender_report=0xB7052000,
    delay_since=0x54000,
)
SENDER_BYTES = (
    bytes.fromhex("81c8000c 0000002a e1b70520 80000000 0001e240 00000064 00003e80") + BLOCK_BYTES
)
SENDER = SenderReport(42, 0xE1B7052080000000, 123456, 100, 16000, (BLOCK,))
NAME_BYTES = bytes.fromhex("81ca0003 0000002a 01046140 6263 0000".replace(" ", ""))


def test_reads_a_compound_datagram() -> None:
    goodbye = bytes.fromhex("81cb0003 0000002a") + b"\x06closed\x00"
    assert rtcp.parse(SENDER_BYTES + NAME_BYTES + goodbye) == [
        SENDER,
        SourceDescription(42, "a@bc"),
        Goodbye((42,)),
    ]


def test_writes_the_same_bytes() -> None:
    assert rtcp.build(SENDER, "a@bc") == SENDER_BYTES + NAME_BYTES


def test_reads_what_it_wrote() -> None:
    report = ReceiverReport(7, (BLOCK, BLOCK))
    name = "ünïcode@offhook"
    data = rtcp.build(report, name, goodbye=True)
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == [report, SourceDescription(7, name), Goodbye((7,))]


def test_cuts_what_does_not_fit_its_field() -> None:
    block = ReportBlock(1, 3.0, 1 << 30, 1 << 40, 1 << 40, 0, 1 << 40)
    (report, description) = rtcp.parse(rtcp.build(ReceiverReport(1, (block,)), "n" * 300))
    assert isinstance(report, ReceiverReport)
    assert report.blocks[0].fraction_lost == 255 / 256
    assert report.blocks[0].packets_lost == 0x7FFFFF
    assert report.blocks[0].jitter == 0xFFFFFFFF
    assert isinstance(description, SourceDescription)
    assert description.cname == "n" * 255


def test_passes_over_types_it_does_not_know() -> None:
    extended = bytes.fromhex("80cf0002 0000002a 00000000")
    application = bytes.fromhex("80cc0002 0000002a") + b"TEST"
    assert rtcp.parse(extended + application) == []
    assert rtcp.parse(extended + NAME_BYTES) == [SourceDescription(42, "a@bc")]


def test_takes_padding_in_the_last_packet_only() -> None:
    padded = bytes.fromhex("a0c90002 0000002a 00000004")
    assert rtcp.parse(padded) == [ReceiverReport(42)]
    assert isinstance(rtcp.parse(padded + NAME_BYTES)[0], Malformed)


@pytest.mark.parametrize(
    ("datagram", "what", "offset"),
    [
        (b"", "empty", 0),
        (b"\x80\xc8\x00", "header is cut", 0),
        (b"\x40" + SENDER_BYTES[1:], "version 1", 0),
        (b"\x80\x60" + SENDER_BYTES[2:], "packet type 96", 1),
        (SENDER_BYTES[:-4], "beyond the datagram", 2),
        (b"\x9f" + SENDER_BYTES[1:], "are announced", 4),
        (NAME_BYTES[:9] + b"\xff" + NAME_BYTES[10:], "are announced", 4),
        (SENDER_BYTES + b"\x80", "header is cut", len(SENDER_BYTES)),
        (bytes.fromhex("a0c90001 0000002a"), "padding", 0),
        (bytes.fromhex("85cb0001 0000002a"), "are announced", 4),
    ],
)
def test_a_broken_part_spoils_the_datagram(datagram: bytes, what: str, offset: int) -> None:
    (malformed,) = rtcp.parse(datagram)
    assert isinstance(malformed, Malformed)
    assert what in malformed.what
    assert malformed.offset == offset


def test_survives_any_bytes() -> None:
    rng = random.Random(3)
    whole = SENDER_BYTES + NAME_BYTES + rtcp.build(ReceiverReport(1, (BLOCK,)), "x", goodbye=True)
    kinds = set()
    for _ in range(5000):
        data = bytearray(whole[: rng.randrange(len(whole) + 1)])
        for _ in range(rng.randrange(4)):
            if data:
                data[rng.randrange(len(data))] = rng.getrandbits(8)
        kinds |= {type(packet) for packet in rtcp.parse(bytes(data))}
    assert Malformed in kinds
    assert SenderReport in kinds
