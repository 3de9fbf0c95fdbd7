"""Calls: placed, looked at, escalated to people, ended."""

import asyncio
import functools
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from ...domain.agents import AgentKind
from ...domain.calls import CallStatus
from ...domain.events import CallStatusChanged
from ...errors import Conflict, FieldError, NotFound, Unprocessable
from ...events.event_filter import EventFilter
from ...http.route import Asked, Nothing
from ...http.v1.recordings import audio_file
from ...services.access import missing
from ...services.agents import AgentFilter
from ...services.calls import NewCall as WantedCall
from ...services.escalations import NewEscalation
from ...store.calls import CallFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import named, own
from ..moments import AskedMoment, asked_moment
from ..paging import MAX_LIMIT, Limit, PageNumber, numbered, pages_of, total_of
from ..reading import REQUIRED, Phone, Short
from .call_views import CallView, Status, meant_by, view_of, views_of
from .forms import BASE, IDS

TAG = "Calls"
SORT = "-created_wall"
WAV = "wav"
END_S = 3.0
"How long the line may take to end a call before the answer comes all the same."

Reason = Annotated[str, msgspec.Meta(max_length=1000)]


class NewCall(msgspec.Struct, frozen=True, kw_only=True, rename={"to_phone": "toPhone"}):
    """A call that is wanted. The number may be under any of its four names."""

    to_number: Phone | None = None
    phone_number: Phone | None = None
    to: Phone | None = None
    to_phone: Phone | None = None
    business_id: Short | None = None
    "Left out: the first one."
    agent_id: Short | None = None
    "The person whom it concerns."
    metadata: dict[str, Any] | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A person is wanted; nothing need be said."""

    agent_id: Short | None = None
    "This one and nobody else; left out: whoever is available."
    reason: Reason | None = None


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls."""

    status: Status | None = None
    direction: Literal["inbound", "outbound"] | None = None
    business_id: Short | None = None
    from_date: AskedMoment | None = None
    to_date: AskedMoment | None = None
    page: PageNumber = 1
    limit: Limit = 20


class CallList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of calls."""

    items: list[CallView]
    total: int
    page: int
    limit: int
    pages: int


async def list_calls(asked: Asked[CallsQuery, Nothing]) -> CallList:
    """Your calls, newest first."""
    query, services = asked.query, asked.edge.services
    statuses, outcomes, escalated = meant_by(query.status)
    wanted = CallFilter(
        statuses=statuses,
        outcomes=outcomes,
        escalated=escalated,
        inbound=None if query.direction is None else query.direction == "inbound",
        agent_id=await named(IDS, asked, "agent", query.business_id),
        created_after_wall=asked_moment(query.from_date, "from_date"),
        created_before_wall=asked_moment(query.to_date, "to_date", last=True),
    )
    page = await services.calls.page(asked.who, numbered(query.page, query.limit, SORT), wanted)
    return CallList(
        items=await views_of(asked, page.items),
        total=total_of(page),
        page=query.page,
        limit=min(query.limit, MAX_LIMIT),
        pages=pages_of(total_of(page), query.limit),
    )


async def get_call(asked: Asked[Nothing, Nothing]) -> CallView:
    """One call, and what was said in it."""
    return await view_of(asked, await own(IDS, asked, "call"))


async def initiate_call(asked: Asked[Nothing, NewCall]) -> CallView:
    """Place a call now."""
    body, services = asked.body, asked.edge.services
    numbers = (body.to_number, body.phone_number, body.to, body.to_phone)
    number = next((each for each in numbers if each), None)
    if number is None:
        raise Unprocessable("no number", [FieldError("to_number", REQUIRED)])
    business_id = await named(IDS, asked, "agent", body.business_id)
    call = await services.calls.place(
        asked.who,
        WantedCall(
            to=number,
            agent_id=business_id or await _first_business(asked),
            human_agent_id=await named(IDS, asked, "agent", body.agent_id),
            metadata=body.metadata or {},
        ),
    )
    return await view_of(asked, call.id)


async def escalate_call(asked: Asked[Nothing, Wish]) -> CallView:
    """Ask a person into a live call. Events tell what comes of it."""
    services, body = asked.edge.services, asked.body
    id_ = await own(IDS, asked, "call")
    person = await named(IDS, asked, "agent", body.agent_id)
    if person is not None:
        agent = await services.agents.get(asked.who, person)
        if agent.kind is not AgentKind.HUMAN:
            raise missing("agent", person)
    wish = NewEscalation(reason=body.reason or "", human_agent_id=person)
    await services.escalations.open(asked.who, id_, wish)
    return await view_of(asked, id_)


async def end_call(asked: Asked[Nothing, Nothing]) -> CallView:
    """End a call, or cancel it while it waits; one that has ended stays as it is."""
    services, id_ = asked.edge.services, await own(IDS, asked, "call")
    if (await services.calls.get(asked.who, id_)).status is not CallStatus.ENDED:
        await _end(asked, id_)
    return await view_of(asked, id_)


async def get_recording(asked: Asked[Nothing, Nothing]) -> web.StreamResponse:
    """What was said, as a WAV file."""
    id_ = await own(IDS, asked, "call")
    recordings = asked.edge.services.recordings
    found = await recordings.of_call(asked.who, id_)
    path = None if found is None else await recordings.file(found, WAV)
    if path is None:
        raise NotFound(f"call {id_} has no recording")
    disposition = f'attachment; filename="{id_}.{WAV}"'
    return audio_file(path, WAV, {"Content-Disposition": disposition})


async def _first_business(asked: Asked[Any, Any]) -> str | None:
    """The one that was made first; None: there is none, and the default agent speaks."""
    wanted = AgentFilter(kind=AgentKind.AI, is_active=True, owner_id=asked.who.account_id)
    query = PageQuery(limit=1, sort="seq")
    page = await asked.edge.services.agents.page(asked.who, query, wanted)
    return page.items[0].id if page.items else None


async def _end(asked: Asked[Any, Any], id_: str) -> None:
    """Ask for the call's end, and wait for it, END_S at most."""
    services = asked.edge.services
    wanted = EventFilter(call_id=id_, types=("call.status",))
    subscription = services.events.follow(wanted)
    try:
        await services.calls.end(asked.who, id_)
        async with asyncio.timeout(END_S):
            async for published in subscription:
                event = published.event
                if isinstance(event, CallStatusChanged) and event.status is CallStatus.ENDED:
                    return
    except (Conflict, TimeoutError):
        return  # it has ended just now, or its line is slow
    finally:
        subscription.close("it was waited for")


NUMBER = "+1555123456"
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/calls",
        list_calls,
        "List calls",
        "calls:read",
        query=CallsQuery,
        returns=CallList,
    ),
    _row(
        "POST",
        f"{BASE}/calls/initiate",
        initiate_call,
        "Initiate outbound call",
        "calls:write",
        body=NewCall,
        returns=CallView,
        status=201,
        example={"to_number": NUMBER, "business_id": "{agent}"},
    ),
    _row(
        "GET",
        f"{BASE}/calls/{{call}}",
        get_call,
        "Get call details",
        "calls:read",
        returns=CallView,
    ),
    _row(
        "POST",
        f"{BASE}/calls/{{call}}/escalate",
        escalate_call,
        "Escalate call to human agent",
        "calls:write",
        body=Wish,
        returns=CallView,
        example={"reason": "Customer asked for a human"},
    ),
    _row(
        "POST",
        f"{BASE}/calls/{{call}}/end",
        end_call,
        "End a call",
        "calls:write",
        returns=CallView,
    ),
    _row(
        "GET",
        f"{BASE}/calls/{{call}}/recording",
        get_recording,
        "Get a call's recording",
        "calls:read",
        content="audio/wav",
        documented=False,
    ),
)
