"""How the server is.

What its clients look for by the name of another product (Redis, OpenAI, Twilio) is what does that
work here, as it was measured (services/server_parts.py). No request waits for a provider: what
these said is up to a minute old.
"""

import asyncio
import decimal
from typing import Any, Literal

import msgspec
from aiohttp import web

from ...auth.principal import OPERATOR
from ...domain.server_parts import BusPart, ModelPart, PartState, TextingPart
from ...errors import StoreError
from ...http.docs import version
from ...http.open_routes import sender_of
from ...http.route import Asked, Nothing
from ...services.database_use import DatabaseUse as Use
from ...telemetry.process_use import ProcessUse, process_use
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds
from .forms import BASE

TAG = "System management"
JSON = "application/json"
UNITS = ("B", "KB", "MB", "GB", "TB")
STEP = 1024.0
UNTOLD = 0.0

NO_ACCOUNT = "not configured"
UNKNOWN = "unknown"
"It was asked for, and has not been told yet."
WITHHELD = "withheld"
"Anybody may ask how the server is; what money there is administrators alone are told."
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
"Before an amount; other currencies stand behind it."

Word = Literal["healthy", "degraded", "unhealthy"]
STATE: dict[PartState, Word] = {
    PartState.WELL: "healthy",
    PartState.IMPAIRED: "degraded",
    PartState.DOWN: "unhealthy",
    PartState.ABSENT: "degraded",
}
TROUBLED = (PartState.IMPAIRED, PartState.DOWN)


class DatabaseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The database."""

    status: Word
    response_time: float
    connections: int


class RedisHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What carries events and holds counters here: a part of this process."""

    status: Word
    response_time: float
    "Seconds from telling an event to whoever waits for it, measured for this answer."
    memory_usage: str
    "Of the process."


class OpenAiHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What answers; `degraded`: requests of the last hour were refused, `unhealthy`: it is away."""

    status: Word
    response_time: float
    """Seconds to the first part of the provider's newest answer; where none was asked in the last
    hour, what a text took to be answered in it, on average; 0: nothing was answered."""
    rate_limit_remaining: int
    """Requests that would be taken now: as the provider said with its newest answer; where it has
    not said so in the last hour, texts that this server would begin to answer at once."""


class TwilioHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What sends; `degraded`: SMS wait for another try, or there is no account to send them by;
    `unhealthy`: it cannot be reached, or does not take our account."""

    status: Word
    response_time: float
    "Seconds, of Twilio's newest answer to a text or to a question; 0: it has given none."
    account_balance: str
    """As $45.67, for administrators, `withheld` from others; `unknown` until Twilio has told it;
    `not configured`: there is no account."""


class ServicesView(msgspec.Struct, frozen=True, kw_only=True):
    """What the server is made of."""

    database: DatabaseHealth
    redis: RedisHealth
    openai: OpenAiHealth
    twilio: TwilioHealth


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """How the server is."""

    status: Word
    timestamp: Moment
    services: ServicesView
    version: str
    uptime: int
    "Seconds."


class SystemUse(msgspec.Struct, frozen=True, kw_only=True):
    """Percent of the machine."""

    cpu_usage: float
    memory_usage: float
    disk_usage: float
    uptime: int
    "Seconds."


class DatabaseUse(msgspec.Struct, frozen=True, kw_only=True):
    """The database."""

    total_size: str
    connections: int
    slow_queries: int
    "Transactions of more than a second."
    cache_hit_ratio: float
    "Percent; 0 where the database does not tell."


class QueueUse(msgspec.Struct, frozen=True, kw_only=True):
    """Texts that are to be answered."""

    pending_tasks: int
    failed_tasks: int
    completed_today: int


class StatsView(msgspec.Struct, frozen=True, kw_only=True):
    """What the server uses and does."""

    system: SystemUse
    database: DatabaseUse
    queues: QueueUse


async def get_health(asked: Asked[Nothing, Nothing]) -> HealthView | web.Response:
    """How the server is; 503 when it cannot do its work."""
    services = asked.edge.services
    parts, uptime_s = services.server_parts, services.system_figures.uptime_s()
    bus = await parts.bus()
    database: Use | None = None
    model: ModelPart | None = None
    texting: TextingPart | None = None
    try:
        database = await services.database_use.get()
        model, texting = await parts.model(), await parts.texting()
    except StoreError:
        database = None
    use = await _use(asked, uptime_s)
    view = HealthView(
        status=_whole(database, bus, model, texting),
        timestamp=seconds(services.import_steps.now_wall()),
        services=ServicesView(
            database=_database(database),
            redis=_memory(bus, use),
            openai=_model(model),
            twilio=_texting(texting, await _may_see_money(asked)),
        ),
        version=version(),
        uptime=int(uptime_s),
    )
    if database is None:
        return web.Response(body=msgspec.json.encode(view), status=503, content_type=JSON)
    return view


async def get_stats(asked: Asked[Nothing, Nothing]) -> StatsView:
    """What the server uses, and what waits."""
    services = asked.edge.services
    uptime_s = services.system_figures.uptime_s()
    database = await services.database_use.get()
    queue = await services.sms_figures.queue(OPERATOR)
    use = await _use(asked, uptime_s)
    ratio = database.cache_hit_ratio
    return StatsView(
        system=SystemUse(
            cpu_usage=round(use.cpu, 1),
            memory_usage=round(use.memory, 1),
            disk_usage=round(use.disk, 1),
            uptime=int(uptime_s),
        ),
        database=DatabaseUse(
            total_size=size(database.size_bytes),
            connections=database.connections,
            slow_queries=database.slow,
            cache_hit_ratio=UNTOLD if ratio is None else round(ratio, 1),
        ),
        queues=QueueUse(
            pending_tasks=queue.pending,
            failed_tasks=queue.failed,
            completed_today=queue.completed_today,
        ),
    )


def _whole(database: Use | None, *parts: BusPart | ModelPart | TextingPart | None) -> Word:
    """What is not configured is not missed."""
    if database is None:
        return "unhealthy"
    troubled = any(part is None or part.state in TROUBLED for part in parts)
    return "degraded" if troubled else "healthy"


def _database(use: Use | None) -> DatabaseHealth:
    if use is None:
        return DatabaseHealth(status="unhealthy", response_time=UNTOLD, connections=0)
    return DatabaseHealth(
        status="healthy", response_time=round(use.response_s, 6), connections=use.connections
    )


def _memory(bus: BusPart, use: ProcessUse) -> RedisHealth:
    return RedisHealth(
        status=STATE[bus.state],
        response_time=round(bus.response_s, 6),
        memory_usage=size(use.resident_bytes),
    )


def _model(part: ModelPart | None) -> OpenAiHealth:
    """Without the database nothing is answered."""
    if part is None:
        return OpenAiHealth(status="unhealthy", response_time=UNTOLD, rate_limit_remaining=0)
    return OpenAiHealth(
        status=STATE[part.state],
        response_time=round(part.response_s, 3),
        rate_limit_remaining=part.remaining,
    )


async def _may_see_money(asked: Asked[Nothing, Nothing]) -> bool:
    try:
        who = await sender_of(asked.request)
    except StoreError:
        return False
    return who is not None and who.is_admin and who.may("analytics:read")


def _texting(part: TextingPart | None, may_see_money: bool) -> TwilioHealth:
    """Without the database nothing is sent."""
    if part is None:
        return TwilioHealth(status="unhealthy", response_time=UNTOLD, account_balance=UNKNOWN)
    if part.balance is None:
        balance = NO_ACCOUNT if part.state is PartState.ABSENT else UNKNOWN
    else:
        balance = money(part.balance, part.currency) if may_see_money else WITHHELD
    return TwilioHealth(
        status=STATE[part.state],
        response_time=UNTOLD if part.response_s is None else round(part.response_s, 3),
        account_balance=balance,
    )


def money(amount: decimal.Decimal, currency: str) -> str:
    """An amount with two decimals, such as $45.67, -$0.50 and 45.67 SEK."""
    sign = SIGNS.get(currency)
    if sign is None:
        return f"{amount:.2f} {currency}"
    return f"{'-' if amount < 0 else ''}{sign}{abs(amount):.2f}"


async def _use(asked: Asked[Any, Any], uptime_s: float) -> ProcessUse:
    folder = asked.edge.services.imports.folder.parent
    return await asyncio.to_thread(process_use, folder, uptime_s)


def size(count: int) -> str:
    """A count of bytes, such as 45MB and 2.3GB."""
    value, unit = float(count), 0
    while value >= STEP and unit < len(UNITS) - 1:
        value, unit = value / STEP, unit + 1
    return f"{value:.1f}".removesuffix(".0") + UNITS[unit]


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="GET",
        path=f"{BASE}/health/",
        handler=get_health,
        summary="Health check",
        tag=TAG,
        scope=None,
        returns=HealthView,
    ),
    Row(
        method="GET",
        path=f"{BASE}/system/stats/",
        handler=get_stats,
        summary="System statistics",
        tag=TAG,
        scope="analytics:read",
        admin=True,
        returns=StatsView,
    ),
)
