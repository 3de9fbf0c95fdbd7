"""SHELL: the operator's bearer token: given by the owner, or made once and kept in the data folder.

Not accounts: whoever holds the token may do everything.
"""

import asyncio
import hmac
import pathlib
import secrets

import msgspec

from ..errors import Unauthorized
from .principal import OPERATOR, Principal
from .secret_file import path_of, read_or_make

SCHEME = "bearer"
TOKEN_BYTES = 32
FILE = "api_token"


class ApiToken(msgspec.Struct, frozen=True):
    """The token that requests must carry."""

    value: str
    path: pathlib.Path | None = None
    "Where it was written, when the owner gave none."

    def admits(self, authorization: str | None) -> bool:
        """Whether an `Authorization` header carries the token (RFC 6750 §2.1), in constant time."""
        scheme, _, given = (authorization or "").strip().partition(" ")
        right = hmac.compare_digest(_bytes(given.strip()), _bytes(self.value))
        return right and scheme.lower() == SCHEME

    async def principal(self, authorization: str | None, audience: str = "") -> Principal:
        """Whoever holds the token is the operator. Raises Unauthorized."""
        if not self.admits(authorization):
            raise Unauthorized("send the API token: Authorization: Bearer …")
        return OPERATOR

    async def ended(self, authorization: str | None, who: Principal, audience: str = "") -> str:
        """Never: it is good as long as the process lives."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never


def open_token(configured: str, data: pathlib.Path) -> ApiToken:
    """The configured token, else the one in `data/secrets/api_token`, made at the first start.

    Raises StoreError when the folder cannot be read or written.
    """
    if configured.strip():  # spaces around it would never match: headers lose theirs
        return ApiToken(configured.strip())
    value = read_or_make(data, FILE, lambda: secrets.token_urlsafe(TOKEN_BYTES))
    return ApiToken(value, path_of(data, FILE))


def _bytes(text: str) -> bytes:
    """As they came: aiohttp and os.environ give bytes that are no UTF-8 as lone surrogates."""
    return text.encode(errors="surrogateescape")
