"""`/v1/calls/{id}/analysis`: what was found out about an ended call from what was said in it."""

import datetime

import msgspec

from ...domain.analyses import (
    AnalysisStatus,
    CallAnalysis,
    ChecklistItem,
    Sentiment,
    SentimentPoint,
)
from ...errors import Conflict, NotFound
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Calls"


class AnalysisBrief(msgspec.Struct, frozen=True, kw_only=True):
    """The analysis of a call in short."""

    status: AnalysisStatus
    summary: str
    sentiment: Sentiment | None
    "Of the caller; null: it could not be told, as of a call without their words."
    sentiment_score: float | None
    "-1 (bad) to 1 (good), over all that the caller said."
    emotions: dict[str, float]
    "Those that the caller names or shows, with their shares, 0 to 1."
    key_phrases: tuple[str, ...]
    outcome: str
    "Of the agent's list; else completed, transferred, voicemail, failed, or a model's words."
    qa_score: float | None
    "0 to 100: how much of the agent's checklist was met, of what could be told; null: nothing."


class AnalysisView(AnalysisBrief, frozen=True, kw_only=True):
    """The analysis of a call."""

    id: str
    call_id: str
    attempts: int
    next_try_at: datetime.datetime | None
    "A try has failed, and is made again then."
    error: str
    "Why the last try failed."
    provider: str
    "Who analysed: `embedded`, or a language model's provider."
    model: str
    method: str
    "How it was found out, in words."
    finished_at: datetime.datetime | None
    sentiment_points: tuple[SentimentPoint, ...]
    "Of each caller turn that was scored."
    checklist: tuple[ChecklistItem, ...]
    action_items: tuple[str, ...]
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def get_analysis(asked: Asked[Nothing, Nothing]) -> AnalysisView:
    """What was found out about a call after its end; made by itself within seconds.

    There is one of every call that was answered and in which something was said, unless its agent's
    `analysis.enabled` is off; of others a 404 says why not. What cannot be found out is null, empty
    or `failed`.
    """
    analyses = asked.edge.services.analyses
    return analysis_view(await analyses.get(asked.who, asked.path("id")))


async def ask_for_analysis(asked: Asked[Nothing, Nothing]) -> AnalysisView:
    """Analyse a call anew, as its agent says now; what was found before is forgotten.

    `call.analysed` follows.
    """
    analyses = asked.edge.services.analyses
    return analysis_view(await analyses.ask(asked.who, asked.path("id")))


def analysis_brief(analysis: CallAnalysis) -> AnalysisBrief:
    """An analysis in short, as a call shows it."""
    names = AnalysisBrief.__struct_fields__
    return AnalysisBrief(**{name: getattr(analysis, name) for name in names})


def analysis_view(analysis: CallAnalysis) -> AnalysisView:
    """An analysis as the API shows it."""
    same = set(AnalysisView.__struct_fields__) & set(CallAnalysis.__struct_fields__)
    # A claim's end is no next try.
    waits = analysis.status is AnalysisStatus.PENDING
    return AnalysisView(
        **{name: getattr(analysis, name) for name in same},
        next_try_at=utc_or_none(analysis.next_try_wall) if waits else None,
        finished_at=utc_or_none(analysis.finished_wall),
        created_at=utc(analysis.created_wall),
        updated_at=utc(analysis.updated_wall),
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/calls/{id}/analysis",
        handler=get_analysis,
        summary="Get a call's analysis",
        tag=TAG,
        scope="calls:read",
        returns=AnalysisView,
        problems=(NotFound,),
    ),
    Route(
        method="POST",
        path="/v1/calls/{id}/analysis",
        handler=ask_for_analysis,
        summary="Analyse a call anew",
        tag=TAG,
        scope="calls:write",
        returns=AnalysisView,
        status=202,
        problems=(NotFound, Conflict),
    ),
)
