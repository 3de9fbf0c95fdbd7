"""How callers over WHIP are spread, and what they say."""

import numpy as np
import pytest

from offhook.bench.load.capacity_whip import in_opus, is_here, processes_for, spread
from offhook.bench.load.load_payloads import encoded
from offhook.codecs.catalog import PCMU
from offhook.codecs.opus import OpusDecoder

FRAME = 160


def test_calls_are_spread_as_evenly_as_they_can_be() -> None:
    assert spread(10, 4) == [3, 3, 2, 2]
    assert spread(2, 4) == [1, 1]
    assert spread(1, 1) == [1]


def test_an_agent_on_this_machine_keeps_a_core_and_what_was_asked_for_counts() -> None:
    assert is_here("http://127.0.0.1:8000/whip")
    assert processes_for("http://127.0.0.1:8000/whip") >= 1
    assert processes_for("http://127.0.0.1:8000/whip", 7) == 7


def test_the_same_is_said_in_opus_each_utterance_by_itself_and_silence_at_the_end() -> None:
    at = np.arange(30 * FRAME) / 8000
    said = np.rint(9000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)
    said[10 * FRAME : 20 * FRAME] //= 9
    words = encoded(np.append(said, np.zeros(FRAME, np.int16)), PCMU)
    opus = in_opus(words, [(0, 10), (10, 10), (20, 10)])
    assert (len(opus.data), len(opus.lengths), opus.timestamp_step) == (31, 31, 960)
    levels = []
    for first in (0, 10, 20):
        decoder = OpusDecoder(8000)
        frames = [opus.data[n, : opus.lengths[n]].tobytes() for n in range(first, first + 10)]
        levels.append([float(np.abs(decoder.decode(frame)).mean()) for frame in frames])
    for level, expected in zip(levels, (5730, 637, 5730), strict=True):
        assert np.median(level) == pytest.approx(expected, rel=0.1)
    silence = OpusDecoder(8000).decode(opus.data[-1, : opus.lengths[-1]].tobytes())
    assert np.abs(silence).max() < 10
