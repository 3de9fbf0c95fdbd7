from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import pcm, plc

Speech = Callable[..., NDArray[np.int16]]
RATES = pytest.mark.parametrize("rate_hz", [8000, 16000])


def buzz(rate_hz: int, pitch_hz: float, seconds: float = 0.3) -> NDArray[np.int16]:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    waves = sum(np.sin(2 * np.pi * n * pitch_hz * t + n) / n for n in range(1, 8))
    return np.rint(6000 * waves).astype(np.int16)


def conceal_all(history: NDArray[np.int16], samples: int) -> NDArray[np.int16]:
    periods = plc.pitch_periods(history)
    return plc.conceal(history, periods, np.zeros(len(history), np.int64), samples)


@RATES
@pytest.mark.parametrize("pitch_hz", [70.0, 100.0, 133.0, 160.0, 180.0])
def test_finds_the_pitch_within_a_sample(rate_hz: int, pitch_hz: float) -> None:
    size = plc.history_samples(rate_hz)
    history = buzz(rate_hz, pitch_hz)[np.newaxis, -size:]
    assert abs(plc.pitch_periods(history)[0] - rate_hz / pitch_hz) <= 1


@RATES
def test_a_higher_voice_is_repeated_by_some_of_its_periods(rate_hz: int) -> None:
    history = buzz(rate_hz, 250.0)[np.newaxis, -plc.history_samples(rate_hz) :]
    periods = plc.pitch_periods(history)[0] / (rate_hz / 250.0)
    assert abs(periods - round(periods)) < 0.05


@RATES
def test_silence_and_noise_have_some_period_in_range(rate_hz: int) -> None:
    size = plc.history_samples(rate_hz)
    noise = np.random.default_rng(1).integers(-3000, 3000, (4, size)).astype(np.int16)
    periods = plc.pitch_periods(np.concatenate([np.zeros((1, size), np.int16), noise]))
    assert periods.dtype == np.int64
    assert ((periods >= rate_hz // 200) & (periods <= 15 * rate_hz // 1000)).all()


@RATES
@pytest.mark.parametrize("pitch_hz", [80.0, 100.0, 160.0])
def test_a_steady_voice_goes_on_as_if_nothing_was_lost(rate_hz: int, pitch_hz: float) -> None:
    voice = buzz(rate_hz, pitch_hz)
    size, ten_ms = plc.history_samples(rate_hz), rate_hz // 100
    lost = voice[size : size + ten_ms].astype(float)
    concealed = conceal_all(voice[np.newaxis, :size], ten_ms)[0]
    noise = concealed - lost
    assert noise @ noise < 0.03 * (lost @ lost)  # 15 dB


@RATES
def test_speech_is_concealed_better_than_by_silence(speech: Speech, rate_hz: int) -> None:
    # Silence has an error of as much as was lost. The signal changes its vowel four times a second.
    voice = speech(rate_hz, 4.0)
    size, frame = plc.history_samples(rate_hz), rate_hz // 50
    begins = np.arange(size, len(voice) - frame, frame * 3)
    histories = np.stack([voice[begin - size : begin] for begin in begins])
    lost = np.stack([voice[begin : begin + frame] for begin in begins]).astype(float)
    error = (conceal_all(histories, frame) - lost) ** 2
    ten_ms = frame // 2
    assert error[:, :ten_ms].sum() < 0.5 * np.sum(lost[:, :ten_ms] ** 2)
    assert error.sum() < 0.8 * np.sum(lost**2)
    assert np.mean(error.sum(axis=1) < np.sum(lost**2, axis=1)) > 0.7


@RATES
def test_no_join_steps_more_than_the_voice_itself(speech: Speech, rate_hz: int) -> None:
    size = plc.history_samples(rate_hz)
    for voice in (buzz(rate_hz, 117.0), speech(rate_hz, 0.4), speech(rate_hz, 0.4, seed=9)):
        history = voice[np.newaxis, 800 : 800 + size]
        concealed = conceal_all(history, 70 * rate_hz // 1000)
        steps = np.abs(np.diff(np.concatenate([history, concealed], axis=1)[0].astype(int)))
        # Overlap-adds may add a little to the steepest slope that was heard; a click is far more.
        assert steps[size - 1 :].max() <= 1.15 * steps[: size - 1].max()


@RATES
def test_pieces_of_any_length_are_the_same_as_the_whole(speech: Speech, rate_hz: int) -> None:
    size = plc.history_samples(rate_hz)
    history = np.stack([speech(rate_hz, 0.3, seed=seed)[-size:] for seed in range(5)])
    periods = plc.pitch_periods(history)
    total = 80 * rate_hz // 1000
    at_once = plc.conceal(history, periods, np.zeros(5, np.int64), total)
    for piece in (1, 160, 37):
        pieces = [
            plc.conceal(history, periods, np.full(5, begin), min(piece, total - begin))
            for begin in range(0, total, piece)
        ]
        assert np.array_equal(np.concatenate(pieces, axis=1), at_once)


def test_each_lane_has_its_own_time_since_the_loss() -> None:
    history = np.repeat(buzz(8000, 110.0)[np.newaxis, -480:], 3, axis=0)
    periods = plc.pitch_periods(history)
    together = plc.conceal(history, periods, np.array([0, 160, 400]), 160)
    at_once = plc.conceal(history[:1], periods[:1], np.array([0]), 560)[0]
    for row, elapsed in enumerate((0, 160, 400)):
        assert np.array_equal(together[row], at_once[elapsed : elapsed + 160])


@RATES
def test_fades_20_percent_each_10_ms_after_the_first_and_is_mute_at_60(rate_hz: int) -> None:
    ten_ms = rate_hz // 100
    history = buzz(rate_hz, 100.0)[np.newaxis, : plc.history_samples(rate_hz)]
    concealed = conceal_all(history, 8 * ten_ms)
    levels = 10 ** (pcm.rms_dbov(concealed.reshape(8, ten_ms)) / 20)
    assert levels[:6] / levels[0] == pytest.approx([1, 0.9, 0.7, 0.5, 0.3, 0.12], abs=0.05)
    assert not concealed[0, 6 * ten_ms :].any()


def test_loud_voices_do_not_wrap() -> None:
    t = np.arange(480)
    history = np.clip(40000 * np.sin(2 * np.pi * t / 73), -32768, 32767).astype(np.int16)
    concealed = conceal_all(history[np.newaxis], 480)[0].astype(int)
    assert np.abs(np.diff(np.concatenate([history[-1:], concealed]))).max() < 8000


def test_a_long_loss_does_not_repeat_one_period_only() -> None:
    history = np.random.default_rng(4).integers(-5000, 5000, (1, 480)).astype(np.int16)
    for period in (40, 60, 80):
        concealed = plc.conceal(history, np.array([period]), np.array([0]), 480)[0].astype(float)
        likeness = [
            np.corrcoef(concealed[200 : 200 + period], concealed[200 + lag : 200 + lag + period])
            for lag in (period, 2 * period)
        ]
        # Far from 1, which a buzz would be: what is played next is another period of the history.
        assert max(matrix[0, 1] for matrix in likeness) < 0.6


def test_recovery_fades_from_the_concealment_to_what_arrived() -> None:
    synthetic, real = np.full((2, 40), 1000, np.int16), np.full((2, 40), -1000, np.int16)
    merged = plc.merge(synthetic, real)
    assert merged.shape == (2, 40)
    steps = np.diff(merged[0].astype(int), prepend=1000, append=-1000)
    assert steps.max() < 0
    assert steps.min() > -60
    same = buzz(8000, 100.0)[np.newaxis, :40]
    assert np.array_equal(plc.merge(same, same), same)


def test_the_longer_the_loss_the_longer_the_cross_fade() -> None:
    lengths_ms = [plc.merge_samples(ms * 8, 8000) / 8 for ms in (10, 20, 30, 60)]
    assert lengths_ms == [4, 8, 10, 10]
