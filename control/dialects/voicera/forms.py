"""How it answers: success and error forms, codes, ids."""

from typing import Any

import msgspec

from ...auth.errors import TokenExpired, WrongPassword
from ...errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    TooSlow,
    Unauthorized,
    Unavailable,
    Unprocessable,
    Unsupported,
)
from ...http.openapi_schemas import Json
from ..dialect import AnyRow, Refusals, Refused, Said
from ..identifiers import Uuids
from ..moments import Moment, seconds

IDS = Uuids()
INVALID = Said("VALIDATION_001", "Validation failed")
UNFIT = Said("VALIDATION_001", "Validation failed", 400)
"Fields of a body are its client's fault as parameters are: 400."
REFUSALS: Refusals = {
    WrongPassword: Said("AUTH_001", "Invalid credentials"),
    TokenExpired: Said("AUTH_002", "Token expired"),
    Unauthorized: Said("AUTH_003", "Token invalid"),
    Forbidden: Said("AUTH_004", "Permission denied"),
    NotFound: Said("RESOURCE_001", "Not found"),
    Gone: Said("RESOURCE_001", "Not found", 404),
    Conflict: Said("RESOURCE_002", "Conflict"),
    Unprocessable: UNFIT,
    BadRequest: INVALID,
    TooLarge: INVALID,
    TooSlow: INVALID,
    Unsupported: INVALID,
    TooManyRequests: Said("RATE_001", "Too many requests"),
    Unavailable: Said("SERVER_002", "Service unavailable"),
    Problem: Said("SERVER_001", "Internal server error"),
}
NO_AGENT = Said("AGENT_001", "Agent not found", 404)
FIELDS = {"agent_id": NO_AGENT}
NAMES = {"numbers": "phone_numbers", "max_concurrent": "max_concurrent_calls"}


class ErrorDetails(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    message: str
    details: str


class ErrorBody(msgspec.Struct, frozen=True):
    """A refusal."""

    success: bool
    data: None
    error: ErrorDetails
    timestamp: Moment


def success(row: AnyRow, value: Any, wall: float) -> Any:
    """The fields, and the envelope with them in `data`. Lists are bare: they have no room for it.

    The document has both, the envelope in its words and the bare fields in all its examples.
    """
    if isinstance(value, list):
        return value
    bare = msgspec.to_builtins(value)
    return bare | {"success": True, "data": bare, "error": None, "timestamp": seconds(wall)}


def success_schema(row: AnyRow, inner: Json | None) -> Json:
    """The same as a schema."""
    assert inner is not None, "all but 204 and files have a body"
    if inner.get("type") == "array":
        return inner
    envelope: Json = {
        "success": {"const": True},
        "data": inner,
        "error": {"type": "null"},
        "timestamp": {"type": "string", "format": "date-time"},
    }
    whole = {"type": "object", "required": list(envelope), "properties": envelope}
    return {"allOf": [inner, whole]}


def error(refused: Refused) -> ErrorBody:
    """{success, data, error: {code, message, details}, timestamp}."""
    details = ErrorDetails(refused.code, refused.message, refused.detail)
    return ErrorBody(False, None, details, seconds(refused.wall))
