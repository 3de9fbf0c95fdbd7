"""Reading and writing session descriptions (RFC 8866)."""

import random

import pytest

from offhook.drivers.sdp.description import MAX_LINES, MAX_MEDIA, Description, Media, Origin
from offhook.drivers.sdp.errors import LocalError, MalformedDescription

# RFC 8866 §5, the example.
EXAMPLE = """v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
t=0 0
m=audio 49170 RTP/AVP 0
m=audio 49180 RTP/AVP 0
m=video 51372 RTP/AVP 99
c=IN IP6 2001:db8::2
a=rtpmap:99 h263-1998/90000
""".replace("\n", "\r\n").encode()


def test_reads_the_example() -> None:
    description = Description.parse(EXAMPLE)
    assert description.origin == Origin(3724394400, 3724394405, "198.51.100.1", "jdoe")
    assert description.name == "Call to John Smith"
    assert description.connection == "198.51.100.1"
    assert [(media.kind, media.port) for media in description.media] == [
        ("audio", 49170),
        ("audio", 49180),
        ("video", 51372),
    ]
    assert description.connection_of(description.media[0]) == "198.51.100.1"
    assert description.connection_of(description.media[2]) == "2001:db8::2"
    assert description.media[2].attribute("rtpmap") == "99 h263-1998/90000"


def test_writes_in_the_order_of_the_rfc() -> None:
    description = Description(
        Origin(1, 2, "2001:db8::1"),
        (
            Media(
                "audio",
                4000,
                "RTP/AVP",
                ("0", "101"),
                port_count=2,
                connection="192.0.2.9",
                bandwidths=(("AS", 64),),
                attributes=(("ptime", "20"), ("sendrecv", None)),
            ),
        ),
        connection="192.0.2.1",
        bandwidths=(("CT", 128),),
        attributes=(("tool", "x"),),
    )
    assert description.serialize().decode().split("\r\n") == [
        *("v=0", "o=- 1 2 IN IP6 2001:db8::1", "s=-", "c=IN IP4 192.0.2.1", "b=CT:128", "t=0 0"),
        *("a=tool:x", "m=audio 4000/2 RTP/AVP 0 101", "c=IN IP4 192.0.2.9", "b=AS:64"),
        *("a=ptime:20", "a=sendrecv", ""),
    ]
    assert Description.parse(description.serialize()) == description


def test_phones_may_leave_out_and_disorder() -> None:
    description = Description.parse(
        b"v=0\no=- 1 1 IN IP4 192.0.2.1\na=sendonly\nc=IN IP4 192.0.2.1\n"
        b"m=audio  4000  RTP/AVP  8  0\n"
    )
    assert description.connection == "192.0.2.1"
    assert description.attribute("sendonly") == ""
    assert description.attribute("sendrecv") is None
    assert description.media[0].formats == ("8", "0")
    assert description.times == ("0 0",)


def test_an_attribute_value_may_hold_colons_and_be_empty() -> None:
    media = Description.parse(EXAMPLE + b"a=fmtp:99 a:b=c\r\na=x:\r\na=rtpmap:98 y/1\r\n").media[2]
    assert media.attribute("fmtp") == "99 a:b=c"
    assert media.attribute("x") == ""
    assert media.values("rtpmap") == ["99 h263-1998/90000", "98 y/1"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", 1),
        (b"hello", 1),
        (b"v=1\r\n", 1),
        (EXAMPLE.replace(b"o=jdoe", b"o=jdoe x"), 2),
        (EXAMPLE.replace(b"o=jdoe 3724394400 3724394405", b"o=jdoe 1 -1"), 2),
        (EXAMPLE.replace(b"s=Call", b"subject"), 3),
        (EXAMPLE.replace(b"c=IN IP4 198.51.100.1", b"c=IN IP5 1"), 8),
        (EXAMPLE.replace(b"c=IN IP4", b"c=TN RFC2543"), 8),
        (EXAMPLE.replace(b"49170", b"65536"), 10),
        (EXAMPLE.replace(b"49170 RTP/AVP 0", b"49170 RTP/AVP"), 10),
        (EXAMPLE.replace(b"m=audio 49170", b"m =audio 49170"), 10),
        (EXAMPLE + b"\r\na=x\r\n", 15),
        (b"v=0\r\ns=-\r\n", 2),
        (EXAMPLE + b"m=audio 1 RTP/AVP 0\r\n" * MAX_MEDIA, 15 + MAX_MEDIA - 3),
        (EXAMPLE + b"a=x\r\n" * MAX_LINES, MAX_LINES),
        (EXAMPLE + b"a=" + 5000 * b"x" + b"\r\n", 15),
    ],
)
def test_says_which_line_is_wrong(body: bytes, line: int) -> None:
    with pytest.raises(MalformedDescription) as caught:
        Description.parse(body)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"SDP line {line}: ")


@pytest.mark.parametrize("evil", ["x\r\na=evil", "x\na=evil", "x\ra=evil"])
def test_no_value_breaks_out_of_its_line(evil: str) -> None:
    with pytest.raises(LocalError):
        Description(Origin(1, 1, evil)).serialize()
    with pytest.raises(LocalError):
        Description(Origin(1, 1, "h"), attributes=(("a", evil),)).serialize()


def test_bytes_that_are_no_utf8_survive() -> None:
    body = EXAMPLE.replace(b"Call to", b"\xffCall")
    assert b"s=\xffCall John Smith\r\n" in Description.parse(body).serialize()


def test_mutations_never_hurt() -> None:
    rng = random.Random(4566)
    for _ in range(3000):
        body = bytearray(EXAMPLE)
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(body))
            body[at : at + rng.randrange(3)] = bytes(
                rng.choice((rng.randrange(256), *b"=: /\r\n")) for _ in range(rng.randrange(3))
            )
        try:
            description = Description.parse(bytes(body))
        except MalformedDescription:
            continue
        assert Description.parse(description.serialize()) == description
