"""SHELL: sends messages by Telegram's Bot API. What they are, telegram_message.py knows.

The token is a part of the address: neither is ever told or logged.
"""

import aiohttp

from ..configuration.config_messaging import TelegramSettings
from ..domain.messages import OutboxMessage
from .outbox_delivery import Answer, NotTaken
from .telegram_message import body_of, judge_answer

CONNECT_S = 10.0
ANSWER_S = 30.0
"Whole requests."
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 4
HEADERS = {"Content-Type": "application/json"}


class TelegramSender:
    """Implements Sender. `aclose()` last."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._url = f"{settings.base_url.rstrip('/')}/bot{settings.token}/sendMessage"
        self._http: aiohttp.ClientSession | None = None

    async def send(self, message: OutboxMessage) -> Answer:
        """Hand it to the bot."""
        try:
            # Redirected, the token would go to another server.
            async with self._session().post(
                self._url, data=body_of(message), headers=HEADERS, allow_redirects=False
            ) as response:
                body = await response.content.read(MAX_ANSWER_BYTES)
                return judge_answer(response.status, body)
        except TimeoutError:
            return NotTaken(f"Telegram has not answered within {ANSWER_S:g} s")
        except (aiohttp.ClientError, OSError) as exc:
            # Its words may have the address in them.
            return NotTaken(f"Telegram cannot be reached: {type(exc).__name__}")

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
