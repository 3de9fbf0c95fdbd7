"""What agents know: its configuration (config.py)."""

from typing import Annotated

import msgspec


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
