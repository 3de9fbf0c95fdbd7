"""Recordings of calls: what is known of them, the file, and a link that needs no token."""

import functools
from typing import Annotated

import msgspec
from aiohttp import web

from ...auth.signed_links import Link
from ...domain.calls import Recording
from ...errors import Gone, NotFound
from ...http.route import Asked, Nothing
from ...http.v1.recordings import audio_file
from ...services.recordings import WAV
from ..dialect import AnyRow, Refusals, Row, Said
from ..identifiers import own
from ..speaking import link
from .call_logs import number_of, transcript_of
from .forms import IDS

TAG = "Recordings"
LINK_S = 15 * 60
"A link that needs no token is good for so long."
NONE = Said("CALL_001", "Call recording not found", 404)
REFUSALS: Refusals = {NotFound: NONE, Gone: NONE}


class RecordingMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What it is of."""

    agent_id: str | None
    campaign_id: str | None
    phone_number: str


class RecordingView(msgspec.Struct, frozen=True, kw_only=True):
    """A recording."""

    call_id: str
    duration_seconds: int
    format: str
    size_bytes: int
    download_url: str
    "Needs no token, for a quarter of an hour."
    transcript: str
    metadata: RecordingMetadata


class LinkQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a link says."""

    expires: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    signature: Annotated[str, msgspec.Meta(max_length=128)]


async def get_recording(asked: Asked[Nothing, Nothing]) -> RecordingView:
    """What is known of a call's recording."""
    services = asked.edge.services
    recording = await _recording(asked)
    call = await services.calls.get(asked.who, recording.call_id)
    lent = await services.recordings.link(asked.who, recording.id, WAV, LINK_S)
    query = f"expires={lent.expires}&signature={lent.signature}"
    return RecordingView(
        call_id=call.id,
        duration_seconds=round(recording.length_s),
        format=recording.format,
        size_bytes=recording.size_bytes,
        download_url=link(asked, f"/recordings/{recording.id}/download?{query}"),
        transcript=transcript_of([] if call.record is None else call.record.turns) or "",
        metadata=RecordingMetadata(
            agent_id=call.agent_id, campaign_id=call.campaign_id, phone_number=number_of(call)
        ),
    )


async def download(asked: Asked[Nothing, Nothing]) -> web.StreamResponse:
    """The file, as WAV."""
    return await _file(asked, await _recording(asked))


async def download_by_link(asked: Asked[LinkQuery, Nothing]) -> web.StreamResponse:
    """What a link opens, as long as it is good."""
    query = asked.query
    lent = Link(asked.path("recording"), WAV, query.expires, query.signature)
    return await _file(asked, await asked.edge.services.recordings.lent(lent))


async def _recording(asked: Asked[Nothing, Nothing]) -> Recording:
    """Raises NotFound and Gone."""
    id_ = await own(IDS, asked, "call")
    found = await asked.edge.services.recordings.of_call(asked.who, id_)
    if found is None:
        raise NotFound(f"call {id_} has no recording")
    return found


async def _file(
    asked: Asked[Nothing, Nothing] | Asked[LinkQuery, Nothing], recording: Recording
) -> web.StreamResponse:
    path = await asked.edge.services.recordings.file(recording, WAV)
    assert path is not None, "the original needs no converting"
    name = f"{recording.call_id}.{WAV}"
    return audio_file(path, WAV, {"Content-Disposition": f'attachment; filename="{name}"'})


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        "/call-recordings/{call}",
        get_recording,
        "Get recording",
        "calls:read",
        returns=RecordingView,
        refusals=REFUSALS,
    ),
    _row(
        "GET",
        "/call-recordings/{call}/download",
        download,
        "Download recording",
        "calls:read",
        aliases=("/recordings/{call}.wav",),
        content="audio/wav",
        refusals=REFUSALS,
    ),
    _row(
        "GET",
        "/recordings/{recording}/download",
        download_by_link,
        "Download by link",
        scope=None,
        query=LinkQuery,
        content="audio/wav",
        documented=False,
        refusals=REFUSALS,
    ),
)
