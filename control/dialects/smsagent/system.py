"""How the server is.

Some of what its clients look for this server does not have: no cache of another process, no account
of a provider that it asks. Those have the values of what does their work here, or 0.
"""

import asyncio
from typing import Any, Literal

import msgspec
from aiohttp import web

from ...auth.principal import OPERATOR
from ...errors import StoreError
from ...http.route import Asked, Nothing
from ...telemetry.process_use import ProcessUse, process_use
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds
from .forms import BASE

TAG = "System management"
VERSION = "1.0.0"
"Of the API."
JSON = "application/json"
UNITS = ("B", "KB", "MB", "GB", "TB")
STEP = 1024.0
UNTOLD = 0.0

Word = Literal["healthy", "degraded", "unhealthy"]


class DatabaseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The database."""

    status: Word
    response_time: float
    connections: int


class RedisHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in memory: a part of this process, whose memory is told."""

    status: Word
    response_time: float
    memory_usage: str


class OpenAiHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What answers, as it did in the last hour."""

    status: Word
    response_time: float
    "Of a text, on average."
    rate_limit_remaining: int
    "No provider tells without being asked: 0."


class TwilioHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What sends; `degraded`: SMS wait for another try."""

    status: Word
    response_time: float
    account_balance: str
    "It is not asked for: $0.00."


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
    try:
        database = await services.database_use.get()
        uptime_s = (await services.system_figures.get()).uptime_s
        figures, refused = await services.sms_figures.lately(OPERATOR)
        mean_s = figures.all.mean_processing_s
        unsent = await services.outbox.refused("sms")
    except StoreError:
        database, uptime_s, mean_s, refused, unsent = None, 0.0, 0.0, 0, 0
    word: Word = "unhealthy" if database is None else "healthy"
    model: Word = "degraded" if refused else "healthy"
    sender: Word = "degraded" if unsent else "healthy"
    well: Word = "degraded" if refused or unsent else "healthy"
    use = await _use(asked, uptime_s)
    view = HealthView(
        status=word if database is None else well,
        timestamp=seconds(services.import_steps.now_wall()),
        services=ServicesView(
            database=DatabaseHealth(
                status=word,
                response_time=0.0 if database is None else round(database.response_s, 3),
                connections=0 if database is None else database.connections,
            ),
            redis=RedisHealth(
                status="healthy", response_time=0.0, memory_usage=size(use.resident_bytes)
            ),
            openai=OpenAiHealth(
                status=model, response_time=round(mean_s, 3), rate_limit_remaining=0
            ),
            twilio=TwilioHealth(status=sender, response_time=0.0, account_balance="$0.00"),
        ),
        version=VERSION,
        uptime=int(uptime_s),
    )
    if database is None:
        return web.Response(body=msgspec.json.encode(view), status=503, content_type=JSON)
    return view


async def get_stats(asked: Asked[Nothing, Nothing]) -> StatsView:
    """What the server uses, and what waits."""
    services = asked.edge.services
    uptime_s = (await services.system_figures.get()).uptime_s
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
