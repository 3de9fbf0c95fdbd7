"""What can go wrong in speech and language drivers, by who is to blame.

ProviderError (media/errors.py)
├── WorkerDied             the worker process ended, or never became ready; it is being restarted
├── WorkerOverloaded       the worker is too far behind: this turn or utterance was given up
├── ProviderUnreachable    no connection, or it broke off
├── ProviderBusy           too many requests (HTTP 429, 503), `retry_after_s` when it said so
├── ProviderRejected (media/errors.py)
│   ├── KeyRejected        the key is missing or wrong; names the variable, never the key
│   └── WordsUnknown       the grammar has words that nothing here can pronounce
└── ProviderTimedOut (media/errors.py)
"""

from ..media.errors import ProviderError, ProviderRejected


class WorkerDied(ProviderError):
    """A worker process is not there; a new one is started by itself."""

    code = "worker_died"


class WorkerOverloaded(ProviderError):
    """More work is waiting than is worth doing late."""

    code = "worker_overloaded"


class ProviderUnreachable(ProviderError):
    """The network's fault: no connection, or it ended in the middle."""

    code = "provider_unreachable"


class ProviderBusy(ProviderError):
    """The provider asks for patience."""

    code = "provider_busy"

    def __init__(self, provider: str, what: str, retry_after_s: float | None = None) -> None:
        super().__init__(provider, what)
        self.retry_after_s = retry_after_s


class KeyRejected(ProviderRejected):
    """The provider does not know our key."""

    code = "provider_key_rejected"

    def __init__(self, provider: str, base_url: str, key_env: str, said: str) -> None:
        super().__init__(provider, said)
        self.base_url = base_url
        self.key_env = key_env

    def __str__(self) -> str:
        return (
            f"{self.provider}: {self.base_url} rejects the key in {self.key_env}"
            f" (set it, or correct it): {self.what}"
        )


class WordsUnknown(ProviderRejected):
    """Phrases with words that are in no dictionary and cannot be pronounced by rule."""

    code = "words_unknown"

    def __init__(self, provider: str, words: tuple[str, ...]) -> None:
        super().__init__(provider, f"cannot pronounce {', '.join(words)}")
        self.words = words
