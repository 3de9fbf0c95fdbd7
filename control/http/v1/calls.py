"""`/v1/calls`: place, list, look at, change, end, listen to. Steered by call_control.py."""

import asyncio
import contextlib
import datetime
import functools
import zoneinfo
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from ...domain.analyses import Sentiment
from ...domain.calls import CallStatus, Outcome, Priority
from ...errors import BadRequest, Conflict, Gone, NotFound, Unavailable, Unprocessable
from ...recordings.files import RENDITIONS
from ...services.calls import NewCall
from ...services.recordings import WAV
from ...store.calls import CallFilter
from ..lists import DEFAULT_LIMIT, Limit, List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import wall_of
from .agents import given
from .recordings import PARTS, Converting, FormatQuery, audio_file, file_response
from .turn_views import TurnList, turn_views
from .views import (
    CallItem,
    CallView,
    Direction,
    analysed_call_view,
    call_item,
    call_view,
)

TAG = "Calls"

ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MAX_BODY_BYTES = 48 * 1024


class CallsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls."""

    status: ShortText | None = None
    "One or several, with commas between: scheduled, queued, dialing, ringing, live, ended."
    outcome: Outcome | None = None
    sentiment: Sentiment | None = None
    "Of the caller."
    direction: Direction | None = None
    agent_id: ShortText | None = None
    number: ShortText | None = None
    "Of either side, as it is stored."
    line: ShortText | None = None
    schedule_id: ShortText | None = None
    campaign_id: ShortText | None = None
    import_job_id: ShortText | None = None
    tag: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    "Of a note about it."
    created_after: datetime.datetime | None = None
    created_before: datetime.datetime | None = None
    search: ShortText | None = None
    "A part of a number or of the agent's name."
    sort: Literal["created_at", "-created_at", "started_at", "-started_at"] = "-created_at"

    def wanted(self) -> CallFilter:
        """As the store is asked. Raises BadRequest."""
        after, before = self.created_after, self.created_before
        return CallFilter(
            statuses=None if self.status is None else statuses_of(self.status),
            outcome=self.outcome,
            sentiment=self.sentiment,
            inbound=None if self.direction is None else self.direction == "inbound",
            agent_id=self.agent_id,
            number=self.number,
            line=self.line,
            schedule_id=self.schedule_id,
            campaign_id=self.campaign_id,
            import_job_id=self.import_job_id,
            tag=self.tag,
            created_after_wall=None if after is None else wall_of(after),
            created_before_wall=None if before is None else wall_of(before),
            search=self.search,
        )


class CallWish(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """A call to be placed."""

    to: Address
    "A number (E.164, 3 to 15 digits, `+` or not) or a SIP address."
    agent_id: ShortText | None = None
    "Who speaks; left out: the default agent."
    from_: Address | None = None
    "The number that is shown; left out: the line's own."
    line: ShortText = ""
    "Left out: the lines that can call out, in their order."
    context: dict[str, Any] = {}
    "What the agent is told about this call."
    metadata: dict[str, Any] = {}
    "Whatever you keep with it."
    priority: Priority = Priority.NORMAL
    scheduled_for: datetime.datetime | None = None
    "Left out, or past: as soon as there is room. Without a zone it is one of `timezone`."
    timezone: ShortText = "UTC"
    ring_limit_s: float = 30.0
    "It is not let ring for longer; 5 to 180."


class CallChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays. Once dialled, a call has only its data."""

    context: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    scheduled_for: datetime.datetime | None | UnsetType = UNSET
    "null: as soon as there is room."
    timezone: ShortText | UnsetType = UNSET


class TurnsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which turns."""

    after: Annotated[int, msgspec.Meta(ge=-1)] = -1
    "The index of the last one that you have."
    limit: Limit = DEFAULT_LIMIT


async def list_calls(asked: Asked[CallsQuery, Nothing]) -> List[CallItem]:
    """Calls, newest first; those in progress as they are now."""
    wanted = asked.query.wanted()
    page = await asked.edge.services.calls.page(asked.who, asked.query.page(), wanted)
    return list_of(page, [call_item(call) for call in page.items])


async def place_call(asked: Asked[Nothing, CallWish]) -> CallView:
    """Ask for a call: it is stored, and dialled as soon as it is due and there is room.

    It is dialled once: a line that fails before the far end rings is followed by the next one.
    """
    body = asked.body
    fields = msgspec.structs.asdict(body)
    fields["scheduled_wall"] = _moment(fields.pop("scheduled_for"), body.timezone)
    fields["from_"] = body.from_ or ""
    return call_view(await asked.edge.services.calls.place(asked.who, NewCall(**fields)))


async def get_call(asked: Asked[Nothing, Nothing]) -> CallView:
    """One call with its turns, latencies and the line's quality; also while it runs."""
    services, call_id = asked.edge.services, asked.path("id")
    call = await services.calls.get(asked.who, call_id)
    if call.status is not CallStatus.ENDED:
        return call_view(call)
    analyses = await services.analyses.of_calls(asked.who, [call_id])
    return analysed_call_view(call, analyses.get(call_id))


async def change_call(asked: Asked[Nothing, CallChanges]) -> CallView:
    """Change when a waiting call is placed, or the data that you keep with any call."""
    changes = given(asked.body)
    if "scheduled_for" in changes:
        zone = changes.get("timezone", "UTC")
        changes["scheduled_wall"] = _moment(changes.pop("scheduled_for"), zone)
    calls = asked.edge.services.calls
    return call_view(await calls.change(asked.who, asked.path("id"), changes))


async def end_call(asked: Asked[Nothing, Nothing]) -> CallView:
    """End a call: one that waits is cancelled; one in progress ends soon, `call.ended` follows."""
    return call_view(await asked.edge.services.calls.end(asked.who, asked.path("id")))


async def hang_up(asked: Asked[Nothing, Nothing]) -> CallView:
    """The same as DELETE."""
    return await end_call(asked)


async def get_turns(asked: Asked[TurnsQuery, Nothing]) -> TurnList:
    """The turns of a call, in their order; of one in progress, those that are over."""
    after, limit = asked.query.after, asked.query.limit
    calls = asked.edge.services.calls
    turns, rate_hz = await calls.turns(asked.who, asked.path("id"), after, limit)
    return TurnList(turn_views(turns, rate_hz), turns[-1].index if len(turns) == limit else None)


async def get_recording(asked: Asked[FormatQuery, Nothing]) -> web.StreamResponse:
    """The WAV, caller left, agent right; ranges too (RFC 9110 §14); of a live call as it is.

    Of an ended call other formats as well: 202 while it is made, ask again.
    """
    services, call_id, format_ = asked.edge.services, asked.path("id"), asked.query.format
    recording = await services.recordings.of_call(asked.who, call_id)
    if recording is not None:
        return await file_response(asked, recording, format_)
    path = await services.calls.recording_path(asked.who, call_id)
    if path is None or not await asyncio.to_thread(path.is_file):
        raise NotFound(f"call {call_id} has no recording")
    if format_ != WAV:
        raise Conflict("a recording is converted when its call has ended")
    return audio_file(path, WAV)


def statuses_of(text: str) -> tuple[CallStatus, ...]:
    """`live,ringing`. Raises BadRequest."""
    try:
        return tuple(CallStatus(name) for name in text.split(","))
    except ValueError as exc:
        names = ", ".join(status.value for status in CallStatus)
        raise BadRequest(f"one or several of {names}", field="status") from exc


def _moment(moment: datetime.datetime | None, timezone: str) -> float | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        # The service names the fault, with all others.
        with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
    return wall_of(moment)


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/calls",
        list_calls,
        "List calls",
        "calls:read",
        query=CallsQuery,
        returns=List[CallItem],
    ),
    _route(
        "POST",
        "/v1/calls",
        place_call,
        "Place a call",
        "calls:write",
        body=CallWish,
        returns=CallView,
        status=202,
        problems=(Unprocessable,),
        max_body_bytes=MAX_BODY_BYTES,
    ),
    _route(
        "GET",
        "/v1/calls/{id}",
        get_call,
        "Get a call",
        "calls:read",
        returns=CallView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/calls/{id}",
        change_call,
        "Change a call",
        "calls:write",
        body=CallChanges,
        returns=CallView,
        problems=(NotFound, Conflict, Unprocessable),
        max_body_bytes=MAX_BODY_BYTES,
    ),
    *(
        _route(
            method,
            path,
            handler,
            summary,
            "calls:write",
            returns=CallView,
            status=202,
            problems=(NotFound, Conflict),
        )
        for method, path, handler, summary in (
            ("DELETE", "/v1/calls/{id}", end_call, "End a call"),
            ("POST", "/v1/calls/{id}/hangup", hang_up, "Hang up"),
        )
    ),
    _route(
        "GET",
        "/v1/calls/{id}/turns",
        get_turns,
        "List a call's turns",
        "calls:read",
        query=TurnsQuery,
        returns=TurnList,
        problems=(NotFound,),
    ),
    _route(
        "GET",
        "/v1/calls/{id}/recording",
        get_recording,
        "Download the recording",
        "calls:read",
        query=FormatQuery,
        content="audio/wav",
        other_content=tuple(RENDITIONS.values()),
        also=((202, Converting),),
        bare=PARTS,
        problems=(NotFound, Conflict, Gone, Unavailable),
    ),
)
