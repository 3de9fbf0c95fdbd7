"""SHELL: what becomes of a call that comes in: who answers it, its record, its session, its end."""

import asyncio
import functools
import logging
import uuid
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

from ..drivers.sip.endpoint import SipEndpoint
from ..drivers.sip.leg import SipLeg
from ..drivers.sip.trunk import LOCAL_LINE
from ..media.clock import Clock
from ..media.conversation.phrase_book import PhraseBook
from ..media.conversation.records import CallRecord, CallStatus
from ..media.conversation.session import Session
from ..media.errors import MediaError
from ..media.frames.lane import Lane
from ..media.frames.recorder import RecordingEnded
from ..media.ports import AnyLegEvent, HangUpCause, LegAnswered, LegEnded
from .agents import AgentRuntime
from .bridging import Bridging
from .registry import CallRegistry
from .routing import CallRefused

LOCAL_RING_S = 3.0
"`ringing@` of the development mode."

logger = logging.getLogger(__name__)


class Reception:
    """Takes every leg that comes in and sees it to its end."""

    def __init__(
        self,
        agent_for: Callable[[str, str], Awaitable[AgentRuntime]],
        registry: CallRegistry,
        clock: Clock,
        recordings: Path | None,
    ) -> None:
        """`agent_for` a line and a dialled number. `recordings` None: calls are not recorded."""
        self._agent_for = agent_for
        self._registry = registry
        self._clock = clock
        self._recordings = recordings
        self._phrase_book = PhraseBook()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sessions = weakref.WeakSet[Session]()
        self._legs = weakref.WeakSet[SipLeg]()
        self.endpoint: SipEndpoint | None = None
        "Where transfers are dialled; set once it has started."

    def incoming(self, leg: SipLeg) -> None:
        """The endpoint's `on_incoming`."""
        if leg.line == LOCAL_LINE and leg.to_number in ("busy", "decline"):
            busy = leg.to_number == "busy"
            leg.hang_up(HangUpCause.BUSY if busy else HangUpCause.DECLINED)
            return
        self._legs.add(leg)
        self._spawn(self._hold(leg), f"call {leg.wire_id}")

    async def aclose(self) -> None:
        """Every call has ended or is ended now; who still hears it ring is to try elsewhere."""
        for leg in tuple(self._legs):
            leg.hang_up(HangUpCause.OVERLOADED if leg.lane is None else HangUpCause.NORMAL)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait for all calls to be over."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def __len__(self) -> int:
        """Calls that are not over, one that has just come included."""
        return len(self._tasks)

    def in_memory(self) -> dict[str, int]:
        """How many objects of each kind are in memory, of ended calls as well: shows a leak."""
        return {"session": len(self._sessions), "leg": len(self._legs)}

    # --- one call --------------------------------------------------------------------------------

    async def _hold(self, leg: SipLeg) -> None:
        try:
            await self._converse(leg)
        except CallRefused as exc:
            logger.info("a call by line %s is refused: %s", leg.line, exc)
            leg.hang_up(exc.cause)
        finally:
            leg.hang_up(HangUpCause.ERROR)  # if it is still there, we have failed it

    async def _converse(self, leg: SipLeg) -> None:
        agent = await self._agent_for(leg.line, leg.to_number)
        record = CallRecord(
            id=str(uuid.uuid4()),
            line=leg.line,
            wire_id=leg.wire_id,
            inbound=True,
            from_number=leg.from_number,
            to_number=leg.to_number,
            agent=agent.settings.name,
            status=CallStatus.RINGING,
            started_wall=self._clock.wall(),
        )
        bridging = Bridging(leg, self._dial, record)
        session = Session(
            leg,
            agent.transcriber,
            agent.responder(leg.from_number),
            agent.synthesizer,
            agent.settings,
            self._clock,
            self._registry.tell,
            record,
            transfer=bridging.begin,
            phrase_book=self._phrase_book,
            begin_recording=functools.partial(self._record_leg, leg, record),
        )
        self._sessions.add(session)
        bridging.agent = session
        try:
            leg.sink = self._follow(leg, record, session)
            self._registry.add(record, session.hang_up)
            leg.ring()
            await session.prepare(leg.expected_rate_hz)
            if leg.line == LOCAL_LINE and leg.to_number == "ringing":
                await asyncio.sleep(LOCAL_RING_S)
            leg.answer()
            await session.run()
        finally:
            await session.aclose()
            bridging.end()
            self._registry.remove(record.id)

    def _follow(
        self, leg: SipLeg, record: CallRecord, session: Session
    ) -> Callable[[AnyLegEvent], None]:
        """The record learns of the line before the session tells of it."""

        def receive(event: AnyLegEvent) -> None:
            lane = leg.lane
            if isinstance(lane, Lane):
                if isinstance(event, LegAnswered) and lane.codec is not None:
                    record.codec = lane.codec.name
                    self._record(lane, record)
                elif isinstance(event, LegEnded):
                    record.dead_epoch_chunks = lane.dead_chunks
            session.receive_leg_event(event)

        return receive

    def _record_leg(self, leg: SipLeg, record: CallRecord) -> None:
        if isinstance(leg.lane, Lane):
            self._record(leg.lane, record)

    def _record(self, lane: Lane, record: CallRecord) -> None:
        if self._recordings is None:
            return
        record.recording = f"{record.id}.wav"

        def failed(end: RecordingEnded) -> None:
            logger.error("call %s: the recording ended early: %s", record.id, end.error)

        lane.record(self._recordings / record.recording, failed)

    def _dial(self, target: str, line: str) -> SipLeg:
        """A leg to somebody else, for a transfer. Raises MediaError."""
        if self.endpoint is None:
            raise MediaError("the endpoint has not started")
        return self.endpoint.call(target, line=line)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)
