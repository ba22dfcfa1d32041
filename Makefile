# Everything runs inside .venv; `make` alone prints the targets.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
LOCAL := $(BIN)/python -m referral_platform.local
WITH_SERVERS := $(LOCAL) with-test-servers --
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url
# The project's own lock and interpreter, whatever the caller's environment says.
export UV_PYTHON_DOWNLOADS := never
# Compiled once here, not by each process that starts.
export UV_COMPILE_BYTECODE := 1
export VIRTUAL_ENV := $(CURDIR)/.venv
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test e2e screenshots check check-frontend format lock openapi bench clean
# One thing at a time, so that its output can be read.
.NOTPARALLEL:

help:  ## print the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run-installed  ## start everything in the foreground: database, web, worker, beat, demo data
	@exec $(LOCAL) run

test: .venv/dev-installed  ## run the whole suite on throw-away servers; ARGS="-k word" is passed to pytest
	@echo "Starting throw-away servers and running the suite"
	@exec $(WITH_SERVERS) $(BIN)/python -m pytest -n auto $(ARGS)

e2e: .venv/dev-installed node_modules/.installed  ## look at every page in Chromium, and walk the journeys; ARGS as for test
	@echo "Starting throw-away servers, loading the demo, opening Chromium"
	@exec $(WITH_SERVERS) $(BIN)/python -m tests.e2e $(ARGS)

screenshots: .venv/dev-installed node_modules/.installed  ## take the README's pictures anew
	@E2E_PICTURES=docs/images exec $(WITH_SERVERS) $(BIN)/python -m tests.e2e tests/e2e/test_pictures.py

check: .venv/dev-installed  ## format, lint, types, imports, templates, migrations, OpenAPI
	@echo "Format"; $(BIN)/ruff format --check .
	@echo "Lint"; $(BIN)/ruff check .
	@echo "Imports"; $(BIN)/lint-imports
	@echo "Templates"; $(BIN)/djlint templates --lint --quiet
	@echo "Types, missing migrations, OpenAPI"
	@exec $(WITH_SERVERS) $(MAKE) --no-print-directory check-with-servers

# The type checker loads the settings, and the settings want addresses.
.PHONY: check-with-servers
check-with-servers:
	@$(BIN)/mypy
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@mkdir -p var && $(BIN)/python manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || { \
		echo "docs/openapi.yaml differs from the code; 'make openapi' writes it anew."; exit 1; }
	@echo "docs/openapi.yaml agrees with the code"

check-frontend: node_modules/.installed  ## build the styles and scripts anew and compare them with static/
	@built=$$(mktemp -d) && trap 'rm -rf "$$built"' EXIT && \
	npm run --silent build -- "$$built" && \
	{ diff -rq static/dist "$$built/dist" && \
	  cmp static/sdk/referral.js "$$built/sdk/referral.js" && \
	  cmp static/sdk/referral.d.ts "$$built/sdk/referral.d.ts" || \
	  { echo "static/ differs; 'npm run build' writes it anew."; exit 1; }; } && \
	echo "static/ agrees with its sources; the snippet has $$(gzip -9c static/sdk/referral.js | wc -c) bytes compressed"

format: .venv/dev-installed  ## format the code and mend what the linter can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

openapi: .venv/dev-installed  ## write docs/openapi.yaml from the code
	@$(WITH_SERVERS) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

bench: .venv/dev-installed  ## run the benchmarks and print each figure beside the machine's limit
	@exec $(BIN)/python -m benchmarks $(ARGS)

lock: .venv/uv-installed  ## resolve the dependencies anew and write requirements/*.lock
	@$(COMPILE) --upgrade requirements/bootstrap.in --output-file requirements/bootstrap.lock
	@$(COMPILE) --upgrade pyproject.toml --extra dev --output-file requirements/dev.lock
	@$(COMPILE) pyproject.toml --constraint requirements/dev.lock --output-file requirements/run.lock
	@! grep -n "://" requirements/*.lock

clean:  ## delete .venv, node_modules, the local data in var/, and caches
	@if [ -x $(BIN)/python ] && [ -d var ]; then $(LOCAL) clean; fi
	@rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/uv-installed: requirements/bootstrap.lock
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; no $(PYTHON) here."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V). Try 'make PYTHON=python3.12'."; \
		exit 1; }
	@began=$$(date +%s); echo "Making .venv"; \
	$(PYTHON) -m venv .venv || { echo "On Debian, 'apt install python3-venv' brings what is missing."; exit 1; }; \
	echo "Installing uv"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/bootstrap.lock && \
	touch $@ && echo "  $$(( $$(date +%s) - began )) s"

.venv/run-installed: .venv/uv-installed requirements/run.lock
	@began=$$(date +%s); echo "Installing the dependencies"; \
	$(UV) pip install --quiet --require-hashes --requirement requirements/run.lock && \
	touch $@ && echo "  $$(( $$(date +%s) - began )) s"

.venv/dev-installed: .venv/uv-installed requirements/dev.lock
	@began=$$(date +%s); echo "Installing the dependencies and the developers' tools"; \
	$(UV) pip sync --quiet --require-hashes requirements/dev.lock requirements/bootstrap.lock && \
	touch $@ .venv/run-installed && echo "  $$(( $$(date +%s) - began )) s"

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing; on Debian, 'apt install nodejs npm' brings it."; exit 1; }
	@began=$$(date +%s); echo "Installing the developers' tools for pages"; \
	npm ci --silent --no-audit --no-fund && \
	touch $@ && echo "  $$(( $$(date +%s) - began )) s"
