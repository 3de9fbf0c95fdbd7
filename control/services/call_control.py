"""What is done to a call while somebody is talking: said, played, pressed, muted, joined.

Each verb fits only some states of the call: Conflict says how it stands. What comes of it is told
by the event bus, and is in the call's turns.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...media.clock import Clock
from ...media.conversation.session import Session
from ...media.errors import AgentPaused, BadValue, CallNotLive, MediaError, NotRecorded
from ..auth.principal import Principal
from ..calls.bridging import Bridging, Mode
from ..calls.calls import Calls, LiveCall
from ..dialer.dialling import dialled, is_address
from ..domain.agents import AgentKind
from ..domain.calls import CallSummary
from ..errors import Conflict, ControlError, FieldError, Unprocessable
from ..store.calls import CallStore
from ..store.database import Database
from .access import missing, owner_of
from .agents import AGENTS

Lines = Callable[[CallSummary], Awaitable[tuple[str, ...]]]
"The lines that may carry a call, in order. Raises ControlError when there is none."


class CallControl:
    """The verbs. Each raises NotFound, Conflict, and Unprocessable for what cannot be."""

    def __init__(self, database: Database, live: Calls, clock: Clock) -> None:
        self._database = database
        self._store = CallStore(database)
        self._live = live
        self._clock = clock
        self.lines: Lines = _no_line
        "Set once there is routing."

    async def say(self, who: Principal, id_: str, text: str, interrupt: bool) -> None:
        """The agent says this: when the floor is free, or instead of what it says."""
        with _translated():
            (await self._session(who, id_)).say(text, interrupt)

    async def play(
        self,
        who: Principal,
        id_: str,
        pcm: NDArray[np.int16],
        rate_hz: int,
        name: str,
        interrupt: bool,
    ) -> None:
        """The caller hears a recording, int16[samples]."""
        with _translated():
            (await self._session(who, id_)).play(pcm, rate_hz, name, interrupt)

    async def press(self, who: Principal, id_: str, digits: str) -> None:
        """Press keys towards the far end."""
        with _translated():
            (await self._session(who, id_)).send_digits(digits)

    async def mute(self, who: Principal, id_: str, agent: bool | None, caller: bool | None) -> None:
        """Silence a side, or no longer; None leaves it."""
        with _translated():
            (await self._session(who, id_)).mute(agent, caller)

    async def tell_agent(self, who: Principal, id_: str, text: str, reply: bool) -> None:
        """Let the agent know something; `reply`: it speaks to it."""
        with _translated():
            (await self._session(who, id_)).inject(text, reply)

    async def type(self, who: Principal, id_: str, text: str) -> None:
        """As if the caller had said it."""
        with _translated():
            (await self._session(who, id_)).user_message(text)

    async def record(self, who: Principal, id_: str, on: bool) -> None:
        """Leave what follows out of the recording, or take it in again."""
        with _translated():
            (await self._session(who, id_)).keep_recording(on)

    # --- others in the call ---------------------------------------------------------------------

    async def join(
        self,
        who: Principal,
        id_: str,
        to: str,
        mode: Mode,
        *,
        line: str | None = None,
        return_to_agent: bool = False,
    ) -> str:
        """Call somebody and join them to the call; returns the leg's number."""
        number = dialled(to)
        if number is None:
            fault = FieldError("to", "neither a number nor a SIP address")
            raise Unprocessable("nobody can be called so", [fault])
        live = await self.find(who, id_)
        names = [line] if line else await self.lines_for(live, number)
        bridging = self._bridging(live)  # after what was awaited: the call may have ended
        failed: MediaError | None = None
        for name in names:
            try:
                return bridging.call(number, mode, line=name, return_to_agent=return_to_agent)
            except (CallNotLive, BadValue) as exc:
                raise _problem(exc) from exc
            except MediaError as exc:
                failed = exc  # nobody was rung: the next line may be able to
        raise Conflict(f"nobody can be called: {failed or 'no line can'}") from failed

    async def join_person(
        self, who: Principal, id_: str, agent_id: str, mode: Mode, *, return_to_agent: bool
    ) -> str:
        """The same with one of your human agents, by the address that they are called at."""
        async with self._database.read() as tx:
            person = await AGENTS.get(tx, agent_id, owner_of(who))
        if person is None or person.kind is not AgentKind.HUMAN:
            fault = FieldError("human_agent_id", "there is no such human agent")
            raise Unprocessable("nobody can be called so", [fault])
        to = person.address or person.phone_number
        if not to:
            raise Conflict(f"agent {person.name!r} has no address to be called at")
        leg = await self.join(who, id_, to, mode, return_to_agent=return_to_agent)
        self._live.changed(id_, human_agent_id=person.id)
        return leg

    async def change_mode(self, who: Principal, id_: str, leg: str | None, mode: Mode) -> str:
        """Let somebody who was joined take part in another way; returns the leg's number."""
        bridging = self._bridging(await self.find(who, id_))
        leg = _leg_of(bridging, leg)
        with _translated():
            bridging.change(leg, mode)
        return leg

    async def part(self, who: Principal, id_: str, leg: str | None) -> str:
        """End somebody's part in the call; returns the leg's number."""
        bridging = self._bridging(await self.find(who, id_))
        leg = _leg_of(bridging, leg)
        with _translated():
            bridging.hang_up(leg)
        return leg

    # --- for other services ---------------------------------------------------------------------

    async def lines_for(self, live: LiveCall, to: str) -> list[str]:
        """By which lines somebody may be called for a call, its own first.

        Who answers there knows where the call comes from.
        """
        own = live.record.line
        if is_address(to):
            return [own]
        call = live.as_now(self._clock.wall())
        own_number = call.to_number if call.inbound else call.from_number
        wanted = msgspec.structs.replace(call, line="", from_number=own_number)
        try:
            return list(dict.fromkeys((own, *await self.lines(wanted))))
        except ControlError:
            return [own]

    async def find(self, who: Principal, id_: str) -> LiveCall:
        """A call that is in progress here. Raises NotFound, and Conflict for any other."""
        live = self._live.find(id_)
        owner = owner_of(who)
        if live is not None and owner in (None, live.owner_id):
            if not self._live.is_live(id_):
                raise Conflict(f"call {id_} has ended")
            return live
        stored = await self._store.summary(id_, owner)
        if stored is None:
            raise missing("call", id_)
        await self._store.check_here(id_)
        raise Conflict(f"call {id_} is {stored.status.value}")

    # --- inside ---------------------------------------------------------------------------------

    async def _session(self, who: Principal, id_: str) -> Session:
        live = await self.find(who, id_)
        if live.session is None:
            raise Conflict(f"call {id_} is {live.status.value}: nobody has answered")
        return live.session

    def _bridging(self, live: LiveCall) -> Bridging:
        if live.bridging is None:
            raise Conflict(f"call {live.id} is {live.status.value}: nobody is there to be joined")
        return live.bridging


def _leg_of(bridging: Bridging, leg: str | None) -> str:
    """The leg that is meant, where there is but one."""
    legs = bridging.legs()
    if leg is not None:
        if leg not in legs:
            raise Conflict(f"there is no leg {leg[:16]!r} in the call now")
        return leg
    if len(legs) != 1:
        raise Conflict("nobody was joined" if not legs else "several were joined: name the leg")
    return next(iter(legs))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except MediaError as exc:
        raise _problem(exc) from exc


def _problem(exc: MediaError) -> Conflict | Unprocessable:
    if isinstance(exc, BadValue):
        return Unprocessable("that cannot be", [FieldError(exc.field, exc.what)])
    assert isinstance(exc, CallNotLive | AgentPaused | NotRecorded), "what a session raises"
    return Conflict(str(exc))


async def _no_line(call: CallSummary) -> tuple[str, ...]:
    return ()
