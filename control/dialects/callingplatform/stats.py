"""Figures of the whole account, and of the server."""

import math

from ...domain.calls import IN_PROGRESS, PENDING, Outcome
from ...http.docs import version
from ...http.route import Asked, Nothing
from ...services.agents import AgentFilter
from ...store.calls import CallFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..figures import share
from ..paging import total_of
from .forms import BASE, Shown
from .scheduling import FAILED, count, count_ended

TAG = "Statistics"
PARTS = 10_000
"Of a percentage with two decimals."


class CallStats(Shown, frozen=True, kw_only=True):
    """Your calls."""

    total: int
    inbound: int
    outbound: int
    success_rate: float
    "Percent of those that were tried and have ended."


class AgentStats(Shown, frozen=True, kw_only=True):
    """Your agents."""

    total: int
    active: int


class QueueStats(Shown, frozen=True, kw_only=True):
    """Your calls that wait, and those in progress."""

    waiting: int
    active: int


class Stats(Shown, frozen=True, kw_only=True):
    """Everything in short."""

    calls: CallStats
    agents: AgentStats
    queue: QueueStats
    uptime: str
    """Percent of the last 30 days (or since the first start) in which a server was up. Never
    rounded up: 100.00% is all of it."""
    version: str


async def get_stats(asked: Asked[Nothing, Nothing]) -> Stats:
    """Your calls and agents in numbers, as they are now."""
    inbound = await count(asked, CallFilter(inbound=True))
    outbound = await count(asked, CallFilter(inbound=False))
    completed = await count_ended(asked, Outcome.COMPLETED)
    failed = await count_ended(asked, *FAILED)
    return Stats(
        calls=CallStats(
            total=inbound + outbound,
            inbound=inbound,
            outbound=outbound,
            success_rate=share(completed, completed + failed),
        ),
        agents=AgentStats(
            total=await _agents(asked, AgentFilter()),
            active=await _agents(asked, AgentFilter(is_active=True)),
        ),
        queue=QueueStats(
            waiting=await count(asked, CallFilter(statuses=PENDING)),
            active=await count(asked, CallFilter(statuses=IN_PROGRESS)),
        ),
        uptime=up((await asked.edge.services.system_figures.get()).availability.share),
        version=version(),
    )


def up(share: float) -> str:
    """A share of the time as `99.95%`."""
    return f"{math.floor(round(share * PARTS, 6)) / 100:.2f}%"


async def _agents(asked: Asked[Nothing, Nothing], wanted: AgentFilter) -> int:
    query = PageQuery(limit=1, total=True)
    return total_of(await asked.edge.services.agents.page(asked.who, query, wanted))


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="GET",
        path=f"{BASE}/stats",
        handler=get_stats,
        summary="Get system stats",
        tag=TAG,
        scope="analytics:read",
        returns=Stats,
    ),
)
