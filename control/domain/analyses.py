"""What is found out about a call after its end, from what was said in it; and what is asked for."""

import enum
from typing import Annotated

import msgspec

from .entity import Owned

MAX_CHECKS = 50
MAX_OUTCOMES = 50
MAX_PHRASES = 50

Short = Annotated[str, msgspec.Meta(max_length=200)]
Named = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Question = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Phrases = Annotated[tuple[Named, ...], msgspec.Meta(max_length=MAX_PHRASES)]


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


# --- what an agent's owner asks for ---------------------------------------------------------------


class CheckRule(enum.Enum):
    """How a question of a checklist is answered."""

    GREETS = "greets"
    "The agent's first words greet; `phrases`: with one of these."
    SAYS = "says"
    "The agent says one of `phrases`."
    NEVER_SAYS = "never_says"
    "The agent says none of `phrases`."
    ASKS = "asks"
    "A question of the agent's has one of `phrases` in it, such as `name`."
    CALLER_SAYS = "caller_says"
    "The caller says one of `phrases`."
    INTERRUPTED_SHARE = "interrupted_share"
    "Of the agent's turns at most this share (`at_most`, 0 to 1) was interrupted."
    REPLY_GAP = "reply_gap"
    "Callers wait at most `at_most` seconds for a reply, on average."
    JUDGED = "judged"
    "By a language model; without one it cannot be told."


BY_PHRASES = (CheckRule.SAYS, CheckRule.NEVER_SAYS, CheckRule.ASKS, CheckRule.CALLER_SAYS)
BY_NUMBER = (CheckRule.INTERRUPTED_SHARE, CheckRule.REPLY_GAP)
"Measured, whoever analyses."


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question of an agent's checklist."""

    question: Question
    "As it is shown, and as a language model is asked."
    rule: CheckRule = CheckRule.JUDGED
    phrases: Phrases = ()
    at_most: Annotated[float, msgspec.Meta(ge=0, le=3600)] | None = None


class PossibleOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that an agent's calls can come to."""

    name: Named
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    "For a language model."
    phrases: Phrases = ()
    "Without one: whoever says one of these last decides."


class Notice(enum.Enum):
    """What an agent's owner is notified of."""

    NEGATIVE = "negative"
    "The caller was not content."
    FAILED = "failed"
    "A call could not be analysed."
    LOW_SCORE = "low_score"
    "The agent met less of its checklist than `notify_below`."


DEFAULT_CHECKLIST = (
    Check(question="Does the agent greet the caller?", rule=CheckRule.GREETS),
    Check(
        question="Does the caller wait less than 2.5 s for a reply, on average?",
        rule=CheckRule.REPLY_GAP,
        at_most=2.5,
    ),
    Check(
        question="Is the agent let finish, most of the time?",
        rule=CheckRule.INTERRUPTED_SHARE,
        at_most=0.5,
    ),
)


class AnalysisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an agent's calls are analysed after their end."""

    enabled: bool = True
    provider: Short = ""
    """`embedded`, or the name of a provider of the configuration. Empty: the configuration's
    `analysis.provider`, else the one that speaks for the agent (`llm`). One that the configuration
    lacks is stood in for by `embedded`."""
    model: Short = ""
    "Empty: the provider's own for chat."
    checklist: Annotated[tuple[Check, ...], msgspec.Meta(max_length=MAX_CHECKS)] = DEFAULT_CHECKLIST
    "Empty: there is no QA score."
    outcomes: Annotated[tuple[PossibleOutcome, ...], msgspec.Meta(max_length=MAX_OUTCOMES)] = ()
    "Empty: `completed`, `transferred`, `voicemail`, `failed`, or a language model's own words."
    notify: Annotated[tuple[Notice, ...], msgspec.Meta(max_length=10)] = ()
    "Of what you are notified."
    notify_below: Annotated[float, msgspec.Meta(ge=0, le=100)] = 60.0
    "QA scores that are low, for `low_score` of `notify`."


# --- what is found --------------------------------------------------------------------------------


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
    method: str = ""
    "How it was found out, in words."
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
    "0 to 100: the share of the checklist that was met; None: none of it could be told."
    checklist: tuple[ChecklistItem, ...] = ()
    action_items: tuple[str, ...] = ()
