"""Where a webhook may lead: anybody who has an account could have the server ask its own network.

An address is looked at twice: as a URL when it is written down, and as IP addresses each time that
it is resolved, because a name may lead elsewhere tomorrow.
"""

import ipaddress

from yarl import URL

from ..errors import FieldError, Unprocessable

MAX_URL_CHARS = 2000
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"RFC 6052 §2.1: an IPv4 address is in the last 32 bits."

AnyAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str, *, allow_private: bool) -> URL:
    """The address, parsed. Raises Unprocessable naming `url`."""
    try:
        parsed = URL(url)
        port = parsed.port  # raises for 99999
    except ValueError as exc:
        raise _refused("is no URL") from exc
    if len(url) > MAX_URL_CHARS:
        raise _refused(f"at most {MAX_URL_CHARS} characters")
    if parsed.scheme not in ("https", "http") or not parsed.host or not port:
        raise _refused("an https address such as https://example.org/hook is needed")
    if parsed.scheme == "http" and not allow_private:
        raise _refused("must begin with https: webhooks.allow_private is not set")
    if parsed.user is not None or parsed.password is not None:
        raise _refused("must not hold a name or password: deliveries are signed")
    address = _address(parsed.host)
    if address is not None and not allow_private and not is_public(address):
        raise _refused("leads to this machine or a private network")
    return parsed


def is_public(address: AnyAddress | str) -> bool:
    """Whether an IP address is one of the public Internet, also behind what IPv6 wraps it in."""
    found = _address(address) if isinstance(address, str) else address
    if found is None:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _wrapped(found)
        if inner is not None:
            return is_public(inner)
    return found.is_global and not found.is_multicast and not found.is_reserved


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _address(host: str) -> AnyAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _refused(why: str) -> Unprocessable:
    return Unprocessable(f"the address {why}", [FieldError("url", why)])
