"""RFC 4733 key presses, both directions, and back to back through loss, doubling and reordering."""

import random

import pytest

from offhook.media.frames.telephone_event import KEYS, DigitReceiver, DigitSender, EventPacket

RATE = 8000
FRAME = 160


def receive_all(packets: list[tuple[int, int, bool, int]], gap_ms: int = 20) -> list[str]:
    """Feed (timestamp, event, end, duration), one every `gap_ms`, then silence."""
    receiver, now, keys = DigitReceiver(RATE), 0, []
    for timestamp, event, end, duration in packets:
        keys += [receiver.receive(timestamp, event, end, duration, now)]
        now += RATE * gap_ms // 1000
    for _ in range(20):
        now += FRAME
        keys += [receiver.poll(now)]
    assert not receiver.busy
    return [key for key in keys if key is not None]


def send_all(
    digits: str, clock_hz: int = RATE, hold_ms: int = 100
) -> list[tuple[int, EventPacket]]:
    """(RTP timestamp of the event, packet) of every tick that sends one."""
    sender, timestamp, sent = DigitSender(digits, clock_hz, hold_ms), 1000, []
    while not sender.done:
        packet = sender.tick()
        if packet is not None:
            sent.append((timestamp - packet.elapsed, packet))
        timestamp += clock_hz // 50
    return sent


def test_three_end_packets_are_one_press() -> None:
    updates = [(500, 5, False, 160 * n) for n in range(1, 5)]
    assert receive_all([*updates, *[(500, 5, True, 800)] * 3]) == ["5"]


def test_tells_a_press_at_its_first_end_packet() -> None:
    receiver = DigitReceiver(RATE)
    assert receiver.receive(500, 11, False, 160, 0) is None
    assert receiver.receive(500, 11, True, 320, 160) == "#"
    assert receiver.receive(500, 11, True, 320, 320) is None


def test_a_gap_ends_a_press() -> None:
    receiver = DigitReceiver(RATE)
    assert receiver.receive(500, 1, False, 160, 0) is None
    assert receiver.poll(800) is None
    assert receiver.poll(801) == "1"
    assert receiver.receive(500, 1, True, 160, 900) is None  # the end came too late to matter


def test_the_same_key_twice_is_two_presses() -> None:
    assert receive_all([(0, 7, True, 800), (2000, 7, True, 800)]) == ["7", "7"]


def test_a_new_press_ends_one_that_lost_its_end() -> None:
    assert receive_all([(0, 1, False, 160), (1600, 2, True, 160), (3200, 3, True, 160)]) == [
        "1",
        "2",
        "3",
    ]


def test_a_reordered_packet_of_an_earlier_press_is_no_new_press() -> None:
    assert receive_all([(0, 1, True, 160), (1600, 2, False, 160), (0, 1, True, 160)]) == ["1", "2"]


def test_ignores_events_that_are_no_keys_and_short_payloads() -> None:
    receiver = DigitReceiver(RATE)
    assert receiver.receive(0, 16, True, 160, 0) is None
    assert receiver.receive_payload(0, b"\x01\x80\x00", 0) is None
    assert receiver.receive_payload(0, b"", 0) is None
    assert (receiver.ignored, receiver.malformed) == (1, 2)
    assert receiver.receive_payload(0, b"\x0b\x8a\x03\x20", 0) == "#"


def test_sends_growing_durations_then_the_end_three_times() -> None:
    sent = send_all("4")
    assert {timestamp for timestamp, _ in sent} == {1000}
    assert [packet.marker for _, packet in sent] == [True] + [False] * 7
    assert [packet.end for _, packet in sent] == [False] * 5 + [True] * 3
    durations = [int.from_bytes(packet.payload[2:], "big") for _, packet in sent]
    assert durations == [160, 320, 480, 640, 800, 800, 800, 800]
    assert sent[0][1].payload == b"\x04\x0a\x00\xa0"
    assert sent[-1][1].payload == b"\x04\x8a\x03\x20"


def test_pauses_between_presses() -> None:
    starts = sorted({timestamp for timestamp, _ in send_all("44,4")})
    press, pause = 100 * 8, 80 * 8
    assert starts == [1000, 1000 + press + pause, 1000 + 2 * (press + pause) + 500 * 8]


def test_a_long_press_is_sent_in_segments_and_heard_once() -> None:
    sent = send_all("9", clock_hz=48000, hold_ms=4000)
    timestamps = sorted({timestamp for timestamp, _ in sent})
    assert timestamps == [1000, 1000 + 0xFFFF, 1000 + 2 * 0xFFFF]
    packets = [
        (timestamp, packet.payload[0], packet.end, int.from_bytes(packet.payload[2:], "big"))
        for timestamp, packet in sent
    ]
    last = packets[-1]
    assert last[0] + last[3] == 1000 + 4 * 48000
    assert [packet for packet in packets if packet[3] == 0xFFFF] != []
    assert receive_all(packets) == ["9"]


@pytest.mark.parametrize("digits", ["12a?", "é", "1 2"])
def test_refuses_what_is_no_key(digits: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        DigitSender(digits, RATE)


def test_every_key_survives_loss_doubling_and_reordering() -> None:
    rng = random.Random(7)
    for _ in range(50):
        digits = "".join(rng.choices(KEYS, k=10))
        wire: list[tuple[float, int, bytes]] = []
        for number, (timestamp, packet) in enumerate(send_all(digits)):
            for _ in range(rng.choice((0, 1, 1, 1, 2))):
                wire.append((number + rng.uniform(0, 1.5), timestamp, packet.payload))
        survivors = {timestamp for _, timestamp, _ in wire}
        expected = [
            key
            for timestamp, key in zip(
                sorted({timestamp for timestamp, _ in send_all(digits)}), digits, strict=True
            )
            if timestamp in survivors
        ]
        receiver, now, keys = DigitReceiver(RATE), 0, []
        for _, timestamp, payload in sorted(wire):
            keys += [receiver.receive_payload(timestamp, payload, now)]
            now += FRAME
        keys += [receiver.poll(now + n * FRAME) for n in range(20)]
        assert [key for key in keys if key] == expected
