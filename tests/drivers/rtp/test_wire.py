"""The UDP wire over loopback sockets, by io_uring and by one system call a socket."""

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from offhook.drivers.rtp import uring_packets
from offhook.drivers.rtp.sockets import FRAME_S, PACKETS_A_SOCKET, may_hold_more
from offhook.drivers.rtp.syscall_packets import SyscallPackets
from offhook.drivers.rtp.uring import Uring, open_ring
from offhook.drivers.rtp.uring_packets import UringPackets
from offhook.drivers.rtp.wire import UdpWire
from offhook.media.clock import LoopClock
from offhook.media.frames.wire import MAX_PACKET_BYTES, Inbox, address_key


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for each in made:
        each.bind(("127.0.0.1", 0))
        each.setblocking(False)
    yield made
    for each in made:
        each.close()


def small_ring() -> Uring:
    """One that most tests need several rounds of."""
    if open_ring() is None:
        pytest.skip("the kernel has no io_uring for us")
    return Uring(entries=4)


@pytest.fixture(params=["io_uring", "io_uring of old", "system calls"])
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> UdpWire:
    if request.param == "system calls":
        return UdpWire(SyscallPackets())
    if request.param == "io_uring of old":
        monkeypatch.setattr(uring_packets, "_sends_datagrams", lambda ring: False)
    return UdpWire(UringPackets(small_ring(), LoopClock()))


def key(each: socket.socket) -> int:
    return address_key(*each.getsockname())


def test_packets_arrive_with_row_length_and_source(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    one, two, far = sockets
    inbox = Inbox()
    wire.attach(3, 5, one, None)
    wire.attach(3, 9, two, None)
    far.sendto(b"abc", one.getsockname())
    far.sendto(b"defgh", two.getsockname())
    far.sendto(b"ij", two.getsockname())
    assert wire.receive(3, inbox) == 3
    got = [
        (int(inbox.rows[i]), inbox.data[i, : inbox.lengths[i]].tobytes(), int(inbox.sources[i]))
        for i in range(3)
    ]
    assert got == [(5, b"abc", key(far)), (9, b"defgh", key(far)), (9, b"ij", key(far))]
    assert wire.receive(3, inbox) == 0
    assert wire.receive(4, inbox) == 0, "a cohort without lanes"


def test_a_flood_on_one_socket_is_taken_in_portions(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    one, _, far = sockets
    inbox = Inbox()
    wire.attach(0, 0, one, None)
    for number in range(PACKETS_A_SOCKET + 3):
        far.sendto(bytes([number]), one.getsockname())
    assert wire.receive(0, inbox) == PACKETS_A_SOCKET
    assert wire.receive(0, inbox) == 3


def test_a_datagram_that_was_cut_tells_its_whole_length(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    one, _, far = sockets
    inbox = Inbox()
    wire.attach(0, 0, one, None)
    for size in (MAX_PACKET_BYTES, MAX_PACKET_BYTES + 1, 9000):
        far.sendto(bytes(size), one.getsockname())
    assert wire.receive(0, inbox) == 3
    assert inbox.lengths[:3].tolist() == [MAX_PACKET_BYTES, MAX_PACKET_BYTES + 1, 9000]


def test_a_full_inbox_leaves_the_rest_in_the_sockets(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    one, two, far = sockets
    inbox = Inbox(packets=PACKETS_A_SOCKET + 2)
    wire.attach(0, 0, one, None)
    wire.attach(0, 1, two, None)
    for each in (one, two):
        for number in range(PACKETS_A_SOCKET):
            far.sendto(bytes([number]), each.getsockname())
    taken = 0
    for _ in range(3):
        taken += wire.receive(0, inbox)
    assert taken >= PACKETS_A_SOCKET
    assert (inbox.lengths[:PACKETS_A_SOCKET] == 1).all()


def test_each_row_sends_its_own_bytes_from_its_own_port(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    one, two, far = sockets
    wire.attach(0, 1, one, None)
    wire.attach(0, 2, two, None)
    packets = np.arange(40, dtype=np.uint8).reshape(4, 10)
    lengths = np.array([0, 4, 10, 0])
    destinations = np.full(4, key(far), np.uint64)
    wire.send(0, np.array([1, 2]), packets, lengths, destinations)
    assert far.recvfrom(100) == (bytes(range(10, 14)), one.getsockname())
    assert far.recvfrom(100) == (bytes(range(20, 30)), two.getsockname())


def test_what_the_kernel_refuses_is_counted(wire: UdpWire, sockets: list[socket.socket]) -> None:
    one, *_ = sockets
    wire.attach(0, 0, one, None)
    packets = np.zeros((1, 10), np.uint8)
    nowhere = np.array([address_key("127.0.0.1", 0)], np.uint64)
    wire.send(0, np.array([0]), packets, np.array([10]), nowhere)
    assert wire.send_errors == 1


def test_rtcp_goes_by_its_own_socket_where_there_is_one(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    rtp, rtcp, far = sockets
    wire.attach(0, 0, rtp, rtcp)
    wire.send_control(0, 0, b"nobody has said where to")
    wire.control_to(0, 0, far.getsockname())
    wire.send_control(0, 0, b"report")
    assert far.recvfrom(100) == (b"report", rtcp.getsockname())
    wire.detach(0, 0)
    wire.send_control(0, 0, b"after the end")
    with pytest.raises(BlockingIOError):
        far.recvfrom(100)


def test_packets_close_up_over_sockets_that_had_none(wire: UdpWire) -> None:
    lanes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(11)]
    inbox = Inbox()
    try:
        for row, each in enumerate(lanes):
            each.bind(("127.0.0.1", 0))
            wire.attach(2, 3 * row, each, None)
        far = lanes[0]
        expected: list[tuple[int, bytes, int]] = []
        for number, row in enumerate((1, 2, 5, 9, 10)):
            for again in range(1 + number % 2):
                data = bytes([row] * (number + 1) + [again])
                far.sendto(data, lanes[row].getsockname())
                expected.append((3 * row, data, key(far)))
        wire.detach(2, 3 * 9)
        count = wire.receive(2, inbox)
        got = [
            (int(inbox.rows[i]), inbox.data[i, : inbox.lengths[i]].tobytes(), int(inbox.sources[i]))
            for i in range(count)
        ]
        assert sorted(got) == sorted(each for each in expected if each[0] != 27)
        for row in (6, 30):
            of_row = [data for at, data, _ in got if at == row]
            assert of_row == sorted(of_row), "in the order in which they came"
    finally:
        for each in lanes:
            each.close()


def test_the_kernel_says_when_each_packet_came(wire: UdpWire, sockets: list[socket.socket]) -> None:
    one, two, far = sockets
    inbox = Inbox()
    for row, each in enumerate((one, two)):
        wire.attach(0, row, each, None)
    # Unlike a clock that is read afterwards, the kernel's tells these two apart.
    moments = [time.time()]
    for each in (two, two, one):
        far.sendto(b"x", each.getsockname())
        moments.append(time.time())
    assert wire.receive(0, inbox) == 3
    came = inbox.arrived_wall[:3]
    of_one, of_two = came[inbox.rows[:3] == 0], came[inbox.rows[:3] == 1]
    in_order = [moments[0], of_two[0], moments[1], of_two[1], moments[2], of_one[0], moments[3]]
    assert in_order == sorted(in_order)


def test_more_packets_leave_than_a_ring_has_entries(
    wire: UdpWire, sockets: list[socket.socket]
) -> None:
    far = sockets[0]
    lanes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(150)]
    try:
        for row, each in enumerate(lanes):
            wire.attach(0, row, each, None)
        wire.detach(0, 7)
        packets = np.tile(np.arange(150, dtype=np.uint8)[:, None], (1, 20))
        rows, to = np.arange(150), np.full(150, key(far), np.uint64)
        wire.send(0, rows, packets, np.full(150, 20), to)
        wire.send(0, np.array([0, 500]), packets, np.full(150, 20), to)
        got = sorted(far.recv(100)[0] for _ in range(150))
        assert got == [0, 0, *(row for row in range(1, 150) if row != 7)]
        assert wire.send_errors == 0
    finally:
        for each in lanes:
            each.close()


def test_a_ring_that_the_kernel_refuses_is_an_error_that_says_so() -> None:
    with pytest.raises(OSError, match="io_uring_setup"):
        Uring(entries=0)


@pytest.mark.parametrize(
    ("age_ms", "gap_ms", "more"),
    [
        (1, 20, False),
        (19, 16, False),
        (5, 29, False),
        (21, 20, True),  # older than a frame: it was left here, or came just after the last tick
        (90, 20, True),  # even, but the loop stood still
        (1, 10, True),  # packets of 10 ms, or a burst
        (1, 0.1, True),
        (1, 40, True),  # the one before it was late or lost: this one may be, too
        (-3, 20, True),  # the wall clock was set back
        (1, -500, True),
    ],
)
def test_a_socket_is_asked_once_where_packets_come_evenly(
    age_ms: float, gap_ms: float, more: bool
) -> None:
    wall = 1.7e9
    came = wall - age_ms / 1000
    before = came - gap_ms / 1000
    assert may_hold_more(np.array([came]), np.array([before]), wall).tolist() == [more]


def test_a_socket_is_asked_again_where_nothing_is_known() -> None:
    wall = 1.7e9
    first_packet, no_stamps = (wall - 0.001, 0.0), (0.0, 0.0)
    came, before = np.array([first_packet, no_stamps]).T
    assert may_hold_more(came, before, wall).tolist() == [True, True]


def test_what_is_left_in_one_tick_is_older_than_a_frame_in_the_next() -> None:
    rng = np.random.default_rng(1)
    tick = 1.7e9
    left = tick - rng.uniform(0, FRAME_S, 1000)
    came_before = left - rng.uniform(0, FRAME_S, 1000)
    assert may_hold_more(left, came_before, tick + FRAME_S).all()


def test_packets_that_were_not_asked_for_come_with_the_next_tick(
    sockets: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, far = sockets
    wire, inbox = UdpWire(UringPackets(small_ring(), LoopClock())), Inbox()
    for row, each in enumerate((one, two)):
        wire.attach(0, row, each, None)
    for data in (b"a", b"bb", b"ccc"):
        far.sendto(data, one.getsockname())
        far.sendto(data, two.getsockname())
    seen: list[tuple[list[float], list[float]]] = []

    def only_the_second(came: np.ndarray, before: np.ndarray, wall: float) -> np.ndarray:
        seen.append((came.tolist(), before.tolist()))
        return np.array([False, True])

    monkeypatch.setattr(uring_packets, "may_hold_more", only_the_second)
    assert wire.receive(0, inbox) == 4
    assert inbox.rows[:4].tolist() == [0, 1, 1, 1]
    newest = [inbox.arrived_wall[0], inbox.arrived_wall[3]]
    far.sendto(b"dddd", two.getsockname())
    assert wire.receive(0, inbox) == 2
    assert inbox.lengths[:2].tolist() == [2, 4]
    assert [before for _, before in seen] == [[0.0, 0.0], newest]
    assert seen[1][0] == inbox.arrived_wall[:2].tolist()


def test_a_new_lane_does_not_inherit_when_packets_came(
    sockets: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, far = sockets
    wire, inbox = UdpWire(UringPackets(small_ring(), LoopClock())), Inbox()
    wire.attach(0, 3, one, None)
    far.sendto(b"a", one.getsockname())
    wire.receive(0, inbox)
    wire.detach(0, 3)
    wire.attach(0, 3, two, None)
    befores: list[float] = []

    def keep(came: np.ndarray, before: np.ndarray, wall: float) -> np.ndarray:
        befores.extend(before)
        return np.ones(len(came), bool)

    monkeypatch.setattr(uring_packets, "may_hold_more", keep)
    far.sendto(b"b", two.getsockname())
    wire.receive(0, inbox)
    assert befores == [0.0]
