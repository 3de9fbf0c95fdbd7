"""`/v1/numbers`: phone numbers, and who answers them."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import OpenHours
from ...domain.numbers import PhoneNumber
from ...errors import Conflict, Forbidden, NotFound, Unprocessable
from ...services.numbers import NumberFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc
from .agents import given

TAG = "Numbers"

Number = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[+]?[0-9A-Za-z*#][0-9A-Za-z*#()./ _-]{0,63}\Z",
        description="As it is dialled, such as +15550100 or 100; spaces and dashes are left out.",
    ),
]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
Label = Annotated[str, msgspec.Meta(max_length=200)]
LineName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
MaxCalls = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class NumberQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which numbers."""

    is_active: bool | None = None
    agent_id: Id | None = None
    line: LineName | None = None
    search: Label | None = None
    "A part of the number or of its label."
    sort: Literal["created_at", "-created_at", "number", "-number"] = "-created_at"


class NewNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number to be added."""

    number: Number
    label: Label = ""
    agent_id: Id | None = None
    "Who answers; null: the default agent."
    line: LineName | None = None
    "The line that its calls come in and go out by; null: any."
    is_active: bool = True
    "Of one that is not, callers hear that it does not exist."
    open_hours: OpenHours | None = None
    "null: always."
    closed_agent_id: Id | None = None
    "Who answers outside `open_hours`; null: the caller hears busy."
    max_live_calls: MaxCalls | None = None
    "Calls at once; null: as many as the account and the line take."
    account_id: Id | None = None
    "Administrators: whose it is; null: yours."


class NumberChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    number: Number | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    agent_id: Id | None | UnsetType = UNSET
    line: LineName | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    open_hours: OpenHours | None | UnsetType = UNSET
    closed_agent_id: Id | None | UnsetType = UNSET
    max_live_calls: MaxCalls | None | UnsetType = UNSET
    account_id: Id | UnsetType = UNSET
    "Administrators: whose it is from now on; its agents must be that account's."


class NumberView(msgspec.Struct, frozen=True, kw_only=True):
    """A number."""

    id: str
    seq: int
    owner_id: str
    number: str
    label: str
    agent_id: str | None
    line: str | None
    is_active: bool
    open_hours: OpenHours | None
    closed_agent_id: str | None
    max_live_calls: int | None
    from_configuration: bool
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_numbers(asked: Asked[NumberQuery, Nothing]) -> List[NumberView]:
    """Your numbers, newest first."""
    query = asked.query
    wanted = NumberFilter(
        is_active=query.is_active, agent_id=query.agent_id, line=query.line, search=query.search
    )
    page = await asked.edge.services.numbers.page(asked.who, query.page(), wanted)
    return list_of(page, [number_view(number) for number in page.items])


async def add_number(asked: Asked[Nothing, NewNumber]) -> NumberView:
    """Add a number. Calls to it reach its agent from now on; no number can be added twice.

    Administrators may add any, for any account. Others add their own number, once it is proved, and
    those of modems that are assigned to them; while all lines are simulated, any (`auth.numbers`
    of the configuration).
    """
    fields = msgspec.structs.asdict(asked.body)
    account_id = fields.pop("account_id")
    number = PhoneNumber(owner_id=asked.who.account_id, **fields)
    return number_view(await asked.edge.services.numbers.create(asked.who, number, account_id))


async def get_number(asked: Asked[Nothing, Nothing]) -> NumberView:
    """One number."""
    return number_view(await asked.edge.services.numbers.get(asked.who, asked.path("id")))


async def change_number(asked: Asked[Nothing, NumberChanges]) -> NumberView:
    """Change who answers a number, when, or what it is. One of the configuration stays.

    Another number, or line, has to be one that you may add.
    """
    numbers, changes = asked.edge.services.numbers, given(asked.body)
    if "account_id" in changes:
        changes["owner_id"] = changes.pop("account_id")
    return number_view(await numbers.change(asked.who, asked.path("id"), changes))


async def delete_number(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a number. Calls to it reach the default agent."""
    await asked.edge.services.numbers.delete(asked.who, asked.path("id"))


def number_view(number: PhoneNumber) -> NumberView:
    """A number as the API shows it."""
    same = set(NumberView.__struct_fields__) - {"created_at", "updated_at"}
    return NumberView(
        **{name: getattr(number, name) for name in same},
        created_at=utc(number.created_wall),
        updated_at=utc(number.updated_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/numbers",
        list_numbers,
        "List numbers",
        "numbers:read",
        query=NumberQuery,
        returns=List[NumberView],
    ),
    _route(
        "POST",
        "/v1/numbers",
        add_number,
        "Add a number",
        "numbers:write",
        body=NewNumber,
        returns=NumberView,
        status=201,
        problems=(Forbidden, NotFound, Conflict, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/numbers/{id}",
        get_number,
        "Get a number",
        "numbers:read",
        returns=NumberView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/numbers/{id}",
        change_number,
        "Change a number",
        "numbers:write",
        body=NumberChanges,
        returns=NumberView,
        problems=(Forbidden, NotFound, Conflict, Unprocessable),
    ),
    _route(
        "DELETE",
        "/v1/numbers/{id}",
        delete_number,
        "Delete a number",
        "numbers:write",
        status=204,
        problems=(NotFound, Conflict),
    ),
)
