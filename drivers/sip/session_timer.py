"""Session timers: a call whose far end has died is noticed and ended (RFC 4028). Sans-IO.

One side, the *refresher*, repeats the offer by re-INVITE or UPDATE at half of the agreed interval.
When no refresh succeeds the call is ended shortly before the interval is over. A peer that does
not know session timers is refreshed by us.
"""

import enum

import msgspec

from .fields import Message
from .headers import Headers
from .message import Request, Response

MIN_SE_S = 90
"No interval may be shorter, RFC 4028 §4."
OPTION = "timer"


class Role(enum.Enum):
    """Who asked in the exchange that set the interval, as RFC 4028 counts: uac or uas."""

    UAC = "uac"
    UAS = "uas"


class TimerSettings(msgspec.Struct, frozen=True):
    """What we ask for and put up with."""

    expires_s: int = 1800
    min_se_s: int = MIN_SE_S


class TimerAction(enum.Enum):
    """What the session has to do now."""

    REFRESH = "refresh"
    EXPIRE = "expire"


class SessionTimer:
    """One call's session timer."""

    def __init__(self, settings: TimerSettings) -> None:
        self._settings = settings
        self._min_se_s = settings.min_se_s
        self.interval_s: int | None = None
        "What was agreed; None before, and while no timer runs."
        self.we_refresh = False
        self._refresh_at: float | None = None
        self._expire_at: float | None = None

    # --- we ask ---

    def write_request(self, headers: Headers) -> None:
        """Ask for a timer in an INVITE or UPDATE of ours (RFC 4028 §7.1, §7.4)."""
        wanted = max(self.interval_s or self._settings.expires_s, self._min_se_s)
        role = ""
        if self.interval_s is not None:
            role = f";refresher={(Role.UAC if self.we_refresh else Role.UAS).value}"
        headers.add("Session-Expires", f"{wanted}{role}")
        headers.add("Min-SE", str(self._min_se_s))

    def receive_422(self, response: Response) -> bool:
        """The interval was too short: False when asking again cannot help (RFC 4028 §7.3)."""
        min_se_s = response.seconds("Min-SE")
        if min_se_s is None or min_se_s <= self._min_se_s:
            return False
        self._min_se_s = min_se_s
        self.interval_s = None if self.interval_s is None else max(self.interval_s, min_se_s)
        return True

    def receive_2xx(self, response: Response, now: float) -> None:
        """Our INVITE or UPDATE was accepted (RFC 4028 §7.2)."""
        agreed = response.seconds("Session-Expires")
        if agreed is None:
            # The far end does not know timers: refreshing is left to us, at our own interval.
            self._run(max(self._settings.expires_s, self._min_se_s), True, now)
        else:
            self._run(max(agreed, MIN_SE_S), _refresher(response) is not Role.UAS, now)

    # --- we are asked ---

    def is_too_short(self, request: Request) -> bool:
        """Whether a request wants an interval below our minimum: answer 422 (RFC 4028 §9)."""
        wanted = request.seconds("Session-Expires")
        return (
            wanted is not None and wanted < self._settings.min_se_s and OPTION in request.supported
        )

    @property
    def min_se(self) -> tuple[str, str]:
        """The header that a 422 needs."""
        return "Min-SE", str(self._settings.min_se_s)

    def answer(self, request: Request, headers: Headers, now: float) -> None:
        """Settle the interval, write it into our 2xx and start (RFC 4028 §9, table 2)."""
        peer_knows = OPTION in request.supported
        wanted = request.seconds("Session-Expires")
        floor = max(request.seconds("Min-SE") or 0, self._settings.min_se_s)
        if wanted is not None and wanted < floor:
            floor = MIN_SE_S  # a proxy asked, and its caller could not be told 422
        interval_s = max(min(wanted or self._settings.expires_s, self._settings.expires_s), floor)
        asked = _refresher(request) or Role.UAC
        refresher = asked if peer_knows else Role.UAS
        headers.add("Session-Expires", f"{interval_s};refresher={refresher.value}")
        if refresher is Role.UAC:
            headers.add("Require", OPTION)
        self._run(interval_s, refresher is Role.UAS, now)

    # --- time ---

    def stop(self) -> None:
        """The call is over."""
        self._refresh_at = self._expire_at = None

    def get_timer(self) -> float | None:
        """When handle_timer is wanted next."""
        times = [at for at in (self._refresh_at, self._expire_at) if at is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> TimerAction | None:
        """What is due, if anything."""
        if self._expire_at is not None and self._expire_at <= now:
            self.stop()
            return TimerAction.EXPIRE
        if self._refresh_at is not None and self._refresh_at <= now:
            self._refresh_at = None
            return TimerAction.REFRESH
        return None

    def _run(self, interval_s: int, we_refresh: bool, now: float) -> None:
        self.interval_s = interval_s
        self.we_refresh = we_refresh
        self._refresh_at = now + interval_s / 2 if we_refresh else None
        # RFC 4028 §10: BYE a third, and at most 32 s, before the end.
        self._expire_at = now + interval_s - min(32.0, interval_s / 3)


def _refresher(message: Message) -> Role | None:
    value = message.headers.get("Session-Expires") or ""
    for parameter in value.split(";")[1:]:
        name, _, role = parameter.partition("=")
        if name.strip().lower() == "refresher" and role.strip().lower() in ("uac", "uas"):
            return Role(role.strip().lower())
    return None
