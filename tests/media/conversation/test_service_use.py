"""What a call uses of services is counted while it is used, and nothing twice."""

from collections.abc import Iterable

from offhook.media.conversation.phrase_book import PhraseBook
from offhook.media.conversation.records import CallRecord, Role
from offhook.media.conversation.settings import AgentSettings
from offhook.media.speech_ports import AnyReplyPart, ReplyDone, ReplyRequest, ReplyText, TokensUsed
from offhook.tests.kit.staged_call import StagedCall

QUIET = AgentSettings(apology="", farewell="")


def counted(request: ReplyRequest) -> Iterable[AnyReplyPart]:
    """A model that tells 100 tokens in and 7 out."""
    assert request.count is not None
    request.count(TokensUsed(100, 7, estimated=request.text.startswith("two")))
    return [ReplyText("Two words."), ReplyDone()]


async def one_call(book: PhraseBook, *said: str, greeting: str = "") -> CallRecord:
    call = StagedCall(counted, QUIET, greeting=greeting, book=book)
    await call.answer()
    for words in said:
        call.say(words, after_ms=300)
        await call.run(6000)
    assert len(call.turns(Role.CALLER)) == len(said)
    await call.finish()
    return call.record


async def test_tokens_and_characters_of_all_replies_are_counted() -> None:
    use = (await one_call(PhraseBook(), "call waiting", "thank you")).use
    assert (use.llm_tokens_in, use.llm_tokens_out, use.llm_estimated) == (200, 14, False)
    assert use.tts_chars == 2 * len("Two words.")
    use = (await one_call(PhraseBook(), "two of them")).use
    assert (use.llm_tokens_in, use.llm_estimated) == (100, True)


async def test_recognition_is_given_what_is_heard_of_the_caller() -> None:
    record = await one_call(PhraseBook(), "call waiting")
    (turn,) = [turn for turn in record.turns if turn.role is Role.CALLER]
    spoken_s = (turn.end_samples - turn.begin_samples) / 8000
    assert spoken_s > 0.5
    # What came just before it was noticed, and the silence that ended it, are heard as well.
    assert spoken_s <= record.use.stt_s < spoken_s + 1.5
    assert (await one_call(PhraseBook())).use.stt_s == 0.0


async def test_a_phrase_that_another_call_has_said_costs_nothing() -> None:
    book = PhraseBook()
    first = await one_call(book, greeting="Good morning.")
    again = await one_call(book, greeting="Good morning.")
    assert (first.use.tts_chars, again.use.tts_chars) == (len("Good morning."), 0)
