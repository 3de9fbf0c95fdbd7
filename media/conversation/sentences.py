"""Cuts a growing text into pieces that can be spoken one after the other. Pure.

The first piece is cut early, at a clause, so that speech can begin; later ones at the end of a
sentence. The pieces, joined, are the text: nothing is added or lost but white space at its start.
"""

import re

FIRST_CLAUSE_CHARS = 24
"From here on the first piece may end at a comma."
FIRST_LIMIT_CHARS = 80
"The first piece ends at a space from here on, whatever the words."
SENTENCE_CHARS = 12
'Shorter sentences ("Yes.") are spoken together with the next one, if that is there already.'
LIMIT_CHARS = 300
"A sentence without an end is cut at a space."

# The lookbehind: in a long row of dots none is tried but the first.
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"')\]]*\s+(?=\S)")
_CLAUSE = re.compile(r"[,;:–—]\s+(?=\S)")
_ABBREVIATION = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|prof|no|vs|e\.g|i\.e|a\.m|p\.m|\w))\.$", re.I)
_ABBREVIATION_CHARS = 8
"Longer than any, with what stands before it."


class Sentences:
    """Text in, pieces out."""

    def __init__(self) -> None:
        self._rest = ""
        self._first = True

    def push(self, text: str) -> list[str]:
        """Add text; the pieces that are complete now, white space at their ends included."""
        self._rest += text
        if self._first:
            self._rest = self._rest.lstrip()
        pieces: list[str] = []
        while (cut := self._cut()) is not None:
            pieces.append(self._rest[:cut])
            self._rest = self._rest[cut:]
            self._first = False
        return pieces

    def flush(self) -> list[str]:
        """The text is over: what is left of it, if anything."""
        rest, self._rest = self._rest, ""
        return [rest] if rest.strip() else []

    def _cut(self) -> int | None:
        limit = FIRST_LIMIT_CHARS if self._first else LIMIT_CHARS
        # Ends beyond the limit cut nothing, and nobody knows how much of a text comes at once.
        head = self._rest[: limit + 1]
        cut = self._sentence_end(head)
        if self._first:
            clause = _after(_CLAUSE, head, FIRST_CLAUSE_CHARS)
            cut = min((at for at in (cut, clause) if at is not None), default=None)
        if (cut is None or cut > limit) and len(self._rest) > limit:
            space = head.rfind(" ", 0, limit)
            return space + 1 if space > 0 else limit
        return cut

    def _sentence_end(self, head: str) -> int | None:
        least = 1 if self._first else SENTENCE_CHARS
        for match in _END.finditer(head):
            said = head[: match.end()].rstrip()[-_ABBREVIATION_CHARS:]
            if match.end() >= least and not _ABBREVIATION.search(said):
                return match.end()
        return None


def _after(pattern: re.Pattern[str], text: str, least: int) -> int | None:
    return next((match.end() for match in pattern.finditer(text) if match.end() >= least), None)
