"""`/v1/recordings`: recordings of ended calls; their files, waveforms and links."""

import datetime
import functools
import pathlib
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from ...auth.signed_links import Link
from ...domain.calls import Recording
from ...errors import Forbidden, Gone, NotFound, Unavailable
from ...recordings.files import RENDITIONS
from ...recordings.peaks import MAX_BUCKETS
from ...services.recordings import WAV, RecordingFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, wall_of

TAG = "Recordings"
AGAIN_S = 3
"After so long somebody may ask again for what is being converted."
MAX_LINK_S = 7 * 86_400
TYPES = {WAV: "audio/wav"} | RENDITIONS

Format = Literal["wav", "ogg", "mp3"]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
PARTS = ((206, "A part of it."), (416, "It has no such part."))


class RecordingsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which recordings."""

    call_id: ShortText | None = None
    agent_id: ShortText | None = None
    created_after: datetime.datetime | None = None
    created_before: datetime.datetime | None = None
    min_length_s: Seconds | None = None
    max_length_s: Seconds | None = None
    sort: Literal[
        "created_at", "-created_at", "length_s", "-length_s", "size_bytes", "-size_bytes"
    ] = "-created_at"

    def wanted(self) -> RecordingFilter:
        """As the service is asked."""
        after, before = self.created_after, self.created_before
        return RecordingFilter(
            call_id=self.call_id,
            agent_id=self.agent_id,
            created_after_wall=None if after is None else wall_of(after),
            created_before_wall=None if before is None else wall_of(before),
            min_length_s=self.min_length_s,
            max_length_s=self.max_length_s,
        )


class RecordingView(msgspec.Struct, frozen=True, kw_only=True):
    """A recording: two channels, caller left and agent right, on the call's axis of time."""

    id: str
    seq: int
    owner_id: str
    call_id: str
    format: str
    "Of the original; others are made when they are asked for."
    size_bytes: int
    rate_hz: int
    length_s: float
    url: str
    "Its file, for whoever may read calls."
    created_at: datetime.datetime
    "The end of the call."


class FormatQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which format: `wav`, or `ogg` (Opus) and `mp3`, which are made when first asked for."""

    format: Format = "wav"


class Converting(msgspec.Struct, frozen=True):
    """It is being made in that format: ask again."""

    format: str
    retry_after_s: int


class PeaksQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fine."""

    buckets: Annotated[int, msgspec.Meta(ge=1, le=MAX_BUCKETS)] = 800
    "Into so many equal parts the recording is cut."


class PeaksView(msgspec.Struct, frozen=True, kw_only=True):
    """A waveform: the least and the greatest sample of each part, from -32768 to 32767."""

    rate_hz: int
    length_s: float
    caller_low: tuple[int, ...]
    caller_high: tuple[int, ...]
    agent_low: tuple[int, ...]
    agent_high: tuple[int, ...]


class LinkWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link that is wanted."""

    expires_s: Annotated[int, msgspec.Meta(ge=1, le=MAX_LINK_S)] = 3600
    "It is good for so many seconds."
    format: Format = "wav"


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A link that downloads a recording without a token: for whoever has it, while it is good."""

    url: str
    "On this server."
    format: str
    expires_at: datetime.datetime


class LinkQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a link says."""

    format: Format
    expires: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    signature: Annotated[str, msgspec.Meta(max_length=128)]


async def list_recordings(asked: Asked[RecordingsQuery, Nothing]) -> List[RecordingView]:
    """Recordings of ended calls, newest first. Deleted ones are gone from here."""
    recordings = asked.edge.services.recordings
    page = await recordings.page(asked.who, asked.query.page(), asked.query.wanted())
    return list_of(page, [recording_view(recording) for recording in page.items])


async def get_recording_entry(asked: Asked[Nothing, Nothing]) -> RecordingView:
    """What is known of one."""
    recordings = asked.edge.services.recordings
    return recording_view(await recordings.get(asked.who, asked.path("id")))


async def delete_recording(asked: Asked[Nothing, Nothing]) -> None:
    """Delete the voices: the file, and all that was made of it. The call and its words stay."""
    await asked.edge.services.recordings.delete(asked.who, asked.path("id"))


async def get_recording_file(
    asked: Asked[FormatQuery, Nothing],
) -> web.StreamResponse:
    """The file; ranges too (RFC 9110 §14). 202: it is being made in that format, ask again."""
    recording = await asked.edge.services.recordings.get(asked.who, asked.path("id"))
    return await file_response(asked, recording, asked.query.format)


async def make_link(asked: Asked[Nothing, LinkWish]) -> LinkView:
    """Make a link for somebody without a token; it cannot be taken back before it expires."""
    id_, wish = asked.path("id"), asked.body
    link = await asked.edge.services.recordings.link(asked.who, id_, wish.format, wish.expires_s)
    query = f"format={link.format}&expires={link.expires}&signature={link.signature}"
    return LinkView(
        url=f"/v1/recordings/{link.recording_id}/download?{query}",
        format=link.format,
        expires_at=utc(link.expires),
    )


async def download_by_link(asked: Asked[LinkQuery, Nothing]) -> web.StreamResponse:
    """What a link opens; ranges too. 403: it is not one of ours; 410: it is over."""
    query = asked.query
    link = Link(asked.path("id"), query.format, query.expires, query.signature)
    recording = await asked.edge.services.recordings.lent(link)
    return await file_response(asked, recording, query.format)


async def get_peaks(asked: Asked[PeaksQuery, Nothing]) -> PeaksView:
    """The waveform of both channels, to be drawn; part i of n begins at i/n of the length."""
    recordings = asked.edge.services.recordings
    recording = await recordings.get(asked.who, asked.path("id"))
    peaks = await recordings.peaks(recording, asked.query.buckets)
    return PeaksView(
        rate_hz=peaks.rate_hz,
        length_s=round(peaks.length_samples / peaks.rate_hz, 6),
        caller_low=peaks.lows[0],
        caller_high=peaks.highs[0],
        agent_low=peaks.lows[-1],
        agent_high=peaks.highs[-1],
    )


async def file_response(
    asked: Asked[FormatQuery, Nothing] | Asked[LinkQuery, Nothing],
    recording: Recording,
    format_: str,
) -> web.StreamResponse:
    """The file, or 202 while it is made. Raises Gone and Unavailable."""
    path = await asked.edge.services.recordings.file(recording, format_)
    if path is None:
        return web.Response(
            body=msgspec.json.encode(Converting(format_, AGAIN_S)),
            status=202,
            content_type="application/json",
            headers={"Retry-After": str(AGAIN_S)},
        )
    name = f"{recording.call_id}.{format_}"
    return audio_file(path, format_, {"Content-Disposition": f'inline; filename="{name}"'})


def audio_file(
    path: pathlib.Path, format_: str, headers: dict[str, str] | None = None
) -> web.FileResponse:
    """A file of voices; nobody in between keeps it."""
    response = web.FileResponse(path, headers=headers)
    response.content_type = TYPES[format_]
    response.headers["Cache-Control"] = "no-store"
    return response


def recording_view(recording: Recording) -> RecordingView:
    """A recording as the API shows it."""
    same = ("id", "seq", "owner_id", "call_id", "format", "size_bytes", "rate_hz", "length_s")
    return RecordingView(
        **{name: getattr(recording, name) for name in same},
        url=f"/v1/recordings/{recording.id}/file",
        created_at=utc(recording.created_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/recordings",
        list_recordings,
        "List recordings",
        "calls:read",
        query=RecordingsQuery,
        returns=List[RecordingView],
    ),
    _route(
        "GET",
        "/v1/recordings/{id}",
        get_recording_entry,
        "Get a recording",
        "calls:read",
        returns=RecordingView,
        problems=(NotFound,),
    ),
    _route(
        "DELETE",
        "/v1/recordings/{id}",
        delete_recording,
        "Delete a recording",
        "calls:write",
        status=204,
        problems=(NotFound, Unavailable),
    ),
    _route(
        "GET",
        "/v1/recordings/{id}/file",
        get_recording_file,
        "Hear a recording",
        "calls:read",
        query=FormatQuery,
        content="audio/wav",
        other_content=tuple(RENDITIONS.values()),
        also=((202, Converting),),
        bare=PARTS,
        problems=(NotFound, Gone, Unavailable),
    ),
    _route(
        "GET",
        "/v1/recordings/{id}/peaks",
        get_peaks,
        "Draw a recording",
        "calls:read",
        query=PeaksQuery,
        returns=PeaksView,
        problems=(NotFound, Gone, Unavailable),
    ),
    _route(
        "POST",
        "/v1/recordings/{id}/links",
        make_link,
        "Make a link",
        "calls:read",
        body=LinkWish,
        returns=LinkView,
        status=201,
        problems=(NotFound, Gone, Unavailable),
    ),
    _route(
        "GET",
        "/v1/recordings/{id}/download",
        download_by_link,
        "Download by a link",
        scope=None,
        query=LinkQuery,
        content="audio/wav",
        other_content=tuple(RENDITIONS.values()),
        also=((202, Converting),),
        bare=PARTS,
        problems=(Forbidden, Gone, Unavailable),
    ),
)
