"""What a dialect calls things by, and what the services call them by (their UUIDs)."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

from ..http.route import Asked
from ..services.access import missing

UNKNOWN = "-"
"For what cannot be an id: nothing is called so, and what is told of it is the services' say."

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
_HEX = re.compile(r"[0-9a-f]{32}\Z")
_TOLD = re.compile(r"\b(\w+) ('?)([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\b")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}\Z")


class Ids(Protocol):
    """One form of ids. `kind` is a table's subject in the singular: account, agent, call, …"""

    async def read(self, asked: Asked[Any, Any], kind: str, text: str) -> str | None:
        """The UUID that is meant; None: it is none of this form, or of nothing that they see."""
        ...


class Uuids:
    """The UUID itself."""

    async def read(self, asked: Asked[Any, Any], kind: str, text: str) -> str | None:
        """In lower case."""
        return text.lower() if _UUID.match(text.lower()) else None

    def show(self, kind: str, id_: str) -> str:
        """As it is."""
        return id_


class PrefixedTokens:
    """`agent_` and the UUID's 32 digits."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        """Kind -> prefix."""
        self.prefixes = prefixes

    async def read(self, asked: Asked[Any, Any], kind: str, text: str) -> str | None:
        """Another kind's prefix is another form."""
        return self.uuid(kind, text)

    def uuid(self, kind: str, text: str) -> str | None:
        """The same, where there is no request."""
        prefix, _, token = text.partition("_")
        if prefix != self.prefixes[kind] or not _HEX.match(token):
            return None
        return "-".join((token[:8], token[8:12], token[12:16], token[16:20], token[20:]))

    def show(self, kind: str, id_: str) -> str:
        """With its prefix."""
        return f"{self.prefixes[kind]}_{id_.replace('-', '')}"

    def told(self, text: str) -> str:
        """What the services say, with the names that their clients know: `call call_5f…`."""

        def shown(found: re.Match[str]) -> str:
            kind, quote, id_ = found.groups()
            named = self.show(kind, id_) if kind in self.prefixes else id_
            return f"{kind} {quote}{named}"

        return _TOLD.sub(shown, text)

    def show_or_none(self, kind: str, id_: str | None) -> str | None:
        """The same of what may not be there."""
        return None if id_ is None else self.show(kind, id_)


class Numbers:
    """The number that each thing has among its kind (Entity.seq). One's own things alone."""

    async def read(self, asked: Asked[Any, Any], kind: str, text: str) -> str | None:
        """Looked up: numbers are not the services' names."""
        if not _NUMBER.match(text):
            return None
        numbered = asked.edge.services.numbered
        return await numbered.id_of(asked.who, kind, int(text))


async def own(ids: Ids, asked: Asked[Any, Any], kind: str) -> str:
    """The UUID of what the path names by its part `{kind}`. Raises NotFound."""
    text = asked.path(kind)
    found = await ids.read(asked, kind, text)
    if found is None:
        raise missing(kind, text)
    return found


async def named(ids: Ids, asked: Asked[Any, Any], kind: str, text: str | None) -> str | None:
    """The UUID of what a body or a parameter names; of what is none, one that nothing has."""
    if text is None:
        return None
    return await ids.read(asked, kind, text) or UNKNOWN
