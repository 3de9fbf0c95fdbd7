"""`/v1/accounts`: everybody's accounts, for administrators."""

import functools
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.accounts import Account, Role
from ...errors import Conflict, NotFound, Unavailable, Unprocessable
from ...services.accounts import AccountFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from .account_views import AccountView, Identifier, Name, Password, account_view
from .agents import given

TAG = "Accounts"

Limit = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


KeepDays = Annotated[
    float, msgspec.Meta(ge=0, le=36_500, description="Days; 0: never deleted; null: as configured.")
]


class AccountQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which accounts."""

    role: Role | None = None
    is_active: bool | None = None
    search: Name | None = None
    "A part of the address, the user name, the number or a name."
    sort: Literal["created_at", "-created_at", "email", "-email"] = "-created_at"


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to be made."""

    email: Identifier
    password: Password | None = None
    "null: nobody can sign in until one is set."
    username: Identifier | None = None
    phone_number: Identifier | None = None
    first_name: Name = ""
    last_name: Name = ""
    role: Role = Role.USER
    company_number: Name | None = None
    max_live_calls: Limit | None = None
    recording_keep_days: KeepDays | None = None
    is_verified: bool = False


class AccountChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    email: Identifier | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    "Ends every sign-in of the account, as `is_active` false does."
    username: Identifier | None | UnsetType = UNSET
    phone_number: Identifier | None | UnsetType = UNSET
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    "False: every token and key of the account fails at once."
    is_verified: bool | UnsetType = UNSET
    company_number: Name | None | UnsetType = UNSET
    max_live_calls: Limit | None | UnsetType = UNSET
    recording_keep_days: KeepDays | None | UnsetType = UNSET
    "Recordings are deleted so long after their calls."


async def list_accounts(asked: Asked[AccountQuery, Nothing]) -> List[AccountView]:
    """All accounts, newest first."""
    query = asked.query
    wanted = AccountFilter(role=query.role, is_active=query.is_active, search=query.search)
    page = await asked.edge.services.accounts.page(asked.who, query.page(), wanted)
    return list_of(page, [account_view(account) for account in page.items])


async def create_account(asked: Asked[Nothing, NewAccount]) -> AccountView:
    """Make an account."""
    fields = msgspec.structs.asdict(asked.body)
    password = fields.pop("password")
    return account_view(await asked.edge.services.accounts.add(Account(**fields), password))


async def get_account(asked: Asked[Nothing, Nothing]) -> AccountView:
    """One account."""
    return account_view(await asked.edge.services.accounts.get(asked.who, asked.path("id")))


async def change_account(asked: Asked[Nothing, AccountChanges]) -> AccountView:
    """Change an account: its role, its limits, its password; switch it off and on."""
    changes = given(asked.body)
    password = changes.pop("password", None)
    accounts = asked.edge.services.accounts
    return account_view(await accounts.change(asked.who, asked.path("id"), changes, password))


async def delete_account(asked: Asked[Nothing, Nothing]) -> None:
    """Remove an account and everything that it owns; it must be switched off before."""
    await asked.edge.services.account_removal.delete(asked.who, asked.path("id"))


READ, WRITE = "accounts:read", "accounts:write"
_route = functools.partial(Route, tag=TAG, admin=True)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/accounts",
        list_accounts,
        "List accounts",
        READ,
        query=AccountQuery,
        returns=List[AccountView],
    ),
    _route(
        "POST",
        "/v1/accounts",
        create_account,
        "Make an account",
        WRITE,
        body=NewAccount,
        returns=AccountView,
        status=201,
        problems=(Conflict, Unavailable),
    ),
    _route(
        "GET",
        "/v1/accounts/{id}",
        get_account,
        "Get an account",
        READ,
        returns=AccountView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/accounts/{id}",
        change_account,
        "Change an account",
        WRITE,
        body=AccountChanges,
        returns=AccountView,
        problems=(NotFound, Conflict, Unprocessable, Unavailable),
    ),
    _route(
        "DELETE",
        "/v1/accounts/{id}",
        delete_account,
        "Remove an account",
        WRITE,
        status=204,
        problems=(NotFound, Conflict),
    ),
)
