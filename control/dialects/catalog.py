"""All dialects, and where a configuration has them served."""

from typing import Any

import msgspec

from ...media.clock import Clock
from ..configuration.config import Settings
from .aetherium.table import AETHERIUM
from .aicaller.table import AICALLER
from .callingplatform.table import CALLINGPLATFORM
from .dialect import Dialect
from .smsagent.table import SMSAGENT
from .speaking import Speaking, limiter_of
from .voicera.table import VOICERA

DIALECTS: tuple[Dialect, ...] = (AETHERIUM, AICALLER, CALLINGPLATFORM, SMSAGENT, VOICERA)


class Alone(msgspec.Struct, frozen=True):
    """A dialect at the root of a port of its own."""

    name: str
    port: int
    "0: any free one."
    speech: Speaking


class Served(msgspec.Struct, frozen=True):
    """Where dialects are served."""

    beside: tuple[Speaking, ...]
    "By our own server, each below its name."
    alone: tuple[Alone, ...]


def served(settings: Settings, clock: Clock) -> Served:
    """As the configuration says. A dialect's limits are one, wherever it is asked."""
    beside: list[Speaking] = []
    alone: list[Alone] = []
    places: dict[str, Any] = {
        "open_registration": settings.dialects.registration == "open",
        "open_sessions": settings.dialects.session_token == "optional",
    }
    for dialect in DIALECTS:
        wanted = settings.dialects.of(dialect.name)
        limiter = limiter_of(dialect, clock, refuses=settings.rate_limits)
        if wanted.enabled:
            here = Speaking(dialect, clock, limiter, **places)
            beside.append(here)
        if wanted.port is not None:
            root = Speaking(dialect, clock, limiter, prefix="", **places)
            alone.append(Alone(dialect.name, wanted.port, root))
    return Served(tuple(beside), tuple(alone))
