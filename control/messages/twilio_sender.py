"""SHELL: sends SMS by Twilio's REST API. What is sent and what answers mean: twilio_sms.py."""

import aiohttp

from ..configuration.config_messaging import TwilioSettings
from ..domain.messages import OutboxMessage
from .outbox_delivery import Answer, NotTaken
from .twilio_sms import form_of, judge_answer, path_of

CONNECT_S = 10.0
ANSWER_S = 30.0
"Whole requests; Twilio answers within one or two seconds."
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 8


class TwilioSender:
    """Implements Sender. `aclose()` last."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._url = settings.base_url.rstrip("/") + path_of(settings.account_sid)
        secret = aiohttp.encode_basic_auth(settings.account_sid, settings.auth_token)
        self._headers = {"Authorization": secret}
        self._from = settings.from_number
        self._callback = settings.status_callback
        self._http: aiohttp.ClientSession | None = None

    async def send(self, message: OutboxMessage) -> Answer:
        """Hand it to Twilio."""
        form = form_of(message, self._from, self._callback)
        try:
            # Redirected, the secret would go to another server.
            async with self._session().post(
                self._url, data=form, headers=self._headers, allow_redirects=False
            ) as response:
                body = await response.content.read(MAX_ANSWER_BYTES)
                return judge_answer(response.status, body)
        except TimeoutError:
            return NotTaken(f"Twilio has not answered within {ANSWER_S:g} s")
        except (aiohttp.ClientError, OSError) as exc:
            # Its words name the host, never what was sent to it.
            return NotTaken(f"Twilio cannot be reached: {type(exc).__name__}")

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=ANSWER_S, connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._http
