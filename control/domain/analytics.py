"""What is counted of calls: the figures that come of a question (analytics_questions.py).

Rates and shares are percentages (0 to 100) with two decimals, None where there is nothing to divide
by; money has six decimals, durations have three.
"""

import datetime

import msgspec

from .calls import Outcome

# --- parts of figures -----------------------------------------------------------------------------


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls, by what became of them."""

    calls: int = 0
    "All of the following."
    pending: int = 0
    "Scheduled or queued."
    in_progress: int = 0
    completed: int = 0
    no_answer: int = 0
    busy: int = 0
    failed: int = 0
    cancelled: int = 0
    inbound: int = 0
    outbound: int = 0
    success_rate: float | None = None
    "Completed, of those that were completed, not answered, busy or failed."


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """How long ended calls were, from answer to end, in seconds."""

    calls: int = 0
    "That were answered."
    total_s: float = 0.0
    mean_s: float | None = None
    median_s: float | None = None
    p90_s: float | None = None
    "Nine of ten were no longer; between two calls it is interpolated."


class Voicemail(msgspec.Struct, frozen=True, kw_only=True):
    """How often a machine answered."""

    voicemails: int = 0
    judged: int = 0
    "Calls of which it is known who answered."
    rate: float | None = None
    "Of those."


class Escalations(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that a person was asked to take."""

    calls: int = 0
    taken: int = 0
    "Of those, where a person came."
    rate: float | None = None
    "Of answered calls, those that a person was asked to take."


class Moods(msgspec.Struct, frozen=True, kw_only=True):
    """How callers sounded, in calls that were analysed."""

    positive: int = 0
    neutral: int = 0
    negative: int = 0
    positive_rate: float | None = None
    neutral_rate: float | None = None
    negative_rate: float | None = None
    mean_score: float | None = None
    "-1 (bad) to 1 (good)."


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """How long callers waited for replies: from their last sample to the agent's first, in ms.

    From a histogram with steps of 10 ms: each gap is rounded to the nearest.
    """

    replies: int = 0
    mean_ms: float | None = None
    p50_ms: int | None = None
    p90_ms: int | None = None
    p95_ms: int | None = None
    p99_ms: int | None = None
    max_ms: int | None = None


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """What trying again came to."""

    retries: int = 0
    "Calls that were tries of an earlier one."
    succeeded: int = 0
    success_rate: float | None = None
    "Of those that have ended."
    originals: int = 0
    "Calls that were tried again."
    recovered: int = 0
    "Of those, how many a try reached in the end."
    recovery_rate: float | None = None


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What calls cost, by service."""

    calls: int = 0
    "Whose cost is known, in this currency."
    total: float = 0.0
    per_call: float | None = None
    stt: float = 0.0
    llm: float = 0.0
    tts: float = 0.0
    carrier: float = 0.0


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """How well calls met their checklists, 0 to 100."""

    scored: int = 0
    mean: float | None = None
    min: float | None = None
    max: float | None = None
    excellent: int = 0
    "90 and more."
    good: int = 0
    "75 and more."
    fair: int = 0
    "60 and more."
    poor: int = 0
    distribution: tuple[int, ...] = (0,) * 10
    "By tens: from 0 to below 10, …, from 90 to 100."


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why calls did not come about."""

    outcome: Outcome
    cause: str
    "As the line told it."
    calls: int
    share: float
    "Of all that did not."


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where a step of a series begins."""

    date: datetime.date
    "In the period's zone."
    begins_at: datetime.datetime


# --- figures, one kind a question -----------------------------------------------------------------


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in short."""

    counts: Counts
    durations: Durations
    voicemail: Voicemail
    escalations: Escalations
    retries: Tries
    sentiment: Moods
    qa: Marks
    latency: Gaps
    costs: Money
    currency: str


class VolumeStep(Step, frozen=True, kw_only=True):
    """Calls of a step."""

    counts: Counts
    duration_s: float
    "Of all answered ones together."


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """Calls over time; steps without calls are there as well."""

    counts: Counts
    "Of all steps."
    steps: tuple[VolumeStep, ...]


class AgentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent does."""

    agent_id: str | None
    "None: calls that no agent of the store answered."
    name: str
    counts: Counts
    durations: Durations
    voicemail: Voicemail
    escalations: Escalations
    retries: Tries
    sentiment: Moods
    qa: Marks
    latency: Gaps
    costs: Money
    causes: tuple[Cause, ...]
    "Why its calls failed, most frequent first."


class Agents(msgspec.Struct, frozen=True, kw_only=True):
    """All agents that had calls, those with most calls first."""

    agents: tuple[AgentFigures, ...]
    more: int = 0
    "Agents that are left out: a thousand are shown."
    currency: str


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """What became of calls."""

    counts: Counts
    causes: tuple[Cause, ...]


class HourCell(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of an hour of the week."""

    weekday: int
    "ISO: 1 is Monday."
    hour: int
    calls: int
    completed: int
    success_rate: float | None


class HourSum(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of an hour of the day, or of a day of the week."""

    number: int
    "The hour, 0 to 23, or the weekday, 1 to 7."
    calls: int
    completed: int
    success_rate: float | None


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When calls are, and when they succeed, in the period's zone."""

    calls: int
    cells: tuple[HourCell, ...]
    "All 168, Monday's first hour first."
    hours: tuple[HourSum, ...]
    weekdays: tuple[HourSum, ...]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """All first tries, all second ones, and so on."""

    number: int
    "0: the originals."
    counts: Counts


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """What trying again came to."""

    retries: Tries
    attempts: tuple[Attempt, ...]


class MoodStep(Step, frozen=True, kw_only=True):
    """How callers sounded in a step."""

    sentiment: Moods


class Sentiments(msgspec.Struct, frozen=True, kw_only=True):
    """How callers sounded."""

    sentiment: Moods
    analysed: int
    "Calls that were analysed, with or without a verdict."
    steps: tuple[MoodStep, ...]


class Phrase(msgspec.Struct, frozen=True, kw_only=True):
    """Words that came up."""

    phrase: str
    calls: int
    share: float
    "Of the calls that were analysed."


class Phrases(msgspec.Struct, frozen=True, kw_only=True):
    """What calls were about, most frequent first."""

    analysed: int
    phrases: tuple[Phrase, ...]


class AgentMoney(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent's calls cost."""

    agent_id: str | None
    name: str
    costs: Money


class MoneyStep(Step, frozen=True, kw_only=True):
    """What a step's calls cost."""

    costs: Money


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What calls cost."""

    currency: str
    "The one that most of them have; empty: no call's cost is known."
    other_currencies: int
    "Calls that are left out, because their cost is in another."
    costs: Money
    agents: tuple[AgentMoney, ...]
    "The dearest first."
    steps: tuple[MoneyStep, ...]


class GapCount(msgspec.Struct, frozen=True, kw_only=True):
    """Replies of a bar of the histogram."""

    up_to_ms: int | None
    "Not included; None: all that are longer."
    replies: int


class GapStep(Step, frozen=True, kw_only=True):
    """How long callers waited in a step."""

    latency: Gaps


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long callers waited for replies."""

    resolution_ms: int
    latency: Gaps
    histogram: tuple[GapCount, ...]
    steps: tuple[GapStep, ...]


class AgentMarks(msgspec.Struct, frozen=True, kw_only=True):
    """How well an agent's calls met their checklists."""

    agent_id: str | None
    name: str
    qa: Marks


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How well calls met their checklists."""

    qa: Marks
    agents: tuple[AgentMarks, ...]


AnyFigures = (
    Summary
    | Volume
    | Agents
    | Outcomes
    | Hours
    | Retries
    | Sentiments
    | Phrases
    | Costs
    | Latency
    | Quality
)
