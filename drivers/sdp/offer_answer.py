"""Offer and answer (RFC 3264) for one audio stream of one dialog. Sans-IO.

One audio section is agreed to; every other is rejected with port 0 in its place. An offer of ours
lists all codecs, an answer of ours the best one and the telephone events that go with it. The
offerer's payload types are used both ways. Whether the address written is private or public is the
caller's business.
"""

from collections.abc import Sequence

import msgspec

from ...codecs.catalog import (
    COMFORT_NOISE,
    PREFERENCE,
    TELEPHONE_EVENT,
    Codec,
)
from .description import Description, Media, Origin
from .errors import MalformedDescription, OfferRefused
from .formats import (
    Format,
    PayloadTypes,
    attributes_of,
    find_codec,
    find_events,
    has_comfort_noise,
    read_formats,
    read_ptime,
)
from .matching import (
    PROTOCOLS,
    Direction,
    Match,
    direction_of,
    find_audio,
    match_section,
    rtcp_port,
)

__all__ = ["Direction", "MediaChoice", "OfferAnswer", "OfferRefused"]


class MediaChoice(msgspec.Struct, frozen=True):
    """What has been agreed: everything that is needed to send and receive the audio."""

    codec: Codec
    payload_type: int
    "To send."
    receive_payload_type: int
    remote_host: str
    "0.0.0.0 when the peer is not to be sent to (hold as RFC 2543 had it)."
    remote_port: int
    remote_rtcp_port: int | None
    "From a=rtcp (RFC 3605); None: the port above, or the same with rtcp_mux."
    rtcp_mux: bool
    ptime_ms: int
    "What the peer would like each packet to hold."
    direction: Direction
    "As we see it: SENDONLY means that we send and do not listen."
    telephone_event_payload_type: int | None
    "To send; None: no RFC 4733 events."
    receive_telephone_event_payload_type: int | None
    telephone_event_clock_hz: int
    comfort_noise: bool
    fmtp: str
    "What the peer wants of our encoder."


class _Wish(msgspec.Struct, frozen=True):
    """What we want of the stream."""

    host: str
    port: int
    codecs: tuple[Codec, ...]
    direction: Direction


class OfferAnswer:
    """The offer/answer state of one dialog. (Forks of one INVITE answer the same offer:
    `receive_answer` may be called for each, the last one counts.)"""

    def __init__(
        self,
        session_id: int,
        local_host: str,
        local_port: int,
        codecs: tuple[Codec, ...] = PREFERENCE,
        *,
        rtcp_mux: bool = True,
        comfort_noise: bool = False,
    ) -> None:
        """`session_id` is a random number; `codecs` are ordered, the preferred first."""
        self._session_id = session_id
        self._wish = _Wish(local_host, local_port, codecs, Direction.SENDRECV)
        self._wish_before = self._wish
        self._rtcp_mux = rtcp_mux
        self._comfort_noise = comfort_noise
        self._numbers = PayloadTypes()
        self._sent: Description | None = None
        # All sections agreed on so far and which of them is the audio: sections never go away.
        self._sections: tuple[Media, ...] = ()
        self._audio_at = 0
        self._offered: tuple[Media, ...] = ()
        self._choice: MediaChoice | None = None

    @property
    def choice(self) -> MediaChoice | None:
        """What was agreed last."""
        return self._choice

    def offer(
        self,
        local_host: str | None = None,
        local_port: int | None = None,
        codecs: tuple[Codec, ...] | None = None,
        *,
        direction: Direction = Direction.SENDRECV,
    ) -> bytes:
        """An offer to send: the first, or a later one that changes address, codecs or direction.

        What is not given stays. When the peer refuses it, call `abandon_offer`.
        """
        old = self._wish_before = self._wish
        wish = self._wish = _Wish(
            local_host or old.host, local_port or old.port, codecs or old.codecs, direction
        )
        ordered = self._current_first(wish.codecs)
        formats = [(codec, self._numbers.number(codec)) for codec in ordered]
        clocks = dict.fromkeys(codec.clock_rate_hz for codec in ordered)
        events = [_events(clock) for clock in clocks]
        formats += [(codec, self._numbers.number(codec)) for codec in events]
        if self._comfort_noise and COMFORT_NOISE.clock_rate_hz in clocks:
            formats.append((COMFORT_NOISE, self._numbers.number(COMFORT_NOISE)))
        section = self._section(PROTOCOLS[0], formats, direction, self._rtcp_mux)
        others = tuple(_rejected(media) for media in self._sections)
        self._offered = (*others[: self._audio_at], section, *others[self._audio_at + 1 :])
        return self._write(self._offered, ("0 0",))

    def abandon_offer(self) -> None:
        """The last offer came to nothing (488, 491): what was agreed before goes on."""
        self._wish = self._wish_before
        self._offered = ()

    def receive_answer(self, body: bytes) -> MediaChoice:
        """What an answer to our last offer agrees to. Raises OfferRefused."""
        if not self._offered:
            raise OfferRefused("an answer to no offer")
        description = _read(body)
        at = self._audio_at
        if len(description.media) <= at or description.media[at].port == 0:
            raise OfferRefused("the answer rejects the audio")
        match = match_section(description, at, self._offered_codecs, by_peer=True)
        mine = read_formats(self._offered[at])
        number = find_codec(mine, match.codec)
        assert number is not None, "the codec was taken from our own offer"
        self._choice = self._choose(match, number.payload_type, mine)
        self._sections = self._offered
        return self._choice

    def receive_offer(
        self, body: bytes, codecs: tuple[Codec, ...] | None = None
    ) -> tuple[bytes, MediaChoice]:
        """The answer to an offer, and what it agrees to. Raises OfferRefused; nothing has changed
        then.

        `codecs` narrows the choice, for example to what a running lane can change to. A re-offer
        that still has the codec in use keeps it.
        """
        description = _read(body)
        match = find_audio(description, self._current_first(codecs or self._wish.codecs))
        for codec in (*self._wish.codecs, match.codec):
            if found := find_codec(match.formats, codec):
                self._numbers.bind(codec, found.payload_type)
        choice = self._choose(match, match.format.payload_type, match.formats)
        sections = [_rejected(media) for media in description.media]
        sections[match.at] = self._answer(match, choice)
        self._sections, self._audio_at = tuple(sections), match.at
        self._choice, self._offered = choice, ()
        return self._write(self._sections, description.times), choice

    def _choose(
        self, match: Match, receive_payload_type: int, mine: Sequence[Format]
    ) -> MediaChoice:
        """`mine` are the formats by our numbers: of our offer, or the peer's that we repeat."""
        clock = match.codec.clock_rate_hz
        theirs = find_events(match.formats, clock)
        events = find_events(mine, theirs.clock_rate_hz) if theirs else None
        ours = self._wish.direction
        media = match.media
        return MediaChoice(
            codec=match.codec,
            payload_type=match.format.payload_type,
            receive_payload_type=receive_payload_type,
            remote_host=match.host,
            remote_port=media.port,
            remote_rtcp_port=rtcp_port(media),
            rtcp_mux=self._rtcp_mux and media.attribute("rtcp-mux") is not None,
            ptime_ms=read_ptime(media, match.codec.ptime_ms),
            direction=direction_of(
                ours.sends and match.direction.receives, ours.receives and match.direction.sends
            ),
            telephone_event_payload_type=theirs.payload_type if theirs else None,
            receive_telephone_event_payload_type=events.payload_type if events else None,
            telephone_event_clock_hz=theirs.clock_rate_hz if theirs else clock,
            comfort_noise=self._comfort_noise and has_comfort_noise(match.formats, clock),
            fmtp=match.format.fmtp,
        )

    def _answer(self, match: Match, choice: MediaChoice) -> Media:
        formats = [(choice.codec, choice.payload_type)]
        if choice.telephone_event_payload_type is not None:
            events = _events(choice.telephone_event_clock_hz)
            formats.append((events, choice.telephone_event_payload_type))
        if choice.comfort_noise:
            formats.append((COMFORT_NOISE, self._numbers.number(COMFORT_NOISE)))
        return self._section(match.media.protocol, formats, choice.direction, choice.rtcp_mux)

    def _section(
        self,
        protocol: str,
        formats: list[tuple[Codec, int]],
        direction: Direction,
        rtcp_mux: bool,
    ) -> Media:
        attributes: list[tuple[str, str | None]] = []
        for codec, number in formats:
            attributes += attributes_of(codec, number)
        attributes.append(("ptime", str(formats[0][0].ptime_ms)))
        if rtcp_mux:
            attributes.append(("rtcp-mux", None))
        attributes.append((direction.value, None))
        numbers = tuple(str(number) for _, number in formats)
        return Media("audio", self._wish.port, protocol, numbers, attributes=tuple(attributes))

    def _write(self, media: tuple[Media, ...], times: tuple[str, ...]) -> bytes:
        """The version of o= grows by one when anything else has changed (RFC 3264 §8)."""
        host = self._wish.host
        version = 1 if self._sent is None else self._sent.origin.version
        origin = Origin(self._session_id, version, host)
        new = Description(origin, media, connection=host, times=times)
        if self._sent is not None and new != self._sent:
            origin = msgspec.structs.replace(origin, version=version + 1)
            new = msgspec.structs.replace(new, origin=origin)
        self._sent = new
        return new.serialize()

    def _current_first(self, codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
        current = self._choice.codec if self._choice is not None else None
        return tuple(sorted(codecs, key=lambda codec: codec != current))

    @property
    def _offered_codecs(self) -> tuple[Codec, ...]:
        mine = read_formats(self._offered[self._audio_at])
        return tuple(codec for codec in self._wish.codecs if find_codec(mine, codec))


def _read(body: bytes) -> Description:
    try:
        return Description.parse(body)
    except MalformedDescription as fault:
        raise OfferRefused(str(fault), 400) from None


def _rejected(media: Media) -> Media:
    return Media(media.kind, 0, media.protocol, media.formats)


def _events(clock_rate_hz: int) -> Codec:
    return msgspec.structs.replace(TELEPHONE_EVENT, clock_rate_hz=clock_rate_hz)
