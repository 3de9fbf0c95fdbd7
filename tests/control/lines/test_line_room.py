"""Lines put together: what is told when one cannot be opened, and that a room's end closes all."""

import asyncio
import contextlib
import random
import socket

import pytest

from offhook.control.configuration.config import RtpSettings, Settings, SipSettings
from offhook.control.dialer.call_limits import CallLimits
from offhook.control.errors import StartError
from offhook.control.lines.line_room import LineRoom
from offhook.control.lines.lines import LineFailed
from offhook.drivers.sip.transport import NOT_PUBLIC
from offhook.media.clock import LoopClock
from offhook.media.ports import LegEnded, LegPort
from offhook.tests.kit.loopback_rig import ToneSpeaker

HOST = "127.0.0.1"


def room_at(port: int) -> LineRoom:
    settings = Settings(
        sip=SipSettings(host=HOST, port=port, open="loopback"),
        rtp=RtpSettings(host=HOST, ports="0"),
        loopback=False,
    )
    return LineRoom(settings, CallLimits(), LoopClock(), random.Random(1))


async def start(room: LineRoom, stack: contextlib.AsyncExitStack) -> None:
    taken: list[LegPort] = []
    await room.start(stack, taken.append, lambda: None, ToneSpeaker())


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        async with contextlib.AsyncExitStack() as stack:
            with pytest.raises(StartError, match=f"SIP on {HOST} port {port}: .*in use"):
                await start(room_at(port), stack)


async def test_the_end_of_a_room_closes_its_lines() -> None:
    room = room_at(0)
    async with contextlib.AsyncExitStack() as stack:
        await start(room, stack)
        host, _, port = room.sip_address().partition(":")
        assert room.how_to_call() == f"from this machine, call sip:agent@{host}:{port}"
        assert room.sip_kept()["sessions"] == 0
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
            pytest.raises(OSError, match="in use"),
        ):
            other.bind((host, int(port)))
    assert room.sip_kept() == {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((host, int(port)))


async def test_nobody_is_dialled_by_a_line_that_is_not_there() -> None:
    with pytest.raises(LineFailed, match="there is no such line"):
        room_at(0).dial(f"sip:anna@{HOST}", "nowhere")


class Calls:
    """Notes what is said of a leg that ends."""

    def __init__(self, leg: LegPort) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        leg.sink = lambda event: self.ended.set_result(event)


async def test_who_is_called_into_a_call_from_this_machine_is_on_the_public_internet() -> None:
    room = room_at(0)
    async with contextlib.AsyncExitStack() as stack:
        await start(room, stack)
        end = await Calls(room.dial(f"sip:anna@{HOST}:9", "local")).ended
        assert isinstance(end, LegEnded)
        assert NOT_PUBLIC in end.reason
