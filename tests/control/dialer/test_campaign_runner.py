"""Campaigns go on by themselves: within their limit and window, over restarts, to their end."""

import asyncio
import datetime
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.calls.calls import status_event
from offhook.control.dialer.campaign_runner import PACE_S, CampaignRunner
from offhook.control.dialer.wall_timer import LOOK_S
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.domain.campaigns import Campaign, CampaignStatus, Progress, Window
from offhook.control.errors import Conflict, StoreError
from offhook.control.events.events import EventBus
from offhook.control.services.campaign_steps import CampaignSteps
from offhook.control.services.campaigns import CampaignService
from offhook.control.services.event_log import EventLog
from offhook.control.store.calls import CALLS, COLUMNS
from offhook.control.wake_loop import RETRY_S
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database

LIMIT_S = 20.0
HOUR = 3600.0
SCHEDULED, QUEUED, DIALING, RINGING, LIVE, ENDED = CallStatus


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


class Office:
    """Campaigns, who runs them, and a dialler that does what the test says."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = VirtualClock(wall_at_zero=wall("2023-11-15T08:00Z"))
        self.database = copy_database(folder)
        self.placed = 0
        self.restart()

    def restart(self) -> None:
        """A process that knows only what is stored."""
        self.bus = EventBus()
        self.log = EventLog(self.database, self.bus)
        self.campaigns = CampaignService(self.database, self.log, self.clock)
        steps = CampaignSteps(self.database, self.log, self.clock)
        self.runner = CampaignRunner(steps, self.bus, self.clock)
        self.campaigns.on_change = self.runner.wake
        steps.on_pending = self._count

    def _count(self) -> None:
        self.placed += 1

    async def settled(self) -> None:
        """All is done that can be done now."""
        self.clock.advance(PACE_S)
        async with asyncio.timeout(LIMIT_S):
            await self.runner.idle.wait()

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(min(LOOK_S, end - self.clock.now()))
            async with asyncio.timeout(LIMIT_S):
                await self.runner.idle.wait()

    async def add(self, numbers: int, **fields: Any) -> str:
        """A campaign that is launched."""
        draft = Campaign(owner_id=OPERATOR_ID, name="Spring", **fields)
        listed = [f"+1555{number:07}" for number in range(numbers)]
        made, _ = await self.campaigns.create(OPERATOR, draft, listed)
        await self.campaigns.launch(OPERATOR, made.id)
        return made.id

    async def calls(self, *statuses: CallStatus) -> list[Call]:
        wanted = [status.value for status in statuses or CallStatus]
        async with self.database.read() as tx:
            return await CALLS.all(tx, None, COLUMNS.status.in_(wanted), limit=100_000)

    async def move(self, call: Call, status: CallStatus, **values: Any) -> None:
        """What the dialler, or the line, makes of a call."""
        async with self.log.writing() as work:
            call = await CALLS.update(work.tx, call, status=status, **values)
            work.tell(call.owner_id, status_event(call))

    async def end(self, call: Call, outcome: Outcome = Outcome.COMPLETED, **more: Any) -> None:
        await self.move(call, ENDED, outcome=outcome, ended_wall=self.clock.wall(), **more)

    async def progress(self, id_: str) -> Progress:
        return (await self.campaigns.get(OPERATOR, id_))[1]

    async def status(self, id_: str) -> CampaignStatus:
        return (await self.campaigns.get(OPERATOR, id_))[0].status


@pytest.fixture
async def office(tmp_path: pathlib.Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await office.database.open()
    office.runner.start()
    yield office
    await office.runner.aclose()
    await office.database.aclose()


async def test_calls_are_made_as_room_appears_and_each_number_gets_one(office: Office) -> None:
    id_ = await office.add(7, max_concurrent=3, context={"offer": 1})
    await office.settled()
    calls = await office.calls()
    assert [call.to_number for call in calls] == [f"+1555000000{n}" for n in range(3)]
    assert {(call.status, call.campaign_id) for call in calls} == {(QUEUED, id_)}
    assert calls[0].context == {"offer": 1}
    assert office.placed == 1
    for status in (DIALING, RINGING, LIVE):
        await office.move(calls[0], status)
        await office.settled()
        assert len(await office.calls()) == 3
    outcomes = iter((*Outcome, Outcome.COMPLETED, Outcome.BUSY))
    while await office.status(id_) is CampaignStatus.ACTIVE:
        unended = await office.calls(QUEUED, LIVE)
        assert 1 <= len(unended) <= 3
        await office.end(unended[0], next(outcomes))
        await office.settled()
    assert sorted({call.to_number for call in await office.calls()}) == [
        f"+1555000000{n}" for n in range(7)
    ]
    assert len(await office.calls()) == 7
    assert await office.progress(id_) == Progress(
        numbers=7, completed=2, busy=2, no_answer=1, failed=1, cancelled=1
    )
    page, _ = await office.campaigns.get(OPERATOR, id_)
    assert page.completed_wall is not None


async def test_a_pause_holds_what_waits_and_lets_live_calls_end(office: Office) -> None:
    id_ = await office.add(6, max_concurrent=3)
    await office.settled()
    first, *_ = await office.calls()
    await office.move(first, LIVE)
    await office.campaigns.pause(OPERATOR, id_)
    await office.settled()
    assert [(call.status, call.scheduled_wall) for call in await office.calls()] == [
        (LIVE, None),
        (SCHEDULED, None),
        (SCHEDULED, None),
    ]
    await office.end(first)
    await office.settled()
    assert len(await office.calls()) == 3
    paused = await office.progress(id_)
    assert (paused.waiting, paused.pending, paused.completed) == (3, 2, 1)
    await office.campaigns.launch(OPERATOR, id_)
    await office.settled()
    assert len(await office.calls(QUEUED)) == 3
    assert len(await office.calls()) == 4


async def test_it_goes_on_where_it_was_after_a_restart(office: Office) -> None:
    id_ = await office.add(5, max_concurrent=2)
    await office.settled()
    for _ in range(3):
        await office.runner.aclose()
        office.restart()
        office.runner.start()
        await office.settled()
        assert len(await office.calls()) == 2
    # Ends that nobody was told of: the process was gone.
    await office.runner.aclose()
    for call in await office.calls():
        await office.end(call)
    office.restart()
    office.runner.start()
    await office.settled()
    assert len(await office.calls(QUEUED)) == 2
    assert (await office.progress(id_)).completed == 2


async def test_calls_are_begun_in_the_window_and_wait_for_the_next_opening(
    office: Office,
) -> None:
    id_ = await office.add(4, max_concurrent=2, window=Window(opens="09:00", closes="10:00"))
    await office.pass_time(HOUR - 1)
    assert await office.calls() == []
    await office.pass_time(1)
    assert len(await office.calls(QUEUED)) == 2
    live, waits = await office.calls()
    await office.move(live, LIVE)
    await office.pass_time(HOUR)
    assert [(call.status, call.scheduled_wall) for call in await office.calls()] == [
        (LIVE, None),
        (SCHEDULED, wall("2023-11-16T09:00Z")),
    ]
    await office.end(live)
    await office.settled()
    assert len(await office.calls()) == 2  # nothing begins before the next opening
    await office.pass_time(23 * HOUR)
    assert await office.status(id_) is CampaignStatus.ACTIVE
    # The one that was postponed is due again, and counts.
    unended = await office.calls(QUEUED, SCHEDULED)
    assert len(unended) == 2
    assert waits.id in {call.id for call in unended}


async def test_when_its_window_is_over_the_rest_is_not_called(office: Office) -> None:
    end = datetime.datetime(2023, 11, 15, 9, tzinfo=datetime.UTC)
    id_ = await office.add(6, max_concurrent=2, window=Window(end_at=end))
    await office.settled()
    live, _ = await office.calls()
    await office.move(live, LIVE)
    await office.pass_time(HOUR)
    assert await office.status(id_) is CampaignStatus.ACTIVE  # somebody still talks
    await office.end(live)
    await office.settled()
    assert await office.status(id_) is CampaignStatus.COMPLETED
    progress = await office.progress(id_)
    assert (progress.completed, progress.cancelled, progress.waiting) == (1, 1, 4)


async def test_one_whose_window_was_over_before_it_began_completes(office: Office) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    id_ = await office.add(2, window=Window(end_at=past))
    await office.settled()
    assert await office.status(id_) is CampaignStatus.COMPLETED
    assert await office.calls() == []


async def test_stopped_it_cancels_what_waits_even_after_a_crash(office: Office) -> None:
    id_ = await office.add(6, max_concurrent=3)
    await office.settled()
    first, *_ = await office.calls()
    await office.move(first, LIVE)
    await office.runner.aclose()
    office.restart()  # nobody runs
    await office.campaigns.stop(OPERATOR, id_)
    assert len(await office.calls(QUEUED)) == 2
    office.restart()
    office.runner.start()
    await office.settled()
    ended = await office.calls(ENDED)
    assert {call.outcome for call in ended} == {Outcome.CANCELLED}
    assert (len(ended), len(await office.calls(LIVE)), len(await office.calls())) == (2, 1, 3)


async def test_one_that_is_tried_again_counts_once_and_keeps_it_from_its_end(
    office: Office,
) -> None:
    id_ = await office.add(1)
    await office.settled()
    (first,) = await office.calls()
    again = self_again(first, office.clock.wall() + HOUR)
    await office.end(first, Outcome.BUSY, next_retry_wall=again.scheduled_wall)
    await office.settled()
    assert await office.status(id_) is CampaignStatus.ACTIVE
    assert await office.progress(id_) == Progress(numbers=1, pending=1)
    async with office.log.writing() as work:
        await CALLS.add(work.tx, again)
    async with office.log.writing() as work:
        await CALLS.update(work.tx, first, next_retry_wall=None, retried=True)
    assert await office.progress(id_) == Progress(numbers=1, pending=1)
    await office.end(again)
    await office.settled()
    assert await office.status(id_) is CampaignStatus.COMPLETED
    assert await office.progress(id_) == Progress(numbers=1, completed=1)


async def test_when_it_is_over_none_of_its_calls_is_tried_again(office: Office) -> None:
    id_ = await office.add(3, max_concurrent=3)
    await office.settled()
    first, second, third = await office.calls()
    later = office.clock.wall() + HOUR
    await office.end(first, Outcome.BUSY, next_retry_wall=later)
    await office.move(second, LIVE)
    await office.move(third, LIVE)
    await office.settled()
    await office.campaigns.stop(OPERATOR, id_)
    await office.settled()
    assert [call.next_retry_wall for call in await office.calls()] == [None, None, None]
    assert await office.progress(id_) == Progress(numbers=3, busy=1, in_progress=2)
    # Nor is one that was in progress when it was stopped.
    await office.end(second, Outcome.NO_ANSWER, next_retry_wall=later)
    await office.settled()
    await office.end(third)
    await office.settled()
    expected = Progress(numbers=3, busy=1, no_answer=1, completed=1)
    assert await office.progress(id_) == expected


async def test_its_window_over_no_call_is_tried_again_and_it_is_completed(office: Office) -> None:
    end_at = datetime.datetime.fromtimestamp(office.clock.wall() + HOUR, datetime.UTC)
    id_ = await office.add(1, window=Window(end_at=end_at))
    await office.settled()
    (call,) = await office.calls()
    await office.end(call, Outcome.BUSY, next_retry_wall=office.clock.wall() + 5 * HOUR)
    await office.settled()
    assert await office.status(id_) is CampaignStatus.ACTIVE
    await office.pass_time(HOUR)
    assert await office.status(id_) is CampaignStatus.COMPLETED
    assert await office.progress(id_) == Progress(numbers=1, busy=1)


async def test_one_with_calls_that_are_to_be_tried_again_is_not_deleted(office: Office) -> None:
    id_ = await office.add(1)
    await office.settled()
    (call,) = await office.calls()
    await office.end(call, Outcome.BUSY, next_retry_wall=office.clock.wall() + HOUR)
    await office.campaigns.pause(OPERATOR, id_)
    with pytest.raises(Conflict):
        await office.campaigns.delete(OPERATOR, id_)
    await office.campaigns.stop(OPERATOR, id_)
    await office.settled()
    await office.campaigns.delete(OPERATOR, id_)
    assert [call.next_retry_wall for call in await office.calls()] == [None]


def self_again(call: Call, at_wall: float) -> Call:
    return Call(
        owner_id=call.owner_id,
        inbound=False,
        from_number="",
        to_number=call.to_number,
        status=SCHEDULED,
        scheduled_wall=at_wall,
        retry_attempt=1,
        original_call_id=call.id,
        campaign_id=call.campaign_id,
    )


async def test_several_campaigns_go_on_beside_each_other(office: Office) -> None:
    ids = [await office.add(50, max_concurrent=45), await office.add(50, max_concurrent=5)]
    await office.settled()
    counts = [len([c for c in await office.calls() if c.campaign_id == id_]) for id_ in ids]
    assert counts == [45, 5]


async def test_numbers_that_come_later_are_called_too(office: Office) -> None:
    id_ = await office.add(1, max_concurrent=5)
    await office.settled()
    _, added = await office.campaigns.add_numbers(
        OPERATOR, id_, ["+1 555 000-0000", "+4930123", "+49 30 123"]
    )
    assert (added.added, added.duplicates) == (1, 2)
    await office.settled()
    assert [call.to_number for call in await office.calls()] == ["+15550000000", "+4930123"]


async def test_what_could_not_be_read_is_looked_at_as_a_whole_the_next_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = await office.add(3, max_concurrent=3)
    await office.settled()
    looks: list[bool] = []
    real = CampaignSteps.to_be_seen_to

    async def look(steps: CampaignSteps, everything: bool) -> list[str]:
        looks.append(everything)
        if len(looks) == 1:
            raise StoreError("a.db", "locked")
        return await real(steps, everything)

    monkeypatch.setattr(CampaignSteps, "to_be_seen_to", look)
    # Its calls that wait are cancelled, which only a look at all campaigns finds.
    await office.campaigns.stop(OPERATOR, id_)
    await office.settled()
    office.clock.advance(RETRY_S)
    await office.settled()
    assert looks[:2] == [True, True]
    assert {call.status for call in await office.calls()} == {ENDED}
