"""SHELL: calls as files, one JSON file a call, replaced as a whole in a thread of its own.

A file is either its old or its new content, whenever the process is killed. Nothing is forced to
the disk (fsync): a power cut may lose what the kernel had not written yet. One process owns the
folder; what is in progress when it opens was cut off by a crash.
"""

import asyncio
import contextlib
import fcntl
import logging
import math
import os
import pathlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from ...codecs.errors import WavError
from ...codecs.wav import WavReader
from ...media.conversation.records import CallRecord, CallStatus
from ...media.ports import HangUpCause
from ..call_index import MAX_CALLS, CallIndex
from ..calls import CallPage, CallQuery, CallSummary, summary
from ..errors import StoreError

SUFFIX = ".json"
BAD_SUFFIX = ".unreadable"
LOCK_FILE = ".lock"

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(CallRecord).decode
_decode_summary = msgspec.json.Decoder(CallSummary).decode
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")

ResultT = TypeVar("ResultT")


class CallFiles:
    """The CallStore in a folder. `open()` first, `aclose()` last."""

    def __init__(
        self,
        folder: pathlib.Path,
        max_calls: int = MAX_CALLS,
        recordings: pathlib.Path | None = None,
    ) -> None:
        """`recordings`: where those of the calls lie, which tell how long a crashed call lived."""
        self._folder = folder
        self._recordings = recordings
        self._max_calls = max_calls
        self._index = CallIndex(max_calls)
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="call-files")
        self._lock_fd = -1
        self.unreadable = 0
        "Files that were put aside because they hold no call."

    async def open(self) -> int:
        """Take the folder, load summaries, end what a crash left open; returns how many those were.

        Raises StoreError when the folder cannot be used or another process has it.
        """
        summaries, crashed = await self._in_thread(self._load)
        for call in summaries:
            self._index.put(call)
        return crashed

    async def save(self, records: Sequence[CallRecord]) -> None:
        """Write these calls. Raises StoreError for the first that failed, after all were tried."""
        failed = await self._in_thread(lambda: self._write_all(records))
        for record in records:
            self._index.put(summary(record))
        if failed is not None:
            raise failed

    async def read(self, call_id: str) -> CallRecord | None:
        """A call by its id, whether or not it is young enough for lists."""
        if not _CALL_ID.match(call_id):
            return None
        return await self._in_thread(lambda: self._read(self._path(call_id)))

    async def page(self, query: CallQuery) -> CallPage:
        """A page of the newest calls."""
        return self._index.page(query)

    async def forget(self, ended_before_wall: float) -> Sequence[CallSummary]:
        """Delete the files of calls that ended before that moment."""
        old = await self._in_thread(lambda: self._delete_old(ended_before_wall))
        for call in old:
            self._index.remove(call.id)
        return old

    async def aclose(self) -> None:
        """Finish what is being written and give the folder back."""
        await asyncio.to_thread(self._threads.shutdown)
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    async def _in_thread(self, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _path(self, call_id: str) -> pathlib.Path:
        return self._folder / f"{call_id}{SUFFIX}"

    # --- in the thread --------------------------------------------------------------------------

    def _load(self) -> tuple[list[CallSummary], int]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock()
            newest = self._files()
        except OSError as exc:
            raise StoreError(str(self._folder), exc.strerror or str(exc)) from exc
        summaries: list[CallSummary] = []
        crashed = 0
        for written_wall, path in newest[: self._max_calls]:
            found = self._load_one(path, written_wall)
            if found is not None:
                summaries.append(found[0])
                crashed += found[1]
        return summaries, crashed

    def _lock(self) -> None:
        self._lock_fd = os.open(self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._lock_fd)
            self._lock_fd = -1
            raise StoreError(str(self._folder), "another Offhook is using this folder") from exc

    def _load_one(self, path: pathlib.Path, written_wall: float) -> tuple[CallSummary, bool] | None:
        """A file's summary, and whether a crash had cut the call off."""
        try:
            call = _decode_summary(path.read_bytes())
            if call.id != path.name.removesuffix(SUFFIX):
                raise StoreError(str(path), f"holds another call ({call.id})")
            if call.status is CallStatus.ENDED:
                return call, False
            return self._end_crashed(path, written_wall), True
        except (OSError, msgspec.DecodeError, StoreError) as exc:
            logger.warning("%s holds no call and is put aside: %s", path, exc)
            self.unreadable += 1
            path.rename(path.with_name(f"{path.name}{BAD_SUFFIX}"))
            return None

    def _end_crashed(self, path: pathlib.Path, written_wall: float) -> CallSummary:
        """What was written last, of the record or the recording, is the last sign of life."""
        record = _decode_record(path.read_bytes())
        if record.recording is not None and self._recordings is not None:
            recording = self._recordings / record.recording
            with contextlib.suppress(OSError, WavError), recording.open("rb") as file:
                record.length_samples = max(
                    record.length_samples, WavReader(file).length_samples or 0
                )
                written_wall = max(written_wall, os.fstat(file.fileno()).st_mtime)
        record.status = CallStatus.ENDED
        record.cause = HangUpCause.CRASH
        record.ended_by_us = True
        record.ended_wall = max(written_wall, record.started_wall)
        self._write(record)
        return summary(record)

    def _read(self, path: pathlib.Path) -> CallRecord | None:
        try:
            return _decode_record(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise StoreError(str(path), exc.strerror or str(exc)) from exc
        except msgspec.DecodeError as exc:
            raise StoreError(str(path), f"holds no call: {exc}") from exc

    def _write_all(self, records: Sequence[CallRecord]) -> StoreError | None:
        failed: StoreError | None = None
        for record in records:
            try:
                self._write(record)
            except OSError as exc:
                failed = failed or StoreError(str(self._path(record.id)), exc.strerror or str(exc))
            except (ValueError, TypeError) as exc:  # text from outside that JSON cannot hold
                failed = failed or StoreError(str(self._path(record.id)), str(exc))
        return failed

    def _write(self, record: CallRecord) -> None:
        assert _CALL_ID.match(record.id), f"{record.id!r} is not an id that a file can have"
        path = self._path(record.id)
        part = path.with_suffix(".part")
        part.write_bytes(_encode(record))
        part.replace(path)

    def _delete_old(self, ended_before_wall: float) -> list[CallSummary]:
        """Looks at the disk, not at the index: the index is bounded, the disk is not."""
        deleted: list[CallSummary] = []
        try:
            for _, path in self._files(written_before_wall=ended_before_wall):
                call = _decode_summary(path.read_bytes())
                if call.ended_wall is not None and call.ended_wall < ended_before_wall:
                    path.unlink()
                    deleted.append(call)
        except (OSError, msgspec.DecodeError) as exc:
            # What was deleted up to here is still told, so that its recordings go as well.
            logger.error("old calls could not be deleted from %s: %s", self._folder, exc)
        return deleted

    def _files(self, written_before_wall: float = math.inf) -> list[tuple[float, pathlib.Path]]:
        """When each call was written last, and its file, newest first."""
        found = [
            (entry.stat().st_mtime, pathlib.Path(entry.path))
            for entry in os.scandir(self._folder)
            if entry.name.endswith(SUFFIX)
        ]
        return sorted((f for f in found if f[0] < written_before_wall), reverse=True)
