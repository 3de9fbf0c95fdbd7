"""`/v1/provider-keys/test`: keys shown to their providers, and kept nowhere."""

from typing import Annotated

import msgspec

from ...services.connections import Connection
from ..route import AnyRoute, Asked, Nothing, Route

Text = Annotated[str, msgspec.Meta(max_length=1000)]


class KeysToTry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys; what is left out is not tried."""

    openai_api_key: Text = ""
    twilio_account_sid: Text = ""
    twilio_auth_token: Text = ""
    twilio_phone_number: Text = ""
    "Only its form is looked at."


class ConnectionView(msgspec.Struct, frozen=True):
    """What a provider said."""

    connected: bool
    error: str | None
    "Why not; null: it is connected."


class KeysTried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    openai: ConnectionView
    twilio: ConnectionView
    success: bool
    "At least one was tried, and all that were are connected."


async def try_provider_keys(asked: Asked[Nothing, KeysToTry]) -> KeysTried:
    """Show keys to their providers, whose addresses are the configuration's. Nothing is kept."""
    body, tests = asked.body, asked.edge.services.connections
    openai = await tests.openai(body.openai_api_key)
    twilio = await tests.twilio(
        body.twilio_account_sid, body.twilio_auth_token, body.twilio_phone_number
    )
    return keys_tried(openai, twilio)


def keys_tried(openai: Connection, twilio: Connection) -> KeysTried:
    """As it is shown."""
    tried = [each for each in (openai, twilio) if each.tried]
    return KeysTried(
        openai=ConnectionView(openai.connected, openai.error),
        twilio=ConnectionView(twilio.connected, twilio.error),
        success=bool(tried) and all(each.connected for each in tried),
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/v1/provider-keys/test",
        handler=try_provider_keys,
        summary="Try keys of providers",
        tag="Provider keys",
        scope="providers:write",
        body=KeysToTry,
        returns=KeysTried,
    ),
)
