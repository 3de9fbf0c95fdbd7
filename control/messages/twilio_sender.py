"""SHELL: sends SMS by Twilio's REST API. What is sent and what answers mean: twilio_sms.py."""

from ..domain.messages import OutboxMessage
from .outbox_delivery import Answer, NotTaken
from .provider_http import ProviderUnreachable
from .twilio_http import TwilioHttp
from .twilio_sms import form_of, judge_answer, path_of


class TwilioSender:
    """Implements Sender. `aclose()` last."""

    def __init__(self, http: TwilioHttp) -> None:
        """`http`: as its account; closed with this."""
        self._http = http
        self._path = path_of(http.settings.account_sid)

    async def send(self, message: OutboxMessage) -> Answer:
        """Hand it to Twilio."""
        settings = self._http.settings
        form = form_of(message, settings.from_number, settings.status_callback)
        try:
            return judge_answer(*await self._http.ask("POST", self._path, form))
        except ProviderUnreachable as exc:
            return NotTaken(str(exc))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
