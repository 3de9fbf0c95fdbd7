"""What the services of one server stand on (catalog.py): its parts, and what is configured."""

import pathlib
import random
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ...media.clock import Clock
from ..auth.proofs import Proofs
from ..auth.secrets_box import SecretsBox
from ..calls.calls import Calls
from ..configuration.config import Settings
from ..configuration.config_agents import ProviderSettings
from ..configuration.config_billing import PaymentSettings, SubscriptionSettings
from ..configuration.config_connections import ConnectionSettings
from ..dialer.call_limits import CallLimits
from ..events.events import EventBus
from ..lines.lines import Lines
from ..store.database import Database
from .connections import FORM_ONLY
from .escalations import RING_S


def _unconfigured() -> Lines:
    return Lines(Settings(), CallLimits())


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of a server, none of which has to be started yet."""

    database: Database
    clock: Clock
    bus: EventBus
    lines: Lines = msgspec.field(default_factory=_unconfigured)
    "Left out: those of a server without configuration."
    calls: Calls
    "Those in progress."
    recordings: pathlib.Path
    "Where recordings of calls lie."
    uploads: pathlib.Path
    "Where files lie until they are imported; documents lie beside it."
    proofs: Proofs
    box: Callable[[], SecretsBox]
    "Asked when it is needed: its keys are read, or made, by the process that holds the database."
    rng: random.Random
    "Unguessable."
    private_webhooks: bool = False
    "Webhooks may lead to this machine, too, and so may accounts' keys of providers."
    providers: Sequence[ProviderSettings] = ()
    "Those of the configuration."
    report_tokens: Mapping[str, str] = {}
    "By carrier: what it shows when it reports calls; empty: nothing."
    connections: ConnectionSettings = FORM_ONLY
    "Whom keys of providers are shown to on trial."
    ring_s: float = RING_S
    "How long a person is let ring."
    keep_days: float = 0.0
    "How long recordings are kept, unless their account says otherwise; 0: for ever."
    subscribing: SubscriptionSettings = SubscriptionSettings()
    "Tiers."
    paying: PaymentSettings = PaymentSettings()
    "How they are paid for."
