# `make help` lists the targets. Missing packages and tools are installed by scripts/install.

.DEFAULT_GOAL := help
.PHONY: help run import grpcurl test test-peers test-citus torture tour api docs test-clients test-deploy test-upgrade package release manifests lint fmt freeze bench bench-select bench-neighbours

# The directory that `make import` loads.
DATA ?= examples

# The contract of the last release, with which later ones have to be compatible.
RELEASED = proto/released.binpb

# The project's own tools come first. `cargo deny fetch` once brings the advisories for `make lint`.
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.tools/node_modules/.bin:$(PATH):/usr/sbin

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Build and start the service; with flags: make run ARGS="--listen 127.0.0.1:50052"
	@scripts/install server
	@[ -d target/release/deps ] || echo "make: the first build takes about 7 minutes on 2 cores" >&2
	@cargo run --release --locked -- $(ARGS)

import: ## Import CSV files into the running service: make import DATA=examples
	@cargo run --release --locked --quiet -- import folder "$(DATA)" $(ARGS)

grpcurl: ## Build grpcurl into .tools/bin, for docs/tour.md
	@scripts/install grpcurl

test: ## Run all tests on their own PostgreSQL; a part: make test ARGS="--test service groups::"
	@scripts/install test
	@cargo test --locked $(ARGS)

test-peers: ## Test calls and uploads through nginx and HAProxy, and a page in Chromium
	@scripts/install peers
	@cargo test --locked --test service -- --ignored --show-output peers::

test-citus: ## Test distributed tables on a cluster of Citus: CITUS_URL names a database of its coordinator
	@scripts/install test
	@cargo test --locked --test service -- --ignored citus::

test-clients: ## Test the client packages of clients/ against the service; one: make test-clients ARGS=python
	@scripts/install server
	@scripts/test-clients $(ARGS)

torture: ## Kill servers and PostgreSQL and break networks under load for an hour: TORTURE_MINUTES=5, TORTURE_SEED=1
	@scripts/install torture
	@cargo test --locked --test service -- --ignored --nocapture rolling:: torture::

test-deploy: ## Test the Helm chart, the systemd unit, the Debian package and what a release refuses, as root or with sudo
	@scripts/install deploy
	@scripts/test-deploy chart unit package release

test-upgrade: ## Build the last release, and upgrade its servers under load
	@scripts/test-upgrade

package: ## Build the Debian package: target/debian/*.deb
	@scripts/package

release: ## Make what a release publishes: dist/VERSION; of any commit, to try: make release ARGS=--unreleased
	@scripts/release $(ARGS)

manifests: ## Make deploy/kubernetes of the Helm chart
	@scripts/install deploy
	@helm template mailing-groups deploy/helm/mailing-groups --kube-version 1.30.0 >deploy/kubernetes/mailing-groups.yaml

tour: ## Run README.md and docs/tour.md and write the real output into them
	@scripts/install test
	@UPDATE_TOUR=1 cargo test --locked --test service tour::documents::commands

api: ## Make docs/api.md and docs/openapi.yaml of the protobuf contract
	@scripts/install test
	@UPDATE_API=1 cargo test --locked --test service reference::

docs: ## Build the documentation as a site, target/site/index.html, and check all links
	@scripts/install docs
	@scripts/docs

lint: ## Check formatting, lints, documentation, dependencies and the protobuf contract
	@scripts/install lint
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --document-private-items --locked
	cargo deny --locked check licenses bans sources
	@[ ! -d "$${CARGO_HOME:-$$HOME/.cargo}/advisory-dbs" ] || cargo deny --locked check --disable-fetch advisories
	promtool test rules deploy/prometheus/alerts_test.yaml
	buf lint proto
	buf breaking proto --against $(RELEASED)

bench: ## Measure all calls against pgbench, psql and h2load; SCALE, ROUNDS, ROWS choose
	@scripts/install bench
	@cargo bench --locked --bench throughput

bench-select: ## Measure selecting against SQL at a million contacts; SCALE and ROUNDS multiply
	@scripts/install server
	@cargo bench --locked --bench select

bench-neighbours: ## Measure what one tenant's load costs another; LOADS and SECONDS choose
	@scripts/install server
	@cargo bench --locked --bench neighbours

freeze: ## At a release: take the protobuf contract as the one to be compatible with
	@scripts/install lint
	buf build proto --exclude-source-info -o $(RELEASED)

fmt: ## Format the code and the protobuf contract
	@scripts/install lint
	cargo fmt
	buf format --write proto
