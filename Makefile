# make demo: train on the built-in pictures.  make test: everything that must hold before a change lands.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint types layers tests install-dev clean

demo: .venv/installed
	rm -rf runs/demo
	$(BIN)/ravine fit demo --out runs/demo

test: lint types layers tests

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/installed-dev
	$(BIN)/basedpyright

layers: .venv/installed-dev
	$(BIN)/lint-imports --no-cache

tests: .venv/installed-dev
	$(BIN)/pytest

install-dev: .venv/installed-dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/installed

clean:
	rm -rf .venv runs
