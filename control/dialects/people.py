"""Names of people: older APIs have one, accounts have two. Pure."""

from ..domain.accounts import Account


def names_of(full: str) -> tuple[str, str]:
    """First and last name: parted at the first space."""
    first, _, last = full.strip().partition(" ")
    return first, last.strip()


def full_name(account: Account) -> str:
    """Back."""
    return f"{account.first_name} {account.last_name}".strip()
