"""SHELL: has an agent answer a text: its language model, or the house responder.

It is the agent that speaks in calls, with the same words and keys; it is told that it writes.
"""

import asyncio
from typing import Any

from ...media.errors import ProviderError
from ...media.speech_ports import Message, ReplyRequest, ReplyText, TokensUsed
from ..agents.agents import AgentRuntime, Agents
from ..errors import Unprocessable
from ..services.sms_task_steps import Answered, Job, Unanswered

ANSWER_S = 60.0
MAX_REPLY_CHARS = 8000
TOLD = "You are writing text messages (SMS). Answer in plain text, and briefly."

TIMED_OUT = "llm_timeout"
REJECTED = "llm_rejected"
FAILED = "llm_failed"
EMPTY = "empty_reply"
UNFIT = "unfit_agent"


class SmsAnswers:
    """`answer()`."""

    def __init__(self, agents: Agents, limit_s: float = ANSWER_S) -> None:
        self._agents = agents
        self._limit_s = limit_s

    async def answer(self, job: Job) -> Answered | Unanswered:
        """What the agent says, or why it says nothing."""
        try:
            runtime = await self._agents.keyed(self._agents.runtime(job.agent))
        except Unprocessable as exc:
            return Unanswered(type=UNFIT, error=exc.detail, is_final=True)
        used: list[TokensUsed] = []
        told: dict[str, Any] = {"metadata": _metadata(runtime)}
        try:
            async with asyncio.timeout(self._limit_s):
                reply = await _reply(runtime, job, used)
        except TimeoutError:
            said = f"no answer within {self._limit_s:g} s"
            return Unanswered(type=TIMED_OUT, error=said, tokens=_sum(used), **told)
        except ProviderError as exc:
            kind = _kind(exc)
            final = not exc.retryable
            said = str(exc)
            return Unanswered(type=kind, error=said, is_final=final, tokens=_sum(used), **told)
        if not reply:
            said = "the agent has said nothing"
            return Unanswered(type=EMPTY, error=said, tokens=_sum(used), **told)
        return Answered(reply=reply, tokens=_sum(used), **told)


async def _reply(runtime: AgentRuntime, job: Job, used: list[TokensUsed]) -> str:
    """All of it, up to what is kept. Raises ProviderError."""
    request = ReplyRequest(
        history=(*job.history, Message("system", TOLD)), text=job.task.body, count=used.append
    )
    said = ""
    async for part in runtime.responder(job.task.phone_number).respond(request):
        if isinstance(part, ReplyText):
            said += part.text
        if len(said) >= MAX_REPLY_CHARS:
            break
    return said[:MAX_REPLY_CHARS].strip()


def _metadata(runtime: AgentRuntime) -> dict[str, Any]:
    agent, provider = runtime.agent, runtime.services.llm_provider
    assert agent is not None, "made of one"
    model = agent.llm.model if provider == agent.llm.provider else ""
    return {
        "agent_id": agent.id,
        "language": agent.language,
        "prompt_template": agent.name,
        "model_used": f"{provider}/{model}" if model else provider,
    }


def _kind(error: ProviderError) -> str:
    if error.code == "provider_timed_out":
        return TIMED_OUT
    return FAILED if error.retryable else REJECTED


def _sum(used: list[TokensUsed]) -> int:
    return sum(each.tokens_in + each.tokens_out for each in used)
