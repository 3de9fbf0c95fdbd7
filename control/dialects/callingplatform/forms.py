"""How it answers: success and error forms, codes, ids, pages."""

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
from ...store.rows import Page
from ..dialect import AnyRow, Refusals, Refused, Said
from ..identifiers import PrefixedTokens
from ..paging import MAX_LIMIT, pages_of, total_of

BASE = "/api/v1"
IDS = PrefixedTokens(
    {
        "account": "user",
        "agent": "agent",
        "number": "phone",
        "call": "call",
        "retry": "call",
        "schedule": "schedule",
        "import": "import",
        "document": "doc",
    }
)
INVALID = Said("VALIDATION_ERROR", "Request validation failed")
REFUSALS: Refusals = {
    WrongPassword: Said("INVALID_CREDENTIALS", "Invalid email or password"),
    TokenExpired: Said("TOKEN_EXPIRED", "Authentication token has expired"),
    Unauthorized: Said("UNAUTHORIZED", "Authentication required"),
    Forbidden: Said("FORBIDDEN", "Insufficient permissions"),
    NotFound: Said("NOT_FOUND", "Resource not found"),
    Gone: Said("NOT_FOUND", "Resource not found", 404),
    Conflict: Said("DUPLICATE_RESOURCE", "Resource already exists"),
    Unprocessable: INVALID,
    BadRequest: INVALID,
    TooManyRequests: Said("RATE_LIMIT_EXCEEDED", "Too many requests, please try again later"),
    Unavailable: Said("SERVICE_UNAVAILABLE", "Service temporarily unavailable"),
    TooLarge: INVALID,
    TooSlow: INVALID,
    Unsupported: INVALID,
    Problem: Said("INTERNAL_SERVER_ERROR", "An internal error occurred"),
}
INVALID_PHONE = Said("INVALID_PHONE_NUMBER", "Phone number format is invalid")
INVALID_AGENT = Said("INVALID_AGENT_ID", "Agent not found")
FIELDS = {"toPhone": INVALID_PHONE, "phoneNumber": INVALID_PHONE, "agentId": INVALID_AGENT}
NAMES = {
    "to": "toPhone",
    "to_number": "toPhone",
    "number": "phoneNumber",
    "agent_id": "agentId",
    "scheduled_for": "scheduledFor",
    "bucket": "groupBy",
    "first_name": "name",
    "last_name": "name",
    "recurrence.time": "time",
    "recurrence.timezone": "timezone",
    "recurrence.start_date": "startDate",
    "recurrence.end_date": "endDate",
}
NOT_NOW: Refusals = {Conflict: Said("VALIDATION_ERROR")}
"For what cannot be done to a thing as it is, and has nothing to do with another one."


def name_of(field: str) -> str:
    """`agent_id` is agentId, and `id` is _id."""
    first, *others = field.split("_")
    return "_id" if field == "id" else first + "".join(part.capitalize() for part in others)


class Shown(msgspec.Struct, frozen=True, kw_only=True, rename=name_of):
    """What is shown, or sent, under its names."""


class ErrorDetails(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    details: str


class ErrorBody(msgspec.Struct, frozen=True):
    """A refusal."""

    success: bool
    message: str
    error: ErrorDetails


class Pagination(Shown, frozen=True):
    """Which page of how many."""

    total: int
    page: int
    limit: int
    pages: int


def success(row: AnyRow, value: Any, wall: float) -> Any:
    """{success, message?, data?}."""
    body: dict[str, Any] = {"success": True}
    if row.message:
        body["message"] = row.message
    if value is not None:
        body["data"] = value
    return body


def success_schema(row: AnyRow, inner: Json | None) -> Json:
    """The same as a schema."""
    properties: Json = {"success": {"const": True}}
    if row.message:
        properties["message"] = {"type": "string"}
    if inner is not None:
        properties["data"] = inner
    return {"type": "object", "required": list(properties), "properties": properties}


def error(refused: Refused) -> ErrorBody:
    """{success, message, error: {code, details}}."""
    details = ErrorDetails(refused.code, IDS.told(refused.detail))
    return ErrorBody(False, IDS.told(refused.message), details)


def pagination(page: Page, number: int, limit: int) -> Pagination:  # type: ignore[type-arg]
    """Of a list; the limit is the one that was kept."""
    total = total_of(page)
    size = min(limit, MAX_LIMIT)
    return Pagination(total=total, page=number, limit=size, pages=pages_of(total, limit))
