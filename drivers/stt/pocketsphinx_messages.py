"""What the transcriber and its worker processes say to each other."""

import msgspec


class Open(msgspec.Struct, frozen=True, tag="open", array_like=True):
    """A stream begins; Opened or Refused follows."""

    stream: int
    rate_hz: int
    phrases: tuple[str, ...]


class Begin(msgspec.Struct, frozen=True, tag="begin", array_like=True):
    """An utterance of a turn begins; the same turn as before goes on."""

    stream: int
    turn: int


class Push(msgspec.Struct, frozen=True, tag="push", array_like=True):
    """Audio of the utterance, int16 LE mono."""

    stream: int
    pcm: bytes


class End(msgspec.Struct, frozen=True, tag="end", array_like=True):
    """The utterance is over; one Final follows."""

    stream: int
    turn: int


class Cancel(msgspec.Struct, frozen=True, tag="cancel", array_like=True):
    """Forget the turn."""

    stream: int
    turn: int


class Close(msgspec.Struct, frozen=True, tag="close", array_like=True):
    """The stream is gone."""

    stream: int


AnyOrder = Open | Begin | Push | End | Cancel | Close


class Ready(msgspec.Struct, frozen=True, tag="ready", array_like=True):
    """The models are loaded."""


class Opened(msgspec.Struct, frozen=True, tag="opened", array_like=True):
    """The stream's grammar is made."""

    stream: int


class Refused(msgspec.Struct, frozen=True, tag="refused", array_like=True):
    """The stream's grammar has words that cannot be pronounced."""

    stream: int
    words: tuple[str, ...]


class Interim(msgspec.Struct, frozen=True, tag="interim", array_like=True):
    """Words so far."""

    stream: int
    turn: int
    text: str


class Final(msgspec.Struct, frozen=True, tag="final", array_like=True):
    """Words of the whole turn."""

    stream: int
    turn: int
    text: str
    confidence: float
    rejected: bool


AnyReport = Ready | Opened | Refused | Interim | Final

encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(AnyOrder).decode
decode_report = msgspec.msgpack.Decoder(AnyReport).decode
