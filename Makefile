# The project's commands. `make` alone lists them; the work is in scripts/.

.PHONY: help build demo test lint fuzz soak bench clean

FUZZTIME = 1m
SOAKTIME = 60s

help: ## List these targets
	@awk -F ': .*## |: ## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

build: ## Build bin/s2ngo-server and bin/s2ngo-client
	@mkdir -p bin
	@go build -trimpath -buildvcs=false -o bin/ ./cmd/s2ngo-server ./cmd/s2ngo-client

demo: build ## Watch a handshake suspend in a slow signature and go on
	@scripts/demo

test: ## Run every test, check and cross build; S2NGO_REQUIRE_PEERS=1 insists on all peers
	@scripts/test

lint: ## Run gofmt, go vet and staticcheck only
	@scripts/test gofmt vet staticcheck

fuzz: ## Fuzz each target for FUZZTIME (1m)
	@scripts/fuzz $(FUZZTIME)

soak: ## Break PKCS #11 tokens at random under load for SOAKTIME (60s)
	@S2NGO_SOAK=$(SOAKTIME) go test -count=1 -timeout 2h -run TestSoak -v ./internal/interop/faults

bench: ## Compare with crypto/tls on this machine
	@go run ./internal/bench/run
	@echo
	@go run ./internal/bench/latency

clean: ## Remove what the other targets made
	@rm -rf bin .cache
