"""What agents know: its configuration (config.py)."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from ..errors import ConfigError
from .config_agents import ProviderSettings
from .config_reader import Origin


class KnowledgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How documents are searched, and what agents make of what is found."""

    embeddings: str = ""
    "Name of the provider whose `models.embeddings` compares meanings; empty: words alone count."
    passages: Annotated[int, msgspec.Meta(ge=0, le=20)] = 3
    "How many a language model is given with each turn; 0: none."
    min_score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    "Of these: passages that fit less well are left out."
    answer_ms: Annotated[int, msgspec.Meta(ge=10, le=5000)] = 300
    "A reply waits no longer for a search; then it is made without."
    memory_mb: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 256
    "For vectors that are kept in memory."


def wrong_knowledge(
    knowledge: KnowledgeSettings, providers: Sequence[ProviderSettings], origin: Origin
) -> Iterable[ConfigError]:
    """What only shows when the providers are known."""
    by_name = {provider.name: provider for provider in providers}
    if name := knowledge.embeddings:
        provider = by_name.get(name)
        if provider is None:
            expected = f"no such provider; there is {', '.join(by_name) or 'none'}"
            yield origin.error("knowledge.embeddings", name, expected)
        elif not provider.models.embeddings:
            expected = "that provider has no models.embeddings"
            yield origin.error("knowledge.embeddings", name, expected)
