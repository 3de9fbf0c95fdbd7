"""Offer and answer (RFC 3264), between two of us and with what phones and trunks send."""

import random

import pytest

from offhook.codecs.catalog import G722, L16_16K, OPUS, PCMA, PCMU, Codec
from offhook.drivers.sdp.description import Description
from offhook.drivers.sdp.offer_answer import Direction, MediaChoice, OfferAnswer, OfferRefused

ALL = (OPUS, G722, PCMU, PCMA)


def party(codecs: tuple[Codec, ...] = ALL, **options: bool) -> OfferAnswer:
    return OfferAnswer(77, "192.0.2.1", 4000, codecs, **options)


def offer(
    *lines: str,
    media: str = "audio 5000 RTP/AVP 0 8",
    host: str = "198.51.100.7",
    session: tuple[str, ...] = (),
) -> bytes:
    head = ["v=0", "o=- 1 1 IN IP4 198.51.100.7", "s=-", f"c=IN IP4 {host}", "t=0 0", *session]
    return ("\r\n".join([*head, f"m={media}", *lines]) + "\r\n").encode()


def agree(body: bytes, us: OfferAnswer | None = None) -> tuple[Description, MediaChoice]:
    answer, choice = (us or party()).receive_offer(body)
    return Description.parse(answer), choice


EVERYTHING = offer(
    "a=rtpmap:107 OPUS/48000/2",
    "a=fmtp:107 maxplaybackrate=48000;stereo=1",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:105 telephone-event/48000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-16",
    media="audio 5000 RTP/AVP 0 8 9 107 101 105",
)


def test_our_offer_lists_all_codecs_best_first() -> None:
    body = party().offer().decode()
    assert body.split("\r\n") == [
        "v=0",
        "o=- 77 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 96 9 0 8 102 101",
        "a=rtpmap:96 opus/48000/2",
        "a=fmtp:96 useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:102 telephone-event/48000",
        "a=fmtp:102 0-15",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=rtcp-mux",
        "a=sendrecv",
        "",
    ]


@pytest.mark.parametrize(
    ("codec", "events"), [(OPUS, 48000), (G722, 8000), (PCMU, 8000), (PCMA, 8000)]
)
def test_two_of_us_agree_on_each_codec(codec: Codec, events: int) -> None:
    caller, callee = party(), OfferAnswer(88, "192.0.2.2", 6000, (codec,))
    answer, theirs = callee.receive_offer(caller.offer())
    ours = caller.receive_answer(answer)
    assert ours.codec == theirs.codec == codec
    assert (ours.remote_host, ours.remote_port) == ("192.0.2.2", 6000)
    assert (theirs.remote_host, theirs.remote_port) == ("192.0.2.1", 4000)
    assert ours.payload_type == ours.receive_payload_type == theirs.payload_type
    assert ours.telephone_event_clock_hz == theirs.telephone_event_clock_hz == events
    assert ours.telephone_event_payload_type == theirs.receive_telephone_event_payload_type
    assert ours.rtcp_mux
    assert theirs.rtcp_mux
    assert ours.direction is theirs.direction is Direction.SENDRECV
    assert caller.choice == ours


def test_the_answer_has_one_codec_with_its_events_by_the_offerers_numbers() -> None:
    answer, choice = agree(EVERYTHING)
    (media,) = answer.media
    assert choice.codec == OPUS
    assert media.formats == ("107", "105")
    assert media.values("rtpmap") == ["107 opus/48000/2", "105 telephone-event/48000"]
    assert (choice.payload_type, choice.receive_payload_type) == (107, 107)
    assert (choice.telephone_event_payload_type, choice.telephone_event_clock_hz) == (105, 48000)
    assert choice.fmtp == "maxplaybackrate=48000;stereo=1"
    assert not choice.rtcp_mux
    assert media.attribute("rtcp-mux") is None


@pytest.mark.parametrize(
    ("codecs", "name", "payload_types"),
    [
        ((G722, PCMU), "G722", (9, 101)),
        ((PCMA, OPUS), "PCMA", (8, 101)),
        ((PCMU,), "PCMU", (0, 101)),
    ],
)
def test_our_order_decides(
    codecs: tuple[Codec, ...], name: str, payload_types: tuple[int, int]
) -> None:
    _, choice = agree(EVERYTHING, party(codecs))
    assert choice.codec.name == name
    assert (choice.payload_type, choice.telephone_event_payload_type) == payload_types
    assert choice.telephone_event_clock_hz == 8000


def test_events_in_a_wrong_clock_beat_none() -> None:
    body = offer(
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:101 telephone-event/8000",
        media="audio 5000 RTP/AVP 96 101",
    )
    answer, choice = agree(body)
    assert (choice.telephone_event_payload_type, choice.telephone_event_clock_hz) == (101, 8000)
    assert answer.media[0].formats == ("96", "101")
    assert agree(offer())[1].telephone_event_payload_type is None


def test_an_answer_may_use_numbers_of_its_own() -> None:
    us = party()
    us.offer()
    choice = us.receive_answer(
        offer(
            "a=rtpmap:120 telephone-event/48000",
            "a=rtpmap:111 opus/48000",
            media="audio 5000 RTP/AVP 111 120 0",
        )
    )
    assert (choice.codec, choice.payload_type, choice.receive_payload_type) == (OPUS, 111, 96)
    assert choice.telephone_event_payload_type == 120
    assert choice.receive_telephone_event_payload_type == 102


def test_the_answerers_order_decides_of_its_answer() -> None:
    us = party()
    us.offer()
    assert us.receive_answer(offer(media="audio 5000 RTP/AVP 8 0 9")).codec == PCMA


def test_each_fork_answers_the_same_offer() -> None:
    us = party()
    us.offer()
    assert us.receive_answer(offer(media="audio 5000 RTP/AVP 8")).codec == PCMA
    assert us.receive_answer(offer(media="audio 5002 RTP/AVP 9")).remote_port == 5002


def test_other_media_are_rejected_in_their_place() -> None:
    body = offer(
        "a=rtpmap:31 H261/90000",
        "m=image 5100 udptl t38",
        "m=audio 5002 RTP/AVP 0",
        "m=audio 5004 RTP/AVP 8",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        media="video 5006 RTP/AVP 31",
    )
    us = party()
    answer, choice = agree(body, us)
    assert [(m.kind, m.port, m.protocol, m.formats) for m in answer.media] == [
        ("video", 0, "RTP/AVP", ("31",)),
        ("image", 0, "udptl", ("t38",)),
        ("audio", 4000, "RTP/AVP", ("0",)),
        ("audio", 0, "RTP/AVP", ("8",)),
        ("application", 0, "UDP/DTLS/SCTP", ("webrtc-datachannel",)),
    ]
    assert choice.remote_port == 5002
    # A later offer of ours keeps all of them, and the answer is looked for in the same place.
    again = Description.parse(us.offer())
    assert [(m.kind, m.port) for m in again.media] == [
        *(("video", 0), ("image", 0), ("audio", 4000), ("audio", 0), ("application", 0))
    ]
    assert us.receive_answer(body.replace(b"5002", b"5008")).remote_port == 5008


@pytest.mark.parametrize(
    ("lines", "session", "host", "ours"),
    [
        (("a=sendonly",), (), "198.51.100.7", Direction.RECVONLY),
        (("a=recvonly",), (), "198.51.100.7", Direction.SENDONLY),
        (("a=inactive",), (), "198.51.100.7", Direction.INACTIVE),
        (("a=sendrecv",), ("a=inactive",), "198.51.100.7", Direction.SENDRECV),
        ((), ("a=sendonly",), "198.51.100.7", Direction.RECVONLY),
        ((), (), "0.0.0.0", Direction.RECVONLY),
        (("a=inactive",), (), "0.0.0.0", Direction.INACTIVE),
        (("a=recvonly",), (), "0.0.0.0", Direction.INACTIVE),
    ],
)
def test_hold_in_all_its_forms(
    lines: tuple[str, ...], session: tuple[str, ...], host: str, ours: Direction
) -> None:
    answer, choice = agree(offer(*lines, host=host, session=session))
    assert choice.direction is ours
    assert answer.media[0].attribute(ours.value) == ""
    assert choice.remote_host == host


def test_our_hold_is_answered_and_lasts_until_we_take_it_back() -> None:
    us, them = party(), OfferAnswer(88, "192.0.2.2", 6000)
    us.receive_answer(them.receive_offer(us.offer())[0])
    answer, theirs = them.receive_offer(us.offer(direction=Direction.SENDONLY))
    assert theirs.direction is Direction.RECVONLY
    assert us.receive_answer(answer).direction is Direction.SENDONLY
    # they offer anew, for another reason: we still do not listen
    assert us.receive_offer(them.offer())[1].direction is Direction.SENDONLY
    resumed = them.receive_offer(us.offer())
    assert resumed[1].direction is Direction.SENDRECV


def test_an_offer_that_came_to_nothing_leaves_no_trace() -> None:
    us, them = party(), OfferAnswer(88, "192.0.2.2", 6000)
    us.receive_answer(them.receive_offer(us.offer())[0])
    us.offer(direction=Direction.INACTIVE, codecs=(PCMA,))
    us.abandon_offer()
    _, choice = us.receive_offer(them.offer())
    assert (choice.codec, choice.direction) == (OPUS, Direction.SENDRECV)
    us.abandon_offer()
    with pytest.raises(OfferRefused, match="no offer"):
        us.receive_answer(offer())


def version(body: bytes) -> int:
    return Description.parse(body).origin.version


def test_the_version_grows_only_with_changes() -> None:
    us = party()
    first = us.receive_offer(offer())[0]
    assert version(first) == 1
    assert us.receive_offer(offer())[0] == first
    held = us.receive_offer(offer("a=sendonly"))[0]
    assert version(held) == 2
    assert version(us.receive_offer(offer("a=sendonly", media="audio 5002 RTP/AVP 0 8"))[0]) == 2
    assert version(us.receive_offer(offer())[0]) == 3
    assert version(us.offer()) == 4
    assert version(us.offer()) == 4
    assert version(us.offer("192.0.2.99")) == 5


def test_a_late_offer_is_answered_in_the_ack() -> None:
    us, them = party(), OfferAnswer(88, "192.0.2.2", 6000, (PCMA,))
    in_the_200 = us.offer()
    in_the_ack, theirs = them.receive_offer(in_the_200)
    assert us.receive_answer(in_the_ack).codec == theirs.codec == PCMA


def test_a_new_codec_is_followed_and_the_one_in_use_kept_where_it_can_be() -> None:
    us = party()
    assert agree(offer(media="audio 5000 RTP/AVP 8"), us)[1].codec == PCMA
    assert agree(offer(media="audio 5000 RTP/AVP 0 9 8"), us)[1].codec == PCMA
    assert agree(offer(media="audio 5000 RTP/AVP 0 9"), us)[1].codec == G722
    # our own next offer asks to stay with it
    assert Description.parse(us.offer()).media[0].formats[0] == "9"


def test_the_choice_can_be_narrowed_to_what_a_lane_can_change_to() -> None:
    us = party()
    agree(offer(media="audio 5000 RTP/AVP 8"), us)
    assert us.receive_offer(EVERYTHING, (PCMU, PCMA))[1].codec == PCMA
    with pytest.raises(OfferRefused):
        us.receive_offer(offer(media="audio 5000 RTP/AVP 9"), (PCMU, PCMA))
    assert us.choice is not None
    assert us.choice.codec == PCMA


def test_numbers_are_kept_whoever_gave_them() -> None:
    us = party()
    agree(EVERYTHING, us)
    again = Description.parse(us.offer()).media[0]
    assert "107 opus/48000/2" in again.values("rtpmap")
    # a peer that gives our usual number for Opus to something else
    us = party()
    body = offer("a=rtpmap:96 telephone-event/8000", media="audio 5000 RTP/AVP 0 96")
    agree(body, us)
    numbers = Description.parse(us.offer()).media[0].formats
    assert len(set(numbers)) == len(numbers)


def test_a_codec_without_a_usual_number_gets_a_free_one() -> None:
    formats = Description.parse(party((L16_16K, OPUS)).offer()).media[0]
    assert formats.values("rtpmap")[:2] == ["97 L16/16000", "96 opus/48000/2"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "line 1"),
        (b"v=0\r\nnonsense\r\n", 400, "line 2"),
        (offer(media="audio 5000 RTP/AVP 3 18"), 488, "codecs"),
        (offer("a=rtpmap:101 telephone-event/8000", media="audio 5000 RTP/AVP 101"), 488, "codecs"),
        (offer("a=rtpmap:0 GSM/8000", media="audio 5000 RTP/AVP 0"), 488, "codecs"),
        (offer(media="audio 0 RTP/AVP 0"), 488, "no audio"),
        (offer(media="audio 65535 RTP/AVP 0"), 488, "RTCP"),
        (offer(media="video 5000 RTP/AVP 31"), 488, "no audio"),
        (offer(media="audio 5000 RTP/SAVP 0"), 488, "SAVP"),
        (offer(host="phone.example.com"), 488, "no address"),
        (offer(host="224.2.1.1/127"), 488, "one host"),
        (offer(host="255.255.255.255"), 488, "one host"),
        (offer().replace(b"c=IN IP4 198.51.100.7\r\n", b""), 488, "no c="),
    ],
)
def test_refuses_with_a_status_and_a_reason(body: bytes, status: int, reason: str) -> None:
    us = party()
    with pytest.raises(OfferRefused, match=reason) as caught:
        us.receive_offer(body)
    assert caught.value.status == status
    us.offer()
    with pytest.raises(OfferRefused):
        us.receive_answer(body)


@pytest.mark.parametrize(
    ("lines", "ptime_ms"),
    [
        ((), 20),
        (("a=ptime:30",), 30),
        (("a=ptime:60", "a=maxptime:40"), 40),
        (("a=ptime:20.5",), 20),
        (("a=ptime:0",), 20),
        (("a=ptime:x",), 20),
        (("a=ptime:9999",), 200),
    ],
)
def test_ptime_is_what_the_peer_would_like(lines: tuple[str, ...], ptime_ms: int) -> None:
    assert agree(offer(*lines))[1].ptime_ms == ptime_ms


@pytest.mark.parametrize(
    ("value", "port"),
    [("5050", 5050), ("5051 IN IP4 198.51.100.9", 5051), ("x", None), ("0", None)],
)
def test_the_port_of_rtcp_is_read(value: str, port: int | None) -> None:
    assert agree(offer(f"a=rtcp:{value}"))[1].remote_rtcp_port == port


def test_rtcp_is_muxed_only_when_both_want_it() -> None:
    answer, choice = agree(offer("a=rtcp-mux"))
    assert choice.rtcp_mux
    assert answer.media[0].attribute("rtcp-mux") == ""
    answer, choice = agree(offer("a=rtcp-mux"), party(rtcp_mux=False))
    assert not choice.rtcp_mux
    assert answer.media[0].attribute("rtcp-mux") is None


def test_comfort_noise_is_agreed_only_when_we_want_it() -> None:
    body = offer(media="audio 5000 RTP/AVP 0 13")
    answer, choice = agree(body)
    assert not choice.comfort_noise
    assert answer.media[0].formats == ("0",)
    answer, choice = agree(body, party(comfort_noise=True))
    assert choice.comfort_noise
    assert answer.media[0].formats == ("0", "13")
    assert "13" in Description.parse(party(comfort_noise=True).offer()).media[0].formats


def test_media_has_its_own_address_and_times_are_echoed() -> None:
    body = offer("c=IN IP6 2001:db8::5").replace(b"t=0 0", b"t=3149328700 0")
    answer, choice = agree(body)
    assert choice.remote_host == "2001:db8::5"
    assert answer.times == ("3149328700 0",)


def test_our_ipv6_address_is_written_as_one() -> None:
    assert b"c=IN IP6 2001:db8::1\r\n" in OfferAnswer(1, "2001:db8::1", 4000).offer()


def test_avpf_is_answered_in_kind() -> None:
    answer, _ = agree(offer(media="audio 5000 RTP/AVPF 0"))
    assert answer.media[0].protocol == "RTP/AVPF"


def test_mutations_never_hurt() -> None:
    rng = random.Random(3264)
    for _ in range(2000):
        body = bytearray(EVERYTHING)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            body[at : at + rng.randrange(3)] = bytes(
                rng.choice((rng.randrange(256), *b"=: /09\r\n")) for _ in range(rng.randrange(3))
            )
        us, them = party(), party()
        them.offer()
        try:
            answer, choice = us.receive_offer(bytes(body))
            assert Description.parse(answer).media
            assert choice.codec in ALL
            them.receive_answer(bytes(body))
        except OfferRefused as refusal:
            assert refusal.status in (400, 488)  # noqa: PT017
