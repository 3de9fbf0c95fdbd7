"""What can go wrong with session descriptions, by who is to blame.

SdpError
├── LocalError             we were asked to write what would break out of its line
├── MalformedDescription   the peer's text is no SDP
└── OfferRefused           it is, but it cannot be agreed to
"""


class SdpError(Exception):
    """Root of this folder's errors. `code` is stable and machine readable."""

    code = "sdp_error"
    retryable = False


class LocalError(SdpError):
    """A value of ours cannot be written."""

    code = "sdp_local_error"


class MalformedDescription(SdpError):
    """Text that breaks RFC 8866 §9; `line` counts from 1."""

    code = "sdp_malformed"

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what, line)
        self.what = what
        self.line = line

    def __str__(self) -> str:
        return f"SDP line {self.line}: {self.what}"


class OfferRefused(SdpError):
    """An offer or answer that cannot be agreed to. `status` is the SIP answer to an offer: 488, or
    400 where the description cannot be read."""

    code = "offer_refused"

    def __init__(self, what: str, status: int = 488) -> None:
        super().__init__(what, status)
        self.what = what
        self.status = status

    def __str__(self) -> str:
        return f"{self.what} ({self.status})"
