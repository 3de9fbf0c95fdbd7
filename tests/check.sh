#!/bin/sh
set -e
# Every check, cheapest first. From the repository root: sh tests/check.sh
mkdir -p .cache/root
ln -sfn ../.. .cache/root/offhook # the type checkers find `offhook` here
ruff format --check .
ruff check .
mypy
pyright
pytest
