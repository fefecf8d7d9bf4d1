# One command each, for people and CI alike. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
LOCK := -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

WORKERS ?= 2
ROOMS := rules gateway/offers gateway/shoppers gateway/storage
PURE := tests/unit tests/properties tests/contract tests/cases

.PHONY: help demo check test lint house quick pure whole deb test-install test-radio fuzz bench accuracy torture attack mutants contract texts migration lock clean screenshots

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(VENV)/runtime.stamp ## a simulated shop with everything in it, on this machine
	@$(BIN)/etalage demo $(ARGS)

check: lint quick ## while you work: style, types, import contracts and the fast tests, in a minute

test: $(VENV)/dev.stamp ## set up and run every check there is
	@tests/debian-packages.sh mosquitto mosquitto-clients dbus chromium postgresql
	$(MAKE) --keep-going lint pure whole

lint: $(VENV)/dev.stamp ## style, types, import contracts and the limits of `make house`
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/house.py --check

house: $(VENV)/dev.stamp ## how much product code there is, and whether a name has one meaning
	$(BIN)/python tests/house.py --names $(ARGS)

quick: $(VENV)/dev.stamp ## the unit tests that take no server and no patience
	$(BIN)/pytest tests/unit -m "not slow and not postgresql" -n $(WORKERS) $(ARGS)

pure: $(VENV)/dev.stamp ## unit, property and contract tests and cases, with the branches they cover in the rooms that promise most
	$(BIN)/pytest $(PURE) -n $(WORKERS) $(ROOMS:%=--cov=%) --cov-report= $(ARGS)
	tests/coverage-floors $(BIN)/coverage

whole: $(VENV)/dev.stamp ## the tests with real servers, browsers, processes and recordings
	$(BIN)/pytest $(PURE:%=--ignore=%) -n $(WORKERS) $(ARGS)

bench: $(VENV)/dev.stamp ## how fast it is, beside a plain Python floor in the same run
	$(BIN)/pytest tests/benchmarks --dist=no --benchmark-enable --benchmark-only --benchmark-sort=name $(ARGS)

accuracy: $(VENV)/dev.stamp ## how well it knows where people are, beside simple rivals
	$(BIN)/python -m tests.accuracy.score $(ARGS)
	$(BIN)/python -m tests.accuracy.advice

torture: $(VENV)/dev.stamp ## kill it 500 times in a quarter of an hour, and count the promises
	$(BIN)/python -m tests.journeys.torture $(ARGS)

attack: $(VENV)/dev.stamp ## attack it as a till, a flood and a stranger would, while honest shoppers come and go (five minutes)
	$(BIN)/python -m tests.attack $(ARGS)

mutants: $(VENV)/dev.stamp ## whether the tests notice a changed condition, cap, state or consent (half an hour)
	$(BIN)/mutmut run --max-children $(WORKERS) $(ARGS)
	$(BIN)/python tests/survivors.py $(BIN)/mutmut

deb: $(VENV)/dev.stamp ## Debian packages of this checkout: 12 and 13, amd64 and arm64
	$(BIN)/python -m deploy.deb.build $(ARGS)

test-install: $(VENV)/dev.stamp ## the packages on Debians that boot, with systemd as first process (ten minutes, as root)
	@tests/debian-packages.sh mmdebstrap systemd-container debian-archive-keyring
	$(BIN)/pytest tests/install $(ARGS)

test-radio: $(VENV)/dev.stamp ## real BlueZ and a real kernel with a virtual controller, in an emulated guest
	tests/radio/run $(ARGS)

fuzz: $(VENV)/dev.stamp ## 100,000 spoilt messages of other makers' scanners: none raises, none invents a reception
	ETALAGE_FUZZ=100000 $(BIN)/pytest tests/properties/test_scanner_messages.py -n $(WORKERS) $(ARGS)

contract: $(VENV)/dev.stamp ## write what docs/ has from the code: message schemas, AsyncAPI, settings, privacy papers
	$(BIN)/etalage contract
	$(BIN)/etalage settings > docs/settings.md
	$(BIN)/python tests/write_papers.py

texts: $(VENV)/dev.stamp ## gather what the product says into the catalogues, and compile them
	$(BIN)/pybabel -q extract -F rules/texts/babel.cfg --no-location --sort-output --no-wrap -o /tmp/etalage.pot rules gateway firmware_sim
	$(BIN)/pybabel -q update -D etalage -d rules/texts/locale -i /tmp/etalage.pot --no-fuzzy-matching --ignore-obsolete \
	    --ignore-pot-creation-date --no-wrap
	$(BIN)/pybabel -q compile -D etalage -d rules/texts/locale

screenshots: $(VENV)/dev.stamp ## pictures of every page: phone and PC, light and dark, Dutch and English
	@tests/debian-packages.sh chromium
	$(BIN)/python -m tests.screenshots $(ARGS)

migration: $(VENV)/dev.stamp ## write the migration to what the tables have become: make migration WORDS="add a column"
	$(BIN)/python tests/write_migration.py $(WORDS)

lock: ## pin every dependency anew, with its hashes (needs uv)
	uv pip compile $(LOCK) --extra build pyproject.toml -o deploy/requirements.txt
	uv pip compile $(LOCK) --extra build --extra dev -c deploy/requirements.txt pyproject.toml -o tests/requirements.txt

clean: ## remove what these commands made
	rm -rf $(VENV) .cache mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

$(VENV)/bin/python:
	@deploy/make-venv.sh $(PYTHON) $(VENV)

$(VENV)/runtime.stamp: deploy/requirements.txt pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: tests/requirements.txt pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/runtime.stamp
