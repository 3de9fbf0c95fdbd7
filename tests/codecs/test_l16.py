import numpy as np
import pytest

from offhook.codecs import l16
from offhook.codecs.errors import CodecError


def test_samples_travel_high_byte_first() -> None:
    lanes = np.array([[0x0102, -2], [0x7FFF, -0x8000]], np.int16)
    payload = l16.encode(lanes)
    assert payload.tolist() == [[1, 2, 0xFF, 0xFE], [0x7F, 0xFF, 0x80, 0]]
    decoded = l16.decode(payload)
    assert decoded.dtype == np.int16
    assert decoded.dtype.isnative
    assert np.array_equal(decoded, lanes)


def test_a_slice_of_lanes_is_coded_as_its_copy() -> None:
    lanes = np.arange(40, dtype=np.int16).reshape(4, 10)
    assert np.array_equal(l16.decode(l16.encode(lanes[::2, 1:7])), lanes[::2, 1:7])


def test_half_a_sample_is_an_error() -> None:
    with pytest.raises(CodecError, match="3 bytes"):
        l16.decode(np.zeros((2, 3), np.uint8))
