"""`/v1/webhooks`: addresses that are told of events, and what was delivered to them."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.webhooks import Delivery, DeliveryStatus, Webhook
from ...errors import BadRequest, Conflict, NotFound, Unprocessable
from ...events.event_filter import MAX_PATTERNS
from ...events.webhook_addresses import MAX_URL_CHARS
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none
from .agents import given

TAG = "Webhooks"

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_URL_CHARS)]
Pattern = Annotated[str, msgspec.Meta(max_length=64)]
Patterns = Annotated[tuple[Pattern, ...], msgspec.Meta(max_length=MAX_PATTERNS)]
Description = Annotated[str, msgspec.Meta(max_length=500)]


class WebhookQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which webhooks."""

    sort: Literal["created_at", "-created_at"] = "-created_at"


class DeliveryQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries."""

    status: DeliveryStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address that is to be told."""

    url: Url
    "https; redirects are not followed."
    events: Patterns = ()
    "Types, or prefixes such as `call.*`; empty: all."
    description: Description = ""


class WebhookChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    url: Url | UnsetType = UNSET
    events: Patterns | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    "False: nothing is told, and what waits is given up."


class WebhookView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address that is told of events."""

    id: str
    seq: int
    owner_id: str
    url: str
    events: tuple[str, ...]
    description: str
    is_active: bool
    disabled_reason: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    secret: str | None = None
    "What deliveries are signed with. Shown when it is made, and never again."


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one address."""

    id: str
    webhook_id: str
    event_id: str
    call_id: str | None
    status: DeliveryStatus
    attempts: int
    next_try_at: datetime.datetime | None
    "null: it is finished, or waits for the one before it of the same call."
    response_status: int | None
    error: str
    created_at: datetime.datetime
    delivered_at: datetime.datetime | None


async def list_webhooks(asked: Asked[WebhookQuery, Nothing]) -> List[WebhookView]:
    """Your webhooks, newest first."""
    page = await asked.edge.services.webhooks.page(asked.who, asked.query.page())
    return list_of(page, [webhook_view(webhook) for webhook in page.items])


async def create_webhook(asked: Asked[Nothing, NewWebhook]) -> WebhookView:
    """Have an address told of what happens from now on. The answer has its secret: keep it.

    Each delivery is a POST with `{"id", "type", "at", "data"}` and the headers `Offhook-Event-Id`,
    `Offhook-Delivery` and `Offhook-Signature: t=<unix time>,v1=<hex>`, where v1 is HMAC-SHA256 of
    `<t>.<body>` with the secret (all of it, `whsec_` as well). Any 2xx within 10 s is a receipt;
    else it is tried again after 5 s, 30 s, 2 min, 10 min, 1 h, 6 h and 24 h. An event may come
    twice; those of one call come in order. 410 ends it all.
    """
    body = asked.body
    webhook = Webhook(
        owner_id=asked.who.account_id,
        url=body.url,
        secret="",
        events=body.events,
        description=body.description,
    )
    made, secret = await asked.edge.services.webhooks.create(asked.who, webhook)
    return webhook_view(made, secret)


async def get_webhook(asked: Asked[Nothing, Nothing]) -> WebhookView:
    """One webhook."""
    return webhook_view(await asked.edge.services.webhooks.get(asked.who, asked.path("id")))


async def change_webhook(asked: Asked[Nothing, WebhookChanges]) -> WebhookView:
    """Change a webhook, or switch it off and on; what happens while it is off is not told."""
    webhooks = asked.edge.services.webhooks
    return webhook_view(await webhooks.change(asked.who, asked.path("id"), given(asked.body)))


async def delete_webhook(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a webhook and its deliveries."""
    await asked.edge.services.webhooks.delete(asked.who, asked.path("id"))


async def renew_webhook_secret(asked: Asked[Nothing, Nothing]) -> WebhookView:
    """Give a webhook another secret; the old one signs nothing any more."""
    made, secret = await asked.edge.services.webhooks.renew_secret(asked.who, asked.path("id"))
    return webhook_view(made, secret)


async def test_webhook(asked: Asked[Nothing, Nothing]) -> DeliveryView:
    """Send a webhook an event of the type `webhook.test`."""
    return delivery_view(await asked.edge.services.webhooks.test(asked.who, asked.path("id")))


async def list_deliveries(asked: Asked[DeliveryQuery, Nothing]) -> List[DeliveryView]:
    """What was and is to be delivered to a webhook, newest first."""
    query = asked.query
    webhooks = asked.edge.services.webhooks
    page = await webhooks.deliveries(asked.who, asked.path("id"), query.page(), query.status)
    return list_of(page, [delivery_view(delivery) for delivery in page.items])


async def redeliver(asked: Asked[Nothing, Nothing]) -> DeliveryView:
    """Deliver an event once more, as long as it is kept."""
    webhooks = asked.edge.services.webhooks
    delivery = await webhooks.redeliver(asked.who, asked.path("id"), asked.path("delivery"))
    return delivery_view(delivery)


def webhook_view(webhook: Webhook, secret: str | None = None) -> WebhookView:
    """A webhook as the API shows it."""
    same = ("id", "seq", "owner_id", "url", "events", "description", "is_active", "disabled_reason")
    return WebhookView(
        **{name: getattr(webhook, name) for name in same},
        created_at=utc(webhook.created_wall),
        updated_at=utc(webhook.updated_wall),
        secret=secret,
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    """A delivery as the API shows it."""
    same = (
        *("id", "webhook_id", "event_id", "call_id"),
        *("status", "attempts", "response_status", "error"),
    )
    return DeliveryView(
        **{name: getattr(delivery, name) for name in same},
        next_try_at=utc_or_none(delivery.next_try_wall),
        created_at=utc(delivery.created_wall),
        delivered_at=utc_or_none(delivery.delivered_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/webhooks",
        list_webhooks,
        "List webhooks",
        "events:read",
        query=WebhookQuery,
        returns=List[WebhookView],
    ),
    _route(
        "POST",
        "/v1/webhooks",
        create_webhook,
        "Make a webhook",
        "events:write",
        body=NewWebhook,
        returns=WebhookView,
        status=201,
        problems=(BadRequest, Conflict, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/webhooks/{id}",
        get_webhook,
        "Get a webhook",
        "events:read",
        returns=WebhookView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/webhooks/{id}",
        change_webhook,
        "Change a webhook",
        "events:write",
        body=WebhookChanges,
        returns=WebhookView,
        problems=(BadRequest, NotFound, Unprocessable),
    ),
    _route(
        "DELETE",
        "/v1/webhooks/{id}",
        delete_webhook,
        "Delete a webhook",
        "events:write",
        status=204,
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/webhooks/{id}/secret",
        renew_webhook_secret,
        "Renew a webhook's secret",
        "events:write",
        returns=WebhookView,
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/webhooks/{id}/test",
        test_webhook,
        "Try a webhook",
        "events:write",
        returns=DeliveryView,
        status=202,
        problems=(Conflict, NotFound),
    ),
    _route(
        "GET",
        "/v1/webhooks/{id}/deliveries",
        list_deliveries,
        "List a webhook's deliveries",
        "events:read",
        query=DeliveryQuery,
        returns=List[DeliveryView],
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
        redeliver,
        "Deliver an event once more",
        "events:write",
        returns=DeliveryView,
        status=202,
        problems=(Conflict, NotFound),
    ),
)
