"""What the configuration says of lines: phone accounts, trunks, modems, and where calls go out."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from ..errors import ConfigError
from .config_reader import Origin

LOOPBACK_LINE = "loopback"
RESERVED = (LOOPBACK_LINE, "local")
"Lines that exist by themselves; `local` is the development mode's."

Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z",
        description="a short name of letters, digits, - _ .",
    ),
]
MaxCalls = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class LineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A SIP phone account: registered while the server runs."""

    name: Name
    registrar: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^sips?:[^\s@]+\Z", description="a SIP address such as sip:host:port"
        ),
    ]
    username: str
    password: str = ""
    kind: Literal["sip"] = "sip"
    expires: Annotated[int, msgspec.Meta(ge=1, le=86400)] = 3600
    "Seconds that are asked for; the registrar decides."
    agent: str = ""
    "Who answers; empty: the default agent."
    max_calls: MaxCalls | None = None
    "Calls at once, in and out; absent: as many as the server takes."
    calls_per_s: Rate | None = None
    "Calls that go out, a second; absent: `dialer.calls_per_s`."


class TrunkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier. It may call in, known by its addresses, by digest, or by both."""

    name: Name
    addresses: tuple[str, ...] = ()
    "IP addresses and networks, such as 192.0.2.0/24."
    username: str = ""
    "Of the digest, in both directions."
    password: str = ""
    agent: str = ""
    "Who answers; empty: the default agent."
    host: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^((sips?:)?[^\s@]+)?\Z",
            description="a host such as carrier.example or sip:host:port",
        ),
    ] = ""
    "Where calls go out to; empty: they only come in."
    max_calls: MaxCalls | None = None
    "Calls at once, in and out; absent: as many as the server takes."
    calls_per_s: Rate | None = None
    "Calls that go out, a second; absent: `dialer.calls_per_s`."

    def uri(self) -> str:
        """`host` as a SIP address."""
        return self.host if self.host.startswith(("sip:", "sips:")) else f"sip:{self.host}"


class ModemSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A GSM modem."""

    name: Name
    number: str = ""
    "Of its SIM, where it is known."
    simulated: bool = True
    "Its calls go over the loopback line. There is no driver for real ones yet."


DEFAULT_MODEMS = (ModemSettings("simulated-1"),)
"What exists where none is configured."


def wrong_lines(
    lines: Sequence[LineSettings],
    trunks: Sequence[TrunkSettings],
    modems: Sequence[ModemSettings],
    outbound: Sequence[str],
    origin: Origin,
) -> Iterable[ConfigError]:
    """What only shows when all of them are read."""
    named = [(f"lines[{i}].name", line.name) for i, line in enumerate(lines)]
    named += [(f"trunks[{i}].name", trunk.name) for i, trunk in enumerate(trunks)]
    named += [(f"modems[{i}].name", modem.name) for i, modem in enumerate(modems)]
    seen: set[str] = set()
    for key, name in named:
        if name in seen:
            yield origin.error(key, name, "another one has that name already")
        if name in RESERVED:
            yield origin.error(key, name, "a line of that name exists by itself")
        seen.add(name)
    for index, trunk in enumerate(trunks):
        yield from _trunk_access(f"trunks[{index}]", trunk, origin)
    out = [modem.name for modem in modems or DEFAULT_MODEMS]
    out += [trunk.name for trunk in trunks if trunk.host] + [line.name for line in lines]
    for name in outbound:
        if name not in (*out, LOOPBACK_LINE):
            known = ", ".join([*out, LOOPBACK_LINE])
            yield origin.error("outbound_lines", name, f"no line that calls out; there is {known}")


def _trunk_access(key: str, trunk: TrunkSettings, origin: Origin) -> Iterable[ConfigError]:
    if not (trunk.addresses or trunk.username or trunk.host):
        yield origin.error(f"{key}.name", trunk.name, "needs addresses, a username or a host")
    if trunk.username and not trunk.password:
        yield origin.error(f"{key}.username", trunk.username, "needs a password as well")
    for address in trunk.addresses:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            expected = "an IP address or network such as 192.0.2.0/24"
            yield origin.error(f"{key}.addresses", address, expected)
