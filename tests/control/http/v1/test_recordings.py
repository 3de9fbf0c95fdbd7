"""`/v1/recordings` as a client meets it."""

import asyncio
import io
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import ClientResponse

from offhook.control.recordings.renditions import Renditions
from offhook.control.recordings.retention import RecordingRetention
from offhook.control.store import schema
from offhook.tests.kit.api import Api
from offhook.tests.kit.recorded import RATE_HZ, add_recorded, tones


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api
        await api.services.recordings.aclose()


async def by_link(api: Api, url: str, **headers: str) -> ClientResponse:
    """Without a token."""
    return await api.client.get(url, headers=headers)


async def test_recordings_are_listed_filtered_sorted_and_read(api: Api) -> None:
    first = await add_recorded(api, tones(1.0), 1)
    api.clock.advance(60)
    second = await add_recorded(api, tones(0.5), 2)
    page = await api.want(200, "GET", "/v1/recordings?total=true")
    assert [item["id"] for item in page["items"]] == [second.id, first.id]
    assert page["total"] == 2
    shown = page["items"][1]
    assert shown == {
        "id": first.id,
        "seq": first.seq,
        "owner_id": first.owner_id,
        "call_id": "call-1",
        "format": "wav",
        "size_bytes": 44 + 4 * RATE_HZ,
        "rate_hz": RATE_HZ,
        "length_s": 1.0,
        "url": f"/v1/recordings/{first.id}/file",
        "created_at": "2023-11-14T22:13:20Z",
    }
    assert await api.want(200, "GET", f"/v1/recordings/{first.id}") == shown
    for query, found in (
        ("call_id=call-2", [second]),
        ("min_length_s=0.6", [first]),
        ("max_length_s=0.6", [second]),
        ("created_after=2023-11-14T22:14:00Z", [second]),
        ("created_before=2023-11-14T22:14:00Z", [first]),
        ("agent_id=nobody", []),
        ("sort=length_s", [second, first]),
        ("sort=-size_bytes", [first, second]),
    ):
        page = await api.want(200, "GET", f"/v1/recordings?{query}")
        assert [item["id"] for item in page["items"]] == [each.id for each in found], query


async def test_the_file_is_whole_and_in_ranges(api: Api) -> None:
    recording = await add_recorded(api, tones(0.5))
    content = (api.recordings / recording.file).read_bytes()
    for path in (f"/v1/recordings/{recording.id}/file", "/v1/calls/call-1/recording"):
        response = await api.ask("GET", path)
        assert (response.status, response.content_type) == (200, "audio/wav")
        assert await response.read() == content
        part = await api.ask("GET", path, headers={"Range": "bytes=44-47"})
        assert (part.status, await part.read()) == (206, content[44:48])


async def test_a_deleted_recording_says_so_and_its_call_stays(api: Api) -> None:
    recording = await add_recorded(api, tones(0.1))
    made = await api.want(201, "POST", f"/v1/recordings/{recording.id}/links", {})
    (api.recordings / "call-1.ogg").write_bytes(b"OggS")
    await api.want(200, "GET", f"/v1/recordings/{recording.id}/peaks")
    await api.want(204, "DELETE", f"/v1/recordings/{recording.id}")
    assert list(api.recordings.iterdir()) == []
    for method, suffix in (("GET", ""), ("DELETE", ""), ("GET", "/file"), ("GET", "/peaks")):
        await api.want(404, method, f"/v1/recordings/{recording.id}{suffix}")
    problem = await api.want(410, "GET", "/v1/calls/call-1/recording")
    assert (problem["code"], problem["detail"]) == ("gone", "the recording has been deleted")
    assert (await by_link(api, made["url"])).status == 410
    call = await api.want(200, "GET", "/v1/calls/call-1")
    assert call["recording"] is None
    log = await api.want(200, "GET", "/v1/events/log?types=call.updated")
    assert [item["event"]["fields"] for item in log["items"]] == [["recording"]]


async def test_recordings_are_kept_as_long_as_configured_or_as_the_account_says(api: Api) -> None:
    service = api.services.recordings
    service._keep_days = 10.0  # as Ground says
    token = await api.user("ann@example.com")
    ann = await api.services.sign_in.named("ann@example.com")
    assert ann is not None
    await add_recorded(api, tones(0.1), 1)
    hers = await add_recorded(api, tones(0.1), 2, owner_id=ann.id)
    path = f"/v1/accounts/{ann.id}"
    changed = await api.want(200, "PATCH", path, {"recording_keep_days": 0})
    assert changed["recording_keep_days"] == 0
    retention = RecordingRetention(service.delete_old, api.clock)
    api.clock.advance(9 * 86_400)
    assert await retention.sweep() == 0
    api.clock.advance(2 * 86_400)
    assert await retention.sweep() == 1
    assert [file.name for file in api.recordings.iterdir()] == ["call-2.wav"]
    problem = await api.want(410, "GET", "/v1/calls/call-1/recording")
    assert problem["detail"] == "the recording has been deleted: it was kept for 10 days"
    await api.want(200, "PATCH", path, {"recording_keep_days": 5.5})
    assert await retention.sweep() == 1
    token = await api.user("ann@example.com")
    await api.want(404, "GET", f"/v1/recordings/{hers.id}", token=token)
    await api.want(422, "PATCH", path, {"recording_keep_days": -1})


async def test_what_the_disk_refuses_is_nobodys_any_more_and_goes_later(api: Api) -> None:
    """As after a crash between the mark and the end of its files."""
    recording = await add_recorded(api, tones(0.1))
    stays = await add_recorded(api, tones(0.1), 2)
    (api.recordings / "call-1.mp3").mkdir()  # which cannot be unlinked
    await api.want(204, "DELETE", f"/v1/recordings/{recording.id}")
    await api.want(404, "GET", f"/v1/recordings/{recording.id}")
    await api.want(410, "GET", "/v1/calls/call-1/recording")
    assert (await api.want(200, "GET", "/v1/calls/call-1"))["recording"] is None
    listed = await api.want(200, "GET", "/v1/recordings")
    assert [item["id"] for item in listed["items"]] == [stays.id]
    retention = RecordingRetention(api.services.recordings.delete_old, api.clock)
    assert await retention.sweep() == 0
    (api.recordings / "call-1.mp3").rmdir()
    (api.recordings / "call-1.mp3").write_bytes(b"its voices")
    assert await retention.sweep() == 1
    assert [file.name for file in api.recordings.iterdir()] == ["call-2.wav"]
    assert await retention.sweep() == 0
    await api.want(410, "GET", "/v1/calls/call-1/recording")
    assert (await api.ask("GET", "/v1/calls/call-2/recording")).status == 200


async def test_many_old_recordings_go_in_steps(api: Api) -> None:
    service = api.services.recordings
    service._keep_days = 1.0
    for number in range(23):
        await add_recorded(api, tones(0.001), number)
    api.clock.advance(2 * 86_400)
    assert [await service.delete_old() for _ in range(3)] == [20, 3, 0]


async def test_what_lies_on_another_nodes_disk_is_left_to_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = api.services.recordings
    service._keep_days = 1.0
    ours, theirs = await add_recorded(api, tones(0.1), 1), await add_recorded(api, tones(0.1), 2)
    async with api.database.write() as tx:
        for call_id, node in (("call-1", "here"), ("call-2", "there")):
            changed = schema.CALLS.update().where(schema.CALLS.c.id == call_id)
            await tx.execute(changed.values(node=node))
    (api.recordings / theirs.file).unlink()
    monkeypatch.setattr(api.database, "is_sqlite", False)  # as one that nodes share
    monkeypatch.setattr(api.database, "node", "here")
    api.clock.advance(2 * 86_400)
    for method, suffix in (("GET", "/file"), ("GET", "/peaks"), ("DELETE", "")):
        problem = await api.want(503, method, f"/v1/recordings/{theirs.id}{suffix}")
        assert "node there" in problem["detail"]
    assert await service.delete_old() == 1
    await api.want(404, "GET", f"/v1/recordings/{ours.id}")
    await api.want(200, "GET", f"/v1/recordings/{theirs.id}")


# --- links ----------------------------------------------------------------------------------------


async def test_a_link_opens_the_recording_without_a_token_until_it_expires(api: Api) -> None:
    recording = await add_recorded(api, tones(0.5))
    content = (api.recordings / recording.file).read_bytes()
    made = await api.want(
        201, "POST", f"/v1/recordings/{recording.id}/links", {"expires_s": 60, "format": "wav"}
    )
    assert made["expires_at"] == "2023-11-14T22:14:20Z"
    response = await by_link(api, made["url"])
    assert (response.status, response.content_type) == (200, "audio/wav")
    assert await response.read() == content
    part = await by_link(api, made["url"], Range="bytes=-4")
    assert (part.status, await part.read()) == (206, content[-4:])
    api.clock.advance(59.9)
    assert (await by_link(api, made["url"])).status == 200
    api.clock.advance(0.1)
    late = await by_link(api, made["url"])
    assert (late.status, (await late.json())["detail"]) == (410, "the link has expired")


async def test_a_link_that_is_changed_is_refused(api: Api) -> None:
    recording = await add_recorded(api, tones(0.1))
    other = await add_recorded(api, tones(0.1), 2)
    made = await api.want(201, "POST", f"/v1/recordings/{recording.id}/links", {})
    url, signature = made["url"], made["url"].rpartition("=")[2]
    expires = url.partition("expires=")[2].partition("&")[0]
    for changed in (
        url.replace(recording.id, other.id),
        url.replace("format=wav", "format=mp3"),
        url.replace(expires, str(int(expires) + 1)),
        url.replace(signature, "0" * 64),
        url.replace(signature, signature.upper()),
        url.replace(signature, ""),
        url.replace(signature, "%C3%A4"),
    ):
        assert changed != url
        response = await by_link(api, changed)
        assert response.status == 403, changed
        assert (await response.json())["code"] == "forbidden"
    assert (await by_link(api, url.partition("&signature")[0])).status == 400


@pytest.mark.parametrize("body", [{"expires_s": 0}, {"expires_s": 10**9}, {"format": "flac"}])
async def test_what_no_link_can_be_is_named(api: Api, body: dict[str, Any]) -> None:
    recording = await add_recorded(api, tones(0.1))
    problem = await api.want(422, "POST", f"/v1/recordings/{recording.id}/links", body)
    assert problem["errors"][0]["field"] == next(iter(body))


# --- renditions -----------------------------------------------------------------------------------


def decoded(data: bytes) -> tuple[np.ndarray[Any, Any], int]:
    """[channels, samples] as float, and the rate."""
    with av.open(io.BytesIO(data), "r") as container:
        (stream,) = container.streams.audio
        rate = stream.codec_context.sample_rate
        pieces = [np.asarray(frame.to_ndarray(), np.float64) for frame in container.decode(stream)]
    return np.concatenate(pieces, axis=1), rate


def loudest_hz(samples: np.ndarray[Any, Any], rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize(("format_", "type_"), [("ogg", "audio/ogg"), ("mp3", "audio/mpeg")])
async def test_a_rendition_has_both_voices_on_the_same_axis(
    api: Api, format_: str, type_: str
) -> None:
    recording = await add_recorded(api, tones(2.0))
    path = f"/v1/recordings/{recording.id}/file?format={format_}"
    response = await api.ask("GET", path)
    data = await response.read()
    assert (response.status, response.content_type) == (200, type_)
    assert len(data) < recording.size_bytes / 2
    sound, rate = decoded(data)
    assert abs(sound.shape[1] / rate - 2.0) < 0.15  # a codec's own frames and delay
    assert abs(loudest_hz(sound[0], rate) - 400) < 5
    assert abs(loudest_hz(sound[1], rate) - 1000) < 5
    part = await api.ask("GET", path, headers={"Range": "bytes=0-3"})
    assert (part.status, await part.read()) == (206, data[:4])
    assert api.services.recordings.renditions.started == 1, "it is kept"
    names = sorted(file.name for file in api.recordings.iterdir())
    assert names == sorted(["call-1.wav", f"call-1.{format_}"])


async def test_who_would_wait_for_long_is_told_to_come_again(api: Api) -> None:
    recording = await add_recorded(api, tones(0.5))
    service = api.services.recordings
    service.renditions = Renditions(wait_s=0.0)
    path = f"/v1/recordings/{recording.id}/file?format=ogg"
    for _ in range(2):
        response = await api.ask("GET", path)
        assert response.status == 202
        assert await response.json() == {"format": "ogg", "retry_after_s": 3}
        assert response.headers["Retry-After"] == "3"
    while making := list(service.renditions._making.values()):
        await asyncio.wait(making)
    assert (await api.ask("GET", path)).status == 200
    assert service.renditions.started == 1


async def test_what_cannot_be_converted_is_told_and_leaves_nothing(api: Api) -> None:
    recording = await add_recorded(api, tones(0.1))
    (api.recordings / recording.file).write_bytes(b"no WAV at all")
    problem = await api.want(503, "GET", f"/v1/recordings/{recording.id}/file?format=mp3")
    assert problem["code"] == "unavailable"
    assert [file.name for file in api.recordings.iterdir()] == ["call-1.wav"]


# --- peaks ----------------------------------------------------------------------------------------


async def test_peaks_are_the_least_and_greatest_samples_of_each_part(api: Api) -> None:
    rng = np.random.default_rng(1)
    stereo = rng.integers(-32768, 32768, (2, 50_001)).astype(np.int16)
    recording = await add_recorded(api, stereo)
    for buckets in (1, 7, 800, 4000):
        path = f"/v1/recordings/{recording.id}/peaks?buckets={buckets}"
        peaks = await api.want(200, "GET", path)
        edges = [i * 50_001 // buckets for i in range(buckets + 1)]
        for channel, name in enumerate(("caller", "agent")):
            parts = [stereo[channel, a:b] for a, b in zip(edges, edges[1:], strict=False)]
            assert peaks[f"{name}_low"] == [int(part.min()) for part in parts]
            assert peaks[f"{name}_high"] == [int(part.max()) for part in parts]
        assert (peaks["rate_hz"], peaks["length_s"]) == (RATE_HZ, round(50_001 / RATE_HZ, 6))


async def test_short_and_cut_recordings_are_drawn_as_far_as_they_go(api: Api) -> None:
    short = await add_recorded(api, tones(10 / RATE_HZ), 1)
    peaks = await api.want(200, "GET", f"/v1/recordings/{short.id}/peaks?buckets=800")
    assert len(peaks["caller_low"]) == 10
    cut = await add_recorded(api, np.full((2, 1000), 5, np.int16), 2)
    path = api.recordings / cut.file
    path.write_bytes(path.read_bytes()[: 44 + 4 * 500])
    peaks = await api.want(200, "GET", f"/v1/recordings/{cut.id}/peaks?buckets=4")
    assert peaks["agent_high"] == [5, 5, 0, 0]
    empty = await add_recorded(api, np.zeros((2, 0), np.int16), 3)
    peaks = await api.want(200, "GET", f"/v1/recordings/{empty.id}/peaks")
    assert (peaks["caller_low"], peaks["length_s"]) == ([], 0)
