"""Who asks: the account behind a request, and what its credential lets it do."""

import enum
from typing import Literal, TypeAlias

import msgspec

from .scopes import EVERYTHING, allows

OPERATOR_ID = "operator"
"Stands for the holder of the operator's token, who has no account."

Kind: TypeAlias = Literal["operator", "access", "api_key", "token40"]


class Role(enum.StrEnum):
    """What an account is."""

    USER = "user"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True):
    """A request's proven sender. Made only by what checked the credential."""

    account_id: str
    "The account's uuid, or OPERATOR_ID."
    role: Role
    scopes: frozenset[str]
    "Of the credential, not of the account: an administrator's key may be narrow."
    kind: Kind
    "By what the sender was proven."

    @property
    def is_admin(self) -> bool:
        """Whether the account is an administrator's; its key may be narrow: ask `may` as well."""
        return self.role is Role.ADMIN

    def may(self, scope: str) -> bool:
        """Whether the credential covers `scope` (one of SCOPES)."""
        return allows(self.scopes, scope)


OPERATOR = Principal(OPERATOR_ID, Role.ADMIN, EVERYTHING, "operator")
