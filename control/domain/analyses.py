"""What is found out about a call after its end, from what was said in it."""

import enum

import msgspec

from .entity import Owned


class AnalysisStatus(enum.Enum):
    """Where an analysis stands. What cannot be found out is `failed`, never invented."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Sentiment(enum.Enum):
    """How somebody feels, in one word."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class SentimentPoint(msgspec.Struct, frozen=True, kw_only=True):
    """How the caller's words sounded at a moment of the call."""

    at_s: float
    "Of the call's sample axis: seconds since its first sample."
    score: float
    "-1 (bad) to 1 (good)."


class ChecklistItem(msgspec.Struct, frozen=True, kw_only=True):
    """One question of an agent's checklist, and whether the call met it."""

    question: str
    passed: bool | None = None
    "None: it could not be told."
    reason: str = ""


class CallAnalysis(Owned, frozen=True, kw_only=True):
    """The analysis of one call."""

    call_id: str
    status: AnalysisStatus = AnalysisStatus.PENDING
    attempts: int = 0
    next_try_wall: float | None = None
    error: str = ""
    "Why the last try failed."
    provider: str = ""
    "Who analysed: `embedded`, or the language model's provider."
    model: str = ""
    finished_wall: float | None = None
    summary: str = ""
    sentiment: Sentiment | None = None
    sentiment_score: float | None = None
    "-1 to 1, over all that the caller said."
    sentiment_points: tuple[SentimentPoint, ...] = ()
    emotions: dict[str, float] = {}
    "Shares, 0 to 1, by name."
    key_phrases: tuple[str, ...] = ()
    outcome: str = ""
    "What the call came to, in a word or two of the agent's list, or of the model."
    qa_score: float | None = None
    "0 to 100: the share of the checklist that was met; None: there is no checklist."
    checklist: tuple[ChecklistItem, ...] = ()
    action_items: tuple[str, ...] = ()
