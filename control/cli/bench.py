"""`offhook bench <name>`: run one of the measurements in bench/."""

import argparse
import importlib.resources
import runpy
import signal
import sys

BENCH = "offhook.bench"
RUNNABLE = '__name__ == "__main__"'


def main(argv: list[str]) -> int:
    """Run the measurement; it reads the arguments after its name itself."""
    parser = argparse.ArgumentParser(prog="offhook bench", description="Measure.")
    parser.add_argument("name", choices=names(), help="what to measure")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for the measurement")
    options = parser.parse_args(argv)
    # A run that is ended from outside ends its servers, too: as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.argv = [f"offhook bench {options.name}", *options.arguments]
    runpy.run_module(f"{BENCH}.{options.name}", run_name="__main__", alter_sys=True)
    return 0


def names() -> list[str]:
    """The modules of bench/ that can be run, by what their source says."""
    folder = importlib.resources.files(BENCH)
    sources = (file for file in folder.iterdir() if file.name.endswith(".py"))
    return sorted(f.name.removesuffix(".py") for f in sources if RUNNABLE in f.read_text())
