"""Registering and signing in: both answer with a token."""

import msgspec

from ...domain.accounts import Account
from ...http.route import Asked, Nothing
from ...services.sign_in import SignedIn
from ..dialect import AnyRow, Row
from ..people import full_name, names_of
from ..reading import Email, Name, Password
from ..speaking import speaking
from .forms import BASE, IDS, Shown

TAG = "Authentication"
RATE = "auth"


class Registration(msgspec.Struct, frozen=True):
    """A new account."""

    email: Email
    password: Password
    name: Name


class Login(msgspec.Struct, frozen=True):
    """Who, and the proof."""

    email: Email
    password: Password


class UserView(Shown, frozen=True, kw_only=True):
    """An account."""

    id: str
    email: str
    name: str


class SignedInView(Shown, frozen=True, kw_only=True):
    """Who signed in, and their token."""

    user: UserView
    token: str


async def register(asked: Asked[Nothing, Registration]) -> SignedInView:
    """Make an account, and sign in."""
    body, sign_in, here = asked.body, asked.edge.services.sign_in, speaking(asked)
    first, last = names_of(body.name)
    account = Account(email=body.email, first_name=first, last_name=last)
    account = await sign_in.register(account, body.password, opened=here.open_registration)
    return signed_in_view(await sign_in.begin(account.id, here.audience))


async def login(asked: Asked[Nothing, Login]) -> SignedInView:
    """Sign in."""
    body, sign_in = asked.body, asked.edge.services.sign_in
    audience = speaking(asked).audience
    return signed_in_view(await sign_in.login(body.email, body.password, asked.address, audience))


def signed_in_view(signed_in: SignedIn) -> SignedInView:
    """As it is shown."""
    account = signed_in.account
    id_ = IDS.show("account", account.id)
    user = UserView(id=id_, email=account.email, name=full_name(account))
    return SignedInView(user=user, token=signed_in.access.token)


EXAMPLE = {"email": "ann@example.org", "password": "a long password"}
ROWS: tuple[AnyRow, ...] = (
    Row(
        method="POST",
        path=f"{BASE}/auth/register",
        handler=register,
        summary="Register user",
        tag=TAG,
        scope=None,
        rate=RATE,
        body=Registration,
        returns=SignedInView,
        status=201,
        message="User registered successfully",
        example={**EXAMPLE, "name": "Ann Smith"},
    ),
    Row(
        method="POST",
        path=f"{BASE}/auth/login",
        handler=login,
        summary="Login",
        tag=TAG,
        scope=None,
        rate=RATE,
        body=Login,
        returns=SignedInView,
        message="Login successful",
        example=EXAMPLE,
    ),
)
