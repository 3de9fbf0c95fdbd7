"""Two user agents back to back through networks that lose, double, delay and reorder."""

import functools

import pytest

from offhook.drivers.sip.agent_events import AgentSettings, Credentials
from offhook.drivers.sip.caller import CallerSession
from offhook.drivers.sip.fields import Message
from offhook.drivers.sip.invite_usage import State
from offhook.drivers.sip.trunk import Account
from offhook.media.ports import HangUpCause, LegAnswered, LegEnded, LegHeld, LegResumed
from offhook.tests.kit.sip_link import Link, Phone, Weather, answers, rings

ROUGH = Weather(loss=0.25, doubled=0.1, delay_s=(0.005, 0.8))
REORDERED = Weather(doubled=0.3, delay_s=(0.0, 1.5))


def ends(phone: Phone, session: object) -> list[LegEnded]:
    return [event for event in phone.told(session) if isinstance(event, LegEnded)]


def hang_up(link: Link, phone: Phone, call: CallerSession) -> None:
    link.act(phone, call, lambda now: call.hang_up(HangUpCause.NORMAL, now))


def assert_clean(link: Link) -> None:
    for phone in link.phones.values():
        assert not any(phone.agent.live.values()), phone.agent.live
        assert phone.media.live == 0


@pytest.mark.parametrize("weather", [ROUGH, REORDERED], ids=["lossy", "reordered"])
@pytest.mark.parametrize("seed", range(12))
def test_calls_are_set_up_held_resumed_and_ended(seed: int, weather: Weather) -> None:
    link = Link(seed, weather)
    alice, bob = link.phone("192.0.2.1"), link.phone("192.0.2.2", on_call=answers)
    call = link.call(alice, "sip:bob@192.0.2.2")
    link.run(32.0)
    if call.state is not State.CONFIRMED:
        # A quarter of the messages is lost: now and then all seven INVITEs are, or all ACKs.
        assert ends(alice, call) != []
        link.run(100.0)
        assert_clean(link)
        return
    link.act(alice, call, call.hold)
    link.run(40.0)
    link.act(alice, call, call.resume)
    link.run(40.0)
    hang_up(link, alice, call)
    link.run(100.0)
    (answered,) = bob.calls[-1:]
    told = [event for event in bob.told(answered) if not isinstance(event, LegEnded)]
    assert told == [LegAnswered(), LegHeld(), LegResumed()][: len(told)]
    assert len(ends(alice, call)) == 1
    assert all(len(ends(bob, session)) == 1 for session in bob.calls)
    assert_clean(link)


@pytest.mark.parametrize("seed", range(30))
def test_hanging_up_at_any_moment_leaves_nothing(seed: int) -> None:
    link = Link(seed, ROUGH if seed % 2 else REORDERED)
    alice, bob = link.phone("192.0.2.1"), link.phone("192.0.2.2", on_call=answers)
    call = link.call(alice, "sip:bob@192.0.2.2")
    link.run(link.rng.uniform(0.0, 3.0))
    hang_up(link, alice, call)
    link.run(link.rng.uniform(0.0, 3.0))
    for session in bob.calls:
        link.act(bob, session, functools.partial(session.hang_up, HangUpCause.BUSY))
    link.run(150.0)
    assert len(ends(alice, call)) == 1
    assert all(len(ends(bob, session)) == 1 for session in bob.calls)
    assert_clean(link)


@pytest.mark.parametrize("seed", range(10))
def test_offers_that_cross_are_both_carried_out(seed: int) -> None:
    link = Link(seed, Weather(delay_s=(0.02, 0.06)))
    alice, bob = link.phone("192.0.2.1"), link.phone("192.0.2.2", on_call=answers)
    call = link.call(alice, "sip:bob@192.0.2.2")
    link.run(1.0)
    answered = bob.calls[0]
    link.act(alice, call, call.hold)
    link.act(bob, answered, answered.hold)
    link.run(20.0)
    assert LegHeld() in alice.told(call)
    assert LegHeld() in bob.told(answered)
    link.act(alice, call, call.resume)
    link.act(bob, answered, answered.resume)
    link.run(20.0)
    assert alice.told(call)[-1] == LegResumed()
    assert bob.told(answered)[-1] == LegResumed()
    hang_up(link, alice, call)
    link.run(60.0)
    assert_clean(link)


@pytest.mark.parametrize("seed", range(6))
def test_digest_through_a_lossy_link(seed: int) -> None:
    link = Link(seed, Weather(loss=0.2, delay_s=(0.01, 0.1)))
    alice = link.phone("192.0.2.1")
    server = AgentSettings(accounts=(Account("alice", "secret", "office"),))
    bob = link.phone("192.0.2.2", server, on_call=answers)
    call = link.call(alice, "sip:bob@192.0.2.2", Credentials("alice", "secret"))
    link.run(20.0)
    assert alice.told(call) == [LegAnswered()]
    link.act(alice, call, call.hold)
    link.run(20.0)
    assert LegHeld() in bob.told(bob.calls[0])


def test_lost_acks_are_made_good_by_repeated_200s() -> None:
    link = Link()
    alice, bob = link.phone("192.0.2.1"), link.phone("192.0.2.2", on_call=answers)
    lost: list[Message] = []

    def drop(message: Message) -> bool:
        is_ack = getattr(message, "method", None) == "ACK"
        if is_ack and len(lost) < 3:
            lost.append(message)
            return True
        return False

    link.drop = drop
    link.call(alice, "sip:bob@192.0.2.2")
    link.run(60.0)
    assert len(link.lines("ACK")) == 4
    assert bob.calls[0].state is State.CONFIRMED


def test_a_thousand_calls_leave_nothing_behind() -> None:
    link = Link(3, Weather(loss=0.02, delay_s=(0.001, 0.02)))
    alice = link.phone("192.0.2.1")
    bob = link.phone("192.0.2.2", on_call=answers)
    ringing = link.phone("192.0.2.3", on_call=rings)
    for number in range(1000):
        target = ringing if number % 5 == 0 else bob
        call = link.call(alice, f"sip:n{number}@{target.hop.host}")
        link.run(0.2)
        hang_up(link, alice, call)
        link.run(0.05)
    link.run(200.0)
    assert len(alice.media.opened) == 1000
    assert_clean(link)
