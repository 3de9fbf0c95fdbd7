"""Figures of calls, of agents, of costs."""

import datetime
import functools
from typing import Any, Literal

from ...domain.analytics import Costs, Counts, Money, Volume
from ...domain.analytics_questions import Bucket, Moment, Period, Wanted
from ...errors import BadRequest, FieldError
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..figures import or_zero, share
from ..identifiers import named, own
from ..moments import AskedMoment
from ..reading import BadQuery, Short
from .forms import BASE, IDS, Shown

TAG = "Analytics"
REASONS = ("no_answer", "busy", "failed")
DATES = {"from": "startDate", "to": "endDate"}
GROUPS: dict[str, Bucket] = {"day": Bucket.DAY, "week": Bucket.WEEK, "month": Bucket.MONTH}


class DatesQuery(Shown, frozen=True, kw_only=True):
    """Which time; by the moment that calls were made."""

    start_date: AskedMoment
    end_date: AskedMoment


class CallsQuery(DatesQuery, frozen=True, kw_only=True):
    """Which calls, and how long a step is."""

    agent_id: Short | None = None
    group_by: Literal["day", "week", "month"] = "day"


class CallSums(Shown, frozen=True, kw_only=True):
    """What became of calls that have ended; cancelled ones are not counted."""

    total_calls: int
    successful_calls: int
    failed_calls: int
    success_rate: float
    "Percent."
    average_duration: float
    "Seconds, from answer to end."


class ByStatus(Shown, frozen=True, kw_only=True, rename=None):
    """How many ended how."""

    completed: int
    no_answer: int
    busy: int
    failed: int


class DateFigures(Shown, frozen=True, kw_only=True):
    """Calls of a day, or of the week or month that begins then."""

    date: datetime.date
    calls: int
    success_rate: float


class CallFigures(Shown, frozen=True, kw_only=True):
    """Figures of calls."""

    summary: CallSums
    by_status: ByStatus
    by_date: list[DateFigures]


class ReasonCount(Shown, frozen=True, kw_only=True):
    """Why calls failed."""

    reason: str
    count: int


class AgentFigures(Shown, frozen=True, kw_only=True):
    """How an agent does."""

    agent_id: str
    agent_name: str
    total_calls: int
    success_rate: float
    average_duration: float
    voicemail_detection_rate: float
    retry_success_rate: float
    top_failure_reasons: list[ReasonCount]


class Breakdown(Shown, frozen=True, kw_only=True):
    """Costs by service; `exotel` is whoever carried the calls."""

    stt: float
    llm: float
    tts: float
    exotel: float


class AgentCosts(Shown, frozen=True, kw_only=True):
    """What an agent's calls cost."""

    agent_id: str | None
    agent_name: str
    total_cost: float
    calls: int


class CostFigures(Shown, frozen=True, kw_only=True):
    """What calls cost."""

    total_cost: float
    cost_per_call: float
    breakdown: Breakdown
    by_agent: list[AgentCosts]


async def get_calls(asked: Asked[CallsQuery, Nothing]) -> CallFigures:
    """Calls that have ended, in all and over time."""
    query = asked.query
    agent_id = await named(IDS, asked, "agent", query.agent_id)
    wanted = Wanted(agent_id=agent_id, moment=Moment.CREATED)
    period = period_of(asked, GROUPS[query.group_by])
    analytics = asked.edge.services.analytics
    volume = await analytics.of_kind(asked.who, Volume, wanted, period)
    counts = volume.counts
    answered_s = sum(step.duration_s for step in volume.steps)
    return CallFigures(
        summary=CallSums(
            total_calls=total(counts),
            successful_calls=counts.completed,
            failed_calls=failed(counts),
            success_rate=share(counts.completed, total(counts)),
            average_duration=round(answered_s / counts.completed, 2) if counts.completed else 0.0,
        ),
        by_status=ByStatus(
            completed=counts.completed,
            no_answer=counts.no_answer,
            busy=counts.busy,
            failed=counts.failed,
        ),
        by_date=[
            DateFigures(
                date=step.date,
                calls=total(step.counts),
                success_rate=share(step.counts.completed, total(step.counts)),
            )
            for step in volume.steps
        ],
    )


async def get_agent(asked: Asked[DatesQuery, Nothing]) -> AgentFigures:
    """How one agent does."""
    id_ = await own(IDS, asked, "agent")
    wanted, period = Wanted(moment=Moment.CREATED), period_of(asked, Bucket.MONTH)
    analytics = asked.edge.services.analytics
    found, _ = await analytics.agent(asked.who, id_, wanted, period)
    counts = {reason: getattr(found.counts, reason) for reason in REASONS}
    reasons = sorted(counts.items(), key=lambda pair: -pair[1])
    return AgentFigures(
        agent_id=IDS.show("agent", id_),
        agent_name=found.name,
        total_calls=total(found.counts),
        success_rate=share(found.counts.completed, total(found.counts)),
        average_duration=or_zero(found.durations.mean_s, 2),
        voicemail_detection_rate=or_zero(found.voicemail.rate, 2),
        retry_success_rate=or_zero(found.retries.success_rate, 2),
        top_failure_reasons=[ReasonCount(reason=r, count=n) for r, n in reasons if n],
    )


async def get_costs(asked: Asked[DatesQuery, Nothing]) -> CostFigures:
    """What calls cost, by service and by agent."""
    wanted, period = Wanted(moment=Moment.CREATED), period_of(asked, Bucket.MONTH)
    costs = await asked.edge.services.analytics.of_kind(asked.who, Costs, wanted, period)
    money: Money = costs.costs
    return CostFigures(
        total_cost=round(money.total, 6),
        cost_per_call=or_zero(money.per_call, 2),
        breakdown=Breakdown(stt=money.stt, llm=money.llm, tts=money.tts, exotel=money.carrier),
        by_agent=[
            AgentCosts(
                agent_id=IDS.show_or_none("agent", agent.agent_id),
                agent_name=agent.name,
                total_cost=agent.costs.total,
                calls=agent.costs.calls,
            )
            for agent in costs.agents
        ],
    )


def period_of(asked: Asked[Any, Nothing], bucket: Bucket) -> Period:
    """The time that is asked for by a DatesQuery. Raises BadQuery."""
    query = asked.query
    try:
        return asked.edge.services.analytics.period(query.start_date, query.end_date, bucket=bucket)
    except BadRequest as exc:
        raise BadQuery([FieldError(DATES[exc.field or "from"], exc.detail)]) from exc


def failed(counts: Counts) -> int:
    """Whatever the reason."""
    return sum(getattr(counts, reason) for reason in REASONS)


def total(counts: Counts) -> int:
    """Of those that were tried and have ended."""
    return counts.completed + failed(counts)


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/analytics/calls",
        get_calls,
        "Get call analytics",
        "analytics:read",
        query=CallsQuery,
        returns=CallFigures,
    ),
    _row(
        "GET",
        f"{BASE}/analytics/agents/{{agent}}",
        get_agent,
        "Get agent performance",
        "analytics:read",
        query=DatesQuery,
        returns=AgentFigures,
    ),
    _row(
        "GET",
        f"{BASE}/analytics/costs",
        get_costs,
        "Get cost analytics",
        "analytics:read",
        query=DatesQuery,
        returns=CostFigures,
    ),
)
