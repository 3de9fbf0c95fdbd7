"""What can go wrong with SIP messages, by who is to blame.

SipError
├── LocalError          we were asked to send what must never go out
└── MalformedMessage    the peer sent what cannot be understood
    └── MalformedRequest    a request that can be answered nevertheless (message.py)
"""


class SipError(Exception):
    """Root of this folder's errors. `code` is stable and machine readable."""

    code = "sip_error"
    retryable = False


class LocalError(SipError):
    """A value of ours cannot be put on the wire (CR or LF in a header, a bad method name)."""

    code = "sip_local_error"

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what, where)
        self.what = what
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class MalformedMessage(SipError):
    """A message, or one value in it, that breaks the grammar of RFC 3261 §25.

    `where` is the header's name, "start line" or an offset. `status_hint` is the status a UAS
    should answer with, None for responses and for what is no SIP at all (drop it).
    """

    code = "sip_malformed"

    def __init__(self, what: str, where: str, status_hint: int | None = None) -> None:
        super().__init__(what, where, status_hint)
        self.what = what
        self.where = where
        self.status_hint = status_hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
