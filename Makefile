# `make help` tells what there is. Everything missing is installed by scripts/install.

.DEFAULT_GOAL := help
.PHONY: help run import grpcurl test tour lint fmt bench bench-select

# What `make import` loads.
DATA ?= examples

# Tools of this project's own come first.
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.tools/node_modules/.bin:$(PATH)

help: ## Say what make can do here
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | \
		while IFS='	' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

run: ## Build and start the service; flags for it: make run ARGS="--listen 127.0.0.1:50052"
	@scripts/install server
	@cargo run --release --locked -- $(ARGS)

import: ## Load a folder of CSV files into the running service: make import DATA=examples
	@cargo run --release --locked --quiet -- import folder $(DATA) $(ARGS)

grpcurl: ## Put grpcurl into .tools/bin, for the tour in README.md
	@scripts/install grpcurl

test: ## Run all tests on a PostgreSQL of their own; some of them: make test ARGS="--test postgres"
	@scripts/install test
	@cargo test --locked $(ARGS)

tour: ## Run the tour in README.md and write its real output into it
	@scripts/install test
	@UPDATE_TOUR=1 cargo test --locked --test tour the_tour

lint: ## Check formatting, lints, documentation and the protobuf contract
	@scripts/install lint
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --document-private-items --locked
	buf lint proto

bench: ## Measure all calls against pgbench, psql and h2load; SCALE, ROUNDS, ROWS choose
	@scripts/install bench
	@cargo bench --locked --bench throughput

bench-select: ## Measure selecting against SQL at a million contacts; SCALE and ROUNDS multiply
	@scripts/install server
	@cargo bench --locked --bench select

fmt: ## Format the code and the protobuf contract
	@scripts/install lint
	cargo fmt
	buf format --write proto
