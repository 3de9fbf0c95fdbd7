"""Who is told of requests to speech and language services: a port, and nobody. Pure."""

from collections.abc import Callable
from typing import Protocol

from ..media.errors import ProviderError
from .openai_limits import RequestLimit


class ProviderRequest(Protocol):
    """One try of a request, from when it is sent."""

    def first_part(self) -> None:
        """The first part of the answer is here."""
        ...

    def allowed(self, limit: RequestLimit) -> None:
        """The provider has said how many requests more it takes."""
        ...

    def ended(self, error: ProviderError | None) -> None:
        """It is over: answered, given up by us (None as well), or failed."""
        ...


ProviderWatch = Callable[[str, str, bool], ProviderRequest]
"""Begins a request to a provider, by its name and what it is asked for (`openai-chat`); True: with
a key of somebody's own, which says nothing about the server's."""


class _Nobody:
    def first_part(self) -> None:
        """Nobody is told."""

    def allowed(self, limit: RequestLimit) -> None:
        """Nobody is told."""

    def ended(self, error: ProviderError | None) -> None:
        """Nobody is told."""


_NOBODY = _Nobody()


def nobody_watches(provider: str, kind: str, own_key: bool) -> ProviderRequest:
    """A ProviderWatch for who has none."""
    return _NOBODY
