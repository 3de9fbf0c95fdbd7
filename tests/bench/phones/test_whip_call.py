"""The call itself: what it offers, and what a refusal says."""

import pytest

from offhook.bench.phones.whip_call import Payload, WhipCall, WhipRefused
from offhook.tests.kit.whip_endpoint import WhipEcho, taking_calls


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
