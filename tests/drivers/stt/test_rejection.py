import numpy as np

from offhook.drivers.stt.rejection import Fit, Segment, confidence, fit


def test_a_path_as_good_as_the_loop_is_believed() -> None:
    path = [Segment("<sil>", 0, 9, -100.0), Segment("hello", 10, 59, -1000.0)]
    loop = np.full(60, -20.0)
    loop[:10] = -10.0
    measured = fit(path, loop)
    assert measured == Fit(whole=0.0, worst=0.0)
    assert measured is not None
    assert confidence(measured) > 0.9


def test_speech_put_down_as_silence_counts_against_the_whole() -> None:
    path = [Segment("<sil>", 0, 49, -4000.0), Segment("no", 50, 59, -200.0)]
    measured = fit(path, np.full(60, -20.0))
    assert measured == Fit(whole=-300.0, worst=0.0)
    assert measured is not None
    assert confidence(measured) < 0.01


def test_one_wrong_word_counts() -> None:
    path = [Segment("call", 0, 29, -600.0), Segment("waiting", 30, 59, -3000.0)]
    measured = fit(path, np.full(60, -20.0))
    assert measured == Fit(whole=-40.0, worst=-80.0)
    assert measured is not None
    assert confidence(measured) < 0.5


def test_a_path_without_words_measures_nothing() -> None:
    path = [Segment("<sil>", 0, 9, -1.0), Segment("(NULL)", 9, 9, 0.0)]
    assert fit(path, np.zeros(10)) is None


def test_confidence_has_no_overflow() -> None:
    assert confidence(Fit(-1e9, -1e9)) < 1e-9
    assert confidence(Fit(1e9, 1e9)) > 1 - 1e-9
