# Two commands are all a fresh machine needs: `make run` and `make test`.
PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
RUN := $(BIN)/python

.PHONY: run test setup lint types contracts tests screenshots benchmarks lock wheel

run: setup
	$(RUN) main.py demo

test: setup lint types contracts tests

setup:
	@test -n "$(PYTHON)" || { echo "MaskGUI needs Python 3.11 or newer: none was found on the PATH."; exit 2; }
	@$(PYTHON) scripts/setup.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

tests: setup
	$(RUN) -m pytest -n 2 --dist loadgroup

screenshots: setup
	$(RUN) scripts/screenshots.py

benchmarks: setup
	$(RUN) -m benchmarks

# Rewrites requirements.lock from pyproject.toml; the file carries hashes and no addresses.
lock: setup
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --upgrade --group dev pyproject.toml -o requirements.lock

wheel: setup
	$(BIN)/uv build --wheel -q
