"""Addresses of the public Internet, and names that lead to nothing else.

For whatever somebody with an account may have the server ask: its own network is not theirs. A name
is looked at each time that it is resolved, because it may lead elsewhere tomorrow; an address that
is written as numbers is resolved by nobody, and is looked at by `is_public` before it is used.
"""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"RFC 6052 §2.1: an IPv4 address is in the last 32 bits."
ELSEWHERE = (
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("3fff::/20"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)
"""What `is_global` takes for public, and is not: a site's own network (RFC 3879; some still have
one), examples (RFC 9637), relays to IPv6 (RFC 7526)."""

AnyAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: AnyAddress | str) -> bool:
    """Whether an IP address is one of the public Internet, also behind what IPv6 wraps it in."""
    found = address_of(address) if isinstance(address, str) else address
    if found is None:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _wrapped(found)
        if inner is not None:
            return is_public(inner)
    if any(found in network for network in ELSEWHERE):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def address_of(host: str) -> AnyAddress | None:
    """The address that a host is written as; None: it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class PublicResolver(AbstractResolver):
    """Resolves names, and finds no address in them that is not public."""

    def __init__(self, inner: AbstractResolver, *, allow_private: bool = False) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError when nothing is left."""
        found = await self._inner.resolve(host, port, family)
        allowed = [entry for entry in found if self._allow_private or is_public(entry["host"])]
        if not allowed:
            raise OSError(None, f"{host} leads to this machine or a private network")
        return allowed

    async def close(self) -> None:
        """No more names."""
        await self._inner.close()
