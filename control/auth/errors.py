"""What can be wrong with a proof of who asks, and with what is kept sealed.

Unauthorized (control/errors.py)
├── WrongPassword    no such account, or not its password: which of them is not told
├── TokenMalformed   no token of ours by its looks
├── TokenForged      not signed with our key, or by another algorithm
├── TokenExpired     its time is over
├── TokenMisused     ours, but not for this: a refresh token as access token, another audience
├── TokenRevoked     taken back before its time
└── TokenReused      a refresh token that had been exchanged already: somebody stole it

Forbidden (control/errors.py)
├── RegistrationClosed   accounts are made by administrators here
└── AccountDeactivated   told only to those who know the password

BadRequest (control/errors.py)
└── CodeRefused      a code or link that is wrong, used, or too old: which of them is not told

StoreError (control/errors.py)
└── SealError        a sealed value cannot be opened
    ├── NotSealed        it never was sealed
    ├── UnknownBoxKey    its key is not in the file of keys
    └── SealBroken       it was changed, or belongs elsewhere
"""

from typing import ClassVar

from ..errors import BadRequest, Forbidden, StoreError, Unauthorized


class WrongPassword(Unauthorized):
    """There is no such account, or its password is another."""

    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("wrong name or password")


class RegistrationClosed(Forbidden):
    """Nobody makes an account for themselves here."""

    code = "registration_closed"

    def __init__(self) -> None:
        super().__init__("accounts are made by an administrator")


class AccountDeactivated(Forbidden):
    """The password is right, but the account has been switched off."""

    code = "account_deactivated"

    def __init__(self) -> None:
        super().__init__("the account is deactivated")


class CodeRefused(BadRequest):
    """It is not the code or token that was sent, or it is no longer good."""

    code = "code_refused"

    def __init__(self, field: str) -> None:
        super().__init__("it is wrong, has been used, or is too old", field=field)


class TokenError(Unauthorized):
    """Root of what is wrong with tokens: the answer is 401, `code` says why."""

    told: ClassVar[str] = "the token is not accepted"

    def __init__(self) -> None:
        super().__init__(self.told)


class TokenMalformed(TokenError):
    """It is no token of ours by its looks."""

    code = "token_malformed"
    told = "the token is malformed"


class TokenForged(TokenError):
    """It is not signed with our key, or by another algorithm than ours."""

    code = "token_bad_signature"
    told = "the token's signature is wrong"


class TokenExpired(TokenError):
    """Its time is over."""

    code = "token_expired"
    told = "the token has expired"


class TokenMisused(TokenError):
    """It is ours and alive, but not for this."""

    code = "token_wrong_type"
    told = "the token is not for this use"


class TokenRevoked(TokenError):
    """It was taken back before its time."""

    code = "token_revoked"
    told = "the token has been revoked"


class TokenReused(TokenRevoked):
    """A refresh token that had been exchanged already; all of its family are revoked now."""

    code = "refresh_token_reused"
    told = "the refresh token has been used before: sign in again"


class SealError(StoreError):
    """Root of what is wrong with sealed values."""

    code = "seal_failed"
    told: ClassVar[str] = "cannot be opened"

    def __init__(self, key_id: str = "") -> None:
        super().__init__("sealed value", f"{self.told} {key_id}".rstrip())
        self.key_id = key_id
        "Of the key that sealed it; empty where that cannot be told."


class NotSealed(SealError):
    """It does not look like what `SecretsBox.seal` gives."""

    code = "not_sealed"
    told = "was never sealed"


class UnknownBoxKey(SealError):
    """The key that sealed it is not there."""

    code = "unknown_box_key"
    told = "needs a key that is not in secrets/box_key:"


class SealBroken(SealError):
    """It was changed after it was sealed, or was sealed for another place."""

    code = "seal_broken"
    told = "was changed, or is not in its place; its key is"
