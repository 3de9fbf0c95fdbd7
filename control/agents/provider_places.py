"""Where an account's own key of a provider is used, and for which models. Pure.

What the key says goes first; what it leaves open is as the configuration names the provider, or as
everybody knows it. A provider that is neither has to be given an address with its key.
"""

from collections.abc import Mapping

import msgspec

from ...drivers.openai_client import Secret
from ..configuration.config_agents import ModelNames, ProviderSettings
from ..domain.accounts import ProviderKey

KNOWN = {
    provider.name: provider
    for provider in (
        ProviderSettings(
            "openai",
            "https://api.openai.com/v1",
            models=ModelNames(chat="gpt-4o-mini", speech="tts-1", transcription="whisper-1"),
        ),
        ProviderSettings(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            models=ModelNames(chat="gemini-2.5-flash"),  # that endpoint neither speaks nor hears
        ),
    )
}


class OwnKey(msgspec.Struct, frozen=True):
    """An account's key, to be used for one call."""

    secret: Secret
    server: ProviderSettings
    public_only: bool = False
    "The account has named the address, and the server's own network is not to be asked."


def place_of(
    key: ProviderKey, configured: Mapping[str, ProviderSettings]
) -> ProviderSettings | None:
    """The server that a key is for; None: nobody knows where that is."""
    known = configured.get(key.provider) or KNOWN.get(key.provider)
    base_url = key.base_url or (known.base_url if known is not None else "")
    if not base_url:
        return None
    models = ModelNames() if known is None else known.models
    own = key.models
    return ProviderSettings(
        key.provider,
        base_url,
        models=msgspec.structs.replace(
            models,
            chat=own.chat or models.chat,
            speech=own.speech or models.speech,
            transcription=own.transcription or models.transcription,
        ),
    )
