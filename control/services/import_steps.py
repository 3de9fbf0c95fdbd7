"""How imports go on: rows become calls, a slice in a transaction, with how far the job is.

A job that was cut off goes on after the last row that is stored; the database takes no second call
for a row.
"""

import asyncio
import re
import uuid
from collections.abc import Callable, Sequence

import msgspec

from ...media.clock import Clock
from ..calls.calls import status_event
from ..domain.agents import AgentKind
from ..domain.calls import Call, CallStatus
from ..domain.imports import CellError, ImportFailure, ImportJob, ImportOptions, ImportStatus
from ..imports.csv_import import Sheet
from ..imports.csv_row import Row
from ..lines.lines import Lines
from ..store.active_owners import owner_is_active
from ..store.calls import CALLS
from ..store.database import Database, Transaction
from .agents import AGENTS, COLUMNS as AGENT
from .calls import PRIORITY_RANKS
from .event_log import EventLog
from .imports import COLUMNS, FAILURES, IMPORTS, UNENDED, end
from .line_use import line_faults

LOOKING = 2
_ACTS = owner_is_active(COLUMNS.owner_id)
WAKE_ROWS = 200
"That whoever dials looks at together."
MAX_KNOWN = 1000
"Agents' names of one file that are remembered."
_HEX = re.compile(r"[0-9a-f]{32}\Z")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


class Speaker(msgspec.Struct, frozen=True):
    """Who a row, or a file, says that speaks."""

    agent_id: str | None
    name: str
    fault: str = ""
    "Why they cannot."


class Speakers:
    """The agents of one account that a file names, by id or name."""

    def __init__(self, owner_id: str, options: ImportOptions) -> None:
        self.owner_id = owner_id
        self._default = options.agent_id
        self.options = options
        self._known: dict[str, Speaker] = {}

    async def find(self, tx: Transaction, written: str) -> Speaker:
        """Whoever is meant; empty: the file's agent, or the default one."""
        wanted = written or self._default
        if wanted is None:
            return Speaker(None, "")
        if wanted not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[wanted] = await self._look(tx, wanted)
        return self._known[wanted]

    async def _look(self, tx: Transaction, wanted: str) -> Speaker:
        id_ = _uuid_in(wanted, self.options.agent_prefix)
        agent = await AGENTS.get(tx, id_, self.owner_id)
        if agent is None:
            named = await AGENTS.all(tx, self.owner_id, AGENT.name == wanted, limit=2)
            if len(named) > 1:
                return Speaker(None, wanted, "several agents are named so: give its id")
            agent = named[0] if named else None
        if agent is None:
            return Speaker(None, wanted, "there is no such agent")
        if agent.kind is not AgentKind.AI:
            return Speaker(agent.id, agent.name, "that agent is a person")
        if not agent.is_active:
            return Speaker(agent.id, agent.name, "that agent is not active")
        return Speaker(agent.id, agent.name)


class ImportSteps:
    """Only one task calls what changes something."""

    def __init__(
        self, database: Database, log: EventLog, clock: Clock, lines: Lines | None = None
    ) -> None:
        """`lines` None: those that rows name are not looked at before they are dialled."""
        self._lines = lines
        self._database = database
        self._log = log
        self._clock = clock
        self.looking = asyncio.Semaphore(LOOKING)
        "Held by whoever has a process that reads a file only to look at it."
        self.on_pending: Callable[[], None] = _nobody
        "There are new calls: whoever dials them may look."

    def now_wall(self) -> float:
        """Wall time in seconds, for what is read only to be looked at."""
        return self._clock.wall()

    async def next_job(self) -> ImportJob | None:
        """The oldest one that is not ended, of accounts that are active. Raises StoreError."""
        waiting = COLUMNS.status.in_([status.value for status in UNENDED])
        async with self._database.read() as tx:
            jobs = await IMPORTS.all(tx, None, waiting, _ACTS, limit=1)
        return jobs[0] if jobs else None

    async def unended(self) -> set[str]:
        """Ids of all jobs that are not. Raises StoreError."""
        waiting = COLUMNS.status.in_([status.value for status in UNENDED])
        async with self._database.read() as tx:
            return {job.id for job in await IMPORTS.all(tx, None, waiting, limit=100_000)}

    async def begin(self, id_: str, sheet: Sheet) -> bool:
        """It is being read; False: it was ended meanwhile. Raises StoreError."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            job = await IMPORTS.find(tx, None, COLUMNS.id == id_, _ACTS)
            if job is None or job.status not in UNENDED:
                return False
            await IMPORTS.update(
                tx,
                job,
                status=ImportStatus.RUNNING,
                encoding=sheet.encoding,
                delimiter=sheet.delimiter,
                rows_total=sheet.rows,
                started_wall=now if job.started_wall is None else job.started_wall,
                updated_wall=now,
            )
        return True

    async def store(self, id_: str, rows: Sequence[Row], speakers: Speakers) -> bool:
        """The next rows of a job; False: it, or its account, does not go on.

        Raises StoreError and Conflict.
        """
        now = self._clock.wall()
        async with self._log.writing() as work:
            job = await IMPORTS.find(work.tx, None, COLUMNS.id == id_, _ACTS)
            if job is None or job.status is not ImportStatus.RUNNING:
                return False
            assert rows[0].row == job.rows_done + 1, "rows come in order, each once"
            calls: list[Call] = []
            failures: list[ImportFailure] = []
            for row in rows:
                speaker = await speakers.find(work.tx, row.agent) if not row.errors else None
                errors = await self._faults(work.tx, row, speaker, speakers)
                if errors:
                    failures.append(_failure(job, row, errors, now))
                else:
                    assert speaker is not None, "a row without faults was asked for its agent"
                    calls.append(_call(job, row, speaker, now))
            for call in await CALLS.add_all(work.tx, calls):
                work.tell(call.owner_id, status_event(call))
            await FAILURES.add_all(work.tx, failures)
            await IMPORTS.update(
                work.tx,
                job,
                rows_done=rows[-1].row,
                rows_ok=job.rows_ok + len(calls),
                rows_failed=job.rows_failed + len(failures),
                updated_wall=now,
            )
        last = rows[-1].row
        if last // WAKE_ROWS > job.rows_done // WAKE_ROWS or last == job.rows_total:
            self.on_pending()
        return True

    async def finish(self, id_: str, error: str = "") -> None:
        """All rows were stored, or the file is of no use. Raises StoreError."""
        status = ImportStatus.FAILED if error else ImportStatus.COMPLETED
        async with self._log.writing() as work:
            job = await IMPORTS.get(work.tx, id_, None)
            if job is not None and job.status in UNENDED:
                await end(work, job, status, self._clock.wall(), error)

    async def validate(
        self, rows: Sequence[Row], speakers: Speakers
    ) -> list[tuple[CellError, ...]]:
        """What is wrong with each of these rows; nothing is stored. Raises StoreError."""
        async with self._database.read() as tx:
            return [
                await self._faults(
                    tx, row, None if row.errors else await speakers.find(tx, row.agent), speakers
                )
                for row in rows
            ]

    async def _faults(
        self, tx: Transaction, row: Row, speaker: Speaker | None, speakers: Speakers
    ) -> tuple[CellError, ...]:
        faults = faults_of(row, speaker, speakers.options)
        if row.errors:
            return faults
        found = await line_faults(tx, self._lines, row.line, speakers.owner_id)
        return (*faults, *(CellError(fault.field, fault.message) for fault in found))


def faults_of(row: Row, speaker: Speaker | None, options: ImportOptions) -> tuple[CellError, ...]:
    """What is wrong with a row, whoever is to speak included."""
    errors = row.errors
    if not errors and options.e164 and not _E164.match(row.phone):
        errors = (CellError("phone", "Invalid phone number: it is written as +919876543210"),)
    if not row.errors and options.named_agent and not row.agent:
        return (*errors, CellError("agent_id", "is missing"))
    if speaker is not None and speaker.fault:
        return (*errors, CellError("agent_id", speaker.fault))
    return errors


def _uuid_in(written: str, prefix: str) -> str:
    """The UUID of an id that is written with a prefix; what is none stays as it is."""
    token = written.removeprefix(prefix)
    if not prefix or token == written or not _HEX.match(token):
        return written
    return str(uuid.UUID(token))


def _call(job: ImportJob, row: Row, speaker: Speaker, now: float) -> Call:
    wall = row.scheduled_wall
    waits = not job.options.place or (wall is not None and wall > now)
    return Call(
        owner_id=job.owner_id,
        inbound=False,
        from_number=row.from_number,
        to_number=row.phone,
        line=row.line,
        agent_id=speaker.agent_id,
        agent_name=speaker.name,
        status=CallStatus.SCHEDULED if waits else CallStatus.QUEUED,
        priority=row.priority,
        priority_rank=PRIORITY_RANKS[row.priority],
        context=dict(row.context),
        metadata=dict(row.metadata),
        scheduled_wall=wall if job.options.place else None,
        timezone=row.timezone,
        import_job_id=job.id,
        import_row=row.row,
        created_wall=now,
        updated_wall=now,
    )


def _failure(job: ImportJob, row: Row, errors: tuple[CellError, ...], now: float) -> ImportFailure:
    return ImportFailure(
        owner_id=job.owner_id,
        import_job_id=job.id,
        row=row.row,
        errors=errors,
        created_wall=now,
        updated_wall=now,
    )


def _nobody() -> None:
    """Before there is somebody who dials."""
