"""SHELL: who analyses a call: the embedded process, or a language model of the configuration.

A model's answer goes beside what the embedded process measures. What fails raises; nothing stands
in for a model that fails, because its analysis would be another one.
"""

import random
from collections.abc import Sequence
from typing import Protocol

import msgspec

from ...drivers.errors import ProviderBusy
from ...drivers.llm.openai_answers import OpenAIAnswers
from ...drivers.openai_client import OpenAISettings
from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...media.errors import ProviderError
from ..configuration.config import HOUSE, ProviderSettings
from ..configuration.config_analysis import EMBEDDED, AnalysisConfig
from ..domain.agents import Agent
from .analysis_desk import AnalystDied
from .conversation import Conversation, Findings
from .model_questions import BadAnswer, findings_of, question_of


class Desk(Protocol):
    """What analyses without a model (analysis_desk.py)."""

    async def analyse(self, conversation: Conversation) -> Findings:
        """What can be told. Raises AnalystDied."""
        ...

    async def aclose(self) -> None:
        """End it."""
        ...


class Analyst(msgspec.Struct, frozen=True):
    """Who analyses, as an analysis names them."""

    provider: str
    model: str = ""


class NotAnalysed(Exception):
    """It could not be done; `wait_s`: whoever refused asks for so much patience."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class Analysts:
    """`analyse()`; `aclose()` last."""

    def __init__(
        self,
        config: AnalysisConfig,
        providers: Sequence[ProviderSettings],
        desk: Desk,
        rng: random.Random,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self._config = config
        self._providers = {provider.name: provider for provider in providers}
        self._desk = desk
        self._rng = rng
        self._watch = watch
        self._clients: dict[str, OpenAIAnswers] = {}

    def analyst_of(self, agent: Agent | None) -> Analyst:
        """Who analyses this agent's calls. Pure."""
        config = self._config
        wanted = [(config.provider, config.model)]
        if agent is not None:
            own = agent.analysis
            wanted = [(own.provider, own.model), *wanted, (agent.llm.provider, agent.llm.model)]
        name, model = next((each for each in wanted if each[0]), (EMBEDDED, ""))
        provider = self._providers.get(name)
        if name in (EMBEDDED, HOUSE) or provider is None:
            return Analyst(EMBEDDED)
        model = model or provider.models.chat
        return Analyst(name, model) if model else Analyst(EMBEDDED)

    async def analyse(self, conversation: Conversation, analyst: Analyst) -> Findings:
        """What is found. Raises NotAnalysed."""
        try:
            embedded = await self._desk.analyse(conversation)
            if analyst.provider == EMBEDDED:
                return embedded
            question = question_of(conversation, analyst.model)
            answer = await self._client(analyst.provider).ask(question)
            return findings_of(answer, conversation, embedded.checklist)
        except ProviderBusy as exc:
            raise NotAnalysed(str(exc), exc.retry_after_s or 0.0) from exc
        except (ProviderError, AnalystDied) as exc:
            raise NotAnalysed(str(exc)) from exc
        except BadAnswer as exc:
            raise NotAnalysed(f"{analyst.provider} {analyst.model}: {exc}") from exc

    async def aclose(self) -> None:
        """End the process, close the connections."""
        await self._desk.aclose()
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, name: str) -> OpenAIAnswers:
        client = self._clients.get(name)
        if client is None:
            provider = self._providers[name]
            server = OpenAISettings(
                base_url=provider.base_url,
                key_env=provider.api_key_env,
                first_part_s=self._config.timeout_s,
                retries=0,
                provider=provider.name,
            )
            client = self._clients[name] = OpenAIAnswers(server, self._rng, watch=self._watch)
        return client
