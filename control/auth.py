"""SHELL: the API's bearer token: given by the owner, or made once and kept in the data folder.

Not accounts: whoever holds the token may do everything.
"""

import hmac
import os
import pathlib
import secrets

import msgspec

from .errors import StoreError

SCHEME = "bearer"
TOKEN_BYTES = 32


class ApiToken(msgspec.Struct, frozen=True):
    """The token that requests must carry."""

    value: str
    path: pathlib.Path | None = None
    "Where it was written, when the owner gave none."

    def admits(self, authorization: str | None) -> bool:
        """Whether an `Authorization` header carries the token (RFC 6750 §2.1), in constant time."""
        scheme, _, given = (authorization or "").strip().partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self.value.encode())
        return right and scheme.lower() == SCHEME


def open_token(configured: str, data: pathlib.Path) -> ApiToken:
    """The configured token, else the one in `data/secrets/api_token`, made at the first start.

    Raises StoreError when the folder cannot be read or written.
    """
    if configured.strip():  # spaces around it would never match: headers lose theirs
        return ApiToken(configured.strip())
    path = data / "secrets" / "api_token"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_secret(path, secrets.token_urlsafe(TOKEN_BYTES))
        value = path.read_text().strip()
    except OSError as exc:
        raise StoreError(str(path), exc.strerror or str(exc)) from exc
    if not value:
        raise StoreError(str(path), "is empty; delete it and a new token is made")
    return ApiToken(value, path)


def _write_secret(path: pathlib.Path, value: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{value}\n")
    part.replace(path)
