"""`/v1/system`: the server in numbers, without anybody's things in particular; its parts."""

import datetime
from typing import Literal

import msgspec

from ...domain.server_parts import PartState
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


State = Literal["well", "impaired", "down", "absent"]
STATE: dict[PartState, State] = {
    PartState.WELL: "well",
    PartState.IMPAIRED: "impaired",
    PartState.DOWN: "down",
    PartState.ABSENT: "absent",
}


class DatabaseView(msgspec.Struct, frozen=True, kw_only=True):
    """The database."""

    response_s: float
    "Of the smallest question."
    size_bytes: int
    connections: int
    slow: int
    "Transactions of more than a second, since the start."
    cache_hit_ratio: float | None
    "Percent; null: the database does not tell."


class BusView(msgspec.Struct, frozen=True, kw_only=True):
    """What tells of events inside the server."""

    state: State
    response_s: float
    "From telling an event to whoever waits for it, measured for this answer."


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """What answers. `impaired`: something was refused lately; `down`: it cannot be reached."""

    state: State
    provider: str
    "That was asked last; empty: none was in the last hour."
    response_s: float
    """To the first part of the provider's newest answer; where none was asked in the last hour,
    what a text took to be answered in it, on average; 0: nothing was answered."""
    remaining_requests: int
    """Requests that would be taken now: as the provider said with its newest answer; where it has
    not said so in the last hour, texts that this server would begin to answer at once."""
    error: str | None
    "The code of what the newest request failed with."


class TextingView(msgspec.Struct, frozen=True, kw_only=True):
    """What sends texts. `impaired`: some wait for another try; `absent`: nothing is configured."""

    state: State
    response_s: float | None
    "Of the provider's newest answer; null: it has given none."
    balance: str | None
    "With two decimals; null: the provider has not told it in the last 15 minutes."
    currency: str | None
    error: str | None
    "Why nothing can be sent."


class PartsView(msgspec.Struct, frozen=True, kw_only=True):
    """What the server works with. What providers said may be a minute old."""

    database: DatabaseView
    bus: BusView
    model: ModelView
    texting: TextingView


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


async def get_parts(asked: Asked[Nothing, Nothing]) -> PartsView:
    """How the database, the events, the language model and what sends texts stand."""
    services = asked.edge.services
    use, parts = await services.database_use.get(), services.server_parts
    bus, model, texting = await parts.bus(), await parts.model(), await parts.texting()
    return PartsView(
        database=DatabaseView(
            response_s=round(use.response_s, 6),
            size_bytes=use.size_bytes,
            connections=use.connections,
            slow=use.slow,
            cache_hit_ratio=use.cache_hit_ratio,
        ),
        bus=BusView(state=STATE[bus.state], response_s=round(bus.response_s, 6)),
        model=ModelView(
            state=STATE[model.state],
            provider=model.provider,
            response_s=round(model.response_s, 6),
            remaining_requests=model.remaining,
            error=model.error,
        ),
        texting=TextingView(
            state=STATE[texting.state],
            response_s=None if texting.response_s is None else round(texting.response_s, 6),
            balance=None if texting.balance is None else f"{texting.balance:.2f}",
            currency=texting.currency or None,
            error=texting.error or None,
        ),
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
    Route(
        method="GET",
        path="/v1/system/parts",
        handler=get_parts,
        summary="How what the server works with stands",
        tag=TAG,
        scope="analytics:read",
        admin=True,
        returns=PartsView,
    ),
)
