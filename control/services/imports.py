"""Imports: uploaded files whose rows become calls, as their owners see them.

How a job goes on: services/import_steps.py; who reads its file: control/imports/import_runner.py.
"""

import asyncio
import pathlib
from collections.abc import Callable

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.callable_number import callable_number
from ..domain.events import ImportEnded
from ..domain.imports import ImportFailure, ImportJob, ImportOptions, ImportStatus
from ..errors import Conflict, FieldError, KeyUsedBefore, Unprocessable
from ..lines.lines import Lines
from ..lines.open_hours import zone_of
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .calls import speaking_agent
from .event_log import EventLog, Work
from .line_use import line_faults

IMPORTS = Rows(schema.IMPORT_JOBS, ImportJob)
FAILURES = Rows(schema.IMPORT_FAILURES, ImportFailure)
COLUMNS = schema.IMPORT_JOBS.c
FAILURE = schema.IMPORT_FAILURES.c
MAX_WAITING = 20
"Jobs of one account that are not ended."
DELETED_AT_ONCE = 500
UNENDED = (ImportStatus.QUEUED, ImportStatus.RUNNING)
KEY = "Idempotency-Key"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that has come, in a place of its own. Whoever takes it moves it away."""

    path: pathlib.Path
    file_name: str
    size_bytes: int
    content_hash: str


class ImportService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        clock: Clock,
        folder: pathlib.Path,
        lines: Lines | None = None,
    ) -> None:
        """`folder`: where files wait for their turn; whoever brings the first one makes it.

        `lines` None: which one a file names is not looked at.
        """
        self._lines = lines
        self._database = database
        self._log = log
        self._clock = clock
        self.folder = folder
        self.arriving: set[str] = set()
        "Ids of jobs whose file is there already, and that are not stored yet."
        self.on_change: Callable[[], None] = _nobody
        "There may be something to be read: whoever reads may look."

    def remove_parts(self) -> None:
        """Blocking, and before any file comes: what a crash has left of files that came."""
        for file in self.folder.glob("*.part"):
            file.unlink(missing_ok=True)

    # --- to be read -------------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> ImportJob:
        """One job. Raises NotFound."""
        async with self._database.read() as tx:
            return await _get(tx, who, id_)

    async def page(
        self, who: Principal, query: PageQuery, status: ImportStatus | None
    ) -> Page[ImportJob]:
        """Jobs in pages."""
        where = [] if status is None else [COLUMNS.status == status.value]
        async with self._database.read() as tx:
            return await IMPORTS.page(tx, owner_of(who), query, *where)

    async def failures(self, who: Principal, id_: str, query: PageQuery) -> Page[ImportFailure]:
        """Rows that became no call, in pages. Raises NotFound."""
        async with self._database.read() as tx:
            job = await _get(tx, who, id_)
            return await FAILURES.page(tx, owner_of(who), query, FAILURE.import_job_id == job.id)

    # --- made and ended ---------------------------------------------------------------------------

    async def check(self, who: Principal, options: ImportOptions) -> None:
        """Raises Unprocessable naming the options at fault."""
        async with self._database.read() as tx:
            await self._check(tx, who.account_id, options)

    async def sent_before(self, who: Principal, key: str, upload: Upload) -> ImportJob | None:
        """The job that was made of the same upload with this key. Raises KeyUsedBefore."""
        async with self._database.read() as tx:
            mine = (COLUMNS.owner_id == who.account_id, COLUMNS.idempotency_key == key)
            job = await IMPORTS.find(tx, None, *mine)
        if job is not None and job.content_hash != upload.content_hash:
            said = "this key was sent with another file"
            raise KeyUsedBefore(said, [FieldError(KEY, said)])
        return job

    async def create_once(
        self, who: Principal, upload: Upload, options: ImportOptions, key: str
    ) -> tuple[ImportJob, bool]:
        """The job of this upload and key, and whether it was there before.

        Raises KeyUsedBefore, and what `create` does.
        """
        before = await self.sent_before(who, key, upload)
        if before is None:
            try:
                return await self.create(who, upload, options, key), False
            except Conflict:
                # The same may have come twice at one moment, and this be the later one.
                before = await self.sent_before(who, key, upload)
                if before is None:
                    raise
        return before, True

    async def create(
        self, who: Principal, upload: Upload, options: ImportOptions, key: str | None = None
    ) -> ImportJob:
        """Store a job and keep its file; its rows become calls by and by.

        Raises Unprocessable, and Conflict when the account has too many jobs that are not ended.
        """
        now = self._clock.wall()
        job = ImportJob(
            owner_id=who.account_id,
            file_name=upload.file_name,
            size_bytes=upload.size_bytes,
            content_hash=upload.content_hash,
            idempotency_key=key,
            options=options,
            created_wall=now,
            updated_wall=now,
        )
        path = self.path_of(job)
        stored = False
        self.arriving.add(job.id)
        try:
            await asyncio.to_thread(upload.path.replace, path)
            async with self._database.write() as tx:
                await self._check(tx, who.account_id, options)
                waiting = COLUMNS.status.in_([status.value for status in UNENDED])
                if await IMPORTS.count(tx, who.account_id, waiting) >= MAX_WAITING:
                    raise Conflict(f"{MAX_WAITING} imports wait already: let one end first")
                job = await IMPORTS.add(tx, job)
            stored = True
        finally:
            self.arriving.discard(job.id)
            if not stored:
                await asyncio.to_thread(path.unlink, missing_ok=True)
        self.on_change()
        return job

    async def cancel(self, who: Principal, id_: str) -> ImportJob:
        """Read no more of it; calls that were made remain. Raises NotFound and Conflict."""
        async with self._log.writing() as work:
            job = await _get(work.tx, who, id_)
            if job.status not in UNENDED:
                raise Conflict(f"import {id_} is {job.status.value} already")
            job = await end(work, job, ImportStatus.CANCELLED, self._clock.wall())
        self.on_change()
        return job

    async def delete(self, who: Principal, id_: str) -> None:
        """Forget a job that has ended; its calls remain. Raises NotFound and Conflict."""
        async with self._database.read() as tx:
            job = await _get(tx, who, id_)
        if job.status in UNENDED:
            raise Conflict(f"import {id_} is {job.status.value}: cancel it first")
        some = FAILURES.table.c.seq.in_(
            schema.IMPORT_FAILURES.select()
            .with_only_columns(FAILURE.seq)
            .where(FAILURE.import_job_id == job.id)
            .limit(DELETED_AT_ONCE)
        )
        while True:
            async with self._database.write() as tx:
                if not await FAILURES.delete_where(tx, None, some):
                    await IMPORTS.delete(tx, job.id, None)
                    return

    async def _check(self, tx: Transaction, owner_id: str, options: ImportOptions) -> None:
        errors = await line_faults(tx, self._lines, options.line, owner_id)
        _, fault = await speaking_agent(tx, owner_id, options.agent_id)
        errors += [fault] if fault is not None else []
        if options.from_number and callable_number(options.from_number) is None:
            said = "neither a number of 3 to 15 digits nor a SIP address"
            errors.append(FieldError("from", said))
        try:
            zone_of(options.timezone)
        except ValueError as exc:
            errors.append(FieldError("timezone", str(exc)))
        if errors:
            raise Unprocessable("the file cannot be imported so", errors)

    def path_of(self, job: ImportJob) -> pathlib.Path:
        """Where its file is, while it is needed."""
        return self.folder / f"{job.id}.csv"


async def end(
    work: Work, job: ImportJob, status: ImportStatus, now: float, error: str = ""
) -> ImportJob:
    """Store and tell that a job is over."""
    job = await IMPORTS.update(
        work.tx, job, status=status, error=error, finished_wall=now, updated_wall=now
    )
    work.tell(
        job.owner_id,
        ImportEnded(
            at_wall=now,
            import_job_id=job.id,
            status=status,
            rows_ok=job.rows_ok,
            rows_failed=job.rows_failed,
        ),
    )
    return job


async def _get(tx: Transaction, who: Principal, id_: str) -> ImportJob:
    job = await IMPORTS.get(tx, id_, owner_of(who))
    if job is None:
        raise missing("import", id_)
    return job


def _nobody() -> None:
    """Before there is somebody who reads."""
