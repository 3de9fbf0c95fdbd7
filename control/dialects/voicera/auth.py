"""Accounts: registering, signing in, new tokens, who one is."""

import functools

import msgspec

from ...auth.errors import TokenMalformed
from ...domain.accounts import Account
from ...errors import Conflict
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row, Said
from ..moments import Moment, seconds
from ..reading import Email, Password, Short
from ..speaking import speaking

TAG = "Authentication"
RATE = "auth"
TTL_S = 86_400


class Registration(msgspec.Struct, frozen=True):
    """A new account."""

    email: Email
    password: Password
    first_name: Short
    last_name: Short


class Login(msgspec.Struct, frozen=True):
    """Who, and the proof."""

    email: Email
    password: Password


class RegisteredView(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was made."""

    id: str
    email: str
    first_name: str
    last_name: str
    created_at: Moment


class MeView(RegisteredView, frozen=True, kw_only=True):
    """One's own account."""

    role: str


class UserView(msgspec.Struct, frozen=True):
    """Who signed in."""

    id: str
    email: str
    role: str


class RefreshedView(msgspec.Struct, frozen=True, kw_only=True):
    """A new token."""

    token: str
    expires_in: int
    "Seconds."


class SignedInView(RefreshedView, frozen=True, kw_only=True):
    """The tokens of a sign-in."""

    refresh_token: str
    user: UserView


async def register(asked: Asked[Nothing, Registration]) -> RegisteredView:
    """Make an account. It can sign in at once."""
    body, opened = asked.body, speaking(asked).open_registration
    account = Account(email=body.email, first_name=body.first_name, last_name=body.last_name)
    sign_in = asked.edge.services.sign_in
    account = await sign_in.register(account, body.password, opened=opened)
    return RegisteredView(**_shown(account))


async def login(asked: Asked[Nothing, Login]) -> SignedInView:
    """Sign in."""
    body, sign_in = asked.body, asked.edge.services.sign_in
    audience = speaking(asked).audience
    signed_in = await sign_in.login(body.email, body.password, asked.address, audience, TTL_S)
    account = signed_in.account
    return SignedInView(
        token=signed_in.access.token,
        expires_in=TTL_S,
        refresh_token=signed_in.refresh.token,
        user=UserView(account.id, account.email, account.role.value),
    )


async def get_me(asked: Asked[Nothing, Nothing]) -> MeView:
    """Your account."""
    account = await asked.edge.services.accounts.get(asked.who, asked.who.account_id)
    return MeView(**_shown(account), role=account.role.value)


async def refresh(asked: Asked[Nothing, Nothing]) -> RefreshedView:
    """A new token for the refresh token in the Authorization header, which stays good."""
    scheme, _, token = asked.request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMalformed
    sign_in = asked.edge.services.sign_in
    issued = await sign_in.access(token.strip(), speaking(asked).audience, TTL_S)
    return RefreshedView(token=issued.token, expires_in=TTL_S)


def _shown(account: Account) -> dict[str, str]:
    same = {name: getattr(account, name) for name in ("id", "email", "first_name", "last_name")}
    return same | {"created_at": seconds(account.created_wall)}


EXAMPLE = {"email": "ann@example.org", "password": "a long password"}
TAKEN = Said("AUTH_005", "Email already registered")
_row = functools.partial(Row, tag=TAG, rate=RATE)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        "/auth/register",
        register,
        "Register user",
        scope=None,
        body=Registration,
        returns=RegisteredView,
        status=201,
        refusals={Conflict: TAKEN},
        example={**EXAMPLE, "first_name": "Ann", "last_name": "Smith"},
    ),
    _row(
        "POST",
        "/auth/login",
        login,
        "Login",
        scope=None,
        body=Login,
        returns=SignedInView,
        example=EXAMPLE,
    ),
    _row("GET", "/auth/me", get_me, "Get current user", "accounts:read", returns=MeView),
    _row(
        "POST", "/auth/refresh-token", refresh, "Refresh token", scope=None, returns=RefreshedView
    ),
)
