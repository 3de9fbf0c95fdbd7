"""Calls as files: whole, in order, and after a crash."""

import asyncio
import os
import pathlib

import msgspec
import numpy as np
import pytest

from offhook.codecs.wav import WavWriter
from offhook.control.calls import CallQuery
from offhook.control.errors import StoreError
from offhook.control.store.call_files import CallFiles
from offhook.media.conversation.records import CallRecord, CallStatus
from offhook.media.ports import HangUpCause
from offhook.tests.kit.call_records import agent_turn, call_record


def crash(files: CallFiles) -> None:
    """The process is gone: nothing is written any more, and the kernel frees the folder."""
    os.close(files._lock_fd)


async def opened(folder: pathlib.Path, max_calls: int = 100) -> CallFiles:
    files = CallFiles(folder, max_calls)
    await files.open()
    return files


async def test_keeps_calls_across_a_restart(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path / "calls")
    record = call_record(1, status=CallStatus.ENDED, turns=[agent_turn(1)], ended_wall=1.7e9)
    await files.save([record, call_record(2, status=CallStatus.ENDED)])
    await files.aclose()
    again = CallFiles(tmp_path / "calls")
    assert await again.open() == 0
    assert await again.read("call-1") == record
    assert [c.id for c in (await again.page(CallQuery())).items] == ["call-2", "call-1"]
    assert await again.read("call-3") is None
    await again.aclose()


async def test_what_was_in_progress_is_ended_by_a_crash(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path)
    record = call_record(1, turns=[agent_turn(1)], digits="12", started_wall=1000.0)
    await files.save([record, call_record(2, status=CallStatus.RINGING, started_wall=3000.0)])
    await files.save([call_record(3, status=CallStatus.ENDED, cause=HangUpCause.NORMAL)])
    for name in ("call-1", "call-2"):
        os.utime(tmp_path / f"{name}.json", (2000.0, 2000.0))
    crash(files)
    again = CallFiles(tmp_path)
    assert await again.open() == 2
    first = await again.read("call-1")
    assert first is not None
    assert (first.status, first.cause) == (CallStatus.ENDED, HangUpCause.CRASH)
    assert first.ended_wall == 2000.0, "the last sign of life"
    assert (first.digits, first.turns) == ("12", [agent_turn(1)])
    second = await again.read("call-2")
    assert second is not None
    assert second.ended_wall == 3000.0, "not before it began"
    third = await again.read("call-3")
    assert third is not None
    assert third.cause is HangUpCause.NORMAL
    assert (await again.page(CallQuery(status=CallStatus.LIVE))).items == ()
    await again.aclose()
    assert await CallFiles(tmp_path).open() == 0, "a crash is told once"


async def test_a_crashed_call_lived_as_long_as_its_recording(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path / "calls")
    assert (tmp_path / "calls").stat().st_mode & 0o777 == 0o700
    common = {"started_wall": 1000.0, "rate_hz": 8000}
    await files.save([call_record(n, recording=f"{n}.wav", **common) for n in (1, 2, 3)])
    with (tmp_path / "1.wav").open("wb") as file:
        writer = WavWriter(file, 8000, 2)
        writer.write(np.zeros((2, 12_000), np.int16))
        writer.flush()
    (tmp_path / "2.wav").write_bytes(b"RI")
    for name in ("calls/call-1.json", "calls/call-2.json", "calls/call-3.json"):
        os.utime(tmp_path / name, (2000.0, 2000.0))
    for name in ("1.wav", "2.wav"):
        os.utime(tmp_path / name, (2500.0, 2500.0))
    crash(files)
    again = CallFiles(tmp_path / "calls", recordings=tmp_path)
    assert await again.open() == 3
    ended = [await again.read(f"call-{n}") for n in (1, 2, 3)]
    assert [(c.ended_wall, c.length_samples) for c in ended if c is not None] == [
        (2500.0, 12_000),
        (2000.0, 0),  # its recording is none
        (2000.0, 0),  # it has none
    ]
    await again.aclose()


async def test_a_half_written_file_of_a_crash_does_no_harm(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path)
    await files.save([call_record(1, status=CallStatus.ENDED)])
    (tmp_path / "call-2.part").write_bytes(b'{"id": "ca')
    crash(files)
    again = await opened(tmp_path)
    assert [call.id for call in (await again.page(CallQuery())).items] == ["call-1"]
    await again.aclose()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": "call-9"}', b"\xff\x00"])
async def test_a_file_that_holds_no_call_is_put_aside(
    tmp_path: pathlib.Path, content: bytes
) -> None:
    (tmp_path / "call-9.json").write_bytes(content)
    files = await opened(tmp_path)
    assert files.unreadable == 1
    assert (await files.page(CallQuery())).items == ()
    assert (tmp_path / "call-9.json.unreadable").read_bytes() == content
    await files.aclose()


async def test_a_file_under_another_calls_name_is_put_aside(tmp_path: pathlib.Path) -> None:
    (tmp_path / "call-9.json").write_bytes(msgspec.json.encode(call_record(1)))
    files = await opened(tmp_path)
    assert files.unreadable == 1
    await files.aclose()


async def test_a_damaged_file_is_an_error_when_it_is_read(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path)
    (tmp_path / "call-1.json").write_bytes(b"{")
    with pytest.raises(StoreError, match=r"call-1\.json: holds no call"):
        await files.read("call-1")
    await files.aclose()


async def test_two_processes_cannot_have_one_folder(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path)
    with pytest.raises(StoreError, match="another Offhook"):
        await CallFiles(tmp_path).open()
    await files.aclose()
    await (await opened(tmp_path)).aclose()


@pytest.mark.parametrize("call_id", ["../secrets/api_token", "", "a/b", "a\0b", "x" * 65, "é"])
async def test_an_id_never_leads_out_of_the_folder(tmp_path: pathlib.Path, call_id: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "api_token.json").write_bytes(msgspec.json.encode(call_record(1)))
    files = await opened(tmp_path / "calls")
    assert await files.read(call_id) is None
    await files.aclose()


async def test_one_call_that_cannot_be_written_does_not_stop_the_others(
    tmp_path: pathlib.Path,
) -> None:
    files = await opened(tmp_path)
    (tmp_path / "call-1.part").mkdir()
    with pytest.raises(StoreError, match=r"call-1\.json"):
        await files.save([call_record(1), call_record(2)])
    assert await files.read("call-2") is not None
    await files.aclose()


async def test_saves_of_a_call_keep_their_order(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path)
    states = [call_record(1, digits="1" * count) for count in range(50)]
    await asyncio.gather(*(files.save([state]) for state in states))
    last = await files.read("call-1")
    assert last is not None
    assert last.digits == "1" * 49
    await files.aclose()


async def test_a_call_that_cannot_be_written_does_not_keep_others_from_it(
    tmp_path: pathlib.Path,
) -> None:
    files = await opened(tmp_path)
    bad = call_record(1, from_number="\ud800")  # no UTF-8 holds it
    with pytest.raises(StoreError, match=r"call-1\.json"):
        await files.save([bad, call_record(2)])
    assert await files.read("call-1") is None
    assert await files.read("call-2") == call_record(2)
    await files.aclose()


async def test_forgets_only_calls_that_ended_long_ago(tmp_path: pathlib.Path) -> None:
    def ended(number: int, wall: float) -> CallRecord:
        return call_record(number, status=CallStatus.ENDED, ended_wall=wall)

    files = await opened(tmp_path, max_calls=1)
    await files.save([ended(1, 100.0), ended(2, 200.0), ended(3, 300.0), call_record(4)])
    for number in range(1, 5):
        os.utime(tmp_path / f"call-{number}.json", (200.0, 200.0))
    forgotten = await files.forget(ended_before_wall=250.0)
    assert sorted(call.id for call in forgotten) == ["call-1", "call-2"]
    assert await files.read("call-1") is None
    assert await files.read("call-3") is not None
    assert await files.read("call-4") is not None
    await files.aclose()


async def test_lists_the_newest_and_still_reads_the_oldest(tmp_path: pathlib.Path) -> None:
    files = await opened(tmp_path, max_calls=2)
    await files.save([call_record(n, status=CallStatus.ENDED) for n in range(1, 5)])
    assert [c.id for c in (await files.page(CallQuery())).items] == ["call-4", "call-3"]
    assert await files.read("call-1") is not None
    await files.aclose()


async def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        await CallFiles(tmp_path / "file" / "calls").open()
