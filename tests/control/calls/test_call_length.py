"""How long calls may be: told shortly before the end, then hung up."""

import pathlib
from collections.abc import AsyncIterator
from typing import cast

import pytest

from offhook.control.calls.call_length import GOODBYE_S, WORDS, CallLengths
from offhook.control.errors import StoreError
from offhook.media.conversation.records import CallAnswered, CallRecord, CallStatus
from offhook.media.conversation.session import Session
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import call_of, call_record

LONGEST_S = 300.0


class Said:
    """A session that writes down what it is to say."""

    def __init__(self) -> None:
        self.words: list[tuple[str, bool]] = []

    def say(self, text: str, interrupt: bool = False) -> None:
        self.words.append((text, interrupt))


class Watched:
    """A call in progress whose length is watched."""

    def __init__(self, api: Api, longest_s: float | None) -> None:
        self.api = api
        self.longest_s = longest_s
        self.hung_up = 0
        self.asked: list[str] = []
        self.said = Said()
        self.lengths = CallLengths(api.calls, self._longest, api.clock)
        api.calls.watches.append(self.lengths)
        self.record: CallRecord = call_record(1)

    async def _longest(self, owner_id: str) -> float | None:
        self.asked.append(owner_id)
        if self.longest_s is not None and self.longest_s < 0:
            raise StoreError("the database", "is gone")
        return self.longest_s

    async def begin(self) -> None:
        live = self.api.calls.add(call_of(self.record), self.record, self._hang_up)
        live.session = cast(Session, self.said)  # its only verb that is used
        self.record.status = CallStatus.LIVE
        self.api.calls.tell(
            CallAnswered(
                call_id=self.record.id, at_wall=0.0, at_samples=0, codec="PCMU", rate_hz=8000
            )
        )
        await self.api.calls.settled()

    def _hang_up(self) -> None:
        self.hung_up += 1

    def end(self) -> None:
        self.record.status = CallStatus.ENDED
        self.api.calls.remove(self.record.id)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_the_agent_says_goodbye_and_then_it_is_hung_up(api: Api) -> None:
    call = Watched(api, LONGEST_S)
    await call.begin()
    api.clock.advance(LONGEST_S - GOODBYE_S - 0.1)
    assert (call.said.words, call.hung_up) == ([], 0)
    api.clock.advance(0.1)
    assert (call.said.words, call.hung_up) == ([(WORDS, True)], 0)
    api.clock.advance(GOODBYE_S)
    assert call.hung_up == 1
    call.end()
    await call.lengths.aclose()


@pytest.mark.parametrize("longest_s", [None, -1.0])
async def test_who_has_no_limit_talks_on_and_so_does_who_is_not_known(
    api: Api, longest_s: float | None
) -> None:
    call = Watched(api, longest_s)
    await call.begin()
    api.clock.advance(86_400.0)
    assert (call.said.words, call.hung_up, len(call.asked)) == ([], 0, 1)
    call.end()
    await call.lengths.aclose()


async def test_a_call_that_ends_before_is_left_alone(api: Api) -> None:
    call = Watched(api, LONGEST_S)
    await call.begin()
    call.end()
    await api.calls.settled()
    api.clock.advance(LONGEST_S)
    assert (call.said.words, call.hung_up) == ([], 0)
    await call.lengths.aclose()


async def test_nothing_is_ended_after_the_server_has_stopped_watching(api: Api) -> None:
    call = Watched(api, LONGEST_S)
    await call.begin()
    await call.lengths.aclose()
    api.clock.advance(LONGEST_S)
    assert call.hung_up == 0
    call.end()
