# Everything a person does with a clone; each target sets up what it needs.
PYTHON ?= python3
TORCH ?= cpu
JOBS ?= 2
OUT ?= demo-output
BIN := .venv/bin
PIP := $(BIN)/python -m pip
EXTRAS := auth,ray,sql,report,umap,public

.PHONY: help setup setup-test browser demo up test pytest test-nightly test-fast lint format docs screenshots benchmarks clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

setup: .venv/.ready  ## a virtual environment in .venv with the fairaudit command (TORCH=cuda for a GPU build)

setup-test: .venv/.ready-test

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("fairaudit needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; run make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --upgrade 'pip>=25.1'

.venv/.torch-$(TORCH): .venv/bin/python constraints.txt
	sh scripts/install_torch.sh $(TORCH)
	rm -f .venv/.torch-* && touch $@

.venv/.ready: .venv/.torch-$(TORCH) pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.ready-test: .venv/.ready
	$(PIP) install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]' --group dev
	touch $@

browser:  ## a Chromium for the browser tests, where the system can install one
	sh scripts/install_browser.sh

demo: setup  ## the full audit of the bundled sample, printed and written to OUT=demo-output
	$(BIN)/fairaudit demo --out $(OUT)

up: setup  ## the dashboard
	$(BIN)/fairaudit up

test: setup-test browser  ## all tests and all checks
	$(MAKE) --no-print-directory -j 2 lint pytest

pytest: setup-test  # beside lint: mypy alone takes a minute and a half of one core
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 20

test-nightly: setup-test browser  ## all tests with every simulation at full size
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 50 --nightly

test-fast: setup-test  ## tests that take less than 20 seconds, no browser
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not slow and not browser and not ray'

lint: setup-test  ## style, types, layers and code that nobody calls
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture

format: setup-test  ## rewrite in house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: setup-test browser  ## the README's pictures, from the real app
	$(BIN)/python scripts/screenshots.py

clean:  ## everything that was made here
	rm -rf .venv demo-output artifacts dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
