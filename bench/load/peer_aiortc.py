"""A WebRTC echo on stock aiortc. Runs in a virtual environment of its own, without Offhook.

    python -P peer_aiortc.py server --calls 8 --speech speech-48000.raw

The server answers each call with what it hears (Opus, DTLS-SRTP, ICE); the far ends are aiortc too,
in a process on the other core, so both sides do the same work. Prints one line of JSON.
"""

import argparse
import asyncio
import fractions
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import av
import uvloop
from aiortc import (  # pyright: ignore[reportMissingImports]
    MediaStreamTrack,
    RTCPeerConnection,
    RTCSessionDescription,
)

SERVER_CORE, LOAD_CORE = 1, 0
RATE_HZ, FRAME, FRAME_S = 48000, 960, 0.02
SETTLE_S = 2.0


class Talker(MediaStreamTrack):  # type: ignore[misc, unused-ignore]
    """Speech at the pace of time."""

    kind = "audio"

    def __init__(self, pcm: bytes, begin: int) -> None:
        super().__init__()
        self._pcm, self._number, self._begin = pcm, 0, begin
        self._origin: float | None = None

    async def recv(self) -> Any:
        if self._origin is None:
            self._origin = time.monotonic()
        self._number += 1
        due = self._origin + self._number * FRAME_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        at = 2 * ((self._begin + self._number * FRAME) % (len(self._pcm) // 2 - FRAME))
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(self._pcm[at : at + 2 * FRAME])
        frame.sample_rate, frame.pts = RATE_HZ, self._number * FRAME
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        return frame


async def _read(stream: TextIO) -> str:
    return await asyncio.get_running_loop().run_in_executor(None, stream.readline)


def _say(stream: TextIO, what: object) -> None:
    stream.write(json.dumps(what) + "\n")
    stream.flush()


async def client(calls: int, pcm: bytes) -> None:
    """The far ends: offers out, answers in, then counts until told to tell."""
    peers: list[Any] = []
    heard = [0]

    async def listen(track: Any) -> None:
        while True:
            await track.recv()
            heard[0] += 1

    tasks: list[asyncio.Future[None]] = []
    for number in range(calls):
        peer = RTCPeerConnection()
        peer.on("track", lambda track: tasks.append(asyncio.ensure_future(listen(track))))
        peer.addTrack(Talker(pcm, 7919 * number))
        peers.append(peer)
        await peer.setLocalDescription(await peer.createOffer())
        _say(sys.stdout, {"sdp": peer.localDescription.sdp})
        answer = json.loads(await _read(sys.stdin))
        await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    while not all(peer.connectionState == "connected" for peer in peers):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    _say(sys.stdout, {"connected": calls})
    while (await _read(sys.stdin)).strip() == "tell":
        _say(sys.stdout, {"frames": heard[0], "cpu_s": time.process_time()})
    os._exit(0)


async def server(calls: int, path: str, seconds: float) -> None:
    """The echo, and what it costs."""
    far = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(LOAD_CORE), sys.executable, "-P", __file__),
        *("client", "--calls", str(calls), "--speech", path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert far.stdin is not None
    assert far.stdout is not None
    peers: list[Any] = []
    began_s, began_at = time.process_time(), time.monotonic()
    for _ in range(calls):
        offer = json.loads(await far.stdout.readline())
        peer = RTCPeerConnection()
        peer.on("track", lambda track, peer=peer: peer.addTrack(track))
        await peer.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        peers.append(peer)
        far.stdin.write(json.dumps({"sdp": peer.localDescription.sdp}).encode() + b"\n")
    assert b"connected" in await asyncio.wait_for(far.stdout.readline(), 60)
    setup_s, setup_wall_s = time.process_time() - began_s, time.monotonic() - began_at

    ask, answer = far.stdin, far.stdout

    async def look() -> tuple[float, float, int, float]:
        ask.write(b"tell\n")
        told = json.loads(await answer.readline())
        return time.process_time(), time.monotonic(), told["frames"], told["cpu_s"]

    await asyncio.sleep(SETTLE_S)
    cpu, at, frames, far_cpu = await look()
    await asyncio.sleep(seconds)
    cpu_2, at_2, frames_2, far_cpu_2 = await look()
    wall = at_2 - at
    result = {
        "calls": calls,
        "cpu_share": (cpu_2 - cpu) / wall,
        "far_cpu_share": (far_cpu_2 - far_cpu) / wall,
        "frames_a_second": (frames_2 - frames) / wall / calls,
        "setup_cpu_ms": 1000 * setup_s / calls,
        "setups_a_second": calls / setup_wall_s,
    }
    print(json.dumps(result), flush=True)
    far.kill()
    await far.wait()
    os._exit(0)  # its threads need not be waited for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--speech", required=True, help="int16 mono at 48 kHz")
    options = parser.parse_args()
    if options.role == "client":
        uvloop.run(client(options.calls, Path(options.speech).read_bytes()))
    os.sched_setaffinity(0, {SERVER_CORE})
    uvloop.run(server(options.calls, options.speech, options.seconds))


if __name__ == "__main__":
    main()
