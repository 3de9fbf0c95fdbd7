import numpy as np
import pytest

from offhook.codecs import pcm


def test_float_and_back_keeps_every_sample() -> None:
    every = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
    assert np.array_equal(pcm.to_int16(pcm.to_float(every)), every)


def test_too_loud_saturates_instead_of_wrapping() -> None:
    assert pcm.to_int16(np.array([1.0, 1.5, -1.0, -9.0], np.float32)).tolist() == [
        32767,
        32767,
        -32768,
        -32768,
    ]


def test_level_of_a_full_scale_square_wave_is_0_dbov_and_of_a_sine_3_less() -> None:
    square = np.tile(np.array([32767, -32768], np.int16), 80)
    sine = (32767 * np.sin(2 * np.pi * np.arange(160) / 16)).astype(np.int16)
    levels = pcm.rms_dbov(np.stack([square, sine, np.zeros(160, np.int16)]))
    assert levels == pytest.approx([0.0, -3.01, -127.0], abs=0.01)


def test_mix_saturates() -> None:
    a = np.array([30000, -30000, 1], np.int16)
    assert pcm.mix(a, a, a).tolist() == [32767, -32768, 3]


def test_0_dbm0_is_6_15_db_below_overload() -> None:
    tone = pcm.sine_amplitude(0.0) * np.sin(2 * np.pi * np.arange(8000) / 8)
    assert pcm.rms_dbov(tone.astype(np.int16)[np.newaxis])[0] == pytest.approx(-6.15, abs=0.01)


def test_0_dbm0_is_what_the_digital_milliwatt_of_g711_decodes_to() -> None:
    # ITU-T G.711 Table 6: the mu-law character sequence that is a 1 kHz sine of 0 dBm0.
    from offhook.codecs import g711

    milliwatt = np.array([0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E], np.uint8)
    level = pcm.rms_dbov(g711.decode_ulaw(np.tile(milliwatt, 20))[np.newaxis])[0]
    assert level == pytest.approx(-pcm.DBM0_AT_DBOV, abs=0.1)
