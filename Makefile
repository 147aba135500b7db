# Two commands do all: `make run` and `make test`. Both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# Tests wait for processes more than they compute. A file's tests stay together, with what they share, in the order
# of files that tests/conftest.py gives.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
# What compiling the engine needs: it begins while all else is still being installed.
COMPILER := msgspec numba numpy platformdirs

.PHONY: run test check format bench soak notebook notebooks lock clean

run: $(VENV)/.ready
	@exec $(BIN)/homebroker up

test: $(VENV)/.ready-dev
	$(PYTEST) $(ARGS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready
	$(BIN)/homebroker bench kernel
	$(BIN)/homebroker bench pipeline
	$(BIN)/homebroker bench latency
	$(BIN)/homebroker bench recovery

soak: $(VENV)/.ready-dev
	HOMEBROKER_TEST_SOAK=1 $(PYTEST) tests/property tests/simulation tests/kafka $(ARGS)

notebook: $(VENV)/.ready
	@exec $(BIN)/homebroker notebook

# Run the notebooks and write what they show to docs/notebooks.
notebooks: $(VENV)/.ready-dev
	$(BIN)/python -m tests.render_notebooks

# Pin anew what requirements*.in ask for.
lock: $(VENV)/.ready-dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header -c requirements.txt \
		requirements-dev.in -o requirements-dev.txt

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Homebroker needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 run"; exit 1; }
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.ready: $(VENV)/bin/uv requirements.txt pyproject.toml
	@echo "Installing the pinned packages …"
	@$(INSTALL) --constraint requirements.txt $(COMPILER)
	@$(BIN)/python -m engine.warm_up & compiling=$$!; \
		$(INSTALL) -r requirements.txt && $(INSTALL) --no-deps -e . && $(BIN)/homebroker prepare kafka; \
		installed=$$?; wait $$compiling && exit $$installed
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@echo "Installing what tests and checks need …"
	@$(INSTALL) -r requirements-dev.txt
	@$(BIN)/homebroker prepare
	@touch $@

# The market itself, in .homebroker, is never deleted here.
clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
