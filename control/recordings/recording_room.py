"""SHELL: recordings of ended calls in one server, put together: what is made of them, their end."""

import contextlib
import functools

from ...media.clock import Clock
from ..configuration.config import Settings
from ..services.recordings import RecordingService
from .files import trim_renditions
from .retention import RecordingRetention

MB = 1_000_000


class RecordingRoom:
    """`start()` when the database is open; it ends with the stack."""

    def __init__(self, settings: Settings, recordings: RecordingService, clock: Clock) -> None:
        self._folder = settings.recordings_folder()
        self._service = recordings
        most_bytes = settings.recording.renditions_mb * MB
        self._retention = RecordingRetention(
            recordings.delete_old,
            clock,
            functools.partial(trim_renditions, self._folder, most_bytes),
        )

    def make_folder(self) -> None:
        """Before anything is recorded. Raises OSError."""
        # 0700: voices and numbers are nobody else's on this machine.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Delete what is old, now and then."""
        self._retention.start()
        stack.push_async_callback(self._retention.aclose)
        stack.push_async_callback(self._service.aclose)
