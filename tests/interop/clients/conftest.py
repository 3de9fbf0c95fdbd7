"""A server as programs of older products meet it, and what those programs run on."""

import asyncio
import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from offhook.bench.load.server_process import TOKEN, ServerProcess
from offhook.tests.conftest import ROOT
from offhook.tests.interop.conftest import serving

PROGRAMS = Path(__file__).parent / "programs"
NODE_MODULES = ROOT / ".cache" / "clients" / "node_modules"
"What `make` installs for the programs (Makefile)."
PATIENCE_S = 60.0
PASSWORD = "SecurePassword123!"
BUSY = "+15551230010"
"On the simulated far end its calls are over at once."
ANSWERING = "+15551234567"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server with the simulated far end, where everybody may register."""
    async for started in serving(tmp_path_factory.mktemp("office"), RATE_LIMITS="false"):
        yield started


class Asking:
    """Requests to one server: `await asking.want(201, "POST", path, json=…)`."""

    def __init__(self, http: aiohttp.ClientSession, base: str, token: str = TOKEN) -> None:
        self._http = http
        self.base = base
        self.token = token

    async def want(self, status: int, method: str, path: str, **more: Any) -> Any:
        """Its JSON."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._http.request(method, self.base + path, headers=headers, **more) as got:
            text = await got.text()
            assert got.status == status, f"{method} {path}: {got.status} {text}"
            return msgspec.json.decode(text) if text else None


@pytest_asyncio.fixture(loop_scope="session")
async def operator(office: ServerProcess) -> AsyncIterator[Asking]:
    """The native API, with the operator's token."""
    async with aiohttp.ClientSession() as http:
        yield Asking(http, office.http)


async def run(*command: str | Path, cwd: Path, **environment: str | Path) -> str:
    """What a program printed. It must end well, with nothing but these variables and PATH."""
    settings = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=settings | {name: str(value) for name, value in environment.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (command, process.returncode, out.decode(), err.decode())
    return out.decode()


@contextlib.asynccontextmanager
async def started(
    name: str, cwd: Path, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of our programs in Node while it runs: its output can be read, its input closed."""
    process = await asyncio.create_subprocess_exec(
        *("node", PROGRAMS / name),
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd)} | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run_python(name: str, site: Path | None, cwd: Path, **environment: str) -> str:
    """One of our programs in Python, with packages of `site`."""
    paths = {} if site is None else {"PYTHONPATH": site}
    return await run(sys.executable, PROGRAMS / name, cwd=cwd, **paths, **environment)


async def run_node(name: str, cwd: Path, *flags: str, **environment: str) -> str:
    """One of our programs in Node; CommonJS finds what `make` installed, modules what `cwd` has."""
    program = Path(shutil.copy(PROGRAMS / name, cwd))
    modules = {"NODE_PATH": NODE_MODULES}
    return await run("node", *flags, program, cwd=cwd, **modules, **environment)


def last_json(told: str) -> Any:
    """The last line that a program printed."""
    return msgspec.json.decode(told.strip().splitlines()[-1])


@pytest.fixture
def needs_node() -> None:
    """Skip where Node is not installed."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed (apt-get install nodejs)")


@pytest.fixture
def needs_curl() -> None:
    """Skip where curl is not installed."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed (apt-get install curl)")


@pytest.fixture
def node_modules(needs_node: None) -> Path:
    """Packages that programs in Node import; skip where `make` could not install them."""
    if not NODE_MODULES.is_dir():
        pytest.skip(f"{NODE_MODULES} is missing (npm, and `make .venv/installed-clients`)")
    return NODE_MODULES


@functools.cache
def websocket_flags() -> tuple[str, ...] | None:
    """What Node needs to have a WebSocket of its own; None: it has none."""
    for flags in ((), ("--experimental-websocket",)):
        tried = subprocess.run(
            ["node", *flags, "-e", "new WebSocket('x')"], capture_output=True, check=False
        )
        if b"SyntaxError" in tried.stderr and b"Invalid URL" in tried.stderr:
            return flags
    return None


@pytest.fixture
def node_websocket(needs_node: None) -> tuple[str, ...]:
    """Flags that give Node a WebSocket; skip where none do."""
    flags = websocket_flags()
    if flags is None:
        pytest.skip("this node has no WebSocket (it came with version 20.10, by a flag)")
    return flags


@pytest.fixture(scope="session")
def python_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python SDK as a package: built and installed without a network, into this folder."""
    folder = tmp_path_factory.mktemp("python-sdk")
    source = shutil.copytree(ROOT / "sdk" / "python", folder / "source")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    offline = ("--no-index", "--no-deps", "--quiet")
    install(*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    install(*pip, "install", *offline, "--target", site, wheel, cwd=folder)
    return site


@pytest.fixture(scope="session")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in Node that has the JavaScript SDK as a package, installed without a network."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("npm is not installed (apt-get install npm)")
    folder = tmp_path_factory.mktemp("node-project")
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    install("npm", "pack", *quiet, ROOT / "sdk" / "javascript", cwd=folder)
    (packed,) = folder.glob("*.tgz")
    (folder / "package.json").write_text('{"name": "project", "private": true}')
    install("npm", "install", "--offline", *quiet, packed, cwd=folder)
    return folder


def install(*command: str | Path, cwd: Path) -> None:
    """Run what installs something; it must end well."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
