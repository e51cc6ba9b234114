# `make` runs the main job: the check of the bundled examples, right and wrong.
# `make check ADAPTER=file.py` checks your own implementation; `make test` passes the tests.
# Each creates .venv on first use, so nothing but Python 3.10+, venv and make has to be there before.
PYTHON  ?= python3
VENV    ?= .venv
ADAPTER ?=
ARGS    ?=
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := demo
.PHONY: demo check test test-all lint docs peers bench training clean

demo: $(VENV)/.base
	$(BIN)/refscore demo

check: $(VENV)/.base
	@test -n "$(ADAPTER)" || { echo "make check needs an adapter: make check ADAPTER=file.py"; exit 2; }
	$(BIN)/refscore check $(ADAPTER) $(ARGS)

test: $(VENV)/.test lint
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-all: $(VENV)/.test $(VENV)/.peers lint
	$(BIN)/python -m pytest -m '' $(PYTEST_ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.lint_docstrings

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

peers: $(VENV)/.peers
	$(BIN)/python -m validation.peers $(ARGS)

bench: $(VENV)/.bench
	$(BIN)/python -m validation.benchmarks $(ARGS)

training: $(VENV)/.training
	$(BIN)/python -m validation.training $(ARGS)

$(VENV)/.base $(VENV)/.test $(VENV)/.docs $(VENV)/.peers $(VENV)/.bench $(VENV)/.training: setup.py pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("refscore needs Python 3.10+, found "+sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) -e '.$(patsubst .%,[%],$(filter-out .base,$(@F)))'
	$(if $(filter .peers,$(@F)),$(PIP) --no-deps k-diffusion==0.1.1.post1)
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info docs/_build
