"""Mutated messages, by a fixed seed: whatever comes, parse() gives a message that can be used,
written and read again, or a MalformedMessage.
"""

import pathlib
import random

import pytest

from offhook.drivers.sip.auth import Challenge, DigestServer
from offhook.drivers.sip.errors import MalformedMessage
from offhook.drivers.sip.message import MalformedRequest, Request, Response, parse
from offhook.drivers.sip.screening import screen

TORTURE = pathlib.Path(__file__).parents[2] / "data" / "sip" / "torture"
CORPUS = [path.read_bytes() for path in sorted(TORTURE.glob("*.dat"))]
ROUNDS = 60  # mutations of each message
TOKENS = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n ",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"\0",
        b"\xff",
        b"\xc3",
        b"%",
        b"%0",
    ),
    *(
        b'"',
        b"\\",
        b"<",
        b">",
        b",",
        b";",
        b":",
        b"=",
        b"@",
        b"?",
        b"&",
        b"*",
        b"[",
        b"]",
        b"[::1]",
    ),
    *(
        b"sip:",
        b"tel:",
        b"SIP/2.0",
        b"Via: ",
        b"To: ",
        b"Contact: *",
        b"l: 99999999999",
        b"\xd9\xa3",
    ),
    *(b"9" * 5000, b"(" * 3000, b'"' * 999, b"," * 300, b";a" * 300, b" " * 4000, b"<" * 300),
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(out) + 1), rng.randint(0, 12)
        match rng.randrange(6):
            case 0:
                out[at : at + length] = b""
            case 1:
                out[at:at] = rng.choice(TOKENS)
            case 2:
                out[at : at + length] = rng.choice(TOKENS)
            case 3:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 4:
                other = rng.choice(CORPUS)
                begin = rng.randrange(len(other))
                out[at:at] = other[begin : begin + rng.randrange(200)]
            case _:
                del out[at:]
    return bytes(out)


def use(message: Request | Response) -> None:
    """Everything that an agent reads, none of which may raise."""
    _ = message.via.received, message.via.rport, message.via.branch
    _ = message.vias, message.routes, message.record_routes, message.contacts
    _ = message.from_.tag, message.to.tag, message.call_id, message.cseq
    _ = message.max_forwards, message.expires, message.content_type
    _ = message.require, message.supported, message.seconds("Session-Expires")
    for address in (message.from_, message.to, *message.contacts, *message.routes):
        assert address.uri.matches(address.uri)


def refuse(fault: MalformedMessage) -> None:
    """Answer as an agent does, where it may."""
    if isinstance(fault, MalformedRequest):
        data = fault.request.respond(fault.status, to_tag="t").serialize()
        assert data.startswith(b"SIP/2.0 400 Bad Request\r\n")


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_mutations_never_hurt(number: int) -> None:
    rng = random.Random(number)
    for _ in range(ROUNDS):
        try:
            message = parse(mutated(CORPUS[number], rng))
        except MalformedMessage as fault:
            refuse(fault)
            continue
        use(message)
        again = parse(message.serialize())
        use(again)
        assert (again.vias, again.from_, again.to) == (message.vias, message.from_, message.to)
        assert again.body == message.body
        if isinstance(message, Request):
            refusal = screen(message, "t")
            assert refusal is None or refusal.serialize()


def test_every_prefix_of_a_message_is_harmless() -> None:
    data = (TORTURE / "wsinv.dat").read_bytes()
    whole = data.index(b"\r\n\r\n") + 4 + 150
    for length in range(len(data)):
        try:
            parse(data[:length])
        except MalformedMessage:
            assert length < whole
        else:
            assert length >= whole


def test_mutated_credentials_and_challenges_never_hurt() -> None:
    rng = random.Random(7)
    server = DigestServer("r", b"k")
    seed = (
        b'Digest username="a", realm="r", nonce="2710.1.aa", uri="sip:h", response="00",'
        b' algorithm=SHA-256, cnonce="c", qop=auth, nc=00000001, opaque="o", stale=true'
    )
    for _ in range(3000):
        text = mutated(seed, rng).decode("utf-8", "surrogateescape")
        assert not server.verify(text, "INVITE", b"", 1.0, "h", lambda _: "p").ok
        for challenge in Challenge.parse_all([text]):
            assert challenge.strength >= 0
