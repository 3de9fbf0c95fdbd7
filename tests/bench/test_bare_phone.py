"""The axes of the bare phone: when a sample was spoken, when it was heard."""

import numpy as np
import pytest

from offhook.bench.bare_phone import Heard, Said

FRAME = np.full(160, 7, np.int16)


def test_a_packet_leaves_when_its_last_sample_has_been_spoken() -> None:
    said = Said()
    for number in range(3):
        said.add(10.0 + 0.02 * number)
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
        said.add(0.02 * number)
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
    assert heard.position_at(2.0) == 320
