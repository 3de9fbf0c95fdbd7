"""What happens between the moment a call is chosen and its claim counts; room is given back."""

import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID, Principal
from offhook.control.dialer.call_limits import Counted
from offhook.control.dialer.dispatch import NO_ROOM_S
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.media.ports import HangUpCause
from offhook.tests.kit.dispatch_desk import Desk


@pytest.fixture
async def desk(tmp_path: pathlib.Path) -> AsyncIterator[Desk]:
    # On leaving it asserts that no room is taken.
    async with Desk(tmp_path) as desk:
        yield desk


async def placed_and(
    desk: Desk, to: str, what: Callable[[Call], Awaitable[object]], who: Principal = OPERATOR
) -> Call:
    """A call that waits; when it has been looked at, and before it is claimed, `what` happens."""
    desk.room.calls = 0
    call = await desk.place(to, who)
    await desk.looked()
    desk.permission.once = lambda: what(call)
    desk.room.calls = 100
    desk.clock.advance(NO_ROOM_S)
    return call


async def test_a_number_that_is_forbidden_at_the_last_moment_is_not_dialled(desk: Desk) -> None:
    # The list has the number, and the call an address with it: it is not cancelled at once.
    call = await placed_and(
        desk,
        "sip:+15550001@carrier.example",
        lambda _: desk.listing.add(OPERATOR, "+15550001"),
    )
    ended = await desk.ended(call)
    assert (ended.outcome, ended.failure_reason) == (
        Outcome.CANCELLED,
        "the number is on the do-not-call list",
    )
    assert desk.lines.dialled == []


async def test_a_call_that_is_cancelled_at_the_last_moment_is_not_dialled(desk: Desk) -> None:
    call = await placed_and(desk, "+15550001", lambda call: desk.calls.end(OPERATOR, call.id))
    assert (await desk.ended(call)).outcome is Outcome.CANCELLED
    await desk.looked()
    assert desk.lines.dialled == []


async def test_an_account_that_stops_at_the_last_moment_calls_nobody(desk: Desk) -> None:
    call = await placed_and(
        desk,
        "+15550001",
        lambda _: desk.dialing.change(OPERATOR, OPERATOR_ID, {"stopped": True}),
    )
    await desk.looked()
    assert desk.lines.dialled == []
    stored = await desk.store.get(call.id, None)
    assert stored is not None
    assert stored.status is CallStatus.QUEUED
    await desk.dialing.change(OPERATOR, OPERATOR_ID, {"stopped": False})
    assert (await desk.leg()).to_number == "+15550001"


async def test_an_account_that_is_switched_off_at_the_last_moment_calls_nobody(desk: Desk) -> None:
    ann = await desk.user("ann@example.org")
    call = await placed_and(desk, "+15550001", lambda _: desk.switch_off(ann), who=ann)
    await desk.looked()
    assert desk.lines.dialled == []
    stored = await desk.store.get(call.id, None)
    assert stored is not None
    assert stored.status is CallStatus.QUEUED
    assert desk.limits.in_use(Counted.ACCOUNT, ann.account_id) == 0


async def test_data_that_are_changed_at_the_last_moment_are_the_calls_own(desk: Desk) -> None:
    call = await placed_and(
        desk,
        "+15550001",
        lambda call: desk.calls.change(OPERATOR, call.id, {"metadata": {"order": 5}}),
    )
    leg = await desk.leg()
    live = await desk.calls.get(OPERATOR, call.id)
    assert (live.status, live.metadata) == (CallStatus.DIALING, {"order": 5})
    leg.hang_up(HangUpCause.NORMAL)
    assert (await desk.ended(call)).metadata == {"order": 5}
