# What needs installing is installed by the go command itself; see `make help`.
MODULES  = . examples examples/cluster examples/webapp bench cmd/latchkey redisstore redisstore/bench scsstore promstore inspect
PACKAGES = ./... ./examples/... ./examples/cluster/... ./examples/webapp/... ./bench/... ./cmd/latchkey/... ./redisstore/... ./redisstore/bench/... ./scsstore/... ./promstore/... ./inspect/...
FUZZTIME = 30s
LOAD     = 20
AXE      = 4.14.1
BIN      = $(CURDIR)/.bin

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-23s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## replay a sample web log as sessions, and draw them: out/sessions.svg
	@mkdir -p out
	go run ./examples/accesslog -progress -plot out/sessions.svg
	@echo "The picture is in out/sessions.svg"

demo-redis: redis ## two processes of the example shop on one Redis: one is killed, and nothing is lost
	go run ./examples/cluster

webapp: ## the example shop on scs, with LOAD (20) visitors, metrics and the live page, until Ctrl-C
	@mkdir -p out
	go build -o out/webapp ./examples/webapp
	@out/webapp -load $(LOAD)

test: lint redis chromium ## everything that must pass: lint, tests, tests under the race detector
	go test -shuffle=on -timeout 15m $(PACKAGES)
	go test -shuffle=on -timeout 15m -race $(PACKAGES)

race: redis chromium ## the tests under the race detector alone
	go test -shuffle=on -timeout 15m -race $(PACKAGES)

lint: tools ## formatting, go vet, staticcheck, errcheck, tidy go.mod files
	@test -z "$$($(BIN)/gofumpt -l $(MODULES))" || { $(BIN)/gofumpt -d $(MODULES); exit 1; }
	go vet $(PACKAGES)
	$(BIN)/staticcheck $(PACKAGES)
	$(BIN)/errcheck -ignoretests $(PACKAGES)
	GOOS=windows go vet ./store ./persist
	@for m in $(MODULES) tools; do echo "go mod tidy -diff in $$m"; GOWORK=off go -C $$m mod tidy -diff || exit 1; done

soak: ## ten million crashes, and ten thousand kills (hours)
	go test -count=1 -timeout 0 -run 'TestCrashPoints|TestKill' -v ./persist -crash-points=10000000 -kills=10000

fuzz: ## each fuzz target for FUZZTIME (30s)
	@for p in $$(go list $(PACKAGES)); do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

mutants: ## take out one fsync or check at a time, and show that a test turns red (10 minutes)
	go run ./internal/mutants

hit-ratios: ## TinyLFU on every recorded trace beside LRU, otter and the optimum (LATCHKEY_DATA names the traces)
	@test -n "$$LATCHKEY_DATA" || { echo "hit-ratios: set LATCHKEY_DATA to the folder with the traces"; exit 1; }
	go test -count=1 -timeout 30m -run TestHitRatios -v ./internal/tinylfu -all-traces

bench: ## speed, memory, waits and hit ratios beside other caches, to bench/RESULTS.md and bench/plots (a quarter of an hour)
	@mkdir -p out
	go run ./bench -plots bench/plots > out/RESULTS.md
	@mv out/RESULTS.md bench/RESULTS.md
	@echo "The figures are in bench/RESULTS.md; make readme-figures puts them into the README"

bench-quick: ## the same in two minutes, less exact, to the terminal
	go run ./bench -quick

readme-figures: ## put the figures of bench/RESULTS.md into the README's tables
	go test -count=1 -run TestReadmeFigures ./bench -update

bench-durability: redis ## what keeping changes on disk costs, beside bbolt, Redis and plain files (10 minutes)
	go run ./bench -only durability

bench-durability-quick: redis ## the same in two minutes, less exact
	go run ./bench -quick -only durability

bench-redis: redis ## redisstore beside plain commands and scs: speed, and memory on the server
	go run ./redisstore/bench

bench-web: redis ## requests a second of scs with sessions of ours, held by one request at a time, beside scs alone (2 minutes)
	go test -count=1 -timeout 10m -run TestWebTable -v ./scsstore -web-table

bench-inspect: ## what the page of inspect costs a store of a million entries in use (2 minutes)
	go test -count=1 -timeout 20m -run TestCost -v ./inspect -cost

screenshot: chromium ## the pictures of inspect's page in its README (3 minutes)
	go test -count=1 -timeout 20m -run TestScreenshot -v ./inspect -screenshots

failover: redis ## what each level of redisstore's durability loses at which fault (2 minutes)
	go test -count=1 -timeout 10m -run TestFailoverLosses ./redisstore -failover

redis: # Debian's package, where it can be installed; else the tables say what to install
	@if ! { command -v redis-server && command -v redis-benchmark; } >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server redis-tools >/dev/null; \
	fi || true

chromium: # Debian's package likewise; npm fetches what looks for barriers
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; \
	fi || true
	@if ! [ -f $(BIN)/axe-core/package/axe.min.js ] && command -v npm >/dev/null; then \
		mkdir -p $(BIN)/axe-core && cd $(BIN)/axe-core && npm pack --silent axe-core@$(AXE) >/dev/null && tar xzf axe-core-$(AXE).tgz; \
	fi || true

vuln: tools ## known vulnerabilities in what is used (asks vuln.go.dev)
	@for m in $(MODULES); do GOWORK=off $(BIN)/govulncheck -C $$m ./... || exit 1; done

tools: # the pinned tools of tools/go.mod
	@GOWORK=off GOBIN=$(BIN) go -C tools install tool

clean: ## remove what was made here
	rm -rf out .bin

.PHONY: help demo demo-redis webapp test race lint soak fuzz mutants hit-ratios bench bench-quick bench-durability bench-durability-quick bench-redis failover redis vuln tools clean bench-web readme-figures bench-inspect screenshot chromium
.DEFAULT_GOAL = help
