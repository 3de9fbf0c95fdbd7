"""Figures of calls, of how callers sounded, of what calls were about."""

import functools
from typing import Annotated, Any

import msgspec

from ...domain.analytics import Phrases, Sentiments, Summary
from ...domain.analytics_questions import Bucket, Moment, Period, Wanted
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..figures import or_zero, share
from ..identifiers import named
from ..moments import DAY_S
from ..reading import Short
from .forms import IDS

TAG = "Analytics"
EVER_DAYS = 3650
MAX_PHRASES = 100

Days = Annotated[int, msgspec.Meta(ge=1, le=EVER_DAYS, description="Until now.")]


class SentimentQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls."""

    agent_id: Short | None = None
    days: Days = 7


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls."""

    agent_id: Short | None = None
    campaign_id: Short | None = None
    days: Days = 30


class PhrasesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls, and how many phrases."""

    agent_id: Short | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PHRASES)] = 20


class CallFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of calls that have ended."""

    total_calls: int
    completed_calls: int
    failed_calls: int
    average_duration: float
    "Seconds, from answer to end."
    success_rate: float
    "Percent."
    cost_per_call: float


class SentimentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How callers sounded."""

    positive: int
    neutral: int
    negative: int
    positive_percentage: float
    neutral_percentage: float
    negative_percentage: float


class PhraseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Words that came up."""

    phrase: str
    count: int
    "Calls that they came up in."
    frequency: float
    "Percent of the calls that were analysed."


async def get_calls(asked: Asked[CallsQuery, Nothing]) -> CallFigures:
    """Calls that have ended."""
    query = asked.query
    wanted = await _wanted(asked, query.agent_id)
    campaign_id = await named(IDS, asked, "campaign", query.campaign_id)
    wanted = msgspec.structs.replace(wanted, campaign_id=campaign_id)
    analytics = asked.edge.services.analytics
    found = await analytics.of_kind(asked.who, Summary, wanted, _period(asked, query.days))
    counts = found.counts
    failed = counts.no_answer + counts.busy + counts.failed + counts.cancelled
    total = counts.completed + failed
    return CallFigures(
        total_calls=total,
        completed_calls=counts.completed,
        failed_calls=failed,
        average_duration=or_zero(found.durations.mean_s, 1),
        success_rate=share(counts.completed, total, 1),
        cost_per_call=round(found.costs.total / total, 2) if total else 0.0,
    )


async def get_sentiment(asked: Asked[SentimentQuery, Nothing]) -> SentimentFigures:
    """How callers sounded, in calls that were analysed."""
    wanted = await _wanted(asked, asked.query.agent_id)
    period = _period(asked, asked.query.days)
    found = await asked.edge.services.analytics.of_kind(asked.who, Sentiments, wanted, period)
    moods = found.sentiment
    total = moods.positive + moods.neutral + moods.negative
    return SentimentFigures(
        positive=moods.positive,
        neutral=moods.neutral,
        negative=moods.negative,
        positive_percentage=share(moods.positive, total, 1),
        neutral_percentage=share(moods.neutral, total, 1),
        negative_percentage=share(moods.negative, total, 1),
    )


async def get_phrases(asked: Asked[PhrasesQuery, Nothing]) -> list[PhraseFigures]:
    """What calls were about, most frequent first."""
    wanted = await _wanted(asked, asked.query.agent_id)
    found = await asked.edge.services.analytics.of_kind(
        asked.who, Phrases, wanted, _period(asked, EVER_DAYS), asked.query.limit
    )
    return [
        PhraseFigures(phrase=each.phrase, count=each.calls, frequency=round(each.share, 1))
        for each in found.phrases
    ]


async def _wanted(asked: Asked[Any, Nothing], agent_id: str | None) -> Wanted:
    return Wanted(agent_id=await named(IDS, asked, "agent", agent_id), moment=Moment.CREATED)


def _period(asked: Asked[Any, Nothing], days: int) -> Period:
    now = asked.edge.services.analytics.period().to_wall
    # What was made just now is in it, too. Nothing here is told by steps: there are to be few.
    return Period(from_wall=now - days * DAY_S, to_wall=now + 1.0, bucket=Bucket.MONTH)


_row = functools.partial(Row, "GET", tag=TAG, scope="analytics:read")
ROWS: tuple[AnyRow, ...] = (
    _row("/analytics/calls", get_calls, "Call statistics", query=CallsQuery, returns=CallFigures),
    _row(
        "/analytics/sentiment",
        get_sentiment,
        "Sentiment analysis",
        query=SentimentQuery,
        returns=SentimentFigures,
    ),
    _row(
        "/analytics/top-phrases",
        get_phrases,
        "Top phrases",
        query=PhrasesQuery,
        returns=list[PhraseFigures],
    ),
)
