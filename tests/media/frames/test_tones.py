"""Steady tones in the audio of many lanes: told once, with begin, end, pitch. A voice is none."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import g711, tones as call_progress
from offhook.drivers.loopback.line import LoopbackLine
from offhook.media.events import AnyMediaEvent, ToneEnded, ToneHeard
from offhook.media.frames.lanes import FRAME_MS, frame_samples
from offhook.media.frames.tones import Tone, Tones
from offhook.media.ports import AnyLegEvent, LegAnswered
from offhook.tests.kit.loopback_rig import LoopbackRig, ToneSpeaker
from offhook.tests.kit.synthetic_voice import noise, to_int16, voice

RATES = (8000, 16000)
BEGIN_S = 0.3137
"On no frame's edge."


def heard(pcm: NDArray[np.int16], rate_hz: int, *, listen: bool = True) -> list[Tone]:
    """What is told of one lane's audio, and of silence after it."""
    frame = frame_samples(rate_hz)
    tones = Tones(2, rate_hz)
    tones.listen(1, listen)
    whole = np.append(pcm, np.zeros(-len(pcm) % frame + 4 * frame, np.int16))
    found: list[Tone] = []
    for at in range(0, len(whole), frame):
        both = np.stack([np.zeros(frame, np.int16), whole[at : at + frame]])
        found += tones.push(2, both, np.array([at, at]))
    return found


def beep(
    rate_hz: int, hz: float, seconds: float, peak: float = 4000.0, begin_s: float = BEGIN_S
) -> NDArray[np.int16]:
    """A tone in silence."""
    pcm = np.zeros(int(1.5 * rate_hz), np.float64)
    at = np.arange(int(seconds * rate_hz))
    begin = int(begin_s * rate_hz)
    pcm[begin : begin + len(at)] = peak * np.sin(2 * math.pi * hz * at / rate_hz)
    return to_int16(pcm)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("hz", [440.0, 480.0, 700.0, 1004.0, 1400.0, 2000.0, 2100.0])
def test_beep_is_told_once_while_it_lasts_and_once_when_it_is_over(hz: float, rate_hz: int) -> None:
    begin, samples = int(BEGIN_S * rate_hz), int(0.4 * rate_hz)
    lasting, over = heard(beep(rate_hz, hz, 0.4), rate_hz)
    assert lasting.ended_samples is None
    assert over.ended_samples is not None
    assert lasting.row == over.row == 1
    assert lasting.low_hz == pytest.approx(hz, abs=4)
    assert lasting.high_hz == over.high_hz == 0
    frame = rate_hz * FRAME_MS // 1000
    assert abs(over.began_samples - begin) <= frame
    assert abs(over.ended_samples - (begin + samples)) <= frame


@pytest.mark.parametrize("rate_hz", RATES)
def test_beep_is_heard_through_g711_and_noise_10_db_below_it(rate_hz: int) -> None:
    rng = np.random.default_rng(1)
    found = 0
    for hz in (500, 800, 1000, 1400, 2000):
        clean = beep(rate_hz, hz, 0.3)
        sigma = 4000 / math.sqrt(2) * 10 ** (-10 / 20)
        noisy = to_int16(clean + rng.normal(0, sigma, len(clean)))
        told = heard(g711.decode_ulaw(g711.encode_ulaw(noisy)), rate_hz)
        found += any(abs(tone.low_hz - hz) < 6 for tone in told)
    assert found == 5


def test_soft_beep_is_heard_and_the_softest_is_not() -> None:
    assert heard(beep(8000, 1000, 0.3, peak=300.0), 8000)
    assert not heard(beep(8000, 1000, 0.3, peak=100.0), 8000)


def test_tone_of_less_than_a_tenth_of_a_second_is_none() -> None:
    assert not heard(beep(8000, 1000, 0.09), 8000)


def test_two_frequencies_together_are_told_as_two() -> None:
    busy = call_progress.generate("busy", "us", 8000, 0.9)
    over = [tone for tone in heard(busy, 8000) if tone.ended_samples is not None]
    assert [(round(tone.low_hz, -1), round(tone.high_hz, -1)) for tone in over] == [(480, 620)]


def test_special_information_tones_are_three_in_a_row() -> None:
    sit = call_progress.generate("sit_vacant", "us", 8000, 1.2)
    over = [tone for tone in heard(sit, 8000) if tone.ended_samples is not None]
    assert [tone.low_hz for tone in over] == pytest.approx([985.2, 1370.6, 1776.7], abs=4)


@pytest.mark.parametrize("pitch_hz", [90.0, 120.0, 210.0, 290.0])
def test_voice_is_no_tone(pitch_hz: float) -> None:
    rng = np.random.default_rng(int(pitch_hz))
    pcm = to_int16(voice(8000, 8000, rng, pitch_hz=pitch_hz))
    assert not heard(pcm, 8000)


def test_noise_and_a_gliding_tone_are_no_tones() -> None:
    rng = np.random.default_rng(2)
    assert not heard(to_int16(noise(32000, rng, -20)), 8000)
    t = np.arange(16000) / 8000
    glide = to_int16(4000 * np.sin(2 * math.pi * (500 * t + 400 * t**2)))
    assert not heard(glide, 8000)


def test_row_that_nobody_listens_to_tells_nothing() -> None:
    assert not heard(beep(8000, 1000, 0.4), 8000, listen=False)


def test_row_is_as_new_for_its_next_lane() -> None:
    tones = Tones(1, 8000)
    tones.listen(0, True)
    pcm = beep(8000, 1000, 0.4, begin_s=0.0)
    for at in range(0, 1600, 160):
        tones.push(1, pcm[None, at : at + 160], np.array([at]))
    tones.clear(0)
    tones.listen(0, True)
    assert not tones.push(1, np.zeros((1, 160), np.int16), np.array([0]))


def test_columns_grow_and_go_on() -> None:
    tones = Tones(1, 8000)
    tones.listen(0, True)
    pcm = beep(8000, 1000, 0.4, begin_s=0.0)
    found: list[Tone] = []
    for at in range(0, 4800, 160):
        if at == 480:
            tones.grow(4)
        found += tones.push(1, pcm[None, at : at + 160], np.array([at]))
    assert [tone.ended_samples is None for tone in found] == [True, False]


@pytest.mark.parametrize("listen", [True, False])
async def test_lane_tells_the_beep_of_a_recorder_to_who_listens(listen: bool) -> None:
    rig = LoopbackRig()
    line = LoopbackLine(rig.engine, rig.wire, ToneSpeaker(), rig.clock, rig.rng)
    await line.start()
    leg = line.call("+15550040", "+15559999")
    told: list[AnyMediaEvent] = []

    def receive(event: AnyLegEvent) -> None:
        if isinstance(event, LegAnswered) and leg.lane is not None:
            leg.lane.sink = told.append
            leg.lane.listen_for_tones(listen)

    leg.sink = receive
    await rig.run(4000)
    tones = [event for event in told if isinstance(event, ToneHeard | ToneEnded)]
    # Its sentence is a tone here, too; then comes the beep.
    pitches = [round(tone.low_hz, -1) for tone in tones]
    assert pitches == ([500, 500, 1000, 1000] if listen else [])
    for tone in tones:
        assert tone.at_samples >= tone.began_samples
    await line.aclose()
