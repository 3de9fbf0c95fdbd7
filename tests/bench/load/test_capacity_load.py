"""The load itself: what it sends and reads, and how it knows that it was well."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from offhook.bench.load import capacity_engine
from offhook.bench.load.capacity_engine import Case, replies_of
from offhook.bench.load.frame_cost import Replay
from offhook.bench.load.load_clock import LoadClock, Usage
from offhook.bench.load.load_payloads import CODECS, codec_of, encoded, load, save
from offhook.bench.load.proc import CoreTime, parse_core, parse_stat
from offhook.bench.load.rtp_load import FarEnds
from offhook.bench.load.sip_load import LOUD, loudness
from offhook.codecs.catalog import PCMU

STAT = (
    "4711 (a name) with ) brackets) S 1 4711 4700 0 -1 4194560 900 0 0 0 "
    "150 50 7 3 20 0 1 0 100 1000000 2560 18446744073709551615 1 1 0"
)


def tone(rate_hz: int, seconds: float = 1.0, level: float = 8000.0) -> np.ndarray:
    moments = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.rint(level * np.sin(2 * np.pi * 300 * moments)).astype(np.int16)


@pytest.mark.parametrize("name", CODECS)
def test_payloads_survive_the_way_to_another_process(name: str, tmp_path: Path) -> None:
    codec = codec_of(name)
    payloads = encoded(tone(codec.sample_rate_hz), codec)
    save(tmp_path / "p.npz", payloads)
    again = load(tmp_path / "p.npz")
    assert len(again.lengths) == 50
    assert np.array_equal(again.data, payloads.data)
    assert np.array_equal(again.lengths, payloads.lengths)
    assert again.timestamp_step == {"PCMU": 160, "opus": 960, "G722": 160}[name]
    assert again.payload_type == {"PCMU": 0, "opus": 111, "G722": 9}[name]


@pytest.mark.parametrize("name", CODECS)
def test_the_engine_takes_what_the_load_sends_whole(name: str) -> None:
    codec = codec_of(name)
    replay = Replay(codec, 8, False, tone(codec.sample_rate_hz))
    replay.run(60)
    for lane in replay.lanes:
        quality = lane.quality()
        assert quality.packets_received == 60
        assert (quality.packets_lost, quality.packets_discarded) == (0, 0)
    assert replay.wire.sent == 8 * 60


def test_far_ends_send_each_its_own_and_count_what_comes_back() -> None:
    payloads = encoded(tone(8000), PCMU)
    ears, mouths = FarEnds(4, payloads, slices=2), FarEnds(4, payloads, slices=2)
    for row, each in enumerate(ears.sockets):
        mouths.connect(row, "127.0.0.1", each.getsockname()[1])
    heard: list[tuple[int, bytes]] = []
    for number in range(20):
        rows = mouths.rows(number)
        mouths.send(number, rows, rows * 5 + number // 2)
        got, packets = ears.receive(number)
        heard += [(int(row), bytes(p[12:172])) for row, p in zip(got, packets, strict=True)]
    arrivals = ears.count.arrivals()
    assert mouths.sent == 40
    assert (arrivals.received, arrivals.lost, arrivals.skipped, arrivals.silent) == (40, 0, 0, 0)
    assert {row for row, _ in heard} == {0, 1, 2, 3}
    for row in range(4):
        said = [bytes(payloads.data[row * 5 + tick]) for tick in range(10)]
        assert [payload for number, payload in heard if number == row] == said
    for each in ears.sockets + mouths.sockets:
        each.close()


def test_loudness_tells_speech_from_silence_and_idle_noise() -> None:
    packets = np.zeros((3, 172), np.uint8)
    packets[0, 12:] = encoded(tone(8000), PCMU).data[3]
    packets[1, 12:] = encoded(np.zeros(160, np.int16), PCMU).data[0]
    packets[2, 12:] = encoded(tone(8000, level=12.0), PCMU).data[3]
    levels = loudness(packets)
    assert levels[0] == pytest.approx(8000 * 2 / np.pi, rel=0.02)
    assert (levels > LOUD).tolist() == [True, False, False]


def test_the_loads_health_is_of_what_was_counted() -> None:
    clock = LoadClock(Usage(0.0, 0.0, 0.0))
    clock.add(0.5)
    clock.restart(Usage(10.0, 3.0, 1.0))
    for number in range(100):
        clock.add(0.03 if number < 2 else -0.001)
    health = clock.health(Usage(20.0, 7.0, 1.5), send_errors=3)
    assert (health.late_p99_ms, health.late_max_ms) == (30.0, 30.0)
    assert (health.send_errors, health.busy, health.waited) == (3, 0.4, 0.05)


async def test_speech_is_made_while_a_loop_runs_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def speak(rate_hz: int) -> np.ndarray:
        asyncio.run(asyncio.sleep(0))  # as the real one does
        made.append(rate_hz)
        return tone(rate_hz)

    monkeypatch.setattr(capacity_engine, "bench_speech", speak)
    path = await capacity_engine.speech_file(tmp_path, "opus")
    assert np.array_equal(np.fromfile(path, np.int16), tone(16000))
    assert await capacity_engine.speech_file(tmp_path, "G722") == path
    assert made == [16000]


def test_a_process_is_read_whatever_its_name() -> None:
    session, usage = parse_stat(STAT)
    assert session == 4700
    assert usage.cpu_s == pytest.approx(2.1)
    assert usage.rss_kb == 10_240
    both = usage + usage
    assert (both.processes, both.rss_kb) == (2, 20_480)


def test_how_busy_a_core_was() -> None:
    first = "cpu  9 9 9 9\ncpu0 100 0 50 800 50 0 0 0 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\n"
    later = "cpu  9 9 9 9\ncpu0 130 0 70 830 60 5 5 0 0 0\n"
    before, after = parse_core(first, 0), parse_core(later, 0)
    assert before == CoreTime(busy=150, total=1000, interrupts=0)
    assert after.busy_since(before) == pytest.approx(0.6)
    # 60 of 100 ticks busy, 10 of them interrupts; 35 were ours: others had 15.
    assert after.others_since(before, 0.35) == pytest.approx(0.15)
    assert after.others_since(before, 0.7) == 0.0
    with pytest.raises(ValueError, match="cpu3"):
        parse_core(first, 3)


def test_a_conversation_is_a_case_of_its_own_and_its_agent_pauses() -> None:
    old, new = Case("PCMU", True, True), Case("PCMU", True, True, talk="p59")
    assert (str(old), str(new)) == ("PCMU, VAD, recording", "PCMU, VAD, recording, P.59")
    assert new.flags()[:4] == ["--codec", "PCMU", "--talk", "p59"]
    speech = tone(8000, 5.0)
    assert [(len(reply), pause_s) for reply, pause_s in replies_of(old, speech)] == [(24_000, 0.0)]
    said = replies_of(new, speech)
    spoken_s = sum(len(reply) for reply, _ in said) / 8000
    assert spoken_s / (spoken_s + sum(s for _, s in said)) == pytest.approx(0.385, abs=0.01)
