"""The `offhook` command: finds the subcommand, runs it, and says in one line what went wrong.

A subcommand is a module in cli/ with `main(argv: list[str]) -> int`. It is imported when it is
asked for, so that `offhook --help` costs nothing.
"""

import importlib
import keyword
import os
import sys
from collections.abc import Callable, Sequence
from typing import cast

from ..media.errors import MediaError
from .errors import ConfigErrors, ControlError

COMMANDS = {
    "serve": "answer calls and serve the API until SIGTERM",
    "call": "place a SIP call as a telephone; list, place, steer those of a running server",
    "doctor": "check this machine and the configuration, and say what to do",
    "agent": "agents of a running server: list, show, create, change, delete",
    "number": "phone numbers of a running server, and who answers them",
    "line": "lines of a running server: their state, how full they are",
    "schedule": "calls of a running server that recur: list, show, add, change, pause, resume",
    "campaign": "many numbers for one agent, on a running server: create, launch, pause, stop",
    "import": "files of calls (CSV) for a running server: validate, create, errors",
    "dialer": "whether a running server places calls; stop, go on; numbers that are never called",
    "analytics": "figures of a running server's calls: show, export, rebuild",
    "user": "accounts of a running server: list, add, change, deactivate",
    "key": "API keys of a running server: list, create, revoke",
    "bench": "measure: latency, capacity, quality",
}
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"128 + SIGINT, as shells have it."
EXIT_BROKEN_PIPE = 141
"128 + SIGPIPE: whoever read has gone, as `head` does, and has what it wanted."


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code: 0 well, 1 failed, 2 wrong usage or configuration.

    141 when whoever reads what it says has gone.
    """
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
        return EXIT_BROKEN_PIPE


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        (sys.stdout if arguments else sys.stderr).write(usage())
        return 0 if arguments else EXIT_USAGE
    name, *rest = arguments
    if name not in COMMANDS:
        _complain(f"no command {name!r}; there is {', '.join(COMMANDS)}")
        return EXIT_USAGE
    try:
        return _command(name)(rest)
    except ConfigErrors as exc:
        for error in exc.errors:
            _complain(str(error))
        return exc.exit_code
    except ControlError as exc:
        _complain(str(exc))
        return exc.exit_code
    except MediaError as exc:
        _complain(str(exc))
        return 1
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def usage() -> str:
    """What `offhook --help` says."""
    rows = [f"  {name:9} {what}" for name, what in COMMANDS.items()]
    lines = ["usage: offhook <command> [options]", "", *rows, "", "offhook <command> --help: more"]
    return "\n".join(lines) + "\n"


def _command(name: str) -> Callable[[list[str]], int]:
    file = f"{name}_" if keyword.iskeyword(name) else name
    module = importlib.import_module(f".cli.{file}", __package__)
    return cast(Callable[[list[str]], int], module.main)  # what every module in cli/ has


def _close_stdout() -> None:
    """What is still to be written goes nowhere: the interpreter's end is not to trip over it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _complain(text: str) -> None:
    sys.stderr.write(f"offhook: {text}\n")
