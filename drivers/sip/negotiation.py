"""One call's media: offers and answers, and the audio that they start and change (RFC 3264).

The audio itself is behind MediaSession; whoever owns ports and lanes provides it.
"""

import random
from collections.abc import Callable
from typing import Protocol

from ...codecs.catalog import Codec
from ...media.errors import MediaError, Refused
from ...media.ports import LanePort
from ..public_addresses import is_public
from ..sdp.offer_answer import Direction, MediaChoice, OfferAnswer, OfferRefused

__all__ = ["MediaChoice", "MediaSession", "Negotiation", "OfferRefused", "OpenMedia"]

SESSION_ID_BITS = 31
"Of the number in `o=`; some phones read it as a signed 32-bit number."
MAX_FORK_ANSWERS = 16
"Answers of different forks that are kept."
NOWHERE = ("0.0.0.0", "::")
"Addresses of a far end that is not to be sent to."


class MediaSession(Protocol):
    """The audio of one call: a local address now, a lane as soon as there is something to hear."""

    local_host: str
    "What the session description says, an address."
    local_port: int

    def apply(self, choice: MediaChoice) -> None:
        """Start the audio; later calls change remote address, codec or direction.

        Raises Refused when lanes are used up, PeerError for an address that cannot be sent to.
        """
        ...

    def can_apply(self, codec: Codec) -> bool:
        """Whether a later apply() may change to this codec (its rate may be fixed by then)."""
        ...

    @property
    def lane(self) -> LanePort | None:
        """The audio, once it has been started."""
        ...

    def close(self) -> None:
        """Give ports and lane back. Once."""
        ...


OpenMedia = Callable[[str], MediaSession]
"""Takes media for a call with the element at that host. Raises `media.errors.Refused`."""


class Negotiation:
    """The offers and answers of one call. Making one takes media: raises Refused."""

    def __init__(
        self,
        open_media: OpenMedia,
        remote_host: str,
        codecs: tuple[Codec, ...],
        rng: random.Random,
        *,
        public_only: bool = False,
    ) -> None:
        """`public_only`: no audio is sent to another network than the public Internet."""
        self._media: MediaSession | None = open_media(remote_host)
        host, port = self._media.local_host, self._media.local_port
        session_id = rng.getrandbits(SESSION_ID_BITS)
        self._offer_answer = OfferAnswer(session_id, host, port, codecs)
        self._codecs = codecs
        self._public_only = public_only
        self._choice: MediaChoice | None = None
        self._applied: MediaChoice | None = None
        self._forks: dict[str | None, MediaChoice] = {}
        self.awaits_answer = False
        "An offer of ours is open."
        self.we_hold = False
        "What the next offer of ours says."
        self._agreed_hold = False

    @property
    def lane(self) -> LanePort | None:
        """The call's audio, once it has been started."""
        return None if self._media is None else self._media.lane

    @property
    def choice(self) -> MediaChoice | None:
        """What the running audio was agreed to be."""
        return self._applied

    @property
    def expected_rate_hz(self) -> int | None:
        """The sample rate that the lane will have, as far as offer and answer say by now."""
        return None if self._choice is None else self._choice.codec.sample_rate_hz

    @property
    def peer_holds(self) -> bool:
        """Whether the far end does not want to hear us."""
        choice = self._applied
        unroutable = choice is not None and choice.remote_host in NOWHERE
        return choice is not None and (not choice.direction.sends or unroutable)

    def offer(self) -> bytes:
        """Our offer, with the address that media has now."""
        assert self._media is not None, "no offer is made after the end"
        self.awaits_answer = True
        direction = Direction.SENDONLY if self.we_hold else Direction.SENDRECV
        host, port = self._media.local_host, self._media.local_port
        return self._offer_answer.offer(host, port, self._possible_codecs(), direction=direction)

    def withdraw(self, *, retried: bool = False) -> None:
        """Our offer was refused: what was agreed before stands, until it is offered again."""
        self.awaits_answer = False
        self._offer_answer.abandon_offer()
        if not retried:
            self.we_hold = self._agreed_hold

    def receive_answer(self, body: bytes, fork: str | None) -> None:
        """The answer of the far end with that tag, or the one it gave earlier when `body` is empty.

        Raises OfferRefused.
        """
        if not body and fork in self._forks:
            self._choice = self._forks[fork]
        else:
            self._choice = self._offer_answer.receive_answer(body)
        self.awaits_answer = False
        self._agreed_hold = self.we_hold
        if fork in self._forks or len(self._forks) < MAX_FORK_ANSWERS:
            self._forks[fork] = self._choice

    def receive_offer(self, body: bytes) -> bytes:
        """Our answer to an offer. Raises OfferRefused; what was agreed before stands then."""
        codecs = self._possible_codecs()
        answer, self._choice = self._offer_answer.receive_offer(body, codecs)
        return answer

    def apply(self) -> None:
        """Let what was agreed be heard. Raises OfferRefused when no lane is free for it, or it may
        not be sent to where the far end is."""
        choice = self._choice
        if self._media is None or choice is None or choice == self._applied:
            return
        host = choice.remote_host
        if self._public_only and host not in NOWHERE and not is_public(host):
            raise OfferRefused(f"its audio at {host} is of a private network")
        if not self._media.can_apply(choice.codec):
            # Two forks of one INVITE may answer with codecs of different rates.
            raise OfferRefused(f"the audio that runs cannot change to {choice.codec.name}")
        try:
            self._media.apply(choice)
        except Refused as exc:
            raise OfferRefused(exc.reason, exc.sip_status) from exc
        except MediaError as exc:
            raise OfferRefused(str(exc)) from exc
        self._applied = choice

    def _possible_codecs(self) -> tuple[Codec, ...]:
        """What audio that runs can change to, or all that we know."""
        media = self._media
        assert media is not None, "nothing is negotiated after the end"
        return tuple(codec for codec in self._codecs if media.can_apply(codec))

    def close(self) -> None:
        """The call is over."""
        if self._media is not None:
            self._media.close()
            self._media = None
