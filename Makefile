# `make` lists what there is to do.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# web/node_modules holds what vite and vitest write at every run.
WEB_SOURCES := $(shell find web -type f -not -path '*/dist/*' -not -path 'web/tests/*' -not -path 'web/node_modules/*')
SHELL_SCRIPTS = $(shell git ls-files --cached --others --exclude-standard '*.sh') .ci/run .ci/scan_secrets

.PHONY: help
help: ## Show this list
	@grep --no-filename --extended-regexp '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

# exec: a SIGTERM to make goes on to its child, which must be the stack and no shell in between.
.PHONY: run
run: tools .venv/.stamp node_modules/.stamp web/examples/react/dist/index.html ## Start everything on this machine: http://localhost:8080
	@exec $(BIN)/python -m local $(ARGS)

.PHONY: reconcile
reconcile: ## Run a reconciliation on the running stack; ARGS='{"days": 30}'
	@[ -f .local/endpoints.json ] || { echo 'No stack runs here: start one with make run' >&2; exit 1; }
	@curl --silent --show-error --fail-with-body --json '$(or $(ARGS),{})' \
		"$$($(BIN)/python -c 'import json; print(json.load(open(".local/endpoints.json"))["functions"]["reconcile"])')"
	@echo

.PHONY: test
test: tools chromium .venv/.stamp node_modules/.stamp web/examples/react/dist/index.html ## Run every test; ARGS="tests/unit -k credit" for some
	@npm run --silent test
	@exec $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: histories
histories: .venv/.stamp ## Check random histories of money and of tokens against toy models; HISTORIES=100000 SEED=1 choose how many, and which
	@HISTORIES=$(or $(HISTORIES),100000) SEED=$(or $(SEED),1) \
		exec $(BIN)/python -m pytest tests/properties/test_reversal_orders.py tests/properties/test_ledger_histories.py \
		tests/properties/test_wallet_histories.py \
		-k 'random_histories or ledger_ends or lost_on_the_way or naive_model'

.PHONY: faults
faults: tools .venv/.stamp ## Break things while traffic runs, and check what must hold; SEED=1, ARGS="stripe sigkill" for some
	@exec $(BIN)/python -m reliability.faults --seed $(or $(SEED),1) $(ARGS)

.PHONY: fuzz
fuzz: .venv/.stamp ## Send requests and bodies made from the API's description and at random; EXAMPLES=300 SEED=1
	@EXAMPLES=$(or $(EXAMPLES),300) SEED=$(or $(SEED),1) \
		exec $(BIN)/python -m pytest tests/fuzz --show-capture=no $(ARGS)

.PHONY: load
load: tools .venv/.stamp node_modules/.stamp web/dist/index.html ## Put mixed traffic on a local stack, and check books and memory; DURATION=60 SEED=1
	@exec $(BIN)/python -m reliability.load --seconds $(or $(DURATION),60) --seed $(or $(SEED),1) $(ARGS)

.PHONY: simulate
simulate: .venv/.stamp ## Play a business through the domain code, and draw it; USERS=10000 DAYS=365 SEED=1
	@exec $(BIN)/python -m reliability.simulation --users $(or $(USERS),10000) --days $(or $(DAYS),365) --seed $(or $(SEED),1) $(ARGS)

.PHONY: chromium
chromium:
	@command -v chromium-headless-shell chromium chromium-browser google-chrome | grep --quiet . || { \
		echo "Installing Chromium, in which the pages are tested ..."; \
		sudo=$$([ "$$(id --user)" = 0 ] || echo sudo); \
		$$sudo apt-get update -qq && $$sudo apt-get install --yes -qq chromium-headless-shell > /dev/null; }

.PHONY: check
check: .venv/.stamp node_modules/.stamp ## Check format, lint, types and shell scripts, and that no file has a secret in it
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/shellcheck $(SHELL_SCRIPTS)
	npm run --silent lint
	npm run --silent typecheck
	git ls-files -z --cached --others --exclude-standard | xargs -0 .ci/scan_secrets

.PHONY: bench
bench: tools .venv/.stamp node_modules/.stamp ## Measure speed and cost against baselines; ARGS="cold hot" for some
	@exec $(BIN)/python -m bench $(ARGS)

.PHONY: screenshots
screenshots: tools chromium .venv/.stamp node_modules/.stamp web/dist/index.html ## Retake the screenshots in docs/screenshots/
	@exec $(BIN)/python -m tests.e2e.pages.screenshots

.PHONY: lighthouse
lighthouse: tools chromium .venv/.stamp node_modules/.stamp web/dist/index.html ## Measure the pages with Lighthouse, into docs/lighthouse.md
	@exec $(BIN)/python -m tests.e2e.pages.lighthouse $(ARGS)

.PHONY: package
package: node_modules/.stamp web/dist/index.html ## Pack the elements for npm: token-economy-elements-*.tgz
	@npm pack --silent ./web/package

.PHONY: format
format: .venv/.stamp node_modules/.stamp ## Format the code and fix what the linters can
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format
	npm run --silent format

.PHONY: lock
lock: .venv/.stamp ## Regenerate requirements-dev.txt after a change to any requirements*.in
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --quiet requirements-dev.in --output-file requirements-dev.txt

.PHONY: clean
clean: ## Remove everything the other commands created
	rm -rf .venv node_modules web/dist web/package/dist web/examples/react/dist .local .hypothesis .mypy_cache .pytest_cache .ruff_cache

.PHONY: tools
tools:
	@local/require_tools.sh

.venv/.stamp: requirements-dev.txt
	@echo "Installing the Python packages into .venv ..."
	@python3 -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@

node_modules/.stamp: package.json package-lock.json .npmrc
	@echo "Installing the Node packages into node_modules (a few minutes the first time) ..."
	@npm ci --silent
	@touch $@

web/dist/index.html: node_modules/.stamp package.json $(WEB_SOURCES) shared/catalog.toml node_modules/.build-settings
	@echo "Building the pages into web/dist ..."
	@npm run --silent build
	@touch $@

web/examples/react/dist/index.html: web/dist/index.html
	@npm run --silent build:examples
	@touch $@

# The settings that end up in the pages: another value is another build.
BUILD_SETTINGS = TOKEN_CATALOG=$(TOKEN_CATALOG) $(foreach name,VITE_CURRENCY VITE_SITE_URL VITE_START_URL VITE_SUPPORT_URL VITE_APPCHECK_SITE_KEY,$(name)=$($(name)))
.PHONY: build-settings
node_modules/.build-settings: build-settings | node_modules/.stamp
	@echo '$(BUILD_SETTINGS)' | cmp --silent - $@ || echo '$(BUILD_SETTINGS)' > $@
