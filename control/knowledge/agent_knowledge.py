"""SHELL: what one agent knows, as its responder asks for it: the Knowledge port."""

import asyncio
import logging

from ...media.speech_ports import Passage, Source
from ..errors import StoreError
from ..services.knowledge import Found, KnowledgeService

LIMIT = 8
"Passages that a responder has to choose from."

logger = logging.getLogger(__name__)


class AgentKnowledge:
    """Of one agent of one account."""

    def __init__(
        self, service: KnowledgeService, owner_id: str, agent_id: str, answer_s: float
    ) -> None:
        """A reply waits no longer than `answer_s`."""
        self._service = service
        self._owner_id, self._agent_id = owner_id, agent_id
        self._answer_s = answer_s

    async def find(self, words: str) -> tuple[Passage, ...]:
        """The passages that fit best; none when the search fails or takes too long."""
        try:
            async with asyncio.timeout(self._answer_s):
                found = await self._service.find(self._owner_id, self._agent_id, words, LIMIT)
        except TimeoutError:
            logger.warning("a reply is made without its documents: %g s passed", self._answer_s)
            return ()
        except StoreError as exc:
            logger.error("a reply is made without its documents: %s", exc)
            return ()
        return tuple(_passage(passage) for passage in found)


def _passage(found: Found) -> Passage:
    source = Source(
        document_id=found.document_id,
        document=found.title,
        index=found.index,
        page=found.page,
        score=found.score,
    )
    return Passage(source=source, heading=found.heading, text=found.text, answer=found.answer)
