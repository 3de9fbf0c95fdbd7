"""Secrets that must be read again, such as keys of speech services, sealed with AES-256-GCM.

A sealed value is `ohs1.<key id>.<nonce and ciphertext>`. The file of keys (data/secrets/box_key)
may have several lines: the first one seals, all of them open, so that a key is rotated by writing
a new one above it and sealing anew what `needs_resealing`.
"""

import base64
import hashlib
import hmac
import random
import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import NotSealed, SealBroken, UnknownBoxKey

KEY_FILE = "box_key"
VERSION = "ohs1"
NONCE_BYTES = 12
"NIST SP 800-38D §8.2.2; drawn at random, a key seals 2^32 values safely (§8.3)."
KEY_ID_CHARS = 8

_SEALED = re.compile(rf"{VERSION}\.([0-9a-f]{{{KEY_ID_CHARS}}})\.([A-Za-z0-9_-]+)")


class SecretsBox:
    """Seals and opens."""

    def __init__(self, keys: Sequence[bytes], rng: random.Random) -> None:
        """`keys` of 32 bytes, the one that seals first; `rng` is unguessable."""
        assert keys, "a box without a key"
        assert all(len(key) == 32 for key in keys), "AES-256"
        self._rng = rng
        self._current = key_id(keys[0])
        self._fingerprint_key = hashlib.sha256(b"offhook fingerprints\0" + keys[0]).digest()
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}

    def seal(self, text: str, place: str = "") -> str:
        """`text` unreadable without the key. It opens only for the same `place` (an entity's id,
        say), so that who can write to the database cannot move it into a row of their own."""
        nonce = self._rng.randbytes(NONCE_BYTES)
        bound = _bound(self._current, place)
        ciphertext = self._ciphers[self._current].encrypt(nonce, text.encode(), bound)
        body = base64.urlsafe_b64encode(nonce + ciphertext).rstrip(b"=").decode()
        return f"{VERSION}.{self._current}.{body}"

    def open(self, sealed: str, place: str = "") -> str:
        """What was sealed. Raises NotSealed, UnknownBoxKey, SealBroken."""
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise NotSealed
        sealed_by, body = found.groups()
        cipher = self._ciphers.get(sealed_by)
        if cipher is None:
            raise UnknownBoxKey(sealed_by)
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            opened = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(sealed_by, place))
        except (InvalidTag, ValueError) as exc:  # ValueError: cut too short to be Base64 or sealed
            raise SealBroken(sealed_by) from exc
        return opened.decode()

    def fingerprint(self, data: bytes) -> str:
        """The same for the same data, and of no use to who has it but not the key: data that can
        be guessed cannot be tried (RFC 2104). It changes with the key."""
        return hmac.new(self._fingerprint_key, data, hashlib.sha256).hexdigest()

    def needs_resealing(self, sealed: str) -> bool:
        """Whether it was sealed by a key that has been retired. Raises NotSealed."""
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise NotSealed
        return found[1] != self._current


def key_id(key: bytes) -> str:
    """Names a key without telling anything of it."""
    return hashlib.sha256(b"offhook box key\0" + key).hexdigest()[:KEY_ID_CHARS]


def _bound(sealed_by: str, place: str) -> bytes:
    return f"{VERSION}.{sealed_by}.{place}".encode()
