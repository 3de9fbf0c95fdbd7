"""All services of one server, made in the order in which they need each other."""

import msgspec

from ...media.clock import Clock
from ..call_limits import CallLimits
from ..config import Settings
from ..events import EventBus
from ..lines import Lines
from ..store.database import Database
from .accounts import AccountService
from .agents import AgentService
from .event_log import EventLog
from .lines import LineService
from .modems import ModemService
from .numbers import NumberService


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The domain's verbs, by subject."""

    accounts: AccountService
    agents: AgentService
    events: EventLog
    lines: LineService
    modems: ModemService
    numbers: NumberService


def make_services(
    database: Database, clock: Clock, bus: EventBus, lines: Lines | None = None
) -> Services:
    """All of them, on a database that is opened before they are used.

    `lines` None: those of a server without configuration.
    """
    if lines is None:
        lines = Lines(Settings(), CallLimits())
    return Services(
        accounts=AccountService(database, clock),
        agents=AgentService(database, clock),
        events=EventLog(database, bus),
        lines=LineService(database, lines),
        modems=ModemService(database, clock, lines),
        numbers=NumberService(database, clock, lines),
    )
