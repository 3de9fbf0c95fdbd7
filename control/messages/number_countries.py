"""Which country a number is of, as far as anybody here wants to know. Pure.

+1 is the North American Numbering Plan's: its area codes tell Canada and the islands from the
United States. +44 is the United Kingdom's, and its islands'. All others are one.
"""

CHARS = 5
"As much of a number's beginning as it takes."
OTHER = "Other"
COUNTRIES: tuple[str, ...] = ("US", "CA", "UK", OTHER)
CANADA = frozenset(
    """204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438
    450 468 474 506 514 519 548 579 581 584 587 600 604 613 622 639 647 672 683 705 709 742 753 778
    780 782 807 819 825 867 873 879 902 905 942""".split()  # noqa: SIM905 - a table
)
ISLANDS = frozenset(
    """242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869
    876""".split()  # noqa: SIM905 - a table
)
"Of the same plan, and countries of their own."


def country_of(beginning: str) -> str:
    """One of COUNTRIES, by the first CHARS characters of `+12025550123`."""
    if beginning.startswith("+44"):
        return "UK"
    if not beginning.startswith("+1") or len(beginning) < CHARS:
        return OTHER
    area = beginning[2:CHARS]
    if area in CANADA:
        return "CA"
    return OTHER if area in ISLANDS else "US"
