"""A lane's waiting audio: whose memory it is."""

import numpy as np

from offhook.media.frames.staging import Staging


def test_audio_that_may_still_change_is_copied() -> None:
    staging, pcm = Staging(1000), np.arange(100, dtype=np.int16)
    assert staging.add(1, pcm)
    pcm[:] = 0
    (kept,) = staging.epoch(1).take(100)
    assert kept.tolist() == list(range(100))


def test_read_only_audio_is_shared_by_all_lanes() -> None:
    greeting = np.frombuffer(np.arange(100, dtype="<i2").tobytes(), "<i2")
    lanes = [Staging(1000) for _ in range(3)]
    for staging in lanes:
        assert staging.add(1, greeting)
        (kept,) = staging.epoch(1).take(100)
        assert np.shares_memory(kept, greeting)


def test_audio_of_another_type_is_made_samples() -> None:
    staging = Staging(1000)
    floats = np.array([1.0, 2.0])
    floats.setflags(write=False)
    assert staging.add(1, floats)
    assert staging.epoch(1).take(2)[0].dtype == np.int16
