"""What can go wrong with e-mail, by who is to blame.

MailError
├── BadMail        ours: it cannot be written as an e-mail
├── MailRefused    the server says no; `permanent` (5xx) or for now (4xx)
└── MailLost       the way there: no connection, no answer, no encryption
"""


class MailError(Exception):
    """Root. `permanent`: another try would end in the same way."""

    code = "mail_error"
    permanent = False


class BadMail(MailError):
    """It cannot be written as an e-mail; `what` says why."""

    code = "bad_mail"
    permanent = True

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class MailRefused(MailError):
    """The server's reply (RFC 5321 §4.2): its code and words."""

    code = "mail_refused"

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.status = status
        self.words = words

    @property
    def permanent(self) -> bool:  # type: ignore[override]  # of this kind it depends
        """RFC 5321 §4.2.1: 5yz is a permanent negative completion."""
        return 500 <= self.status < 600

    def __str__(self) -> str:
        return f"{self.status} {self.words}"


class MailLost(MailError):
    """The server could not be talked to; `what` says why."""

    code = "mail_lost"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
