# Two commands do all their own set-up: `make demo` and `make test`. DEVELOPERS.md explains the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo

.PHONY: demo demo-call test build setup setup-test fmt lint doc proto deny unit clean-data

## demo: build, start the real server, enroll, list proxies, screen calls in real time, print the table
demo: build
	@$(CARGO) run --quiet --release --locked -- demo

## demo-call: the same by telephone: sipp calls a real Asterisk, Chromium shows the agent's page
demo-call: build
	@$(CARGO) run --quiet --release --locked -- demo-call

## build: the release binary
build: setup
	@$(CARGO) build --quiet --release --locked

## test: everything CI checks, the tests last
test: setup setup-test fmt lint doc proto deny unit

## setup: what building and running need (system packages, ONNX Runtime pinned by sha256)
setup:
	@scripts/setup-build.sh
	@scripts/setup-onnxruntime.sh >/dev/null

## setup-test: what only the tests need (the AMR codec, the Python reference, gRPC clients nobody here wrote, buf, cargo-deny,
## a telephone network and a browser; where these two can't be had, their tests say so and are skipped)
setup-test:
	@scripts/setup-amr.sh
	@scripts/reference/setup.sh >/dev/null
	@scripts/setup-deny.sh >/dev/null
	@scripts/setup-sipp.sh && scripts/setup-asterisk.sh >/dev/null || true
	@scripts/setup-browser.sh >/dev/null || true

fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --quiet --release --locked --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --release --locked --workspace --no-deps

proto:
	scripts/buf.sh lint proto

deny:
	scripts/deny.sh

## unit: unit, property, golden and integration tests, then doc tests
unit:
	$(CARGO) test --release --locked --workspace
