"""How what a server works with stands: what answers, what sends texts, what tells of events."""

import decimal
import enum

import msgspec


class PartState(enum.Enum):
    """Whether a part does its work."""

    WELL = "well"
    IMPAIRED = "impaired"
    "It does, but something was refused or failed lately."
    DOWN = "down"
    "It cannot."
    ABSENT = "absent"
    "Nothing is configured."


class BusPart(msgspec.Struct, frozen=True, kw_only=True):
    """What tells of events inside the server."""

    state: PartState
    response_s: float
    "From telling an event to whoever waits for it."


class ModelPart(msgspec.Struct, frozen=True, kw_only=True):
    """What answers: a language model, or the embedded responder where none is configured."""

    state: PartState
    provider: str
    "That was asked last; empty: none was, lately."
    response_s: float
    """To the first part of the provider's newest answer; where none was asked in the last hour,
    what a text took to be answered in it, on average; 0: nothing was answered."""
    remaining: int
    """Requests that would be taken now: as the provider said with its newest answer; where none has
    said so in the last hour, texts that this server would begin to answer at once."""
    error: str | None
    "The code of what the newest request failed with."


class TextingPart(msgspec.Struct, frozen=True, kw_only=True):
    """What sends texts."""

    state: PartState
    response_s: float | None
    "Of the provider's newest answer; None: it has given none."
    balance: decimal.Decimal | None
    "None: the provider has not told it in the last 15 minutes, or there is none."
    currency: str
    "Three letters; empty: no balance."
    error: str
    "Why nothing can be sent; empty: nothing is known against it."
