"""Session descriptions: values, reading and writing (RFC 8866).

What is agreed by exchanging two of them is in offer_answer.py.
"""

import re

import msgspec

from .errors import LocalError, MalformedDescription

# What a peer may make us keep of one description.
MAX_LINES = 1000
MAX_MEDIA = 32
MAX_LINE_CHARACTERS = 4096

Attributes = tuple[tuple[str, str | None], ...]
"Name and value in order; a property attribute (`a=sendrecv`) has None."

_LINE = re.compile(r"([a-z])=(.*)", re.DOTALL)
_ORIGIN = re.compile(r"(\S+) +([0-9]{1,20}) +([0-9]{1,20}) +(\S+) +(\S+) +(\S+)")
_CONNECTION = re.compile(r"IN +(IP4|IP6) +([^\s/]+)(?:/[0-9/]+)?", re.IGNORECASE)
_MEDIA = re.compile(r"(\S+) +([0-9]{1,5})(?:/([0-9]{1,5}))? +(\S+) +(\S.*)")
_BANDWIDTH = re.compile(r"([^\s:]+):([0-9]{1,15})")
_WHOLE_FORMATS = re.compile(r"\s+")


class Origin(msgspec.Struct, frozen=True):
    """Who made the description, and which version it is (o=)."""

    session_id: int
    version: int
    address: str
    username: str = "-"


class Media(msgspec.Struct, frozen=True):
    """One media section."""

    kind: str
    "audio, video, image, application…"
    port: int
    "0: rejected or removed."
    protocol: str
    formats: tuple[str, ...]
    "For RTP the payload types, the preferred first."
    port_count: int = 1
    connection: str | None = None
    "The address of its own c= line; None: the session's."
    bandwidths: tuple[tuple[str, int], ...] = ()
    attributes: Attributes = ()

    def attribute(self, name: str) -> str | None:
        """The first value of an attribute ("" when it has none), None when it is absent."""
        return _attribute(self.attributes, name)

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value or "" for key, value in self.attributes if key == name]


class Description(msgspec.Struct, frozen=True):
    """A whole session description. Lines that a call has no use for (i= u= e= p= k= r= z=) are
    left out when reading."""

    origin: Origin
    media: tuple[Media, ...] = ()
    connection: str | None = None
    name: str = "-"
    times: tuple[str, ...] = ("0 0",)
    bandwidths: tuple[tuple[str, int], ...] = ()
    attributes: Attributes = ()

    @staticmethod
    def parse(body: bytes) -> "Description":
        """Read a description. Raises MalformedDescription with the line.

        Lenient where phones are: lines end with LF too, s= and t= may be missing, order counts
        only for v= and m=.
        """
        return _Reader(body).read()

    def attribute(self, name: str) -> str | None:
        """The first value of a session attribute ("" when it has none), None when absent."""
        return _attribute(self.attributes, name)

    def connection_of(self, media: Media) -> str | None:
        """The address that a media section is received at, None when none is given."""
        return self.connection if media.connection is None else media.connection

    def serialize(self) -> bytes:
        """The text, in the order of RFC 8866 §5. Raises LocalError for a CR or LF in a value."""
        origin = self.origin
        identity = f"{origin.username} {origin.session_id} {origin.version}"
        lines = ["v=0", f"o={identity} {_address(origin.address)}", f"s={self.name}"]
        if self.connection is not None:
            lines.append(f"c={_address(self.connection)}")
        lines += [f"b={kind}:{amount}" for kind, amount in self.bandwidths]
        lines += [f"t={times}" for times in self.times]
        lines += _attribute_lines(self.attributes)
        for media in self.media:
            lines += _media_lines(media)
        if any("\r" in line or "\n" in line for line in lines):
            raise LocalError("CR or LF in a value")
        return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")


def _attribute(attributes: Attributes, name: str) -> str | None:
    return next((value or "" for key, value in attributes if key == name), None)


def _address(address: str) -> str:
    return f"IN {'IP6' if ':' in address else 'IP4'} {address}"


def _attribute_lines(attributes: Attributes) -> list[str]:
    return [f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes]


def _media_lines(media: Media) -> list[str]:
    count = f"/{media.port_count}" if media.port_count != 1 else ""
    formats = " ".join(media.formats)
    lines = [f"m={media.kind} {media.port}{count} {media.protocol} {formats}"]
    if media.connection is not None:
        lines.append(f"c={_address(media.connection)}")
    lines += [f"b={kind}:{amount}" for kind, amount in media.bandwidths]
    return lines + _attribute_lines(media.attributes)


class _Section:
    """What is gathered of the session, or of one m= line."""

    def __init__(self) -> None:
        self.connection: str | None = None
        self.bandwidths: list[tuple[str, int]] = []
        self.attributes: list[tuple[str, str | None]] = []


class _Reader:
    """Reads one description, line by line."""

    def __init__(self, body: bytes) -> None:
        text = body.decode("utf-8", "surrogateescape")
        self._lines = re.split(r"\r\n|\n|\r", text.rstrip("\r\n"))
        self._origin: Origin | None = None
        self._name = "-"
        self._times: list[str] = []
        self._session = _Section()
        self._media: list[tuple[Media, _Section]] = []

    def read(self) -> Description:
        """The whole of it. Raises MalformedDescription."""
        if len(self._lines) > MAX_LINES:
            raise MalformedDescription(f"more than {MAX_LINES} lines", MAX_LINES)
        if self._lines[0] != "v=0":
            raise MalformedDescription("does not begin with v=0", 1)
        for number, line in enumerate(self._lines[1:], start=2):
            try:
                self._read_line(line)
            except ValueError as fault:
                raise MalformedDescription(str(fault), number) from None
        if self._origin is None:
            raise MalformedDescription("no o= line", len(self._lines))
        return Description(
            self._origin,
            tuple(_finished(media, section) for media, section in self._media),
            self._session.connection,
            self._name,
            tuple(self._times) or ("0 0",),
            tuple(self._session.bandwidths),
            tuple(self._session.attributes),
        )

    def _read_line(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        if found is None or len(line) > MAX_LINE_CHARACTERS:
            raise ValueError(f"not a line of SDP: {line[:40]!r}")
        kind, value = found.groups()
        section = self._media[-1][1] if self._media else self._session
        if kind == "m":
            self._begin_media(value)
        elif kind == "o":
            self._origin = _read_origin(value)
        elif kind == "c":
            section.connection = section.connection or _read_connection(value)
        elif kind == "a":
            name, colon, content = value.partition(":")
            section.attributes.append((name, content if colon else None))
        elif kind == "b" and (bandwidth := _BANDWIDTH.fullmatch(value.strip())):
            section.bandwidths.append((bandwidth[1], int(bandwidth[2])))
        elif kind == "t" and not self._media:
            self._times.append(value)
        elif kind == "s":
            self._name = value

    def _begin_media(self, value: str) -> None:
        found = _MEDIA.fullmatch(value.strip())
        if found is None or int(found[2]) > 65535:
            raise ValueError(f"bad m= line {value[:60]!r}")
        if len(self._media) >= MAX_MEDIA:
            raise ValueError(f"more than {MAX_MEDIA} media")
        kind, port, count, protocol, formats = found.groups()
        media = Media(
            kind,
            int(port),
            protocol,
            tuple(_WHOLE_FORMATS.split(formats)),
            int(count or 1),
        )
        self._media.append((media, _Section()))


def _finished(media: Media, section: _Section) -> Media:
    return msgspec.structs.replace(
        media,
        connection=section.connection,
        bandwidths=tuple(section.bandwidths),
        attributes=tuple(section.attributes),
    )


def _read_origin(value: str) -> Origin:
    found = _ORIGIN.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"bad o= line {value[:60]!r}")
    return Origin(int(found[2]), int(found[3]), found[6], found[1])


def _read_connection(value: str) -> str:
    found = _CONNECTION.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"bad c= line {value[:60]!r}")
    return found[2]
