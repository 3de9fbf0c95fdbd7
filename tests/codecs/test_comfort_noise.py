import numpy as np
import pytest

from offhook.codecs import comfort_noise
from offhook.codecs.comfort_noise import ComfortNoise, NoiseLevel
from offhook.codecs.errors import CodecError


def levels(*dbov: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(dbov, np.float32)


def test_reads_a_level_alone() -> None:
    assert comfort_noise.parse(b"\x40") == NoiseLevel(-64)


def test_reads_coefficients_as_rfc_3389_quantises_them() -> None:
    level = comfort_noise.parse(bytes([30, 0, 127, 254]))
    assert level.level_dbov == -30
    # §3.2: k = 258 (N - 127) / 32768 for N of 0 to 254.
    assert level.reflection == pytest.approx((-0.99994, 0.0, 0.99994), abs=1e-5)


@pytest.mark.parametrize("payload", [b"\x00", b"\x7f", bytes([45, 0, 1, 126, 127, 128, 253, 254])])
def test_writes_what_it_read(payload: bytes) -> None:
    assert comfort_noise.build(comfort_noise.parse(payload)) == payload


def test_values_out_of_range_become_the_nearest() -> None:
    assert comfort_noise.build(NoiseLevel(-200, (-1.5, 1.5))) == bytes([127, 0, 254])
    assert comfort_noise.build(NoiseLevel(3)) == b"\x00"


def test_empty_payloads_are_errors_and_odd_ones_are_not() -> None:
    with pytest.raises(CodecError, match="empty"):
        comfort_noise.parse(b"")
    assert comfort_noise.parse(b"\xc0").level_dbov == -64  # the unused bit is set
    long = comfort_noise.parse(bytes([50]) + b"\xff" * 1000)
    assert len(long.reflection) == comfort_noise.MAX_COEFFICIENTS
    assert max(long.reflection) < 1


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_each_lane_has_its_level(rate_hz: int) -> None:
    noise = ComfortNoise(3, rate_hz, seed=1)
    wanted = levels(-30.0, -50.0, -70.0)
    frames = [noise.frames(wanted, rate_hz // 50) for _ in range(50)]
    assert {frame.shape for frame in frames} == {(3, rate_hz // 50)}
    measured = comfort_noise.measure(np.concatenate(frames, axis=1))
    assert measured == pytest.approx(wanted, abs=0.3)


def test_silence_is_silent_and_loud_noise_saturates() -> None:
    noise = ComfortNoise(2, 8000, seed=1)
    frame = noise.frames(levels(-127.0, 0.0), 800)
    assert not frame[0].any()
    assert (frame[1].min(), frame[1].max()) == (-32768, 32767)


def test_noise_has_the_spectrum_of_its_packet() -> None:
    wanted = (-0.8, 0.4, 0.1, -0.2)
    sent = comfort_noise.parse(comfort_noise.build(NoiseLevel(-40, wanted)))
    noise = ComfortNoise(4, 8000, seed=2)
    noise.shape(2, sent.reflection)
    heard = np.concatenate([noise.frames(levels(*[-40.0] * 4), 160) for _ in range(300)], axis=1)
    estimated = comfort_noise.reflection_coefficients(heard, 4)
    assert estimated[2] == pytest.approx(wanted, abs=0.03)
    assert np.abs(estimated[[0, 1, 3]]).max() < 0.05  # the others stay white
    assert comfort_noise.measure(heard) == pytest.approx(levels(*[-40.0] * 4), abs=0.3)


def test_shaped_frames_join_without_a_seam() -> None:
    noise = ComfortNoise(1, 8000, seed=3)
    noise.shape(0, (-0.95,))
    steps = np.diff(np.concatenate([noise.frames(levels(-20.0), 40) for _ in range(400)], 1)[0])
    at_joins = np.abs(steps[39::40].astype(float)).mean()
    assert at_joins < 1.15 * np.abs(steps.astype(float)).mean()


def test_reflection_coefficients_of_a_known_filter() -> None:
    # y[n] = w[n] + 0.9 y[n-1]: A(z) = 1 - 0.9 z^-1.
    white = np.random.default_rng(5).standard_normal(20000) * 500
    low_pass = np.zeros(20000)
    for n in range(1, 20000):
        low_pass[n] = white[n] + 0.9 * low_pass[n - 1]
    k = comfort_noise.reflection_coefficients(low_pass.astype(np.int16)[np.newaxis], 3)
    assert k[0] == pytest.approx([-0.9, 0.0, 0.0], abs=0.03)


def test_unstable_models_do_not_ring_for_ever() -> None:
    response = comfort_noise.impulse_response((1.0, -1.0, 1.0, -1.0), 64)
    assert np.isfinite(response).all()
    assert float(response @ response) == pytest.approx(1.0, abs=1e-4)


def test_rows_name_the_lanes_and_a_grown_lane_is_white() -> None:
    noise = ComfortNoise(2, 8000, seed=4)
    noise.shape(1, (-0.9,))
    noise.grow(5)
    wanted = levels(-40.0, -40.0)
    rows = np.array([1, 4])
    heard = np.concatenate([noise.frames(wanted, 160, rows) for _ in range(100)], axis=1)
    k = comfort_noise.reflection_coefficients(heard, 1)[:, 0]
    assert k == pytest.approx([-0.9, 0.0], abs=0.05)
    noise.shape(1, ())
    heard = np.concatenate([noise.frames(wanted, 160, rows) for _ in range(100)], axis=1)
    assert np.abs(comfort_noise.reflection_coefficients(heard, 1)).max() < 0.05


def test_the_same_seed_gives_the_same_noise() -> None:
    a, b, c = (ComfortNoise(1, 8000, seed).frames(levels(-30.0), 160) for seed in (7, 7, 8))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
