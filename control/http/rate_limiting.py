"""SHELL: requests counted by who sends them, and the headers that tell what is left.

How a bucket fills is in auth/rate_limits.py. An account is counted wherever it sends from, all
others, and whoever shows a wrong credential, by their address.
"""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from ...media.clock import Clock
from ..auth.client_network import client_network
from ..auth.principal import Principal
from ..auth.rate_limits import Decision, Policy, RateLimits
from ..configuration.config_http import RateSettings, RatesSettings
from .finishing import READING
from .route import AnyRoute

API, AUTH = "api", "auth"
BY_ADDRESS = (AUTH,)
"Policies of the doors: who signs in has no account yet, or many."
WINDOW_S = 60.0


class RateLimiter:
    """Counts requests."""

    def __init__(
        self,
        clock: Clock,
        policies: Mapping[str, Policy],
        *,
        by_address: tuple[str, ...] = BY_ADDRESS,
        by_bytes: tuple[str, ...] = (),
        counts_all: bool = False,
        refuses: bool = True,
    ) -> None:
        """`by_bytes`: policies of what is sent, in bytes. `counts_all`: the operator's looks as
        well. `refuses` False: what is left is told, and nobody is limited.
        """
        assert API in policies, "addresses that are no route count for it"
        self._clock = clock
        self._policies = policies
        self._by_address = by_address
        self._by_bytes = by_bytes
        self._counts_all = counts_all
        self._refuses = refuses
        self._limits = RateLimits()

    def count(
        self, request: web.Request, route: AnyRoute | None, who: Principal | None, address: str
    ) -> Decision | None:
        """Take one request from its sender's bucket; None: it is not counted."""
        name = API if route is None else route.rate
        if name is None or (not self._counts_all and _watches(request, who)):
            return None
        by_address = who is None or name in self._by_address
        client = client_network(address) if by_address or who is None else who.account_id
        cost = max(1, request.content_length or 0) if name in self._by_bytes else 1
        now, wall = self._clock.now(), self._clock.wall()
        decision = self._limits.take(self._policies[name], client, now, wall, cost)
        if self._refuses or decision.allowed:
            return decision
        return msgspec.structs.replace(decision, allowed=True, retry_after_s=0.0)


def policies(settings: RatesSettings) -> dict[str, Policy]:
    """As the configuration has them."""
    return {API: _policy(API, settings.api), AUTH: _policy(AUTH, settings.auth)}


def rate_headers(decision: Decision) -> dict[str, str]:
    """What is left, and when all of it is back (Unix seconds)."""
    return {
        "X-RateLimit-Limit": str(decision.limit),
        "X-RateLimit-Remaining": str(decision.remaining),
        "X-RateLimit-Reset": str(decision.reset_wall),
    }


def _policy(name: str, settings: RateSettings) -> Policy:
    return Policy(name, settings.per_minute, WINDOW_S, at_once=settings.burst)


def _watches(request: web.Request, who: Principal | None) -> bool:
    """The operator looks on: monitoring must not go blind when there is much to see."""
    return who is not None and who.kind == "operator" and request.method in READING
