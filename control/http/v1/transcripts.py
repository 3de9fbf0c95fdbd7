"""`/v1/calls/{id}/transcript`: what was said, as it was heard, to be read or shown."""

from typing import Literal

import msgspec
from aiohttp import web

from ...errors import NotFound
from ...services.transcripts import plain_text, webvtt
from ..route import AnyRoute, Asked, Nothing, Route
from .turn_views import TurnView, turn_views

TAG = "Calls"


class TranscriptQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is wanted."""

    format: Literal["json", "text", "vtt"] = "json"
    "`vtt`: WebVTT, a cue a turn, on the recording's axis of time."


class Transcript(msgspec.Struct, frozen=True):
    """All turns of a call, and the same as text."""

    call_id: str
    turns: tuple[TurnView, ...]
    text: str
    "`Caller: …` and `Agent: …`, a line each."


async def get_transcript(
    asked: Asked[TranscriptQuery, Nothing],
) -> Transcript | web.StreamResponse:
    """All that was said, as it was heard, also while it goes on; as text, or WebVTT for players."""
    found = await asked.edge.services.transcripts.get(asked.who, asked.path("id"))
    if asked.query.format == "vtt":
        return web.Response(text=webvtt(found), content_type="text/vtt", charset="utf-8")
    text = plain_text(found)
    if asked.query.format == "text":
        return web.Response(text=f"{text}\n" if text else "")
    return Transcript(found.call_id, turn_views(found.turns, found.rate_hz), text)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/calls/{id}/transcript",
        handler=get_transcript,
        summary="Read a call",
        tag=TAG,
        scope="calls:read",
        query=TranscriptQuery,
        returns=Transcript,
        other_content=("text/plain", "text/vtt"),
        problems=(NotFound,),
    ),
)
