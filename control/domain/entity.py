"""What every stored thing has: a UUID, a number of its own kind, its times, and its owner.

An entity is a frozen Struct whose field names are its table's columns (store/schema.py). Moments
are `*_wall`: seconds since 1970, UTC. To add a kind: its Struct here, its table there, a migration.
"""

import uuid

import msgspec


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A stored thing."""

    id: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))
    "UUID, version 4."
    seq: int = 0
    "Its number among its kind, growing; given when it is stored, 0 before."
    created_wall: float = 0.0
    updated_wall: float = 0.0


class Owned(Entity, frozen=True, kw_only=True):
    """A stored thing that belongs to an account; no other account ever sees it."""

    owner_id: str
    "Account.id."
