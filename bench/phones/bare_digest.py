"""Answers to SIP's and HTTP's digest challenges, by hand (RFC 7616, 8760). Pure.

It shares no code with the server, for the same reason as the rest of the bare phone. Not here: when
a challenge is answered (bare_sip.py).
"""

import hashlib
import re

import msgspec

ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class Credentials(msgspec.Struct, frozen=True):
    """For digest authentication."""

    username: str
    password: str


def authorization(
    challenge: str, credentials: Credentials, method: str, uri: str, cnonce: str
) -> str | None:
    """The answer to a digest challenge (RFC 8760); None: not one that we can answer."""
    asked = {key.lower(): quoted or bare for key, quoted, bare in PARAMETER.findall(challenge)}
    algorithm = asked.get("algorithm", "MD5")
    digest = ALGORITHMS.get(algorithm.upper())
    if digest is None or not challenge.lower().startswith("digest") or "nonce" not in asked:
        return None

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode()).hexdigest()

    realm, nonce = asked.get("realm", ""), asked["nonce"]
    secret = hashed(credentials.username, realm, credentials.password)
    request = hashed(method, uri)
    fields = {"username": credentials.username, "realm": realm, "nonce": nonce, "uri": uri}
    bare = {"algorithm": algorithm}
    if "auth" in re.split(r"[\s,]+", asked.get("qop", "")):
        fields |= {
            "cnonce": cnonce,
            "response": hashed(secret, nonce, "00000001", cnonce, "auth", request),
        }
        bare |= {"qop": "auth", "nc": "00000001"}
    else:
        fields["response"] = hashed(secret, nonce, request)
    if "opaque" in asked:
        fields["opaque"] = asked["opaque"]
    told = [f'{k}="{v}"' for k, v in fields.items()] + [f"{k}={v}" for k, v in bare.items()]
    return "Digest " + ", ".join(told)
