"""The call itself: what is audio, and what a refusal says."""

import pytest

from offhook.bench.phones.whip_call import Payload, WhipCall, WhipRefused, is_rtp
from offhook.tests.kit.whip_endpoint import WhipEcho, taking_calls


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


async def test_a_far_end_that_is_full_is_quoted() -> None:
    pytest.importorskip("aiortc")

    async def nothing() -> Payload:
        raise AssertionError("nobody asks before the call is up")

    full = WhipEcho()
    full.most = 0
    async with taking_calls(full) as (_, url):
        call = WhipCall(url, nothing, lambda packet, at: None)
        try:
            with pytest.raises(WhipRefused) as refused:
                await call.call()
        finally:
            await call.hang_up()
    assert refused.value.reason == "503 Service Unavailable"
    # aiortc knows more codecs than can be said and heard here.
    (offer,) = full.offers
    named = [line.split()[1] for line in offer.splitlines() if line.startswith("a=rtpmap")]
    assert named == ["opus/48000/2", "PCMU/8000", "PCMA/8000"]
