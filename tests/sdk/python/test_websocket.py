"""The Python SDK's WebSocket: frames as bytes, and servers that are none."""

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Callable

import pytest
from aetherium_sdk.frames import (
    MAX_MESSAGE_BYTES,
    Closed,
    Event,
    FrameReader,
    Message,
    Opcode,
    Pinged,
    Ponged,
    ProtocolError,
    frame,
)
from aetherium_sdk.websocket import HandshakeRefused, Lost, WebSocket

MASK = bytes.fromhex("37fa213d")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def events(*parts: bytes) -> list[Event]:
    reader, found = FrameReader(), []
    for part in parts:
        reader.receive_data(part)
        while (event := reader.next_event()) is not None:
            found.append(event)
    return found


def test_a_masked_text_is_as_in_the_rfc() -> None:  # RFC 6455 §5.7
    assert frame(Opcode.TEXT, b"Hello", MASK).hex() == "818537fa213d7f9f4d5158"


@pytest.mark.parametrize(
    ("size", "head"), [(125, "81fd"), (126, "81fe007e"), (65536, "81ff0000000000010000")]
)
def test_lengths_take_as_many_bytes_as_they_need(size: int, head: str) -> None:
    sent = frame(Opcode.TEXT, b"x" * size, bytes(4))
    assert sent.hex().startswith(head + "00000000")
    assert sent.endswith(b"x" * size)


STREAM = (
    bytes.fromhex("010348656c")  # "Hel", RFC 6455 §5.7
    + bytes.fromhex("890548656c6c6f")  # a ping in between
    + bytes.fromhex("80026c6f")  # "lo"
    + bytes.fromhex("8a00")
    + b"\x81\x7e\x01\x00"
    + b"y" * 256
    + b"\x81\x7f"
    + (70000).to_bytes(8, "big")
    + b"z" * 70000
    + b"\x88\x05\x03\xe8bye"
)
WHOLE: list[Event] = [
    Pinged(b"Hello"),
    Message("Hello"),
    Ponged(),
    Message("y" * 256),
    Message("z" * 70000),
    Closed(1000, "bye"),
]


def test_frames_are_read_whole_or_byte_by_byte() -> None:
    assert events(STREAM) == WHOLE
    assert events(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == WHOLE


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("c10148"),  # a reserved bit
        bytes.fromhex("818100000000"),  # masked by a server
        bytes.fromhex("830141"),  # an opcode that is none
        bytes.fromhex("820141"),  # binary
        bytes.fromhex("0900"),  # a ping in parts
        bytes.fromhex("897e0080"),  # a long ping
        bytes.fromhex("800141"),  # the rest of nothing
        bytes.fromhex("010141010141"),  # a message within another
        bytes.fromhex("8101ff"),  # no UTF-8
        bytes.fromhex("880103"),  # half a close code
        b"\x81\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"),
    ],
)
def test_what_is_no_websocket_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        events(data)


def served(answer: Callable[[socket.socket, bytes], None]) -> str:
    """The address of a server that takes one connection, and does this with it and its request."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening, listening.accept()[0] as client:
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(4096)
            answer(client, request)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/ws"


def accepted(request: bytes) -> bytes:
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    digest = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return b"HTTP/1.1 101 Switching\r\nsec-websocket-accept: " + digest + b"\r\n\r\n"


def until_closed(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))


def test_what_comes_with_the_handshake_is_read_and_pings_are_answered() -> None:
    got = []

    def answer(client: socket.socket, request: bytes) -> None:
        client.sendall(accepted(request) + b"\x81\x02ok" + b"\x89\x01!" + b"\x81\x02go")
        got.append(until_closed(client))

    connection = WebSocket(served(answer), {}, 5.0)
    assert (connection.receive(), connection.receive()) == ("ok", "go")
    connection.close()


def test_a_silent_server_is_pinged_then_given_up() -> None:
    pinged = threading.Event()

    def answer(client: socket.socket, request: bytes) -> None:
        client.sendall(accepted(request))
        if client.recv(2)[:1] == b"\x89":
            pinged.set()
        until_closed(client)

    connection = WebSocket(served(answer), {}, 5.0, silence_s=0.05)
    with pytest.raises(Lost, match="no answer to a ping"):
        connection.receive()
    connection.close()
    assert pinged.wait(5)


def test_a_close_is_told_with_its_code_and_answered() -> None:
    answered = []
    done = threading.Event()

    def answer(client: socket.socket, request: bytes) -> None:
        client.sendall(accepted(request) + b"\x88\x02" + struct.pack("!H", 4404))
        answered.append(client.recv(2))
        done.set()

    connection = WebSocket(served(answer), {}, 5.0)
    with pytest.raises(Lost) as caught:
        connection.receive()
    assert caught.value.code == 4404
    assert done.wait(5)
    assert answered == [b"\x88\x82"]
    connection.close()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 101 OK\r\nsec-websocket-accept: x\r\n\r\n", b""]
)
def test_what_answers_and_is_no_websocket_server_is_left(answer: bytes) -> None:
    with pytest.raises(Lost):
        WebSocket(served(lambda client, _: client.sendall(answer)), {}, 5.0)


def test_a_refusal_is_told_with_its_status() -> None:
    answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"
    with pytest.raises(HandshakeRefused) as caught:
        WebSocket(served(lambda client, _: client.sendall(answer)), {}, 5.0)
    assert caught.value.status == 401
