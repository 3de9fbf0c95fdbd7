"""Texts that agents answer: made of what comes in or by hand, kept, shown.

Not how they are answered (sms_task_steps.py), nor figures of them (sms_figures.py).
"""

import datetime
from collections.abc import Callable, Collection, Mapping

import msgspec
from sqlalchemy import ColumnElement, case, func, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.dialling import spellings
from ..domain.agents import AgentKind
from ..domain.messages import Contact, SmsMessage
from ..domain.sms_tasks import SmsTask, TaskStatus
from ..errors import FieldError, TooManyRequests, Unprocessable
from ..messages.sms_numbers import sms_number
from ..messages.sms_topics import complexity_of, topic_of
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .agents import AGENTS
from .contacts import seen
from .event_log import EventLog, Work
from .sms import SmsService

TASKS = Rows(schema.SMS_TASKS, SmsTask)
COLUMNS = schema.SMS_TASKS.c
HOUR_S = 3600
UNENDED = (TaskStatus.WAITING.value, TaskStatus.WORKING.value)
MAX_WAITING = 5000
"Of one account: what comes in beyond that is kept, and not answered."
BUSY_S = 60.0


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is to be answered."""

    phone_number: str
    body: str
    category: str | None = None
    "None: guessed by its words."
    agent_id: str | None = None
    "None: the default agent."
    replies_by_sms: bool = True


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks; None: all."""

    phone_number: str | None = None
    "However it is written."
    contact_id: str | None = None
    category: str | None = None
    status: TaskStatus | None = None
    is_success: bool | None = None
    "False: those that have not succeeded, whether they have failed or are not over."
    from_wall: float | None = None
    to_wall: float | None = None
    "No longer in it."

    def where(self) -> list[ColumnElement[bool]]:
        """As the store is asked."""
        found: list[ColumnElement[bool]] = []
        if self.phone_number is not None:
            found.append(COLUMNS.phone_number.in_(spellings(self.phone_number)))
        for name in ("contact_id", "category"):
            if (value := getattr(self, name)) is not None:
                found.append(COLUMNS[name] == value)
        if self.status is not None:
            found.append(COLUMNS.status == self.status.value)
        if self.is_success is not None:
            succeeded = TaskStatus.SUCCEEDED.value
            status = COLUMNS.status
            found.append(status == succeeded if self.is_success else status != succeeded)
        if self.from_wall is not None:
            found.append(COLUMNS.created_wall >= self.from_wall)
        if self.to_wall is not None:
            found.append(COLUMNS.created_wall < self.to_wall)
        return found


class Requests(msgspec.Struct, frozen=True):
    """How many tasks a contact has made."""

    total: int = 0
    this_month: int = 0
    "Since the calendar month (UTC) began."


class SmsTaskService:
    """The verbs."""

    def __init__(self, database: Database, events: EventLog, sms: SmsService, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self.quotas: Mapping[str, int] = {}
        "By tier, texts of a contact in an hour of the clock that are answered; 0, or none: all."
        self.answers = True
        "What comes in is answered."
        self.on_pending: Callable[[], None] = _nobody
        "There is something to be answered: whoever does may look."
        sms.on_received = self._received

    # --- to be read -----------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> SmsTask:
        """One task. Raises NotFound."""
        async with self._database.read() as tx:
            task = await TASKS.get(tx, id_, owner_of(who))
        if task is None:
            raise missing("task", id_)
        return task

    async def page(self, who: Principal, query: PageQuery, wanted: TaskFilter) -> Page[SmsTask]:
        """Tasks in pages."""
        async with self._database.read() as tx:
            return await TASKS.page(tx, owner_of(who), query, *wanted.where())

    async def of_message(self, message_id: str) -> SmsTask | None:
        """The task that an SMS has become; None: none. Whoever asks knows the SMS."""
        async with self._database.read() as tx:
            return await TASKS.find(tx, None, COLUMNS.message_id == message_id)

    async def requests_of(self, contact_ids: Collection[str]) -> dict[str, Requests]:
        """How many tasks these contacts have made; whoever asks knows them."""
        if not contact_ids:
            return {}
        month = month_hour(self._clock.wall())
        recent = func.sum(_one_if(COLUMNS.hour >= month))
        query = (
            select(COLUMNS.contact_id, func.count(), recent)
            .where(COLUMNS.contact_id.in_(contact_ids))
            .group_by(COLUMNS.contact_id)
        )
        async with self._database.read() as tx:
            found = {id_: Requests(int(n), int(m)) for id_, n, m in await tx.execute(query)}
        return {id_: found.get(id_, Requests()) for id_ in contact_ids}

    def quota_reset_wall(self) -> float:
        """When contacts may ask anew: at the next full hour."""
        return (self._clock.wall() // HOUR_S + 1) * HOUR_S

    # --- to be made -----------------------------------------------------------------------------

    async def create(self, who: Principal, wanted: NewTask) -> SmsTask:
        """Have a text answered; whoever it is from becomes a contact. Their quota is not asked.

        Raises Unprocessable naming fields, TooManyRequests when too many wait already.
        """
        now, owner_id = self._clock.wall(), who.account_id
        number = sms_number(wanted.phone_number)
        errors = [] if number is not None else [FieldError("phone_number", "not a number")]
        if not wanted.body.strip():
            errors.append(FieldError("body", "there is no text"))
        async with self._events.writing() as work:
            errors += await _agent_faults(work.tx, who, wanted.agent_id)
            if errors or number is None:
                raise Unprocessable("the task does not fit", errors)
            if await _waiting(work.tx, owner_id) >= MAX_WAITING:
                raise TooManyRequests("too many texts wait to be answered", BUSY_S)
            contact = await seen(work.tx, owner_id, number, now)
            task = _task(contact, wanted.body, now, wanted.category)
            task = msgspec.structs.replace(
                task, agent_id=wanted.agent_id, replies_by_sms=wanted.replies_by_sms
            )
            task = await TASKS.add(work.tx, task)
        self.on_pending()
        return task

    async def _received(self, work: Work, message: SmsMessage, contact: Contact) -> None:
        """What comes in becomes a task, within its sender's quota."""
        now = message.created_wall
        if not self.answers or not message.body.strip():
            return
        if await self._is_over_quota(work.tx, contact, now):
            return
        if await _waiting(work.tx, message.owner_id) >= MAX_WAITING:
            return
        task = _task(contact, message.body, now)
        task = msgspec.structs.replace(task, message_id=message.id, our_number=message.to_number)
        await TASKS.add(work.tx, task)
        self.on_pending()

    async def _is_over_quota(self, tx: Transaction, contact: Contact, now: float) -> bool:
        most = self.quotas.get(contact.tier, 0)
        if not most:
            return False
        this_hour = COLUMNS.hour == hour_of(now)
        return await TASKS.count(tx, None, COLUMNS.contact_id == contact.id, this_hour) >= most


def hour_of(wall: float) -> int:
    """Whole hours since 1970."""
    return int(wall // HOUR_S)


def month_hour(wall: float) -> int:
    """The first hour of the calendar month, UTC."""
    moment = utc_moment(wall)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return hour_of(first.timestamp())


def utc_moment(wall: float) -> datetime.datetime:
    """The moment in UTC."""
    return datetime.datetime.fromtimestamp(wall, datetime.UTC)


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _task(contact: Contact, body: str, now: float, category: str | None = None) -> SmsTask:
    return SmsTask(
        owner_id=contact.owner_id,
        contact_id=contact.id,
        phone_number=contact.phone_number,
        body=body,
        category=category or topic_of(body),
        complexity=complexity_of(body),
        next_try_wall=now,
        hour=hour_of(now),
        created_wall=now,
        updated_wall=now,
    )


async def _waiting(tx: Transaction, owner_id: str) -> int:
    return await TASKS.count(tx, owner_id, COLUMNS.status.in_(UNENDED))


async def _agent_faults(tx: Transaction, who: Principal, id_: str | None) -> list[FieldError]:
    if id_ is None:
        return []
    agent = await AGENTS.get(tx, id_, owner_of(who))
    if agent is None:
        return [FieldError("agent_id", "no such agent")]
    if agent.kind is not AgentKind.AI:
        return [FieldError("agent_id", "a person, who answers no texts here")]
    return []


def _nobody() -> None:
    """Before there is somebody who answers."""
