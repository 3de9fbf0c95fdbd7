"""`/v1/agents/{id}/usage`: what an agent is used for, to be looked at before it is deleted."""

import msgspec

from ...errors import NotFound
from ...services.agent_use import AgentUse
from ..route import AnyRoute, Asked, Nothing, Route


class AgentUseView(msgspec.Struct, frozen=True, kw_only=True):
    """How much an agent has to do, and had."""

    agent_id: str
    is_in_use: bool
    "Calls or escalations of it have not ended: `DELETE …?if_unused=true` refuses."
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


async def get_agent_usage(asked: Asked[Nothing, Nothing]) -> AgentUseView:
    """What an agent is used for now, and was."""
    return agent_use_view(await asked.edge.services.agent_use.get(asked.who, asked.path("id")))


def agent_use_view(use: AgentUse) -> AgentUseView:
    """As the API shows it."""
    return AgentUseView(is_in_use=use.is_in_use, **msgspec.structs.asdict(use))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/agents/{id}/usage",
        handler=get_agent_usage,
        summary="Get an agent's usage",
        tag="Agents",
        scope="agents:read",
        returns=AgentUseView,
        problems=(NotFound,),
    ),
)
