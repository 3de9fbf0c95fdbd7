"""The configuration of SIP and of the audio's sockets, a part of config.py."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ..errors import ConfigError
from .config_http import Port
from .config_reader import Origin

CodecName = Literal["opus", "G722", "PCMU", "PCMA"]


class SipSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SIP endpoint."""

    host: str = "0.0.0.0"
    port: Port = 5060
    advertised_host: str = ""
    "What others are told to send to; empty: the address that packets to them leave from."
    open: Literal["", "loopback"] = ""
    "Development: `loopback` lets anyone on this machine call in, without bans or limits."
    allow_private: bool = False
    "True: SIP addresses that calls are placed to may be of this machine and private networks."
    codecs: tuple[CodecName, ...] = ("opus", "G722", "PCMU", "PCMA")
    "In the order of preference; wide-band first, because it is understood better."
    session_expires_s: Annotated[int, msgspec.Meta(ge=90)] = 1800
    "RFC 4028 §4: not below 90."


class RtpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sockets that audio comes in and goes out by."""

    host: str = "0.0.0.0"
    ports: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(0|[0-9]{1,5}-[0-9]{1,5})\Z",
            description="a range of ports such as 20000-29999, or 0 for any free ones",
        ),
    ] = "20000-29999"

    def port_range(self) -> tuple[int, int]:
        """First and last port; (0, 0) means any free ones."""
        first, _, last = self.ports.partition("-")
        return int(first), int(last or first)


def wrong_ports(rtp: RtpSettings, origin: Origin) -> Iterable[ConfigError]:
    """What only shows when all of it is read."""
    first, last = rtp.port_range()
    wrong = first > last or last > 65535 or (0 in (first, last) and rtp.ports != "0")
    if wrong:
        expected = "the first port must not be above the last, and both within 1-65535"
        yield origin.error("rtp.ports", rtp.ports, expected)
