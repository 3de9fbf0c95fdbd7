"""Why a call ended: SIP status, Q.850 cause and the Reason header (RFC 3326), and our own words.

Not here: when it ends; see session.py.
"""

from collections.abc import Iterable

import msgspec

from ...media.ports import HangUpCause
from .errors import MalformedMessage
from .grammar import find_parameter, is_token, quote, read_parameters, split_list

_MAX_CAUSE_DIGITS = 3
_WHERE = "Reason"

CAUSE_OF_STATUS: dict[int, HangUpCause] = {
    404: HangUpCause.NOT_FOUND,
    408: HangUpCause.NO_ANSWER,
    410: HangUpCause.NOT_FOUND,
    480: HangUpCause.NO_ANSWER,
    484: HangUpCause.NOT_FOUND,
    486: HangUpCause.BUSY,
    487: HangUpCause.CANCELLED,
    503: HangUpCause.OVERLOADED,
    600: HangUpCause.BUSY,
    603: HangUpCause.DECLINED,
    604: HangUpCause.NOT_FOUND,
    607: HangUpCause.DECLINED,
}
CAUSE_OF_Q850: dict[int, HangUpCause] = {
    1: HangUpCause.NOT_FOUND,
    3: HangUpCause.NETWORK,
    16: HangUpCause.NORMAL,
    17: HangUpCause.BUSY,
    18: HangUpCause.NO_ANSWER,
    19: HangUpCause.NO_ANSWER,
    21: HangUpCause.DECLINED,
    27: HangUpCause.NETWORK,
    28: HangUpCause.NOT_FOUND,
    31: HangUpCause.NORMAL,
    34: HangUpCause.OVERLOADED,
    38: HangUpCause.NETWORK,
    41: HangUpCause.NETWORK,
    42: HangUpCause.OVERLOADED,
    102: HangUpCause.NETWORK,
}
STATUS_OF_CAUSE: dict[HangUpCause, int] = {
    HangUpCause.NORMAL: 603,
    HangUpCause.BUSY: 486,
    HangUpCause.NO_ANSWER: 480,
    HangUpCause.DECLINED: 603,
    HangUpCause.CANCELLED: 480,
    HangUpCause.NOT_FOUND: 404,
    HangUpCause.OVERLOADED: 503,
    HangUpCause.MEDIA_LOST: 500,
    HangUpCause.NETWORK: 500,
    HangUpCause.CRASH: 500,
    HangUpCause.ERROR: 500,
}
"What an unanswered call is refused with."
Q850_OF_CAUSE: dict[HangUpCause, tuple[int, str]] = {
    HangUpCause.NORMAL: (16, "Normal call clearing"),
    HangUpCause.BUSY: (17, "User busy"),
    HangUpCause.NO_ANSWER: (19, "No answer from user"),
    HangUpCause.DECLINED: (21, "Call rejected"),
    HangUpCause.CANCELLED: (16, "Normal call clearing"),
    HangUpCause.NOT_FOUND: (1, "Unallocated number"),
    HangUpCause.OVERLOADED: (42, "Switching equipment congestion"),
    HangUpCause.MEDIA_LOST: (102, "No media received"),
    HangUpCause.NETWORK: (38, "Network out of order"),
    HangUpCause.CRASH: (41, "Temporary failure"),
    HangUpCause.ERROR: (127, "Interworking, unspecified"),
}
"What a BYE or CANCEL of ours says, ITU-T Q.850."


class Reason(msgspec.Struct, frozen=True):
    """One value of a Reason header."""

    protocol: str
    "`SIP`, `Q.850` or another."
    cause: int | None = None
    text: str | None = None

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{text}"


def parse_reasons(values: Iterable[str]) -> list[Reason]:
    """All reasons of the header's lines; what breaks the grammar is left out."""
    reasons: list[Reason] = []
    for value in values:
        try:
            items = split_list(value, _WHERE)
        except MalformedMessage:
            continue
        reasons += [reason for item in items if (reason := _parse(item)) is not None]
    return reasons


def _parse(text: str) -> Reason | None:
    protocol, semicolon, rest = text.partition(";")
    protocol = protocol.strip()
    try:
        parameters = read_parameters(rest, _WHERE) if semicolon else ()
    except MalformedMessage:
        return None
    if not is_token(protocol):
        return None
    digits = find_parameter(parameters, "cause") or ""
    known = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_CAUSE_DIGITS
    return Reason(protocol, int(digits) if known else None, find_parameter(parameters, "text"))


def q850_of(reasons: Iterable[Reason]) -> int | None:
    """The first Q.850 cause among them."""
    return next((r.cause for r in reasons if r.protocol.upper() == "Q.850"), None)


def reason_for(cause: HangUpCause) -> Reason:
    """What we tell the far end when we end a call."""
    number, text = Q850_OF_CAUSE[cause]
    return Reason("Q.850", number, text)


def cause_of_status(status: int) -> HangUpCause:
    """Our word for a final SIP status that is no success."""
    return CAUSE_OF_STATUS.get(status, HangUpCause.ERROR)


def cause_of_reasons(reasons: list[Reason], default: HangUpCause) -> HangUpCause:
    """Our word for what a BYE, CANCEL or failure says of itself; Q.850 knows most."""
    for reason in sorted(reasons, key=lambda reason: reason.protocol.upper() != "Q.850"):
        if reason.cause is None:
            continue
        if reason.protocol.upper() == "Q.850":
            return CAUSE_OF_Q850.get(reason.cause, default)
        if reason.protocol.upper() == "SIP" and reason.cause >= 300:
            return CAUSE_OF_STATUS.get(reason.cause, default)
    return default
