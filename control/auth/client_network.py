"""Whom an address stands for when requests are counted, and which address a request came from.

One IPv4 address, or one IPv6 /64: a subscriber gets a whole /64 at least (RFC 6177), and counted by
address it would have 2^64 tries.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

IPV6_PREFIX_BITS = 64
MAX_CHARS = 64
MAX_HOPS = 32
"Proxies between a client and us that are looked at."

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_network(address: str) -> str:
    """The key to count `address` by; what is no address counts as it is written, cut short."""
    parsed = _address(address)
    if parsed is None:
        return address[:MAX_CHARS]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX_BITS), strict=False))


def networks(written: Iterable[str]) -> tuple[Network, ...]:
    """As the configuration has them; they were checked when it was read."""
    return tuple(ipaddress.ip_network(text) for text in written)


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Who really asks: the peer, or, as long as that is a proxy of ours, whom it names.

    `forwarded_for` are the values of X-Forwarded-For, in their order. Every proxy adds whom it
    heard at the end, and what stands before that is the client's own invention: it is read from
    the end, up to the first that is none of `trusted`.
    """
    if not trusted or not _is_in(peer, trusted):
        return peer
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    found = peer
    for hop in hops[: -MAX_HOPS - 1 : -1]:
        bare = _without_port(hop)
        if (
            _address(bare) is None
        ):  # nothing that a proxy would write: whoever sent it is the client
            return found
        found = bare
        if not _is_in(bare, trusted):
            return found
    return found


def is_proxy(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether what `peer` says of its clients is believed."""
    return _is_in(peer, trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return mapped or parsed


def _is_in(text: str, trusted: Sequence[Network]) -> bool:
    parsed = _address(text)
    return parsed is not None and any(parsed in network for network in trusted)


def _without_port(hop: str) -> str:
    """`203.0.113.7:4711` and `[2001:db8::7]:4711`, as some proxies write."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
