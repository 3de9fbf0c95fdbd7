"""One message of the outbox after one try to send it: what follows, and when. Pure.

A message waits until its provider has taken it. What the provider refuses for good fails at once;
the rest is tried again after each of RETRY_DELAYS_S, then it has failed. It may be sent twice when
a crash comes between the provider's yes and ours being stored; it is never said to be sent when it
was not.
"""

import random
from typing import Protocol

import msgspec

from ..domain.messages import OutboxMessage, OutboxStatus

RETRY_DELAYS_S = (15.0, 60.0, 300.0, 1800.0, 2 * 3600.0, 6 * 3600.0, 24 * 3600.0)
"RFC 5321 §4.5.4.1 wants 30 minutes and days in the long run; codes that people wait for want less."
JITTER = 0.2
"Delays differ by so much of them: what failed together does not come again together."
MAX_ERROR_CHARS = 500
MAX_REFERENCE_CHARS = 200


class Taken(msgspec.Struct, frozen=True):
    """The provider has it. `reference` is what it calls it."""

    reference: str = ""


class NotTaken(msgspec.Struct, frozen=True):
    """It has not, and says why."""

    error: str
    permanent: bool = False
    "Another try would end in the same way."
    retry_after_s: float | None = None
    "It will not be taken before; None: nothing was said."


Answer = Taken | NotTaken


class Sender(Protocol):
    """What sends the messages of one channel: a provider, a modem."""

    async def send(self, message: OutboxMessage) -> Answer:
        """Try once. Raises nothing but cancellation: what goes wrong is an answer."""
        ...


def judge(
    message: OutboxMessage, answer: Answer, now_wall: float, rng: random.Random
) -> OutboxMessage:
    """The message after one more try."""
    tried = msgspec.structs.replace(
        message, attempts=message.attempts + 1, updated_wall=now_wall, next_try_wall=None
    )
    if isinstance(answer, Taken):
        return msgspec.structs.replace(
            tried,
            status=OutboxStatus.SENT,
            sent_wall=now_wall,
            reference=answer.reference[:MAX_REFERENCE_CHARS],
            error="",
        )
    tried = msgspec.structs.replace(tried, error=answer.error[:MAX_ERROR_CHARS] or "not taken")
    delay = None if answer.permanent else retry_delay_s(tried.attempts, rng)
    if delay is None:
        return msgspec.structs.replace(tried, status=OutboxStatus.FAILED)
    delay = max(delay, answer.retry_after_s or 0.0)
    return msgspec.structs.replace(tried, next_try_wall=now_wall + delay)


def retry_delay_s(attempts: int, rng: random.Random) -> float | None:
    """How long after so many tries the next one is; None: there is none."""
    if attempts > len(RETRY_DELAYS_S):
        return None
    return RETRY_DELAYS_S[attempts - 1] * (1.0 + JITTER * (2.0 * rng.random() - 1.0))
