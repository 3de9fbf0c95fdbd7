"""`/v1/dialing`: quiet hours, and a stop: of an account, and of all."""

import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.dialing import QuietHours
from ...errors import Forbidden, NotFound, Unprocessable
from ...services.dialing import DialState
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc_or_none
from .agents import given

TAG = "Dialing"

Zone = Annotated[str, msgspec.Meta(max_length=64)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class DialingChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    stopped: bool | UnsetType = UNSET
    "true: no call is begun any more. Calls in progress go on, and what waits goes on waiting."
    stop_reason: ShortText | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET
    "Of numbers whose call names none (or UTC); empty: that of all accounts, else UTC."
    quiet_hours: QuietHours | None | UnsetType = UNSET
    "null: those of all accounts."


class DialingView(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are placed, and how many there are."""

    account_id: str | None
    "null: all accounts."
    stopped: bool
    "By itself, or all are."
    stopped_at: datetime.datetime | None
    "By itself; null: it has not stopped."
    stop_reason: str
    timezone: str
    "That is obeyed."
    quiet_hours: QuietHours | None
    "That are obeyed."
    quiet_until: datetime.datetime | None
    "Numbers in `timezone` are not called before; null: they are called now."
    scheduled: int
    queued: int
    "They are due, and wait for room or for an end of what holds them up."
    in_progress: int
    retries: int
    "Calls that have failed and are to be tried again."


async def get_dialing(asked: Asked[Nothing, Nothing]) -> DialingView:
    """How your calls are placed."""
    return await _get(asked, asked.who.account_id)


async def change_dialing(asked: Asked[Nothing, DialingChanges]) -> DialingView:
    """Set quiet hours; stop, or go on. Once it is answered a stop has come to all that waits."""
    return await _change(asked, asked.who.account_id)


async def get_all(asked: Asked[Nothing, Nothing]) -> DialingView:
    """What counts for all accounts."""
    return await _get(asked, None)


async def change_all(asked: Asked[Nothing, DialingChanges]) -> DialingView:
    """Stop all accounts, or go on; quiet hours of those that have none."""
    return await _change(asked, None)


async def get_account(asked: Asked[Nothing, Nothing]) -> DialingView:
    """How an account's calls are placed."""
    return await _get(asked, asked.path("id"))


async def change_account(asked: Asked[Nothing, DialingChanges]) -> DialingView:
    """The same as for your own."""
    return await _change(asked, asked.path("id"))


async def _get(asked: Asked[Nothing, Nothing], account_id: str | None) -> DialingView:
    return _view(account_id, await asked.edge.services.dialing.state(asked.who, account_id))


async def _change(asked: Asked[Nothing, DialingChanges], account_id: str | None) -> DialingView:
    dialing = asked.edge.services.dialing
    return _view(account_id, await dialing.change(asked.who, account_id, given(asked.body)))


def _view(account_id: str | None, state: DialState) -> DialingView:
    return DialingView(
        account_id=account_id,
        stopped=state.stopped,
        stopped_at=utc_or_none(state.settings.stopped_wall),
        stop_reason=state.settings.stop_reason,
        timezone=state.rules.timezone,
        quiet_hours=state.rules.quiet_hours,
        quiet_until=utc_or_none(state.quiet_until_wall),
        scheduled=state.scheduled,
        queued=state.queued,
        in_progress=state.in_progress,
        retries=state.retries,
    )


PLACES = (
    ("/v1/dialing", get_dialing, change_dialing, "your calls are placed"),
    ("/v1/dialing/everyone", get_all, change_all, "all calls are placed"),
    ("/v1/accounts/{id}/dialing", get_account, change_account, "an account's calls are placed"),
)
ROUTES: tuple[AnyRoute, ...] = (
    *(
        Route(
            method="GET",
            path=path,
            handler=get,
            summary=f"Get how {what}",
            tag=TAG,
            scope="calls:read",
            returns=DialingView,
            problems=(Forbidden, NotFound),
        )
        for path, get, _, what in PLACES
    ),
    *(
        Route(
            method="PATCH",
            path=path,
            handler=change,
            summary=f"Change how {what}",
            tag=TAG,
            scope="calls:write",
            body=DialingChanges,
            returns=DialingView,
            problems=(Forbidden, NotFound, Unprocessable),
        )
        for path, _, change, what in PLACES
    ),
)
