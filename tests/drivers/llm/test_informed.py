"""Responders that answer from documents: the house's own words, and any language model."""

from collections.abc import AsyncIterator

from offhook.drivers.llm.house import HouseResponder
from offhook.drivers.llm.house_default import DEFAULT_AGENT
from offhook.drivers.llm.informed import InformedResponder
from offhook.media.clock import VirtualClock
from offhook.media.speech_ports import (
    AnyReplyPart,
    Message,
    Passage,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Source,
    Sourced,
)

ANSWER = "You may return anything within thirty days. Bring the receipt."


def passage(score: float, answer: str = ANSWER) -> Passage:
    source = Source(document_id="d", document="Terms", index=3, page=2, score=score)
    return Passage(source=source, heading="Returns", text=f"{answer} And more.", answer=answer)


class FakeKnowledge:
    """Finds what it was given, whatever is asked."""

    def __init__(self, *found: Passage) -> None:
        self.found = found
        self.asked: list[str] = []

    async def find(self, words: str) -> tuple[Passage, ...]:
        self.asked.append(words)
        return self.found


class FakeModel:
    """A responder that keeps what it was asked."""

    name = "model"

    def __init__(self) -> None:
        self.requests: list[ReplyRequest] = []

    def phrases(self) -> tuple[str, ...]:
        return ("help",)

    def greeting(self) -> str:
        return "Hello."

    async def respond(self, request: ReplyRequest) -> AsyncIterator[AnyReplyPart]:
        self.requests.append(request)
        yield ReplyText("Yes.")
        yield ReplyDone()


async def parts_of(
    responder: HouseResponder | InformedResponder, request: ReplyRequest
) -> list[AnyReplyPart]:
    return [part async for part in responder.respond(request)]


def house(knowledge: FakeKnowledge) -> HouseResponder:
    return HouseResponder(DEFAULT_AGENT, VirtualClock(), "", knowledge)


async def test_the_house_answers_from_a_passage_when_no_phrase_is_meant() -> None:
    knowledge = FakeKnowledge(passage(0.6), passage(0.5, "No."))
    parts = await parts_of(house(knowledge), ReplyRequest((), "can I bring it back"))
    assert parts[0] == Sourced((passage(0.6).source,))
    assert "".join(part.text for part in parts if isinstance(part, ReplyText)) == ANSWER
    assert knowledge.asked == ["can I bring it back"]


async def test_a_phrase_goes_before_documents() -> None:
    knowledge = FakeKnowledge(passage(1.0))
    parts = await parts_of(house(knowledge), ReplyRequest((), "call waiting please"))
    assert not [part for part in parts if isinstance(part, Sourced)]
    assert knowledge.asked == []


async def test_the_house_does_not_answer_from_what_fits_too_little() -> None:
    for knowledge in (FakeKnowledge(passage(0.2)), FakeKnowledge()):
        parts = await parts_of(house(knowledge), ReplyRequest((), "can I bring it back"))
        assert isinstance(parts[0], ReplyText)
        assert parts[0].text.startswith("Sorry, I did not understand.")


async def test_what_was_not_understood_is_not_looked_for() -> None:
    knowledge = FakeKnowledge(passage(1.0))
    await parts_of(house(knowledge), ReplyRequest((), "mumble", rejected=True))
    assert knowledge.asked == []


async def test_a_model_is_given_passages_as_a_system_message_and_the_reply_tells_of_them() -> None:
    model, knowledge = FakeModel(), FakeKnowledge(passage(0.6), passage(0.4), passage(0.1))
    informed = InformedResponder(model, knowledge, passages=3, min_score=0.3)
    history = (Message("agent", "Hello."),)
    parts = await parts_of(informed, ReplyRequest(history, "may I return the shoes"))
    assert parts[0] == Sourced((passage(0.6).source, passage(0.4).source))
    assert parts[1:] == [ReplyText("Yes."), ReplyDone()]
    (request,) = model.requests
    assert request.history[:-1] == history
    told = request.history[-1]
    assert told.role == "system"
    assert "[1] Terms, page 2 (Returns):\nYou may return anything" in told.text
    assert "[3]" not in told.text
    assert request.text == "may I return the shoes"


async def test_a_model_without_passages_is_asked_as_ever() -> None:
    model = FakeModel()
    informed = InformedResponder(model, FakeKnowledge(passage(0.1)), passages=3, min_score=0.3)
    request = ReplyRequest((), "may I return the shoes")
    assert await parts_of(informed, request) == [ReplyText("Yes."), ReplyDone()]
    assert model.requests == [request]
    assert (informed.name, informed.greeting(), informed.phrases()) == (
        "model",
        "Hello.",
        ("help",),
    )


async def test_few_words_are_looked_for_with_what_was_said_before() -> None:
    knowledge = FakeKnowledge()
    informed = InformedResponder(FakeModel(), knowledge, passages=3, min_score=0.3)
    history = (Message("caller", "when are you open"), Message("agent", "Nine to six."))
    await parts_of(informed, ReplyRequest(history, "and on Sundays"))
    await parts_of(informed, ReplyRequest(history, "", silence=1))
    assert knowledge.asked == ["when are you open and on Sundays"]
