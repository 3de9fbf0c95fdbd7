"""How it answers: bare success bodies, its error form, its codes."""

from typing import Annotated, Any

import msgspec

from ...auth.errors import WrongPassword
from ...errors import (
    BadRequest,
    Conflict,
    Forbidden,
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

BASE = "/api/v1"
IDS = Uuids()
INVALID = Said("VALIDATION_ERROR", None, 400)
"Its document has no 409 and no 422: whatever a client sends that cannot be done is 400."
REFUSALS: Refusals = {
    WrongPassword: Said("INVALID_CREDENTIALS", "Invalid email or password"),
    Unauthorized: Said("UNAUTHORIZED"),
    Forbidden: Said("FORBIDDEN"),
    NotFound: Said("NOT_FOUND"),
    Conflict: INVALID,
    Unprocessable: INVALID,
    BadRequest: Said("VALIDATION_ERROR"),
    TooLarge: Said("VALIDATION_ERROR"),
    TooSlow: Said("VALIDATION_ERROR"),
    Unsupported: INVALID,
    TooManyRequests: Said("TOO_MANY_REQUESTS"),
    Unavailable: Said("SERVICE_UNAVAILABLE"),
    Problem: Said("INTERNAL_ERROR", "Internal server error"),
}
NO_BUSINESS = Said("NOT_FOUND", "Business configuration not found", 404)
NO_PERSON = Said("NOT_FOUND", "Agent not found", 404)
FIELDS = {"business_id": NO_BUSINESS, "agent_id": NO_PERSON}
NAMES = {
    "to": "to_number",
    "agent_id": "business_id",
    "human_agent_id": "agent_id",
    "text": "note",
}

Tag = Annotated[str, msgspec.Meta(max_length=100)]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=50)]


class ErrorDetails(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    message: str
    details: dict[str, Any]


class ErrorBody(msgspec.Struct, frozen=True):
    """A refusal."""

    error: ErrorDetails


class DoneView(msgspec.Struct, frozen=True):
    """Something was done, and there is nothing to show of it."""

    success: bool
    message: str


DELETED = DoneView(True, "Deleted successfully")


def success(row: AnyRow, value: Any, wall: float) -> Any:
    """As it is."""
    return value


def success_schema(row: AnyRow, inner: Json | None) -> Json:
    """The same as a schema."""
    return inner or {}


def error(refused: Refused) -> ErrorBody:
    """{error: {code, message, details}}; details has the fields at fault, or what is in use."""
    details: dict[str, Any] = {}
    if refused.about is not None:
        details = msgspec.to_builtins(refused.about)
    elif refused.errors:
        details = {"fields": {each.field: each.message for each in refused.errors}}
    return ErrorBody(ErrorDetails(refused.code, refused.message, details))
