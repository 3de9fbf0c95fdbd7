"""Calls that a crash has cut off, ended when the server starts again.

A call's last sign of life is what was written last, its row or its recording; it is as long as its
recording. Reads files: to be run in a thread.
"""

import contextlib
import os
import pathlib

import msgspec

from ...codecs.errors import WavError
from ...codecs.wav import WavReader
from ...media.conversation.records import CallEnded, CallStatus as MediaStatus
from ...media.ports import HangUpCause
from ..domain.calls import Call, CallStatus, Outcome
from .outcomes import REASONS


def end_cut_off(call: Call, recordings: pathlib.Path) -> tuple[Call, CallEnded]:
    """The call as ended, and the event that tells it."""
    length_samples, ended_wall = 0, call.updated_wall
    path = recording_in(recordings, call.recording)
    if path is not None:
        with contextlib.suppress(OSError, WavError), path.open("rb") as file:
            length_samples = WavReader(file).length_samples or 0
            ended_wall = max(ended_wall, os.fstat(file.fileno()).st_mtime)
    ended_wall = max(ended_wall, call.started_wall or 0.0, call.answered_wall or 0.0)
    record = call.record
    if record is not None:
        record.length_samples = length_samples = max(record.length_samples, length_samples)
        record.status, record.cause = MediaStatus.ENDED, HangUpCause.CRASH
        record.ended_by_us, record.ended_wall = True, ended_wall
    answered = call.answered_wall
    ended = msgspec.structs.replace(
        call,
        status=CallStatus.ENDED,
        outcome=Outcome.FAILED,
        cause=HangUpCause.CRASH,
        failure_reason=REASONS[HangUpCause.CRASH],
        ended_wall=ended_wall,
        duration_s=None if answered is None else round(ended_wall - answered, 3),
        record=record,
        updated_wall=ended_wall,
    )
    return ended, CallEnded(call.id, ended_wall, length_samples, HangUpCause.CRASH, True)


def recording_in(folder: pathlib.Path, name: str | None) -> pathlib.Path | None:
    """A recording's file. A plain name: nothing leads out of the folder."""
    if not name or name == ".." or pathlib.PurePath(name).name != name:
        return None
    return folder / name
