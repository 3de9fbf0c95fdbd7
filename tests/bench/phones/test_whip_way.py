"""What leaves by a bad way: late, twice or never, and nothing but audio is touched."""

import asyncio

import pytest

from offhook.bench.phones.whip_way import BadWay, is_rtp


@pytest.mark.parametrize(
    ("begin", "audio"),
    [
        (b"\x80\x60", True),  # RTP, payload type 96
        (b"\x80\xe0", True),  # the same, marked
        (b"\x80\x80", True),  # PCMU, marked
        (b"\x80\xc8", False),  # RTCP, sender report
        (b"\x80\xcd", False),  # RTCP, feedback
        (b"\x16\xfe", False),  # DTLS
        (b"\x00\x01", False),  # STUN
        (b"\x80", False),
    ],
)
def test_audio_is_told_from_what_else_there_is(begin: bytes, audio: bool) -> None:
    assert is_rtp(begin + b"\x00" * 10 * (len(begin) > 1)) is audio


async def test_audio_leaves_as_the_way_has_it_and_all_else_at_once() -> None:
    left: list[bytes] = []

    async def leave(datagram: bytes) -> None:
        left.append(datagram)

    audio = [b"\x80\x60" + bytes([number]) for number in range(4)]
    way = BadWay({0: (0.0,), 1: (), 2: (0.0, 0.0), 3: (3600.0,)}.__getitem__, leave)
    for datagram in (audio[0], audio[1], b"\x16\xfe", audio[2], b"\x80\xc8", audio[3]):
        await way.send(datagram)
    assert left == [audio[0], b"\x16\xfe", audio[2], audio[2], b"\x80\xc8"]
    way.close()


async def test_what_is_held_up_leaves_later_unless_the_call_is_over() -> None:
    left: list[bytes] = []
    gone = asyncio.Event()

    async def leave(datagram: bytes) -> None:
        if datagram.endswith(b"1"):
            raise ConnectionError("the call is over")
        left.append(datagram)
        gone.set()

    way = BadWay({0: (0.002,), 1: (0.001,)}.__getitem__, leave)
    for datagram in (b"\x80\x600", b"\x80\x601"):
        await way.send(datagram)
    assert left == []
    await gone.wait()
    assert left == [b"\x80\x600"]
