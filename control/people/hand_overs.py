"""SHELL: hand-overs of live calls to people, one task each: rings, hangs up, stores, is told.

Who is rung, for how long, and what ends it: hand_over.py. Who may be: services/escalations.py.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence

from ...media.clock import Clock, Timer
from ...media.conversation.records import LegState
from ...media.errors import BadValue, CallNotLive, MediaError
from ..calls.bridging import Bridging, Mode
from ..calls.calls import LiveCall
from ..domain.calls import EscalationStatus
from ..errors import StoreError
from .hand_over import OVER, HandOver, HangUp, Moved, Ring

CALLED_OFF = "it was called off"
BUSY = "in another call"
CLOSE_S = 2.0
"What goes on when the server stops has so long to be stored."

Keep = Callable[[str, Moved], Awaitable[None]]
"Stores and tells where the hand-over of this id stands. Raises StoreError."
LinesFor = Callable[[LiveCall, str], Awaitable[Sequence[str]]]
"By which lines an address may be called for a call, the best one first."

logger = logging.getLogger(__name__)


class HandOvers:
    """Those that go on. `aclose()` ends their tasks; the calls' legs end with their calls."""

    def __init__(self, clock: Clock, keep: Keep, lines_for: LinesFor) -> None:
        self._clock = clock
        self._keep = keep
        self._lines_for = lines_for
        self._running: dict[str, _Running] = {}
        self.held: dict[str, str] = {}
        "People who ring or are in a call: Agent.id -> id of the hand-over."

    def begin(
        self,
        id_: str,
        live: LiveCall,
        core: HandOver,
        mode: Mode,
        *,
        return_to_agent: bool = False,
        transfer: bool = False,
    ) -> None:
        """Ring the first of them. `transfer`: the agent has given the caller away."""
        running = _Running(id_, live, core, mode)
        running.return_to_agent = return_to_agent
        running.transfer = transfer
        self._running[id_] = running
        task = asyncio.get_running_loop().create_task(self._run(running), name=f"hand over {id_}")
        running.task = task
        task.add_done_callback(functools.partial(self._ended, running))

    def goes_on(self, id_: str) -> bool:
        """Whether it is not over."""
        return id_ in self._running

    def cancel(self, id_: str) -> bool:
        """Nobody is wanted any more; False: it is over already."""
        running = self._running.get(id_)
        if running is None:
            return False
        running.tell(functools.partial(running.core.cancel, CALLED_OFF))
        return True

    def change(self, id_: str, mode: Mode) -> bool:
        """Let who rings or has joined take part in another way; False: it is over already."""
        running = self._running.get(id_)
        if running is None:
            return False
        running.mode = mode
        bridging = running.live.bridging
        if bridging is not None and running.leg is not None:
            with contextlib.suppress(BadValue):  # the leg has ended a moment ago
                bridging.change(running.leg, mode)
        return True

    async def settled(self) -> None:
        """Wait until none goes on."""
        while tasks := [each.task for each in self._running.values() if each.task is not None]:
            await asyncio.wait(tasks)

    async def aclose(self) -> None:
        """The calls have ended, and so will these; any other is put right at the next start."""
        tasks = [each.task for each in self._running.values() if each.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- one of them ----------------------------------------------------------------------------

    async def _run(self, running: "_Running") -> None:
        core = running.core
        core.begin(self._clock.now())
        try:
            await self._carry_out(running)
            while core.status not in OVER:
                running.arm(self._clock)
                (await running.inputs.get())()
                await self._carry_out(running)
        finally:
            running.disarm()
            self._let_go(running)

    async def _carry_out(self, running: "_Running") -> None:
        while (action := running.core.next_action()) is not None:
            match action:
                case Ring():
                    await self._ring(running, action)
                case HangUp():
                    _hang_up(running)
                case Moved():
                    await self._moved(running, action)

    async def _ring(self, running: "_Running", ring: Ring) -> None:
        person, core = ring.person, running.core
        if self.held.setdefault(person.id, running.id) != running.id:
            core.receive_ended(ring.attempt, BUSY, self._clock.now())
            return
        why = "no line can call them"
        for line in await self._lines_for(running.live, person.target):
            bridging = running.live.bridging  # after what was awaited: the call may have ended
            if bridging is None:
                break
            try:
                running.leg = self._call(running, bridging, ring, line)
                return
            except CallNotLive:
                break
            except MediaError as exc:
                why = str(exc)  # nobody was rung: the next line may be able to
        if running.live.bridging is None or running.live.session is None:
            core.receive_caller_left()
        else:
            core.receive_ended(ring.attempt, why, self._clock.now())

    def _call(self, running: "_Running", bridging: Bridging, ring: Ring, line: str) -> str:
        return bridging.call(
            ring.person.target,
            running.mode,
            line=line,
            return_to_agent=running.return_to_agent,
            told=functools.partial(self._told, running, ring.attempt),
        )

    def _told(self, running: "_Running", attempt: int, state: LegState, reason: str) -> None:
        """A leg has joined, or ended: at once, in the middle of whatever goes on."""
        core = running.core
        if state is LegState.JOINED:
            running.tell(functools.partial(core.receive_joined, attempt))
        elif running.live.bridging is None:
            running.tell(core.receive_caller_left)
        else:
            now = self._clock.now()
            running.tell(functools.partial(core.receive_ended, attempt, reason, now))

    async def _moved(self, running: "_Running", moved: Moved) -> None:
        person = moved.person
        running.joined = running.joined or moved.status is EscalationStatus.BRIDGED
        for id_ in [id_ for id_, by in self.held.items() if by == running.id]:
            if person is None or id_ != person.id or moved.status in OVER:
                del self.held[id_]
        logger.info("hand-over %s: %s %s", running.id, moved.status.value, moved.reason)
        if moved.status in OVER and running.transfer and not running.joined:
            bridging = running.live.bridging
            if bridging is not None:
                bridging.hand_over_failed()
        try:
            await self._keep(running.id, moved)
        except StoreError as exc:
            # The call goes on, whatever the disk does.
            logger.error("hand-over %s cannot be stored: %s", running.id, exc)

    def _let_go(self, running: "_Running") -> None:
        self.held = {id_: by for id_, by in self.held.items() if by != running.id}

    def _ended(self, running: "_Running", task: asyncio.Task[None]) -> None:
        self._running.pop(running.id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("the task to %s died", task.get_name(), exc_info=error)


class _Running:
    """One hand-over with what it needs of the world."""

    def __init__(self, id_: str, live: LiveCall, core: HandOver, mode: Mode) -> None:
        self.id = id_
        self.live = live
        self.core = core
        self.mode = mode
        self.return_to_agent = False
        self.transfer = False
        self.joined = False
        "Somebody was in the call."
        self.leg: str | None = None
        "The number of the one leg that rings or has joined."
        self.inputs = asyncio.Queue[Callable[[], None]]()
        "A leg tells two things at most, and there is one at a time: it stays short."
        self.task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None

    def tell(self, happened: Callable[[], None]) -> None:
        """Let the core know, in its turn."""
        self.inputs.put_nowait(happened)

    def arm(self, clock: Clock) -> None:
        """Wake the core at its moment."""
        self.disarm()
        deadline = self.core.get_timer()
        if deadline is not None:

            def due() -> None:
                self.tell(lambda: self.core.handle_timer(max(deadline, clock.now())))

            self._timer = clock.call_at(deadline, due)

    def disarm(self) -> None:
        """No moment any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _hang_up(running: _Running) -> None:
    bridging, leg = running.live.bridging, running.leg
    running.leg = None
    if bridging is not None and leg is not None:
        with contextlib.suppress(BadValue):  # it has ended a moment ago
            bridging.hang_up(leg)
