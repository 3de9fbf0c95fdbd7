"""Digest authentication, both sides (RFC 3261 §22, RFC 7616, RFC 8760). No clock, no randomness of
its own.

The client answers challenges and knows when to stop. The server makes nonces that carry their time
and are bound to the source by an HMAC, so that it keeps state only of the ones that were used.
"""

import enum
import hashlib
import hmac
import random
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import msgspec

from .digest import (
    Challenge,
    Credentials,
    choose,
    digest_response,
    user_hash,
)
from .errors import MalformedMessage
from .grammar import quote
from .uri import Uri

__all__ = [
    "Challenge",
    "Credentials",
    "DigestClient",
    "DigestServer",
    "StoredHashes",
    "Verdict",
    "choose",
    "user_hash",
]

MAX_ATTEMPTS = 2  # how often one request is sent with credentials
MAX_USED_NONCES = 10_000  # kept by a server; what is forgotten is stale from then on
NC_WINDOW = 64  # how far behind the highest a nonce count may arrive

_NONCE_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


class DigestClient:
    """Answers challenges for one account. Lives as long as the account: nonce counts go on."""

    def __init__(self, username: str, password: str, rng: random.Random) -> None:
        self._username = username
        self._password = password
        self._rng = rng
        self._nonce = ""
        self._cnonce = ""
        self._count = 0

    def authorization(
        self, challenge: Challenge, method: str, uri: Uri | str, body: bytes = b""
    ) -> str:
        """The value of Authorization (or Proxy-Authorization) that answers `challenge`."""
        if challenge.nonce != self._nonce:
            # One cnonce a nonce: the session key of the -sess algorithms is made of both.
            self._nonce, self._count = challenge.nonce, 0
            self._cnonce = f"{self._rng.getrandbits(64):016x}"
        self._count += 1
        qop = _choose_qop(challenge.qop)
        is_session = challenge.algorithm.lower().endswith("-sess")
        credentials = Credentials(
            self._username,
            challenge.realm,
            challenge.nonce,
            str(uri),
            "",
            challenge.algorithm,
            self._cnonce if qop or is_session else "",
            f"{self._count:08x}" if qop else "",
            qop,
            challenge.opaque,
        )
        user = user_hash(challenge.algorithm, self._username, challenge.realm, self._password)
        response = digest_response(credentials, user, method, body)
        return str(msgspec.structs.replace(credentials, response=response))

    def should_retry(self, challenge: Challenge, attempts: int) -> bool:
        """Whether to answer a 401 or 407, `attempts` being how often this request has been sent
        with credentials.

        After a refusal once more, and only to a nonce that is new or said to replace a stale one:
        servers are seen to send a new nonce without `stale`. The same nonce again means that the
        password is wrong.
        """
        if attempts == 0:
            return True
        return attempts < MAX_ATTEMPTS and (challenge.stale or challenge.nonce != self._nonce)


def _choose_qop(offered: tuple[str, ...]) -> Literal["auth", "auth-int", ""]:
    if not offered:
        return ""
    return "auth" if "auth" in offered else "auth-int"


class Outcome(enum.Enum):
    """What became of credentials."""

    OK = "ok"
    STALE = "stale"
    """The password is right, the nonce is not, or is none of ours for that source: challenge again
    with `stale=true`."""
    WRONG = "wrong"


class Verdict(msgspec.Struct, frozen=True):
    """The answer of `DigestServer.verify`."""

    outcome: Outcome
    username: str
    "As it was claimed; empty when the header could not be read."

    @property
    def ok(self) -> bool:
        """Whether the request may pass."""
        return self.outcome is Outcome.OK

    @property
    def stale(self) -> bool:
        """Whether to challenge again with `stale=true`."""
        return self.outcome is Outcome.STALE


class StoredHashes(msgspec.Struct, frozen=True):
    """What may be kept of a user instead of the password (`user_hash` of both algorithms)."""

    md5: str
    sha256: str


class DigestServer:
    """Challenges and verifies. `secret` makes its nonces unforgeable; a new one at each start will
    do, clients then see one `stale`."""

    def __init__(
        self,
        realm: str,
        secret: bytes,
        nonce_lifetime_s: float = 300.0,
        max_used_nonces: int = MAX_USED_NONCES,
    ) -> None:
        self._max_used = max_used_nonces
        self._realm = realm
        self._secret = secret
        self._lifetime_s = nonce_lifetime_s
        self._serial = 0
        # nonce -> (highest count seen, bit n: highest - n was seen)
        self._used: OrderedDict[str, tuple[int, int]] = OrderedDict()
        # Nonces made up to then (ms) may have been used and forgotten.
        self._forgotten_ms = -1

    def challenge(self, now: float, source: str, *, stale: bool = False) -> list[str]:
        """Values for WWW-Authenticate, the strongest first (RFC 8760 §2.4).

        `source` is the peer's address: the nonce is good for it alone.
        """
        self._serial += 1
        stamp = f"{int(now * 1000):x}.{self._serial:x}"
        nonce = f"{stamp}.{self._seal(stamp, source)}"
        tail = f'nonce={quote(nonce)}, qop="auth"' + (", stale=true" if stale else "")
        return [
            f"Digest realm={quote(self._realm)}, {tail}, algorithm={algorithm}"
            for algorithm in ("SHA-256", "MD5")
        ]

    def verify(
        self,
        header: str,
        method: str,
        body: bytes,
        now: float,
        source: str,
        password_of: Callable[[str], str | StoredHashes | None],
    ) -> Verdict:
        """Judge the value of an Authorization header. Never raises.

        `password_of` gives a user's password or stored hashes, None for a user that is not known.
        """
        try:
            credentials = Credentials.parse(header)
        except MalformedMessage:
            return Verdict(Outcome.WRONG, "")
        if not self._is_ours(credentials.nonce, source):
            # Before the password: who only pretends to be at `source` has never seen a nonce, and
            # neither finds out whether a password is right nor makes its owner one who guesses.
            return Verdict(Outcome.STALE, credentials.username)
        if not self._is_right(credentials, method, body, password_of(credentials.username)):
            return Verdict(Outcome.WRONG, credentials.username)
        is_good = self._is_fresh(credentials.nonce, now) and self._count(credentials)
        return Verdict(Outcome.OK if is_good else Outcome.STALE, credentials.username)

    def _is_right(
        self,
        credentials: Credentials,
        method: str,
        body: bytes,
        stored: str | StoredHashes | None,
    ) -> bool:
        algorithm = credentials.algorithm.upper()
        is_ours = (
            credentials.realm == self._realm
            and algorithm in ("SHA-256", "MD5")
            and credentials.qop in ("auth", "")
        )
        if isinstance(stored, StoredHashes):
            user = stored.sha256 if algorithm == "SHA-256" else stored.md5
        else:
            # An unknown user costs the same time as a known one.
            user = user_hash(algorithm, credentials.username, self._realm, stored or "")
        expected = digest_response(credentials, user, method, body)
        is_equal = hmac.compare_digest(
            expected.encode(), credentials.response.lower().encode("utf-8", "surrogateescape")
        )
        return is_equal and is_ours and stored is not None

    def _is_ours(self, nonce: str, source: str) -> bool:
        """We have made it, for that source."""
        stamp, _, seal = nonce.rpartition(".")
        expected = self._seal(stamp, source).encode()
        return hmac.compare_digest(expected, seal.encode("utf-8", "surrogateescape"))

    def _is_fresh(self, nonce: str, now: float) -> bool:
        made_at = _made_at_ms(nonce) / 1000
        return made_at <= now + 0.001 and now - made_at <= self._lifetime_s

    def _seal(self, stamp: str, source: str) -> str:
        text = f"{stamp}|{source}|{self._realm}".encode("utf-8", "surrogateescape")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]

    def _count(self, credentials: Credentials) -> bool:
        """Whether this nonce count is seen for the first time (RFC 7616 §5.5). Without qop there is
        no count: such a nonce is good once."""
        nonce = credentials.nonce
        if nonce not in self._used and _made_at_ms(nonce) <= self._forgotten_ms:
            return False
        if credentials.qop and not _NONCE_COUNT.fullmatch(credentials.nc):
            return False
        count = int(credentials.nc, 16) if credentials.qop else 1
        highest, seen = self._used.get(nonce, (0, 0))
        if count == 0 or count + NC_WINDOW <= highest:
            return False
        if count > highest:
            seen = (seen << min(count - highest, NC_WINDOW) | 1) & ((1 << NC_WINDOW) - 1)
            highest = count
        elif seen >> (highest - count) & 1:
            return False
        else:
            seen |= 1 << (highest - count)
        self._used[nonce] = (highest, seen)
        self._forget()
        return True

    def _forget(self) -> None:
        while len(self._used) > self._max_used:
            nonce, _ = self._used.popitem(last=False)
            self._forgotten_ms = max(self._forgotten_ms, _made_at_ms(nonce))


def _made_at_ms(nonce: str) -> int:
    """When a nonce was made. Only for nonces whose seal is right: those are ours."""
    return int(nonce.partition(".")[0], 16)
