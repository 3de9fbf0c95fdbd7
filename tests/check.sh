#!/bin/sh
set -e
# Every check, cheapest first. From the repository root: sh tests/check.sh
mkdir -p .cache/root
ln -sfn ../.. .cache/root/offhook # the type checkers find `offhook` here
ruff format --check .
ruff check .
mypy
pyright
# Files on two cores; those that call foreign programs afterwards, one by one.
pytest -n 2 --dist loadfile -m "not interop"
pytest -m interop
