"""`offhook serve`: read the configuration, then run the server until SIGTERM."""

import argparse
import contextlib
import os
import resource

import uvloop

from ..auth.operator_token import open_token
from ..auth.secret_file import make_data_folder
from ..configuration import config
from ..telemetry import logs


def main(argv: list[str]) -> int:
    """Serve. Raises ConfigError, StartError, StoreError."""
    parser = argparse.ArgumentParser(prog="offhook serve", description="Answer calls.")
    parser.add_argument("--config", metavar="FILE", help="instead of ./offhook.toml")
    options = parser.parse_args(argv)
    settings = config.load(os.environ, options.config)
    make_data_folder(settings.data_folder())
    token = open_token(settings.api_token, settings.data_folder())
    if token.path is not None:
        print(f"the API's token is in {token.path}", flush=True)
    logs.configure(settings.log, [token.value, *settings.secrets_of(os.environ)])
    raise_file_limit()
    from ..wiring import serve  # numpy, codecs and models: not before the configuration is right

    uvloop.run(serve(settings))
    return 0


def raise_file_limit() -> None:
    """As many open files as the system allows: every call has sockets and a recording."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems report a limit they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
