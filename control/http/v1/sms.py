"""`/v1/messages`: SMS, in and out."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.messages import SmsMessage, SmsStatus
from ...errors import NotFound, Unprocessable
from ...messages.sms_segments import segments_of
from ...services.sms import NewSms, SmsFilter, SmsKind
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Messages"

Number = Annotated[str, msgspec.Meta(max_length=32)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class SmsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages."""

    direction: Literal["inbound", "outbound"] | None = None
    status: SmsStatus | None = None
    kind: SmsKind | None = None
    number: Number | None = None
    "Of either side."
    contact_id: ShortText | None = None
    search: ShortText | None = None
    "A part of the text."
    sort: Literal["created_at", "-created_at"] = "-created_at"


class SmsToSend(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    """An SMS to be sent."""

    to: Number
    body: Text
    from_: Number = ""
    "One of your numbers; left out: your first one."


class SmsView(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An SMS."""

    id: str
    seq: int
    owner_id: str
    direction: Literal["inbound", "outbound"]
    from_: str
    to: str
    body: str
    kind: str
    status: SmsStatus
    "`kept`: nothing is configured to send it by. `sent`: a provider has taken it."
    encoding: Literal["gsm7", "ucs2"]
    segments: int
    "SMS that the text takes."
    provider_sid: str | None
    error: str
    contact_id: str | None
    created_at: datetime.datetime
    sent_at: datetime.datetime | None


async def list_messages(asked: Asked[SmsQuery, Nothing]) -> List[SmsView]:
    """Your SMS, newest first."""
    query = asked.query
    wanted = SmsFilter(
        inbound=None if query.direction is None else query.direction == "inbound",
        status=query.status,
        kind=query.kind,
        number=query.number,
        contact_id=query.contact_id,
        search=query.search,
    )
    page = await asked.edge.services.sms.page(asked.who, query.page(), wanted)
    return list_of(page, [sms_view(message) for message in page.items])


async def send_message(asked: Asked[Nothing, SmsToSend]) -> SmsView:
    """Send an SMS. It is `kept` where nothing is configured to send by, and `queued` else.

    A text takes one SMS up to 160 characters of the GSM alphabet, or 70 of any other, and one for
    each 153 or 67 when it is longer; at most ten.
    """
    body = asked.body
    wanted = NewSms(to=body.to, body=body.body, from_=body.from_)
    return sms_view(await asked.edge.services.sms.send(asked.who, wanted))


async def get_message(asked: Asked[Nothing, Nothing]) -> SmsView:
    """One SMS."""
    return sms_view(await asked.edge.services.sms.get(asked.who, asked.path("id")))


def sms_view(message: SmsMessage) -> SmsView:
    """An SMS as the API shows it."""
    same = (
        *("id", "seq", "owner_id", "body", "kind", "status"),
        *("provider_sid", "error", "contact_id"),
    )
    text = segments_of(message.body)
    return SmsView(
        **{name: getattr(message, name) for name in same},
        direction="inbound" if message.inbound else "outbound",
        from_=message.from_number,
        to=message.to_number,
        encoding=text.encoding,
        segments=text.segments,
        created_at=utc(message.created_wall),
        sent_at=utc_or_none(message.sent_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/messages",
        list_messages,
        "List SMS",
        "messages:read",
        query=SmsQuery,
        returns=List[SmsView],
    ),
    _route(
        "POST",
        "/v1/messages",
        send_message,
        "Send an SMS",
        "messages:write",
        body=SmsToSend,
        returns=SmsView,
        status=201,
        problems=(Unprocessable,),
    ),
    _route(
        "GET",
        "/v1/messages/{id}",
        get_message,
        "Get an SMS",
        "messages:read",
        returns=SmsView,
        problems=(NotFound,),
    ),
)
