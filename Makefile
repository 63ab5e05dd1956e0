# Everything runs from a virtual environment that these targets make, and make again when the
# pins change. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help replay demo test check interleavings faults kills mutants bench soak clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

replay: $(VENV)/.run ## trade the bundled demo and print the summary (ARGS="--set …")
	$(BIN)/rotor replay $(ARGS)

demo: $(VENV)/.run ## a whole live day on a local exchange, in three minutes (ARGS="--speed max")
	$(BIN)/rotor rehearse --speed 120 $(ARGS)

test: $(VENV)/.dev ## run the tests (ARGS="-k …")
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: $(VENV)/.dev ## lint, types, layer contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

interleavings: $(VENV)/.dev ## a live session under a thousand seeds of Trio's scheduler
	$(BIN)/python -m tests.actors.interleavings $(ARGS)

faults: $(VENV)/.dev ## three hundred live sessions, each under other faults (ARGS="--seeds 0:20")
	$(BIN)/python -m tests.endurance.faults $(ARGS)

kills: $(VENV)/.dev ## a live session killed -9 at fifty random moments (ARGS="--kills 5")
	$(BIN)/python -m tests.endurance.kills $(ARGS)

fuzz: $(VENV)/.dev ## 5,000 flipped bits in the files of two runs, and what the commands say (ARGS="--flips 500")
	$(BIN)/python -m tests.endurance.fuzz $(ARGS)

mutants: $(VENV)/.dev ## what the suite catches: faults planted in it one by one (ARGS="--only ledger")
	$(BIN)/python -m tests.mutants $(ARGS)

bench: $(VENV)/.run ## measure the speed of replay and of live orders; writes bench.json
	$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(VENV)/.dev ## ten live sessions in one process: does anything grow
	$(BIN)/python -m tests.benchmarks.soak $(ARGS)

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rotor needs Python 3.11 or newer; $(PYTHON) is missing or older. Try: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing rotor into $(VENV) (about half a minute)"
	$(PIP) install -q -c constraints.txt hatchling editables setuptools
	$(PIP) install -q -c constraints.txt --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing the development tools"
	$(PIP) install -q -c constraints.txt --no-build-isolation -e ".[dev]"
	@touch $@
