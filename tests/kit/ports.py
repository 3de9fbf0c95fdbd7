"""Ports of the loopback for programs that cannot choose one themselves."""

import contextlib
import random
import socket

RANGE = range(10_000, 20_000, 2)
"Below those that the kernel hands out, so that no other test's socket takes one meanwhile."


def free_port() -> int:
    """An even port that was free a moment ago, as the next one, for RTCP or baresip's TLS."""
    for port in random.SystemRandom().sample(RANGE, 100):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                for wanted in (port, port + 1):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
                    probe.bind(("127.0.0.1", wanted))
            return port
    raise AssertionError("none of 100 ports is free")
