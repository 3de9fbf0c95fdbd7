"""An SMS by Twilio's REST API: what is sent, and what its answer means. Pure.

    POST /2010-04-01/Accounts/{AccountSid}/Messages.json        From, To, Body as a form; Basic auth
    201 {"sid": "SM…", …}        4xx, 5xx {"code": 21211, "message": "…", "status": 400, …}

Twilio's "Programmable Messaging API", Messages resource. Not how it travels (twilio_sender.py).
"""

import msgspec

from ..domain.messages import OutboxMessage
from .outbox_delivery import Answer, NotTaken, Taken

AGAIN = frozenset((408, 425, 429))
"Besides 5xx: another try may end otherwise."
NOT_OURS = frozenset((401, 403, 404))
"The account or its secret is wrong: whoever runs this server can put it right."
ALREADY_QUEUED = frozenset((200, 201, 202))
MAX_SAID_CHARS = 200


class _Told(msgspec.Struct, frozen=True):
    sid: str | None = None
    code: int | None = None
    message: str | None = None


_decode = msgspec.json.Decoder(_Told).decode


def path_of(account_sid: str) -> str:
    """Where messages of an account are made, below the API's address."""
    return f"/2010-04-01/Accounts/{account_sid}/Messages.json"


def form_of(message: OutboxMessage, from_number: str, status_callback: str = "") -> dict[str, str]:
    """The form. `from_number`: where the message names none; `status_callback`: empty: none."""
    form = {"To": message.to, "From": message.from_number or from_number, "Body": message.body}
    return form | ({"StatusCallback": status_callback} if status_callback else {})


def judge_answer(status: int, body: bytes) -> Answer:
    """What an answer means for the message."""
    try:
        told = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        told = _Told()
    if status in ALREADY_QUEUED:
        return Taken(told.sid or "")
    said = f"Twilio answers {status}"
    if told.code is not None:
        said += f", error {told.code}"
    if told.message:
        said += f": {told.message[:MAX_SAID_CHARS]}"
    again = status >= 500 or status in AGAIN or status in NOT_OURS or status < 400
    return NotTaken(said, permanent=not again)
