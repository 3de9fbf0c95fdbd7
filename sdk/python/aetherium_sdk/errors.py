"""What can go wrong.

AetheriumError
├── ConnectionFailed         no answer came: the network, or no server there
├── UnreadableAnswer         an answer came that is none of this API's
└── ApiError                 the server refused, and said why
    ├── ValidationFailed         400
    ├── AuthenticationRequired   401
    ├── PermissionDenied         403
    ├── NotFound                 404
    ├── RateLimited              429
    └── ServerFailed             500 and above
"""

import json
from collections.abc import Mapping


class AetheriumError(Exception):
    """Anything that this package raises on purpose."""


class ConnectionFailed(AetheriumError):
    """No answer came; whether the server took the request is not known."""


class UnreadableAnswer(AetheriumError):
    """What answered does not speak this API."""


class ApiError(AetheriumError):
    """The server refused a request."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        error_code: str | None = None,
        request_id: str | None = None,
        timestamp: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        "HTTP status."
        self.detail = detail
        "What is wrong, in words."
        self.error_code = error_code
        "`VALIDATION_ERROR`, `RESOURCE_NOT_FOUND`, …; None where it is not the API that refused."
        self.request_id = request_id
        "What the server's log calls this request."
        self.timestamp = timestamp
        "When it was refused, ISO 8601."
        self.retry_after_s = retry_after_s
        "Seconds until another try can succeed, where the server told them."

    def __str__(self) -> str:
        code = f" {self.error_code}" if self.error_code else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status}{code}: {self.detail}{request}"


class ValidationFailed(ApiError):
    """400: a field is missing or wrong; `detail` names it."""


class AuthenticationRequired(ApiError):
    """401: the key is missing, wrong, or no longer good."""


class PermissionDenied(ApiError):
    """403: the key's account may not do this, or has used up what its tier includes."""


class NotFound(ApiError):
    """404: it does not exist, or is not this account's."""


class RateLimited(ApiError):
    """429: too many requests; `retry_after_s` says when to ask again."""


class ServerFailed(ApiError):
    """5xx: the server could not do it now."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: ValidationFailed,
    401: AuthenticationRequired,
    403: PermissionDenied,
    404: NotFound,
    429: RateLimited,
}


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error that an answer with this status means, whatever its body is."""
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else ApiError)
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {}

    names = {name.lower(): value for name, value in headers.items()}

    def text(name: str) -> str | None:
        value = told.get(name)
        return value if isinstance(value, str) else None

    return kind(
        status,
        text("detail") or f"refused with status {status}",
        error_code=text("error_code"),
        request_id=text("request_id") or names.get("x-request-id"),
        timestamp=text("timestamp"),
        retry_after_s=_seconds(names.get("retry-after")),
    )


def _seconds(text: str | None) -> float | None:
    """Of a Retry-After header; None for its other form, a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
