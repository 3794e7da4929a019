# Registrar. `make run` needs Go alone; `make test` installs what it needs by hack/deps.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 20s
ROUNDS ?= 30
CHAOS ?= 60s
FAULTS ?= 200
SEED ?=
ROWS ?= 300000
IMPORT_KILLS ?= 20
IMPORT_ROWS ?= 60000
OTP_CODES ?= 3000
OTP_BACKLOG ?= 1000000
BULK_PEOPLE ?= 200000
PEOPLE ?= 100000

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/registrar
	@test -e bin/registrar || echo 'Building bin/registrar; the first time takes a minute or two.'
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/registrar ./cmd/registrar

.PHONY: run
run: build ## Build and run the whole service on the embedded default
	@exec ./bin/registrar serve

.PHONY: cluster
cluster: deps build ## Build and run all tiers on this machine, each part a process: 3 database nodes, 3 brokers, HAProxy, web, app, notify
	@go build -o bin/cluster ./cmd/cluster
	@exec ./bin/cluster

.PHONY: deps
deps: ## Install what the tests need (MariaDB, Galera, Java, Kafka, SMTP server, browser)
	@hack/deps

.PHONY: generate
generate: ## Make the generated code anew
	go generate ./...

.PHONY: lint
lint: ## Check the code's form
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "lint: gofmt these"; exit 1; }
	go vet ./...
	go tool -modfile=hack/lint/go.mod golangci-lint run ./...

# What kills and cuts off whole systems runs by itself: beside others it would measure them.
.PHONY: test
test: deps lint ## Everything the gate asks for: lint, and all tests with the race detector and real services
	go test -race -timeout 20m $$(go list ./... | grep -v /test/faults)
	go test -race -timeout 20m -p 1 ./test/faults/...

.PHONY: interop
interop: deps ## Call the service with the gate's SOAP stacks and print how each fared (INTEROP_STACKS=zeep,php: these alone)
	@cd test/interop && go test -count=1 -timeout 20m

.PHONY: interop-all
interop-all: deps ## The same with every stack
	@cd test/interop && INTEROP_STACKS=all go test -count=1 -timeout 40m

.PHONY: soapui
soapui: ## Run the SoapUI project against BASE (http://HOST:PORT), or against a service that it starts
	@cd test/soapui && BASE=$(BASE) go test -count=1 -timeout 10m -run 'TestProject$(if $(BASE),,|TestCallers)'

.PHONY: fuzz
fuzz: deps ## Run each fuzz target for FUZZTIME (20s)
	@hack/fuzz $(FUZZTIME)

.PHONY: attacks
attacks: ## Attack the built service as hostile clients do, and print what it answered and took
	@set -o pipefail; go test -count=1 -v -run TestAttacks ./test/attacks/ -within 1s | grep -v -e '^=== ' -e '^ *--- PASS'

.PHONY: faults
faults: deps ## Kill the service (ROUNDS times: 30), notifiers and brokers (for CHAOS: 60s), then anything of the whole system (FAULTS times: 200, by SEED) under load, and count what is lost; kill imports (IMPORT_KILLS times: 20, of IMPORT_ROWS rows: 60000); and run every command of docs/recovery.md (with ROWS notifications: 300000)
	ROUNDS=$(ROUNDS) CHAOS=$(CHAOS) go test -count=1 -timeout 60m -v -run 'TestCrash|TestNotifiers|TestBrokers' ./test/faults/
	IMPORT_KILLS=$(IMPORT_KILLS) IMPORT_ROWS=$(IMPORT_ROWS) go test -count=1 -timeout 60m -v ./test/faults/importing/
	ROWS=$(ROWS) go test -count=1 -timeout 60m -v -run TestRecovery ./test/faults/recovery/
	FAULTS=$(FAULTS) SEED=$(SEED) go test -count=1 -timeout 6h -v -run TestFaults ./test/faults/chaos/

.PHONY: migration
migration: deps ## Go through docs/migrating-from-a-monolith.md with PEOPLE users (100000, in thousands; make test: 5000): the Laravel table, PHP, the import, all phases and the way back
	PEOPLE=$(PEOPLE) go test -count=1 -timeout 60m -v -run TestMigration ./test/migration/

.PHONY: bench
bench: deps ## Measure registrations and envelopes a second against their baselines
	go test -count=1 -timeout 30m -run '^$$' -bench . -skip 'OTP|Bulk' -benchtime 1x ./test/bench/ ./cmd/registrar/

.PHONY: bench-cluster
bench-cluster: deps ## Measure registrations on three Galera nodes, the hop, and one to three application servers, next to their baselines
	go test -count=1 -timeout 60m -run '^$$' -bench . -benchtime 1x ./test/bench/cluster/

.PHONY: bench-bulk
bench-bulk: deps ## Measure a campaign to BULK_PEOPLE people (200000), from its start to the last mail at a sink
	BULK_PEOPLE=$(BULK_PEOPLE) go test -count=1 -timeout 60m -run '^$$' -bench Bulk -benchtime 1x ./cmd/registrar/

# A million rows unless ROWS is given.
.PHONY: bench-import
bench-import: ROWS = 1000000
bench-import: deps ## Measure registrar import of ROWS rows (1000000) next to LOAD DATA and to plain INSERTs of the same rows
	IMPORT_ROWS=$(ROWS) go test -count=1 -timeout 60m -v -run '^$$' -bench . -benchtime 1x ./test/bench/importing/

.PHONY: bench-otp
bench-otp: deps ## Measure OTP_CODES codes (3000) to the wire, alone and behind OTP_BACKLOG messages (1000000), against Kannel
	OTP_CODES=$(OTP_CODES) OTP_BACKLOG=$(OTP_BACKLOG) go test -count=1 -timeout 120m -run '^$$' -bench 'OTP|Kannel' -benchtime 1x ./cmd/registrar/ ./test/bench/otp/

.PHONY: compose-secrets
compose-secrets: ## Make the secrets of docker-compose.yml, as far as they are missing
	@deploy/compose/make-secrets

.PHONY: clean
clean: ## Remove what was built; ./data stays
	rm -rf bin coverage.out
