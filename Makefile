# What people type. Everything lands in .venv; nothing else on the machine is changed.

PYTHON ?= $(or $(shell command -v python3.11 || command -v python3),python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: install run demo test bench clean
.DEFAULT_GOAL := install

install: .venv/installed

run: install
	$(BIN)/offhook serve

demo: install
	$(BIN)/python -m offhook.bench.demo

test: .venv/installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" sh -e tests/check.sh

bench: install
	$(BIN)/offhook bench capacity

clean:
	rm -rf .venv .cache build dist demo *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Once, and again when a lock file or the packaging changes. The stamps are made last, so that an
# installation that was cut off is done again.
.venv/installed: requirements.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Offhook needs Python 3.11 or newer; $(PYTHON) is {sys.version.split()[0]} (make PYTHON=...)")'
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	$(PIP) --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@
