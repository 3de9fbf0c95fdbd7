"""How it answers: bare values, one form of errors, numbers as ids."""

import re
from typing import Any

import msgspec

from ...errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    TooSlow,
    Unauthorized,
    Unprocessable,
    Unsupported,
)
from ...http.openapi_schemas import Json
from ...http.route import Asked
from ...services.access import missing
from ..dialect import AnyRow, Refusals, Refused, Said
from ..identifiers import Numbers
from ..moments import Moment, seconds

IDS = Numbers()
INVALID = Said("VALIDATION_ERROR", "Request validation failed")
UNFIT = Said("VALIDATION_ERROR", "Request validation failed", 400)
"The document has no other code for what cannot be done: neither 409 nor 422."
REFUSALS: Refusals = {
    Unauthorized: Said("AUTHENTICATION_REQUIRED"),
    Forbidden: Said("PERMISSION_DENIED"),
    NotFound: Said("RESOURCE_NOT_FOUND"),
    Conflict: UNFIT,
    Gone: UNFIT,
    Unprocessable: UNFIT,
    BadRequest: INVALID,
    TooLarge: INVALID,
    TooSlow: INVALID,
    Unsupported: INVALID,
    TooManyRequests: Said("RATE_LIMIT_EXCEEDED"),
    Problem: Said("INTERNAL_ERROR"),
}
NAMES = {
    "to": "phone_number",
    "agent_id": "workflow_id",
    "code": "verification_code",
    "first_name": "full_name",
    "last_name": "full_name",
    "card_number": "bank_card_number",
    "account_id": "user_id",
    "tier": "tier_id",
    "period": "payment_period",
    "system_prompt": "prompt_template",
}

WORDS = {"call": "session", "agent": "workflow"}
"The services' word for a kind of things -> this API's."

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]")


class ErrorBody(msgspec.Struct, frozen=True):
    """A refusal."""

    detail: str
    error_code: str
    timestamp: Moment
    request_id: str


class Message(msgspec.Struct, frozen=True):
    """It is done."""

    message: str


def success(row: AnyRow, value: Any, wall: float) -> Any:
    """Bare."""
    return value


def success_schema(row: AnyRow, inner: Json | None) -> Json:
    """Bare."""
    return inner or {}


def error(refused: Refused) -> ErrorBody:
    """{detail, error_code, timestamp, request_id}; all that is wrong is in one text."""
    id_ = request_name(refused.request_id)
    return ErrorBody(refused.detail, refused.code, seconds(refused.wall), id_)


def request_name(request_id: str) -> str:
    """Of letters and digits alone: clients may have named it otherwise."""
    return f"req_{_NOT_PLAIN.sub('', request_id) or '0'}"


def unfit(field: str, message: str) -> Unprocessable:
    """One field is wrong."""
    return Unprocessable(f"{field}: {message}", [FieldError(field, message)])


async def account_in_path(asked: Asked[Any, Any]) -> str:
    """The UUID of the account that the path names: one's own, or any for administrators.

    That somebody else is there is no secret (they are numbered), only what is theirs. Raises
    Forbidden and NotFound.
    """
    text, numbered = asked.path("account"), asked.edge.services.numbered
    if not asked.who.is_admin:
        own = await numbered.seqs_of("account", [asked.who.account_id])
        if not (text.isascii() and text.isdigit()):
            raise missing("user", text)
        if text != str(own.get(asked.who.account_id)):
            raise Forbidden("that is another user's")
        return asked.who.account_id
    found = await IDS.read(asked, "account", text)
    if found is None:
        raise missing("user", text)
    return found


async def own(asked: Asked[Any, Any], kind: str) -> str:
    """The UUID of what the path names. Raises NotFound, in this API's words."""
    text = asked.path(kind)
    found = await IDS.read(asked, kind, text)
    if found is None:
        raise missing(WORDS.get(kind, kind), text)
    return found


async def meant(asked: Asked[Any, Any], kind: str, number: int, name: str) -> str:
    """The UUID of what a body names by its number. Raises NotFound."""
    found = await IDS.read(asked, kind, str(number))
    if found is None:
        raise missing(name, str(number))
    return found


async def number_of(asked: Asked[Any, Any], kind: str, id_: str) -> int:
    """The number of one thing."""
    return (await asked.edge.services.numbered.seqs_of(kind, [id_]))[id_]
