"""What an agent is used for: asked before it is deleted, and refused while it is in use.

The end of an agent whatever it does: services/agent_removal.py.
"""

import msgspec
from sqlalchemy import ColumnElement, or_, select

from ..auth.principal import Principal
from ..domain.agents import Agent, AgentKind
from ..domain.calls import CallStatus
from ..domain.campaigns import CampaignStatus
from ..errors import Conflict
from ..store import schema
from ..store.calls import SUMMARIES
from ..store.database import Database, Transaction
from .access import missing, owner_of
from .agent_removal import AgentRemoval
from .agents import AGENTS
from .campaigns import CAMPAIGNS
from .escalations import ESCALATIONS
from .numbers import NUMBERS
from .schedules import SCHEDULES

CALL = schema.CALLS.c
CAMPAIGN = schema.CAMPAIGNS.c
ESCALATION = schema.ESCALATIONS.c
NUMBER = schema.PHONE_NUMBERS.c
SCHEDULE = schema.SCHEDULES.c
NOT_OVER = CALL.status != CallStatus.ENDED.value


class AgentUse(msgspec.Struct, frozen=True, kw_only=True):
    """How much an agent has to do, and had."""

    agent_id: str
    active_calls: int
    "That it speaks in, or a person has or is to have, and that have not ended."
    total_calls: int
    active_escalations: int
    "Of a person: in calls that have not ended."
    total_escalations: int
    numbers: int
    "That it answers, in or outside their hours."
    campaigns: int
    "That are active or paused."
    schedules: int
    "That are active."

    @property
    def is_in_use(self) -> bool:
        """Somebody talks to it, or is going to."""
        return self.active_calls > 0 or self.active_escalations > 0


class AgentInUse(Conflict):
    """It cannot be deleted now; `about` is its use."""

    code = "agent_in_use"

    def __init__(self, use: AgentUse) -> None:
        super().__init__(
            f"the agent is in use: {use.active_calls} calls and {use.active_escalations}"
            " escalations go on"
        )
        self.use = use
        self.about = use


class AgentUseService:
    """The verbs."""

    def __init__(self, database: Database, removal: AgentRemoval) -> None:
        self._database = database
        self._removal = removal

    async def get(self, who: Principal, id_: str, kind: AgentKind | None = None) -> AgentUse:
        """What one is used for; `kind`: one of another is not found. Raises NotFound."""
        async with self._database.read() as tx:
            agent = await AGENTS.get(tx, id_, owner_of(who))
            if agent is None or kind not in (None, agent.kind):
                raise missing("agent", id_)
            return await _use_of(tx, agent)

    async def delete(self, who: Principal, id_: str, kind: AgentKind | None = None) -> None:
        """Delete one that is not in use. Raises NotFound, AgentInUse and Conflict."""
        use = await self.get(who, id_, kind)
        if use.is_in_use:
            raise AgentInUse(use)
        await self._removal.remove(who, id_)


async def _use_of(tx: Transaction, agent: Agent) -> AgentUse:
    owner, id_ = agent.owner_id, agent.id
    is_human = agent.kind is AgentKind.HUMAN
    calls = CALL.human_agent_id == id_ if is_human else CALL.agent_id == id_
    escalations = ESCALATION.human_agent_id == id_
    going_on = ESCALATION.call_id.in_(select(CALL.id).where(NOT_OVER))
    answers: ColumnElement[bool] = or_(NUMBER.agent_id == id_, NUMBER.closed_agent_id == id_)
    under_way = [each.value for each in (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)]
    campaigns = (CAMPAIGN.agent_id == id_, CAMPAIGN.status.in_(under_way))
    schedules = (SCHEDULE.agent_id == id_, SCHEDULE.is_active.is_(True))
    return AgentUse(
        agent_id=id_,
        active_calls=await SUMMARIES.count(tx, owner, calls, NOT_OVER),
        total_calls=await SUMMARIES.count(tx, owner, calls),
        active_escalations=await ESCALATIONS.count(tx, owner, escalations, going_on),
        total_escalations=await ESCALATIONS.count(tx, owner, escalations),
        numbers=await NUMBERS.count(tx, owner, answers),
        campaigns=await CAMPAIGNS.count(tx, owner, *campaigns),
        schedules=await SCHEDULES.count(tx, owner, *schedules),
    )
