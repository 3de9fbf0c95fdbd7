"""Calls that are tried again: `/v1/retries`, an agent's rules, a call's tries."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ....media.ports import HangUpCause
from ...domain.calls import CallStatus, CallSummary, Outcome
from ...domain.dialing import RetryPolicy
from ...errors import Conflict, NotFound, Unprocessable
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc_or_none
from .agents import given
from .views import AttemptView, CallItem, attempt_views, call_item

TAG = "Retries"

ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class RetriesQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls."""

    agent_id: ShortText | None = None
    sort: Literal["next_retry_at", "-next_retry_at", "created_at", "-created_at"] = "next_retry_at"


class RuleChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different in a rule; what is left out stays."""

    max_attempts: int | UnsetType = UNSET
    "Calls after the first one, whatever the reasons of those before; 0: none."
    initial_delay_s: float | UnsetType = UNSET
    backoff: Literal["fixed", "exponential"] | UnsetType = UNSET
    factor: float | UnsetType = UNSET
    max_delay_s: float | UnsetType = UNSET


class PolicyChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules by what became of a call that nobody answered; what is left out stays."""

    no_answer: RuleChanges | UnsetType = UNSET
    busy: RuleChanges | UnsetType = UNSET
    failed: RuleChanges | UnsetType = UNSET


class RetryView(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is to be tried again."""

    call_id: str
    to: str
    agent_id: str | None
    retry_attempt: int
    "Of the call that has failed; 0: the original."
    reason: Outcome | None
    next_retry_at: datetime.datetime | None
    original_call_id: str | None


class TryView(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a call."""

    call_id: str
    retry_attempt: int
    "0: the original."
    status: CallStatus
    outcome: Outcome | None
    cause: HangUpCause | None
    sip_status: int | None
    q850: int | None
    "ITU-T Q.850, where the line has told it."
    gsm_cause: int | None
    "A mobile network's own (3GPP TS 24.008 §10.5.4.11)."
    failure_reason: str
    line: str
    lines_tried: tuple[AttemptView, ...]
    "Those before it that could not carry the call."
    started_at: datetime.datetime | None
    answered_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    next_retry_at: datetime.datetime | None


class Tries(msgspec.Struct, frozen=True):
    """All tries of a call, the first one first."""

    items: tuple[TryView, ...]


async def list_retries(asked: Asked[RetriesQuery, Nothing]) -> List[RetryView]:
    """Calls that have failed and are to be tried again, the next one first."""
    query = asked.query
    page = await asked.edge.services.retries.pending(asked.who, query.page(), query.agent_id)
    return list_of(page, [_retry_view(call) for call in page.items])


async def cancel_retry(asked: Asked[Nothing, Nothing]) -> None:
    """Try a call no more."""
    await asked.edge.services.retries.cancel(asked.who, asked.path("id"))


async def retry_call(asked: Asked[Nothing, Nothing]) -> CallItem:
    """Place a call that has failed again, now; it is a call of its own, which the answer shows.

    Where its campaign is over, the new call does not belong to it, and its figures stay.
    """
    return call_item(await asked.edge.services.retries.retry(asked.who, asked.path("id")))


async def list_tries(asked: Asked[Nothing, Nothing]) -> Tries:
    """All tries of the call that this one is a try of."""
    found = await asked.edge.services.retries.attempts(asked.who, asked.path("id"))
    return Tries(tuple(_try_view(call) for call in found))


async def get_policy(asked: Asked[Nothing, Nothing]) -> RetryPolicy:
    """When an agent's calls are tried again."""
    return await asked.edge.services.retries.policy(asked.who, asked.path("id"))


async def change_policy(asked: Asked[Nothing, PolicyChanges]) -> RetryPolicy:
    """Change some of it; calls that have ended keep the moment that they have."""
    changes: dict[str, dict[str, Any]] = {
        name: given(rule) for name, rule in given(asked.body).items()
    }
    return await asked.edge.services.retries.change_policy(asked.who, asked.path("id"), changes)


def _retry_view(call: CallSummary) -> RetryView:
    return RetryView(
        call_id=call.id,
        to=call.to_number,
        agent_id=call.agent_id,
        retry_attempt=call.retry_attempt,
        reason=call.outcome,
        next_retry_at=utc_or_none(call.next_retry_wall),
        original_call_id=call.original_call_id,
    )


def _try_view(call: CallSummary) -> TryView:
    return TryView(
        call_id=call.id,
        retry_attempt=call.retry_attempt,
        status=call.status,
        outcome=call.outcome,
        cause=call.cause,
        sip_status=call.sip_status,
        q850=call.q850,
        gsm_cause=call.gsm_cause,
        failure_reason=call.failure_reason,
        line=call.line,
        lines_tried=attempt_views(call),
        started_at=utc_or_none(call.started_wall),
        answered_at=utc_or_none(call.answered_wall),
        ended_at=utc_or_none(call.ended_wall),
        next_retry_at=utc_or_none(call.next_retry_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/retries",
        list_retries,
        "List calls that are to be tried again",
        "calls:read",
        query=RetriesQuery,
        returns=List[RetryView],
    ),
    _route(
        "DELETE",
        "/v1/retries/{id}",
        cancel_retry,
        "Try a call no more",
        "calls:write",
        status=204,
        problems=(NotFound, Conflict),
    ),
    _route(
        "POST",
        "/v1/calls/{id}/retry",
        retry_call,
        "Place a call again",
        "calls:write",
        returns=CallItem,
        status=202,
        problems=(NotFound, Conflict, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/calls/{id}/attempts",
        list_tries,
        "List a call's tries",
        "calls:read",
        returns=Tries,
        problems=(NotFound,),
    ),
    _route(
        "GET",
        "/v1/agents/{id}/retries",
        get_policy,
        "Get when an agent's calls are tried again",
        "agents:read",
        returns=RetryPolicy,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/agents/{id}/retries",
        change_policy,
        "Change when an agent's calls are tried again",
        "agents:write",
        body=PolicyChanges,
        returns=RetryPolicy,
        problems=(NotFound, Unprocessable),
    ),
)
