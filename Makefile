# threadbare. `make` alone lists what there is to make.

CARGO ?= cargo
RUSTC ?= rustc
CARGO_TARGET_DIR ?= target
ROOT ?= www
ARGS ?=
SECONDS ?= 300
# Optional parts: auth for server --auth, inflate for client --compressed, tls for https; FEATURES=auth,tls for two of them.
FEATURES ?=

BUILT = $(CARGO_TARGET_DIR)/release
LABS = $(CARGO_TARGET_DIR)/lab
PROGRAM ?=

# An exercise is compiled without cargo, which would build what the tests need (criterion, proptest) for any example.
LAB_TOOLS = $(CARGO) build --locked --profile lab --lib --bins
LAB_PROGRAM = $(RUSTC) --edition 2024 -L $(LABS)/deps --extern threadbare=$(LABS)/libthreadbare.rlib \
	-o $(LABS)/lab-$* examples/labs/$*-*.rs

.DEFAULT_GOAL := help
.PHONY: instructions run test packages demo lab starve bench hello transfer scale beside fuzz check model clean help

run: ## build, then serve www on http://127.0.0.1:8080/ (ROOT=folder, ARGS='--bind 0.0.0.0:8080', FEATURES=auth,inflate)
	$(CARGO) build --release --locked $(if $(FEATURES),--features '$(FEATURES)')
	$(BUILT)/server $(ROOT) $(ARGS)

test: ## run every test that the installed programs allow, and list the tests that were skipped
test: export SKIPPED = $(abspath $(CARGO_TARGET_DIR))/skipped.txt
test:
	@mkdir -p $(CARGO_TARGET_DIR)
	@: >$(SKIPPED)
	$(CARGO) test --locked --features auth,inflate,tls
	$(CARGO) build --release --locked
	sh tests/site/run.sh $(BUILT)/server
	sh tests/linter/run.sh $(BUILT)/server
	@sh tests/skipped.sh $(SKIPPED)

packages: ## install the programs that some tests need: curl, nginx, a browser (as root, on Debian)
	@sh tests/packages.sh

demo: ## start a server on a free port, and let the client show the classic exchanges
	$(LAB_TOOLS)
	sh bin/demo.sh $(LABS)

lab: ## list the exercises of the coursework
	@awk 'FNR == 1 { sub("^//! Exercise ", "lab-"); print }' examples/labs/*.rs

lab-%: ## check exercise N, which you write in examples/labs, step by step (PROGRAM='python3 mine.py': that instead)
	@ls examples/labs/$*-*.rs >/dev/null 2>&1 || { echo 'there is no lab-$*; there are:'; $(MAKE) -s lab; exit 2; }
	$(LAB_TOOLS)
	@$(LAB_PROGRAM)
	@sh bin/labs/$*-*.sh $(LABS) $(if $(PROGRAM),'$(PROGRAM)')

watch-%: ## show an experiment with the finished server that belongs to exercise N
	@ls bin/labs/watch-$*-*.sh >/dev/null 2>&1 || { echo 'nothing to watch for $*; there are:'; ls bin/labs/watch-*; exit 2; }
	$(LAB_TOOLS)
	@$(LAB_PROGRAM)
	@set -e; for script in bin/labs/watch-$*-*.sh; do sh $$script $(LABS) $(if $(PROGRAM),'$(PROGRAM)'); done

starve: ## measure a normal client while thousands of hostile ones are connected (ARGS='--row idle --only ours')
	$(CARGO) bench --locked --bench starve -- $(ARGS)

bench: ## measure requests a second and processor time, beside other servers (ARGS='--row small --rounds 5 --seconds 2')
	$(CARGO) build --release --locked --manifest-path benches/peers/Cargo.toml --target-dir $(CARGO_TARGET_DIR)/peers
	$(CARGO) bench --locked --bench speed -- $(ARGS)
	$(CARGO) bench --locked --bench names
	$(CARGO) bench --locked --bench starve -- --row rooms
	$(CARGO) bench --locked --bench parser -- --quiet --warm-up-time 0.5 --measurement-time 1

hello: ## compare a small program on this library with the same on tiny_http and axum: lines, crates, size, memory, time
	$(CARGO) build --release --locked
	sh benches/hello/run.sh $(BUILT)/client $(ARGS)

transfer: ## measure a gigabyte down and up, with our client and with curl (ARGS='--row up')
	$(CARGO) bench --locked --bench transfer -- $(ARGS)

scale: ## stop one and kill one of three servers behind HAProxy, under load: 3 phases of SECONDS=20
scale: SECONDS = 20
scale:
	SCALE=$(SECONDS) $(CARGO) test --locked --test tests scale -- --nocapture

beside: ## grade this server, nginx, Apache, lighttpd, Caddy, Node and Python with client check
	$(CARGO) build --release --locked
	python3 tests/beside.py $(BUILT) $(ARGS)

instructions: ## count the instructions of one exchange in the protocol layer (needs valgrind)
	$(CARGO) bench --locked --bench exchange

fuzz: ## give each parser random bytes for SECONDS=300 (needs cargo-fuzz)
	sh tests/fuzz/run.sh $(SECONDS)

check: ## check the format, the lints and the documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --features auth,inflate,tls --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings
	$(CARGO) clippy --locked --no-default-features --features json --lib -- -D warnings
	$(CARGO) clippy --locked --no-default-features --features inflate --lib -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --features inflate

model: ## try every interleaving of the code by which workers own connections (loom)
	RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/loom $(CARGO) test --locked --release --lib model

clean: ## remove what was built
	$(CARGO) clean

help: ## list all of this
	@sed -n 's/%/N/; s/^\([a-zN-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10
