"""One text for many users, what became of texts, and those that come in."""

import re
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from ...auth.principal import OPERATOR
from ...domain.broadcasts import Broadcast, BroadcastStatus
from ...domain.messages import SmsMessage, SmsStatus
from ...errors import Forbidden, NotFound, Unprocessable
from ...http.route import Asked, Nothing
from ...http.v1.twilio import OVER_QUOTA, taken_in, twiml_answer
from ...messages.twilio_hook import FORM, XML
from ...services.access import missing
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds, seconds_or_none
from .forms import BASE, Tier
from .users import Message, Word

TAG = "Messaging"
MARGIN_S = 60.0
"Until a provider has answered for the last of a broadcast's texts, as a rule of thumb."
THANKS = "Thank you for your message! I'm processing your request and will respond shortly."
_BROADCAST = re.compile(r"broadcast_([0-9]{8})_([0-9]{3,9})\Z", re.ASCII)
_MESSAGE = re.compile(r"msg_([1-9][0-9]{0,17})\Z", re.ASCII)

BroadcastWord = Literal["queued", "sending", "completed", "failed"]
STATUS: dict[BroadcastStatus, BroadcastWord] = {
    BroadcastStatus.QUEUED: "queued",
    BroadcastStatus.SENDING: "sending",
    BroadcastStatus.COMPLETED: "completed",
}
STATUS_OF_ONE: dict[SmsStatus, BroadcastWord] = {
    SmsStatus.RECEIVED: "completed",
    SmsStatus.KEPT: "completed",
    SmsStatus.QUEUED: "sending",
    SmsStatus.SENT: "completed",
    SmsStatus.DELIVERED: "completed",
    SmsStatus.FAILED: "failed",
}


class NewBroadcast(msgspec.Struct, frozen=True, kw_only=True):
    """A text for many."""

    message: Message
    tier_filter: Annotated[tuple[Tier, ...], msgspec.Meta(max_length=3)] = ()
    "Left out, or empty: all tiers."
    message_type: Word = "announcement"


class BroadcastView(msgspec.Struct, frozen=True, kw_only=True):
    """A text for many that was taken."""

    message_id: str
    recipients_count: int
    estimated_delivery: Moment
    status: Literal["queued"]


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a text."""

    message_id: str
    status: BroadcastWord
    sent_count: int
    failed_count: int
    delivery_rate: float
    "Percent of all recipients."
    created_at: Moment
    completed_at: Moment | None


async def broadcast(asked: Asked[Nothing, NewBroadcast]) -> BroadcastView:
    """Send a text to all users, or those of some tiers."""
    body, broadcasts = asked.body, asked.edge.services.broadcasts
    made = await broadcasts.create(OPERATOR, body.message, body.tier_filter, body.message_type)
    wait_s = made.recipients / broadcasts.per_s + MARGIN_S
    return BroadcastView(
        message_id=_called(made),
        recipients_count=made.recipients,
        estimated_delivery=seconds(made.created_wall + wait_s),
        status="queued",
    )


async def get_status(asked: Asked[Nothing, Nothing]) -> StatusView:
    """What became of a broadcast, or of a message to one user."""
    text, services = asked.path("broadcast"), asked.edge.services
    if found := _BROADCAST.match(text):
        made = await services.broadcasts.of_day(OPERATOR, int(found[1]), int(found[2]))
        return _of_broadcast(made)
    if found := _MESSAGE.match(text):
        id_ = await services.numbered.id_of(asked.who, "sms", int(found[1]))
        if id_ is not None:
            return _of_message(text, await services.sms.get(OPERATOR, id_))
    raise missing("message", text)


async def receive_sms(asked: Asked[Nothing, Nothing]) -> web.Response:
    """Keep a text that has come in; an agent answers by an SMS of its own."""
    taken = await taken_in(asked)
    return twiml_answer(OVER_QUOTA if taken.is_over_quota else THANKS)


def _called(made: Broadcast) -> str:
    return f"broadcast_{made.day:08}_{made.number:03}"


def _of_broadcast(made: Broadcast) -> StatusView:
    rate = 100.0 * made.sent / made.recipients if made.recipients else 0.0
    return StatusView(
        message_id=_called(made),
        status=STATUS[made.status],
        sent_count=made.sent,
        failed_count=made.failed,
        delivery_rate=round(rate, 1),
        created_at=seconds(made.created_wall),
        completed_at=seconds_or_none(made.finished_wall),
    )


def _of_message(name: str, sms: SmsMessage) -> StatusView:
    status = STATUS_OF_ONE[sms.status]
    is_over = status != "sending"
    return StatusView(
        message_id=name,
        status=status,
        sent_count=int(status == "completed"),
        failed_count=int(status == "failed"),
        delivery_rate=100.0 if status == "completed" else 0.0,
        created_at=seconds(sms.created_wall),
        completed_at=seconds(sms.updated_wall) if is_over else None,
    )


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="POST",
        path=f"{BASE}/messaging/broadcast/",
        handler=broadcast,
        summary="Send broadcast message",
        tag=TAG,
        scope="messages:write",
        admin=True,
        body=NewBroadcast,
        returns=BroadcastView,
        example={
            "message": "System maintenance scheduled for tonight at 2 AM EST.",
            "tier_filter": ["premium", "enterprise"],
            "message_type": "announcement",
        },
    ),
    Row(
        method="GET",
        path=f"{BASE}/messaging/status/{{broadcast}}/",
        handler=get_status,
        summary="Get message status",
        tag=TAG,
        scope="messages:read",
        admin=True,
        returns=StatusView,
        problems=(NotFound,),
    ),
    Row(
        method="POST",
        path=f"{BASE}/sms/receive/",
        handler=receive_sms,
        summary="SMS webhook (Twilio)",
        tag="Webhooks",
        scope=None,
        raw_body=FORM,
        content=XML,
        problems=(Forbidden, Unprocessable),
    ),
)
