"""The house responder: an agent of phrases, keys and set answers; deterministic, no model.

What was said decides, and what was kept of the last reply that was heard (HouseMemory): `respond`
changes nothing here, so that a speculative reply costs nothing. Not understood twice, the caller is
offered the keys; a third time, a person, or goodbye.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from ...media.clock import Clock
from ...media.speech_ports import (
    AnyReplyPart,
    CollectDigits,
    HangUp,
    Knowledge,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Sourced,
    Transfer,
)
from ..stt.grammar import normalise
from . import house_words
from .house_settings import Answer, HouseSettings, check, zone

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
MAX_SILENCES = 3
"Silence prompts in a row before the last words."


class HouseMemory(msgspec.Struct, frozen=True):
    """What is kept of a reply that was committed."""

    misses: int = 0
    "Turns in a row that were not understood."
    collecting: str = ""
    "The answer that asked for keys."
    last: str = ""
    "The last words, for a caller who wants them again."


class HouseResponder:
    """The Responder port, for one call or for many (then without a caller's number)."""

    name = "house"

    def __init__(
        self,
        settings: HouseSettings,
        clock: Clock,
        caller_number: str = "",
        knowledge: Knowledge | None = None,
    ) -> None:
        """`knowledge` is asked for what none of the phrases is. Raises HouseSettingsError."""
        check(settings)
        self._knowledge = knowledge
        self._settings, self._clock, self._caller_number = settings, clock, caller_number
        self._zone = zone(settings.timezone)
        self._answers = (*settings.answers, *_human(settings))
        self._by_name = {answer.name: answer for answer in settings.answers}
        self._by_key = {answer.key: answer for answer in self._answers if answer.key}
        self._by_phrase = {
            normalise(phrase): answer for answer in self._answers for phrase in answer.phrases
        }
        # Longest first: "call waiting" before "call".
        self._phrases = sorted(self._by_phrase, key=lambda phrase: (-len(phrase), phrase))

    def phrases(self) -> tuple[str, ...]:
        """What the agent understands."""
        return tuple(phrase for answer in self._answers for phrase in answer.phrases)

    def greeting(self) -> str:
        """The first words."""
        return self._fill(self._settings.greeting)

    async def respond(self, request: ReplyRequest) -> AsyncIterator[AnyReplyPart]:
        """The reply, sentence by sentence."""
        memory = request.memory if isinstance(request.memory, HouseMemory) else HouseMemory()
        for part in await self._reply(request, memory):
            yield part

    async def _reply(self, request: ReplyRequest, memory: HouseMemory) -> list[AnyReplyPart]:
        if request.silence:
            return self._silence(request.silence, memory)
        if request.digits:
            return self._keys(request.digits, memory)
        if request.prompted:
            return self._told(request, memory)
        if request.rejected:
            return self._miss(memory)
        answer = self._understand(request.text)
        if answer is not None:
            return self._answer(answer, memory)
        return await self._from_documents(request.text, memory) or self._miss(memory)

    async def _from_documents(self, text: str, memory: HouseMemory) -> list[AnyReplyPart]:
        """The fitting sentences of the passage that fits best; nothing when none fits enough."""
        found = () if self._knowledge is None or not text else await self._knowledge.find(text)
        if not found or found[0].source.score < self._settings.knowledge_score:
            return []
        said = found[0].answer
        memory = HouseMemory(0, "", said)
        return [Sourced((found[0].source,)), *_sentences(said), ReplyDone(memory)]

    def _understand(self, text: str) -> Answer | None:
        """The answer to a phrase, or to the longest phrase inside what was said."""
        said = normalise(text)
        if said in self._by_phrase:
            return self._by_phrase[said]
        inside = (phrase for phrase in self._phrases if f" {phrase} " in f" {said} ")
        phrase = next(inside, None)
        return self._by_phrase[phrase] if phrase else None

    def _told(self, request: ReplyRequest, memory: HouseMemory) -> list[AnyReplyPart]:
        """It has no words but its own: what it was told is answered like a caller, if at all."""
        told = [message.text for message in request.history if message.role == "system"]
        answer = self._understand(told[-1]) if told else None
        return [ReplyDone(memory)] if answer is None else self._answer(answer, memory)

    def _keys(self, keys: str, memory: HouseMemory) -> list[AnyReplyPart]:
        asked = self._by_name.get(memory.collecting)
        if asked is None or asked.collect is None:
            answer = self._by_key.get(keys[0])
            return self._miss(memory) if answer is None else self._answer(answer, memory)
        digits = keys.removesuffix(asked.collect.terminator) if asked.collect.terminator else keys
        if not asked.collect.min_digits <= len(digits) <= asked.collect.max_digits:
            return self._miss(memory)
        return self._answer(self._by_name[asked.collect.then], memory, digits)

    def _answer(self, answer: Answer, memory: HouseMemory, digits: str = "") -> list[AnyReplyPart]:
        said = self._fill(answer.say, digits)
        if answer.repeat:
            said = f"{said} {memory.last or self.greeting()}".strip()
        parts = _sentences(said)
        if answer.collect is not None:
            parts.append(_collect(answer))
        if answer.transfer:
            parts.append(Transfer(answer.transfer))
        if answer.hang_up:
            parts.append(HangUp())
        collecting = answer.name if answer.collect is not None else ""
        return [*parts, ReplyDone(HouseMemory(0, collecting, said))]

    def _miss(self, memory: HouseMemory) -> list[AnyReplyPart]:
        """Not understood: say what can be said, then the keys, then give up politely."""
        misses = memory.misses + 1
        fallback = self._settings.fallback
        if misses > self._settings.tries:
            return self._give_up(memory)
        keys = house_words.say_keys(self._settings.answers)
        names_keys = bool(keys) or "{keys}" not in fallback.second
        said = self._fill(fallback.second if misses > 1 and names_keys else fallback.first)
        parts = _sentences(said)
        asked = self._by_name.get(memory.collecting)
        if asked is not None and asked.collect is not None:
            parts = [*_sentences(self._fill(asked.say)), _collect(asked)]
        return [*parts, ReplyDone(HouseMemory(misses, memory.collecting, memory.last))]

    def _silence(self, silence: int, memory: HouseMemory) -> list[AnyReplyPart]:
        if silence >= MAX_SILENCES:
            return self._give_up(memory)
        return [*_sentences(self._fill(self._settings.fallback.silence)), ReplyDone(memory)]

    def _give_up(self, memory: HouseMemory) -> list[AnyReplyPart]:
        fallback, human = self._settings.fallback, self._settings.human
        said = self._fill(fallback.last_with_human if human else fallback.last)
        end = Transfer(human) if human else HangUp()
        return [*_sentences(said), end, ReplyDone(HouseMemory(0, "", memory.last))]

    def _fill(self, words: str, digits: str = "") -> str:
        moment = datetime.fromtimestamp(self._clock.wall(), self._zone)
        makers = house_words.slots(self._settings, moment, digits, self._caller_number)
        used = {name: make() for name, make in makers.items() if f"{{{name}}}" in words}
        return house_words.without_empty(words, used).format(**used)


def _human(settings: HouseSettings) -> tuple[Answer, ...]:
    """The way to a person, where there is one: what the agent's own answers leave of it."""
    if not settings.human:
        return ()
    taken = {normalise(phrase) for answer in settings.answers for phrase in answer.phrases}
    free = tuple(phrase for phrase in settings.human_phrases if normalise(phrase) not in taken)
    key = "" if any(answer.key == "0" for answer in settings.answers) else "0"
    words = settings.fallback.last_with_human
    return (Answer("", words, free, key, transfer=settings.human, listed=False),)


def _sentences(text: str) -> list[AnyReplyPart]:
    """Each sentence is a part, so that the first is spoken while others are synthesised."""
    sentences = [sentence for sentence in SENTENCE_END.split(text) if sentence]
    last = len(sentences) - 1
    return [
        ReplyText(sentence if index == last else sentence + " ")
        for index, sentence in enumerate(sentences)
    ]


def _collect(answer: Answer) -> CollectDigits:
    collect = answer.collect
    assert collect is not None, "only answers that collect come here"
    return CollectDigits(collect.max_digits, collect.terminator, collect.timeout_s)
