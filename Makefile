# Two commands do all their own set-up: `make demo` and `make test`. DEVELOPERS.md explains the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo

.PHONY: demo test build setup setup-test fmt lint doc proto deny unit clean-data

## demo: build, start the real server, enroll, list proxies, screen calls in real time, print the table
demo: build
	@$(CARGO) run --quiet --release --locked -- demo

## build: the release binary
build: setup
	@$(CARGO) build --quiet --release --locked

## test: everything CI checks, the tests last
test: setup setup-test fmt lint doc proto deny unit

## setup: what building and running need (system packages, ONNX Runtime pinned by sha256)
setup:
	@scripts/setup-build.sh
	@scripts/setup-onnxruntime.sh >/dev/null

## setup-test: what only the tests need (the AMR codec, the Python reference, gRPC clients nobody here wrote, buf, cargo-deny)
setup-test:
	@scripts/setup-amr.sh
	@scripts/reference/setup.sh >/dev/null
	@scripts/setup-deny.sh >/dev/null

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
