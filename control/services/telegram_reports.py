"""What is told at Telegram by itself: how calls stand, and each day's calls in a few words.

One reader follows the table of events; how far it has read is stored with what it lets leave, so
that a crash tells nothing twice and leaves nothing out. The same for days.
"""

import datetime
from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from ...media.clock import Clock
from ..domain.accounts import Account
from ..domain.calls import CallStatus, CallSummary, Outcome
from ..domain.webhooks import StoredEvent
from ..store import schema
from ..store.calls import SUMMARIES
from ..store.database import Database, Transaction
from ..store.event_positions import keep_position, position_of
from .accounts import ACCOUNTS
from .event_log import EVENTS
from .outbox import Outbox
from .telegram import CHANNEL

READER, DAYS = "telegram", "telegram days"
BATCH_EVENTS = 200
SAVE_AFTER_EVENTS = 1000
"Of which nobody is told: how far was read is stored at the latest then."
MAX_ACCOUNTS = 1000
DAY_S = 86_400.0
KIND = "call.status"
NEWS = (CallStatus.LIVE, CallStatus.ENDED)
"What is told of."
EVENT = schema.EVENTS.c
CALL = schema.CALLS.c
COLUMNS = schema.ACCOUNTS.c
_LINKED = (COLUMNS.telegram.is_not(None), COLUMNS.is_active)


class TelegramReports:
    """The reader. Only one task calls it."""

    def __init__(self, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._position: int | None = None
        self._saved = 0

    def forget_place(self) -> None:
        """Another one reads: where it is, is in the database."""
        self._position = None

    async def follow(self) -> bool:
        """Tell what the next events say; False: there are none yet. Raises StoreError."""
        async with self._database.read() as tx:
            position = self._position
            if position is None:
                position = await position_of(tx, READER)
            newest = (await tx.execute(select(func.max(EVENT.seq)))).scalar_one() or 0
            since = newest if position is None else position
            events = await EVENTS.all(tx, None, EVENT.seq > since, limit=BATCH_EVENTS)
            told = await _told(tx, events)
        if position is None:
            # What was before anybody looked is nobody's news.
            async with self._database.write() as tx:
                await keep_position(tx, READER, newest)
            self._position = self._saved = newest
            return True
        self._position = position
        if not events:
            return False
        last = events[-1].seq
        if told or last - self._saved >= SAVE_AFTER_EVENTS:
            async with self._database.write() as tx:
                for account, words in told:
                    await self._send(tx, account, words)
                await keep_position(tx, READER, last)
            self._saved = last
        self._position = last
        return True

    async def report_day(self) -> float:
        """Tell of yesterday, where that was not done; returns when the next day is over."""
        now = self._clock.wall()
        today = int(now // DAY_S)
        async with self._database.write() as tx:
            done = await position_of(tx, DAYS)
            if done is None or done < today:
                if done is not None:  # it was there yesterday, too
                    await self._report(tx, today - 1)
                await keep_position(tx, DAYS, today)
        return (today + 1) * DAY_S

    async def _report(self, tx: Transaction, day: int) -> None:
        linked = await ACCOUNTS.all(tx, None, *_LINKED, limit=MAX_ACCOUNTS)
        wanted = [each for each in linked if _is_told(each) and _wants_days(each)]
        query = (
            select(CALL.owner_id, CALL.outcome, func.count(), func.sum(CALL.duration_s))
            .where(
                CALL.owner_id.in_([account.id for account in wanted]),
                CALL.created_wall >= day * DAY_S,
                CALL.created_wall < (day + 1) * DAY_S,
            )
            .group_by(CALL.owner_id, CALL.outcome)
        )
        found: dict[str, list[tuple[str | None, int, float]]] = {}
        for owner_id, outcome, count, total_s in await tx.execute(query):
            found.setdefault(owner_id, []).append((outcome, count, total_s or 0.0))
        for account in wanted:
            await self._send(tx, account, day_in_words(day, found.get(account.id, [])))

    async def _send(self, tx: Transaction, account: Account, words: str) -> None:
        assert account.telegram is not None, "only who has a link is told"
        to = str(account.telegram.user_id)
        await self._outbox.send(tx, CHANNEL, to, "", words, account.id)


def call_in_words(call: CallSummary, status: CallStatus, outcome: Outcome | None) -> str:
    """How a call stands. Pure."""
    number = call.from_number if call.inbound else call.to_number
    about = f"Call {call.seq} {'from' if call.inbound else 'to'} {number}"
    if status is not CallStatus.ENDED or outcome is None:
        return f"{about} is {status.value}."
    length = "" if call.duration_s is None else f" after {round(call.duration_s)} s"
    return f"{about}: {outcome.value.replace('_', ' ')}{length}."


def day_in_words(day: int, counts: Collection[tuple[str | None, int, float]]) -> str:
    """A day's calls by outcome, with their lengths. Pure."""
    date = datetime.datetime.fromtimestamp(day * DAY_S, datetime.UTC).date()
    total = sum(count for _, count, _ in counts)
    if not total:
        return f"{date}: no calls."
    minutes = sum(total_s for _, _, total_s in counts) / 60
    parts = sorted(
        f"{count} {'going on' if outcome is None else outcome.replace('_', ' ')}"
        for outcome, count, _ in counts
    )
    return f"{date}: {total} calls ({', '.join(parts)}), {minutes:.1f} minutes in all."


async def _told(tx: Transaction, events: Sequence[StoredEvent]) -> list[tuple[Account, str]]:
    """Who is told what of these events, in their order."""
    moves = [event for event in events if event.type == KIND and event.owner_id is not None]
    moves = [event for event in moves if CallStatus(event.body["status"]) in NEWS]
    owners = {event.owner_id for event in moves}
    if not owners:
        return []
    linked = await ACCOUNTS.all(tx, None, COLUMNS.id.in_(owners), *_LINKED, limit=len(owners))
    accounts = {each.id: each for each in linked if _is_told(each) and _wants_calls(each)}
    moves = [event for event in moves if event.owner_id in accounts]
    ids = {event.call_id for event in moves}
    calls = {call.id: call for call in await SUMMARIES.all(tx, None, CALL.id.in_(ids))}
    told = []
    for event in moves:
        call, owner_id = calls.get(event.call_id or ""), event.owner_id or ""
        if call is not None:  # it was deleted meanwhile
            outcome = event.body.get("outcome")
            status = CallStatus(event.body["status"])
            words = call_in_words(call, status, None if outcome is None else Outcome(outcome))
            told.append((accounts[owner_id], words))
    return told


def _is_told(account: Account) -> bool:
    link = account.telegram
    return CHANNEL in account.notify_by and link is not None and link.user_id is not None


def _wants_calls(account: Account) -> bool:
    link = account.telegram
    return link is not None and link.is_on and link.notify_calls


def _wants_days(account: Account) -> bool:
    link = account.telegram
    return link is not None and link.is_on and link.daily_reports
