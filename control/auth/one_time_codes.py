"""Codes that are sent and are good once: six digits to type, or a token in a link. Pure.

Stored is an HMAC-SHA-256 under a key that is not in the database: a million codes could be tried
against a bare hash in a second. The account is hashed with six digits, so that equal codes do not
look equal; a link carries nothing but its token, which is therefore found by its hash alone.

What `judge` gives is stored before anybody is told, in the transaction that read the code: else
more than five could be tried at once.
"""

import base64
import enum
import hmac
import random
import re

import msgspec

from ..domain.accounts import CodeKind, OneTimeCode

KEY_FILE = "code_key"
MAX_TRIES = 5
DIGITS = 6
TOKEN_BYTES = 32

_GROUPED = re.compile(r"[\s-]+")


class Form(msgspec.Struct, frozen=True):
    """What codes of a kind look like and how long they live."""

    typed: bool
    "Six digits, typed by hand; else a token in a link."
    ttl_s: int


FORMS: dict[CodeKind, Form] = {
    CodeKind.SMS: Form(typed=True, ttl_s=600),
    CodeKind.RESET: Form(typed=False, ttl_s=3600),
    CodeKind.EMAIL: Form(typed=False, ttl_s=3600),
}


class Verdict(enum.Enum):
    """What a code that was entered is worth. Clients need not be told more than right or not."""

    RIGHT = enum.auto()
    WRONG = enum.auto()
    EXPIRED = enum.auto()
    USED = enum.auto()
    TOO_MANY_TRIES = enum.auto()
    UNKNOWN = enum.auto()


class MadeCode(msgspec.Struct, frozen=True):
    """A new code: `text` is sent, `stored` is stored."""

    text: str
    stored: OneTimeCode


class Judged(msgspec.Struct, frozen=True):
    """A verdict, and the code as it is to be stored before anybody is told."""

    verdict: Verdict
    code: OneTimeCode | None
    "None: there is none."


class OneTimeCodes:
    """Makes codes and judges what is entered."""

    def __init__(self, key: bytes, rng: random.Random) -> None:
        """`rng` is unguessable (random.SystemRandom or PooledRandom)."""
        self._key = key
        self._rng = rng

    def make(self, kind: CodeKind, owner_id: str, target: str, now_wall: float) -> MadeCode:
        """A new code for the account, to be sent to `target`.

        The account's older codes of this kind are to be deleted: each would bear five tries more.
        """
        form = FORMS[kind]
        text = self._digits() if form.typed else self._token()
        stored = OneTimeCode(
            owner_id=owner_id,
            kind=kind,
            target=target,
            code_hash=self.hash_of(kind, owner_id, text),
            created_wall=now_wall,
            updated_wall=now_wall,
            expires_wall=now_wall + form.ttl_s,
        )
        return MadeCode(text, stored)

    def hash_of(self, kind: CodeKind, owner_id: str, text: str) -> str:
        """What is stored of a code. For a link's token `owner_id` does not matter."""
        if FORMS[kind].typed:
            parts = (kind.value, owner_id, _GROUPED.sub("", text))
        else:
            parts = (kind.value, "", text.strip())
        # msgpack: lengths go in with the parts, so that no two triples are the same bytes.
        return hmac.digest(self._key, _encode([_bytes(part) for part in parts]), "sha256").hex()

    def judge(self, code: OneTimeCode | None, text: str, now_wall: float) -> Judged:
        """What `text` is worth, entered for `code`: right uses it up, wrong counts as a try."""
        if code is None:
            return Judged(Verdict.UNKNOWN, None)
        if code.used_wall is not None:
            return Judged(Verdict.USED, code)
        if now_wall >= code.expires_wall:
            return Judged(Verdict.EXPIRED, code)
        if code.tries >= MAX_TRIES:
            return Judged(Verdict.TOO_MANY_TRIES, code)
        tried = msgspec.structs.replace(code, tries=code.tries + 1, updated_wall=now_wall)
        given = self.hash_of(code.kind, code.owner_id, text)
        if not hmac.compare_digest(given, code.code_hash):
            return Judged(Verdict.WRONG, tried)
        return Judged(Verdict.RIGHT, msgspec.structs.replace(tried, used_wall=now_wall))

    def _digits(self) -> str:
        return f"{self._rng.randrange(10**DIGITS):0{DIGITS}}"

    def _token(self) -> str:
        return base64.urlsafe_b64encode(self._rng.randbytes(TOKEN_BYTES)).rstrip(b"=").decode()


def is_good(code: OneTimeCode, now_wall: float) -> bool:
    """Whether it may still be entered."""
    return code.used_wall is None and now_wall < code.expires_wall and code.tries < MAX_TRIES


_encode = msgspec.msgpack.Encoder().encode


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
