"""Who asks at a route that is open to all: nobody has to say, whoever does may be told more."""

from aiohttp import web

from ..auth.principal import Principal
from ..errors import Unauthorized
from .edge import AUTHENTICATOR
from .speech import speech_of


async def sender_of(request: web.Request) -> Principal | None:
    """Whose credential is shown; None: none that is good. Raises StoreError."""
    speech = speech_of(request)
    shown = speech.shown(request, None)
    if shown is None:
        return None
    try:
        return await request.app[AUTHENTICATOR].principal(shown, speech.audience)
    except Unauthorized:
        return None
