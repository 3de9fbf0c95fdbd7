"""What calls come in by and go out by, as it is now. Not stored: it is the server's own state."""

import enum

import msgspec


class LineKind(enum.Enum):
    """What a line is."""

    SIP_ACCOUNT = "sip_account"
    SIP_TRUNK = "sip_trunk"
    LOOPBACK = "loopback"
    "A simulated far end: its calls cost nothing and reach nobody."
    MODEM = "modem"


class LineState(enum.Enum):
    """Whether a line can be used."""

    READY = "ready"
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    FAILED = "failed"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is now."""

    name: str
    kind: LineKind
    state: LineState
    reason: str = ""
    "Why it is not ready, in words."
    max_calls: int | None = None
    "None: as many as the server takes."
    in_use: int = 0
    can_call_out: bool = False
    simulated: bool = False
    address: str = ""
    "Its registrar or carrier; empty where there is none."
    number: str = ""
    "Of a modem, where it is known."

    @property
    def is_usable(self) -> bool:
        """Whether calls by it have a chance now."""
        return self.state in (LineState.READY, LineState.REGISTERED)
