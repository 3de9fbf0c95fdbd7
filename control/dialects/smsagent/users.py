"""People who write: contacts, called by their numbers."""

import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...auth.principal import OPERATOR
from ...domain.messages import Contact, SmsStatus
from ...domain.sms_figures import TaskFigures
from ...errors import Conflict, FieldError, NotFound, Unprocessable
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.contacts import ContactFilter
from ...services.sms import NewSms
from ...services.sms_tasks import Requests, TaskFilter
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds
from ..paging import Limit, PageNumber, numbered
from ..reading import Email, Phone, Short
from .forms import BASE, Sheet, Tier, sheet, tier_of

TAG = "User management"
FAVORITES = 3

Preferences = Annotated[dict[str, Any], msgspec.Meta(max_length=100)]
Message = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

SentWord = Literal["queued", "sent", "delivered", "failed"]
SENT: dict[SmsStatus, SentWord] = {
    SmsStatus.RECEIVED: "delivered",
    SmsStatus.KEPT: "queued",
    SmsStatus.QUEUED: "queued",
    SmsStatus.SENT: "sent",
    SmsStatus.DELIVERED: "delivered",
    SmsStatus.FAILED: "failed",
}


class UsersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which users."""

    tier: Tier | None = None
    page: PageNumber = 1
    page_size: Limit = 20


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user to be made."""

    phone_number: Phone
    tier: Tier = "free"
    email: Email | None = None
    full_name: Short | None = None
    timezone: Short = "UTC"
    preferences: Preferences = {}


class UserChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    tier: Tier | UnsetType = UNSET
    email: Email | None | UnsetType = UNSET
    full_name: Short | None | UnsetType = UNSET
    timezone: Short | UnsetType = UNSET
    preferences: Preferences | UnsetType = UNSET


class TierChange(msgspec.Struct, frozen=True, kw_only=True):
    """Another tier."""

    tier: Tier
    reason: Short | None = None


class MessageToUser(msgspec.Struct, frozen=True, kw_only=True):
    """An SMS for a user."""

    message: Message
    message_type: Word = "notification"


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user."""

    phone_number: str
    tier: Tier
    email: str | None
    full_name: str | None
    created_at: Moment
    last_active: Moment
    total_requests: int
    monthly_requests: int
    "Of this calendar month."
    timezone: str
    preferences: dict[str, Any]


class UsersPage(Sheet, frozen=True, kw_only=True):
    """Users, the newest first."""

    results: list[UserView]


class UserStats(msgspec.Struct, frozen=True, kw_only=True):
    """How a user's tasks went."""

    success_rate: float
    "Percent."
    avg_response_time: float
    "Seconds."
    favorite_categories: list[str]


class UserDetails(UserView, frozen=True, kw_only=True):
    """A user, and how their tasks went."""

    rate_limit_reset: Moment | None
    "When their tier's texts of an hour are back."
    stats: UserStats


class TierChangedView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of tier."""

    phone_number: str
    tier: Tier
    previous_tier: Tier
    reason: str | None
    updated_at: Moment


class MessageSentView(msgspec.Struct, frozen=True, kw_only=True):
    """An SMS that was given away."""

    message_id: str
    phone_number: str
    message_type: str
    status: SentWord
    created_at: Moment


async def list_users(asked: Asked[UsersQuery, Nothing]) -> UsersPage:
    """Users in pages."""
    query, services = asked.query, asked.edge.services
    wanted, where = numbered(query.page, query.page_size), ContactFilter(tier=query.tier)
    page = await services.contacts.page(OPERATOR, wanted, where)
    counts = await services.sms_tasks.requests_of([contact.id for contact in page.items])
    views = [UserView(**_shown(contact, counts[contact.id])) for contact in page.items]
    return UsersPage(**sheet(asked, page, query.page, wanted.limit), results=views)


async def create_user(asked: Asked[Nothing, NewUser]) -> UserView:
    """Make a user. Whoever sends an SMS becomes one by themselves."""
    body = asked.body
    contact = Contact(
        owner_id=OPERATOR.account_id,
        phone_number=body.phone_number,
        tier=body.tier,
        email=body.email,
        full_name=body.full_name or "",
        timezone=body.timezone,
        preferences=body.preferences,
    )
    try:
        contact = await asked.edge.services.contacts.create(OPERATOR, contact)
    except Conflict as exc:
        said = "user with this phone number already exists"
        raise Unprocessable(said, [FieldError("phone_number", said)]) from exc
    return UserView(**_shown(contact, Requests()))


async def get_user(asked: Asked[Nothing, Nothing]) -> UserDetails:
    """A user."""
    return await _details(asked, await _contact(asked))


async def change_user(asked: Asked[Nothing, UserChanges]) -> UserDetails:
    """Change a user; what is not sent stays."""
    contact = await _contact(asked)
    changes = given(asked.body)
    if "full_name" in changes:
        changes["full_name"] = changes["full_name"] or ""
    contacts = asked.edge.services.contacts
    return await _details(asked, await contacts.change(OPERATOR, contact.id, changes))


async def update_tier(asked: Asked[Nothing, TierChange]) -> TierChangedView:
    """Give a user another tier; the reason stays in their history."""
    before, body = await _contact(asked), asked.body
    changes = {"tier": body.tier}
    contacts = asked.edge.services.contacts
    contact = await contacts.change(OPERATOR, before.id, changes, body.reason or "")
    return TierChangedView(
        phone_number=contact.phone_number,
        tier=tier_of(contact),
        previous_tier=tier_of(before),
        reason=body.reason,
        updated_at=seconds(contact.updated_wall),
    )


async def send_message(asked: Asked[Nothing, MessageToUser]) -> MessageSentView:
    """Send an SMS to a user."""
    contact, body = await _contact(asked), asked.body
    wanted = NewSms(to=contact.phone_number, body=body.message, kind="notification")
    sms = await asked.edge.services.sms.send(OPERATOR, wanted)
    return MessageSentView(
        message_id=f"msg_{sms.seq}",
        phone_number=contact.phone_number,
        message_type=body.message_type,
        status=SENT[sms.status],
        created_at=seconds(sms.created_wall),
    )


async def _contact(asked: Asked[Any, Any]) -> Contact:
    return await asked.edge.services.contacts.get(OPERATOR, asked.path("contact"))


async def _details(asked: Asked[Any, Any], contact: Contact) -> UserDetails:
    services = asked.edge.services
    counts = await services.sms_tasks.requests_of([contact.id])
    figures = await services.sms_figures.tasks(OPERATOR, TaskFilter(contact_id=contact.id))
    return UserDetails(
        **_shown(contact, counts[contact.id]),
        rate_limit_reset=seconds(services.sms_tasks.quota_reset_wall()),
        stats=_stats(figures),
    )


def _stats(figures: TaskFigures) -> UserStats:
    return UserStats(
        success_rate=round(figures.all.success_rate, 1),
        avg_response_time=round(figures.all.mean_processing_s, 2),
        favorite_categories=list(figures.by_category)[:FAVORITES],
    )


def _shown(contact: Contact, requests: Requests) -> dict[str, Any]:
    seen = contact.last_seen_wall
    return {
        "phone_number": contact.phone_number,
        "tier": tier_of(contact),
        "email": contact.email,
        "full_name": contact.full_name or None,
        "created_at": seconds(contact.created_wall),
        "last_active": seconds(contact.created_wall if seen is None else seen),
        "total_requests": requests.total,
        "monthly_requests": requests.this_month,
        "timezone": contact.timezone,
        "preferences": contact.preferences,
    }


PATH = f"{BASE}/users/"
ONE = f"{PATH}{{contact}}/"
READ, WRITE = "contacts:read", "contacts:write"
_row = functools.partial(Row, tag=TAG, admin=True)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        PATH,
        list_users,
        "List users",
        READ,
        query=UsersQuery,
        returns=UsersPage,
        problems=(NotFound,),
    ),
    _row(
        "POST",
        PATH,
        create_user,
        "Create user",
        WRITE,
        body=NewUser,
        returns=UserView,
        status=201,
        example={
            "phone_number": "+1987654321",
            "tier": "free",
            "email": "newuser@example.com",
            "full_name": "Jane Smith",
            "timezone": "America/New_York",
            "preferences": {"notifications": True, "language": "en"},
        },
    ),
    _row("GET", ONE, get_user, "Get user details", READ, returns=UserDetails, problems=(NotFound,)),
    _row(
        "PATCH",
        ONE,
        change_user,
        "Update user",
        WRITE,
        body=UserChanges,
        returns=UserDetails,
        problems=(NotFound,),
        example={"tier": "premium", "preferences": {"notifications": False, "language": "es"}},
    ),
    _row(
        "POST",
        f"{ONE}update_tier/",
        update_tier,
        "Update user tier",
        WRITE,
        body=TierChange,
        returns=TierChangedView,
        problems=(NotFound,),
        example={"tier": "enterprise", "reason": "Upgrade for increased usage"},
    ),
    _row(
        "POST",
        f"{ONE}send_message/",
        send_message,
        "Send message to user",
        "messages:write",
        body=MessageToUser,
        returns=MessageSentView,
        problems=(NotFound,),
        example={"message": "Welcome to premium tier!", "message_type": "notification"},
    ),
)
