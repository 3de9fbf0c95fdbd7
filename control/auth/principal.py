"""Who asks: the account behind a request, and what its credential lets it do."""

from typing import Literal, TypeAlias

import msgspec

from ..domain.accounts import Role as Role
from .scopes import EVERYTHING, allows

OPERATOR_ID = "00000000-0000-4000-8000-000000000000"
"The account of whoever holds the operator's token; made at the first start, without a password."

Kind: TypeAlias = Literal["operator", "access", "api_key", "token40"]


class Principal(msgspec.Struct, frozen=True):
    """A request's proven sender. Made only by what checked the credential."""

    account_id: str
    "The account's uuid, or OPERATOR_ID."
    role: Role
    scopes: frozenset[str]
    "Of the credential, not of the account: an administrator's key may be narrow."
    kind: Kind
    "By what the sender was proven."
    credential: str = ""
    "Of a key its id, of an access token its sign-in (Credential.lookup); empty: neither."
    expires_wall: float | None = None
    "When the credential ends by itself; None: never."

    @property
    def is_admin(self) -> bool:
        """Whether the account is an administrator's; its key may be narrow: ask `may` as well."""
        return self.role is Role.ADMIN

    def may(self, scope: str) -> bool:
        """Whether the credential covers `scope` (one of SCOPES)."""
        return allows(self.scopes, scope)


OPERATOR = Principal(OPERATOR_ID, Role.ADMIN, EVERYTHING, "operator")
