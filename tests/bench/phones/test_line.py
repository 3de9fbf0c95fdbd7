"""The axes of a line: when a sample was spoken, when it was heard; what goes into it."""

import numpy as np
import pytest

from offhook.bench.phones.line import Echo, Heard, Mouth, Said

FRAME = np.full(160, 7, np.int16)


def test_a_packet_leaves_when_its_last_sample_has_been_spoken() -> None:
    said = Said()
    for number in range(3):
        said.add(10.0 + 0.02 * number, FRAME)
    assert said.left_at(0) == said.left_at(159) == 10.0
    assert said.spoken_at(159) == pytest.approx(10.0)
    assert said.spoken_at(0) == pytest.approx(10.0 - 159 / 8000)
    assert said.spoken_at(160 + 159) == pytest.approx(10.02)


def test_what_comes_out_of_order_lies_where_it_belongs() -> None:
    heard = Heard()
    heard.add(1000, FRAME, 5.0)
    heard.add(1000 + 320, FRAME * 3, 5.04)
    heard.add(1000 + 160, FRAME * 2, 5.05)
    assert heard.end == 480
    assert heard.pcm()[::160].tolist() == [7, 14, 21]
    assert heard.heard_at(165) == pytest.approx(5.05 + 5 / 8000)
    assert heard.heard_at(325) == pytest.approx(5.04 + 5 / 8000)


def test_timestamps_wrap_and_a_packet_from_before_the_first_is_dropped() -> None:
    heard = Heard()
    heard.add(0xFFFFFFFF - 79, FRAME, 1.0)
    heard.add(80, FRAME * 2, 1.02)
    heard.add(0xFFFFFFFF - 79 - 160, FRAME, 1.03)
    assert heard.pcm()[[0, 159, 160, 319]].tolist() == [7, 7, 14, 14]
    assert heard.end == 320


def test_a_reply_a_hundred_ms_later_is_a_hundred_ms_later() -> None:
    said, heard = Said(), Heard()
    for number in range(40):
        said.add(0.02 * number, FRAME)
        heard.add(160 * number, FRAME, 0.007 + 0.02 * number)
    last, reply = 160 * 10 + 159, 160 * 15
    gap_s = heard.heard_at(reply) - said.spoken_at(last)
    assert gap_s == pytest.approx(0.1 + 0.007)


def test_position_at_a_moment() -> None:
    heard = Heard()
    heard.add(0, FRAME, 1.0)
    heard.add(160, FRAME, 1.02)
    assert heard.position_at(1.01) == 160
    assert heard.position_at(0.5) == 0
    assert heard.position_at(1.03) == 320  # the next packet may be late
    assert heard.position_at(2.0) == 160 + 0.98 * 8000  # there is none


def test_packets_of_thirty_milliseconds_have_their_own_axis() -> None:
    said = Said(packet=240)
    for number in range(2):
        said.add(10.0 + 0.03 * number, np.zeros(240, np.int16))
    assert said.left_at(239) == 10.0
    assert said.left_at(240) == 10.03
    assert said.spoken_at(240) == pytest.approx(10.03 - 239 / 8000)
    assert len(said.pcm()) == 480


def test_packets_are_due_by_the_most_punctual_of_them() -> None:
    said = Said()
    for late_s in (0.004, 0.001, 0.009):
        said.add(10.0 + 0.02 * len(said.sent_at) + late_s, np.zeros(160, np.int16))
    assert [said.due_at(n) for n in range(3)] == pytest.approx([10.001, 10.021, 10.041])


def test_wide_band_has_its_own_axis() -> None:
    heard = Heard(16000)
    heard.add(0, np.full(320, 7, np.int16), 5.0)
    assert heard.heard_at(160) == pytest.approx(5.01)
    assert heard.ear_at(6.0) == 16000


def test_a_new_source_goes_on_where_the_ear_is() -> None:
    heard = Heard()
    heard.add(1000, FRAME, 5.0, source=1)
    heard.add(900_000, FRAME * 2, 5.12, source=2)
    heard.add(900_160, FRAME * 3, 5.14, source=2)
    assert heard.pcm()[[0, 160, 959, 960, 1120]].tolist() == [7, 0, 0, 14, 21]
    assert heard.heard_at(1120) == pytest.approx(5.14)


def test_timestamps_that_leap_are_a_new_stream_and_a_pause_is_not() -> None:
    heard = Heard()
    heard.add(1000, FRAME, 5.0)
    heard.add(1000 + 8000, FRAME * 2, 6.0)  # a second without packets
    assert np.flatnonzero(heard.pcm() == 14)[0] == 8000
    heard.add(77_000_000, FRAME * 3, 6.02)
    assert np.flatnonzero(heard.pcm() == 21)[0] == 8160


def test_the_room_for_what_is_heard_grows() -> None:
    heard = Heard()
    for number in range(0, 100 * 50, 50):  # a packet a second, of 100 seconds
        heard.add(160 * number, FRAME, 0.02 * number)
    assert heard.end == 160 * 99 * 50 + 160
    assert heard.pcm()[::8000].tolist() == [7] * 100


def test_the_ear_goes_on_when_no_packets_come() -> None:
    heard = Heard()
    assert heard.ear_at(3.0) == 0
    heard.add(0, FRAME, 5.0)
    assert heard.ear_at(5.01) == 160
    assert heard.ear_at(6.0) == 8000


def test_the_mouth_mixes_words_and_what_is_around_them() -> None:
    mouth = Mouth(Heard())
    mouth.background = np.array([1, 2, 3], np.int16)
    mouth.say(np.full(100, 1000, np.int16), 200)
    first, second = mouth.packet(0, 160), mouth.packet(160, 160)
    assert first.tolist() == [1 + n % 3 for n in range(160)]
    assert (second - np.array([1 + n % 3 for n in range(160, 320)])).tolist() == (
        [0] * 40 + [1000] * 100 + [0] * 20
    )


def test_an_echo_comes_back_whole_so_much_later_and_weaker() -> None:
    heard = Heard()
    mouth = Mouth(heard)
    mouth.echo = Echo(-20, 50)
    voice = np.random.default_rng(1).normal(0, 3000, 160 * 40).astype(np.int16)
    back = []
    for number in range(40):
        # Packets come early and late; the echo has no seams for that.
        heard.add(160 * number, voice[160 * number :][:160], 0.02 * number)
        if number % 7:
            back.append(mouth.packet(0, 160))
        if number % 7 == 6:
            back.append(mouth.packet(0, 160))
    returned = np.concatenate(back)[1600:4000].astype(float)
    # The first packet goes out when 320 samples have come: of those, none is 400 old.
    expected = voice[1600 + 320 - 160 - 400 :][:2400] * 0.1
    assert np.abs(returned - expected).max() <= 1
