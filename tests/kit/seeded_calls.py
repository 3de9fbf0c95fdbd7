"""Calls of some weeks, with all that figures are made of, from a seed: in memory and stored."""

import random
from collections import Counter
from typing import Any

import msgspec
from sqlalchemy import insert

from offhook.control.domain.agents import Agent
from offhook.control.domain.analyses import AnalysisStatus, CallAnalysis, Sentiment
from offhook.control.domain.calls import Call, CallStatus, Escalation, Outcome
from offhook.control.domain.costs import CallCost
from offhook.control.store import schema
from offhook.control.store.calls import CALLS
from offhook.control.store.database import Database
from offhook.control.store.rows import Rows
from offhook.media.conversation.records import Role, Turn, TurnLatency
from offhook.media.ports import HangUpCause

from .call_records import call_record

RATE_HZ = 8000
PHRASES = ("Opening hours", "invoice", "call back", "delivery date", "cancel the contract")
ENDS = (
    (Outcome.COMPLETED, HangUpCause.NORMAL),
    (Outcome.COMPLETED, HangUpCause.NORMAL),
    (Outcome.COMPLETED, HangUpCause.NORMAL),
    (Outcome.NO_ANSWER, HangUpCause.NO_ANSWER),
    (Outcome.BUSY, HangUpCause.BUSY),
    (Outcome.BUSY, HangUpCause.DECLINED),
    (Outcome.FAILED, HangUpCause.NOT_FOUND),
    (Outcome.CANCELLED, HangUpCause.CANCELLED),
)


class Seeded(msgspec.Struct):
    """One call and what belongs to it."""

    call: Call
    gaps_ms: list[float] = []
    turns: list[Turn] = []
    analysis: CallAnalysis | None = None
    escalations: list[Escalation] = []


def make_calls(
    seed: int, count: int, owners: list[str], agents: list[Agent], begin: float, end: float
) -> list[Seeded]:
    """Ended calls between two moments, tries of earlier ones among them; some are open."""
    rng = random.Random(seed)
    made: list[Seeded] = []
    failed: list[Call] = []
    attempts = Counter[str]()
    for number in range(count):
        one = _ended(rng, number, owners, agents, rng.uniform(begin, end))
        own = [call for call in failed if call.owner_id == one.call.owner_id]
        if own and rng.random() < 0.3:
            first = rng.choice(own)
            attempts[first.id] += 1
            one.call = msgspec.structs.replace(
                one.call,
                retry_attempt=attempts[first.id],
                original_call_id=first.id,
            )
        elif one.call.outcome in (Outcome.BUSY, Outcome.NO_ANSWER):
            failed.append(one.call)
        made.append(one)
    for status in (CallStatus.QUEUED, CallStatus.SCHEDULED, CallStatus.LIVE):
        call = made[-1].call
        call = msgspec.structs.replace(
            call,
            id=f"open-{status.value}",
            status=status,
            outcome=None,
            cause=None,
            duration_s=None,
            cost=None,
            voicemail=None,
            record=None,
            original_call_id=None,
            retry_attempt=0,
            started_wall=call.started_wall if status is CallStatus.LIVE else None,
        )
        made.append(Seeded(call))
    return made


async def store_calls(database: Database, made: list[Seeded]) -> None:
    """As the server would have, but for the events."""
    async with database.write() as tx:
        await CALLS.add_all(tx, [one.call for one in made])
        turns = [_turn_row(one.call.id, turn) for one in made for turn in one.turns]
        await tx.execute(insert(schema.TURNS), turns)
        analyses = [one.analysis for one in made if one.analysis is not None]
        await Rows(schema.CALL_ANALYSES, CallAnalysis).add_all(tx, analyses)
        escalations = [escalation for one in made for escalation in one.escalations]
        await Rows(schema.ESCALATIONS, Escalation).add_all(tx, escalations)


def _ended(
    rng: random.Random, number: int, owners: list[str], agents: list[Agent], wall: float
) -> Seeded:
    outcome, cause = rng.choice(ENDS)
    agent = rng.choice([*agents, None])
    inbound = rng.random() < 0.4
    done = outcome is Outcome.COMPLETED
    duration_s = round(rng.expovariate(1 / 150), 2) if done else None
    record = call_record(number, id=f"call-{number}", inbound=inbound, rate_hz=RATE_HZ)
    call = Call(
        id=record.id,
        owner_id=agent.owner_id if agent else rng.choice(owners),
        inbound=inbound,
        from_number="+4930123456",
        to_number="100",
        line=rng.choice(("office", "mobile")),
        agent_id=agent.id if agent else None,
        agent_name=agent.name if agent else "",
        campaign_id=rng.choice(("spring", None)),
        status=CallStatus.ENDED,
        outcome=outcome,
        cause=cause,
        created_wall=wall - rng.uniform(0, 7200),
        started_wall=None if outcome is Outcome.CANCELLED else wall,
        duration_s=duration_s,
        voicemail=rng.choice((True, False, False, None)) if done and not inbound else None,
        record=record,
        cost=_cost(rng) if done else None,
    )
    one = Seeded(call)
    if done:
        _converse(rng, one)
    return one


def _converse(rng: random.Random, one: Seeded) -> None:
    call = one.call
    for index in range(rng.randint(0, 6)):
        waited = rng.randint(0, 12 * RATE_HZ // 4)
        latency = TurnLatency(speech_ended_samples=8000, first_sample_samples=8000 + waited)
        known = rng.random() < 0.9
        one.turns.append(_turn(index, latency if known else None))
        one.gaps_ms += [waited * 1000 / RATE_HZ] if known else []
    if rng.random() < 0.7:
        sentiment = rng.choice((*Sentiment, None))
        one.analysis = CallAnalysis(
            owner_id=call.owner_id,
            call_id=call.id,
            status=rng.choice((AnalysisStatus.DONE, AnalysisStatus.DONE, AnalysisStatus.FAILED)),
            sentiment=sentiment,
            sentiment_score=None if sentiment is None else round(rng.uniform(-1, 1), 2),
            key_phrases=tuple(rng.sample(PHRASES, rng.randint(0, 3))),
            qa_score=rng.choice((None, float(rng.randint(0, 100)))),
        )
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        bridged = rng.choice((None, call.created_wall + 60))
        one.escalations.append(
            Escalation(owner_id=call.owner_id, call_id=call.id, bridged_wall=bridged)
        )


def _cost(rng: random.Random) -> CallCost:
    currency = "USD" if rng.random() < 0.9 else "EUR"
    stt, llm, tts, carrier = (round(rng.uniform(0, 0.2), 5) for _ in range(4))
    return CallCost(currency=currency, stt=stt, llm=llm, tts=tts, carrier=carrier)


def _turn(index: int, latency: TurnLatency | None) -> Turn:
    return Turn(
        index=index,
        role=Role.AGENT,
        text="Yes.",
        begin_samples=index * 8000,
        end_samples=index * 8000 + 4000,
        latency=latency,
    )


def _turn_row(call_id: str, turn: Turn) -> dict[str, Any]:
    rest = msgspec.to_builtins(turn)
    names = ("index", "role", "text", "begin_samples", "end_samples")
    return {name: rest.pop(name) for name in names} | {"call_id": call_id, "rest": rest}
