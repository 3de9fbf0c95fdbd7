"""The digest itself: hashes, challenges and credentials as values (RFC 3261 §22, RFC 7616, 8760).

Who answers a challenge and who makes one is in auth.py.
"""

import hashlib
import re
from typing import Self

import msgspec

from .errors import MalformedMessage
from .grammar import quote, unquote

# Strongest first (RFC 8760 §2.3). A -sess form is as strong as the plain one.
ALGORITHMS = ("SHA-256", "SHA-256-sess", "MD5", "MD5-sess")
_STRENGTH = {"SHA-256": 2, "SHA-256-SESS": 2, "MD5": 1, "MD5-SESS": 1}

_SCHEME = re.compile(r"\s*([A-Za-z0-9\-]+)(?:\s+|$)")
_PARAMETER = re.compile(
    r'\s*([A-Za-z0-9\-_*]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s",]+)\s*(,|$)', re.DOTALL
)
_NEW_CHALLENGE = re.compile(r"\s*[A-Za-z0-9\-]+\s+[A-Za-z0-9\-_*]+\s*=")
MAX_PARAMETERS = 50  # of one header value


class Challenge(msgspec.Struct, frozen=True):
    """One challenge of WWW-Authenticate or Proxy-Authenticate."""

    scheme: str
    realm: str = ""
    nonce: str = ""
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    "What the server offers; empty: the old digest without qop (RFC 2069)."
    opaque: str | None = None
    stale: bool = False

    @classmethod
    def parse_all(cls, values: list[str]) -> list[Self]:
        """All challenges that can be read; an unreadable value is left out.

        One value can hold several challenges (RFC 7616 §3.7 as HTTP writes it).
        """
        challenges: list[Self] = []
        for value in values:
            try:
                challenges += [
                    cls._from_parameters(scheme, parameters)
                    for scheme, parameters in _read_values(value)
                ]
            except MalformedMessage:
                continue
        return challenges

    @classmethod
    def _from_parameters(cls, scheme: str, parameters: dict[str, str]) -> Self:
        return cls(
            scheme,
            parameters.get("realm", ""),
            parameters.get("nonce", ""),
            parameters.get("algorithm", "MD5"),
            tuple(item.strip().lower() for item in parameters.get("qop", "").split(",") if item),
            parameters.get("opaque"),
            parameters.get("stale", "").lower() == "true",
        )

    @property
    def strength(self) -> int:
        """0 when it cannot be answered; the higher, the better."""
        understood = not self.qop or "auth" in self.qop or "auth-int" in self.qop
        if self.scheme.lower() != "digest" or not self.nonce or not understood:
            return 0
        return _STRENGTH.get(self.algorithm.upper(), 0)


class Credentials(msgspec.Struct, frozen=True):
    """A digest answer: the value of Authorization or Proxy-Authorization."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    cnonce: str = ""
    nc: str = ""
    "Eight hex digits, empty without qop."
    qop: str = ""
    opaque: str | None = None

    @classmethod
    def parse(cls, value: str) -> Self:
        """Parse one header value. Raises MalformedMessage when it is no digest."""
        read = _read_values(value)
        if len(read) != 1 or read[0][0].lower() != "digest":
            raise MalformedMessage("not one digest", "Authorization")
        parameters = read[0][1]
        for name in ("username", "realm", "nonce", "uri", "response"):
            if name not in parameters:
                raise MalformedMessage(f"{name} is missing", "Authorization")
        known = {name: parameters[name] for name in cls.__struct_fields__ if name in parameters}
        return msgspec.convert(known, cls)

    def __str__(self) -> str:
        parts = [
            f"username={quote(self.username)}",
            f"realm={quote(self.realm)}",
            f"nonce={quote(self.nonce)}",
            f"uri={quote(self.uri)}",
            f'response="{self.response}"',
            f"algorithm={self.algorithm}",
        ]
        if self.qop:
            parts += [f"cnonce={quote(self.cnonce)}", f"qop={self.qop}", f"nc={self.nc}"]
        elif self.cnonce:
            parts.append(f"cnonce={quote(self.cnonce)}")
        if self.opaque is not None:
            parts.append(f"opaque={quote(self.opaque)}")
        return "Digest " + ", ".join(parts)


def choose(challenges: list[Challenge]) -> Challenge | None:
    """The strongest challenge that can be answered, the first of equals; None when none can."""
    best = max(challenges, key=lambda challenge: challenge.strength, default=None)
    return best if best is not None and best.strength > 0 else None


def user_hash(algorithm: str, username: str, realm: str, password: str) -> str:
    """H(username:realm:password), what a server may keep instead of the password."""
    return _hash(algorithm, f"{username}:{realm}:{password}")


def digest_response(credentials: Credentials, user: str, method: str, body: bytes) -> str:
    """The response that belongs to these credentials (RFC 7616 §3.4.1), in hex.

    `user` is the `user_hash` of their algorithm; `credentials.response` is not looked at.
    """
    algorithm = credentials.algorithm
    a1 = user
    if algorithm.lower().endswith("-sess"):
        a1 = _hash(algorithm, f"{user}:{credentials.nonce}:{credentials.cnonce}")
    a2 = f"{method}:{credentials.uri}"
    if credentials.qop == "auth-int":
        a2 += ":" + _hash_bytes(algorithm, body)
    hashed = _hash(algorithm, a2)
    if not credentials.qop:
        return _hash(algorithm, f"{a1}:{credentials.nonce}:{hashed}")
    middle = f"{credentials.nonce}:{credentials.nc}:{credentials.cnonce}:{credentials.qop}"
    return _hash(algorithm, f"{a1}:{middle}:{hashed}")


def _hash(algorithm: str, text: str) -> str:
    return _hash_bytes(algorithm, text.encode("utf-8", "surrogateescape"))


def _hash_bytes(algorithm: str, data: bytes) -> str:
    if algorithm.upper().startswith("SHA-256"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _read_values(text: str) -> list[tuple[str, dict[str, str]]]:
    """Schemes with their parameters (names in lower case, values unquoted)."""
    read: list[tuple[str, dict[str, str]]] = []
    at, count = 0, 0
    while at < len(text):
        if not read or _NEW_CHALLENGE.match(text, at):
            scheme = _SCHEME.match(text, at)
            if scheme is None:
                raise MalformedMessage("no scheme", "authentication")
            read.append((scheme[1], {}))
            at = scheme.end()
            continue
        parameter, count = _PARAMETER.match(text, at), count + 1
        if parameter is None or count > MAX_PARAMETERS:
            raise MalformedMessage(f"bad parameter at character {at}", "authentication")
        value = parameter[2]
        unquoted = unquote(value, "authentication") if value.startswith('"') else value
        read[-1][1].setdefault(parameter[1].lower(), unquoted)
        at = parameter.end()
    return read
