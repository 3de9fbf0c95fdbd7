"""SHELL: what is known of our account at Twilio. Whoever asks never waits for Twilio.

When what is known is older than a minute it is asked for, beside whoever wants to know: they get
what was known before. Nobody asks while nobody wants to know.
"""

import asyncio
import logging

import msgspec

from ...media.clock import Clock
from .provider_http import ProviderUnreachable
from .twilio_balance import Balance, NoBalance, path_of_balance, read_balance
from .twilio_http import TwilioHttp

FRESH_S = 60.0
ANSWER_S = 5.0
KEPT_S = 900.0
"What was told before is told no more, unless it is told again."

logger = logging.getLogger(__name__)


class TwilioStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands."""

    response_s: float | None
    "Of Twilio's newest answer, to a text or to a question; None: there was none yet."
    balance: Balance | None
    "None: it has not been told, or long ago."
    error: str
    "Why nothing can be sent; empty: nothing is known against it."


class TwilioAccount:
    """`aclose()` before the connections are closed."""

    def __init__(self, http: TwilioHttp, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._path = path_of_balance(http.settings.account_sid)
        self._balance: Balance | None = None
        self._told_at = 0.0
        self._refused = ""
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def standing(self) -> TwilioStanding:
        """As it is known now; asks for it anew where that is old."""
        now = self._clock.now()
        if self._asking is None and (self._asked_at is None or now - self._asked_at >= FRESH_S):
            self._asked_at = now
            self._asking = asyncio.get_running_loop().create_task(
                self._ask(), name="ask for the balance"
            )
        contact = self._http.contact
        return TwilioStanding(
            response_s=contact.response_s,
            balance=self._balance if now - self._told_at <= KEPT_S else None,
            error=self._refused or contact.error,
        )

    async def settled(self) -> None:
        """Wait until what is being asked for is known."""
        if self._asking is not None:
            await self._asking

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        try:
            self._keep(read_balance(*await self._http.ask("GET", self._path, limit_s=ANSWER_S)))
        except ProviderUnreachable as exc:
            logger.info("the balance is not known: %s", exc)
        finally:
            self._asking = None

    def _keep(self, told: Balance | NoBalance) -> None:
        if isinstance(told, Balance):
            self._balance, self._told_at, self._refused = told, self._clock.now(), ""
            return
        self._refused = told.why if told.refused else ""
        logger.info("the balance is not known: %s", told.why)
