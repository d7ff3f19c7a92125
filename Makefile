# Every target sets up what it needs in .venv and may be run again: nothing is reinstalled until pyproject.toml changes.
# Variables: PYTHON (the interpreter for .venv), ARGS (more arguments for the command), JOBS (test processes), CACHE (a
# folder for the kernels that the tests compile, removed after them).

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto
ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$python && break; done)

.PHONY: help demo test lint bench docs clean

help:
	@echo "make demo   train on the digits that ship with graphflow, and show what was compiled"
	@echo "make test   run all tests (ARGS='-k softmax' narrows them, JOBS=1 runs them in one process)"
	@echo "make lint   ruff and mypy"
	@echo "make docs   build the site (guides, notebooks, reference) into build/docs/html"
	@echo "make bench  time graphflow beside TensorFlow, JAX, PyTorch and PyTensor (ARGS='--help' lists options)"
	@echo "make clean  remove what the others made, the environments included"

demo: $(VENV)/installed
	@$(BIN)/python -m graphflow demo $(ARGS)

# the kernels that the tests compile are shared by the test processes, and gone afterwards
test: $(VENV)/installed-test
	@cache=$(or $(CACHE),$$(mktemp -d)); trap 'rm -rf "$$cache"' EXIT; trap 'exit 130' INT TERM; \
	GRAPHFLOW_CACHE_DIR="$$cache" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(VENV)/installed-dev
	@$(BIN)/ruff check $(ARGS)
	@rm -rf build/types && mkdir -p build/types/graphflow
	@ln -s $(addprefix $(CURDIR)/,$(wildcard graphflow/*) compiler runtime) build/types/graphflow/
	@$(BIN)/mypy

bench: $(VENV)/installed
	@$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(VENV)/installed-docs
	@$(BIN)/python docs/build.py $(ARGS)

clean:
	@rm -rf $(VENV) .bench build dist *.egg-info demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: WANTED := .
$(VENV)/installed-test: WANTED := .[test]
$(VENV)/installed-docs: WANTED := .[docs]
$(VENV)/installed-dev: WANTED := .[dev]
$(VENV)/installed-dev: INCLUDED := $(VENV)/installed-test
$(VENV)/installed $(VENV)/installed-test $(VENV)/installed-docs $(VENV)/installed-dev: pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(SUPPORTED)' 2>/dev/null; then \
			echo "graphflow needs Python 3.11 to 3.14 with venv and ensurepip; found $(or $(PYTHON),python3):" \
				"$$($(or $(PYTHON),python3) --version 2>&1)." >&2; \
			echo "On Debian or Ubuntu: apt-get install python3-venv. Another interpreter: make PYTHON=/path/to/python3.12" >&2; \
			exit 1; \
		fi; \
		echo "setting up $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv $(VENV) || exit 1; \
	fi
	@echo "installing $(WANTED)"
	@$(BIN)/python -m pip install -qq --editable '$(WANTED)'
	@touch $@ $(INCLUDED)
