# Parlor. `make` lists what there is.

.DEFAULT_GOAL := help
.PHONY: help run build generate test check test-page test-rust test-api test-instructions test-streams test-faults test-browser test-engines faults bench bench-short bench-page bench-scale bench-instructions strangers pictures audit fmt tools

# What the tests start beside Parlor itself; Debian's packages of the same names. PostgreSQL's server is not on the PATH.
SERVERS := redis-server nginx curl chromium openssl python3 valgrind
POSTGRES := $(shell command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -1)
# Proxies, as program:package. On a machine where Debian starts what it installs, stop them: the tests start their own.
PROXIES := haproxy:haproxy apache2:apache2-bin varnishd:varnish caddy:caddy
# Browsers beside Chromium, what drives them, and a screen for the one that has no headless mode.
BROWSERS := firefox-esr:firefox-esr WebKitWebDriver:webkit2gtk-driver Xvfb:xvfb
# And LiveKit, built by Go from its own source; the version is part of the name, so that a new one is built.
# docker-compose.yml runs v1.13.11. v1.13.5 is the last that `go install` takes: the go.mod of v1.13.6 to v1.13.11
# replaces pion's modules by forks, and `go install` of a module with a `replace` fails.
LIVEKIT_VERSION := v1.13.5
LIVEKIT := target/tools/livekit-server-$(LIVEKIT_VERSION)

# What the benchmarks measure beside Parlor. Centrifugo is built by Go as LiveKit is.
CENTRIFUGO_VERSION := v6.9.1
CENTRIFUGO := target/peers/centrifugo-$(CENTRIFUGO_VERSION)
PEERS := benches/peers/node_modules/.package-lock.json target/peers/nginx $(CENTRIFUGO) target/peers/hub

# What the page is measured with, installed beside it.
LIGHTHOUSE := benches/page/node_modules/.package-lock.json

PAGE_SOURCES := $(shell find public -type f 2>/dev/null) vite.config.ts vite.vision.ts tsconfig.json package.json
MODULES := node_modules/.package-lock.json
PAGE := target/public/index.html
SCHEMATHESIS := target/schemathesis/installed

# What drives Firefox and Chromium alike, installed beside the tests that need it.
PUPPETEER := tests/engines/node_modules/.package-lock.json

# Clients that follow a stream.
STREAMS := target/streams/installed target/streams/client

help: ## List what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

run: $(PAGE) ## Build the page and start Parlor on http://127.0.0.1:8080
	cargo run --bin parlor

build: $(PAGE) ## Build the page and target/release/parlor
	cargo build --release --bin parlor

test: tools check test-page test-rust test-instructions test-api test-streams test-faults test-browser test-engines ## Install what the tests need, then run them all

check: $(PAGE) ## Formatting of both, clippy with warnings as errors, types of the page
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --test faults -- -D warnings
	npm run --silent check

test-page: $(MODULES) ## The page's unit tests
	npm test --silent

test-rust: $(PAGE) $(MODULES) ## Rules, stores, sockets, addresses
	cargo test

test-instructions: build ## What a message and a join cost, in instructions under valgrind, and that it is no more than allowed
	python3 benches/instructions/main.py target/release/parlor --guard

test-api: $(PAGE) $(SCHEMATHESIS) ## What docs/openapi.yaml allows and what it does not, sent to a real server
	cargo build --bin parlor
	python3 tests/schemathesis/run.py

test-streams: $(PAGE) $(MODULES) $(STREAMS) ## Python's, Go's and Node's clients follow a real server's streams
	cargo build --bin parlor
	python3 tests/streams/run.py

test-faults: $(PAGE) ## Nodes, Redis and NGINX fail while people talk: target/faults.md
	cargo test --test faults

test-browser: $(PAGE) $(MODULES) ## The real page in a real browser
	cargo build --bin parlor
	npm run --silent test:browser

test-engines: $(PAGE) $(MODULES) $(PUPPETEER) $(LIVEKIT) ## Talk, keys, reloads, fallback and calls in Chromium, Firefox and WebKitGTK: the table of docs/browsers.md
	cargo build --bin parlor
	node tests/engines/run.mjs

generate: $(PAGE) ## Write what comes from the types in src/protocol: TypeScript, schemas, tables
	PARLOR_GENERATE=1 cargo test --lib protocol::generated

faults: $(PAGE) ## The same optimised, with the default settings and more traffic; takes a while
	PARLOR_FAULTS=long cargo test --release --test faults

bench: $(PAGE) $(PEERS) ## What Parlor costs beside a floor and its peers (docs/benchmarks.md), and what the chat notices of logins; takes an hour and a half
	cargo bench --bench load -- --record
	cargo bench --bench logins

bench-short: $(PAGE) $(PEERS) ## The same as a smoke, a run of a second each; writes nothing
	cargo bench --bench load -- --short

bench-scale: $(PAGE) ## Ten thousand people move, come, go and are told, on this machine (docs/scaling.md): target/scale.md; some minutes
	cargo bench --bench scale

bench-instructions: build ## Instructions of a message and of a join, by Debian's valgrind; AGAINST=<another binary> fails if one costs 2 % more than there
	@command -v valgrind >/dev/null || { echo "bench-instructions needs valgrind: apt-get install valgrind"; exit 1; }
	python3 benches/instructions/main.py target/release/parlor $(if $(AGAINST),--against $(AGAINST))

strangers: build ## What one address can do to the server: each attack, and what it cost; some minutes
	python3 benches/strangers/main.py

bench-page: build $(LIGHTHOUSE) ## How fast the page is: Lighthouse, round trips to the first message, a long log (docs/page.md); some minutes
	PARLOR_BIN=target/release/parlor node benches/page/main.mjs

pictures: $(PAGE) $(LIVEKIT) ## The pictures of the README and of the landing, of the real page; Debian's chromium, and fonts-noto-color-emoji
	cargo build --bin parlor
	npm run --silent pictures

audit: ## Licences and sources of what comes in through Cargo and npm, and known vulnerabilities where their databases can be reached
	.ci/audit

fmt: $(MODULES) ## Format the Rust code and the page
	cargo fmt
	npm run --silent format

# Package managers are quiet here so that what the tests say stands out.
tools: $(LIVEKIT)
	@for tool in cargo node npm; do command -v $$tool >/dev/null || { echo "parlor needs $$tool: see README.md"; exit 1; }; done
	@missing="$(if $(POSTGRES),,postgresql)"; for server in $(SERVERS); do command -v $$server >/dev/null || missing="$$missing $$server"; done; \
	for tool in $(PROXIES) $(BROWSERS); do PATH="$$PATH:/usr/sbin" command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing$$missing"; \
		if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
		$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	fi

# Debian has venv in a package of its own.
define need_venv
@python3 -c 'import ensurepip' 2>/dev/null || { \
	if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
	$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; }
endef

$(SCHEMATHESIS): tests/schemathesis/requirements.txt
	$(need_venv)
	python3 -m venv target/schemathesis
	target/schemathesis/bin/pip install --quiet --disable-pip-version-check -r tests/schemathesis/requirements.txt
	@touch $@

target/streams/installed: tests/streams/requirements.txt
	$(need_venv)
	python3 -m venv target/streams/python
	target/streams/python/bin/pip install --quiet --disable-pip-version-check -r tests/streams/requirements.txt
	@touch $@

target/streams/client: tests/streams/client.go
	go build -o $@ $<

$(LIVEKIT):
	@command -v go >/dev/null || { echo "parlor's tests need go, to build LiveKit: see README.md"; exit 1; }
	@echo "building LiveKit $(LIVEKIT_VERSION) (some minutes)"
	@GOBIN=$(CURDIR)/target/tools go install github.com/livekit/livekit-server/cmd/server@$(LIVEKIT_VERSION)
	@mv target/tools/server $@

target/peers/nginx:
	@missing=; command -v redis-server >/dev/null || missing="$$missing redis-server"; command -v taskset >/dev/null || missing="$$missing util-linux"; \
	command -v nginx >/dev/null && ls /usr/lib/nginx/modules/ngx_nchan_module.so >/dev/null 2>&1 || missing="$$missing nginx libnginx-mod-nchan"; \
	if [ -n "$$missing" ]; then \
		echo "installing$$missing"; \
		if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
		$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	fi
	@mkdir -p $(@D) && touch $@

$(CENTRIFUGO):
	@command -v go >/dev/null || { echo "the benchmarks need go, to build Centrifugo and a hub: see README.md"; exit 1; }
	@echo "building Centrifugo $(CENTRIFUGO_VERSION) (some minutes)"
	@rm -f target/peers/centrifugo
	@GOBIN=$(CURDIR)/target/peers go install github.com/centrifugal/centrifugo/v6@$(CENTRIFUGO_VERSION)
	@mv target/peers/centrifugo $@ && ln -s $(@F) target/peers/centrifugo

target/peers/hub: benches/peers/hub/main.go benches/peers/hub/go.mod benches/peers/hub/go.sum
	cd $(<D) && go build -o $(CURDIR)/$@ .

benches/peers/node_modules/.package-lock.json: benches/peers/package.json benches/peers/package-lock.json
	cd benches/peers && npm ci --loglevel error
	@touch $@

$(LIGHTHOUSE): benches/page/package.json benches/page/package-lock.json $(MODULES)
	cd benches/page && npm ci --loglevel error
	@touch $@

$(PUPPETEER): tests/engines/package.json tests/engines/package-lock.json
	cd tests/engines && npm ci --loglevel error
	@touch $@

$(MODULES): package.json package-lock.json
	npm ci --loglevel error
	@touch $@

$(PAGE): $(MODULES) $(PAGE_SOURCES)
	npm run --silent build
	@touch $@
