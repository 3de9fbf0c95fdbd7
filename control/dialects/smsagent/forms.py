"""How it answers: bare bodies, errors with fields, ids, pages with links.

Its clients are staff, and its product has no owners: what they make is the operator's, and they
see what everybody has.
"""

import math
import re
from typing import Any, Literal, TypeAlias

import msgspec

from ...auth.errors import WrongPassword
from ...auth.rate_limits import LimitUsedUp
from ...domain.messages import Contact
from ...errors import (
    BadRequest,
    Conflict,
    FieldError,
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
from ...http.route import Asked
from ...messages.twilio_hook import number_of
from ...services.contacts import TIERS
from ...store.rows import Page
from ..dialect import AnyRow, Refusals, Refused, Said
from ..identifiers import Numbers
from ..moments import Moment, seconds
from ..paging import total_of
from ..reading import REQUIRED

BASE = "/api"
IDS = Numbers()
INVALID = "validation_error"
UNFIT = "The provided data is invalid"
LIMIT = 1000
WINDOW_S = 3600.0
"""So many requests of an account, or an address, in so many seconds."""
REFUSALS: Refusals = {
    WrongPassword: Said(INVALID, "Unable to log in with provided credentials.", 400),
    Unauthorized: Said("not_authenticated", "Authentication credentials are missing or invalid"),
    Forbidden: Said("permission_denied", "You do not have permission to perform this action"),
    NotFound: Said("not_found", "Not found"),
    Conflict: Said(INVALID, None, 400),
    Unprocessable: Said(INVALID, None, 400),
    BadRequest: Said(INVALID),
    TooLarge: Said(INVALID),
    TooSlow: Said(INVALID),
    Unsupported: Said(INVALID),
    TooManyRequests: Said("Rate limit exceeded"),
    LimitUsedUp: Said(
        "Rate limit exceeded", f"You have exceeded the rate limit of {LIMIT} requests per hour"
    ),
    Unavailable: Said("service_unavailable", "The service is not available now"),
    Problem: Said("internal_error", "An internal error occurred"),
}
NAMES = {
    "to": "phone_number",
    "body": "message",
    "tiers": "tier_filter",
    "from": "From",
}
Tier: TypeAlias = Literal["free", "premium", "enterprise"]
TIER: dict[str, Tier] = {"free": "free", "premium": "premium", "enterprise": "enterprise"}
CHOICES = {"tier": TIERS, "tier_filter": TIERS}
"Fields of which a wrong value is told with the right ones."
OF_NONE = "non_field_errors"
"Where the field would be, of what is none's fault."
_ROOT = re.compile(r"[^.\[]*")
_NO_LETTERS = re.compile(r"[^A-Za-z0-9]")


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal."""

    error: str
    detail: str
    timestamp: Moment
    request_id: str


class InvalidBody(ErrorBody, frozen=True, kw_only=True):
    """A refusal of what was sent."""

    fields: dict[str, list[str]]


class LimitedBody(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal of one request too many."""

    error: str
    detail: str
    retry_after: int
    "Seconds."


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; each list names its items."""

    count: int
    next: str | None
    previous: str | None


def success(row: AnyRow, value: Any, wall: float) -> Any:
    """As it is."""
    return value


def success_schema(row: AnyRow, inner: Json | None) -> Json:
    """The same as a schema."""
    return inner or {}


def error(refused: Refused) -> msgspec.Struct:
    """{error, detail, fields?, timestamp, request_id}; of one request too many, another."""
    if refused.status == 429 and refused.retry_after_s is not None:
        wait_s = math.ceil(refused.retry_after_s)
        return LimitedBody(error=refused.code, detail=refused.message, retry_after=wait_s)
    same = {
        "error": refused.code,
        "timestamp": seconds(refused.wall),
        "request_id": f"req_{_NO_LETTERS.sub('', refused.request_id) or '0'}",
    }
    if refused.code != INVALID:
        return ErrorBody(detail=refused.message, **same)
    return InvalidBody(detail=UNFIT, fields=_fields(refused), **same)


def sheet(asked: Asked[Any, Any], page: Page, number: int, size: int) -> dict[str, Any]:  # type: ignore[type-arg]
    """Of page `number`, of `size` items: how many there are in all, and where the others are.

    Raises NotFound for a page beyond the last.
    """
    total = total_of(page)
    if number > 1 and not page.items:
        raise NotFound("there is no such page")

    def link(other: int) -> str:
        return str(asked.request.url.update_query(page=str(other)))

    return {
        "count": total,
        "next": link(number + 1) if number * size < total else None,
        "previous": link(number - 1) if number > 1 else None,
    }


def tier_of(contact: Contact) -> Tier:
    """One of its three: others are for the API's own clients to know."""
    return TIER.get(contact.tier, "free")


def asked_number(written: str | None) -> str | None:
    """A parameter that is a number: a plus that nobody has encoded is a space by now."""
    return None if written is None else number_of(written)


def _fields(refused: Refused) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in refused.errors:
        root = _ROOT.match(each.field)
        name = (root[0] if root else "") or OF_NONE
        found.setdefault(name, []).append(_said(name, each))
    return found or {OF_NONE: [refused.message or refused.detail]}


def _said(name: str, wrong: FieldError) -> str:
    if wrong.message == REQUIRED:
        return "This field is required"
    if name in CHOICES and "enum" in wrong.message:
        return f"Must be one of: {', '.join(CHOICES[name])}"
    return wrong.message[:1].upper() + wrong.message[1:]
