"""Both SDKs as packages: what is in them, and that they work from where they are installed."""

import os
import sys
from pathlib import Path

import pytest

from offhook.tests.conftest import ROOT
from offhook.tests.interop.clients.conftest import run, websocket_flags
from offhook.tests.kit.scripted_aetherium import KEY, ScriptedAetherium, update

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

STREAM = [update("status_change", "pending"), update("session_ended", "completed")]
TAP = ("--test", "--test-reporter=tap")
TESTS = [ROOT / "sdk" / "javascript" / "test" / f"{name}.test.js" for name in ("client", "stream")]


async def test_the_python_sdk_is_typed_and_works_from_where_it_is_installed(
    python_site: Path, tmp_path: Path
) -> None:
    assert (python_site / "aetherium_sdk" / "py.typed").is_file()
    assert set(os.listdir(python_site)) == {"aetherium_sdk", "aetherium_sdk-0.1.0.dist-info"}
    program = """
import os
from aetherium_sdk import AetheriumClient
client = AetheriumClient(os.environ["BASE_URL"], os.environ["KEY"])
print([update.status for update in client.sessions.stream(client.sessions.get(7).id)])
"""
    async with ScriptedAetherium() as server:
        server.connections.append([*STREAM])
        told = await run(
            *(sys.executable, "-c", program),
            cwd=tmp_path,
            PYTHONPATH=python_site,
            BASE_URL=server.url,
            KEY=KEY,
        )
    assert told == "['pending', 'completed']\n"


async def test_the_javascript_sdk_is_typed_and_works_from_where_it_is_installed(
    node_project: Path,
) -> None:
    package = node_project / "node_modules" / "@aetherium" / "sdk"
    assert (package / "src" / "index.d.ts").is_file()
    assert not (package / "test").exists()
    assert set(os.listdir(node_project / "node_modules")) <= {"@aetherium", ".package-lock.json"}
    program = """
import { AetheriumClient } from '@aetherium/sdk';
const client = new AetheriumClient({ baseUrl: process.env.BASE_URL, apiKey: process.env.KEY });
const session = await client.sessions.get(7);
client.sessions.stream(session.id).on('update', (update) => console.log(update.status));
"""
    async with ScriptedAetherium() as server:
        server.connections.append([*STREAM])
        told = await run(
            *("node", "--input-type=module", "-e", program),
            cwd=node_project,
            BASE_URL=server.url,
            KEY=KEY,
        )
    assert told == "pending\ncompleted\n"


@pytest.mark.usefixtures("needs_node")
async def test_the_javascript_sdk_passes_its_own_tests(tmp_path: Path) -> None:
    told = await run("node", *TAP, *TESTS, TESTS[0].with_name("frames.test.js"), cwd=tmp_path)
    assert "\n# fail 0\n" in told, told


async def test_the_javascript_sdk_passes_them_with_the_platforms_websocket_as_well(
    node_websocket: tuple[str, ...], tmp_path: Path
) -> None:
    assert websocket_flags() is not None
    told = await run("node", *node_websocket, *TAP, *TESTS, cwd=tmp_path)
    assert "\n# fail 0\n" in told, told
