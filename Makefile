# Tenure's commands. `make` lists them.
SHELL := /bin/bash
CARGO ?= cargo
# Where downloaded clients live; the build's own folder is cargo's (CARGO_TARGET_DIR, default ./target).
TENURE_CACHE ?= $(HOME)/.cache/tenure
export TENURE_CACHE
export TENURE_VENV := $(TENURE_CACHE)/venv

# The pages are built with what package-lock.json names; a second build with the same file installs nothing.
.DEFAULT_GOAL := help
.PHONY: ui ui-test ui-dev e2e screenshots

ui/node_modules/.installed-from: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed-from

.PHONY: help demo test lint check unit clients differential docs simulations openapi release fuzz

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: ## build, seed a company, and watch a live rollout until its verdict
	@scripts/need rust
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory ui/dist/index.html; fi
	$(CARGO) build --profile demo --package tenure
	@exec "$$($(CARGO) metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/demo/tenure" demo

test: lint unit ui-test fuzz ## everything: formatting, lints, all tests, real PostgreSQL, real OpenFeature clients, the web pages, fuzzing

lint: ## rustfmt and clippy, warnings refused
	@scripts/need rust
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings

unit: clients ## all tests of all crates
	@scripts/need postgres
	TENURE_REQUIRE_POSTGRES=1 TENURE_REQUIRE_CLIENTS=1 $(CARGO) test --workspace --locked

check: ## the quick round while writing: lints and tests, skipping what is not installed
	$(CARGO) fmt --all
	$(CARGO) clippy --workspace --all-targets
	$(CARGO) test --workspace

fuzz: ## fuzz the statistics for a minute
	@scripts/fuzz 60

clients: ## install the OpenFeature clients that the tests drive
	@scripts/need rust node python chromium protoc
	@scripts/clients
	@scripts/testbed >/dev/null

differential: ## compare 100,000 random evaluations with PyPI openfeature-flagd-core
	@scripts/need rust python
	@scripts/differential

docs: ## write the generated pages: openapi.json and docs/reference
	TENURE_WRITE_GENERATED=1 $(CARGO) test --package tenure --test generated

simulations: release ## run every study anew, 100,000 times, and write docs/reference/simulations.md (a quarter of an hour)
	@"$$($(CARGO) metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/tenure" simulate all --markdown > docs/reference/simulations.md

release: ## the optimised binary, with the web UI in it
	npm --prefix ui ci && npm --prefix ui run build
	$(CARGO) build --release --locked --package tenure

ui/dist/index.html: ui/node_modules/.installed-from ui/index.html ui/vite.config.ts $(shell find ui/src ui/public -type f)
	cd ui && npm run build

ui: ui/node_modules/.installed-from ## test and build the web pages into ui/dist
	@scripts/need node
	cd ui && npm test && npm run build

ui-test: ## the web pages' types, tests and generated client, where Node is installed
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory ui/node_modules/.installed-from && cd ui && npm test; \
	else echo "skipped: the web pages' tests need Node 20.19 or newer"; fi

ui-dev: ui/node_modules/.installed-from ## serve the pages while writing them, against the server at TENURE_URL
	cd ui && npm run dev

e2e: ui/node_modules/.installed-from ## drive the real server through its pages, as three people in three browsers would
	@scripts/need rust node chromium
	$(MAKE) --no-print-directory ui/dist/index.html
	$(CARGO) build --package tenure
	cd ui && TENURE_BIN="$$($(CARGO) metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/tenure" npm run e2e

screenshots: ui/node_modules/.installed-from ## picture every screen of the real server, full and empty, light and dark, wide and phone
	@scripts/need rust node chromium
	$(MAKE) --no-print-directory ui/dist/index.html
	$(CARGO) build --package tenure
	cd ui && TENURE_BIN="$$($(CARGO) metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/tenure" npm run screenshots
