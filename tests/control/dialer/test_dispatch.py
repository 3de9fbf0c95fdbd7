"""Calls that wait, to their ends: claimed once, by line after line, within every limit.

A real store and real routing on a virtual clock; lines and speech by script.
"""

import pathlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.dialer.call_limits import Counted
from offhook.control.dialer.dispatch import BLOCKED_S, NO_ROOM_S
from offhook.control.domain.calls import CallStatus, Outcome, Priority
from offhook.control.domain.dialing import QuietHours
from offhook.control.errors import Conflict
from offhook.control.lines.routing import CallRefused
from offhook.drivers.gsm import cause as mobile_cause
from offhook.media.ports import HangUpCause, LegEnded, LegRinging
from offhook.tests.kit.dispatch_desk import TO, Desk


@pytest.fixture
async def desk(tmp_path: pathlib.Path) -> AsyncIterator[Desk]:
    async with Desk(tmp_path) as desk:
        yield desk


async def test_a_call_is_dialled_rings_is_held_and_ends(desk: Desk) -> None:
    call = await desk.place(from_="+4930 1234", context={"name": "Ann"})
    assert (call.status, call.from_number) == (CallStatus.QUEUED, "+49301234")
    leg = await desk.leg()
    assert (leg.line, leg.to_number, leg.from_number) == ("a", TO, "+49301234")
    stored = await desk.store.get(call.id, None)
    assert stored is not None
    assert stored.status is CallStatus.DIALING, "before the line is told"
    leg.tell(LegRinging())
    await desk.becomes(call, CallStatus.RINGING)
    leg.answer()
    await desk.becomes(call, CallStatus.LIVE)
    assert desk.limits.in_use(Counted.ACCOUNT, OPERATOR_ID) == 1
    desk.clock.advance(12.5)
    leg.fail(HangUpCause.NORMAL)
    ended = await desk.ended(call)
    assert (ended.outcome, ended.line, ended.duration_s) == (Outcome.COMPLETED, "a", 12.5)
    assert (ended.agent_name, ended.agent_id, ended.substitutions) == (
        "Anna",
        "agent-1",
        ("llm acme",),
    )
    assert ended.attempts == ()
    assert desk.registry.find(call.id) is None


@pytest.mark.parametrize(
    ("cause", "rings", "outcome", "reason"),
    [
        (HangUpCause.BUSY, False, Outcome.BUSY, "the far end is busy"),
        (HangUpCause.DECLINED, True, Outcome.BUSY, "the far end declined"),
        (HangUpCause.NO_ANSWER, True, Outcome.NO_ANSWER, "nobody answered"),
        (HangUpCause.NOT_FOUND, False, Outcome.FAILED, "there is no such number"),
        (HangUpCause.NETWORK, True, Outcome.FAILED, "the network failed"),
    ],
)
async def test_what_the_far_end_or_a_line_that_rang_says_is_final(
    desk: Desk, cause: HangUpCause, rings: bool, outcome: Outcome, reason: str
) -> None:
    call = await desk.place()
    leg = await desk.leg()
    if rings:
        leg.tell(LegRinging())
        await desk.becomes(call, CallStatus.RINGING)
    leg.fail(cause)
    ended = await desk.ended(call)
    assert (ended.outcome, ended.failure_reason, ended.duration_s) == (outcome, reason, None)
    assert desk.lines.dialled == [("a", TO)]


async def test_a_line_that_fails_before_it_rings_is_followed_by_the_next(desk: Desk) -> None:
    call = await desk.place()
    (await desk.leg()).fail(HangUpCause.OVERLOADED, 503)
    second = await desk.leg()
    assert second.line == "b"
    second.fail(HangUpCause.BUSY, 486)
    ended = await desk.ended(call)
    assert (ended.outcome, ended.line) == (Outcome.BUSY, "b")
    (attempt,) = ended.attempts
    assert (attempt.line, attempt.cause, attempt.sip_status) == ("a", HangUpCause.OVERLOADED, 503)


async def test_lines_that_refuse_are_tried_in_order_and_the_last_ones_words_kept(
    desk: Desk,
) -> None:
    desk.lines.down = {"a", "b"}
    ended = await desk.ended(await desk.place())
    assert (ended.outcome, ended.failure_reason) == (Outcome.FAILED, "b is down")
    assert [attempt.reason for attempt in ended.attempts] == ["a is down"]


async def test_a_call_rings_no_longer_than_it_may(desk: Desk) -> None:
    call = await desk.place(ring_limit_s=20.0)
    leg = await desk.leg()
    leg.tell(LegRinging())
    await desk.becomes(call, CallStatus.RINGING)
    desk.clock.advance(19.9)
    assert leg.ended is None
    desk.clock.advance(0.2)
    ended = await desk.ended(call)
    assert (ended.outcome, ended.cause) == (Outcome.NO_ANSWER, HangUpCause.NO_ANSWER)


async def test_an_answered_call_outlives_the_ring_limit(desk: Desk) -> None:
    call = await desk.place(ring_limit_s=20.0)
    leg = await desk.leg()
    leg.answer()
    await desk.becomes(call, CallStatus.LIVE)
    desk.clock.advance(60.0)
    assert leg.ended is None
    leg.fail(HangUpCause.NORMAL)
    await desk.ended(call)


@pytest.mark.parametrize("rings", [False, True])
async def test_a_call_can_be_hung_up_while_it_is_dialled(desk: Desk, rings: bool) -> None:
    call = await desk.place()
    leg = await desk.leg()
    if rings:
        leg.tell(LegRinging())
        await desk.becomes(call, CallStatus.RINGING)
    await desk.calls.end(OPERATOR, call.id)
    ended = await desk.ended(call)
    assert (ended.outcome, ended.failure_reason) == (Outcome.CANCELLED, "")
    assert desk.lines.dialled == [("a", TO)]
    with pytest.raises(Conflict):
        await desk.calls.end(OPERATOR, call.id)


async def test_a_scheduled_call_waits_for_its_moment_and_for_no_other(desk: Desk) -> None:
    now = desk.clock.wall()
    call = await desk.place(scheduled_wall=now + 600)
    assert call.status is CallStatus.SCHEDULED
    desk.clock.advance(599)
    other = await desk.place("+15550002")
    assert (await desk.leg()).to_number == other.to_number
    assert desk.lines.dialled == [("a", "+15550002")]
    desk.clock.advance(1)
    assert (await desk.leg()).to_number == TO


async def test_a_call_that_is_moved_is_placed_then(desk: Desk) -> None:
    now = desk.clock.wall()
    call = await desk.place(scheduled_wall=now + 600)
    moved = await desk.calls.change(OPERATOR, call.id, {"scheduled_wall": None})
    assert moved.status is CallStatus.QUEUED
    await desk.leg()
    with pytest.raises(Conflict):
        await desk.calls.change(OPERATOR, call.id, {"scheduled_wall": None})
    changed = await desk.calls.change(OPERATOR, call.id, {"metadata": {"a": 1}})
    assert (changed.metadata, changed.status) == ({"a": 1}, CallStatus.DIALING)


async def test_a_cancelled_call_is_never_dialled(desk: Desk) -> None:
    call = await desk.place(scheduled_wall=desk.clock.wall() + 600)
    cancelled = await desk.calls.end(OPERATOR, call.id)
    assert (cancelled.status, cancelled.outcome) == (CallStatus.ENDED, Outcome.CANCELLED)
    desk.clock.advance(700)
    await desk.place("+15550002")
    await desk.leg()
    assert desk.lines.dialled == [("a", "+15550002")]


async def test_the_urgent_go_first_and_the_rest_by_age(desk: Desk) -> None:
    desk.room.calls = 0
    low = await desk.place("+15550001", priority=Priority.LOW)
    await desk.place("+15550002")
    high = await desk.place("+15550003", priority=Priority.HIGH)
    await desk.place("+15550004")
    assert (low.priority_rank, high.priority_rank) == (2, 0)
    desk.room.calls = 100
    desk.clock.advance(NO_ROOM_S)
    order = [(await desk.leg()).to_number for _ in range(4)]
    assert order == ["+15550003", "+15550002", "+15550004", "+15550001"]


async def test_an_account_at_its_limit_waits_for_its_own_calls_end(desk: Desk) -> None:
    desk.routing.most = 1
    first, second = await desk.place("+15550001"), await desk.place("+15550002")
    leg = await desk.leg()
    leg.tell(LegRinging())
    await desk.becomes(first, CallStatus.RINGING)
    assert desk.lines.legs.empty()
    leg.fail(HangUpCause.BUSY)
    assert (await desk.leg()).to_number == second.to_number


async def test_room_that_no_call_gave_back_is_found_in_time(desk: Desk) -> None:
    desk.lines.limits = {"a": 1, "b": 1}
    others = [desk.limits.acquire(desk.lines.claim(name)) for name in ("a", "b")]
    call = await desk.place()
    await desk.becomes(call, CallStatus.QUEUED)
    for seat in others:
        seat.release()
    await desk.looked()
    desk.clock.advance(BLOCKED_S)
    assert (await desk.leg()).to_number == call.to_number


async def test_a_call_that_no_line_can_carry_is_over_and_says_why(desk: Desk) -> None:
    desk.routing.refusal = CallRefused(HangUpCause.NETWORK, "no line calls out")
    ended = await desk.ended(await desk.place())
    assert (ended.outcome, ended.failure_reason) == (Outcome.FAILED, "no line calls out")
    assert desk.lines.dialled == []


async def test_what_a_client_says_of_the_end_stays(desk: Desk) -> None:
    call = await desk.place()
    leg = await desk.leg()
    leg.answer()
    await desk.becomes(call, CallStatus.LIVE)
    await desk.calls.end(OPERATOR, call.id, Outcome.FAILED, "wrong person")
    ended = await desk.ended(call)
    assert (ended.outcome, ended.failure_reason) == (Outcome.FAILED, "wrong person")


async def test_a_stop_begins_no_further_call_and_ends_those_that_ring(desk: Desk) -> None:
    call = await desk.place()
    leg = await desk.leg()
    leg.tell(LegRinging())
    await desk.becomes(call, CallStatus.RINGING)
    await desk.dispatch.aclose()
    later = await desk.place("+15550002")
    await desk.holding.aclose()
    await desk.registry.settled()
    ended = await desk.store.get(call.id, None)
    assert ended is not None
    assert ended.status is CallStatus.ENDED
    waiting = await desk.store.get(later.id, None)
    assert waiting == msgspec.structs.replace(later, seq=waiting.seq if waiting else 0)


async def test_what_a_mobile_network_says_of_the_end_is_on_the_call(desk: Desk) -> None:
    call = await desk.place(line="")
    (await desk.leg()).end_by(mobile_cause.ended(42))
    second = await desk.leg()
    assert second.line == "b", "the network was congested: another line is tried"
    second.end_by(mobile_cause.ended(25))
    ended = await desk.ended(call)
    assert [(tried.line, tried.q850, tried.gsm_cause) for tried in ended.attempts] == [
        ("a", 42, 42)
    ]
    assert (ended.gsm_cause, ended.q850, ended.sip_status) == (25, 8, None)
    assert (ended.cause, ended.failure_reason) == (HangUpCause.OVERLOADED, "pre-emption")


async def test_a_busy_number_is_tried_again_as_it_was_asked_for(desk: Desk) -> None:
    call = await desk.place(line="", priority=Priority.HIGH)
    (await desk.leg()).fail(HangUpCause.OVERLOADED, 503)
    second = await desk.leg()
    second.end_by(LegEnded(HangUpCause.BUSY, False, 486, q850=17))
    ended = await desk.ended(call)
    assert (ended.line, ended.sip_status, ended.q850) == ("b", 486, 17)
    assert ended.next_retry_wall == desk.clock.wall() + 600
    await desk.looked()
    desk.clock.advance(599)
    await desk.looked()
    assert desk.lines.legs.empty()
    desk.clock.advance(1)
    third = await desk.leg()
    assert third.line == "a", "the lines are tried anew"
    (first, retry) = await desk.retries.attempts(OPERATOR, call.id)
    assert (first.retried, first.next_retry_wall) == (True, None)
    assert (retry.retry_attempt, retry.original_call_id) == (1, call.id)
    assert (retry.priority, retry.status) == (Priority.HIGH, CallStatus.DIALING)


async def test_an_end_that_somebody_asked_for_is_the_last(desk: Desk) -> None:
    call = await desk.place()
    await desk.leg()
    await desk.calls.end(OPERATOR, call.id, Outcome.FAILED, "not now")
    assert (await desk.ended(call)).next_retry_wall is None


async def test_a_wall_clock_that_is_set_is_noticed(desk: Desk) -> None:
    await desk.place(scheduled_wall=desk.clock.wall() + 7200)
    await desk.looked()
    desk.clock._wall_at_zero += 7200
    desk.clock.advance(20)
    await desk.leg()


async def test_calls_beyond_the_months_quota_are_cancelled_whoever_made_them(desk: Desk) -> None:
    free = msgspec.structs.replace(desk.subscriptions.tiers[0], max_sessions_per_month=2)
    desk.subscriptions.tiers = (free,)
    await desk.subscriptions.begin(OPERATOR_ID)
    # Where the quota is looked at when calls are placed there is none: as campaigns make theirs.
    placed = [await desk.place(f"+1555000{index}") for index in range(3)]
    for _ in range(2):
        await desk.leg()
    over = await desk.ended(placed[2])
    assert (over.outcome, over.failure_reason) == (
        Outcome.CANCELLED,
        "the account's tier allows no more calls this month",
    )
    assert [number for _, number in desk.lines.dialled] == ["+15550000", "+15550001"]


async def test_quiet_calls_wait_for_the_morning_and_others_do_not(desk: Desk) -> None:
    # It is 22:13 in UTC, and in Tokyo 7:13.
    hours = QuietHours(begins="22:00", ends="07:00")
    await desk.dialing.change(OPERATOR, None, {"quiet_hours": hours})
    await desk.place("+15550001")
    await desk.place("+15550002", timezone="Asia/Tokyo")
    assert (await desk.leg()).to_number == "+15550002"
    await desk.looked()
    desk.clock.advance(8 * 3600.0)
    await desk.looked()
    assert desk.lines.legs.empty()
    desk.clock.advance(3600.0)
    assert (await desk.leg()).to_number == "+15550001"


async def test_a_number_of_no_known_zone_is_in_its_accounts(desk: Desk) -> None:
    # It is 22:13 in UTC, and in Tokyo 7:13.
    hours = QuietHours(begins="22:00", ends="07:00")
    await desk.dialing.change(OPERATOR, None, {"quiet_hours": hours})
    await desk.dialing.change(OPERATOR, OPERATOR_ID, {"timezone": "Asia/Tokyo"})
    await desk.place("+15550001")
    assert (await desk.leg()).to_number == "+15550001"
    desk.clock.advance(14.8 * 3600.0)  # 22:01 in Tokyo
    await desk.place("+15550002")
    await desk.looked()
    assert desk.lines.legs.empty()


async def test_what_is_stopped_begins_nothing_and_goes_on_when_it_may(desk: Desk) -> None:
    live = await desk.place("+15550001")
    leg = await desk.leg()
    await desk.dialing.change(OPERATOR, OPERATOR_ID, {"stopped": True})
    await desk.place("+15550002")
    await desk.looked()
    assert desk.lines.legs.empty()
    leg.answer()
    await desk.becomes(live, CallStatus.LIVE)
    leg.fail(HangUpCause.NORMAL)
    await desk.ended(live)
    await desk.looked()
    assert desk.lines.legs.empty()
    await desk.dialing.change(OPERATOR, OPERATOR_ID, {"stopped": False})
    assert (await desk.leg()).to_number == "+15550002"


async def test_an_account_that_has_stopped_keeps_nobody_else_waiting(desk: Desk) -> None:
    desk.room.calls = 0
    ann = await desk.user("ann@example.org")
    await desk.dialing.change(OPERATOR, ann.account_id, {"stopped": True})
    await desk.place("+15550001", ann)
    await desk.place("+15550002")
    desk.room.calls = 1
    desk.clock.advance(NO_ROOM_S)
    assert (await desk.leg()).to_number == "+15550002"


async def test_a_number_that_was_forbidden_meanwhile_is_not_dialled(desk: Desk) -> None:
    desk.room.calls = 0
    # The list has the number, and the call an address with it.
    call = await desk.place("sip:+15550001@carrier.example")
    await desk.listing.add(OPERATOR, "+15550001")
    desk.room.calls = 100
    desk.clock.advance(NO_ROOM_S)
    ended = await desk.ended(call)
    assert (ended.outcome, ended.failure_reason) == (
        Outcome.CANCELLED,
        "the number is on the do-not-call list",
    )
    assert desk.lines.dialled == []
