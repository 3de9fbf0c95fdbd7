"""Calls, what was said in them, what was found out about them."""

from typing import Any, Literal

import msgspec

from ....media.conversation.records import Role, Turn
from ...domain.analyses import CallAnalysis
from ...domain.calls import Call, CallStatus, CallSummary, Outcome
from ...errors import NotFound
from ...http.route import Asked, Nothing
from ...store.calls import CallFilter
from ..dialect import AnyRow, Refusals, Row, Said
from ..identifiers import named, own
from ..moments import AskedMoment, Moment, asked_moment, seconds
from ..paging import Limit, Skipped, skipping, total_of
from ..reading import Short
from ..speaking import link
from .forms import IDS

TAG = "Call Logs"
SORT = "-created_wall"
REFUSALS: Refusals = {NotFound: Said("CALL_001", "Call log not found")}
LABELS: dict[Role, str] = {Role.CALLER: "User", Role.AGENT: "Agent"}
MIN_SHARE = 0.15
"Of what was heard of an emotion, for it to be named."

Status = Literal["queued", "in_progress", "completed", "failed", "no_answer", "busy"]
STATUS: dict[CallStatus, Status] = {
    CallStatus.SCHEDULED: "queued",
    CallStatus.QUEUED: "queued",
    CallStatus.DIALING: "in_progress",
    CallStatus.RINGING: "in_progress",
    CallStatus.LIVE: "in_progress",
    CallStatus.ENDED: "failed",
}
OUTCOME: dict[Outcome, Status] = {
    Outcome.COMPLETED: "completed",
    Outcome.NO_ANSWER: "no_answer",
    Outcome.BUSY: "busy",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "failed",
}
MEANT: dict[Status, tuple[tuple[CallStatus, ...], tuple[Outcome, ...] | None]] = {
    "queued": ((CallStatus.SCHEDULED, CallStatus.QUEUED), None),
    "in_progress": ((CallStatus.DIALING, CallStatus.RINGING, CallStatus.LIVE), None),
    "completed": ((CallStatus.ENDED,), (Outcome.COMPLETED,)),
    "no_answer": ((CallStatus.ENDED,), (Outcome.NO_ANSWER,)),
    "busy": ((CallStatus.ENDED,), (Outcome.BUSY,)),
    # Whatever the reason: as its figures count them.
    "failed": (
        (CallStatus.ENDED,),
        (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED, Outcome.CANCELLED),
    ),
}


class LogsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls."""

    campaign_id: Short | None = None
    status: Status | None = None
    phone_number: Short | None = None
    start_date: AskedMoment | None = None
    end_date: AskedMoment | None = None
    skip: Skipped = 0
    limit: Limit = 50


class LogBrief(msgspec.Struct, frozen=True, kw_only=True):
    """What all views of a call have."""

    id: str
    campaign_id: str | None
    phone_number: str
    status: Status
    duration_seconds: int | None
    sentiment: str | None
    emotions: list[str]
    transcript: str | None
    created_at: Moment


class LogList(msgspec.Struct, frozen=True, kw_only=True):
    """Some calls."""

    total: int
    items: list[LogBrief]


class LogView(LogBrief, frozen=True, kw_only=True):
    """A call."""

    summary: str | None
    key_phrases: list[str]
    recording_url: str | None
    cost: float


async def list_logs(asked: Asked[LogsQuery, Nothing]) -> LogList:
    """Your calls, newest first."""
    query, services = asked.query, asked.edge.services
    statuses, outcomes = (None, None) if query.status is None else MEANT[query.status]
    number = query.phone_number
    wanted = CallFilter(
        statuses=statuses,
        outcomes=outcomes,
        campaign_id=await named(IDS, asked, "campaign", query.campaign_id),
        number=f"+{number.strip()}" if number is not None and number.startswith(" ") else number,
        created_after_wall=asked_moment(query.start_date, "start_date"),
        created_before_wall=asked_moment(query.end_date, "end_date", last=True),
    )
    page = await services.calls.page(asked.who, skipping(query.skip, query.limit, SORT), wanted)
    found = await services.analyses.of_calls(asked.who, [call.id for call in page.items])
    items = []
    for call in page.items:
        turns, _ = await services.calls.turns(asked.who, call.id, -1, MOST_TURNS)
        items.append(LogBrief(**_brief(call, turns, found.get(call.id))))
    return LogList(total=total_of(page), items=items)


async def get_log(asked: Asked[Nothing, Nothing]) -> LogView:
    """One call, with its analysis."""
    services, id_ = asked.edge.services, await own(IDS, asked, "call")
    call = await services.calls.get(asked.who, id_)
    analysis = (await services.analyses.of_calls(asked.who, [id_])).get(id_)
    turns = [] if call.record is None else call.record.turns
    recorded = call.recording is not None and call.status is CallStatus.ENDED
    return LogView(
        **_brief(call, turns, analysis),
        summary=(analysis.summary or None) if analysis is not None else None,
        key_phrases=list(analysis.key_phrases) if analysis is not None else [],
        recording_url=link(asked, f"/recordings/{id_}.wav") if recorded else None,
        cost=0.0 if call.cost is None else round(call.cost.total, 6),
    )


def transcript_of(turns: list[Turn]) -> str | None:
    """All that was said, in one line; None: nothing was."""
    said = [f"{LABELS[turn.role]}: {turn.text}" for turn in turns if turn.text]
    return " ".join(said) or None


def number_of(call: CallSummary) -> str:
    """The other side's."""
    return call.from_number if call.inbound else call.to_number


def _brief(
    call: Call | CallSummary, turns: list[Turn], analysis: CallAnalysis | None
) -> dict[str, Any]:
    mood = None if analysis is None else analysis.sentiment
    emotions = {} if analysis is None else analysis.emotions
    return {
        "id": call.id,
        "campaign_id": call.campaign_id,
        "phone_number": number_of(call),
        "status": STATUS[call.status] if call.outcome is None else OUTCOME[call.outcome],
        "duration_seconds": None if call.duration_s is None else round(call.duration_s),
        "sentiment": None if mood is None else mood.value,
        "emotions": [
            name
            for name, part in sorted(emotions.items(), key=lambda pair: -pair[1])
            if part >= MIN_SHARE
        ],
        "transcript": transcript_of(turns),
        "created_at": seconds(call.created_wall),
    }


MOST_TURNS = 500
"Of each call in a list."

ROWS: tuple[AnyRow, ...] = (
    Row(
        method="GET",
        path="/call-logs",
        handler=list_logs,
        summary="List call logs",
        tag=TAG,
        scope="calls:read",
        query=LogsQuery,
        returns=LogList,
    ),
    Row(
        method="GET",
        path="/call-logs/{call}",
        handler=get_log,
        summary="Get call details",
        tag=TAG,
        scope="calls:read",
        returns=LogView,
        refusals=REFUSALS,
    ),
)
