"""The target delay, from hand-written lists of transits."""

import numpy as np
import pytest

from offhook.media.frames.delay import BUCKETS, MAX_TARGET_MS, MIN_TARGET_MS, Delay

ROW = np.array([0])


def learn(
    delay: Delay, late_ms: list[float], offset_ms: float = 0.0, early_ms: float = 0.0
) -> list[float]:
    """One packet a tick, that came so long before it; the target in ms after each."""
    targets = []
    for late in late_ms:
        delay.receive(ROW, np.array([int((offset_ms + late) * 8)]), np.array([int(early_ms * 8)]))
        delay.tick(1)
        targets.append(float(delay.target[0]) / 8)
    return targets


def test_without_jitter_one_frame_is_waited() -> None:
    assert set(learn(Delay(1, 8000), [0.0] * 200)) == {MIN_TARGET_MS}


def test_the_frame_of_safety_is_given_up_where_packets_are_known_to_come_well_before_ticks() -> (
    None
):
    delay = Delay(1, 8000)
    targets = learn(delay, [0.0] * 500, early_ms=8)
    assert set(targets[:100]) == {MIN_TARGET_MS}, "not at once"
    assert targets[-1] == 0
    assert set(learn(Delay(1, 8000), [0.0] * 500, early_ms=4)) == {MIN_TARGET_MS}
    # Drift brings them near to the tick: the frame is back before they are behind it.
    assert learn(delay, [0.0] * 5, early_ms=4)[-1] == 0
    assert learn(delay, [0.0] * 50, early_ms=4)[-1] == MIN_TARGET_MS
    # One that is late by a tick is remembered for seconds.
    learn(delay, [0.0] * 500, early_ms=8)
    assert learn(delay, [20.0, *[0.0] * 150], early_ms=8)[-1] >= MIN_TARGET_MS


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


def test_stragglers_are_not_waited_for_when_that_costs_more_than_they_are_worth() -> None:
    near, far = ([0.0] * 199 + [late] for late in (15.0, 300.0))
    assert learn(Delay(1, 8000), near * 10)[-1] == MIN_TARGET_MS
    assert learn(Delay(1, 8000), far * 10)[-1] == MIN_TARGET_MS
    often = [0.0, 0.0, 0.0, 0.0, 300.0]
    assert learn(Delay(1, 8000), often * 100)[-1] == 300


def test_regular_stalls_are_waited_for() -> None:
    stall = [0.0] * 97 + [60.0, 40.0, 20.0]
    targets = learn(Delay(1, 8000), stall * 10)
    assert set(targets[300:]) == {60}


def test_what_is_due_when_does_not_follow_a_queue_that_fills_and_drains() -> None:
    delay, due = Delay(1, 8000), []
    for number in range(2000):  # 60 ms up and down in 6 s
        late = 60 * abs(number % 300 / 150 - 1)
        delay.receive(ROW, np.array([int(late * 8)]), np.array([0]))
        delay.tick(1)
        due.append(int(delay.due(slice(1))[0]) / 8)
    assert max(due[600:]) - min(due[600:]) <= 10
    assert max(due[600:]) <= 70


@pytest.mark.parametrize(("step_ms", "packets"), [(-100, 400), (-300, 300), (100, 100)])
def test_a_path_of_another_length_is_learnt_within_seconds(step_ms: float, packets: int) -> None:
    delay, rng = Delay(1, 8000), np.random.default_rng(3)
    learn(delay, rng.uniform(0, 10, 300).tolist())
    before = delay.due(slice(1))[0] / 8
    learn(delay, (step_ms + rng.uniform(0, 10, packets)).tolist())
    assert delay.due(slice(1))[0] / 8 - before == pytest.approx(step_ms, abs=10)


def test_a_histogram_that_moves_loses_nothing() -> None:
    rng = np.random.default_rng(4)
    for buckets in (-100, -81, -3, 1, 5, 79, 80, 81, 200):
        delay = Delay(2, 8000)
        delay._mass[:] = rng.random((2, BUCKETS))
        delay._origin[:] = 800
        before = delay._mass.copy()
        delay._move(np.array([1]), np.array([800 + buckets * delay.bucket_samples]))
        moved = np.zeros(BUCKETS)
        np.add.at(moved, np.clip(np.arange(BUCKETS) - buckets, 0, BUCKETS - 1), before[1])
        np.testing.assert_allclose(delay._mass[1], moved, atol=1e-4)
        np.testing.assert_array_equal(delay._mass[0], before[0])
        assert delay._origin.tolist() == [800, 800 + buckets * delay.bucket_samples]


def test_never_beyond_the_longest_target_nor_out_of_numbers() -> None:
    delay = Delay(1, 8000)
    for late in [0.0, 399.0] * 10_000:  # a flood between two ticks
        delay.receive(ROW, np.array([int(late * 8)]), np.array([0]))
    delay.tick(1)
    assert delay.target[0] <= MAX_TARGET_MS * 8
    for _ in range(20):
        delay.tick(1)
    assert delay.target[0] == MAX_TARGET_MS * 8
    assert np.isfinite(delay._mass).all()
