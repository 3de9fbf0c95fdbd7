"""Texts of the outbox that are good to whoever reads them: codes, and links with one. Pure.

Sealed as long as they may have to be sent, and gone afterwards. Administrators see those alone that
nothing is configured to send: somebody has to tell the code, and the outbox is for that.
"""

from collections.abc import Callable

import msgspec

from ..auth.errors import SealError
from ..auth.secrets_box import SecretsBox
from ..domain.messages import OutboxMessage, OutboxStatus

Box = Callable[[], SecretsBox]
BLANK = "…"
"What is shown, and kept, of a text that is nobody's business any more."


def sealed(box: Box, message: OutboxMessage) -> OutboxMessage:
    """As it is stored; what is no secret as it is."""
    if message.secret_until_wall is None:
        return message
    return msgspec.structs.replace(message, body=box().seal(message.body, message.id))


def opened(box: Box, message: OutboxMessage) -> OutboxMessage | None:
    """As it is sent; None: its text is gone, or its key is."""
    if message.secret_until_wall is None:
        return message
    if is_blank(message):
        return None
    try:
        return msgspec.structs.replace(message, body=box().open(message.body, message.id))
    except SealError:
        return None


def shown(box: Box, message: OutboxMessage, now_wall: float) -> OutboxMessage:
    """As administrators see it."""
    if message.secret_until_wall is None:
        return message
    is_theirs = message.status is OutboxStatus.KEPT and not is_over(message, now_wall)
    found = opened(box, message) if is_theirs else None
    return found or msgspec.structs.replace(message, body=BLANK)


def is_blank(message: OutboxMessage) -> bool:
    """Whether it was a secret, and its text is gone."""
    return message.secret_until_wall is not None and message.body == BLANK


def is_over(message: OutboxMessage, now_wall: float) -> bool:
    """Whether what it says is good for nothing any more."""
    return message.secret_until_wall is not None and message.secret_until_wall <= now_wall
