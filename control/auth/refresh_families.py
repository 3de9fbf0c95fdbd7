"""Refresh tokens are exchanged once (OAuth 2.0 Security BCP, RFC 9700 §4.14.2). Pure.

Every sign-in begins a family. Each exchange gives its next token and makes that the only good one.
If an older one comes, two hold tokens of this family, and one of them stole: the family ends, for
both. Used ids need not be kept: a signed token of the family that is not its current one is used.

What is decided holds only if it is stored before it is told, and only over what was read: two
exchanges of one token may run at once (`UPDATE … WHERE id = … AND current_id = …`).
"""

import enum

import msgspec

from .errors import TokenError, TokenReused, TokenRevoked
from .tokens import Claims


class RefreshFamily(msgspec.Struct, frozen=True):
    """What is stored of a sign-in."""

    id: str
    account_id: str
    current_id: str
    "`token_id` of its only good token."
    expires_at_wall: int
    "When that expires; later the row may be deleted."
    revoked_at_wall: float | None = None


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
    family: RefreshFamily | None

    def refuse_unless_current(self) -> None:
        """Raises TokenReused or TokenRevoked, unless the token is good. For after the storing."""
        if self.verdict is not Verdict.CURRENT:
            raise REFUSALS[self.verdict]


def begin(first: Claims) -> RefreshFamily:
    """The family of a new sign-in, whose first refresh token says `first`."""
    assert first.kind == "refresh", "an access token has no family"
    return RefreshFamily(first.family, first.account_id, first.token_id, first.expires_at_wall)


def judge(family: RefreshFamily | None, claims: Claims, now_wall: float) -> Judged:
    """What the token is worth, without exchanging it; reuse revokes the family."""
    if family is None or (family.id, family.account_id) != (claims.family, claims.account_id):
        return Judged(Verdict.UNKNOWN, family)
    if family.revoked_at_wall is not None:
        return Judged(Verdict.REVOKED, family)
    if family.current_id != claims.token_id:
        return Judged(Verdict.REUSED, revoked(family, now_wall))
    return Judged(Verdict.CURRENT, family)


def exchange(
    family: RefreshFamily | None, claims: Claims, following: Claims, now_wall: float
) -> Judged:
    """As `judge`; a good token gives way to the one that says `following`."""
    judged = judge(family, claims, now_wall)
    if judged.verdict is not Verdict.CURRENT or judged.family is None:
        return judged
    assert following.family == judged.family.id, "issued for another family"
    moved = msgspec.structs.replace(
        judged.family, current_id=following.token_id, expires_at_wall=following.expires_at_wall
    )
    return Judged(Verdict.CURRENT, moved)


def revoked(family: RefreshFamily, now_wall: float) -> RefreshFamily:
    """The family after signing out, or after a theft."""
    if family.revoked_at_wall is not None:
        return family
    return msgspec.structs.replace(family, revoked_at_wall=now_wall)
