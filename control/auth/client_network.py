"""Whom an address stands for when requests are counted: one IPv4 address, or one IPv6 /64.

A subscriber gets a whole /64 at least (RFC 6177): counted by address it would have 2^64 tries.
"""

import ipaddress

IPV6_PREFIX_BITS = 64
MAX_CHARS = 64


def client_network(address: str) -> str:
    """The key to count `address` by; what is no address counts as it is written, cut short."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:MAX_CHARS]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX_BITS), strict=False))
