"""Tokens, for staff alone."""

from typing import Annotated

import msgspec

from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..reading import Password
from ..speaking import speaking
from .forms import BASE

TAG = "Authentication"


class Credentials(msgspec.Struct, frozen=True):
    """Who, and the proof."""

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
    "A user name or an e-mail address; `admin`: the first administrator."
    password: Password


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token, the same each time."""

    token: str
    user_id: int
    username: str


async def obtain_token(asked: Asked[Nothing, Credentials]) -> TokenView:
    """A token for an administrator, who has the same one each time: it does not expire."""
    body = asked.body
    account, token = await asked.edge.services.staff_tokens.tell(
        body.username, body.password, asked.address, speaking(asked).dialect.name
    )
    return TokenView(token=token, user_id=account.seq, username=body.username)


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="POST",
        path=f"{BASE}/auth/token/",
        handler=obtain_token,
        summary="Obtain API token",
        tag=TAG,
        scope=None,
        body=Credentials,
        returns=TokenView,
        example={"username": "admin", "password": "your_password"},
    ),
)
