"""Whatever a call does is done in the call's context, also where the engine was what began it."""

from contextvars import ContextVar

from offhook.media.speech_ports import AnyReplyPart, ReplyRequest
from offhook.tests.kit.staged_call import StagedCall, echo_answers

ABOUT: ContextVar[str] = ContextVar("about", default="nobody")


async def test_replies_are_made_in_the_context_that_the_call_was_made_in() -> None:
    asked: list[str] = []

    def answers(request: ReplyRequest) -> list[AnyReplyPart]:
        asked.append(ABOUT.get())
        return echo_answers(request)

    ABOUT.set("the call")
    call = StagedCall(answers)
    ABOUT.set("the engine")  # ticks and packets come from here
    await call.answer()
    call.say("hello there")
    await call.run(4000)
    await call.finish()
    assert call.agent_said() == ["You said hello there."]
    assert set(asked) == {"the call"}
