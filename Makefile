# Everything a person does here has a word. `make help` lists them.
SHELL := bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
# A slow disk or a small machine: make test WORKERS=1
WORKERS ?= 2

.PHONY: help run test soak check format mutants bench lock clean setup setup-study setup-dev

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: setup  ## set everything up and start: with Slack tokens in .env the bot, else the bot and a playground in your browser
	@scripts/run $(PY)

test: setup-dev  ## all tests
	@FIRSTLINE_TEST_CACHE="$${FIRSTLINE_TEST_CACHE:-$(CURDIR)/var/test-cache}" $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: setup-dev  ## the tests of safety at full size: thousands of texts and deliveries instead of hundreds; takes minutes
	@FIRSTLINE_SOAK=1 FIRSTLINE_TEST_CACHE="$${FIRSTLINE_TEST_CACHE:-$(CURDIR)/var/test-cache}" $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --timeout 3600 $(or $(ARGS),tests/security tests/reliability tests/classifier)

check: setup-dev  ## style, types, layers, and that the migrations match the tables
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@$(PY) -m bot migrate --check

format: setup-dev  ## let ruff tidy up
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

mutants: setup-dev  ## break guard, claims, dedupe and authorisation on purpose and see that tests notice: 25 changes of each file, 15 minutes at most
	@FIRSTLINE_TEST_CACHE="$${FIRSTLINE_TEST_CACHE:-$(CURDIR)/var/test-cache}" $(PY) -m tests.mutation $(ARGS)

bench: setup-dev  ## measure what docs/benchmarks.md tells
	@$(PY) -m tests.bench $(ARGS)

lock:  ## write the locked requirements anew (needs uv)
	@scripts/lock $(ARGS)

clean:  ## remove the virtual environment and everything made by running
	rm -rf .venv var

setup:
	@scripts/install base

setup-dev:
	@scripts/install dev

setup-study:  ## what comparing, balancing and working on several machines needs, beside what `make run` installs
	@scripts/install study
