"""WebVTT as W3C has it: escaped, in order, on the axis of the recording; the API's three forms."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.services.transcripts import Transcript, plain_text, webvtt
from offhook.media.conversation.records import CallStatus, Role, Turn
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import call_of, call_record, turn_added


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


def turn(index: int, begin: int, end: int, text: str = "Hi.", **changes: Any) -> Turn:
    fields: dict[str, Any] = {"role": Role.CALLER} | changes
    return Turn(index=index, text=text, begin_samples=begin, end_samples=end, **fields)


def test_cues_have_times_of_the_axis_and_who_speaks() -> None:
    turns = (
        turn(0, 0, 8000, "Good morning.", role=Role.AGENT),
        turn(1, 12_345, 16_004),
        turn(2, 8000 * 3600 * 101, 8000 * 3600 * 101 + 12, "Late.", role=Role.AGENT),
    )
    assert webvtt(Transcript("c", turns, 8000)) == (
        "WEBVTT\n\n"
        "0\n00:00:00.000 --> 00:00:01.000\n<v Agent>Good morning.</v>\n\n"
        "1\n00:00:01.543 --> 00:00:02.001\n<v Caller>Hi.</v>\n\n"  # 1543.125 and 2000.5 ms
        "2\n101:00:00.000 --> 101:00:00.002\n<v Agent>Late.</v>\n"
    )


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("0:01 --> 0:02", "0:01 --&gt; 0:02"),
        ("one\r\n\r\ntwo\n three\u2028four", "one two three four"),
        ("</v><b>&amp;", "&lt;/v&gt;&lt;b&gt;&amp;amp;"),
        ("schön ☀", "schön ☀"),
    ],
)
def test_words_cannot_be_markup_nor_end_a_cue(said: str, written: str) -> None:
    text = webvtt(Transcript("c", (turn(0, 0, 8000, said),), 8000))
    assert text.splitlines()[-1] == f"<v Caller>{written}</v>"
    assert text.count("\n\n") == 1


def test_cues_are_in_the_order_of_their_beginning_and_never_empty() -> None:
    turns = (
        turn(0, 8000, 24_000, "I was going to", role=Role.AGENT, interrupted=True),
        turn(1, 4000, 4000, "", digits="12#"),
        turn(2, 2000, 3000, "  ", rejected=True),
        turn(3, 8000, 8001, "Wait."),
    )
    cues = webvtt(Transcript("c", turns, 8000)).split("\n\n")[1:]
    assert cues == [
        "1\n00:00:00.500 --> 00:00:00.501\n<v Caller>12#</v>",
        "0\n00:00:01.000 --> 00:00:03.000\n<v.interrupted Agent>I was going to</v>",
        "3\n00:00:01.000 --> 00:00:01.001\n<v Caller>Wait.</v>\n",
    ]
    assert plain_text(Transcript("c", turns[:2], 8000)) == "Agent: I was going to\nCaller: 12#"


def test_a_call_without_a_word_is_a_file_all_the_same() -> None:
    assert webvtt(Transcript("c", (), None)) == "WEBVTT\n"


async def test_transcripts_come_in_three_forms_live_and_ended(api: Api) -> None:
    record = call_record(1)
    api.calls.add(call_of(record), record, lambda: None)
    record.turns.append(turn(0, 8000, 16_000, "Hello & good day.", confidence=0.875))
    api.calls.tell(turn_added(record, record.turns[0]))
    path = "/v1/calls/call-1/transcript"
    for ended in (False, True):
        if ended:
            record.status = CallStatus.ENDED
            api.calls.remove("call-1")
        await api.calls.settled()
        (shown,) = (await api.want(200, "GET", path))["turns"]
        assert (shown["begin_s"], shown["end_s"], shown["confidence"]) == (1.0, 2.0, 0.875)
        assert shown["interrupted"] is False
        response = await api.ask("GET", f"{path}?format=vtt")
        assert response.headers["Content-Type"] == "text/vtt; charset=utf-8"
        assert await response.text() == (
            "WEBVTT\n\n0\n00:00:01.000 --> 00:00:02.000\n<v Caller>Hello &amp; good day.</v>\n"
        )
        response = await api.ask("GET", f"{path}?format=text")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert await response.text() == "Caller: Hello & good day.\n"
    await api.want(400, "GET", f"{path}?format=srt")
