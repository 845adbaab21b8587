# Every target does its own set-up: a Python of 3.11 to 3.13 on the machine is enough.
# PYTHON=/path/to/python chooses one. HELPLINE_ALLOW_APT=1 lets root install system packages.

PYTHON ?=
VENV := .venv
PY := $(VENV)/bin/python
TESTS ?=
CHAOS ?=
FUZZ ?=

export PYTHON
# Asking a tool for its version must not leave files behind in a fresh clone.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run demo test again check fix bench chaos fuzz pins

help: ## list what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 16

setup: ## virtual environment, pinned packages, a Redis server
	@bin/setup

run: setup ## start everything on this machine (practice mode without a carrier account)
	@exec $(PY) -m helpline run

demo: setup ## play the stories of a caller through the running parts
	@exec $(PY) -m helpline demo

test: ## the whole test suite (TESTS="path -k word" for a part)
	@bin/setup --browser
	@$(PY) -m pytest -n auto $(TESTS) || { [ $$? = 1 ] && $(MAKE) --no-print-directory again; }

# Hundreds of processes side by side on a busy machine: a failure that is one of the code
# fails here, too, one at a time. A test that passes here is unsteady, which is a defect of its own.
again: ## what failed in the last run of the tests, one at a time
	@printf '\nOnce more, alone, what failed among others. Unsteady, if it passes: mend it.\n\n'
	@exec $(PY) -m pytest --last-failed --last-failed-no-failures none --maxfail 1 $(TESTS)

check: setup ## format, lint, types, import contracts, security, the line's own content
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) -m bandit --quiet --recursive --configfile pyproject.toml helpline workers config bench
	$(PY) -m helpline check-config

fix: setup ## format, and repair what the linter can repair
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: setup ## measure what the promises cost
	@exec $(PY) -m bench

chaos: setup ## a storm of callers, faults and sudden deaths, and the proof (CHAOS="--seed 7 --postgres")
	@exec $(PY) -m tests.chaos $(CHAOS)

fuzz: setup ## ten minutes of hostile texts at the danger scan (FUZZ="--minutes 1")
	@exec $(PY) -m tests.fuzz $(FUZZ)

pins: setup ## recompile the pinned requirements from pyproject.toml
	$(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header -o requirements.txt
	$(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --extra dev -o requirements-dev.txt
