"""Keys for programs: `ohk_<id>_<secret>`, and the bare 40 digits of an older API. Pure.

Stored are the id, by which a key is found, and the SHA-256 of all of it. A fast hash is right here:
the secret is 256 random bits (160 for the older form), and no hash has to slow down the guessing of
what cannot be guessed; a slow one would cost every request what it costs a login.
"""

import base64
import hashlib
import hmac
import random
import re

import msgspec

PREFIX = "ohk"
ID_CHARS = 8
ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SECRET_BYTES = 32
TOKEN40_BYTES = 20
TOKEN40_PURPOSE = "token40"
"Signed as well: the key makes nothing else."

_KEY = re.compile(rf"{PREFIX}_([a-z0-9]{{{ID_CHARS}}})_[A-Za-z0-9_-]{{43}}")
_TOKEN40 = re.compile(r"[0-9a-f]{40}")


class MadeKey(msgspec.Struct, frozen=True):
    """A new key: `text` is shown once, the rest is stored."""

    id: str
    "Not secret: it is shown in lists. Credential.lookup"
    text: str
    hash: str
    "Credential.secret_hash"


def make(rng: random.Random) -> MadeKey:
    """A new key. `rng` is unguessable (random.SystemRandom or PooledRandom)."""
    id_ = "".join(rng.choice(ID_ALPHABET) for _ in range(ID_CHARS))
    secret = base64.urlsafe_b64encode(rng.randbytes(SECRET_BYTES)).rstrip(b"=").decode()
    text = f"{PREFIX}_{id_}_{secret}"
    return MadeKey(id_, text, hash_of(text))


def parse(text: str) -> str | None:
    """The id of what looks like a key; None for anything else."""
    found = _KEY.fullmatch(text)
    return None if found is None else found[1]


def make_token40(rng: random.Random) -> MadeKey:
    """A new token of 40 hexadecimal digits; it has no public part, so it is found by its hash."""
    text = rng.randbytes(TOKEN40_BYTES).hex()
    hash_ = hash_of(text)
    return MadeKey(hash_, text, hash_)


def derive_token40(key: bytes, id_: str) -> MadeKey:
    """The token of 40 digits that belongs to a credential's id: the same each time."""
    signed = f"{TOKEN40_PURPOSE}\n{id_}".encode()
    text = hmac.digest(key, signed, "sha256")[:TOKEN40_BYTES].hex()
    hash_ = hash_of(text)
    return MadeKey(hash_, text, hash_)


def parse_token40(text: str) -> str | None:
    """The hash by which what looks like such a token is found; None for anything else.

    To look a hash up takes no constant time, and need not: who does not know the token cannot
    choose its hash.
    """
    return hash_of(text) if _TOKEN40.fullmatch(text) else None


def hash_of(text: str) -> str:
    """What is stored of a key or token: SHA-256, in hex."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def matches(text: str, stored_hash: str) -> bool:
    """Whether the key or token is the one of the hash, in constant time."""
    return hmac.compare_digest(hash_of(text), stored_hash)
