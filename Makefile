# make demo    train on real data and show the result
# make test    run the tests (EXTRAS=torch,jax installs these backends first; PEERS=1 installs the
#              libraries that the tests compare `bpx.inspect` with)
# make gpu     on a machine with a GPU: a smoke test, the GPU tests and the table of times, in at
#              most eight minutes
# make lint types docs bench    see CONTRIBUTING.md
#
# Each target creates the virtual environment .venv from PYTHON (3.11 or newer) if needed. For a
# machine without make, README.md lists the commands that the first two run.

PYTHON ?= python3
VENV ?= .venv
ifneq ($(words $(VENV)),1)
$(error VENV is '$(VENV)'; expected a path without spaces, as make splits its names at them: \
  give one relative to this folder, such as VENV=.venv)
endif
EXTRAS ?=
PEERS ?=
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
comma := ,
extras = $(if $(EXTRAS),$(comma)$(EXTRAS))
peers = $(if $(PEERS),$(VENV)/.peers)

.PHONY: demo test lint types docs bench gpu clean

demo: $(VENV)/.demo
	$(BIN)/bpx train digits

test: $(VENV)/.dev$(EXTRAS) $(peers)
	$(BIN)/python -m pytest -n auto $(PYTEST)

lint: $(VENV)/.dev$(EXTRAS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev$(EXTRAS)
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -q -W --keep-going -j auto -b html docs docs/_build/html

bench: $(VENV)/.dev$(EXTRAS) $(peers)
	$(BIN)/python -m benchmarks --out runs/benchmarks $(BENCH)
	$(BIN)/python -m benchmarks.inspect --out runs/benchmarks/inspect.json
	$(BIN)/python -m benchmarks.imports

gpu: $(VENV)/.dev$(EXTRAS)
	$(BIN)/python -m benchmarks.gpu --out runs/gpu $(GPU)

clean:
	rm -rf $(VENV) docs/_build

$(VENV)/.made:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "bpx needs Python 3.11 or newer; PYTHON is '$(PYTHON)' ($$("$(PYTHON)" --version 2>&1)). \
	Name another: make $(or $(MAKECMDGOALS),demo) PYTHON=python3.12" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

# There is one stamp for each set of extras; a change of pyproject.toml or of the pins reinstalls.
$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[cli,sklearn]'
	@touch $@

$(VENV)/.dev$(EXTRAS): $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[dev$(extras)]'
	@touch $@

$(VENV)/.peers: $(VENV)/.made benchmarks/peers.txt constraints.txt
	$(INSTALL) --no-deps -r benchmarks/peers.txt
	@touch $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[docs]'
	@touch $@
