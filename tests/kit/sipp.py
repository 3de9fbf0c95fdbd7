"""sipp as a caller: a scenario file, run to its end."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from offhook.tests.kit.ports import free_port

SCENARIOS = Path(__file__).parents[1] / "interop" / "sipp"
LIMIT_S = 100
"A scenario that takes longer has failed."


class SippRun(NamedTuple):
    """How it went."""

    code: int
    "0: every call went as the scenario says."
    told: str
    "What sipp had to say about it, and every message, to be shown when it failed."


async def run_sipp(
    sip: str,
    scenario: str,
    folder: Path,
    *,
    user: str = "agent",
    options: tuple[str, ...] = (),
    **values: str,
) -> SippRun:
    """Call `user` at `sip` (`host:port`) by a scenario; `values` replace its `@names@`."""
    text = (SCENARIOS / f"{scenario}.xml").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (folder / "scenario.xml").write_text(text)
    process = await asyncio.create_subprocess_exec(
        *("sipp", sip, "-sf", "scenario.xml", "-s", user, "-i", "127.0.0.1", "-mi", "127.0.0.1"),
        *("-p", str(free_port()), "-mp", str(free_port()), "-nostdin"),
        *("-timeout", f"{LIMIT_S}s", "-timeout_error"),
        *("-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"),
        *(options or ("-m", "1")),
        cwd=folder,
        env={"TERM": "dumb", "PATH": "/usr/bin:/bin"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    screen, _ = await process.communicate()
    assert process.returncode is not None, "it has ended"
    files = [folder / "errors", folder / "messages"]
    told = [screen.decode()[-3000:], *(f.read_text()[-20000:] for f in files if f.exists())]
    return SippRun(process.returncode, "\n".join(told))
