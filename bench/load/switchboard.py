"""Many outgoing SIP calls at once: who was answered when, who was refused why. Sans-IO.

One call a row; one socket for the signalling of all (told apart by Call-ID). Not here: audio
(rtp_load.py), and what one call says (bare_sip.py).
"""

import random
import re
from collections import Counter

import msgspec

from ..phones.bare_sip import Address, Answered, BareCall, Ended, MediaMoved, Refused, header
from ..speech.waveform import percentile

MEDIA = re.compile(r"^m=audio (\d+)", re.MULTILINE)
CONNECTION = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
PCMU_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=ptime:20\r\n"
)


class Up(msgspec.Struct, frozen=True):
    """A call was answered: audio goes to `media`."""

    row: int
    media: Address


class Down(msgspec.Struct, frozen=True):
    """A call is over, or did not come about."""

    row: int
    by_far_end: bool
    refused: bool = False


class Tally(msgspec.Struct):
    """What became of the calls."""

    placed: int = 0
    answered: int = 0
    refused: dict[str, int] = {}
    "By what was said: `503 Service Unavailable`."
    ended_by_far_end: int = 0
    setup_ms: list[float] = []
    "From the INVITE to the answer."

    @property
    def refusals(self) -> int:
        """For whatever reason."""
        return sum(self.refused.values())

    @property
    def setup_p50_ms(self) -> float:
        """Of half of them at most."""
        return percentile(self.setup_ms, 0.5) or 0.0

    @property
    def setup_p99_ms(self) -> float:
        """Of 99 in 100 at most."""
        return percentile(self.setup_ms, 0.99) or 0.0


class Switchboard:
    """Calls of rows 0..n-1 to one address."""

    def __init__(
        self, server: str, user: str, local: Address, media_ports: list[int], rng: random.Random
    ) -> None:
        self._target = f"sip:{user}@{server}"
        self._local, self._ports, self._rng = local, media_ports, rng
        self._calls: dict[str, tuple[int, BareCall]] = {}
        self._up: dict[int, BareCall] = {}
        self._dialled_at: dict[int, float] = {}
        self._hung_up: set[str] = set()
        self._refused: Counter[str] = Counter()
        self._to_send: list[bytes] = []
        self._events: list[Up | Down] = []
        self.tally = Tally()

    def dial(self, row: int, now: float) -> None:
        """Call, as the caller of that row."""
        offer = PCMU_OFFER.format(host=self._local[0], port=self._ports[row])
        call = BareCall(self._target, self._local, self._rng, offer)
        self._calls[call.call_id] = row, call
        self._dialled_at[row] = now
        self.tally.placed += 1
        call.invite(now)
        self._drain(call, now)

    def hang_up(self, row: int, now: float) -> None:
        """End the call of that row, if it is up."""
        call = self._up.get(row)
        if call is not None:
            self._hung_up.add(call.call_id)
            call.hang_up(now)
            self._drain(call, now)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """A message of some call; others are ignored."""
        known = self._calls.get(header(data.decode(errors="replace"), "call-id"))
        if known is not None:
            known[1].receive_datagram(data, now)
            self._drain(known[1], now)

    def handle_timers(self, now: float) -> None:
        """Repeat what was not answered. To be called every now and then."""
        for _, call in list(self._calls.values()):
            at = call.get_timer()
            if at is not None and at <= now:
                call.handle_timer(now)
                self._drain(call, now)

    def datagrams_to_send(self) -> list[bytes]:
        """What to send to the server now."""
        sent, self._to_send = self._to_send, []
        return sent

    def next_event(self) -> Up | Down | None:
        """What happened, oldest first."""
        return self._events.pop(0) if self._events else None

    def restart_counting(self) -> None:
        """Count calls from now on; those that are up stay so."""
        self._refused.clear()
        self.tally = Tally()

    @property
    def live(self) -> int:
        """Calls that are up."""
        return len(self._up)

    @property
    def open(self) -> int:
        """Calls that are not over."""
        return len(self._calls)

    def _drain(self, call: BareCall, now: float) -> None:
        self._to_send += call.datagrams_to_send()
        row = self._calls[call.call_id][0] if call.call_id in self._calls else -1
        while (event := call.next_event()) is not None:
            if isinstance(event, Answered):
                self._answered(row, call, event, now)
            elif isinstance(event, Refused):
                self._refused[event.reason] += 1
                self.tally.refused = dict(self._refused)
                self._over(row, call, by_far_end=True, refused=True)
            elif isinstance(event, Ended):
                by_far_end = call.call_id not in self._hung_up
                self.tally.ended_by_far_end += by_far_end
                self._over(row, call, by_far_end)
            else:
                assert isinstance(event, MediaMoved), "all events are told apart"

    def _answered(self, row: int, call: BareCall, event: Answered, now: float) -> None:
        self.tally.answered += 1
        self.tally.setup_ms.append(1000 * (now - self._dialled_at[row]))
        self._up[row] = call
        port, host = MEDIA.search(event.sdp), CONNECTION.search(event.sdp)
        if port is not None and host is not None:
            self._events.append(Up(row, (host[1], int(port[1]))))

    def _over(self, row: int, call: BareCall, by_far_end: bool, refused: bool = False) -> None:
        self._calls.pop(call.call_id, None)
        self._hung_up.discard(call.call_id)
        self._up.pop(row, None)
        self._events.append(Down(row, by_far_end, refused))
