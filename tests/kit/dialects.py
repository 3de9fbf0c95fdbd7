"""Accounts in older APIs: a token of any of them, whoever issues it."""

from offhook.control.domain.accounts import Account, Role

from .api import PASSWORD, Api

STAFF = ("smsagent",)
"For administrators alone."


async def token_for(api: Api, dialect: str, email: str, role: Role | None = None) -> str:
    """An access token that is good for this dialect; the account is made when there is none.

    `role` None: of whoever it is for.
    """
    services = api.services
    role = role or (Role.ADMIN if dialect in STAFF else Role.USER)
    account = await services.sign_in.named(email)
    if account is None:
        account = await services.accounts.add(Account(email=email, role=role), PASSWORD)
    return (await services.sign_in.begin(account.id, dialect)).access.token


GUARDED = {
    "aetherium": "/api/workflows",
    "aicaller": "/api/v1/agents",
    "callingplatform": "/api/v1/agents",
    "smsagent": "/api/users",
    "voicera": "/auth/me",
}
"Of each dialect an address that needs a token and nothing else."
LOGIN = {
    "aetherium": "/api/auth/login",
    "aicaller": "/api/v1/auth/login",
    "callingplatform": "/api/v1/auth/login",
    "smsagent": "/api/auth/token",
    "voicera": "/auth/login",
}
"Where an e-mail address and a password sign in."


def name_field(dialect: str) -> str:
    """What the address is called there."""
    return "username" if dialect == "smsagent" else "email"
