#!/bin/sh
set -e
# Every check, cheapest first. From the repository root: sh tests/check.sh
mkdir -p .cache/root
ln -sfn ../.. .cache/root/offhook # the type checkers find `offhook` here
ruff format --check .
ruff check .
mypy
pyright
# Tests start hundreds of processes, each of which would compile all that it imports again.
unset PYTHONDONTWRITEBYTECODE
# Files on two cores; those that call foreign programs afterwards, one by one.
# What waits for what never happens ends after five minutes, and shows where it waits.
limit="-o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true"
pytest -n 2 --dist loadfile $limit -m "not interop"
pytest $limit -m interop
