"""The two ends of a simulated call hear each other, and leave nothing behind."""

import numpy as np
import pytest

from offhook.drivers.loopback.media import CODEC, HOST, LoopbackMedia
from offhook.drivers.rtp.ports import PortPool, PortRange
from offhook.drivers.rtp.session import RtpMediaFactory
from offhook.media.errors import Refused
from offhook.media.events import AnyMediaEvent, AudioCaptured, DigitPressed
from offhook.tests.kit.loopback_rig import LoopbackRig


class Rig(LoopbackRig):
    """... and what a call's audio is made of."""

    def __init__(self, max_lanes: int = 1000, ports: PortRange | None = None) -> None:
        super().__init__(max_lanes)
        self.ports = PortPool(HOST, ports or PortRange(0, 0))
        self.factory = RtpMediaFactory(self.engine, self.wire, self.ports, self.clock, HOST)

    @property
    def left(self) -> tuple[int, int]:
        return len(self.engine), self.ports.in_use


async def test_what_one_end_says_the_other_hears_sample_by_sample() -> None:
    rig = Rig()
    media = LoopbackMedia(rig.factory)
    near, far = media.join()
    events: list[AnyMediaEvent] = []
    near.sink = events.append
    await rig.run(200)
    said = np.random.default_rng(1).integers(-9000, 9000, CODEC.sample_rate_hz // 2, np.int16)
    near.capture(near.position_samples)
    far.play(1, said)
    far.open_gate(1)
    await rig.run(1000)
    heard = np.frombuffer(b"".join(e.pcm for e in events if isinstance(e, AudioCaptured)), "<i2")
    begin = int(np.flatnonzero(heard == said[0])[0])
    assert np.array_equal(heard[begin : begin + len(said)], said)
    assert near.quality().packets_received > 50
    assert near.quality().packets_lost == 0
    media.close()
    assert rig.left == (0, 0)


async def test_keys_arrive_once_as_telephone_events() -> None:
    rig = Rig()
    media = LoopbackMedia(rig.factory)
    near, far = media.join()
    events: list[AnyMediaEvent] = []
    far.sink = events.append
    await rig.run(100)
    near.send_digits("12#")
    await rig.run(1500)
    assert [e.digit for e in events if isinstance(e, DigitPressed)] == ["1", "2", "#"]
    media.close()


async def test_rtcp_says_how_the_other_end_hears_us() -> None:
    rig = Rig()
    media = LoopbackMedia(rig.factory)
    near, _ = media.join()
    await rig.run(15_000)
    report = near.quality().remote_inbound_rtp
    assert report is not None
    assert report.packets_lost == 0
    media.close()


async def test_a_call_with_a_lane_for_one_end_only_gives_it_back() -> None:
    rig = Rig(max_lanes=1)
    media = LoopbackMedia(rig.factory)
    with pytest.raises(Refused):
        media.join()
    media.close()
    media.close()
    assert rig.left == (0, 0)


async def test_a_call_with_ports_for_one_end_only_gives_them_back() -> None:
    free = LoopbackMedia(Rig().factory)
    port = free._near.local_port + free._near.local_port % 2
    free.close()
    rig = Rig(ports=PortRange(port, port + 1))
    with pytest.raises(Refused):
        LoopbackMedia(rig.factory)
    assert rig.left == (0, 0)
