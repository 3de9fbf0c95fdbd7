"""A far end that answers with whatever it likes: every call ends, and nothing is kept of it."""

import random

import pytest

from offhook.drivers.sip.agent_events import Credentials
from offhook.drivers.sip.message import Request
from offhook.drivers.sip.session import Session
from offhook.media.ports import HangUpCause, LegEnded
from offhook.tests.kit.sip_link import Link
from offhook.tests.kit.sip_peer import Header, Peer, sdp

STATUSES = (
    100,
    180,
    183,
    200,
    200,
    200,
    200,
    302,
    401,
    407,
    408,
    422,
    481,
    486,
    488,
    491,
    500,
    603,
)
BODIES = (b"", sdp(), sdp(codecs="8"), sdp(direction="sendonly"), b"v=0\r\nnonsense\r\n")
INTERVALS = ("90;refresher=uas", "100;refresher=uac", "1", "x")
CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
STEPS = 12
LONGEST_S = 4000.0
"More than a session interval and two transactions."


def answer(rng: random.Random, peer: Peer, request: Request) -> None:
    """One response that makes some sense or none."""
    status = rng.choice(STATUSES)
    headers: list[Header] = []
    if status in CHALLENGES:
        value = f'Digest realm="r", nonce="{rng.randrange(3)}", qop="auth", algorithm=MD5'
        headers.append((CHALLENGES[status], value))
    if status == 422:
        headers.append(("Min-SE", str(rng.choice((90, 200, 5000)))))
    if rng.random() < 0.3:
        headers.append(("Session-Expires", rng.choice(INTERVALS)))
    if rng.random() < 0.3:
        headers.append(("Allow", "INVITE, UPDATE, INFO"))
    tag = rng.choice(("one", "two", "three"))
    peer.respond(request, status, rng.choice(BODIES), tuple(headers), tag)


def do_something(rng: random.Random, link: Link, session: Session) -> None:
    """What the call's owner may want of it, whatever state it is in."""
    verbs = (
        session.hold,
        session.resume,
        session.refresh_media,
        lambda now: session.send_digits("12", now),
    )
    (phone,) = link.phones.values()
    link.act(phone, session, rng.choice(verbs))


@pytest.mark.parametrize("seed", range(150))
def test_every_call_ends_and_nothing_is_kept(seed: int) -> None:
    rng = random.Random(seed)
    link = Link(seed)
    phone, peer = link.phone("192.0.2.1"), Peer(link)
    session = link.call(phone, "sip:agent@192.0.2.9", Credentials("alice", "secret"))
    for _ in range(STEPS):
        link.run(rng.choice((0.05, 0.1, 0.6, 2.0, 5.0)))
        for message in peer.take():
            if isinstance(message, Request) and message.method != "ACK":
                answer(rng, peer, message)
        if rng.random() < 0.5:
            do_something(rng, link, session)
    link.act(phone, session, lambda now: session.hang_up(HangUpCause.NORMAL, now))
    link.run(LONGEST_S)
    assert [type(event) for event in phone.told(session)].count(LegEnded) == 1
    assert not any(phone.agent.live.values())
    assert phone.media.live == 0
