# Everything runs in .venv, which the first target that needs it makes. Needed beforehand: Python 3.11+ and make.

# The first of these that is recent enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench soak fuzz build clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo  ## one user's life, then an audit of 1,200 users, on the sandbox
	@$(BIN)/dbusers demo

test: .venv/dev  ## run the tests
	$(BIN)/pytest -n auto

check: .venv/dev  ## lint, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/dev  ## format and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/dev  ## CPU per request and import time, as ratios to plain aiohttp
	$(BIN)/python -m tests.benchmarks

soak: .venv/dev  ## 100,000 calls against a sandbox full of faults, in about three minutes
	$(BIN)/python -m tests.soak

fuzz: .venv/dev  ## answers that no provider should give, for one minute
	$(BIN)/python -m tests.fuzz

build: .venv/dev  ## a wheel and an sdist in dist/
	$(BIN)/python -m build

clean:  ## remove what the other targets made
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found: make PYTHON=/path/to/python3.11 …" >&2; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(PIP) install "pip>=25.1"  # the first to know dependency groups
	@touch $@

.venv/demo: .venv/pip pyproject.toml
	@echo "Installing dbusers and what its command needs into .venv …"
	@$(PIP) install --editable ".[cli]"
	@touch $@

.venv/dev: .venv/demo
	@echo "Installing the test tools into .venv …"
	@$(PIP) install --group dev
	@touch $@
