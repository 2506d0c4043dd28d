# Plain pip and venv: one environment in .venv, and a stamp for each thing that is in it.
# make demo installs the core; make test and make setup all that the tests and checks need.

PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
CORE   := $(VENV)/.core
DEV    := $(VENV)/.dev
BENCH  := $(VENV)/.bench

.PHONY: help setup demo test check bench docs clean

help:
	@echo "make demo     learn, keep and use embeddings of this machine's Python library"
	@echo "make test     the tests          make check    style, types, architecture"
	@echo "make bench    against the peers  make docs     run what the documents show"
	@echo "make setup    all of the above can then run offline"

setup: $(DEV)

demo: $(CORE)
	@$(VENV)/bin/embedry demo

test: $(DEV)
	@$(VENV)/bin/python -m pytest -q --cov=embedry --cov-report=term:skip-covered

check: $(DEV)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: $(BENCH)
	@$(VENV)/bin/python -m benchmarks

docs: $(DEV)
	@$(VENV)/bin/python -m pytest -q tests/test_readme.py --doctest-modules src

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(CORE): pyproject.toml constraints.txt
	@tools/make_venv $(PYTHON) $(VENV)
	@echo "Installing Embedry into $(VENV) ..."
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(CORE)
	@echo "Installing what the tests and checks need ..."
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(BENCH): $(DEV)
	@echo "Installing the peers ..."
	@$(PIP) install --constraint constraints.txt --editable '.[bench]'
	@touch $@
