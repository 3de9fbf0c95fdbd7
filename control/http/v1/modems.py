"""`/v1/modems`: GSM modems, and whose they are."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.numbers import Modem, ModemState
from ...errors import NotFound, Unprocessable
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc

TAG = "Modems"


class ModemQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which modems."""

    sort: Literal["created_at", "-created_at", "name", "-name"] = "name"


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose a modem is to be."""

    account_id: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None
    "null: nobody's, then everybody's calls may go out by it."


class ModemView(msgspec.Struct, frozen=True, kw_only=True):
    """A modem."""

    id: str
    seq: int
    name: str
    "Its line has the same name."
    imei: str
    number: str | None
    state: ModemState
    "Now."
    simulated: bool
    "Its calls go over the loopback line and reach nobody."
    assigned_account_id: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_modems(asked: Asked[ModemQuery, Nothing]) -> List[ModemView]:
    """The modems that are assigned to you; administrators see all."""
    page = await asked.edge.services.modems.page(asked.who, asked.query.page())
    return list_of(page, [modem_view(modem) for modem in page.items])


async def get_modem(asked: Asked[Nothing, Nothing]) -> ModemView:
    """One modem."""
    return modem_view(await asked.edge.services.modems.get(asked.who, asked.path("id")))


async def assign_modem(asked: Asked[Nothing, Assignment]) -> ModemView:
    """Give a modem to an account: its calls are that account's, and nobody else can use it."""
    modems = asked.edge.services.modems
    return modem_view(await modems.assign(asked.who, asked.path("id"), asked.body.account_id))


def modem_view(modem: Modem) -> ModemView:
    """A modem as the API shows it."""
    same = set(ModemView.__struct_fields__) - {"created_at", "updated_at"}
    return ModemView(
        **{name: getattr(modem, name) for name in same},
        created_at=utc(modem.created_wall),
        updated_at=utc(modem.updated_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/modems",
        list_modems,
        "List modems",
        "lines:read",
        query=ModemQuery,
        returns=List[ModemView],
    ),
    _route(
        "GET",
        "/v1/modems/{id}",
        get_modem,
        "Get a modem",
        "lines:read",
        returns=ModemView,
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/modems/{id}/assign",
        assign_modem,
        "Assign a modem",
        "lines:write",
        admin=True,
        body=Assignment,
        returns=ModemView,
        problems=(NotFound, Unprocessable),
    ),
)
