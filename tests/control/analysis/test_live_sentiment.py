"""The caller's mood while a call goes on: told when it changes, shown on the call."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.analysis.live_sentiment import LiveSentiment
from offhook.control.analysis.sentiment import Ear
from offhook.media.conversation.records import CallStatus, Role, Turn
from offhook.media.ports import HangUpCause
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import agent_turn, call_of, call_record, turn_added


class Line:
    """A live call whose caller says what the test says."""

    def __init__(self, api: Api, language: str = "en") -> None:
        self.api = api
        self.watch = LiveSentiment(api.calls, Ear(), api.clock)
        api.calls.watches.append(self.watch)
        self.record = call_record(1)
        self.live = api.calls.add(call_of(self.record), self.record, lambda: None)
        self.live.language = language

    def add(self, turn: Turn) -> None:
        self.record.turns.append(turn)
        self.api.calls.tell(turn_added(self.record, turn))

    def caller_says(self, text: str, **fields: Any) -> None:
        index = len(self.record.turns)
        begin = 8000 * (index + 1)
        turn = Turn(
            index=index,
            role=Role.CALLER,
            text=text,
            begin_samples=begin,
            end_samples=begin,
            **fields,
        )
        self.add(turn)

    async def told(self) -> list[dict[str, Any]]:
        await self.api.calls.settled()
        page = await self.api.want(200, "GET", f"/v1/events/log?call={self.record.id}&limit=100")
        return [item["event"] for item in reversed(page["items"])]

    async def moods(self) -> list[tuple[str | None, str]]:
        told = [event for event in await self.told() if event["type"] == "call.sentiment"]
        return [(event["previous"], event["label"]) for event in told]


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_a_mood_is_told_when_it_changes(api: Api) -> None:
    line = Line(api)
    line.caller_says("hello there")
    line.caller_says("I have a question")
    line.caller_says("this is terrible I hate it")
    line.caller_says("it is awful")
    line.caller_says("oh wonderful that is great I love it")
    assert await line.moods() == [
        (None, "neutral"),
        ("neutral", "negative"),
        ("negative", "positive"),
    ]


async def test_it_is_told_after_the_turn_with_its_moment(api: Api) -> None:
    line = Line(api)
    line.caller_says("this is terrible")
    told = await line.told()
    types = [event["type"] for event in told]
    assert types.index("call.sentiment") == types.index("turn.added") + 1
    mood = told[types.index("call.sentiment")]
    assert mood["at_s"] == 1.0
    assert -1.0 <= mood["score"] < -0.05


async def test_a_live_call_shows_it_and_is_found_by_it(api: Api) -> None:
    line = Line(api)
    path = f"/v1/calls/{line.record.id}"
    assert (await api.want(200, "GET", path))["sentiment"] is None
    line.caller_says("this is terrible")
    assert (await api.want(200, "GET", path))["sentiment"] == "negative"
    await api.calls.settled()
    for feeling, found in (("negative", 1), ("positive", 0)):
        page = await api.want(200, "GET", f"/v1/calls?sentiment={feeling}")
        assert len(page["items"]) == found
    line.record.status, line.record.cause = CallStatus.ENDED, HangUpCause.NORMAL
    api.calls.remove(line.record.id)
    await api.calls.settled()
    assert (await api.want(200, "GET", path))["sentiment"] == "negative"
    assert len(line.watch) == 0


async def test_what_is_not_the_callers_words_has_no_mood(api: Api) -> None:
    line = Line(api)
    line.add(agent_turn(0, "I hate this terrible job"))
    line.caller_says("this is terrible", rejected=True)
    line.caller_says("", digits="42")
    assert await line.moods() == []
    line.caller_says("this is terrible")
    assert await line.moods() == [(None, "negative")]


@pytest.mark.parametrize("language", ["de", "fr-FR", "hi"])
async def test_of_other_languages_nothing_is_told(api: Api, language: str) -> None:
    line = Line(api, language)
    line.caller_says("this is terrible")
    assert await line.moods() == []


@pytest.mark.parametrize("language", ["en", "en-GB", "EN_us"])
async def test_english_is_english_everywhere(api: Api, language: str) -> None:
    line = Line(api, language)
    line.caller_says("this is terrible")
    assert len(await line.moods()) == 1
