#!/bin/sh
# Compares "hello with one parameter" on threadbare, tiny_http and axum: lines, crates, processor time to build
# from nothing, size of the program, resident memory, and processor time of the server for each request.
#   sh benches/hello/run.sh CLIENT [ROUNDS [REQUESTS]]      CLIENT: our client, built with --release
# The servers are measured in turn, round by round; the table has the medians. Linux only (/proc). The first run
# downloads the crates of the others.
set -eu
client=$(realpath "$1")
rounds=${2:-5}
requests=${3:-100000}
cd "$(dirname "$0")"
names="threadbare tiny_http axum"
work=$(mktemp -d)
started=
trap 'for pid in $started; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT
ticks=$(getconf CLK_TCK)
port=18470

# Prints the processor time of a process so far, in ticks.
used() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
# Prints the resident memory of a process, in KB.
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

cp ../../Cargo.lock threadbare/ # the versions that the product is tested with
for name in $names; do
	cargo fetch --quiet --manifest-path "$name/Cargo.toml"
	(
		cargo build --release --offline --quiet --manifest-path "$name/Cargo.toml" \
			--target-dir "$work/$name.target"
		times
	) >"$work/times"
	awk -F '[ ms]+' 'NR == 2 { printf "%.0f\n", $1 * 60 + $2 + $3 * 60 + $4 }' "$work/times" >"$work/$name.build"
	cp "$work/$name.target/release/hello-$name" "$work/$name"
	rm -rf "$work/$name.target"
	port=$((port + 1))
	"$work/$name" "127.0.0.1:$port" 2>/dev/null &
	started="$started $!"
	echo "$! http://127.0.0.1:$port/hello/ada" >"$work/$name.run"
done
sleep 1
for name in $names; do
	read -r pid url <"$work/$name.run"
	test "$("$client" "$url")" = "hello, ada"
	"$client" bench -c 64 -n 10000 "$url" >"$work/report" 2>&1 || { cat "$work/report" && exit 1; }
done
for _ in $(seq "$rounds"); do
	for name in $names; do
		read -r pid url <"$work/$name.run"
		before=$(used "$pid")
		"$client" bench -c 64 -n "$requests" "$url" >"$work/report" 2>&1 || { cat "$work/report" && exit 1; }
		used "$pid" | awk -v before="$before" -v ticks="$ticks" -v requests="$requests" \
			'{ printf "%.2f\n", ($1 - before) / ticks / requests * 1000000 }' >>"$work/$name.cpu"
		resident "$pid" >>"$work/$name.memory"
	done
done
printf '%-11s %6s %7s %8s %9s %10s %12s\n' '' lines crates build/s size/KB memory/KB us/request
for name in $names; do
	lines=$(grep -cv '^ *//\|^$' "$name/src/main.rs")
	crates=$(cargo tree --offline -e normal,build --prefix none --manifest-path "$name/Cargo.toml" |
		sed 's/ (.*//' | sort -u | wc -l)
	size=$(($(wc -c <"$work/$name") / 1024))
	printf '%-11s %6d %7d %8s %9d %10d %12s\n' "$name" "$lines" "$((crates - 1))" "$(cat "$work/$name.build")" \
		"$size" "$(median "$work/$name.memory")" "$(median "$work/$name.cpu")"
done
