"""All services of one server, made in the order in which they need each other."""

import msgspec

from ...media.clock import Clock
from ..events import EventBus
from ..store.database import Database
from .accounts import AccountService
from .agents import AgentService
from .event_log import EventLog


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The domain's verbs, by subject."""

    accounts: AccountService
    agents: AgentService
    events: EventLog


def make_services(database: Database, clock: Clock, bus: EventBus) -> Services:
    """All of them, on a database that is opened before they are used."""
    return Services(
        accounts=AccountService(database, clock),
        agents=AgentService(database, clock),
        events=EventLog(database, bus),
    )
