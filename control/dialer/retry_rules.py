"""Whether and when a call that nobody answered is placed again. Pure: no clock, no store.

What counts is why the last attempt failed: its rule says how many attempts there may be in all, and
how long this one waits. So two busy calls after a call that nobody took are the third attempt,
which the rule for busy may not allow.

Left alone is what a person has ended, what somebody answered, and what cannot get better: a number
that does not exist. A call that a crash cut off may have been answered; nobody can know.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ...media.ports import HangUpCause
from ..domain.calls import Call, CallStatus, CallSummary, Outcome
from ..domain.dialing import RetryPolicy, RetryRule
from ..errors import FieldError

DEFAULTS = RetryPolicy()
MAX_ATTEMPTS = 20
MAX_DELAY_S = 30 * 86_400.0
MAX_FACTOR = 100.0
REASONS = {Outcome.NO_ANSWER: "no_answer", Outcome.BUSY: "busy", Outcome.FAILED: "failed"}
"The field of a policy that an outcome is ruled by; others are never retried."
FINAL = frozenset({HangUpCause.CRASH, HangUpCause.NOT_FOUND})
"Causes that another call would not cure, or might be one too many after."


def rule_of(policy: RetryPolicy | None, outcome: Outcome | None) -> RetryRule | None:
    """What is to be done about an outcome; None: nothing, ever."""
    name = None if outcome is None else REASONS.get(outcome)
    if name is None:
        return None
    rule: RetryRule = getattr(policy or DEFAULTS, name)
    return rule


def delay_s(rule: RetryRule, attempt: int) -> float | None:
    """Seconds from the end of one call to attempt `attempt` (1 is the first retry); None: none."""
    assert attempt >= 1, "attempt 0 is the original"
    if attempt > rule.max_attempts:
        return None
    if rule.backoff == "fixed":
        return min(rule.initial_delay_s, rule.max_delay_s)
    return min(rule.initial_delay_s * rule.factor ** (attempt - 1), rule.max_delay_s)


def next_retry_wall(policy: RetryPolicy | None, call: CallSummary) -> float | None:
    """When an ended call is to be tried again, in wall seconds; None: it is not."""
    if call.inbound or call.answered_wall is not None or call.cause in FINAL:
        return None
    if call.ended_wall is None:  # it is about to be known
        return None
    rule = rule_of(policy, call.outcome)
    wait_s = None if rule is None else delay_s(rule, call.retry_attempt + 1)
    return None if wait_s is None else call.ended_wall + wait_s


def retry_of(call: CallSummary, attempt: int, due_wall: float, now_wall: float) -> Call:
    """The call that is placed for one that has ended, asking for what that one was asked for."""
    dialled = call.started_wall is not None
    return Call(
        owner_id=call.owner_id,
        inbound=False,
        from_number=call.wished_from if dialled else call.from_number,
        to_number=call.to_number,
        line=call.wished_line if dialled else call.line,
        agent_id=call.agent_id,
        agent_name=call.agent_name,
        status=CallStatus.QUEUED,
        priority=call.priority,
        priority_rank=call.priority_rank,
        context=call.context,
        metadata=call.metadata,
        scheduled_wall=due_wall,
        timezone=call.timezone,
        retry_attempt=attempt,
        original_call_id=call.original_call_id or call.id,
        ring_limit_s=call.ring_limit_s,
        # Its place in them (occurrence, import_row) is the original's: there is one call of each.
        schedule_id=call.schedule_id,
        campaign_id=call.campaign_id,
        import_job_id=call.import_job_id,
        created_wall=now_wall,
        updated_wall=now_wall,
    )


def merged(policy: RetryPolicy | None, changes: Mapping[str, Mapping[str, Any]]) -> RetryPolicy:
    """The policy with some fields of some rules changed."""
    had = policy or DEFAULTS
    rules = {
        name: msgspec.structs.replace(getattr(had, name), **fields)
        for name, fields in changes.items()
    }
    return msgspec.structs.replace(had, **rules)


def faults(policy: RetryPolicy, field: str = "") -> list[FieldError]:
    """What cannot be in a policy, by field below `field`."""
    found: list[FieldError] = []
    for name in RetryPolicy.__struct_fields__:
        rule: RetryRule = getattr(policy, name)
        limits: tuple[tuple[str, float, float, float], ...] = (
            ("max_attempts", rule.max_attempts, 0, MAX_ATTEMPTS),
            ("initial_delay_s", rule.initial_delay_s, 0, MAX_DELAY_S),
            ("factor", rule.factor, 1, MAX_FACTOR),
            ("max_delay_s", rule.max_delay_s, 0, MAX_DELAY_S),
        )
        found += [
            FieldError(f"{field}{name}.{key}", f"must be from {low:g} to {high:g}")
            for key, value, low, high in limits
            if not low <= value <= high
        ]
    return found
