"""Sends messages by Telegram's Bot API. What they are, telegram_message.py knows.

The token is a part of the address: neither is ever told or logged.
"""

from ..configuration.config_messaging import TelegramSettings
from ..domain.messages import OutboxMessage
from .outbox_delivery import Answer, NotTaken
from .provider_http import ProviderHttp, ProviderUnreachable
from .telegram_message import body_of, judge_answer

MAX_CONNECTIONS = 4
HEADERS = {"Content-Type": "application/json"}


class TelegramSender:
    """Implements Sender. `aclose()` last."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._url = f"{settings.base_url.rstrip('/')}/bot{settings.token}/sendMessage"
        self._http = ProviderHttp("Telegram", MAX_CONNECTIONS)

    async def send(self, message: OutboxMessage) -> Answer:
        """Hand it to the bot."""
        try:
            answer = await self._http.ask("POST", self._url, body_of(message), HEADERS)
        except ProviderUnreachable as exc:
            return NotTaken(str(exc))
        return judge_answer(*answer)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
