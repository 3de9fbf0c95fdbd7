"""Speech over WHIP to an echo, through a bad network: what is lost or late is in the scores."""

import asyncio
import importlib.util
import math
from collections.abc import Iterator

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from offhook.bench.networks import quality_speech, quality_whip
from offhook.bench.networks.netem import Network
from offhook.bench.networks.quality_cases import Case
from offhook.bench.networks.quality_listening import CODECS, code
from offhook.bench.networks.quality_scores import Scores
from offhook.bench.networks.quality_whip import returned, through
from offhook.bench.phones.line import LineFailed
from offhook.bench.phones.whip_call import OPUS, PCMU, Packet
from offhook.tests.kit.synthetic_voice import voice
from offhook.tests.kit.whip_endpoint import WhipEcho, taking_calls

needs_aiortc = pytest.mark.skipif(
    any(importlib.util.find_spec(each) is None for each in ("aiortc", "pesq", "pystoi")),
    reason="aiortc, pesq and pystoi are packages for benches",
)
FRAME, TICKS = 320, 960


def spoken(seconds: float, rate_hz: int = 16000) -> NDArray[np.int16]:
    return np.rint(voice(rate_hz, round(1000 * seconds), np.random.default_rng(5))).astype(np.int16)


def packets(payloads: list[bytes], first_tick: int = 0) -> list[tuple[Packet, float]]:
    """As they come when nothing happens to them."""
    return [
        (Packet(OPUS, data, n, (first_tick + n * TICKS) % 2**32, 1, False), 0.02 * n)
        for n, data in enumerate(payloads)
    ]


# --- from packets to what is heard ----------------------------------------------------------------


@pytest.mark.parametrize("first_tick", [0, 2**32 - 5 * TICKS])
def test_what_comes_back_whole_is_heard_as_it_was_said(first_tick: int) -> None:
    coded = code(spoken(0.5), CODECS["opus"])
    heard = returned(packets(coded.payloads, first_tick), OPUS)
    assert np.array_equal(heard.pcm(), coded.clean)


def test_what_comes_twice_or_in_another_order_is_heard_as_it_was_said() -> None:
    coded = code(spoken(0.5), CODECS["opus"])
    came = packets(coded.payloads)
    came[7], came[8] = came[8], came[7]
    came.insert(12, came[11])
    assert np.array_equal(returned(came, OPUS).pcm(), coded.clean)


def test_what_does_not_come_back_is_silence_of_its_length() -> None:
    coded = code(spoken(0.5), CODECS["opus"])
    came = packets(coded.payloads)
    del came[10:12]
    heard = returned(came, OPUS).pcm()
    assert len(heard) == len(coded.clean)
    assert not heard[10 * FRAME : 12 * FRAME].any()
    assert np.array_equal(heard[: 10 * FRAME], coded.clean[: 10 * FRAME])


def test_another_codec_than_was_sent_is_no_echo() -> None:
    came = packets([b"\x08"]) + [(Packet(PCMU, b"\xff" * 160, 1, 160, 1, False), 0.02)]
    with pytest.raises(LineFailed, match="another codec"):
        returned(came, OPUS)


# --- calls ----------------------------------------------------------------------------------------

PERFECT, LOSSY = Network(), Network(loss=0.2)
HELD = Network(jitter_ms=100)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found() -> dict[str, tuple[str, Scores]]:
    """One call each, all at once: they take as long as what is said in them."""
    said = {16000: spoken(1.5), 8000: spoken(1.5, 8000)}

    async def one(echo: WhipEcho, network: Network) -> tuple[str, Scores]:
        case = Case("a network", network, lead_s=0.2)
        async with taking_calls(echo) as (_, url):
            return await through(url, None, said, case, seed=1)

    dropping = WhipEcho()
    dropping.drop_every = 20
    names = ("perfect", "late", "dropping", "lossy", "held", "narrow")
    calls = await asyncio.gather(
        one(WhipEcho(), PERFECT),
        one(WhipEcho(late_s=0.1), PERFECT),
        one(dropping, PERFECT),
        one(WhipEcho(), LOSSY),
        one(WhipEcho(), HELD),
        one(WhipEcho(kinds=(PCMU,)), PERFECT),
    )
    return dict(zip(names, calls, strict=True))


@pytest.fixture(autouse=True, scope="module")
def short() -> Iterator[None]:
    """Less silence around what is said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_whip, "BEFORE_S", 0.4)
        patch.setattr(quality_whip, "AFTER_S", 0.4)
        for module in (quality_whip, quality_speech):
            patch.setattr(module, "TAIL_S", 0.2)
        yield


@needs_aiortc
@pytest.mark.interop
@pytest.mark.asyncio(loop_scope="module")
async def test_an_echo_that_changes_nothing_has_the_best_scores_there_are(
    found: dict[str, tuple[str, Scores]],
) -> None:
    name, scores = found["perfect"]
    assert name == "opus, a network"
    assert scores.pesq == pytest.approx(4.64, abs=0.01)
    assert scores.stoi == pytest.approx(1.0, abs=0.001)
    assert scores.found == 1.0
    name, scores = found["narrow"]
    assert name == "pcmu, a network"
    assert scores.pesq == pytest.approx(4.55, abs=0.01)


@needs_aiortc
@pytest.mark.interop
@pytest.mark.asyncio(loop_scope="module")
async def test_an_echo_that_is_100_ms_late_is_told_by_its_round_trip_alone(
    found: dict[str, tuple[str, Scores]],
) -> None:
    late, prompt = found["late"][1], found["perfect"][1]
    assert late.delay_mean_ms >= 100
    assert 0 <= prompt.delay_mean_ms < late.delay_mean_ms
    assert late.pesq == pytest.approx(prompt.pesq, abs=0.01)


@needs_aiortc
@pytest.mark.interop
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("worse", ["dropping", "lossy"])
async def test_packets_that_are_lost_by_the_network_or_by_the_echo_cost_quality(
    worse: str, found: dict[str, tuple[str, Scores]]
) -> None:
    bad, good = found[worse][1], found["perfect"][1]
    assert bad.pesq < good.pesq - 1
    assert bad.stoi < good.stoi - 0.01


@needs_aiortc
@pytest.mark.interop
@pytest.mark.asyncio(loop_scope="module")
async def test_packets_that_the_network_holds_up_are_late_and_not_lost(
    found: dict[str, tuple[str, Scores]],
) -> None:
    held = found["held"][1]
    assert held.pesq == pytest.approx(4.64, abs=0.01)
    assert math.isfinite(held.delay_p95_ms)
    # Uniform between 0 and 100 ms: half of the packets are held for longer than 50.
    assert held.delay_p95_ms > 75
