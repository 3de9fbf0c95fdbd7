"""What figures are made of, call by call: kept when a call has ended, and whenever it changes.

A row of figures is a function of what is stored of its call (`figures_of`): it may be made again at
any time, and all of them anew. Not here: who decides when (services/figures_follower.py), nor what
is counted (control/analytics/).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select

from ...media.conversation.records import TurnLatency
from ..domain.calls import CallStatus
from . import schema
from .database import Transaction

GAP_STEP_MS = 10
"Reply gaps are kept so exactly."
MAX_GAP_STEPS = 65_535
"They are kept as 16-bit numbers: 11 minutes."
MAX_GAPS = 2_000
"Of one call."
MAX_PHRASES = 50
MAX_PHRASE_CHARS = 100
PHRASE_END = "\n"

FIGURES = schema.CALL_FIGURES
F = FIGURES.c
CALLS = schema.CALLS.c
TURNS = schema.TURNS.c
ANALYSES = schema.CALL_ANALYSES.c
ESCALATIONS = schema.ESCALATIONS.c
_CALL = select(
    CALLS.seq,
    CALLS.id,
    CALLS.owner_id,
    CALLS.created_wall,
    CALLS.started_wall,
    CALLS.inbound,
    CALLS.line,
    CALLS.agent_id,
    CALLS.agent_name,
    CALLS.campaign_id,
    CALLS.outcome,
    CALLS.cause,
    CALLS.duration_s,
    CALLS.voicemail,
    CALLS.retry_attempt,
    CALLS.original_call_id,
    CALLS.cost,
    CALLS.record,
).where(CALLS.status == CallStatus.ENDED.value)


async def refresh(tx: Transaction, call_ids: Sequence[str]) -> int:
    """Make the rows of these calls anew, of those that have ended; returns how many there are.

    One transaction at a time does so: versions are given in order.
    """
    calls = (await tx.execute(_CALL.where(CALLS.id.in_(call_ids)))).all()
    if not calls:
        return 0
    ids = [call.id for call in calls]
    gaps = await _gaps(tx, calls)
    analyses = await _analyses(tx, ids)
    escalations = await _escalations(tx, ids)
    originals = await _seqs(tx, {call.original_call_id for call in calls if call.original_call_id})
    version = await newest_version(tx)
    rows = [
        {
            "version": version + number,
            "original_seq": originals.get(call.original_call_id or ""),
            "gaps": gaps_text(gaps.get(call.id, ())),
            **_call_values(call),
            **_analysis_values(analyses.get(call.id)),
            **_escalation_values(escalations.get(call.id, ())),
        }
        for number, call in enumerate(sorted(calls, key=lambda call: call.seq), start=1)
    ]
    await tx.execute(delete(FIGURES).where(F.call_id.in_(ids)))
    await tx.execute(insert(FIGURES), rows)
    return len(rows)


async def newest_version(tx: Transaction) -> int:
    """The last one that was given; 0: none was."""
    return (await tx.execute(select(func.max(F.version)))).scalar_one() or 0


async def ended_after(tx: Transaction, seq: int, limit: int) -> list[tuple[int, str]]:
    """Numbers and ids of the next calls that have ended, for making all rows anew."""
    query = (
        select(CALLS.seq, CALLS.id)
        .where(CALLS.seq > seq, CALLS.status == CallStatus.ENDED.value)
        .order_by(CALLS.seq)
        .limit(limit)
    )
    return [(row.seq, row.id) for row in await tx.execute(query)]


def gaps_text(gaps_ms: Iterable[float]) -> str:
    """Gaps as they are kept: multiples of GAP_STEP_MS, spaces between."""
    steps = (min(MAX_GAP_STEPS, max(0, int(gap / GAP_STEP_MS + 0.5))) for gap in gaps_ms)
    return " ".join(str(step) for step, _ in zip(steps, range(MAX_GAPS), strict=False))


def phrases_text(phrases: Iterable[str]) -> str:
    """Phrases as they are kept: in small letters, each once, a line each."""
    kept = (" ".join(phrase.lower().split())[:MAX_PHRASE_CHARS] for phrase in phrases)
    return PHRASE_END.join([phrase for phrase in dict.fromkeys(kept) if phrase][:MAX_PHRASES])


# --- what a row is made of ------------------------------------------------------------------------


def _call_values(call: Any) -> dict[str, Any]:
    cost = call.cost or {}
    llm, analysis = cost.get("llm"), cost.get("analysis")
    started = call.started_wall
    return {
        "call_seq": call.seq,
        "call_id": call.id,
        "owner_id": call.owner_id,
        "created_wall": call.created_wall,
        "begun_wall": call.created_wall if started is None else started,
        "inbound": call.inbound,
        "line": call.line,
        "agent_id": call.agent_id,
        "agent_name": call.agent_name,
        "campaign_id": call.campaign_id,
        "outcome": call.outcome or "failed",
        "cause": call.cause or "",
        "duration_s": call.duration_s,
        "voicemail": call.voicemail,
        "retry_attempt": call.retry_attempt,
        "currency": cost.get("currency", ""),
        "cost_stt": cost.get("stt"),
        "cost_llm": llm if analysis is None else (llm or 0.0) + analysis,
        "cost_tts": cost.get("tts"),
        "cost_carrier": cost.get("carrier"),
    }


def _analysis_values(analysis: Any) -> dict[str, Any]:
    if analysis is None:
        return {
            "analysed": False,
            "sentiment": None,
            "sentiment_score": None,
            "qa_score": None,
            "phrases": "",
        }
    return {
        "analysed": True,
        "sentiment": analysis.sentiment,
        "sentiment_score": analysis.sentiment_score,
        "qa_score": analysis.qa_score,
        "phrases": phrases_text(analysis.key_phrases),
    }


def _escalation_values(bridged_walls: Sequence[float | None]) -> dict[str, Any]:
    return {
        "escalations": len(bridged_walls),
        "taken_over": sum(wall is not None for wall in bridged_walls),
    }


async def _gaps(tx: Transaction, calls: Sequence[Any]) -> dict[str, list[float]]:
    """How long callers waited for each reply, in ms, by call."""
    rates = {call.id: call.record.get("rate_hz") for call in calls if call.record}
    query = select(TURNS.call_id, TURNS.rest).where(
        TURNS.call_id.in_([id_ for id_, rate in rates.items() if rate]), TURNS.role == "agent"
    )
    found: dict[str, list[float]] = defaultdict(list)
    for turn in await tx.execute(query.order_by(TURNS.call_id, TURNS.index)):
        told = turn.rest.get("latency")
        if told is None:
            continue
        latency = msgspec.convert(told, TurnLatency)
        if latency.first_sample_samples is not None:
            waited = latency.first_sample_samples - latency.speech_ended_samples
            found[turn.call_id].append(waited * 1000 / rates[turn.call_id])
    return found


async def _analyses(tx: Transaction, ids: Sequence[str]) -> dict[str, Any]:
    query = select(
        ANALYSES.call_id,
        ANALYSES.sentiment,
        ANALYSES.sentiment_score,
        ANALYSES.key_phrases,
        ANALYSES.qa_score,
    ).where(ANALYSES.call_id.in_(ids), ANALYSES.status == "done")
    return {row.call_id: row for row in await tx.execute(query)}


async def _escalations(tx: Transaction, ids: Sequence[str]) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = defaultdict(list)
    query = select(ESCALATIONS.call_id, ESCALATIONS.bridged_wall)
    for row in await tx.execute(query.where(ESCALATIONS.call_id.in_(ids))):
        found[row.call_id].append(row.bridged_wall)
    return found


async def _seqs(tx: Transaction, ids: set[str]) -> dict[str, int]:
    if not ids:
        return {}
    found = await tx.execute(select(CALLS.id, CALLS.seq).where(CALLS.id.in_(ids)))
    return {row.id: row.seq for row in found}
