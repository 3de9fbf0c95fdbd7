"""Who may call in (DESIGN: closed by default): trunks by address, accounts by digest. Sans-IO.

An open SIP port is tried by strangers within minutes; what gets through calls premium numbers at
its owner's cost. So a call is let in only from a configured trunk's network, from a registrar that
we are registered at, with an account's password, or, where it is switched on, from this machine.

From this machine is what comes from 127.0.0.0/8 or ::1, and what comes from another address of this
machine by the loopback interface, as the kernel tells of every datagram (IP_PKTINFO): a phone that
calls 127.0.0.1 may send from the address of the network card. The source address alone would not
do, for what came by the card could have been given any (accept_local); the interface alone would
not either, for a proxy on this machine may pass on strangers' datagrams under their own addresses
(IP_TRANSPARENT). What is sent *to* the card's address stays out, whoever sends it: there the kernel
names the card as the interface in both cases, and it cannot be told from what came by the wire.
"""

import enum
import ipaddress
from collections import OrderedDict

import msgspec

from .auth import Challenge, DigestServer, Outcome
from .hop import Hop
from .message import Request

LOCAL_LINE = "local"
"The line of calls from this machine, when that is open."
DIGEST_ALGORITHMS = ("MD5",)
"""What callers are challenged with. SHA-256 may be added where all phones know it: RFC 8760 has a
client skip what it does not know, but sipp 3.6 reads the first challenge only and baresip 1.0 gives
up on seeing it anywhere."""
MAX_CREDENTIALS = 4
"Authorization headers of one request that are looked at."
MAX_FAILURES = 5
"Wrong passwords of one source in FAILURE_WINDOW_S, after which it is only refused."
FAILURE_WINDOW_S = 60.0
MAX_SOURCES = 4096
"Sources that are remembered; the one silent for longest is forgotten."
BURST = 20.0
"New requests that a stranger may send at once."
RATE_HZ = 5.0
"New requests a second that a stranger may send on and on."
SCANNERS = ("friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sundayddr", "pplsip", "vaxsip")
"User-Agents that only probe; an answer would only encourage them."


class Trunk(msgspec.Struct, frozen=True):
    """A configured way to a carrier, known by its addresses."""

    name: str
    networks: tuple[str, ...]
    "Addresses or networks (`192.0.2.0/24`) that its calls come from."


class Account(msgspec.Struct, frozen=True):
    """Someone who may call in with a password."""

    username: str
    password: str
    line: str
    "What its calls come in by: the name of the trunk that the account is of."


class Access(enum.Enum):
    """What becomes of a request that begins something."""

    ADMIT = "admit"
    CHALLENGE = "challenge"
    STALE = "stale"
    "The password is right, the nonce is old."
    FORBID = "forbid"


class Admission(msgspec.Struct, frozen=True):
    """A judgement, and the line that a call then belongs to."""

    access: Access
    line: str = ""


class Gate:
    """Judges requests by where they come from and what they can prove."""

    def __init__(
        self,
        trunks: tuple[Trunk, ...],
        accounts: tuple[Account, ...],
        digest: DigestServer,
        *,
        open_loopback: bool,
        algorithms: tuple[str, ...] = DIGEST_ALGORITHMS,
    ) -> None:
        self._networks = [
            (trunk.name, ipaddress.ip_network(network, strict=False))
            for trunk in trunks
            for network in trunk.networks
        ]
        self._passwords = {account.username: account.password for account in accounts}
        self._lines = {account.username: account.line for account in accounts}
        self._digest = digest
        self._open_loopback = open_loopback
        self._algorithms = algorithms
        self._registrars: dict[str, str] = {}
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def trust_registrar(self, host: str, line: str) -> None:
        """Calls from the registrar that `line` is registered at are let in."""
        self._registrars[host] = line

    def forget_registrar(self, line: str) -> None:
        """The line is no longer registered."""
        self._registrars = {host: name for host, name in self._registrars.items() if name != line}

    def line_of(self, source: Hop) -> str | None:
        """The line that a source belongs to; None: a stranger."""
        host = source.host
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return None
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        for name, network in self._networks:
            if address in network:
                return name
        if host in self._registrars:
            return self._registrars[host]
        local = address.is_loopback or source.from_this_machine
        return LOCAL_LINE if self._open_loopback and local else None

    def judge(self, request: Request, source: Hop, now: float) -> Admission:
        """Whether a request that begins something is let in."""
        host = source.host
        line = self.line_of(source)
        if line is not None:
            return Admission(Access.ADMIT, line)
        if not self._passwords or self._is_banned(host, now):
            return Admission(Access.FORBID)
        # RFC 3261 §22.3: one for each realm that has asked on the way, ours among them.
        headers = request.headers.get_all("Authorization")[:MAX_CREDENTIALS]
        if not headers:
            return Admission(Access.CHALLENGE)
        stale = wrong = False
        for header in headers:
            verdict = self._digest.verify(
                header, request.method, request.body, now, host, self._passwords.get
            )
            if verdict.ok:
                return Admission(Access.ADMIT, self._lines[verdict.username])
            stale = stale or verdict.stale
            wrong = wrong or bool(verdict.outcome is Outcome.WRONG and verdict.username)
        if wrong:  # by a nonce that only who is at `host` can know: others cannot have it banned
            self._count_failure(host, now)
            return Admission(Access.CHALLENGE)
        return Admission(Access.STALE if stale else Access.CHALLENGE)

    def challenges(self, host: str, stale: bool, now: float) -> list[str]:
        """The WWW-Authenticate values of a 401."""
        values = self._digest.challenge(now, host, stale=stale)
        challenges = Challenge.parse_all(values)
        return [
            value
            for value, challenge in zip(values, challenges, strict=True)
            if challenge.algorithm in self._algorithms
        ]

    def _is_banned(self, host: str, now: float) -> bool:
        times = [at for at in self._failures.get(host, []) if at > now - FAILURE_WINDOW_S]
        return len(times) >= MAX_FAILURES

    def _count_failure(self, host: str, now: float) -> None:
        times = self._failures.setdefault(host, [])
        times[:] = [*times[-MAX_FAILURES + 1 :], now]
        self._failures.move_to_end(host)
        if len(self._failures) > MAX_SOURCES:
            self._failures.popitem(last=False)


class RateLimit:
    """A token bucket a source: bounds what strangers cost."""

    def __init__(self, burst: float = BURST, rate_hz: float = RATE_HZ) -> None:
        self._burst = burst
        self._rate_hz = rate_hz
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, host: str, now: float) -> bool:
        """Take a token; False when the source has none left."""
        tokens, at = self._buckets.pop(host, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate_hz)
        admitted = tokens >= 1
        self._buckets[host] = (tokens - 1 if admitted else tokens, now)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return admitted


def is_scanner(request: Request) -> bool:
    """Whether a request says of itself that it only probes."""
    agent = (request.headers.get("User-Agent") or "").lower()
    return any(name in agent for name in SCANNERS)
