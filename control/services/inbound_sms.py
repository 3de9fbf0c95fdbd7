"""Texts as Twilio tells of them: is it Twilio, what is it, what is said back.

Not how a form is read (messages/twilio_hook.py), nor what becomes of the text (sms_tasks.py).
"""

from collections.abc import Sequence

import msgspec

from ..auth.client_network import Network
from ..domain.messages import SmsMessage, SmsStatus
from ..domain.sms_tasks import SmsTask
from ..errors import FieldError, Forbidden, Unprocessable
from ..messages.twilio_hook import Text
from ..messages.twilio_signature import Fields, is_signed
from .sms import SmsService
from .sms_tasks import SmsTaskService

STATUSES: dict[str, SmsStatus] = {
    "delivered": SmsStatus.DELIVERED,
    "read": SmsStatus.DELIVERED,
    "failed": SmsStatus.FAILED,
    "undelivered": SmsStatus.FAILED,
    "canceled": SmsStatus.FAILED,
}
"Twilio's words for what became of an SMS that it has taken; others tell nothing new."


class TakenIn(msgspec.Struct, frozen=True):
    """A text that is kept."""

    message: SmsMessage
    task: SmsTask | None
    "None: nobody answers it."
    is_over_quota: bool
    "Because its sender has asked too often."


class InboundSms:
    """The verbs. Nobody is asked who they are, but for the signature."""

    def __init__(self, sms: SmsService, tasks: SmsTaskService) -> None:
        self._sms = sms
        self._tasks = tasks
        self.auth_token = ""
        "Twilio's secret; empty: nothing is signed."
        self.trusted: Sequence[Network] = ()
        "Proxies of ours."

    def check(self, signature: str, addresses: Sequence[str], fields: Fields) -> None:
        """That Twilio has sent it, to one of these addresses. Raises Forbidden."""
        if self.auth_token and not is_signed(self.auth_token, signature, addresses, fields):
            raise Forbidden("the signature is not Twilio's")

    async def receive(self, text: Text) -> TakenIn:
        """Keep a text; one that is told again is the same. Raises Unprocessable."""
        try:
            message = await self._sms.receive(text.from_number, text.to_number, text.body, text.sid)
        except Unprocessable as exc:
            names = {"from": "From", "to": "To"}
            errors = [FieldError(names.get(e.field, e.field), e.message) for e in exc.errors]
            raise Unprocessable("the form does not fit", errors) from exc
        task = await self._tasks.of_message(message.id)
        over = task is None and self._tasks.answers and bool(message.body.strip())
        return TakenIn(message, task, over)

    async def report(self, sid: str, status: str, error: str = "") -> None:
        """What became of an SMS that has left; of one that nobody knows, nothing is kept."""
        if (found := STATUSES.get(status)) is not None:
            await self._sms.report(sid, found, error)
