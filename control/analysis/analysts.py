"""SHELL: who analyses a call: the embedded process, or a language model of the configuration.

An account's own key of a provider goes before the configuration's, and each answer counts as a use
of it. When all of them are used up the analysis waits: nobody else pays for it.
A model's answer goes beside what the embedded process measures. What fails raises; nothing stands
in for a model that fails, because its analysis would be another one.
"""

import random
from collections.abc import Sequence
from typing import Protocol

import msgspec

from ...drivers.errors import ProviderBusy
from ...drivers.llm.openai_answers import Count, OpenAIAnswers, Question, nobody_counts
from ...drivers.openai_client import OpenAISettings
from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...media.errors import ProviderError
from ..agents.agents import TakeKey, no_key
from ..agents.provider_places import OwnKey
from ..configuration.config_agents import HOUSE, ProviderSettings
from ..configuration.config_analysis import EMBEDDED, AnalysisConfig
from ..domain.agents import Agent
from ..errors import TooManyRequests
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
        take_key: TakeKey = no_key,
    ) -> None:
        """`watch` is told of every request to a model; `take_key` has accounts' own keys."""
        self._take_key = take_key
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

    async def analyse(
        self,
        owner_id: str,
        conversation: Conversation,
        analyst: Analyst,
        count: Count = nobody_counts,
    ) -> Findings:
        """What is found in an account's call. Raises NotAnalysed, and StoreError.

        `count` is told what a language model's answer took, usable or not.
        """
        try:
            embedded = await self._desk.analyse(conversation)
            if analyst.provider == EMBEDDED:
                return embedded
            key = await self._take_key(owner_id, analyst.provider)
            question = question_of(conversation, analyst.model)
            answer = await self._ask(question, analyst, key, count)
            return findings_of(answer, conversation, embedded.checklist)
        except ProviderBusy as exc:
            raise NotAnalysed(str(exc), exc.retry_after_s or 0.0) from exc
        except TooManyRequests as exc:
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

    async def _ask(
        self, question: Question, analyst: Analyst, key: OwnKey | None, count: Count
    ) -> bytes:
        name = analyst.provider
        if key is not None:
            # Accounts are many and their calls are few: no connection is kept for them.
            own = self._client(key.server, key)
            try:
                return await own.ask(question, count)
            finally:
                await own.aclose()
        if name not in self._clients:
            self._clients[name] = self._client(self._providers[name])
        return await self._clients[name].ask(question, count)

    def _client(self, provider: ProviderSettings, own: OwnKey | None = None) -> OpenAIAnswers:
        server = OpenAISettings(
            base_url=provider.base_url,
            key_env=provider.api_key_env,
            key=None if own is None else own.secret,
            public_only=own is not None and own.public_only,
            first_part_s=self._config.timeout_s,
            retries=0,
            provider=provider.name,
        )
        return OpenAIAnswers(server, self._rng, watch=self._watch)
