"""Who has just proved themselves: credentials need not be looked up again for each request. Pure.

What is known is forgotten after seconds, and at once when something of the account changes. A
credential is known by its hash: memory holds no secrets for longer than it must.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from .principal import Principal

TTL_S = 5.0
"How long a change that another process makes in the database may go unseen; ours never does."
MAX_KNOWN = 10_000
"Beyond it those longest unused are forgotten."


class _Entry(msgspec.Struct, frozen=True):
    principal: Principal
    until: float
    "On the monotonic clock."
    expires_wall: float
    "The credential's own end."


class Known:
    """Principals by the credential that proved them."""

    def __init__(self, ttl_s: float = TTL_S, max_known: int = MAX_KNOWN) -> None:
        self._ttl_s = ttl_s
        self._max_known = max_known
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._of_account: dict[str, set[bytes]] = {}
        self._watchers: dict[str, set[Callable[[], None]]] = {}
        self.changes = 0
        "How often something was forgotten because it changed. For `remember`."

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, credential: str, now: float, now_wall: float) -> Principal | None:
        """Whose it is; None: it has to be looked up."""
        key = _key(credential)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.until or now_wall >= entry.expires_wall:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.principal

    def remember(
        self,
        credential: str,
        principal: Principal,
        now: float,
        expires_wall: float | None,
        changes: int,
    ) -> None:
        """It was looked up. `changes` as it was before that: what changed meanwhile is not kept."""
        if changes != self.changes:
            return
        key = _key(credential)
        ends = float("inf") if expires_wall is None else expires_wall
        self._drop(key)
        self._entries[key] = _Entry(principal, now + self._ttl_s, ends)
        self._of_account.setdefault(principal.account_id, set()).add(key)
        if len(self._entries) > self._max_known:
            self._drop(next(iter(self._entries)))

    def forget(self, account_id: str) -> None:
        """Something of the account changed, and that has been stored."""
        self.changes += 1
        for key in self._of_account.pop(account_id, ()):
            self._entries.pop(key, None)
        for callback in tuple(self._watchers.get(account_id, ())):
            callback()

    def watch(self, account_id: str, callback: Callable[[], None]) -> None:
        """Call back, at once and without waiting, whenever something of the account changes."""
        self._watchers.setdefault(account_id, set()).add(callback)

    def unwatch(self, account_id: str, callback: Callable[[], None]) -> None:
        """Call back no more."""
        watchers = self._watchers[account_id]
        watchers.discard(callback)
        if not watchers:
            del self._watchers[account_id]

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        keys = self._of_account[entry.principal.account_id]
        keys.discard(key)
        if not keys:
            del self._of_account[entry.principal.account_id]


def _key(credential: str) -> bytes:
    return hashlib.sha256(credential.encode(errors="surrogateescape")).digest()
