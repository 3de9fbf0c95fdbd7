"""Refresh tokens are exchanged once (OAuth 2.0 Security BCP, RFC 9700 §4.14.2). Pure.

Every sign-in begins a family. Each exchange gives its next token and makes that the only good one.
If an older one comes, two hold tokens of this family, and one of them stole: the family ends, for
both. Used ids need not be kept: a signed token of the family that is not its current one is used.

What is decided holds only if it is stored before it is told, and only over what was read: two
exchanges of one token may run at once (read and write in one transaction that writes).

A family is a Credential: `lookup` is its id, `secret_hash` the id of its only good token.
"""

import enum

import msgspec

from ..domain.accounts import Credential, CredentialKind
from .errors import TokenError, TokenReused, TokenRevoked
from .tokens import Claims


class Verdict(enum.Enum):
    """What a refresh token that `Tokens.read` took is worth."""

    CURRENT = enum.auto()
    REUSED = enum.auto()
    REVOKED = enum.auto()
    UNKNOWN = enum.auto()


REFUSALS: dict[Verdict, type[TokenError]] = {
    Verdict.REUSED: TokenReused,
    Verdict.REVOKED: TokenRevoked,
    # Its row was deleted: by its owner, or because all of its tokens had expired.
    Verdict.UNKNOWN: TokenRevoked,
}


class Judged(msgspec.Struct, frozen=True):
    """A verdict, and the family as it is to be stored before anybody is told."""

    verdict: Verdict
    family: Credential | None
    "None: the token has none."

    def refuse_unless_current(self) -> None:
        """Raises TokenReused or TokenRevoked, unless the token is good. For after the storing."""
        if self.verdict is not Verdict.CURRENT:
            raise REFUSALS[self.verdict]


def begin(first: Claims) -> Credential:
    """The family of a new sign-in, whose first refresh token says `first`."""
    assert first.kind == "refresh", "an access token has no family"
    return Credential(
        owner_id=first.account_id,
        kind=CredentialKind.REFRESH_FAMILY,
        lookup=first.family,
        secret_hash=first.token_id,
        created_wall=first.issued_wall,
        updated_wall=first.issued_wall,
        expires_wall=first.expires_wall,
    )


def judge(family: Credential | None, claims: Claims, now_wall: float) -> Judged:
    """What the token is worth, without exchanging it; reuse revokes the family."""
    if family is None or (family.lookup, family.owner_id) != (claims.family, claims.account_id):
        return Judged(Verdict.UNKNOWN, None)
    assert family.kind is CredentialKind.REFRESH_FAMILY, "looked up among other credentials"
    if family.revoked_wall is not None:
        return Judged(Verdict.REVOKED, family)
    if family.secret_hash != claims.token_id:
        return Judged(Verdict.REUSED, revoked(family, now_wall))
    return Judged(Verdict.CURRENT, family)


def exchange(
    family: Credential | None, claims: Claims, following: Claims, now_wall: float
) -> Judged:
    """As `judge`; a good token gives way to the one that says `following`."""
    judged = judge(family, claims, now_wall)
    if judged.verdict is not Verdict.CURRENT or judged.family is None:
        return judged
    assert following.family == judged.family.lookup, "issued for another family"
    moved = msgspec.structs.replace(
        judged.family,
        secret_hash=following.token_id,
        expires_wall=following.expires_wall,
        updated_wall=now_wall,
        last_used_wall=now_wall,
    )
    return Judged(Verdict.CURRENT, moved)


def revoked(family: Credential, now_wall: float) -> Credential:
    """The family after signing out, or after a theft."""
    if family.revoked_wall is not None:
        return family
    return msgspec.structs.replace(family, revoked_wall=now_wall, updated_wall=now_wall)
