"""Around everything else of a request: its id, its moment in the log and in the metrics, its span.

Not its errors (middleware.py), nor what is counted how (http_metrics.py).
"""

import logging
import random
import re

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ...media.clock import Clock
from ..telemetry.http_metrics import HttpMetrics
from ..telemetry.log_context import ACCOUNT, REQUEST
from ..telemetry.spans import Tracing
from .middleware import ID_HEADER
from .route import REQUEST_ID
from .serving import route_of
from .speech import speech_of

SLOW_S = 0.25
"Requests that take longer are told at info."
NO_ROUTE = "none"
"Of an address that is not in the table: what is asked for is whatever somebody likes."
DEFAULT_RATE = "api"
"Whatever is no route counts for it."
DISCONNECTED = 499
"Counted as this, as others do: nobody waits for the answer any more."

logger = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def watch(clock: Clock, metrics: HttpMetrics, tracing: Tracing, rng: random.Random) -> Middleware:
    """The outermost middleware. `rng` makes ids: they are told apart by them, nothing more."""

    @web.middleware
    async def watch_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(ID_HEADER, "")
        request_id = given if _ID.match(given) else f"{rng.getrandbits(64):016x}"
        request[REQUEST_ID] = request_id
        route = route_of(request)
        path = NO_ROUTE if route is None else speech_of(request).prefix + route.path
        method = "any" if route is None else route.method
        named = REQUEST.set(request_id)
        asked = ACCOUNT.set("")
        begun_at = clock.now()
        metrics.in_flight += 1
        span = tracing.request(request.headers, method, path, request_id)
        status = DISCONNECTED
        try:
            response = await handler(request)
            status = response.status
        finally:
            took_s = clock.now() - begun_at
            metrics.in_flight -= 1
            metrics.count(method, path, status, took_s)
            if status == web.HTTPTooManyRequests.status_code:
                metrics.count_limited(DEFAULT_RATE if route is None else route.rate or DEFAULT_RATE)
            span.end(status)
            slow = took_s > SLOW_S and not (route is not None and route.token_in_query)
            logger.log(
                logging.INFO if slow else logging.DEBUG,
                "%s %s: %d after %.1f ms",
                request.method,
                request.path,
                status,
                1000 * took_s,
            )
            ACCOUNT.reset(asked)
            REQUEST.reset(named)
        return response

    return watch_request
