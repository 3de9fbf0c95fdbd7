"""SHELL: the verbs by which others steer a call that is live. Each returns at once.

They check what is asked and whether it can be asked now; what comes of it is decided in orders.py.
`Session` is what they are verbs of.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentPaused, BadValue, CallNotLive, NotRecorded
from ..ports import LanePort, LegPort
from .announcement import Announcement, Sound
from .floor import Phase, TurnState
from .records import (
    AgentLeft,
    AgentPressed,
    AgentReturned,
    AnyCallEvent,
    CallRecord,
    LegChanged,
    LegState,
    MuteChanged,
    OtherLeg,
    RecordingSwitched,
)
from .speaking import Speaker
from .turn_events import (
    AgentWasPaused,
    AgentWasResumed,
    AnnouncementOrdered,
    AnyTurnEvent,
    CallerWasMuted,
    CallerWasUnmuted,
    ContextGiven,
    MessageTyped,
)

MAX_TEXT_CHARS = 5000
MAX_WAITING = 16
"Announcements that wait for the floor."
MAX_SOUND_S = 120
"The playout gate keeps no more of one call."
MIN_SOUND_HZ, MAX_SOUND_HZ = 4000, 192_000
KEY_S, PAUSE_S = 0.2, 0.5
MAX_KEYS_S = 30.0
"Longer strings of keys are refused: tones beyond it would be dropped."
_KEYS = re.compile(r"[0-9*#A-Da-d,]+")


class LiveControl(ABC):
    """What a session must have for its call to be steered, and the steering."""

    record: CallRecord
    _leg: LegPort
    _lane: LanePort | None
    _state: TurnState
    _speaker: Speaker
    _tell: Callable[[AnyCallEvent], None]
    _begin_recording: Callable[[], None] | None

    _agent_muted = False

    @abstractmethod
    def _receive(self, event: AnyTurnEvent) -> None: ...

    @abstractmethod
    def _position(self) -> int: ...

    @abstractmethod
    def _head(self) -> tuple[str, float, int]: ...

    # --- what the agent says ---------------------------------------------------------------------

    def say(self, text: str, interrupt: bool = False) -> None:
        """Let the agent speak these words: when the floor is free, or instead of what it says.

        Raises CallNotLive, AgentPaused, BadValue.
        """
        self._order(Announcement(_text(text), instead=interrupt), interrupt)

    def play(
        self, pcm: NDArray[np.int16], rate_hz: int, name: str, interrupt: bool = False
    ) -> None:
        """Play a recording, int16[samples], in place of words; its turn reads `[name]`.

        Raises CallNotLive, AgentPaused, BadValue.
        """
        if not MIN_SOUND_HZ <= rate_hz <= MAX_SOUND_HZ:
            raise BadValue("rate_hz", f"must be from {MIN_SOUND_HZ} to {MAX_SOUND_HZ}")
        if pcm.dtype != np.int16 or pcm.ndim != 1 or not len(pcm):
            raise BadValue("pcm", "must be samples of 16 bits, one channel")
        if len(pcm) > MAX_SOUND_S * rate_hz:
            raise BadValue("pcm", f"must not be longer than {MAX_SOUND_S} s")
        sound = Sound(pcm, rate_hz)
        self._order(Announcement(f"[{_text(name)}]", sound, interrupt), interrupt)

    def _order(self, announcement: Announcement, interrupt: bool) -> None:
        self._require_agent()
        if len(self._state.announcements) >= MAX_WAITING and not interrupt:
            raise BadValue("text", f"{MAX_WAITING} announcements are waiting already")
        self._receive(AnnouncementOrdered(self._position(), announcement, interrupt))

    def inject(self, text: str, reply: bool = False) -> None:
        """Let the responder know something; `reply`: the agent speaks to it when the floor is free.

        A paused agent speaks to it when it is back. Raises CallNotLive, BadValue.
        """
        self._require_live()
        self._receive(ContextGiven(self._position(), _text(text), reply))

    def user_message(self, text: str) -> None:
        """The caller has written this: a turn of theirs, which is answered aloud.

        Raises CallNotLive, AgentPaused, BadValue.
        """
        self._require_agent()
        self._receive(MessageTyped(self._position(), _text(text)))

    # --- what passes the line --------------------------------------------------------------------

    def send_digits(self, digits: str) -> None:
        """Press keys towards the caller: 0-9 * # A-D, a comma waits for 0.5 s.

        Raises CallNotLive, BadValue.
        """
        self._require_live()
        if not _KEYS.fullmatch(digits):
            raise BadValue("digits", "must be of 0-9 * # A-D and commas")
        pauses = digits.count(",")
        if KEY_S * (len(digits) - pauses) + PAUSE_S * pauses > MAX_KEYS_S:
            raise BadValue("digits", f"must not take longer than {MAX_KEYS_S:g} s")
        self._leg.send_digits(digits.upper())
        self._tell(AgentPressed(*self._head(), digits.upper()))

    def mute(self, agent: bool | None = None, caller: bool | None = None) -> None:
        """Silence a side, or no longer; None leaves it.

        A muted agent converses on unheard, and what it says counts as not heard. A muted caller is
        not heard by the agent; keys are. Raises CallNotLive.
        """
        self._require_live()
        before = self._agent_muted, self._state.muted
        if agent is not None and agent != self._agent_muted:
            self._agent_muted = agent
            self._speaker.mute(agent)
        if caller is not None and caller != self._state.muted:
            muted = CallerWasMuted if caller else CallerWasUnmuted
            self._receive(muted(self._position()))
        now = self._agent_muted, self._state.muted
        if now != before:
            self._tell(MuteChanged(*self._head(), *now))

    def keep_recording(self, on: bool) -> None:
        """Leave out of the recording what follows, or take it in again. Its time axis stays.

        A call that is not recorded yet is from now on. Raises CallNotLive, NotRecorded.
        """
        lane = self._require_live()
        if not lane.keep_recording(on) and on:
            if self._begin_recording is None:
                raise NotRecorded("recordings are switched off")
            self._begin_recording()
            if not lane.keep_recording(on):
                raise NotRecorded("the recording could not be begun")
        self._tell(RecordingSwitched(*self._head(), on))

    # --- the agent goes and comes ----------------------------------------------------------------

    def pause_agent(self) -> None:
        """Somebody else takes the caller: the agent neither hears nor speaks.

        Raises CallNotLive.
        """
        self._require_live(closing=True)
        if not self._state.paused:
            self._receive(AgentWasPaused(self._position()))
            self._tell(AgentLeft(*self._head()))

    def resume_agent(self) -> None:
        """The agent has the caller again. Raises CallNotLive."""
        self._require_live(closing=True)
        if self._state.paused:
            self._receive(AgentWasResumed(self._position()))
            self._tell(AgentReturned(*self._head()))

    def leg_changed(self, leg: str, to: str, mode: str, state: LegState, reason: str = "") -> None:
        """Tell, and keep, where another leg of the call stands."""
        head = self._head()
        at = head[2]
        legs = self.record.legs
        index = next((i for i, each in enumerate(legs) if each.leg == leg), len(legs))
        before = legs[index] if index < len(legs) else OtherLeg(leg=leg, to=to, mode=mode)
        joined, ended = before.joined_samples, before.ended_samples
        if state is LegState.JOINED and joined is None:
            joined = at
        elif state in (LegState.ENDED, LegState.FAILED):
            ended = at
        legs[index:] = [
            OtherLeg(leg=leg, to=to, mode=mode, joined_samples=joined, ended_samples=ended),
            *legs[index + 1 :],
        ]
        self._tell(LegChanged(*head, leg, to, mode, state, reason))

    # --- may it be asked? ------------------------------------------------------------------------

    def _require_live(self, *, closing: bool = False) -> LanePort:
        phase = self._state.phase
        if self._lane is None or phase is Phase.WAITING:
            raise CallNotLive("it is not answered yet")
        if phase is Phase.OVER:
            raise CallNotLive("it has ended")
        if phase is Phase.CLOSING and not closing:
            raise CallNotLive("it is about to end, or is being handed over")
        return self._lane

    def _require_agent(self) -> None:
        self._require_live()
        if self._state.paused:
            raise AgentPaused


def _text(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= MAX_TEXT_CHARS:
        raise BadValue("text", f"must have 1 to {MAX_TEXT_CHARS} characters")
    return text
