# `make demo` on a fresh machine with Python 3.11–3.13; `make help` for the rest.
#   make demo PYTHON=/path/to/python3.12   chooses the interpreter
#   make test WORKERS=4 PYTEST="-k plan"   more processes; more arguments for pytest

VENV    ?= .venv
WORKERS ?= 2
PYTEST  ?=
PYTHON  ?=

CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3 python)
BIN        := $(VENV)/bin
INSTALL    := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

demo: $(VENV)/installed ## install into .venv, train on JapaneseVowels, evaluate: no network but the package index
	$(BIN)/rnnlab train configs/japanese_vowels.yaml
	$(BIN)/rnnlab evaluate

# Tests that measure time run alone, after the others. Status 5 of pytest: nothing was selected.
test: $(VENV)/installed-dev ## the default test suite, offline
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not benchmark" $(PYTEST)
	$(BIN)/python -m pytest -m "benchmark and not slow" $(PYTEST) || test $$? -eq 5

lint: $(VENV)/installed-dev ## ruff: mistakes, style, format
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(VENV)/installed-dev ## ruff: format, and repair what it can
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

types: $(VENV)/installed-dev ## mypy, strict
	$(BIN)/python -m mypy

clean: ## remove .venv, caches and build products; runs and downloaded data stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find rnnlab tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The two stamps: installed anew when the dependencies change, not when the code does (it is linked, not copied).
$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing rnnlab and what it needs (TensorFlow is a download of 600 MB) …"
	$(INSTALL) --quiet --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing rnnlab, what it needs (TensorFlow is a download of 600 MB) and the tools to test it …"
	$(INSTALL) --quiet --editable ".[dev]"
	@touch $(VENV)/installed $@

# Each candidate is run, not only found: a pyenv shim exists for versions that do not start.
$(BIN)/python:
	@found=""; without_pip=""; \
	for candidate in $(CANDIDATES); do \
	    "$$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 14) and sys.maxsize > 2**32))' \
	        >/dev/null 2>&1 || continue; \
	    if "$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then found="$$candidate"; break; fi; \
	    test -n "$$without_pip" || without_pip="$$candidate"; \
	done; \
	if test -n "$$found"; then \
	    echo "Making $(VENV) with $$found, $$("$$found" --version)"; \
	    "$$found" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }; \
	elif test -n "$$without_pip"; then \
	    name=$$("$$without_pip" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'); \
	    echo "$$without_pip fits ($$name) but cannot make virtual environments: its modules venv and ensurepip are missing." >&2; \
	    echo "On Debian and Ubuntu: sudo apt install $$name-venv      Then run make again." >&2; \
	    exit 1; \
	else \
	    echo "rnnlab needs Python 3.11, 3.12 or 3.13 (64 bit; TensorFlow 2.21 does not exist for others). Tried: $(CANDIDATES)" >&2; \
	    for candidate in $(CANDIDATES); do \
	        version=$$("$$candidate" --version 2>/dev/null) || version="not here, or does not start"; \
	        echo "  $$candidate: $$version" >&2; \
	    done; \
	    echo "Install one: Debian, Ubuntu: sudo apt install python3.12 python3.12-venv (or 3.11, 3.13, as the release has it);" >&2; \
	    echo "  Fedora: sudo dnf install python3.13; macOS: brew install python@3.13; pyenv: pyenv install 3.13 && pyenv local 3.13" >&2; \
	    echo "One that make does not find: make demo PYTHON=/path/to/python3.13" >&2; \
	    exit 1; \
	fi
