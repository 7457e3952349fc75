# Everything a newcomer needs is two commands: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
# A Python that is asked for has an environment of its own: `make test PYTHON=python3.12` works in .venv-3.12.
ifeq ($(origin PYTHON),command line)
FOUND  := $(shell .ci/find-python $(PYTHON))
ifeq ($(FOUND),)
$(error PYTHON=$(PYTHON): found no such Python that runs; 3.11 or newer with its module venv is expected. Install it, or give its path)
endif
VENV   := .venv-$(shell $(FOUND) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
endif
BIN    := $(VENV)/bin
export PYTHONHASHSEED := 0
# One thread a process: tests run two at a time, and threads that wait for each other cost far more than they save.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.PHONY: help demo report workshop notebooks test environment quick lint bench lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(or $(FOUND),$(PYTHON)) -m venv $(VENV)

# A stamp a lock: the second run installs nothing.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

demo: $(VENV)/.runtime  ## set up, evaluate the Andir example, print where its report is
	$(BIN)/kinerja demo

report: $(VENV)/.runtime  ## the report of one parameters file: make report PARAMS=parameters/andir-2026-q3.yaml
	$(BIN)/kinerja report $(PARAMS)

workshop: $(VENV)/.runtime  ## the workshop page (sosialisasi) on this machine, offline
	$(BIN)/kinerja workshop

notebooks: $(VENV)/.test  ## execute the committed notebooks anew on the example
	$(BIN)/python tests/execute_notebooks.py

test: $(VENV)/.test  ## set up and run the whole test suite; another Python: make test PYTHON=python3.12
	$(BIN)/python -m pytest -n 2 --dist loadscope

environment: $(VENV)/.test  ## set up all that the tests need, run nothing

quick: $(VENV)/.test  ## the quick tests: no browser, nothing marked slow; ends at the first failure
	$(BIN)/python -m pytest -n 2 --dist loadscope -x -m "not slow and not browser"

lint: $(VENV)/.test  ## ruff, mypy, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test  ## measure speed side by side with peers; writes benchmarks/*.csv
	$(BIN)/python -m benchmarks

lock: pyproject.toml  ## resolve both locks anew (needs uv): names, versions, hashes, no host
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet pyproject.toml --group build -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet pyproject.toml --group build --extra test -c requirements.lock -o requirements-test.lock

clean:  ## remove outputs and caches (the environment stays)
	find outputs -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
