"""Calls that are tried again."""

import functools
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.calls import CallSummary
from ...domain.dialing import RetryPolicy, RetryRule
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import Moment, seconds
from .calls import status_of
from .forms import BASE, IDS, NOT_NOW, Shown

TAG = "Retry Management"
MOST = 1000
"Calls that are shown: the list has no pages."
MS = 1000

Attempts = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Delay = Annotated[int, msgspec.Meta(ge=0, le=10**12, description="Milliseconds.")]
Factor = Annotated[float, msgspec.Meta(ge=1, le=1000)]
# The names that a rule has here and there; both of delays are milliseconds here, seconds there.
NAMES = {"max_attempts": "max_attempts", "backoff_multiplier": "factor"}


class RuleView(Shown, frozen=True, kw_only=True):
    """How often, and after how long, calls are tried again that ended for one reason."""

    max_attempts: int
    initial_delay: int
    "Milliseconds from the end of the first call to the second."
    backoff_multiplier: float
    "Each waits so many times as long as the one before."


class PolicyView(msgspec.Struct, frozen=True, kw_only=True):
    """Rules by reason."""

    no_answer: RuleView
    busy: RuleView
    failed: RuleView


class RetryConfig(Shown, frozen=True, kw_only=True):
    """An agent's rules."""

    agent_id: str
    retry_config: PolicyView


class RuleChanges(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different in one."""

    max_attempts: Attempts | UnsetType = UNSET
    initial_delay: Delay | UnsetType = UNSET
    backoff_multiplier: Factor | UnsetType = UNSET


class PolicyChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different, by reason."""

    no_answer: RuleChanges | UnsetType = UNSET
    busy: RuleChanges | UnsetType = UNSET
    failed: RuleChanges | UnsetType = UNSET


class PendingRetry(Shown, frozen=True, kw_only=True):
    """A call that is to be tried again."""

    id: str
    to_phone: str
    retry_attempt: int
    "The try that it was: 0 is the first call."
    next_retry_at: Moment
    failure_reason: str


class RetryView(Shown, frozen=True, kw_only=True):
    """A call that was placed again."""

    id: str
    original_call_id: str | None
    retry_attempt: int
    status: str


async def get_config(asked: Asked[Nothing, Nothing]) -> RetryConfig:
    """An agent's rules, or those by default."""
    id_ = await own(IDS, asked, "agent")
    policy = await asked.edge.services.retries.policy(asked.who, id_)
    return RetryConfig(agent_id=IDS.show("agent", id_), retry_config=policy_view(policy))


async def change_config(asked: Asked[Nothing, PolicyChanges]) -> None:
    """Change some fields of some rules; the others stay."""
    id_ = await own(IDS, asked, "agent")
    changes = {reason: _changes(sent) for reason, sent in given(asked.body).items()}
    await asked.edge.services.retries.change_policy(asked.who, id_, changes)


async def list_pending(asked: Asked[Nothing, Nothing]) -> list[PendingRetry]:
    """Your calls that are to be tried again, the next one first."""
    query = PageQuery(limit=MOST, sort="next_retry_wall")
    page = await asked.edge.services.retries.pending(asked.who, query)
    return [_pending(call) for call in page.items]


async def retry_call(asked: Asked[Nothing, Nothing]) -> RetryView:
    """Place a call that has failed again, now."""
    id_ = await own(IDS, asked, "retry")
    call = await asked.edge.services.retries.retry(asked.who, id_)
    return RetryView(
        id=IDS.show("call", call.id),
        original_call_id=IDS.show_or_none("call", call.original_call_id),
        retry_attempt=call.retry_attempt,
        status=status_of(call),
    )


def policy_view(policy: RetryPolicy) -> PolicyView:
    """As it is shown."""
    return PolicyView(
        no_answer=_rule(policy.no_answer), busy=_rule(policy.busy), failed=_rule(policy.failed)
    )


def _rule(rule: RetryRule) -> RuleView:
    return RuleView(
        max_attempts=rule.max_attempts,
        initial_delay=round(rule.initial_delay_s * MS),
        backoff_multiplier=rule.factor if rule.backoff == "exponential" else 1.0,
    )


def _changes(sent: RuleChanges) -> dict[str, Any]:
    fields = given(sent)
    changes: dict[str, Any] = {NAMES[name]: fields[name] for name in NAMES if name in fields}
    if "initial_delay" in fields:
        changes["initial_delay_s"] = fields["initial_delay"] / MS
    if "factor" in changes:
        changes["backoff"] = "exponential"
    return changes


def _pending(call: CallSummary) -> PendingRetry:
    assert call.next_retry_wall is not None, "it was found by that"
    assert call.outcome is not None, "only what has ended is tried again"
    return PendingRetry(
        id=IDS.show("call", call.id),
        to_phone=call.to_number,
        retry_attempt=call.retry_attempt,
        next_retry_at=seconds(call.next_retry_wall),
        failure_reason=call.outcome.value,
    )


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/retry/config/{{agent}}",
        get_config,
        "Get retry configuration",
        "agents:read",
        returns=RetryConfig,
    ),
    _row(
        "PUT",
        f"{BASE}/retry/config/{{agent}}",
        change_config,
        "Update retry configuration",
        "agents:write",
        body=PolicyChanges,
        message="Retry configuration updated successfully",
        example={"no_answer": {"maxAttempts": 5, "initialDelay": 600_000}},
    ),
    _row(
        "GET",
        f"{BASE}/retry/pending",
        list_pending,
        "List pending retries",
        "calls:read",
        returns=list[PendingRetry],
    ),
    _row(
        "POST",
        f"{BASE}/retry/manual/{{retry}}",
        retry_call,
        "Manual retry",
        "calls:write",
        returns=RetryView,
        message="Call retry initiated successfully",
        refusals=NOT_NOW,
    ),
)
