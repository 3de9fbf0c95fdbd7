"""From stored events to notifications: what an account is told that it has not just done itself.

One reader follows the table of events; how far it has read is stored with the notifications that
it makes, so that a crash tells nothing twice and leaves nothing out. Escalations, analyses,
payments and tickets tell of themselves where they happen.
"""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select

from ..domain.calls import CallStatus, CallSummary, Outcome
from ..domain.campaigns import Campaign, CampaignStatus, Progress
from ..domain.documents import DocumentStatus
from ..domain.imports import ImportJob, ImportStatus
from ..domain.webhooks import StoredEvent
from ..people.reasons import sentence
from ..store import schema
from ..store.calls import SUMMARIES
from ..store.database import Database, Transaction
from ..store.event_positions import keep_position, position_of
from .campaigns import CAMPAIGNS, progress_of
from .deliveries import WEBHOOKS
from .documents import DOCUMENTS
from .event_log import EVENTS, EventLog
from .imports import IMPORTS
from .notifications import NotificationService

READER = "news"
BATCH_EVENTS = 200
SAVE_AFTER_EVENTS = 1000
"Of which nothing is told: how far was read is stored at the latest then."
MOST_ALONE = 3
"Missed calls of one account that are told one by one; more at once are told together."
CALLS, CAMPAIGN, IMPORT, DOCUMENT, WEBHOOK = KINDS = (
    "call.status",
    "campaign.status",
    "import.ended",
    "document.processed",
    "webhook.disabled",
)
MISSED = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED)
EVENT = schema.EVENTS.c
CALL = schema.CALLS.c


class Piece(msgspec.Struct, frozen=True):
    """One thing to be told."""

    owner_id: str
    type: str
    title: str
    message: str = ""
    call_id: str | None = None


class News:
    """The reader. Only one task calls it."""

    def __init__(
        self, database: Database, events: EventLog, notifications: NotificationService
    ) -> None:
        self._database = database
        self._events = events
        self._notifications = notifications
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
            # What was before anybody looked is nobody's news.
            since = newest if position is None else position
            end = min(newest, since + BATCH_EVENTS)
            where = (EVENT.seq > since, EVENT.seq <= end, EVENT.type.in_(KINDS))
            pieces = await _pieces(tx, await EVENTS.all(tx, None, *where, limit=BATCH_EVENTS))
        if pieces or position is None or end - self._saved >= SAVE_AFTER_EVENTS:
            async with self._events.writing() as work:
                for piece in pieces:
                    await self._notifications.notify(
                        work, piece.owner_id, piece.type, piece.title, piece.message, piece.call_id
                    )
                await keep_position(work.tx, READER, end)
            self._saved = end
        self._position = end
        return position is None or end > since


async def _pieces(tx: Transaction, events: Sequence[StoredEvent]) -> list[Piece]:
    """What is news of some events, in their order but for missed calls."""
    pieces: list[Piece] = []
    missed: list[str] = []
    for event in events:
        body = event.body
        if event.owner_id is None:
            continue
        if event.type == CALLS:
            outcome, call_id = body.get("outcome"), event.call_id
            if CallStatus(body["status"]) is CallStatus.ENDED and outcome and call_id:
                missed += [call_id] if Outcome(outcome) in MISSED else []
        elif event.type == CAMPAIGN and CampaignStatus(body["status"]) is CampaignStatus.COMPLETED:
            campaign = await CAMPAIGNS.get(tx, body["campaign_id"], event.owner_id)
            if campaign is not None and campaign.numbers:
                pieces.append(campaign_ended(campaign, (await progress_of(tx, [campaign]))[0]))
        elif event.type == IMPORT:
            job = await IMPORTS.get(tx, body["import_job_id"], event.owner_id)
            if job is not None and job.status is not ImportStatus.CANCELLED:
                pieces.append(import_ended(job))
        elif event.type == DOCUMENT and DocumentStatus(body["status"]) is DocumentStatus.FAILED:
            document = await DOCUMENTS.get(tx, body["document_id"], event.owner_id)
            if document is not None:
                title = f"{document.title} cannot be read"
                error = sentence(body["error"]) if body["error"] else ""
                pieces.append(Piece(event.owner_id, "document.failed", title, error))
        elif event.type == WEBHOOK:
            webhook = await WEBHOOKS.get(tx, body["webhook_id"], event.owner_id)
            if webhook is not None:
                title = "A webhook is not told of events any more"
                message = f"{webhook.url}: {body['reason']}"
                pieces.append(Piece(event.owner_id, "webhook.disabled", title, message))
    where = (CALL.id.in_(missed), CALL.inbound.is_(True))
    calls = await SUMMARIES.all(tx, None, *where) if missed else []
    return [*missed_calls(calls), *pieces]


def missed_calls(calls: Sequence[CallSummary]) -> list[Piece]:
    """Calls that came in and that nobody took. Pure."""
    of_owner: defaultdict[str, list[CallSummary]] = defaultdict(list)
    for call in calls:
        if call.answered_wall is None:
            of_owner[call.owner_id].append(call)
    pieces = []
    for owner_id, missed in of_owner.items():
        if len(missed) <= MOST_ALONE:
            pieces += [_missed(call) for call in missed]
        else:
            numbers = ", ".join(dict.fromkeys(call.from_number for call in missed[:10]))
            title = f"{len(missed)} calls were missed"
            pieces.append(Piece(owner_id, "call.missed", title, f"From {numbers}."))
    return pieces


def _missed(call: CallSummary) -> Piece:
    rang_s = round((call.ended_wall or 0.0) - (call.started_wall or 0.0))
    why = f"It rang for {rang_s} s at {call.to_number}."
    if call.outcome is not Outcome.NO_ANSWER and call.failure_reason:
        why = f"{why} Why it was not answered: {call.failure_reason}."
    title = f"A call from {call.from_number} was missed"
    return Piece(call.owner_id, "call.missed", title, why, call.id)


def campaign_ended(campaign: Campaign, progress: Progress) -> Piece:
    """A campaign calls nobody any more. Pure."""
    counted = ("completed", "no_answer", "busy", "failed", "cancelled", "waiting")
    parts = [
        f"{getattr(progress, name)} {'not called' if name == 'waiting' else name.replace('_', ' ')}"
        for name in counted
        if getattr(progress, name)
    ]
    message = f"{_counted(campaign.numbers, 'number')}: {', '.join(parts)}."
    if progress.completed:
        title, kind = f"Campaign {campaign.name} is completed", "campaign.completed"
    else:
        title, kind = f"Campaign {campaign.name} has reached nobody", "campaign.failed"
    return Piece(campaign.owner_id, kind, title, message)


def import_ended(job: ImportJob) -> Piece:
    """All rows of a file were looked at, or it cannot be read. Pure."""
    name = job.file_name or "The uploaded file"
    if job.status is ImportStatus.FAILED:
        return Piece(job.owner_id, "import.failed", f"{name} cannot be read", sentence(job.error))
    message = f"{_counted(job.rows_ok, 'call')} made of {_counted(job.rows_done, 'row')}."
    if job.rows_failed:
        message = f"{message} {_counted(job.rows_failed, 'row')} could not be used."
    return Piece(job.owner_id, "import.completed", f"{name} was read", message)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
