"""RTP headers: vectors by hand from RFC 3550 §5.1, then fuzz."""

import numpy as np
import pytest

from offhook.media.frames import rtp

WIDTH = 64


def parse(*packets: bytes, width: int = WIDTH) -> rtp.Packets:
    buf = np.zeros((len(packets), width), np.uint8)
    for row, packet in enumerate(packets):
        buf[row, : len(packet)] = np.frombuffer(packet[:width], np.uint8)
    return rtp.parse(buf, np.array([len(packet) for packet in packets], np.int64))


PLAIN = bytes.fromhex("80 80 1234 89abcdef deadbeef".replace(" ", "")) + b"payload"


def test_parses_a_plain_packet() -> None:
    packets = parse(PLAIN)
    assert packets.ok.tolist() == [True]
    assert packets.is_rtcp.tolist() == [False]
    assert packets.payload_type.tolist() == [0]
    assert packets.marker.tolist() == [True]
    assert packets.sequence.tolist() == [0x1234]
    assert packets.timestamp.tolist() == [0x89ABCDEF]
    assert packets.ssrc.tolist() == [0xDEADBEEF]
    assert (packets.payload_offset[0], packets.payload_length[0]) == (12, 7)


def test_skips_csrcs_extension_and_padding() -> None:
    header = bytes([0b10110010, 96]) + PLAIN[2:12]
    csrcs = bytes(range(8))
    extension = b"\xbe\xde\x00\x01" + b"\x10\xff\x00\x00"  # RFC 8285 one-byte header
    packets = parse(header + csrcs + extension + b"audio" + b"\x00\x00\x03", PLAIN)
    assert packets.ok.tolist() == [True, True]
    assert packets.payload_offset.tolist() == [28, 12]
    assert packets.payload_length.tolist() == [5, 7]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80\x00\x00",
        b"\x40" + PLAIN[1:],  # version 1
        PLAIN[:11],
        bytes([0x8F]) + PLAIN[1:],  # 15 CSRCs announced, none there
        bytes([0x90]) + PLAIN[1:12] + b"\xbe\xde",  # extension cut in its header
        bytes([0x90]) + PLAIN[1:12] + b"\xbe\xde\x00\x09\x00\x00\x00\x00",  # longer than the packet
        bytes([0xA0]) + PLAIN[1:12] + b"ab\x00",  # padding of 0 bytes
        bytes([0xA0]) + PLAIN[1:12] + b"ab\x09",  # padding longer than the payload
        PLAIN + bytes(WIDTH),  # cut on reception
    ],
)
def test_marks_malformed_packets(packet: bytes) -> None:
    packets = parse(packet)
    assert packets.ok.tolist() == [False]
    assert packets.is_rtcp.tolist() == [False]
    assert packets.payload_length.tolist() == [0]


def test_tells_rtcp_from_rtp_on_one_port() -> None:
    sender_report = bytes([0x80, 200, 0, 1]) + bytes(4)
    picture_loss = bytes([0x81, 206, 0, 2]) + bytes(8)
    marked_97 = bytes([0x80, 0x80 | 97]) + PLAIN[2:]
    packets = parse(sender_report, picture_loss, marked_97, sender_report[:7])
    assert packets.is_rtcp.tolist() == [True, True, False, False]
    assert packets.ok.tolist() == [False, False, True, False]


def test_reads_what_it_wrote() -> None:
    rng = np.random.default_rng(1)
    n = 50
    buf = rng.integers(0, 256, (n, WIDTH), np.uint8)
    payload = buf[:, 12:].copy()
    payload_type = rng.integers(0, 64, n)
    marker = rng.integers(0, 2, n).astype(bool)
    sequence = rng.integers(0, 1 << 18, n)
    timestamp, ssrc = rng.integers(0, 1 << 34, (2, n))
    rtp.write_headers(buf, payload_type, marker, sequence, timestamp, ssrc)
    packets = rtp.parse(buf, np.full(n, WIDTH))
    assert packets.ok.all()
    np.testing.assert_array_equal(packets.payload_type, payload_type)
    np.testing.assert_array_equal(packets.marker, marker)
    np.testing.assert_array_equal(packets.sequence, sequence & 0xFFFF)
    np.testing.assert_array_equal(packets.timestamp, timestamp & 0xFFFFFFFF)
    np.testing.assert_array_equal(packets.ssrc, ssrc & 0xFFFFFFFF)
    np.testing.assert_array_equal(buf[:, 12:], payload)


def test_survives_any_bytes() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        buf = rng.integers(0, 256, (64, 40), np.uint8)
        buf[:, 0] = buf[:, 0] & 0x3F | 0x80  # the version right, or all would fall at once
        lengths = rng.integers(0, 60, 64)
        packets = rtp.parse(buf, lengths)
        end = packets.payload_offset + packets.payload_length
        assert (packets.payload_length >= 0).all()
        assert (end[packets.ok] <= lengths[packets.ok]).all()
        assert not (packets.ok & packets.is_rtcp).any()


def test_parses_no_packets() -> None:
    assert len(parse(width=WIDTH).ok) == 0
