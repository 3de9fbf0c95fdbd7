"""What is read off synthetic waveforms is what was put into them."""

import numpy as np
import pytest

from offhook.bench.speech.waveform import (
    find,
    first_audible,
    gain,
    gaps,
    last_audible,
    percentile,
)

RATE = 8000


def noise(seconds: float, rms: float, seed: int = 1) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(0, rms, int(seconds * RATE))
    return np.rint(samples).astype(np.int16)


def voice(seconds: float, level: int = 6000, pitch_hz: float = 140.0) -> np.ndarray:
    at = np.arange(int(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * pitch_hz * n * at + n) / n for n in range(1, 6))
    scaled: np.ndarray = np.rint(level * sound / np.abs(sound).max()).astype(np.int16)
    return scaled


@pytest.mark.parametrize("delay_ms", [0, 20, 100, 101, 337])
@pytest.mark.parametrize("floor_rms", [0, 8, 60])
def test_a_reply_is_found_where_it_begins_whatever_the_comfort_noise(
    delay_ms: int, floor_rms: int
) -> None:
    before, delay = noise(0.5, floor_rms), noise(delay_ms / 1000, floor_rms, 2)
    pcm = np.concatenate([before, delay, voice(0.5), noise(0.2, floor_rms, 3)])
    found = first_audible(pcm, RATE, len(before))
    assert found is not None
    assert found == pytest.approx(len(before) + len(delay), abs=RATE // 500)  # 2 ms


def test_comfort_noise_alone_is_no_reply() -> None:
    assert first_audible(noise(3, 60), RATE, RATE) is None


@pytest.mark.parametrize("samples", [0, 39, 119])
def test_too_little_to_last_is_no_reply(samples: int) -> None:
    assert first_audible(np.full(samples, 20000, np.int16), RATE) is None


def test_a_click_is_no_reply() -> None:
    pcm = np.concatenate([noise(0.5, 5), np.full(24, 20000, np.int16), noise(0.5, 5, 2), voice(1)])
    found = first_audible(pcm, RATE, 4000)
    assert found is not None
    assert found == pytest.approx(4000 + 24 + 4000, abs=RATE // 500)


def test_what_was_before_the_search_begins_is_not_found() -> None:
    pcm = np.concatenate([voice(0.5), np.zeros(8000, np.int16), voice(0.5)])
    found = first_audible(pcm, RATE, 6000)
    assert found == pytest.approx(4000 + 8000, abs=16)


@pytest.mark.parametrize("hole_ms", [30, 45, 200])
def test_a_gap_is_found_with_its_length(hole_ms: int) -> None:
    hole = np.zeros(hole_ms * RATE // 1000, np.int16)
    pcm = np.concatenate([voice(0.3), hole, voice(0.3)])
    ((begin, end),) = gaps(pcm, RATE, 15)
    assert begin == pytest.approx(2400, abs=40)
    assert end - begin == pytest.approx(len(hole), abs=80)


def test_sound_without_a_hole_has_no_gap() -> None:
    silence = np.zeros(800, np.int16)
    assert gaps(np.concatenate([silence, voice(1.0), silence]), RATE, 15) == []
    assert gaps(silence, RATE, 15) == []


def test_the_last_audible_sample() -> None:
    pcm = np.concatenate([voice(0.5), noise(0.5, 5)])
    assert last_audible(pcm, RATE) == pytest.approx(4000, abs=40)
    assert last_audible(noise(0.5, 5), RATE) is None


def test_gain_tells_a_duck_from_a_pause_of_the_speaker() -> None:
    reference = np.concatenate([voice(0.2), np.zeros(800, np.int16), voice(0.2)])
    heard = reference.astype(float)
    heard[2600:] *= 0.125  # -18 dB, from the middle of a later frame on
    result = gain(np.rint(heard).astype(np.int16), reference, RATE)
    assert result[:20] == pytest.approx(1.0, abs=0.01)
    assert np.isnan(result[20:30]).all()
    assert result[33:] == pytest.approx(0.125, abs=0.01)


def test_somebody_else_talking_is_not_taken_for_the_reference() -> None:
    reference = voice(0.5)
    heard = voice(0.5, pitch_hz=233.0)
    assert np.nanmedian(np.abs(gain(heard, reference, RATE))) < 0.2


def test_a_piece_is_found_in_a_recording_through_noise_and_a_lower_level() -> None:
    recording = noise(4, 3000)
    piece = recording[12_345:14_745] // 8 + noise(0.3, 50, 2)
    match = find(piece, recording)
    assert match.at_samples == 12_345
    assert match.correlation > 0.9
    assert find(noise(0.3, 500, 3), recording).correlation < 0.2


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) is None
