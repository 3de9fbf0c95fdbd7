"""The rows of recordings: with their call's end, and as long as their files."""

import pathlib
from collections.abc import AsyncIterator

import numpy as np
import pytest

from offhook.codecs.wav import WavWriter
from offhook.control.calls.registry import CallRegistry
from offhook.control.domain.calls import Recording
from offhook.control.store.calls import RECORDINGS, CallStore
from offhook.media.conversation.records import CallEnded, CallRecord, CallStatus
from offhook.media.frames.recorder import RecordingEnded
from offhook.media.ports import HangUpCause
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import call_of, call_record


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def rows(api: Api) -> list[Recording]:
    async with api.database.read() as tx:
        return await RECORDINGS.all(tx, None)


def end(api: Api, record: CallRecord) -> None:
    record.status, record.ended_wall = CallStatus.ENDED, record.started_wall + 60
    record.cause, record.ended_by_us = HangUpCause.NORMAL, True
    api.calls.tell(
        CallEnded(record.id, record.ended_wall, record.length_samples, HangUpCause.NORMAL, True)
    )


async def test_the_row_is_stored_with_the_end_and_corrected_when_the_file_is_closed(
    api: Api,
) -> None:
    record = call_record(1, recording="call-1.wav", length_samples=80_000)
    live = api.calls.add(call_of(record), record, lambda: None)
    await api.calls.settled()
    assert await rows(api) == []
    end(api, record)
    await api.calls.settled()
    (row,) = await rows(api)
    assert (row.call_id, row.file, row.rate_hz) == ("call-1", "call-1.wav", 8000)
    assert (row.length_s, row.size_bytes) == (10.0, 44 + 4 * 80_000)
    assert row.created_wall == record.ended_wall
    live.recorded = RecordingEnded(pathlib.Path("call-1.wav"), 79_840)
    api.calls.remove(record.id)
    await api.calls.settled()
    (closed,) = await rows(api)
    assert closed.id == row.id
    assert (closed.length_s, closed.size_bytes) == (9.98, 44 + 4 * 79_840)


async def test_both_at_once_make_one_row(api: Api) -> None:
    record = call_record(1, recording="call-1.wav", length_samples=80_000)
    live = api.calls.add(call_of(record), record, lambda: None)
    end(api, record)
    live.recorded = RecordingEnded(pathlib.Path("call-1.wav"), 8000)
    api.calls.remove(record.id)
    await api.calls.settled()
    assert [(row.length_s, row.size_bytes) for row in await rows(api)] == [(1.0, 44 + 4 * 8000)]


async def test_calls_without_a_recording_or_an_answer_have_no_row(api: Api) -> None:
    for record in (call_record(1), call_record(2, recording="call-2.wav", rate_hz=None)):
        api.calls.add(call_of(record), record, lambda: None)
        end(api, record)
        api.calls.remove(record.id)
    await api.calls.settled()
    assert await rows(api) == []


async def test_a_call_that_a_crash_cut_off_has_its_row_by_its_file(api: Api) -> None:
    for number in (1, 2):
        record = call_record(number, recording=f"call-{number}.wav", length_samples=8000)
        api.calls.add(call_of(record, recording=record.recording), record, lambda: None)
    await api.calls.settled()
    with (api.recordings / "call-1.wav").open("wb") as file:
        writer = WavWriter(file, 16_000, 2)
        writer.write(np.zeros((2, 24_000), np.int16))
        writer.flush()
    again = CallRegistry(CallStore(api.database), api.bus, api.metrics, api.clock, api.recordings)
    assert await again.start() == 2
    await again.settled()
    (row,) = await rows(api)  # the other one has left no file
    assert (row.call_id, row.rate_hz, row.length_s) == ("call-1", 16_000, 1.5)
    assert row.size_bytes == (api.recordings / "call-1.wav").stat().st_size
    await again.aclose()
