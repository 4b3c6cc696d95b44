# Two commands on a fresh machine: `make demo` and `make test`.
# Needs Python >= 3.11, make and git; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FUZZER := $(VENV)/.fuzzer
CROISSANT := $(VENV)/.croissant
ENGINES := $(VENV)/.engines
# What is imported is compiled then; the other 10,000 files never are. A new pip comes first: it needs
# half of the time of the one that a Python of 2023 brings.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
# For each target.
FUZZ_SECONDS ?= 10
# Test files that run side by side (auto: three for two cores, up to four more than cores).
JOBS ?= auto

.PHONY: help demo test fuzz lint clean
help:
	@echo "make demo   visit the sample site twice, build a snapshot, check a dataset, look one picture up"
	@echo "make test   run the tests"
	@echo "make fuzz   fuzz every reader, FUZZ_SECONDS=$(FUZZ_SECONDS) each"
	@echo "make lint   formatter, linter and type checker"
	@echo "make clean  remove .venv and the demo's files"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "error: this Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@echo "installing the pinned packages into $(VENV) ..."
	@$(INSTALL) pip
	@$(INSTALL) -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/python -m demo

# In the order of their names: files that take long come first, the many short ones fill up.
test: $(STAMP)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Not among the packages for tests: it has no wheel for every Python.
$(FUZZER): $(STAMP)
	@$(INSTALL) --only-binary atheris -e '.[fuzz]'
	@touch $(FUZZER)

# Large, and needed by one test only.
$(CROISSANT): $(STAMP)
	@$(INSTALL) -e '.[croissant]'
	@touch $(CROISSANT)

# Not among them either: 700 MB.
$(ENGINES): $(STAMP)
	@$(INSTALL) -e '.[ray,spark]'
	@touch $(ENGINES)

fuzz: $(FUZZER)
	@$(BIN)/python tests/fuzz/fuzz_reader.py all --seconds $(FUZZ_SECONDS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .demo
