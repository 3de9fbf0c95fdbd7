"""`/v1/calls`: list, look at, hang up, listen to."""

import asyncio

import msgspec
from aiohttp import web

from ...media.conversation.records import CallRecord, CallStatus
from ..calls import CallQuery
from ..errors import Conflict, NotFound
from .lists import DEFAULT_LIMIT, Cursor, Limit
from .route import AnyRoute, Asked, Nothing, Route
from .views import CallList, CallView, call_list, call_view

TAG = "Calls"


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls, newest first."""

    status: CallStatus | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


async def list_calls(asked: Asked[CallsQuery, Nothing]) -> CallList:
    """Calls, newest first."""
    query = CallQuery(**msgspec.structs.asdict(asked.query))
    return call_list(await asked.edge.calls.page(query))


async def get_call(asked: Asked[Nothing, Nothing]) -> CallView:
    """One call with its turns, latencies and the line's quality; also while it runs."""
    return call_view(await _record(asked))


async def hang_up(asked: Asked[Nothing, Nothing]) -> CallView:
    """Ask for the call's end: accepted at once; `call.ended` follows."""
    record = await _record(asked)
    if not asked.edge.calls.hang_up(record.id):
        raise Conflict(f"call {record.id} has ended already")
    return call_view(record)


async def get_recording(asked: Asked[Nothing, Nothing]) -> web.StreamResponse:
    """The WAV, caller left, agent right; ranges too (RFC 9110 §14); of a live call as it is."""
    record = await _record(asked)
    path = await asked.edge.calls.recording_path(record.id)
    if path is None or not await asyncio.to_thread(path.is_file):
        raise NotFound(f"call {record.id} has no recording")
    response = web.FileResponse(path)
    response.content_type = "audio/wav"
    response.headers["Cache-Control"] = "no-store"  # it grows, and it is somebody's voice
    return response


async def _record(asked: Asked[Nothing, Nothing]) -> CallRecord:
    call_id = asked.path("id")
    record = await asked.edge.calls.get(call_id)
    if record is None:
        raise NotFound(f"no call {msgspec.json.encode(call_id).decode()}")
    return record


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/calls",
        handler=list_calls,
        summary="List calls",
        tag=TAG,
        scope="calls:read",
        query=CallsQuery,
        returns=CallList,
    ),
    Route(
        method="GET",
        path="/v1/calls/{id}",
        handler=get_call,
        summary="Get a call",
        tag=TAG,
        scope="calls:read",
        returns=CallView,
        problems=(NotFound,),
    ),
    *(
        Route(
            method=method,
            path=path,
            handler=hang_up,
            summary="Hang up",
            tag=TAG,
            scope="calls:write",
            returns=CallView,
            status=202,
            problems=(NotFound, Conflict),
        )
        for method, path in (("DELETE", "/v1/calls/{id}"), ("POST", "/v1/calls/{id}/hangup"))
    ),
    Route(
        method="GET",
        path="/v1/calls/{id}/recording",
        handler=get_recording,
        summary="Download the recording",
        tag=TAG,
        scope="calls:read",
        content="audio/wav",
        problems=(NotFound,),
    ),
)
