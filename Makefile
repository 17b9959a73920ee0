# Go 1.26, make and git are all it takes, but for `make race`: the race
# detector needs gcc.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 10s

export CGO_ENABLED = 0

# The version is stamped by -X; go build would refuse to ask a git that
# distrusts the owner of the tree.
BUILD = go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)'

.DEFAULT_GOAL := help
.PHONY: help build test race vet staticcheck fuzz bench try package test-package test-vm test-box test-battery bench-sandbox bench-links bench-far bench-top docs chaos clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build octasklyd, octasklyctl and octaskly-init into bin/
	$(BUILD) -o bin/octasklyd ./daemon
	$(BUILD) -o bin/octasklyctl ./ctl
	go build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/octaskly-init ./daemon/init

test: ## run all tests
	go test -timeout 20m ./...

# Most of ./test runs programs, which are built without the detector: only those
# are of use here that have our code in their own process.
race: ## run the tests with the race detector (needs gcc)
	CGO_ENABLED=1 go test -race -timeout 25m $$(go list ./... | grep -v '/test$$')
	CGO_ENABLED=1 go test -race -timeout 25m -run '^Test(Herd|Between|FalseDispatcher|CrowdOfJoiners|KeyAlone|Renewed|LastWords|LoginIsNotBurned)' ./test

vet: ## check formatting and run go vet
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "gofmt these: $$unformatted"; exit 1; fi
	go vet ./...

staticcheck: ## run staticcheck, built from the version that tools/go.mod pins
	go tool -modfile=tools/go.mod staticcheck ./...

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@set -e; listed=$$(go test -list '^Fuzz' ./...); \
	echo "$$listed" | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { while (n > 0) print $$2, names[--n] }' | \
	while read -r package target; do \
		echo "$$package $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package </dev/null; \
	done

bench: ## measure commands per second against the floor of fork and exec
	go run ./test/bench

package: ## build dist/*.deb and dist/*.rpm
	packaging/build.sh

test-package: ## build the packages twice and inspect them (needs lintian, rpm, rpmlint, shellcheck, systemd)
	OCTASKLY_PACKAGE=1 go test -count=1 -timeout 10m -run Package ./test

test-vm: ## install the package in virtual machines and use it there (needs QEMU and mmdebstrap; root installs them)
	OCTASKLY_VM=1 go test -p 1 -count=1 -timeout 50m ./test/vm/... ./test/machine

test-box: ## try boxes by themselves in virtual machines
	OCTASKLY_VM=1 go test -count=1 -timeout 30m ./test/box

test-battery: ## attack the installed package in virtual machines, at each sandbox level
	OCTASKLY_VM=1 go test -count=1 -timeout 60m ./test/battery

bench-top: ## measure what octasklyctl top costs while nothing moves
	go test -run '^$$' -bench '^BenchmarkIdle$$' -benchtime 1x ./internal/tui

docs: ## record two minutes of a real run, and draw docs/top.svg of it
	go run ./test/docs
	go test -count=1 -run '^TestPictureIsOfToday$$' ./internal/tui -update

chaos: ## kill, freeze and cut everything under load, 200 times, and compare what is left
	go run ./test/chaos -rounds 200

bench-sandbox: build ## measure what a box costs, here and in a virtual machine
	go run ./test/bench/boxes
	OCTASKLY_VM=1 OCTASKLY_BENCH=1 go test -count=1 -timeout 20m -v -run '^TestBenchSandbox$$' ./test/machine

bench-links: ## measure sessions over TLS and QUIC beside crypto/tls and quic-go
	go run ./test/bench/links

bench-far: ## measure TCP beside QUIC over a line that loses packets (root; TUN devices)
	OCTASKLY_FIGURES=1 go test -count=1 -timeout 30m -v -run '^TestFarFigures$$' ./test

try: ## start a dispatcher and two workers in a scratch directory and run a real job
	go run ./test/try

clean: ## remove what make built
	rm -rf bin dist
