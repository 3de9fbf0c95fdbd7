"""What is left of a call when it is over: nothing, and without the garbage collector's help.

The collector runs rarely (its runs stop the frame clock), and a reply holds a megabyte of audio.
"""

import gc
import weakref

from offhook.media.conversation.reply_speech import ReplySpeech
from offhook.media.errors import ProviderError
from offhook.media.speech_ports import AnyReplyPart, ReplyDone, ReplyRequest, ReplyText
from offhook.tests.kit.staged_call import StagedCall

LONG = "This is a sentence of the agent. " * 12


def long_answers(request: ReplyRequest) -> list[AnyReplyPart]:
    return [ReplyText(LONG), ReplyDone()]


def failing_answers(request: ReplyRequest) -> list[AnyReplyPart | Exception]:
    return [ReplyText("One. "), ProviderError("fake-llm", "lost")]


def replies() -> int:
    return sum(isinstance(each, ReplySpeech) for each in gc.get_objects())


class Uncollected:
    """The collector is off, and has nothing to do."""

    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()


async def test_a_call_that_ends_in_the_middle_of_its_greeting_is_freed() -> None:
    with Uncollected():
        before = replies()
        call = StagedCall(greeting=LONG)
        session = weakref.ref(call.session)
        await call.answer()
        await call.run(1000)
        assert replies() > before
        await call.finish()
        del call
        assert session() is None
        assert replies() == before


async def test_an_interrupted_reply_is_freed_while_the_call_goes_on() -> None:
    with Uncollected():
        call = StagedCall(long_answers)
        await call.answer()
        before = replies()
        for _ in range(3):
            call.say("tell me something")
            await call.run(4000)
            call.say("stop that please now")
            await call.run(4000)
        assert call.record.barge_ins >= 3
        assert replies() <= before + 1, "the one that is being said"
        await call.finish()


async def test_a_failed_reply_is_freed() -> None:
    with Uncollected():
        call = StagedCall(failing_answers)
        await call.answer()
        before = replies()
        for _ in range(3):
            call.say("tell me something")
            await call.run(8000)
        assert replies() <= before + 1
        await call.finish()
