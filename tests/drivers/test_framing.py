import random

import pytest

from offhook.drivers.framing import HEADER, MAX_MESSAGE_BYTES, FramingLost, Unframer, frame


def test_messages_survive_any_cutting() -> None:
    rng = random.Random(3)
    messages = [rng.randbytes(rng.randrange(300)) for _ in range(200)]
    stream = b"".join(map(frame, messages))
    for largest in (1, 5, 1000, len(stream)):
        unframer, got, at = Unframer(), [], 0
        while at < len(stream):
            size = rng.randint(1, largest)
            got += unframer.push(stream[at : at + size])
            at += size
        assert got == messages


def test_an_impossible_length_is_an_error_on_both_sides() -> None:
    with pytest.raises(FramingLost, match="4194305"):
        Unframer().push(HEADER.pack(MAX_MESSAGE_BYTES + 1))
    with pytest.raises(FramingLost):
        frame(bytes(MAX_MESSAGE_BYTES + 1))
