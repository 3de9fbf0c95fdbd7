"""SHELL: the parts of one server that have to do with SMS, put together."""

from collections.abc import Callable
from typing import Protocol

from ...media.clock import Clock
from ..agents.agents import Agents
from ..auth.client_network import networks
from ..configuration.config import Settings
from ..configuration.configured import default_agent_of
from ..services.broadcasts import BroadcastService
from ..services.inbound_sms import InboundSms
from ..services.outbox import Outbox
from ..services.server_parts import ServerParts
from ..services.sms_task_steps import SmsTaskSteps
from ..services.sms_tasks import SmsTaskService
from .broadcast_runner import BroadcastRunner
from .sms_answers import SmsAnswers
from .sms_task_runner import SmsTaskRunner
from .twilio_account import TwilioAccount
from .twilio_http import TwilioHttp
from .twilio_sender import TwilioSender


class SmsServices(Protocol):
    """What of the services it needs (services/catalog.py)."""

    @property
    def broadcasts(self) -> BroadcastService: ...
    @property
    def inbound_sms(self) -> InboundSms: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def server_parts(self) -> ServerParts: ...
    @property
    def sms_tasks(self) -> SmsTaskService: ...
    @property
    def sms_task_steps(self) -> SmsTaskSteps: ...


class SmsRoom:
    """`start()` when the database is open, `aclose()` before it is closed."""

    def __init__(
        self,
        settings: Settings,
        services: SmsServices,
        agents: Agents,
        clock: Clock,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node answers and sends for all (nodes.py)."""
        sms, twilio = settings.sms, settings.twilio
        self._sender: TwilioSender | None = None
        self._account: TwilioAccount | None = None
        if twilio.account_sid:
            http = TwilioHttp(twilio, clock)
            self._sender = services.outbox.senders["sms"] = TwilioSender(http)
            self._account = services.server_parts.twilio = TwilioAccount(http, clock)
        services.inbound_sms.auth_token = twilio.auth_token
        services.inbound_sms.trusted = networks(settings.http.trusted_proxies)
        services.sms_tasks.answers = sms.answer
        services.sms_tasks.quotas = sms.quotas if settings.rate_limits else {}
        services.sms_task_steps.default_agent = default_agent_of(settings)
        self._tasks = SmsTaskRunner(
            services.sms_task_steps, SmsAnswers(agents), clock, sms.at_once, leads
        )
        if sms.answer:
            services.server_parts.room = self._tasks.room
        services.broadcasts.per_s = sms.broadcast_per_s
        self._broadcasts = BroadcastRunner(services.broadcasts, clock, leads)
        services.sms_tasks.on_pending = self._tasks.wake
        services.broadcasts.on_pending = self._broadcasts.wake

    def start(self) -> None:
        """Answer and send what waits."""
        self._tasks.start()
        self._broadcasts.start()

    def wake(self) -> None:
        """There may be something to be done, or another node does it."""
        self._tasks.wake()
        self._broadcasts.wake()

    async def aclose(self) -> None:
        """Stop answering and beginning; what the outbox has goes on until it is closed."""
        await self._broadcasts.aclose()
        await self._tasks.aclose()

    async def close_sender(self) -> None:
        """After the outbox: the connections to the provider."""
        if self._account is not None:
            await self._account.aclose()
        if self._sender is not None:
            await self._sender.aclose()
