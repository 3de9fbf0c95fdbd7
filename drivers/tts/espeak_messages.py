"""What the synthesizer and its worker process say to each other."""

import msgspec


class Speak(msgspec.Struct, frozen=True, tag="speak", array_like=True):
    """Synthesize a text; pieces follow, then Spoken."""

    job: int
    text: str
    rate_hz: int
    voice: str
    speed: float


class Cancel(msgspec.Struct, frozen=True, tag="cancel", array_like=True):
    """Nobody listens to this job any more, begun or not."""

    job: int


AnyOrder = Speak | Cancel


class Ready(msgspec.Struct, frozen=True, tag="ready", array_like=True):
    """The library is loaded."""


class Word(msgspec.Struct, frozen=True, tag="word", array_like=True):
    """A word begins at a sample, counted at the requested rate."""

    job: int
    word: str
    begin_samples: int
    text_end: int


class Audio(msgspec.Struct, frozen=True, tag="audio", array_like=True):
    """int16 LE mono at the requested rate."""

    job: int
    pcm: bytes


class Spoken(msgspec.Struct, frozen=True, tag="spoken", array_like=True):
    """The job is complete, or was cancelled."""

    job: int


class Refused(msgspec.Struct, frozen=True, tag="refused", array_like=True):
    """The job cannot be done; it would fail again."""

    job: int
    what: str


AnyReport = Ready | Word | Audio | Spoken | Refused

encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(AnyOrder).decode
decode_report = msgspec.msgpack.Decoder(AnyReport).decode
