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
pytest -n 2 --dist loadfile -m "not interop"
pytest -m interop
