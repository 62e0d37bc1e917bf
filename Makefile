# `make run` and `make test` are all a newcomer needs: Python >= 3.11, git and make.
PYTHON ?= python3
PORT ?= 8000
DATA ?= data
BIN := .venv/bin

# A stamp is made only after the whole install succeeded, so an interrupted one is done again.
RUN_STAMP := .venv/installed-run
DEV_STAMP := .venv/installed-dev

.PHONY: setup run test check lint types lock reference screenshot clean

setup: $(RUN_STAMP)

run: $(RUN_STAMP)
	$(BIN)/python -m portal run --data $(DATA) --port $(PORT)

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: lint types test

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP)
	$(BIN)/mypy

reference: $(DEV_STAMP)
	$(BIN)/python docs/reference.py

screenshot: $(DEV_STAMP)
	$(BIN)/python docs/screenshot.py

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version + ". Name another: make PYTHON=python3.11 run")'
	$(PYTHON) -m venv .venv

$(RUN_STAMP): locks/run.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(DEV_STAMP): locks/dev.txt $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	touch $@

# Both files carry hashes; they are written together so that their versions agree.
lock: $(DEV_STAMP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra server --extra sqlalchemy --group portal --group build pyproject.toml --output-file locks/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra server --extra sqlalchemy --group portal --group build --group dev --constraint locks/run.txt pyproject.toml --output-file locks/dev.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
