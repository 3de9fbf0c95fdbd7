"""The configuration of events and of webhooks, a part of config.py."""

from typing import Annotated

import msgspec


class EventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far back events can be replayed; finished deliveries of webhooks are kept as long."""

    retention_days: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    max_kept: Annotated[int, msgspec.Meta(ge=1000)] = 200_000
    "The oldest ones beyond that are deleted before their time."


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where webhooks may lead."""

    allow_private: bool = False
    "True: to this machine and private networks as well, and without TLS."
