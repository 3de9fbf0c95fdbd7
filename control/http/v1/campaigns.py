"""`/v1/campaigns`: many numbers for one agent."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.calls import Priority
from ...domain.campaigns import Campaign, CampaignStatus, Progress, Target, TargetStatus, Window
from ...errors import Conflict, NotFound, Unprocessable
from ...services.campaigns import CampaignFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none
from .agents import given

TAG = "Campaigns"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
LongText = Annotated[str, msgspec.Meta(max_length=5000)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MAX_NUMBERS = 10_000
"Of one request; a campaign takes more by several."
Numbers = Annotated[tuple[Address, ...], msgspec.Meta(max_length=MAX_NUMBERS)]
MAX_BODY_BYTES = 48 * 1024
MAX_NUMBERS_BYTES = 512 * 1024
RENAMED = {"from_": "from"}
SAME = (
    "name",
    "description",
    "agent_id",
    "line",
    "context",
    "metadata",
    "priority",
    "ring_limit_s",
    "window",
    "max_concurrent",
)
"Fields that are called the same in the store."


class CampaignsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which campaigns."""

    status: CampaignStatus | None = None
    agent_id: ShortText | None = None
    search: ShortText | None = None
    "A part of the name."
    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"


class NumbersQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of its numbers."""

    status: TargetStatus | None = None
    sort: Literal["seq", "-seq"] = "seq"


class CampaignFields(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """What a campaign is."""

    name: Name
    description: LongText = ""
    agent_id: ShortText | None = None
    "Who speaks; left out: the default agent."
    from_: Address | None = None
    "The number that is shown; left out: the line's own."
    line: ShortText = ""
    context: dict[str, Any] = {}
    "What the agent is told about each call."
    metadata: dict[str, Any] = {}
    priority: Priority = Priority.NORMAL
    ring_limit_s: float = 30.0
    window: Window = Window()
    "When calls are begun; left out: at any time."
    max_concurrent: int = 10
    "Calls that are queued or in progress at once; 1 to 1000."


class NewCampaign(
    CampaignFields, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """A campaign to be made, as a draft."""

    numbers: Numbers = ()
    "More by `POST /v1/campaigns/{id}/numbers`, up to 100,000."


class CampaignChanges(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """What is to be different; what is left out stays. `window` is replaced as a whole."""

    name: Name | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    agent_id: ShortText | None | UnsetType = UNSET
    from_: Address | None | UnsetType = UNSET
    line: ShortText | UnsetType = UNSET
    context: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    ring_limit_s: float | UnsetType = UNSET
    window: Window | UnsetType = UNSET
    max_concurrent: int | UnsetType = UNSET


class MoreNumbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers for a campaign."""

    numbers: Numbers


class CampaignView(
    CampaignFields, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """A campaign."""

    id: str
    seq: int
    owner_id: str
    status: CampaignStatus
    progress: Progress
    "In numbers; of one that is tried again the last try counts."
    launched_at: datetime.datetime | None
    paused_at: datetime.datetime | None
    completed_at: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


class NumbersAdded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a list of numbers."""

    added: int
    duplicates: int
    "They were there already, or twice in the list."
    numbers: int
    "That the campaign has now."


class CampaignNumberView(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a campaign."""

    number: str
    status: TargetStatus
    call_id: str | None
    "Its first call; null: its turn has not come."


async def list_campaigns(asked: Asked[CampaignsQuery, Nothing]) -> List[CampaignView]:
    """Your campaigns, newest first, and how far each is."""
    query = asked.query
    wanted = CampaignFilter(status=query.status, agent_id=query.agent_id, search=query.search)
    campaigns = asked.edge.services.campaigns
    page, progress = await campaigns.page(asked.who, query.page(), wanted)
    pairs = zip(page.items, progress, strict=True)
    return list_of(page, [campaign_view(*pair) for pair in pairs])


async def create_campaign(asked: Asked[Nothing, NewCampaign]) -> CampaignView:
    """Make a campaign: a draft, until it is launched. Numbers that come twice are called once."""
    fields = _stored(msgspec.structs.asdict(asked.body))
    numbers = fields.pop("numbers")
    campaign = Campaign(owner_id=asked.who.account_id, **fields)
    made, added = await asked.edge.services.campaigns.create(asked.who, campaign, numbers)
    return campaign_view(made, Progress(numbers=added.added, waiting=added.added))


async def get_campaign(asked: Asked[Nothing, Nothing]) -> CampaignView:
    """One campaign, and how far it is."""
    return await _view(asked, asked.path("id"))


async def change_campaign(asked: Asked[Nothing, CampaignChanges]) -> CampaignView:
    """Change some of a campaign; calls that were made stay as they are."""
    campaign_id = asked.path("id")
    changes = _stored(given(asked.body))
    await asked.edge.services.campaigns.change(asked.who, campaign_id, changes)
    return await _view(asked, campaign_id)


async def delete_campaign(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a campaign that is not active and has no calls that wait; its calls remain."""
    await asked.edge.services.campaigns.delete(asked.who, asked.path("id"))


async def launch_campaign(asked: Asked[Nothing, Nothing]) -> CampaignView:
    """Begin, or go on after a pause: its numbers are called as there is room, in its window."""
    await asked.edge.services.campaigns.launch(asked.who, asked.path("id"))
    return await _view(asked, asked.path("id"))


async def pause_campaign(asked: Asked[Nothing, Nothing]) -> CampaignView:
    """Begin no more calls. Those in progress end as they will."""
    await asked.edge.services.campaigns.pause(asked.who, asked.path("id"))
    return await _view(asked, asked.path("id"))


async def stop_campaign(asked: Asked[Nothing, Nothing]) -> CampaignView:
    """End it: calls that wait are cancelled, no number is called any more, nor tried again."""
    await asked.edge.services.campaigns.stop(asked.who, asked.path("id"))
    return await _view(asked, asked.path("id"))


async def list_campaign_numbers(asked: Asked[NumbersQuery, Nothing]) -> List[CampaignNumberView]:
    """A campaign's numbers, in the order in which they are called."""
    campaigns = asked.edge.services.campaigns
    query = asked.query
    page = await campaigns.numbers(asked.who, asked.path("id"), query.page(), query.status)
    return list_of(page, [number_view(target) for target in page.items])


async def add_numbers(asked: Asked[Nothing, MoreNumbers]) -> NumbersAdded:
    """More numbers for a campaign that is not completed."""
    campaigns = asked.edge.services.campaigns
    numbers = asked.body.numbers
    campaign, added = await campaigns.add_numbers(asked.who, asked.path("id"), numbers)
    return NumbersAdded(added=added.added, duplicates=added.duplicates, numbers=campaign.numbers)


def campaign_view(campaign: Campaign, progress: Progress) -> CampaignView:
    """A campaign as the API shows it."""
    same = (*SAME, "id", "seq", "owner_id", "status")
    return CampaignView(
        **{name: getattr(campaign, name) for name in same},
        from_=campaign.from_number or None,
        progress=progress,
        launched_at=utc_or_none(campaign.launched_wall),
        paused_at=utc_or_none(campaign.paused_wall),
        completed_at=utc_or_none(campaign.completed_wall),
        created_at=utc(campaign.created_wall),
        updated_at=utc(campaign.updated_wall),
    )


def number_view(target: Target) -> CampaignNumberView:
    """A number as the API shows it."""
    return CampaignNumberView(number=target.number, status=target.status, call_id=target.call_id)


async def _view(asked: Asked[Any, Any], campaign_id: str) -> CampaignView:
    return campaign_view(*await asked.edge.services.campaigns.get(asked.who, campaign_id))


def _stored(fields: dict[str, Any]) -> dict[str, Any]:
    """By the names of the store."""
    if "from_" in fields:
        fields["from_number"] = fields.pop("from_") or ""
    return fields


ONE = "/v1/campaigns/{id}"
READ, WRITE = "campaigns:read", "campaigns:write"
_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/campaigns",
        list_campaigns,
        "List campaigns",
        READ,
        query=CampaignsQuery,
        returns=List[CampaignView],
    ),
    _route(
        "POST",
        "/v1/campaigns",
        create_campaign,
        "Make a campaign",
        WRITE,
        body=NewCampaign,
        returns=CampaignView,
        status=201,
        max_body_bytes=MAX_NUMBERS_BYTES,
    ),
    _route(
        "GET", ONE, get_campaign, "Get a campaign", READ, returns=CampaignView, problems=(NotFound,)
    ),
    _route(
        "PATCH",
        ONE,
        change_campaign,
        "Change a campaign",
        WRITE,
        body=CampaignChanges,
        returns=CampaignView,
        problems=(NotFound, Conflict, Unprocessable),
        max_body_bytes=MAX_BODY_BYTES,
    ),
    _route(
        "DELETE",
        ONE,
        delete_campaign,
        "Delete a campaign",
        WRITE,
        status=204,
        problems=(NotFound, Conflict),
    ),
    *(
        _route(
            "POST",
            f"{ONE}/{verb}",
            handler,
            summary,
            WRITE,
            returns=CampaignView,
            problems=(NotFound, Conflict),
        )
        for verb, handler, summary in (
            ("launch", launch_campaign, "Launch a campaign"),
            ("pause", pause_campaign, "Pause a campaign"),
            ("stop", stop_campaign, "Stop a campaign"),
        )
    ),
    _route(
        "GET",
        f"{ONE}/numbers",
        list_campaign_numbers,
        "List a campaign's numbers",
        READ,
        query=NumbersQuery,
        returns=List[CampaignNumberView],
        problems=(NotFound,),
    ),
    _route(
        "POST",
        f"{ONE}/numbers",
        add_numbers,
        "Add numbers to a campaign",
        WRITE,
        body=MoreNumbers,
        returns=NumbersAdded,
        problems=(NotFound, Conflict, Unprocessable),
        max_body_bytes=MAX_NUMBERS_BYTES,
    ),
)
