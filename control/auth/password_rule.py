"""What may be a password: NIST SP 800-63B §5.1.1.2, length and nothing else. Pure."""

import unicodedata

MIN_CHARS = 8
MAX_CHARS = 256


def normal(password: str) -> str:
    """One spelling of what looks alike and is typed differently on other keyboards (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def fits(password: str) -> bool:
    """Whether it may be one."""
    return MIN_CHARS <= len(normal(password)) <= MAX_CHARS
