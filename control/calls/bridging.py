"""SHELL: others in a call: a second leg is called, and joined to the caller's in one of four modes.

    mode      the caller hears it   it hears the caller   it hears the agent   the agent
    talk      yes                   yes                   (it is silent)       is away
    listen    no                    yes                   yes                  goes on
    whisper   no                    yes                   yes                  goes on
    barge     yes                   yes                   yes                  goes on

Between the others: who talks or barges is heard by all of them; who whispers is heard by those who
talk or barge, so that a supervisor can prompt whoever has the caller; who listens, by nobody.
While only the agent has the caller, nobody hears a whisper: what the agent is to know is told to it
by `Session.inject`. The agent listens to the caller's line alone, never to another leg.

The agent's own transfer is a leg in `talk` whose end is the call's. No REFER: the caller's carrier
need not know (many refuse it), and the caller can be taken back.
"""

import enum
import functools
import logging
from collections.abc import Callable
from typing import Protocol

from ...drivers.sip.errors import SipError
from ...media.conversation.records import CallRecord, LegState
from ...media.errors import BadValue, CallNotLive, MediaError
from ...media.frames.history import HEARD, SENT, Channel
from ...media.frames.lane import Lane
from ...media.ports import AnyLegEvent, HangUpCause, LegAnswered, LegEnded, LegPort
from ..telemetry.logs import call_logger

Dial = Callable[[str, str], LegPort]
"Calls an address or a number by a line. Raises MediaError or SipError."
Told = Callable[[LegState, str], None]
"Where a leg stands now, and why it has ended."
Edge = tuple[Lane, Lane, Channel]
"The first hears that side of the second."

MAX_LEGS = 8
"Others in one call, those that ring included."
CALLER_LEFT = "the caller has hung up"

logger = logging.getLogger(__name__)


class Mode(enum.Enum):
    """How somebody takes part in a call."""

    TALK = "talk"
    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"

    @property
    def speaks(self) -> bool:
        """The caller hears them."""
        return self in (Mode.TALK, Mode.BARGE)


class BridgeFailed(MediaError):
    """The other leg could not be called. `what` says why."""

    code = "bridge_failed"
    retryable = True

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Agent(Protocol):
    """What is asked of the caller's session."""

    def pause_agent(self) -> None: ...

    def resume_agent(self) -> None: ...

    def transfer_failed(self) -> None: ...

    def leg_changed(
        self, leg: str, to: str, mode: str, state: LegState, reason: str = ""
    ) -> None: ...


class _Other:
    """Another leg of the call."""

    def __init__(self, leg: LegPort, to: str, mode: Mode) -> None:
        self.leg = leg
        self.to = to
        self.mode = mode
        self.return_to_agent = False
        self.handed_over = False
        "The agent has given the caller away: if nobody answers it has to know."
        self.joined = False
        self.told: Told | None = None

    @property
    def lane(self) -> Lane | None:
        """The audio of who has joined."""
        return self.leg.lane if self.joined and isinstance(self.leg.lane, Lane) else None


class Bridging:
    """The other legs of one call."""

    def __init__(self, caller: LegPort, dial: Dial, record: CallRecord) -> None:
        self._caller = caller
        self._dial = dial
        self._record = record
        self._logger = call_logger(logger, record.id)
        self._others: dict[str, _Other] = {}
        self._edges: set[Edge] = set()
        self._legs = 0
        self._agent_is_away = False
        self.agent: Agent | None = None
        "The caller's session; set before the call is answered, let go at its end."

    # --- verbs -----------------------------------------------------------------------------------

    def begin(self, to: str) -> None:
        """The agent hands the caller over: who answers keeps them. Raises nothing."""
        try:
            self._call(to, Mode.TALK, self._caller.line, handed_over=True)
        except MediaError as exc:
            self._logger.warning("cannot be handed over: %s", exc)
            self.hand_over_failed()

    def call(
        self,
        to: str,
        mode: Mode = Mode.TALK,
        *,
        line: str | None = None,
        return_to_agent: bool = False,
        told: Told | None = None,
    ) -> str:
        """Call `to` and join them in this mode when they answer; returns the leg's number.

        `line` is the caller's unless given. When a leg in `talk` ends, the agent has the caller
        again if `return_to_agent`, else the call is over; while somebody else whom the caller hears
        is left, it goes on. `told` hears, besides the agent, when it has joined and when it has
        ended or failed, once. Raises CallNotLive, BadValue, BridgeFailed.
        """
        if self.agent is None or self._caller.lane is None:
            raise CallNotLive("nobody can be joined to it")
        if len(self._others) >= MAX_LEGS:
            raise BadValue("to", f"{MAX_LEGS} others are in the call already")
        number = self._call(to, mode, self._caller.line if line is None else line)
        self._others[number].return_to_agent = return_to_agent
        self._others[number].told = told
        return number

    def change(self, number: str, mode: Mode) -> None:
        """Let who was called take part in another way from now on. Raises BadValue."""
        other = self._other(number)
        if other.mode is not mode:
            other.mode = mode
            self._tell(number, other, LegState.JOINED if other.joined else LegState.DIALLED)
            self._settle()

    def hang_up(self, number: str) -> None:
        """End a leg, whether it has been answered or not. Raises BadValue."""
        self._other(number).leg.hang_up(HangUpCause.NORMAL)

    def hand_over_failed(self) -> None:
        """The agent has given the caller away, and nobody takes them: the agent has them again."""
        self._record.transferred_to = None
        if self.agent is not None:
            self.agent.transfer_failed()

    def legs(self) -> dict[str, Mode]:
        """The numbers of the legs that ring or have joined."""
        return {number: other.mode for number, other in self._others.items()}

    def end(self) -> None:
        """The caller's leg is over, and so are all others."""
        self.agent = None  # lets the session go
        others, self._others = self._others, {}
        self._edges = set()
        for other in others.values():
            other.leg.hang_up(HangUpCause.NORMAL)
            if other.told is not None:
                other.told(LegState.ENDED if other.joined else LegState.FAILED, CALLER_LEFT)

    # --- a leg's course --------------------------------------------------------------------------

    def _call(self, to: str, mode: Mode, line: str, *, handed_over: bool = False) -> str:
        try:
            leg = self._dial(to, line)
        except SipError as exc:
            raise BridgeFailed(str(exc)) from exc
        self._legs += 1
        number = str(self._legs)
        other = self._others[number] = _Other(leg, to, mode)
        other.handed_over = handed_over
        leg.sink = functools.partial(self._receive, number)
        self._tell(number, other, LegState.DIALLED)
        return number

    def _receive(self, number: str, event: AnyLegEvent) -> None:
        other = self._others.get(number)
        if other is None:
            return
        if isinstance(event, LegAnswered):
            other.joined = True
            self._tell(number, other, LegState.JOINED)
            self._settle()
        elif isinstance(event, LegEnded):
            del self._others[number]
            self._gone(number, other, event)

    def _gone(self, number: str, other: _Other, event: LegEnded) -> None:
        reason = event.reason or event.cause.value
        self._tell(number, other, LegState.ENDED if other.joined else LegState.FAILED, reason)
        if not other.joined:
            self._logger.warning("leg %s: %s", number, reason)
            if other.handed_over:
                self.hand_over_failed()
            return
        kept = other.return_to_agent or any(each.mode.speaks for each in self._joined())
        if other.mode is Mode.TALK and not kept:
            self._caller.hang_up(HangUpCause.NORMAL)
        else:
            self._settle()

    # --- who hears whom --------------------------------------------------------------------------

    def _settle(self) -> None:
        """Join and part what the modes say now."""
        wanted = self._wanted()
        for listener, source, side in self._edges - wanted:
            listener.hear_no_more(source, side)
        for listener, source, side in wanted - self._edges:
            listener.hear_also(source, side)
        self._edges = wanted
        away = any(other.mode is Mode.TALK for other in self._joined())
        if self.agent is None or away == self._agent_is_away:
            return
        self._agent_is_away = away
        try:
            if away:
                self.agent.pause_agent()
            else:
                self.agent.resume_agent()
        except CallNotLive as exc:  # it is ending, and so will the others
            self._logger.debug("%s", exc)

    def _wanted(self) -> set[Edge]:
        caller = self._caller.lane
        edges: set[Edge] = set()
        if not isinstance(caller, Lane):
            return edges
        joined = [(other.mode, lane) for other in self._joined() if (lane := other.lane)]
        for mode, lane in joined:
            edges.add((lane, caller, HEARD))
            if mode is not Mode.TALK:
                edges.add((lane, caller, SENT))
            if mode.speaks:
                edges.add((caller, lane, HEARD))
            edges |= {
                (listener, lane, HEARD)
                for their_mode, listener in joined
                if listener is not lane
                and (mode.speaks or (mode is Mode.WHISPER and their_mode.speaks))
            }
        return edges

    def _joined(self) -> list[_Other]:
        return [other for other in self._others.values() if other.joined]

    def _other(self, number: str) -> _Other:
        if number not in self._others:
            raise BadValue("leg", f"there is no leg {number!r} in this call")
        return self._others[number]

    def _tell(self, number: str, other: _Other, state: LegState, reason: str = "") -> None:
        if self.agent is not None:
            self.agent.leg_changed(number, other.to, other.mode.value, state, reason)
        if other.told is not None and state is not LegState.DIALLED:
            other.told(state, reason)
