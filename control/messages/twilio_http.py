"""Requests to Twilio's REST API with one account's secret, and how they went."""

import aiohttp
import msgspec

from ...media.clock import Clock
from ..configuration.config_messaging import TwilioSettings
from .provider_http import ANSWER_S, ProviderHttp, ProviderUnreachable

MAX_CONNECTIONS = 8


class TwilioContact(msgspec.Struct, frozen=True):
    """How the newest request went."""

    response_s: float | None = None
    "Of the newest answer, whatever it said; None: there was none."
    error: str = ""
    "Why there was none now; empty: there was."


class TwilioHttp:
    """`aclose()` last."""

    def __init__(self, settings: TwilioSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        secret = aiohttp.encode_basic_auth(settings.account_sid, settings.auth_token)
        self._headers = {"Authorization": secret}
        self._base = settings.base_url.rstrip("/")
        self._http = ProviderHttp("Twilio", MAX_CONNECTIONS)
        self.contact = TwilioContact()

    async def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, limit_s: float = ANSWER_S
    ) -> tuple[int, bytes]:
        """The answer's status and body. Raises ProviderUnreachable."""
        begun_at = self._clock.now()
        try:
            answer = await self._http.ask(method, self._base + path, form, self._headers, limit_s)
        except ProviderUnreachable as exc:
            self.contact = TwilioContact(self.contact.response_s, str(exc))
            raise
        self.contact = TwilioContact(self._clock.now() - begun_at)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
