from datetime import UTC, datetime

import pytest

from offhook.drivers.llm.house import HouseMemory, HouseResponder
from offhook.drivers.llm.house_default import DEFAULT_AGENT
from offhook.drivers.llm.house_settings import (
    Answer,
    Collect,
    HouseSettings,
    HouseSettingsError,
    OpeningHours,
    check,
    load,
)
from offhook.drivers.llm.house_words import is_open, say_hours, say_keys
from offhook.media.clock import VirtualClock
from offhook.media.speech_ports import (
    AnyReplyPart,
    CollectDigits,
    HangUp,
    Message,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Transfer,
)

TUESDAY_1405 = datetime(2026, 11, 24, 14, 5, tzinfo=UTC).timestamp()


def house(settings: HouseSettings = DEFAULT_AGENT, caller: str = "+493012345") -> HouseResponder:
    return HouseResponder(settings, VirtualClock(wall_at_zero=TUESDAY_1405), caller)


class Conversation:
    """A caller who lets every reply be heard to its end."""

    def __init__(self, responder: HouseResponder) -> None:
        self.responder = responder
        self.memory: object = None

    async def say(self, text: str = "", **request: object) -> tuple[str, list[AnyReplyPart]]:
        """The reply's words, and what it does besides."""
        asked = ReplyRequest((), text, memory=self.memory, **request)  # type: ignore[arg-type]
        parts = [part async for part in self.responder.respond(asked)]
        done = parts.pop()
        assert isinstance(done, ReplyDone)
        self.memory = done.memory
        words = "".join(part.text for part in parts if isinstance(part, ReplyText))
        return words, [part for part in parts if not isinstance(part, ReplyText)]


def test_greets_with_its_name() -> None:
    assert house().greeting().startswith("Hello, this is Offhook.")


def test_the_default_agent_is_in_order() -> None:
    check(DEFAULT_AGENT)


async def test_every_phrase_has_its_answer() -> None:
    for answer in DEFAULT_AGENT.answers:
        for phrase in answer.phrases:
            _, acts = await Conversation(house()).say(phrase)
            wanted = [HangUp()] if answer.hang_up else []
            assert [act for act in acts if not isinstance(act, CollectDigits)] == wanted, phrase


@pytest.mark.parametrize(
    "said", ["call waiting", "Call waiting!", "I would like call waiting please"]
)
async def test_a_phrase_is_understood_inside_a_sentence(said: str) -> None:
    words, _ = await Conversation(house()).say(said)
    assert words.startswith("Call waiting tells you")


async def test_the_longest_phrase_wins() -> None:
    settings = HouseSettings(
        greeting="Hi.",
        answers=(
            Answer(name="a", say="Short.", phrases=("call",)),
            Answer(name="b", say="Long.", phrases=("call waiting",)),
        ),
    )
    assert (await Conversation(house(settings)).say("the call waiting"))[0] == "Long."
    assert (await Conversation(house(settings)).say("recalling"))[0].startswith("Sorry")


async def test_asks_for_a_number_and_reads_it_back_digit_by_digit() -> None:
    conversation = Conversation(house())
    words, acts = await conversation.say("telephone number")
    assert words == "Please enter your number, followed by pound."
    assert acts == [CollectDigits(15, "#", 4.0)]
    words, acts = await conversation.say(digits="4217#")
    assert words.startswith("You entered four two one seven.")
    assert acts == []
    # The number is no longer wanted: the next key is the menu's.
    assert (await conversation.say(digits="2"))[0].startswith("Call waiting")


async def test_too_few_digits_are_asked_for_again() -> None:
    conversation = Conversation(house())
    await conversation.say("telephone number")
    words, acts = await conversation.say(digits="4#")
    assert words == "Please enter your number, followed by pound."
    assert acts == [CollectDigits(15, "#", 4.0)]
    assert (await conversation.say(digits="421#"))[0].startswith("You entered four two one.")


async def test_rejected_speech_is_told_the_choices_then_the_keys_then_goodbye() -> None:
    conversation = Conversation(house())
    first, acts = await conversation.say("call waiting", rejected=True)
    assert "call forwarding, call waiting" in first
    assert acts == []
    second, _ = await conversation.say("", rejected=True)
    assert "press one for call forwarding" in second.lower()
    last, acts = await conversation.say("", rejected=True)
    assert last.endswith("Goodbye.")
    assert acts == [HangUp()]


async def test_an_agent_without_choices_or_keys_names_none() -> None:
    conversation = Conversation(house(HouseSettings(greeting="Hi.", answers=())))
    for _ in range(2):
        assert (await conversation.say("anything"))[0] == "Sorry, I did not understand."
    assert (await conversation.say("", silence=1))[0] == "Are you still there?"
    choices = (Answer("prices", "No prices.", ("the prices",)),)
    said = Conversation(house(HouseSettings(greeting="Hi.", answers=choices)))
    for _ in range(2):
        words, _acts = await said.say("anything")
        assert words == "Sorry, I did not understand. You can say the prices."


async def test_being_understood_forgets_the_misses() -> None:
    conversation = Conversation(house())
    for _ in range(4):
        await conversation.say("", rejected=True)
        await conversation.say("hello")
    _, acts = await conversation.say("", rejected=True)
    assert acts == []


async def test_a_caller_who_cannot_be_helped_gets_a_person_where_there_is_one() -> None:
    settings = HouseSettings(greeting="Hi.", answers=(), human="sip:desk@example.com", tries=0)
    words, acts = await Conversation(house(settings)).say("anything")
    assert "connect you" in words
    assert acts == [Transfer("sip:desk@example.com")]


ASKED_FOR_A_PERSON = [("operator", ""), ("I would like to speak to a person please", ""), ("", "0")]


@pytest.mark.parametrize(("said", "digits"), ASKED_FOR_A_PERSON)
async def test_a_caller_who_asks_for_a_person_is_handed_over(said: str, digits: str) -> None:
    desk = Answer(name="desk", say="Desk.", phrases=("front desk",), key="1")
    settings = HouseSettings(greeting="Hi.", answers=(desk,), human="100")
    assert set(settings.human_phrases) <= set(house(settings).phrases())
    words, acts = await Conversation(house(settings)).say(said, digits=digits)
    assert words == "I will connect you to a person. One moment, please."
    assert acts == [Transfer("100")]
    alone = HouseSettings(greeting="Hi.", answers=(desk,))
    assert house(alone).phrases() == ("front desk",)
    assert (await Conversation(house(alone)).say(said, digits=digits))[0].startswith("Sorry")


async def test_the_agents_own_answers_come_before_the_way_to_a_person() -> None:
    own = Answer(name="own", say="Ours.", phrases=("operator",), key="0")
    settings = HouseSettings(greeting="Hi.", answers=(own,), human="100")
    assert (await Conversation(house(settings)).say("operator"))[0] == "Ours."
    assert (await Conversation(house(settings)).say(digits="0"))[0] == "Ours."
    assert (await Conversation(house(settings)).say("speak to a person"))[1] == [Transfer("100")]


@pytest.mark.parametrize(
    ("told", "words"),
    [("Tell them of call waiting.", "Call waiting tells you"), ("The line is bad.", "")],
)
async def test_what_it_is_told_is_answered_if_it_has_words_for_it(told: str, words: str) -> None:
    asked = ReplyRequest((Message("system", told),), "", prompted=True)
    parts = [part async for part in house().respond(asked)]
    said = "".join(part.text for part in parts if isinstance(part, ReplyText))
    assert said.startswith(words)
    assert bool(said) == bool(words)


async def test_silence_is_asked_after_and_ends_the_call_at_last() -> None:
    conversation = Conversation(house())
    for times in (1, 2):
        words, acts = await conversation.say(silence=times)
        assert words.startswith("Are you still there?")
        assert acts == []
    assert (await conversation.say(silence=3))[1] == [HangUp()]


async def test_an_unknown_key_is_not_understood() -> None:
    assert (await Conversation(house()).say(digits="8"))[0].startswith("Sorry")


async def test_of_several_keys_that_nobody_asked_for_the_first_is_the_menus() -> None:
    keys = [key for key in (answer.key for answer in DEFAULT_AGENT.answers) if key]
    for digits in (keys[0], keys[0] * 2, f"{keys[0]}{keys[1]}#"):
        said = (await Conversation(house()).say(digits=digits))[0]
        assert said == (await Conversation(house()).say(digits=keys[0]))[0]
        assert not said.startswith("Sorry")


async def test_says_the_last_words_again() -> None:
    conversation = Conversation(house())
    said, _ = await conversation.say("speed dial")
    again, _ = await conversation.say("say that again")
    assert again == f"Once more. {said}"


async def test_a_reply_that_is_dropped_leaves_no_trace() -> None:
    responder = house()
    speculated = ReplyRequest((), "telephone number")
    async for _ in responder.respond(speculated):
        pass
    words, _ = await Conversation(responder).say(digits="1")
    assert words.startswith("Call forwarding")


async def test_replies_come_sentence_by_sentence() -> None:
    parts = [part async for part in house().respond(ReplyRequest((), "call forwarding"))]
    texts = [part.text for part in parts if isinstance(part, ReplyText)]
    assert len(texts) == 5
    assert all(text.endswith(". ") for text in texts[:-1])
    assert parts[-1] == ReplyDone(HouseMemory(0, "", "".join(texts)))


async def test_times_dates_hours_and_numbers_are_in_words() -> None:
    conversation = Conversation(house())
    assert (await conversation.say("what time is it"))[0] == (
        "It is two oh five p.m., on Tuesday November twenty fourth, twenty twenty six."
    )
    assert (await conversation.say("hours"))[0] == (
        "We are open now. Our hours are Monday to Friday from nine a.m. to five thirty p.m.,"
        " and Saturday from ten a.m. to noon."
    )
    assert (await conversation.say("information about your last call"))[0] == (
        "The number that you are calling from is plus four nine three, zero one two,"
        " three four five."
    )


def test_opening_hours_by_the_minute() -> None:
    hours = (OpeningHours(("tue",), "09:00", "24:00"),)
    for hour, minute, wanted in ((8, 59, False), (9, 0, True), (23, 59, True)):
        moment = datetime(2026, 11, 24, hour, minute, tzinfo=UTC)
        assert is_open(hours, moment) is wanted
    assert not is_open(hours, datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    assert say_hours(hours) == "Tuesday from nine a.m. to midnight"


def test_the_menu_names_its_keys() -> None:
    menu = say_keys(DEFAULT_AGENT.answers)
    assert menu.startswith("Press one for call forwarding, press two for call waiting")
    assert menu.endswith(".")


AGENT = b"""
greeting = "Hello."
human = "100"
[[answers]]
name = "desk"
say = "Enter it."
phrases = ["front desk"]
key = "1"
collect = { then = "desk", max_digits = 4 }
[[hours]]
days = ["mon"]
opens = "09:00"
closes = "10:00"
"""


def test_an_agent_is_read_from_toml() -> None:
    settings = load(AGENT)
    assert settings.answers[0].collect == Collect(then="desk", max_digits=4)
    assert settings.human == "100"


@pytest.mark.parametrize(
    ("old", "new", "key", "what"),
    [
        (b"greeting =", b"greting =", "agent", "greting"),
        (b'say = "Enter it."', b"", "answers[0]", "say"),
        (b'"Enter it."', b"5", "answers[0].say", "str"),
        (b'greeting = "Hello."', b"greeting = ", "agent", "line 2"),
        (b'"Hello."', b'"Hello {digits:>9}."', "greeting", "format"),
        (b'"Hello."', b'"Hello {time!x}."', "greeting", "format"),
        (b'"Enter it."', b'" "', "answers.desk.say", "nothing"),
        (b'["front desk"]', b'["!?"]', "answers.desk.phrases", "!?"),
        (b'["front desk"]', b'["front-desk", "Front desk!"]', "answers.phrases", "front desk"),
        (
            b"max_digits = 4",
            b"min_digits = 5, max_digits = 4",
            "answers.desk.collect.min_digits",
            "5",
        ),
        (b"max_digits = 4", b'terminator = "##"', "answers.desk.collect.terminator", "##"),
        (b"max_digits = 4", b"timeout_s = 0", "answers.desk.collect.timeout_s", "0 s"),
        (b'human = "100"', b"tries = -1", "tries", "-1"),
        (b'human = "100"', b'human = "1"\nhuman_phrases = ["..."]', "human_phrases", "..."),
        (b'"Hello."', b'"Hello {nobody}."', "greeting", "{nobody}"),
        (b'"Enter it."', b'"Enter {it"', "answers.desk.say", "Enter {it"),
        (b'key = "1"', b'key = "A"', "answers.desk.key", "'A'"),
        (b'then = "desk"', b'then = "moon"', "answers.desk.collect.then", "moon"),
        (b'["mon"]', b'["monday"]', "hours[0].days", "monday"),
        (b'"10:00"', b'"08:00"', "hours[0]", "08:00"),
        (b'"10:00"', b'"ten"', "hours[0]", "ten"),
        (b'human = "100"', b'timezone = "Moon/Base"', "timezone", "Moon/Base"),
        (b'phrases = ["front desk"]', b'phrases = ["a b", "A B"]', "answers.phrases", "a b"),
    ],
)
def test_a_wrong_setting_is_named(old: bytes, new: bytes, key: str, what: str) -> None:
    assert old in AGENT
    with pytest.raises(HouseSettingsError) as caught:
        load(AGENT.replace(old, new))
    assert caught.value.key == key
    assert what in str(caught.value)
