"""Header fields of a SIP message: ordered, case-insensitive, compact forms understood."""

from collections.abc import Iterable, Iterator
from typing import Self

# RFC 3261 §7.3.3 and the IANA registry of later ones.
COMPACT_FORMS = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
# How names are written that capitalising each word gets wrong.
_WRITTEN = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
    "www-authenticate": "WWW-Authenticate",
}


def header_key(name: str) -> str:
    """What header names are compared by: lower case, compact forms written out."""
    lower = name.lower()
    return COMPACT_FORMS.get(lower, lower)


class Headers:
    """Header fields in wire order. Values are unfolded text; one entry a header line.

    `revision` grows with every change, so that what was read from here can be cached.
    """

    __slots__ = ("_fields", "revision")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        # key, name as written, value
        self._fields = [(header_key(name), name, value) for name, value in fields]
        self.revision = 0

    def get(self, name: str) -> str | None:
        """The first value, None when there is none."""
        key = header_key(name)
        for found, _, value in self._fields:
            if found == key:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """All values in order, one a header line (lists inside a line are not split)."""
        key = header_key(name)
        return [value for found, _, value in self._fields if found == key]

    def add(self, name: str, value: str) -> None:
        """Append a field behind all others."""
        self._fields.append((header_key(name), name, value))
        self.revision += 1

    def set(self, name: str, value: str) -> None:
        """Replace all fields of that name by one, in the place of the first (or at the end)."""
        key = header_key(name)
        at = next((i for i, field in enumerate(self._fields) if field[0] == key), None)
        if at is None:
            self.add(name, value)
            return
        rest = [field for field in self._fields[at + 1 :] if field[0] != key]
        self._fields[at:] = [(key, name, value), *rest]
        self.revision += 1

    def insert_first(self, name: str, value: str) -> None:
        """Put a field before all others (a Via on its way out)."""
        self._fields.insert(0, (header_key(name), name, value))
        self.revision += 1

    def replace_first(self, name: str, value: str) -> None:
        """Change the first field of that name and leave the others (`received` in the top Via)."""
        key = header_key(name)
        at = next((i for i, field in enumerate(self._fields) if field[0] == key), None)
        if at is None:
            self.add(name, value)
            return
        self._fields[at] = (key, self._fields[at][1], value)
        self.revision += 1

    def remove(self, name: str) -> None:
        """Remove all fields of that name, if there are any."""
        key = header_key(name)
        self._fields = [field for field in self._fields if field[0] != key]
        self.revision += 1

    def copy(self) -> Self:
        """An independent copy."""
        return type(self)(self)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Names (compact forms written out) and values, in order."""
        for key, name, value in self._fields:
            yield _written(key) if len(name) == 1 else name, value

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return [(key, value) for key, _, value in self._fields] == [
            (key, value) for key, _, value in other._fields
        ]

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


def _written(key: str) -> str:
    return _WRITTEN.get(key) or "-".join(word.capitalize() for word in key.split("-"))
