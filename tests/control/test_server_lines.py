"""The lines of a whole server: calls go out over real SIP and real frames, and come back to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.control.domain.lines import Line, LineState
from offhook.control.lines.lines import LineBusy
from offhook.control.wiring import Server
from offhook.drivers.sip.registration import AnyRegistrationEvent
from offhook.drivers.sip.transport import NOT_PUBLIC
from offhook.media.ports import AnyLegEvent, HangUpCause, LegAnswered, LegEnded, LegPort
from offhook.tests.kit.station import LIMIT_S, Station
from offhook.tests.kit.whole_server import on_free_ports, started

LINES = {
    "LINES_0_NAME": "office",
    "LINES_0_USERNAME": "1001",
    "TRUNKS_0_NAME": "carrier",
    "TRUNKS_0_MAX_CALLS": "1",
}


class Ear:
    """Waits for what happens to a leg."""

    def __init__(self, leg: LegPort) -> None:
        self._events = asyncio.Queue[AnyLegEvent]()
        leg.sink = self._events.put_nowait

    async def wait_for(self, kind: type[AnyLegEvent]) -> AnyLegEvent:
        """The next event of that kind."""
        async with asyncio.timeout(LIMIT_S):
            while not isinstance(event := await self._events.get(), kind):
                pass
        return event


@pytest.fixture
async def carrier() -> AsyncIterator[Station]:
    async with Station() as station:
        yield station


@pytest.fixture
async def server(tmp_path: Path, carrier: Station) -> AsyncIterator[Server]:
    host = f"127.0.0.1:{carrier.endpoint.port}"
    there = {"TRUNKS_0_HOST": host, "LINES_0_REGISTRAR": f"sip:{host}"}
    async with started(on_free_ports(tmp_path, **LINES, **there)) as server:
        yield server


def line(server: Server, name: str) -> Line:
    found = server.lines.get(name)
    assert found is not None
    return found


async def test_a_call_goes_out_by_a_trunk_and_fills_it_until_it_has_ended(
    server: Server, carrier: Station
) -> None:
    leg = server.lines.call("carrier", "+49 30/123", "+4989")
    ear = Ear(leg)
    party = await carrier.incoming()
    assert (party.leg.to_number, party.leg.from_number) == ("+4930123", "+4989")
    with pytest.raises(LineBusy):
        server.lines.call("carrier", "1")
    party.leg.answer()
    await ear.wait_for(LegAnswered)
    assert line(server, "carrier").in_use == 1
    party.leg.hang_up()
    ended = await ear.wait_for(LegEnded)
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.by_us) == (HangUpCause.NORMAL, False)
    assert line(server, "carrier").in_use == 0


async def test_a_line_tells_what_its_registrar_answers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, learn = asyncio.Event(), server.lines.tell_registration

    def tell(event: AnyRegistrationEvent) -> None:
        learn(event)
        told.set()

    monkeypatch.setattr(server.lines, "tell_registration", tell)
    if line(server, "office").state is LineState.UNREGISTERED:
        async with asyncio.timeout(LIMIT_S):
            await told.wait()
    office = line(server, "office")  # the other telephone is no registrar
    assert (office.state, office.reason[0]) == (LineState.FAILED, "4")


async def test_a_simulated_modem_is_answered_through_real_frames(server: Server) -> None:
    leg = server.lines.call("simulated-1", "+1 555 0002")
    ear = Ear(leg)
    await ear.wait_for(LegAnswered)
    assert leg.lane is not None
    assert (leg.line, line(server, "simulated-1").in_use) == ("simulated-1", 1)
    assert line(server, "loopback").in_use == 0
    leg.hang_up()
    await ear.wait_for(LegEnded)
    assert line(server, "simulated-1").in_use == 0


async def test_an_address_of_this_machine_is_called_only_where_the_operator_lets_it(
    tmp_path: Path, server: Server
) -> None:
    async with Station() as other:
        target = other.address("anna")
        ended = await Ear(server.lines.call("carrier", target)).wait_for(LegEnded)
        assert isinstance(ended, LegEnded)
        assert ended.cause is HangUpCause.NETWORK
        assert NOT_PUBLIC in ended.reason
        trunk = LINES | {"LINES_0_REGISTRAR": "sip:127.0.0.1:9", "TRUNKS_0_HOST": "127.0.0.1:9"}
        settings = on_free_ports(tmp_path / "open", SIP_ALLOW_PRIVATE="true", **trunk)
        async with started(settings) as opened:
            leg = opened.lines.call("carrier", target)
            party = await other.incoming()
            assert party.leg.to_number == "anna"
            leg.hang_up()
