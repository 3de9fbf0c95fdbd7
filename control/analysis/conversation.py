"""A call as it is analysed, and what is found: what goes to who analyses, and comes back. Pure."""

from collections.abc import Iterable

import msgspec

from ...media.conversation.records import CallRecord, Role, Turn
from ..domain.analyses import AnalysisSettings, ChecklistItem, Sentiment, SentimentPoint
from ..domain.calls import Call, Outcome

MAX_TURNS = 1000
"Of a longer call the first so many are analysed; `Conversation.cut` says so."
MAX_CHARS = 60_000
"The same of all that was said: about an hour and a quarter of talk."
ENGLISH = "en"


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """A turn, as far as it can be analysed."""

    index: int
    by_agent: bool
    text: str
    "What was heard; keys that were pressed, where nothing was said."
    keys: bool = False
    "`text` is keys."
    begin_s: float
    interrupted: bool = False
    gap_s: float | None = None
    "Agent: how long the caller waited for it."


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the call's own record says."""

    inbound: bool
    duration_s: float = 0.0
    voicemail: bool = False
    transferred: bool = False
    failed: bool = False
    failure_reason: str = ""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """All that an analysis is made of."""

    turns: tuple[Spoken, ...]
    facts: Facts
    language: str = ENGLISH
    wanted: AnalysisSettings = AnalysisSettings()
    cut: bool = False
    "There was more than is analysed."

    @property
    def english(self) -> bool:
        """Whether the embedded methods know the language's words."""
        return is_english(self.language)

    def said(self, by_agent: bool) -> list[Spoken]:
        """One side's turns that have words."""
        return [
            turn for turn in self.turns if turn.by_agent is by_agent and turn.text and not turn.keys
        ]


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out; the fields are CallAnalysis' own."""

    method: str = ""
    summary: str = ""
    sentiment: Sentiment | None = None
    sentiment_score: float | None = None
    sentiment_points: tuple[SentimentPoint, ...] = ()
    emotions: dict[str, float] = {}
    key_phrases: tuple[str, ...] = ()
    outcome: str = ""
    qa_score: float | None = None
    checklist: tuple[ChecklistItem, ...] = ()
    action_items: tuple[str, ...] = ()


def is_english(language: str) -> bool:
    """Whether `en`, or `en-GB`, or `en_US`."""
    return language.lower().replace("_", "-").partition("-")[0] == ENGLISH


def facts_of(call: Call, record: CallRecord) -> Facts:
    """What the record of an ended call says about how it went."""
    failed = call.outcome is Outcome.FAILED
    return Facts(
        inbound=call.inbound,
        duration_s=call.duration_s or 0.0,
        voicemail=bool(call.voicemail),
        transferred=record.transferred_to is not None
        or any(leg.joined_samples is not None and leg.mode != "listen" for leg in record.legs),
        failed=failed,
        failure_reason=call.failure_reason if failed else "",
    )


def spoken(turns: Iterable[Turn], rate_hz: int) -> list[Spoken]:
    """Turns as they are analysed; those in which nothing was said or pressed are left out."""
    return [_spoken(turn, rate_hz) for turn in turns if turn.text.strip() or turn.digits]


def within_limits(turns: list[Spoken]) -> tuple[tuple[Spoken, ...], bool]:
    """As many turns as are analysed, and whether that is less than all."""
    chars = 0
    for count, turn in enumerate(turns):
        chars += len(turn.text)
        if count == MAX_TURNS or chars > MAX_CHARS:
            return tuple(turns[:count]), True
    return tuple(turns), False


def _spoken(turn: Turn, rate_hz: int) -> Spoken:
    text = turn.text.strip()
    latency = turn.latency
    gap_s = None
    if latency is not None and latency.first_sample_samples is not None:
        waited = latency.first_sample_samples - latency.speech_ended_samples
        gap_s = round(waited / rate_hz, 3)
    return Spoken(
        index=turn.index,
        by_agent=turn.role is Role.AGENT,
        text=(text or turn.digits)[:MAX_CHARS],
        keys=not text,
        begin_s=round(turn.begin_samples / rate_hz, 3),
        interrupted=turn.interrupted,
        gap_s=gap_s,
    )
