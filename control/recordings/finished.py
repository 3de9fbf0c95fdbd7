"""The row of a recording whose call has ended. Pure, but for what a crash has left on the disk.

The file's axis is the call's, sample by sample, so that its length tells its size.
"""

import contextlib
import pathlib

import msgspec

from ...codecs.errors import WavError
from ...codecs.wav import HEADER, WavReader
from ..domain.calls import Call, Recording

FRAME_BYTES = 4
"A sample of both channels."


def recording_of(call: Call) -> Recording | None:
    """The recording of a call that has just ended, taken to be as long as it; None: it has none."""
    record, ended_wall = call.record, call.ended_wall
    if call.recording is None or record is None or not record.rate_hz or ended_wall is None:
        return None
    recording = Recording(
        owner_id=call.owner_id,
        call_id=call.id,
        file=call.recording,
        rate_hz=record.rate_hz,
        created_wall=ended_wall,
        updated_wall=call.updated_wall,
    )
    return as_closed(recording, record.length_samples)


def recording_left(call: Call, path: pathlib.Path | None) -> Recording | None:
    """The same of a call that a crash has cut off: the file tells. Blocks."""
    if path is None or call.recording is None or call.ended_wall is None:
        return None
    with contextlib.suppress(OSError, WavError), path.open("rb") as file:
        reader = WavReader(file)
        length = reader.length_samples or 0
        return Recording(
            owner_id=call.owner_id,
            call_id=call.id,
            file=call.recording,
            size_bytes=path.stat().st_size,
            rate_hz=reader.rate_hz,
            length_s=round(length / reader.rate_hz, 6),
            created_wall=call.ended_wall,
            updated_wall=call.updated_wall,
        )
    return None


def as_closed(recording: Recording, samples: int) -> Recording:
    """The same, now that the file is closed and has so many samples a channel."""
    return msgspec.structs.replace(
        recording,
        size_bytes=HEADER.size + FRAME_BYTES * samples,
        length_s=round(samples / recording.rate_hz, 6),
    )
