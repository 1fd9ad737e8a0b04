# Type `make` to see what can be done. Each target is one or two plain commands that work when typed by hand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?=# of a release, such as v1.2.3; a build without it says what Go knows
FUZZTIME ?= 1m
KEEP ?=
BIN ?= bin# where `make build` puts the programs
TESTFLAGS ?=
TOOLS ?= gcc kube helm3 helm4 prometheus htpasswd openssl chromium# what the tests run; test/lab/build gets them
LDFLAGS = -s -w $(if $(VERSION),-X github.com/kauth-dev/kauth/pkg/version.override=$(VERSION))
GO_TOOL = go tool -modfile=tools.mod

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1 \2/p' Makefile | while read -r m t d; do printf '  %s %-9s %s\n' "$$m" "$$t" "$$d"; done

.PHONY: build
build: ## the three programs, in bin/ (VERSION=v1.2.3 for a release)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

.PHONY: demo
demo: build ## a Prometheus with a login, from chart to curl, on this machine (KEEP=1 leaves it up)
	@helm3=$$(test/lab/build helm3) && prometheus=$$(test/lab/build prometheus) && go build -o dist/demo ./test/demo && \
	exec dist/demo -helm "$$helm3" -prometheus "$$prometheus" $(if $(KEEP),-keep)

.PHONY: test
test: tools ## everything but the long suites; gets what it needs first
	@echo '== format: gofumpt'
	@unformatted=$$($(GO_TOOL) gofumpt -l .) && if [ -n "$$unformatted" ]; then echo "not formatted; run make fmt:"; echo "$$unformatted"; exit 1; fi
	@echo '== go vet ./...'
	@go vet ./...
	@echo '== go test ./...'
	@$(MAKE) --no-print-directory test-go

.PHONY: test-go
test-go: ## only the Go tests, with what is there (TESTFLAGS='-run X -v')
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=0 go test -race -timeout 15m $(TESTFLAGS) ./...

.PHONY: tools
tools: ## the programs that tests run, built or fetched once into a cache outside the tree
	@echo '== tools: $(TOOLS)'
	@test/lab/build $(TOOLS)

.PHONY: print-tools
print-tools:
	@echo $(TOOLS)

.PHONY: lint
lint: ## golangci-lint, with the rules of .golangci.yml
	$(GO_TOOL) golangci-lint run ./...

.PHONY: fmt
fmt: ## format all Go code
	$(GO_TOOL) golangci-lint fmt ./...

.PHONY: golden
golden: ## rewrite the wanted output in testdata; review the diff like code
	go test $$(grep -rlE 'flag\.Bool\("update"' --include='*_test.go' . | xargs -rn1 dirname | sort -u) -update

.PHONY: fuzz
fuzz: ## every fuzz target in turn, FUZZTIME (1m) each
	@grep -roE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sort | while IFS=: read -r file func; do \
		name=$${func#func } && echo "== $$name in $$(dirname "$$file"), $(FUZZTIME)" && \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(dirname "$$file")" </dev/null; done

.PHONY: bench
bench: build ## what it costs: kauth on big streams, the proxy on a request, hashing
	go test -run '^$$' -bench . -benchmem -timeout 30m $$(grep -rlE '^func Benchmark' --include='*_test.go' . | xargs -rn1 dirname | sort -u)

.PHONY: clean
clean: ## remove bin/ and dist/; the cache of tools stays
	rm -rf bin dist
