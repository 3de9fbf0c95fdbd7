"""What can go wrong with samples and packets.

CodecError              the bytes or samples cannot be coded or decoded
├── CodecUnavailable    the codec's library is not on this machine
└── WavError            a WAV file is broken, or of a kind that is not read here
"""


class CodecError(Exception):
    """Root of this folder's errors; `codec` names the format, `what` the fault."""

    def __init__(self, codec: str, what: str) -> None:
        super().__init__(codec, what)
        self.codec = codec
        self.what = what

    def __str__(self) -> str:
        return f"{self.codec}: {self.what}"


class CodecUnavailable(CodecError):
    """The codec's library was not found; `what` lists where it was looked for."""


class WavError(CodecError):
    """A WAV file cannot be read or written; tells the field and its offset in bytes."""

    def __init__(self, field: str, offset: int, what: str) -> None:
        super().__init__("WAV", what)
        self.field = field
        self.offset = offset

    def __str__(self) -> str:
        return f"WAV: {self.field} at byte {self.offset}: {self.what}"
