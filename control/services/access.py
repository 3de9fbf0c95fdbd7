"""Whose things somebody sees: their own; an administrator's request sees everybody's."""

from ..auth.principal import Principal
from ..errors import NotFound


def owner_of(who: Principal) -> str | None:
    """The `owner` that Rows are asked with: None sees all."""
    return None if who.is_admin else who.account_id


def missing(kind: str, id_: str) -> NotFound:
    """What is told of a thing that is not there, or is somebody else's: the same."""
    return NotFound(f"no {kind} {id_[:64]!r}")
