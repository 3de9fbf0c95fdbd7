"""Independent programs against a live endpoint: sipp by scenario, baresip as a phone.

Media is a fake, so these tests are of the signalling alone.
"""

import asyncio
import pathlib
import random
import shutil
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from offhook.drivers.sip.endpoint import LineSettings, SipEndpoint, SipSettings
from offhook.drivers.sip.leg import SipLeg
from offhook.drivers.sip.registration import AnyRegistrationEvent, Registered
from offhook.drivers.sip.trunk import Account
from offhook.media.clock import LoopClock
from offhook.media.ports import AnyLegEvent, HangUpCause, LegAnswered, LegDigit, LegEnded, LegHeld
from offhook.tests.kit.ports import free_port
from offhook.tests.kit.sip_link import FakeMedia

UDP_SOCKETS = pathlib.Path("/proc/net/udp")
SCENARIOS = pathlib.Path(__file__).parents[2] / "data" / "sip" / "sipp"
LIMIT_S = 15.0

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")
needs_baresip = pytest.mark.skipif(
    shutil.which("baresip") is None, reason="baresip is not installed"
)
pytestmark = pytest.mark.interop


class Bench:
    """An endpoint whose calls do what the test says, and what its legs told."""

    def __init__(self, settings: SipSettings) -> None:
        self.media = FakeMedia("127.0.0.1")
        self.legs: list[SipLeg] = []
        self.events: list[AnyLegEvent] = []
        self.registrations: list[AnyRegistrationEvent] = []
        self.on_call: Callable[[SipLeg], None] = lambda leg: leg.answer()
        self._changed = asyncio.Event()
        self.media.on_apply = self._changed.set
        self.endpoint = SipEndpoint(
            settings,
            LoopClock(),
            random.Random(1),
            self.media.open,
            self._on_incoming,
            on_registration=self._on_registration,
        )

    def call(self, port: int, username: str = "alice") -> SipLeg:
        leg = self.endpoint.call(
            f"sip:service@127.0.0.1:{port}", username=username, password="secret"
        )
        self._listen(leg)
        return leg

    async def wait(self, kind: type[AnyLegEvent] | type[Registered]) -> None:
        """Until an event of that kind has been told."""
        await self.until(
            lambda: any(isinstance(e, kind) for e in [*self.events, *self.registrations])
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until it holds; looked at whenever something is told or media changes."""
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def told(self, kind: type[AnyLegEvent]) -> list[AnyLegEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def _on_incoming(self, leg: SipLeg) -> None:
        self._listen(leg)
        self.on_call(leg)

    def _listen(self, leg: SipLeg) -> None:
        self.legs.append(leg)
        leg.sink = self._on_event

    def _on_event(self, event: AnyLegEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def _on_registration(self, event: AnyRegistrationEvent) -> None:
        self.registrations.append(event)
        self._changed.set()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench(SipSettings(port=0, open_loopback=True))
    await bench.endpoint.start()
    yield bench
    await bench.endpoint.aclose()
    assert bench.media.live == 0


async def listens(port: int) -> None:
    """Wait until somebody has the port: neither program says so, and a closed one ends a call."""
    async with asyncio.timeout(LIMIT_S):
        while not await asyncio.to_thread(is_taken, port):
            pass


def is_taken(port: int) -> bool:
    return f":{port:04X} " in UDP_SOCKETS.read_text()


async def sipp(folder: pathlib.Path, scenario: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "sipp",
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-m", "1", "-l", "1"),
        *("-nostdin", "-timeout", "10", "-timeout_error", "-trace_err", "-error_file", "errors"),
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def finish(process: asyncio.subprocess.Process, folder: pathlib.Path) -> None:
    """Wait for sipp; its own complaint is the test's."""
    async with asyncio.timeout(LIMIT_S):
        code = await process.wait()
    errors = folder / "errors"
    assert code == 0, errors.read_text() if errors.exists() else f"sipp ended with {code}"


def is_ringing_only(leg: SipLeg) -> None:
    leg.ring()


@needs_sipp
@pytest.mark.parametrize(
    "scenario",
    ["uac_basic", "uac_late_offer", "uac_hold", "uac_bad_codec", "uac_info", "uac_timer"],
)
async def test_sipp_calls_in(bench: Bench, tmp_path: pathlib.Path, scenario: str) -> None:
    target = f"127.0.0.1:{bench.endpoint.port}"
    await finish(await sipp(tmp_path, scenario, "-p", str(free_port()), target), tmp_path)
    await bench.wait(LegEnded)
    assert len(bench.told(LegAnswered)) == 1
    assert len(bench.told(LegHeld)) == (scenario == "uac_hold")
    assert bench.told(LegDigit) == ([LegDigit("7")] if scenario == "uac_info" else [])


@needs_sipp
async def test_sipp_cancels(bench: Bench, tmp_path: pathlib.Path) -> None:
    bench.on_call = is_ringing_only
    target = f"127.0.0.1:{bench.endpoint.port}"
    await finish(await sipp(tmp_path, "uac_cancel", "-p", str(free_port()), target), tmp_path)
    (ended,) = bench.told(LegEnded)
    assert isinstance(ended, LegEnded)
    assert ended.cause is HangUpCause.CANCELLED


@needs_sipp
async def test_sipp_asks_for_options(bench: Bench, tmp_path: pathlib.Path) -> None:
    target = f"127.0.0.1:{bench.endpoint.port}"
    await finish(await sipp(tmp_path, "uac_options", "-p", str(free_port()), target), tmp_path)


@needs_sipp
async def test_sipp_calls_in_with_a_password(tmp_path: pathlib.Path) -> None:
    bench = Bench(SipSettings(port=0, accounts=(Account("bob", "right", "office"),)))
    await bench.endpoint.start()
    target = f"127.0.0.1:{bench.endpoint.port}"
    await finish(await sipp(tmp_path, "uac_auth", "-p", str(free_port()), target), tmp_path)
    await bench.wait(LegEnded)
    assert [leg.line for leg in bench.legs] == ["office"]
    await bench.endpoint.aclose()


@needs_sipp
@pytest.mark.parametrize("scenario", ["uas_basic", "uas_auth"])
async def test_sipp_is_called(bench: Bench, tmp_path: pathlib.Path, scenario: str) -> None:
    port = free_port()
    process = await sipp(tmp_path, scenario, "-p", str(port))
    await listens(port)
    leg = bench.call(port)
    await bench.wait(LegAnswered)
    leg.hang_up()
    await finish(process, tmp_path)


@needs_sipp
async def test_sipp_is_busy(bench: Bench, tmp_path: pathlib.Path) -> None:
    port = free_port()
    process = await sipp(tmp_path, "uas_busy", "-p", str(port))
    await listens(port)
    bench.call(port)
    await bench.wait(LegEnded)
    await finish(process, tmp_path)
    (ended,) = bench.told(LegEnded)
    assert isinstance(ended, LegEnded)
    assert (ended.cause, ended.status) == (HangUpCause.BUSY, 486)


@needs_sipp
async def test_sipp_is_cancelled(bench: Bench, tmp_path: pathlib.Path) -> None:
    port = free_port()
    process = await sipp(tmp_path, "uas_cancel", "-p", str(port))
    await listens(port)
    leg = bench.call(port)
    leg.hang_up()  # before sipp says anything: the CANCEL has to wait for its 180
    await finish(process, tmp_path)


@needs_sipp
async def test_sipp_is_registered_at(bench: Bench, tmp_path: pathlib.Path) -> None:
    port = free_port()
    process = await sipp(tmp_path, "uas_register", "-p", str(port))
    await listens(port)
    line = LineSettings("line", f"sip:127.0.0.1:{port}", "alice", "secret")
    bench.endpoint.register(line)
    await bench.wait(Registered)
    assert bench.registrations == [Registered("line", 600)]
    bench.endpoint.unregister("line")
    await finish(process, tmp_path)


# --- baresip -------------------------------------------------------------------------------------

BARESIP = """\
module_path /usr/lib/baresip/modules
sip_listen 127.0.0.1:{port}
call_max_calls 4
audio_source aubridge,wire
audio_player aubridge,wire
audio_alert aubridge,alert
rtp_ports 30000-31000
module g711.so
module aubridge.so
module_app account.so
module_app menu.so
"""


async def baresip(
    folder: pathlib.Path, port: int, *commands: str, password: str = ""
) -> asyncio.subprocess.Process:
    account = f";auth_user=bob;auth_pass={password}" if password else ""
    (folder / "config").write_text(BARESIP.format(port=port))
    (folder / "accounts").write_text(f"<sip:bare@127.0.0.1>;regint=0;answermode=auto{account}\n")
    (folder / "contacts").write_text("")
    arguments = [item for command in commands for item in ("-e", command)]
    return await asyncio.create_subprocess_exec(
        "baresip",
        *("-4", "-n", "127.0.0.1", "-f", str(folder), "-t", "12", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def process_says(process: asyncio.subprocess.Process, what: bytes) -> None:
    """Read what baresip says up to a line that holds `what`."""
    assert process.stdout is not None, "it is a pipe"
    async with asyncio.timeout(LIMIT_S):
        while what not in (line := await process.stdout.readline()):
            assert line, f"baresip ended without saying {what!r}"


async def stop(process: asyncio.subprocess.Process) -> str:
    """End baresip and give what it said; a test that is failing shows it."""
    if process.returncode is None:
        process.terminate()
    async with asyncio.timeout(LIMIT_S):
        said, _ = await process.communicate()
    text = said.decode(errors="replace")
    if (failure := sys.exception()) is not None:
        failure.add_note(f"baresip said:\n{text}")
    return text


@needs_baresip
async def test_baresip_calls_in_and_is_hung_up_on(bench: Bench, tmp_path: pathlib.Path) -> None:
    target = f"/dial sip:agent@127.0.0.1:{bench.endpoint.port}"
    process = await baresip(tmp_path, free_port(), target)
    try:
        await bench.wait(LegAnswered)
        bench.legs[0].hang_up()  # the BYE waits for the ACK
        await process_says(process, b"session closed")
    finally:
        said = await stop(process)
    assert bench.endpoint.agent.is_idle, said


@needs_baresip
async def test_baresip_is_called_held_and_resumed(bench: Bench, tmp_path: pathlib.Path) -> None:
    port = free_port()
    process = await baresip(tmp_path, port)
    await listens(port)
    try:
        leg = bench.endpoint.call(f"sip:bare@127.0.0.1:{port}")
        bench._listen(leg)
        await bench.wait(LegAnswered)
        applied = bench.media.opened[0].applied
        for verb in (leg.hold, leg.resume):
            wanted = len(applied) + 1
            verb()
            await bench.until(lambda wanted=wanted: len(applied) == wanted)  # type: ignore[misc]
        leg.hang_up()
        await process_says(process, b"session closed")
    finally:
        said = await stop(process)
    directions = [choice.direction.value for choice in bench.media.opened[0].applied]
    assert directions == ["sendrecv", "sendonly", "sendrecv"], said


@needs_baresip
@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_baresip_calls_in_with_a_password(tmp_path: pathlib.Path, password: str) -> None:
    bench = Bench(SipSettings(port=0, accounts=(Account("bob", "right", "office"),)))
    await bench.endpoint.start()
    target = f"/dial sip:agent@127.0.0.1:{bench.endpoint.port}"
    process = await baresip(tmp_path, free_port(), target, password=password)
    try:
        if password == "right":
            await bench.wait(LegAnswered)
        else:
            await process_says(process, b"session closed")
    finally:
        said = await stop(process)
        await bench.endpoint.aclose()
    assert [leg.line for leg in bench.legs] == (["office"] if password == "right" else []), said
