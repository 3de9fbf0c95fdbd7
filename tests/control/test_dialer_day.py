"""A day of calls on a virtual clock: failures, kills, clocks that are set, and every rule obeyed.

What was dialled is written down by the far ends and checked by tests/kit/dialing_log.py, which
shares no code with what it checks. DIALER_CALLS sets how many calls there are.
"""

import asyncio
import contextlib
import os
import pathlib
import random
from typing import Any

import pytest
from sqlalchemy import select

from offhook.control.agents.agents import AgentRuntime
from offhook.control.auth.principal import Principal
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.calls.calls import LiveCall
from offhook.control.calls.registry import CallRegistry
from offhook.control.dialer.call_limits import CallLimits, Claim, Counted
from offhook.control.dialer.call_pace import CallPace
from offhook.control.dialer.dial_queue import Chosen
from offhook.control.dialer.dispatch import Dispatch
from offhook.control.dialer.permission import Permission
from offhook.control.domain.accounts import Account, Role
from offhook.control.domain.agents import Agent
from offhook.control.domain.calls import Call, CallStatus, CallSummary
from offhook.control.domain.campaigns import Campaign, CampaignStatus
from offhook.control.domain.dialing import QuietHours, RetryPolicy, RetryRule
from offhook.control.errors import Conflict
from offhook.control.events.events import EventBus
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.calls import CallService
from offhook.control.services.campaigns import CAMPAIGNS
from offhook.control.services.dialing import DialingService
from offhook.control.services.do_not_call import DoNotCallService
from offhook.control.services.event_log import EventLog
from offhook.control.store import schema
from offhook.control.store.call_queue import CallQueue
from offhook.control.store.calls import CALLS, CallStore
from offhook.control.store.database import Database
from offhook.control.telemetry.metrics import Metrics
from offhook.drivers.llm.house import HouseResponder
from offhook.drivers.llm.house_settings import HouseSettings
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import CallEnded, CallRecord, CallStatus as MediaStatus
from offhook.media.conversation.settings import AgentSettings
from offhook.media.ports import HangUpCause
from offhook.tests.kit.database import copy_database, url_in
from offhook.tests.kit.dialing_log import (
    DialingLog,
    Dialled,
    Ended,
    Limits,
    Rule,
    Told,
    check_order,
)
from offhook.tests.kit.fake_speech import FakeSynthesizer, FakeTranscriber

CALLS_A_DAY = int(os.environ.get("DIALER_CALLS", "500"))
DAY_S = 12 * 3600.0
INCIDENTS = 40
LIMIT_S = 3600.0
"Of real time."

OWNERS = ("ann", "bob", "cid", "dan")
ZONES = ("UTC", "America/New_York", "Asia/Tokyo")
PRIORITIES = (0, 1, 1, 1, 2)
POLICIES = {
    "eager": RetryPolicy(
        no_answer=RetryRule(max_attempts=4, initial_delay_s=60.0, factor=2.0, max_delay_s=300.0),
        busy=RetryRule(max_attempts=2, initial_delay_s=120.0, backoff="fixed"),
        failed=RetryRule(max_attempts=1, initial_delay_s=0.0),
    ),
    "default": None,
    "never": RetryPolicy(
        **{
            name: RetryRule(max_attempts=0, initial_delay_s=1.0)
            for name in RetryPolicy.__struct_fields__
        }
    ),
}
RULES = {
    "eager": {
        "no_answer": Rule(4, 60.0, 2.0, 300.0),
        "busy": Rule(2, 120.0, 1.0, 120.0),
        "declined": Rule(2, 120.0, 1.0, 120.0),
        "network": Rule(1, 0.0, 1.0, 0.0),
    },
    "default": {
        "no_answer": Rule(3, 300.0, 2.0, 86_400.0),
        "busy": Rule(2, 600.0, 1.5, 86_400.0),
        "declined": Rule(2, 600.0, 1.5, 86_400.0),
        "network": Rule(2, 900.0, 1.5, 86_400.0),
    },
    "never": {},
}
LIMITS = Limits(
    everything=40,
    lines={"a": 20, "b": 8},
    accounts={"ann": 16, "bob": 20},
    campaigns={"spring": 6, "autumn": 10},
    rates={"a": 5.0, "b": 1.5, "c": 30.0},
    quiet={"cid": ("Europe/Berlin", "20:00", "08:00")},
    rules=RULES,
)
ENDS = (
    (HangUpCause.NORMAL, True, (5, 90)),
    (HangUpCause.BUSY, False, (1, 1)),
    (HangUpCause.DECLINED, False, (5, 15)),
    (HangUpCause.NO_ANSWER, False, (30, 30)),
    (HangUpCause.NETWORK, False, (1, 5)),
    (HangUpCause.NOT_FOUND, False, (1, 1)),
    (HangUpCause.NETWORK, True, (10, 20)),
)
WEIGHTS = (40, 15, 5, 20, 15, 3, 2)


class SteppingClock(VirtualClock):
    """Goes from one timer to the next; its wall clock can be set."""

    def step(self) -> None:
        """To the next timer that was not cancelled."""
        due = self._due
        while due and due[0][2].callback is None:
            due.pop(0)
            due.sort(key=lambda entry: entry[:2])
        assert due, "nothing is going to happen any more"
        self.advance(max(0.0, due[0][0] - self.now()))

    def put(self, seconds: float) -> None:
        """The wall clock is set forward, or back."""
        self._wall_at_zero += seconds


class Ways:
    """Which lines, claims and agent calls have: as routing.py would say, without its readings."""

    def __init__(self, agents: dict[str, Agent]) -> None:
        self._agents = agents

    async def outbound(self, call: CallSummary) -> tuple[str, ...]:
        return (call.line,) if call.line else ("a", "b")

    async def outbound_claims(self, call: CallSummary) -> tuple[Claim, ...]:
        claims = [Claim(Counted.ACCOUNT, call.owner_id, LIMITS.accounts.get(call.owner_id))]
        if call.campaign_id is not None:
            most = LIMITS.campaigns[call.campaign_id]
            claims.append(Claim(Counted.CAMPAIGN, call.campaign_id, most))
        return tuple(claims)

    async def agent_for(self, call: CallSummary) -> Agent:
        assert call.agent_id is not None
        return self._agents[call.agent_id]

    def claim(self, name: str) -> Claim:
        return Claim(Counted.LINE, name, LIMITS.lines.get(name))

    def room(self) -> int:
        return 1000


class OneRuntime:
    """All agents sound the same."""

    def __init__(self, clock: VirtualClock) -> None:
        self._runtime = AgentRuntime(
            AgentSettings(name="any"),
            FakeTranscriber(clock, delay_s=0.0),
            FakeSynthesizer(clock, delay_s=0.0),
            lambda number: HouseResponder(HouseSettings(greeting="Hi.", answers=()), clock, number),
            (),
        )

    def runtime(self, agent: Agent) -> AgentRuntime:
        return self._runtime


class FarEnds:
    """Whoever is called: keeps the log, and ends calls as the numbers' fate has it."""

    def __init__(self, day: "Day") -> None:
        self._day = day
        self.live: dict[str, tuple[Chosen, LiveCall]] = {}
        self.unstored: set[str] = set()
        self.dead = False

    def begin(self, chosen: Chosen, agent: AgentRuntime, retry: RetryPolicy | None) -> None:
        day, call = self._day, chosen.call
        record = CallRecord(
            id=call.id,
            line=chosen.lines[0],
            wire_id=f"wire-{call.id}",
            inbound=False,
            from_number=f"own-{chosen.lines[0]}",
            to_number=call.to_number,
            agent="any",
            status=MediaStatus.RINGING,
            started_wall=day.clock.wall(),
        )
        live = day.registry.add(call, record, lambda: None, is_new=False)
        live.retry = retry
        day.log.dialled.append(
            Dialled(
                at=day.clock.now(),
                wall=day.clock.wall(),
                call_id=call.id,
                chain=call.original_call_id or call.id,
                attempt=call.retry_attempt,
                number=call.to_number,
                owner=call.owner_id,
                campaign=call.campaign_id,
                line=chosen.lines[0],
                agent=call.agent_id or "",
                timezone=call.timezone,
                scheduled_wall=call.scheduled_wall,
            )
        )
        self.live[call.id] = (chosen, live)
        fate = random.Random(f"{call.to_number} {call.retry_attempt}")
        (cause, answered, (low, high)) = fate.choices(ENDS, WEIGHTS)[0]
        # Whole fives: many end at one moment.
        lasts_s = -(-fate.randint(low, high) // 5) * 5.0
        at = day.clock.now() + lasts_s
        day.clock.call_at(at, lambda: self._end(call.id, cause, answered))

    def _end(self, call_id: str, cause: HangUpCause, answered: bool) -> None:
        if self.dead:
            return
        day = self._day
        chosen, live = self.live.pop(call_id)
        record, wall = live.record, day.clock.wall()
        if answered:
            record.answered_wall = wall
        record.status, record.cause, record.ended_wall = MediaStatus.ENDED, cause, wall
        record.ended_by_us = False
        day.log.ended[call_id] = Ended(
            at=day.clock.now(), wall=wall, call_id=call_id, cause=cause.value, answered=answered
        )
        self.unstored.add(call_id)
        day.registry.tell(CallEnded(call_id, wall, 0, cause, False))
        day.registry.remove(call_id)
        chosen.release()
        day.dispatch.wake()

    def die(self) -> None:
        """The server is killed."""
        self.dead = True
        day = self._day
        for call_id in self.live:
            day.log.ended[call_id] = Ended(
                at=day.clock.now(), wall=day.clock.wall(), call_id=call_id, cause="crash"
            )
        day.log.uncertain |= self.unstored


class Day:
    """The world: one server after another on one database."""

    def __init__(self, folder: pathlib.Path, seed: int) -> None:
        self._folder = folder
        self.rng = random.Random(seed)
        # 2026-11-30, 05:00 in UTC.
        self.clock = SteppingClock(wall_at_zero=1_796_014_800.0)
        self.log = DialingLog(LIMITS)
        self.agents = {
            name: Agent(id=name, owner_id="ann", name=name, retry=policy)
            for name, policy in POLICIES.items()
        }
        self.kills = 0
        self._stops: dict[str | None, int] = {}
        copy_database(folder)

    async def start(self) -> None:
        """A server begins, as after its last end."""
        self.database = Database(url_in(self._folder))
        await self.database.open()
        bus, store = EventBus(), CallStore(self.database)
        self.events = EventLog(self.database, bus)
        await self.events.start()
        self.registry = CallRegistry(store, bus, Metrics(), self.clock, self._folder)
        await self.registry.start()
        self.limits, self.far_ends = CallLimits(), FarEnds(self)
        ways, pace = Ways(self.agents), CallPace(LIMITS.rates)
        self.dispatch = Dispatch(
            CallQueue(self.database),
            self.events,
            ways,
            OneRuntime(self.clock),
            ways,
            self.limits,
            ways,
            self.far_ends,
            self.clock,
            Permission(self.database),
            pace,
            LIMITS.everything,
        )
        self.calls = CallService(store, self.events, self.registry, self.clock, self._folder)
        self.dialing = DialingService(self.database, self.clock)
        self.listing = DoNotCallService(self.database, self.events, self.clock)
        wake = self.dispatch.wake
        self.registry.on_retry = self.calls.on_pending = wake
        self.dialing.on_change = self.listing.on_pending = wake
        self.dispatch.start()

    async def kill(self) -> None:
        """It is gone in the middle of whatever it does."""
        self.kills += 1
        self.far_ends.die()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            # Of a connection that is given back, which is a task of its own: cut off, it would be
            # lost for the pool, and told of when it is collected.
            if getattr(task.get_coro(), "__qualname__", "") != "AsyncConnection.close":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.database.aclose()
        self.dispatch.wake = lambda: None  # type: ignore[method-assign] # its timers go on
        self.clock.advance(self.rng.uniform(2.0, 120.0))
        await self.start()

    async def stop(self) -> None:
        """It ends as it should."""
        await self.dispatch.aclose()
        await self.registry.aclose()
        await self.database.aclose()

    async def settle(self) -> None:
        """Until nothing happens any more at this moment."""
        while True:
            await self.dispatch.idle.wait()
            await self.registry.settled()
            if self.dispatch.idle.is_set():
                self.far_ends.unstored.clear()
                self.log.walls.append((self.clock.now(), self.clock.wall()))
                return

    async def is_over(self) -> bool:
        """Nothing waits, nothing is to be tried again, nobody speaks."""
        c = schema.CALLS.c
        open_ = (c.status != CallStatus.ENDED.value) | c.next_retry_wall.is_not(None)
        async with self.database.read() as tx:
            left = (await tx.execute(select(c.seq).where(open_).limit(1))).first()
        return left is None

    # --- what is wanted ---------------------------------------------------------------------------

    async def fill(self, count: int) -> None:
        """Accounts, campaigns, and all calls of the day."""
        async with self.database.write() as tx:
            for name in OWNERS:
                await ACCOUNTS.add(tx, Account(id=name, email=f"{name}@example.com"))
            for name in LIMITS.campaigns:
                campaign = Campaign(
                    id=name, owner_id="dan", name=name, status=CampaignStatus.ACTIVE
                )
                await CAMPAIGNS.add(tx, campaign)
        for begin in range(0, count, 500):
            calls = [self._wish(number) for number in range(begin, min(begin + 500, count))]
            async with self.database.write() as tx:
                await CALLS.add_all(tx, calls)
        zone, begins, ends = LIMITS.quiet["cid"]
        hours = {"timezone": zone, "quiet_hours": QuietHours(begins=begins, ends=ends)}
        await self.dialing.change(admin(), "cid", hours)
        self.dispatch.wake()

    def _wish(self, number: int) -> Call:
        rng, now = self.rng, self.clock.wall()
        owner = OWNERS[number % len(OWNERS)]
        campaign = rng.choice(("spring", "autumn")) if owner == "dan" else None
        # Most of them in a few rushes, as people plan them.
        due = now + rng.choice((600.0, 3 * 3600.0, 6 * 3600.0, rng.uniform(0, DAY_S)))
        rank = rng.choice(PRIORITIES)
        return Call(
            owner_id=owner,
            inbound=False,
            from_number="",
            to_number=f"+49{number:09}",
            line=rng.choice(("", "", "a", "c")),
            agent_id=rng.choice(tuple(POLICIES)),
            status=CallStatus.SCHEDULED,
            priority_rank=rank,
            scheduled_wall=due,
            timezone=rng.choice(ZONES) if owner in LIMITS.quiet else "UTC",
            campaign_id=campaign,
            created_wall=now,
            updated_wall=now,
        )

    # --- what goes wrong --------------------------------------------------------------------------

    async def incident(self) -> None:
        """One of the things that happen in a day."""
        match self.rng.randrange(7):
            case 0:
                await self.kill()
            case 1:
                # In the middle: it has just been woken, and has begun to look.
                self.clock.step()
                for _ in range(self.rng.randrange(30)):
                    await asyncio.sleep(0)
                await self.kill()
            case 2:
                self.clock.put(self.rng.uniform(-5400, 5400))
            case 3:
                await self._stop_or_go(self.rng.choice(("ann", "bob", None)))
            case 4 | 5:
                await self._forbid_some()
            case _:
                await self._cancel_some()

    async def _stop_or_go(self, who: str | None) -> None:
        stopped_at = self._stops.pop(who, None)
        if stopped_at is None:
            await self.dialing.change(admin(), who, {"stopped": True})
            self._stops[who] = len(self.log.dialled)
        else:
            self.log.stopped.append((who, stopped_at, len(self.log.dialled)))
            await self.dialing.change(admin(), who, {"stopped": False})

    async def go(self) -> bool:
        """Whoever has stopped goes on; False: nobody has."""
        stops = tuple(self._stops)
        for who in stops:
            await self._stop_or_go(who)
        return bool(stops)

    async def _forbid_some(self) -> None:
        for call in await self._some(max(2, CALLS_A_DAY // 100)):
            pair = call.owner_id, call.to_number
            if pair not in self.log.listed:
                spelling = call.to_number.replace("+", "00")
                await self.listing.add(of(call.owner_id), spelling)
                self.log.listed[pair] = self.clock.now()

    async def _cancel_some(self) -> None:
        for call in await self._some(max(2, CALLS_A_DAY // 100)):
            with contextlib.suppress(Conflict):
                ended = await self.calls.end(of(call.owner_id), call.id)
                if ended.status is not CallStatus.ENDED:
                    continue  # it was dialled a moment ago, and its far end hangs up when it wants
                if call.status is not CallStatus.ENDED:
                    self.log.cancelled.add(call.id)
                chain = call.original_call_id or call.id
                self.log.called_off.setdefault(chain, len(self.log.dialled))

    async def _some(self, count: int) -> list[Call]:
        """Calls that wait, or are to be tried again."""
        c = schema.CALLS.c
        open_ = c.status.in_(("scheduled", "queued")) | c.next_retry_wall.is_not(None)
        async with self.database.read() as tx:
            found = await CALLS.all(tx, None, open_, limit=5000)
        return self.rng.sample(found, min(count, len(found)))

    # --- and what is left of it -------------------------------------------------------------------

    async def told(self) -> tuple[list[Told], dict[str, Any], dict[str, tuple[int, int]]]:
        """Every status that was stored; kind and place of every call."""
        e, c = schema.EVENTS.c, schema.CALLS.c
        async with self.database.read() as tx:
            stored = await tx.execute(
                select(e.call_id, e.body).where(e.type == "call.status").order_by(e.seq)
            )
            told = [Told(call_id, body["status"]) for call_id, body in stored]
            rows = await tx.execute(
                select(
                    c.id,
                    c.priority_rank,
                    c.seq,
                    c.owner_id,
                    c.wished_line,
                    c.agent_id,
                    c.campaign_id,
                    c.timezone,
                )
            )
            found = [tuple(row) for row in rows]
        kinds = {row[0]: row[3:] for row in found}
        return told, kinds, {row[0]: (row[1], row[2]) for row in found}


def admin() -> Principal:
    return Principal("ann", Role.ADMIN, EVERYTHING, "operator")


def of(owner: str) -> Principal:
    return Principal(owner, Role.USER, EVERYTHING, "access")


@pytest.mark.parametrize("seed", [20261130])
async def test_a_day_of_calls_obeys_every_limit_and_rule(tmp_path: pathlib.Path, seed: int) -> None:
    day = Day(tmp_path, seed)
    await day.start()
    await day.fill(CALLS_A_DAY)
    every_s = DAY_S / INCIDENTS
    next_at, incidents = every_s / 2, 0
    async with asyncio.timeout(LIMIT_S):
        while True:
            await day.settle()
            if day.clock.now() >= next_at and incidents < INCIDENTS:
                incidents += 1
                next_at = day.clock.now() + every_s * day.rng.uniform(0.2, 1.0)
                await day.incident()
                continue
            if incidents == INCIDENTS:
                if await day.go():
                    continue
                if not day.far_ends.live and await day.is_over():
                    break
            day.clock.step()
    told, kinds, places = await day.told()
    assert day.kills > 3
    await day.stop()
    day.log.check()
    assert len(day.log.dialled) > CALLS_A_DAY
    # A call whose claim was stored and whose line was never told is the crash's.
    assert check_order(told, kinds, places) >= len(day.log.dialled)
