"""Requests that come at once pass a few in each round of the loop, in their order."""

import asyncio

import pytest

from offhook.control.http.turnstile import Turnstile


async def passing(turnstile: Turnstile, number: int, passed: list[int]) -> None:
    await turnstile.take_turn()
    passed.append(number)


async def test_no_round_of_the_loop_lets_more_pass_than_it_may() -> None:
    turnstile = Turnstile(3)
    passed: list[int] = []
    tasks = [asyncio.create_task(passing(turnstile, n, passed)) for n in range(20)]
    counts = [0]
    while len(passed) < 20:
        await asyncio.sleep(0)  # one round
        counts.append(len(passed))
    assert max(b - a for a, b in zip(counts, counts[1:], strict=False)) == 3
    assert passed == list(range(20))
    await asyncio.gather(*tasks)


async def test_one_alone_passes_at_once() -> None:
    turnstile = Turnstile(1)
    passed: list[int] = []
    for number in range(3):
        coroutine = passing(turnstile, number, passed)
        with pytest.raises(StopIteration):
            coroutine.send(None)
        await asyncio.sleep(0)
    assert passed == [0, 1, 2]


async def test_one_who_comes_later_does_not_pass_those_who_wait() -> None:
    turnstile = Turnstile(1)
    passed: list[int] = []
    first = [asyncio.create_task(passing(turnstile, n, passed)) for n in range(3)]
    await asyncio.sleep(0)
    late = asyncio.create_task(passing(turnstile, 3, passed))
    await asyncio.gather(*first, late)
    assert passed == [0, 1, 2, 3]


async def test_one_who_gives_up_takes_nobodys_turn() -> None:
    turnstile = Turnstile(1)
    passed: list[int] = []
    tasks = [asyncio.create_task(passing(turnstile, n, passed)) for n in range(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert passed == [0, 3]
    assert len(turnstile) == 0
