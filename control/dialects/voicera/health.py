"""Whether the server is there, and whether what it needs is."""

import asyncio
import os
from typing import Literal

import msgspec
from aiohttp import web

from ...domain.server_parts import PartState
from ...errors import StoreError
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds

TAG = "Health & Status"
JSON = "application/json"

Part = Literal["ok", "error"]


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """It answers."""

    status: Literal["ok"]
    timestamp: Moment


class ReadinessView(msgspec.Struct, frozen=True, kw_only=True):
    """What it needs."""

    database: Part
    storage: Part
    "The folder of files can be written."
    cache: Part
    "What carries events inside the process: one was told and heard in time for this answer."


async def get_health(asked: Asked[Nothing, Nothing]) -> HealthView:
    """Whether the server is there."""
    return HealthView(status="ok", timestamp=seconds(asked.edge.services.import_steps.now_wall()))


async def get_readiness(asked: Asked[Nothing, Nothing]) -> ReadinessView | web.Response:
    """Whether the server can do its work; 503 when it cannot."""
    services = asked.edge.services
    try:
        await services.numbered.seqs_of("account", [""])
        database: Part = "ok"
    except StoreError:
        database = "error"
    folder = services.imports.folder.parent
    storage: Part = "ok" if await asyncio.to_thread(os.access, folder, os.W_OK) else "error"
    bus = await services.server_parts.bus()
    cache: Part = "ok" if bus.state is PartState.WELL else "error"
    view = ReadinessView(database=database, storage=storage, cache=cache)
    if "error" in (database, storage, cache):
        return web.Response(body=msgspec.json.encode(view), status=503, content_type=JSON)
    return view


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="GET",
        path="/health",
        handler=get_health,
        summary="Health check",
        tag=TAG,
        scope=None,
        returns=HealthView,
    ),
    Row(
        method="GET",
        path="/readiness",
        handler=get_readiness,
        summary="Readiness",
        tag=TAG,
        scope=None,
        returns=ReadinessView,
    ),
)
