"""Server-sent events (WHATWG HTML §9.2.6): bytes of a stream in, the data of events out. Core.

Not here: what the data means, and reconnecting: an answer that breaks off is asked for anew.
"""

MAX_EVENT_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"


class EventTooLong(Exception):
    """More than MAX_EVENT_BYTES and no end: this is no stream of events."""


class EventStream:
    """`push` what has come, however it was cut."""

    def __init__(self) -> None:
        self._rest = b""
        "A line that is not complete."
        self._data: list[bytes] = []
        "The data lines of the event so far."
        self._size = 0
        self._begun = False

    def push(self, data: bytes) -> list[bytes]:
        """The data of each event that is complete now. Raises EventTooLong."""
        if not self._begun:
            data = self._without_bom(data)
        data = self._rest + data
        # A CR at the end may be half of a CRLF: it waits for what follows.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
        self._rest = data[end:]
        if len(self._rest) + self._size > MAX_EVENT_BYTES:
            raise EventTooLong
        return [
            event for line in data[:end].splitlines() if (event := self._line(line)) is not None
        ]

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            event = b"\n".join(self._data) if self._data else None
            self._data, self._size = [], 0
            return event
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._size += len(value) + 1
            if self._size > MAX_EVENT_BYTES:
                raise EventTooLong
            self._data.append(value)
        return None  # comments, and fields that nobody here needs

    def _without_bom(self, data: bytes) -> bytes:
        data, self._rest = self._rest + data, b""
        self._begun = len(data) >= len(BOM) or not BOM.startswith(data)
        return data.removeprefix(BOM) if self._begun else self._kept(data)

    def _kept(self, data: bytes) -> bytes:
        self._rest = data
        return b""
