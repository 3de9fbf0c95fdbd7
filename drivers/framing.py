"""Messages to and from a worker process: four bytes of length, then msgpack. Sans-IO.

Not here: what the messages are. Each worker has its own tagged union.
"""

import struct

HEADER = struct.Struct("<I")
MAX_MESSAGE_BYTES = 4 << 20
"Two minutes of 16 kHz audio; a longer one means that the two sides have lost step."


class FramingLost(Exception):
    """The other side sent what cannot be a message: the pipe is useless from here on."""

    def __init__(self, length_bytes: int) -> None:
        super().__init__(length_bytes)
        self.length_bytes = length_bytes

    def __str__(self) -> str:
        return f"a message of {self.length_bytes} bytes is announced, {MAX_MESSAGE_BYTES} is most"


def frame(message: bytes) -> bytes:
    """The bytes that go on the pipe for one message."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise FramingLost(len(message))
    return HEADER.pack(len(message)) + message


class Unframer:
    """Cuts a byte stream into messages, however it was split on the way."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def push(self, data: bytes) -> list[bytes]:
        """The messages that are complete now. Raises FramingLost."""
        self._pending += data
        messages: list[bytes] = []
        start = 0
        while len(self._pending) - start >= HEADER.size:
            (length,) = HEADER.unpack_from(self._pending, start)
            if length > MAX_MESSAGE_BYTES:
                raise FramingLost(length)
            end = start + HEADER.size + length
            if len(self._pending) < end:
                break
            messages.append(bytes(self._pending[start + HEADER.size : end]))
            start = end
        del self._pending[:start]
        return messages
