"""Accounts in older APIs: a token of any of them, whoever issues it."""

from offhook.control.domain.accounts import Account, Role

from .api import PASSWORD, Api


async def token_for(api: Api, dialect: str, email: str, role: Role = Role.USER) -> str:
    """An access token that is good for this dialect; the account is made when there is none."""
    services = api.services
    account = await services.sign_in.named(email)
    if account is None:
        account = await services.accounts.add(Account(email=email, role=role), PASSWORD)
    return (await services.sign_in.begin(account.id, dialect)).access.token


GUARDED = {
    "aetherium": "/api/workflows",
    "aicaller": "/api/v1/agents",
    "callingplatform": "/api/v1/agents",
    "voicera": "/auth/me",
}
"Of each dialect an address that needs a token and nothing else."
LOGIN = {
    "aetherium": "/api/auth/login",
    "aicaller": "/api/v1/auth/login",
    "callingplatform": "/api/v1/auth/login",
    "voicera": "/auth/login",
}
"Where an e-mail address (`email`) and a password sign in."
