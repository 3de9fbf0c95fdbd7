"""Signing in, and a forgotten password."""

import functools
from typing import Annotated

import msgspec

from ...http.route import Asked, Nothing
from ...services.sign_in import SignedIn
from ..dialect import AnyRow, Row
from ..reading import Email, Password
from ..speaking import speaking
from .forms import BASE

TAG = "Authentication"
SENT = "If the email is registered, a password reset link has been sent."
CHANGED = "Password has been reset successfully."
BEARER = "bearer"

Token = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class Login(msgspec.Struct, frozen=True):
    """Who, and the proof."""

    email: Email
    password: Password


class Forgotten(msgspec.Struct, frozen=True):
    """Whose password is forgotten."""

    email: Email


class NewPassword(msgspec.Struct, frozen=True):
    """The token that was sent, and another password."""

    token: Token
    new_password: Password


class Refreshing(msgspec.Struct, frozen=True):
    """A refresh token."""

    refresh_token: Token


class TokensView(msgspec.Struct, frozen=True):
    """The tokens of a sign-in."""

    access_token: str
    refresh_token: str
    token_type: str


class SaidView(msgspec.Struct, frozen=True):
    """Something for people."""

    message: str


async def login(asked: Asked[Nothing, Login]) -> TokensView:
    """Sign in."""
    body, sign_in = asked.body, asked.edge.services.sign_in
    audience = speaking(asked).audience
    return _tokens(await sign_in.login(body.email, body.password, asked.address, audience))


async def forgot_password(asked: Asked[Nothing, Forgotten]) -> SaidView:
    """Have a link sent to the address. The answer is the same whether somebody has it or not."""
    await asked.edge.services.recovery.forgot(asked.body.email)
    return SaidView(SENT)


async def reset_password(asked: Asked[Nothing, NewPassword]) -> SaidView:
    """Set another password by the token that was sent; every sign-in ends."""
    body, audience = asked.body, speaking(asked).audience
    await asked.edge.services.recovery.reset(body.token, body.new_password, audience)
    return SaidView(CHANGED)


async def refresh(asked: Asked[Nothing, Refreshing]) -> TokensView:
    """New tokens for a refresh token, which is good once."""
    sign_in, audience = asked.edge.services.sign_in, speaking(asked).audience
    return _tokens(await sign_in.refresh(asked.body.refresh_token, audience))


def _tokens(signed_in: SignedIn) -> TokensView:
    return TokensView(signed_in.access.token, signed_in.refresh.token, BEARER)


WHO = {"email": "user@example.com", "password": "password"}
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/auth/login",
        login,
        "Login and get access token",
        scope=None,
        body=Login,
        returns=TokensView,
        example=WHO,
    ),
    _row(
        "POST",
        f"{BASE}/auth/forgot-password",
        forgot_password,
        "Request password reset",
        scope=None,
        body=Forgotten,
        returns=SaidView,
        example={"email": "user@example.com"},
    ),
    _row(
        "POST",
        f"{BASE}/auth/reset-password",
        reset_password,
        "Reset password with token",
        scope=None,
        body=NewPassword,
        returns=SaidView,
        example={"token": "reset-token", "new_password": "newpassword"},
    ),
    _row(
        "POST",
        f"{BASE}/auth/refresh",
        refresh,
        "Refresh tokens",
        scope=None,
        body=Refreshing,
        returns=TokensView,
        example={"refresh_token": "eyJ..."},
    ),
)
