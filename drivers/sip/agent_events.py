"""What a user agent is told once, and what it tells: settings and events of agent.py."""

import msgspec

from ...codecs.catalog import PREFERENCE, Codec
from ...media.ports import AnyLegEvent
from .callee import CalleeSession
from .invite_usage import SessionSettings
from .registration import AnyRegistrationEvent
from .session import Session
from .trunk import DIGEST_ALGORITHMS, Account, Trunk


class AgentSettings(msgspec.Struct, frozen=True):
    """What a user agent is told once."""

    codecs: tuple[Codec, ...] = PREFERENCE
    session: SessionSettings = SessionSettings()
    trunks: tuple[Trunk, ...] = ()
    accounts: tuple[Account, ...] = ()
    digest_algorithms: tuple[str, ...] = DIGEST_ALGORITHMS
    "What accounts are challenged with; see trunk.py."
    open_loopback: bool = False
    "Anybody on this machine may call in, without limit."


class Credentials(msgspec.Struct, frozen=True):
    """What a call or registration answers challenges with."""

    username: str
    password: str


class CallArrived(msgspec.Struct, frozen=True):
    """A call has been let in; it waits for ring(), answer() or hang_up()."""

    session: CalleeSession
    line: str


class CallChanged(msgspec.Struct, frozen=True):
    """Something happened to a call."""

    session: Session
    event: AnyLegEvent


class RegistrationChanged(msgspec.Struct, frozen=True):
    """Something happened to a registration."""

    event: AnyRegistrationEvent


AnyAgentEvent = CallArrived | CallChanged | RegistrationChanged
