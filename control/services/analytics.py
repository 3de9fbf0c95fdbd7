"""Figures of calls: whose, over which time, and that they are as new as what was stored.

What is counted: control/analytics/questions.py. Rates, money and names for people are made there;
other APIs over this service take the same figures and name them their own way.
"""

import asyncio
import datetime
from collections.abc import Callable
from typing import TypeVar

import msgspec

from ...media.clock import Clock
from ..analytics.counting import FIGURES, Counting
from ..analytics.local_time import midnight, zone_of
from ..analytics.printing import Printing
from ..analytics.questions import DEFAULT_PHRASES
from ..analytics.report_book import Book, bucket_for
from ..auth.principal import Principal
from ..domain.accounts import Account
from ..domain.agents import Agent
from ..domain.analytics import (
    AgentFigures,
    Agents,
    AnyFigures,
    Costs,
    Hours,
    Latency,
    Outcomes,
    Phrases,
    Quality,
    Sentiments,
    Summary,
    Volume,
)
from ..domain.analytics_questions import Bucket, Period, Report, Wanted
from ..domain.campaigns import Campaign
from ..errors import BadRequest
from ..store import analytics, schema
from ..store.database import Database
from ..store.rows import Rows
from .access import missing, owner_of
from .figures_follower import FiguresFollower

DEFAULT_DAYS = 30
"Of a period that nobody names: so many days, today included."
MAX_YEARS = 20
LAST_WALL = 7_258_118_400.0
"2200 begins."
CATCH_UP_ROUNDS = 50
"Of events that a question waits for: 10,000; more are followed beside the questions."
WARM_FROM = 50_000
"A second of a core; servers with fewer keep no process that nobody has asked for."
DAY_S = 86_400.0
PRINTED_AGENTS = 30
AGENTS = Rows(schema.AGENTS, Agent)
CAMPAIGNS = Rows(schema.CAMPAIGNS, Campaign)
ACCOUNTS = Rows(schema.ACCOUNTS, Account)

FiguresT = TypeVar("FiguresT", bound=msgspec.Struct)


class AnalyticsService:
    """The verbs."""

    def __init__(self, database: Database, clock: Clock, counting: Counting) -> None:
        self._database = database
        self._clock = clock
        self._counting = counting
        self._printing = Printing()
        self._follower = FiguresFollower(database)
        self._following = asyncio.Lock()
        self.on_behind: Callable[[], None] = _nobody
        "Called when there is more to follow than a question waits for."
        self.warm_from = WARM_FROM
        "So many rows of figures are read before somebody asks."

    def period(
        self,
        from_: str | None = None,
        to: str | None = None,
        timezone: str = "UTC",
        bucket: Bucket = Bucket.DAY,
    ) -> Period:
        """A period as people write it: dates (their whole days) or moments (RFC 3339).

        Of dates and moments without an offset, `timezone` is meant. Without an end it ends now,
        without a beginning it is DEFAULT_DAYS long. Raises BadRequest naming the field.
        """
        try:
            zone = zone_of(timezone)
        except ValueError as exc:
            raise BadRequest(str(exc), field="timezone") from exc
        now = self._clock.wall()
        to_wall = now if to is None else _edge(to, zone, "to", is_end=True)
        if from_ is not None:
            from_wall = _edge(from_, zone, "from", is_end=False)
        else:
            last = datetime.datetime.fromtimestamp(to_wall - 1, zone).date()
            from_wall = midnight(last - datetime.timedelta(days=DEFAULT_DAYS - 1), zone)
        if from_wall > to_wall:
            raise BadRequest("the period ends before it begins", field="to")
        if to_wall - from_wall > MAX_YEARS * 366 * DAY_S:
            raise BadRequest(f"longer than {MAX_YEARS} years", field="from")
        return Period(from_wall=from_wall, to_wall=to_wall, timezone=timezone, bucket=bucket)

    async def figures(
        self,
        who: Principal,
        report: Report,
        wanted: Wanted,
        period: Period,
        limit: int = DEFAULT_PHRASES,
    ) -> AnyFigures:
        """Figures of one kind, of the calls that are visible to whoever asks.

        `wanted.owner_id` is an administrator's to choose; everybody else gets their own.
        Raises BadRequest, NotFound, Unavailable.
        """
        owner = owner_of(who)
        if owner is not None:
            if wanted.owner_id not in (None, owner):
                raise missing("account", wanted.owner_id or "")
            wanted = msgspec.structs.replace(wanted, owner_id=owner)
        await self.catch_up()
        figures = await self._counting.ask(report, wanted, period, limit)
        if isinstance(figures, Agents):
            return await self._named(figures)
        return figures

    async def warm_up(self) -> None:
        """Have all figures read where that takes long, so that nobody waits for it.

        Raises StoreError and Unavailable.
        """
        async with self._database.read() as tx:
            written = await analytics.newest_version(tx)
        if written >= self.warm_from:
            nothing = Period(from_wall=0.0, to_wall=0.0, timezone="UTC", bucket=Bucket.DAY)
            await self._counting.ask(Report.OUTCOMES, Wanted(), nothing, 1)

    async def of_kind(
        self,
        who: Principal,
        kind: type[FiguresT],
        wanted: Wanted,
        period: Period,
        limit: int = DEFAULT_PHRASES,
    ) -> FiguresT:
        """The same, by the type of what is answered."""
        report = next(report for report, type_ in FIGURES.items() if type_ is kind)
        figures = await self.figures(who, report, wanted, period, limit)
        assert isinstance(figures, kind), "each report has its type"
        return figures

    async def agent(
        self, who: Principal, agent_id: str, wanted: Wanted, period: Period
    ) -> tuple[AgentFigures, str]:
        """One agent, calls or not, and the currency of its costs. Raises NotFound."""
        async with self._database.read() as tx:
            agent = await AGENTS.get(tx, agent_id, owner_of(who))
        if agent is None:
            raise missing("agent", agent_id)
        wanted = msgspec.structs.replace(wanted, agent_id=agent_id)
        found = await self.of_kind(who, Agents, wanted, period)
        nothing = no_figures(agent_id, agent.name)
        return (found.agents[0] if found.agents else nothing), found.currency

    async def pdf(self, who: Principal, wanted: Wanted, period: Period) -> bytes:
        """A report of everything on a few pages. Raises as `figures` does."""
        period = msgspec.structs.replace(period, bucket=bucket_for(period))
        book = Book(
            account=await self.account_name(who, wanted.owner_id),
            period=period,
            made_wall=self._clock.wall(),
            is_complete=await self.is_complete(),
            filters=await self._filters(who, wanted),
            summary=await self.of_kind(who, Summary, wanted, period),
            volume=await self.of_kind(who, Volume, wanted, period),
            agents=_printable(await self.of_kind(who, Agents, wanted, period)),
            outcomes=await self.of_kind(who, Outcomes, wanted, period),
            hours=await self.of_kind(who, Hours, wanted, period),
            sentiment=await self.of_kind(who, Sentiments, wanted, period),
            phrases=await self.of_kind(who, Phrases, wanted, period),
            costs=await self.of_kind(who, Costs, wanted, period),
            latency=await self.of_kind(who, Latency, wanted, period),
            qa=await self.of_kind(who, Quality, wanted, period),
        )
        return await self._printing.pdf(book)

    async def account_name(self, who: Principal, owner_id: str | None) -> str:
        """Whose figures they are, for people."""
        id_ = owner_of(who) or owner_id
        if id_ is None:
            return "All accounts"
        async with self._database.read() as tx:
            account = await ACCOUNTS.get(tx, id_, None)
        if account is None:
            raise missing("account", id_)
        return f"{account.first_name} {account.last_name}".strip() or account.email

    async def is_complete(self) -> bool:
        """Whether all calls are counted; False while their figures are made anew."""
        return await self._follower.is_complete()

    async def rebuild(self) -> None:
        """Make the figures of all calls anew; questions are answered meanwhile."""
        await self._follower.begin_again()
        self.on_behind()

    async def catch_up(self) -> None:
        """Take what has happened into the figures, as far as a question waits for that."""
        async with self._following:
            for _ in range(CATCH_UP_ROUNDS):
                if not await self._follower.follow():
                    return
        self.on_behind()

    async def follow(self) -> bool:
        """A little of the same; False: nothing is left. Raises StoreError."""
        async with self._following:
            return await self._follower.follow()

    async def aclose(self) -> None:
        """End the process that counts."""
        await self._counting.aclose()

    async def _filters(self, who: Principal, wanted: Wanted) -> tuple[str, ...]:
        """What is left out, in words."""
        owner = owner_of(who)
        said: list[str] = []
        async with self._database.read() as tx:
            if wanted.agent_id is not None:
                agent = await AGENTS.get(tx, wanted.agent_id, owner)
                said.append(f"agent {agent.name if agent else wanted.agent_id}")
            if wanted.campaign_id is not None:
                campaign = await CAMPAIGNS.get(tx, wanted.campaign_id, owner)
                said.append(f"campaign {campaign.name if campaign else wanted.campaign_id}")
        if wanted.direction is not None:
            said.append(f"{wanted.direction.value} calls")
        if wanted.line is not None:
            said.append(f"line {wanted.line}")
        if wanted.status is not None:
            said.append(f"{wanted.status.value.replace('_', ' ')} calls")
        if wanted.outcome is not None:
            said.append(f"outcome {wanted.outcome.value.replace('_', ' ')}")
        return tuple(said)

    async def _named(self, figures: Agents) -> Agents:
        """With the agents' names as they are now; of those that are gone, as calls have them."""
        ids = [agent.agent_id for agent in figures.agents if agent.agent_id is not None]
        async with self._database.read() as tx:
            agents = await AGENTS.all(tx, None, schema.AGENTS.c.id.in_(ids), limit=len(ids))
        names = {agent.id: agent.name for agent in agents}
        named = tuple(
            msgspec.structs.replace(agent, name=names.get(agent.agent_id or "", agent.name))
            for agent in figures.agents
        )
        return msgspec.structs.replace(figures, agents=named)


def _printable(agents: Agents) -> Agents:
    """As many as are printed."""
    shown = agents.agents[:PRINTED_AGENTS]
    more = agents.more + len(agents.agents) - len(shown)
    return msgspec.structs.replace(agents, agents=shown, more=more)


def no_figures(agent_id: str, name: str) -> AgentFigures:
    """Of an agent that had no calls."""
    parts = {
        field.name: field.type()
        for field in msgspec.structs.fields(AgentFigures)
        if field.name not in ("agent_id", "name", "causes")
    }
    return AgentFigures(agent_id=agent_id, name=name, causes=(), **parts)


def _edge(text: str, zone: datetime.tzinfo, field: str, *, is_end: bool) -> float:
    """The moment that a date or an RFC 3339 time stands for; a date at the end is included."""
    try:
        if len(text) == len("2026-01-31"):
            day = datetime.date.fromisoformat(text)
            day += datetime.timedelta(days=1 if is_end else 0)
            moment = datetime.datetime.combine(day, datetime.time(), zone)
        else:
            # A plus in an address is a space, where nobody has written it as %2B.
            moment = datetime.datetime.fromisoformat(
                text.replace(" ", "+") if "T" in text else text
            )
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        wall = moment.timestamp()
    except (ValueError, OverflowError) as exc:
        raise BadRequest("neither a date nor a time (RFC 3339)", field=field) from exc
    if not 0 <= wall < LAST_WALL:
        raise BadRequest("before 1970 or after 2199", field=field)
    return wall


def _nobody() -> None:
    """Nobody follows beside the questions."""
