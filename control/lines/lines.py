"""SHELL: the lines of one server by name: what state each is in, how full it is, and calls by it.

Not which line a call should take (routing.py), nor what SIP or the simulation do (drivers/).
"""

from typing import Protocol

import msgspec

from ...drivers.sip.errors import SipError
from ...drivers.sip.hop import leads_to
from ...drivers.sip.registration import (
    AnyRegistrationEvent,
    Registered,
    RegistrationFailed,
)
from ...drivers.sip.trunk import LOCAL_LINE
from ...drivers.sip.uri import Uri
from ...media.errors import MediaError, Refused
from ...media.ports import LegPort
from ..configuration.config import Settings
from ..configuration.config_lines import LOOPBACK_LINE
from ..dialer.call_limits import CallLimits, Claim, Counted, LimitReached
from ..dialer.dialling import dialled, is_address
from ..domain.lines import Line, LineKind, LineState
from .counted_leg import CountedLeg


class LineBusy(Refused):
    """All calls of the line are in use: the next line may have room."""

    code = "line_busy"


class LineFailed(MediaError):
    """The line cannot place this call; `what` says why."""

    code = "line_failed"

    def __init__(self, line: str, what: str) -> None:
        super().__init__(line, what)
        self.line = line
        self.what = what

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


class SipCalls(Protocol):
    """What is asked of the SIP endpoint (drivers/sip/endpoint.py)."""

    def call(
        self,
        target: str,
        *,
        from_: str | None = None,
        username: str | None = None,
        password: str | None = None,
        line: str = "",
        public_only: bool = False,
    ) -> LegPort:
        """Place a call. Raises SipError and MediaError."""
        ...


class LoopbackCalls(Protocol):
    """What is asked of the loopback line (drivers/loopback/line.py)."""

    def call(self, to_number: str, from_number: str = "", *, admitted: bool = False) -> LegPort:
        """Place a call. Raises Refused."""
        ...


class Lines:
    """All lines. `sip` and `loopback` are set once they have started."""

    def __init__(self, settings: Settings, limits: CallLimits) -> None:
        self.sip: SipCalls | None = None
        self.loopback: LoopbackCalls | None = None
        self._limits = limits
        self._accounts = {line.name: line for line in settings.lines}
        self._trunks = {trunk.name: trunk for trunk in settings.trunks}
        self._has_loopback = settings.loopback
        self._public_only = not settings.sip.allow_private
        self._modems = {modem.name: modem for modem in settings.modem_list()}
        self._registrations: dict[str, AnyRegistrationEvent] = {}

    def tell_registration(self, event: AnyRegistrationEvent) -> None:
        """What became of a line's registration."""
        self._registrations[event.name] = event

    # --- to be read ------------------------------------------------------------------------------

    def all(self) -> list[Line]:
        """Every line as it is now: trunks, accounts, modems, loopback."""
        names = [*self._trunks, *self._accounts, *self._modems]
        if self._has_loopback:
            names.append(LOOPBACK_LINE)
        return [line for name in names if (line := self.get(name)) is not None]

    def get(self, name: str) -> Line | None:
        """One line as it is now; None: there is none of that name."""
        if name in self._trunks:
            return self._trunk(name)
        if name in self._accounts:
            return self._account(name)
        if name in self._modems:
            return self._modem(name)
        return self._loopback() if name == LOOPBACK_LINE and self._has_loopback else None

    def claim(self, name: str) -> Claim:
        """One call more on this line, for CallLimits; a line that is not ours has no limit."""
        line = self.get(name)
        return Claim(Counted.LINE, name, None if line is None else line.max_calls)

    # --- calls -----------------------------------------------------------------------------------

    def call(self, name: str, to_number: str, from_number: str = "") -> LegPort:
        """Place a call by a line, which counts for it until the leg has ended.

        `to_number`: a number, or a SIP address where the line is SIP's. That the server has room
        has been seen to. Raises LineBusy, LineFailed and what the line raises: all MediaErrors,
        after which another line may be tried.
        """
        line = self.get(name)
        if line is None:
            raise LineFailed(name, "there is no such line")
        if not line.can_call_out:
            raise LineFailed(name, line.reason or "it cannot call out")
        target = dialled(to_number)
        if target is None:
            raise LineFailed(name, f"{to_number[:64]!r} is no number")
        try:
            seat = self._limits.acquire(self.claim(name))
        except LimitReached as exc:
            raise LineBusy(f"line {name}: {exc}") from exc
        try:
            leg = self._place(line, target, from_number)
        except SipError as exc:
            seat.release()
            raise LineFailed(name, str(exc)) from exc
        except BaseException:
            seat.release()
            raise
        return CountedLeg(leg, name, seat)

    def _place(self, line: Line, target: str, from_number: str) -> LegPort:
        if line.simulated:
            if is_address(target):  # what seems to be reached there would be nobody
                raise LineFailed(line.name, "a simulated line reaches numbers, no SIP addresses")
            assert self.loopback is not None, "a line without its driver cannot call out"
            return self.loopback.call(target, from_number, admitted=True)
        assert self.sip is not None, "a line without its driver cannot call out"
        if line.kind is LineKind.SIP_ACCOUNT:
            registrar = Uri.parse(self._accounts[line.name].registrar)
            theirs = not is_address(target) or leads_to(Uri.parse(target), registrar)
            return self.sip.call(
                target,
                from_=from_number or None,
                line=line.name,
                public_only=self._public_only and not theirs,
            )
        trunk = self._trunks[line.name]
        at_trunk = Uri.parse(trunk.uri())
        if not is_address(target):
            target = str(msgspec.structs.replace(at_trunk, user=target))
        # The operator has chosen the trunk's host, and nobody else has. Another one would get a
        # digest of the trunk's password, to be guessed at or passed on; and is not let be one of
        # our own network, to which who places calls could send what they like.
        theirs = leads_to(Uri.parse(target), at_trunk)
        username = trunk.username if theirs else ""
        return self.sip.call(
            target,
            from_=from_number or username or None,
            username=username or None,
            password=(trunk.password or None) if username else None,
            line=line.name,
            public_only=self._public_only and not theirs,
        )

    # --- one line --------------------------------------------------------------------------------

    def _trunk(self, name: str) -> Line:
        trunk = self._trunks[name]
        return Line(
            name=name,
            kind=LineKind.SIP_TRUNK,
            state=LineState.READY if self.sip is not None else LineState.UNREGISTERED,
            max_calls=trunk.max_calls,
            in_use=self._in_use(name),
            can_call_out=bool(trunk.host) and self.sip is not None,
            reason="" if trunk.host else "it has no host: calls only come in by it",
            address=trunk.host,
        )

    def _account(self, name: str) -> Line:
        account = self._accounts[name]
        state, reason = _registration(self._registrations.get(name))
        return Line(
            name=name,
            kind=LineKind.SIP_ACCOUNT,
            state=state,
            reason=reason,
            max_calls=account.max_calls,
            in_use=self._in_use(name),
            # Many registrars let a client call that is not registered now: a call finds out.
            can_call_out=self.sip is not None,
            address=account.registrar,
        )

    def _modem(self, name: str) -> Line:
        modem = self._modems[name]
        works = modem.simulated and self.loopback is not None
        return Line(
            name=name,
            kind=LineKind.MODEM,
            state=LineState.READY if works else LineState.FAILED,
            reason="" if works else "it is not connected",
            max_calls=1,  # one SIM, one call
            in_use=self._in_use(name),
            can_call_out=works,
            simulated=modem.simulated,
            number=modem.number,
        )

    def _loopback(self) -> Line:
        works = self.loopback is not None
        return Line(
            name=LOOPBACK_LINE,
            kind=LineKind.LOOPBACK,
            state=LineState.READY if works else LineState.FAILED,
            reason="" if works else "it has not started",
            in_use=self._in_use(LOOPBACK_LINE),
            can_call_out=works,
            simulated=True,
        )

    def _in_use(self, name: str) -> int:
        return self._limits.in_use(Counted.LINE, name)


def is_local(line: str) -> bool:
    """Whether calls by it come from this machine only: development, or a simulated far end."""
    return line in (LOCAL_LINE, LOOPBACK_LINE)


def _registration(event: AnyRegistrationEvent | None) -> tuple[LineState, str]:
    match event:
        case Registered():
            return LineState.REGISTERED, ""
        case RegistrationFailed(status=status, reason=reason):
            return LineState.FAILED, reason if status is None else f"{status} {reason}"
        case _:
            return LineState.UNREGISTERED, "it has not registered yet"
