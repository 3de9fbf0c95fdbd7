"""SHELL: all that one server proves senders with, made in one place: its keys, hashes, counters.

Keys are read, or made, when they are first needed: by then the process holds the data folder.
"""

import functools
import pathlib
import random

import argon2

from ...media.clock import Clock
from ..configuration.config_auth import AuthSettings
from .known import Known
from .one_time_codes import KEY_FILE as CODE_KEY_FILE, OneTimeCodes
from .operator_token import ApiToken, open_token
from .passwords import Passwords
from .rate_limits import RateLimits
from .secret_file import open_key, open_keys
from .signed_links import KEY_FILE as LINK_KEY_FILE, SignedLinks
from .throttle import LoginThrottle, ThrottleSettings
from .tokens import KEY_FILE as TOKEN_KEY_FILE, Tokens

TOKEN40_KEY_FILE = "token40_key"
UNTHROTTLED = ThrottleSettings(name_failures=1_000, address_failures=1_000, longest_delay_s=0.0)
"For tests that sign in wrongly more often than people do."


class Proofs:
    """What senders prove themselves by."""

    def __init__(
        self,
        data: pathlib.Path,
        clock: Clock,
        rng: random.Random,
        settings: AuthSettings | None = None,
        *,
        api_token: str = "",
        throttled: bool = True,
        hasher: argon2.PasswordHasher | None = None,
    ) -> None:
        """`rng` is unguessable. `throttled` False, and a cheap `hasher`: for tests."""
        self._data = data
        self._clock = clock
        self._rng = rng
        self._api_token = api_token
        self.settings = settings or AuthSettings()
        self.throttled = throttled
        self.passwords = Passwords(hasher=hasher)
        self.throttle = LoginThrottle(None if throttled else UNTHROTTLED)
        self.sent = RateLimits()
        "Codes and links that were sent, by whom they were for."
        self.known = Known()

    @functools.cached_property
    def operator(self) -> ApiToken:
        """The operator's token. Raises StoreError, as the other two do."""
        return open_token(self._api_token, self._data)

    @functools.cached_property
    def tokens(self) -> Tokens:
        """Tokens of sessions."""
        key = open_key(self._data, TOKEN_KEY_FILE)
        ttl = self.settings
        return Tokens(key, self._clock, self._rng, ttl.access_ttl_s, ttl.refresh_ttl_s)

    @functools.cached_property
    def codes(self) -> OneTimeCodes:
        """Codes that are sent."""
        return OneTimeCodes(open_key(self._data, CODE_KEY_FILE), self._rng)

    @functools.cached_property
    def links(self) -> SignedLinks:
        """Links that open a recording."""
        return SignedLinks(open_keys(self._data, LINK_KEY_FILE))

    @functools.cached_property
    def token40_key(self) -> bytes:
        """What lasting tokens are made of (services/staff_tokens.py)."""
        return open_key(self._data, TOKEN40_KEY_FILE)

    def open(self) -> None:
        """Read, or make, all keys now. Raises StoreError."""
        _ = self.operator, self.tokens, self.codes, self.links, self.token40_key

    async def aclose(self) -> None:
        """End the threads that hash."""
        await self.passwords.aclose()
