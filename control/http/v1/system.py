"""`/v1/system`: the server in numbers, without anybody's things in particular."""

import msgspec

from ..route import AnyRoute, Asked, Nothing, Route

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
    response_s: float
    "How long requests have taken to be answered, on average since the start; 0: there were none."


async def get_system(asked: Asked[Nothing, Nothing]) -> SystemView:
    """How many accounts there are, what goes on today, how long it runs."""
    figures = await asked.edge.services.system_figures.get()
    names = SystemView.__struct_fields__[:-1]
    return SystemView(
        **{name: getattr(figures, name) for name in names},
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
