# Type `make` to see what can be done. Each target is one or two plain commands that work when typed by hand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?=# of a release, such as v1.2.3; a build without it says what Go knows
FUZZTIME ?= 1m
KEEP ?=
BIN ?= bin# where `make build` puts the programs
TESTFLAGS ?=
STORIES = go test -count=1 -timeout 30m -parallel 4
ROUNDS ?= 5
TOOLS ?= gcc kube helm3 helm4 prometheus nginx haproxy htpasswd openssl curl chromium dot h2spec kustomize traefik zsh fish bash_completion# what the tests run; test/lab/build gets them
LAB_TOOLS = kube containerd iptables coredns traefik crds operator prometheus3 alertmanager helm3 helm4# and the lab
PEERS = nginx haproxy wrk caddy gopeers# whom bench-proxy compares with, and what loads them
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
# These compute, on what their caller gave them, and nothing else: without the race detector's hooks inside them they are five times as fast,
# and most of what the tests compute. What our code, and all other code, does with a YAML tree or a hash is watched as ever; make soak watches all.
UNWATCHED = golang.org/x/crypto/blowfish go.yaml.in/yaml/...
RACE = -race $(UNWATCHED:%=-gcflags=%=-race=false)
LONGEST = ./pkg/cli/basicauth ./pkg/userstore ./pkg/proxy ./test/charts ./test/kustomize ./test/browser# begin first, so that none is left alone at the end
MODULES = . image test/bench/gopeers test/lab
LDFLAGS = -s -w $(if $(VERSION),-X github.com/kauth-dev/kauth/pkg/version.override=$(VERSION))
GO_TOOL = go tool -modfile=tools.mod

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1 \2/p' Makefile | while read -r m t d; do printf '  %s %-9s %s\n' "$$m" "$$t" "$$d"; done

.PHONY: build
build: ## the three programs, in bin/ (VERSION=v1.2.3 for a release)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

.PHONY: cross
cross: ## the programs that people run on their own machines, in dist/OS-ARCH/ for each of PLATFORMS
	@for p in $(PLATFORMS); do echo "== $$p" && GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 \
		go build -trimpath -ldflags '$(LDFLAGS)' -o "dist/$${p/\//-}/" ./cmd/kauth ./cmd/kubectl-basicauth; done

.PHONY: image
image: ## the sidecar's image as an OCI archive in dist/, for amd64 and arm64 (VERSION=v1.2.3)
	CGO_ENABLED=0 go -C image run ./kauth-proxy -version '$(VERSION)'

.PHONY: demo
demo: build ## a Prometheus with a login, from chart to curl, on this machine (KEEP=1 leaves it up)
	@helm3=$$(test/lab/build helm3) && prometheus=$$(test/lab/build prometheus) && go build -o dist/demo ./test/demo && \
	exec dist/demo -helm "$$helm3" -prometheus "$$prometheus" $(if $(KEEP),-keep)

.PHONY: test
test: tools ## everything but the long suites; gets what it needs first
	@echo '== format: gofumpt'
	@unformatted=$$($(GO_TOOL) gofumpt -l .) && if [ -n "$$unformatted" ]; then echo "not formatted; run make fmt:"; echo "$$unformatted"; exit 1; fi
	@echo '== go vet ./... in $(MODULES)'
	@for module in $(MODULES); do go -C $$module vet ./...; done
	@echo '== go test ./...'
	@$(MAKE) --no-print-directory test-go

.PHONY: test-go
test-go: ## only the Go tests, with what is there (TESTFLAGS='-run X -v')
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=0 go test $(RACE) -timeout 15m $(TESTFLAGS) $(LONGEST) ./...
	go test $(TESTFLAGS) ./pkg/auth/basic # once more without the race detector, which distorts how long hashing takes
	go test -run '^TestTopologies$$' $(TESTFLAGS) ./test/ways # once more without it, on ten times as many topologies
	go -C image test $(TESTFLAGS) ./...

.PHONY: e2e
e2e: root ## the stories: what kauth promises, tried on a real cluster (TESTFLAGS='-run TestX' for one)
	@test/lab/build $(LAB_TOOLS) >/dev/null
	cd test/lab && go test -count=1 ./sandbox
ifdef TESTFLAGS
	cd test/lab/stories && $(STORIES) $(TESTFLAGS)
else # that of the faults breaks its cluster, and mostly waits: it has one of its own, at the same time
	cd test/lab/stories && go vet . && { $(STORIES) -run '^TestFaults$$' & faults=$$!; code=0; $(STORIES) -skip '^TestFaults$$' || code=$$?; wait $$faults && exit $$code; }
endif

.PHONY: lab-shell
lab-shell: root ## a shell in the cluster of the stories, which ends with it (see docs/testing.md)
	@test/lab/build $(LAB_TOOLS) >/dev/null
	@go -C test/lab build -o ../../dist/lab ./enter && exec dist/lab

.PHONY: root
root:
	@[ "$$(id -u)" = 0 ] || { echo 'the lab makes namespaces, mounts and control groups, which only root may do; run it as root, or with sudo' >&2; exit 2; }

.PHONY: tools
tools: ## the programs that tests run, built or fetched once into a cache outside the tree
	@echo '== tools: $(TOOLS)'
	@test/lab/build $(TOOLS)

.PHONY: print-tools
print-tools:
	@echo $(TOOLS)

.PHONY: lint
lint: ## golangci-lint, with the rules of .golangci.yml
	@go build -modfile=tools.mod -o dist/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@for module in $(MODULES); do echo "== $$module" && (cd $$module && "$(CURDIR)"/dist/golangci-lint run ./...); done

.PHONY: fmt
fmt: ## format all Go code
	$(GO_TOOL) golangci-lint fmt ./...

.PHONY: golden
golden: ## rewrite the wanted output in testdata; review the diff like code
	go test $$(grep -rlE 'flag\.Bool\("update"' --include='*_test.go' . | xargs -rn1 dirname | sort -u) -update

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME (1m) each, as many at once as there are cores
	@grep -roE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sort | sed 's/^\(.*\)\/[^/]*:func /\1 /' | \
		xargs -P "$$(nproc)" -L 1 bash -c 'code=0; said=$$(go test -run "^$$" -fuzz "^$$1\$$" -fuzztime $(FUZZTIME) \
		-fuzzminimizetime 10x -parallel 1 "$$0" </dev/null 2>&1) || code=$$?; printf "== %s in %s, $(FUZZTIME)\n%s\n" "$$1" "$$0" "$$said"; exit $$code'

.PHONY: soak
soak: ## everything at once on one gate for five minutes, with the race detector (KAUTH_SOAK=1h)
	CGO_ENABLED=1 KAUTH_SOAK=$${KAUTH_SOAK:-5m} go test -race -count=1 -timeout 2h -run '^TestSoak$$' -v ./pkg/proxy

.PHONY: bench
bench: build ## what it costs: kauth on big streams and beside kustomize, the proxy on a request, hashing
	@test/lab/build kustomize >/dev/null
	go test -run '^$$' -bench . -benchmem -timeout 30m $$(grep -rlE '^func Benchmark' --include='*_test.go' . | xargs -rn1 dirname | sort -u)

.PHONY: bench-proxy
bench-proxy: ## kauth-proxy beside its peers, as whole processes; load; floods, as root; 20 minutes (ROUNDS=5)
	@test/lab/build $(PEERS) >/dev/null && mkdir -p dist && go test -c -o dist/peers.test ./test/bench/peers
	@cd test/bench/peers && export KAUTH_BENCH_PROXY=1 && bench() { ../../../dist/peers.test -test.run '^$$' -test.benchtime 1x -test.timeout 2h -test.bench "$$1" $(TESTFLAGS); } && \
	{ for round in $$(seq $(ROUNDS)); do bench 'Request|Start|Bodies'; done; bench 'Load|Flood'; } | tee ../../../dist/bench-proxy.txt
	@go run ./test/bench/table <dist/bench-proxy.txt

.PHONY: clean
clean: ## remove bin/ and dist/; the cache of tools stays
	rm -rf bin dist
