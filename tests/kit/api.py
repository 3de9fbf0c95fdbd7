"""The API in one process: real services on a database, a client, and as many accounts as wanted."""

import pathlib
import random
from typing import Any

import msgspec
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from offhook.control.calls.registry import CallRegistry
from offhook.control.configuration.config import Settings
from offhook.control.dialects.catalog import served
from offhook.control.dialer.call_limits import CallLimits
from offhook.control.domain.accounts import Account, Role
from offhook.control.events.events import EventBus
from offhook.control.http.edge import Edge
from offhook.control.http.rate_limiting import RateLimiter, policies
from offhook.control.http.server import make_app
from offhook.control.lines.lines import Lines
from offhook.control.services.catalog import Services
from offhook.control.services.ground import Ground
from offhook.control.store.calls import CallStore
from offhook.control.telemetry.metrics import Metrics
from offhook.media.clock import VirtualClock
from offhook.media.frames.frame_clock import ClockHealth

from .database import copy_database
from .proving import TOKEN as TOKEN, cheap_proofs
from .sealing import a_box

DEFAULTS = Settings()
PASSWORD = "a long password"
"Of every account that `Api.user` makes."


class Idle:
    """A server with nothing to do."""

    def clock(self) -> ClockHealth:
        """On time."""
        return ClockHealth(0.0, 0.0, 0.0, 0, 0, 0.0)

    def draining(self) -> bool:
        """No."""
        return False

    def refusal(self) -> str | None:
        """None."""
        return None


class Api:
    """`async with Api(folder) as api`: the operator's token unless another is given."""

    def __init__(
        self, folder: pathlib.Path, settings: Settings = DEFAULTS, *, limited: bool = False
    ) -> None:
        """`settings`: which lines there are, and how HTTP is served; `limited`: by its rates."""
        self.clock = VirtualClock()
        self.limits = CallLimits()
        self.lines = Lines(settings, self.limits)
        self.database = copy_database(folder)
        self.bus = EventBus()
        self.metrics = Metrics()
        recordings = self.recordings = folder / "recordings"
        recordings.mkdir()
        self.calls = CallRegistry(
            CallStore(self.database), self.bus, self.metrics, self.clock, recordings
        )
        self.proofs = cheap_proofs(folder, self.clock)
        self.services = Services(
            Ground(
                database=self.database,
                clock=self.clock,
                bus=self.bus,
                lines=self.lines,
                calls=self.calls,
                recordings=recordings,
                uploads=folder / "uploads",
                proofs=self.proofs,
                box=a_box,
                rng=random.Random(1),
                private_webhooks=settings.webhooks.allow_private,
                providers=settings.providers,
                report_tokens={"exotel": settings.exotel.token},
            )
        )
        edge = Edge(self.calls, self.bus, self.metrics, Idle(), self.services)
        limiter = RateLimiter(self.clock, policies(settings.rates)) if limited else None
        limits = msgspec.structs.replace(settings, rate_limits=limited)
        app = make_app(
            edge,
            self.services.authentication,
            settings.http,
            limiter,
            clock=self.clock,
            dialects=served(limits, self.clock).beside,
        )
        self.client = TestClient(TestServer(app))

    async def __aenter__(self) -> "Api":
        await self.database.open()
        await self.calls.start()
        await self.client.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.services.server_parts.aclose()
        await self.services.analytics.aclose()
        await self.calls.aclose()
        await self.services.authentication.aclose()
        await self.proofs.aclose()
        await self.database.aclose()

    async def user(self, email: str, role: Role = Role.USER) -> str:
        """The access token of an account with that address, made when there is none."""
        account = await self.services.sign_in.named(email)
        if account is None:
            account = await self.services.accounts.add(Account(email=email, role=role), PASSWORD)
        return (await self.services.sign_in.begin(account.id)).access.token

    async def ask(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        token: str = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> ClientResponse:
        """One request; whatever comes."""
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        return await self.client.request(method, path, json=json, headers=sent)

    async def want(self, status: int, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """One request that must be answered with this status; its JSON, None when there is none."""
        response = await self.ask(method, path, json, **more)
        text = await response.text()
        assert response.status == status, f"{method} {path}: {response.status} {text}"
        return await response.json(content_type=None) if text else None
