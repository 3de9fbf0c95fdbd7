"""The jitter buffer against every fault of a network: what is counted, and what is heard."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs.comfort_noise import NoiseLevel
from offhook.media.frames.jitter import Jitter, rounds
from offhook.media.frames.ring import ABSENT
from offhook.tests.kit import lossy_link as link
from offhook.tests.kit.listener import TICK_MS, Heard, admit, listen

AMPLITUDE = 8000
PITCH_HZ = 437.0
END_MS = 200
"What `listen` goes on for after the last packet: its concealment is not the stream's."


def tone(seconds: float, rate_hz: int = 8000) -> NDArray[np.int16]:
    """A sine that divides no frame, so that a wrong splice cannot fit by chance."""
    phase = 2 * np.pi * PITCH_HZ * np.arange(int(seconds * rate_hz)) / rate_hz
    return np.asarray(np.rint(AMPLITUDE * np.sin(phase)), np.int16)


def noise(seconds: float, rate_hz: int = 8000) -> NDArray[np.int16]:
    """Something that resembles itself nowhere: proves bit-exactness."""
    rng = np.random.default_rng(5)
    return rng.integers(-20000, 20000, int(seconds * rate_hz)).astype(np.int16)


def steepest(heard: Heard) -> float:
    """The largest step between samples, in units of the tone's own largest."""
    natural = AMPLITUDE * 2 * np.pi * PITCH_HZ / 8000
    return float(np.abs(np.diff(heard.pcm.astype(np.int64))).max() / natural)


def holes(heard: Heard) -> int:
    """Samples made up before the stream had ended."""
    tail = END_MS // TICK_MS + 2
    return int(heard.concealed[:-tail].sum())


def rng() -> random.Random:
    return random.Random(11)


# --- the quiet life -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate_hz", "clock_hz"), [(8000, 8000), (16000, 16000), (16000, 8000), (16000, 48000)]
)
def test_a_clean_stream_comes_out_bit_exact_one_frame_late(rate_hz: int, clock_hz: int) -> None:
    pcm = noise(3, rate_hz)
    packets = link.stream(pcm, rate_hz, clock_rate_hz=clock_hz)
    heard = listen(packets, rate_hz, clock_rate_hz=clock_hz)
    frame = rate_hz // 50
    np.testing.assert_array_equal(heard.pcm[frame : frame + len(pcm)], pcm)
    assert not heard.pcm[:frame].any()
    assert holes(heard) == 0
    assert heard.delay_ms.max() == 20
    assert heard.statistics.jitter_s == 0
    assert heard.statistics.packets_lost == heard.statistics.packets_discarded == 0


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_every_packet_length_comes_out_bit_exact(ptime_ms: int) -> None:
    pcm = noise(3)
    heard = listen(link.stream(pcm, ptime_ms=ptime_ms))
    begin = int(np.flatnonzero(heard.pcm)[0])
    begin -= int(np.flatnonzero(pcm)[0])
    # One frame of waiting, and up to one until the tick.
    assert begin <= 40 * 8
    length = len(pcm) // (ptime_ms * 8) * ptime_ms * 8
    np.testing.assert_array_equal(heard.pcm[begin : begin + length], pcm[:length])
    assert holes(heard) == 0


def test_packet_length_may_change_in_mid_call() -> None:
    pcm = noise(4)
    first = link.stream(pcm[:16000], ptime_ms=20)
    last = first[-1]
    second = link.stream(
        pcm[16000:],
        ptime_ms=60,
        first_sequence=last.sequence + 1,
        first_timestamp=last.timestamp + 160,
        start_ms=2000,
    )
    heard = listen(first + second)
    assert holes(heard) == 0
    np.testing.assert_array_equal(heard.pcm[160 : 160 + 31680], pcm[:31680])


def test_sequence_and_timestamp_may_wrap() -> None:
    pcm = noise(2)
    heard = listen(link.stream(pcm, first_sequence=65_500, first_timestamp=link.TIMESTAMPS - 1600))
    np.testing.assert_array_equal(heard.pcm[160 : 160 + len(pcm)], pcm)
    assert heard.statistics.packets_lost == 0


def test_rows_do_not_touch_each_other() -> None:
    jitter = Jitter(3, 8000)
    pcm = [noise(2), tone(2)]
    streams = [link.stream(part, first_sequence=9 + n, ssrc=n) for n, part in enumerate(pcm)]
    out: list[list[NDArray[np.int16]]] = [[], [], []]
    for tick in range(110):
        for row in (0, 1):
            if tick < 100 and not (row == 1 and 40 <= tick < 50):
                admit(jitter, row, streams[row][tick], tick * 160)
        frames = jitter.pull(3, tick * 160).frames
        for row in range(3):
            out[row].append(frames[row])
    np.testing.assert_array_equal(np.concatenate(out[0])[160 : 160 + 16000], pcm[0])
    assert jitter.statistics(1).packets_lost == 10
    assert not np.concatenate(out[2]).any()
    assert jitter.statistics(2).concealed_samples == 0


def test_a_cleared_row_is_as_new_and_growing_keeps_what_is_there() -> None:
    jitter, pcm = Jitter(1, 8000), noise(1)
    packets = link.stream(pcm)
    heard: list[NDArray[np.int16]] = []
    for tick in range(50):
        if tick == 20:
            jitter.grow(8)
        admit(jitter, 0, packets[tick], tick * 160)
        heard.append(jitter.pull(jitter.capacity, tick * 160).frames[0])
    np.testing.assert_array_equal(np.concatenate(heard)[160:], pcm[:-160])
    jitter.clear(0)
    assert jitter.statistics(0) == Jitter(1, 8000).statistics(0)
    again = listen(link.stream(pcm, ssrc=77, first_sequence=3), jitter=jitter)
    np.testing.assert_array_equal(again.pcm[160 : 160 + len(pcm)], pcm)


# --- jitter ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma_ms", [5, 20, 40])
def test_gaussian_jitter_is_waited_out(sigma_ms: int) -> None:
    heard = listen(link.gaussian(link.stream(tone(20)), rng(), sigma_ms))
    assert heard.statistics.packets_lost == 0
    assert heard.statistics.packets_discarded == 0
    assert holes(heard) < 0.025 * len(heard.pcm)
    assert steepest(heard) < 1.2
    steady = heard.delay_ms[250:-20]
    assert steady.mean() < 20 + 3 * sigma_ms


def test_speech_is_left_alone_while_a_queue_fills_and_drains() -> None:
    packets = [
        packet._replace(at_ms=packet.at_ms + 60 * abs(number % 300 / 150 - 1))
        for number, packet in enumerate(link.stream(tone(30)))
    ]
    heard = listen(packets)
    statistics = heard.statistics
    stretched = (
        statistics.inserted_samples_for_deceleration + statistics.removed_samples_for_acceleration
    )
    assert stretched <= 80 * 8, "on the way to the target, not up and down with the queue"
    assert holes(heard) < 160
    assert heard.delay_ms[:-20].max() <= 100


def test_a_pause_is_where_the_delay_is_set_right() -> None:
    pcm = tone(7)
    pcm[5 * 8000 : 5 * 8000 + 4000] = 0
    # One packet of the tone is held up by 35 ms: that is waited for until the pause.
    held = [
        packet._replace(at_ms=packet.at_ms + 35 * (n == 60))
        for n, packet in enumerate(link.stream(pcm))
    ]
    heard = listen(held)
    assert heard.delay_ms[80:245].min() >= 40
    assert heard.delay_ms[280:-20].max() < 22
    assert heard.statistics.removed_samples_for_acceleration < 22 * 8


def test_a_packet_that_comes_between_two_ticks_is_one_of_the_next_tick() -> None:
    jitter, packets = Jitter(1, 8000), link.stream(tone(2))
    for tick, packet in enumerate(packets):
        admit(jitter, 0, packet, tick * 160 - (5 + 130 * (tick % 2)))
        jitter.pull(1, tick * 160)
    assert jitter.delay.target[0] == 160, "there is no jitter for a player that looks every 20 ms"
    assert jitter.reception.jitter[0] == pytest.approx(130, abs=2)


def test_a_frame_less_is_waited_where_packets_come_well_before_ticks() -> None:
    jitter, pcm = Jitter(1, 8000), tone(12)
    pcm[10 * 8000 : 10 * 8000 + 4000] = 0
    concealed = 0
    for tick, packet in enumerate(link.stream(pcm)):
        admit(jitter, 0, packet, tick * 160 - 80)
        concealed += int(jitter.pull(1, tick * 160).concealed[0])
    assert jitter.reception.end[0] == jitter.play_position[0], "played on the tick that saw it"
    assert concealed == 0


def test_a_heavy_tail_of_jitter_is_survived() -> None:
    heard = listen(link.pareto(link.stream(tone(20)), rng(), 8.0, shape=2.5))
    assert heard.statistics.packets_lost == 0
    assert heard.statistics.packets_discarded == 0
    assert holes(heard) < 0.03 * len(heard.pcm)
    assert steepest(heard) < 1.2


def test_wifi_stalls_raise_the_delay_instead_of_tearing_every_time() -> None:
    packets = link.stalls(link.stream(tone(20)), every_ms=1000, length_ms=200)
    heard = listen(packets)
    assert heard.statistics.packets_discarded == 0
    assert holes(heard) < 200 * 8 + 18 * 2 * 160, "200 ms once, then a frame or two"
    assert 100 < heard.target_ms <= 200
    assert heard.delay_ms.max() <= 260
    calm = listen(
        link.stalls(link.stream(tone(3)), 1000, 200)
        + link.stream(
            tone(17), first_sequence=1150, first_timestamp=160_000 + 24_000, start_ms=3000
        )
    )
    assert calm.delay_ms[-20] <= 40, "and comes back when the stalls are over"
    assert steepest(calm) < 1.2


def test_latency_returns_within_two_seconds_after_a_stall_of_one() -> None:
    packets = link.stall(link.stream(tone(10)), 3000, 1000)
    heard = listen(packets)
    after = (heard.delay_ms[(4000 + 2000) // TICK_MS :]).max()
    assert after < 200
    assert heard.statistics.jitter_buffer_flushes == 1
    assert holes(heard) <= 8 * 1000
    assert steepest(heard) < 1.2


def test_latency_returns_by_acceleration_after_half_a_second() -> None:
    heard = listen(link.stall(link.stream(tone(10)), 3000, 500))
    assert heard.delay_ms[(3500 + 2000) // TICK_MS :].max() < 100
    assert heard.statistics.jitter_buffer_flushes == 0
    assert heard.statistics.removed_samples_for_acceleration > 400 * 8
    assert heard.statistics.packets_lost == heard.statistics.packets_discarded == 0
    assert steepest(heard) < 1.2


@pytest.mark.parametrize("ppm", [200, -200])
def test_clock_drift_is_followed_without_loss_or_clicks(ppm: int) -> None:
    heard = listen(link.stream(tone(120), drift_ppm=ppm))
    assert holes(heard) == 0
    assert steepest(heard) < 1.1
    assert heard.delay_ms[50:-20].max() <= 50
    statistics = heard.statistics
    moved = (
        statistics.removed_samples_for_acceleration - statistics.inserted_samples_for_deceleration
    )
    # 120 s x 200 ppm = 24 ms; up to a frame may still lie in the buffer, or be ahead.
    assert 0 < np.sign(ppm) * moved <= 45 * 8


# --- order and loss -------------------------------------------------------------------------------


def test_reordered_packets_are_put_in_order() -> None:
    pcm = noise(4)
    packets = link.stream(pcm)
    swapped = [
        packet._replace(at_ms=packet.at_ms + (19 if number % 5 == 3 else 0))
        for number, packet in enumerate(packets)
    ]
    heard = listen(swapped)
    assert holes(heard) == 0
    assert heard.statistics.packets_discarded == 0
    begin = 160
    np.testing.assert_array_equal(heard.pcm[begin : begin + len(pcm)], pcm)


def test_reordering_beyond_the_buffer_raises_the_delay() -> None:
    heard = listen(link.reorder(link.stream(tone(20)), rng(), 0.06, by_ms=65))
    late = heard.statistics.packets_late
    assert 0 < late < 20, "the first ones are too late, then they are waited for"
    assert heard.statistics.packets_lost == 0
    assert heard.target_ms == pytest.approx(80, abs=20)
    assert holes(heard) < 0.02 * len(heard.pcm)
    assert steepest(heard) < 1.3


def test_a_packet_that_comes_right_after_its_place_was_filled_is_late() -> None:
    jitter, packets = Jitter(1, 8000), link.stream(noise(1))
    packets.insert(32, packets.pop(30))
    accepted, concealed = [], []
    for tick, packet in enumerate(packets):
        accepted.append(admit(jitter, 0, packet, tick * 160))
        concealed.append(int(jitter.pull(1, tick * 160).concealed[0]))
    assert [tick for tick, wanted in enumerate(accepted) if not wanted] == [32]
    assert [tick for tick, samples in enumerate(concealed) if samples == 160] == [31]
    assert jitter.statistics(0).packets_late == 1


def test_doubles_are_dropped_and_counted() -> None:
    pcm = noise(4)
    doubled = link.duplicate(link.stream(pcm), rng(), 0.3, by_ms=25)
    heard = listen(doubled)
    np.testing.assert_array_equal(heard.pcm[160 : 160 + len(pcm)], pcm)
    assert heard.statistics.packets_duplicated == len(doubled) - 200
    assert heard.statistics.packets_discarded == len(doubled) - 200


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_lost_packets_are_concealed_and_time_goes_on(ptime_ms: int) -> None:
    packets = link.stream(tone(10), ptime_ms=ptime_ms)
    last = packets[-20].at_ms
    some = [packet for packet in packets if packet.sequence % 13 != 7 or packet.at_ms > last]
    lost = len(packets) - len(some)
    heard = listen(some)
    assert heard.statistics.packets_lost == lost
    assert holes(heard) == lost * ptime_ms * 8
    assert heard.delay_ms.max() <= 20 + ptime_ms
    assert steepest(heard) < 1.3
    assert heard.statistics.concealment_events == lost + 1


def test_what_is_not_lost_stays_in_its_place() -> None:
    pcm = noise(2)
    packets = [packet for packet in link.stream(pcm) if packet.sequence % 10 != 5]
    heard = listen(packets)
    for packet in packets[1:]:
        begin = (packet.timestamp - 160_000) + 160
        fade = 5 * 8 if (packet.sequence - 1) % 10 == 5 else 0
        np.testing.assert_array_equal(
            heard.pcm[begin + fade : begin + 160], packet.pcm[fade:], str(packet.sequence)
        )


def test_bursts_of_loss_fade_to_silence_and_come_back() -> None:
    heard = listen(link.lose_between(link.stream(tone(4)), 1000, 1300))
    silent = heard.pcm[1100 * 8 : 1300 * 8]
    assert not silent.any()
    assert heard.statistics.packets_lost == 15
    assert heard.statistics.packets_discarded == 0
    assert heard.delay_ms[75:-20].max() == 20, "nothing owed remains as delay"
    assert steepest(heard) < 1.1


def test_gilbert_elliott_loss() -> None:
    packets = link.stream(tone(20))
    some = link.gilbert_elliott(packets, rng(), to_bad=0.02, to_good=0.3)
    heard = listen(some)
    lost = len(packets) - len(some)
    assert lost > 30
    assert heard.statistics.packets_lost == lost
    assert holes(heard) == lost * 160
    assert steepest(heard) < 1.3


def test_concealment_is_marked_frame_by_frame() -> None:
    packets = link.stream(tone(2))
    heard = listen(packets[:50] + packets[51:])
    assert heard.concealed[51] == 160
    assert heard.concealed[:51].sum() == 0
    assert heard.concealed[52:90].sum() == 0


# --- what senders do ------------------------------------------------------------------------------


def test_a_pause_of_the_sender_is_no_loss() -> None:
    heard = listen(link.pause(link.stream(tone(10)), 3000, 6000))
    statistics = heard.statistics
    assert statistics.packets_lost == 0
    assert statistics.concealment_events == 2  # where it began, and after the end
    assert statistics.silent_concealed_samples > 2.9 * 8000
    assert statistics.paused_samples > 2.9 * 8000
    fade = (statistics.concealed_samples - statistics.silent_concealed_samples) // 160
    assert fade > 0, "it is faded out, and that is no loss either"
    assert statistics.concealed_samples - statistics.paused_samples <= END_MS * 8 + 160
    assert heard.delay_ms[310:-20].max() == 20
    assert steepest(heard) < 1.1


def test_the_same_gap_with_sequence_numbers_missing_is_loss() -> None:
    heard = listen(link.lose_between(link.stream(tone(10)), 3000, 6000))
    assert heard.statistics.packets_lost == 150
    assert heard.statistics.paused_samples == 0
    assert heard.statistics.loss > 0.29


def test_comfort_noise_fills_an_announced_pause() -> None:
    packets = link.pause(link.stream(tone(4)), 1000, 2000)
    jitter, out = Jitter(1, 8000), []
    for tick in range(150):
        now = tick * TICK_MS
        for packet in packets:
            if packet.at_ms == now:
                admit(jitter, 0, packet, tick * 160)
        if now == 1000:
            jitter.set_noise(0, NoiseLevel(-50))
        out.append(jitter.pull(1, tick * 160).frames[0])
    pause = np.concatenate(out)[1200 * 8 : 1990 * 8].astype(np.float64)
    assert 20 * np.log10(np.sqrt((pause**2).mean()) / 32768) == pytest.approx(-50, abs=1)
    statistics = jitter.statistics(0)
    assert statistics.concealment_events == 0
    assert statistics.loss == 0
    assert statistics.silent_concealed_samples == statistics.concealed_samples > 7000


@pytest.mark.parametrize("by", [1 << 30, -80_000, 24_000, -8_000])
def test_a_timestamp_jump_is_not_heard_when_the_sequence_goes_on(by: int) -> None:
    pcm = noise(4)
    jitter = Jitter(1, 8000)
    heard = listen(link.jump(link.stream(pcm), 2000, by), jitter=jitter)
    np.testing.assert_array_equal(heard.pcm[160 : 160 + len(pcm)], pcm)
    assert jitter.reception.jumps[0] == 1
    assert heard.statistics.packets_lost == heard.statistics.packets_discarded == 0


def test_a_sequence_jump_is_believed_when_two_packets_agree() -> None:
    jitter = Jitter(1, 8000)
    heard = listen(link.jump(link.stream(tone(4)), 2000, 12_345_678, 20_000), jitter=jitter)
    assert jitter.reception.jumps[0] == 1
    assert heard.statistics.packets_discarded == 1
    assert holes(heard) == 160
    assert steepest(heard) < 1.3


@pytest.mark.parametrize("back", [20, 50, 100, 2000, 2999])
@pytest.mark.parametrize("timestamp", [0, 12_345_678])
def test_a_sender_that_begins_anew_at_a_lower_sequence_number_is_heard_at_once(
    back: int, timestamp: int
) -> None:
    jitter = Jitter(1, 8000)
    heard = listen(link.jump(link.stream(tone(4)), 2000, timestamp, -back), jitter=jitter)
    assert jitter.reception.jumps[0] == 1
    assert heard.statistics.packets_discarded == 1
    assert heard.statistics.packets_lost == 0
    assert holes(heard) == 160
    assert steepest(heard) < 1.3


def test_a_change_of_source_is_followed() -> None:
    jitter = Jitter(1, 8000)
    packets = link.change_source(link.stream(tone(4)), 2000, rng())
    heard = listen(packets, jitter=jitter)
    assert jitter.reception.ssrc_changes[0] == 1
    assert jitter.reception.ssrc[0] == packets[-1].ssrc
    assert heard.statistics.packets_discarded == 1
    assert holes(heard) == 160
    assert heard.delay_ms[-20] <= 20
    assert steepest(heard) < 1.3


def test_a_second_source_beside_the_first_is_kept_out() -> None:
    pcm = noise(3)
    other = link.stream(tone(3), ssrc=99, first_sequence=7, first_timestamp=55, start_ms=500)
    jitter = Jitter(1, 8000)
    heard = listen(link.stream(pcm) + [p for p in other if p.at_ms < 2900], jitter=jitter)
    np.testing.assert_array_equal(heard.pcm[160 : 160 + len(pcm) - 800], pcm[:-800])
    assert jitter.reception.ssrc_changes[0] == 0
    assert jitter.reception.unconfirmed[0] == 120


def test_a_jump_too_far_for_the_ring_fills_up_again() -> None:
    jitter, packets = Jitter(1, 8000), link.stream(tone(3))
    out = []
    for tick in range(150):
        # The sender stops, then sends 1.4 s ahead of time, in steps too small to be a jump.
        ahead = min(max(0, tick - 50), 70)
        if tick + ahead < len(packets):
            admit(jitter, 0, packets[tick + ahead], tick * 160)
            admit(jitter, 0, packets[min(tick + ahead + 1, 149)], tick * 160)
        out.append(jitter.pull(1, tick * 160).frames[0])
        backlog = jitter.reception.end[0] - jitter.play_position[0]
        assert backlog <= jitter.ring.size
    assert len(out) == 150
    assert jitter.statistics(0).jitter_buffer_flushes > 0


# --- invariants -----------------------------------------------------------------------------------


def test_any_mixture_of_faults_yields_one_frame_a_tick_and_no_garbage() -> None:
    for seed in range(12):
        chance = random.Random(seed)
        rate = chance.choice((8000, 16000))
        packets = link.stream(tone(8, rate), rate, ptime_ms=chance.choice((10, 20, 30, 40, 60)))
        packets = link.gilbert_elliott(packets, chance, 0.02, 0.4)
        packets = link.pause(packets, 2000, 2000 + chance.randrange(1500))
        packets = link.jump(packets, 4000, chance.getrandbits(32), chance.choice((0, 9999)))
        packets = link.change_source(packets, 6000, chance)
        packets = link.pareto(packets, chance, chance.uniform(0, 30))
        packets = link.reorder(packets, chance, 0.05, 70)
        packets = link.duplicate(packets, chance, 0.05, 30)
        packets = link.stall(packets, chance.uniform(0, 8000), chance.uniform(0, 1500))
        heard = listen(packets, rate)
        assert len(heard.pcm) == len(heard.concealed) * rate // 50
        assert (heard.concealed >= 0).all()
        assert (heard.concealed <= rate // 50).all()
        assert np.abs(heard.pcm.astype(np.int64)).max() <= 1.3 * AMPLITUDE, "no stale, no marker"
        assert (heard.delay_ms >= 0).all()
        assert heard.delay_ms.max() < 1280
        statistics = heard.statistics
        assert statistics.concealed_samples == heard.concealed.sum()
        assert statistics.silent_concealed_samples <= statistics.concealed_samples
        assert statistics.paused_samples <= statistics.concealed_samples


def test_nothing_played_stays_in_the_ring() -> None:
    jitter = Jitter(1, 8000)
    packets = link.reorder(link.lose(link.stream(tone(6)), rng(), 0.1), rng(), 0.2, 70)
    listen(packets, jitter=jitter)
    assert (jitter.ring.samples == ABSENT).all()


def test_packets_without_samples_are_counted_only() -> None:
    jitter, packets = Jitter(1, 8000), link.stream(noise(1))
    for tick, packet in enumerate(packets):
        if 20 <= tick < 25:  # key presses take the sequence numbers of audio
            packet = packet._replace(pcm=packet.pcm[:0], timestamp=packets[20].timestamp)
            assert not admit(jitter, 0, packet, tick * 160)
        else:
            assert admit(jitter, 0, packet, tick * 160)
        jitter.pull(1, tick * 160)
    statistics = jitter.statistics(0)
    assert (statistics.packets_received, statistics.packets_lost) == (50, 0)
    assert statistics.packets_discarded == 0
    assert statistics.concealed_samples == 5 * 160


def test_rounds_have_each_row_once_and_keep_its_order() -> None:
    rows = np.array([4, 1, 4, 2, 1, 4])
    parts = rounds(rows)
    assert [rows[part].tolist() for part in parts] == [[1, 2, 4], [1, 4], [4]]
    assert [part.tolist() for part in parts] == [[1, 3, 0], [4, 2], [5]]
    assert rounds(np.array([], np.int64)) == []
    assert [part.tolist() for part in rounds(np.array([3, 5]))] == [[0, 1]]
