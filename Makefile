# Set-up is part of every target: a fresh machine needs Python 3.11 or later and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check lint bench fuzz clean

demo: $(VENV)/.runtime ## a practice office on this machine: NO-GO with its causes
	@$(BIN)/gonogo demo || test $$? -eq 4

test: $(VENV)/.development ## install what the tests need (system packages too, when root), then run everything
	@sh tests/lab/install.sh
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 4 --dist loadgroup

check: $(VENV)/.development lint ## the quick half: linters, types, rooms, tests without the lab
	$(BIN)/python -m pytest -n 4 -m "not lab"

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.development ## compare with peers in interleaved rounds; prints ratios
	@sh tests/lab/install.sh bench
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m tests.bench

fuzz: $(VENV)/.development ## what a server may send, led by coverage, SECONDS long (Linux)
	for each in tests/fuzz/[a-z]*.py; do \
	  $(BIN)/python -m tests.fuzz.$$(basename $$each .py) $(or $(SECONDS),600) || exit 1; done

$(VENV)/.runtime: pyproject.toml
	@PYTHON="$(PYTHON)" sh tests/venv.sh $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.development: pyproject.toml | $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --editable . --group test --group lint
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
