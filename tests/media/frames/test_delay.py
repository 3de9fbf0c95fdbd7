"""The target delay, from hand-written lists of transits."""

import numpy as np
import pytest

from offhook.media.frames.delay import MAX_TARGET_MS, MIN_TARGET_MS, Delay

ROW = np.array([0])


def learn(delay: Delay, late_ms: list[float], offset_ms: float = 0.0) -> list[float]:
    """One packet a tick; the target in ms after each."""
    targets = []
    for late in late_ms:
        delay.receive(ROW, np.array([int((offset_ms + late) * 8)]))
        delay.tick(1)
        targets.append(float(delay.target[0]) / 8)
    return targets


def test_without_jitter_one_frame_is_waited() -> None:
    assert set(learn(Delay(1, 8000), [0.0] * 200)) == {MIN_TARGET_MS}


def test_the_origin_of_transits_does_not_matter() -> None:
    late = [float(n * 37 % 90) for n in range(200)]
    assert learn(Delay(1, 8000), late, offset_ms=-1e7) == learn(Delay(1, 8000), late)


def test_the_target_covers_nearly_every_packet() -> None:
    rng = np.random.default_rng(2)
    late = rng.uniform(0, 100, 2000)
    targets = learn(Delay(1, 8000), late.tolist())
    assert np.mean(targets[200:]) == pytest.approx(97, abs=6)


def test_rises_at_once_and_falls_slowly() -> None:
    delay = Delay(1, 8000)
    learn(delay, [0.0] * 100)
    risen = learn(delay, [80.0] * 5)
    assert risen[-1] >= 80
    falling = learn(delay, [0.0] * 300)
    assert falling[20] >= 80
    assert falling[-1] == MIN_TARGET_MS


def test_an_outage_teaches_nothing() -> None:
    delay = Delay(1, 8000)
    learn(delay, [0.0] * 100)
    burst = [1000.0 - 20 * n for n in range(51)]
    assert set(learn(delay, burst)) == {MIN_TARGET_MS}
    assert delay.fastest[0] == 0, "the burst has shown the path's true transit again"


def test_a_longer_path_becomes_the_new_normal() -> None:
    delay = Delay(1, 8000)
    learn(delay, [0.0] * 100)
    assert learn(delay, [1000.0] * 100)[-1] == MIN_TARGET_MS
    assert delay.fastest[0] == 8000
    delay = Delay(1, 8000)
    learn(delay, [0.0] * 100)
    learn(delay, [300.0] * 400)
    assert delay.fastest[0] == 2400
    assert delay.target[0] == MIN_TARGET_MS * 8


def test_drift_moves_the_smallest_transit_along() -> None:
    delay = Delay(1, 8000)
    learn(delay, [n * 0.004 for n in range(3000)])  # 200 ppm
    assert 11.9 * 8 - 3.2 <= delay.fastest[0] <= 12 * 8
    assert delay.target[0] == MIN_TARGET_MS * 8


def test_never_beyond_the_longest_target_nor_out_of_numbers() -> None:
    delay = Delay(1, 8000)
    for late in [0.0, 399.0] * 10_000:  # a flood between two ticks
        delay.receive(ROW, np.array([int(late * 8)]))
    delay.tick(1)
    assert delay.target[0] <= MAX_TARGET_MS * 8
    for _ in range(20):
        delay.tick(1)
    assert delay.target[0] == MAX_TARGET_MS * 8
    assert np.isfinite(delay._mass).all()
