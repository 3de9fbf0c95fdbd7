"""Signed tokens of sessions: JSON Web Tokens (RFC 7519, 8725) under HMAC-SHA-256.

Pure: whether a token was revoked is its account's (`check_generation`) and its family's matter
(`refresh_families.py`). It was ours, is whole, is meant for this and has not expired: that is here.
"""

import random
import re
from typing import Literal, TypeAlias

import msgspec
from jwt import InvalidAlgorithmError, InvalidSignatureError, InvalidTokenError, api_jws

from ...media.clock import Clock
from ..domain.accounts import Role
from .errors import TokenExpired, TokenForged, TokenMalformed, TokenMisused, TokenRevoked

KEY_FILE = "jwt_key"
ALGORITHM = "HS256"
ACCESS_TTL_S = 3600
REFRESH_TTL_S = 30 * 86400
MAX_TOKEN_CHARS = 2048
"Ours have about 400."
ID_BYTES = 16

TokenKind: TypeAlias = Literal["access", "refresh"]

_THREE_PARTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_RENAMED = {
    "account_id": "sub",
    "token_id": "jti",
    "issued_wall": "iat",
    "expires_wall": "exp",
    "kind": "typ",
    "generation": "gen",
    "audience": "aud",
    "family": "fam",
}


class Holder(msgspec.Struct, frozen=True):
    """For whom a token is issued."""

    account_id: str
    role: Role
    generation: int
    "The account's token generation: raised, it revokes everything issued before."
    audience: str = ""
    "The one API that takes the token; empty: the native one."


class Claims(msgspec.Struct, frozen=True, rename=_RENAMED, omit_defaults=True):
    """What a token says (RFC 7519 §4.1), under its names there."""

    account_id: str
    role: Role
    generation: int
    token_id: str
    issued_wall: int
    expires_wall: int
    kind: TokenKind
    audience: str = ""
    family: str = ""
    "The sign-in that it descends from; empty: none that could be ended by itself."


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claims).decode


class Issued(msgspec.Struct, frozen=True):
    """A token as its holder gets it, and what it says."""

    token: str
    claims: Claims


class Tokens:
    """Issues tokens and reads them."""

    def __init__(
        self,
        key: bytes,
        clock: Clock,
        rng: random.Random,
        access_ttl_s: int = ACCESS_TTL_S,
        refresh_ttl_s: int = REFRESH_TTL_S,
    ) -> None:
        """`rng` is unguessable (random.SystemRandom or PooledRandom)."""
        assert len(key) >= 32, "RFC 7518 §3.2: at least as long as the hash"
        self._key = key
        self._clock = clock
        self._rng = rng
        self._access_ttl_s = access_ttl_s
        self._refresh_ttl_s = refresh_ttl_s
        self._our_header = self._sign(b"{}").partition(".")[0]

    def issue_access(self, holder: Holder, ttl_s: int | None = None, family: str = "") -> Issued:
        """A token for the API; `ttl_s` where it is not to live as long as the others.

        With a `family` it ends with it, else with its time or its account's generation.
        """
        return self._issue(holder, "access", ttl_s or self._access_ttl_s, family)

    def issue_refresh(self, holder: Holder, family: str | None = None) -> Issued:
        """A token for new tokens: the first of a family of its own, or the next one of `family`."""
        family = family or self._new_id()
        return self._issue(holder, "refresh", self._refresh_ttl_s, family)

    def read(self, token: str, kind: TokenKind = "access", audience: str = "") -> Claims:
        """What `token` says, if it is ours, of this kind, for this audience, and not expired.

        Raises TokenMalformed, TokenForged, TokenMisused, TokenExpired, asked in this order.
        """
        if len(token) > MAX_TOKEN_CHARS or not _THREE_PARTS.fullmatch(token):
            raise TokenMalformed
        # We issue one header only. To compare it keeps a stranger's JSON from being parsed (it may
        # nest deeper than the parser bears), and pins the algorithm once more (RFC 8725 §3.1).
        if token.partition(".")[0] != self._our_header:
            raise TokenForged
        claims = self._open(token)
        if claims.kind != kind or claims.audience != audience:
            raise TokenMisused
        if claims.expires_wall <= self._clock.wall():
            raise TokenExpired
        return claims

    def _issue(self, holder: Holder, kind: TokenKind, ttl_s: int, family: str) -> Issued:
        issued_wall = int(self._clock.wall())
        claims = Claims(
            account_id=holder.account_id,
            role=holder.role,
            generation=holder.generation,
            token_id=self._new_id(),
            issued_wall=issued_wall,
            expires_wall=issued_wall + ttl_s,
            kind=kind,
            audience=holder.audience,
            family=family,
        )
        return Issued(self._sign(_encode(claims)), claims)

    def _sign(self, payload: bytes) -> str:
        return api_jws.encode(payload, self._key, ALGORITHM)

    def _open(self, token: str) -> Claims:
        try:
            signed = api_jws.decode(token, self._key, [ALGORITHM])
        except (InvalidSignatureError, InvalidAlgorithmError) as exc:
            raise TokenForged from exc
        except InvalidTokenError as exc:
            raise TokenMalformed from exc
        try:
            return _decode(signed)
        except msgspec.DecodeError as exc:
            raise TokenMalformed from exc

    def _new_id(self) -> str:
        return self._rng.randbytes(ID_BYTES).hex()


def check_generation(claims: Claims, generation: int) -> None:
    """Raises TokenRevoked for a token of another generation than the account's."""
    if claims.generation != generation:
        raise TokenRevoked
