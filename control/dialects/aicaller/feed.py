"""What happens, in this API's words: nine kinds of messages, for who wants to hear of which calls.

`call.*` carry the call as GET shows it. Which calls somebody may hear of at all is the bus's
matter: it tells nobody of other accounts' (services/event_log.py).
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ....media.conversation.records import CallStarted, TurnAdded
from ...domain.calls import CallStatus
from ...domain.events import (
    AboutCall,
    AnyEvent,
    CallAnalysed,
    CallQaScored,
    CallSentimentChanged,
    CallStatusChanged,
    CallUpdated,
    EscalationBridged,
    EscalationClosed,
    EscalationOpened,
    NoteAdded,
    NotificationCreated,
    type_of,
)
from ...errors import NotFound
from ...events.event_filter import EventFilter
from ...events.events import Subscription
from ...http.route import Asked
from ...services.event_log import visible
from ..moments import Moment, seconds
from ..speaking import speaking
from .call_views import escalation_view, interaction_view, view_of
from .notifications import NotificationView

MAX_CALLS = 100
"That somebody may name."
SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
SUBSCRIBED, UNSUBSCRIBED, ERROR = "subscribed", "unsubscribed", "error"
ALL, ONE = "all_calls", "call"


class Message(msgspec.Struct, frozen=True):
    """What is told."""

    event: str
    type: str
    "The same."
    data: Any
    timestamp: Moment


def _name_of_status(event: CallStatusChanged) -> str | None:
    """A call begins when it is dialled, and not before; its end is told once."""
    if event.status in (CallStatus.SCHEDULED, CallStatus.QUEUED):
        return None
    if event.status is CallStatus.DIALING:
        return "call.started"
    return "call.ended" if event.status is CallStatus.ENDED else "call.updated"


NAMES: dict[type[AnyEvent], Callable[[Any], str | None]] = {
    # One that goes out has been told of when it was dialled.
    CallStarted: lambda event: "call.started" if event.inbound else None,
    CallStatusChanged: _name_of_status,
    CallUpdated: lambda _: "call.updated",
    CallAnalysed: lambda _: "call.updated",
    NoteAdded: lambda _: "call.updated",
    EscalationBridged: lambda _: "call.updated",
    TurnAdded: lambda event: "interaction.added" if event.turn.text else None,
    CallSentimentChanged: lambda _: "sentiment.changed",
    CallQaScored: lambda _: "qa.score.updated",
    EscalationOpened: lambda _: "escalation.triggered",
    EscalationClosed: lambda _: "escalation.completed",
    NotificationCreated: lambda _: "notification.created",
}
"By the event's type; None: it is not told."
TYPES = tuple(str(kind.__struct_config__.tag) for kind in NAMES)


class Feed:
    """What one client wants to hear, and hears. Without a subscription: notifications alone."""

    def __init__(self, asked: Asked[Any, Any]) -> None:
        self._asked = asked
        self.all_calls = False
        self.calls: set[str] = set()
        who = asked.who
        events = asked.edge.services.events
        self.subscription: Subscription = events.follow(visible(who, EventFilter(types=TYPES)))
        self.subscription.whose = who.account_id

    def hear(self, name: str, wish: Any) -> Message:
        """What a client says, and the answer to it."""
        if name not in (SUBSCRIBE, UNSUBSCRIBE) or not isinstance(wish, dict):
            return self._misunderstood('say subscribe with {"type": "all_calls"} or a call_id')
        wanted = name == SUBSCRIBE
        kind, call_id = wish.get("type", ONE if "call_id" in wish else ALL), wish.get("call_id")
        if kind == ALL:
            self.all_calls = wanted
            if not wanted:
                self.calls.clear()
            return self._said(SUBSCRIBED if wanted else UNSUBSCRIBED, {"type": ALL})
        if kind != ONE or not isinstance(call_id, str) or not 1 <= len(call_id) <= 64:
            return self._misunderstood("type is all_calls, or call with a call_id")
        if wanted and len(self.calls) >= MAX_CALLS:
            return self._misunderstood(f"at most {MAX_CALLS} calls: ask for all_calls")
        (self.calls.add if wanted else self.calls.discard)(call_id.lower())
        told = {"type": ONE, "call_id": call_id}
        return self._said(SUBSCRIBED if wanted else UNSUBSCRIBED, told)

    async def next(self) -> Message | None:
        """What is told next; None: the subscription is closed. Raises StoreError."""
        async for published in self.subscription:
            event = published.event
            if event is None or not self._wants(event):
                continue
            told = await self.message_of(event)
            if told is not None:
                return told
        return None

    async def message_of(self, event: AnyEvent) -> Message | None:
        """An event in this API's words; None: it has none, or what it is about is gone."""
        name = NAMES[type(event)](event) if type(event) in NAMES else None
        if name is None:
            return None
        try:
            data = await self._data(name, event)
        except NotFound:
            return None
        return Message(name, name, data, seconds(event.at_wall))

    def close(self) -> None:
        """Nobody listens any more."""
        self.subscription.close("the client left")

    def _wants(self, event: AnyEvent) -> bool:
        if isinstance(event, NotificationCreated):
            return True
        return self.all_calls or event.call_id in self.calls

    async def _data(self, name: str, event: AnyEvent) -> Any:
        services, who = self._asked.edge.services, self._asked.who
        match event:
            case TurnAdded():
                call = await services.calls.get(who, event.call_id)
                rate_hz = None if call.record is None else call.record.rate_hz
                interaction = interaction_view(call, event.turn, rate_hz)
                return {"call_id": event.call_id, "interaction": interaction}
            case CallSentimentChanged():
                previous = None if event.previous is None else event.previous.value
                label = event.label.value
                return {"call_id": event.call_id, "previous": previous, "sentiment": label}
            case CallQaScored():
                return {"call_id": event.call_id, "qa_score": event.qa_score}
            case EscalationOpened() | EscalationClosed():
                escalation = await services.escalations.get(who, event.escalation_id)
                told = msgspec.to_builtins(escalation_view(escalation))
                return {"call_id": event.call_id, "escalation": told}
            case NotificationCreated():
                return NotificationView(
                    id=event.notification_id,
                    type=event.kind,
                    title=event.title,
                    message=event.message,
                    call_id=event.call_id,
                    is_read=False,
                    created_at=seconds(event.at_wall),
                    read_at=None,
                )
        assert isinstance(event, AboutCall | CallStarted), f"{type_of(event)} is about a call"
        return await view_of(self._asked, event.call_id)

    def _misunderstood(self, said: str) -> Message:
        return self._said(ERROR, {"code": "VALIDATION_ERROR", "message": said})

    def _said(self, name: str, data: dict[str, Any]) -> Message:
        return Message(name, name, data, seconds(speaking(self._asked).wall()))
