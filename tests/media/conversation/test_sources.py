"""A reply's passages are kept with the turn that it became."""

from offhook.media.conversation.records import Role
from offhook.media.speech_ports import (
    AnyReplyPart,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Source,
    Sourced,
)
from offhook.tests.kit.staged_call import StagedCall

SOURCE = Source(document_id="d", document="Terms", index=0, page=2, score=0.6)


def sourced_answers(request: ReplyRequest) -> list[AnyReplyPart]:
    """An agent that answers from a document."""
    return [Sourced((SOURCE,)), ReplyText("Within thirty days."), ReplyDone()]


async def test_a_turn_has_the_passages_that_it_was_made_of() -> None:
    call = StagedCall(sourced_answers)
    await call.answer()
    call.say("when may I return it", after_ms=200)
    await call.run(6000)
    await call.finish()
    assert [turn.sources for turn in call.turns(Role.AGENT)] == [(SOURCE,)]
    assert [turn.sources for turn in call.turns(Role.CALLER)] == [()]
