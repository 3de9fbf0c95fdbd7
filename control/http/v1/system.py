"""`/v1/system`: the server in numbers, without anybody's things in particular."""

import datetime

import msgspec

from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc

TAG = "Server"


class SystemView(msgspec.Struct, frozen=True, kw_only=True):
    """The server in numbers. A day is UTC's."""

    accounts: int
    active_accounts_today: int
    "That have signed in, or had a call."
    calls_today: int
    uptime_s: float
    modems: int
    usable_modems: int
    "Whose line can carry calls now."
    availability: float
    """Percent of the time since `available_from_at` in which a server was up: this one, or another
    that shares its data. One that was killed was up until it was last seen, up to 20 s before."""
    available_from_at: datetime.datetime
    "The first start, or 30 days ago."
    response_s: float
    "How long requests have taken to be answered, on average since the start; 0: there were none."


async def get_system(asked: Asked[Nothing, Nothing]) -> SystemView:
    """How many accounts there are, what goes on today, how long it runs."""
    figures = await asked.edge.services.system_figures.get()
    return SystemView(
        accounts=figures.accounts,
        active_accounts_today=figures.active_accounts_today,
        calls_today=figures.calls_today,
        uptime_s=figures.uptime_s,
        modems=figures.modems,
        usable_modems=figures.usable_modems,
        availability=round(100 * figures.availability.share, 4),
        available_from_at=utc(figures.availability.from_wall),
        response_s=round(asked.edge.metrics.http.mean_s(), 6),
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/system",
        handler=get_system,
        summary="The server in numbers",
        tag=TAG,
        scope="analytics:read",
        returns=SystemView,
    ),
)
