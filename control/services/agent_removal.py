"""The end of an agent: what it was still to do is called off, then it is deleted; history stays."""

from collections.abc import Callable

from sqlalchemy import ColumnElement

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.campaign_rules import Verb
from ..domain.calls import PENDING
from ..domain.campaigns import CampaignStatus
from ..domain.entity import Entity
from ..store import schema
from ..store.calls import CALLS
from ..store.database import Database
from .access import missing, owner_of
from .agents import AGENTS, AgentService
from .campaigns import CAMPAIGNS, move
from .event_log import EventLog
from .retries import cancel_waiting, forget_retry
from .schedules import SCHEDULES

BATCH = 100
"Calls that are called off in one transaction."
REASON = "its agent was deleted"

CALL = schema.CALLS.c
SCHEDULE = schema.SCHEDULES.c


class AgentRemoval:
    """The verb."""

    def __init__(
        self, database: Database, log: EventLog, agents: AgentService, clock: Clock
    ) -> None:
        self._database = database
        self._log = log
        self._agents = agents
        self._clock = clock
        self.on_pending: Callable[[], None] = _nobody
        "Calls wait no more: whoever dials may look."

    async def remove(self, who: Principal, id_: str) -> None:
        """Delete an agent; its schedules end, its campaigns are paused (who launches one again
        names another agent first), and its calls that wait are cancelled.

        Raises NotFound and Conflict; then nothing was called off.
        """
        async with self._database.write() as tx:
            agent = await AGENTS.get(tx, id_, owner_of(who))
            if agent is None:
                raise missing("agent", id_)
            mine = SCHEDULE.agent_id == agent.id
            # First nothing new is made of it, then what waits is ended.
        await self._agents.delete(who, id_)
        async with self._log.writing() as work:
            await SCHEDULES.update_where(
                work.tx, agent.owner_id, mine, is_active=False, next_run_wall=None
            )
            for campaign in await CAMPAIGNS.all(work.tx, agent.owner_id, *_its_campaigns(agent)):
                await move(work, campaign, Verb.PAUSE, self._clock.wall())
        while await self._call_off(agent):
            pass
        self.on_pending()

    async def _call_off(self, agent: Entity) -> bool:
        """Some of its calls; False: none are left."""
        now = self._clock.wall()
        waits = CALL.status.in_([status.value for status in PENDING])
        wanted = (CALL.agent_id == agent.id, waits | CALL.next_retry_wall.is_not(None))
        async with self._log.writing() as work:
            found = await CALLS.all(work.tx, None, *wanted, limit=BATCH)
            for call in found:
                if call.status in PENDING:
                    await cancel_waiting(work, call, REASON, now)
                else:
                    await forget_retry(work, call, now)
        return len(found) == BATCH


def _its_campaigns(agent: Entity) -> tuple[ColumnElement[bool], ...]:
    """Those that go on."""
    campaign = schema.CAMPAIGNS.c
    return campaign.agent_id == agent.id, campaign.status == CampaignStatus.ACTIVE.value


def _nobody() -> None:
    """Before there is somebody who dials."""
