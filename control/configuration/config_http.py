"""The configuration of the API's socket and of who may ask how often, a part of config.py."""

import ipaddress
from collections.abc import Iterable
from typing import Annotated

import msgspec

from ..errors import ConfigError
from .config_reader import Origin

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
"0 means any free one."
Connections = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
ORIGIN = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(\*|https?://[A-Za-z0-9.:\[\]-]+)\Z",
        description="a page's origin such as https://app.example (no path), or *",
    ),
]


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the API is served, and to whom."""

    host: str = "127.0.0.1"
    port: Port = 8000
    cors_origins: tuple[ORIGIN, ...] = ()
    "Whose pages may ask from a browser; `*`: everybody's, and then without credentials."
    trusted_proxies: tuple[str, ...] = ()
    "Addresses or networks in front of us whose X-Forwarded-For is believed."
    max_connections: Connections = 4000
    "At once; never more than half of the files that the process may open."
    max_connections_per_address: Connections = 1000
    "Of one IPv4 address or IPv6 /64; trusted proxies have no such limit."


class RateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A limit of requests."""

    per_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 600
    burst: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    "So many at once; 0: a minute's worth."


class RatesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often somebody may ask."""

    api: RateSettings = RateSettings(per_minute=600, burst=100)
    "Each account, and each address of those who have none."
    auth: RateSettings = RateSettings(per_minute=10)
    "Each address, at the doors: signing in, registering, codes, new passwords."


def wrong_proxies(settings: HttpSettings, origin: Origin) -> Iterable[ConfigError]:
    """What is no network."""
    for index, written in enumerate(settings.trusted_proxies):
        try:
            ipaddress.ip_network(written)
        except ValueError:
            expected = "must be an address or a network such as 10.0.0.0/8"
            yield origin.error(f"http.trusted_proxies[{index}]", written, expected)
