"""SHELL: requests to Twilio's REST API with one account's secret, and how they went."""

import aiohttp
import msgspec

from ...media.clock import Clock
from ..configuration.config_messaging import TwilioSettings
from ..errors import ControlError

CONNECT_S = 10.0
ANSWER_S = 30.0
"Whole requests; Twilio answers within one or two seconds."
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 8


class TwilioUnreachable(ControlError):
    """It was not answered. Its words name neither the secret nor what was sent."""

    code = "twilio_unreachable"


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
        self._session: aiohttp.ClientSession | None = None
        self.contact = TwilioContact()

    async def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, limit_s: float = ANSWER_S
    ) -> tuple[int, bytes]:
        """The answer's status and body. Raises TwilioUnreachable."""
        begun_at = self._clock.now()
        try:
            # Redirected, the secret would go to another server.
            async with self._opened().request(
                method,
                self._base + path,
                data=form,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit_s, connect=min(CONNECT_S, limit_s)),
            ) as response:
                body = await response.content.read(MAX_ANSWER_BYTES)
        except TimeoutError as exc:
            raise self._unreachable(f"Twilio has not answered within {limit_s:g} s") from exc
        except (aiohttp.ClientError, OSError) as exc:
            # The class alone: its words name the host, never what was sent to it.
            raise self._unreachable(f"Twilio cannot be reached: {type(exc).__name__}") from exc
        self.contact = TwilioContact(self._clock.now() - begun_at)
        return response.status, body

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _unreachable(self, why: str) -> TwilioUnreachable:
        self.contact = TwilioContact(self.contact.response_s, why)
        return TwilioUnreachable(why)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
