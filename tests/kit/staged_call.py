"""A whole call in no time: a session on fakes and a virtual clock, and a caller by script."""

import asyncio
from typing import TypeVar

from offhook.media.clock import VirtualClock
from offhook.media.conversation.phrase_book import PhraseBook
from offhook.media.conversation.records import AnyCallEvent, CallRecord, CallStatus, Role, Turn
from offhook.media.conversation.session import Session
from offhook.media.conversation.settings import AgentSettings
from offhook.media.ports import HangUpCause
from offhook.media.speech_ports import AnyReplyPart, HangUp, ReplyDone, ReplyRequest, ReplyText
from offhook.tests.kit.fake_lane import FRAME_MS, FakeLane
from offhook.tests.kit.fake_leg import FakeLeg
from offhook.tests.kit.fake_speech import (
    Answers,
    FakeResponder,
    FakeSynthesizer,
    FakeTranscriber,
    Spoken,
)

E = TypeVar("E")

ROUNDS = 12
"Turns of the event loop a tick: more than any chain of tasks here needs."


def echo_answers(request: ReplyRequest) -> list[AnyReplyPart]:
    """An agent that repeats what it was asked, and hangs up on "goodbye"."""
    if request.silence:
        return [ReplyText("Are you still there?"), ReplyDone(request.memory)]
    asked = request.text or request.digits or "nothing"
    parts: list[AnyReplyPart] = [ReplyText(f"You said {asked}.")]
    if request.text == "goodbye":
        parts.append(HangUp())
    return [*parts, ReplyDone(len(request.history))]


class StagedCall:
    """The stage, the actors, and the protocol of what was told."""

    def __init__(
        self,
        answers: Answers = echo_answers,
        agent: AgentSettings | None = None,
        *,
        greeting: str = "",
        rate_hz: int = 8000,
        book: PhraseBook | None = None,
        inbound: bool = True,
    ) -> None:
        self.clock = VirtualClock()
        self.lane = FakeLane(rate_hz)
        self.leg = FakeLeg(self.lane, inbound=inbound)
        self.transcriber = FakeTranscriber(self.clock)
        self.responder = FakeResponder(self.clock, answers, greeting)
        self.synthesizer = FakeSynthesizer(self.clock)
        self.told: list[AnyCallEvent] = []
        self.transferred: list[str] = []
        self.record = CallRecord(
            id="call-1",
            line="test",
            wire_id="leg-1",
            inbound=inbound,
            from_number="+15550001",
            to_number="+15550002",
            agent="test",
            status=CallStatus.RINGING,
            started_wall=self.clock.wall(),
        )
        self.session = Session(
            self.leg,
            self.transcriber,
            self.responder,
            self.synthesizer,
            agent or AgentSettings(),
            self.clock,
            self.told.append,
            self.record,
            transfer=self.transferred.append,
            phrase_book=book,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def answer(self) -> None:
        """Ring until everything is prepared, then answer."""
        await self.ring()
        self._tasks.append(asyncio.create_task(self.session.run()))
        self.leg.answer()

    async def ring(self) -> None:
        """Ring until everything is prepared."""
        prepare = asyncio.create_task(self.session.prepare(self.lane.rate_hz))
        for _ in range(1000):
            await self._settle()
            if prepare.done():
                break
            self.clock.advance(FRAME_MS / 1000)
        await prepare

    def say(
        self, text: str, *, after_ms: int = 0, ms: int | None = None, rejected: bool = False
    ) -> None:
        """The caller says this, beginning so much later; 350 ms a word unless told otherwise."""
        words = tuple(text.split())
        length = ms if ms is not None else 350 * max(1, len(words))
        now = self.lane.position_samples // self.lane.frame
        begin = now + after_ms // FRAME_MS
        spoken = Spoken(begin, begin + length // FRAME_MS, words, rejected)
        self.transcriber.script.append(spoken)
        self.lane.talk(after_ms, after_ms + length)

    async def run(self, ms: int) -> None:
        """So much of the call."""
        for _ in range(ms // FRAME_MS):
            self.clock.advance(FRAME_MS / 1000)
            self.lane.tick()
            await self._settle()

    async def finish(self) -> None:
        """The caller hangs up, if nobody has; everything must come to its end."""
        self.leg.end(HangUpCause.NORMAL)
        await asyncio.wait_for(asyncio.gather(*self._tasks), 5)

    async def _settle(self) -> None:
        for _ in range(ROUNDS):
            await asyncio.sleep(0)

    def turns(self, role: Role) -> list[Turn]:
        return [turn for turn in self.record.turns if turn.role is role]

    def agent_said(self) -> list[str]:
        return [turn.text for turn in self.turns(Role.AGENT)]

    def caller_said(self) -> list[str]:
        return [turn.text for turn in self.turns(Role.CALLER)]

    def played_words(self) -> list[str]:
        """The words whose audio left the gate, whole or in part."""
        return [self.synthesizer.words[code] for code in self.lane.codes()]

    def events(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]
