"""Recordings of ended calls: found, heard, drawn, lent by links, deleted.

Of a call in progress the file is there as well, but no row yet: services/calls.py.
"""

import asyncio
import logging
import pathlib
from collections import OrderedDict

import msgspec
from sqlalchemy import ColumnElement, Float, case, cast, func, select, update

from ...codecs.errors import WavError
from ...media.clock import Clock
from ..auth.principal import Principal
from ..auth.proofs import Proofs
from ..auth.signed_links import Link, LinkVerdict
from ..calls.cut_off import recording_in
from ..domain.calls import CallSummary, Recording
from ..domain.events import CallUpdated
from ..errors import Forbidden, Gone, Unavailable
from ..recordings.files import delete_recordings
from ..recordings.peaks import Peaks, draw
from ..recordings.renditions import RenditionFailed, Renditions
from ..store import schema
from ..store.calls import RECORDINGS, SUMMARIES
from ..store.database import Database
from ..store.rows import Page, PageQuery
from .access import missing, owner_of
from .event_log import EventLog

COLUMNS = schema.RECORDINGS.c
KEPT = COLUMNS.deleted_wall.is_(None)
"Nobody wants it gone."
DAY_S = 86_400.0
WAV = "wav"
DELETE_BATCH = 20
"Old recordings that are deleted in one step."
KEPT_PEAKS = 128
"Waveforms that are kept in memory: at most 8 MB."
LATER_S = 60.0

logger = logging.getLogger(__name__)


class RecordingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which recordings; None: all."""

    call_id: str | None = None
    agent_id: str | None = None
    created_after_wall: float | None = None
    created_before_wall: float | None = None
    min_length_s: float | None = None
    max_length_s: float | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """For the database."""
        found: list[ColumnElement[bool]] = []
        if self.call_id is not None:
            found.append(COLUMNS.call_id == self.call_id)
        if self.agent_id is not None:
            calls = schema.CALLS.c
            theirs = select(calls.id).where(calls.agent_id == self.agent_id)
            found.append(COLUMNS.call_id.in_(theirs))
        if self.created_after_wall is not None:
            found.append(COLUMNS.created_wall >= self.created_after_wall)
        if self.created_before_wall is not None:
            found.append(COLUMNS.created_wall < self.created_before_wall)
        if self.min_length_s is not None:
            found.append(COLUMNS.length_s >= self.min_length_s)
        if self.max_length_s is not None:
            found.append(COLUMNS.length_s <= self.max_length_s)
        return found


class RecordingService:
    """The verbs. `aclose` ends what is being converted."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        clock: Clock,
        folder: pathlib.Path,
        proofs: Proofs,
        keep_days: float = 0.0,
    ) -> None:
        """`keep_days`: of accounts that say nothing themselves; 0: for ever."""
        self._database = database
        self._events = events
        self._clock = clock
        self._folder = folder
        self._proofs = proofs
        self._keep_days = keep_days
        self.renditions = Renditions()
        self._peaks: OrderedDict[tuple[str, int], Peaks] = OrderedDict()
        self._drawing = asyncio.Semaphore(1)

    async def aclose(self) -> None:
        """End what is being converted."""
        await self.renditions.aclose()

    # --- to be found ----------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> Recording:
        """One of them. Raises NotFound."""
        async with self._database.read() as tx:
            recording = await RECORDINGS.get(tx, id_, owner_of(who))
        if recording is None or recording.deleted_wall is not None:
            raise missing("recording", id_)
        return recording

    async def page(
        self, who: Principal, query: PageQuery, wanted: RecordingFilter
    ) -> Page[Recording]:
        """Recordings in pages. Raises BadRequest."""
        async with self._database.read() as tx:
            return await RECORDINGS.page(tx, owner_of(who), query, KEPT, *wanted.where())

    # --- to be heard and seen -------------------------------------------------------------------

    async def file(self, recording: Recording, format_: str) -> pathlib.Path | None:
        """Its file in that format; None: it is being converted.

        Raises Gone when it has been deleted, Unavailable when it cannot be converted now or lies on
        another node.
        """
        path = await self._wav(recording)
        if format_ == WAV:
            return path
        try:
            return await self.renditions.find(path, format_)
        except FileNotFoundError as exc:
            raise _gone() from exc
        except RenditionFailed as exc:
            raise Unavailable("the recording could not be converted", LATER_S) from exc

    async def of_call(self, who: Principal, call_id: str) -> Recording | None:
        """The recording of an ended call; None: it never had one, or has not ended.

        Raises NotFound, and Gone when it has been deleted.
        """
        async with self._database.read() as tx:
            call = await SUMMARIES.get(tx, call_id, owner_of(who))
            if call is None:
                raise missing("call", call_id)
            found = await RECORDINGS.find(tx, call.owner_id, COLUMNS.call_id == call.id, KEPT)
        if call.recording_deleted_wall is not None:
            raise await self._gone(call)
        if found is None and call.recording is not None and call.ended_wall is not None:
            if await asyncio.to_thread(self._is_there, call.recording):
                return None
            raise await self._gone(call)
        return found

    async def peaks(self, recording: Recording, buckets: int) -> Peaks:
        """Its waveform. Raises Gone when it was deleted or cannot be read, and Unavailable."""
        path = await self._wav(recording)
        key = (recording.id, buckets)
        async with self._drawing:  # one at a time: frames come first
            found = self._peaks.get(key)
            if found is None:
                try:
                    found = await draw(path, buckets)
                except (OSError, WavError) as exc:
                    raise _gone() from exc
                self._peaks[key] = found
                if len(self._peaks) > KEPT_PEAKS:
                    self._peaks.popitem(last=False)
        self._peaks.move_to_end(key)
        return found

    # --- lent -----------------------------------------------------------------------------------

    async def link(self, who: Principal, id_: str, format_: str, for_s: int) -> Link:
        """A link by which whoever has it may download, for so long. Raises NotFound and Gone."""
        recording = await self.get(who, id_)
        await self._wav(recording)
        expires = int(self._clock.wall()) + for_s
        return self._proofs.links.make(recording.id, format_, expires)

    async def lent(self, link: Link) -> Recording:
        """The recording that a link opens.

        Raises Forbidden when we have not made it, Gone when it is over, or the recording is.
        """
        verdict = self._proofs.links.judge(link, self._clock.wall())
        if verdict is LinkVerdict.FORGED:
            raise Forbidden("the link is not one of ours, or was changed")
        if verdict is LinkVerdict.EXPIRED:
            raise Gone("the link has expired")
        async with self._database.read() as tx:
            recording = await RECORDINGS.get(tx, link.recording_id, None)
        if recording is None or recording.deleted_wall is not None:
            raise _gone()
        return recording

    # --- deleted --------------------------------------------------------------------------------

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one with all that was made of it; the call stays.

        From then on nobody gets it, even where its files cannot be removed at once. Raises
        NotFound, and Unavailable when it lies on another node.
        """
        recording = await self.get(who, id_)
        if not await asyncio.to_thread(self._is_there, recording.file):
            await self._check_ours(recording)
        await self._delete([recording])

    async def delete_old(self) -> int:
        """Delete some that were kept for long enough; returns how many: 0, there are none.

        What was marked, and then cut off by a crash or refused by the disk, goes first. Where nodes
        share the database, each deletes its own calls': there are the files. Raises StoreError.
        """
        resumed = await self._remove(await self._ours(COLUMNS.deleted_wall.is_not(None)))
        keep = func.coalesce(
            schema.ACCOUNTS.c.recording_keep_days, cast(self._keep_days, Float(53))
        )
        # Never: no moment is before that one.
        before = case((keep > 0, self._clock.wall() - keep * DAY_S), else_=cast(-1.0, Float(53)))
        found = await self._ours(KEPT, COLUMNS.created_wall < before)
        if found:
            await self._delete(found)
        return resumed + len(found)

    # --- inside ---------------------------------------------------------------------------------

    async def _ours(self, *wanted: ColumnElement[bool]) -> list[Recording]:
        """Some of these, on this node's disk."""
        found = (
            select(COLUMNS.id)
            .join(schema.ACCOUNTS, schema.ACCOUNTS.c.id == COLUMNS.owner_id)
            .join(schema.CALLS, schema.CALLS.c.id == COLUMNS.call_id)
            .where(*wanted)
            .limit(DELETE_BATCH)
        )
        if not self._database.is_sqlite:
            found = found.where(schema.CALLS.c.node == self._database.node)
        async with self._database.read() as tx:
            return await RECORDINGS.all(tx, None, COLUMNS.id.in_(found), limit=DELETE_BATCH)

    async def _delete(self, recordings: list[Recording]) -> None:
        """Marked and told, then removed: a crash in between leaves marks, which are taken up."""
        now = self._clock.wall()
        gone = {recording.id for recording in recordings}
        calls = schema.CALLS
        theirs = calls.c.id.in_({recording.call_id for recording in recordings})
        async with self._events.writing() as work:
            await RECORDINGS.update_where(work.tx, None, COLUMNS.id.in_(gone), deleted_wall=now)
            await work.tx.execute(update(calls).where(theirs).values(recording_deleted_wall=now))
            for recording in recordings:
                changed = CallUpdated(at_wall=now, call_id=recording.call_id, fields=("recording",))
                work.tell(recording.owner_id, changed)
        for key in [key for key in self._peaks if key[0] in gone]:
            del self._peaks[key]
        await self._remove(recordings)

    async def _remove(self, marked: list[Recording]) -> int:
        """Their files, then they; returns how many are gone."""
        gone = await asyncio.to_thread(self._unlink, marked) if marked else []
        if gone:
            calls = schema.CALLS
            theirs = calls.c.id.in_([recording.call_id for recording in gone])
            async with self._database.write() as tx:
                await tx.execute(update(calls).where(theirs).values(recording=None))
                ids = [recording.id for recording in gone]
                await RECORDINGS.delete_where(tx, None, COLUMNS.id.in_(ids))
        return len(gone)

    def _unlink(self, recordings: list[Recording]) -> list[Recording]:
        """Those of which nothing is left on the disk. Blocks."""
        gone: list[Recording] = []
        for recording in recordings:
            try:
                delete_recordings(self._folder, [recording.file])
            except OSError as exc:
                logger.error("a recording stays until it can be removed: %s", exc)
            else:
                gone.append(recording)
        return gone

    async def _wav(self, recording: Recording) -> pathlib.Path:
        path = recording_in(self._folder, recording.file)
        if path is None or not await asyncio.to_thread(path.is_file):
            await self._check_ours(recording)
            raise _gone()
        return path

    async def _check_ours(self, recording: Recording) -> None:
        """Raises Unavailable when another node had the call: its disk has the file."""
        if self._database.is_sqlite:  # one process, whatever it was called before
            return
        calls = schema.CALLS.c
        async with self._database.read() as tx:
            query = select(calls.node).where(calls.id == recording.call_id)
            node = (await tx.execute(query)).scalar_one_or_none()
        if node not in (None, self._database.node):
            raise Unavailable(f"the recording lies on the node {node}: ask there", LATER_S)

    def _is_there(self, name: str) -> bool:
        path = recording_in(self._folder, name)
        return path is not None and path.is_file()

    async def _gone(self, call: CallSummary) -> Gone:
        """Why there is none any more."""
        accounts = schema.ACCOUNTS.c
        async with self._database.read() as tx:
            query = select(accounts.recording_keep_days).where(accounts.id == call.owner_id)
            own = (await tx.execute(query)).scalar_one_or_none()
        keep_days = self._keep_days if own is None else own
        old = keep_days > 0 and (call.ended_wall or 0.0) < self._clock.wall() - keep_days * DAY_S
        return _gone(f"it was kept for {keep_days:g} days") if old else _gone()


def _gone(why: str = "") -> Gone:
    return Gone(f"the recording has been deleted{': ' if why else ''}{why}")
