"""Detections that are late, false or missing are reported so; labels and noises are true."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.bench import vad
from offhook.bench.networks.vad_detectors import (
    DETECTORS,
    Heard,
    Pcm,
    engine,
    from_windows,
    silero_alone,
    webrtc_alone,
)
from offhook.bench.networks.vad_scoring import COLLAR_S, Detection, score
from offhook.bench.reports.results_file import read
from offhook.bench.speech import noise
from offhook.bench.speech.labelled_speech import (
    RATE_HZ,
    BadLabels,
    Labelled,
    Span,
    by_hand,
    by_level,
    read_labels,
    track,
)
from offhook.bench.vad import CONDITIONS, Condition, metrics_of, noisy
from offhook.codecs.wav import WavWriter
from offhook.tests.kit.synthetic_voice import to_int16, voice

SPANS = [Span(2.0, 4.0), Span(6.0, 7.0), Span(9.0, 11.0)]
LENGTH_S = 13.0


def detected(span: Span, late_s: float = 0.0, told_s: float = 0.1) -> Detection:
    """Both ends late by `late_s`, and told `told_s` after that."""
    begin_s, end_s = span.begin_s + late_s, span.end_s + late_s
    return Detection(begin_s, end_s, begin_s + told_s, end_s + told_s)


# --- scoring --------------------------------------------------------------------------------------


def test_a_detector_that_knows_the_labels_has_no_faults() -> None:
    found = score(SPANS, [detected(span, told_s=0.0) for span in SPANS], LENGTH_S)
    assert found.onset_told_ms == found.onset_error_ms == [0, 0, 0]
    assert found.offset_told_ms == found.offset_error_ms == [0, 0, 0]
    assert (found.missed, found.swallowed, found.unended, found.false_alarms) == (0, 0, 0, 0)
    assert found.false_s == pytest.approx(0)
    assert found.silent_s == pytest.approx(13 - 5 - 6 * COLLAR_S)


def test_fifty_milliseconds_late_is_reported_as_fifty_and_the_telling_as_its_own() -> None:
    found = score(SPANS, [detected(span, late_s=0.05, told_s=0.1) for span in SPANS], LENGTH_S)
    assert found.onset_error_ms == pytest.approx([50] * 3)
    assert found.onset_told_ms == pytest.approx([150] * 3)
    assert found.offset_error_ms == pytest.approx([50] * 3)
    assert found.offset_told_ms == pytest.approx([150] * 3)
    early = score(SPANS, [detected(span, late_s=-0.05, told_s=0.1) for span in SPANS], LENGTH_S)
    assert early.onset_error_ms == pytest.approx([-50] * 3)
    assert early.false_alarms == 0


def test_a_missed_utterance_is_missed_and_has_no_delay() -> None:
    found = score(SPANS, [detected(SPANS[0]), detected(SPANS[2])], LENGTH_S)
    assert found.missed == 1
    assert len(found.onset_told_ms) == len(found.offset_told_ms) == 2


def test_a_false_alarm_is_counted_with_its_time_and_no_utterance() -> None:
    alarm = Detection(5.0, 5.4, 5.1, 5.5)
    found = score(SPANS, [*(detected(span) for span in SPANS), alarm], LENGTH_S)
    assert found.false_alarms == 1
    assert found.false_s == pytest.approx(0.4)
    assert (found.missed, found.swallowed) == (0, 0)
    assert found.onset_told_ms == pytest.approx([100] * 3)


def test_a_detection_that_is_on_all_the_time_misses_nothing_and_swallows_everything() -> None:
    found = score(SPANS, [Detection(0.0, LENGTH_S, 0.0, LENGTH_S)], LENGTH_S)
    assert (found.missed, found.swallowed, found.unended, found.false_alarms) == (0, 3, 2, 1)
    assert found.onset_told_ms == []
    assert found.false_s == pytest.approx(found.silent_s)


def test_what_lies_within_the_collar_is_not_false() -> None:
    near = Detection(2.0 - 0.2, 4.0 + 0.2, 2.0, 4.3)
    found = score(SPANS[:1], [near], LENGTH_S)
    assert (found.false_alarms, found.swallowed) == (0, 0)
    assert found.false_s == pytest.approx(0)
    assert score(SPANS[:1], [near._replace(end_s=4.75)], LENGTH_S).false_s == pytest.approx(0.5)


def test_flicker_within_an_utterance_is_one_detection_from_its_first_begin_to_its_last_end() -> (
    None
):
    parts = [Detection(2.0, 2.5, 2.03, 2.53), Detection(2.7, 4.1, 2.73, 4.13)]
    found = score(SPANS[:1], parts, LENGTH_S)
    assert found.onset_told_ms == pytest.approx([30])
    assert found.offset_told_ms == pytest.approx([130])
    assert found.offset_error_ms == pytest.approx([100])


def test_metrics_are_shares_of_utterances_and_rates_of_time_without_speech() -> None:
    alarms = [Detection(5.0, 5.2, 5.0, 5.2), Detection(8.0, 8.2, 8.0, 8.2)]
    found = score(SPANS, [detected(SPANS[0]), *alarms], LENGTH_S)
    by_name = {metric.name: metric for metric in metrics_of("case", [found])}
    silent_s = LENGTH_S - 5 - 6 * COLLAR_S
    assert by_name["missed"].values == pytest.approx([66.667])
    assert by_name["false alarms"].values == pytest.approx([2 * 60 / silent_s], abs=1e-3)
    assert by_name["false speech"].values == pytest.approx([40 / silent_s], abs=1e-3)
    assert by_name["onset told"].values == pytest.approx([100])


# --- labels ---------------------------------------------------------------------------------------


def test_labels_are_read_as_intervals_and_as_boundaries() -> None:
    assert read_labels("0.25\t0.25\tspeech\n2.77\t2.77\tsilence\n") == [Span(0.25, 2.77)]
    assert read_labels("0 1.5 silence\n1.5 3 speech\n\n4 5 speech\n") == [Span(1.5, 3), Span(4, 5)]


@pytest.mark.parametrize("text", ["speech", "a b speech", "1.0 1.0 speech"])
def test_labels_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(BadLabels):
        read_labels(text)


def test_a_folder_of_recordings_with_labels_is_read_at_the_bench_s_rate(tmp_path: Path) -> None:
    with pytest.raises(BadLabels):
        by_hand(tmp_path)
    tone = np.rint(5000 * np.sin(2 * np.pi * 300 * np.arange(8000) / 8000)).astype(np.int16)
    with (tmp_path / "one.wav").open("wb") as file:
        wav = WavWriter(file, 8000, 1)
        wav.write(tone[None])
        wav.flush()
    (tmp_path / "one.lab").write_text("0.1 0.9 speech\n")
    (one,) = by_hand(tmp_path)
    assert (one.name, one.spans) == ("one", [Span(0.1, 0.9)])
    assert abs(one.pcm.size - RATE_HZ) <= 48
    (tmp_path / "two.lab").write_text("0.1 0.9 speech\n")
    with pytest.raises(BadLabels, match=r"two\.wav"):
        by_hand(tmp_path)


def spoken(seconds: float, rate_hz: int) -> NDArray[np.int16]:
    rng = np.random.default_rng(0)
    return to_int16(voice(rate_hz, int(1000 * seconds), rng))


def bursts(*spans: tuple[float, float], length_s: float = 5.0) -> NDArray[np.int16]:
    pcm = np.zeros(int(length_s * RATE_HZ), np.int16)
    for begin_s, end_s in spans:
        pcm[int(begin_s * RATE_HZ) : int(end_s * RATE_HZ)] = 3000
    return pcm


def test_level_labels_hold_short_pauses_and_leave_out_clicks_and_what_is_far_below() -> None:
    pcm = bursts((1.0, 2.0), (2.2, 3.0), (3.6, 3.61), (4.0, 4.5))
    pcm[: RATE_HZ // 2] = 3000 // 100  # -40 dB
    assert by_level(pcm) == [Span(1.0, 3.0), Span(4.0, 4.5)]
    assert by_level(np.zeros(16000, np.int16)) == []


def test_a_track_keeps_every_utterance_at_its_labels() -> None:
    utterances = [
        Labelled("a", bursts((0.5, 1.0), length_s=1.5), [Span(0.5, 1.0)]),
        Labelled("b", bursts((0.2, 0.8), length_s=1.0), [Span(0.2, 0.8)]),
    ]
    made = track(utterances, random.Random(1))
    assert len(made.spans) == 2
    assert [tuple(span) for span in by_level(made.pcm)] == [
        pytest.approx(tuple(span), abs=0.011) for span in made.spans
    ]
    assert made.spans[1].begin_s - made.spans[0].end_s > 1.2


# --- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", CONDITIONS[1:], ids=lambda condition: condition.name)
def test_noise_lies_as_far_below_the_speech_as_it_says(condition: Condition) -> None:
    speech = Labelled("x", bursts((1.0, 3.0)) // 4, [Span(1.0, 3.0)])
    rng = np.random.default_rng(1)
    voices = [rng.normal(0, level, 9000).astype(np.int16) for level in (100, 3000, 800)]
    mixed = noisy(speech, condition, voices, seed=1)
    added = mixed.astype(float) - speech.pcm
    ratio_db = 20 * np.log10(750 / np.sqrt(np.mean(added**2)))
    assert ratio_db == pytest.approx(condition.ratio_db, abs=0.1)
    assert np.array_equal(mixed, noisy(speech, condition, voices, seed=1))
    assert not np.array_equal(mixed, noisy(speech, condition, voices, seed=2))


def test_keys_are_peaks_and_white_noise_is_not() -> None:
    def crest_db(sound: NDArray[np.float64]) -> float:
        return 20 * float(np.log10(np.abs(sound).max() / np.sqrt(np.mean(sound**2))))

    assert crest_db(noise.keys(10 * RATE_HZ, 1)) > crest_db(noise.white(10 * RATE_HZ, 1)) + 6


# --- detectors ------------------------------------------------------------------------------------


def test_windows_are_told_at_their_end_and_their_end_by_the_next_one() -> None:
    found = from_windows([False, True, True, False, True], 0.03)
    assert [tuple(each) for each in found] == [
        pytest.approx((0.03, 0.09, 0.06, 0.12)),
        pytest.approx((0.12, 0.15, 0.15, 0.18)),
    ]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(
    ("hear", "soonest_ms"),
    [(engine, 60), (silero_alone, 0), (webrtc_alone(3), 0)],
    ids=["engine", "silero", "webrtc"],
)
def test_every_detector_finds_a_voice_where_it_is(
    hear: Callable[[Pcm, int], Heard], soonest_ms: float, rate_hz: int
) -> None:
    words = spoken(1.5, rate_hz)
    silence = np.zeros(2 * rate_hz, np.int16)
    span = Span(2.0, 2.0 + len(words) / rate_hz)
    pcm = np.concatenate([silence, words, silence])
    found = score([span], hear(pcm, rate_hz).detections, len(pcm) / rate_hz)
    assert (found.missed, found.swallowed, found.false_alarms) == (0, 0, 0)
    # A window at most: the buffer's 20 ms and more would show here if they were not taken off.
    assert abs(found.onset_error_ms[0]) < 17
    assert soonest_ms < found.onset_told_ms[0] < 400
    assert -100 < found.offset_told_ms[0] < 450


def test_the_engine_tells_later_what_begins_later() -> None:
    rate_hz = 8000
    pieces = [np.zeros(rate_hz, np.int16), spoken(1.2, rate_hz), np.zeros(2 * rate_hz, np.int16)]
    soon = engine(np.concatenate(pieces), rate_hz)
    pieces.insert(0, np.zeros(rate_hz * 4 // 10, np.int16))  # 20 frames, whatever the windows
    later = engine(np.concatenate(pieces), rate_hz)
    moved = later.detections[0].begin_told_s - soon.detections[0].begin_told_s
    assert moved == pytest.approx(0.4, abs=0.041)
    assert soon.signs
    assert soon.signs[0] <= soon.detections[0].begin_told_s


def test_the_command_measures_a_folder_that_was_labelled_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vad, "fetch", lambda cache: None)
    quiet = np.zeros(RATE_HZ // 2, np.int16)
    words = spoken(1.5, RATE_HZ)
    with (tmp_path / "one.wav").open("wb") as file:
        wav = WavWriter(file, RATE_HZ, 1)
        wav.write(np.concatenate([quiet, words, quiet])[None])
        wav.flush()
    (tmp_path / "one.lab").write_text("0.5 2.0 speech\n")
    asked = ["--speech", str(tmp_path), "--condition", "clean", "white 20", "--only", "offhook"]
    sizes = ["--tracks", "2", "--utterances", "2", "--rate", "8000"]
    assert vad.main([*asked, *sizes, "--out", str(tmp_path / "v.json")]) == 0
    found = {(m.name, m.case): m.values for m in read(tmp_path / "v.json").metrics}
    clean = "8 kHz, clean, offhook (gate + Silero)"
    assert len(found["onset told", clean]) == 4
    assert found["missed", clean] == [0, 0]
    assert ("missed", "8 kHz, white 20 dB, offhook (gate + Silero)") in found
    assert clean in capsys.readouterr().out
    assert vad.main(["--speech", str(tmp_path / "nowhere")]) == 1


def test_detectors_have_names_of_their_own() -> None:
    assert len({detector.name for detector in DETECTORS}) == 4
