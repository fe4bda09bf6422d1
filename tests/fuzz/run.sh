#!/bin/sh
# Feeds random bytes to each parser, for so many seconds each: run.sh [seconds]. Anything found is
# left in tests/fuzz/artifacts, and the run fails.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-300}
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "fuzz: skipped: cargo-fuzz is not installed (cargo install cargo-fuzz --locked)"
    exit 0
fi
# The coverage counters are an unstable option of the compiler; this lets a stable one have it.
export RUSTC_BOOTSTRAP=1
# The sanitizer keeps freed memory for a while, 256 MB of it: as much as the limit below gives to all. With
# less the limit is the parser's own again.
export ASAN_OPTIONS=quarantine_size_mb=16
if ! log=$(cargo fuzz build --fuzz-dir tests/fuzz 2>&1); then
    echo "$log"
    echo "fuzz: skipped: this toolchain cannot build the targets (libFuzzer needs a C++ compiler, on Linux or macOS)"
    exit 0
fi
for target in $(cargo fuzz list --fuzz-dir tests/fuzz); do
    echo "fuzz: $target, $seconds s"
    # What is found anew stays out of the checkout; the kept corpus is the start.
    found="tests/fuzz/target/found/$target"
    mkdir -p "$found"
    cargo fuzz run --fuzz-dir tests/fuzz "$target" "$found" "tests/fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=1 -rss_limit_mb=256 -malloc_limit_mb=64 \
        -print_final_stats=1 -verbosity=0
done
