"""The shells over real loopback UDP: two endpoints, their sockets, timers and legs."""

import asyncio
import random
import socket
from collections.abc import Callable
from typing import cast

import pytest

from offhook.drivers.sip import endpoint
from offhook.drivers.sip.endpoint import LineSettings, SipEndpoint, SipSettings
from offhook.drivers.sip.hop import Hop, Outgoing
from offhook.drivers.sip.leg import SipLeg
from offhook.drivers.sip.registration import AnyRegistrationEvent, Registered, Unregistered
from offhook.drivers.sip.transport import NOT_PUBLIC, UdpTransport, address_towards
from offhook.media.clock import LoopClock
from offhook.media.errors import Refused
from offhook.media.ports import (
    AnyLegEvent,
    HangUpCause,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegHeld,
    LegPort,
    LegRinging,
)
from offhook.tests.kit.sip_link import FakeMedia

LIMIT_S = 5.0
SETTINGS = SipSettings(port=0, open_loopback=True)


class Listener:
    """Gathers a leg's events and lets a test wait for one."""

    def __init__(self, leg: SipLeg) -> None:
        self.leg = leg
        self.events: list[AnyLegEvent] = []
        self._changed = asyncio.Event()
        leg.sink = self._receive

    def _receive(self, event: AnyLegEvent) -> None:
        self.events.append(event)
        self._changed.set()

    async def wait_for(self, kind: type[AnyLegEvent]) -> AnyLegEvent:
        async with asyncio.timeout(LIMIT_S):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        return event
                self._changed.clear()
                await self._changed.wait()


class Pair:
    """A server that does `on_call`, and a client."""

    def __init__(self, on_call: Callable[[SipLeg], None], settings: SipSettings = SETTINGS) -> None:
        self.media = FakeMedia("127.0.0.1")
        self.incoming: list[Listener] = []
        clock = LoopClock()

        def on_incoming(leg: SipLeg) -> None:
            self.incoming.append(Listener(leg))
            on_call(leg)

        self.server = SipEndpoint(settings, clock, random.Random(1), self.media.open, on_incoming)
        self.client = SipEndpoint(
            SipSettings(port=0), clock, random.Random(2), self.media.open, lambda leg: None
        )

    async def __aenter__(self) -> "Pair":
        await self.server.start()
        await self.client.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.client.aclose()
        await self.server.aclose()
        assert self.media.live == 0

    def call(self, user: str = "agent") -> Listener:
        return Listener(self.client.call(f"sip:{user}@127.0.0.1:{self.server.port}"))


async def test_call_rings_is_answered_and_ended_by_the_caller() -> None:
    def on_call(leg: SipLeg) -> None:
        leg.ring()
        leg.answer()

    async with Pair(on_call) as pair:
        call = pair.call("1234")
        await call.wait_for(LegAnswered)
        assert call.events == [LegRinging(), LegAnswered()]
        (incoming,) = pair.incoming
        leg: LegPort = incoming.leg  # SipLeg implements the port
        assert (leg.line, leg.inbound, leg.to_number, leg.from_number) == (
            "local",
            True,
            "1234",
            "offhook",
        )
        assert leg.wire_id == call.leg.wire_id
        call.leg.hang_up()
        ended = await incoming.wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert (ended.cause, ended.by_us) == (HangUpCause.NORMAL, False)
        assert pair.server.legs == []


@pytest.mark.parametrize(
    ("cause", "status"), [(HangUpCause.BUSY, 486), (HangUpCause.DECLINED, 603)]
)
async def test_call_is_refused_by_cause(cause: HangUpCause, status: int) -> None:
    async with Pair(lambda leg: leg.hang_up(cause)) as pair:
        ended = await pair.call().wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert (ended.cause, ended.status) == (cause, status)


async def test_hold_and_digits_reach_the_other_side() -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        call = pair.call()
        await call.wait_for(LegAnswered)
        call.leg.hold()
        await pair.incoming[0].wait_for(LegHeld)
        call.leg.send_digits("5")  # the fake media has no lane, so by INFO
        assert await pair.incoming[0].wait_for(LegDigit) == LegDigit("5")


async def test_stranger_is_refused_where_loopback_is_closed() -> None:
    async with Pair(lambda leg: leg.answer(), SipSettings(port=0)) as pair:
        ended = await pair.call().wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert ended.status == 403


async def test_closing_an_endpoint_ends_its_calls() -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        call = pair.call()
        await call.wait_for(LegAnswered)
        await pair.server.aclose()
        await call.wait_for(LegEnded)


async def test_used_up_media_is_refused_on_both_sides() -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        pair.media.limit = 1
        ended = await pair.call().wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert (ended.cause, ended.status) == (HangUpCause.OVERLOADED, 503)
        pair.media.limit = 0
        with pytest.raises(Refused):
            pair.call()


async def test_name_is_resolved_and_one_that_is_unknown_ends_the_call() -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        call = Listener(pair.client.call(f"sip:a@localhost:{pair.server.port}"))
        await call.wait_for(LegAnswered)
        lost = Listener(pair.client.call("sip:a@no-such-host.invalid"))
        ended = await lost.wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert ended.cause is HangUpCause.NETWORK
        what = "INVITE could not be sent: the name no-such-host.invalid cannot be resolved: "
        assert ended.reason.startswith(what)
        assert len(ended.reason) > len(what)


async def test_port_of_zero_cannot_be_sent_to_and_ends_the_call() -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        lost = Listener(pair.client.call("sip:a@127.0.0.1:0"))
        ended = await lost.wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert ended.reason.startswith("INVITE could not be sent: udp:127.0.0.1:0: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1"])
async def test_a_call_for_the_public_only_is_not_sent_to_this_machine(host: str) -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        known = Listener(pair.client.call(f"sip:a@localhost:{pair.server.port}"))
        await known.wait_for(LegAnswered)  # so that the name is known by now
        target = f"sip:a@{host}:{pair.server.port}"
        refused = Listener(pair.client.call(target, public_only=True))
        ended = await refused.wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        where = f"udp:{host}:{pair.server.port}"
        assert ended.reason == f"INVITE could not be sent: {where} {NOT_PUBLIC}"
        assert len(pair.incoming) == 1


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_port_where_nothing_listens_ends_the_call_at_once_and_no_other(host: str) -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        port = free_port()
        lost = [Listener(pair.client.call(f"sip:a@{host}:{port}")) for _ in range(3)]
        well = [pair.call() for _ in range(3)]
        for call in well:
            await call.wait_for(LegAnswered)
        for call in lost:
            ended = await call.wait_for(LegEnded)  # long before timer B
            assert isinstance(ended, LegEnded)
            assert ended.cause is HangUpCause.NETWORK
            where = f"nothing listens at udp:127.0.0.1:{port}"
            assert ended.reason == f"INVITE could not be sent: {where}"
        for call in well:
            assert call.events == [LegAnswered()]


async def test_hanging_up_on_a_server_that_is_gone_is_over_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Pair(lambda leg: leg.answer()) as pair:
        call = pair.call()
        await call.wait_for(LegAnswered)
        transport = pair.server._transport
        assert transport is not None
        await transport.aclose()  # killed: it says nothing
        call.leg.hang_up()
        async with asyncio.timeout(LIMIT_S):
            await pair.client._idle.wait()
        monkeypatch.setattr(endpoint, "CLOSE_LIMIT_S", 0.0)  # the server's own end has no socket


async def test_what_does_not_answer_at_the_end_is_counted_for_people(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(endpoint, "CLOSE_LIMIT_S", 0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with Pair(lambda leg: leg.answer()) as pair:
            leg = pair.client.call(f"sip:a@127.0.0.1:{silent.getsockname()[1]}")
            leg.sink = lambda event: None
    (record,) = caplog.records
    what = "no answer to our goodbye in 0.01 s, closed all the same: calls 1, lines 0"
    assert record.getMessage() == what


async def test_failing_owner_does_not_stop_the_endpoint() -> None:
    def on_call(leg: SipLeg) -> None:
        if leg.to_number == "broken":
            raise ValueError("a bug of the owner")
        leg.answer()

    async with Pair(on_call) as pair:
        broken = pair.call("broken")
        await pair.call("good").wait_for(LegAnswered)
        ended = await broken.wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert ended.status == 500


class Registrar(asyncio.DatagramProtocol):
    """Says 200 to every REGISTER."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # asyncio's is by duck only

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        lines = [line for line in data.split(b"\r\n") if not line.startswith(b"User-Agent")]
        self.transport.sendto(b"\r\n".join([b"SIP/2.0 200 OK", *lines[1:]]), addr)


async def test_line_is_registered_and_removed_when_the_endpoint_closes() -> None:
    told: list[AnyRegistrationEvent] = []
    registered = asyncio.Event()

    def on_registration(event: AnyRegistrationEvent) -> None:
        told.append(event)
        registered.set()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Registrar, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    endpoint = SipEndpoint(
        SipSettings(port=0),
        LoopClock(),
        random.Random(1),
        FakeMedia().open,
        lambda leg: None,
        on_registration=on_registration,
    )
    await endpoint.start()
    endpoint.register(LineSettings("line", f"sip:127.0.0.1:{port}", "alice", "secret"))
    async with asyncio.timeout(LIMIT_S):
        await registered.wait()
    await endpoint.aclose()
    transport.close()
    assert told == [Registered("line", 300), Unregistered("line")]


class Asker(Registrar):
    """Wants to know who it is, then refuses."""

    def __init__(self) -> None:
        self.was_shown: list[bool] = []
        "By INVITE."

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        lines = [line for line in data.split(b"\r\n") if not line.startswith(b"User-Agent")]
        shown = b"\r\nAuthorization: " in data
        if data.startswith(b"INVITE"):
            self.was_shown.append(shown)
        elif not data.startswith(b"REGISTER"):
            return
        status = b"403 Forbidden" if shown else b"401 Unauthorized"
        realm = b'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5'
        self.transport.sendto(b"\r\n".join([b"SIP/2.0 " + status, realm, *lines[1:]]), addr)


async def test_only_the_registrar_is_shown_what_a_line_can_show() -> None:
    loop = asyncio.get_running_loop()
    servers: list[tuple[asyncio.DatagramTransport, Asker]] = [
        await loop.create_datagram_endpoint(Asker, local_addr=("127.0.0.1", 0)) for _ in range(2)
    ]
    registrar, stranger = (
        f"127.0.0.1:{transport.get_extra_info('sockname')[1]}" for transport, _ in servers
    )
    endpoint = SipEndpoint(
        SipSettings(port=0), LoopClock(), random.Random(1), FakeMedia().open, lambda leg: None
    )
    await endpoint.start()
    endpoint.register(LineSettings("line", f"sip:{registrar}", "alice", "secret"))
    for target in ("100", f"sip:x@{registrar}", f"sip:x@{stranger}"):
        ended = asyncio.Event()
        leg = endpoint.call(target, line="line")
        leg.sink = lambda event, ended=ended: ended.set() if isinstance(event, LegEnded) else None
        async with asyncio.timeout(LIMIT_S):
            await ended.wait()
    await endpoint.aclose()
    for transport, _ in servers:
        transport.close()
    assert [server.was_shown for _, server in servers] == [[False, True, False, True], [False]]


async def test_port_that_is_taken_is_an_error() -> None:
    async with Pair(lambda leg: None) as pair:
        other = SipEndpoint(
            SipSettings(port=pair.server.port),
            LoopClock(),
            random.Random(1),
            FakeMedia().open,
            lambda leg: None,
        )
        with pytest.raises(OSError, match="in use"):
            await other.start()


async def test_too_large_datagram_is_told_as_unreachable() -> None:
    unreachable: list[tuple[Hop, str]] = []
    transport = UdpTransport(
        LoopClock(), lambda data, hop: None, lambda hop, why: unreachable.append((hop, why))
    )
    await transport.open("127.0.0.1", 0)
    hop = Hop("UDP", "127.0.0.1", 9)
    transport.send(Outgoing(b"x" * 70_000, hop))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert unreachable == [(hop, "70000 bytes are too many for UDP")]
    await transport.aclose()


def test_address_towards_this_machine_is_its_loopback() -> None:
    assert address_towards("127.0.0.1") == "127.0.0.1"
    assert socket.inet_aton(address_towards("127.0.0.2"))
