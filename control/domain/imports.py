"""Files whose rows become calls."""

import enum

import msgspec

from .calls import Priority
from .entity import Owned


class ImportStatus(enum.Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    "All rows were looked at; some may have failed."
    FAILED = "failed"
    "The file as a whole cannot be read."
    CANCELLED = "cancelled"


DEFAULT_COLUMNS = ("phone", "name", "agent_id", "scheduled_for", "timezone", "priority")


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file is read, and what its calls have that its rows do not say."""

    agent_id: str | None = None
    from_number: str = ""
    line: str = ""
    timezone: str = "UTC"
    priority: Priority = Priority.NORMAL
    has_header: bool | None = None
    "None: the first line is one if it names a column of numbers."
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    "What the columns are where no header says it, by the names that a header may have."
    place: bool = True
    "False: the calls are stored, and wait until each is given its moment."
    agent_prefix: str = ""
    "What stands before an agent's id, whose 32 digits follow; empty: ids are UUIDs."
    e164: bool = False
    "Numbers must be written with + and their country."
    named_agent: bool = False
    "Rows must name their agent: none stands in."


class ImportJob(Owned, frozen=True, kw_only=True):
    """One upload. `rows_done` grows in the transactions that store the rows' calls."""

    file_name: str = ""
    size_bytes: int
    content_hash: str
    "SHA-256, hexadecimal."
    idempotency_key: str | None = None
    "The same upload with it, sent again, is this one."
    options: ImportOptions = ImportOptions()
    status: ImportStatus = ImportStatus.QUEUED
    encoding: str = ""
    delimiter: str = ""
    rows_total: int | None = None
    "None: not counted yet."
    rows_done: int = 0
    rows_ok: int = 0
    rows_failed: int = 0
    error: str = ""
    "Why the whole file cannot be read."
    started_wall: float | None = None
    finished_wall: float | None = None


class CellError(msgspec.Struct, frozen=True):
    """What is wrong in a row."""

    column: str
    "As the file names it; empty: the row as a whole."
    message: str


class ImportFailure(Owned, frozen=True, kw_only=True):
    """A row that became no call."""

    import_job_id: str
    row: int
    "1 is the first after the header."
    errors: tuple[CellError, ...]
