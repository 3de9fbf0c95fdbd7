"""Whether a webhook comes from Twilio: X-Twilio-Signature. Pure: HMAC-SHA1.

    Base64(HMAC-SHA1(auth token, URL followed by every field's name and value, sorted by name))

Twilio's "Validating requests are from Twilio". The URL is the one that Twilio called, with its
query; with or without the scheme's own port, as Twilio's libraries try both.
"""

import base64
import hmac
from collections.abc import Iterable, Sequence

from yarl import URL

HEADER = "X-Twilio-Signature"

Fields = Sequence[tuple[str, str]]
"In their order; a name may come more than once."


def signature_of(auth_token: str, url: str, fields: Fields) -> str:
    """What Twilio puts in the header."""
    # A name that comes twice with the same value counts once, as in Twilio's own libraries.
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.digest(auth_token.encode(), signed.encode(errors="surrogateescape"), "sha1")
    return base64.b64encode(digest).decode()


def is_signed(auth_token: str, given: str, urls: Iterable[str], fields: Fields) -> bool:
    """Whether the signature is that of one of these addresses, in a time that tells nothing."""
    shown = given.encode(errors="surrogateescape")
    ours = [signature_of(auth_token, url, fields).encode() for url in urls]
    return any([hmac.compare_digest(each, shown) for each in ours])


def addresses_of(url: URL) -> tuple[str, ...]:
    """How Twilio may have written the address that it called."""
    path = url.raw_path_qs
    host, port = url.raw_host or "", url.port
    if ":" in host:
        host = f"[{host}]"
    bare = f"{url.scheme}://{host}{path}"
    with_port = f"{url.scheme}://{host}:{port}{path}"
    return (bare, with_port) if url.is_default_port() else (with_port, bare)
