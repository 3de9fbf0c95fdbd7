"""All services of one server, made in the order in which they need each other."""

import pathlib
import random
from collections.abc import Callable

import msgspec

from ...media.clock import Clock
from ..auth.proofs import Proofs
from ..auth.secrets_box import SecretsBox
from ..call_limits import CallLimits
from ..calls import Calls
from ..config import Settings
from ..events import EventBus
from ..lines import Lines
from ..store.calls import CallStore
from ..store.database import Database
from .accounts import AccountService
from .agents import AgentService
from .authentication import Authentication
from .call_control import CallControl
from .calls import CallService
from .deliveries import DeliveryQueue
from .event_log import EventLog
from .lines import LineService
from .modems import ModemService
from .numbers import NumberService
from .sign_in import SignIn
from .webhooks import WebhookService


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The domain's verbs, by subject."""

    accounts: AccountService
    agents: AgentService
    authentication: Authentication
    calls: CallService
    control: CallControl
    deliveries: DeliveryQueue
    events: EventLog
    lines: LineService
    modems: ModemService
    numbers: NumberService
    sign_in: SignIn
    webhooks: WebhookService


def make_services(
    database: Database,
    clock: Clock,
    bus: EventBus,
    lines: Lines | None = None,
    *,
    calls: Calls,
    recordings: pathlib.Path,
    proofs: Proofs,
    box: Callable[[], SecretsBox],
    rng: random.Random,
    private_webhooks: bool = False,
) -> Services:
    """All of them, on a database that is opened before they are used.

    `lines` None: those of a server without configuration. `calls`: those in progress; their
    recordings lie in `recordings`. `box` is asked for when it is needed: its keys are read, or
    made, by the process that holds the database. `rng` is unguessable. `private_webhooks`:
    webhooks may lead to this machine, too.
    """
    if lines is None:
        lines = Lines(Settings(), CallLimits())
    events = EventLog(database, bus)
    deliveries = DeliveryQueue(database, events, clock, rng)
    webhooks = WebhookService(
        database, clock, events, deliveries, box, rng, allow_private=private_webhooks
    )
    accounts = AccountService(database, clock, proofs)
    return Services(
        accounts=accounts,
        agents=AgentService(database, clock),
        authentication=Authentication(database, clock, proofs),
        control=CallControl(database, calls, clock),
        calls=CallService(CallStore(database), events, calls, clock, recordings),
        deliveries=deliveries,
        events=events,
        lines=LineService(database, lines),
        modems=ModemService(database, clock, lines),
        numbers=NumberService(database, clock, lines),
        sign_in=SignIn(database, clock, proofs, accounts),
        webhooks=webhooks,
    )
