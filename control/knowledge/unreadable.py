"""Why a document is of no use."""


class Unreadable(Exception):
    """The file as a whole cannot be read; why, in words for its owner."""
