"""`/v1/auth`: signing in and out, passwords, and proofs of numbers and addresses."""

import functools
from typing import Annotated

import msgspec

from ...auth.errors import AccountDeactivated, CodeRefused, RegistrationClosed
from ...auth.tokens import MAX_TOKEN_CHARS
from ...domain.accounts import Account
from ...errors import (
    BadRequest,
    Conflict,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from ..route import AnyRoute, Asked, Nothing, Route
from .account_views import (
    AccountView,
    Identifier,
    Name,
    Password,
    TokensView,
    account_view,
    tokens_view,
)

TAG = "Signing in"
RATE = "auth"
MAX_BODY_BYTES = 16 * 1024

Token = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TOKEN_CHARS)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to be made."""

    email: Identifier
    password: Password
    username: Identifier | None = None
    "2 to 64 letters, digits, dots, dashes and underlines, a letter first."
    phone_number: Identifier | None = None
    "With its country: +49301234567."
    first_name: Name = ""
    last_name: Name = ""


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who, and the proof."""

    name: Identifier
    "E-mail address, user name or phone number."
    password: Password


class Refresh(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A refresh token, good once."""

    refresh_token: Token


class Logout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sign-ins end."""

    everywhere: bool = False
    "Not this one alone, but all of the account."


class Forgot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose password is forgotten."""

    email: Identifier


class Reset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password, for who has the token that was sent."""

    token: Token
    password: Password


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password, for who knows the current one."""

    current_password: Password
    new_password: Password


class PhoneStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a code is sent to."""

    phone_number: Identifier | None = None
    "null: the account's."


class TypedCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The six digits that came."""

    code: Code


class EmailStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new address."""

    email: Identifier
    password: Password


class EmailToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The token that came."""

    token: Token


class SentView(msgspec.Struct, frozen=True):
    """Something was sent."""

    to: str


async def register(asked: Asked[Nothing, Registration]) -> AccountView:
    """Make yourself an account, where `auth.registration` is `open`."""
    fields = msgspec.structs.asdict(asked.body)
    password = fields.pop("password")
    sign_in = asked.edge.services.sign_in
    return account_view(await sign_in.register(Account(**fields), password))


async def login(asked: Asked[Nothing, Login]) -> TokensView:
    """Sign in. Wrong passwords make the next try wait, by account and by address."""
    body, sign_in = asked.body, asked.edge.services.sign_in
    return tokens_view(await sign_in.login(body.name, body.password, asked.address))


async def refresh(asked: Asked[Nothing, Refresh]) -> TokensView:
    """New tokens for a refresh token. The old one must not come again: that ends the sign-in."""
    return tokens_view(await asked.edge.services.sign_in.refresh(asked.body.refresh_token))


async def logout(asked: Asked[Nothing, Logout]) -> None:
    """Sign out: this sign-in's tokens fail from now on. API keys stay good."""
    sign_in = asked.edge.services.sign_in
    await sign_in.logout(asked.who, everywhere=asked.body.everywhere)


async def forgot_password(asked: Asked[Nothing, Forgot]) -> None:
    """Have a link sent to an account's address. Whether there is one is not told."""
    await asked.edge.services.recovery.forgot(asked.body.email)


async def reset_password(asked: Asked[Nothing, Reset]) -> TokensView:
    """Set a new password by the token that was sent, and sign in. Every other sign-in ends."""
    body, recovery = asked.body, asked.edge.services.recovery
    return tokens_view(await recovery.reset(body.token, body.password))


async def change_password(asked: Asked[Nothing, PasswordChange]) -> TokensView:
    """Set a new password by the current one. Every sign-in ends; the answer begins a new one."""
    body, sign_in = asked.body, asked.edge.services.sign_in
    changed = await sign_in.change_password(
        asked.who, body.current_password, body.new_password, asked.address
    )
    return tokens_view(changed)


async def start_phone_verification(asked: Asked[Nothing, PhoneStart]) -> SentView:
    """Have a code of six digits sent to a number. It becomes yours when the code comes back."""
    verification = asked.edge.services.verification
    return SentView(await verification.start_phone(asked.who, asked.body.phone_number))


async def verify_phone(asked: Asked[Nothing, TypedCode]) -> AccountView:
    """Give the code back: the number that it was sent to is yours. Five tries, ten minutes."""
    verification = asked.edge.services.verification
    return account_view(await verification.verify_phone(asked.who.account_id, asked.body.code))


async def start_email_change(asked: Asked[Nothing, EmailStart]) -> SentView:
    """Have a link sent to a new address. It becomes yours when the link's token comes back."""
    body, verification = asked.body, asked.edge.services.verification
    sent = await verification.start_email(asked.who, body.email, body.password, asked.address)
    return SentView(sent)


async def verify_email(asked: Asked[Nothing, EmailToken]) -> None:
    """Give the link's token back: the address that it was sent to is the account's."""
    await asked.edge.services.verification.verify_email(asked.body.token)


_route = functools.partial(Route, tag=TAG, rate=RATE, max_body_bytes=MAX_BODY_BYTES)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "POST",
        "/v1/auth/register",
        register,
        "Register",
        scope=None,
        body=Registration,
        returns=AccountView,
        status=201,
        problems=(RegistrationClosed, Conflict, Unavailable),
    ),
    _route(
        "POST",
        "/v1/auth/login",
        login,
        "Sign in",
        scope=None,
        body=Login,
        returns=TokensView,
        problems=(Unauthorized, AccountDeactivated, TooManyRequests, Unavailable),
    ),
    _route(
        "POST",
        "/v1/auth/refresh",
        refresh,
        "Get new tokens",
        scope=None,
        body=Refresh,
        returns=TokensView,
        problems=(Unauthorized,),
    ),
    _route(
        "POST",
        "/v1/auth/logout",
        logout,
        "Sign out",
        "accounts:write",
        body=Logout,
        status=204,
        problems=(BadRequest,),
        rate="api",
    ),
    _route(
        "POST",
        "/v1/auth/password/forgot",
        forgot_password,
        "Forget a password",
        scope=None,
        body=Forgot,
        status=204,
    ),
    _route(
        "POST",
        "/v1/auth/password/reset",
        reset_password,
        "Set a forgotten password",
        scope=None,
        body=Reset,
        returns=TokensView,
        problems=(CodeRefused, Unavailable),
    ),
    _route(
        "POST",
        "/v1/auth/password/change",
        change_password,
        "Change a password",
        "accounts:write",
        body=PasswordChange,
        returns=TokensView,
        problems=(Unauthorized, Unprocessable, TooManyRequests, Unavailable),
    ),
    _route(
        "POST",
        "/v1/auth/phone/verify-start",
        start_phone_verification,
        "Send a code to a phone number",
        "accounts:write",
        body=PhoneStart,
        returns=SentView,
        status=202,
        problems=(TooManyRequests,),
    ),
    _route(
        "POST",
        "/v1/auth/phone/verify",
        verify_phone,
        "Prove a phone number",
        "accounts:write",
        body=TypedCode,
        returns=AccountView,
        problems=(CodeRefused, Conflict),
    ),
    _route(
        "POST",
        "/v1/auth/email/change",
        start_email_change,
        "Send a link to a new e-mail address",
        "accounts:write",
        body=EmailStart,
        returns=SentView,
        status=202,
        problems=(Unauthorized, TooManyRequests, Unavailable),
    ),
    _route(
        "POST",
        "/v1/auth/email/verify",
        verify_email,
        "Prove an e-mail address",
        scope=None,
        body=EmailToken,
        status=204,
        problems=(CodeRefused, Conflict),
    ),
)
