# The whole developer UI. `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
JOBS ?= logical
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench record lock clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "seawall: no $(PYTHON) found. Install Python 3.11 or newer, or say: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("seawall: needs Python 3.11 or newer, found %d.%d. Say: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" % v[:2])'
	@echo "seawall: setting up $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "seawall: cannot make $(VENV) here. Check that the folder can be written and that the venv module is installed."; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)  ## Run real cases from intake to closed, in front of you
	@$(BIN)/seawall demo $(ARGS)

up: $(READY)  ## Keep the whole stack running until Ctrl-C
	@$(BIN)/seawall up $(ARGS)

test: $(READY)  ## Run the whole suite, as many processes as processors (JOBS=1: one after the other)
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 $(ARGS)

check: $(READY)  ## Lint, format, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## Measure the claims; fails above a limit
	@$(BIN)/python -m benchmarks.rulebook
	@$(BIN)/python -m benchmarks.lifecycle
	@$(BIN)/python -m benchmarks.replay
	@$(BIN)/python -m benchmarks.whatif

record: $(READY)  ## Record the histories that replay tests check (deliberately, in a commit of its own)
	@$(BIN)/python -m tests.replay.record

lock:  ## Compile requirements.lock anew, for all platforms (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --upgrade -q -o requirements.lock

clean:  ## Remove the virtual environment and the local state
	@rm -rf $(VENV) .seawall
