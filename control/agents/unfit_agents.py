"""SHELL: agents whose settings this version does not take: a person is told, once for each version.

They were checked when they were written; a newer version of the server may know better.
"""

import logging

from ..domain.agents import Agent
from ..domain.messages import ErrorLog
from ..errors import Problem, StoreError
from ..services.error_logs import ErrorLogService

TYPE = "agent_unfit"
MAX_TOLD = 1000
"Agents that are remembered; after that they are told of anew."

logger = logging.getLogger(__name__)


class UnfitAgents:
    """Keeps entries of the error log. Raises nothing."""

    def __init__(self, error_logs: ErrorLogService) -> None:
        self._error_logs = error_logs
        self._told: set[tuple[str, float]] = set()

    async def tell(self, agent: Agent, problem: Problem) -> None:
        """A call could not be answered by this agent."""
        version = (agent.id, agent.updated_wall)
        faults = "; ".join(f"{error.field}: {error.message}" for error in problem.errors)
        what = f"agent {agent.name!r} cannot answer: {problem.detail}"
        logger.error("%s (%s)", what, faults)
        if version in self._told:
            return
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._told.add(version)
        entry = ErrorLog(
            owner_id=agent.owner_id,
            type=TYPE,
            message=f"{what} ({faults})",
            context={"agent_id": agent.id},
        )
        try:
            await self._error_logs.record(entry)
        except StoreError as exc:
            self._told.discard(version)
            logger.error("that is not kept: %s", exc)
