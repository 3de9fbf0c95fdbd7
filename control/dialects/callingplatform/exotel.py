"""What the carrier tells of calls that come in.

It shows no credential, but for a token in the query where the operator wants one (`exotel.token`).
"""

from typing import Annotated

import msgspec

from ...domain.calls import CallStatus, Outcome
from ...errors import Unprocessable
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row, Said
from ..reading import FORM, Short, read_form
from .forms import BASE, INVALID

TAG = "Webhooks"
CARRIER = "exotel"
TOKEN = "token"
PATH = "/exotel/webhook/incoming"

Stands = tuple[CallStatus, Outcome | None]
STATUS: dict[str, Stands] = {
    "ringing": (CallStatus.RINGING, None),
    "in-progress": (CallStatus.LIVE, None),
    "completed": (CallStatus.ENDED, Outcome.COMPLETED),
    "no-answer": (CallStatus.ENDED, Outcome.NO_ANSWER),
    "busy": (CallStatus.ENDED, Outcome.BUSY),
    "failed": (CallStatus.ENDED, Outcome.FAILED),
    "canceled": (CallStatus.ENDED, Outcome.FAILED),
}
"The carrier's words; others, and none, tell no more than that the call is there."


class Hook(msgspec.Struct, frozen=True, rename="pascal"):
    """What is told of a call."""

    call_sid: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    from_: Short = msgspec.field(name="From", default="")
    to: Short = ""
    call_status: Short = ""
    direction: Short = "inbound"


async def receive(asked: Asked[Nothing, Nothing]) -> None:
    """Keep what is told of a call: by JSON, as a form, or in the query.

    A number that is none of ours is no error: the carrier would tell it again and again.
    """
    reported = asked.edge.services.reported_calls
    reported.check(CARRIER, asked.request.query.get(TOKEN, ""))
    hook = await read_form(asked.request, Hook)
    status, outcome = STATUS.get(hook.call_status.lower(), STATUS["ringing"])
    await reported.report(
        CARRIER, hook.call_sid, _number(hook.from_), _number(hook.to), status, outcome
    )


def _number(written: str) -> str:
    """A plus that nobody has encoded is a space by now."""
    return f"+{written.strip()}" if written.startswith(" ") else written.strip()


EXAMPLE = {
    "CallSid": "call-1",
    "From": "+919876543210",
    "To": "+919876543211",
    "CallStatus": "in-progress",
}
ROWS: tuple[AnyRow, ...] = tuple(
    Row(
        method=method,
        path=f"{BASE}{PATH}",
        aliases=(PATH,),
        handler=receive,
        summary="Exotel incoming call webhook",
        tag=TAG,
        scope=None,
        raw_body=raw_body,
        message="Webhook received",
        documented=raw_body is not None,
        refusals={Unprocessable: Said(INVALID.code, INVALID.message, 400)},
        example=EXAMPLE,
    )
    for method, raw_body in (("POST", FORM), ("GET", None))
)
