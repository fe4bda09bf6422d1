# threadbare: `make run` and `make test` are all there is to know. `make help` lists the rest.

CARGO ?= cargo
ROOT ?= www
ARGS ?=
SECONDS ?= 300

.PHONY: run test demo starve bench transfer beside fuzz check model clean help packages

run: ## build, then serve www on http://127.0.0.1:8080/ (ROOT=folder, ARGS='--bind 0.0.0.0:8080')
	$(CARGO) build --release --locked
	target/release/server $(ROOT) $(ARGS)

test: packages ## everything that proves it works
	$(CARGO) test --locked
	$(CARGO) build --release --locked
	sh tests/site/run.sh target/release/server
	sh tests/linter/run.sh target/release/server

demo: ## a server on a free port, and the client walking through the classic exchanges
	$(CARGO) build --release --locked
	sh bin/demo.sh target/release

lab-%: ## exercise N of the coursework, PASS or FAIL: lab-1 to lab-5
	$(CARGO) build --release --locked
	sh bin/labs/$*-*.sh target/release

starve: ## hostile clients by the thousand, and what a well-behaved one feels of them (ARGS='--row idle --only ours')
	$(CARGO) bench --locked --bench starve -- $(ARGS)

bench: ## requests a second and processor time for each, beside other people's servers (ARGS='--row small --rounds 5 --seconds 2')
	$(CARGO) build --release --locked --manifest-path benches/peers/Cargo.toml --target-dir target/peers
	$(CARGO) bench --locked --bench speed -- $(ARGS)
	$(CARGO) bench --locked --bench parser -- --quiet --warm-up-time 0.5 --measurement-time 1

transfer: ## a gigabyte down and up, by our client and by curl: seconds, processor time, memory (ARGS='--row up')
	$(CARGO) bench --locked --bench transfer -- $(ARGS)

beside: ## raw requests to us, nginx, Apache and lighttpd: who answers what, and what the RFC says
	$(CARGO) build --release --locked
	python3 tests/beside.py target/release/server

fuzz: ## random bytes for each parser, SECONDS=300 each (says so where the toolchain cannot)
	sh tests/fuzz/run.sh $(SECONDS)

check: ## formatting, lints, documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps

model: ## tries every interleaving of the protocol by which workers own connections (loom)
	RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=target/loom $(CARGO) test --locked --release --lib model

# Other people's programs, to test against. Where they cannot be installed the tests that need them
# say that they were skipped.
packages:
	@sh tests/packages.sh curl ncat netcat-openbsd python3 strace chromium wget nginx apache2-bin
	@sh tests/httpbin/install.sh

clean: ## removes what was built
	$(CARGO) clean

help: ## this list
	@sed -n 's/%/N/; s/^\([a-zN-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
