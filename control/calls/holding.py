"""SHELL: calls from the moment that somebody is there until their record's end: one session each.

It makes no difference what line a leg is on, or who called whom. Not here: who answers
(reception.py), who is called and how (dispatch.py, outgoing.py).
"""

import asyncio
import contextlib
import functools
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

import msgspec

from ...media.clock import Clock
from ...media.conversation.phrase_book import PhraseBook
from ...media.conversation.session import Session
from ...media.errors import MediaError
from ...media.frames.lane import Lane
from ...media.frames.recorder import RecordingEnded
from ...media.ports import (
    AnyLegEvent,
    HangUpCause,
    LegAnswered,
    LegEnded,
    LegPort,
    LegRinging,
)
from ..agents.agents import AgentRuntime
from ..telemetry.logs import call_logger
from .bridging import Bridging, Dial
from .calls import LiveCall
from .registry import CallRegistry

MAX_CONTEXT_CHARS = 5000
"Of what an agent is told at the beginning."
CLOSING_S = 5.0
"A recording that is not closed by then is as long as its call, as far as is known."

LegSink = Callable[[AnyLegEvent], None]
Transfer = Callable[[LiveCall, Bridging, str], None]
Keyed = Callable[[AgentRuntime], Awaitable[AgentRuntime]]

logger = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Holding:
    """The calls that somebody has to see to their end."""

    def __init__(
        self,
        registry: CallRegistry,
        clock: Clock,
        recordings: Path | None,
        dial: Dial | None = None,
    ) -> None:
        """`recordings` None: calls are not recorded. `dial`: legs to others, for a transfer."""
        self.registry = registry
        self.dial: Dial = dial or _nobody
        self.transfer: Transfer = _begin
        "Hands a caller over to whom the agent names."
        self.keyed: Keyed = _as_it_is
        "The agent with its account's own keys of providers; the call counts as a use of them."
        self.on_end: Callable[[], None] = _nothing
        "A call is over: there is room for another one."
        self._clock = clock
        self._recordings = recordings
        self._phrase_book = PhraseBook()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sessions = weakref.WeakSet[Session]()
        self._legs = weakref.WeakSet[LegPort]()

    def __len__(self) -> int:
        """Calls that are not over, those that have just begun included."""
        return len(self._tasks)

    def see_to(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run what one call needs, until the call is over."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def know(self, leg: LegPort) -> None:
        """A leg that is to end when the server does."""
        self._legs.add(leg)

    async def settled(self) -> None:
        """Wait for all calls to be over."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def aclose(self) -> None:
        """Every call has ended or is ended now; who still hears it ring is to try elsewhere."""
        for leg in tuple(self._legs):
            rings = leg.inbound and leg.lane is None
            leg.hang_up(HangUpCause.OVERLOADED if rings else HangUpCause.NORMAL)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def in_memory(self) -> dict[str, int]:
        """How many objects of each kind are in memory, of ended calls as well: shows a leak."""
        return {"session": len(self._sessions), "leg": len(self._legs)}

    # --- one call --------------------------------------------------------------------------------

    async def take(
        self,
        leg: LegPort,
        live: LiveCall,
        agent: AgentRuntime,
        before_answer: Callable[[], Coroutine[None, None, None]] | None = None,
    ) -> None:
        """Answer a leg that has come in, and converse until it has ended."""
        async with self._session(leg, live, agent) as session:
            leg.sink = self._follow(leg, live, session)
            leg.ring()
            await session.prepare(leg.expected_rate_hz)
            if before_answer is not None:
                await before_answer()
            leg.answer()
            await session.run()

    async def go_on(
        self,
        leg: LegPort,
        live: LiveCall,
        agent: AgentRuntime,
        before: Sequence[AnyLegEvent],
    ) -> None:
        """Converse with who rings or has answered, until the leg has ended.

        `before`: what the leg has told up to now.
        """
        async with self._session(leg, live, agent) as session:
            kept = list(before)
            leg.sink = kept.append
            preparing = asyncio.create_task(
                session.prepare(leg.expected_rate_hz), name=f"prepare call {live.id}"
            )
            # The loop takes things in their order: the session has begun to prepare by then, and is
            # told of the answer while it does: it is heard at once, greeting or not.
            asyncio.get_running_loop().call_soon(self._catch_up, leg, live, session, kept)
            try:
                await preparing
                await session.run()
            finally:
                preparing.cancel()

    def _catch_up(
        self, leg: LegPort, live: LiveCall, session: Session, kept: list[AnyLegEvent]
    ) -> None:
        sink = leg.sink = self._follow(leg, live, session)
        for event in kept:
            sink(event)

    @contextlib.asynccontextmanager
    async def _session(
        self, leg: LegPort, live: LiveCall, agent: AgentRuntime
    ) -> AsyncIterator[Session]:
        record = live.record
        agent, planned = await self.keyed(agent), agent
        if agent.substitutions != planned.substitutions:
            self.registry.changed(live.id, substitutions=agent.substitutions)
        record.use = msgspec.structs.replace(agent.services)
        bridging = Bridging(leg, self.dial, record)
        session = Session(
            leg,
            agent.transcriber,
            agent.responder(leg.from_number if leg.inbound else leg.to_number),
            agent.synthesizer,
            agent.settings,
            self._clock,
            self.registry.tell,
            record,
            transfer=functools.partial(self.transfer, live, bridging),
            phrase_book=self._phrase_book,
            begin_recording=functools.partial(self._record, leg, live),
        )
        self._sessions.add(session)
        bridging.agent = session
        live.session, live.bridging, live.hang_up = session, bridging, session.hang_up
        live.language = agent.settings.language
        try:
            yield session
        finally:
            live.let_go()
            await session.aclose()
            bridging.end()
            live.recorded = await _closed(live)

    def _follow(self, leg: LegPort, live: LiveCall, session: Session) -> LegSink:
        """The record learns of the line before the session tells of it."""
        record = live.record

        def receive(event: AnyLegEvent) -> None:
            lane = leg.lane
            if isinstance(event, LegRinging):
                self.registry.rang(live.id)
            elif isinstance(event, LegAnswered):
                if isinstance(lane, Lane) and lane.codec is not None:
                    record.codec = lane.codec.name
                self._record(leg, live)
            elif isinstance(event, LegEnded):
                live.heard_end(event)
                if isinstance(lane, Lane):
                    record.dead_epoch_chunks = lane.dead_chunks
            session.receive_leg_event(event)
            if isinstance(event, LegAnswered):
                _tell_context(session, live)

        return receive

    def _record(self, leg: LegPort, live: LiveCall) -> None:
        lane, record = leg.lane, live.record
        if self._recordings is None or not isinstance(lane, Lane):
            return
        record.recording = f"{record.id}.wav"

        def failed(end: RecordingEnded) -> None:
            call_logger(logger, record.id).error("the recording ended early: %s", end.error)

        live.lane = lane
        lane.record(self._recordings / record.recording, failed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)
        self.on_end()


async def _closed(live: LiveCall) -> RecordingEnded | None:
    """What became of the recording; None: there was none, or the disk is too slow to be known."""
    lane, live.lane = live.lane, None
    ending = None if lane is None else lane.recording_ended
    if ending is None:
        return None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            return await asyncio.wrap_future(ending)
    return None


def _tell_context(session: Session, live: LiveCall) -> None:
    """What the agent is to know about this call."""
    if live.context:
        with contextlib.suppress(MediaError):  # it has ended already
            session.inject(f"About this call: {_encode(live.context).decode()}"[:MAX_CONTEXT_CHARS])


def _begin(live: LiveCall, bridging: Bridging, to: str) -> None:
    bridging.begin(to)


def _nobody(to: str, line: str) -> LegPort:
    raise MediaError("nobody can be called")


async def _as_it_is(agent: AgentRuntime) -> AgentRuntime:
    return agent


def _nothing() -> None:
    """Before anybody waits for room."""
