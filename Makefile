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

test: .venv/installed-dev .venv/installed-bench .venv/installed-clients
	PATH="$(CURDIR)/$(BIN):$$PATH" sh -e tests/check.sh

# The figures that most people ask for first, in about five minutes; measured/report.html shows them.
bench: .venv/installed-bench
	$(BIN)/offhook bench latency --profile instant --calls 1 20 --out measured/latency.json
	$(BIN)/offhook bench bargein --part words --out measured/bargein.json
	$(BIN)/offhook bench capacity --codec PCMU --vad on --calls 250 500 1000 --out measured/capacity.json
	$(BIN)/offhook bench report measured/*.json --html measured/report.html

clean:
	rm -rf .venv .cache build dist demo measured *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Once, and again when a lock file or the packaging changes. The stamps are made last, so that an
# installation that was cut off is done again.
.venv/installed: requirements.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Offhook needs Python 3.11 or newer; $(PYTHON) is {sys.version.split()[0]} (make PYTHON=...)")'
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	$(PIP) --no-build-isolation -e .
	@touch $@

# PESQ is built from source: without a compiler and Python's headers, what needs it is left out.
.venv/installed-bench: .venv/installed requirements-bench.txt
	$(PIP) -r requirements-bench.txt
	@$(PIP) pesq==0.0.4 || echo "PESQ could not be built: 'offhook bench quality' needs a C compiler and Python's headers"
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

# What programs of older products import. It is not ours to install Node: without it their tests are
# skipped, and say so.
.venv/installed-clients: .venv/installed tests/interop/clients/package-lock.json
	@mkdir -p .cache/clients
	@cp tests/interop/clients/package.json tests/interop/clients/package-lock.json .cache/clients
	@if ! command -v npm >/dev/null; then \
		echo "npm is not installed: tests of programs in JavaScript are skipped"; \
	elif npm ci --prefix .cache/clients --ignore-scripts --no-audit --no-fund --loglevel=error; then \
		touch $@; \
	else \
		echo "npm ci failed: tests of programs in JavaScript are skipped"; \
	fi
