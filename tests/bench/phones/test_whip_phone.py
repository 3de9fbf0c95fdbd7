"""The WebRTC phone: samples keep their place on the way to Opus and back, and a call over WHIP."""

import random

import numpy as np
import pytest

from offhook.bench.load.scripted_providers import reply_pcm
from offhook.bench.phones.line import Heard, LineFailed, Mouth
from offhook.bench.phones.turns import FOREIGN, Turn, converse
from offhook.bench.phones.whip_call import OPUS, PCMA, PCMU, Packet
from offhook.bench.phones.whip_phone import Earpiece, Mouthpiece, WhipPhone, narrowed
from offhook.bench.speech.waveform import first_audible, last_audible
from offhook.tests.kit.whip_agent import tone, whip_agent

REPLY = reply_pcm(8000)
NOISE = np.random.default_rng(1).normal(0, 1, 9000)
VOICE = np.rint(5000 * np.convolve(NOISE, np.ones(4) / 4, "same")).astype(np.int16)
"Like nothing else but itself: its place is certain."


def through(
    pcm: np.ndarray, kind: str, packets: int, first_timestamp: int = 0
) -> tuple[np.ndarray, Heard]:
    """What is said and what is heard of it, when the far end returns every payload."""
    heard = Heard()
    mouth = Mouth(Heard())
    mouth.say(pcm, 1000)
    mouthpiece, earpiece = Mouthpiece(mouth, kind), Earpiece(heard)
    said = []
    for number in range(packets):
        spoken, payload = mouthpiece.packet()
        said.append(spoken)
        timestamp = (first_timestamp + number * 160 * mouthpiece.clock_hz // 8000) & 0xFFFFFFFF
        packet = Packet(kind, payload, number, timestamp, source=5, marked=False)
        earpiece.add(packet, 0.02 * number)
    return np.concatenate(said), heard


@pytest.mark.parametrize("kind", [PCMU, PCMA])
def test_g711_goes_through_to_the_sample(kind: str) -> None:
    said, heard = through(REPLY, kind, 70)
    assert first_audible(said, 8000) == first_audible(heard.pcm(), 8000) == 1000
    assert np.abs(said.astype(float) - heard.pcm()).max() < 0.04 * np.abs(said).max()


@pytest.mark.parametrize("first_timestamp", [0, 0xFFFFFFFF - 30_000])
def test_opus_is_late_by_its_own_delay_and_no_more(first_timestamp: int) -> None:
    said, heard = through(VOICE, OPUS, 70, first_timestamp)
    assert len(heard.pcm()) == 70 * 160
    spoken, ear = said[1000:9000].astype(float), heard.pcm()
    alike = [float(spoken @ ear[1000 + lag : 9000 + lag]) for lag in range(400)]
    assert int(np.argmax(alike)) == pytest.approx(52, abs=2)  # 6.5 ms, as RFC 6716 §2 has it


def test_narrowed_speech_is_as_loud_and_nowhere_else() -> None:
    wide = np.repeat(REPLY, 6)
    assert (narrowed(wide) == REPLY).all()


async def test_an_agent_behind_whip_is_greeted_by_measured_and_left() -> None:
    pytest.importorskip("aiortc")
    async with whip_agent(tone(0.5, 300), tone(0.4, 440), 0.3, "token") as (agent, url):
        phone = WhipPhone(url, random.Random(1), "token")
        try:
            await phone.call()
            pace = FOREIGN
            turns = await converse(phone, [REPLY[:4000]], 1, random.Random(1), pace)
        finally:
            await phone.hang_up()
    assert agent.deleted == ["call-0"]
    (turn,) = turns
    assert isinstance(turn, Turn)
    # Not sooner than the agent waits; how much later is a matter of this machine.
    assert turn.gap_ms > 300
    greeting = phone.heard.pcm()[: turn.reply - 3000]
    assert last_audible(greeting, 8000, 100) == pytest.approx(4000, abs=300)


async def test_an_agent_that_wants_a_token_refuses_a_phone_without() -> None:
    pytest.importorskip("aiortc")
    async with whip_agent(tone(0.1, 300), tone(0.1, 440), 0.3, "token") as (_, url):
        phone = WhipPhone(url, random.Random(1))
        try:
            with pytest.raises(LineFailed, match="HTTP 401"):
                await phone.call()
        finally:
            await phone.hang_up()
