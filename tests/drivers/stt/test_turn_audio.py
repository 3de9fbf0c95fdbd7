import numpy as np

from offhook.drivers.stt.turn_audio import MAX_TURN_S, TurnAudio

RATE_HZ = 8000
CHUNK = np.arange(RATE_HZ // 10, dtype="<i2")


def test_keeps_utterances_apart_and_together() -> None:
    audio = TurnAudio(1, RATE_HZ)
    audio.begin()
    audio.push(CHUNK.tobytes())
    audio.begin()
    audio.begin()
    audio.push(CHUNK.tobytes() + b"x")
    assert [part.size for part in audio.utterances()] == [CHUNK.size, CHUNK.size]
    assert np.array_equal(audio.whole(), np.concatenate([CHUNK, CHUNK]))


def test_forgets_the_oldest_beyond_its_bound() -> None:
    audio = TurnAudio(1, RATE_HZ)
    for utterance in range(3):
        audio.begin()
        for second in range(10):
            audio.push(np.full(RATE_HZ, utterance * 10 + second, "<i2").tobytes())
    whole = audio.whole()
    assert whole.size == MAX_TURN_S * RATE_HZ
    assert (whole[0], whole[-1]) == (10, 29)
    assert len(audio.utterances()) == 2


def test_interims_come_at_growing_distances() -> None:
    audio = TurnAudio(1, RATE_HZ)
    audio.begin()
    due_at, decoded = [], 0
    for chunk in range(1, 101):
        audio.push(CHUNK.tobytes())
        if audio.interim_due():
            due_at.append(chunk)
            decoded += chunk
    assert due_at[:4] == [3, 4, 6, 8]
    assert decoded < 5 * 100, "all of it costs a few times the audio, not its square"


def test_interims_go_on_when_the_oldest_is_forgotten() -> None:
    audio = TurnAudio(1, RATE_HZ)
    audio.begin()
    last = 0
    for chunk in range(10 * 60):
        audio.push(CHUNK.tobytes())
        if audio.interim_due():
            last = chunk
    assert last > 10 * 50
