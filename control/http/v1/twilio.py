"""`/v1/messages/twilio`: Twilio's webhooks, of texts that come in and of what became of others.

They show no credential; where Twilio's secret is configured they must be signed by it. The address
that Twilio has called is the one that this server is asked by, with what proxies of ours say of it.
"""

from aiohttp import web
from yarl import URL

from ...auth.client_network import is_proxy
from ...errors import Forbidden, Unprocessable
from ...messages.twilio_hook import FORM, MAX_BYTES, XML, fields_of, text_of, twiml
from ...messages.twilio_signature import HEADER, Fields, addresses_of
from ...services.inbound_sms import TakenIn
from ..decoding import read_bytes
from ..route import AnyRoute, Asked, Nothing, Route

TAG = "Messages"
PROTO, HOST = "X-Forwarded-Proto", "X-Forwarded-Host"
OVER_QUOTA = "You have sent too many messages. Please try again in the next hour."
MAX_ERROR_CHARS = 20


async def receive_sms(asked: Asked[Nothing, Nothing]) -> web.Response:
    """Keep a text that has come in, and have it answered by the agent of the number.

    The reply comes as an SMS of its own. What Twilio tells again is the same text.
    """
    taken = await taken_in(asked)
    return twiml_answer(OVER_QUOTA if taken.is_over_quota else "")


async def report_sms(asked: Asked[Nothing, Nothing]) -> web.Response:
    """Keep what became of an SMS that Twilio has taken: `twilio.status_callback`."""
    fields = await _signed(asked)
    given = dict(fields)
    error = given.get("ErrorCode", "")[:MAX_ERROR_CHARS]
    said = f"Twilio's error {error}" if error else ""
    inbound = asked.edge.services.inbound_sms
    await inbound.report(given.get("MessageSid", ""), given.get("MessageStatus", ""), said)
    return web.Response(status=204)


async def taken_in(asked: Asked[Nothing, Nothing]) -> TakenIn:
    """The text of a request, kept. Raises Forbidden and Unprocessable."""
    text = text_of(await _signed(asked))
    return await asked.edge.services.inbound_sms.receive(text)


def twiml_answer(message: str) -> web.Response:
    """What Twilio is to say now; empty: nothing."""
    return web.Response(body=twiml(message), content_type=XML, charset="utf-8")


async def _signed(asked: Asked[Nothing, Nothing]) -> Fields:
    request = asked.request
    fields = fields_of(await read_bytes(request, MAX_BYTES))
    inbound = asked.edge.services.inbound_sms
    url = called(request, believed=is_proxy(request.remote or "", inbound.trusted))
    inbound.check(request.headers.get(HEADER, ""), addresses_of(url), fields)
    return fields


def called(request: web.Request, *, believed: bool) -> URL:
    """The address as whoever called it had it; `believed`: what a proxy says of it."""
    url = request.url
    if not believed:
        return url
    scheme = request.headers.get(PROTO, "").partition(",")[0].strip().lower()
    host = request.headers.get(HOST, "").partition(",")[0].strip()
    try:
        return URL(
            f"{scheme or url.scheme}://{host or url.authority}{url.raw_path_qs}", encoded=True
        )
    except ValueError:
        return url


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/v1/messages/twilio",
        handler=receive_sms,
        summary="Take an SMS in, from Twilio",
        tag=TAG,
        scope=None,
        raw_body=FORM,
        content=XML,
        problems=(Forbidden, Unprocessable),
    ),
    Route(
        method="POST",
        path="/v1/messages/twilio/status",
        handler=report_sms,
        summary="Take in what became of an SMS, from Twilio",
        tag=TAG,
        scope=None,
        raw_body=FORM,
        status=204,
        problems=(Forbidden,),
    ),
)
