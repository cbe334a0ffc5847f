# Plain `make` shows the targets. Needs make and Python >= 3.11 with venv; nothing else.
# Variables to override: PYTHON (an interpreter), VENV, REALIZATIONS, SEED, RUN_NAME, WORKERS (tests), STORE (notebooks).

VENV ?= .venv
REALIZATIONS ?= 256
SEED ?= 7
RUN_NAME ?= runs/baseline
WORKERS ?= 2
STORE ?= runs/notebooks.zarr

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One worker runs all tests of a file, because they share fixtures. Bytecode is kept, whatever the
# environment says: tests start dozens of processes, and each would compile the package.
PYTEST = -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
TEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python $(PYTEST)
# The first interpreter that is new enough and can make an environment; empty if none is.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$p; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help setup run notebooks test test-integration test-full test-bounds test-versions lint format bench bench-all lock \
	clean distclean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		awk -F'|' '{ printf "%-23s %s\n", $$1, $$2 }'

setup: $(STAMP)  ## make .venv from requirements.lock, or update it when the pins change

# A working environment is updated; a broken one (moved, half made) is made anew. The package itself
# is installed without build isolation, because requirements.lock pins its build backend too.
$(STAMP): requirements.lock pyproject.toml
	@py="$(PYTHON)"; test -n "$$py" \
		&& "$$py" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "setup: got '$$py', yieldsim needs Python >= 3.11 with venv" \
			"(make PYTHON=/path/to/python; on Debian install python3-venv)" >&2; exit 1; }; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| { echo "setup: making $(VENV) with $$py"; "$$py" -m venv --clear $(VENV); }
	@echo "setup: installing the packages of requirements.lock (a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

run: setup  ## simulate the baseline, print the table, draw the fan chart; again to continue
	$(BIN)/yieldsim run baseline --realizations $(REALIZATIONS) --seed $(SEED) --out $(RUN_NAME).zarr
	$(BIN)/yieldsim summary $(RUN_NAME).zarr
	$(BIN)/yieldsim plot $(RUN_NAME).zarr --out $(RUN_NAME).png --force
	@echo "ensemble:  $(RUN_NAME).zarr (xarray.open_zarr reads it)"
	@echo "fan chart: $(RUN_NAME).png"

notebooks: setup  ## run the notebooks on STORE, which is created if missing, and save their outputs
	$(BIN)/python notebooks/execute.py $(STORE)

test: setup  ## run the tests except the slow ones and those that need Slurm, Dask, S3 or Chromium
	$(TEST) -m "not slow and not integration"

# One after another, as each fills the cores; after `make test`, which compiles the kernels.
test-integration: setup  ## run the commands of the README, a notebook, Slurm, Dask, S3, the page in Chromium
	$(BIN)/python -m pytest -m "integration and not slow"

test-full: setup  ## run all tests, with all examples of properties
	YIELDSIM_ALL_EXAMPLES=1 $(TEST)

# Out-of-range reads are silent otherwise. The kernels are kept apart from those without checks.
test-bounds: setup  ## run the tests with Numba's bounds checks on
	NUMBA_BOUNDSCHECK=1 $(TEST) -m "not slow and not integration"

# Python 3.11 (which uv fetches if there is none) with the lowest version of each dependency that
# pyproject.toml allows, and PYTHON with the newest. What they need in turn is the newest that fits.
test-versions: setup  ## run the tests of `make test` with the lowest and the newest dependencies
	@failed=; mkdir -p build/versions; for which in lowest-direct highest; do \
		python=3.11; test $$which = lowest-direct || python="$(PYTHON)"; \
		env="$(CURDIR)/build/versions/$$which"; pip="$(BIN)/uv pip"; \
		echo "test-versions: $$which, in $$env"; \
		$$pip compile pyproject.toml --all-extras --quiet --no-emit-index-url --no-header \
			--resolution $$which --python "$$python" --output-file "$$env.txt" \
		&& $(BIN)/uv venv --quiet --clear --python "$$python" "$$env" \
		&& $$pip install --quiet --python "$$env/bin/python" -r "$$env.txt" \
		&& $$pip install --quiet --python "$$env/bin/python" \
			--no-deps --no-build-isolation --editable . \
		&& "$$env/bin/python" -V \
		&& grep -E "^(numba|numpy|pydantic|scipy|xarray|zarr)==" "$$env.txt" | tr '\n' ' ' && echo \
		&& NUMBA_CACHE_DIR="$$env/numba" PYTHONDONTWRITEBYTECODE= \
			"$$env/bin/python" $(PYTEST) -q -m "not slow and not integration" \
		|| failed="$$failed $$which"; \
	done; test -z "$$failed" || { echo "test-versions: failed:$$failed" >&2; exit 1; }

lint: setup  ## ruff check, ruff format --check, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## measure speed beside its bounds, in one table (five minutes)
	$(BIN)/python benchmarks/bench_speed.py

bench-all: setup  ## run every side-by-side benchmark (half an hour)
	@set -e; for script in benchmarks/bench_*.py; do \
		echo "== $$script"; $(BIN)/python "$$script"; done

lock: setup  ## resolve pyproject.toml into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--fork-strategy fewest --upgrade --no-emit-index-url --no-header --quiet \
		--output-file requirements.lock

clean:  ## remove caches, builds, the baseline run and the notebooks' store
	rm -rf build dist .pytest_cache .hypothesis .ruff_cache .mypy_cache .coverage
	rm -rf runs/baseline.zarr runs/baseline.png runs/notebooks.zarr
	find . -path './.?*' -prune -o -name __pycache__ -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove the environment
	rm -rf $(VENV)
