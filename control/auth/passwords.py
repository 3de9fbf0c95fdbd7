"""SHELL: passwords, kept as Argon2id hashes (RFC 9106), computed beside the event loop.

The cost is RFC 9106 §4's second recommended option, which is the library's default too: 64 MiB,
3 passes, 4 lanes.
"""

import asyncio
import base64
import concurrent.futures
import functools
import logging
import os
import secrets
import threading
from collections.abc import Callable
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from ..errors import FieldError, Unavailable, Unprocessable
from .password_rule import MAX_CHARS as MAX_CHARS, MIN_CHARS as MIN_CHARS, fits, normal

THREADS = 2
"Each takes 64 MiB and up to four cores' time while it works."
MAX_WAITING = 32
"More would wait for seconds: they are told to come back instead."
RETRY_AFTER_S = 2.0
NICENESS = 10
"Of the threads: hashing has time, frames have not."

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Passwords:
    """Hashes and verifies, a few at once."""

    def __init__(
        self,
        threads: int = THREADS,
        max_waiting: int = MAX_WAITING,
        hasher: argon2.PasswordHasher | None = None,
    ) -> None:
        """`hasher` with another cost, for tests; hashes of any cost are verified."""
        self._hasher = hasher or argon2.PasswordHasher.from_parameters(
            argon2.profiles.RFC_9106_LOW_MEMORY
        )
        self._max_pending = threads + max_waiting
        self._pending = 0
        self._lock = threading.Lock()
        self._pool = concurrent.futures.ThreadPoolExecutor(
            threads, "passwords", initializer=_give_way
        )
        self._nobody = _hash_of_nobody(self._hasher)

    async def hash(self, password: str, field: str = "password") -> str:
        """The hash to be stored, with its cost and salt in it (PHC string).

        Raises Unprocessable for what may be no password, Unavailable when too many wait.
        """
        check_password(password, field)
        return await self._beside(lambda: self._hasher.hash(_bytes(normal(password))))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one of the hash.

        With no hash (no such account, or one without a password) it takes as long and is False, so
        that time does not tell who exists. Raises Unavailable when too many wait.
        """
        given = normal(password)
        too_long = len(given) > MAX_CHARS  # it matches nothing: hash() took none
        against = self._nobody if not stored or too_long else stored
        return await self._beside(lambda: self._matches(against, _bytes(given[:MAX_CHARS])))

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash has another cost than new ones: hash anew after the next login."""
        return self._hasher.check_needs_rehash(stored)

    async def aclose(self) -> None:
        """Drop who waits, and let the threads end."""
        end = functools.partial(self._pool.shutdown, cancel_futures=True)
        await asyncio.to_thread(end)

    def _matches(self, stored: str, given: bytes) -> bool:
        try:
            argon2.extract_parameters(stored)  # tells what is no hash from what went wrong
            return self._hasher.verify(stored, given)
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            logger.error("a stored password hash cannot be read: its account cannot sign in")
            return False

    async def _beside(self, work: Callable[[], T]) -> T:
        with self._lock:
            if self._pending >= self._max_pending:
                raise Unavailable("too many passwords are being checked", RETRY_AFTER_S)
            self._pending += 1
        future = self._pool.submit(work)
        # Not when this coroutine ends: it may be cancelled while its thread goes on.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: object) -> None:
        with self._lock:
            self._pending -= 1


def check_password(password: str, field: str = "password") -> None:
    """Raises Unprocessable unless it has 8 to 256 characters; `field` names it to clients."""
    if not fits(password):
        message = f"must have {MIN_CHARS} to {MAX_CHARS} characters"
        raise Unprocessable("the password cannot be used", [FieldError(field, message)])


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")


def _hash_of_nobody(hasher: argon2.PasswordHasher) -> str:
    """A hash of the same cost that nothing matches: its salt and tag are random."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${cost}${salt}${tag}"


def _give_way() -> None:
    """On Linux niceness is a thread's own, and Argon2's threads, one a lane, inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
