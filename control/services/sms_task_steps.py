"""How a text is answered: claimed, given its agent and what was said before, ended or tried again.

What was begun when the process ended waits again at the next start. The reply leaves by the outbox
in the transaction that stores it: it is neither lost nor sent twice by us.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import func, select

from ...media.clock import Clock
from ...media.speech_ports import Message
from ..auth.principal import OPERATOR_ID
from ..configuration.configured import BUILT_IN, BUILT_IN_ID
from ..dialer.dialling import spellings
from ..domain.agents import Agent, AgentKind
from ..domain.events import SmsTaskEnded
from ..domain.messages import ErrorLog
from ..domain.sms_tasks import SmsTask, TaskStatus
from ..errors import Unprocessable
from ..messages.sms_segments import shortened
from ..store.active_owners import owner_is_active
from ..store.database import Database, Transaction
from .accounts import why
from .agents import AGENTS
from .error_logs import record
from .event_log import EventLog, Work
from .numbers import NUMBERS
from .sms import MAX_SEGMENTS, NewSms, SmsService
from .sms_tasks import COLUMNS, TASKS

MAX_ATTEMPTS = 3
RETRY_DELAYS_S = (5.0, 30.0)
"After the first and the second try."
SAID_BEFORE = 5
"Texts of the same contact, and their replies, that an agent is told."
SAID_WITHIN_S = 24 * 3600.0
MAX_SAID_CHARS = 2000
"Of each of them."
CUT_OFF = "cut_off"
INVALID_PHONE = "invalid_phone"
_WORKING = COLUMNS.status == TaskStatus.WORKING.value
_DUE = COLUMNS.status == TaskStatus.WAITING.value
_ACTS = owner_is_active(COLUMNS.owner_id)


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent has said, and what that took."""

    reply: str
    tokens: int = 0
    metadata: dict[str, Any] = {}


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """It has said nothing, and why."""

    type: str
    error: str
    is_final: bool = False
    "Another try would end in the same way."
    tokens: int = 0
    metadata: dict[str, Any] = {}


class Job(msgspec.Struct, frozen=True):
    """A text for an agent."""

    task: SmsTask
    agent: Agent
    history: tuple[Message, ...]


class SmsTaskSteps:
    """Only one runner calls it."""

    def __init__(self, database: Database, log: EventLog, sms: SmsService, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._sms = sms
        self._clock = clock
        self.default_agent: str | None = None
        "By its name in the configuration; None: the built-in one."

    async def recover(self) -> int:
        """What was cut off waits again; returns how many there were. Raises StoreError."""
        async with self._database.write() as tx:
            return await TASKS.update_where(
                tx,
                None,
                _WORKING,
                status=TaskStatus.WAITING.value,
                next_try_wall=self._clock.wall(),
            )

    async def claim(self, limit: int) -> list[SmsTask]:
        """The next ones that are due, those that wait longest first. Raises StoreError."""
        now = self._clock.wall()
        order = (COLUMNS.next_try_wall, COLUMNS.seq)
        async with self._database.write() as tx:
            due = await TASKS.first(
                tx, None, _DUE, COLUMNS.next_try_wall <= now, _ACTS, order=order, limit=limit
            )
            return [
                await TASKS.update(tx, task, status=TaskStatus.WORKING, attempts=task.attempts + 1)
                for task in due
            ]

    async def next_wall(self) -> float | None:
        """When the next one is due; it may be by now. Raises StoreError."""
        query = select(func.min(COLUMNS.next_try_wall)).where(_DUE, _ACTS)
        async with self._database.read() as tx:
            found: float | None = (await tx.execute(query)).scalar_one()
        return found

    async def job(self, task: SmsTask) -> Job:
        """Who answers, and what they are told. Raises StoreError."""
        async with self._database.read() as tx:
            agent = await self._agent(tx, task)
            return Job(task, agent, await _history(tx, task))

    async def give_back(self, tasks: Collection[SmsTask]) -> None:
        """They were not tried after all. Raises StoreError."""
        async with self._database.write() as tx:
            for task in tasks:
                await TASKS.update_where(
                    tx,
                    None,
                    _WORKING,
                    COLUMNS.id == task.id,
                    status=TaskStatus.WAITING.value,
                    attempts=max(0, task.attempts - 1),
                    next_try_wall=self._clock.wall(),
                )

    async def end(self, task: SmsTask, answered: Answered | Unanswered) -> SmsTask | None:
        """Keep what came of a try; None: the task is gone. Raises StoreError."""
        now = self._clock.wall()
        async with self._log.writing() as work:
            found = await TASKS.find(work.tx, None, COLUMNS.id == task.id, _WORKING)
            if found is None:
                return None
            changes: dict[str, Any] = {
                "tokens": found.tokens + answered.tokens,
                "metadata": found.metadata | answered.metadata,
                "updated_wall": now,
            }
            if isinstance(answered, Answered):
                return await self._succeed(work, found, answered, changes, now)
            return await _fail(work, found, answered, changes, now)

    async def _succeed(
        self, work: Work, task: SmsTask, answered: Answered, changes: dict[str, Any], now: float
    ) -> SmsTask:
        if task.replies_by_sms:
            wanted = NewSms(
                to=task.phone_number,
                body=shortened(answered.reply, MAX_SEGMENTS),
                kind="reply",
                reply_from=task.our_number,
            )
            try:
                sent = await self._sms.send_in(work, task.owner_id, wanted)
            except Unprocessable as exc:
                wrong = Unanswered(type=INVALID_PHONE, error=why(exc), is_final=True)
                return await _fail(work, task, wrong, changes | {"reply": answered.reply}, now)
            changes["reply_message_id"] = sent.id
        succeeded = {"status": TaskStatus.SUCCEEDED, "reply": answered.reply, "error": ""}
        return await _ended(work, task, changes | succeeded | {"error_type": ""}, now)

    async def _agent(self, tx: Transaction, task: SmsTask) -> Agent:
        """The task's, that of the number that was written to, the default one."""
        id_ = task.agent_id
        if id_ is None and task.our_number:
            forms = spellings(task.our_number)
            number = await NUMBERS.find(tx, None, NUMBERS.table.c.number.in_(forms))
            id_ = None if number is None else number.agent_id
        agent = None if id_ is None else await AGENTS.get(tx, id_, None)
        if agent is not None and agent.is_active and agent.kind is AgentKind.AI:
            return agent
        return await self._default(tx)

    async def _default(self, tx: Transaction) -> Agent:
        agent = None
        if self.default_agent is not None:
            c = AGENTS.table.c
            named = (c.name == self.default_agent, c.from_configuration.is_(True))
            agent = await AGENTS.find(
                tx, OPERATOR_ID, *named, c.is_active.is_(True), c.id != BUILT_IN_ID
            )
        return agent or await AGENTS.get(tx, BUILT_IN_ID, None) or BUILT_IN


async def _history(tx: Transaction, task: SmsTask) -> tuple[Message, ...]:
    """What the contact has asked lately, and was answered; the oldest first."""
    if task.contact_id is None:
        return ()
    before = await TASKS.first(
        tx,
        task.owner_id,
        COLUMNS.contact_id == task.contact_id,
        COLUMNS.status == TaskStatus.SUCCEEDED.value,
        COLUMNS.created_wall > task.created_wall - SAID_WITHIN_S,
        COLUMNS.seq < task.seq,
        order=(COLUMNS.seq.desc(),),
        limit=SAID_BEFORE,
    )
    return tuple(
        Message(role, text[:MAX_SAID_CHARS])
        for each in reversed(before)
        for role, text in (("caller", each.body), ("agent", each.reply or ""))
    )


async def _fail(
    work: Work, task: SmsTask, wrong: Unanswered, changes: dict[str, Any], now: float
) -> SmsTask:
    changes = changes | {"error_type": wrong.type, "error": wrong.error}
    if not wrong.is_final and task.attempts < MAX_ATTEMPTS:
        again = now + RETRY_DELAYS_S[task.attempts - 1]
        waiting = {"status": TaskStatus.WAITING, "next_try_wall": again}
        return await TASKS.update(work.tx, task, **changes, **waiting)
    task = await _ended(work, task, changes | {"status": TaskStatus.FAILED}, now)
    entry = ErrorLog(
        owner_id=task.owner_id,
        type=wrong.type,
        message=wrong.error,
        contact_id=task.contact_id,
        task_id=task.id,
        phone_number=task.phone_number,
        context={"attempts": task.attempts} | task.metadata,
    )
    await record(work.tx, entry, now)
    return task


async def _ended(work: Work, task: SmsTask, changes: dict[str, Any], now: float) -> SmsTask:
    task = await TASKS.update(
        work.tx,
        task,
        **changes,
        next_try_wall=None,
        finished_wall=now,
        processing_s=max(0.0, now - task.created_wall),
    )
    work.tell(
        task.owner_id,
        SmsTaskEnded(
            at_wall=now,
            task_id=task.id,
            status=task.status,
            phone_number=task.phone_number,
            category=task.category,
            contact_id=task.contact_id,
            error=task.error,
        ),
    )
    return task
