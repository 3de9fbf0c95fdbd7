"""Buffers that are deeper, lose more or sound worse are reported so, by exactly as much."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.bench import quality
from offhook.bench.networks import quality_engine, quality_scores
from offhook.bench.networks.netem import Arrival, Network, trace
from offhook.bench.networks.quality_buffers import Counted, FixedBuffer, count, play
from offhook.bench.networks.quality_cases import CASES, DRIFT_LEAD_S, PERFECT, Case
from offhook.bench.networks.quality_listening import (
    CODECS,
    Repetition,
    code,
    listen,
    listen_by_opus,
)
from offhook.bench.networks.quality_peers import PEERS, Peer, PeerMissing
from offhook.bench.networks.quality_results import Outcome, Results, curves, document, metrics
from offhook.bench.networks.quality_scores import STOI_PIECE_S, Scores, delays
from offhook.bench.networks.quality_speech import Speech
from offhook.bench.reports.results_file import read, write

RATE = 8000
FRAME = 160
PHASE_S = 0.007

has_scorers = pytest.mark.skipif(
    importlib.util.find_spec("pesq") is None or importlib.util.find_spec("pystoi") is None,
    reason="pesq and pystoi are packages for benches",
)


def voice(seconds: float, rate_hz: int = RATE) -> NDArray[np.int16]:
    """Nothing in it repeats: noise in syllables, so that each piece is found in one place only."""
    rng = np.random.default_rng(11)
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * at) + 0.3, 0, None)
    sound = np.convolve(rng.normal(0, 1, at.size), np.ones(4) / 4, "same")
    return np.rint(5000 * sound * syllables).astype(np.int16)


def mean_ms(clean: NDArray[np.int16], heard: NDArray[np.int16]) -> float:
    found = delays(clean, heard, RATE)
    assert found.at.size == found.pieces > 10
    return float(found.samples.mean()) * 1000 / RATE


# --- buffers and counting -------------------------------------------------------------------------


@pytest.mark.parametrize("depth_ms", [60, 100])
def test_a_fixed_buffer_plays_the_first_frame_after_its_wait_and_all_others_after_it(
    depth_ms: int,
) -> None:
    played = play(FixedBuffer(depth_ms), trace(Network(), 50, seed=1), 60, PHASE_S)
    waited = depth_ms // 20  # ticks come 7 ms after packets
    assert played == [None] * waited + [*range(50), *([None] * 10)][: 60 - waited]


def test_a_buffer_that_drops_a_twentieth_is_reported_so() -> None:
    class Dropping(FixedBuffer):
        def put(self, packet: int, now_s: float) -> None:
            if packet % 20:
                super().put(packet, now_s)

    arrivals = trace(Network(), 1100, seed=1)
    played = play(Dropping(60), arrivals, 1100, PHASE_S)
    assert count(played, arrivals, 100, 1000) == Counted(concealed=0.05, late=0.05)


def test_what_the_network_lost_is_concealed_but_was_not_late() -> None:
    arrivals = [arrival for arrival in trace(Network(), 1100, seed=1) if arrival.packet % 20]
    played = play(FixedBuffer(60), arrivals, 1100, PHASE_S)
    assert count(played, arrivals, 100, 1000) == Counted(concealed=0.05, late=0.0)


def test_doubles_are_neither_late_nor_concealed() -> None:
    arrivals = trace(Network(doubled=0.3), 500, seed=1)
    assert len(arrivals) > 600
    played = play(FixedBuffer(60), arrivals, 500, PHASE_S)
    assert count(played, arrivals, 50, 450) == Counted(0.0, 0.0)


# --- delay ----------------------------------------------------------------------------------------


def test_a_buffer_that_is_forty_milliseconds_deeper_is_reported_forty_milliseconds_deeper() -> None:
    coded = code(voice(6), CODECS["pcmu"])
    arrivals = trace(Network(), len(coded.payloads), seed=1)

    def heard(depth_ms: int) -> NDArray[np.int16]:
        played = play(FixedBuffer(depth_ms), arrivals, len(coded.payloads) + 20, PHASE_S)
        return listen(played, coded, None)

    assert mean_ms(coded.clean, heard(60)) == 60  # and the phase, which is the caller's to add
    assert mean_ms(coded.clean, heard(100)) == 100


def test_a_delay_that_changes_half_way_is_seen_on_both_sides() -> None:
    clean = voice(8)
    heard = np.concatenate([np.zeros(320, np.int16), clean[: 4 * RATE], np.zeros(480, np.int16)])
    heard = np.append(heard, clean[4 * RATE :])
    found = delays(clean, heard, RATE)
    before = found.at + 1280 <= 4 * RATE
    after = found.at >= 4 * RATE
    assert set(found.samples[before].tolist()) == {320}
    assert set(found.samples[after].tolist()) == {800}


def test_speech_that_is_not_there_is_not_found() -> None:
    clean = voice(6)
    other = np.random.default_rng(3).normal(0, 3000, clean.size).astype(np.int16)
    found = delays(clean, other, RATE)
    assert found.pieces > 10
    assert found.at.size == 0


@has_scorers
def test_the_player_s_phase_and_the_senders_clock_are_part_of_the_delay() -> None:
    clean = voice(9)
    lead = 2 * RATE
    heard = np.append(np.zeros(320, np.int16), clean)
    still = quality_scores.score(clean, heard, RATE, lead, PHASE_S)
    assert still.delay_mean_ms == pytest.approx(47, abs=0.07)
    # A sender that is 1 % fast says sample n earlier: what is heard at the same pace is later.
    fast = quality_scores.score(clean, heard, RATE, lead, PHASE_S, drift_ppm=10_000)
    middle_ms = 1000 * np.mean(delays(clean[lead:], clean[lead:], RATE).at) / RATE
    assert fast.delay_mean_ms == pytest.approx(47 + 19.8 + middle_ms * 0.0099, abs=0.2)


# --- our engine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
def test_the_engine_hears_a_perfect_network_whole(codec: str) -> None:
    rate_hz = CODECS[codec].sample_rate_hz
    # Shorter than it takes the jitter buffer to learn that its frame of safety is idle.
    coded = code(voice(3, rate_hz), CODECS[codec])
    frames = len(coded.payloads)
    heard = quality_engine.hear(
        CODECS[codec], coded.payloads, trace(Network(), frames, 1), frames, PHASE_S, (50, 150)
    )
    assert heard.counted == Counted(0.0, 0.0)
    late = delays(coded.clean[rate_hz:], heard.pcm[rate_hz:], rate_hz).samples
    shift = int(late[0])
    assert set(late.tolist()) == {shift}
    assert np.array_equal(
        heard.pcm[rate_hz + shift :], coded.clean[rate_hz : len(heard.pcm) - shift]
    )


def test_the_engine_is_counted_by_what_the_network_lost_and_not_by_its_doubles() -> None:
    coded = code(voice(12), CODECS["pcmu"])
    frames = len(coded.payloads)
    whole = trace(Network(doubled=0.2), frames, seed=1)
    arrivals = [arrival for arrival in whole if arrival.packet % 20 != 7]
    heard = quality_engine.hear(
        CODECS["pcmu"], coded.payloads, arrivals, frames, PHASE_S, (100, 500)
    )
    assert heard.counted.concealed == pytest.approx(0.05, abs=0.003)
    assert heard.counted.late == 0.0


def test_a_packet_that_comes_a_second_late_is_counted_as_late() -> None:
    coded = code(voice(8), CODECS["pcmu"])
    frames = len(coded.payloads)
    arrivals = trace(Network(), frames, seed=1)
    late = [Arrival(a.at_s + 0.3 * (a.packet % 40 == 20), a.packet) for a in arrivals]
    heard = quality_engine.hear(
        CODECS["pcmu"], coded.payloads, sorted(late), frames, PHASE_S, (100, 300)
    )
    assert heard.counted.late == pytest.approx(5 / 200)


# --- peers ----------------------------------------------------------------------------------------


def peer(name: str) -> Peer:
    (make,) = (make for make in PEERS if make.__name__ == name)
    try:
        return make()
    except PeerMissing as exc:
        pytest.skip(str(exc))


@pytest.mark.parametrize("name", [make.__name__ for make in PEERS])
def test_a_peer_s_buffer_plays_a_perfect_network_in_order_and_whole(name: str) -> None:
    arrivals = trace(Network(), 300, seed=1)
    played = play(peer(name).buffer(), arrivals, 300, PHASE_S)
    first = next(frame for frame, packet in enumerate(played) if packet is not None)
    assert first < 20
    assert played[first:] == list(range(played[first] or 0, 300 - first + (played[first] or 0)))


@pytest.mark.parametrize("name", ["speexdsp", "pjmedia"])
def test_a_peer_s_buffer_learns_to_wait_for_late_packets(name: str) -> None:
    arrivals = trace(Network(jitter_ms=80), 2000, seed=1)
    played = play(peer(name).buffer(), arrivals, 2000, PHASE_S)
    at_once = play(FixedBuffer(0), arrivals, 2000, PHASE_S)
    in_time = count(at_once, arrivals, 1000, 1900).late
    assert count(played, arrivals, 1000, 1900).late < in_time / 2
    waits = [frame - packet for frame, packet in enumerate(played) if packet is not None]
    assert np.mean(waits[1000:]) > 2


def test_pjmedia_goes_on_with_the_pitch_and_then_falls_silent() -> None:
    make = peer("pjmedia").concealer
    assert make is not None
    concealer = make(RATE)
    tone = (3000 * np.sin(2 * np.pi * 200 * np.arange(20 * FRAME) / RATE)).astype(np.int16)
    for frame in tone.reshape(-1, FRAME):
        concealer.good(frame)
    made_up = [int(np.abs(concealer.missing()).max()) for _ in range(13)]
    assert made_up[0] > 2000
    assert made_up[-1] == 0


# --- listening ------------------------------------------------------------------------------------


def test_silence_is_heard_where_nobody_conceals_and_pitch_where_somebody_does() -> None:
    tone = (3000 * np.sin(2 * np.pi * 200 * np.arange(20 * FRAME) / RATE)).astype(np.int16)
    coded = code(tone, CODECS["pcmu"])
    played = [*range(10), None, *range(11, 20)]
    hole = slice(10 * FRAME, 11 * FRAME)
    assert not listen(played, coded, None)[hole].any()
    concealed = listen(played, coded, Repetition(RATE))
    assert np.abs(concealed[hole].astype(int) - coded.clean[hole]).max() < 900
    rest = slice(12 * FRAME, None)
    assert np.array_equal(concealed[rest], coded.clean[rest])


def test_opus_guesses_a_lost_packet_and_gives_up_after_a_tenth_of_a_second() -> None:
    rate_hz = 16000
    tone = (6000 * np.sin(2 * np.pi * 200 * np.arange(40 * 320) / rate_hz)).astype(np.int16)
    coded = code(tone, CODECS["opus"])
    played = [*range(20), *[None] * 10, *range(30, 40)]
    heard = listen_by_opus(played, coded).reshape(-1, 320)
    assert np.abs(heard[20]).max() > 3000
    assert not heard[25:30].any()


# --- scores and documents -------------------------------------------------------------------------


@has_scorers
@pytest.mark.parametrize(("rate_hz", "ceiling"), [(8000, 4.54), (16000, 4.64)])
def test_pesq_and_stoi_put_the_worse_below_the_better(rate_hz: int, ceiling: float) -> None:
    clean = voice(8, rate_hz)
    rng = np.random.default_rng(2)
    hiss = (clean + rng.normal(0, 100, clean.size)).astype(np.int16)
    noise = (clean + rng.normal(0, 1500, clean.size)).astype(np.int16)
    each = [quality_scores.pesq(clean, heard, rate_hz) for heard in (clean, hiss, noise)]
    assert each[0] > ceiling
    assert each == sorted(each, reverse=True)
    assert each[2] < each[0] - 0.5
    each = [quality_scores.stoi(clean, heard, rate_hz) for heard in (clean, hiss, noise)]
    assert each[0] > 0.999
    assert each == sorted(each, reverse=True)


@has_scorers
def test_a_delay_that_moves_between_pieces_costs_no_intelligibility() -> None:
    clean = voice(8)
    middle = int(10 * STOI_PIECE_S * RATE)
    heard = np.concatenate(
        [np.zeros(320, np.int16), clean[:middle], np.zeros(480, np.int16), clean[middle:]]
    )
    assert quality_scores.score(clean, heard, RATE, 0, 0.0).stoi > 0.99


@has_scorers
def test_silence_has_the_worst_scores_and_no_delay() -> None:
    clean = voice(8)
    scores = quality_scores.score(clean, np.zeros_like(clean), RATE, 0, 0.0)
    assert scores[:2] == (1.0, 0.0)
    assert scores.found == 0
    assert np.isnan(scores.delay_mean_ms)


@has_scorers
def test_a_case_is_judged_from_the_packet_to_the_score() -> None:
    sent = quality.send(voice(8), "pcmu", PERFECT, seed=3)
    every = {each.name: each for each in quality.contenders([])}
    perfect = quality.judge(every["fixed 60 ms, silence"], sent, PERFECT, "pcmu")[0]
    assert perfect.scores.pesq > 4.5
    assert perfect.scores.delay_mean_ms == pytest.approx(60 + 1000 * sent.phase_s, abs=0.1)
    ours = quality.judge(every["offhook"], sent, PERFECT, "pcmu")[0]
    assert ours.scores.pesq > 4.5
    assert ours.counted == Counted(0.0, 0.0)
    lossy = Case("lossy", Network(loss=0.1))
    gone = quality.send(voice(8), "pcmu", lossy, seed=3)
    silent = quality.judge(every["fixed 60 ms, silence"], gone, lossy, "pcmu")[0]
    concealed = quality.judge(every["fixed 60 ms, concealed"], gone, lossy, "pcmu")[0]
    assert silent.counted == concealed.counted
    assert 0.05 < silent.counted.concealed < 0.15
    assert silent.scores.pesq < perfect.scores.pesq - 1


def outcome(buffer: str, case: str, seed: int, pesq: float, delay_ms: float) -> Outcome:
    scores = Scores(pesq, 0.9, delay_ms, delay_ms + 5, 1.0)
    return Outcome(buffer, "pcmu", case, seed, scores, Counted(0.05, 0.01))


def test_results_keep_every_value_and_draw_curves_in_order(tmp_path: Path) -> None:
    results = Results("recorded", {})
    silence = np.zeros(10, np.int16)
    for seed in (1, 2):
        results.add(outcome("ours", PERFECT.name, seed, 4.5, 20), silence, RATE)
        results.add(outcome("ours", "loss 5 %", seed, 3.0 + seed / 10, 20), silence, RATE)
        results.add(outcome("ours", "loss 1 %", seed, 4.0, 20), silence, RATE)
    found = {(metric.name, metric.case): metric for metric in metrics(results)}
    pesq = found["PESQ", "pcmu, loss 5 %, ours"]
    assert (pesq.values, pesq.better) == ([3.1, 3.2], "higher")
    assert found["concealed", "pcmu, loss 5 %, ours"].values == [5.0, 5.0]
    assert found["late", "pcmu, loss 5 %, ours"].values == [1.0, 1.0]
    assert found["delay, p95", "pcmu, loss 1 %, ours"].values == [25, 25]
    (curve,) = (curve for curve in curves(results) if curve.name == "PESQ over loss, pcmu")
    assert curve.series == {"ours": [(0.0, 4.5), (1.0, 4.0), (5.0, 3.15)]}
    if importlib.util.find_spec("pesq") is not None:
        write(tmp_path / "q.json", document(results, "offhook bench quality", tmp_path / "q.json"))
        assert read(tmp_path / "q.json").metrics == metrics(results)


@has_scorers
def test_the_command_writes_figures_of_what_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken = Speech("noise", {8000: [voice(8)], 16000: [voice(8, 16000)]})
    monkeypatch.setattr(quality, "load", lambda cache, count, seed: spoken)
    out = tmp_path / "q.json"
    asked = ["--codec", "pcmu", "--case", "perfect", "rough", "--only", "offhook", "fixed"]
    assert quality.main([*asked, "--utterances", "1", "--out", str(out)]) == 0
    found = {(m.name, m.case): m.values for m in read(out).metrics}
    assert found["PESQ", "pcmu, perfect, offhook"][0] > 4.5
    assert found["delay, mean", "pcmu, perfect, fixed 60 ms, silence"][0] > 60
    assert len(read(out).clips) == 3
    assert all((tmp_path / clip.file).stat().st_size > 16000 for clip in read(out).clips)
    assert "PESQ @ mean delay" in capsys.readouterr().out


def test_cases_have_names_of_their_own_and_time_for_drift_to_show() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    drifting = [case for case in CASES if case.network.drift_ppm]
    assert {case.network.drift_ppm for case in drifting} == {-200, 200}
    assert all(case.lead_s * 200e-6 > 0.020 for case in drifting)
    assert max(case.lead_s for case in CASES) == DRIFT_LEAD_S
