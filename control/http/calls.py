"""`/v1/calls`: list, look at, hang up, listen to."""

import asyncio

import msgspec
from aiohttp import web

from ...media.conversation.records import CallRecord, CallStatus
from ..calls import CallQuery
from ..errors import BadRequest, Conflict, NotFound
from .edge import EDGE, json_response
from .views import call_list, call_view

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
PARAMETERS = frozenset(("status", "limit", "cursor"))


async def list_calls(request: web.Request) -> web.Response:
    """GET /v1/calls?status=&limit=&cursor="""
    page = await request.app[EDGE].calls.page(read_query(request))
    return json_response(call_list(page))


async def get_call(request: web.Request) -> web.Response:
    """GET /v1/calls/{id}"""
    return json_response(call_view(await _record(request)))


async def hang_up(request: web.Request) -> web.Response:
    """DELETE /v1/calls/{id} and POST /v1/calls/{id}/hangup: accepted; `call.ended` follows."""
    record = await _record(request)
    if not request.app[EDGE].calls.hang_up(record.id):
        raise Conflict(f"call {record.id} has ended already")
    return json_response(call_view(record), status=202)


async def get_recording(request: web.Request) -> web.StreamResponse:
    """GET /v1/calls/{id}/recording, ranges too (RFC 9110 §14); of a live call what is on disk."""
    record = await _record(request)
    path = await request.app[EDGE].calls.recording_path(record.id)
    if path is None or not await asyncio.to_thread(path.is_file):
        raise NotFound(f"call {record.id} has no recording")
    response = web.FileResponse(path)
    response.content_type = "audio/wav"
    response.headers["Cache-Control"] = "no-store"  # it grows, and it is somebody's voice
    return response


def read_query(request: web.Request) -> CallQuery:
    """The parameters of a list. Raises BadRequest naming the one at fault."""
    for name in request.query:
        if name not in PARAMETERS:
            known = ", ".join(sorted(PARAMETERS))
            raise BadRequest(f"unknown parameter; there is {known}", field=name)
    status = request.query.get("status")
    limit = request.query.get("limit", str(DEFAULT_LIMIT))
    if status is not None and status not in {known.value for known in CallStatus}:
        known = ", ".join(known.value for known in CallStatus)
        raise BadRequest(f"one of {known}", field="status")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= MAX_LIMIT):
        raise BadRequest(f"a whole number from 1 to {MAX_LIMIT}", field="limit")
    return CallQuery(
        status=None if status is None else CallStatus(status),
        limit=int(limit),
        cursor=request.query.get("cursor"),
    )


async def _record(request: web.Request) -> CallRecord:
    call_id = request.match_info["id"]
    record = await request.app[EDGE].calls.get(call_id)
    if record is None:
        raise NotFound(f"no call {msgspec.json.encode(call_id).decode()}")
    return record
