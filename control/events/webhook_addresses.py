"""Where a webhook, or a key's provider, may lead: else any account could ask the server's network.

An address is looked at twice: as a URL when it is written down, and as IP addresses each time that
it is resolved, because a name may lead elsewhere tomorrow.
"""

from yarl import URL

from ...drivers.public_addresses import address_of, is_public
from ..errors import FieldError, Unprocessable

MAX_URL_CHARS = 2000


def check_url(url: str, *, allow_private: bool, field: str = "url") -> URL:
    """The address, parsed. Raises Unprocessable naming `field`."""
    try:
        parsed = URL(url)
        port = parsed.port  # raises for 99999
    except ValueError as exc:
        raise _refused(field, "is no URL") from exc
    if len(url) > MAX_URL_CHARS:
        raise _refused(field, f"at most {MAX_URL_CHARS} characters")
    if parsed.scheme not in ("https", "http") or not parsed.host or not port:
        raise _refused(field, "must be such as https://example.org/hook")
    if parsed.scheme == "http" and not allow_private:
        raise _refused(field, "must begin with https: webhooks.allow_private is not set")
    if parsed.user is not None or parsed.password is not None:
        raise _refused(field, "must not hold a name or password")
    address = address_of(parsed.host)
    if address is not None and not allow_private and not is_public(address):
        raise _refused(field, "leads to this machine or a private network")
    return parsed


def _refused(field: str, why: str) -> Unprocessable:
    return Unprocessable(f"the address {why}", [FieldError(field, why)])
