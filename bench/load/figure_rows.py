"""A million calls of a busy server, from a seed: rows of calls and of their figures.

What is stored is what the server would have stored, but for turns, events and media records: five
accounts, a hundred agents, a year; more calls by day than by night, fewer at weekends.
"""

import datetime
import math
import random
import sqlite3
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ...control.domain.accounts import Account
from ...control.domain.agents import Agent
from ...control.domain.calls import Call, CallStatus, Outcome
from ...control.services.figures_follower import READER
from ...control.store import analytics, schema
from ...control.store.database import Database
from ...control.store.rows import Rows

ACCOUNTS, AGENTS_EACH, CAMPAIGNS_EACH = 5, 20, 8
LINES = ("office", "trunk-a", "trunk-b", "gsm-1", "gsm-2")
BEGIN = datetime.datetime(2025, 12, 1, tzinfo=datetime.UTC).timestamp()
END = datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC).timestamp()
DAY_S = 86_400
SLICE = 20_000
OPEN_CALLS = 1000
ENDS = (
    (Outcome.COMPLETED, "normal", 0.62),
    (Outcome.NO_ANSWER, "no_answer", 0.2),
    (Outcome.BUSY, "busy", 0.09),
    (Outcome.FAILED, "network", 0.05),
    (Outcome.CANCELLED, "cancelled", 0.04),
)
MOODS, MOOD_WEIGHTS = ("positive", "neutral", "negative"), (0.45, 0.38, 0.17)
WORDS = (
    "opening hours",
    "invoice",
    "call back",
    "delivery date",
    "cancel the contract",
    "new address",
    "refund",
    "appointment",
    "password",
    "price list",
    "order status",
    "complaint",
    "warranty",
    "technician",
    "meter reading",
    "credit card",
    "tariff",
    "newsletter",
    "holiday",
    "wrong number",
)


def account_of(number: int) -> Account:
    """The account with that number; the first has the widest business."""
    names = ("Lindner & Söhne", "Blue Harbour Energy", "Casa Verde", "Nordlicht", "Polar Dental")
    return Account(
        id=_id("account", number),
        email=f"account-{number}@example.com",
        first_name=names[number],
        created_wall=BEGIN,
        updated_wall=BEGIN,
    )


def agents_of(number: int) -> list[Agent]:
    """An account's agents."""
    tasks = ("Reception", "Appointments", "Collections", "Support", "Outreach")
    return [
        Agent(
            id=_id(f"agent {number}", place),
            owner_id=_id("account", number),
            name=f"{tasks[place % 5]} {place // 5 + 1}",
            created_wall=BEGIN,
            updated_wall=BEGIN,
        )
        for place in range(AGENTS_EACH)
    ]


async def make_database(folder: Path, calls: int, seed: int) -> Path:
    """A database with so many ended calls, and some that are open; returns its file."""
    file = folder / "offhook.db"
    database = Database(f"sqlite+aiosqlite:///{file}")
    await database.open()
    async with database.write() as tx:
        accounts = [account_of(number) for number in range(ACCOUNTS)]
        await Rows(schema.ACCOUNTS, Account).add_all(tx, accounts)
        agents = [agent for number in range(ACCOUNTS) for agent in agents_of(number)]
        await Rows(schema.AGENTS, Agent).add_all(tx, agents)
    await database.aclose()
    _fill(file, calls, seed)
    return file


def rows(calls: int, seed: int, first: int = 1) -> Iterator[dict[str, Any]]:
    """Rows of call_figures, in the order of their calls."""
    rng, chance = np.random.default_rng(seed), random.Random(seed)
    agents = [agents_of(number) for number in range(ACCOUNTS)]
    walls = np.sort(_walls(rng, calls))
    failed: list[tuple[int, int]] = []
    for place in range(calls):
        yield _row(chance, rng, first + place, float(walls[place]), agents, failed)


def _row(
    chance: random.Random,
    rng: np.random.Generator,
    seq: int,
    wall: float,
    agents: list[list[Agent]],
    failed: list[tuple[int, int]],
) -> dict[str, Any]:
    account = min(int(chance.expovariate(0.9)), ACCOUNTS - 1)
    agent = agents[account][min(int(chance.expovariate(0.15)), AGENTS_EACH - 1)]
    outcome, cause, _ = chance.choices(ENDS, [weight for _, _, weight in ENDS])[0]
    done = outcome is Outcome.COMPLETED
    inbound = chance.random() < 0.35
    original = None
    if not inbound and failed and chance.random() < 0.15:
        original = failed.pop()
    elif not inbound and not done:
        failed.append((seq, account))
    duration_s = round(chance.lognormvariate(4.6, 0.8), 2) if done else None
    analysed = done and chance.random() < 0.9
    score = chance.gauss(0.2, 0.4)
    return {
        "call_seq": seq,
        "call_id": _id("call", seq),
        "owner_id": agent.owner_id,
        "version": seq,
        "created_wall": wall - chance.expovariate(1 / 60),
        "begun_wall": wall,
        "inbound": inbound,
        "line": chance.choice(LINES),
        "agent_id": agent.id,
        "agent_name": agent.name,
        "campaign_id": None if inbound else _id(f"campaign {account}", chance.randrange(8)),
        "outcome": outcome.value,
        "cause": cause,
        "duration_s": duration_s,
        "voicemail": chance.random() < 0.18 if done and not inbound else None,
        "retry_attempt": 0 if original is None else 1,
        "original_seq": None if original is None else original[0],
        "currency": "USD" if done else "",
        "cost_stt": 0.0001 * duration_s if duration_s else None,
        "cost_llm": 0.00016 * duration_s if duration_s else None,
        "cost_tts": 0.00007 * duration_s if duration_s else None,
        "cost_carrier": 0.00013 * duration_s if duration_s else None,
        "analysed": analysed,
        "sentiment": chance.choices(MOODS, MOOD_WEIGHTS)[0] if analysed else None,
        "sentiment_score": max(-1.0, min(1.0, score)) if analysed else None,
        "qa_score": float(min(100, max(0, round(chance.gauss(82, 13))))) if analysed else None,
        "escalations": int(done and chance.random() < 0.06),
        "taken_over": int(done and chance.random() < 0.04),
        "gaps": _gaps(rng, chance) if done else "",
        "phrases": _phrases(chance) if analysed else "",
    }


def _gaps(rng: np.random.Generator, chance: random.Random) -> str:
    return analytics.gaps_text(rng.lognormal(6.7, 0.35, chance.randint(1, 9)).tolist())


def _phrases(chance: random.Random) -> str:
    words = [WORDS[min(int(chance.expovariate(0.2)), 19)] for _ in range(chance.randint(1, 5))]
    return analytics.phrases_text(words)


def _walls(rng: np.random.Generator, calls: int) -> np.ndarray[Any, Any]:
    """Moments: two busy times a day in central Europe, a fifth as much at weekends."""
    days = np.arange(int((END - BEGIN) // DAY_S))
    weekday = (days + datetime.datetime.fromtimestamp(BEGIN, datetime.UTC).weekday()) % 7
    weights = np.where(weekday < 5, 1.0, 0.2) * (1 + 0.25 * np.sin(days / 365 * 2 * math.pi))
    chosen = rng.choice(days, calls, p=weights / weights.sum())
    hours = np.where(
        rng.random(calls) < 0.55, rng.normal(9.5, 1.6, calls), rng.normal(14.5, 1.8, calls)
    )
    found: np.ndarray[Any, Any] = BEGIN + chosen * DAY_S + np.clip(hours, 0, 23.99) * 3600
    return found


def _fill(file: Path, calls: int, seed: int) -> None:
    """Straight into the tables; indexes are made at the end."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('calls', 'call_figures')"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    plain = _plain_call()
    call_sql = _insert("calls", list(plain))
    figure_sql = _insert("call_figures", [column.name for column in schema.CALL_FIGURES.columns])
    connection.execute("BEGIN")
    waiting: list[dict[str, Any]] = []
    for row in rows(calls, seed):
        waiting.append(row)
        if len(waiting) == SLICE:
            _put(connection, call_sql, figure_sql, plain, waiting)
    _put(connection, call_sql, figure_sql, plain, waiting)
    opened = [_open_call(plain, number) for number in range(calls + 1, calls + 1 + OPEN_CALLS)]
    connection.executemany(call_sql, opened)
    connection.execute("INSERT INTO event_positions (reader, seq) VALUES (?, ?)", (READER, 0))
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.close()


def _put(
    connection: sqlite3.Connection,
    call_sql: str,
    figure_sql: str,
    plain: dict[str, Any],
    waiting: list[dict[str, Any]],
) -> None:
    connection.executemany(call_sql, [_call_row(plain, row) for row in waiting])
    connection.executemany(figure_sql, waiting)
    waiting.clear()


def _plain_call() -> dict[str, Any]:
    """A call's columns as they are stored, to be changed for each."""
    call = Call(
        owner_id="",
        inbound=True,
        from_number="+4930123456",
        to_number="+49401234567",
        status=CallStatus.ENDED,
    )
    values = msgspec.to_builtins(call)
    plain = {column.name: values.get(column.name) for column in schema.CALLS.columns}
    for name, value in plain.items():
        if isinstance(value, dict | list | tuple):
            plain[name] = msgspec.json.encode(value).decode()
    return plain


def _call_row(plain: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    same = ("owner_id", "created_wall", "inbound", "line", "agent_id", "agent_name")
    also = ("campaign_id", "outcome", "cause", "duration_s", "voicemail", "retry_attempt")
    return plain | {
        "seq": row["call_seq"],
        "id": row["call_id"],
        "updated_wall": row["begun_wall"],
        "started_wall": row["begun_wall"],
        "ended_wall": row["begun_wall"] + (row["duration_s"] or 0.0),
        **{name: row[name] for name in same + also},
    }


def _open_call(plain: dict[str, Any], seq: int) -> dict[str, Any]:
    agent = agents_of(seq % ACCOUNTS)[seq % AGENTS_EACH]
    return plain | {
        "seq": seq,
        "id": _id("call", seq),
        "owner_id": agent.owner_id,
        "agent_id": agent.id,
        "agent_name": agent.name,
        "created_wall": END - seq % 600,
        "updated_wall": END,
        "status": CallStatus.QUEUED.value if seq % 4 else CallStatus.LIVE.value,
    }


def _insert(table: str, names: list[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"


def _id(kind: str, number: int) -> str:
    """The same in every run."""
    return str(uuid.UUID(int=zlib.crc32(kind.encode()) << 64 | 0x4 << 76 | 0x8 << 62 | number))
