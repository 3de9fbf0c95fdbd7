"""What can go wrong at the edge, by who is to blame.

ControlError
├── ConfigError        the owner's configuration: a key, its value, where it came from
│   └── ConfigErrors   several of them, told together
├── UsageError         what was typed on the command line
├── StartError         the machine refuses: a port is taken, a folder cannot be written
├── StoreError         the disk, or what lies on it
└── Problem            an HTTP request's fault (RFC 9457); a `status` and a stable `code`
    ├── BadRequest         a parameter is wrong
    ├── Unauthorized       no token, or a wrong one
    ├── Forbidden          the token is right, but not for this
    ├── NotFound           no such thing
    ├── TooSlow            the body did not come in time
    ├── Conflict           not in this state
    │   └── StillAnswering     a request with that Idempotency-Key is being answered
    ├── Gone               it was there, and will not come back
    ├── TooLarge           the body is over the limit
    ├── Unsupported        the body is of a type that is not read here
    ├── Unprocessable      fields whose values cannot be, told together
    │   └── KeyUsedBefore      the Idempotency-Key belongs to another request
    ├── TooManyRequests    more than the limit, or than a login bears
    └── Unavailable        the server has no room for it now
"""

from collections.abc import Sequence
from typing import ClassVar

import msgspec


class ControlError(Exception):
    """Root of this folder's errors. `exit_code` is what the command line ends with."""

    code: ClassVar[str] = "control_error"
    exit_code: ClassVar[int] = 1


class ConfigError(ControlError):
    """One key of the configuration is wrong.

    `key` is dotted (`http.port`), `value` is as written (`***` for secrets, empty when there is
    none), `source` is `file:line` or the name of an environment variable, `expected` is what is
    allowed there.
    """

    code = "bad_configuration"
    exit_code = 2

    def __init__(self, key: str, value: str, source: str, expected: str) -> None:
        super().__init__(key, value, source, expected)
        self.key = key
        self.value = value
        self.source = source
        self.expected = expected

    def __str__(self) -> str:
        shown = f"{self.key} = {self.value}" if self.value else self.key
        return f"{self.source}: {shown}: {self.expected}"


class ConfigErrors(ConfigError):
    """Everything that is wrong with the configuration, told at once."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(first.key, first.value, first.source, first.expected)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "; ".join(str(error) for error in self.errors)


class UsageError(ControlError):
    """The command line asks for something that cannot be; `what` names the argument."""

    code = "bad_usage"
    exit_code = 2

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class StartError(ControlError):
    """The server cannot start; `what` is refused because of `why`."""

    code = "cannot_start"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what, why)
        self.what = what
        self.why = why

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class StoreError(ControlError):
    """Something on disk cannot be read or written."""

    code = "store_failed"

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class FieldError(msgspec.Struct, frozen=True):
    """One field of a request and what is wrong with it."""

    field: str
    "Dotted where it lies deeper: `voice.rate`."
    message: str


class Problem(ControlError):
    """What an HTTP client is told when its request cannot be done (RFC 9457)."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    code = "internal_error"
    retry_after_s: float | None = None
    "When it is worth another try (RFC 9110 §10.2.3); None: it is not a question of time."
    errors: tuple[FieldError, ...] = ()
    "All fields at fault, where there are several."
    about: msgspec.Struct | None = None
    "What it is about as a value, for APIs that tell it so."

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        "The parameter at fault."


class BadRequest(Problem):
    """A parameter has a value that is not allowed."""

    status = 400
    title = "Bad request"
    code = "bad_request"


class Unauthorized(Problem):
    """No token, or not the right one."""

    status = 401
    title = "Unauthorized"
    code = "unauthorized"


class Forbidden(Problem):
    """It is known who asks, and they may not."""

    status = 403
    title = "Forbidden"
    code = "forbidden"


class NotFound(Problem):
    """There is no such thing."""

    status = 404
    title = "Not found"
    code = "not_found"


class TooSlow(Problem):
    """The request's body did not come in time."""

    status = 408
    title = "Request timeout"
    code = "request_timeout"


class Conflict(Problem):
    """It exists, but this cannot be done to it now."""

    status = 409
    title = "Conflict"
    code = "conflict"


class OnOtherNode(Conflict):
    """The call is in progress on another node: only that one can do something to it."""

    code = "on_other_node"

    def __init__(self, call_id: str, node: str) -> None:
        super().__init__(f"call {call_id} is in progress on node {node!r}: ask that one")
        self.node = node


class StillAnswering(Conflict):
    """A request with this Idempotency-Key is being answered."""

    code = "idempotency_in_progress"
    retry_after_s = 1.0


class Gone(Problem):
    """It was there, and will not come back; the detail says why."""

    status = 410
    title = "Gone"
    code = "gone"


class TooLarge(Problem):
    """The request body is over the limit."""

    status = 413
    title = "Content too large"
    code = "too_large"


class Unsupported(Problem):
    """The body is of a type that is not read here."""

    status = 415
    title = "Unsupported media type"
    code = "unsupported_media_type"


class Unprocessable(Problem):
    """The body can be read, but values in it are not allowed; `errors` has all of them."""

    status = 422
    title = "Unprocessable content"
    code = "unprocessable"

    def __init__(self, detail: str, errors: Sequence[FieldError]) -> None:
        super().__init__(detail, field=errors[0].field if len(errors) == 1 else None)
        self.errors = tuple(errors)


class KeyUsedBefore(Unprocessable):
    """The Idempotency-Key belongs to another request."""

    code = "idempotency_mismatch"


class TooManyRequests(Problem):
    """Over a limit; in `retry_after_s` seconds the next one is let through."""

    status = 429
    title = "Too many requests"
    code = "too_many_requests"

    def __init__(self, detail: str, retry_after_s: float) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(Problem):
    """The server has no room for this now; `retry_after_s` is a guess."""

    status = 503
    title = "Service unavailable"
    code = "unavailable"

    def __init__(self, detail: str, retry_after_s: float) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
