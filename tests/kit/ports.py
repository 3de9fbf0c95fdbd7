"""UDP and TCP ports of the loopback for programs that cannot choose one themselves."""

import socket


def free_port() -> int:
    """A port that was free a moment ago, for UDP and for TCP, even (RTP wants the next one too)."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port % 2 == 0:
                return port
