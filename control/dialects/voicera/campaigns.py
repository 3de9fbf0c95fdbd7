"""Campaigns: many numbers, called by one agent."""

import functools
from typing import Annotated, Any

import msgspec

from ...domain.campaigns import Campaign, CampaignStatus, Window
from ...errors import Conflict, NotFound
from ...http.route import Asked, Nothing
from ...http.times import utc
from ...services.campaigns import MAX_CONCURRENT, CampaignFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Refusals, Row, Said
from ..identifiers import named, own
from ..moments import AskedMoment, Moment, moment_of, seconds, seconds_or_none, sent_moment
from ..paging import Limit, Skipped, skipping, total_of
from ..reading import Name, Phone, Short
from .forms import IDS, NO_AGENT

TAG = "Campaigns"
MOST_NUMBERS = 10_000
"In one request."
SHOWN_NUMBERS = 500
"Of one campaign in a list."
MAX_BODY_BYTES = 1024 * 1024
NOT_FOUND: Refusals = {NotFound: Said("CAMPAIGN_001", "Campaign not found")}


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign to be made."""

    name: Name
    agent_id: Short
    phone_numbers: Annotated[tuple[Phone, ...], msgspec.Meta(max_length=MOST_NUMBERS)]
    start_time: AskedMoment | None = None
    "No call is begun before it."
    end_time: AskedMoment | None = None
    "Numbers that are left then are not called."
    max_concurrent_calls: Annotated[int, msgspec.Meta(ge=1, le=MAX_CONCURRENT)] = 10


class CampaignsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which campaigns."""

    agent_id: Short | None = None
    status: CampaignStatus | None = None
    skip: Skipped = 0
    limit: Limit = 20


class CreatedView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that was made."""

    id: str
    status: CampaignStatus
    created_at: Moment


class LaunchedView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that calls."""

    id: str
    status: CampaignStatus
    launched_at: Moment | None


class PausedView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that rests."""

    id: str
    status: CampaignStatus
    paused_at: Moment | None


class CampaignItem(CreatedView, frozen=True, kw_only=True):
    """A campaign in a list."""

    name: str
    agent_id: str | None
    phone_numbers: list[str]
    "The first 500."
    start_time: Moment | None
    end_time: Moment | None


class CampaignList(msgspec.Struct, frozen=True, kw_only=True):
    """Some campaigns."""

    total: int
    items: list[CampaignItem]


async def list_campaigns(asked: Asked[CampaignsQuery, Nothing]) -> CampaignList:
    """Your campaigns, newest first."""
    query, campaigns = asked.query, asked.edge.services.campaigns
    wanted = CampaignFilter(
        status=query.status, agent_id=await named(IDS, asked, "agent", query.agent_id)
    )
    page, _ = await campaigns.page(asked.who, skipping(query.skip, query.limit), wanted)
    items = [_item(each, await _numbers(asked, each)) for each in page.items]
    return CampaignList(total=total_of(page), items=items)


async def create_campaign(asked: Asked[Nothing, NewCampaign]) -> CreatedView:
    """Make a campaign. It calls when it is launched."""
    body = asked.body
    begins, ends = (
        sent_moment(text, field)
        for text, field in ((body.start_time, "start_time"), (body.end_time, "end_time"))
    )
    campaign = Campaign(
        owner_id=asked.who.account_id,
        name=body.name,
        agent_id=await named(IDS, asked, "agent", body.agent_id),
        window=Window(
            start_at=None if begins is None else utc(begins),
            end_at=None if ends is None else utc(ends),
        ),
        max_concurrent=body.max_concurrent_calls,
    )
    campaigns = asked.edge.services.campaigns
    made, _ = await campaigns.create(asked.who, campaign, body.phone_numbers)
    return CreatedView(**_brief(made))


async def launch_campaign(asked: Asked[Nothing, Nothing]) -> LaunchedView:
    """Let a campaign call, or call on."""
    campaigns, id_ = asked.edge.services.campaigns, await own(IDS, asked, "campaign")
    campaign, _ = await campaigns.get(asked.who, id_)
    if not campaign.numbers:
        raise Conflict("it has no numbers")
    launched = await campaigns.launch(asked.who, id_)
    at = seconds_or_none(launched.launched_wall)
    return LaunchedView(id=id_, status=launched.status, launched_at=at)


async def pause_campaign(asked: Asked[Nothing, Nothing]) -> PausedView:
    """Begin no more calls; those in progress go on."""
    id_ = await own(IDS, asked, "campaign")
    paused = await asked.edge.services.campaigns.pause(asked.who, id_)
    at = seconds_or_none(paused.paused_wall)
    return PausedView(id=id_, status=paused.status, paused_at=at)


async def _numbers(asked: Asked[CampaignsQuery, Nothing], campaign: Campaign) -> list[str]:
    query = PageQuery(limit=SHOWN_NUMBERS, sort="seq")
    page = await asked.edge.services.campaigns.numbers(asked.who, campaign.id, query, None)
    return [target.number for target in page.items]


def _brief(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "status": campaign.status,
        "created_at": seconds(campaign.created_wall),
    }


def _item(campaign: Campaign, numbers: list[str]) -> CampaignItem:
    window = campaign.window
    begins, ends = (
        None if moment is None else moment_of(moment.isoformat(), window.timezone)
        for moment in (window.start_at, window.end_at)
    )
    return CampaignItem(
        **_brief(campaign),
        name=campaign.name,
        agent_id=campaign.agent_id,
        phone_numbers=numbers,
        start_time=seconds_or_none(begins),
        end_time=seconds_or_none(ends),
    )


READ, WRITE = "campaigns:read", "campaigns:write"
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        "/campaigns",
        list_campaigns,
        "List campaigns",
        READ,
        query=CampaignsQuery,
        returns=CampaignList,
    ),
    _row(
        "POST",
        "/campaigns",
        create_campaign,
        "Create campaign",
        WRITE,
        body=NewCampaign,
        returns=CreatedView,
        status=201,
        max_body_bytes=MAX_BODY_BYTES,
        refusals={NotFound: NO_AGENT},
        example={"name": "Spring", "agent_id": "{agent}", "phone_numbers": ["+1234567890"]},
    ),
    _row(
        "POST",
        "/campaigns/{campaign}/launch",
        launch_campaign,
        "Launch campaign",
        WRITE,
        returns=LaunchedView,
        refusals=NOT_FOUND | {Conflict: Said("CAMPAIGN_002", "Cannot launch campaign")},
    ),
    _row(
        "POST",
        "/campaigns/{campaign}/pause",
        pause_campaign,
        "Pause campaign",
        WRITE,
        returns=PausedView,
        refusals=NOT_FOUND | {Conflict: Said("CAMPAIGN_003", "Cannot pause campaign")},
    ),
)
