"""What is sent to Telegram's Bot API, and what its answers mean. Pure.

https://core.telegram.org/bots/api: sendMessage; "Making requests"; ResponseParameters. Not how it
travels (telegram_sender.py).
"""

import msgspec

from ..domain.messages import OutboxMessage
from .outbox_delivery import Answer, NotTaken, Taken

MAX_CHARS = 4096
"Of a message (sendMessage, `text`): what is longer is cut."
MAX_WAIT_S = 24 * 3600.0
CUT = "…"
OK = 200
FORBIDDEN, BAD_REQUEST, TOO_MANY = 403, 400, 429

_encode = msgspec.json.Encoder().encode


class SendMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The request."""

    chat_id: str
    text: str
    disable_web_page_preview: bool = True


class Parameters(msgspec.Struct, frozen=True):
    """Why it was refused, for programs."""

    retry_after: float | None = None
    "Seconds."


class Sent(msgspec.Struct, frozen=True):
    """What was sent."""

    message_id: int = 0


class Response(msgspec.Struct, frozen=True):
    """Any answer."""

    ok: bool = False
    description: str = ""
    parameters: Parameters = Parameters()
    result: Sent | None = None


def body_of(message: OutboxMessage) -> bytes:
    """The request for one message."""
    text = message.body
    if len(text) > MAX_CHARS:
        text = text[: MAX_CHARS - len(CUT)] + CUT
    return _encode(SendMessage(chat_id=message.to, text=text))


def judge_answer(status: int, body: bytes) -> Answer:
    """What an answer is worth.

    Who has blocked the bot or was never there (403, 400) is not asked again. A wrong token (401,
    404) is the owner's to mend: what waits goes on when it has been.
    """
    try:
        said = msgspec.json.decode(body, type=Response)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NotTaken(f"Telegram answers {status}, and nothing that can be read")
    if status == OK and said.ok:
        return Taken("" if said.result is None else str(said.result.message_id))
    error = f"Telegram answers {status}: {said.description[:200] or 'nothing more'}"
    wait_s = said.parameters.retry_after if status == TOO_MANY else None
    if wait_s is not None:
        wait_s = min(max(0.0, wait_s), MAX_WAIT_S)
    return NotTaken(error, permanent=status in (FORBIDDEN, BAD_REQUEST), retry_after_s=wait_s)
