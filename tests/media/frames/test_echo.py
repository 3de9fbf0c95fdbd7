"""Our own voice coming back is told from a caller's, on lines as they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import g711
from offhook.media.frames.echo import ECHO_THRESHOLD, MAX_DELAY_MS, echo_score
from offhook.tests.kit.synthetic_voice import noise, to_int16, voice

WINDOW_MS = 200
NOISE_DBFS = -65.0
SEEDS = range(6)


class Line:
    """A far end that returns what it is sent, and may speak itself."""

    def __init__(self, rate_hz: int, seed: int) -> None:
        self.rate_hz = rate_hz
        self._rng = np.random.default_rng(seed)
        self._ms = WINDOW_MS + MAX_DELAY_MS + 100
        self.agent = voice(rate_hz, self._ms + 600, self._rng, pitch_hz=110)
        self.caller = voice(rate_hz, self._ms + 600, self._rng, pitch_hz=205)

    def heard(
        self, echo_db: float | None, delay_ms: int, caller_db: float | None = None, law: bool = True
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """What is heard in the window, and what was sent up to its end."""
        mixed = noise(len(self.agent), self._rng, NOISE_DBFS)
        if echo_db is not None:
            delay = delay_ms * self.rate_hz // 1000
            path = self._path()
            mixed[delay:] += (
                10 ** (echo_db / 20) * np.convolve(self.agent, path)[: len(mixed) - delay]
            )
        if caller_db is not None:
            mixed += 10 ** (caller_db / 20) * self.caller[: len(mixed)]
        heard, sent = to_int16(mixed), to_int16(self.agent)
        if law:
            heard = g711.decode_ulaw(g711.encode_ulaw(heard))
            sent = g711.decode_ulaw(g711.encode_ulaw(sent))
        end = len(heard) - 777
        per_ms = self.rate_hz // 1000
        return heard[end - WINDOW_MS * per_ms : end], sent[end - self._ms * per_ms : end]

    def _path(self) -> NDArray[np.float64]:
        """2 ms of decaying reflections, of unit energy: a handset."""
        length = self.rate_hz * 2 // 1000
        path = self._rng.normal(0, 1, length) * np.exp(-np.arange(length) / (length / 4))
        return np.asarray(path / np.sqrt(np.sum(path**2)))


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("delay_ms", [50, 170, 300])
@pytest.mark.parametrize("echo_db", [-10.0, -20.0, -30.0])
def test_an_echo_is_recognised(rate_hz: int, delay_ms: int, echo_db: float) -> None:
    for seed in SEEDS:
        heard, sent = Line(rate_hz, seed).heard(echo_db, delay_ms, law=rate_hz == 8000)
        score = echo_score(heard, sent, rate_hz)
        assert score is not None
        assert score >= ECHO_THRESHOLD


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(("echo_db", "caller_db"), [(None, 0.0), (-20.0, 0.0), (-20.0, -12.0)])
def test_a_caller_is_not_taken_for_an_echo_even_while_there_is_one(
    rate_hz: int, echo_db: float | None, caller_db: float
) -> None:
    for seed in SEEDS:
        heard, sent = Line(rate_hz, seed).heard(echo_db, 120, caller_db, law=rate_hz == 8000)
        score = echo_score(heard, sent, rate_hz)
        assert score is not None
        assert score < ECHO_THRESHOLD


def test_the_score_falls_as_the_caller_grows_louder() -> None:
    line = Line(8000, 1)
    scores = [
        echo_score(*line.heard(-20.0, 120, caller_db), 8000) or 0.0
        for caller_db in (-60.0, -26.0, -14.0, 0.0)
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    assert scores[-1] < 0.15


def test_noise_alone_is_neither_an_echo_nor_a_caller() -> None:
    rng = np.random.default_rng(4)
    heard = to_int16(noise(1600, rng, -45))
    sent = to_int16(voice(8000, 800, rng))
    assert echo_score(heard, sent, 8000) is None
    assert echo_score(heard * 4, sent, 8000) is not None, "as steady, but as loud as a vowel"
    heard[400:800] *= 3
    score = echo_score(heard, sent, 8000)
    assert score is not None
    assert score < 0.2


def test_a_faint_syllable_of_an_echo_is_recognised_although_the_rest_is_silence() -> None:
    line = Line(8000, 1)
    end = len(line.agent) - 777 - 120 * 8
    line.agent[end - 2000 : end - 320] = 0
    heard, sent = line.heard(-34.0, 120)
    assert np.abs(heard.astype(float)).mean() < 24 < np.abs(heard[-320:].astype(float)).mean()
    score = echo_score(heard, sent, 8000)
    assert score is not None
    assert score >= ECHO_THRESHOLD


def test_what_proves_nothing_scores_nothing() -> None:
    rng = np.random.default_rng(4)
    speech = to_int16(voice(8000, 800, rng))
    silence = np.zeros(6400, np.int16)
    assert echo_score(silence[:1600], speech, 8000) is None, "neither echo nor caller"
    assert echo_score(speech[:1600] // 400, speech, 8000) is None, "what is left between words"
    assert echo_score(speech[:1600], silence, 8000) == 0
    assert echo_score(speech[:100], speech, 8000) == 0, "too short"
    assert echo_score(speech[:1600], speech[:1600], 8000) == 0, "no delay fits"
    assert echo_score(speech[:0], speech[:0], 16000) == 0
    full = np.full(6400, -32768, np.int16)
    assert echo_score(full[:1600], full, 8000) is None, "a constant is no sound"
