"""A PostgreSQL of the tests' own, in a temporary folder, reached by a socket in that folder.

It is started when somebody asks for it first, and stopped with the process. Nothing is forced to
the disk: it lives no longer than a test run. A database is made as a copy of one that was brought
to the newest version once.
"""

import atexit
import contextlib
import functools
import importlib.util
import itertools
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
from typing import Any

import pytest

FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/usr/pgsql")
USERS = ("postgres", "nobody")
"Who runs it when we are root: PostgreSQL refuses to be."
START_S = 60.0
TEMPLATE = "offhook_template"
QUICKLY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")

_numbers = itertools.count()


def missing() -> str | None:
    """Why there is none here; None: there is one."""
    if _program("initdb") is None:
        return "PostgreSQL is not installed (Debian: postgresql)"
    if importlib.util.find_spec("asyncpg") is None:
        return "asyncpg is not installed"
    return None


def needs_postgresql() -> pytest.MarkDecorator:
    """For tests that cannot do without."""
    why = missing()
    return pytest.mark.skipif(why is not None, reason=why or "")


class Cluster:
    """One server of databases."""

    def __init__(self) -> None:
        # Short: the path of a socket has 107 characters at most.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="offhook-pg-", dir="/tmp"))
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            user = _unprivileged()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
        self._end = self._ended_with_us()
        atexit.register(self.stop)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "offhook", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = [f"-c {setting}" for setting in QUICKLY]
        how = ["-c listen_addresses=''", f"-c unix_socket_directories={self.folder}", *settings]
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", log, "-o", " ".join(how), "start")

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+asyncpg://offhook@/{database}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """A new database, a copy of another one; its name."""
        name = f"offhook_{os.getpid()}_{next(_numbers)}"
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever is still connected to it."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Have a statement carried out by psql; its rows, as psql shows them."""
        where = ("-h", str(self.folder), "-U", "offhook", "-d", database)
        return self._run("psql", "-X", "-q", "-A", "-t", *where, "-c", statement)

    def stop(self) -> None:
        """End it, and remove all."""
        self._end.communicate(timeout=START_S)

    def _ended_with_us(self) -> "subprocess.Popen[Any]":
        """What ends it when the pipe to it is closed: also by a kill of this process."""
        script = 'cat; "$1" -D "$2/data" -m immediate -w stop; rm -rf "$2"'
        arguments = (str(_program("pg_ctl")), str(self.folder))
        return subprocess.Popen(
            ["sh", "-c", script, "sh", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self._as,
        )

    def _run(self, program: str, *arguments: str) -> str:
        path = _program(program)
        assert path is not None, f"{program} is not installed"
        done = subprocess.run(
            [path, *arguments],
            check=True,
            timeout=START_S,
            stdin=subprocess.DEVNULL,
            # pg_ctl's child keeps what it is given: a pipe would never end.
            stdout=subprocess.PIPE if program == "psql" else subprocess.DEVNULL,
            cwd=self.folder,
            **self._as,
        )
        return (done.stdout or b"").decode().strip()


@functools.cache
def cluster() -> Cluster:
    """The one of this process."""
    return Cluster()


def _program(name: str) -> str | None:
    """Debian has them outside of PATH, a folder a version."""
    found = shutil.which(name)
    if found is not None:
        return found
    for folder in map(pathlib.Path, FOLDERS):
        for path in sorted(folder.glob(f"*/bin/{name}"), reverse=True):
            return str(path)
    return None


def _unprivileged() -> pwd.struct_passwd:
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no unprivileged user to run PostgreSQL")
