"""Registering, proving one's number, signing in, new tokens."""

import functools
from typing import Annotated

import msgspec

from ...auth.errors import TokenMisused
from ...domain.accounts import Account
from ...errors import FieldError, Forbidden, Unprocessable
from ...http.route import Asked, Nothing
from ...services.access import missing
from ..dialect import AnyRow, Row
from ..reading import REQUIRED, Email, Password, Phone, Short
from ..speaking import speaking
from .forms import unfit

TAG = "Authentication"
REGISTERED = "Registration successful. Please verify your phone number with the SMS code."
VERIFIED = "Phone number verified successfully."

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class Registration(msgspec.Struct, frozen=True):
    """A new account."""

    email: Email
    password: Password
    confirm_password: Password
    phone_number: Phone


class RegisteredView(msgspec.Struct, frozen=True):
    """An account that was made."""

    message: str
    user_id: int
    verification_required: bool


class PhoneCode(msgspec.Struct, frozen=True):
    """The code that came by SMS."""

    email: Email
    verification_code: Code


class VerifiedView(msgspec.Struct, frozen=True):
    """A number that was proved."""

    message: str
    user_id: int
    is_verified: bool


class Login(msgspec.Struct, frozen=True):
    """Who, and the proof."""

    password: Password
    login_identifier: Short | None = None
    "An e-mail address or a phone number."
    email: Short | None = None
    "The same, as it is called elsewhere."


class SignedInView(msgspec.Struct, frozen=True, kw_only=True):
    """A token, and whose it is."""

    access_token: str
    token_type: str = "bearer"
    user_id: int
    email: str
    company_number: str | None
    is_first_login: bool


async def register(asked: Asked[Nothing, Registration]) -> RegisteredView:
    """Make an account of the free tier. A code goes to its number, which opens the first login."""
    body, services = asked.body, asked.edge.services
    if body.password != body.confirm_password:
        raise unfit("confirm_password", "must equal password")
    account = await services.sign_in.register(
        Account(email=body.email, phone_number=body.phone_number),
        body.password,
        opened=speaking(asked).open_registration,
    )
    await services.subscriptions.begin(account.id)
    await services.verification.start_registered(account)
    return RegisteredView(REGISTERED, account.seq, True)


async def verify(asked: Asked[Nothing, PhoneCode]) -> VerifiedView:
    """Prove the number by the code that was sent to it."""
    body, services = asked.body, asked.edge.services
    account = await services.sign_in.named(body.email)
    if account is None:
        raise missing("user", body.email)
    account = await services.verification.verify_phone(account.id, body.verification_code)
    return VerifiedView(VERIFIED, account.seq, account.is_verified)


async def login(asked: Asked[Nothing, Login]) -> SignedInView:
    """Sign in, by e-mail address or phone number.

    Who has registered and not proved their number cannot yet: that is for the first time alone.
    They are sent another code when the last one is good no longer: nobody else could ask for it.
    """
    body, services = asked.body, asked.edge.services
    name = body.login_identifier or body.email
    if not name:
        raise Unprocessable("who?", [FieldError("login_identifier", REQUIRED)])
    account = await services.sign_in.authenticate(name, body.password, asked.address)
    is_first = account.first_login_wall is None
    if is_first and account.phone_number is not None and not account.is_verified:
        await services.verification.start_again(account)
        raise Forbidden("verify your phone number with the SMS code first")
    begun = await services.sign_in.begin(account.id, speaking(asked).audience)
    return await _signed_in(asked, begun.account, begun.access.token, is_first)


async def refresh(asked: Asked[Nothing, Nothing]) -> SignedInView:
    """A new token for the one that was sent, which stays good to its end."""
    if asked.who.kind != "access":
        raise TokenMisused
    services = asked.edge.services
    account, issued = await services.sign_in.renew(asked.who, speaking(asked).audience)
    return await _signed_in(asked, account, issued.token, False)


async def _signed_in(
    asked: Asked[Nothing, Login] | Asked[Nothing, Nothing],
    account: Account,
    token: str,
    is_first: bool,
) -> SignedInView:
    modem = await asked.edge.services.modems.number_of(account.id)
    return SignedInView(
        access_token=token,
        user_id=account.seq,
        email=account.email,
        company_number=modem or account.company_number or account.phone_number,
        is_first_login=is_first,
    )


EXAMPLE = {"email": "ann@example.org", "password": "a long password"}
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        "/api/auth/register",
        register,
        "Register user",
        scope=None,
        body=Registration,
        returns=RegisteredView,
        status=201,
        example={
            **EXAMPLE,
            "confirm_password": EXAMPLE["password"],
            "phone_number": "+15550001234",
        },
    ),
    _row(
        "POST",
        "/api/auth/verify-sms",
        verify,
        "Verify phone number",
        scope=None,
        body=PhoneCode,
        returns=VerifiedView,
        example={"email": EXAMPLE["email"], "verification_code": "123456"},
    ),
    _row(
        "POST",
        "/api/auth/login",
        login,
        "Login",
        scope=None,
        body=Login,
        returns=SignedInView,
        example={"login_identifier": EXAMPLE["email"], "password": EXAMPLE["password"]},
    ),
    _row(
        "POST", "/api/auth/refresh", refresh, "Refresh token", "accounts:read", returns=SignedInView
    ),
)
