# Everything runs in .venv, which the first target that needs it makes. Needed beforehand: Python 3.11+ and make.

# The first of these that is recent enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Declared in pyproject.toml, and tested by `make pythons`.
PYTHONS := 3.11 3.12 3.13
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check pythons format bench cost soak fuzz docs build clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo  ## one user's life, then an audit of 1,200 users, on the sandbox
	@$(BIN)/dbusers demo

test: $(VENV)/dev  ## run the tests
	$(BIN)/pytest -n auto --dist worksteal

check: $(VENV)/dev  ## lint, formatting, types, and that all public ones are known
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(CURDIR)/$(BIN):$$PATH" \
		basedpyright --verifytypes dbusers --ignoreexternal > $(VENV)/types.txt || { cat $(VENV)/types.txt; exit 1; }
	@grep "Type completeness" $(VENV)/types.txt

pythons:  ## run the tests on every declared Python that is here
	@for version in $(PYTHONS); do \
		if python$$version -c "" 2>/dev/null; \
		then $(MAKE) --no-print-directory test VENV=.venv-$$version PYTHON=python$$version || exit 1; \
		else echo "Python $$version is not here: NOT TESTED"; fi; done

format: $(VENV)/dev  ## format and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/bench  ## what calls, reading, imports and audits cost beside other clients, into docs/performance.md
	$(BIN)/python -m tests.benchmarks

cost: $(VENV)/dev  ## instructions of a call, under Valgrind: fails if they grew by more than 5 %
	$(BIN)/python -m tests.cost

soak: $(VENV)/dev  ## 100,000 calls against a sandbox full of faults, in about three minutes
	$(BIN)/python -m tests.soak

fuzz: $(VENV)/dev  ## answers that no provider should give, for one minute
	$(BIN)/python -m tests.fuzz

docs: $(VENV)/docs  ## the documentation as a site in build/site, every link checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file .mkdocs.yml
	@echo "build/site/index.html"

build: $(VENV)/dev  ## a wheel and an sdist in dist/
	$(BIN)/python -m build

clean:  ## remove what the other targets made
	rm -rf .venv* dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found: make PYTHON=/path/to/python3.11 …" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install "pip>=25.1"  # the first to know dependency groups
	@touch $@

$(VENV)/demo: $(VENV)/pip pyproject.toml
	@echo "Installing dbusers and what its command needs into $(VENV) …"
	@$(PIP) install --editable ".[cli]"
	@touch $@

$(VENV)/dev: $(VENV)/demo
	@echo "Installing the test tools into $(VENV) …"
	@$(PIP) install --group dev
	@touch $@

$(VENV)/bench: $(VENV)/dev
	@echo "Installing the clients to measure beside into $(VENV) …"
	@$(PIP) install --group bench
	@touch $@

$(VENV)/docs: $(VENV)/dev
	@echo "Installing what makes the site into $(VENV) …"
	@$(PIP) install --group docs
	@touch $@
