"""A dialect: an older API as tables. What its clients send and get, under its own names.

It keeps nothing and decides nothing: its handlers ask the services. How the tables are served is in
speaking.py; how refusals are told, in refusing.py.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from ..errors import FieldError, Problem
from ..http.openapi_schemas import Json
from ..http.route import Asked, BodyT, QueryT, Route
from .identifiers import Ids


class Said(msgspec.Struct, frozen=True):
    """How a refusal is told."""

    code: str
    "The dialect's own."
    message: str | None = None
    "None: what the problem says."
    status: int | None = None
    "None: the problem's."


Refusals = dict[type[Problem], Said]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, as a dialect's error form takes it."""

    status: int
    code: str
    message: str
    detail: str
    "More of it, in words: the fields at fault, or what the problem says."
    errors: tuple[FieldError, ...]
    "By the dialect's names; `reading.REQUIRED` is the message of one that is missing."
    wall: float
    request_id: str
    retry_after_s: float | None
    about: msgspec.Struct | None = None
    "What it is about as a value, where the services tell it."


class Rate(msgspec.Struct, frozen=True):
    """So many requests in a window that begins with the first one."""

    limit: int
    window_s: float
    in_bytes: bool = False
    "Not requests are counted, but what they send."


@dataclasses.dataclass(frozen=True, slots=True)
class Row(Route[QueryT, BodyT]):
    """One operation, at `path` below the dialect's prefix; a slash at its end makes no difference.

    The parts of its path are called by what they name (`{agent}`, `{call}`): see identifiers.own.
    """

    handler: Callable[[Asked[QueryT, BodyT]], Awaitable[Any]]
    "Returns a Struct, a list of them, None, or a response of its own."
    _: dataclasses.KW_ONLY
    returns: Any = None
    "The type of that."
    message: str = ""
    "What the success form says of it, where it says something."
    refusals: Refusals = dataclasses.field(default_factory=dict)
    "Where this operation tells them in its own way."
    aliases: tuple[str, ...] = ()
    "Other paths that it is served at."
    form: type[msgspec.Struct] | None = None
    "What a form with a file has beside it; for the documentation."
    example: Any = None
    "A body, for the collection of requests."
    last: bool = False
    "In the collection it comes last, as DELETEs do: others cannot be asked after it."


AnyRow = Row[Any, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """An older API."""

    name: str
    "Its prefix, its audience, its section of the configuration."
    title: str
    about: str
    rows: tuple[AnyRow, ...]
    ids: Ids
    success: Callable[[AnyRow, Any, float], Any]
    "Its success form: of a row, what its handler returned, and the moment."
    success_schema: Callable[[AnyRow, Json | None], Json]
    "The same for the documentation: of the schema of what is returned."
    error: Callable[[Refused], msgspec.Struct]
    "Its error form."
    error_type: type[msgspec.Struct]
    refusals: Refusals
    "By the nearest class; `Problem` must be there, and stands for faults of ours."
    fields: Mapping[str, Said] = dataclasses.field(default_factory=dict)
    "Fields (by the dialect's names) that have codes of their own when they are all that is wrong."
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    "The services' field -> the dialect's."
    rates: Mapping[str, Rate] = dataclasses.field(default_factory=dict)
    "By class (`Route.rate`); `api` among them. None at all: nobody is limited."
    scheme: str = "Bearer"
    "Of its Authorization header."
    key_header: str = ""
    "A header that may have a key instead."
    base: str = ""
    "What its clients have in their base URL, below the prefix."
