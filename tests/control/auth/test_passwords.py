"""Passwords: hashed beside the loop, few at once, and nobody learns who exists."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, Literal

import argon2
import pytest
import pytest_asyncio

from offhook.control.auth.passwords import Passwords, check_password
from offhook.control.errors import Unavailable, Unprocessable

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class SlowHasher(argon2.PasswordHasher):
    """Hashes when it is told to, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.may_go = threading.Event()
        self.verified: list[str | bytes] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        assert self.may_go.wait(30)
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified.append(hash)
        return super().verify(hash, password)


@pytest_asyncio.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(hasher=CHEAP)
    yield made
    await made.aclose()


async def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert "correct" not in stored
    assert await passwords.verify("correct horse", stored)
    assert not await passwords.verify("correct hors", stored)
    assert not await passwords.verify("", stored)
    assert await passwords.hash("correct horse") != stored  # another salt


async def test_new_hashes_have_the_recommended_cost() -> None:
    passwords = Passwords(threads=1)
    try:
        stored = await passwords.hash("correct horse")
        assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert not passwords.needs_rehash(stored)
        assert await passwords.verify("correct horse", stored)
        cheap = CHEAP.hash("correct horse")
        assert passwords.needs_rehash(cheap)
        assert await passwords.verify("correct horse", cheap)
    finally:
        await passwords.aclose()


async def test_who_does_not_exist_costs_a_whole_verification_too() -> None:
    hasher = SlowHasher()
    passwords = Passwords(hasher=hasher)
    assert not await passwords.verify("correct horse", None)
    assert not await passwords.verify("correct horse", "")
    await passwords.aclose()
    assert len(hasher.verified) == 2
    for verified in hasher.verified:
        parameters = argon2.extract_parameters(str(verified))
        assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (8, 1, 1)
        assert (parameters.salt_len, parameters.hash_len) == (hasher.salt_len, hasher.hash_len)


@pytest.mark.parametrize("stored", ["x", "!", "$2b$12$abcdefgh", "$argon2id$v=19$m=8"])
async def test_a_hash_that_cannot_be_read_matches_nothing(
    passwords: Passwords, stored: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not await passwords.verify("correct horse", stored)
    assert "cannot be read" in caplog.text


async def test_the_same_letters_from_another_keyboard_match(passwords: Passwords) -> None:
    stored = await passwords.hash("Stra\u00dfe f\u00fcr")
    assert await passwords.verify("Stra\u00dfe fu\u0308r", stored)


async def test_half_a_surrogate_is_a_password_like_any_other(passwords: Passwords) -> None:
    stored = await passwords.hash("\udce4" * 8)
    assert await passwords.verify("\udce4" * 8, stored)


async def test_a_password_of_any_length_is_refused_and_not_cut_to_fit(passwords: Passwords) -> None:
    stored = await passwords.hash("a" * 256)
    assert await passwords.verify("a" * 256, stored)
    assert not await passwords.verify("a" * 257, stored)
    assert await passwords.verify("u\u0308" * 200, await passwords.hash("\u00fc" * 200))
    long = "\N{PILE OF POO}" * 256
    assert await passwords.verify(long, await passwords.hash(long))
    assert not await passwords.verify("a" * 100_000, stored)


@pytest.mark.parametrize(
    ("password", "allowed"),
    [
        ("", False),
        ("1234567", False),
        ("12345678", True),
        ("password", True),  # no rule of composition, no list
        ("       \N{EM SPACE}", True),
        ("\N{PILE OF POO}" * 8, True),  # characters, not bytes
        ("\N{PILE OF POO}" * 7, False),
        ("a" * 256, True),
        ("a" * 257, False),
    ],
)
def test_only_length_makes_a_password(password: str, allowed: bool) -> None:
    if allowed:
        check_password(password)
        return
    with pytest.raises(Unprocessable) as raised:
        check_password(password, "new_password")
    assert raised.value.field == "new_password"
    assert "8 to 256" in raised.value.errors[0].message


async def test_what_may_be_no_password_is_not_hashed(passwords: Passwords) -> None:
    with pytest.raises(Unprocessable):
        await passwords.hash("short")


async def test_who_comes_when_too_many_wait_is_told_to_come_back() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=1, max_waiting=2, hasher=hasher)
    tasks = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(5)]
    refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    assert all(isinstance(task.exception(), Unavailable) for task in refused)
    hasher.may_go.set()
    results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, str) for result in results] == [True, True, True, False, False]
    assert await passwords.hash("correct horse")  # there is room again
    await passwords.aclose()


async def test_who_gives_up_waiting_leaves_their_place() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=1, max_waiting=1, hasher=hasher)
    working = asyncio.create_task(passwords.hash("correct horse"))
    waiting = asyncio.create_task(passwords.hash("correct horse"))
    _, more = await asyncio.wait(
        {working, waiting, asyncio.create_task(passwords.hash("correct horse"))},
        return_when=asyncio.FIRST_EXCEPTION,
    )
    assert more == {working, waiting}
    waiting.cancel()
    await asyncio.wait({waiting})
    next_one = asyncio.create_task(passwords.hash("correct horse"))
    hasher.may_go.set()
    assert isinstance(await working, str)
    assert isinstance(await next_one, str)
    await passwords.aclose()
